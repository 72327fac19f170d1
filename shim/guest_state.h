/*
 * The guests that run on this host, found in /proc: what each has, what its rule wants, and
 * whether that is the same.
 */
#ifndef SHIM_GUEST_STATE_H
#define SHIM_GUEST_STATE_H

#include "guest_irqs.h"
#include "guest_pages.h"
#include "guest_threads.h"
#include "plan.h"
#include "screen.h"

enum verdict {
	VERDICT_PLACED,   /* what the rule says of CPUs, memory, priority, interrupts is so */
	VERDICT_DRIFTED,  /* some of it is not */
	VERDICT_UNPLACED, /* nothing of it is, or it cannot be honoured on this host */
	VERDICT_NO_RULE,
	VERDICT_UNKNOWN, /* its memory cannot be seen, all else is so; or the policy cannot be read
			  */
	VERDICTS,
};

/* "placed", "drifted", "unplaced", "no rule", "unknown". */
const char *verdict_name(enum verdict verdict);

/* Whether there is nothing to be mended. */
static inline bool verdict_is_fine(enum verdict verdict)
{
	return verdict == VERDICT_PLACED || verdict == VERDICT_NO_RULE;
}

struct guest_state {
	pid_t pid;
	char started[PROCESS_STARTED_SIZE];
	char *guest;    /* NULL: its command line names none */
	char *emulator; /* what it executes; "" where that cannot be seen */

	/* What is wanted. */
	char *rule_file; /* NULL: no rule matches */
	unsigned int rule_line;
	char *glob;
	bool wanted_known; /* `wanted` holds */
	struct placement wanted;
	struct rule asked; /* without its strings, which are NULL */

	/* What is. */
	struct guest_threads threads;
	struct id_set cpus; /* of all threads together */
	uint64_t resident;  /* bytes in pages that are one by one to be counted */
	bool pages_known;
	struct guest_pages pages;
	struct guest_irqs irqs;
	bool irqs_watched; /* by the agent, */
	bool irqs_other;   /* but as another rule has said */
	bool thp_never;    /* it gets no transparent huge pages, whatever the host's setting */

	enum verdict verdict;
	struct error reason; /* of a verdict other than placed and no rule */
	struct error note;   /* what else is to be known; empty: nothing */
};

struct guest_states {
	struct guest_state *at; /* by guest's name, then by pid */
	size_t count;
};

/* The least part of a guest's memory that must be on its rule's nodes, in percent. */
enum { GUEST_MEMORY_PERCENT = 99 };

/*
 * Reads what runs; with `names`, a list of so many, only guests of these names. Memory is
 * counted as long as that takes no more than a second for all, the smallest guests first; of
 * the others it is estimated (guest_pages.h). `progress` may be NULL. Returns 0; or -errno
 * with `error` filled. To be freed by guest_states_free() in every case.
 */
int guest_states_read(struct guest_states *states, const struct roots *roots,
		      struct policy_source source, char *const names[], size_t name_count,
		      struct progress *progress, struct error *error);

/*
 * Opens the directory of a guest's process in /proc. Returns a descriptor; or -1 where the process
 * has ended, be its number another's by now.
 */
int guest_state_open(const struct guest_state *state, const struct roots *roots);

/* The part of its memory that is on its rule's nodes, 0 to 1; -1: not known, or not asked. */
double guest_state_share(const struct guest_state *state);

/* The same in percent, for a person: what is not all is never written as all. */
double guest_state_percent(const struct guest_state *state);

void guest_states_free(struct guest_states *states);

#endif
