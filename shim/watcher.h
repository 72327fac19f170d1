/*
 * The agent's process that watches over interrupts (watch.h), for as long as guests live. A
 * worker brings it a guest, over a socket that all of them share, with a connection of its
 * own, over which the watcher answers; the guest stays when the worker then says so, and is
 * dropped when it ends without.
 */
#ifndef SHIM_WATCHER_H
#define SHIM_WATCHER_H

#include "error.h"
#include "roots.h"
#include "watch_guest.h"

#include <stdbool.h>
#include <sys/types.h>

enum { WATCHER_MESSAGE_MAX = 64 * 1024 };

struct watcher {
	pid_t pid; /* 0: it does not run */
	int bring; /* the end of the socket for workers */
	int take;  /* that of the watcher */
};

/* Makes the socket; the process is not started yet. Returns 0 or -errno. */
int watcher_open(struct watcher *watcher);

/*
 * Starts the process; with `again` one that ended by itself is followed, after a second. In it
 * `leave` is called first, to close what is not its. Returns 0 or -errno.
 */
int watcher_start(struct watcher *watcher, const struct roots *roots, bool again,
		  void (*leave)(void *context), void *context);

/* Has the process put all interrupts back, and waits for its end. */
void watcher_stop(struct watcher *watcher);

void watcher_close(const struct watcher *watcher);

/*
 * Brings a guest, of which guest->pidfd is held, to the watcher, and waits until its interrupts
 * are where they should be, as far as they can. Returns a connection, with `note` as of
 * watch_add(); or -errno with `error` filled. Closed without watcher_keep() it drops the guest.
 */
int watcher_bring(int bring, const struct watch_guest *guest, struct error *note,
		  struct error *error);

/* Lets the guest stay. Returns 0 or -errno. */
int watcher_keep(int connection);

#endif
