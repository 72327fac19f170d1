/* What /proc tells of a process: process.c. */
#include "process.h"
#include "tree.h"
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

/* --- when a process was started --- */

/* What is said of a "stat" with that text; "-ENOENT" and the like where it is refused. */
static const char *started_of(const char *text)
{
	static struct process_stat stat;
	int fd = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int result;

	assert_true(fd >= 0);
	if (text != NULL)
		make_file("stat", text);
	memset(&stat, '#', sizeof(stat));
	result = process_stat_read(fd, &stat);
	close(fd);
	if (result == 0)
		return stat.started;
	assert_true(result < 0);
	return result == -ENOENT ? "-ENOENT" : result == -EINVAL ? "-EINVAL" : "another error";
}

#define FIELDS_3_TO_21 " S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 "

static void the_start_of_a_process_is_read(void **state)
{
	static const struct {
		const char *text;
		const char *expected;
	} cases[] = {
	    {"4711 (qemu-kvm)" FIELDS_3_TO_21 "815 1 2 3\n", "815"},
	    {"4711 (qemu-kvm)" FIELDS_3_TO_21 "18446744073709551615 1\n", "18446744073709551615"},
	    {"4711 (qemu-kvm)" FIELDS_3_TO_21 "0 1\n", "0"},
	    {"4711 (qemu-kvm)" FIELDS_3_TO_21 "815", "815"},
	    /* a name may hold anything, see prctl(2), PR_SET_NAME */
	    {"4711 (a) b) ()" FIELDS_3_TO_21 "815 1\n", "815"},
	    {"4711 (a) S 9 9 9 9 9 9 9 9 9 9)" FIELDS_3_TO_21 "815 1\n", "815"},
	    {"4711 ()" FIELDS_3_TO_21 "815 1\n", "815"},
	    {"4711 ())" FIELDS_3_TO_21 "815 1\n", "815"},
	    {"4711 (a\nb)" FIELDS_3_TO_21 "815 1\n", "815"},
	    {"4711 (\xff\x01 \t)" FIELDS_3_TO_21 "815 1\n", "815"},
	    {"4711 (a b c d e f)" FIELDS_3_TO_21 "815 1\n", "815"},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		if (strcmp(started_of(cases[i].text), cases[i].expected) != 0)
			fail_msg("%s: %s", cases[i].text, started_of(NULL));
	}
}

static void a_start_that_cannot_be_read_is_told(void **state)
{
	static const char *const cases[] = {
	    "",
	    "\n",
	    "4711",
	    "4711 (qemu-kvm",
	    "4711 (qemu-kvm)",
	    "4711 (qemu-kvm) S 1 2 3",
	    "4711 (qemu-kvm)" FIELDS_3_TO_21,
	    "4711 qemu-kvm" FIELDS_3_TO_21 "815 1\n",
	    "4711 (qemu-kvm)" FIELDS_3_TO_21 "111111111111111111111111 1\n",
	};

	(void)state;
	assert_string_equal(started_of(NULL), "-ENOENT");
	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		if (strcmp(started_of(cases[i]), "-EINVAL") != 0)
			fail_msg("'%s': %s", cases[i], started_of(NULL));
	}
}

/* As the kernel has it, of this process. */
static void the_kernels_own_is_read(void **state)
{
	struct process_stat stat;
	struct process_stat again;
	int fd = open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(process_stat_read(fd, &stat), 0);
	assert_int_equal(process_stat_read(fd, &again), 0);
	close(fd);
	assert_true(strlen(stat.started) > 0);
	assert_int_equal(strspn(stat.started, "0123456789"), strlen(stat.started));
	assert_string_equal(stat.started, again.started);
	assert_int_equal(stat.priority.nice, getpriority(PRIO_PROCESS, 0));
	assert_int_equal(stat.priority.scheduler, sched_getscheduler(0));
}

/* --- the other fields --- */

#define NAMED(name) "4711 (" name ")"
/* Fields 3 to 41, but for those that are read. */
#define FIELDS(nice, started, processor, realtime, scheduler)            \
	" S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 " nice " 17 18 " started \
	" 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34 35 " processor " " realtime " " scheduler

static int read_stat(struct process_stat *stat, const char *text)
{
	int fd = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int result;

	assert_true(fd >= 0);
	make_file("stat", text);
	memset(stat, '#', sizeof(*stat));
	result = process_stat_read(fd, stat);
	close(fd);
	return result;
}

