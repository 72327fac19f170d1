#include "sets.h"
#include "spec_explain.h"
#include "tree.h"

static const struct roots made = {.proc = "proc", .sys = "sys"};

static void check(enum spec_kind kind, const char *text, const char *allowed, const char *wanted)
{
	struct id_set set = set_of(allowed);
	struct error error;

	assert_int_equal(spec_explain(&made, kind, text, &set, "nobody knows", &error), -EINVAL);
	assert_string_equal(error.text, wanted);
}

/* Nodes 0 to 3: of these 1 has no memory, and 3 is not allowed. */
static int enter_host(void **state)
{
	if (enter_directory(state) != 0)
		return -1;
	for (int node = 0; node < 4; node++) {
		char path[64];
		char text[64];

		snprintf(path, sizeof(path), "sys/devices/system/node/node%d/meminfo", node);
		snprintf(text, sizeof(text), "\nNode %d MemTotal:       %s kB\n", node,
			 node == 1 ? "0" : "99999999999");
		make_file(path, text);
	}
	make_file("sys/devices/system/node/online", "0-3\n");
	make_file("sys/devices/system/node/node", "");
	make_file("sys/devices/system/node/nodes5", "");
	return 0;
}

static void each_reason_is_told_from_the_others(void **state)
{
	(void)state;
	check(SPEC_NODES, "0,7", "0,2", "node 7 of '0,7' does not exist: this host has node 0-3");
	check(SPEC_NODES, "0-7", "0,2", "node 7 of '0-7' does not exist: this host has node 0-3");
	check(SPEC_NODES, "1", "0,2", "node 1 of '1' has no memory");
	check(SPEC_NODES, "3", "0,2",
	      "node 3 of '3' is outside the cpuset of this process, which allows memory of node "
	      "0,2");
	check(SPEC_NODES, "!3", "0,2",
	      "node 3 of '!3' is outside the cpuset of this process, which allows memory of node "
	      "0,2");
	check(SPEC_NODES, "+2", "0,2",
	      "'+2': only +0 to +1 exist, for this process may use node 0,2");
	check(SPEC_NODES, "+0-2", "0,2",
	      "'+0-2': only +0 to +1 exist, for this process may use node 0,2");
	check(SPEC_NODES, "0", "0,2", "'0' names no node of this host: nobody knows");
	check(SPEC_NODES, "netdev:lo", "0", "'netdev:lo' names no node of this host: nobody knows");
}

static void what_is_wrong_with_cpus_is_told(void **state)
{
	char wanted[ID_SET_TEXT_SIZE];

	(void)state;
	snprintf(wanted, sizeof(wanted),
		 "CPU 8191 of '8191' does not exist: this host has %ld CPUs",
		 sysconf(_SC_NPROCESSORS_CONF));
	check(SPEC_CPUS, "8191", "0", wanted);
	check(SPEC_CPUS, "0", "1-2",
	      "CPU 0 of '0' is offline or not among those this process may use (1-2)");
	check(SPEC_CPUS, "+5", "1-2",
	      "'+5': only +0 to +1 exist, for this process may use CPU 1-2");
}

/* Then a node is not said to exist, or to have memory. */
static void a_host_that_cannot_be_read_has_nothing(void **state)
{
	(void)state;
	make_file("sys/devices/system/node/node3/meminfo", "MemFree: 1 kB\n");
	check(SPEC_NODES, "3", "0", "node 3 of '3' has no memory");
	assert_int_equal(remove_tree("sys"), 0);
	check(SPEC_NODES, "3", "0", "node 3 of '3' does not exist: this host has node none");
}

int main(void)
{
#define HOST(test) cmocka_unit_test_setup_teardown(test, enter_host, leave_directory)
	const struct CMUnitTest tests[] = {
	    HOST(each_reason_is_told_from_the_others),
	    HOST(what_is_wrong_with_cpus_is_told),
	    HOST(a_host_that_cannot_be_read_has_nothing),
	};

	return RUN_TESTS(tests);
}
