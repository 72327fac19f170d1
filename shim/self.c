#include "self.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

/* Whether the file that is executed gives rights to whoever executes it. */
static bool file_gives_rights(void)
{
	static const char path[] = "/proc/self/exe";
	struct stat stat_buffer;

	return stat(path, &stat_buffer) < 0 || (stat_buffer.st_mode & (S_ISUID | S_ISGID)) != 0 ||
	       getxattr(path, "security.capability", NULL, 0) >= 0;
}

static const char *stands_for; /* the shim's path; NULL: this is the shim */
static bool was_secure;

void self_take_over(void)
{
	static const char key[] = SELF_STANDS_FOR;
	const char *value;

	if (*environ == NULL || strncmp(*environ, key, strlen(key)) != 0)
		return;
	value = *environ + strlen(key);
	environ++;
	/* Whoever starts this program with more rights than he has is not the shim. */
	if (*value != '0' && *value != '1')
		return;
	/* It has them from a shim that has them, then, or from nobody. */
	if (getauxval(AT_SECURE) != 0 && (*value != '1' || file_gives_rights()))
		return;
	was_secure = *value == '1';
	stands_for = value + 1;
}

/* What is executed; the kernel adds a word where that is no longer there (proc_pid_exe(5)). */
static int executable_path(char *path, size_t size, struct error *error)
{
	static const char deleted[] = " (deleted)";
	ssize_t length = readlink("/proc/self/exe", path, size - 1);
	struct stat stat;

	if (length < 0)
		return error_set(error, -EACCES, "/proc/self/exe cannot be read: %s",
				 strerror(errno));
	path[length] = '\0';
	if ((size_t)length > strlen(deleted) &&
	    strcmp(path + length - strlen(deleted), deleted) == 0 && lstat(path, &stat) < 0)
		path[length - (ssize_t)strlen(deleted)] = '\0';
	return 0;
}

int self_path(char *path, size_t size, struct error *error)
{
	if (stands_for == NULL)
		return executable_path(path, size, error);
	if (strlen(stands_for) >= size)
		return error_set(error, -ENAMETOOLONG, "%s: the path is too long", stands_for);
	strcpy(path, stands_for);
	return 0;
}

bool self_is_secure(void)
{
	return was_secure || getauxval(AT_SECURE) != 0;
}

const char *self_getenv(const char *name)
{
	return was_secure ? NULL : secure_getenv(name);
}
