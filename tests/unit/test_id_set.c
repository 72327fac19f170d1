#include "id_set.h"
#include "unit.h"

#include <errno.h>
#include <string.h>

static void members_are_those_added(void **state)
{
	struct id_set set = {0};

	(void)state;
	assert_true(id_set_is_empty(&set));
	for (unsigned int id = 0; id < ID_SET_SIZE; id += 7)
		id_set_add(&set, id);
	for (unsigned int id = 0; id < ID_SET_SIZE; id++)
		assert_int_equal(id_set_has(&set, id), id % 7 == 0);
	assert_false(id_set_is_empty(&set));
	assert_int_equal(id_set_count(&set), (ID_SET_SIZE + 6) / 7);
	id_set_add(&set, 7);
	assert_int_equal(id_set_count(&set), (ID_SET_SIZE + 6) / 7);
}

static void ids_out_of_range_are_left_out(void **state)
{
	struct {
		struct id_set set;
		unsigned long after;
	} memory = {0};

	(void)state;
	id_set_add(&memory.set, ID_SET_SIZE);
	id_set_add(&memory.set, ID_SET_SIZE + 1);
	id_set_add(&memory.set, (unsigned int)-1);
	assert_true(id_set_is_empty(&memory.set));
	assert_int_equal(memory.after, 0);
	assert_false(id_set_has(&memory.set, ID_SET_SIZE));
	assert_false(id_set_has(&memory.set, (unsigned int)-1));
}

/* The kernel reads the words as they are: bit N of the array is CPU N. */
static void the_layout_is_the_kernels(void **state)
{
	struct id_set set = {0};

	(void)state;
	id_set_add(&set, 0);
	id_set_add(&set, ID_SET_WORD_BITS + 3);
	assert_int_equal(set.word[0], 1);
	assert_int_equal(set.word[1], 8);
	assert_int_equal(sizeof(set), ID_SET_SIZE / 8);
}

static void holding_is_being_no_smaller(void **state)
{
	struct id_set set = {0};
	struct id_set part = {0};

	(void)state;
	assert_true(id_set_holds(&set, &part));
	id_set_add(&set, 1);
	id_set_add(&set, 100);
	assert_true(id_set_holds(&set, &part));
	id_set_add(&part, 100);
	assert_true(id_set_holds(&set, &part));
	assert_false(id_set_holds(&part, &set));
	id_set_add(&part, ID_SET_SIZE - 1);
	assert_false(id_set_holds(&set, &part));
	assert_true(id_set_holds(&set, &set));
}

static void check_format(const char *expected, const unsigned int *ids, size_t count)
{
	struct id_set set = {0};
	char text[ID_SET_TEXT_SIZE];

	for (size_t i = 0; i < count; i++)
		id_set_add(&set, ids[i]);
	assert_string_equal(id_set_format(&set, text, sizeof(text)), expected);
}

static void sets_are_written_as_the_kernel_does(void **state)
{
	(void)state;
	check_format("none", NULL, 0);
	check_format("0", (unsigned int[]){0}, 1);
	check_format("0-2,5", (unsigned int[]){5, 2, 1, 0}, 4);
	check_format("0-1", (unsigned int[]){0, 1}, 2);
	check_format("63-64", (unsigned int[]){63, 64}, 2);
	check_format("1,3,8190-8191", (unsigned int[]){1, 3, 8190, 8191}, 4);
	check_format("8191", (unsigned int[]){8191}, 1);
}

static void a_full_set_is_one_range(void **state)
{
	struct id_set set;
	char text[ID_SET_TEXT_SIZE];

	(void)state;
	memset(&set, 0xff, sizeof(set));
	assert_int_equal(id_set_count(&set), ID_SET_SIZE);
	assert_string_equal(id_set_format(&set, text, sizeof(text)), "0-8191");
}

/* Every size: ends in "..." after a whole number, and stays within the buffer. */
static void what_does_not_fit_is_cut(void **state)
{
	static const char whole[] = "0,2,4-5,7,1000-1001";
	struct id_set set = {0};
	char text[64];

	(void)state;
	id_set_add(&set, 0);
	id_set_add(&set, 2);
	id_set_add(&set, 4);
	id_set_add(&set, 5);
	id_set_add(&set, 7);
	id_set_add(&set, 1000);
	id_set_add(&set, 1001);
	for (size_t size = sizeof("none"); size < sizeof(text); size++) {
		size_t length;

		memset(text, '#', sizeof(text));
		id_set_format(&set, text, size);
		assert_int_equal(text[size], '#');
		length = strlen(text);
		assert_true(length < size);
		if (strcmp(text, whole) == 0)
			continue;
		assert_true(size < sizeof(whole) + sizeof("..."));
		assert_true(length >= 3);
		assert_string_equal(text + length - 3, "...");
		assert_memory_equal(text, whole, length - 3);
		assert_true(length == 3 || whole[length - 3] == ',');
	}
	assert_string_equal(id_set_format(&set, text, sizeof(text)), whole);
}

