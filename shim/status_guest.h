/* Running guests on a screen, at length. */
#ifndef SHIM_STATUS_GUEST_H
#define SHIM_STATUS_GUEST_H

#include "guest_state.h"

/*
 * Prints them one after the other; of what is more than a terminal of so many `rows` shows at
 * once, 0 being any, the first lines, and how many more there are. Returns 0 or -ENOMEM.
 */
int status_guests_print(const struct guest_states *states, unsigned int rows);

#endif
