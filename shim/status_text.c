#include "status_text.h"
#include "guest_verdict.h"
#include "status_cells.h"

#include <errno.h>
#include <libsmartcols/libsmartcols.h>
#include <stdlib.h>
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

/* Chooses what a terminal has room for. Returns how wide that is, at most; 0: it is none. */
static size_t columns_choose(const struct guest_states *states, bool shown[COLUMNS])
{
	static const size_t less_needed[] = {COLUMN_NODES, COLUMN_VCPUS, COLUMN_HUGE,
					     COLUMN_IRQS,  COLUMN_RULE,  COLUMN_MEMORY};
	size_t width = 0;

	for (size_t i = 0; i < COLUMNS; i++)
		shown[i] = column_is_shown(states, i);
	if (isatty(STDOUT_FILENO) != 1)
		return 0;
	for (size_t i = 0; i < COLUMNS; i++)
		width += shown[i] ? column_width(states, i) + 1 : 0;
	for (size_t i = 0;
	     i < sizeof(less_needed) / sizeof(less_needed[0]) && width > screen_width(stdout) + 1;
	     i++) {
		size_t column = less_needed[i];

		width -= shown[column] ? column_width(states, column) + 1 : 0;
		shown[column] = false;
	}
	return width - 1;
}

/* Those that are shown, in this order. */
struct guests {
	const struct guest_state **at;
	size_t count;
};

