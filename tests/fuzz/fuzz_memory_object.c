/*
 * One -object that may be memory, in JSON or not: it is read as a plain reader does; what is
 * written of it is of its syntax, differs in the properties alone that are to change, and is not
 * changed again by the same change.
 */
#include "fuzz.h"
#include "memory_object.h"
#include "size.h"
#include "slow_object.h"

#include <stdlib.h>
#include <string.h>

/* No host has larger ones, and a rule that asks for them is refused before. */
#define PAGE_MAX (UINT64_C(1) << 40)

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
	slow_change_check(object, change, text);
	REQUIRE(memory_object_read(text, &after, &error) == OBJECT_MEMORY);
	slow_object_check(text, OBJECT_MEMORY, &after);
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
	slow_object_check(text, result, &object);
	if (result == OBJECT_MEMORY) {
		change_check(&object, &change);
		memory_object_free(&object);
	}
	free(words);
	free(text);
	return 0;
}
