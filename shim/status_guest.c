#include "status_guest.h"
#include "guest_verdict.h"
#include "priority.h"
#include "status_cells.h"
#include "status_text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY_FORMAT "%12s: "

static void line_print(FILE *stream, const char *key, const char *value)
{
	char text[4 * STATUS_CELL_SIZE];

	fprintf(stream, KEY_FORMAT "%s\n", key, text_printable(text, sizeof(text), value));
}

/* "0-1 bind 0, nice 5" */
static void wanted_print(FILE *stream, const struct guest_state *state)
{
	char text[STATUS_CELL_SIZE];
	char priority[STATUS_CELL_SIZE];

	status_wanted(state, text);
	if (state->wanted_known && priority_is_asked(&state->asked)) {
		priority_format(&state->asked, priority, sizeof(priority));
		if (strcmp(text, "-") == 0)
			strcpy(text, priority);
		else
			text_add(text, sizeof(text), ", %s", priority);
	}
	line_print(stream, "wanted", text);
}

/* "0 on CPU 4, 1 on CPU 6": one by one, for there may be thousands, and half a number is wrong. */
static void vcpus_print(FILE *stream, const struct guest_state *state)
{
	size_t count = 0;

	for (size_t i = 0; i < state->threads.count; i++) {
		const struct guest_thread *thread = &state->threads.at[i];

		if (thread->vcpu < 0)
			continue;
		if (count++ == 0)
			fprintf(stream, KEY_FORMAT, "vCPUs");
		fprintf(stream, "%s%d on CPU %u", count > 1 ? ", " : "", thread->vcpu,
			thread->stat.processor);
	}
	if (count > 0)
		fputc('\n', stream);
}

static void pages_print(FILE *stream, const struct guest_state *state)
{
	char text[STATUS_CELL_SIZE];

	fprintf(stream, KEY_FORMAT, state->pages.sampled ? "some pages" : "pages");
	for (size_t i = 0; i < state->pages.count; i++) {
		status_node(state, i, text);
		fprintf(stream, "%s%s", i > 0 ? " " : "", text);
	}
	fputs(state->pages.count > 0 ? "\n" : "-\n", stream);
}

static void memory_print(FILE *stream, const struct guest_state *state)
{
	char text[STATUS_CELL_SIZE];
	char part[STATUS_CELL_SIZE];

	if (!state->pages_known)
		return;
	status_memory(state, text);
	status_share(state, part);
	if (guest_state_share(state) >= 0)
		text_add(text, sizeof(text), ", %s of it on its nodes", part);
	line_print(stream, "memory", text);
	pages_print(stream, state);
	status_huge(state, text);
	if (status_huge_pages(state) > 0)
		line_print(stream, "huge pages", text);
}

/* Of what the agent has not been asked to move, nobody knows whether it could. */
static void irqs_print(FILE *stream, const struct guest_state *state)
{
	char text[STATUS_CELL_SIZE];
	char cpus[ID_SET_TEXT_SIZE];
	char wanted[ID_SET_TEXT_SIZE];
	bool asked = state->irqs_watched && !state->irqs_other;

	for (size_t i = 0; i < state->irqs.count; i++) {
		const struct guest_irq *irq = &state->irqs.at[i];

		snprintf(text, sizeof(text), "%u (%s) to CPUs %s, wanted %s%s", irq->number,
			 irq->device, id_set_format(&irq->cpus, cpus, sizeof(cpus)),
			 id_set_format(&irq->wanted, wanted, sizeof(wanted)),
			 asked && !irq->moved ? " (not the agent's to move)" : "");
		line_print(stream, "IRQ", text);
	}
	if (state->irqs.isolate)
		line_print(stream, "isolated",
			   id_set_format(&state->irqs.isolated, cpus, sizeof(cpus)));
}

static void threads_print(FILE *stream, const struct guest_state *state)
{
	char text[STATUS_CELL_SIZE];
	char name[4 * PROCESS_NAME_SIZE];
	char cpus[ID_SET_TEXT_SIZE];

	for (size_t i = 0; i < state->threads.count; i++) {
		const struct guest_thread *thread = &state->threads.at[i];
		const char *mark = state->wanted_known && !guest_thread_is_placed(state, thread)
				       ? " (not as the rule says)"
				       : "";

		snprintf(text, sizeof(text), "%d '%s' may run on CPUs %s, ran on %u%s", thread->id,
			 text_printable(name, sizeof(name), thread->stat.name),
			 id_set_format(&thread->cpus, cpus, sizeof(cpus)), thread->stat.processor,
			 mark);
		line_print(stream, "thread", text);
	}
}

static void guest_print(FILE *stream, const struct guest_state *state)
{
	char text[STATUS_CELL_SIZE];
	char part[STATUS_CELL_SIZE];

	status_guest(state, text);
	fprintf(stream, "%s: %s%s%s\n", text, screen_colour(stdout, verdict_colour(state->verdict)),
		verdict_name(state->verdict), screen_plain(stdout));
	if (error_is_set(&state->reason))
		line_print(stream, "because", state->reason.text);
	if (error_is_set(&state->note))
		line_print(stream, "note", state->note.text);
	snprintf(text, sizeof(text), "%d %s", state->pid,
		 text_printable(part, sizeof(part), state->emulator));
	line_print(stream, "process", text);
	if (state->rule_file != NULL) {
		snprintf(text, sizeof(text), "%.800s:%u: %.200s", state->rule_file,
			 state->rule_line, text_printable(part, sizeof(part), state->glob));
		line_print(stream, "rule", text);
	}
	wanted_print(stream, state);
	status_actual(state, text);
	line_print(stream, "actual", text);
	vcpus_print(stream, state);
	memory_print(stream, state);
	irqs_print(stream, state);
	threads_print(stream, state);
}

/* Prints the lines that fit into so many rows, where `print`. Returns how many do not. */
static size_t lines_cut(const char *text, size_t rows, bool print)
{
	const char *end;
	size_t taken = 0;
	size_t left = 0;

	for (const char *line = text; (end = strchr(line, '\n')) != NULL; line = end + 1) {
		taken += screen_rows_of((size_t)(end - line));
		if (taken > rows)
			left++;
		else if (print)
			printf("%.*s\n", (int)(end - line), line);
	}
	return left;
}

/* All of them, or the first and how many more there are; the cursor has a row of its own. */
static void lines_print(const char *text, size_t rows)
{
	size_t left;

	if (lines_cut(text, rows - 1, false) == 0) {
		fputs(text, stdout);
		return;
	}
	left = lines_cut(text, rows > 2 ? rows - 2 : 0, true);
	printf("%s and %zu more lines\n", screen_is_utf8() ? "…" : "...", left);
}

int status_guests_print(const struct guest_states *states, unsigned int rows)
{
	char *text = NULL;
	size_t size = 0;
	FILE *stream = rows == 0 ? stdout : open_memstream(&text, &size);
	int result = 0;

	if (stream == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < states->count; i++)
		guest_print(stream, &states->at[i]);
	if (rows == 0)
		return 0;
	if (ferror(stream))
		result = -ENOMEM;
	if (fclose(stream) != 0)
		result = -ENOMEM;
	if (result == 0)
		lines_print(text, rows);
	free(text);
	return result;
}
