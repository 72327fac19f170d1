/* Opening a file that only its owner, root or one named user, can have written. */
#ifndef POLICY_TRUSTED_H
#define POLICY_TRUSTED_H

#include "error.h"

#include <stddef.h>
#include <sys/types.h>

/*
 * Opens `path` for reading, close-on-exec, and says its size in bytes. Symbolic
 * links are followed; the directory that is checked is then also the one the
 * file really is in.
 *
 * Returns the descriptor. `error` is filled where the file must not be trusted:
 * it, or its directory, belongs to neither root nor `owner`, or may be written
 * by others. Returns -ENOENT, `error` left alone, where there is no such file,
 * and another -errno with `error` filled where it cannot be opened or is no
 * regular file.
 */
int trusted_open(const char *path, uid_t owner, size_t *size, struct error *error);

#endif
