/* Boxes on a terminal, as many side by side as is best, with guests in columns. */
#ifndef SHIM_MAP_BOX_H
#define SHIM_MAP_BOX_H

#include "host_map.h"
#include "map_text.h"

/* The room that the guests of a box take, in columns. */
struct map_cells {
	unsigned int name;   /* of the longest */
	unsigned int memory; /* 0: that of none is known */
};

struct map_box {
	char title[ID_SET_TEXT_SIZE + 32];
	const struct map_node *node; /* NULL: it is several */
	const struct map_guests *guests;
	struct map_cells cells;
};

/* Sets the guests of a box, and finds what room they take. */
void map_box_fill(struct map_box *box, const struct map_guests *guests, bool utf8);

void map_boxes_print(const struct map_box *boxes, size_t count, struct map_style style,
		     FILE *stream);

#endif
