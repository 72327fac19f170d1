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
	struct id_set cpus; /* the rule's; with isolate those that others are kept off */
	struct interrupt_claim claims[INTERRUPT_CLAIMS_MAX]; /* of two for one device the first */
	size_t count;
};

/*
 * Plans for a rule of which the placement is known, and a command line of the emulator, NULL
 * where there is none. Returns the plan, allocated, or NULL with `error` filled, as where a
 * device is not there.
 */
struct interrupt_plan *interrupt_plan_make(const struct rule *rule,
					   const struct placement *placement, char *const argv[],
					   const struct roots *roots, struct error *error);

/*
 * Finds the interrupts that a claim comes to now. Returns how many, in order, `room` at most;
 * or -errno where the kernel lists none.
 */
int interrupt_claim_numbers(const struct interrupt_claim *claim, const struct roots *roots,
			    unsigned int *numbers, size_t room);

#endif
