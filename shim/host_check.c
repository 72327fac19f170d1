#include "host_check.h"
#include "guest_memory.h"
#include "interrupt_plan.h"

#include <stdlib.h>

/* Who is told. */
struct teller {
	finding_report *report;
	void *context;
};

static void tell(const struct teller *teller, bool is_error, const char *word,
		 const struct error *error)
{
	struct finding finding = {.error = is_error, .word = word, .text = error->text};

	teller->report(teller->context, &finding);
}

/* Of a rule whose nodes are not there: its CPUs may be wrong, too. */
static void cpus_check(const struct rule *rule, const char *told, const struct teller *teller)
{
	struct id_set set;
	struct error error;

	if (rule->cpus != NULL && told != rule->cpus &&
	    placement_cpus(rule->cpus, &set, &error) < 0)
		tell(teller, true, rule->cpus, &error);
}

/* Whether the devices and CPUs of irq= are there: one by one, for all that are not are told. */
static void interrupts_check(const struct rule *rule, const struct placement *placement,
			     const struct teller *teller)
{
	struct rule one = *rule;
	struct error error;

	for (size_t i = 0; i < rule->irq_count; i++) {
		struct interrupt_plan *plan;

		one.irqs[0] = rule->irqs[i];
		one.irq_count = 1;
		plan = interrupt_plan_make(&one, placement, NULL, NULL, &roots_of_kernel, &error);
		if (plan == NULL)
			tell(teller, true, one.irqs[0], &error);
		free(plan);
	}
}

void host_check(const struct rule *rule, struct placement *placement, finding_report *report,
		void *context)
{
	struct teller teller = {report, context};
	struct guest_memory memory = {0};
	struct error warning = {0};
	struct error error;

	if (placement_resolve(rule, PLACEMENT_OF_HOST, placement, &error) < 0) {
		tell(&teller, true, placement->wrong, &error);
		cpus_check(rule, placement->wrong, &teller);
		interrupts_check(rule, placement, &teller);
		placement->sets_memory = false;
		return;
	}
	if (guest_memory_plan(rule, placement, NULL, NULL, &memory, &warning, &error) < 0)
		tell(&teller, true, rule->hugepages, &error);
	interrupts_check(rule, placement, &teller);
	if (error_is_set(&warning))
		tell(&teller, false, rule->hugepages, &warning);
	guest_memory_free(&memory);
}
