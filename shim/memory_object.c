#include "memory_object.h"
#include "json_text.h"
#include "option_string.h"
#include "size.h"
#include "spec.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char backend[] = "memory-backend-";
static const char plain_type[] = "memory-backend-ram";

/* A property to be set: to a word; or, where that is NULL, a number; where that is 0, off or on. */
struct property {
	const char *key;
	const char *word;
	uint64_t number;
	bool on;
	bool keep; /* one that is given stays as it is */
	bool done;
};
enum { PROPERTIES_MAX = 8, PROPERTY_SIZE = 64 };

/*
 * memory-backend-ram has its block's id without a path in front, and so, from the machine
 * types of QEMU 4.0 on, have the others (hw/core/machine.c, hw_compat_3_1); it is said here
 * for the older types, for the id is part of what is migrated and saved. They are shared
 * unless told otherwise (backends/hostmem-memfd.c).
 */
static const struct property huge_properties[] = {
    {.key = "qom-type", .word = "memory-backend-memfd"},
    {.key = "hugetlb", .on = true},
    {.key = "hugetlbsize"},
    {.key = "prealloc", .on = true},
    {.key = "share", .keep = true},
    {.key = "x-use-canonical-path-for-ramblock-id", .keep = true},
};
enum { HUGE_PROPERTIES = sizeof(huge_properties) / sizeof(huge_properties[0]), HUGE_SIZE = 2 };

static size_t properties_make(const struct memory_object *object,
			      const struct memory_change *change, struct property *properties)
{
	size_t count = 0;

	if (change->huge_page != 0 && object->plain) {
		memcpy(properties, huge_properties, sizeof(huge_properties));
		properties[HUGE_SIZE].number = change->huge_page;
		count = HUGE_PROPERTIES;
	} else if (change->prealloc == CHOICE_ON ||
		   (change->prealloc == CHOICE_OFF && !object->prealloc_given)) {
		properties[count++] = (struct property){
		    .key = "prealloc",
		    .on = change->prealloc == CHOICE_ON,
		};
	}
	if (object->merge_given && change->merge != CHOICE_NONE)
		properties[count++] =
		    (struct property){.key = "merge", .on = change->merge == CHOICE_ON};
	return count;
}

/* Reads one option of the text form. Returns 0, -EINVAL or -ENOMEM. */
static int option_take(const struct option *option, struct memory_object *object)
{
	size_t length;
	const char *value;
	char **copy = NULL;

	if ((value = option_value(option, "qom-type", &length)) != NULL)
		copy = &object->type;
	else if ((value = option_value(option, "id", &length)) != NULL)
		copy = &object->id;
	else if ((value = option_value(option, "policy", &length)) != NULL)
		copy = &object->policy;
	else if ((value = option_value(option, "mem-path", &length)) != NULL)
		copy = &object->path;
	if (copy != NULL) {
		free(*copy);
		*copy = option_copy(value, length);
		return *copy == NULL ? -ENOMEM : 0;
	}
	if ((value = option_value(option, "size", &length)) != NULL)
		return size_read(value, length, 1, &object->size) < 0 ? -EINVAL : 0;
	if ((value = option_value(option, "hugetlbsize", &length)) != NULL)
		return size_read(value, length, 1, &object->hugetlb_size) < 0 ? -EINVAL : 0;
	if ((value = option_value(option, "hugetlb", &length)) != NULL)
		object->hugetlb = !option_is_off(value, length);
	if ((value = option_value(option, "reserve", &length)) != NULL)
		object->sparse = option_is_off(value, length);
	if (option_value(option, "merge", &length) != NULL)
		object->merge_given = true;
	if (option_value(option, "prealloc", &length) != NULL)
		object->prealloc_given = true;
	if ((value = option_value(option, "host-nodes", &length)) != NULL) {
		char list[ID_SET_TEXT_SIZE];
		struct id_set more; /* given again, they add up */

		if (length >= sizeof(list))
			return -EINVAL;
		memcpy(list, value, length);
		list[length] = '\0';
		if (id_set_read(&more, list) < 0)
			return -EINVAL;
		id_set_join(&object->nodes, &more);
	}
	return 0;
}

static int text_read(const char *text, struct memory_object *object)
{
	struct option_string string = {text, "qom-type"};
	struct option option;

	if (strncmp(text, backend, strlen(backend)) != 0 && strstr(text, "qom-type=") == NULL)
		return OBJECT_OTHER;
	while (option_next(&string, &option)) {
		int result = option_take(&option, object);

		/* Nothing has such a property; and a value before it would go on behind ",,". */
		if (option.key_length == 0)
			return OBJECT_OTHER;
		if (result < 0)
			return result == -ENOMEM ? result : OBJECT_UNREAD;
	}
	return OBJECT_MEMORY;
}

/* A member, or where there is none, what is neither a string nor anything else. */
static struct json_text json_member(struct json_text json, const char *key)
{
	static const char null[] = "null";
	struct json_text value;

	return json_text_member(json, key, &value) ? value
						   : (struct json_text){null, null + strlen(null)};
}

static bool json_has(struct json_text json, const char *key)
{
	struct json_text value;

	return json_text_member(json, key, &value);
}

