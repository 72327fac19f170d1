#include "map_xml.h"
#include "bitmap_set.h"
#include "map_cell.h"
#include "map_text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	IN_ROWS_CPUS = 16,     /* so many PUs are about as wide as four columns of guests */
	IN_ROWS_COLUMNS = 150, /* of text, in guests side by side */
	ROW_LEAST = 4,         /* fewer boxes than that stand side by side */
	ROWS_MAX = 64,
};

/* What colours a box (lstopo(1), CUSTOM COLORS). */
static const char style_key[] = "lstopoStyle";
static const char style_row[] = "Background=#ffffff;Text=#000000";
static const char style_box[] = "Background=#f2f2f2;Text=#000000";
static const char style_node[] = "Background=#dbe7f3;Text=#000000";

/* In the order of the terminal's: green, yellow, red, grey; dark text on what is light. */
static const char *const verdict_styles[VERDICTS] = {
    [VERDICT_PLACED] = "Background=#b5dfb0;Text=#000000",
    [VERDICT_DRIFTED] = "Background=#ffd45e;Text=#000000",
    [VERDICT_UNPLACED] = "Background=#c62828;Text=#ffffff",
    [VERDICT_NO_RULE] = "Background=#d0d0d0;Text=#000000",
    [VERDICT_UNKNOWN] = "Background=#ffffff;Text=#000000",
};

/* What is being made. The first failure ends it. */
struct making {
	const struct host_map *map;
	hwloc_topology_t topology;
	bool failed;
};

const char *map_label(char label[MAP_LABEL_SIZE], const char *text, unsigned int columns)
{
	char fit[MAP_CELL_SIZE];
	char *end;

	if (columns >= MAP_LABEL_SIZE)
		columns = MAP_LABEL_SIZE - 1;
	(void)map_cell_fit(fit, text, columns, false);
	label[0] = '\0';
	text_add(label, MAP_LABEL_SIZE, "%s", fit);
	for (end = label; (end = strpbrk(end, "<>&\"'")) != NULL;)
		*end = '?';
	return label;
}

static void style_set(struct making *making, hwloc_obj_t object, const char *style)
{
	if (object == NULL || hwloc_obj_add_info(object, style_key, style) < 0)
		making->failed = true;
}

static hwloc_obj_t misc_add(struct making *making, hwloc_obj_t parent, const char *label,
			    const char *style)
{
	hwloc_obj_t object = hwloc_topology_insert_misc_object(making->topology, parent, label);

	style_set(making, object, style);
	return object != NULL ? object : parent;
}

/* Frees the bitmap. NULL: the topology has none of these CPUs. */
static hwloc_obj_t object_of(struct making *making, hwloc_bitmap_t cpus)
{
	hwloc_obj_t object = NULL;

	hwloc_bitmap_and(cpus, cpus, hwloc_topology_get_topology_cpuset(making->topology));
	if (!hwloc_bitmap_iszero(cpus))
		object = hwloc_get_obj_covering_cpuset(making->topology, cpus);
	hwloc_bitmap_free(cpus);
	return object;
}

static hwloc_bitmap_t bitmap_of(struct making *making, const struct id_set *cpus)
{
	hwloc_bitmap_t bitmap = hwloc_bitmap_alloc();

	if (bitmap == NULL) {
		making->failed = true;
		return NULL;
	}
	for (unsigned int cpu = 0; cpu < ID_SET_SIZE; cpu++) {
		if (id_set_has(cpus, cpu))
			hwloc_bitmap_set(bitmap, cpu);
	}
	return bitmap;
}

/* Of the CPUs that the guest may use of those in `all`. */
static void guest_label(const struct guest_state *state, const struct id_set *all,
			char label[MAP_LABEL_SIZE])
{
	struct id_set cpus = *all;
	char name[MAP_CELL_SIZE];
	char list[32];

	map_cell_name(state, name);
	map_label(label, name, MAP_NAME_COLUMNS);
	memmove(label + 2, label, strlen(label) + 1);
	label[0] = map_cell_mark(state->verdict);
	label[1] = ' ';
	id_set_cut(&cpus, &state->cpus);
	if (!id_set_equal(&cpus, all))
		text_add(label, MAP_LABEL_SIZE, " (CPU %s)",
			 id_set_format(&cpus, list, sizeof(list)));
}

static void guest_add(struct making *making, hwloc_obj_t parent, const struct guest_state *state,
		      const struct id_set *all)
{
	char label[MAP_LABEL_SIZE];

	guest_label(state, all, label);
	misc_add(making, parent, label, verdict_styles[state->verdict]);
}

