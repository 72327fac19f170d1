#include "map_cell.h"
#include "utf8.h"

#include <stdio.h>
#include <string.h>
#include <wchar.h>

/* The columns of a character; -1: it cannot be shown. */
static int width_of(uint32_t character, bool utf8)
{
	if (character < 0x80)
		return 1;
	return utf8 ? wcwidth((wchar_t)character) : -1;
}

unsigned int map_cell_fit(char text_fit[MAP_CELL_SIZE], const char *text, unsigned int columns,
			  bool utf8)
{
	const char *mark = utf8 ? "…" : "...";
	unsigned int mark_columns = utf8 ? 1 : 3;
	char printable[MAP_CELL_SIZE];
	const char *end;
	size_t used = 0;
	size_t cut = 0; /* the last place where the mark fits */
	unsigned int cut_columns = 0;
	unsigned int taken = 0;

	text_printable(printable, sizeof(printable), text);
	end = printable + strlen(printable);
	for (const char *at = printable; at < end;) {
		uint32_t character = 0;
		size_t length = utf8_decode(at, end, &character);
		int width = width_of(character, utf8);
		unsigned int needed = width < 0 ? 1 : (unsigned int)width;

		if (taken + needed > columns || used + length + sizeof("…") > MAP_CELL_SIZE) {
			strcpy(text_fit + cut, mark);
			return cut_columns + mark_columns;
		}
		if (width < 0)
			text_fit[used++] = '?';
		else
			memcpy(text_fit + used, at, length);
		used += width < 0 ? 0 : length;
		taken += needed;
		at += length;
		if (taken + mark_columns <= columns) {
			cut = used;
			cut_columns = taken;
		}
	}
	text_fit[used] = '\0';
	return taken;
}

void map_cell_name(const struct guest_state *state, char name[MAP_CELL_SIZE])
{
	if (state->guest != NULL)
		snprintf(name, MAP_CELL_SIZE, "%s", state->guest);
	else
		snprintf(name, MAP_CELL_SIZE, "pid %d", state->pid);
}

char map_cell_mark(enum verdict verdict)
{
	static const char marks[VERDICTS] = {
	    [VERDICT_PLACED] = '+',  [VERDICT_DRIFTED] = '~', [VERDICT_UNPLACED] = '!',
	    [VERDICT_NO_RULE] = '-', [VERDICT_UNKNOWN] = '?',
	};

	return marks[verdict];
}
