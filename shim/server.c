#include "server.h"
#include "clock.h"
#include "request.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ACCEPTED_AT_ONCE = 64 }; /* then the others have their turn */

/* Connections that have said nothing yet, the oldest first. */
struct silent {
	size_t count;
	struct {
		int fd;
		long long until; /* clock_milliseconds() */
	} one[SERVER_SILENT_MAX];
};

static void silent_add(struct silent *silent, int fd)
{
	if (silent->count == SERVER_SILENT_MAX) {
		close(silent->one[0].fd);
		silent->count--;
		memmove(silent->one, silent->one + 1, silent->count * sizeof(silent->one[0]));
	}
	silent->one[silent->count].fd = fd;
	silent->one[silent->count++].until = clock_milliseconds() + SERVER_SILENT_MS;
}

/* Reads a connection's message and answers it. Returns false where it has said nothing yet. */
static bool connection_serve(int fd, const struct roots *roots)
{
	char message[AGENT_REQUEST_MAX];
	char reply[AGENT_REPLY_MAX];
	/* MSG_TRUNC: the packet's own length, however much of it is read. */
	ssize_t length = recv(fd, message, sizeof(message), MSG_DONTWAIT | MSG_TRUNC);

	if (length < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	/* An empty packet cannot be told from the end, and is no request either. */
	if (length > 0) {
		request_serve(fd, message, (size_t)length, roots, reply);
		/* A client that does not take its answer goes without. */
		(void)send(fd, reply, strlen(reply), MSG_DONTWAIT | MSG_NOSIGNAL);
	}
	return true;
}

/* Serves those that speak now, and leaves those whose time is over. */
static void silent_serve(struct silent *silent, const struct pollfd *polled,
			 const struct roots *roots)
{
	long long now = clock_milliseconds();
	size_t kept = 0;

	for (size_t i = 0; i < silent->count; i++) {
		bool served = polled[i].revents != 0 && connection_serve(silent->one[i].fd, roots);

		if (served || silent->one[i].until <= now)
			close(silent->one[i].fd);
		else
			silent->one[kept++] = silent->one[i];
	}
	silent->count = kept;
}

/* Whether accept(2) fails for the one connection only, or for want of what comes back. */
static bool accept_passes(int code)
{
	static const int passing[] = {EAGAIN, EINTR,  ECONNABORTED, EPROTO,
				      EMFILE, ENFILE, ENOBUFS,      ENOMEM};

	for (size_t i = 0; i < sizeof(passing) / sizeof(passing[0]); i++) {
		if (passing[i] == code)
			return true;
	}
	return false;
}

/* Returns 0, also when there are no more; or -errno. */
static int connections_accept(int listener, struct silent *silent, const struct roots *roots)
{
	for (int i = 0; i < ACCEPTED_AT_ONCE; i++) {
		int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd < 0 && errno == EAGAIN)
			return 0;
		if (fd < 0 && !accept_passes(errno))
			return -errno;
		if (fd < 0) {
			(void)poll(NULL, 0, 10); /* or this would be a busy loop */
			return 0;
		}
		if (connection_serve(fd, roots))
			close(fd);
		else
			silent_add(silent, fd);
	}
	return 0;
}

/* How long to wait when nothing happens: until the oldest's time is over. */
static int patience(const struct silent *silent)
{
	long long left;

	if (silent->count == 0)
		return -1;
	left = silent->one[0].until - clock_milliseconds();
	return left > 0 ? (int)left + 1 : 0;
}

int server_run(int listener, int signals, const struct roots *roots, struct error *error)
{
	struct silent silent = {0};
	struct pollfd polled[2 + SERVER_SILENT_MAX] = {{.fd = signals, .events = POLLIN},
						       {.fd = listener, .events = POLLIN}};
	int result = 0;

	while (result == 0) {
		for (size_t i = 0; i < silent.count; i++)
			polled[2 + i] = (struct pollfd){.fd = silent.one[i].fd, .events = POLLIN};
		if (poll(polled, 2 + silent.count, patience(&silent)) < 0) {
			if (errno == EINTR)
				continue;
			result = error_set(error, -errno, "poll: %s", strerror(errno));
			break;
		}
		if (polled[0].revents != 0)
			break;
		silent_serve(&silent, polled + 2, roots);
		if (polled[1].revents != 0)
			result = connections_accept(listener, &silent, roots);
		if (result < 0)
			error_set(error, result, "connections cannot be accepted: %s",
				  strerror(-result));
	}
	for (size_t i = 0; i < silent.count; i++)
		close(silent.one[i].fd);
	return result;
}
