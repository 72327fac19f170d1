/*
 * The processes that answer the agent's requests, each one after the other. They are started when
 * there is something to do, and end when there has been nothing for a moment.
 *
 * A worker that has gone wrong, or takes too long, is ended with the one request that it is at.
 * After so many it ends in any case, and with it what it may have lost hold of.
 */
#ifndef SHIM_WORKER_H
#define SHIM_WORKER_H

#include "roots.h"
#include "server.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum {
	WORKER_IDLE_MS = 200, /* then it ends */
	WORKER_REQUESTS_MAX = 256,
};

/* What has become of a request. */
enum worker_result { WORKER_PLACED, WORKER_REFUSED, WORKER_REFUSED_QUIETLY, WORKER_UNKNOWN };

struct worker {
	pid_t pid;
	int fd; /* to it */
	bool busy;
	unsigned int requests; /* that it has been given */
	long long until;       /* clock_milliseconds(): where it is not busy */
};

struct workers {
	const struct roots *roots;
	int bring; /* to the watcher */
	size_t count;
	struct worker at[SERVER_WORKERS_MAX];
};

/*
 * Has a worker answer what was said over `connection`: the first AGENT_REQUEST_MAX bytes of
 * `message`, `length` in all. In one that is started `leave` is called first, to close what is not
 * its. Returns its pid or -errno.
 */
pid_t workers_give(struct workers *workers, int connection, const char *message, size_t length,
		   bool quiet, void (*leave)(void *context), void *context);

/* Hears of a busy worker, from which something has come, what has become of its request. */
enum worker_result worker_hear(struct worker *worker);

/* Ends one of them with its request: it gets no other, even if it has just been through. */
void workers_kill(struct workers *workers, pid_t pid);

/* Takes note that a process has ended, which may have been one of them. */
void workers_ended(struct workers *workers, pid_t pid);

/* Ends those that have had nothing to do, or have done enough. Returns the next time, or -1. */
long long workers_rest(struct workers *workers, long long now);

/* Closes what leads to them, by which those end that are not busy. */
void workers_close(const struct workers *workers);

#endif
