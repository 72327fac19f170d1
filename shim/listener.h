/* The agent's listening socket: made here, or handed over by systemd. */
#ifndef SHIM_LISTENER_H
#define SHIM_LISTENER_H

#include "error.h"

/* Who may speak to the agent: the emulator's user is in this group (udev gives it /dev/kvm). */
#define LISTENER_GROUP "kvm"

/*
 * Takes the socket that systemd has made (sd_listen_fds(3)) and ends its handing
 * on. Returns the descriptor; -ENOENT, `error` left alone, where there is none; or
 * another -errno with `error` filled.
 */
int listener_inherited(struct error *error);

/*
 * Makes the socket at `path`, mode 0660, of the group LISTENER_GROUP, and its
 * directory if that is missing; that is locked (flock(2)) as long as this process lives,
 * so one that a dead agent has left is replaced, that of a living one is not. Returns the
 * descriptor, or -errno with `error` filled.
 */
int listener_make(const char *path, struct error *error);

#endif
