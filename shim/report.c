#include "report.h"
#include "json_memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

json_t *report_string(const char *text)
{
	size_t size = strlen(text) * 4 + 1; /* each byte can become \xNN */
	char *printable = json_memory_take(size);
	json_t *value;

	if (printable == NULL)
		return NULL;
	value = json_string(text_printable(printable, size, text));
	free(printable);
	return value;
}

json_t *report_set(const struct id_set *set)
{
	char text[ID_SET_LIST_SIZE];

	return id_set_is_empty(set) ? json_null()
				    : report_string(id_set_format(set, text, sizeof(text)));
}

json_t *report_text(const char *text)
{
	return text != NULL && *text != '\0' ? report_string(text) : json_null();
}

json_t *report_rule(const char *file, unsigned int line, const char *glob)
{
	return json_pack("{s:o, s:i, s:o}", "file", report_string(file), "line", (int)line, "glob",
			 report_string(glob));
}

json_t *report_policy(const struct placement *placement)
{
	return json_pack("{s:s, s:o}", "mode", memory_mode_name(placement->mode), "nodes",
			 placement->mode == MEMORY_LOCAL ? json_null()
							 : report_set(&placement->nodes));
}

static json_t *report_huge_pages(const struct plan *plan)
{
	const struct guest_memory *memory = &plan->memory;
	json_t *nodes;

	if (!plan->placed || memory->huge_page == 0)
		return json_null();
	nodes = json_array();
	for (size_t i = 0; i < memory->supply.count; i++)
		json_array_append_new(nodes, json_pack("{s:i, s:i}", "node",
						       (int)memory->supply.nodes[i].node, "free",
						       (int)memory->supply.nodes[i].free));
	return json_pack("{s:I, s:o}", "size", (json_int_t)memory->huge_page, "nodes", nodes);
}

static json_t *report_claim(const struct interrupt_claim *claim)
{
	unsigned int numbers[INTERRUPT_NUMBERS_MAX];
	int count =
	    interrupt_claim_numbers(claim, &roots_of_kernel, numbers, INTERRUPT_NUMBERS_MAX);
	json_t *irqs = json_array();

	for (int i = 0; i < count; i++)
		json_array_append_new(irqs, json_integer((json_int_t)numbers[i]));
	return irqs;
}

/* What becomes of interrupts. A device of the guest's is known only with its command line. */
static json_t *report_interrupts(const struct plan *plan)
{
	const struct interrupt_plan *interrupts = plan->interrupts;
	json_t *devices;

	if (!plan->placed || interrupts == NULL)
		return json_null();
	devices = json_array();
	for (size_t i = 0; i < interrupts->count; i++) {
		const struct interrupt_claim *claim = &interrupts->claims[i];

		if (!id_set_is_empty(&claim->cpus))
			json_array_append_new(devices, json_pack("{s:o, s:o, s:o}", "device",
								 report_string(claim->device),
								 "irqs", report_claim(claim),
								 "cpus", report_set(&claim->cpus)));
	}
	return json_pack("{s:o, s:o}", "devices", devices, "isolated",
			 interrupts->isolate ? report_set(&interrupts->cpus) : json_null());
}

json_t *report_plan(const struct plan *plan)
{
	char text[RULE_LINE_MAX + 16];
	json_t *options = json_array();
	json_t *warnings = json_array();

	for (size_t i = 0; rule_option_format(&plan->rule, i, text, sizeof(text)); i++)
		json_array_append_new(options, report_string(text));
	for (size_t i = 0; i < plan->warning_count; i++)
		json_array_append_new(warnings, report_string(plan->warnings[i].text));
	return json_pack(
	    "{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "guest", report_text(plan->guest),
	    "rule",
	    plan->matched ? report_rule(plan->rule.file, plan->rule.line, plan->rule.glob)
			  : json_null(),
	    "cpus",
	    plan->placed && plan->placement.sets_cpus ? report_set(&plan->placement.cpus)
						      : json_null(),
	    "memory",
	    plan->placed && plan->placement.sets_memory ? report_policy(&plan->placement)
							: json_null(),
	    "huge_pages", report_huge_pages(plan), "interrupts", report_interrupts(plan), "options",
	    options, "warnings", warnings, "error", report_text(plan->error.text));
}

void report_begin(void)
{
	json_set_alloc_funcs(json_memory_take, free);
}

bool report_is_whole(void)
{
	return json_memory_failures() == 0;
}

void report_print(json_t *value)
{
	char *text = value == NULL ? NULL : json_dumps(value, JSON_INDENT(2));

	if (text != NULL && report_is_whole())
		puts(text);
	free(text);
	json_decref(value);
}
