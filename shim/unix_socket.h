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

enum { UNIX_SOCKET_DESCRIPTORS_MAX = 2 }; /* with one message of ours */

/* Sends a message, with `count` descriptors, 1 or more. Returns 0 or -errno. */
int unix_socket_send(int fd, const void *data, size_t length, const int *descriptors, size_t count,
		     int flags);

/*
 * Receives such a message. Returns its length; or 0, where there is none, or it is not whole, or
 * comes without descriptors. The descriptors that came are the caller's in each case; those that
 * did not are -1: where there is no room for all there may be some.
 */
size_t unix_socket_take(int fd, void *data, size_t size, int *descriptors, size_t count, int flags);

#endif
