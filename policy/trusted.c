#include "trusted.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Says in `error` why what `stat` tells of must not be trusted, if it must not. */
static void trust_check(const char *path, const char *what, const struct stat *stat, uid_t owner,
			struct error *error)
{
	if (stat->st_uid != 0 && stat->st_uid != owner)
		error_set(error, -EPERM, "%s: ignored: %s belongs to uid %u: chown it to root",
			  path, what, stat->st_uid);
	else if (stat->st_mode & (S_IWGRP | S_IWOTH))
		error_set(error, -EPERM,
			  "%s: ignored: %s may be written by others (mode %04o): chmod go-w it",
			  path, what, stat->st_mode & 07777);
}

static int open_failed(const char *path, struct error *error)
{
	int code = errno;

	if (code == ENOENT || code == ENOTDIR)
		return -ENOENT;
	if (code == EACCES)
		return error_set(error, -code,
				 "%s: ignored: uid %u may not read it: chmod o+r it, and chmod o+x "
				 "its directory",
				 path, geteuid());
	return error_set(error, -code, "%s: ignored: cannot be opened: %s", path, strerror(code));
}

/* Opens the directory of `path`, which may be a relative one. */
static int directory_open(const char *path)
{
	char directory[PATH_MAX];
	const char *slash = strrchr(path, '/');
	size_t length = slash == NULL ? 0 : (size_t)(slash - path);

	if (length >= sizeof(directory)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(directory, path, length);
	directory[length] = '\0';
	if (length == 0)
		strcpy(directory, slash == NULL ? "." : "/");
	return open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

/* The same of what is open as `fd`. Returns 0 with *stat filled, or as open_failed(). */
static int descriptor_check(int fd, const char *path, const char *what, uid_t owner,
			    struct stat *stat, struct error *error)
{
	if (fstat(fd, stat) < 0)
		return open_failed(path, error);
	trust_check(path, what, stat, owner, error);
	return 0;
}

/* As trusted_open(), but does not follow a link: then -ELOOP, `error` left alone. */
static int open_here(const char *path, uid_t owner, size_t *size, struct error *error)
{
	const char *slash = strrchr(path, '/');
	struct stat stat;
	int directory = directory_open(path);
	int result;
	int fd;

	if (directory < 0)
		return open_failed(path, error);
	/* O_NONBLOCK: a FIFO in a policy's place must not hold up a guest's start. */
	fd = openat(directory, slash == NULL ? path : slash + 1,
		    O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	if (fd < 0) {
		fd = errno == ELOOP ? -ELOOP : open_failed(path, error);
		close(directory);
		return fd;
	}
	result = descriptor_check(directory, path, "its directory", owner, &stat, error);
	close(directory);
	if (result == 0)
		result = descriptor_check(fd, path, "it", owner, &stat, error);
	if (result == 0 && !S_ISREG(stat.st_mode))
		result = error_set(error, -EINVAL, "%s: ignored: it is no regular file", path);
	if (result < 0) {
		close(fd);
		return result;
	}
	*size = (size_t)stat.st_size;
	return fd;
}

/* Checks the directory that `path` is in. */
static int parent_check(const char *path, uid_t owner, struct error *error)
{
	struct stat stat;
	int directory = directory_open(path);
	int result;

	if (directory < 0)
		return open_failed(path, error);
	result = descriptor_check(directory, path, "its directory", owner, &stat, error);
	close(directory);
	return result;
}

/* Reads a link, and makes a relative one a path from where we are. */
static int link_read(const char *path, char *target, size_t size, struct error *error)
{
	char link[PATH_MAX];
	const char *slash = strrchr(path, '/');
	ssize_t length = readlink(path, link, sizeof(link) - 1);
	int used;

	if (length < 0)
		return open_failed(path, error);
	link[length] = '\0';
	used = snprintf(target, size, "%.*s%s",
			slash == NULL || *link == '/' ? 0 : (int)(slash + 1 - path), path, link);
	if (used < 0 || (size_t)used >= size)
		return error_set(error, -ENAMETOOLONG, "%s: ignored: the link is too long", path);
	return 0;
}

int trusted_open(const char *path, uid_t owner, size_t *size, struct error *error)
{
	char target[PATH_MAX];
	int result;
	int fd = open_here(path, owner, size, error);

	if (fd != -ELOOP)
		return fd;
	/* A link is trusted for its directory's sake, and what it names for its own. */
	result = parent_check(path, owner, error);
	if (result == 0)
		result = link_read(path, target, sizeof(target), error);
	if (result < 0)
		return result;
	fd = open_here(target, owner, size, error);
	if (fd == -ELOOP)
		return error_set(error, -ELOOP,
				 "%s: ignored: it is a link to a link: name the file itself", path);
	return fd;
}

int trusted_directory(const char *path, uid_t owner, struct error *error)
{
	struct stat stat;
	int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int result;

	if (fd < 0 && errno == ENOTDIR)
		return error_set(error, -ENOTDIR, "%s: ignored: it is no directory", path);
	if (fd < 0)
		return open_failed(path, error);
	result = descriptor_check(fd, path, "it", owner, &stat, error);
	close(fd);
	return result == 0 ? parent_check(path, owner, error) : result;
}

/* The directory above, in place; false: there is none. */
static bool directory_above(char *path)
{
	char *slash = strrchr(path, '/');

	if (slash == NULL || path[1] == '\0')
		return false;
	slash[slash == path] = '\0';
	return true;
}

int trusted_way(const char *directory, uid_t owner, struct error *error)
{
	char path[PATH_MAX];
	struct stat stat;
	bool above = false;

	if (strlen(directory) >= sizeof(path))
		return error_set(error, -ENAMETOOLONG, "%s: the path is too long", directory);
	strcpy(path, directory);
	if (path[0] != '\0' && path[1] != '\0' && path[strlen(path) - 1] == '/')
		path[strlen(path) - 1] = '\0';
	do {
		if (lstat(path, &stat) < 0)
			return error_set(error, -errno, "%s: cannot be looked at: %s", path,
					 strerror(errno));
		if (stat.st_uid != 0 && stat.st_uid != owner)
			return error_set(error, -EPERM,
					 "%s: belongs to uid %u, who could put anything there: use "
					 "a directory that only root writes",
					 path, stat.st_uid);
		/* Where only who owns a file may rename it, what is ours stays. */
		if ((stat.st_mode & (S_IWGRP | S_IWOTH)) != 0 &&
		    !(above && (stat.st_mode & S_ISVTX) != 0))
			return error_set(error, -EPERM,
					 "%s: may be written by others (mode %04o), who could put "
					 "anything there: use a directory that only root writes",
					 path, stat.st_mode & 07777);
		above = true;
	} while (directory_above(path));
	return 0;
}
