/* Running guests for other programs: JSON. */
#ifndef SHIM_REPORT_GUESTS_H
#define SHIM_REPORT_GUESTS_H

#include "guest_state.h"

#include <jansson.h>

/*
 * A guest that runs: {"guest", "pid", "emulator", "rule": {"file", "line", "glob"} or null,
 * "verdict", "reason", "note", "wanted": {"cpus", "memory", "huge_page"} or null, "cpus",
 * "threads": [], "memory": {} or null, "irqs": [], "isolated"}. Its parts:
 * tests/schema/status.json.
 */
json_t *report_guest(const struct guest_state *state);

#endif
