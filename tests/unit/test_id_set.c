#include "id_set.h"
#include "unit.h"

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
	};

	return RUN_TESTS(tests);
}
