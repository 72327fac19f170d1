#include "server.h"
#include "cgroup.h"
#include "clock.h"
#include "log.h"
#include "request.h"
#include "watcher.h"

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

enum {
	ACCEPTED_AT_ONCE = 64, /* then the others have their turn */
	CLIENTS_MAX = SERVER_HELD_MAX + SERVER_WORKERS_MAX + ACCEPTED_AT_ONCE,
	WINDOW_MS = 1000, /* of SERVER_REFUSALS_TOLD */
};

enum state {
	STATE_SILENT, /* it has said nothing yet */
	STATE_WAITS,  /* for another request of its cgroup */
	STATE_SERVED, /* by its worker */
	STATE_DONE,   /* to be closed */
};

struct client {
	enum state state;
	int fd;
	long long until; /* clock_milliseconds() */
	pid_t worker;
	pid_t pid;            /* of the peer, at least when it connected */
	struct cgroup cgroup; /* of the peer; its path is empty where it is not known */
};

struct server {
	const struct roots *roots;
	int listener;
	int signals;
	struct watcher watcher;
	bool ending;
	size_t count;
	struct client clients[CLIENTS_MAX]; /* the oldest first */
	long long window;                   /* when it began */
	unsigned int told;                  /* refusals that were logged in it */
	unsigned int untold;                /* and those that were not */
};

static size_t clients_in(const struct server *server, enum state state)
{
	size_t count = 0;

	for (size_t i = 0; i < server->count; i++)
		count += server->clients[i].state == state;
	return count;
}

static bool workers_busy(const struct server *server)
{
	return clients_in(server, STATE_SERVED) == SERVER_WORKERS_MAX;
}

/* Whether a client is there without being served. */
static bool is_held(const struct client *client)
{
	return client->state == STATE_SILENT || client->state == STATE_WAITS;
}

/* Starts a process that holds all that is open here until `pipe` is closed. Returns its pid. */
static pid_t holder_start(const int pipe[2])
{
	pid_t pid = fork();
	char byte;

	if (pid != 0)
		return pid;
	close(pipe[1]);
	(void)!read(pipe[0], &byte, 1);
	_exit(0);
}

/*
 * Closes the connections that are done with. What a client has sent and nobody has read
 * is dropped by whoever closes last, with the files that it may have sent along; and to
 * drop a TCP socket with SO_LINGER can take as long as the client likes, but not at the
 * end of a process (tcp(7); inet_release in the kernel). So another process closes last,
 * by ending. Without one they stay until the next turn.
 */
static void clients_sweep(struct server *server)
{
	size_t kept = 0;
	int hold[2];

	if (clients_in(server, STATE_DONE) == 0 || pipe2(hold, O_CLOEXEC) < 0)
		return;
	if (holder_start(hold) > 0) {
		for (size_t i = 0; i < server->count; i++) {
			if (server->clients[i].state == STATE_DONE)
				close(server->clients[i].fd);
			else
				server->clients[kept++] = server->clients[i];
		}
		server->count = kept;
	}
	close(hold[0]);
	close(hold[1]);
}

static bool same_cgroup(const struct client *client, const struct client *other)
{
	return strcmp(client->cgroup.path, other->cgroup.path) == 0;
}

