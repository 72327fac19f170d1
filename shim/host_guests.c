#include "host_guests.h"
#include "emulators.h"
#include "file.h"
#include "process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COMM_SIZE = 32, DEFINITION_MAX = 1024 * 1024 };

static bool ends(const char *text, const char *back)
{
	size_t length = strlen(text);

	return length >= strlen(back) && strcmp(text + length - strlen(back), back) == 0;
}

static int guest_count(void *context, const struct running_emulator *emulator)
{
	struct host_guests *host = context;

	(void)emulator;
	host->running++;
	return 0;
}

static int service_note(void *context, pid_t pid, int directory)
{
	struct host_guests *host = context;
	char comm[COMM_SIZE];

	if (file_read(directory, "comm", comm, sizeof(comm)) < 0)
		return 0;
	comm[strcspn(comm, "\n")] = '\0';
	if (strcmp(comm, "virtqemud") == 0)
		host->virtqemud = true;
	else if (strcmp(comm, "libvirtd") == 0)
		host->libvirtd = true;
	else if (strcmp(comm, "irqbalance") == 0)
		host->irqbalance = pid;
	return 0;
}

static void emulator_add(struct host_guests *host, const char *path)
{
	for (size_t i = 0; i < host->emulator_count; i++) {
		if (strcmp(host->emulators[i], path) == 0)
			return;
	}
	if (host->emulator_count < HOST_EMULATORS_MAX &&
	    (host->emulators[host->emulator_count] = strdup(path)) != NULL)
		host->emulator_count++;
}

/* libvirt writes these files itself, and always in the same way (virDomainDefFormat). */
static void definition_read(struct host_guests *host, char *text)
{
	static const char front[] = "<emulator>";
	char *begin = strstr(text, front);
	char *end;

	if (begin == NULL)
		return;
	begin += strlen(front);
	end = strchr(begin, '<');
	if (end == NULL || *begin != '/')
		return;
	*end = '\0';
	emulator_add(host, begin);
}

static void definitions_look(struct host_guests *host, const char *etc)
{
	char path[PATH_MAX];
	struct dirent *entry;
	DIR *directory;
	char *text = malloc(DEFINITION_MAX);

	snprintf(path, sizeof(path), "%s/libvirt/qemu", etc);
	directory = opendir(path);
	host->defined_unknown = directory == NULL && errno != ENOENT;
	while (directory != NULL && (entry = readdir(directory)) != NULL) {
		if (!ends(entry->d_name, ".xml"))
			continue;
		host->defined++;
		if (text != NULL &&
		    file_read(dirfd(directory), entry->d_name, text, DEFINITION_MAX) >= 0)
			definition_read(host, text);
	}
	if (directory != NULL)
		closedir(directory);
	free(text);
}

int host_guests_read(struct host_guests *host, const struct roots *roots, const char *etc)
{
	int services;
	int guests;

	*host = (struct host_guests){0};
	services = process_each(AT_FDCWD, roots->proc, service_note, host);
	guests = emulators_find(roots, guest_count, host);
	definitions_look(host, etc);
	return services == -ENOMEM || guests == -ENOMEM ? -ENOMEM : 0;
}

void host_guests_free(struct host_guests *host)
{
	for (size_t i = 0; i < host->emulator_count; i++)
		free(host->emulators[i]);
	*host = (struct host_guests){0};
}
