#include "json_library.h"
#include "library.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#define SYMBOL(name, member)                                \
	{                                                   \
		name, offsetof(struct json_library, member) \
	}

static const struct library_symbol symbols[] = {
    SYMBOL("json_loads", loads),
    SYMBOL("json_dumps", dumps),
    SYMBOL("json_delete", free_value),
    SYMBOL("json_object_get", object_get),
    SYMBOL("json_object_set_new", object_set_new),
    SYMBOL("json_array_size", array_size),
    SYMBOL("json_array_get", array_get),
    SYMBOL("json_string", string),
    SYMBOL("json_string_value", string_value),
    SYMBOL("json_integer", integer),
    SYMBOL("json_integer_value", integer_value),
    SYMBOL("json_true", true_value),
    SYMBOL("json_false", false_value),
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

int json_library_string(const struct json_library *library, const json_t *json, const char *key,
			char **copy)
{
	const char *value = library->string_value(library->object_get(json, key));

	*copy = value != NULL ? strdup(value) : NULL;
	return value != NULL && *copy == NULL ? -ENOMEM : 0;
}
