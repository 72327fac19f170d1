#include "slow_object.h"
#include "fuzz.h"
#include "option_string.h"
#include "size.h"
#include "spec.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static const char backend[] = "memory-backend-";

enum { UNKNOWN = -1 }; /* this reader cannot tell */

/* Copies of it are the object's own. */
static void word_take(char **word, const char *value)
{
	free(*word);
	*word = value != NULL ? strdup(value) : NULL;
	REQUIRE((*word == NULL) == (value == NULL));
}

/*
 * Whether JSON may be more than is looked into (json_text.h): deep, of many members, or with a
 * backslash in a key.
 */
static bool may_be_beyond(const char *text)
{
	size_t values = 0;
	size_t commas = 0;

	for (const char *p = text; *p != '\0'; p++) {
		values += *p == '{' || *p == '[';
		commas += *p == ',';
	}
	return values > 32 || commas >= 128 || strchr(text, '\\') != NULL;
}

static void nodes_take(const json_t *list, struct id_set *nodes)
{
	size_t index;
	const json_t *one;

	json_array_foreach(list, index, one)
	{
		json_int_t node = json_is_integer(one) ? json_integer_value(one) : 0;

		/* What is no number is 0, as json_text_integer() has it. */
		if (node >= 0 && node <= SPEC_NODE_MAX)
			id_set_add(nodes, (unsigned int)node);
	}
}

static int json_see(const char *text, struct memory_object *seen)
{
	json_error_t error;
	json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, &error);
	json_int_t size;

	/* A number beyond a double is left to QEMU. */
	if (json == NULL && json_error_code(&error) == json_error_numeric_overflow)
		return UNKNOWN;
	/* QEMU reads single quotes, too. */
	if (json == NULL)
		return strchr(text, '\'') != NULL && strstr(text, backend) != NULL ? OBJECT_UNREAD
										   : OBJECT_OTHER;
	word_take(&seen->type, json_string_value(json_object_get(json, "qom-type")));
	word_take(&seen->id, json_string_value(json_object_get(json, "id")));
	word_take(&seen->policy, json_string_value(json_object_get(json, "policy")));
	word_take(&seen->path, json_string_value(json_object_get(json, "mem-path")));
	size = json_integer_value(json_object_get(json, "size"));
	seen->size = size > 0 ? (uint64_t)size : 0;
	size = json_integer_value(json_object_get(json, "hugetlbsize"));
	seen->hugetlb_size = size > 0 ? (uint64_t)size : 0;
	seen->hugetlb = json_is_true(json_object_get(json, "hugetlb"));
	seen->sparse = json_is_false(json_object_get(json, "reserve"));
	seen->merge_given = json_object_get(json, "merge") != NULL;
	seen->prealloc_given = json_object_get(json, "prealloc") != NULL;
	nodes_take(json_object_get(json, "host-nodes"), &seen->nodes);
	json_decref(json);
	return OBJECT_MEMORY;
}

/* Takes a value, with its ",," made ",", which lets *text stand at what ends it. */
static char *value_take(const char **text)
{
	char *value = malloc(strlen(*text) + 1);
	char *to = value;
	const char *p = *text;

	REQUIRE(value != NULL);
	for (; *p != '\0'; p++) {
		if (*p == ',' && *++p != ',') {
			p--;
			break;
		}
		*to++ = *p;
	}
	*to = '\0';
	*text = p;
	return value;
}

static bool is_off(const char *value)
{
	return strcmp(value, "off") == 0 || strcmp(value, "no") == 0 ||
	       strcmp(value, "false") == 0 || strcmp(value, "n") == 0;
}