static int table_fill(struct libscols_table *table, const struct guests *guests,
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
	for (size_t i = 0; i < guests->count; i++) {
		const struct guest_state *state = guests->at[i];
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

static int table_print(const struct guests *guests, const bool shown[COLUMNS])
{
	struct libscols_table *table = scols_new_table();
	int result = table == NULL ? -ENOMEM : 0;

	if (result == 0)
		result = scols_table_enable_colors(table, screen_has_colours(stdout));
	/* cell_text() does it; libsmartcols lets marks through that turn the direction of text. */
	if (result == 0)
		result = scols_table_enable_noencoding(table, 1);
	if (result == 0)
		result = table_fill(table, guests, shown);
	if (result == 0)
		result = scols_print_table(table);
	scols_unref_table(table);
	return result < 0 ? -ENOMEM : 0;
}

static void reasons_print(const struct guests *guests)
{
	char name[STATUS_CELL_SIZE];
	char reason[STATUS_CELL_SIZE];

	for (size_t i = 0; i < guests->count; i++) {
		const struct guest_state *state = guests->at[i];

		if (!error_is_set(&state->reason))
			continue;
		status_guest(state, name);
		printf("%s: %s%s%s: %s\n", name,
		       screen_colour(stdout, verdict_colour(state->verdict)),
		       verdict_name(state->verdict), screen_plain(stdout),
		       text_printable(reason, sizeof(reason), state->reason.text));
	}
}

/* "3 drifted, 240 placed"; `more` stands behind each number. */
static void counts_add(const size_t counts[VERDICTS], const char *more, char text[STATUS_CELL_SIZE])
{
	const char *separator = "";

	for (enum verdict verdict = 0; verdict < VERDICTS; verdict++) {
		if (counts[verdict] == 0)
			continue;
		text_add(text, STATUS_CELL_SIZE, "%s%zu %s%s", separator, counts[verdict], more,
			 verdict_name(verdict));
		separator = ", ";
	}
}

static void summary(const struct guest_states *states, char text[STATUS_CELL_SIZE])
{
	size_t counts[VERDICTS] = {0};

	for (size_t i = 0; i < states->count; i++)
		counts[states->at[i].verdict]++;
	snprintf(text, STATUS_CELL_SIZE, "%zu guest%s%s", states->count,
		 states->count == 1 ? "" : "s", states->count > 0 ? ": " : "");
	counts_add(counts, "", text);
}

/* Of the guests behind those that are shown. */
static void more(const struct guests *guests, size_t all, char text[STATUS_CELL_SIZE])
{
	size_t counts[VERDICTS] = {0};

	for (size_t i = guests->count; i < all; i++)
		counts[guests->at[i]->verdict]++;
	snprintf(text, STATUS_CELL_SIZE, "%s and ", screen_is_utf8() ? "…" : "...");
	counts_add(counts, "more ", text);
}

/* Which columns are not shown; "" where all are. */
static void left_out(const struct guest_states *states, const bool shown[COLUMNS],
		     char text[STATUS_CELL_SIZE])
{
	*text = '\0';
	for (size_t i = 0; i < COLUMNS; i++) {
		if (!shown[i] && column_is_shown(states, i))
			text_add(text, STATUS_CELL_SIZE, "%s%s",
				 *text == '\0' ? "no room here for: " : ", ", columns[i].name);
	}
	if (*text != '\0')
		text_add(text, STATUS_CELL_SIZE, " (name a guest, or take --json)");
}

/* The rows of a guest: in the table, whose lines take so many, and of its reason. */
static size_t guest_rows(const struct guest_state *state, size_t line_rows)
{
	char name[STATUS_CELL_SIZE];
	char reason[STATUS_CELL_SIZE];

	if (!error_is_set(&state->reason))
		return line_rows;
	status_guest(state, name);
	text_printable(reason, sizeof(reason), state->reason.text);
	return line_rows + screen_rows_of(strlen(name) + strlen(verdict_name(state->verdict)) +
					  strlen(reason) + strlen(": : "));
}

/* Orders all guests and counts those that fit into so many rows. */
static void guests_choose(const struct guest_states *states, size_t line_rows, size_t rows,
			  struct guests *guests)
{
	size_t taken = 0;

	for (size_t i = 0; i < states->count; i++) {
		guests->at[i] = &states->at[i];
		taken += guest_rows(&states->at[i], line_rows);
	}
	guests->count = states->count;
	if (taken <= rows)
		return;
	guests->count = 0;
	for (int fine = 0; fine <= 1; fine++) {
		for (size_t i = 0; i < states->count; i++) {
			if (verdict_is_fine(states->at[i].verdict) == fine)
				guests->at[guests->count++] = &states->at[i];
		}
	}
	taken = 1; /* how many more there are */
	guests->count = 0;
	while (guests->count < states->count) {
		taken += guest_rows(guests->at[guests->count], line_rows);
		if (taken > rows)
			break;
		guests->count++;
	}
}

static int parts_print(const struct guest_states *states, size_t rows, struct guests *guests)
{
	bool shown[COLUMNS];
	size_t line_rows = screen_rows_of(columns_choose(states, shown));
	char columns_text[STATUS_CELL_SIZE];
	char text[STATUS_CELL_SIZE];
	size_t others;
	int result;

	left_out(states, shown, columns_text);
	summary(states, text);
	/* The headline, and the row that the cursor is in at the end. */
	others = line_rows + (*columns_text != '\0' ? screen_rows_of(strlen(columns_text)) : 0) +
		 screen_rows_of(strlen(text)) + 1;
	if (rows == 0)
		rows = SIZE_MAX;
	guests_choose(states, line_rows, rows > others ? rows - others : 0, guests);
	if (guests->count > 0) {
		result = table_print(guests, shown);
		if (result < 0)
			return result;
		if (*columns_text != '\0')
			puts(columns_text);
	}
	reasons_print(guests);
	if (guests->count < states->count) {
		more(guests, states->count, columns_text);
		puts(columns_text);
	}
	puts(text);
	return 0;
}

int status_table_print(const struct guest_states *states, unsigned int rows)
{
	struct guests guests = {0};
	int result = -ENOMEM;

	guests.at = calloc(states->count + 1, sizeof(const struct guest_state *));
	if (guests.at != NULL)
		result = parts_print(states, rows, &guests);
	free(guests.at);
	return result;
}
