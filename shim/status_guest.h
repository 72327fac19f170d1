/* One running guest on a screen, at length. */
#ifndef SHIM_STATUS_GUEST_H
#define SHIM_STATUS_GUEST_H

#include "guest_state.h"

void status_guest_print(const struct guest_state *state);

#endif