static void all_fields_are_read(void **state)
{
	static const struct {
		const char *text;
		struct process_stat expected;
	} cases[] = {
	    {NAMED("kvm") FIELDS("0", "815", "0", "0", "0") " 42 43\n",
	     {"kvm", "815", 0, {0, 0, 0}}},
	    {NAMED("CPU 3/KVM") FIELDS("-20", "1", "8191", "0", "3") " 0\n",
	     {"CPU 3/KVM", "1", 8191, {-20, SCHED_BATCH, 0}}},
	    {NAMED("x") FIELDS("19", "1", "7", "99", "1") " 0\n",
	     {"x", "1", 7, {19, SCHED_FIFO, 99}}},
	    {NAMED("x") FIELDS("-1", "1", "7", "1", "2"), {"x", "1", 7, {-1, SCHED_RR, 1}}},
	    /* what an older kernel does not write is 0 */
	    {NAMED("x") " S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 5 17 18 815\n",
	     {"x", "815", 0, {5, 0, 0}}},
	    /* numbers that are none */
	    {NAMED("x") FIELDS("a", "1", "-", "+1", "99999999999") " 0\n",
	     {"x", "1", 0, {0, 0, 0}}},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		const struct process_stat *expected = &cases[i].expected;
		struct process_stat stat;

		assert_int_equal(read_stat(&stat, cases[i].text), 0);
		assert_string_equal(stat.name, expected->name);
		assert_string_equal(stat.started, expected->started);
		assert_int_equal(stat.processor, expected->processor);
		assert_int_equal(stat.priority.nice, expected->priority.nice);
		assert_int_equal(stat.priority.scheduler, expected->priority.scheduler);
		assert_int_equal(stat.priority.realtime, expected->priority.realtime);
	}
}

/* A name that says it is the rest of the line changes nothing of it. */
static void a_name_of_any_bytes_is_only_a_name(void **state)
{
	static const char *const names[] = {
	    "",
	    ")",
	    "(",
	    ") (",
	    "a) R 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 -20 1 2 3",
	    "\n1 (x) R 1 1",
	    " \t\v",
	    "\xff\x01\x7f",
	    "CPU 0/KVM",
	    "%s%n%d",
	};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(names); i++) {
		struct process_stat stat;
		char text[1024];

		snprintf(text, sizeof(text), "4711 (%s)%s\n", names[i],
			 FIELDS("5", "815", "3", "2", "1"));
		assert_int_equal(read_stat(&stat, text), 0);
		assert_string_equal(stat.name, names[i]);
		assert_string_equal(stat.started, "815");
		assert_int_equal(stat.priority.nice, 5);
		assert_int_equal(stat.processor, 3);
		assert_int_equal(stat.priority.realtime, 2);
		assert_int_equal(stat.priority.scheduler, SCHED_FIFO);
	}
}

/* The kernel's own are the longest (wq_worker_comm in its kernel/workqueue.c). */
static void a_name_has_its_greatest_length(void **state)
{
	char name[PROCESS_NAME_SIZE + 1];
	struct process_stat stat;
	char text[1024];

	(void)state;
	for (size_t length = PROCESS_NAME_SIZE - 2; length <= PROCESS_NAME_SIZE; length++) {
		int result;

		memset(name, 'n', length);
		name[length] = '\0';
		snprintf(text, sizeof(text), "1 (%s)" FIELDS_3_TO_21 "815 1\n", name);
		result = read_stat(&stat, text);
		assert_int_equal(result, length < PROCESS_NAME_SIZE ? 0 : -EINVAL);
		if (result == 0)
			assert_string_equal(stat.name, name);
	}
}

static void a_file_that_is_too_long_is_refused(void **state)
{
	static char text[5000];
	struct process_stat stat;

	(void)state;
	memset(text, ' ', sizeof(text) - 1);
	memcpy(text, "1 (x)", 5);
	assert_int_equal(read_stat(&stat, text), -E2BIG);
	assert_string_equal(stat.started, "");
}

/* A thread has a "stat" of its own, with a name of its own. */
static void the_name_of_a_thread_is_read(void **state)
{
	static const char name[] = "CPU (0)/\n KVM";
	struct process_stat stat;
	char path[64];
	char before[16];
	int fd;

	(void)state;
	assert_int_equal(prctl(PR_GET_NAME, before), 0);
	assert_int_equal(prctl(PR_SET_NAME, name), 0);
	snprintf(path, sizeof(path), "/proc/self/task/%d", (int)getpid());
	fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(process_stat_read(fd, &stat), 0);
	close(fd);
	assert_int_equal(prctl(PR_SET_NAME, before), 0);
	assert_string_equal(stat.name, name);
	assert_true(stat.processor < 8192);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, enter_directory, leave_directory)
	static const struct CMUnitTest tests[] = {
	    TEST(the_start_of_a_process_is_read),
	    TEST(a_start_that_cannot_be_read_is_told),
	    TEST(the_kernels_own_is_read),
	    TEST(all_fields_are_read),
	    TEST(a_name_of_any_bytes_is_only_a_name),
	    TEST(a_name_has_its_greatest_length),
	    TEST(a_file_that_is_too_long_is_refused),
	    TEST(the_name_of_a_thread_is_read),
	};

	return RUN_TESTS(tests);
}
