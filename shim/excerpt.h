/* A line of a file with a mark under one of its words, as compilers show where an error is. */
#ifndef SHIM_EXCERPT_H
#define SHIM_EXCERPT_H

#include <stddef.h>
#include <stdio.h>

/* A line, and the word in it that is meant. */
struct excerpt {
	const char *line; /* as it is in the file; any bytes, not ended by a null byte */
	size_t length;
	size_t at; /* where the word begins, and how long it is, in bytes */
	size_t word;
};

/*
 * The word's place in characters: the column, from 1, and how many it has. What is not UTF-8
 * counts one a byte, a tab one.
 */
void excerpt_column(const struct excerpt *excerpt, unsigned int *column, unsigned int *length);

/*
 * Prints two lines, each beginning with a few blanks, of `width` columns at most: the line, what
 * is not printable worded and tabs blanks, and "^~~~" under the word. Of a longer line the part
 * around the word is printed, with "..." for the rest.
 */
void excerpt_print(const struct excerpt *excerpt, unsigned int width, FILE *stream);

#endif
