/* The map of a host as a picture, drawn by lstopo(1) of hwloc. */
#ifndef SHIM_MAP_PICTURE_H
#define SHIM_MAP_PICTURE_H

#include "host_map.h"

/*
 * Whether a file of that name can become a picture. Returns 0; or -EINVAL with `error` filled,
 * which names the formats.
 */
int map_picture_check(const char *path, struct error *error);

/*
 * Draws the map into the file, in the format that the end of its name says; the topology is that
 * of the map, and gets the guests. What was in the file is replaced whole, or stays. Returns 0;
 * or -errno with `error` filled.
 */
int map_picture_write(const struct host_map *map, hwloc_topology_t topology, const char *path,
		      struct error *error);

#endif
