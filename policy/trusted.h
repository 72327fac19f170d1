/* Opening a file that only its owner, root or one named user, can have written. */
#ifndef POLICY_TRUSTED_H
#define POLICY_TRUSTED_H

#include "error.h"

#include <stddef.h>
#include <sys/types.h>

/*
 * Opens `path` for reading, close-on-exec, and says its size in bytes. It may be
 * a symbolic link, but not to another one; then the directories of both count.
 *
 * Returns the descriptor. `error` is filled where the file must not be trusted:
 * it, or its directory, belongs to neither root nor `owner`, or may be written
 * by others. Returns -ENOENT, `error` left alone, where there is no such file,
 * and another -errno with `error` filled where it cannot be opened or is no
 * regular file.
 */
int trusted_open(const char *path, uid_t owner, size_t *size, struct error *error);

/*
 * Whether the files in a directory may be trusted: the same is asked of it and of
 * the directory that it is in. Returns 0, `error` filled where they must not be;
 * -ENOENT, `error` left alone, where there is none; or another -errno.
 */
int trusted_directory(const char *path, uid_t owner, struct error *error);

/*
 * Whether nobody but root and `owner` can put another file into `directory`, or another directory
 * into its place: it, and each that it is in. It is an absolute path without links, as realpath(3)
 * makes one, but may end with a slash. Returns 0; or -errno with `error` filled.
 */
int trusted_way(const char *directory, uid_t owner, struct error *error);

#endif
