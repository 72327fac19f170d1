#include "size.h"
#include "unit.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KILO (UINT64_C(1) << 10)
#define MEGA (UINT64_C(1) << 20)
#define GIGA (UINT64_C(1) << 30)
#define TERA (UINT64_C(1) << 40)
#define PETA (UINT64_C(1) << 50)
#define EXA (UINT64_C(1) << 60)

/* Reads a size from memory of its own, so that the sanitizers see what goes beyond it. */
static int read_exactly(const char *text, size_t length, uint64_t unit, uint64_t *bytes)
{
	char *copy = malloc(length > 0 ? length : 1);
	int result;

	assert_non_null(copy);
	memcpy(copy, text, length);
	result = size_read(copy, length, unit, bytes);
	free(copy);
	return result;
}

static void check_size(const char *text, uint64_t unit, uint64_t expected)
{
	uint64_t bytes = 7;
	int result = read_exactly(text, strlen(text), unit, &bytes);

	if (result != 0)
		fail_msg("'%s': %d", text, result);
	if (bytes != expected)
		fail_msg("'%s' is %" PRIu64 ", not %" PRIu64, text, bytes, expected);
}

static void check_refused(const char *text, int expected)
{
	uint64_t bytes;
	int result = read_exactly(text, strlen(text), 1, &bytes);

	if (result != expected)
		fail_msg("'%s': %d, not %d", text, result, expected);
}

static void every_letter_is_a_unit_in_either_case(void **state)
{
	static const struct {
		const char *text;
		uint64_t bytes;
	} cases[] = {
	    {"3B", 3},        {"3b", 3},        {"3K", 3 * KILO}, {"3k", 3 * KILO},
	    {"3M", 3 * MEGA}, {"3m", 3 * MEGA}, {"3G", 3 * GIGA}, {"3g", 3 * GIGA},
	    {"3T", 3 * TERA}, {"3t", 3 * TERA}, {"3P", 3 * PETA}, {"3p", 3 * PETA},
	    {"3E", 3 * EXA},  {"3e", 3 * EXA},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(cases); i++)
		check_size(cases[i].text, MEGA, cases[i].bytes);
}

static void the_unit_is_for_numbers_without_a_letter(void **state)
{
	(void)state;
	check_size("512", 1, 512);
	check_size("512", MEGA, 512 * MEGA);
	check_size("1.5", MEGA, 3 * MEGA / 2);
	check_size("0x200", MEGA, 512 * MEGA);
	check_size("512B", MEGA, 512);
	check_size("0", MEGA, 0);
	check_size("010", 1, 10); /* no octal */
}

static void fractions_are_exact_and_drop_what_is_less_than_a_byte(void **state)
{
	(void)state;
	check_size("0.25M", 1, 262144);
	check_size("1.5G", 1, 3 * GIGA / 2);
	check_size("1.0000000001G", 1, GIGA);
	check_size("1.000000001G", 1, GIGA + 1);
	check_size("0.1K", 1, 102);
	check_size("2.0M", 1, 2 * MEGA);
	check_size("1.9999999999999999999999999999999999K", 1, 2 * KILO - 1);
	check_size("0.5E", 1, EXA / 2);
	check_size("1.9B", 1, 1);
}

static void hexadecimal_is_read_without_letters(void **state)
{
	(void)state;
	check_size("0x0", 1, 0);
	check_size("0x200000", 1, 2 * MEGA);
	check_size("0XaBc", 1, 0xabc);
	check_size("0x1B", 1, 0x1b);
	check_size("0x2E", 1, 0x2e);
	check_refused("0x1M", -EINVAL);
	check_refused("0x", -EINVAL);
	check_refused("0x1.5", -EINVAL);
	check_refused("0xg", -EINVAL);
	check_refused("x1", -EINVAL);
}

/* The text need not end where the size does. */
static void only_so_many_bytes_are_read(void **state)
{
	static const struct {
		const char *text;
		size_t length;
		uint64_t bytes;
	} cases[] = {
	    {"512M", 3, 512}, {"1G,slots=2", 2, GIGA}, {"0x12", 3, 1}, {"1.25KM", 5, 1280},
	    {"12", 1, 1},
	};
	uint64_t bytes;

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		assert_int_equal(read_exactly(cases[i].text, cases[i].length, 1, &bytes), 0);
		assert_true(bytes == cases[i].bytes);
	}
	assert_int_equal(read_exactly("1G", 0, 1, &bytes), -EINVAL);
	assert_int_equal(read_exactly("0x12", 2, 1, &bytes), -EINVAL);
	assert_int_equal(read_exactly("1G,", 3, 1, &bytes), -EINVAL);
	assert_int_equal(read_exactly("1\0", 2, 1, &bytes), -EINVAL);
	assert_int_equal(read_exactly("1M\0", 3, 1, &bytes), -EINVAL);
}

