#include "monitor.h"
#include "number.h"
#include "unix_socket.h"

#include <dirent.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { SOCKETS_MAX = 64, WAIT_MILLISECONDS = 2000, KEEP_MILLISECONDS = 1000 };

/*
 * Leaves a process behind that holds the connection until this one has ended and its parent has
 * taken note, for a second at most.
 */
static void connection_keep(void)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d", (int)getpid());
	if (fork() != 0)
		return;
	for (int i = 0; i < KEEP_MILLISECONDS && access(path, F_OK) == 0; i++)
		(void)poll(NULL, 0, 1);
	_exit(EXIT_SUCCESS);
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
		if (unix_socket_option_is((int)fd, SO_ACCEPTCONN, 1) &&
		    unix_socket_option_is((int)fd, SO_DOMAIN, AF_UNIX))
			sockets[count++] = (struct pollfd){.fd = (int)fd, .events = POLLIN};
	}
	closedir(directory);
	if (count > 0 && poll(sockets, count, WAIT_MILLISECONDS) > 0)
		connection_keep();
}
