/*
 * The agent's connections: one loop, and a process for each request at a time (worker.h). To
 * look at a peer is to read megabytes of its making and to ask libraries what they
 * mean; what goes wrong there, or takes long, is ended and takes nothing with it.
 *
 * What clients can cost is bounded, see the limits, and is counted by cgroup, since a
 * guest cannot leave its own: who takes too much of it takes it from itself. When all
 * workers are busy, new connections wait in the kernel's queue.
 */
#ifndef SHIM_SERVER_H
#define SHIM_SERVER_H

#include "error.h"
#include "roots.h"

enum {
	SERVER_BACKLOG = 256,      /* connections that the kernel holds until they are seen */
	SERVER_HELD_MAX = 64,      /* that are held without being served: they say nothing, */
	SERVER_HELD_SHARE = 8,     /* of one cgroup; where one too many comes the oldest goes, */
	SERVER_HELD_MS = 2000,     /* and each after so long */
	SERVER_WORKERS_MAX = 16,   /* requests at a time, of each cgroup one, */
	SERVER_WORKER_MS = 4000,   /* each for so long: it takes 0.3 ms, and the shim waits 5 s */
	SERVER_REFUSALS_TOLD = 20, /* that are logged in a second; then only how many more */
};

/*
 * Serves what comes over `listener`, a listening SOCK_SEQPACKET socket that does not
 * block, until SIGTERM or SIGINT; then it finishes what it has begun. Blocks these and
 * SIGCHLD. Returns 0; or -errno with `error` filled where it cannot go on.
 */
int server_run(int listener, const struct roots *roots, struct error *error);

#endif
