/*
 * One -object that is memory, in JSON or not: what is written of it is of its syntax, differs in
 * the properties alone that are to change, and is not changed again by the same change.
 */
#include "fuzz.h"
#include "memory_object.h"
#include "option_string.h"
#include "size.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static const char *const changed[] = {
    "qom-type", "hugetlb", "hugetlbsize",
    "prealloc", "share",   "x-use-canonical-path-for-ramblock-id",
    "merge",
};
/* No host has larger ones, and a rule that asks for them is refused before. */
#define PAGE_MAX (UINT64_C(1) << 40)

enum { CHANGED = sizeof(changed) / sizeof(changed[0]) };

/* "2M on off": the pages' size, prealloc, merge; anything else is nothing. */
static struct memory_change change_read(char *text)
{
	static const char *const choices[] = {[CHOICE_OFF] = "off", [CHOICE_ON] = "on"};
	struct memory_change change = {0};
	char *save = NULL;
	char *words[3];

	for (size_t i = 0; i < 3; i++) {
		words[i] = strtok_r(i == 0 ? text : NULL, " ", &save);
		if (words[i] == NULL)
			words[i] = "";
	}
	if (size_read(words[0], strlen(words[0]), 1, &change.huge_page) < 0 ||
	    change.huge_page % 4096 != 0 || change.huge_page > PAGE_MAX)
		change.huge_page = 0;
	for (int choice = CHOICE_OFF; choice <= CHOICE_ON; choice++) {
		if (strcmp(words[1], choices[choice]) == 0)
			change.prealloc = (enum choice)choice;
		if (strcmp(words[2], choices[choice]) == 0)
			change.merge = (enum choice)choice;
	}
	return change;
}

/* Whether a property may be another one after the change. */
static bool may_change(const char *key, size_t length, const struct memory_object *object,
		       const struct memory_change *change)
{
	bool huge = change->huge_page != 0 && object->plain;

	for (size_t i = 0; i < CHANGED; i++) {
		if (strlen(changed[i]) != length || memcmp(changed[i], key, length) != 0)
			continue;
		if (strcmp(changed[i], "merge") == 0)
			return object->merge_given && change->merge != CHOICE_NONE;
		if (strcmp(changed[i], "prealloc") == 0)
			return huge || change->prealloc != CHOICE_NONE;
		return huge;
	}
	return false;
}

static void json_check(const struct memory_object *object, const struct memory_change *change,
		       const char *text)
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
		if (!may_change(key, strlen(key), object, change) || strcmp(key, "share") == 0)
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

static void text_check(const struct memory_object *object, const struct memory_change *change,
		       const char *text)
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

static bool same(const char *one, const char *other)
{
	return one == NULL || other == NULL ? one == other : strcmp(one, other) == 0;
}

/* It is what it was to be. */
static void result_check(const struct memory_object *before, const struct memory_change *change,
			 const struct memory_object *after)
{
	REQUIRE(same(before->id, after->id) && before->size == after->size);
	REQUIRE(same(before->policy, after->policy) && same(before->path, after->path));
	REQUIRE(id_set_equal(&before->nodes, &after->nodes) && before->sparse == after->sparse);
	REQUIRE(before->merge_given == after->merge_given);
	if (change->huge_page != 0 && before->plain) {
		REQUIRE(strcmp(after->type, "memory-backend-memfd") == 0);
		REQUIRE(after->hugetlb && after->hugetlb_size == change->huge_page);
		REQUIRE(after->prealloc_given);
	} else {
		REQUIRE(same(before->type, after->type) && before->hugetlb == after->hugetlb);
		REQUIRE(before->hugetlb_size == after->hugetlb_size);
	}
}

static void change_check(const struct memory_object *object, const struct memory_change *change)
{
	struct memory_object after;
	struct error error = {0};
	char *text;
	char *again;

	REQUIRE(memory_object_change(object, change, &text) == 0);
	if (text == NULL)
		return;
	if (*object->text == '{')
		json_check(object, change, text);
	else
		text_check(object, change, text);
	REQUIRE(memory_object_read(text, &after, &error) == OBJECT_MEMORY);
	result_check(object, change, &after);
	REQUIRE(memory_object_change(&after, change, &again) == 0);
	REQUIRE(again == NULL || strcmp(again, text) == 0);
	memory_object_free(&after);
	free(text);
	free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	char *words = fuzz_line(&input);
	char *text = fuzz_line(&input);
	struct memory_change change = change_read(words);
	struct memory_object object;
	struct error error = {0};
	int result = memory_object_read(text, &object, &error);

	REQUIRE(result >= 0 && !error_is_set(&error));
	if (result == OBJECT_MEMORY) {
		REQUIRE(object.type != NULL && object.id != NULL && object.size > 0);
		change_check(&object, &change);
		memory_object_free(&object);
	}
	free(words);
	free(text);
	return 0;
}
