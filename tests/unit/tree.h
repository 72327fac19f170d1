/* A directory of each test's own, in which it runs, and what tests make there. */
#ifndef TREE_H
#define TREE_H

#include "unit.h"

#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char directory[PATH_MAX];
static unsigned int descriptors_before;

/* How many descriptors a process has open. */
static inline unsigned int descriptors_of(pid_t pid)
{
	char path[64];
	unsigned int count = 0;
	DIR *entries;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	entries = opendir(path);
	assert_non_null(entries);
	while (readdir(entries) != NULL)
		count++;
	closedir(entries);
	return count - 2; /* without "." and ".." */
}

/* Where this program is. Returns 0 or -1. */
static inline int program_directory(char path[PATH_MAX])
{
	ssize_t length = readlink("/proc/self/exe", path, PATH_MAX - 1);

	if (length < 0)
		return -1;
	path[length] = '\0';
	*strrchr(path, '/') = '\0';
	return 0;
}

static inline int remove_one(const char *path, const struct stat *stat, int kind, struct FTW *walk)
{
	(void)stat;
	(void)kind;
	(void)walk;
	return remove(path);
}

static inline int remove_tree(const char *path)
{
	return nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* Makes the directory in TMPDIR, or else beside this program. For cmocka's setup. */
static inline int enter_directory(void **state)
{
	const char *parent = getenv("TMPDIR");
	char self[PATH_MAX];

	(void)state;
	if (program_directory(self) < 0 || chdir(parent != NULL ? parent : self) < 0)
		return -1;
	strcpy(directory, "work-XXXXXX");
	umask(022);
	if (mkdtemp(directory) == NULL || chdir(directory) < 0)
		return -1;
	descriptors_before = descriptors_of(getpid());
	return getcwd(directory, sizeof(directory)) == NULL ? -1 : 0;
}

/* Whatever a test did, no descriptor may be left open by it. For cmocka's teardown. */
static inline int leave_directory(void **state)
{
	unsigned int left = descriptors_of(getpid()) - descriptors_before;

	(void)state;
	if (left != 0)
		print_message("# %d descriptors were left open\n", (int)left);
	if (chdir("/") < 0 || remove_tree(directory) < 0)
		return -1;
	return left == 0 ? 0 : -1;
}

/* The directories on the way to a file. */
static inline void make_directories(const char *path)
{
	char part[PATH_MAX];

	for (const char *slash = strchr(path, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
		snprintf(part, sizeof(part), "%.*s", (int)(slash - path), path);
		if (mkdir(part, 0755) < 0)
			assert_int_equal(errno, EEXIST);
	}
}

/* Makes a file anew, not what a link in its place leads to. */
static inline void make_bytes(const char *path, const char *bytes, size_t length)
{
	FILE *file;

	make_directories(path);
	(void)unlink(path);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, length, file), length);
	assert_int_equal(fclose(file), 0);
}

/* What a file holds, until the next call. */
static inline const char *text_of(const char *path)
{
	static char text[65536];
	FILE *file = fopen(path, "re");
	size_t length;

	assert_non_null(file);
	length = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[length] = '\0';
	return text;
}

static inline void make_file(const char *path, const char *text)
{
	make_bytes(path, text, strlen(text));
}

static inline void make_link(const char *target, const char *path)
{
	(void)unlink(path);
	assert_int_equal(symlink(target, path), 0);
}

/* Whoever opens it for reading waits. */
static inline void make_fifo(const char *path)
{
	(void)unlink(path);
	assert_int_equal(mkfifo(path, 0644), 0);
}

#endif
