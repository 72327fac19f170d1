/* What guest-pinning check has found, printed as it comes or kept for JSON. */
#ifndef SHIM_PROBLEM_H
#define SHIM_PROBLEM_H

#include "excerpt.h"

#include <jansson.h>
#include <stdbool.h>

struct problem {
	bool error;       /* or else a warning */
	const char *file; /* NULL: the text names it itself */
	unsigned int line;
	const char *text;
	const char *suggestion;        /* a word that may have been meant; NULL: none */
	const struct excerpt *excerpt; /* the line and the word in it; NULL: none is meant */
};

struct problems {
	json_t *list; /* NULL: they are printed as they come */
	size_t errors;
	size_t warnings;
};

/*
 * Counts the problem and prints "FILE:LINE: TEXT"; below that, indented, the line with a mark
 * under the word, and the suggestion.
 */
void problem_add(struct problems *problems, const struct problem *problem);

#endif
