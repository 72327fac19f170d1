#include "error.h"
#include "interrupt_world.h"
#include "interrupts.h"
#include "sets.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>

enum { NOBODY = 65534, GONE = 77 };

static const struct roots roots = {.proc = "world/proc", .sys = "world/sys"};
static struct interrupts interrupts;

static int start(void **state)
{
	if (enter_directory(state) < 0)
		return -1;
	memset(refusals, 0, sizeof(refusals));
	affinities_written = 0;
	make_interrupt(24, "0-3", "eth0-rx-0");
	return interrupts_open(&interrupts, &roots);
}

static int stop(void **state)
{
	interrupts_close(&interrupts);
	return leave_directory(state);
}

/* The interrupt that has the number now. */
static const struct interrupt *the(unsigned int number)
{
	static struct interrupt interrupt;
	struct stat stat_of = {0};

	(void)stat(path_of("world/sys/kernel/irq/%u", number), &stat_of);
	interrupt = (struct interrupt){number, stat_of.st_ino};
	return &interrupt;
}

static void check_set(const struct id_set *set, const char *expected)
{
	static char text[ID_SET_LIST_SIZE];

	assert_string_equal(id_set_format(set, text, sizeof(text)), expected);
}

/* --- the list --- */

/* The numbers, "9 24 "; in which no id stands twice. */
static const char *listed(struct interrupt_list *list)
{
	static char text[1024];

	assert_int_equal(interrupts_list(&interrupts, list), 0);
	*text = '\0';
	for (size_t i = 0; i < list->count; i++) {
		text_add(text, sizeof(text), "%u ", list->at[i].number);
		for (size_t j = 0; j < i; j++)
			assert_true(list->at[i].id != list->at[j].id);
	}
	return text;
}

static void they_are_listed_by_number(void **state)
{
	static const unsigned int numbers[] = {100, 9, 16, 1024, 2, 0, 25, 2147483647};
	struct interrupt_list list = {0};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(numbers); i++)
		make_interrupt(numbers[i], "0", "x");
	assert_string_equal(listed(&list), "0 2 9 16 24 25 100 1024 2147483647 ");
	assert_string_equal(listed(&list), "0 2 9 16 24 25 100 1024 2147483647 ");
	remove_interrupt(16);
	make_interrupt(17, "0", "x");
	assert_string_equal(listed(&list), "0 2 9 17 24 25 100 1024 2147483647 ");
	free(list.at);
}

static void what_is_no_number_is_none(void **state)
{
	static const char *const names[] = {"x",    "07",         "1a",          "-1", "+1",
					    "0x10", "2147483648", "99999999999", "1 ", "1.0"};
	struct interrupt_list list = {0};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(names); i++)
		make_line(path_of("world/sys/kernel/irq/%s/actions", names[i]), "x");
	assert_string_equal(listed(&list), "24 ");
	free(list.at);
}

static void there_may_be_many_or_none(void **state)
{
	enum { MANY = 400 };
	struct interrupt_list list = {0};

	(void)state;
	for (unsigned int i = 0; i < MANY; i++)
		make_interrupt(i * 7 % MANY, "0", "x");
	assert_int_equal(interrupts_list(&interrupts, &list), 0);
	assert_int_equal(list.count, MANY);
	for (unsigned int i = 0; i < MANY; i++)
		assert_int_equal(list.at[i].number, i);
	for (unsigned int i = 0; i < MANY; i++)
		remove_interrupt(i);
	assert_int_equal(interrupts_list(&interrupts, &list), 0);
	assert_int_equal(list.count, 0);
	free(list.at);
}

static void another_one_of_the_same_number_has_another_id(void **state)
{
	struct interrupt_list list = {0};
	ino_t before;

	(void)state;
	assert_string_equal(listed(&list), "24 ");
	before = list.at[0].id;
	set_affinity(24, "1");
	set_actions(24, "other");
	assert_string_equal(listed(&list), "24 ");
	assert_true(list.at[0].id == before);
	make_interrupt(24, "0-3", "eth0-rx-0");
	assert_string_equal(listed(&list), "24 ");
	assert_true(list.at[0].id != before);
	free(list.at);
}

/* --- the CPUs --- */

static void an_affinity_is_read(void **state)
{
	static const struct {
		const char *text;
		const char *expected; /* NULL: it is no list */
	} cases[] = {
	    {"0-3\n", "0-3"},     {"0-3", "0-3"},
	    {"7\n", "7"},         {"0,2-4,8191\n", "0,2-4,8191"},
	    {"\n", "none"},       {"", "none"},
	    {"x\n", NULL},        {"ff\n", NULL},
	    {"3-0\n", NULL},      {"0-8192\n", NULL},
	    {"0-3\n0-3\n", NULL}, {"all\n", NULL},
	    {"01\n", NULL},       {"0-3 \n", NULL},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		struct id_set cpus;
		int result;

		make_file("world/proc/irq/24/smp_affinity_list", cases[i].text);
		result = interrupt_affinity(&interrupts, 24, &cpus);
		if (result != (cases[i].expected != NULL ? 0 : -EINVAL))
			fail_msg("'%s': %d", cases[i].text, result);
		if (result == 0)
			check_set(&cpus, cases[i].expected);
	}
}

