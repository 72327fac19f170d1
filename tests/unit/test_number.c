#include "number.h"
#include "unit.h"

#include <limits.h>

static void numbers_are_read_up_to_the_first_other_character(void **state)
{
	static const struct {
		const char *text;
		size_t length;
		unsigned int number;
	} cases[] = {
	    {"0", 1, 0},    {"7", 1, 7},      {"10", 2, 10},       {"1023", 4, 1023},
	    {"0-2", 1, 0},  {"12,13", 2, 12}, {"5 ", 1, 5},        {"3x", 1, 3},
	    {"0x10", 1, 0}, {"8.5", 1, 8},    {"9\xc3\xa9", 1, 9},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		unsigned int number = 4711;

		assert_int_equal(number_read(cases[i].text, 1023, &number), cases[i].length);
		assert_int_equal(number, cases[i].number);
	}
}

static void what_is_no_number_is_refused(void **state)
{
	static const char *const cases[] = {
	    "",    "-1", "+1", " 1", "a",   "010",     "00",
	    "000", "01", "-",  "x1", "\t1", "\xd9\xa1" /* Arabic 1 */};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		unsigned int number;

		assert_int_equal(number_read(cases[i], 1023, &number), 0);
	}
}

static void the_limit_is_the_greatest_number(void **state)
{
	unsigned int number = 0;

	(void)state;
	assert_int_equal(number_read("1023", 1023, &number), 4);
	assert_int_equal(number, 1023);
	assert_int_equal(number_read("1024", 1023, &number), 0);
	assert_int_equal(number_read("0", 0, &number), 1);
	assert_int_equal(number_read("1", 0, &number), 0);
	assert_int_equal(number_read("4294967295", UINT_MAX, &number), 10);
	assert_int_equal(number, UINT_MAX);
}

static void nothing_wraps_around(void **state)
{
	static const char *const cases[] = {
	    "4294967296",
	    "4294967297",
	    "18446744073709551616",
	    "18446744073709551617",
	    "340282366920938463463374607431768211457",
	    "99999999999999999999999999999999999999999999999999999999999999999999"};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		unsigned int number;

		assert_int_equal(number_read(cases[i], UINT_MAX, &number), 0);
		assert_int_equal(number_read(cases[i], 1, &number), 0);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(numbers_are_read_up_to_the_first_other_character),
	    cmocka_unit_test(what_is_no_number_is_refused),
	    cmocka_unit_test(the_limit_is_the_greatest_number),
	    cmocka_unit_test(nothing_wraps_around),
	};

	return RUN_TESTS(tests);
}
