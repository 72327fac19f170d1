/*
 * A process that the agent is to do something for: who is at the other end of its socket, or
 * a guest that root names. What the kernel knows of it, and nothing that it says.
 */
#ifndef SHIM_PEER_H
#define SHIM_PEER_H

#include "cgroup.h"
#include "error.h"
#include "roots.h"

#include <sys/stat.h>

struct peer {
	pid_t pid;
	uid_t uid;
	int pidfd;     /* the process that connected, no other that was given its number since */
	int directory; /* its directory in /proc, which becomes no other's either */
	struct stat executable;
	char **argv; /* its command line */
	char *guest; /* the name in it */
	struct cgroup cgroup;
};

/*
 * Finds who has connected. Returns 0; or -errno with `error` filled. peer->pid is
 * set in every case (0: not known), and peer_close() is due.
 */
int peer_open(struct peer *peer, int connection, const struct roots *roots, struct error *error);

/*
 * Takes hold of a process that somebody else has named, by its number and by when it was started
 * (process.h). Returns 0; or -errno with `error` filled: -ESRCH where it is not that one, or not
 * there. peer_close() is due.
 */
int peer_hold(struct peer *peer, pid_t pid, const char *started, const struct roots *roots,
	      struct error *error);

/*
 * Reads which cgroup it is in, which is the one thing of it that it cannot make up.
 * Returns 0; or -errno with `error` filled.
 */
int peer_read_cgroup(struct peer *peer, struct error *error);

/*
 * Reads which guest it is to become. It must run an installed shim: a regular
 * file that carries the shim's mark, that is still where it was started from, and
 * that nobody but root (or roots->owner) can have put there or can change. (Whoever may
 * trace it can have it say any name, as he can name any in its command line.) And it must be
 * in the agent's user namespace. Returns 0; or -errno with `error` filled.
 */
int peer_read(struct peer *peer, const struct roots *roots, struct error *error);

/* Reads which guest it is, whatever it runs. Returns 0; or -errno with `error` filled. */
int peer_read_guest(struct peer *peer, struct error *error);

/*
 * Whether it still is what it was as it was read, and that an answer is still waited for over
 * `connection`. Returns 0; or -errno with `error` filled.
 */
int peer_waits(const struct peer *peer, int connection, struct error *error);

void peer_close(struct peer *peer);

#endif
