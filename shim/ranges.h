/* Numbers in a line of text, "24-26,28". */
#ifndef SHIM_RANGES_H
#define SHIM_RANGES_H

#include <stdbool.h>

enum { RANGES_TEXT_SIZE = 128 };

struct ranges {
	char text[RANGES_TEXT_SIZE]; /* after ranges_end(); empty: none */
	unsigned int first;
	unsigned int last;
	bool open;
};

/* Adds a number, which is greater than those before. What does not fit ends in "...". */
void ranges_add(struct ranges *ranges, unsigned int number);

void ranges_end(struct ranges *ranges);

#endif
