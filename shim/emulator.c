#include "emulator.h"
#include "file.h"
#include "marker.h"
#include "self.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int emulator_exit_status(int code)
{
	return code == -ENOENT ? 127 : 126;
}

int emulator_alias_path(const char *target, char *alias, size_t size)
{
	const char *slash = strrchr(target, '/');
	const char *name = slash == NULL ? target : slash + 1;
	int length = snprintf(alias, size, "%.*s" EMULATOR_ALIAS_DIRECTORY "/%s",
			      (int)(name - target), target, name);

	return length < 0 || (size_t)length >= size ? -ENAMETOOLONG : 0;
}

static int real_check(const char *path, struct stat *stat_buffer, struct error *error)
{
	if (stat(path, stat_buffer) < 0) {
		int code = errno;

		if (code == ENOENT)
			return error_set(error, -code,
					 "%s: the real emulator is missing: reinstall its package",
					 path);
		return error_set(error, -code, "%s: the real emulator cannot be used: %s", path,
				 strerror(code));
	}
	if (!S_ISREG(stat_buffer->st_mode))
		return error_set(error, -EACCES, "%s: the real emulator is no regular file", path);
	if (access(path, X_OK) < 0)
		return error_set(error, errno == ENOENT ? -ENOENT : -EACCES,
				 "%s: the real emulator is not executable: %s", path,
				 strerror(errno));
	if (marker_is_shim(path) > 0) /* one that may not be read may be executed */
		return error_set(error, -ELOOP,
				 "%s: this is the shim again, not the real emulator: put the "
				 "emulator there",
				 path);
	return 0;
}

bool emulator_is_back(const char *target)
{
	return access(target, X_OK) == 0 && marker_is_shim(target) == 0;
}

int emulator_find(struct emulator *emulator, struct error *error)
{
	const char *named = self_getenv("QEMU_KVM_SHIM_REAL");
	char self[PATH_MAX];
	struct stat real;
	struct stat alias;
	int result;

	if (named != NULL && *named != '\0') {
		if (strlen(named) >= sizeof(emulator->real))
			return error_set(error, -ENAMETOOLONG, "QEMU_KVM_SHIM_REAL is too long");
		strcpy(emulator->real, named);
		strcpy(emulator->path, named);
		return real_check(emulator->real, &real, error);
	}
	result = self_path(self, sizeof(self), error);
	if (result < 0)
		return result;
	if (strlen(self) + strlen(EMULATOR_REAL_SUFFIX) >= sizeof(emulator->real))
		return error_set(error, -ENAMETOOLONG, "%s: the path is too long", self);
	strcpy(stpcpy(emulator->real, self), EMULATOR_REAL_SUFFIX);
	result = real_check(emulator->real, &real, error);
	if (result == -ENOENT && emulator_is_back(self)) {
		*error = (struct error){0};
		strcpy(emulator->real, self);
		strcpy(emulator->path, self);
		return real_check(self, &real, error);
	}
	if (result < 0)
		return result;
	if (emulator_alias_path(self, emulator->path, sizeof(emulator->path)) < 0 ||
	    stat(emulator->path, &alias) < 0 || alias.st_dev != real.st_dev ||
	    alias.st_ino != real.st_ino)
		strcpy(emulator->path, emulator->real);
	return 0;
}

void emulator_identity(const struct stat *status, char text[EMULATOR_IDENTITY_SIZE])
{
	snprintf(text, EMULATOR_IDENTITY_SIZE, "inode %llu, %lld bytes, of %lld.%09ld",
		 (unsigned long long)status->st_ino, (long long)status->st_size,
		 (long long)status->st_mtim.tv_sec, status->st_mtim.tv_nsec);
}

bool emulator_lacks(const struct emulator *emulator, const char *feature)
{
	char path[PATH_MAX];
	char text[1024];
	char identity[EMULATOR_IDENTITY_SIZE];
	struct stat real;
	char *line;
	int length = snprintf(path, sizeof(path), "%s" EMULATOR_LACKS_SUFFIX, emulator->path);

	if (strcmp(emulator->path, emulator->real) == 0 || length < 0 ||
	    (size_t)length >= sizeof(path) || stat(emulator->real, &real) < 0 ||
	    file_read(AT_FDCWD, path, text, sizeof(text)) < 0)
		return false;
	emulator_identity(&real, identity);
	line = strtok(text, "\n");
	if (line == NULL || strcmp(line, identity) != 0)
		return false;
	while ((line = strtok(NULL, "\n")) != NULL) {
		if (strcmp(line, feature) == 0)
			return true;
	}
	return false;
}
