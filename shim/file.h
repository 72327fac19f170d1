/* Small files of the kernel's own file systems, read and written whole. */
#ifndef SHIM_FILE_H
#define SHIM_FILE_H

#include <dirent.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * Reads all of `name` in `directory` (as openat(2) takes them) and ends it with a
 * null byte. Returns its length; -E2BIG where it does not fit into `size` bytes
 * with that; or another -errno.
 */
ssize_t file_read(int directory, const char *name, char *text, size_t size);

/* Writes `text` by one write(2). Returns 0 or -errno. */
int file_write_to(int fd, const char *text);

/*
 * Writes `text` by one write(2), for such a file takes what it is given as a whole.
 * Returns 0 or -errno.
 */
int file_write(int directory, const char *name, const char *text);

/*
 * Opens the directory `name` in `directory` (as openat(2) takes them), to be read by readdir(3)
 * and closed by closedir(3). Returns NULL with errno set where that cannot be.
 */
DIR *file_list(int directory, const char *name);

#endif