/* Returns whether the property can be read. */
static bool property_see(const char *key, const char *value, struct memory_object *seen)
{
	struct id_set more = {0};

	if (strcmp(key, "qom-type") == 0)
		word_take(&seen->type, value);
	else if (strcmp(key, "id") == 0)
		word_take(&seen->id, value);
	else if (strcmp(key, "policy") == 0)
		word_take(&seen->policy, value);
	else if (strcmp(key, "mem-path") == 0)
		word_take(&seen->path, value);
	else if (strcmp(key, "size") == 0)
		return size_read(value, strlen(value), 1, &seen->size) == 0;
	else if (strcmp(key, "hugetlbsize") == 0)
		return size_read(value, strlen(value), 1, &seen->hugetlb_size) == 0;
	else if (strcmp(key, "hugetlb") == 0)
		seen->hugetlb = !is_off(value);
	else if (strcmp(key, "reserve") == 0)
		seen->sparse = is_off(value);
	else if (strcmp(key, "merge") == 0)
		seen->merge_given = true;
	else if (strcmp(key, "prealloc") == 0)
		seen->prealloc_given = true;
	else if (strcmp(key, "host-nodes") == 0 &&
		 (strlen(value) >= ID_SET_TEXT_SIZE || strchr(value, ',') != NULL ||
		  id_set_read(&more, value) < 0))
		return false;
	id_set_join(&seen->nodes, &more);
	return true;
}

/* Takes one property; of a flag the value is "on", or "off" with a "no" that is taken off. */
static void property_take(const char **text, bool first, char **key, char **value)
{
	size_t length = strcspn(*text, "=,");
	bool flag = (*text)[length] != '=' && !first;
	bool off = flag && strncmp(*text, "no", 2) == 0;

	if ((*text)[length] == '=' || flag)
		*key = strndup(*text + 2 * off, length - 2 * off);
	else
		*key = strdup("qom-type");
	if (flag)
		*text += length;
	else if ((*text)[length] == '=')
		*text += length + 1;
	*value = flag ? strdup(off ? "off" : "on") : value_take(text);
	*text += **text == ',';
	REQUIRE(*key != NULL && *value != NULL);
}

static int text_see(const char *text, struct memory_object *seen)
{
	int result = OBJECT_MEMORY;

	if (strncmp(text, backend, strlen(backend)) != 0 && strstr(text, "qom-type=") == NULL)
		return OBJECT_OTHER;
	for (bool first = true; result == OBJECT_MEMORY && *text != '\0'; first = false) {
		bool no_name = *text == '=' || (*text == ',' && !first);
		char *value;
		char *key;

		property_take(&text, first, &key, &value);
		if (no_name)
			result = OBJECT_OTHER;
		else if (!property_see(key, value, seen))
			result = OBJECT_UNREAD;
		free(key);
		free(value);
	}
	return result;
}

static bool same(const char *one, const char *other)
{
	return one == NULL || other == NULL ? one == other : strcmp(one, other) == 0;
}

static void same_check(const struct memory_object *seen, const struct memory_object *object)
{
	REQUIRE(same(seen->type, object->type) && same(seen->id, object->id));
	REQUIRE(same(seen->policy, object->policy) && same(seen->path, object->path));
	REQUIRE(seen->size == object->size && seen->sparse == object->sparse);
	REQUIRE(seen->hugetlb == object->hugetlb && seen->hugetlb_size == object->hugetlb_size);
	REQUIRE(seen->merge_given == object->merge_given);
	REQUIRE(seen->prealloc_given == object->prealloc_given);
	REQUIRE(id_set_equal(&seen->nodes, &object->nodes));
	REQUIRE(object->plain == (strcmp(seen->type, "memory-backend-ram") == 0));
}

void slow_object_check(const char *text, int result, const struct memory_object *object)
{
	struct memory_object seen = {0};
	int expected = *text == '{' ? json_see(text, &seen) : text_see(text, &seen);

	if (expected == OBJECT_MEMORY &&
	    (seen.type == NULL || strncmp(seen.type, backend, strlen(backend)) != 0 ||
	     seen.id == NULL || seen.size == 0))
		expected = OBJECT_OTHER;
	if (expected != UNKNOWN &&
	    !(result == OBJECT_UNREAD && *text == '{' && may_be_beyond(text)))
		REQUIRE(result == expected);
	if (expected == OBJECT_MEMORY && result == OBJECT_MEMORY)
		same_check(&seen, object);
	memory_object_free(&seen);
}

