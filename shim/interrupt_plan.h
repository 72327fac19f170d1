/* What the irq= and isolate of a rule come to for one guest on this host. */
#ifndef SHIM_INTERRUPT_PLAN_H
#define SHIM_INTERRUPT_PLAN_H

#include "assigned.h"
#include "device.h"
#include "id_set.h"
#include "placement.h"
#include "rule.h"

enum {
	INTERRUPT_CLAIMS_MAX = RULE_IRQ_MAX + ASSIGNED_MAX,
	INTERRUPT_NUMBERS_MAX = 512, /* those of one device that are shown */
};

/* One device's interrupts, and where they are to go. */
struct interrupt_claim {
	char device[DEVICE_NAME_SIZE];
	bool assigned;      /* it is the guest's: see device_is_assigned() */
	struct id_set cpus; /* empty: where they are, only that isolate does not mean them */
};

struct interrupt_plan {
	bool isolate;
	char doubtful[DEVICE_NAME_SIZE]; /* one that only the command line says is the guest's */
	struct id_set cpus; /* the rule's; with isolate those that others are kept off */
	size_t count;
	struct interrupt_claim claims[]; /* of two for one device the first */
};

/* Makes one that is empty and has room for claims. Returns it, or NULL: out of memory. */
struct interrupt_plan *interrupt_plan_new(size_t room);

/*
 * Plans for a rule of which the placement is known, and a command line of the emulator, NULL
 * where there is none. Of the devices that this assigns to the guest only those in `given`
 * count; NULL: all. Returns the plan, allocated, or NULL with `error` filled, as where a
 * device is not there.
 */
struct interrupt_plan *interrupt_plan_make(const struct rule *rule,
					   const struct placement *placement, char *const argv[],
					   const struct assigned *given, const struct roots *roots,
					   struct error *error);

/*
 * Finds the interrupts that a claim comes to now. Returns how many, in order, `room` at most;
 * or -errno where the kernel lists none.
 */
int interrupt_claim_numbers(const struct interrupt_claim *claim, const struct roots *roots,
			    unsigned int *numbers, size_t room);

#endif