/* A client that does not take its answer goes without. */
static void answer(int fd, const char *text)
{
	(void)send(fd, text, strlen(text), MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* Leaves a client that is not served. One that has spoken is told. */
static void client_drop(struct client *client)
{
	if (client->state == STATE_WAITS)
		answer(client->fd, AGENT_REFUSED "the agent is busy with other requests from the "
						 "same cgroup");
	client->state = STATE_DONE;
}

/*
 * Takes a client in. Where its cgroup has its share already, the oldest of these
 * goes; else, where there is no room, the oldest of all.
 */
static void client_add(struct server *server, const struct client *client)
{
	struct client *oldest = NULL;
	struct client *oldest_like = NULL;
	size_t held = 0;
	size_t like = 0;

	for (size_t i = server->count; i-- > 0;) {
		struct client *other = &server->clients[i];

		if (!is_held(other))
			continue;
		oldest = other;
		held++;
		if (same_cgroup(client, other)) {
			oldest_like = other;
			like++;
		}
	}
	if (is_held(client)) {
		if (like >= SERVER_HELD_SHARE)
			client_drop(oldest_like);
		else if (held >= SERVER_HELD_MAX)
			client_drop(oldest);
	}
	server->clients[server->count++] = *client;
}

/* How a worker ends. */
enum { WORKER_PLACED = 0, WORKER_REFUSED = 1, WORKER_REFUSED_QUIETLY = 2 };

/* Closes what is not of a process that was started for something else. `fd` stays, if not -1. */
static void server_leave(const struct server *server, int fd)
{
	close(server->listener);
	close(server->signals);
	for (size_t i = 0; i < server->count; i++) {
		if (server->clients[i].fd != fd)
			close(server->clients[i].fd);
	}
}

static void leave_all(void *server)
{
	server_leave(server, -1);
}

/* The worker's own life: it answers one message. */
static void worker_run(const struct server *server, int fd, const char *message, size_t length,
		       bool quiet)
{
	char reply[AGENT_REPLY_MAX];
	bool placed;

	server_leave(server, fd);
	placed =
	    request_serve(fd, message, length, server->roots, server->watcher.bring, quiet, reply);
	/* Closing with a message unread would tell the peer of an error instead of the answer. */
	while (recv(fd, NULL, 0, MSG_DONTWAIT | MSG_TRUNC) > 0)
		;
	answer(fd, reply);
	_exit(placed ? WORKER_PLACED : quiet ? WORKER_REFUSED_QUIETLY : WORKER_REFUSED);
}

static void worker_start(struct server *server, struct client *client, const char *message,
			 size_t length)
{
	pid_t agent = getpid();
	pid_t pid = fork();

	if (pid == 0) {
		/* It must not hold the socket of an agent that is gone. */
		if (prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == agent)
			worker_run(server, client->fd, message, length,
				   server->told >= SERVER_REFUSALS_TOLD);
		_exit(WORKER_REFUSED_QUIETLY);
	}
	if (pid < 0) {
		log_line("no process for a request: %s", strerror(errno));
		answer(client->fd, AGENT_REFUSED "the agent can start no process: see its log");
		client->state = STATE_DONE;
		return;
	}
	client->worker = pid;
	client->state = STATE_SERVED;
	client->until = clock_milliseconds() + SERVER_WORKER_MS;
}

static bool cgroup_is_served(const struct server *server, const struct client *client)
{
	for (size_t i = 0; i < server->count; i++) {
		if (server->clients[i].state == STATE_SERVED &&
		    same_cgroup(client, &server->clients[i]))
			return client->cgroup.path[0] != '\0';
	}
	return false;
}

/*
 * Has what a client says served. A guest asks once, so of one cgroup only one request
 * is served at a time: whoever holds up a worker holds up nobody else.
 */
static void client_serve(struct server *server, struct client *client)
{
	char message[AGENT_REQUEST_MAX];
	/* MSG_TRUNC: the packet's own length, however much of it is read. */
	ssize_t length =
	    recv(client->fd, message, sizeof(message), MSG_DONTWAIT | MSG_TRUNC | MSG_PEEK);

	if (length < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	/* An empty packet cannot be told from the end, and is no request either. */
	if (length <= 0) {
		client->state = STATE_DONE;
		return;
	}
	client->state = STATE_WAITS;
	if (cgroup_is_served(server, client))
		return;
	worker_start(server, client, message, (size_t)length);
}

/* Serves those that have spoken, and leaves the others when their time is over. */
static void clients_serve(struct server *server)
{
	long long now = clock_milliseconds();

	for (size_t i = 0; i < server->count && !workers_busy(server); i++) {
		struct client *client = &server->clients[i];

		if (!is_held(client))
			continue;
		client_serve(server, client);
		if (client->state != STATE_SERVED && client->until <= now)
			client_drop(client);
	}
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

/* Finds the cgroup of a peer, by what cannot hold up the reader. */
static void client_find_cgroup(struct client *client, const struct roots *roots)
{
	char path[PATH_MAX];
	struct ucred who = {0};
	socklen_t size = sizeof(who);

	(void)getsockopt(client->fd, SOL_SOCKET, SO_PEERCRED, &who, &size);
	client->pid = who.pid;
	snprintf(path, sizeof(path), "%s/%d/cgroup", roots->proc, who.pid);
	if (cgroup_read(AT_FDCWD, path, &client->cgroup) < 0)
		client->cgroup.path[0] = '\0';
}

/* Returns 0, also when there are no more; or -errno. */
static int clients_accept(struct server *server)
{
	for (int i = 0;
	     i < ACCEPTED_AT_ONCE && server->count < CLIENTS_MAX && !workers_busy(server); i++) {
		struct client client = {.until = clock_milliseconds() + SERVER_HELD_MS};

		client.fd = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (client.fd < 0 && errno == EAGAIN)
			return 0;
		if (client.fd < 0 && !accept_passes(errno))
			return -errno;
		if (client.fd < 0) {
			(void)poll(NULL, 0, 10); /* or this would be a busy loop */
			return 0;
		}
		client_find_cgroup(&client, server->roots);
		client_serve(server, &client);
		client_add(server, &client);
	}
	return 0;
}

/* So that a flood of refusals does not become one of log lines. */
static void refusals_count(struct server *server)
{
	if (clock_milliseconds() - server->window < WINDOW_MS)
		return;
	if (server->untold > 0)
		log_line("%u more refusals were not logged", server->untold);
	server->told = 0;
	server->untold = 0;
	server->window = clock_milliseconds();
}

/* Says what has become of a worker that has not answered its client. */
static void worker_failed(struct client *client, int status)
{
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
		log_line("refused pid %d: its request took more than %d seconds, or memory ran out",
			 client->pid, SERVER_WORKER_MS / 1000);
	else
		log_line("refused pid %d: its request ended the worker (status %#x)", client->pid,
			 (unsigned int)status);
	answer(client->fd, AGENT_REFUSED "the agent could not finish: see its log");
}

/* Takes note of how the worker of a client has ended. */
static void worker_ended(struct server *server, struct client *client, int status)
{
	client->state = STATE_DONE;
	if (!WIFEXITED(status) || WEXITSTATUS(status) > WORKER_REFUSED_QUIETLY)
		worker_failed(client, status);
	else if (WEXITSTATUS(status) == WORKER_REFUSED)
		server->told++;
	else if (WEXITSTATUS(status) == WORKER_REFUSED_QUIETLY)
		server->untold++;
}

/* Starts the watcher; with `again`, anew. */
static void watcher_run(struct server *server, bool again)
{
	int result = watcher_start(&server->watcher, server->roots, again, leave_all, server);

	if (result < 0)
		log_line("no process for the watch over interrupts: %s", strerror(-result));
}

static void watcher_ended(struct server *server, int status)
{
	server->watcher.pid = 0;
	if (server->ending)
		return;
	log_line("the watch over interrupts has ended (status %#x), and is started again",
		 (unsigned int)status);
	watcher_run(server, true);
}

/* Takes note of processes that have ended, and ends the workers whose time is over. */
static void workers_reap(struct server *server)
{
	long long now = clock_milliseconds();
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == server->watcher.pid)
			watcher_ended(server, status);
		for (size_t i = 0; i < server->count; i++) {
			struct client *client = &server->clients[i];

			if (client->state == STATE_SERVED && client->worker == pid)
				worker_ended(server, client, status);
		}
	}
	for (size_t i = 0; i < server->count; i++) {
		/* Not reaped yet, so the number is its own. */
		if (server->clients[i].state == STATE_SERVED && server->clients[i].until <= now)
			(void)kill(server->clients[i].worker, SIGKILL);
	}
}

/* How long to wait when nothing happens, in milliseconds; -1: for ever. */
static int patience(const struct server *server)
{
	bool busy = workers_busy(server) || server->ending;
	long long until = server->untold > 0 ? server->window + WINDOW_MS : -1;
	long long left;

	for (size_t i = 0; i < server->count; i++) {
		const struct client *client = &server->clients[i];

		if ((client->state == STATE_SERVED || !busy) &&
		    (until < 0 || client->until < until))
			until = client->until;
	}
	if (until < 0)
		return -1;
	left = until - clock_milliseconds();
	/* What has been killed ends in a moment. */
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
	/* One that ignores it may have started us; then there would be nobody to wait for. */
	if (signal(SIGCHLD, SIG_DFL) == SIG_ERR || sigprocmask(SIG_BLOCK, &signals, NULL) < 0)
		return -errno;
	fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

/* Whether the agent is told to end. */
static bool signals_tell_end(int signals)
{
	struct signalfd_siginfo information;
	bool end = false;

	while (read(signals, &information, sizeof(information)) == sizeof(information))
		end = end || information.ssi_signo != SIGCHLD;
	return end;
}

/* Waits for something, and sees to it. Returns 0 or -errno. */
static int server_turn(struct server *server)
{
	struct pollfd polled[2 + CLIENTS_MAX] = {{.fd = server->signals, .events = POLLIN},
						 {.fd = server->listener, .events = POLLIN}};
	/* While all workers are busy only the end of one is of interest. */
	nfds_t count = workers_busy(server) || server->ending ? 1 : 2 + server->count;
	int result;

	for (size_t i = 0; i < server->count; i++)
		polled[2 + i] = (struct pollfd){
		    .fd = server->clients[i].state == STATE_SILENT ? server->clients[i].fd : -1,
		    .events = POLLIN,
		};
	if (poll(polled, count, patience(server)) < 0)
		return errno == EINTR ? 0 : -errno;
	if (polled[0].revents != 0 && signals_tell_end(server->signals))
		server->ending = true;
	workers_reap(server);
	refusals_count(server);
	result = 0;
	if (!server->ending) {
		clients_serve(server);
		result = polled[1].revents != 0 ? clients_accept(server) : 0;
	}
	clients_sweep(server);
	return result;
}

int server_run(int listener, const struct roots *roots, struct error *error)
{
	static struct server server; /* too large for a stack */
	int result;

	server = (struct server){.roots = roots, .listener = listener, .watcher = {.bring = -1}};
	result = server.signals = signals_take();
	if (result >= 0)
		result = watcher_open(&server.watcher);
	if (result >= 0)
		watcher_run(&server, false);
	while (result >= 0 && !(server.ending && clients_in(&server, STATE_SERVED) == 0))
		result = server_turn(&server);
	watcher_stop(&server.watcher);
	for (size_t i = 0; i < server.count; i++)
		client_drop(&server.clients[i]);
	clients_sweep(&server);
	watcher_close(&server.watcher);
	if (server.signals >= 0)
		close(server.signals);
	return result < 0
		   ? error_set(error, result, "the agent cannot go on: %s", strerror(-result))
		   : 0;
}
