/* How the watch finds what affinity each interrupt should have, and sets it. */
#ifndef SHIM_WATCH_SETTLE_H
#define SHIM_WATCH_SETTLE_H

#include "watch.h"

/*
 * Brings all interrupts to where they should be; with `back`, to where they were before.
 * Returns 0; or -errno where nothing was done, as where it cannot be written down.
 */
int watch_settle(struct watch *watch, bool back);

#endif