static void nonsense_is_refused(void **state)
{
	static const char *const cases[] = {
	    "",    "M",    "1MM", "1 M", "-1",  "+1",  "1e3", "1.5.2", " 1",   "1 ",
	    "1MB", "1KiB", "1X",  ".5",  ".5G", "1,5", "1_0", "1M ",   "--1",  "inf",
	    "nan", "0b1",  "é",   "1\n", "1M,", ".",   "off", "1-2",   "1.M5", "1.-5",
	};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(cases); i++)
		check_refused(cases[i], -EINVAL);
}

static void what_is_too_large_is_told(void **state)
{
	(void)state;
	check_refused("9999999999999999999", -ERANGE);
	check_refused("99999999999999999999999999999999M", -ERANGE);
	check_refused("8E", -ERANGE);
	check_refused("8.5E", -ERANGE);
	check_refused("8192P", -ERANGE);
	check_refused("9999999999G", -ERANGE);
	check_refused("0xffffffffffffffff", -ERANGE);
	check_refused("0x10000000000000000", -ERANGE);
	check_size("6.5E", 1, 6 * EXA + EXA / 2);
	check_size("8190P", 1, 8190 * PETA);
	check_size("288230376151711743", 1, (UINT64_C(1) << 58) - 1);
}

/* The last sizes below 2^63 may be refused, but are never another size. */
static void at_the_border_no_size_is_wrong(void **state)
{
	static const struct {
		const char *text;
		uint64_t bytes;
	} cases[] = {
	    {"7E", 7 * EXA},
	    {"7.5E", 7 * EXA + EXA / 2},
	    {"8191P", 8191 * PETA},
	    {"8388607T", 8388607 * TERA},
	    {"9007199254740991K", 9007199254740991 * KILO},
	    {"288230376151711744", UINT64_C(1) << 58},
	    {"9223372036854775807", INT64_MAX},
	    {"0x7fffffffffffffff", INT64_MAX},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		uint64_t bytes;
		int result = read_exactly(cases[i].text, strlen(cases[i].text), 1, &bytes);

		if (result != -ERANGE && (result != 0 || bytes != cases[i].bytes))
			fail_msg("'%s': %d, %" PRIu64, cases[i].text, result, bytes);
	}
}

static void sizes_are_written_by_the_greatest_unit_that_divides_them(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} cases[] = {
	    {0, "0"},
	    {1, "1"},
	    {1023, "1023"},
	    {1024, "1K"},
	    {1025, "1025"},
	    {1536, "1536"},
	    {2 * MEGA, "2M"},
	    {GIGA, "1G"},
	    {3 * GIGA / 2, "1536M"},
	    {GIGA + KILO, "1048577K"},
	    {1024 * GIGA, "1T"},
	    {5 * PETA, "5P"},
	    {2 * EXA, "2E"},
	    {15 * EXA, "15E"},
	    {UINT64_MAX, "18446744073709551615"},
	};
	char text[SIZE_TEXT_SIZE];

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		assert_ptr_equal(size_format(cases[i].bytes, text), text);
		assert_string_equal(text, cases[i].text);
	}
}

static void what_was_written_is_read_again(void **state)
{
	uint64_t seed = 5;

	(void)state;
	for (int round = 0; round < 10000; round++) {
		uint64_t size = (uint64_t)random_below(&seed, 1000000) << random_below(&seed, 38);
		char text[SIZE_TEXT_SIZE];

		check_size(size_format(size, text), 1, size);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_letter_is_a_unit_in_either_case),
	    cmocka_unit_test(the_unit_is_for_numbers_without_a_letter),
	    cmocka_unit_test(fractions_are_exact_and_drop_what_is_less_than_a_byte),
	    cmocka_unit_test(hexadecimal_is_read_without_letters),
	    cmocka_unit_test(only_so_many_bytes_are_read),
	    cmocka_unit_test(nonsense_is_refused),
	    cmocka_unit_test(what_is_too_large_is_told),
	    cmocka_unit_test(at_the_border_no_size_is_wrong),
	    cmocka_unit_test(sizes_are_written_by_the_greatest_unit_that_divides_them),
	    cmocka_unit_test(what_was_written_is_read_again),
	};

	return RUN_TESTS(tests);
}
