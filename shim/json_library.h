/* jansson, opened only when a rule has it look into a command line that holds JSON. */
#ifndef SHIM_JSON_LIBRARY_H
#define SHIM_JSON_LIBRARY_H

#include "error.h"

#include <jansson.h>

/* Its functions by their own names, without "json_". A value is freed by free_value. */
struct json_library {
	__typeof__(&json_loads) loads;
	__typeof__(&json_dumps) dumps;
	__typeof__(&json_delete) free_value; /* for a value that nothing else refers to */
	__typeof__(&json_object_get) object_get;
	__typeof__(&json_object_set_new) object_set_new;
	__typeof__(&json_array_size) array_size;
	__typeof__(&json_array_get) array_get;
	__typeof__(&json_string) string;
	__typeof__(&json_string_value) string_value;
	__typeof__(&json_integer) integer;
	__typeof__(&json_integer_value) integer_value;
	__typeof__(&json_true) true_value;
	__typeof__(&json_false) false_value;
};

/* Opens the library, the first time. Returns 0; or -ENOENT with `error` filled. */
int json_library_open(const struct json_library **library, struct error *error);

/*
 * Reads JSON, in which no key stands twice. Returns 0 with *json, to be freed by free_value, and
 * *library set; -EINVAL where it is none; -EILSEQ where it is none, but QEMU may take it, who
 * reads single quotes, too (qobject/json-lexer.c); or as json_library_open().
 */
int json_library_read(const char *text, const struct json_library **library, json_t **json,
		      struct error *error);

/* Copies a string of an object, to be freed; NULL where there is none. Returns 0 or -ENOMEM. */
int json_library_string(const struct json_library *library, const json_t *json, const char *key,
			char **copy);

#endif
