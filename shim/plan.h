/*
 * What the start of one guest comes to: the rule that its name matches, the
 * placement, what to warn of, and whether it must be refused. The shim applies
 * it, the dry run and the administrator's tool print it.
 */
#ifndef SHIM_PLAN_H
#define SHIM_PLAN_H

#include "guest_memory.h"
#include "interrupt_plan.h"
#include "placement.h"
#include "policy.h"

#include <stdio.h>

#ifndef SYSCONFDIR
#error "SYSCONFDIR must be given, such as /etc"
#endif
#define POLICY_PATH SYSCONFDIR "/libvirt/guest-pinning.conf"

enum {
	PLAN_WARNINGS_MAX = 8,
	PLAN_NAME_SIZE = 256, /* of a guest's name in a message: what is longer is cut */
};

/* Where the policy is, and who besides root may own it. */
struct policy_source {
	const char *path;
	uid_t owner; /* 0: nobody but root */
};

struct plan {
	const char *guest; /* the caller's; NULL: the command line names none */
	bool matched;
	struct rule rule; /* when matched */
	bool placed;      /* `placement` holds */
	bool in_emulator; /* this process is in libvirt's cgroup of an emulator */
	bool asks_agent;  /* what the rule asks for takes the agent */
	struct placement placement;
	struct guest_memory memory;        /* when placed */
	struct interrupt_plan *interrupts; /* after plan_interrupts(), where the rule has some */
	struct policy policy;
	size_t warning_count;
	/* Last, for most starts never touch them: plan_make() */
	struct error reason; /* why it is not placed though a rule matches, in short */
	struct error error;  /* the start is refused for this; empty: it is not */
	struct error warnings[PLAN_WARNINGS_MAX];
};

/*
 * The policy of this process: POLICY_PATH, or the file that
 * GUEST_PINNING_CONF names, which then may also be the caller's own. A program
 * that runs with more rights than its caller (AT_SECURE) does not ask it.
 */
struct policy_source policy_source_find(void);

enum plan_for {
	PLAN_FOR_CALLER, /* who is to become the guest's emulator, or shows what it would get */
	PLAN_FOR_HOST,   /* another process: what agent and tool find of libvirt's guests */
};

/*
 * Makes the plan for a guest, or for NULL, who has no name. What goes wrong is in
 * plan->error and plan->warnings. To be freed by plan_free() in every case.
 */
void plan_make(struct plan *plan, const char *guest, enum plan_for whom,
	       struct policy_source source);

/* Says that the rule does not count any more: the guest is not refused, it starts unplaced. */
void plan_let_be(struct plan *plan, const char *reason);

/*
 * Says that libvirt starts this process. Where the plan gives it CPUs that no agent can
 * keep, since libvirt has it in no cpuset cgroup of its own, it cannot be honoured:
 * libvirt will set the affinity of the guest's threads itself (qemuProcessSetupPid).
 */
void plan_by_libvirt(struct plan *plan);

/*
 * Plans the guest's memory: the command line `argv` of the emulator becomes another one where
 * the rule asks for that. NULL: it is not known, as `emulator` may not be; then only the host
 * is looked at.
 */
void plan_memory(struct plan *plan, char *const argv[], const struct emulator *emulator);

/*
 * Plans the interrupts, for who is to see them: to move them is the agent's affair. The command
 * line as above.
 */
void plan_interrupts(struct plan *plan, char *const argv[]);

/* The command line for the emulator: the one that was given to plan_memory(), or another. */
char *const *plan_argv(const struct plan *plan, char *const argv[]);

/*
 * Gives this process the placement, the priority and the environment of the plan. What it
 * cannot do, the agent at `agent` does: the CPUs, where libvirt would undo the affinity, a
 * priority that it may not give itself, and interrupts. NULL: a dry run, after which this process
 * is as it was. What the host or the agent refuses goes to plan->error or, with best-effort, to
 * plan->warnings; then plan->placed is false, and the process is where it was. (The cpuset stays,
 * should the agent have set it.)
 */
void plan_apply(struct plan *plan, const char *agent);

/* Prints the plan, one "key: value" a line, from "guest:" to "error:". */
void plan_print(const struct plan *plan, FILE *stream);

/* Prints one such line, control characters worded. */
void plan_print_line(FILE *stream, const char *key, const char *value);

/* Writes the plan as one line for the guest's log. Returns `text`. */
const char *plan_record(const struct plan *plan, char *text, size_t size);

void plan_free(struct plan *plan);

#endif
