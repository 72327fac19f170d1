/*
 * The mark by which a file is known as a shim, whatever its name and version: an
 * ELF note in its first 4096 bytes.
 */
#ifndef SHIM_MARKER_H
#define SHIM_MARKER_H

#include <stddef.h>

/* Returns 1 where the file is a shim, 0 where it is not, or a -errno where it cannot be read. */
int marker_is_shim(const char *path);

/* The same, with the version of the shim in `version`, cut where it does not fit. */
int marker_version(const char *path, char *version, size_t size);

/* The same of a file that is open for reading. */
int marker_in(int fd);

#endif
