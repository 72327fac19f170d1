/* Moving the memory of a running guest to other nodes. */
#ifndef SHIM_GUEST_MOVE_H
#define SHIM_GUEST_MOVE_H

#include "guest_state.h"

/*
 * Moves what is not on the rule's nodes there (migrate_pages(2)), with a bar as it goes on. What
 * a device has its hands on, or what finds no room, stays. Returns 0; or -errno with `error`
 * filled: -ESRCH where the process is another by now. A signal that ends the caller does not
 * stop what the kernel has begun.
 */
int guest_memory_move(const struct guest_state *state, struct error *error);

#endif
