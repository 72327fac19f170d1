/*
 * Who is at the other end of the agent's socket: what the kernel knows of it,
 * and nothing that it says.
 */
#ifndef SHIM_PEER_H
#define SHIM_PEER_H

#include "cgroup.h"
#include "error.h"
#include "roots.h"

struct peer {
	pid_t pid;
	uid_t uid;
	int pidfd;     /* the process that connected, no other that was given its number since */
	int directory; /* its directory in /proc, which becomes no other's either */
	char *guest;   /* the name in its command line */
	struct cgroup cgroup;
};

/*
 * Finds who has connected. Returns 0; or -errno with `error` filled. peer->pid is
 * set in every case (0: not known), and peer_close() is due.
 */
int peer_open(struct peer *peer, int connection, const struct roots *roots, struct error *error);

/*
 * Reads what decides of its placement. It must run an installed shim: a regular
 * file that carries the shim's mark, that is still where it was started from, and
 * that nobody but root (or roots->owner) can have put there or can change. Its
 * command line and cgroup are read while it is that, and it must be alive
 * afterwards. Returns 0; or -errno with `error` filled.
 */
int peer_read(struct peer *peer, const struct roots *roots, struct error *error);

/* Whether it still lives. Returns 0, or -ESRCH with `error` filled. */
int peer_alive(const struct peer *peer, struct error *error);

void peer_close(struct peer *peer);

#endif
