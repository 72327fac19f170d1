#include "guest_irqs.h"
#include "watched.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Adds one interrupt to a list. */
static int irq_add(struct guest_irq **list, size_t *count, const struct guest_irq *irq)
{
	struct guest_irq *at = realloc(*list, (*count + 1) * sizeof(*at));

	if (at == NULL)
		return -ENOMEM;
	*list = at;
	at[(*count)++] = *irq;
	return 0;
}

static int claim_read(struct guest_irqs *irqs, const struct interrupt_claim *claim,
		      const struct interrupts *interrupts, const json_t *watched,
		      const struct roots *roots)
{
	unsigned int numbers[INTERRUPT_NUMBERS_MAX];
	int count = interrupt_claim_numbers(claim, roots, numbers, INTERRUPT_NUMBERS_MAX);
	int result = 0;

	for (int i = 0; i < count && result == 0; i++) {
		struct guest_irq irq = {.number = numbers[i], .wanted = claim->cpus};
		struct id_set set;

		strcpy(irq.device, claim->device);
		if (interrupt_affinity(interrupts, numbers[i], &irq.cpus) < 0)
			continue;
		irq.moved =
		    watched_is_left(watched, numbers[i]) ||
		    (watched_set(watched, numbers[i], &set) && id_set_equal(&set, &irq.wanted));
		result = irq_add(&irqs->at, &irqs->count, &irq);
	}
	return result;
}

static bool is_claimed(const struct guest_irqs *irqs, unsigned int number)
{
	for (size_t i = 0; i < irqs->count; i++) {
		if (irqs->at[i].number == number)
			return true;
	}
	return false;
}

/* Finds what the agent has moved off the isolated CPUs, and somebody else has moved back. */
static int strays_read(struct guest_irqs *irqs, const struct interrupts *interrupts,
		       const json_t *watched)
{
	struct interrupt_list list = {0};
	int result = interrupts_list(interrupts, &list);

	for (size_t i = 0; i < list.count && result == 0; i++) {
		struct guest_irq irq = {.number = list.at[i].number, .moved = true};

		if (!is_claimed(irqs, irq.number) &&
		    (watched_is_left(watched, irq.number) ||
		     (watched_set(watched, irq.number, &irq.wanted) &&
		      !id_set_meets(&irq.wanted, &irqs->isolated))) &&
		    interrupt_affinity(interrupts, irq.number, &irq.cpus) == 0 &&
		    id_set_meets(&irq.cpus, &irqs->isolated))
			result = irq_add(&irqs->strays, &irqs->stray_count, &irq);
	}
	free(list.at);
	return result;
}

int guest_irqs_read(struct guest_irqs *irqs, const struct interrupt_plan *plan,
		    const json_t *watched, const struct roots *roots)
{
	struct interrupts interrupts;
	int result = interrupts_open(&interrupts, roots);

	*irqs = (struct guest_irqs){.isolate = plan->isolate, .isolated = plan->cpus};
	for (size_t i = 0; i < plan->count && result == 0; i++) {
		if (!id_set_is_empty(&plan->claims[i].cpus))
			result = claim_read(irqs, &plan->claims[i], &interrupts, watched, roots);
	}
	if (result == 0 && irqs->isolate)
		result = strays_read(irqs, &interrupts, watched);
	interrupts_close(&interrupts);
	return result;
}

void guest_irqs_free(struct guest_irqs *irqs)
{
	free(irqs->at);
	free(irqs->strays);
	*irqs = (struct guest_irqs){0};
}
