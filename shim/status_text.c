#include "status_text.h"
#include "guest_verdict.h"
#include "status_cells.h"

#include <errno.h>
#include <libsmartcols/libsmartcols.h>
#include <string.h>
#include <unistd.h>

enum {
	COLUMN_GUEST,
	COLUMN_PID,
	COLUMN_VERDICT,
	COLUMN_RULE,
	COLUMN_WANTED,
	COLUMN_ACTUAL,
	COLUMN_VCPUS,
	COLUMN_MEMORY,
	COLUMN_SHARE,
	COLUMN_NODES,
	COLUMN_HUGE,
	COLUMN_IRQS,
	COLUMNS,
};

/* Without SCOLS_FL_TRUNC: half a number is a wrong one. */
static const struct {
	const char *name;
	int flags;
} columns[COLUMNS] = {
    [COLUMN_GUEST] = {"GUEST", 0},
    [COLUMN_PID] = {"PID", SCOLS_FL_RIGHT},
    [COLUMN_VERDICT] = {"VERDICT", 0},
    [COLUMN_RULE] = {"RULE", 0},
    [COLUMN_WANTED] = {"WANTED", 0},
    [COLUMN_ACTUAL] = {"ACTUAL", 0},
    [COLUMN_VCPUS] = {"VCPUS ON", 0},
    [COLUMN_MEMORY] = {"MEMORY", SCOLS_FL_RIGHT},
    [COLUMN_SHARE] = {"ON NODES", SCOLS_FL_RIGHT},
    [COLUMN_NODES] = {"PAGES", 0},
    [COLUMN_HUGE] = {"HUGE", SCOLS_FL_RIGHT},
    [COLUMN_IRQS] = {"IRQS", 0},
};

enum colour verdict_colour(enum verdict verdict)
{
	static const enum colour colours[VERDICTS] = {
	    [VERDICT_PLACED] = COLOUR_GREEN,   [VERDICT_DRIFTED] = COLOUR_YELLOW,
	    [VERDICT_UNPLACED] = COLOUR_RED,   [VERDICT_NO_RULE] = COLOUR_DIM,
	    [VERDICT_UNKNOWN] = COLOUR_YELLOW,
	};

	return colours[verdict];
}

static void (*const cells[COLUMNS])(const struct guest_state *state,
				    char text[STATUS_CELL_SIZE]) = {
    [COLUMN_GUEST] = status_guest,     [COLUMN_PID] = status_pid,
    [COLUMN_VERDICT] = status_verdict, [COLUMN_RULE] = status_rule,
    [COLUMN_WANTED] = status_wanted,   [COLUMN_ACTUAL] = status_actual,
    [COLUMN_VCPUS] = status_vcpus,     [COLUMN_MEMORY] = status_memory,
    [COLUMN_SHARE] = status_share,     [COLUMN_NODES] = status_pages,
    [COLUMN_HUGE] = status_huge,       [COLUMN_IRQS] = status_irqs,
};

/* Whether any guest has something in the column; these two have nothing on most hosts. */
static bool column_is_shown(const struct guest_states *states, size_t column)
{
	if (column != COLUMN_HUGE && column != COLUMN_IRQS)
		return true;
	for (size_t i = 0; i < states->count; i++) {
		if (column == COLUMN_HUGE ? status_huge_pages(&states->at[i]) > 0
					  : states->at[i].irqs.count > 0)
			return true;
	}
	return false;
}

static void cell_text(const struct guest_state *state, size_t column, char text[STATUS_CELL_SIZE])
{
	char raw[STATUS_CELL_SIZE];

	cells[column](state, raw);
	screen_printable(text, STATUS_CELL_SIZE, raw);
}

/* How wide the column is, at most: a byte of a name may take no column of its own. */
static size_t column_width(const struct guest_states *states, size_t column)
{
	char text[STATUS_CELL_SIZE];
	size_t width = strlen(columns[column].name);

	for (size_t i = 0; i < states->count; i++) {
		cell_text(&states->at[i], column, text);
		width = strlen(text) > width ? strlen(text) : width;
	}
	return width;
}

