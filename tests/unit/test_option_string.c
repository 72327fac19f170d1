#include "option_string.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Reads a string to its end; writes "[key|value]" of each option, "[key]" of a flag. */
static void check_string(const char *from, const char *implied, const char *expected)
{
	struct option_string string = {from, implied};
	struct option option;
	char text[256] = "";
	size_t used = 0;

	while (option_next(&string, &option)) {
		used += (size_t)snprintf(text + used, sizeof(text) - used, "[%.*s",
					 (int)option.key_length, option.key);
		if (option.value != NULL)
			used += (size_t)snprintf(text + used, sizeof(text) - used, "|%.*s",
						 (int)option.length, option.value);
		used += (size_t)snprintf(text + used, sizeof(text) - used, "]");
	}
	if (strcmp(text, expected) != 0)
		fail_msg("'%s' is read as %s, not %s", from, text, expected);
	assert_false(option_next(&string, &option));
}

static void options_are_keys_and_values(void **state)
{
	(void)state;
	check_string("a=1", NULL, "[a|1]");
	check_string("a=1,b=2", NULL, "[a|1][b|2]");
	check_string("a=,b=2", NULL, "[a|][b|2]");
	check_string("a=b=c", NULL, "[a|b=c]");
	check_string("=1", NULL, "[|1]");
	check_string("a=1,a=2", NULL, "[a|1][a|2]");
	check_string("a b=c d", NULL, "[a b|c d]");
}

static void only_a_first_value_has_the_implied_key(void **state)
{
	(void)state;
	check_string("512", "size", "[size|512]");
	check_string("512,slots=2", "size", "[size|512][slots|2]");
	check_string("slots=2,512", "size", "[slots|2][512]");
	check_string("a,b", "size", "[size|a][b]");
	check_string("size=1,2", "size", "[size|1][2]");
	/* A comma in it, and what would be a key behind that. */
	check_string("a,,b", "size", "[size|a,,b]");
	check_string("a,,b=1,c", "size", "[size|a,,b=1][c]");
	check_string(",a=1", "size", "[size|][a|1]");
}

static void two_commas_do_not_end_a_value(void **state)
{
	(void)state;
	check_string("a=1,,2,b=3", NULL, "[a|1,,2][b|3]");
	check_string("a=1,,", NULL, "[a|1,,]");
	check_string("a=1,,,b=2", NULL, "[a|1,,][b|2]");
	check_string("a=,,,,", NULL, "[a|,,,,]");
	check_string("a=1,,b=2", NULL, "[a|1,,b=2]");
}

/* A key has no ",,": what stands between the two is a flag without a name. */
static void two_commas_behind_a_flag_are_two_ends(void **state)
{
	(void)state;
	check_string("a,,b", NULL, "[a][][b]");
	check_string("a,,b=1", NULL, "[a][][b|1]");
	check_string(",", NULL, "[]");
	check_string(",,", NULL, "[][]");
}

static void a_string_may_be_empty_or_end_in_a_comma(void **state)
{
	(void)state;
	check_string("", NULL, "");
	check_string("", "size", "");
	check_string("a=1,", NULL, "[a|1]");
	check_string("a,", NULL, "[a]");
	check_string("512,", "size", "[size|512]");
	check_string(",", "size", "[size|]");
}

/* The value of `key` in the first option of a string, or NULL, into `text`. */
static const char *first_value(const char *from, const char *implied, const char *key, char *text)
{
	struct option_string string = {from, implied};
	struct option option;
	const char *value;
	size_t length;

	assert_true(option_next(&string, &option));
	value = option_value(&option, key, &length);
	if (value == NULL)
		return NULL;
	memcpy(text, value, length);
	text[length] = '\0';
	return text;
}

static void the_value_is_that_of_the_key(void **state)
{
	char text[64];

	(void)state;
	assert_string_equal(first_value("size=1G,b", NULL, "size", text), "1G");
	assert_string_equal(first_value("1G", "size", "size", text), "1G");
	assert_string_equal(first_value("size=", NULL, "size", text), "");
	assert_string_equal(first_value("size=a,,b,c", NULL, "size", text), "a,,b");
	assert_null(first_value("sizes=1G", NULL, "size", text));
	assert_null(first_value("siz=1G", NULL, "size", text));
	assert_null(first_value("Size=1G", NULL, "size", text));
	assert_null(first_value("1G", "size", "1G", text));
	assert_null(first_value("=1", NULL, "size", text));
}

