#include "report_map.h"
#include "report.h"

static json_t *report_guests(const struct map_guests *guests)
{
	json_t *list = json_array();

	for (size_t i = 0; i < guests->count; i++) {
		const struct guest_state *state = guests->at[i];

		json_array_append_new(
		    list,
		    json_pack("{s:o, s:i, s:s, s:o, s:o}", "guest", report_text(state->guest),
			      "pid", (int)state->pid, "verdict", verdict_name(state->verdict),
			      "cpus", report_set(&state->cpus), "memory",
			      state->pages_known
				  ? json_integer((json_int_t)guest_pages_on(&state->pages, NULL))
				  : json_null()));
	}
	return list;
}

/* What is free is null where the kernel does not tell. */
static json_t *report_memory(const struct host_memory *memory)
{
	return json_pack("{s:I, s:o, s:o}", "total", (json_int_t)memory->total, "free",
			 memory->known ? json_integer((json_int_t)memory->free) : json_null(),
			 "cache",
			 memory->known ? json_integer((json_int_t)memory->cache) : json_null());
}

static json_t *report_huge_pages(const struct host_memory *memory)
{
	json_t *list = json_array();

	for (size_t i = 0; i < memory->huge_page_sizes; i++) {
		const struct host_huge_pages *pages = &memory->huge_pages[i];

		json_array_append_new(
		    list, json_pack("{s:I, s:I, s:I}", "size", (json_int_t)pages->size, "total",
				    (json_int_t)pages->total, "free", (json_int_t)pages->free));
	}
	return list;
}

json_t *report_map(const struct host_map *map)
{
	json_t *nodes = json_array();
	json_t *spanning = json_array();

	for (size_t i = 0; i < map->node_count; i++) {
		const struct map_node *node = &map->nodes[i];

		json_array_append_new(nodes,
				      json_pack("{s:i, s:o, s:o, s:o, s:o}", "node",
						(int)node->number, "cpus", report_set(&node->cpus),
						"memory", report_memory(&node->memory),
						"huge_pages", report_huge_pages(&node->memory),
						"guests", report_guests(&node->guests)));
	}
	for (size_t i = 0; i < map->span_count; i++)
		json_array_append_new(
		    spanning, json_pack("{s:o, s:o}", "nodes", report_set(&map->spans[i].nodes),
					"guests", report_guests(&map->spans[i].guests)));
	return json_pack("{s:o, s:o}", "nodes", nodes, "spanning", spanning);
}
