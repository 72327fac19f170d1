#include "error.h"
#include "unit.h"

#include <errno.h>
#include <string.h>

static void the_code_comes_back(void **state)
{
	struct error error = {0};

	(void)state;
	assert_false(error_is_set(&error));
	assert_int_equal(error_set(&error, -ENOENT, "%s:%d", "file", 7), -ENOENT);
	assert_true(error_is_set(&error));
	assert_string_equal(error.text, "file:7");
	assert_int_equal(error_set(&error, -EIO, "again"), -EIO);
	assert_string_equal(error.text, "again");
}

static void a_long_text_is_cut(void **state)
{
	char longer[2 * ERROR_TEXT_SIZE];
	struct {
		struct error error;
		char after[8];
	} memory = {.after = "after"};

	(void)state;
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	error_set(&memory.error, -EINVAL, "%s", longer);
	assert_int_equal(strlen(memory.error.text), ERROR_TEXT_SIZE - 1);
	assert_string_equal(memory.after, "after");
}

static void text_is_added_at_the_end(void **state)
{
	char text[32] = "";

	(void)state;
	text_add(text, sizeof(text), "%s", "");
	assert_string_equal(text, "");
	text_add(text, sizeof(text), "node %d", 7);
	assert_string_equal(text, "node 7");
	text_add(text, sizeof(text), "%s%s", ", ", "50%");
	assert_string_equal(text, "node 7, 50%");
}

/* Whatever the size, and again when it is full. */
static void added_text_that_does_not_fit_is_cut(void **state)
{
	static const char whole[] = "abcdefghi";
	char text[16];

	(void)state;
	for (size_t size = 1; size < sizeof(text); size++) {
		size_t expected = size - 1 < strlen(whole) ? size - 1 : strlen(whole);

		memset(text, '#', sizeof(text));
		text[0] = '\0';
		text_add(text, size, "%s", "abc");
		text_add(text, size, "%s", "def");
		text_add(text, size, "%s", "ghi");
		assert_int_equal(strlen(text), expected);
		assert_memory_equal(text, whole, expected);
		assert_int_equal(text[size], '#');
	}
	strcpy(text, "full");
	text_add(text, sizeof("full"), "%d", 1);
	assert_string_equal(text, "full");
}

static void text_becomes_printable(void **state)
{
	static const struct {
		const char *text;
		const char *printable;
	} cases[] = {
	    {"", ""},
	    {"web 1/~", "web 1/~"},
	    {"é ß 日 𝒳", "é ß 日 𝒳"},
	    {"a\nb\tc\rd", "a\\x0ab\\x09c\\x0dd"},
	    {"\x1b[31mred", "\\x1b[31mred"},
	    {"\x7f", "\\x7f"},
	    {"\xff\xfe", "\\xff\\xfe"},
	    {"\xc3", "\\xc3"},                            /* half a character */
	    {"\xc3(", "\\xc3("},                          /* half a character, then another one */
	    {"\xc0\xaf", "\\xc0\\xaf"},                   /* overlong '/' */
	    {"\xe0\x80\xaf", "\\xe0\\x80\\xaf"},          /* overlong '/' */
	    {"\xed\xa0\x80", "\\xed\\xa0\\x80"},          /* a surrogate */
	    {"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"}, /* over U+10FFFF */
	    {"\xc2\x9b"
	     "31m",
	     "\\xc2\\x9b"
	     "31m"}, /* U+009B, a terminal's CSI */
	    {"\u202ebew", "\\xe2\\x80\\xae"
			  "bew"}, /* from right to left */
	    {"\u2067\u200f", "\\xe2\\x81\\xa7\\xe2\\x80\\x8f"},
	    {"\u2028\u061c", "\\xe2\\x80\\xa8\\xd8\\x9c"},
	    {"\u2010\u202f\u200d\u206a", "\u2010\u202f\u200d\u206a"}, /* their neighbours */
	};
	char buffer[64];

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(cases); i++)
		assert_string_equal(text_printable(buffer, sizeof(buffer), cases[i].text),
				    cases[i].printable);
}

/* Whatever does not fit: no half escape, no half character, nothing beyond the buffer. */
static void what_does_not_fit_is_cut(void **state)
{
	char buffer[16];

	(void)state;
	for (size_t size = 1; size < sizeof(buffer); size++) {
		memset(buffer, '#', sizeof(buffer));
		text_printable(buffer, size, "a日\nz");
		assert_int_equal(buffer[size], '#');
		assert_true(strlen(buffer) < size);
		assert_memory_equal(buffer, "a日\\x0az", strlen(buffer));
		assert_true(strlen(buffer) == 0 || strlen(buffer) == 1 || strlen(buffer) == 4 ||
			    strlen(buffer) == 8 || strlen(buffer) == 9);
	}
	assert_string_equal(text_printable(buffer, 5, "a日\nz"), "a日");
	assert_string_equal(text_printable(buffer, 10, "a日\nz"), "a日\\x0az");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_code_comes_back),
	    cmocka_unit_test(a_long_text_is_cut),
	    cmocka_unit_test(text_is_added_at_the_end),
	    cmocka_unit_test(added_text_that_does_not_fit_is_cut),
	    cmocka_unit_test(text_becomes_printable),
	    cmocka_unit_test(what_does_not_fit_is_cut),
	};

	return RUN_TESTS(tests);
}
