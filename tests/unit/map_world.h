/* Made-up hosts, with made-up guests on them. */
#ifndef MAP_WORLD_H
#define MAP_WORLD_H

#include "host_map.h"
#include "sets.h"
#include "tree.h"

enum { WORLD_GUESTS_MAX = 4096 };

struct world {
	hwloc_topology_t topology;
	struct guest_state guests[WORLD_GUESTS_MAX];
	struct guest_node pages[WORLD_GUESTS_MAX];
	struct guest_states states;
	struct host_map map;
};

/* A host as hwloc(7) describes synthetic ones, "package:2 numa:1 core:2 pu:1". */
static inline void world_open(struct world *world, const char *host)
{
	memset(world, 0, sizeof(*world));
	world->states.at = world->guests;
	assert_int_equal(hwloc_topology_init(&world->topology), 0);
	assert_int_equal(hwloc_topology_set_synthetic(world->topology, host), 0);
	assert_int_equal(
	    hwloc_topology_set_all_types_filter(world->topology, HWLOC_TYPE_FILTER_KEEP_STRUCTURE),
	    0);
	assert_int_equal(hwloc_topology_set_type_filter(world->topology, HWLOC_OBJ_PACKAGE,
							HWLOC_TYPE_FILTER_KEEP_ALL),
			 0);
	assert_int_equal(hwloc_topology_set_type_filter(world->topology, HWLOC_OBJ_MISC,
							HWLOC_TYPE_FILTER_KEEP_ALL),
			 0);
	assert_int_equal(
	    hwloc_topology_set_flags(world->topology, HWLOC_TOPOLOGY_FLAG_INCLUDE_DISALLOWED), 0);
	assert_int_equal(hwloc_topology_load(world->topology), 0);
}

/* A guest that may run on these CPUs; `megabytes` 0: its memory is not known. */
static inline void world_guest(struct world *world, const char *name, const char *cpus,
			       enum verdict verdict, uint64_t megabytes)
{
	size_t i = world->states.count++;

	assert_true(i < WORLD_GUESTS_MAX);
	world->pages[i] = (struct guest_node){.pages = megabytes};
	world->guests[i] = (struct guest_state){
	    .guest = (char *)(uintptr_t)name,
	    .pid = 4711 + (pid_t)i,
	    .cpus = set_of(cpus),
	    .verdict = verdict,
	    .pages_known = megabytes > 0,
	    .pages = {.nodes = &world->pages[i], .count = 1, .page = UINT64_C(1) << 20},
	};
}

/* A file of a node in the made-up /sys, which is "sys". */
static inline void world_node_file(unsigned int node, const char *name, const char *text)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "sys/devices/system/node/node%u/%s", node, name);
	make_file(path, text);
}

static inline void world_meminfo(unsigned int node, unsigned int total, unsigned int available,
				 unsigned int files, unsigned int shared, unsigned int slab)
{
	char text[1024];

	snprintf(text, sizeof(text),
		 "Node %u MemTotal:       %u kB\nNode %u MemFree:        %u kB\n"
		 "Node %u MemUsed:        %u kB\nNode %u FilePages:      %u kB\n"
		 "Node %u Shmem:          %u kB\nNode %u SReclaimable:   %u kB\n"
		 "Node %u ShmemHugePages: 0 kB\n",
		 node, total, node, available, node, total - available, node, files, node, shared,
		 node, slab, node);
	world_node_file(node, "meminfo", text);
}

static inline void world_map(struct world *world)
{
	struct error error;

	assert_int_equal(host_map_make(&world->map, world->topology, "sys", &world->states, &error),
			 0);
}

static inline void world_close(struct world *world)
{
	host_map_free(&world->map);
	hwloc_topology_destroy(world->topology);
}

#endif
