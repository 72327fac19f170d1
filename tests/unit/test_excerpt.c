#include "excerpt.h"
#include "unit.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The word is what stands between < and >, which are no part of the line. */
static struct excerpt excerpt_of(const char *text, char *line)
{
	const char *begin = strchr(text, '<');
	const char *end = strchr(text, '>');
	struct excerpt excerpt = {.line = line};

	assert_non_null(begin);
	assert_non_null(end);
	excerpt.at = (size_t)(begin - text);
	excerpt.word = (size_t)(end - begin) - 1;
	excerpt.length = strlen(text) - 2;
	snprintf(line, strlen(text) + 1, "%.*s%.*s%s", (int)excerpt.at, text, (int)excerpt.word,
		 begin + 1, end + 1);
	return excerpt;
}

/* What is printed, allocated. */
static char *printed(const struct excerpt *excerpt, unsigned int width)
{
	char *text = NULL;
	size_t size;
	FILE *stream = open_memstream(&text, &size);

	assert_non_null(stream);
	excerpt_print(excerpt, width, stream);
	assert_int_equal(fclose(stream), 0);
	return text;
}

static void prints(const char *text, const char *expected)
{
	char line[256];
	struct excerpt excerpt = excerpt_of(text, line);
	char *got = printed(&excerpt, 80);

	assert_string_equal(got, expected);
	free(got);
}

static void the_mark_stands_under_the_word(void **state)
{
	(void)state;
	prints("web* <0-9> best-effort", "    web* 0-9 best-effort\n"
					 "         ^~~\n");
	prints("<web*>", "    web*\n    ^~~~\n");
	prints("a <b> c", "    a b c\n      ^\n");
}

static void tabs_are_blanks_to_the_next_stop(void **state)
{
	(void)state;
	prints("web*\t<0>\tx", "    web*    0       x\n            ^\n");
	prints("\t<web*>\t0", "            web*    0\n            ^~~~\n");
	prints("\"a\tb\" <0>", "    \"a      b\" 0\n               ^\n");
}

static void characters_count_and_not_bytes(void **state)
{
	(void)state;
	prints("\xc3\xbcml <0>", "    \xc3\xbcml 0\n        ^\n");
	prints("<\xc3\xbc\xe2\x98\x83> 0", "    \xc3\xbc\xe2\x98\x83 0\n    ^~\n");
}

static void what_is_not_printable_is_worded(void **state)
{
	(void)state;
	prints("\u202e <0>", "    \\xe2\\x80\\xae 0\n                 ^\n");
	prints("\x1b[31m <0>", "    \\x1b[31m 0\n             ^\n");
	prints("\xff <0> \r", "    \\xff 0 \\x0d\n         ^\n");
	prints("<\xff> 0", "    \\xff 0\n    ^~~~\n");
}

/* East Asian characters are two columns wide, accents that combine none. */
static void wide_characters_are_two_columns(void **state)
{
	(void)state;
	assert_non_null(setlocale(LC_CTYPE, "C.UTF-8"));
	prints("\xe5\xa4\xa7 <0>", "    \xe5\xa4\xa7 0\n       ^\n");
	prints("<\xe5\xa4\xa7> 0", "    \xe5\xa4\xa7 0\n    ^~\n");
	prints("u\xcc\x88 <0>", "    u\xcc\x88 0\n      ^\n");
	setlocale(LC_CTYPE, "C");
}

static void columns_are_counted_in_characters(void **state)
{
	static const struct {
		const char *text;
		unsigned int column;
		unsigned int length;
	} cases[] = {
	    {"<web> 0", 1, 3},      {"web <0-9>", 5, 3},
	    {"\t<web>", 2, 3},      {"\xc3\xbcml <\xe2\x98\x83x>", 5, 2},
	    {"\xff\xfe <0>", 4, 1},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		char line[64];
		struct excerpt excerpt = excerpt_of(cases[i].text, line);
		unsigned int column;
		unsigned int length;

		excerpt_column(&excerpt, &column, &length);
		assert_int_equal(column, cases[i].column);
		assert_int_equal(length, cases[i].length);
	}
}

/* The line of `length` bytes that are all x, but for "word" at `at`, on 40 columns. */
static void cut(size_t length, size_t at, const char *expected)
{
	char *line = malloc(length);
	struct excerpt excerpt = {.line = line, .length = length, .at = at, .word = 4};
	char *got;

	assert_non_null(line);
	memset(line, 'x', length);
	memcpy(line + at, "word", 4);
	got = printed(&excerpt, 40);
	assert_string_equal(got, expected);
	free(got);
	free(line);
}

static void a_long_line_is_cut_around_the_word(void **state)
{
	(void)state;
	cut(36, 32,
	    "    xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxword\n"
	    "                                    ^~~~\n");
	cut(37, 0,
	    "    wordxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...\n"
	    "    ^~~~\n");
	cut(4096, 0,
	    "    wordxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...\n"
	    "    ^~~~\n");
	cut(4096, 2000,
	    "    ...xxxxxxxxxxxxwordxxxxxxxxxxxxxx...\n"
	    "                   ^~~~\n");
	cut(4096, 4092,
	    "    ...xxxxxxxxxxxxword\n"
	    "                   ^~~~\n");
}

static void a_word_longer_than_the_screen_is_cut(void **state)
{
	char line[4096];
	struct excerpt excerpt = {.line = line, .length = sizeof(line), .word = sizeof(line)};
	char *got;

	(void)state;
	memset(line, 'w', sizeof(line));
	got = printed(&excerpt, 40);
	assert_string_equal(got, "    wwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwww...\n"
				 "    ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~\n");
	free(got);
}

/* Whatever the line and the word: both lines keep to the width, and the mark is there. */
static void any_line_keeps_to_the_width(void **state)
{
	static const char bytes[] = "ab \t\x1b\xff\xc3\xbc\xe5\xa4\xa7";
	uint64_t seed = 5;

	(void)state;
	for (int round = 0; round < 5000; round++) {
		char line[300];
		struct excerpt excerpt = {.line = line};
		unsigned int width = 40 + random_below(&seed, 60);
		char *got;

		excerpt.length = 1 + random_below(&seed, sizeof(line));
		for (size_t i = 0; i < excerpt.length; i++)
			line[i] = bytes[random_below(&seed, sizeof(bytes))];
		excerpt.at = random_below(&seed, (unsigned int)excerpt.length);
		excerpt.word = 1 + random_below(&seed, (unsigned int)(excerpt.length - excerpt.at));
		got = printed(&excerpt, width);
		/* In the C locale each character is one column, and a byte or more. */
		assert_non_null(strchr(got, '\n'));
		assert_true(strlen(strchr(got, '\n') + 1) <= width + 1);
		assert_non_null(strchr(strchr(got, '\n'), '^'));
		free(got);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_mark_stands_under_the_word),
	    cmocka_unit_test(tabs_are_blanks_to_the_next_stop),
	    cmocka_unit_test(characters_count_and_not_bytes),
	    cmocka_unit_test(what_is_not_printable_is_worded),
	    cmocka_unit_test(wide_characters_are_two_columns),
	    cmocka_unit_test(columns_are_counted_in_characters),
	    cmocka_unit_test(a_long_line_is_cut_around_the_word),
	    cmocka_unit_test(a_word_longer_than_the_screen_is_cut),
	    cmocka_unit_test(any_line_keeps_to_the_width),
	};

	return RUN_TESTS(tests);
}
