#include "server.h"
#include "clients.h"
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

enum { WINDOW_MS = 1000 }; /* of SERVER_REFUSALS_TOLD */

struct server {
	const struct roots *roots;
	int listener;
	int signals;
	struct watcher watcher;
	bool ending;
	struct clients clients;
	long long window;    /* when it began */
	unsigned int told;   /* refusals that were logged in it */
	unsigned int untold; /* and those that were not */
};

static bool workers_busy(const struct server *server)
{
	return clients_in(&server->clients, CLIENT_SERVED) == SERVER_WORKERS_MAX;
}

/* How a worker ends. */
enum { WORKER_PLACED = 0, WORKER_REFUSED = 1, WORKER_REFUSED_QUIETLY = 2 };

/* Closes what is not of a process that was started for something else. `fd` stays, if not -1. */
static void server_leave(const struct server *server, int fd)
{
	close(server->listener);
	close(server->signals);
	for (size_t i = 0; i < server->clients.count; i++) {
		if (server->clients.at[i].fd != fd)
			close(server->clients.at[i].fd);
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
	client_answer(fd, reply);
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
		client_answer(client->fd,
			      AGENT_REFUSED "the agent can start no process: see its log");
		client->state = CLIENT_DONE;
		return;
	}
	client->worker = pid;
	client->state = CLIENT_SERVED;
	client->until = clock_milliseconds() + SERVER_WORKER_MS;
}

static bool cgroup_is_served(const struct server *server, const struct client *client)
{
	for (size_t i = 0; i < server->clients.count; i++) {
		if (server->clients.at[i].state == CLIENT_SERVED &&
		    clients_are_alike(client, &server->clients.at[i]))
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
		client->state = CLIENT_DONE;
		return;
	}
	client->state = CLIENT_WAITS;
	if (cgroup_is_served(server, client))
		return;
	worker_start(server, client, message, (size_t)length);
}

/* Serves those that have spoken, and leaves the others when their time is over. */
static void clients_serve(struct server *server)
{
	long long now = clock_milliseconds();

	for (size_t i = 0; i < server->clients.count && !workers_busy(server); i++) {
		struct client *client = &server->clients.at[i];

		if (!client_is_held(client))
			continue;
		client_serve(server, client);
		if (client->state != CLIENT_SERVED && client->until <= now)
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
	for (int i = 0; i < CLIENTS_ACCEPTED_AT_ONCE && server->clients.count < CLIENTS_MAX &&
			!workers_busy(server);
	     i++) {
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
		clients_add(&server->clients, &client);
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
	client_answer(client->fd, AGENT_REFUSED "the agent could not finish: see its log");
}

/* Takes note of how the worker of a client has ended. */
static void worker_ended(struct server *server, struct client *client, int status)
{
	client->state = CLIENT_DONE;
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
		for (size_t i = 0; i < server->clients.count; i++) {
			struct client *client = &server->clients.at[i];

			if (client->state == CLIENT_SERVED && client->worker == pid)
				worker_ended(server, client, status);
		}
	}
	for (size_t i = 0; i < server->clients.count; i++) {
		/* Not reaped yet, so the number is its own. */
		if (server->clients.at[i].state == CLIENT_SERVED &&
		    server->clients.at[i].until <= now)
			(void)kill(server->clients.at[i].worker, SIGKILL);
	}
}

/* How long to wait when nothing happens, in milliseconds; -1: for ever. */
static int patience(const struct server *server)
{
	bool busy = workers_busy(server) || server->ending;
	long long until = server->untold > 0 ? server->window + WINDOW_MS : -1;
	long long left;

	for (size_t i = 0; i < server->clients.count; i++) {
		const struct client *client = &server->clients.at[i];

		if ((client->state == CLIENT_SERVED || !busy) &&
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
	nfds_t count = workers_busy(server) || server->ending ? 1 : 2 + server->clients.count;
	int result;

	for (size_t i = 0; i < server->clients.count; i++)
		polled[2 + i] = (struct pollfd){
		    .fd = server->clients.at[i].state == CLIENT_SILENT ? server->clients.at[i].fd
								       : -1,
		    .events = POLLIN,
		};
	if (poll(polled, count, patience(server)) < 0)
		return errno == EINTR ? 0 : -errno;
	if (polled[0].revents != 0 && signals_tell_end(server->signals))
		server->ending = true;
	workers_reap(server);
	if (server->watcher.pid == 0 && !server->ending) /* there was no process for it */
		watcher_run(server, true);
	refusals_count(server);
	result = 0;
	if (!server->ending) {
		clients_serve(server);
		result = polled[1].revents != 0 ? clients_accept(server) : 0;
	}
	clients_sweep(&server->clients);
	return result;
}

int server_run(int listener, const struct roots *roots, struct error *error)
{
	static struct server server; /* too large for a stack */
	int result;

	server = (struct server){
	    .roots = roots, .listener = listener, .watcher = {.bring = -1, .take = -1}};
	result = server.signals = signals_take();
	if (result >= 0)
		result = watcher_open(&server.watcher);
	if (result >= 0)
		watcher_run(&server, false);
	while (result >= 0 && !(server.ending && clients_in(&server.clients, CLIENT_SERVED) == 0))
		result = server_turn(&server);
	watcher_stop(&server.watcher);
	for (size_t i = 0; i < server.clients.count; i++)
		client_drop(&server.clients.at[i]);
	clients_sweep(&server.clients);
	watcher_close(&server.watcher);
	if (server.signals >= 0)
		close(server.signals);
	return result < 0
		   ? error_set(error, result, "the agent cannot go on: %s", strerror(-result))
		   : 0;
}