static void node_guests_add(struct making *making, const struct map_node *node)
{
	for (size_t i = 0; i < node->guests.count && !making->failed; i++) {
		const struct guest_state *state = node->guests.at[i];
		hwloc_bitmap_t bitmap = bitmap_of(making, &state->cpus);
		hwloc_obj_t object = bitmap != NULL ? object_of(making, bitmap) : NULL;
		struct id_set cpus;

		if (object == NULL)
			object = hwloc_get_root_obj(making->topology);
		bitmap_set(&cpus, object->cpuset);
		guest_add(making, object, state, &cpus);
	}
}

/* A box of its own for the guests that several nodes have in common. */
static void span_add(struct making *making, const struct map_span *span)
{
	struct id_set cpus = {0};
	char label[MAP_LABEL_SIZE];
	hwloc_bitmap_t bitmap;
	hwloc_obj_t object;

	for (size_t i = 0; i < making->map->node_count; i++) {
		if (id_set_has(&span->nodes, making->map->nodes[i].number))
			id_set_join(&cpus, &making->map->nodes[i].cpus);
	}
	bitmap = bitmap_of(making, &cpus);
	object = bitmap != NULL ? object_of(making, bitmap) : NULL;
	if (object == NULL)
		object = hwloc_get_root_obj(making->topology);
	while (object->type == HWLOC_OBJ_GROUP && object->parent != NULL)
		object = object->parent; /* beside it, not among its boxes */
	map_text_title(making->map, span, label, sizeof(label));
	object = misc_add(making, object, label, style_row);
	for (size_t i = 0; i < span->guests.count && !making->failed; i++)
		guest_add(making, object, span->guests.at[i], &cpus);
}

/* What the colours mean, in these colours. */
static void legend_add(struct making *making)
{
	const struct host_map *map = making->map;
	hwloc_obj_t root = hwloc_get_root_obj(making->topology);
	char label[MAP_LABEL_SIZE];

	snprintf(label, sizeof(label), "%zu guest%s", map->guest_count,
		 map->guest_count == 1 ? "" : "s");
	root = misc_add(making, root, label, style_row);
	for (enum verdict verdict = 0; verdict < VERDICTS; verdict++) {
		if (map->counts[verdict] == 0)
			continue;
		snprintf(label, sizeof(label), "%c %zu %s", map_cell_mark(verdict),
			 map->counts[verdict], verdict_name(verdict));
		misc_add(making, root, label, verdict_styles[verdict]);
	}
}

/* In the place of hwloc's words for a node, which say nothing of what is free. */
static void nodes_label(struct making *making)
{
	for (size_t i = 0; i < making->map->node_count; i++) {
		const struct map_node *node = &making->map->nodes[i];
		hwloc_obj_t object =
		    hwloc_get_numanode_obj_by_os_index(making->topology, node->number);
		char label[MAP_LABEL_SIZE];
		char total[16];
		char available[16];

		if (object == NULL)
			continue;
		screen_size(node->memory.total, total, sizeof(total));
		screen_size(node->memory.free, available, sizeof(available));
		if (node->memory.known)
			snprintf(label, sizeof(label), "Node %u: %s free of %s", node->number,
				 available, total);
		else
			snprintf(label, sizeof(label), "Node %u: %s", node->number, total);
		free(object->subtype);
		object->subtype = strdup(label);
		if (object->subtype == NULL)
			making->failed = true;
		style_set(making, object, style_node);
	}
}

/* How many of `count` boxes stand in a row: a screen holds them half as often again as is square.
 */
static unsigned int row_length(unsigned int count)
{
	unsigned int columns = 1;
	unsigned int rows;

	while (2 * columns * columns < 3 * count)
		columns++;
	rows = (count + columns - 1) / columns;
	return (count + rows - 1) / rows;
}

static void row_insert(struct making *making, hwloc_bitmap_t cpus)
{
	hwloc_obj_t row = hwloc_topology_alloc_group_object(making->topology);

	if (row == NULL) {
		hwloc_bitmap_free(cpus);
		making->failed = true;
		return;
	}
	row->cpuset = cpus; /* is the group's now */
	row->attr->group.dont_merge = 1;
	row = hwloc_topology_insert_group_object(making->topology, row);
	/* A row of one box is that box. */
	if (row != NULL && row->type == HWLOC_OBJ_GROUP)
		style_set(making, row, style_row);
}

