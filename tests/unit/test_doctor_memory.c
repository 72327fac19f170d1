/* What guest-pinning doctor says of nodes and memory: doctor_placement.c, _memory.c, _pages.c. */
#include "doctor_world.h"

#define THP "sys/kernel/mm/transparent_hugepage/"
#define KSM "sys/kernel/mm/ksm/"

static void nodes_that_are_seen_are_good(void **state)
{
	(void)state;
	assert_string_equal(check_is("NUMA nodes", SEVERITY_GOOD)->present, "2, 2 packages");
	make_nodes("0\n");
	make_file("sys/devices/system/cpu/cpu1/topology/physical_package_id", "0\n");
	assert_string_equal(check_is("NUMA nodes", SEVERITY_GOOD)->present, "1, 1 package");
}

static void nodes_that_the_firmware_hides_are_bad(void **state)
{
	(void)state;
	make_nodes("0\n");
	check_has(check_is("NUMA nodes", SEVERITY_BAD)->command, "Node Interleaving: Disabled");
	/* a kernel without NUMA has no such directory */
	assert_int_equal(remove_tree("sys/devices/system/node"), 0);
	check_is("NUMA nodes", SEVERITY_BAD);
	make_file("proc/cmdline", "root=/dev/vda numa=off quiet\n");
	check_has(check_is("NUMA nodes", SEVERITY_BAD)->command, "numa=off");
	make_file("proc/cmdline", "root=/dev/vda nonuma=off\n");
	check_has(check_is("NUMA nodes", SEVERITY_BAD)->command, "Node Interleaving");
}

static void nodes_are_a_hypervisors_affair_in_a_guest(void **state)
{
	(void)state;
	make_nodes("0\n");
	make_file("proc/cpuinfo", "processor\t: 0\nflags\t\t: fpu hypervisor vmx\n");
	check_has(check_is("NUMA nodes", SEVERITY_NOTICE)->reason, "hypervisor");
}

static void nodes_that_cannot_be_told_are_unknown(void **state)
{
	(void)state;
	make_nodes("x\n");
	check_is("NUMA nodes", SEVERITY_UNKNOWN);
	make_unreadable("sys/devices/system/node/online");
	check_is("NUMA nodes", SEVERITY_UNKNOWN);
	/* and then nothing is left out as if there were one */
	make_file("proc/sys/vm/zone_reclaim_mode", "1\n");
	check_is("vm.zone_reclaim_mode", SEVERITY_NOTICE);
	/* packages that the kernel does not number (-1) are none */
	assert_int_equal(rmdir("sys/devices/system/node/online"), 0);
	make_nodes("0\n");
	make_file("sys/devices/system/cpu/cpu0/topology/physical_package_id", "-1\n");
	make_file("sys/devices/system/cpu/cpu1/topology/physical_package_id", "-1\n");
	check_is("NUMA nodes", SEVERITY_GOOD);
}

static void balancing_is_a_notice_where_all_guests_have_nodes(void **state)
{
	const struct finding *found;

	(void)state;
	make_file("proc/sys/kernel/numa_balancing", "1\n");
	check_has(check_is("kernel.numa_balancing", SEVERITY_GOOD)->reason, "gain by it");
	doctor.needs.catches_all = true;
	found = check_is("kernel.numa_balancing", SEVERITY_NOTICE);
	assert_string_equal(found->present, "1");
	assert_string_equal(found->wanted, "0");
	assert_string_equal(found->command, "sysctl -w kernel.numa_balancing=0");
	make_file("proc/sys/kernel/numa_balancing", "2\n");
	check_is("kernel.numa_balancing", SEVERITY_NOTICE);
	make_file("proc/sys/kernel/numa_balancing", "0\n");
	check_is("kernel.numa_balancing", SEVERITY_GOOD);
	make_nodes("0\n");
	check_is("kernel.numa_balancing", SEVERITY_SKIPPED);
	make_nodes("0-1\n");
	check_number("kernel.numa_balancing", "proc/sys/kernel/numa_balancing");
}

