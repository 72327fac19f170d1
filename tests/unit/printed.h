/* What is printed to stdout, on which the test tells its own results, too. */
#ifndef PRINTED_H
#define PRINTED_H

#include "unit.h"

#include <stdio.h>
#include <unistd.h>

/* What the function prints, until the next call. */
static inline const char *printed_by(void (*print)(void))
{
	static char text[262144];
	FILE *file = tmpfile();
	int before = dup(STDOUT_FILENO);
	size_t length;

	assert_non_null(file);
	assert_true(before >= 0);
	fflush(stdout);
	assert_int_equal(dup2(fileno(file), STDOUT_FILENO), STDOUT_FILENO);
	print();
	fflush(stdout);
	assert_int_equal(dup2(before, STDOUT_FILENO), STDOUT_FILENO);
	close(before);
	rewind(file);
	length = fread(text, 1, sizeof(text) - 1, file);
	text[length] = '\0';
	fclose(file);
	return text;
}

#endif
