#include "map_info.h"
#include "screen.h"

#include <stdio.h>
#include <string.h>

enum {
	BAR_SHORT = 8,
	BAR_LONG = 16,
	WIDE = 60, /* columns that have room for more than is needed */
	SIZE_SIZE = 16,
};

/* What a bar is drawn with: without UTF-8, and with it. */
static const struct bar {
	const char *used;
	const char *cache;
	const char *free;
} bars[] = {
    {"#", "=", "."},
    {"█", "▒", "░"},
};

unsigned int map_info_count(const struct map_node *node)
{
	return 2 + (unsigned int)node->memory.huge_page_sizes;
}

static void bar_text(const struct host_memory *memory, unsigned int columns, bool utf8,
		     char text[MAP_CELL_SIZE])
{
	const struct bar *bar = &bars[utf8];
	double share = memory->total > 0 ? (double)columns / (double)memory->total : 0;
	double used = (double)host_memory_used(memory);
	unsigned int full = (unsigned int)(used * share + 0.5);
	unsigned int taken = (unsigned int)((used + (double)memory->cache) * share + 0.5);

	text[0] = '\0';
	for (unsigned int i = 0; i < columns; i++)
		text_add(text, MAP_CELL_SIZE, "%s",
			 i < full    ? bar->used
			 : i < taken ? bar->cache
				     : bar->free);
}

static void info_memory(const struct host_memory *memory, unsigned int columns, bool utf8,
			char text[MAP_CELL_SIZE])
{
	char used[SIZE_SIZE];
	char cache[SIZE_SIZE];
	char available[SIZE_SIZE];

	screen_size(memory->total, used, sizeof(used));
	if (memory->total == 0) {
		strcpy(text, "no memory");
		return;
	}
	if (!memory->known) {
		snprintf(text, MAP_CELL_SIZE, "memory %s", used);
		return;
	}
	bar_text(memory, columns < WIDE ? BAR_SHORT : BAR_LONG, utf8, text);
	screen_size(host_memory_used(memory), used, sizeof(used));
	screen_size(memory->cache, cache, sizeof(cache));
	screen_size(memory->free, available, sizeof(available));
	if (columns < WIDE)
		text_add(text, MAP_CELL_SIZE, " %s used %s free", used, available);
	else
		text_add(text, MAP_CELL_SIZE, " %s used, %s cache, %s free", used, cache,
			 available);
}

void map_info_text(const struct map_node *node, unsigned int line, unsigned int columns, bool utf8,
		   char text[MAP_CELL_SIZE])
{
	char list[ID_SET_TEXT_SIZE];
	char size[SIZE_SIZE];

	if (line == 0 && id_set_is_empty(&node->cpus)) {
		strcpy(text, "no CPUs");
	} else if (line == 0) {
		snprintf(text, MAP_CELL_SIZE, "CPUs %s",
			 id_set_format(&node->cpus, list, sizeof(list)));
	} else if (line == 1) {
		info_memory(&node->memory, columns, utf8, text);
	} else {
		const struct host_huge_pages *pages = &node->memory.huge_pages[line - 2];

		snprintf(text, MAP_CELL_SIZE, "pages of %s: %u of %u free",
			 screen_size(pages->size, size, sizeof(size)), pages->free, pages->total);
	}
}