static void reclaim_is_wanted_off(void **state)
{
	(void)state;
	make_file("proc/sys/vm/zone_reclaim_mode", "0\n");
	check_is("vm.zone_reclaim_mode", SEVERITY_GOOD);
	make_file("proc/sys/vm/zone_reclaim_mode", "1\n");
	assert_null(strstr(check_is("vm.zone_reclaim_mode", SEVERITY_NOTICE)->reason, "swaps"));
	make_file("proc/sys/vm/zone_reclaim_mode", "7\n");
	check_has(check_is("vm.zone_reclaim_mode", SEVERITY_NOTICE)->reason, "swaps");
	make_nodes("0\n");
	check_is("vm.zone_reclaim_mode", SEVERITY_SKIPPED);
	make_nodes("0-1\n");
	check_number("vm.zone_reclaim_mode", "proc/sys/vm/zone_reclaim_mode");
}

static void merging_across_nodes_is_bad_for_bound_memory(void **state)
{
	static const char name[] = "ksm/merge_across_nodes";
	const struct finding *found;

	(void)state;
	make_file(KSM "run", "0\n");
	make_file(KSM "merge_across_nodes", "1\n");
	assert_string_equal(check_is(name, SEVERITY_GOOD)->present, "off");
	make_file(KSM "run", "2\n");
	check_is(name, SEVERITY_GOOD);
	make_file(KSM "run", "1\n");
	found = check_is(name, SEVERITY_BAD);
	assert_string_equal(found->command, "cd /sys/kernel/mm/ksm && echo 2 >run && echo 0 "
					    ">merge_across_nodes && echo 1 >run");
	doctor.needs.merges = false;
	check_is(name, SEVERITY_NOTICE);
	make_file(KSM "merge_across_nodes", "0\n");
	check_is(name, SEVERITY_GOOD);
	check_number(name, KSM "merge_across_nodes");
	check_number(name, KSM "run");
}

static void swapping_matters_where_memory_is_bound_and_there_is_swap(void **state)
{
	(void)state;
	make_file("proc/sys/vm/swappiness", "60\n");
	check_is("vm.swappiness", SEVERITY_SKIPPED);
	make_file("proc/swaps", "Filename Type Size Used Priority\n");
	check_is("vm.swappiness", SEVERITY_SKIPPED);
	make_file("proc/swaps", "Filename Type Size Used Priority\n/dev/sda2 partition 1 0 -2\n");
	assert_string_equal(check_is("vm.swappiness", SEVERITY_NOTICE)->wanted, "10 or less");
	make_file("proc/sys/vm/swappiness", "10\n");
	check_is("vm.swappiness", SEVERITY_GOOD);
	make_file("proc/sys/vm/swappiness", "11\n");
	check_is("vm.swappiness", SEVERITY_NOTICE);
	doctor.needs.binds = false;
	check_is("vm.swappiness", SEVERITY_SKIPPED);
	doctor.needs.binds = true;
	check_number("vm.swappiness", "proc/sys/vm/swappiness");
}

/* Of a file of choices: which is good, which is not, and what is none. */
static void check_choice(const char *name, const char *path, const char *good, const char *wrong)
{
	static const char *const garbage[] = {"", "always\n", "[\n", "always [madvise\n", "]a[\n"};

	make_file(path, good);
	check_is(name, SEVERITY_GOOD);
	make_file(path, wrong);
	check_is(name, SEVERITY_NOTICE);
	for (size_t i = 0; i < LENGTH_OF(garbage); i++) {
		make_file(path, garbage[i]);
		check_is(name, SEVERITY_UNKNOWN);
	}
	make_unreadable(path);
	check_is(name, SEVERITY_UNKNOWN);
	assert_int_equal(rmdir(path), 0);
	check_is(name, SEVERITY_SKIPPED);
}

