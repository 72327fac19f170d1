/* What programs of ours ask of Unix sockets (unix(7)). */
#ifndef SHIM_UNIX_SOCKET_H
#define SHIM_UNIX_SOCKET_H

#include <stdbool.h>
#include <sys/socket.h>
#include <sys/un.h>

/* Makes the address of a path. Returns 0, or -ENAMETOOLONG. */
int unix_socket_address(const char *path, struct sockaddr_un *address);

/* Whether the descriptor is a socket of which the option (of SOL_SOCKET) has that value. */
bool unix_socket_option_is(int fd, int option, int wanted);

#endif
