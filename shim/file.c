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

int file_write(int directory, const char *name, const char *text)
{
	size_t length = strlen(text);
	int fd = openat(directory, name, O_WRONLY | O_CLOEXEC | O_NOCTTY);
	ssize_t count;
	int result = 0;

	if (fd < 0)
		return -errno;
	count = write(fd, text, length);
	if (count < 0)
		result = -errno;
	else if ((size_t)count != length)
		result = -EIO;
	if (close(fd) < 0 && result == 0)
		result = -errno;
	return result;
}
