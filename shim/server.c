#include "server.h"
#include "agent.h"
#include "clients.h"
#include "clock.h"
#include "log.h"
#include "watcher.h"
#include "worker.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	WINDOW_MS = 1000, /* of SERVER_REFUSALS_TOLD */
	RECOVERY_MS = 10, /* until what has run out may be there again */
};

struct server {
	const struct roots *roots;
	int listener;
	int signals;
	struct watcher watcher;
	bool ending;
	struct clients clients;
	struct workers workers;
	long long window;    /* when it began */
	unsigned int told;   /* refusals that were logged in it */
	unsigned int untold; /* and those that were not */
};

static bool workers_busy(const struct server *server)
{
	return clients_in(&server->clients, CLIENT_SERVED) == SERVER_WORKERS_MAX;
}

/* Closes what is not of a process that was started for something else. */
static void leave_all(void *context)
{
	const struct server *server = context;

	close(server->listener);
	close(server->signals);
	workers_close(&server->workers);
	for (size_t i = 0; i < server->clients.count; i++)
		close(server->clients.at[i].fd);
}

/* Has a worker answer one message. */
static void worker_give(struct server *server, struct client *client, const char *message,
			size_t length)
{
	pid_t pid = workers_give(&server->workers, client->fd, message, length,
				 server->told >= SERVER_REFUSALS_TOLD, leave_all, server);

	if (pid < 0) {
		log_line("no process for a request: %s", strerror(-pid));
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
	worker_give(server, client, message, (size_t)length);
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
			(void)poll(NULL, 0, RECOVERY_MS); /* or this would be a busy loop */
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
	client->state = CLIENT_DONE;
}

/* Takes note of what has become of a client's request. */
static void client_served(struct server *server, struct client *client, enum worker_result result)
{
	client->state = CLIENT_DONE;
	if (result == WORKER_REFUSED)
		server->told++;
	else if (result == WORKER_REFUSED_QUIETLY)
		server->untold++;
}

/* The client that a worker is at; NULL: there is none. */
static struct client *client_of(struct server *server, pid_t worker)
{
	for (size_t i = 0; i < server->clients.count; i++) {
		struct client *client = &server->clients.at[i];

		if (client->state == CLIENT_SERVED && client->worker == worker)
			return client;
	}
	return NULL;
}

/* Hears what the workers have done. */
static void workers_hear(struct server *server)
{
	for (size_t i = 0; i < server->workers.count; i++) {
		struct worker *worker = &server->workers.at[i];
		struct client *client = worker->busy ? client_of(server, worker->pid) : NULL;
		enum worker_result result = client != NULL ? worker_hear(worker) : WORKER_UNKNOWN;

		if (result != WORKER_UNKNOWN)
			client_served(server, client, result);
	}
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
	struct client *client;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == server->watcher.pid)
			watcher_ended(server, status);
		client = client_of(server, pid);
		if (client != NULL)
			worker_failed(client, status);
		workers_ended(&server->workers, pid);
	}
	for (size_t i = 0; i < server->clients.count; i++) {
		/* Not reaped yet, so the number is its own. */
		if (server->clients.at[i].state == CLIENT_SERVED &&
		    server->clients.at[i].until <= now)
			workers_kill(&server->workers, server->clients.at[i].worker);
	}
}

/* How long to wait when nothing happens, in milliseconds; -1: for ever. */
static int patience(struct server *server)
{
	bool busy = workers_busy(server) || server->ending;
	long long until = workers_rest(&server->workers, clock_milliseconds());
	long long left;

	if (server->untold > 0 && (until < 0 || server->window + WINDOW_MS < until))
		until = server->window + WINDOW_MS;
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
	int wait = patience(server);
	struct pollfd polled[2 + SERVER_WORKERS_MAX + CLIENTS_MAX];
	nfds_t count = 0;
	nfds_t listener;
	int result;

	polled[count++] = (struct pollfd){.fd = server->signals, .events = POLLIN};
	for (size_t i = 0; i < server->workers.count; i++) {
		if (server->workers.at[i].busy)
			polled[count++] =
			    (struct pollfd){.fd = server->workers.at[i].fd, .events = POLLIN};
	}
	listener = count;
	polled[listener] = (struct pollfd){.revents = 0};
	/* While all workers are busy only the end of one is of interest. */
	if (!workers_busy(server) && !server->ending) {
		polled[count++] = (struct pollfd){.fd = server->listener, .events = POLLIN};
		for (size_t i = 0; i < server->clients.count; i++) {
			if (server->clients.at[i].state == CLIENT_SILENT)
				polled[count++] = (struct pollfd){.fd = server->clients.at[i].fd,
								  .events = POLLIN};
		}
	}
	if (poll(polled, count, wait) < 0) {
		if (errno != EINTR && errno != ENOMEM)
			return -errno;
		(void)poll(NULL, 0, RECOVERY_MS); /* or this would be a busy loop */
		return 0;
	}
	if (polled[0].revents != 0 && signals_tell_end(server->signals))
		server->ending = true;
	workers_hear(server);
	workers_reap(server);
	if (server->watcher.pid == 0 && !server->ending) /* there was no process for it */
		watcher_run(server, true);
	refusals_count(server);
	result = 0;
	if (!server->ending) {
		clients_serve(server);
		result = polled[listener].revents != 0 ? clients_accept(server) : 0;
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
	server.workers = (struct workers){.roots = roots, .bring = server.watcher.bring};
	if (result >= 0)
		watcher_run(&server, false);
	while (result >= 0 && !(server.ending && clients_in(&server.clients, CLIENT_SERVED) == 0))
		result = server_turn(&server);
	workers_close(&server.workers);
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