static void a_flag_is_on_and_with_no_before_it_off(void **state)
{
	char text[64];

	(void)state;
	assert_string_equal(first_value("prealloc", NULL, "prealloc", text), "on");
	assert_string_equal(first_value("prealloc,share=on", NULL, "prealloc", text), "on");
	assert_string_equal(first_value("noprealloc", NULL, "prealloc", text), "off");
	assert_string_equal(first_value("noprealloc,share=on", NULL, "prealloc", text), "off");
	assert_null(first_value("noprealloc=on", NULL, "prealloc", text));
	assert_null(first_value("nopreallocs", NULL, "prealloc", text));
	assert_null(first_value("xxprealloc", NULL, "prealloc", text));
	assert_null(first_value("no", NULL, "prealloc", text));
	assert_string_equal(first_value("noprealloc=on", NULL, "noprealloc", text), "on");
}

static void a_copy_has_one_comma_for_two(void **state)
{
	static const struct {
		const char *value;
		const char *expected;
	} cases[] = {
	    {"", ""},       {"a", "a"},         {"a,,b", "a,b"},          {",,", ","},
	    {",,,,", ",,"}, {"a,,,,b", "a,,b"}, {"a,,b,,c=d", "a,b,c=d"},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		char *copy = option_copy(cases[i].value, strlen(cases[i].value));

		assert_non_null(copy);
		assert_string_equal(copy, cases[i].expected);
		free(copy);
	}
}

static void a_copy_is_of_so_many_bytes(void **state)
{
	char *copy = option_copy("ram0,size=1G", 4);

	(void)state;
	assert_string_equal(copy, "ram0");
	free(copy);
}

static void off_has_the_words_that_qemu_takes(void **state)
{
	static const char *const on[] = {"on", "yes", "true", "y",  "",
					 "0",  "Off", "offf", "of", "nn"};

	(void)state;
	assert_true(option_is_off("off", 3));
	assert_true(option_is_off("no", 2));
	assert_true(option_is_off("false", 5));
	assert_true(option_is_off("n", 1));
	assert_true(option_is_off("off,size=1G", 3));
	for (size_t i = 0; i < LENGTH_OF(on); i++)
		assert_false(option_is_off(on[i], strlen(on[i])));
	assert_false(option_is_off("off", 2));
}

/* Whatever the bytes: it comes to an end, and no place lies outside the string. */
static void any_string_can_be_read(void **state)
{
	static const char bytes[] = {'a', 'n', 'o', '=', ','};
	uint64_t seed = 9;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		size_t length = random_below(&seed, 12);
		char *text = malloc(length + 1);
		struct option_string string = {text, round % 2 == 0 ? "size" : NULL};
		struct option option;
		size_t count = 0;

		assert_non_null(text);
		for (size_t i = 0; i < length; i++)
			text[i] = bytes[random_below(&seed, sizeof(bytes))];
		text[length] = '\0';
		while (option_next(&string, &option)) {
			assert_true(++count <= length);
			if (option.value != NULL)
				assert_true(option.value >= text &&
					    option.value + option.length <= text + length);
			else
				assert_true(option.key >= text &&
					    option.key + option.key_length <= text + length);
		}
		assert_ptr_equal(string.rest, text + length);
		free(text);
	}
}

static void the_last_value_of_a_key_is_found(void **state)
{
	size_t length = 77;
	const char *value = option_find("a=1,b=2,a=3,,4,c", NULL, "a", &length);

	(void)state;
	assert_int_equal(length, 4);
	assert_memory_equal(value, "3,,4", 4);
	value = option_find("x,b=2", "a", "a", &length);
	assert_int_equal(length, 1);
	assert_memory_equal(value, "x", 1);
	value = option_find("a=1,noa", NULL, "a", &length);
	assert_int_equal(length, 3);
	assert_string_equal(value, "off");
	/* Where there is none what was found before stays. */
	assert_null(option_find("b=2,aa=1", NULL, "a", &length));
	assert_null(option_find("", "a", "a", &length));
	assert_int_equal(length, 3);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(options_are_keys_and_values),
	    cmocka_unit_test(only_a_first_value_has_the_implied_key),
	    cmocka_unit_test(two_commas_do_not_end_a_value),
	    cmocka_unit_test(two_commas_behind_a_flag_are_two_ends),
	    cmocka_unit_test(a_string_may_be_empty_or_end_in_a_comma),
	    cmocka_unit_test(the_value_is_that_of_the_key),
	    cmocka_unit_test(a_flag_is_on_and_with_no_before_it_off),
	    cmocka_unit_test(a_copy_has_one_comma_for_two),
	    cmocka_unit_test(a_copy_is_of_so_many_bytes),
	    cmocka_unit_test(off_has_the_words_that_qemu_takes),
	    cmocka_unit_test(any_string_can_be_read),
	    cmocka_unit_test(the_last_value_of_a_key_is_found),
	};

	return RUN_TESTS(tests);
}
