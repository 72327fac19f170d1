/*
 * The mark by which a file is known as a shim, whatever its name and version: an
 * ELF note in its first 4096 bytes.
 */
#ifndef SHIM_MARKER_H
#define SHIM_MARKER_H

#include <stdbool.h>

/* Whether the file is a shim. One that cannot be read is none. */
bool marker_is_shim(const char *path);

#endif
