/*
 * One failure, worded for the person who will read it. Functions that can fail
 * for a reason an administrator must understand fill one; main() prints it.
 */
#ifndef POLICY_ERROR_H
#define POLICY_ERROR_H

#include <stdbool.h>

enum { ERROR_TEXT_SIZE = 1024 };

struct error {
	char text[ERROR_TEXT_SIZE]; /* empty: no error; cut, never overrun, when too long */
};

/*
 * Words the error; `error` may be NULL where nobody will read it. Always returns
 * `code` (a -errno), so that a caller can return its result.
 */
int error_set(struct error *error, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static inline bool error_is_set(const struct error *error)
{
	return error->text[0] != '\0';
}

/* Adds to a text in a buffer of `size` bytes, as snprintf(3) does, from its end on. */
void text_add(char *text, unsigned long size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/*
 * Makes text of any origin safe for one line of a terminal or log: control
 * characters, and bytes that are not UTF-8, become \xNN. Writes at most `size`
 * bytes with the end mark, cuts what does not fit, and returns `buffer`.
 */
const char *text_printable(char *buffer, unsigned long size, const char *text);

#endif