static const char *const changed[] = {
    "qom-type", "hugetlb", "hugetlbsize",
    "prealloc", "share",   "x-use-canonical-path-for-ramblock-id",
    "merge",
};

enum { CHANGED = sizeof(changed) / sizeof(changed[0]) };

/* Whether it stays as it is where it is given. */
static bool is_kept(const char *key)
{
	return strcmp(key, "share") == 0 || strncmp(key, "x-", 2) == 0;
}

/* Whether a property may be another one after the change. */
static bool may_change(const char *key, size_t length, const struct memory_object *object,
		       const struct memory_change *change)
{
	bool huge = change->huge_page != 0 && object->plain;
	size_t given;

	for (size_t i = 0; i < CHANGED; i++) {
		if (strlen(changed[i]) != length || memcmp(changed[i], key, length) != 0)
			continue;
		if (strcmp(changed[i], "merge") == 0)
			return object->merge_given && change->merge != CHOICE_NONE;
		if (strcmp(changed[i], "prealloc") == 0)
			return huge || change->prealloc != CHOICE_NONE;
		if (*object->text != '{' && is_kept(changed[i]) &&
		    option_find(object->text, "qom-type", changed[i], &given) != NULL)
			return false;
		return huge;
	}
	return false;
}

static void json_change_check(const struct memory_object *object,
			      const struct memory_change *change, const char *text)
{
	json_t *before = json_loads(object->text, JSON_REJECT_DUPLICATES, NULL);
	json_t *after = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	const char *key;
	json_t *value;

	REQUIRE(before != NULL && after != NULL);
	json_object_foreach(before, key, value)
	{
		const json_t *now = json_object_get(after, key);

		REQUIRE(now != NULL);
		if (!may_change(key, strlen(key), object, change) || is_kept(key))
			REQUIRE(json_equal(value, now));
	}
	json_object_foreach(after, key, value)
	{
		REQUIRE(may_change(key, strlen(key), object, change) ||
			json_object_get(before, key) != NULL);
	}
	json_decref(before);
	json_decref(after);
}

/* The next option that may not change. Returns false at the end. */
static bool kept_next(struct option_string *string, struct option *option,
		      const struct memory_object *object, const struct memory_change *change)
{
	while (option_next(string, option)) {
		size_t flag = option->value == NULL && option->key_length > 2 &&
				      memcmp(option->key, "no", 2) == 0
				  ? 2
				  : 0;

		if (!may_change(option->key, option->key_length, object, change) &&
		    !may_change(option->key + flag, option->key_length - flag, object, change))
			return true;
	}
	return false;
}

static void text_change_check(const struct memory_object *object,
			      const struct memory_change *change, const char *text)
{
	struct option_string before = {object->text, "qom-type"};
	struct option_string after = {text, "qom-type"};
	struct option old;
	struct option new;

	while (kept_next(&before, &old, object, change)) {
		REQUIRE(kept_next(&after, &new, object, change));
		REQUIRE(old.key_length == new.key_length &&old.length == new.length);
		REQUIRE(memcmp(old.key, new.key, old.key_length) == 0);
		REQUIRE((old.value == NULL) == (new.value == NULL));
		REQUIRE(old.value == NULL || memcmp(old.value, new.value, old.length) == 0);
	}
	REQUIRE(!kept_next(&after, &new, object, change));
}

void slow_change_check(const struct memory_object *object, const struct memory_change *change,
		       const char *text)
{
	if (*object->text == '{')
		json_change_check(object, change, text);
	else
		text_change_check(object, change, text);
}