static void the_longest_affinity_is_read_and_written(void **state)
{
	static char text[ID_SET_LIST_SIZE];
	struct id_set cpus = {0};
	struct id_set read;

	(void)state;
	for (unsigned int id = 0; id < ID_SET_SIZE; id += 2)
		id_set_add(&cpus, id);
	assert_int_equal(interrupt_set_affinity(&interrupts, the(24), &cpus), 0);
	assert_int_equal(interrupt_affinity(&interrupts, 24, &read), 0);
	assert_true(id_set_equal(&read, &cpus));
	memset(text, '1', sizeof(text) - 1);
	make_file("world/proc/irq/24/smp_affinity_list", text);
	assert_true(interrupt_affinity(&interrupts, 24, &read) < 0);
}

static void where_it_is_delivered_is_where_it_may_be_delivered_in_case_of_doubt(void **state)
{
	static const struct {
		const char *effective; /* NULL: the kernel does not say */
		const char *expected;
	} cases[] = {
	    {NULL, "0-3"}, {"2\n", "2"},   {"1-2\n", "1-2"}, {"\n", "0-3"},
	    {"", "0-3"},   {"x\n", "0-3"}, {"5\n", "5"},
	};
	struct id_set cpus;

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		if (cases[i].effective != NULL)
			make_file("world/proc/irq/24/effective_affinity_list", cases[i].effective);
		assert_int_equal(interrupt_delivery(&interrupts, 24, &cpus), 0);
		check_set(&cpus, cases[i].expected);
	}
}

static void an_affinity_is_written_as_a_list_at_once(void **state)
{
	static const char *const lists[] = {"0", "0-3", "1,3,5-7", "8191", "0-8191"};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(lists); i++) {
		struct id_set cpus = set_of(lists[i]);

		assert_int_equal(interrupt_set_affinity(&interrupts, the(24), &cpus), 0);
		assert_string_equal(affinity(24), lists[i]);
		assert_int_equal(affinities_written, i + 1);
	}
}

static void what_the_kernel_refuses_is_told(void **state)
{
	static const struct {
		int code;
		int expected;
	} cases[] = {
	    {EIO, -EIO}, {EACCES, -EIO}, {EPERM, -EIO}, {ENOSPC, -ENOSPC}, {EINVAL, -EINVAL},
	};
	struct id_set cpus = set_of("1");

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		refusals[24] = cases[i].code;
		assert_int_equal(interrupt_set_affinity(&interrupts, the(24), &cpus),
				 cases[i].expected);
		assert_string_equal(affinity(24), "0-3");
	}
}

