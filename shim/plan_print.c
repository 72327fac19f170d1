#include "plan.h"
#include "priority.h"
#include "ranges.h"

#include <string.h>

/* Room for any option, an env= of a whole line too, with its control characters worded. */
enum { OPTION_TEXT_SIZE = RULE_LINE_MAX + sizeof("env=") };

void plan_print_line(FILE *stream, const char *key, const char *value)
{
	char text[4 * OPTION_TEXT_SIZE];

	fprintf(stream, "%s: %s\n", key, text_printable(text, sizeof(text), value));
}

static void print_placement(const struct placement *placement, FILE *stream)
{
	char text[ID_SET_TEXT_SIZE * 2];

	if (placement->sets_cpus)
		plan_print_line(stream, "cpus",
				placement->by_agent
				    ? "set by the agent"
				    : id_set_format(&placement->cpus, text, sizeof(text)));
	if (placement->sets_memory)
		plan_print_line(stream, "memory", placement_memory(placement, text, sizeof(text)));
}

static void print_guest_memory(const struct guest_memory *memory, FILE *stream)
{
	char text[ERROR_TEXT_SIZE];

	if (memory->huge_page != 0) {
		plan_print_line(stream, "huge pages",
				guest_memory_pages(memory, text, sizeof(text)));
		plan_print_line(stream, "free huge pages",
				huge_supply_format(&memory->supply, NULL, text, sizeof(text)));
	}
	if (memory->left != NULL)
		plan_print_line(stream, "left as it is", memory->left);
}

/* "37-39", or what there is instead. */
static const char *claim_numbers(const struct interrupt_claim *claim, struct ranges *ranges)
{
	unsigned int numbers[INTERRUPT_NUMBERS_MAX];
	int count =
	    interrupt_claim_numbers(claim, &roots_of_kernel, numbers, INTERRUPT_NUMBERS_MAX);

	*ranges = (struct ranges){0};
	for (int i = 0; i < count; i++)
		ranges_add(ranges, numbers[i]);
	ranges_end(ranges);
	return count > 0 ? ranges->text : "none yet";
}

static void print_interrupts(const struct interrupt_plan *plan, FILE *stream)
{
	char text[ID_SET_TEXT_SIZE + RANGES_TEXT_SIZE + DEVICE_NAME_SIZE + 64];
	char cpus[ID_SET_TEXT_SIZE];
	struct ranges ranges;

	for (size_t i = 0; i < plan->count; i++) {
		const struct interrupt_claim *claim = &plan->claims[i];

		if (id_set_is_empty(&claim->cpus))
			continue;
		snprintf(text, sizeof(text), "%s: IRQ %s, to CPUs %s", claim->device,
			 claim_numbers(claim, &ranges),
			 id_set_format(&claim->cpus, cpus, sizeof(cpus)));
		plan_print_line(stream, "interrupts", text);
	}
	if (plan->isolate)
		plan_print_line(stream, "other interrupts kept off CPUs",
				id_set_format(&plan->cpus, cpus, sizeof(cpus)));
}

void plan_print(const struct plan *plan, FILE *stream)
{
	char text[OPTION_TEXT_SIZE];

	plan_print_line(stream, "guest", plan->guest != NULL ? plan->guest : "none");
	if (!plan->matched) {
		plan_print_line(stream, "rule", "none");
	} else {
		snprintf(text, sizeof(text), "%s:%u: %s", plan->rule.file, plan->rule.line,
			 plan->rule.glob);
		plan_print_line(stream, "rule", text);
	}
	if (plan->placed) {
		print_placement(&plan->placement, stream);
		print_guest_memory(&plan->memory, stream);
	}
	if (plan->placed && plan->interrupts != NULL)
		print_interrupts(plan->interrupts, stream);
	for (size_t i = 0; rule_option_format(&plan->rule, i, text, sizeof(text)); i++)
		plan_print_line(stream, "option", text);
	for (size_t i = 0; i < plan->warning_count; i++)
		plan_print_line(stream, "warning", plan->warnings[i].text);
	if (error_is_set(&plan->error))
		plan_print_line(stream, "error", plan->error.text);
}

const char *plan_record(const struct plan *plan, char *text, size_t size)
{
	char part[OPTION_TEXT_SIZE];
	char printable[OPTION_TEXT_SIZE];
	const struct placement *placement = &plan->placement;
	const struct guest_memory *memory = &plan->memory;

	text_printable(printable, PLAN_NAME_SIZE, plan->guest);
	snprintf(text, size, "guest '%s': rule %s:%u", printable, plan->rule.file, plan->rule.line);
	if (placement->sets_cpus)
		text_add(text, size, ", cpus %s",
			 id_set_format(&placement->cpus, part, ID_SET_TEXT_SIZE));
	if (placement->sets_memory)
		text_add(text, size, ", memory %s",
			 placement_memory(placement, part, sizeof(part)));
	if (memory->huge_page != 0)
		text_add(text, size, ", huge pages %s",
			 guest_memory_pages(memory, part, sizeof(part)));
	for (size_t i = 0; rule_option_format(&plan->rule, i, part, sizeof(part)); i++)
		text_add(text, size, ", %s", text_printable(printable, sizeof(printable), part));
	if (memory->left != NULL)
		text_add(text, size, ", left as it is: %s",
			 text_printable(printable, sizeof(printable), memory->left));
	return text;
}
