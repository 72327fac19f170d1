/*
 * The map of a host in hwloc's XML, which lstopo(1) draws: guests are Misc objects in the
 * smallest object that has all CPUs that they may run on.
 */
#ifndef SHIM_MAP_XML_H
#define SHIM_MAP_XML_H

#include "host_map.h"

enum { MAP_LABEL_SIZE = 256 };

/* How lstopo is to arrange it. */
struct map_arrangement {
	const char *rows_in; /* the type of object whose boxes are rows of others; NULL: none */
	bool in_one_row;     /* so few packages that they stand side by side */
	bool cpus_in_rows;   /* few enough CPUs in a node to stand side by side */
	bool spans_in_rows;  /* so few guests on several nodes */
};

/*
 * Puts the guests into the topology, which is that of the map, and writes it into *xml, *length
 * bytes without an end mark, to be freed by free(). Returns 0; or -errno with `error` filled.
 */
int map_xml_make(const struct host_map *map, hwloc_topology_t topology, char **xml, size_t *length,
		 struct map_arrangement *arrangement, struct error *error);

/*
 * Makes text fit for any picture. hwloc's XML has ASCII alone, and lstopo's own SVG takes what
 * it is given as it is; so all other characters, and those of XML, become '?'. What is longer
 * than `columns` ends in "...". Returns `label`.
 */
const char *map_label(char label[MAP_LABEL_SIZE], const char *text, unsigned int columns);

#endif
