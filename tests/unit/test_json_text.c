/* What json_text.c takes for JSON, finds in it and makes of it is what jansson does. */
#include "json_text.h"
#include "unit.h"

#include "error.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_SIZE = 4096 };

static const char *const keys[] = {"qom-type", "id", "size", "host-nodes", "a", "", "\xc3\xa4"};

/* Compares two values, and what is inside. */
static void check_value(struct json_text ours, const json_t *theirs)
{
	struct json_text inner;
	const char *key;
	const json_t *value;
	size_t index = 0;
	char *copy;

	assert_int_equal(json_text_string(ours, &copy), 0);
	if (json_is_string(theirs))
		assert_string_equal(copy, json_string_value(theirs));
	else
		assert_null(copy);
	free(copy);
	assert_true(json_text_integer(ours) == json_integer_value(theirs));
	assert_int_equal(json_text_is(ours, "true"), json_is_true(theirs));
	assert_int_equal(json_text_is(ours, "false"), json_is_false(theirs));
	assert_int_equal(json_text_is(ours, "null"), json_is_null(theirs));
	for (size_t i = 0; i < LENGTH_OF(keys); i++)
		assert_int_equal(json_text_member(ours, keys[i], &inner),
				 json_object_get(theirs, keys[i]) != NULL);
	/* jansson has no const in this. */
	json_object_foreach((json_t *)theirs, key, value)
	{
		assert_true(json_text_member(ours, key, &inner));
		check_value(inner, value);
	}
	for (bool more = json_text_first(ours, &inner); more; more = json_text_next(ours, &inner))
		check_value(inner, json_array_get(theirs, index++));
	assert_int_equal(index, json_array_size(theirs));
}

/* Sets a member in both, and compares what becomes of it. */
static void check_set(struct json_text ours, const json_t *theirs, const char *key,
		      const char *value)
{
	json_t *wanted = json_deep_copy(theirs);
	json_t *changed;
	char *text;

	assert_int_equal(json_text_set(ours, key, value, &text), 0);
	changed = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	assert_int_equal(json_object_set_new(wanted, key, json_loads(value, JSON_DECODE_ANY, NULL)),
			 0);
	if (changed == NULL || !json_equal(changed, wanted))
		fail_msg("'%s' becomes '%s' by '%s' set to %s", ours.text, text, key, value);
	json_decref(changed);
	json_decref(wanted);
	free(text);
}

/* Compares all that there is of a text. Returns what json_text_check() does. */
static int check(const char *text)
{
	struct json_text ours;
	int result = json_text_check(text, &ours);
	json_t *theirs = json_loads(text, JSON_REJECT_DUPLICATES, NULL);

	if (result != -EMSGSIZE && (result == 0) != json_is_object(theirs))
		fail_msg("'%s': %d here, %s by jansson", text, result,
			 theirs != NULL ? "taken" : "refused");
	if (result == -EILSEQ || result == -EINVAL)
		assert_int_equal(result == -EILSEQ, strchr(text, '\'') != NULL);
	if (result == 0) {
		check_value(ours, theirs);
		for (size_t i = 0; i < LENGTH_OF(keys); i++)
			check_set(ours, theirs, keys[i], i % 2 == 0 ? "\"x\"" : "12");
	}
	json_decref(theirs);
	return result;
}

static void objects_are_read(void **state)
{
	static const char *const cases[] = {
	    "{}",
	    " { } ",
	    "{\"qom-type\":\"memory-backend-ram\",\"id\":\"pc.ram\",\"size\":134217728}",
	    "{\"host-nodes\":[0,1,3],\"a\":{\"a\":{\"a\":[]}},\"id\":\"\"}",
	    "\t{\r\n\"a\" : [ 1 , -1 , 0 , -0 ] , \"id\" : { } }\n",
	    "{\"a\":9223372036854775807,\"size\":-9223372036854775808}",
	    "{\"a\":1.5,\"size\":1e3,\"id\":-0.0E-1}",
	    "{\"a\":true,\"id\":false,\"size\":null}",
	    "{\"a\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\u00e4\\u20AC\\ud83d\\ude00\"}",
	    "{\"\xc3\xa4\":\"\xe2\x82\xac\xf0\x9f\x98\x80\x7f\"}",
	};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(cases); i++)
		assert_int_equal(check(cases[i]), 0);
}

