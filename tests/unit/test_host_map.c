/* Which guest belongs to which node: host_map.c, and the memory of nodes: host_memory.c. */
#include "map_world.h"

#include <errno.h>

static struct world world;

#define HOST "package:4 numa:1 core:2 pu:1"

static void check_guests(const struct map_guests *guests, const char *names)
{
	char text[1024] = "";

	for (size_t i = 0; i < guests->count; i++)
		text_add(text, sizeof(text), "%s%s", i > 0 ? " " : "", guests->at[i]->guest);
	assert_string_equal(text, names);
}

static void check_span(size_t index, const char *nodes, const char *names)
{
	char text[ID_SET_TEXT_SIZE];

	assert_true(index < world.map.span_count);
	assert_string_equal(id_set_format(&world.map.spans[index].nodes, text, sizeof(text)),
			    nodes);
	check_guests(&world.map.spans[index].guests, names);
}

/* --- guests --- */

static void a_guest_is_on_the_node_of_its_cpus(void **state)
{
	(void)state;
	world_open(&world, HOST);
	world_guest(&world, "whole", "2-3", VERDICT_PLACED, 1);
	world_guest(&world, "part", "3", VERDICT_DRIFTED, 1);
	world_guest(&world, "last", "6,7", VERDICT_PLACED, 1);
	world_map(&world);
	assert_int_equal(world.map.node_count, 4);
	assert_int_equal(world.map.cpu_count, 8);
	assert_int_equal(world.map.guest_count, 3);
	check_guests(&world.map.nodes[0].guests, "");
	check_guests(&world.map.nodes[1].guests, "whole part");
	check_guests(&world.map.nodes[2].guests, "");
	check_guests(&world.map.nodes[3].guests, "last");
	assert_int_equal(world.map.span_count, 0);
	assert_int_equal(world.map.counts[VERDICT_PLACED], 2);
	assert_int_equal(world.map.counts[VERDICT_DRIFTED], 1);
	assert_int_equal(world.map.counts[VERDICT_NO_RULE], 0);
	world_close(&world);
}

static void a_guest_on_several_nodes_is_shown_once(void **state)
{
	(void)state;
	world_open(&world, HOST);
	world_guest(&world, "two", "0-3", VERDICT_PLACED, 1);
	world_guest(&world, "all", "0-7", VERDICT_NO_RULE, 1);
	world_guest(&world, "two-parts", "1,2", VERDICT_PLACED, 1);
	world_guest(&world, "others", "4-7", VERDICT_PLACED, 1);
	world_guest(&world, "more-than-all", "0-255", VERDICT_NO_RULE, 1);
	world_map(&world);
	for (size_t i = 0; i < 4; i++)
		check_guests(&world.map.nodes[i].guests, "");
	assert_int_equal(world.map.span_count, 3);
	check_span(0, "0-3", "all more-than-all");
	check_span(1, "0-1", "two two-parts");
	check_span(2, "2-3", "others");
	assert_true(host_map_is_all(&world.map, &world.map.spans[0]));
	assert_false(host_map_is_all(&world.map, &world.map.spans[1]));
	world_close(&world);
}

static void guests_of_unknown_cpus_come_last(void **state)
{
	(void)state;
	world_open(&world, HOST);
	world_guest(&world, "nowhere", "", VERDICT_UNKNOWN, 0);
	world_guest(&world, "all", "0-7", VERDICT_NO_RULE, 1);
	world_guest(&world, "gone", "1000", VERDICT_UNKNOWN, 0);
	world_map(&world);
	assert_int_equal(world.map.span_count, 2);
	check_span(0, "0-3", "all");
	check_span(1, "none", "nowhere gone");
	world_close(&world);
}

/* hwloc gives such a node the CPUs that are near to it; no guest runs there for that. */
static void a_node_may_have_no_cpus(void **state)
{
	(void)state;
	world_open(&world, "package:2 numa:2 core:2 pu:1");
	world_node_file(0, "cpulist", "0-1\n");
	world_node_file(1, "cpulist", "\n");
	world_node_file(2, "cpulist", "2-3\n");
	world_node_file(3, "cpulist", "\n");
	world_guest(&world, "first", "0-1", VERDICT_PLACED, 1);
	world_guest(&world, "all", "0-3", VERDICT_PLACED, 1);
	world_map(&world);
	assert_int_equal(world.map.node_count, 4);
	assert_true(id_set_is_empty(&world.map.nodes[1].cpus));
	assert_int_equal(world.map.cpu_count, 4);
	check_guests(&world.map.nodes[0].guests, "first");
	check_guests(&world.map.nodes[1].guests, "");
	check_span(0, "0,2", "all");
	assert_true(host_map_is_all(&world.map, &world.map.spans[0]));
	world_close(&world);
}

static void many_guests_take_no_time(void **state)
{
	double before;

	(void)state;
	world_open(&world, "package:8 numa:1 core:6 pu:1");
	for (size_t i = 0; i < WORLD_GUESTS_MAX; i++)
		world_guest(&world, "web", i % 3 == 0 ? "0-47" : "6-11", VERDICT_PLACED, 1);
	before = milliseconds();
	world_map(&world);
	assert_true(milliseconds() - before < 200 * SLOWNESS);
	assert_int_equal(world.map.nodes[1].guests.count + world.map.spans[0].guests.count,
			 WORLD_GUESTS_MAX);
	world_close(&world);
}

