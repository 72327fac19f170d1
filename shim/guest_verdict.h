/* Whether what a guest has is what its rule wants. */
#ifndef SHIM_GUEST_VERDICT_H
#define SHIM_GUEST_VERDICT_H

#include "guest_state.h"

/* Finds the verdict, its reason and the note of a guest of which all else is known. */
void guest_verdict_find(struct guest_state *state);

/* Whether a thread has what the rule says of CPUs and priority. */
bool guest_thread_is_placed(const struct guest_state *state, const struct guest_thread *thread);

/* Whether its threads together may use only a part of the rule's CPUs. */
bool guest_cpus_are_fewer(const struct guest_state *state);

/* Whether the interrupts that the agent can move are where the rule says, and it watches them. */
bool guest_irqs_are_placed(const struct guest_state *state);

/* Whether enough of its memory is where the rule says, as far as that is known. */
bool guest_memory_is_placed(const struct guest_state *state);

#endif
