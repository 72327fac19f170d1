/*
 * The agent's connections: one loop, one request at a time, and what a client can
 * cost is bounded. A request is in the connection's queue when the shim's
 * connect(2) has been seen or a moment later, so one that says nothing is not
 * waited for long, and not at all when its place is needed.
 */
#ifndef SHIM_SERVER_H
#define SHIM_SERVER_H

#include "error.h"
#include "roots.h"

enum {
	SERVER_BACKLOG = 256,    /* connections that the kernel holds until they are seen */
	SERVER_SILENT_MAX = 64,  /* that are held without having said anything */
	SERVER_SILENT_MS = 2000, /* for so long */
};

/*
 * Serves what comes over `listener`, a listening SOCK_SEQPACKET socket, until a
 * signal comes over `signals`, a signalfd. Returns 0 then; or -errno with `error`
 * filled where it cannot go on.
 */
int server_run(int listener, int signals, const struct roots *roots, struct error *error);

#endif
