/* The interrupts that a rule speaks of, and where they are, for one running guest. */
#ifndef SHIM_GUEST_IRQS_H
#define SHIM_GUEST_IRQS_H

#include "interrupt_plan.h"

#include <jansson.h>

struct guest_irq {
	unsigned int number;
	char device[DEVICE_NAME_SIZE];
	struct id_set wanted;
	struct id_set cpus; /* that it may be delivered to */
	bool moved;         /* by the agent, which could */
};

struct guest_irqs {
	struct guest_irq *at;
	size_t count;
	bool isolate;
	struct id_set isolated;   /* CPUs that others keep off */
	struct guest_irq *strays; /* others, that the agent had moved off these and that are back */
	size_t stray_count;
};

/*
 * Finds what the interrupts of a plan are now. `watched`: see watched.h, NULL for nothing.
 * Returns 0; or -errno where the kernel lists none. To be freed by guest_irqs_free() in every
 * case.
 */
int guest_irqs_read(struct guest_irqs *irqs, const struct interrupt_plan *plan,
		    const json_t *watched, const struct roots *roots);

void guest_irqs_free(struct guest_irqs *irqs);

#endif
