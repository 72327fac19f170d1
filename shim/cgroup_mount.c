#include "cgroup_mount.h"
#include "cgroup.h"
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

enum { MOUNTS_SIZE = 1024 * 1024, MOUNTS_MAX = 64 };

/* A place where cgroups are mounted: a container may have only a part of a hierarchy. */
struct mount {
	bool unified;
	char *root; /* of that part */
	char *point;
};

struct mounts {
	const struct roots *roots; /* whose they are */
	int watch;                 /* the kernel's list; -1: it is not known when that changes */
	size_t count;
	struct mount at[MOUNTS_MAX];
};

/*
 * Takes one line of mountinfo (proc(5)):
 *	ID PARENT MAJOR:MINOR ROOT MOUNT-POINT OPTIONS [TAG…] - TYPE SOURCE OPTIONS
 * A blank in a path is written \040 there; the cgroups are not mounted at such.
 */
static bool line_read(char *line, bool *unified, const char **root, const char **point)
{
	char *word[6];
	char *type = NULL;
	char *options = NULL;
	char *save = NULL;

	for (size_t i = 0; i < sizeof(word) / sizeof(word[0]); i++) {
		word[i] = strtok_r(i == 0 ? line : NULL, " ", &save);
		if (word[i] == NULL)
			return false;
	}
	do
		type = strtok_r(NULL, " ", &save);
	while (type != NULL && strcmp(type, "-") != 0);
	type = strtok_r(NULL, " ", &save);
	(void)strtok_r(NULL, " ", &save);
	options = strtok_r(NULL, " ", &save);
	*root = word[3];
	*point = word[4];
	if (type == NULL || options == NULL)
		return false;
	*unified = strcmp(type, "cgroup2") == 0;
	return *unified || (strcmp(type, "cgroup") == 0 && cgroup_list_has(options, "cpuset"));
}

static void mounts_forget(struct mounts *mounts)
{
	if (mounts->watch >= 0)
		close(mounts->watch);
	for (size_t i = 0; i < mounts->count; i++) {
		free(mounts->at[i].root);
		free(mounts->at[i].point);
	}
	*mounts = (struct mounts){.watch = -1};
}

/* Returns 0 or -errno. */
static int mount_add(struct mounts *mounts, bool unified, const char *root, const char *point)
{
	struct mount mount = {unified, strdup(root), strdup(point)};

	if (mount.root != NULL && mount.point != NULL && mounts->count < MOUNTS_MAX) {
		mounts->at[mounts->count++] = mount;
		return 0;
	}
	free(mount.root);
	free(mount.point);
	/* So many are for nobody's guests but those in the first. */
	return mounts->count == MOUNTS_MAX ? 0 : -ENOMEM;
}

/* Reads all lines of mountinfo, in place. Returns 0 or -errno. */
static int lines_read(struct mounts *mounts, char *text)
{
	char *save = NULL;
	int result = 0;

	for (char *line = strtok_r(text, "\n", &save); result == 0 && line != NULL;
	     line = strtok_r(NULL, "\n", &save)) {
		const char *root;
		const char *point;
		bool unified;

		if (line_read(line, &unified, &root, &point))
			result = mount_add(mounts, unified, root, point);
	}
	return result;
}

/* The kernel says when its list has changed (proc(5), /proc/PID/mounts); a file does not. */
static int watch_open(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct statfs system;

	if (fd < 0 || (fstatfs(fd, &system) == 0 && system.f_type == PROC_SUPER_MAGIC))
		return fd;
	close(fd);
	return -1;
}

static bool mounts_are_known(const struct mounts *mounts, const struct roots *roots)
{
	struct pollfd change = {.fd = mounts->watch, .events = POLLPRI};

	return mounts->roots == roots && mounts->watch >= 0 && poll(&change, 1, 0) == 0;
}

/* Returns 0 or -errno. */
static int mounts_read(struct mounts *mounts, const struct roots *roots)
{
	char path[PATH_MAX];
	char *text;
	int result;

	mounts_forget(mounts);
	mounts->roots = roots;
	text = malloc(MOUNTS_SIZE);
	if (text == NULL)
		return -ENOMEM;
	snprintf(path, sizeof(path), "%s/self/mountinfo", roots->proc);
	/* Before it is read: what changes meanwhile is told of. */
	mounts->watch = watch_open(path);
	result = (int)file_read(AT_FDCWD, path, text, MOUNTS_SIZE);
	if (result >= 0)
		result = lines_read(mounts, text);
	free(text);
	if (result < 0)
		mounts_forget(mounts);
	return result;
}

int cgroup_mount_open(const struct roots *roots, bool unified, const char *path)
{
	static struct mounts mounts = {.watch = -1};
	int result = mounts_are_known(&mounts, roots) ? 0 : mounts_read(&mounts, roots);

	if (result < 0)
		return result;
	result = -ENOENT;
	for (size_t i = 0; i < mounts.count; i++) {
		const struct mount *mount = &mounts.at[i];
		size_t length = strcmp(mount->root, "/") == 0 ? 0 : strlen(mount->root);
		char directory[2 * PATH_MAX];

		if (mount->unified != unified || strncmp(path, mount->root, length) != 0 ||
		    (path[length] != '/' && path[length] != '\0'))
			continue;
		snprintf(directory, sizeof(directory), "%s%s", mount->point, path + length);
		result = open(directory, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (result >= 0)
			return result;
		result = -errno;
	}
	return result;
}