/* As a newer kernel makes that of an interrupt which it manages itself. */
static void a_file_that_may_not_be_written_is_one_that_nobody_can_set(void **state)
{
	const struct interrupt *interrupt = the(24);
	struct id_set cpus = set_of("1");
	int status;
	pid_t child;

	(void)state;
	assert_int_equal(chmod("world/proc/irq/24/smp_affinity_list", 0444), 0);
	child = fork(); /* root may write any */
	assert_true(child >= 0);
	if (child == 0) {
		if (geteuid() == 0 && setresuid(NOBODY, NOBODY, NOBODY) < 0)
			_exit(1);
		_exit(interrupt_set_affinity(&interrupts, interrupt, &cpus) == -EIO &&
			      interrupt_affinity(&interrupts, 24, &cpus) == 0
			  ? 0
			  : 2);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_string_equal(affinity(24), "0-3");
}

/* And one that is opened, but does not take it. */
static void a_file_that_takes_nothing_is_one_that_nobody_can_set(void **state)
{
	int file = memfd_create("affinity", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	struct id_set cpus = set_of("1");

	(void)state;
	assert_true(file >= 0);
	assert_int_equal(write(file, "0-3\n", 4), 4);
	assert_int_equal(fcntl(file, F_ADD_SEALS, F_SEAL_WRITE), 0);
	make_link(path_of("/proc/self/fd/%d", file), "world/proc/irq/24/smp_affinity_list");
	assert_int_equal(interrupt_set_affinity(&interrupts, the(24), &cpus), -EIO);
	assert_int_equal(interrupt_affinity(&interrupts, 24, &cpus), 0);
	check_set(&cpus, "0-3");
	close(file);
}

static void one_that_is_gone_is_told(void **state)
{
	char text[INTERRUPT_ACTIONS_SIZE];
	struct id_set cpus = set_of("1");

	(void)state;
	assert_int_equal(interrupt_set_affinity(&interrupts, the(GONE), &cpus), -ENOENT);
	assert_int_equal(access("world/proc/irq/77", F_OK), -1);
	assert_int_equal(interrupt_affinity(&interrupts, GONE, &cpus), -ENOENT);
	assert_int_equal(interrupt_delivery(&interrupts, GONE, &cpus), -ENOENT);
	assert_int_equal(interrupt_actions(&interrupts, GONE, text), -ENOENT);
	remove_interrupt(24);
	assert_int_equal(interrupt_set_affinity(&interrupts, the(24), &cpus), -ENOENT);
	assert_int_equal(interrupt_delivery(&interrupts, 24, &cpus), -ENOENT);
}

static void one_whose_number_is_another_ones_is_not_touched(void **state)
{
	struct interrupt before = *the(24);
	struct id_set cpus = set_of("1");

	(void)state;
	before.id++;
	affinities_written = 0;
	assert_int_equal(interrupt_set_affinity(&interrupts, &before, &cpus), -ENOENT);
	assert_int_equal(affinities_written, 0);
	assert_string_equal(affinity(24), "0-3");
}

/* --- who has asked for it --- */

static void those_who_asked_for_it_are_named(void **state)
{
	static const struct {
		const char *text;
		const char *expected;
	} cases[] = {
	    {"eth0-rx-0\n", "eth0-rx-0"},
	    {"ahci,ehci_hcd:usb1\n", "ahci,ehci_hcd:usb1"},
	    {"vfio-msix[0](0000:06:00.0)\n", "vfio-msix[0](0000:06:00.0)"},
	    {"\n", ""},
	    {"", ""},
	    {"x", "x"},
	    {"a b\n", "a b"},
	};
	static char text[2 * INTERRUPT_ACTIONS_SIZE];
	char actions[INTERRUPT_ACTIONS_SIZE];

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		make_file("world/sys/kernel/irq/24/actions", cases[i].text);
		assert_int_equal(interrupt_actions(&interrupts, 24, actions), 0);
		assert_string_equal(actions, cases[i].expected);
	}
	memset(text, 'x', sizeof(text));
	make_bytes("world/sys/kernel/irq/24/actions", text, INTERRUPT_ACTIONS_SIZE - 1);
	assert_int_equal(interrupt_actions(&interrupts, 24, actions), 0);
	assert_int_equal(strlen(actions), INTERRUPT_ACTIONS_SIZE - 1);
	make_bytes("world/sys/kernel/irq/24/actions", text, INTERRUPT_ACTIONS_SIZE);
	assert_int_equal(interrupt_actions(&interrupts, 24, actions), -E2BIG);
}

/* --- hosts without --- */

static void a_host_that_lists_none_is_told(void **state)
{
	struct interrupts others;

	(void)state;
	assert_int_equal(rename("world/proc/irq", "world/proc/moved"), 0);
	assert_int_equal(interrupts_open(&others, &roots), -ENOENT);
	interrupts_close(&others);
	assert_int_equal(rename("world/proc/moved", "world/proc/irq"), 0);
	assert_int_equal(remove_tree("world/sys/kernel"), 0);
	assert_int_equal(interrupts_open(&others, &roots), -ENOENT);
	interrupts_close(&others);
	interrupts_close(&others); /* once more is no harm */
	make_file("world/sys/kernel/irq", "");
	assert_int_equal(interrupts_open(&others, &roots), -ENOTDIR);
	interrupts_close(&others);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
	static const struct CMUnitTest tests[] = {
	    TEST(they_are_listed_by_number),
	    TEST(what_is_no_number_is_none),
	    TEST(there_may_be_many_or_none),
	    TEST(another_one_of_the_same_number_has_another_id),
	    TEST(an_affinity_is_read),
	    TEST(the_longest_affinity_is_read_and_written),
	    TEST(where_it_is_delivered_is_where_it_may_be_delivered_in_case_of_doubt),
	    TEST(an_affinity_is_written_as_a_list_at_once),
	    TEST(what_the_kernel_refuses_is_told),
	    TEST(a_file_that_may_not_be_written_is_one_that_nobody_can_set),
	    TEST(a_file_that_takes_nothing_is_one_that_nobody_can_set),
	    TEST(one_that_is_gone_is_told),
	    TEST(one_whose_number_is_another_ones_is_not_touched),
	    TEST(those_who_asked_for_it_are_named),
	    TEST(a_host_that_lists_none_is_told),
	};

	return RUN_TESTS(tests);
}