/* Chooses what a terminal has room for. */
static void columns_choose(const struct guest_states *states, bool shown[COLUMNS])
{
	static const size_t less_needed[] = {COLUMN_NODES, COLUMN_VCPUS, COLUMN_HUGE,
					     COLUMN_IRQS,  COLUMN_RULE,  COLUMN_MEMORY};
	size_t width = 0;

	for (size_t i = 0; i < COLUMNS; i++)
		shown[i] = column_is_shown(states, i);
	if (isatty(STDOUT_FILENO) != 1)
		return;
	for (size_t i = 0; i < COLUMNS; i++)
		width += shown[i] ? column_width(states, i) + 1 : 0;
	for (size_t i = 0;
	     i < sizeof(less_needed) / sizeof(less_needed[0]) && width > screen_width(stdout) + 1;
	     i++) {
		size_t column = less_needed[i];

		width -= shown[column] ? column_width(states, column) + 1 : 0;
		shown[column] = false;
	}
}

static int table_fill(struct libscols_table *table, const struct guest_states *states,
		      const bool chosen[COLUMNS])
{
	size_t shown[COLUMNS];
	size_t count = 0;
	char text[STATUS_CELL_SIZE];

	for (size_t i = 0; i < COLUMNS; i++) {
		if (!chosen[i])
			continue;
		if (scols_table_new_column(table, columns[i].name, 0, columns[i].flags) == NULL)
			return -ENOMEM;
		shown[count++] = i;
	}
	for (size_t i = 0; i < states->count; i++) {
		const struct guest_state *state = &states->at[i];
		struct libscols_line *line = scols_table_new_line(table, NULL);

		if (line == NULL)
			return -ENOMEM;
		for (size_t j = 0; j < count; j++) {
			cell_text(state, shown[j], text);
			if (scols_line_set_data(line, j, text) < 0)
				return -ENOMEM;
		}
		if (screen_has_colours(stdout))
			scols_cell_set_color(scols_line_get_cell(line, COLUMN_VERDICT),
					     screen_colour(stdout, verdict_colour(state->verdict)));
	}
	return 0;
}

static void reasons_print(const struct guest_states *states)
{
	char name[STATUS_CELL_SIZE];
	char reason[STATUS_CELL_SIZE];

	for (size_t i = 0; i < states->count; i++) {
		const struct guest_state *state = &states->at[i];

		if (!error_is_set(&state->reason))
			continue;
		status_guest(state, name);
		printf("%s: %s%s%s: %s\n", name,
		       screen_colour(stdout, verdict_colour(state->verdict)),
		       verdict_name(state->verdict), screen_plain(stdout),
		       text_printable(reason, sizeof(reason), state->reason.text));
	}
}

static void summary_print(const struct guest_states *states)
{
	size_t counts[VERDICTS] = {0};
	const char *separator = ": ";

	for (size_t i = 0; i < states->count; i++)
		counts[states->at[i].verdict]++;
	printf("%zu guest%s", states->count, states->count == 1 ? "" : "s");
	for (enum verdict verdict = 0; verdict < VERDICTS; verdict++) {
		if (counts[verdict] == 0)
			continue;
		printf("%s%zu %s", separator, counts[verdict], verdict_name(verdict));
		separator = ", ";
	}
	putchar('\n');
}

static void left_out_print(const struct guest_states *states, const bool shown[COLUMNS])
{
	const char *separator = "no room here for: ";

	for (size_t i = 0; i < COLUMNS; i++) {
		if (shown[i] || !column_is_shown(states, i))
			continue;
		printf("%s%s", separator, columns[i].name);
		separator = ", ";
	}
	if (separator[0] == ',')
		puts(" (name a guest, or take --json)");
}

int status_table_print(const struct guest_states *states)
{
	struct libscols_table *table = scols_new_table();
	bool shown[COLUMNS];
	int result = table == NULL ? -ENOMEM : 0;

	if (result == 0)
		result = scols_table_enable_colors(table, screen_has_colours(stdout));
	/* cell_text() does it; libsmartcols lets marks through that turn the direction of text. */
	if (result == 0)
		result = scols_table_enable_noencoding(table, 1);
	columns_choose(states, shown);
	if (result == 0 && states->count > 0)
		result = table_fill(table, states, shown);
	if (result == 0 && states->count > 0)
		result = scols_print_table(table);
	scols_unref_table(table);
	if (result < 0)
		return -ENOMEM;
	if (states->count > 0)
		left_out_print(states, shown);
	reasons_print(states);
	summary_print(states);
	return 0;
}
