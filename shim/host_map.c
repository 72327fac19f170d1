#include "host_map.h"
#include "bitmap_set.h"
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* hwloc(7), "Environment Variables"; lstopo has some of its own. */
static void environment_clean(void)
{
	static const char *const fronts[] = {"HWLOC_", "LSTOPO_"};
	char name[64];
	size_t i = 0;

	while (environ != NULL && environ[i] != NULL) {
		const char *entry = environ[i];
		size_t length = strcspn(entry, "=");
		bool known = false;

		for (size_t j = 0; j < sizeof(fronts) / sizeof(fronts[0]); j++)
			known = known || strncmp(entry, fronts[j], strlen(fronts[j])) == 0;
		if (!known || length >= sizeof(name)) {
			i++;
			continue;
		}
		memcpy(name, entry, length);
		name[length] = '\0';
		unsetenv(name); /* the next one is at i now */
	}
}

int host_topology_load(hwloc_topology_t *topology, struct error *error)
{
	environment_clean();
	if (hwloc_topology_init(topology) < 0)
		return error_set(error, -ENOMEM, "out of memory");
	/* Not the modules of memory that the firmware tells root of: Misc is for guests here. */
	(void)hwloc_topology_set_components(*topology, HWLOC_TOPOLOGY_COMPONENTS_FLAG_BLACKLIST,
					    "linux:misc");
	if (hwloc_topology_set_all_types_filter(*topology, HWLOC_TYPE_FILTER_KEEP_STRUCTURE) == 0 &&
	    hwloc_topology_set_cache_types_filter(*topology, HWLOC_TYPE_FILTER_KEEP_NONE) == 0 &&
	    hwloc_topology_set_icache_types_filter(*topology, HWLOC_TYPE_FILTER_KEEP_NONE) == 0 &&
	    hwloc_topology_set_io_types_filter(*topology, HWLOC_TYPE_FILTER_KEEP_NONE) == 0 &&
	    hwloc_topology_set_type_filter(*topology, HWLOC_OBJ_PACKAGE,
					   HWLOC_TYPE_FILTER_KEEP_ALL) == 0 &&
	    hwloc_topology_set_type_filter(*topology, HWLOC_OBJ_MISC, HWLOC_TYPE_FILTER_KEEP_ALL) ==
		0 &&
	    hwloc_topology_set_flags(*topology, HWLOC_TOPOLOGY_FLAG_INCLUDE_DISALLOWED) == 0 &&
	    hwloc_topology_load(*topology) == 0)
		return 0;
	hwloc_topology_destroy(*topology);
	return error_set(error, -EIO, "hwloc cannot find this host's topology: %s",
			 strerror(errno));
}

/*
 * The kernel's word counts: hwloc gives a node that has memory alone the CPUs that are near to it.
 */
static void node_cpus(const char *sys, hwloc_obj_t object, struct id_set *cpus)
{
	char path[PATH_MAX];
	char list[ID_SET_LIST_SIZE];

	snprintf(path, sizeof(path), "%s/devices/system/node/node%u/cpulist", sys,
		 object->os_index);
	if (file_read(AT_FDCWD, path, list, sizeof(list)) >= 0 && id_set_read(cpus, list) == 0)
		return;
	bitmap_set(cpus, object->cpuset);
}

static int compare_nodes(const void *left, const void *right)
{
	unsigned int a = ((const struct map_node *)left)->number;
	unsigned int b = ((const struct map_node *)right)->number;

	return (a > b) - (a < b);
}

static int nodes_make(struct host_map *map, hwloc_topology_t topology, const char *sys)
{
	int count = hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_NUMANODE);
	hwloc_obj_t object = NULL;

	map->nodes = calloc(count > 0 ? (size_t)count : 1, sizeof(*map->nodes));
	if (map->nodes == NULL)
		return -ENOMEM;
	while ((object = hwloc_get_next_obj_by_type(topology, HWLOC_OBJ_NUMANODE, object)) !=
	       NULL) {
		struct map_node *node = &map->nodes[map->node_count++];

		node->number = object->os_index;
		node_cpus(sys, object, &node->cpus);
		host_memory_read(sys, node->number, &node->memory);
		if (!node->memory.known)
			node->memory.total = object->attr->numanode.local_memory;
		map->cpu_count += id_set_count(&node->cpus);
	}
	qsort(map->nodes, map->node_count, sizeof(*map->nodes), compare_nodes);
	return 0;
}

