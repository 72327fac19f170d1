#include "agent.h"
#include "answer_message.h"
#include "clock.h"
#include "unix_socket.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

/* Returns a connected socket or -errno. It waits as long as the agent's queue is full. */
static int agent_connect(const char *path)
{
	struct sockaddr_un address;
	struct timeval patience = {.tv_sec = AGENT_PATIENCE_MS / 1000};
	int code = unix_socket_address(path, &address);
	int fd;

	if (code < 0)
		return code;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	/* unix(7): of a blocking connect(2), too. */
	code = setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) < 0 ? errno : 0;
	/* signal(7): such a wait is interrupted by SIGCONT, too. */
	while (code == 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		code = errno == EINTR ? 0 : errno;
	if (code == 0)
		return fd;
	close(fd);
	return code == EAGAIN ? -ETIMEDOUT : -code;
}

int agent_is_there(const char *path)
{
	int fd = agent_connect(path);

	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

/* Returns the length of the answer, 0 where the agent went without one, or -errno. */
static ssize_t answer_read(int fd, char *text, size_t size, long long deadline)
{
	struct pollfd wait = {.fd = fd, .events = POLLIN};

	for (;;) {
		long long left = deadline - clock_milliseconds();
		int ready = poll(&wait, 1, left > 0 ? (int)left : 0);
		ssize_t length;

		if (ready < 0 && errno == EINTR)
			continue;
		if (ready <= 0)
			return ready < 0 ? -errno : -ETIMEDOUT;
		length = recv(fd, text, size - 1, MSG_DONTWAIT);
		if (length < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (length < 0)
			return errno == ECONNRESET ? 0 : -errno;
		text[length] = '\0';
		return length;
	}
}

/* Words what connect(2), send(2) or the wait for an answer came to. */
static int agent_failed(const char *path, int code, struct error *error)
{
	if (code == -ETIMEDOUT)
		return error_set(error, code, "the agent at %s has not answered within %d seconds",
				 path, AGENT_PATIENCE_MS / 1000);
	if (code == -EACCES || code == -EPERM)
		return error_set(error, code,
				 "uid %u may not speak to the agent at %s: its user must be in the "
				 "group kvm, and no AppArmor or SELinux be in the way",
				 geteuid(), path);
	return error_set(error, code,
			 "the agent cannot be reached at %s (%s): start guest-pinningd", path,
			 strerror(-code));
}

static int agent_ask(const char *path, const char *request, struct id_set *cpus, struct error *note,
		     struct error *error)
{
	long long deadline = clock_milliseconds() + AGENT_PATIENCE_MS;
	char answer[AGENT_REPLY_MAX];
	ssize_t length;
	int fd = agent_connect(path);

	if (fd < 0)
		return agent_failed(path, fd, error);
	length = send(fd, request, strlen(request), MSG_NOSIGNAL);
	if (length < 0)
		length = errno == EAGAIN ? -ETIMEDOUT : -errno;
	else
		length = answer_read(fd, answer, sizeof(answer), deadline);
	close(fd);
	if (length < 0)
		return agent_failed(path, (int)length, error);
	if (length == 0)
		return error_set(error, -EPIPE,
				 "the agent at %s has ended without an answer: see its log", path);
	return answer_message_read(answer, (size_t)length, cpus, note, error);
}

int agent_place(const char *path, struct id_set *cpus, struct error *note, struct error *error)
{
	return agent_ask(path, AGENT_REQUEST, cpus, note, error);
}

int agent_apply(const char *path, pid_t pid, const char *started, struct id_set *cpus,
		struct error *note, struct error *error)
{
	char request[AGENT_REQUEST_MAX];

	snprintf(request, sizeof(request), AGENT_APPLY "%d %s", pid, started);
	return agent_ask(path, request, cpus, note, error);
}
