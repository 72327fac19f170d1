/* guest-pinning match --all: every guest that libvirt knows, beside every rule that there is. */
#ifndef SHIM_MATCH_ALL_H
#define SHIM_MATCH_ALL_H

#include "plan.h"

#include <stdbool.h>

/*
 * Asks libvirt for its guests and prints the rule that each would get, the guests without a rule
 * and the rules without a guest. Returns the exit status.
 */
int match_all(struct policy_source source, bool json);

#endif
