#include "excerpt.h"
#include "screen.h"
#include "utf8.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <wchar.h>

enum { INDENT = 4, TAB = 8, DOTS = 3, LEAST_WIDTH = 40 };

/* One character as it is on the screen. */
struct cell {
	size_t bytes;       /* in the line */
	unsigned int width; /* columns */
	bool printable;
};

/* Looks at the character at `at`; `column` is where it comes to stand. */
static struct cell cell_at(const struct excerpt *excerpt, size_t at, unsigned int column)
{
	const char *text = excerpt->line + at;
	uint32_t character;
	size_t bytes = utf8_decode(text, excerpt->line + excerpt->length, &character);
	int width;

	if (bytes == 0 || (character != '\t' && utf8_is_control(character)))
		return (struct cell){1, sizeof("\\xNN") - 1, false};
	if (character == '\t')
		return (struct cell){1, TAB - column % TAB, false};
	/* glibc's wchar_t is the character's number in every locale, but not all have widths. */
	width = wcwidth((wchar_t)character);
	return (struct cell){bytes, width >= 0 ? (unsigned int)width : 1, true};
}

void excerpt_column(const struct excerpt *excerpt, unsigned int *column, unsigned int *length)
{
	size_t end = excerpt->at + excerpt->word;

	*column = 1;
	*length = 0;
	for (size_t at = 0; at < excerpt->length && at < end;) {
		uint32_t character;
		size_t bytes =
		    utf8_decode(excerpt->line + at, excerpt->line + excerpt->length, &character);

		*(at < excerpt->at ? column : length) += 1;
		at += bytes > 0 ? bytes : 1;
	}
}

/* Columns of the line as it is printed: of the word, and of all of it. */
struct extent {
	unsigned int word;
	unsigned int word_end;
	unsigned int end;
};

static struct extent extent_of(const struct excerpt *excerpt)
{
	struct extent extent = {0};

	for (size_t at = 0; at < excerpt->length;) {
		struct cell cell = cell_at(excerpt, at, extent.end);

		if (at <= excerpt->at)
			extent.word = extent.end;
		at += cell.bytes;
		extent.end += cell.width;
		if (at <= excerpt->at + excerpt->word)
			extent.word_end = extent.end;
	}
	return extent;
}

/* Prints the characters that stand wholly between two columns, and blanks for what is cut. */
static void line_print(const struct excerpt *excerpt, unsigned int from, unsigned int to,
		       FILE *stream)
{
	unsigned int column = 0;

	for (size_t at = 0; at < excerpt->length && column < to;) {
		struct cell cell = cell_at(excerpt, at, column);
		unsigned int end = column + cell.width;

		if (column < from || end > to) {
			/* A tab, or a wide character, may be in it by half. */
			for (unsigned int i = column < from ? from : column; i < end && i < to; i++)
				putc(' ', stream);
		} else if (cell.printable) {
			fwrite(excerpt->line + at, 1, cell.bytes, stream);
		} else if (excerpt->line[at] == '\t') {
			fprintf(stream, "%*s", (int)cell.width, "");
		} else {
			fprintf(stream, "\\x%02x", (unsigned char)excerpt->line[at]);
		}
		at += cell.bytes;
		column = end;
	}
}

void excerpt_print(const struct excerpt *excerpt, unsigned int width, FILE *stream)
{
	struct extent extent = extent_of(excerpt);
	unsigned int room = (width > LEAST_WIDTH ? width : LEAST_WIDTH) - INDENT;
	unsigned int from = 0;
	unsigned int to = extent.end;

	if (extent.end > room && extent.word_end > room - DOTS) {
		unsigned int before = room / 3; /* so much of what is before the word */

		from = extent.word > before ? extent.word - before : 0;
		room -= from > 0 ? DOTS : 0;
	}
	if (extent.end - from > room)
		to = from + room - DOTS;
	fprintf(stream, "%*s%s", INDENT, "", from > 0 ? "..." : "");
	line_print(excerpt, from, to, stream);
	fprintf(stream, "%s\n%*s%s^", to < extent.end ? "..." : "",
		(int)(INDENT + (from > 0 ? DOTS : 0) + extent.word - from), "",
		screen_colour(stream, COLOUR_GREEN));
	for (unsigned int i = extent.word + 1; i < extent.word_end && i < to; i++)
		putc('~', stream);
	fprintf(stream, "%s\n", screen_plain(stream));
}
