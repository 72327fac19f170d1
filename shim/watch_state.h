/* The watch, written down in the agent's own directory. */
#ifndef SHIM_WATCH_STATE_H
#define SHIM_WATCH_STATE_H

#include "watch_entry.h"

/* Whether anything is written down. */
bool watch_state_is_there(const struct roots *roots);

/*
 * Writes down the guests, and of each interrupt that is changed or about to be what it was
 * before and what it is set to; a watch without any leaves no file. Returns 0 or -errno.
 */
int watch_state_save(const struct watch *watch);

/*
 * Reads what was written down: guests to watch->guests, not held yet, and interrupts to those
 * of watch->entries that are still the same. Returns 0, also where there is nothing; or -errno
 * with `error` filled where it cannot be understood.
 */
int watch_state_load(struct watch *watch, struct error *error);

#endif
