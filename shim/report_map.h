/* The map of a host for other programs: JSON. */
#ifndef SHIM_REPORT_MAP_H
#define SHIM_REPORT_MAP_H

#include "host_map.h"

#include <jansson.h>

/*
 * {"nodes": [{"node", "cpus", "memory": {"total", "free", "cache"}, "huge_pages": [{"size",
 * "total", "free"}], "guests": []}], "spanning": [{"nodes", "guests": []}]}; sizes are bytes, a
 * guest is {"guest", "pid", "verdict", "cpus", "memory"}. See tests/schema/map.json.
 */
json_t *report_map(const struct host_map *map);

#endif
