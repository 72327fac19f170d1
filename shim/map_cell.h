/* Words of any origin in so many columns of a terminal. */
#ifndef SHIM_MAP_CELL_H
#define SHIM_MAP_CELL_H

#include "guest_state.h"

#include <stdbool.h>
#include <stddef.h>

enum {
	MAP_NAME_COLUMNS = 24, /* what is longer of a guest's name is cut */
	MAP_CELL_SIZE = 1024,
};

/*
 * Writes what may be shown of `text`, cut to `columns`, and says so by "…" ("..." without UTF-8).
 * What the terminal cannot show as it is becomes "\xNN" or "?". Returns the columns that it takes.
 */
unsigned int map_cell_fit(char text_fit[MAP_CELL_SIZE], const char *text, unsigned int columns,
			  bool utf8);

/* The name of a guest; "pid 4711" for one that has none. */
void map_cell_name(const struct guest_state *state, char name[MAP_CELL_SIZE]);

/* One character that tells the verdict, for colours alone are not seen by all: + ~ ! - ? */
char map_cell_mark(enum verdict verdict);

#endif
