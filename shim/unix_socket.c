#include "unix_socket.h"

#include <errno.h>
#include <string.h>

int unix_socket_address(const char *path, struct sockaddr_un *address)
{
	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof(address->sun_path))
		return -ENAMETOOLONG;
	strcpy(address->sun_path, path);
	return 0;
}

bool unix_socket_option_is(int fd, int option, int wanted)
{
	int value;
	socklen_t size = sizeof(value);

	return getsockopt(fd, SOL_SOCKET, option, &value, &size) == 0 && value == wanted;
}

/* As many descriptors as there may be. */
union control {
	struct cmsghdr header;
	char bytes[CMSG_SPACE(UNIX_SOCKET_DESCRIPTORS_MAX * sizeof(int))];
};

int unix_socket_send(int fd, const void *data, size_t length, const int *descriptors, size_t count,
		     int flags)
{
	union control control = {.header = {.cmsg_len = CMSG_LEN(count * sizeof(int)),
					    .cmsg_level = SOL_SOCKET,
					    .cmsg_type = SCM_RIGHTS}};
	struct iovec part = {(void *)data, length};
	struct msghdr message = {.msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = control.bytes,
				 .msg_controllen = CMSG_SPACE(count * sizeof(int))};

	memcpy(CMSG_DATA(&control.header), descriptors, count * sizeof(int));
	return sendmsg(fd, &message, flags | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

size_t unix_socket_take(int fd, void *data, size_t size, int *descriptors, size_t count, int flags)
{
	union control control = {.header = {.cmsg_len = 0}};
	struct iovec part = {data, size};
	struct msghdr message = {.msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = control.bytes,
				 .msg_controllen = CMSG_LEN(count * sizeof(int))};
	const struct cmsghdr *header;
	ssize_t length;

	do
		length = recvmsg(fd, &message, flags | MSG_CMSG_CLOEXEC);
	while (length < 0 && errno == EINTR);
	for (size_t i = 0; i < count; i++)
		descriptors[i] = -1;
	header = length <= 0 ? NULL : CMSG_FIRSTHDR(&message);
	if (header == NULL || header->cmsg_type != SCM_RIGHTS ||
	    header->cmsg_len > CMSG_LEN(count * sizeof(int)))
		return 0;
	memcpy(descriptors, CMSG_DATA(header), header->cmsg_len - CMSG_LEN(0));
	return (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0 ? 0 : (size_t)length;
}