void host_map_nodes(const struct host_map *map, const struct guest_state *state,
		    struct id_set *nodes)
{
	memset(nodes, 0, sizeof(*nodes));
	for (size_t i = 0; i < map->node_count; i++) {
		if (id_set_meets(&map->nodes[i].cpus, &state->cpus))
			id_set_add(nodes, map->nodes[i].number);
	}
}

static int guests_add(struct map_guests *guests, const struct guest_state *state)
{
	const struct guest_state **at = guests->at;

	/* One is made room for at a power of two. */
	if ((guests->count & (guests->count - 1)) == 0)
		at = reallocarray(at, guests->count == 0 ? 1 : 2 * guests->count, sizeof(void *));
	if (at == NULL)
		return -ENOMEM;
	guests->at = at;
	guests->at[guests->count++] = state;
	return 0;
}

/* The span of these nodes, which is made where there is none yet; NULL: out of memory. */
static struct map_span *span_of(struct host_map *map, const struct id_set *nodes)
{
	struct map_span *spans;

	for (size_t i = 0; i < map->span_count; i++) {
		if (id_set_equal(&map->spans[i].nodes, nodes))
			return &map->spans[i];
	}
	spans = reallocarray(map->spans, map->span_count + 1, sizeof(*spans));
	if (spans == NULL)
		return NULL;
	map->spans = spans;
	map->spans[map->span_count] = (struct map_span){.nodes = *nodes};
	return &map->spans[map->span_count++];
}

static int guest_place(struct host_map *map, const struct guest_state *state)
{
	struct id_set nodes;
	struct map_span *span;

	map->guest_count++;
	map->counts[state->verdict]++;
	host_map_nodes(map, state, &nodes);
	for (size_t i = 0; i < map->node_count && id_set_count(&nodes) == 1; i++) {
		if (id_set_has(&nodes, map->nodes[i].number))
			return guests_add(&map->nodes[i].guests, state);
	}
	span = span_of(map, &nodes);
	return span != NULL ? guests_add(&span->guests, state) : -ENOMEM;
}

/* Those of the most nodes first, for they are what an administrator looks for. */
static int compare_spans(const void *left, const void *right)
{
	const struct id_set *a = &((const struct map_span *)left)->nodes;
	const struct id_set *b = &((const struct map_span *)right)->nodes;
	unsigned int more = id_set_count(a);
	unsigned int less = id_set_count(b);

	if (more != less)
		return more > less ? -1 : 1;
	for (unsigned int id = 0; id < ID_SET_SIZE; id++) {
		if (id_set_has(a, id) != id_set_has(b, id))
			return id_set_has(a, id) ? -1 : 1;
	}
	return 0;
}

int host_map_make(struct host_map *map, hwloc_topology_t topology, const char *sys,
		  const struct guest_states *states, struct error *error)
{
	int result;

	*map = (struct host_map){0};
	result = nodes_make(map, topology, sys);
	for (size_t i = 0; i < states->count && result == 0; i++)
		result = guest_place(map, &states->at[i]);
	if (result < 0)
		return error_set(error, result, "out of memory");
	if (map->span_count > 0)
		qsort(map->spans, map->span_count, sizeof(*map->spans), compare_spans);
	return 0;
}

bool host_map_is_all(const struct host_map *map, const struct map_span *span)
{
	for (size_t i = 0; i < map->node_count; i++) {
		if (!id_set_is_empty(&map->nodes[i].cpus) &&
		    !id_set_has(&span->nodes, map->nodes[i].number))
			return false;
	}
	return true;
}

void host_map_free(struct host_map *map)
{
	for (size_t i = 0; i < map->node_count; i++)
		free(map->nodes[i].guests.at);
	for (size_t i = 0; i < map->span_count; i++)
		free(map->spans[i].guests.at);
	free(map->nodes);
	free(map->spans);
	*map = (struct host_map){0};
}