static void what_is_no_json_is_refused(void **state)
{
	static const char *const cases[] = {
	    "",
	    "{",
	    "}",
	    "{}}",
	    "{}x",
	    "[]",
	    "1",
	    "{\"a\"}",
	    "{\"a\":}",
	    "{\"a\":1,}",
	    "{,}",
	    "{\"a\":1 \"id\":2}",
	    "{\"a\":1,\"a\":2}",
	    "{\"a\":{\"id\":1,\"id\":1}}",
	    "{a:1}",
	    "{\"a\":01}",
	    "{\"a\":1.}",
	    "{\"a\":.5}",
	    "{\"a\":-}",
	    "{\"a\":+1}",
	    "{\"a\":1e}",
	    "{\"a\":9223372036854775808}",
	    "{\"a\":-9223372036854775809}",
	    "{\"a\":0x1}",
	    "{\"a\":tru}",
	    "{\"a\":truex}",
	    "{\"a\":True}",
	    "{\"a\":\"\n\"}",
	    "{\"a\":\"\\x\"}",
	    "{\"a\":\"\\u0000\"}",
	    "{\"a\":\"\\u12\"}",
	    "{\"a\":\"\\ud83d\"}",
	    "{\"a\":\"\\",
	    "{\"a\":\"\\ude00\"}",
	    "{\"a\":\"\\ud83dx\"}",
	    "{\"a\":\"\\ud83d\\u0041\"}",
	    "{\"a\":\"\xff\"}",
	    "{\"a\":\"\xc3\"}",
	    "{\"a\":\"\xed\xa0\x80\"}",
	    "{\"a\":[}",
	    "{\"a\":[1,]}",
	    "{\"a\":[,]}",
	    "{\"a\":[1 2]}",
	    "{'a':1}",
	    "{\"a\":'b'}",
	    "{\"a\":\"'\"",
	};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(cases); i++)
		assert_true(check(cases[i]) < 0);
}

static void what_goes_too_far_is_told_from_what_is_none(void **state)
{
	char text[TEXT_SIZE] = "{\"a\":";

	(void)state;
	assert_int_equal(check("{\"\\u0061\":1}"), -EMSGSIZE);
	for (int depth = 1; depth < JSON_TEXT_DEPTH; depth++)
		strcat(text, "[");
	for (int depth = 1; depth < JSON_TEXT_DEPTH; depth++)
		strcat(text, "]");
	strcat(text, "}");
	assert_int_equal(check(text), 0);
	strcpy(text, "{\"a\":");
	for (int depth = 0; depth < JSON_TEXT_DEPTH; depth++)
		strcat(text, "[");
	assert_int_equal(check(text), -EMSGSIZE);
	strcpy(text, "{\"a\":0");
	for (int i = 1; i < JSON_TEXT_MEMBERS; i++)
		text_add(text, sizeof(text), ",\"%d\":0", i);
	text_add(text, sizeof(text), "}");
	assert_int_equal(check(text), 0);
	text[strlen(text) - 1] = '\0';
	text_add(text, sizeof(text), ",\"b\":0}");
	assert_int_equal(check(text), -EMSGSIZE);
}

static void make_value(uint64_t *random, char *text, unsigned int depth)
{
	static const char *const simple[] = {
	    "0",        "-1",      "4096",    "2.5e1",   "true",        "false",
	    "null",     "\"\"",    "\"ram\"", "\"\\n\"", "\"\\u00e4\"", "\"\xc3\xa4\"",
	    "\"it's\"", "\"a,b\"", "\"}\"",   "\"]\"",   "\"\\\\\"",
	};
	static const char *const blanks[] = {"", "", "", " ", "\n\t"};
	unsigned int kind = depth == 0 ? 0 : random_below(random, 4);
	unsigned int count = random_below(random, 4);

	if (depth == 0 || (kind < 2 && depth < 3)) {
		strcat(text, simple[random_below(random, LENGTH_OF(simple))]);
		return;
	}
	strcat(text, kind == 2 ? "[" : "{");
	for (unsigned int i = 0; i < count; i++) {
		strcat(text, i > 0 ? "," : "");
		strcat(text, blanks[random_below(random, LENGTH_OF(blanks))]);
		if (kind != 2)
			text_add(text, TEXT_SIZE,
				 "\"%s\":", keys[random_below(random, LENGTH_OF(keys))]);
		make_value(random, text, depth - 1);
		strcat(text, blanks[random_below(random, LENGTH_OF(blanks))]);
	}
	strcat(text, kind == 2 ? "]" : "}");
}

/*
 * Well-formed ones, but for keys that may stand twice, and the same with a byte changed. (No number
 * gets beyond what a double holds: jansson refuses that, and it is left to QEMU here.)
 */
static void jansson_says_the_same_of_any_text(void **state)
{
	static const char bytes[] = "{}[]\",:\\ 01-.eu'x\n\xc3";
	uint64_t random = 1;
	unsigned int taken = 0;
	unsigned int refused = 0;

	(void)state;
	for (int i = 0; i < 30000 / SLOWNESS; i++) {
		char text[TEXT_SIZE] = "";

		make_value(&random, text, 3);
		taken += check(text) == 0;
		text[random_below(&random, (unsigned int)strlen(text))] =
		    bytes[random_below(&random, sizeof(bytes) - 1)];
		refused += check(text) < 0;
	}
	assert_true(taken > 100 && refused > 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(objects_are_read),
	    cmocka_unit_test(what_is_no_json_is_refused),
	    cmocka_unit_test(what_goes_too_far_is_told_from_what_is_none),
	    cmocka_unit_test(jansson_says_the_same_of_any_text),
	};

	return RUN_TESTS(tests);
}