static void transparent_huge_pages_are_looked_at(void **state)
{
	(void)state;
	check_choice("transparent_hugepage/enabled", THP "enabled", "always [madvise] never\n",
		     "always madvise [never]\n");
	check_choice("transparent_hugepage/defrag", THP "defrag",
		     "always defer defer+madvise [madvise] never\n",
		     "[always] defer defer+madvise madvise never\n");
	make_file(THP "enabled", "[always] madvise never\n");
	assert_string_equal(check_is("transparent_hugepage/enabled", SEVERITY_GOOD)->present,
			    "always");
	make_file(THP "khugepaged/defrag", "1\n");
	check_is("khugepaged/defrag", SEVERITY_GOOD);
	make_file(THP "khugepaged/defrag", "0\n");
	check_is("khugepaged/defrag", SEVERITY_NOTICE);
	check_number("khugepaged/defrag", THP "khugepaged/defrag");
}

static void make_pool(unsigned int node, const char *pages)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path),
		 "sys/devices/system/node/node%u/hugepages/hugepages-2048kB/nr_hugepages", node);
	make_file(path, pages);
}

static void pools_are_wanted_where_rules_ask_for_them(void **state)
{
	static const char name[] = "huge pages of 2M";
	const struct finding *found;
	struct policy_pool *pool = doctor.needs.pools;

	(void)state;
	check_is("huge pages", SEVERITY_SKIPPED);
	*pool = (struct policy_pool){.size = 2 << 20, .nodes = set_of("0-1"), .rule = "policy:7"};
	doctor.needs.pool_count = 1;
	make_pool(0, "512\n");
	make_pool(1, "128\n");
	assert_string_equal(check_is(name, SEVERITY_GOOD)->present, "node 0: 512, node 1: 128");
	make_pool(1, "0\n");
	found = check_is(name, SEVERITY_NOTICE); /* the other node's have to do */
	assert_string_equal(found->command, "echo PAGES >/sys/devices/system/node/node1/hugepages/"
					    "hugepages-2048kB/nr_hugepages");
	check_has(found->reason, "policy:7");
	pool->evenly = true;
	check_is(name, SEVERITY_BAD);
	pool->preferred = true;
	check_is(name, SEVERITY_NOTICE);
	*pool = (struct policy_pool){.size = 2 << 20, .nodes = set_of("1"), .rule = "policy:7"};
	check_has(check_is(name, SEVERITY_BAD)->reason, "do not start");
	pool->preferred = true;
	check_has(check_is(name, SEVERITY_NOTICE)->reason, "normal pages");
	pool->nodes = set_of("5"); /* which has no memory */
	check_is(name, SEVERITY_NOTICE);
	pool->nodes = set_of("0");
	make_pool(0, "many\n");
	check_is(name, SEVERITY_UNKNOWN);
}

static void commands_for_many_pools_are_whole_lines(void **state)
{
	const struct finding *found;

	(void)state;
	doctor.needs.pools[0] =
	    (struct policy_pool){.size = 1 << 30, .nodes = set_of("0-1023"), .rule = "policy:7"};
	doctor.needs.pool_count = 1;
	found = check_is("huge pages of 1G", SEVERITY_BAD);
	assert_true(strlen(found->command) < sizeof(found->command) - 1);
	assert_string_equal(strrchr(found->command, '/'), "/nr_hugepages");
}

#define WORLD(test) cmocka_unit_test_setup_teardown(test, enter_world, leave_world)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    WORLD(nodes_that_are_seen_are_good),
	    WORLD(nodes_that_the_firmware_hides_are_bad),
	    WORLD(nodes_are_a_hypervisors_affair_in_a_guest),
	    WORLD(nodes_that_cannot_be_told_are_unknown),
	    WORLD(balancing_is_a_notice_where_all_guests_have_nodes),
	    WORLD(reclaim_is_wanted_off),
	    WORLD(merging_across_nodes_is_bad_for_bound_memory),
	    WORLD(swapping_matters_where_memory_is_bound_and_there_is_swap),
	    WORLD(transparent_huge_pages_are_looked_at),
	    WORLD(pools_are_wanted_where_rules_ask_for_them),
	    WORLD(commands_for_many_pools_are_whole_lines),
	};

	return RUN_TESTS(tests);
}