/*
 * Puts the boxes of packages (or of what else the host is made of) in rows, each a group, such
 * that a picture is about as wide as a screen: lstopo itself aims at 4:3, and leaves holes.
 * Returns the type of object that has the rows; NULL: none.
 */
static const char *rows_make(struct making *making)
{
	hwloc_obj_t object = hwloc_get_root_obj(making->topology);
	hwloc_bitmap_t rows[ROWS_MAX] = {NULL};
	unsigned int length;

	if (object->arity == 1 && object->first_child->type == HWLOC_OBJ_PACKAGE)
		object = object->first_child;
	if (object->arity < ROW_LEAST || object->arity > ROWS_MAX ||
	    object->first_child->type == HWLOC_OBJ_PU ||
	    object->first_child->type == HWLOC_OBJ_CORE)
		return NULL;
	length = row_length(object->arity);
	/* All of them first: each group that is inserted takes children away. */
	for (unsigned int i = 0; i < object->arity; i++) {
		hwloc_bitmap_t *row = &rows[i / length];

		if (*row == NULL)
			*row = hwloc_bitmap_alloc();
		if (*row == NULL || hwloc_bitmap_or(*row, *row, object->children[i]->cpuset) < 0)
			making->failed = true;
	}
	for (unsigned int i = 0; i < ROWS_MAX && rows[i] != NULL; i++)
		row_insert(making, rows[i]);
	return object->type == HWLOC_OBJ_PACKAGE ? "package" : "machine";
}

/* Few packages stand side by side, or, where each has many nodes, one upon the other. */
static void few_arrange(const struct making *making, struct map_arrangement *arrangement)
{
	size_t count = hwloc_get_root_obj(making->topology)->arity;

	if (count >= ROW_LEAST || arrangement->rows_in != NULL)
		return;
	arrangement->in_one_row = making->map->node_count <= 2 * count;
	if (!arrangement->in_one_row && count > 1)
		arrangement->rows_in = "machine";
}

static void boxes_style(struct making *making)
{
	static const hwloc_obj_type_t types[] = {HWLOC_OBJ_PACKAGE, HWLOC_OBJ_DIE, HWLOC_OBJ_GROUP};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		hwloc_obj_t object = NULL;

		while ((object = hwloc_get_next_obj_by_type(making->topology, types[i], object)) !=
		       NULL)
			style_set(making, object, style_box);
	}
}

static struct map_arrangement arrangement_of(const struct host_map *map)
{
	struct map_arrangement arrangement = {.cpus_in_rows = true, .spans_in_rows = true};

	for (size_t i = 0; i < map->node_count; i++) {
		if (id_set_count(&map->nodes[i].cpus) > IN_ROWS_CPUS)
			arrangement.cpus_in_rows = false;
	}
	for (size_t i = 0; i < map->span_count; i++) {
		const struct map_guests *guests = &map->spans[i].guests;
		size_t columns = 0;

		for (size_t j = 0; j < guests->count; j++) {
			char label[MAP_LABEL_SIZE];
			struct id_set none = {0};

			guest_label(guests->at[j], &none, label);
			columns += strlen(label) + 2;
		}
		if (columns > IN_ROWS_COLUMNS)
			arrangement.spans_in_rows = false;
	}
	return arrangement;
}

int map_xml_make(const struct host_map *map, hwloc_topology_t topology, char **xml, size_t *length,
		 struct map_arrangement *arrangement, struct error *error)
{
	struct making making = {.map = map, .topology = topology};
	char *buffer = NULL;
	int size = 0;

	*xml = NULL;
	*arrangement = arrangement_of(map);
	/* All CPUs are drawn alike, whoever asks for the picture. */
	(void)hwloc_topology_allow(topology, NULL, NULL, HWLOC_ALLOW_FLAG_ALL);
	boxes_style(&making);
	if (arrangement->cpus_in_rows)
		arrangement->rows_in = rows_make(&making);
	few_arrange(&making, arrangement);
	nodes_label(&making);
	for (size_t i = 0; i < map->node_count; i++)
		node_guests_add(&making, &map->nodes[i]);
	for (size_t i = 0; i < map->span_count; i++)
		span_add(&making, &map->spans[i]);
	legend_add(&making);
	if (!making.failed && hwloc_topology_export_xmlbuffer(topology, &buffer, &size, 0) == 0) {
		*length = strnlen(buffer, (size_t)size);
		*xml = strndup(buffer, *length);
		hwloc_free_xmlbuffer(topology, buffer);
	}
	return *xml != NULL
		   ? 0
		   : error_set(error, -ENOMEM, "hwloc cannot put the guests into its topology");
}
