#include "server.h"
#include "clock.h"
#include "log.h"
#include "request.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ACCEPTED_AT_ONCE = 64 }; /* then the others have their turn */

struct server {
	const struct roots *roots;
	size_t silent_count;
	struct {
		int fd;
		long long until;     /* clock_milliseconds() */
	} silent[SERVER_SILENT_MAX]; /* connections that have said nothing yet, the oldest first */
	size_t worker_count;
	struct {
		pid_t pid;
		long long until;
	} workers[SERVER_WORKERS_MAX]; /* the oldest first */
};

static void silent_add(struct server *server, int fd)
{
	if (server->silent_count == SERVER_SILENT_MAX) {
		close(server->silent[0].fd);
		server->silent_count--;
		memmove(server->silent, server->silent + 1,
			server->silent_count * sizeof(server->silent[0]));
	}
	server->silent[server->silent_count].fd = fd;
	server->silent[server->silent_count++].until = clock_milliseconds() + SERVER_SILENT_MS;
}

/* Answers one message, in a process of its own. */
static void worker_run(int fd, const char *message, size_t length, const struct roots *roots)
{
	char reply[AGENT_REPLY_MAX];

	request_serve(fd, message, length, roots, reply);
	/* A client that does not take its answer goes without. */
	(void)send(fd, reply, strlen(reply), MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void worker_start(struct server *server, int fd, const char *message, size_t length)
{
	pid_t pid = fork();

	if (pid == 0) {
		/* Or it would hold the socket of an agent that is gone. */
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		worker_run(fd, message, length, server->roots);
		_exit(0);
	}
	if (pid < 0) {
		log_line("no process for a request: %s", strerror(errno));
		return;
	}
	server->workers[server->worker_count].pid = pid;
	server->workers[server->worker_count++].until = clock_milliseconds() + SERVER_WORKER_MS;
}

static bool workers_busy(const struct server *server)
{
	return server->worker_count == SERVER_WORKERS_MAX;
}

/* Has what a connection says served. Returns false where it has said nothing yet. */
static bool connection_serve(struct server *server, int fd)
{
	char message[AGENT_REQUEST_MAX];
	/* MSG_TRUNC: the packet's own length, however much of it is read. */
	ssize_t length = recv(fd, message, sizeof(message), MSG_DONTWAIT | MSG_TRUNC);

	if (length < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	/* An empty packet cannot be told from the end, and is no request either. */
	if (length > 0)
		worker_start(server, fd, message, (size_t)length);
	return true;
}

/* Serves those that speak now, and leaves those whose time is over. */
static void silent_serve(struct server *server, const struct pollfd *polled)
{
	long long now = clock_milliseconds();
	size_t kept = 0;

	for (size_t i = 0; i < server->silent_count; i++) {
		bool served = polled[i].revents != 0 && !workers_busy(server) &&
			      connection_serve(server, server->silent[i].fd);

		if (served || server->silent[i].until <= now)
			close(server->silent[i].fd);
		else
			server->silent[kept++] = server->silent[i];
	}
	server->silent_count = kept;
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
static int connections_accept(struct server *server, int listener)
{
	for (int i = 0; i < ACCEPTED_AT_ONCE && !workers_busy(server); i++) {
		int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd < 0 && errno == EAGAIN)
			return 0;
		if (fd < 0 && !accept_passes(errno))
			return -errno;
		if (fd < 0) {
			(void)poll(NULL, 0, 10); /* or this would be a busy loop */
			return 0;
		}
		if (connection_serve(server, fd))
			close(fd);
		else
			silent_add(server, fd);
	}
	return 0;
}

/* Takes note of workers that have ended, and ends those whose time is over. */
static void workers_reap(struct server *server)
{
	long long now = clock_milliseconds();
	size_t kept = 0;

	for (size_t i = 0; i < server->worker_count; i++) {
		/* Not reaped yet, so the number is its own. */
		if (server->workers[i].until <= now)
			(void)kill(server->workers[i].pid, SIGKILL);
		if (waitpid(server->workers[i].pid, NULL, WNOHANG) == 0)
			server->workers[kept++] = server->workers[i];
	}
	server->worker_count = kept;
}

/* How long to wait when nothing happens, in milliseconds; -1: for ever. */
static int patience(const struct server *server)
{
	long long until = -1;
	long long left;

	if (server->silent_count > 0 && !workers_busy(server))
		until = server->silent[0].until;
	if (server->worker_count > 0 && (until < 0 || server->workers[0].until < until))
		until = server->workers[0].until;
	if (until < 0)
		return -1;
	left = until - clock_milliseconds();
	/* One whose time is over is looked after at once, but not again and again. */
	return left > 0 ? (int)left + 1 : 10;
}

/* Returns a descriptor that SIGTERM, SIGINT and SIGCHLD come over, or -errno. */
static int signals_take(void)
{
	sigset_t signals;
	int fd;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGCHLD);
	if (sigprocmask(SIG_BLOCK, &signals, NULL) < 0)
		return -errno;
	fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

/* Whether the agent is to end. */
static bool signals_tell_end(int signals)
{
	struct signalfd_siginfo information;
	bool end = false;

	while (read(signals, &information, sizeof(information)) == sizeof(information))
		end = end || information.ssi_signo != SIGCHLD;
	return end;
}

/* Waits for something, and sees to it. Returns 1, 0 where the agent is to end, or -errno. */
static int server_turn(struct server *server, int listener, int signals)
{
	struct pollfd polled[2 + SERVER_SILENT_MAX] = {{.fd = signals, .events = POLLIN},
						       {.fd = listener, .events = POLLIN}};
	/* While all workers are busy only the end of one is of interest. */
	nfds_t count = workers_busy(server) ? 1 : 2 + server->silent_count;
	int result;

	for (size_t i = 0; i < server->silent_count; i++)
		polled[2 + i] = (struct pollfd){.fd = server->silent[i].fd, .events = POLLIN};
	if (poll(polled, count, patience(server)) < 0)
		return errno == EINTR ? 1 : -errno;
	if (polled[0].revents != 0 && signals_tell_end(signals))
		return 0;
	workers_reap(server);
	silent_serve(server, polled + 2);
	result = polled[1].revents != 0 ? connections_accept(server, listener) : 0;
	return result < 0 ? result : 1;
}

int server_run(int listener, const struct roots *roots, struct error *error)
{
	struct server server = {.roots = roots};
	int signals = signals_take();
	int result = signals < 0 ? signals : 1;

	while (result > 0)
		result = server_turn(&server, listener, signals);
	for (size_t i = 0; i < server.silent_count; i++)
		close(server.silent[i].fd);
	for (size_t i = 0; i < server.worker_count; i++)
		(void)kill(server.workers[i].pid, SIGKILL);
	if (signals >= 0)
		close(signals);
	return result < 0
		   ? error_set(error, result, "the agent cannot go on: %s", strerror(-result))
		   : 0;
}
