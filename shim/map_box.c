#include "map_box.h"
#include "map_cell.h"
#include "map_info.h"
#include "screen.h"
#include "status_text.h"

#include <string.h>

enum {
	BOX_LEAST = 39, /* so two fit in 80 columns, with one between */
	BOX_EDGES = 4,  /* "| " and " |" */
	CELL_GAP = 2,
	SIZE_SIZE = 16,
};

/* The characters that a box is drawn with. */
struct drawing {
	const char *top_left, *top_right, *bottom_left, *bottom_right, *across, *down;
};

/* Without UTF-8, and with it. */
static const struct drawing drawings[] = {
    {"+", "+", "+", "+", "-", "|"},
    {"┌", "┐", "└", "┘", "─", "│"},
};

/* Where boxes are drawn. */
struct page {
	struct map_style style;
	const struct drawing *drawing;
	FILE *stream;
};

/* How the guests stand in a box: in so many columns, of so many each. */
struct layout {
	unsigned int inside; /* columns of the screen */
	unsigned int cell;
	size_t columns;
	size_t rows;
};

static void memory_text(const struct guest_state *state, char text[SIZE_SIZE])
{
	text[0] = '\0';
	if (state->pages_known)
		screen_size(guest_pages_on(&state->pages, NULL), text, SIZE_SIZE);
}

void map_box_fill(struct map_box *box, const struct map_guests *guests, bool utf8)
{
	struct map_cells *cells = &box->cells;

	box->guests = guests;
	*cells = (struct map_cells){0};
	for (size_t i = 0; i < guests->count; i++) {
		char name[MAP_CELL_SIZE];
		char fit[MAP_CELL_SIZE];
		char memory[SIZE_SIZE];
		unsigned int columns;

		map_cell_name(guests->at[i], name);
		columns = map_cell_fit(fit, name, MAP_NAME_COLUMNS, utf8);
		cells->name = columns > cells->name ? columns : cells->name;
		memory_text(guests->at[i], memory);
		columns = (unsigned int)strlen(memory);
		cells->memory = columns > cells->memory ? columns : cells->memory;
	}
}

static struct layout layout_of(const struct map_box *box, unsigned int width)
{
	struct layout layout = {.inside = width - BOX_EDGES, .columns = 1};

	layout.cell = 2 + box->cells.name + (box->cells.memory > 0 ? 1 + box->cells.memory : 0);
	if (layout.inside > layout.cell)
		layout.columns = (layout.inside + CELL_GAP) / (layout.cell + CELL_GAP);
	else
		layout.cell = layout.inside;
	layout.rows = (box->guests->count + layout.columns - 1) / layout.columns;
	return layout;
}

static unsigned int info_count(const struct map_box *box)
{
	return box->node == NULL ? 0 : map_info_count(box->node);
}

static void edge_print(const struct page *page, const struct map_box *box, unsigned int width,
		       bool top)
{
	const struct drawing *drawing = page->drawing;
	char title[MAP_CELL_SIZE];
	unsigned int used = 2;

	fputs(top ? drawing->top_left : drawing->bottom_left, page->stream);
	if (top) {
		used += 2 + map_cell_fit(title, box->title, width - BOX_EDGES, page->style.utf8);
		fprintf(page->stream, " %s%s%s ", screen_colour(page->stream, COLOUR_BOLD), title,
			screen_plain(page->stream));
	}
	for (; used < width; used++)
		fputs(drawing->across, page->stream);
	fputs(top ? drawing->top_right : drawing->bottom_right, page->stream);
}

/* Prints one guest, in all columns of its cell. */
static void guest_print(const struct page *page, const struct map_box *box,
			const struct layout *layout, const struct guest_state *state)
{
	unsigned int memory = box->cells.memory;
	unsigned int width = layout->cell - 2 - (memory > 0 ? 1 + memory : 0);
	char name[MAP_CELL_SIZE];
	char fit[MAP_CELL_SIZE];
	char size[SIZE_SIZE];
	unsigned int used;

	map_cell_name(state, name);
	used = map_cell_fit(fit, name, width < MAP_NAME_COLUMNS ? width : MAP_NAME_COLUMNS,
			    page->style.utf8);
	fprintf(page->stream, "%s%c %s%s%*s",
		screen_colour(page->stream, verdict_colour(state->verdict)),
		map_cell_mark(state->verdict), fit, screen_plain(page->stream), (int)(width - used),
		"");
	memory_text(state, size);
	if (memory > 0)
		fprintf(page->stream, " %*s", (int)memory, size);
}

