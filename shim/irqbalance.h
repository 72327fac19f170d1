/* irqbalance, the service that moves interrupts between CPUs on its own. */
#ifndef SHIM_IRQBALANCE_H
#define SHIM_IRQBALANCE_H

struct irqbalance {
	int none;
};

#endif
