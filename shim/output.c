#include "output.h"

#include <errno.h>
#include <stdio.h>
#include <sys/types.h>
#include <unistd.h>

static int failure; /* -errno of the first write that failed */

/* All is written, or it has failed: the library takes less for a failure (fopencookie(3)). */
static ssize_t output_write(void *cookie, const char *data, size_t size)
{
	size_t written = 0;

	(void)cookie;
	while (written < size) {
		ssize_t count = write(STDOUT_FILENO, data + written, size - written);

		if (count < 0 && errno == EINTR)
			continue;
		if (count <= 0) {
			if (failure == 0)
				failure = count < 0 ? -errno : -EIO;
			return 0;
		}
		written += (size_t)count;
	}
	return (ssize_t)size;
}

/*
 * A stream notes that it has failed, but not why, and errno is another call's by the time that
 * anybody asks. Out of memory for it stdout stays as it is.
 */
void output_begin(void)
{
	FILE *stream = fopencookie(NULL, "w", (cookie_io_functions_t){.write = output_write});

	if (stream == NULL)
		return;
	if (isatty(STDOUT_FILENO))
		setvbuf(stream, NULL, _IOLBF, BUFSIZ);
	stdout = stream; /* a variable, in glibc: stdout(3) leaves that to the library */
}

int output_end(void)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return 0;
	return failure != 0 ? failure : -errno;
}
