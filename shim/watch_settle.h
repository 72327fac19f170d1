/* How the watch finds what affinity each interrupt should have, and sets it. */
#ifndef SHIM_WATCH_SETTLE_H
#define SHIM_WATCH_SETTLE_H

#include "watch.h"

/*
 * Brings all interrupts to where they should be; with `back`, to where they were before. What
 * somebody else has set is left, but for what `fresh`, a guest that is new, asks for; NULL:
 * none is. Returns 0; or -errno where nothing was done, as where it cannot be written down.
 */
int watch_settle(struct watch *watch, bool back, const struct watch_guest *fresh);

/* Reads which CPUs are online. Returns 0 or -errno. */
int watch_online(const struct watch *watch, struct id_set *online);

#endif
