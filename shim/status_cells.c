#include "status_cells.h"

#include <stdio.h>
#include <string.h>

enum { SIZE_SIZE = 32 };

void status_guest(const struct guest_state *state, char text[STATUS_CELL_SIZE])
{
	text_printable(text, STATUS_CELL_SIZE, state->guest != NULL ? state->guest : "-");
}

/* Without the directory, which is the same for all. */
void status_rule(const struct guest_state *state, char text[STATUS_CELL_SIZE])
{
	char line[STATUS_CELL_SIZE];
	const char *slash;

	strcpy(text, "-");
	if (state->rule_file == NULL)
		return;
	slash = strrchr(state->rule_file, '/');
	snprintf(line, sizeof(line), "%s:%u", slash != NULL ? slash + 1 : state->rule_file,
		 state->rule_line);
	text_printable(text, STATUS_CELL_SIZE, line);
}

/* CPUs and memory policy, "0-1 bind 0"; "-" for what is not asked. */
void status_wanted(const struct guest_state *state, char text[STATUS_CELL_SIZE])
{
	char part[ID_SET_TEXT_SIZE + 32];

	strcpy(text, "-");
	if (!state->wanted_known)
		return;
	if (state->wanted.sets_cpus)
		id_set_format(&state->wanted.cpus, text, ID_SET_TEXT_SIZE);
	if (state->wanted.sets_memory)
		text_add(text, STATUS_CELL_SIZE, " %s",
			 placement_memory(&state->wanted, part, sizeof(part)));
}

void status_actual(const struct guest_state *state, char text[STATUS_CELL_SIZE])
{
	char *colon;

	id_set_format(&state->cpus, text, ID_SET_TEXT_SIZE);
	if (!state->pages_known)
		return;
	text_add(text, STATUS_CELL_SIZE, " %s", state->pages.policy);
	colon = strchr(text, ':'); /* as above */
	if (colon != NULL)
		*colon = ' ';
}

/* The CPUs that its virtual CPUs ran on last. */
void status_vcpus(const struct guest_state *state, char text[STATUS_CELL_SIZE])
{
	struct id_set cpus = {0};

	for (size_t i = 0; i < state->threads.count; i++) {
		if (state->threads.at[i].vcpu >= 0)
			id_set_add(&cpus, state->threads.at[i].stat.processor);
	}
	strcpy(text, "-");
	if (!id_set_is_empty(&cpus))
		id_set_format(&cpus, text, ID_SET_TEXT_SIZE);
}

void status_memory(const struct guest_state *state, char text[STATUS_CELL_SIZE])
{
	strcpy(text, "-");
	if (state->pages_known)
		screen_size(guest_pages_on(&state->pages, NULL), text, STATUS_CELL_SIZE);
}

void status_share(const struct guest_state *state, char text[STATUS_CELL_SIZE])
{
	strcpy(text, "-");
	if (guest_state_share(state) >= 0)
		snprintf(text, STATUS_CELL_SIZE, "%s%.1f %%", state->pages.sampled ? "~" : "",
			 guest_state_percent(state));
}

void status_node(const struct guest_state *state, size_t index, char text[STATUS_CELL_SIZE])
{
	const struct guest_node *node = &state->pages.nodes[index];

	snprintf(text, STATUS_CELL_SIZE, "%u:%s%llu", node->node, state->pages.sampled ? "~" : "",
		 (unsigned long long)node->pages);
	if (node->huge_pages > 0)
		text_add(text, STATUS_CELL_SIZE, "+%llu", (unsigned long long)node->huge_pages);
}

/* What does not fit ends in "...": half a number is a wrong one. */
void status_pages(const struct guest_state *state, char text[STATUS_CELL_SIZE])
{
	const struct guest_pages *pages = &state->pages;
	char node[STATUS_CELL_SIZE];

	strcpy(text, state->pages_known && pages->count > 0 ? "" : "-");
	for (size_t i = 0; state->pages_known && i < pages->count; i++) {
		status_node(state, i, node);
		if (strlen(text) + strlen(node) + sizeof("  ...") > STATUS_CELL_SIZE) {
			text_add(text, STATUS_CELL_SIZE, " ...");
			return;
		}
		text_add(text, STATUS_CELL_SIZE, "%s%s", i > 0 ? " " : "", node);
	}
}

uint64_t status_huge_pages(const struct guest_state *state)
{
	uint64_t count = 0;

	for (size_t i = 0; state->pages_known && i < state->pages.count; i++)
		count += state->pages.nodes[i].huge_pages;
	return count;
}

void status_huge(const struct guest_state *state, char text[STATUS_CELL_SIZE])
{
	char size[SIZE_SIZE];

	strcpy(text, "-");
	if (status_huge_pages(state) > 0)
		snprintf(text, STATUS_CELL_SIZE, "%llu of %s",
			 (unsigned long long)status_huge_pages(state),
			 screen_size(state->pages.huge_page, size, sizeof(size)));
}

/* Their numbers, and how many of them are where the rule wants them. */
void status_irqs(const struct guest_state *state, char text[STATUS_CELL_SIZE])
{
	const struct guest_irqs *irqs = &state->irqs;
	size_t there = 0;

	for (size_t i = 0; i < irqs->count; i++)
		there += id_set_holds(&irqs->at[i].wanted, &irqs->at[i].cpus);
	strcpy(text, "-");
	if (irqs->count > 0)
		snprintf(text, STATUS_CELL_SIZE, "%zu of %zu", there, irqs->count);
}

void status_pid(const struct guest_state *state, char text[STATUS_CELL_SIZE])
{
	snprintf(text, STATUS_CELL_SIZE, "%d", state->pid);
}

void status_verdict(const struct guest_state *state, char text[STATUS_CELL_SIZE])
{
	strcpy(text, verdict_name(state->verdict));
}
