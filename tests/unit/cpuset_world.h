/*
 * Cgroups that are made up, of plain files, and what the kernel makes of a write to a cpuset.cpus
 * among them, which a plain file does not: it takes a list as a whole, and under cgroup v1 it
 * refuses one that the cgroup above has not (EACCES), or that lacks what one below has (EBUSY;
 * validate_change in its kernel/cgroup/cpuset.c).
 */
#ifndef CPUSET_WORLD_H
#define CPUSET_WORLD_H

#include "file.h"
#include "sets.h"
#include "tree.h"

#include <fcntl.h>
#include <stdbool.h>
#include <sys/syscall.h>

static bool under_v1;
static const char *refused_cgroup; /* the name of one that takes nothing; NULL: none */
static int refusal;                /* its errno */
static char written[4096];         /* "NAME=CPUS ", each, in that order */

/* Whether a descriptor leads to such a file; the directory that this is in. */
static inline bool cpuset_directory(int fd, char path[PATH_MAX])
{
	static const char file[] = "/cpuset.cpus";
	char link[64];
	ssize_t length;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	length = readlink(link, path, PATH_MAX - 1);
	if (length < (ssize_t)strlen(file))
		return false;
	path[length] = '\0';
	if (strcmp(path + length - strlen(file), file) != 0)
		return false;
	path[length - (ssize_t)strlen(file)] = '\0';
	return true;
}

/* What a cgroup has; false: it is none. */
static inline bool cpuset_read(const char *cgroup, const char *below, struct id_set *cpus)
{
	char path[2 * PATH_MAX];
	char text[ID_SET_LIST_SIZE];

	snprintf(path, sizeof(path), "%s/%s/cpuset.cpus", cgroup, below);
	return file_read(AT_FDCWD, path, text, sizeof(text)) >= 0 && id_set_read(cpus, text) == 0;
}

/* What the kernel says to it: 0 or an errno. */
static inline int cpuset_verdict(const char *cgroup, const char *text)
{
	struct id_set now;
	struct id_set other;
	struct dirent *entry;
	DIR *list;
	int verdict = 0;

	if (refused_cgroup != NULL && strcmp(strrchr(cgroup, '/') + 1, refused_cgroup) == 0)
		return refusal;
	if (id_set_read(&now, text) < 0)
		return EINVAL;
	if (!under_v1)
		return 0;
	if (cpuset_read(cgroup, "..", &other) && !id_set_holds(&other, &now))
		return EACCES;
	list = opendir(cgroup);
	while (list != NULL && (entry = readdir(list)) != NULL) {
		if (entry->d_name[0] != '.' && entry->d_type == DT_DIR &&
		    cpuset_read(cgroup, entry->d_name, &other) && !id_set_holds(&now, &other))
			verdict = EBUSY;
	}
	if (list != NULL)
		closedir(list);
	return verdict;
}

/* Goes before that of the C library, for all of this program. */
ssize_t write(int fd, const void *data, size_t length)
{
	int code = errno;
	char path[PATH_MAX];
	char text[ID_SET_LIST_SIZE];
	int verdict;

	if (!cpuset_directory(fd, path)) {
		errno = code;
		return syscall(SYS_write, fd, data, length);
	}
	snprintf(text, sizeof(text), "%.*s", (int)length, (const char *)data);
	verdict = cpuset_verdict(path, text);
	if (verdict != 0) {
		errno = verdict;
		return -1;
	}
	text_add(written, sizeof(written), "%s=%s ", strrchr(path, '/') + 1, text);
	errno = code;
	return ftruncate(fd, 0) == 0 ? syscall(SYS_write, fd, data, length) : -1;
}

#endif