/* Another host by the environment is not this one. */
static void the_environment_does_not_count(void **state)
{
	hwloc_topology_t topology;
	struct error error;

	(void)state;
	assert_int_equal(setenv("HWLOC_SYNTHETIC", "package:3 numa:1 core:5 pu:1", 1), 0);
	assert_int_equal(setenv("HWLOC_XMLFILE", "/nowhere.xml", 1), 0);
	assert_int_equal(setenv("LSTOPO_TEXT_XSCALE", "3", 1), 0);
	assert_int_equal(setenv("HWLOCALE", "kept", 1), 0);
	assert_int_equal(host_topology_load(&topology, &error), 0);
	assert_null(getenv("HWLOC_SYNTHETIC"));
	assert_null(getenv("HWLOC_XMLFILE"));
	assert_null(getenv("LSTOPO_TEXT_XSCALE"));
	assert_string_equal(getenv("HWLOCALE"), "kept");
	assert_true(hwloc_topology_is_thissystem(topology));
	assert_int_equal(hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_PU),
			 sysconf(_SC_NPROCESSORS_ONLN));
	hwloc_topology_destroy(topology);
}

/* --- the memory of a node --- */

static void the_memory_of_a_node_is_read(void **state)
{
	struct host_memory memory;

	(void)state;
	world_meminfo(1, 1000, 300, 250, 50, 20);
	host_memory_read("sys", 1, &memory);
	assert_true(memory.known);
	assert_int_equal(memory.total, 1000 * 1024);
	assert_int_equal(memory.free, 300 * 1024);
	/* Files, without what is shared memory, as guests' is. */
	assert_int_equal(memory.cache, 220 * 1024);
	assert_int_equal(host_memory_used(&memory), 480 * 1024);
	assert_int_equal(memory.huge_page_sizes, 0);
}

static void more_cache_than_is_in_use_is_cut(void **state)
{
	struct host_memory memory;

	(void)state;
	world_meminfo(0, 1000, 900, 400, 0, 0);
	host_memory_read("sys", 0, &memory);
	assert_int_equal(memory.cache, 100 * 1024);
	assert_int_equal(host_memory_used(&memory), 0);
}

static void memory_that_cannot_be_read_is_not_known(void **state)
{
	static const char *const texts[] = {
	    "",
	    "Node 0 MemTotal: 1000 kB\n",
	    "Node 0 MemFree: 1000 kB\n",
	    "Node 0 MemTotal: many kB\nNode 0 MemFree: 1 kB\n",
	    "Node 0 MemTotal: 1000 kB\nNode 0 MemFree: 2000 kB\n",
	    "Node 0 OldMemTotal: 1000 kB\nNode 0 NoMemFree: 20 kB\n",
	};
	struct host_memory memory;

	(void)state;
	host_memory_read("sys", 0, &memory);
	assert_false(memory.known);
	for (size_t i = 0; i < LENGTH_OF(texts); i++) {
		world_node_file(0, "meminfo", texts[i]);
		host_memory_read("sys", 0, &memory);
		if (memory.known)
			fail_msg("%s", texts[i]);
	}
	/* What there is hwloc still knows. */
	world_open(&world, HOST);
	world_map(&world);
	assert_false(world.map.nodes[0].memory.known);
	assert_true(world.map.nodes[0].memory.total > 0);
	world_close(&world);
}

static void the_huge_pages_of_a_node_are_read(void **state)
{
	struct host_memory memory;

	(void)state;
	world_node_file(0, "hugepages/hugepages-1048576kB/nr_hugepages", "2\n");
	world_node_file(0, "hugepages/hugepages-1048576kB/free_hugepages", "1\n");
	world_node_file(0, "hugepages/hugepages-2048kB/nr_hugepages", "512\n");
	world_node_file(0, "hugepages/hugepages-2048kB/free_hugepages", "10\n");
	world_node_file(0, "hugepages/hugepages-64kB/nr_hugepages", "0\n");
	world_node_file(0, "hugepages/hugepages-64kB/free_hugepages", "0\n");
	world_node_file(0, "hugepages/hugepages-32kB/nr_hugepages", "many\n");
	world_node_file(0, "hugepages/hugepages-kB/nr_hugepages", "1\n");
	host_memory_read("sys", 0, &memory);
	assert_int_equal(memory.huge_page_sizes, 2);
	assert_int_equal(memory.huge_pages[0].size, 2 << 20);
	assert_int_equal(memory.huge_pages[0].total, 512);
	assert_int_equal(memory.huge_pages[0].free, 10);
	assert_int_equal(memory.huge_pages[1].size, 1 << 30);
	assert_int_equal(memory.huge_pages[1].free, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, enter_directory, leave_directory)
	static const struct CMUnitTest tests[] = {
	    TEST(a_guest_is_on_the_node_of_its_cpus),
	    TEST(a_guest_on_several_nodes_is_shown_once),
	    TEST(guests_of_unknown_cpus_come_last),
	    TEST(a_node_may_have_no_cpus),
	    TEST(many_guests_take_no_time),
	    TEST(the_environment_does_not_count),
	    TEST(the_memory_of_a_node_is_read),
	    TEST(more_cache_than_is_in_use_is_cut),
	    TEST(memory_that_cannot_be_read_is_not_known),
	    TEST(the_huge_pages_of_a_node_are_read),
	};

	return RUN_TESTS(tests);
}
