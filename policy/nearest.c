#include "nearest.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

static unsigned int least(unsigned int one, unsigned int other)
{
	return one < other ? one : other;
}

static int letter(char character)
{
	return tolower((unsigned char)character);
}

/* The optimal string alignment distance: Damerau's, but no part is changed twice. */
static unsigned int distance(const char *one, size_t one_length, const char *other,
			     size_t other_length)
{
	unsigned int rows[3][NEAREST_WORD_MAX + 1];
	unsigned int *before = rows[0]; /* two rows up, one row up, and the row being filled */
	unsigned int *above = rows[1];
	unsigned int *row = rows[2];

	for (size_t j = 0; j <= other_length; j++) {
		before[j] = 0;
		above[j] = (unsigned int)j;
	}
	for (size_t i = 1; i <= one_length; i++) {
		unsigned int *free_row = before;

		row[0] = (unsigned int)i;
		for (size_t j = 1; j <= other_length; j++) {
			bool same = letter(one[i - 1]) == letter(other[j - 1]);

			row[j] = least(least(above[j], row[j - 1]) + 1, above[j - 1] + !same);
			if (i > 1 && j > 1 && letter(one[i - 1]) == letter(other[j - 2]) &&
			    letter(one[i - 2]) == letter(other[j - 1]))
				row[j] = least(row[j], before[j - 2] + 1);
		}
		before = above;
		above = row;
		row = free_row;
	}
	return above[other_length];
}

void nearest_try(struct nearest *nearest, const char *written, size_t length, const char *candidate)
{
	size_t candidate_length = strlen(candidate);
	unsigned int apart;

	if (length > NEAREST_WORD_MAX || candidate_length > NEAREST_WORD_MAX)
		return;
	apart = distance(written, length, candidate, candidate_length);
	if (3UL * apart > (length > candidate_length ? length : candidate_length))
		return;
	if (nearest->word == NULL || apart < nearest->distance)
		*nearest = (struct nearest){candidate, apart};
}
