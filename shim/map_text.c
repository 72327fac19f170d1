#include "map_text.h"
#include "map_box.h"
#include "map_cell.h"
#include "screen.h"
#include "status_text.h"

#include <errno.h>
#include <stdlib.h>

static void node_title(const struct map_node *node, char *title, size_t size)
{
	snprintf(title, size, "node %u", node->number);
}

void map_text_title(const struct host_map *map, const struct map_span *span, char *title,
		    size_t size)
{
	char list[ID_SET_TEXT_SIZE];

	if (id_set_is_empty(&span->nodes))
		snprintf(title, size, "on no known node");
	else
		snprintf(title, size, "on %s %s",
			 host_map_is_all(map, span) ? "all nodes," : "nodes",
			 id_set_format(&span->nodes, list, sizeof(list)));
}

/* "256 guests: + 240 placed, ~ 16 drifted": how many, and what the marks mean. */
static void legend_print(const struct host_map *map, FILE *stream)
{
	const char *separator = ": ";

	fprintf(stream, "%zu node%s, %zu CPU%s, %zu guest%s", map->node_count,
		map->node_count == 1 ? "" : "s", map->cpu_count, map->cpu_count == 1 ? "" : "s",
		map->guest_count, map->guest_count == 1 ? "" : "s");
	for (enum verdict verdict = 0; verdict < VERDICTS; verdict++) {
		if (map->counts[verdict] == 0)
			continue;
		fprintf(stream, "%s%s%c%s %zu %s", separator,
			screen_colour(stream, verdict_colour(verdict)), map_cell_mark(verdict),
			screen_plain(stream), map->counts[verdict], verdict_name(verdict));
		separator = ", ";
	}
	fputc('\n', stream);
}

int map_text_print(const struct host_map *map, struct map_style style, FILE *stream)
{
	size_t most = map->node_count > map->span_count ? map->node_count : map->span_count;
	struct map_box *boxes = calloc(most + 1, sizeof(*boxes));

	if (boxes == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < map->node_count; i++) {
		boxes[i].node = &map->nodes[i];
		node_title(boxes[i].node, boxes[i].title, sizeof(boxes[i].title));
		map_box_fill(&boxes[i], &map->nodes[i].guests, style.utf8);
	}
	map_boxes_print(boxes, map->node_count, style, stream);
	for (size_t i = 0; i < map->span_count; i++) {
		boxes[i].node = NULL;
		map_text_title(map, &map->spans[i], boxes[i].title, sizeof(boxes[i].title));
		map_box_fill(&boxes[i], &map->spans[i].guests, style.utf8);
	}
	map_boxes_print(boxes, map->span_count, style, stream);
	legend_print(map, stream);
	free(boxes);
	return 0;
}
