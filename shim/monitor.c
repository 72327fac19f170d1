#include "monitor.h"
#include "number.h"
#include "unix_socket.h"

#include <dirent.h>
#include <limits.h>
#include <poll.h>

enum { SOCKETS_MAX = 64, WAIT_MILLISECONDS = 2000 };

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
		if (unix_socket_option_is((int)fd, SO_ACCEPTCONN, 1) &&
		    unix_socket_option_is((int)fd, SO_DOMAIN, AF_UNIX))
			sockets[count++] = (struct pollfd){.fd = (int)fd, .events = POLLIN};
	}
	closedir(directory);
	if (count > 0)
		(void)poll(sockets, count, WAIT_MILLISECONDS);
}
