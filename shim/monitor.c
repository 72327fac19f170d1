#include "monitor.h"
#include "number.h"

#include <dirent.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/socket.h>

enum { SOCKETS_MAX = 64, WAIT_MILLISECONDS = 2000 };

static bool option_is(int fd, int option, int wanted)
{
	int value;
	socklen_t size = sizeof(value);

	return getsockopt(fd, SOL_SOCKET, option, &value, &size) == 0 && value == wanted;
}

void monitor_wait(void)
{
	struct pollfd sockets[SOCKETS_MAX];
	nfds_t count = 0;
	DIR *directory = opendir("/proc/self/fd");
	const struct dirent *entry;

	if (directory == NULL)
		return;
	while (count < SOCKETS_MAX && (entry = readdir(directory)) != NULL) {
		unsigned int fd;

		if (number_read(entry->d_name, INT_MAX, &fd) == 0)
			continue; /* "." and ".." */
		if (option_is((int)fd, SO_ACCEPTCONN, 1) && option_is((int)fd, SO_DOMAIN, AF_UNIX))
			sockets[count++] = (struct pollfd){.fd = (int)fd, .events = POLLIN};
	}
	closedir(directory);
	if (count > 0)
		(void)poll(sockets, count, WAIT_MILLISECONDS);
}
