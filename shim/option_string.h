/*
 * QEMU's option strings, "key=value,key=value": ",," stands for a comma in a value, and a key
 * without a value is a flag, "on", or "off" with "no" before it (util/qemu-option.c,
 * opts_do_parse).
 */
#ifndef SHIM_OPTION_STRING_H
#define SHIM_OPTION_STRING_H

#include <stdbool.h>
#include <stddef.h>

/* One option. The places are in the string, or in one of this module's own. */
struct option {
	const char *key;
	size_t key_length;
	const char *value; /* as it is written; NULL: a flag */
	size_t length;     /* of the value */
};

/* A string being read. To begin: the string, and the key of a first value without one. */
struct option_string {
	const char *rest;
	const char *implied; /* NULL: none */
};

/* Reads the next option. Returns false at the end. */
bool option_next(struct option_string *string, struct option *option);

/*
 * The value of the option where it is the one of that key, or its flag; NULL where it is
 * another. *length is that of the value.
 */
const char *option_value(const struct option *option, const char *key, size_t *length);

/*
 * The value of the last option of that key in a string, which begins as an option_string does;
 * NULL where there is none, and then *length stays as it is.
 */
const char *option_find(const char *text, const char *implied, const char *key, size_t *length);

/* A copy of a value with each ",," made ",", to be freed; NULL: out of memory. */
char *option_copy(const char *value, size_t length);

/* Whether a value is one that QEMU takes for "off" (qapi/qapi-util.c, qapi_bool_parse). */
bool option_is_off(const char *value, size_t length);

#endif