static struct id_set set_of(const unsigned int *ids, size_t count)
{
	struct id_set set = {0};

	for (size_t i = 0; i < count; i++)
		id_set_add(&set, ids[i]);
	return set;
}

#define SET_OF(...)                                 \
	set_of((const unsigned int[]){__VA_ARGS__}, \
	       sizeof((const unsigned int[]){__VA_ARGS__}) / sizeof(unsigned int))

static void lists_are_read_as_the_kernel_writes_them(void **state)
{
	const struct {
		const char *text;
		struct id_set expected;
	} cases[] = {
	    {"", {{0}}},
	    {"\n", {{0}}},
	    {"0", SET_OF(0)},
	    {"0\n", SET_OF(0)},
	    {"0-2,5", SET_OF(0, 1, 2, 5)},
	    {"0-2,5\n", SET_OF(0, 1, 2, 5)},
	    {"7", SET_OF(7)},
	    {"3-3", SET_OF(3)},
	    {"63-64", SET_OF(63, 64)},
	    {"1,3,8190-8191\n", SET_OF(1, 3, 8190, 8191)},
	    {"5,0-2", SET_OF(0, 1, 2, 5)},
	    {"1-3,2-4", SET_OF(1, 2, 3, 4)},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		struct id_set set;

		memset(&set, 0xff, sizeof(set));
		if (id_set_read(&set, cases[i].text) != 0 ||
		    !id_set_equal(&set, &cases[i].expected))
			fail_msg("'%s'", cases[i].text);
	}
}

static void what_is_no_such_list_is_refused(void **state)
{
	static const char *const cases[] = {
	    "none",     "all",  "!0",    "+0",    "+0-1",  "-1",   "1-",   "1-0",        "0-8192",
	    "8192",     "01",   "0x1",   "1e1",   "0,",    ",0",   "0,,1", "0,all",      "0-1-2",
	    "99999999", " 0",   "0 ",    "0, 1",  "0 1",   "a",    "0a",   "0-a",        "-",
	    ",",        "0;1",  "\t",    "0\r\n", "0\n\n", "0\n1", " \n",  "\n0",        "\n\n",
	    "0-2,5\n7", "0\n ", "0\n,1", "0/2",   "0:1",   "\xff", "0,\n", "4294967296",
	};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		struct id_set set;

		if (id_set_read(&set, cases[i]) != -EINVAL)
			fail_msg("'%s' is taken", cases[i]);
	}
}

static void what_was_written_is_read_again(void **state)
{
	static char text[ID_SET_LIST_SIZE];
	uint64_t seed = 1;

	(void)state;
	for (unsigned int every = 1; every < 40; every++) {
		struct id_set set = {0};
		struct id_set read;

		for (unsigned int id = 0; id < ID_SET_SIZE; id++) {
			if (random_below(&seed, every) == 0)
				id_set_add(&set, id);
		}
		assert_int_equal(id_set_read(&read, id_set_format(&set, text, sizeof(text))), 0);
		assert_true(id_set_equal(&read, &set));
	}
}

/* Every other one: no set's list is longer. */
static void the_longest_list_is_read_and_a_longer_text_refused(void **state)
{
	static char text[2 * ID_SET_LIST_SIZE];
	struct id_set set = {0};
	struct id_set read;

	(void)state;
	for (unsigned int id = 0; id < ID_SET_SIZE; id += 2)
		id_set_add(&set, id);
	id_set_format(&set, text, ID_SET_LIST_SIZE);
	assert_int_equal(id_set_read(&read, text), 0);
	assert_true(id_set_equal(&read, &set));
	for (size_t i = 0; i < sizeof(text) - 1; i++)
		text[i] = i % 2 == 0 ? '0' : ',';
	text[sizeof(text) - 2] = '\0';
	assert_int_equal(id_set_read(&read, text), -EINVAL);
}

static void cutting_leaves_what_both_have(void **state)
{
	const struct {
		struct id_set set;
		struct id_set other;
		struct id_set expected;
	} cases[] = {
	    {SET_OF(0, 1, 2, 5), SET_OF(1, 2, 3), SET_OF(1, 2)},
	    {SET_OF(0, 64, 8191), SET_OF(64, 8191), SET_OF(64, 8191)},
	    {SET_OF(0, 1), SET_OF(2, 3), {{0}}},
	    {SET_OF(0, 1), {{0}}, {{0}}},
	    {{{0}}, SET_OF(0, 1), {{0}}},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		struct id_set set = cases[i].set;

		id_set_cut(&set, &cases[i].other);
		assert_true(id_set_equal(&set, &cases[i].expected));
		set = cases[i].set;
		id_set_cut(&set, &set);
		assert_true(id_set_equal(&set, &cases[i].set));
	}
}

