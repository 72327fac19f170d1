/*
 * Who is connected to the agent, and how many of them may be: see the limits in server.h.
 */
#ifndef SHIM_CLIENTS_H
#define SHIM_CLIENTS_H

#include "cgroup.h"
#include "server.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum {
	CLIENTS_ACCEPTED_AT_ONCE = 64, /* then the others have their turn */
	CLIENTS_MAX = SERVER_HELD_MAX + SERVER_WORKERS_MAX + CLIENTS_ACCEPTED_AT_ONCE,
};

enum client_state {
	CLIENT_SILENT, /* it has said nothing yet */
	CLIENT_WAITS,  /* for another request of its cgroup */
	CLIENT_SERVED, /* by its worker */
	CLIENT_DONE,   /* to be closed */
};

struct client {
	enum client_state state;
	int fd;
	long long until; /* clock_milliseconds() */
	pid_t worker;
	pid_t pid;            /* of the peer, at least when it connected */
	struct cgroup cgroup; /* of the peer; its path is empty where it is not known */
};

struct clients {
	size_t count;
	struct client at[CLIENTS_MAX]; /* the oldest first */
};

/* How many there are in a state. */
size_t clients_in(const struct clients *clients, enum client_state state);

/* Whether a client is there without being served. */
bool client_is_held(const struct client *client);

/* Whether both are of one cgroup, or neither's is known. */
bool clients_are_alike(const struct client *client, const struct client *other);

/* Sends an answer. A client that does not take it goes without. */
void client_answer(int fd, const char *text);

/* Leaves a client that is not served. One that has spoken is told. */
void client_drop(struct client *client);

/*
 * Takes a client in. Where its cgroup has its share already, the oldest of these
 * goes; else, where there is no room, the oldest of all.
 */
void clients_add(struct clients *clients, const struct client *client);

/* Closes the connections that are done with. */
void clients_sweep(struct clients *clients);

#endif
