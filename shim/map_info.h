/* What is said of a node in its box, above its guests. */
#ifndef SHIM_MAP_INFO_H
#define SHIM_MAP_INFO_H

#include "host_map.h"
#include "map_cell.h"

/* How many lines that is. */
unsigned int map_info_count(const struct map_node *node);

/* Writes one of them, for so many columns of room: where there are more, more is said. */
void map_info_text(const struct map_node *node, unsigned int line, unsigned int columns, bool utf8,
		   char text[MAP_CELL_SIZE]);

#endif
