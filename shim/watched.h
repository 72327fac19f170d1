/* What the agent has written down of the interrupts that it watches over: watch_state.h. */
#ifndef SHIM_WATCHED_H
#define SHIM_WATCHED_H

#include "interrupt_plan.h"

#include <jansson.h>
#include <stdbool.h>
#include <sys/types.h>

/* Returns it, to be freed by json_decref(); or NULL where there is nothing to be read. */
json_t *watched_load(const struct roots *roots);

/* Whether the guest of that process, started then, is watched over. */
bool watched_has_guest(const json_t *watched, pid_t pid, const char *started);

/*
 * Whether it is watched over as the plan says, and not as another one did. Of the guest's own
 * devices the agent may know less: those that are libvirt's to tell.
 */
bool watched_has_plan(const json_t *watched, pid_t pid, const char *started,
		      const struct interrupt_plan *plan);

/* Whether the agent has moved that interrupt, and to which CPUs. */
bool watched_set(const json_t *watched, unsigned int number, struct id_set *cpus);

/* Whether the agent has seen that somebody else has set it, and leaves it there. */
bool watched_is_left(const json_t *watched, unsigned int number);

#endif
