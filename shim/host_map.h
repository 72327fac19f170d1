/*
 * The map of a host: its nodes, and on which of them its running guests are. A guest is on the
 * nodes of the CPUs that it may really run on.
 */
#ifndef SHIM_HOST_MAP_H
#define SHIM_HOST_MAP_H

#include "guest_state.h"
#include "host_memory.h"

#include <hwloc.h>

/* Some of the guests, in the order in which they were given. */
struct map_guests {
	const struct guest_state **at;
	size_t count;
};

struct map_node {
	unsigned int number; /* the kernel's */
	struct id_set cpus;  /* that are online; a node may have none */
	struct host_memory memory;
	struct map_guests guests; /* that run here and nowhere else */
};

/* Guests that run on the same nodes, which are several; none: it is not known where they run. */
struct map_span {
	struct id_set nodes;
	struct map_guests guests;
};

struct host_map {
	struct map_node *nodes; /* in order of their numbers */
	size_t node_count;
	struct map_span *spans; /* those of which it is not known come last */
	size_t span_count;
	size_t cpu_count;
	size_t guest_count;
	size_t counts[VERDICTS];
};

/*
 * Loads the topology of this host, also what this process may not use, without caches and
 * devices. Whatever the environment tells hwloc of another host (HWLOC_XMLFILE and so on) is
 * taken out of it. Returns 0, hwloc_topology_destroy() being due; or -errno with `error` filled.
 */
int host_topology_load(hwloc_topology_t *topology, struct error *error);

/*
 * Makes the map of a host with that topology; `sys` is its /sys. The guests stay the caller's.
 * Returns 0; or -ENOMEM with `error` filled. To be freed by host_map_free() in every case.
 */
int host_map_make(struct host_map *map, hwloc_topology_t topology, const char *sys,
		  const struct guest_states *states, struct error *error);

/* The nodes of the CPUs that a guest may run on. */
void host_map_nodes(const struct host_map *map, const struct guest_state *state,
		    struct id_set *nodes);

/* Whether the span is all nodes that have CPUs. */
bool host_map_is_all(const struct host_map *map, const struct map_span *span);

void host_map_free(struct host_map *map);

#endif
