#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

ssize_t file_read(int directory, const char *name, char *text, size_t size)
{
	size_t used = 0;
	ssize_t count;
	int code;
	int fd = openat(directory, name, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return -errno;
	do {
		count = read(fd, text + used, size - used);
		if (count > 0)
			used += (size_t)count;
	} while (used < size && (count > 0 || (count < 0 && errno == EINTR)));
	code = errno;
	close(fd);
	if (count < 0)
		return -code;
	if (used == size)
		return -E2BIG;
	text[used] = '\0';
	return (ssize_t)used;
}

int file_write_to(int fd, const char *text)
{
	ssize_t count = write(fd, text, strlen(text));

	if (count < 0)
		return -errno;
	return (size_t)count == strlen(text) ? 0 : -EIO;
}

int file_write(int directory, const char *name, const char *text)
{
	int fd = openat(directory, name, O_WRONLY | O_CLOEXEC | O_NOCTTY);
	int result;

	if (fd < 0)
		return -errno;
	result = file_write_to(fd, text);
	if (close(fd) < 0 && result == 0)
		result = -errno;
	return result;
}

DIR *file_list(int directory, const char *name)
{
	int fd = openat(directory, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *list = fd < 0 ? NULL : fdopendir(fd);
	int code = errno;

	if (list == NULL && fd >= 0)
		close(fd);
	errno = code;
	return list;
}
