#include "server.h"
#include "cgroup.h"
#include "clock.h"
#include "log.h"
#include "request.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ACCEPTED_AT_ONCE = 64 }; /* then the others have their turn */

/* What has come of a connection. */
enum turn {
	TURN_SILENT, /* it has said nothing yet */
	TURN_WAITS,  /* for another request of its cgroup */
	TURN_DONE,
};

struct server {
	const struct roots *roots;
	size_t held_count;
	struct {
		int fd;
		long long until; /* clock_milliseconds() */
		enum turn turn;
	} held[SERVER_HELD_MAX]; /* connections that are not done, the oldest first */
	size_t worker_count;
	struct {
		pid_t pid;
		long long until;
		struct cgroup cgroup;  /* of the peer */
	} workers[SERVER_WORKERS_MAX]; /* the oldest first */
};

static void held_add(struct server *server, int fd, enum turn turn)
{
	if (server->held_count == SERVER_HELD_MAX) {
		close(server->held[0].fd);
		server->held_count--;
		memmove(server->held, server->held + 1,
			server->held_count * sizeof(server->held[0]));
	}
	server->held[server->held_count].fd = fd;
	server->held[server->held_count].turn = turn;
	server->held[server->held_count++].until = clock_milliseconds() + SERVER_HELD_MS;
}

/* Answers one message, in a process of its own. */
static void worker_run(int fd, const char *message, size_t length, const struct roots *roots)
{
	char reply[AGENT_REPLY_MAX];

	request_serve(fd, message, length, roots, reply);
	/* A client that does not take its answer goes without. */
	(void)send(fd, reply, strlen(reply), MSG_DONTWAIT | MSG_NOSIGNAL);
}

static bool workers_busy(const struct server *server)
{
	return server->worker_count == SERVER_WORKERS_MAX;
}

/*
 * The cgroup of a peer, read from what cannot hold up the reader. Where it cannot be
 * read it is the empty one; a worker will say why.
 */
static void peer_cgroup(int fd, const struct roots *roots, struct cgroup *cgroup)
{
	char path[PATH_MAX];
	struct ucred who = {0};
	socklen_t size = sizeof(who);

	(void)getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size);
	snprintf(path, sizeof(path), "%s/%d/cgroup", roots->proc, who.pid);
	if (cgroup_read(AT_FDCWD, path, cgroup) < 0)
		cgroup->path[0] = '\0';
}

static bool cgroup_is_served(const struct server *server, const struct cgroup *cgroup)
{
	for (size_t i = 0; i < server->worker_count; i++) {
		if (cgroup->path[0] != '\0' &&
		    strcmp(server->workers[i].cgroup.path, cgroup->path) == 0)
			return true;
	}
	return false;
}

static void worker_start(struct server *server, int fd, const struct cgroup *cgroup,
			 const char *message, size_t length)
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
	server->workers[server->worker_count].cgroup = *cgroup;
	server->workers[server->worker_count++].until = clock_milliseconds() + SERVER_WORKER_MS;
}

/*
 * Has what a connection says served. A guest asks once, so of one cgroup only one
 * request is served at a time: whoever holds up a worker holds up nobody else.
 */
static enum turn connection_serve(struct server *server, int fd)
{
	char message[AGENT_REQUEST_MAX];
	struct cgroup cgroup;
	/* MSG_TRUNC: the packet's own length, however much of it is read. */
	ssize_t length = recv(fd, message, sizeof(message), MSG_DONTWAIT | MSG_TRUNC | MSG_PEEK);

	if (length < 0 && (errno == EAGAIN || errno == EINTR))
		return TURN_SILENT;
	/* An empty packet cannot be told from the end, and is no request either. */
	if (length <= 0)
		return TURN_DONE;
	peer_cgroup(fd, server->roots, &cgroup);
	if (cgroup_is_served(server, &cgroup))
		return TURN_WAITS;
	/* Closing with a message unread would tell the peer of an error instead of the answer. */
	(void)recv(fd, NULL, 0, MSG_DONTWAIT);
	worker_start(server, fd, &cgroup, message, (size_t)length);
	return TURN_DONE;
}

/* Serves those that have spoken, and leaves the others when their time is over. */
static void held_serve(struct server *server)
{
	long long now = clock_milliseconds();
	size_t kept = 0;

	for (size_t i = 0; i < server->held_count && !workers_busy(server); i++)
		server->held[i].turn = connection_serve(server, server->held[i].fd);
	for (size_t i = 0; i < server->held_count; i++) {
		if (server->held[i].turn == TURN_DONE ||
		    (server->held[i].until <= now && !workers_busy(server)))
			close(server->held[i].fd);
		else
			server->held[kept++] = server->held[i];
	}
	server->held_count = kept;
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

		enum turn turn = connection_serve(server, fd);

		if (turn == TURN_DONE)
			close(fd);
		else
			held_add(server, fd, turn);
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

	if (server->held_count > 0 && !workers_busy(server))
		until = server->held[0].until;
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
	struct pollfd polled[2 + SERVER_HELD_MAX] = {{.fd = signals, .events = POLLIN},
						     {.fd = listener, .events = POLLIN}};
	/* While all workers are busy only the end of one is of interest. */
	nfds_t count = workers_busy(server) ? 1 : 2 + server->held_count;
	int result;

	for (size_t i = 0; i < server->held_count; i++)
		polled[2 + i] = (struct pollfd){
		    .fd = server->held[i].turn == TURN_SILENT ? server->held[i].fd : -1,
		    .events = POLLIN,
		};
	if (poll(polled, count, patience(server)) < 0)
		return errno == EINTR ? 1 : -errno;
	if (polled[0].revents != 0 && signals_tell_end(signals))
		return 0;
	workers_reap(server);
	held_serve(server);
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
	for (size_t i = 0; i < server.held_count; i++)
		close(server.held[i].fd);
	for (size_t i = 0; i < server.worker_count; i++)
		(void)kill(server.workers[i].pid, SIGKILL);
	if (signals >= 0)
		close(signals);
	return result < 0
		   ? error_set(error, result, "the agent cannot go on: %s", strerror(-result))
		   : 0;
}
