#include "interrupts.h"
#include "file.h"
#include "number.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_NAME_SIZE = 64 };

int interrupts_open(struct interrupts *interrupts, const struct roots *roots)
{
	char path[PATH_MAX];

	*interrupts = (struct interrupts){.affinity = -1};
	snprintf(path, sizeof(path), "%s/kernel/irq", roots->sys);
	interrupts->list = opendir(path);
	if (interrupts->list == NULL)
		return -errno;
	snprintf(path, sizeof(path), "%s/irq", roots->proc);
	interrupts->affinity = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return interrupts->affinity < 0 ? -errno : 0;
}

void interrupts_close(struct interrupts *interrupts)
{
	if (interrupts->list != NULL)
		closedir(interrupts->list);
	if (interrupts->affinity >= 0)
		close(interrupts->affinity);
	*interrupts = (struct interrupts){.affinity = -1};
}

static int compare_numbers(const void *left, const void *right)
{
	const struct interrupt *a = left;
	const struct interrupt *b = right;

	return (a->number > b->number) - (a->number < b->number);
}

static int list_add(struct interrupt_list *list, unsigned int number, ino_t id)
{
	if (list->count == list->room) {
		size_t room = list->room == 0 ? 128 : 2 * list->room;
		struct interrupt *at = reallocarray(list->at, room, sizeof(*at));

		if (at == NULL)
			return -ENOMEM;
		list->at = at;
		list->room = room;
	}
	list->at[list->count++] = (struct interrupt){number, id};
	return 0;
}

int interrupts_list(const struct interrupts *interrupts, struct interrupt_list *list)
{
	bool sorted = true;
	int result = 0;

	list->count = 0;
	rewinddir(interrupts->list);
	while (result == 0) {
		const struct dirent *entry;
		unsigned int number;
		size_t length;

		errno = 0;
		entry = readdir(interrupts->list);
		if (entry == NULL)
			break;
		length = number_read(entry->d_name, INT_MAX, &number);
		if (length == 0 || entry->d_name[length] != '\0')
			continue;
		sorted = sorted && (list->count == 0 || number > list->at[list->count - 1].number);
		result = list_add(list, number, entry->d_ino);
	}
	if (result == 0 && errno != 0)
		return -errno;
	if (!sorted)
		qsort(list->at, list->count, sizeof(*list->at), compare_numbers);
	return result;
}

/* What "N/NAME" is among those of /proc/irq. */
static const char *file_name(char name[FILE_NAME_SIZE], unsigned int number, const char *file)
{
	snprintf(name, FILE_NAME_SIZE, "%u/%s", number, file);
	return name;
}

bool interrupt_is_there(const struct interrupts *interrupts, unsigned int number)
{
	char name[FILE_NAME_SIZE];

	return faccessat(interrupts->affinity, file_name(name, number, "smp_affinity_list"), F_OK,
			 0) == 0;
}

static int cpus_read(const struct interrupts *interrupts, unsigned int number, const char *file,
		     struct id_set *cpus)
{
	char text[ID_SET_LIST_SIZE];
	char name[FILE_NAME_SIZE];
	ssize_t length =
	    file_read(interrupts->affinity, file_name(name, number, file), text, sizeof(text));

	return length < 0 ? (int)length : id_set_read(cpus, text);
}

int interrupt_affinity(const struct interrupts *interrupts, unsigned int number,
		       struct id_set *cpus)
{
	return cpus_read(interrupts, number, "smp_affinity_list", cpus);
}

int interrupt_delivery(const struct interrupts *interrupts, unsigned int number,
		       struct id_set *cpus)
{
	int result = cpus_read(interrupts, number, "effective_affinity_list", cpus);

	if (result == 0 && !id_set_is_empty(cpus))
		return 0;
	return interrupt_affinity(interrupts, number, cpus);
}

/* Whether the number still is this one's. */
static bool interrupt_is(const struct interrupts *interrupts, const struct interrupt *interrupt)
{
	char name[FILE_NAME_SIZE];
	struct stat stat;

	snprintf(name, sizeof(name), "%u", interrupt->number);
	return fstatat(dirfd(interrupts->list), name, &stat, 0) == 0 &&
	       stat.st_ino == interrupt->id;
}

/*
 * What is open is this interrupt's own file, or the number has been another's already: when an
 * interrupt is gone, to write to its file is EIO, whose ever the number is then.
 */
int interrupt_set_affinity(const struct interrupts *interrupts, const struct interrupt *interrupt,
			   const struct id_set *cpus)
{
	char list[ID_SET_LIST_SIZE];
	char name[FILE_NAME_SIZE];
	int fd =
	    openat(interrupts->affinity, file_name(name, interrupt->number, "smp_affinity_list"),
		   O_WRONLY | O_CLOEXEC);
	int result = fd < 0 ? -errno : 0;

	if (!interrupt_is(interrupts, interrupt))
		result = -ENOENT;
	if (result == 0)
		result = file_write_to(fd, id_set_format(cpus, list, sizeof(list)));
	if (fd >= 0)
		close(fd);
	if (result < 0 && !interrupt_is(interrupts, interrupt))
		return -ENOENT;
	/* A newer kernel makes such a file one that nobody may write. */
	return result == -EACCES || result == -EPERM ? -EIO : result;
}

int interrupt_actions(const struct interrupts *interrupts, unsigned int number,
		      char text[INTERRUPT_ACTIONS_SIZE])
{
	char name[FILE_NAME_SIZE];
	ssize_t length = file_read(dirfd(interrupts->list), file_name(name, number, "actions"),
				   text, INTERRUPT_ACTIONS_SIZE);

	if (length < 0)
		return (int)length;
	text[strcspn(text, "\n")] = '\0';
	return 0;
}