static void joining_has_what_either_has(void **state)
{
	const struct {
		struct id_set set;
		struct id_set other;
		struct id_set expected;
	} cases[] = {
	    {SET_OF(0, 1, 5), SET_OF(1, 2), SET_OF(0, 1, 2, 5)},
	    {SET_OF(0), SET_OF(64, 8191), SET_OF(0, 64, 8191)},
	    {SET_OF(0, 1), {{0}}, SET_OF(0, 1)},
	    {{{0}}, SET_OF(63), SET_OF(63)},
	    {{{0}}, {{0}}, {{0}}},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		struct id_set set = cases[i].set;

		id_set_join(&set, &cases[i].other);
		assert_true(id_set_equal(&set, &cases[i].expected));
		id_set_join(&set, &set);
		assert_true(id_set_equal(&set, &cases[i].expected));
	}
}

static void removing_leaves_what_the_other_has_not(void **state)
{
	const struct {
		struct id_set set;
		struct id_set other;
		struct id_set expected;
	} cases[] = {
	    {SET_OF(0, 1, 2, 5), SET_OF(1, 2, 3), SET_OF(0, 5)},
	    {SET_OF(0, 64, 8191), SET_OF(64), SET_OF(0, 8191)},
	    {SET_OF(0, 64, 8191), SET_OF(0, 8191), SET_OF(64)},
	    {SET_OF(0, 1), SET_OF(2, 3), SET_OF(0, 1)},
	    {SET_OF(0, 1), SET_OF(0, 1, 2), {{0}}},
	    {SET_OF(0, 1), {{0}}, SET_OF(0, 1)},
	    {{{0}}, SET_OF(0, 1), {{0}}},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		struct id_set set = cases[i].set;
		struct id_set other = cases[i].other;

		id_set_remove(&set, &other);
		assert_true(id_set_equal(&set, &cases[i].expected));
		assert_true(id_set_equal(&other, &cases[i].other));
		id_set_remove(&set, &set);
		assert_true(id_set_is_empty(&set));
	}
}

static void sets_meet_that_have_a_member_in_common(void **state)
{
	const struct {
		struct id_set set;
		struct id_set other;
		bool expected;
	} cases[] = {
	    {SET_OF(1, 2), SET_OF(2, 3), true},
	    {SET_OF(1, 2), SET_OF(1, 2), true},
	    {SET_OF(0, 1, 2, 3), SET_OF(3), true},
	    {SET_OF(0, 8191), SET_OF(63, 8191), true},
	    {SET_OF(63), SET_OF(64), false},
	    {SET_OF(0), SET_OF(64), false},
	    {SET_OF(0), SET_OF(8191), false},
	    {SET_OF(1, 3, 5), SET_OF(0, 2, 4), false},
	    {SET_OF(1), {{0}}, false},
	    {{{0}}, {{0}}, false},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		assert_int_equal(id_set_meets(&cases[i].set, &cases[i].other), cases[i].expected);
		assert_int_equal(id_set_meets(&cases[i].other, &cases[i].set), cases[i].expected);
	}
}

static void sets_are_equal_that_have_the_same_members(void **state)
{
	const struct {
		struct id_set set;
		struct id_set other;
		bool expected;
	} cases[] = {
	    {SET_OF(1, 2), SET_OF(2, 1, 1), true},
	    {{{0}}, {{0}}, true},
	    {SET_OF(1), SET_OF(1, 2), false},
	    {SET_OF(1, 2), SET_OF(1), false},
	    {SET_OF(0), {{0}}, false},
	    {SET_OF(0), SET_OF(8191), false},
	    {SET_OF(0), SET_OF(64), false},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(cases); i++)
		assert_int_equal(id_set_equal(&cases[i].set, &cases[i].other), cases[i].expected);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(members_are_those_added),
	    cmocka_unit_test(ids_out_of_range_are_left_out),
	    cmocka_unit_test(the_layout_is_the_kernels),
	    cmocka_unit_test(holding_is_being_no_smaller),
	    cmocka_unit_test(sets_are_written_as_the_kernel_does),
	    cmocka_unit_test(a_full_set_is_one_range),
	    cmocka_unit_test(what_does_not_fit_is_cut),
	    cmocka_unit_test(lists_are_read_as_the_kernel_writes_them),
	    cmocka_unit_test(what_is_no_such_list_is_refused),
	    cmocka_unit_test(what_was_written_is_read_again),
	    cmocka_unit_test(the_longest_list_is_read_and_a_longer_text_refused),
	    cmocka_unit_test(cutting_leaves_what_both_have),
	    cmocka_unit_test(joining_has_what_either_has),
	    cmocka_unit_test(removing_leaves_what_the_other_has_not),
	    cmocka_unit_test(sets_meet_that_have_a_member_in_common),
	    cmocka_unit_test(sets_are_equal_that_have_the_same_members),
	};

	return RUN_TESTS(tests);
}
