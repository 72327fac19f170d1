#include "worker.h"
#include "agent.h"
#include "clients.h"
#include "clock.h"
#include "numa_library.h"
#include "request.h"
#include "unix_socket.h"

#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* What a worker is told; the connection comes with it. */
struct order {
	size_t length; /* of the message, of which this may be the beginning */
	bool quiet;
	char message[AGENT_REQUEST_MAX];
};

/* What the agent is told then. */
struct outcome {
	enum worker_result result;
	bool last;
};

/* Waits for an order. Returns the connection; or -1: there are to be no more. */
static int order_take(int fd, struct order *order)
{
	int connection;

	return unix_socket_take(fd, order, sizeof(*order), &connection, 1, 0) == sizeof(*order)
		   ? connection
		   : -1;
}

static enum worker_result order_serve(const struct workers *workers, const struct order *order,
				      int connection)
{
	char reply[AGENT_REPLY_MAX];
	bool placed = request_serve(connection, order->message, order->length, workers->roots,
				    workers->bring, order->quiet, reply);
	ssize_t unread;

	/* Closing with a message unread would tell the peer of an error instead of the answer. */
	do
		unread = recv(connection, NULL, 0, MSG_DONTWAIT | MSG_TRUNC);
	while (unread > 0 || (unread < 0 && errno == EINTR));
	client_answer(connection, reply);
	if (placed)
		return WORKER_PLACED;
	return order->quiet ? WORKER_REFUSED_QUIETLY : WORKER_REFUSED;
}

/*
 * The worker's own life. The agent closes a connection after it, for that may take its time. What
 * libnuma knows of the host is what was so when it was opened: it serves for one request.
 */
static void worker_run(const struct workers *workers, int fd)
{
	struct order order = {.length = 0};
	int connection;

	/* What a peer has it read is megabytes, and goes back to the kernel each time (mallopt(3)).
	 */
	(void)mallopt(M_MMAP_THRESHOLD, 128 * 1024);
	while ((connection = order_take(fd, &order)) >= 0) {
		struct outcome outcome = {.result = order_serve(workers, &order, connection)};

		close(connection);
		outcome.last = numa_library_is_open();
		if (send(fd, &outcome, sizeof(outcome), MSG_NOSIGNAL) < 0)
			break;
	}
	_exit(EXIT_SUCCESS);
}

/* Returns a new worker, which gets the connection as any other; or NULL with errno set. */
static struct worker *worker_start(struct workers *workers, int connection,
				   void (*leave)(void *context), void *context)
{
	struct worker *worker = &workers->at[workers->count];
	pid_t agent = getpid();
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return NULL;
	*worker = (struct worker){.pid = fork(), .fd = ends[0]};
	if (worker->pid == 0) {
		leave(context);
		close(ends[0]);
		close(connection); /* which may be known to nobody yet */
		/* It must not hold the socket of an agent that is gone. */
		if (prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == agent)
			worker_run(workers, ends[1]);
		_exit(EXIT_FAILURE);
	}
	close(ends[1]);
	if (worker->pid > 0) {
		workers->count++;
		return worker;
	}
	close(ends[0]);
	return NULL;
}

static void worker_forget(struct workers *workers, struct worker *worker)
{
	close(worker->fd);
	*worker = workers->at[--workers->count];
}

pid_t workers_give(struct workers *workers, int connection, const char *message, size_t length,
		   bool quiet, void (*leave)(void *context), void *context)
{
	struct order order = {.length = length, .quiet = quiet};
	size_t i = 0;

	workers_rest(workers, clock_milliseconds());
	memcpy(order.message, message,
	       length < sizeof(order.message) ? length : sizeof(order.message));
	for (;;) {
		struct worker *worker;
		int result;

		while (i < workers->count && workers->at[i].busy)
			i++;
		if (i == SERVER_WORKERS_MAX)
			return -EAGAIN;
		worker = i < workers->count ? &workers->at[i]
					    : worker_start(workers, connection, leave, context);
		if (worker == NULL)
			return -errno;
		result = unix_socket_send(worker->fd, &order, sizeof(order), &connection, 1,
					  MSG_DONTWAIT);
		if (result == 0) {
			worker->busy = true;
			worker->requests++;
			return worker->pid;
		}
		/* It has ended, which will be told of. */
		worker_forget(workers, worker);
		if (result != -EPIPE && result != -ECONNRESET)
			return result;
	}
}

enum worker_result worker_hear(struct worker *worker)
{
	struct outcome outcome;

	/* Where it has ended there will be word of that. */
	if (recv(worker->fd, &outcome, sizeof(outcome), MSG_DONTWAIT) != sizeof(outcome))
		return WORKER_UNKNOWN;
	worker->busy = false;
	worker->until = worker->requests < WORKER_REQUESTS_MAX && !outcome.last
			    ? clock_milliseconds() + WORKER_IDLE_MS
			    : 0;
	return outcome.result;
}

void workers_kill(struct workers *workers, pid_t pid)
{
	for (size_t i = 0; i < workers->count; i++) {
		if (workers->at[i].pid == pid)
			workers->at[i].requests = WORKER_REQUESTS_MAX;
	}
	(void)kill(pid, SIGKILL);
}

void workers_ended(struct workers *workers, pid_t pid)
{
	for (size_t i = 0; i < workers->count; i++) {
		if (workers->at[i].pid == pid) {
			worker_forget(workers, &workers->at[i]);
			return;
		}
	}
}

long long workers_rest(struct workers *workers, long long now)
{
	long long next = -1;

	for (size_t i = workers->count; i-- > 0;) {
		struct worker *worker = &workers->at[i];

		if (worker->busy)
			continue;
		if (worker->until <= now)
			worker_forget(workers, worker);
		else if (next < 0 || worker->until < next)
			next = worker->until;
	}
	return next;
}

void workers_close(const struct workers *workers)
{
	for (size_t i = 0; i < workers->count; i++)
		close(workers->at[i].fd);
}