/* One row of the guests; in order they stand from top to bottom, column by column. */
static unsigned int guests_print(const struct page *page, const struct map_box *box,
				 const struct layout *layout, size_t row)
{
	unsigned int used = 0;

	for (size_t i = row; row < layout->rows && i < box->guests->count; i += layout->rows) {
		if (i > row) {
			fprintf(page->stream, "%*s", CELL_GAP, "");
			used += CELL_GAP;
		}
		guest_print(page, box, layout, box->guests->at[i]);
		used += layout->cell;
	}
	return used;
}

/* One line inside a box. */
static void line_print(const struct page *page, const struct map_box *box, unsigned int width,
		       size_t line)
{
	struct layout layout = layout_of(box, width);
	unsigned int infos = info_count(box);
	char text[MAP_CELL_SIZE];
	char fit[MAP_CELL_SIZE];
	unsigned int used;

	fprintf(page->stream, "%s ", page->drawing->down);
	if (line < infos) {
		map_info_text(box->node, (unsigned int)line, layout.inside, page->style.utf8, text);
		used = map_cell_fit(fit, text, layout.inside, page->style.utf8);
		fputs(fit, page->stream);
	} else {
		used = guests_print(page, box, &layout, line - infos);
	}
	fprintf(page->stream, "%*s %s", (int)(layout.inside - used), "", page->drawing->down);
}

/* Of each of so many boxes side by side, with one column between them. */
static unsigned int width_of(struct map_style style, size_t columns)
{
	return (style.width - (unsigned int)(columns - 1)) / (unsigned int)columns;
}

/* The lines of the tallest of some boxes, with its edges. */
static size_t height_of(const struct map_box *boxes, size_t count, unsigned int width)
{
	size_t height = 0;

	for (size_t i = 0; i < count; i++) {
		size_t lines = info_count(&boxes[i]) + layout_of(&boxes[i], width).rows;

		height = lines > height ? lines : height;
	}
	return 2 + height;
}

static size_t row_length(size_t count, size_t begin, size_t columns)
{
	return count - begin < columns ? count - begin : columns;
}

/*
 * How many boxes stand side by side: as many as make the fewest lines, for boxes side by side are
 * narrow, and hold few columns of guests. Of equals the more, and the last row as full as can be.
 */
static size_t columns_find(const struct map_box *boxes, size_t count, struct map_style style)
{
	size_t most = (style.width + 1) / (BOX_LEAST + 1);
	size_t fewest = 0;
	size_t best = 1;
	size_t rows;

	for (size_t columns = 1; columns <= most && columns <= count; columns++) {
		size_t lines = 0;

		for (size_t i = 0; i < count; i += columns)
			lines += height_of(boxes + i, row_length(count, i, columns),
					   width_of(style, columns));
		if (columns == 1 || lines <= fewest) {
			fewest = lines;
			best = columns;
		}
	}
	rows = (count + best - 1) / best;
	return (count + rows - 1) / rows;
}

void map_boxes_print(const struct map_box *boxes, size_t count, struct map_style style,
		     FILE *stream)
{
	struct page page = {.style = style, .drawing = &drawings[style.utf8], .stream = stream};
	size_t columns = count > 0 ? columns_find(boxes, count, style) : 1;
	unsigned int width = width_of(style, columns);

	for (size_t i = 0; i < count; i += columns) {
		size_t length = row_length(count, i, columns);
		size_t lines = height_of(boxes + i, length, width);

		for (size_t line = 0; line < lines; line++) {
			for (size_t j = i; j < i + length; j++) {
				if (j > i)
					fputc(' ', stream);
				if (line == 0 || line == lines - 1)
					edge_print(&page, &boxes[j], width, line == 0);
				else
					line_print(&page, &boxes[j], width, line - 1);
			}
			fputc('\n', stream);
		}
	}
}
