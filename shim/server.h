/*
 * The agent's connections: one loop, and a process of its own for each request. A
 * peer that is looked at can hold up whoever looks (its command line is read from
 * its memory, which may be a file of its own file system), so that is done by a
 * process that can be ended; and one that is crashed takes nothing with it.
 *
 * What clients can cost is bounded: see the limits. When all workers are busy, new
 * connections wait in the kernel's queue.
 */
#ifndef SHIM_SERVER_H
#define SHIM_SERVER_H

#include "error.h"
#include "roots.h"

enum {
	SERVER_BACKLOG = 256,    /* connections that the kernel holds until they are seen */
	SERVER_HELD_MAX = 64,    /* that are held without being served (they say nothing), */
	SERVER_HELD_MS = 2000,   /* for so long; the oldest goes first where one too many comes */
	SERVER_WORKERS_MAX = 16, /* requests at a time, of each cgroup one, */
	SERVER_WORKER_MS = 2000, /* each for so long: it takes some 2 ms */
};

/*
 * Serves what comes over `listener`, a listening SOCK_SEQPACKET socket that does not
 * block, until SIGTERM or SIGINT. Blocks these and SIGCHLD. Returns 0; or -errno
 * with `error` filled where it cannot go on.
 */
int server_run(int listener, const struct roots *roots, struct error *error);

#endif
