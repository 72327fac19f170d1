/* nice= and sched=: what the kernel's scheduler is to make of a guest's threads. */
#ifndef SHIM_PRIORITY_H
#define SHIM_PRIORITY_H

#include "error.h"
#include "rule.h"

#include <stdbool.h>
#include <sys/types.h>

/* What a thread has. */
struct priority {
	int nice;
	int scheduler; /* SCHED_OTHER … */
	int realtime;
};

/* Whether the rule says anything of it. */
static inline bool priority_is_asked(const struct rule *rule)
{
	return rule->nice_given || rule->scheduler != SCHEDULER_NONE;
}

/* The kernel's scheduler in words: "other", "fifo" … */
const char *priority_scheduler_name(int scheduler);

/* Whether that is what the rule says. */
bool priority_is(const struct priority *priority, const struct rule *rule);

/* The scheduler that the rule asks for, as the kernel counts it; -1: none. */
int priority_scheduler(const struct rule *rule);

/* What the rule says, "nice 5, scheduler fifo, real-time priority 3", "" for nothing. */
const char *priority_format(const struct rule *rule, char *text, size_t size);

/* Reads what a thread has, 0 being the calling one. Returns 0; or -errno with `error` filled. */
int priority_read(pid_t thread, struct priority *priority, struct error *error);

/*
 * Gives what the rule says to a thread, 0 being the calling one, and so to all that it starts
 * from then on (sched(7)). Returns 0 with `before` filled; or -errno with `error` filled, and the
 * thread as it was: -EPERM where the caller may not (it takes CAP_SYS_NICE, or a limit,
 * getrlimit(2)).
 */
int priority_apply(const struct rule *rule, pid_t thread, struct priority *before,
		   struct error *error);

/* Takes it back, as far as that may. */
void priority_undo(const struct rule *rule, pid_t thread, const struct priority *before);

#endif
