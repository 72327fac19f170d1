#include "interrupt_plan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char vfio[] = "vfio";

static void claim_add(struct interrupt_plan *plan, const char *device, bool assigned,
		      const struct id_set *cpus)
{
	struct interrupt_claim *claim = &plan->claims[plan->count++];

	snprintf(claim->device, sizeof(claim->device), "%s", device);
	claim->assigned = assigned;
	claim->cpus = *cpus;
}

/* The CPUs of one irq=: its own, or the rule's. */
static int claim_cpus(const struct placement *placement, const char *spec, struct id_set *cpus,
		      struct error *error)
{
	if (spec != NULL)
		return placement_cpus(spec, cpus, error);
	*cpus = placement->cpus;
	return 0;
}

/* Adds the devices that the rule names. *guests: the CPUs for those of the guest, if any. */
static int named_add(struct interrupt_plan *plan, const struct rule *rule,
		     const struct placement *placement, const struct roots *roots,
		     struct id_set *guests, struct error *error)
{
	for (size_t i = 0; i < rule->irq_count; i++) {
		size_t length;
		const char *spec = rule_irq_cpus(rule->irqs[i], &length);
		char name[DEVICE_NAME_SIZE];
		struct device device;
		struct id_set cpus;
		struct error reason;
		int result = claim_cpus(placement, spec, &cpus, &reason);

		snprintf(name, sizeof(name), "%.*s", (int)length, rule->irqs[i]);
		if (result == 0 && strcmp(name, vfio) == 0) {
			*guests = cpus;
			continue;
		}
		if (result == 0)
			result = device_find(roots, name, &device, &reason);
		if (result < 0)
			return error_set(error, result, "irq=%s: %s", rule->irqs[i], reason.text);
		claim_add(plan, name, false, &cpus);
	}
	return 0;
}

static bool assigned_has(const struct assigned *assigned, const char *name)
{
	for (size_t i = 0; i < assigned->count; i++) {
		if (strcmp(assigned->names[i], name) == 0)
			return true;
	}
	return false;
}

/* Adds the guest's own devices, with CPUs or without. */
static int assigned_add(struct interrupt_plan *plan, char *const argv[],
			const struct assigned *given, const struct id_set *cpus,
			struct error *error)
{
	struct assigned assigned;
	int result = assigned_read(argv, &assigned, error);

	for (size_t i = 0; result == 0 && i < assigned.count; i++) {
		if (given == NULL || assigned_has(given, assigned.names[i]))
			claim_add(plan, assigned.names[i], true, cpus);
		else
			strcpy(plan->doubtful, assigned.names[i]);
	}
	return result;
}

struct interrupt_plan *interrupt_plan_new(size_t room)
{
	struct interrupt_plan *plan;

	return calloc(1, sizeof(*plan) + room * sizeof(plan->claims[0]));
}

struct interrupt_plan *interrupt_plan_make(const struct rule *rule,
					   const struct placement *placement, char *const argv[],
					   const struct assigned *given, const struct roots *roots,
					   struct error *error)
{
	struct interrupt_plan *plan = interrupt_plan_new(INTERRUPT_CLAIMS_MAX);
	struct id_set guests = {0};
	int result;

	if (plan == NULL) {
		error_set(error, -ENOMEM, "out of memory for irq=");
		return NULL;
	}
	plan->isolate = rule->isolate;
	plan->cpus = placement->cpus;
	result = named_add(plan, rule, placement, roots, &guests, error);
	if (result == 0 && argv != NULL && (plan->isolate || !id_set_is_empty(&guests)))
		result = assigned_add(plan, argv, given, &guests, error);
	if (result == 0)
		return plan;
	free(plan);
	return NULL;
}

/* Numbers that are found. */
struct numbers {
	unsigned int *at;
	size_t count;
	size_t room;
};

static void number_add(void *context, unsigned int number)
{
	struct numbers *numbers = context;

	if (numbers->count < numbers->room)
		numbers->at[numbers->count++] = number;
}

static int compare_numbers(const void *left, const void *right)
{
	unsigned int a = *(const unsigned int *)left;
	unsigned int b = *(const unsigned int *)right;

	return (a > b) - (a < b);
}

int interrupt_claim_numbers(const struct interrupt_claim *claim, const struct roots *roots,
			    unsigned int *numbers, size_t room)
{
	struct numbers found = {numbers, 0, room};
	struct interrupts interrupts;
	struct interrupt_list list = {0};
	struct device device;
	int result = interrupts_open(&interrupts, roots);

	if (result == 0)
		result = interrupts_list(&interrupts, &list);
	if (result == 0 && device_find(roots, claim->device, &device, NULL) == 0)
		device_interrupts(&device, &interrupts, &list, number_add, &found);
	interrupts_close(&interrupts);
	free(list.at);
	qsort(numbers, found.count, sizeof(*numbers), compare_numbers);
	return result < 0 ? result : (int)found.count;
}
