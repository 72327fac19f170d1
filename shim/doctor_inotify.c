/* inotify's limits, which are for each user: how near the busiest one is. */
#include "doctor.h"
#include "file.h"
#include "process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { USERS_MAX = 256 };

struct user_use {
	uid_t uid;
	uint64_t instances;
	uint64_t watches;
};

struct inotify_use {
	struct user_use users[USERS_MAX];
	size_t count;
	bool hidden; /* some process may not be looked at */
};

/* One line each: fs/notify/fdinfo.c. */
static uint64_t watches_count(int process, const char *descriptor)
{
	char path[64];
	char *line = NULL;
	size_t size = 0;
	uint64_t count = 0;
	FILE *file;
	int fd;

	snprintf(path, sizeof(path), "fdinfo/%.32s", descriptor);
	fd = openat(process, path, O_RDONLY | O_CLOEXEC);
	file = fd >= 0 ? fdopen(fd, "r") : NULL;
	while (file != NULL && getline(&line, &size, file) > 0)
		count += strncmp(line, "inotify ", strlen("inotify ")) == 0;
	free(line);
	if (file != NULL)
		fclose(file);
	else if (fd >= 0)
		close(fd);
	return count;
}

static void use_add(struct inotify_use *use, uid_t uid, uint64_t watches)
{
	size_t at = 0;

	while (at < use->count && use->users[at].uid != uid)
		at++;
	if (at == USERS_MAX)
		return;
	if (at == use->count)
		use->users[use->count++] = (struct user_use){.uid = uid};
	use->users[at].instances++;
	use->users[at].watches += watches;
}

static int process_look(void *context, pid_t pid, int process)
{
	struct inotify_use *use = context;
	DIR *directory = file_list(process, "fd");
	struct dirent *entry;
	struct stat status;

	(void)pid;
	if (directory == NULL) {
		use->hidden = use->hidden || errno == EACCES || errno == EPERM;
		return 0;
	}
	while ((entry = readdir(directory)) != NULL) {
		char target[32];
		ssize_t length =
		    readlinkat(dirfd(directory), entry->d_name, target, sizeof(target) - 1);

		if (length < 0)
			continue;
		target[length] = '\0';
		/* anon_inode:inotify; the kernel's version decides about "[...]" */
		if (strncmp(target, "anon_inode:", strlen("anon_inode:")) == 0 &&
		    strstr(target, "inotify") != NULL && fstat(process, &status) == 0)
			use_add(use, status.st_uid, watches_count(process, entry->d_name));
	}
	closedir(directory);
	return 0;
}

/* A limit of which more than three quarters are in use will not last. */
static void use_judge(const struct doctor *doctor, struct finding *finding, const char *path,
		      uint64_t used, uid_t uid, bool hidden)
{
	uint64_t most;

	if (!finding_read_number(finding, doctor->roots.proc, path, &most))
		return;
	snprintf(finding->present, sizeof(finding->present),
		 "%" PRIu64 " of %" PRIu64 " used (uid %u)", used, most, uid);
	if (used / 3 < most / 4) {
		if (hidden)
			finding_is(finding, SEVERITY_UNKNOWN,
				   "not all processes may be looked at: ask as root");
		return;
	}
	snprintf(finding->wanted, sizeof(finding->wanted), "%" PRIu64 " or more", 2 * used);
	snprintf(finding->command, sizeof(finding->command), "sysctl -w %s=%" PRIu64, finding->name,
		 2 * used);
	finding_is(finding, SEVERITY_NOTICE,
		   "the limit is for each user, and uid %u has more than three quarters in use; "
		   "when there are none left, services do not start or miss changes (the dnsmasq "
		   "of each virtual network is one of them). Wanted is twice what is in use",
		   uid);
}

void doctor_inotify(const struct doctor *doctor, struct findings *findings)
{
	struct finding *finding;
	struct inotify_use *use = calloc(1, sizeof(*use));
	struct user_use instances = {0};
	struct user_use watches = {0};

	if (use == NULL) {
		findings->incomplete = true;
		return;
	}
	(void)process_each(AT_FDCWD, doctor->roots.proc, process_look, use);
	for (size_t i = 0; i < use->count; i++) {
		if (use->users[i].instances > instances.instances)
			instances = use->users[i];
		if (use->users[i].watches > watches.watches)
			watches = use->users[i];
	}
	finding = findings_add(findings, "limits", "fs.inotify.max_user_instances");
	if (finding != NULL)
		use_judge(doctor, finding, "sys/fs/inotify/max_user_instances", instances.instances,
			  instances.uid, use->hidden);
	finding = findings_add(findings, "limits", "fs.inotify.max_user_watches");
	if (finding != NULL)
		use_judge(doctor, finding, "sys/fs/inotify/max_user_watches", watches.watches,
			  watches.uid, use->hidden);
	free(use);
}
