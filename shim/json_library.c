#include "json_library.h"
#include "library.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

static const struct library_symbol symbols[] = {
    LIBRARY_SYMBOL("json_loads", struct json_library, loads),
    LIBRARY_SYMBOL("json_dumps", struct json_library, dumps),
    LIBRARY_SYMBOL("json_delete", struct json_library, free_value),
    LIBRARY_SYMBOL("json_object_get", struct json_library, object_get),
    LIBRARY_SYMBOL("json_object_set_new", struct json_library, object_set_new),
    LIBRARY_SYMBOL("json_array_size", struct json_library, array_size),
    LIBRARY_SYMBOL("json_array_get", struct json_library, array_get),
    LIBRARY_SYMBOL("json_string", struct json_library, string),
    LIBRARY_SYMBOL("json_string_value", struct json_library, string_value),
    LIBRARY_SYMBOL("json_integer", struct json_library, integer),
    LIBRARY_SYMBOL("json_integer_value", struct json_library, integer_value),
    LIBRARY_SYMBOL("json_true", struct json_library, true_value),
    LIBRARY_SYMBOL("json_false", struct json_library, false_value),
};

int json_library_open(const struct json_library **library, struct error *error)
{
	static struct json_library opened;
	static bool is_open;
	int result;

	*library = &opened;
	if (is_open)
		return 0;
	result = library_open("libjansson.so.4", symbols, sizeof(symbols) / sizeof(symbols[0]),
			      &opened, error);
	is_open = result == 0;
	return result;
}

int json_library_read(const char *text, const struct json_library **library, json_t **json,
		      struct error *error)
{
	int result = json_library_open(library, error);

	if (result < 0)
		return result;
	*json = (*library)->loads(text, JSON_REJECT_DUPLICATES, NULL);
	if (*json != NULL)
		return 0;
	return strchr(text, '\'') != NULL ? -EILSEQ : -EINVAL;
}

int json_library_string(const struct json_library *library, const json_t *json, const char *key,
			char **copy)
{
	const char *value = library->string_value(library->object_get(json, key));

	*copy = value != NULL ? strdup(value) : NULL;
	return value != NULL && *copy == NULL ? -ENOMEM : 0;
}
