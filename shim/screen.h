/* What the tool knows of the terminal that it may be writing to. */
#ifndef SHIM_SCREEN_H
#define SHIM_SCREEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum colour { COLOUR_NONE, COLOUR_GREEN, COLOUR_YELLOW, COLOUR_RED, COLOUR_DIM, COLOUR_BOLD };

/* Whether it is a terminal on which the cursor can be moved: one that is not "dumb". */
bool screen_is_terminal(FILE *stream);

/*
 * Whether what goes to `stream` is coloured: it is such a terminal, and
 * NO_COLOR is not set to anything (no-color.org).
 */
bool screen_has_colours(FILE *stream);

/* The sequence that begins the colour where `stream` has colours, else "". */
const char *screen_colour(FILE *stream, enum colour colour);

/* The sequence that ends it, or "". */
const char *screen_plain(FILE *stream);

/* Whether the locale's characters are UTF-8: then boxes may be drawn. */
bool screen_is_utf8(void);

/*
 * As text_printable(), and what the locale's terminal cannot show becomes \xNN, too: for cells of
 * a table, whose columns are counted. Returns `buffer`.
 */
const char *screen_printable(char *buffer, size_t size, const char *text);

/* The columns of the terminal on `stream`; else of COLUMNS, where that is set; else 80. */
unsigned int screen_width(FILE *stream);

/* The rows of the terminal on `stream`; 0: it has none that are known. */
unsigned int screen_height(FILE *stream);

/* How many rows of a terminal on stdout a line of so many columns takes. */
size_t screen_rows_of(size_t columns);

/* Writes a size as an administrator reads it, "512.0M", "3.9G". Returns `text`. */
const char *screen_size(unsigned long long bytes, char *text, size_t size);

/*
 * A bar for what takes longer than a second: it is drawn on stderr only where that is a
 * terminal, and only from then on.
 */
struct progress {
	const char *what; /* "moving the memory of web1" */
	long long started;
	long long waited; /* seconds, as drawn by progress_wait() */
	bool drawn;
};

void progress_start(struct progress *progress, const char *what);

/* Draws it anew; `done` of `total`. */
void progress_show(struct progress *progress, unsigned long long done, unsigned long long total);

/* Draws it anew, without a bar, while nothing but the end is awaited: the seconds that go by. */
void progress_wait(struct progress *progress);

/* Takes it off the screen. */
void progress_end(struct progress *progress);

#endif
