/* Which of the words that there are was meant by one that there is not. */
#ifndef POLICY_NEAREST_H
#define POLICY_NEAREST_H

#include <stddef.h>

enum { NEAREST_WORD_MAX = 64 }; /* bytes of a word that is compared; none is like a longer one */

/* The best of the candidates so far; empty to begin with. */
struct nearest {
	const char *word; /* NULL: none is near enough */
	unsigned int distance;
};

/*
 * Compares a candidate with what was written, `length` bytes. Letters that are added, left out,
 * swapped with the next or others count one each, and upper or lower case nothing; near is what
 * differs in a third of its letters at most. Of those that are equally near the first stays.
 */
void nearest_try(struct nearest *nearest, const char *written, size_t length,
		 const char *candidate);

#endif