static int json_take(struct json_text json, struct memory_object *object)
{
	long long size = json_text_integer(json_member(json, "size"));
	long long page = json_text_integer(json_member(json, "hugetlbsize"));
	struct json_text nodes = json_member(json, "host-nodes");
	struct json_text one;

	if (json_text_string(json_member(json, "qom-type"), &object->type) < 0 ||
	    json_text_string(json_member(json, "id"), &object->id) < 0 ||
	    json_text_string(json_member(json, "policy"), &object->policy) < 0 ||
	    json_text_string(json_member(json, "mem-path"), &object->path) < 0)
		return -ENOMEM;
	object->hugetlb = json_text_is(json_member(json, "hugetlb"), "true");
	object->sparse = json_text_is(json_member(json, "reserve"), "false");
	object->merge_given = json_has(json, "merge");
	object->prealloc_given = json_has(json, "prealloc");
	object->size = size > 0 ? (uint64_t)size : 0; /* 0, too, where it is no integer */
	object->hugetlb_size = page > 0 ? (uint64_t)page : 0;
	for (bool more = json_text_first(nodes, &one); more; more = json_text_next(nodes, &one)) {
		long long node = json_text_integer(one);

		if (node >= 0 && node <= SPEC_NODE_MAX)
			id_set_add(&object->nodes, (unsigned int)node);
	}
	return OBJECT_MEMORY;
}

static int json_read(const char *text, struct memory_object *object)
{
	struct json_text json;
	int result = json_text_check(text, &json);

	if (result == -EMSGSIZE || (result == -EILSEQ && strstr(text, backend) != NULL))
		return OBJECT_UNREAD;
	return result < 0 ? OBJECT_OTHER : json_take(json, object);
}

int memory_object_read(const char *text, struct memory_object *object, struct error *error)
{
	int result;

	*object = (struct memory_object){.text = text};
	result = *text == '{' ? json_read(text, object) : text_read(text, object);
	if (result == -ENOMEM)
		error_set(error, result, "out of memory for the guest's memory objects");
	if (result == OBJECT_MEMORY &&
	    (object->type == NULL || strncmp(object->type, backend, strlen(backend)) != 0 ||
	     object->id == NULL || object->size == 0))
		result = OBJECT_OTHER;
	object->plain = result == OBJECT_MEMORY && strcmp(object->type, plain_type) == 0;
	if (result != OBJECT_MEMORY)
		memory_object_free(object);
	return result;
}

/* Sets one property of a JSON object, *text, anew. Returns 0 or -ENOMEM. */
static int json_set(char **text, const struct property *property)
{
	char value[PROPERTY_SIZE];
	struct json_text json;
	char *changed;

	if (json_text_check(*text, &json) < 0) /* it was read before */
		return -ENOMEM;
	if (property->keep && json_has(json, property->key))
		return 0;
	if (property->word != NULL)
		snprintf(value, sizeof(value), "\"%s\"", property->word);
	else if (property->number != 0)
		snprintf(value, sizeof(value), "%" PRIu64, property->number);
	else
		snprintf(value, sizeof(value), "%s", property->on ? "true" : "false");
	if (json_text_set(json, property->key, value, &changed) < 0)
		return -ENOMEM;
	free(*text);
	*text = changed;
	return 0;
}

static int json_change(const struct memory_object *object, const struct property *properties,
		       size_t count, char **text)
{
	int result = 0;

	*text = strdup(object->text);
	if (*text == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < count && result == 0; i++)
		result = json_set(text, &properties[i]);
	if (result < 0) {
		free(*text);
		*text = NULL;
	}
	return result;
}

static void property_print(FILE *stream, const struct property *property)
{
	if (property->word != NULL)
		fprintf(stream, "%s=%s", property->key, property->word);
	else if (property->number != 0)
		fprintf(stream, "%s=%" PRIu64, property->key, property->number);
	else
		fprintf(stream, "%s=%s", property->key, property->on ? "on" : "off");
}

/* The property that the option is of, or NULL. */
static struct property *property_of(const struct option *option, struct property *properties,
				    size_t count)
{
	size_t length;

	for (size_t i = 0; i < count; i++) {
		if (option_value(option, properties[i].key, &length) != NULL)
			return &properties[i];
	}
	return NULL;
}

static int text_change(const struct memory_object *object, struct property *properties,
		       size_t count, char **text)
{
	struct option_string string = {object->text, "qom-type"};
	struct option option;
	const char *start = object->text;
	const char *end;
	size_t size;
	FILE *stream = open_memstream(text, &size);

	if (stream == NULL)
		return -ENOMEM;
	for (; option_next(&string, &option); start = string.rest) {
		struct property *property = property_of(&option, properties, count);

		end = option.value != NULL ? option.value + option.length
					   : option.key + option.key_length;
		if (start > object->text)
			fputc(',', stream);
		if (property != NULL && option.value == start) /* the type, without its key */
			fputs(property->word, stream);
		else if (property != NULL && !property->keep)
			property_print(stream, property);
		else
			fprintf(stream, "%.*s", (int)(end - start), start);
		if (property != NULL)
			property->done = true;
	}
	for (size_t i = 0; i < count; i++) {
		if (properties[i].done)
			continue;
		fputc(',', stream);
		property_print(stream, &properties[i]);
	}
	if (fclose(stream) != 0) {
		free(*text);
		return -ENOMEM;
	}
	return 0;
}

int memory_object_change(const struct memory_object *object, const struct memory_change *change,
			 char **text)
{
	struct property properties[PROPERTIES_MAX];
	size_t count = properties_make(object, change, properties);

	*text = NULL;
	if (count == 0)
		return 0;
	return *object->text == '{' ? json_change(object, properties, count, text)
				    : text_change(object, properties, count, text);
}

void memory_object_free(struct memory_object *object)
{
	free(object->type);
	free(object->id);
	free(object->policy);
	free(object->path);
	*object = (struct memory_object){0};
}
