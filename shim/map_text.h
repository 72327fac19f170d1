/* The map of a host on a terminal: its nodes as boxes, the guests in them. */
#ifndef SHIM_MAP_TEXT_H
#define SHIM_MAP_TEXT_H

#include "host_map.h"

#include <stdio.h>

struct map_style {
	unsigned int width; /* of the screen, in columns */
	bool utf8;          /* it shows boxes, and names in any script */
};

/* Returns 0 or -ENOMEM. */
int map_text_print(const struct host_map *map, struct map_style style, FILE *stream);

/* Says on which nodes guests of a span are: "on nodes 0-1". */
void map_text_title(const struct host_map *map, const struct map_span *span, char *title,
		    size_t size);

#endif
