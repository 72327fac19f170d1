/* The guests in hwloc's XML: map_xml.c. */
#include "map_world.h"
#include "map_xml.h"

static struct world world;
static hwloc_topology_t drawn; /* what lstopo would read */
static struct map_arrangement arrangement;

static void xml_make(void)
{
	struct error error;
	size_t length;
	char *xml;

	world_map(&world);
	if (map_xml_make(&world.map, world.topology, &xml, &length, &arrangement, &error) < 0)
		fail_msg("%s", error.text);
	assert_int_equal(hwloc_topology_init(&drawn), 0);
	assert_int_equal(hwloc_topology_set_xmlbuffer(drawn, xml, (int)length + 1), 0);
	assert_int_equal(hwloc_topology_set_all_types_filter(drawn, HWLOC_TYPE_FILTER_KEEP_ALL), 0);
	assert_int_equal(hwloc_topology_load(drawn), 0);
	free(xml);
}

static void xml_close(void)
{
	hwloc_topology_destroy(drawn);
	world_close(&world);
}

static hwloc_obj_t misc_find(const char *name)
{
	hwloc_obj_t object = NULL;

	while ((object = hwloc_get_next_obj_by_type(drawn, HWLOC_OBJ_MISC, object)) != NULL) {
		if (object->name != NULL && strcmp(object->name, name) == 0)
			return object;
	}
	fail_msg("there is no '%s'", name);
	return NULL;
}

static void check_parent(const char *name, hwloc_obj_type_t type, unsigned int index)
{
	hwloc_obj_t parent = misc_find(name)->parent;

	assert_int_equal(parent->type, type);
	assert_int_equal(parent->os_index, index);
}

static void a_guest_is_in_the_smallest_object_of_its_cpus(void **state)
{
	(void)state;
	world_open(&world, "package:2 numa:1 core:2 pu:2");
	world_guest(&world, "node", "4-7", VERDICT_PLACED, 1);
	world_guest(&world, "core", "6-7", VERDICT_PLACED, 1);
	world_guest(&world, "cpu", "7", VERDICT_PLACED, 1);
	world_guest(&world, "three", "4-6", VERDICT_PLACED, 1);
	xml_make();
	check_parent("+ node", HWLOC_OBJ_PACKAGE, 1);
	check_parent("+ core", HWLOC_OBJ_CORE, 3);
	check_parent("+ cpu", HWLOC_OBJ_PU, 7);
	check_parent("+ three (CPU 4-6)", HWLOC_OBJ_PACKAGE, 1);
	xml_close();
}

static void guests_on_several_nodes_have_a_box_of_their_own(void **state)
{
	(void)state;
	world_open(&world, "package:4 numa:1 core:2 pu:1");
	world_guest(&world, "all", "0-7", VERDICT_NO_RULE, 1);
	world_guest(&world, "two", "0-3", VERDICT_PLACED, 1);
	world_guest(&world, "part", "1-3", VERDICT_PLACED, 1);
	world_guest(&world, "lost", "", VERDICT_UNKNOWN, 0);
	xml_make();
	assert_string_equal(misc_find("- all")->parent->name, "on all nodes, 0-3");
	assert_string_equal(misc_find("+ two")->parent->name, "on nodes 0-1");
	assert_string_equal(misc_find("+ part (CPU 1-3)")->parent->name, "on nodes 0-1");
	assert_string_equal(misc_find("? lost")->parent->name, "on no known node");
	/* Rows of nodes are no place for them. */
	assert_int_equal(misc_find("on nodes 0-1")->parent->type, HWLOC_OBJ_MACHINE);
	xml_close();
}

static void verdicts_have_colours_and_a_legend(void **state)
{
	static const char *const names[] = {"+ a", "~ b", "! c", "- d", "? e"};
	static const char *const legend[] = {"+ 1 placed", "~ 1 drifted", "! 1 unplaced",
					     "- 1 no rule", "? 1 unknown"};

	(void)state;
	world_open(&world, "package:2 numa:1 core:2 pu:1");
	for (enum verdict verdict = 0; verdict < VERDICTS; verdict++)
		world_guest(&world, names[verdict] + 2, "0-1", verdict, 1);
	xml_make();
	for (size_t i = 0; i < LENGTH_OF(names); i++) {
		const char *style = hwloc_obj_get_info_by_name(misc_find(names[i]), "lstopoStyle");

		assert_non_null(style);
		assert_int_equal(strncmp(style, "Background=#", strlen("Background=#")), 0);
		assert_string_equal(
		    style, hwloc_obj_get_info_by_name(misc_find(legend[i]), "lstopoStyle"));
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(
			    style, hwloc_obj_get_info_by_name(misc_find(names[j]), "lstopoStyle"));
		assert_string_equal(misc_find(legend[i])->parent->name, "5 guests");
	}
	xml_close();
}

static void names_are_fit_for_any_picture(void **state)
{
	static const struct {
		const char *name;
		const char *label;
	} cases[] = {
	    {"web1", "+ web1"},
	    {"<script>&\"'", "+ ?script????"},
	    {"a\033[31m\n", "+ a\\x1b[31m\\x0a"},
	    {"caf\xc3\xa9 \xe4\xb8\xad\xe6\x96\x87", "+ caf? ??"},
	    {"bad \xff", "+ bad \\xff"},
	    {"123456789012345678901234", "+ 123456789012345678901234"},
	    {"1234567890123456789012345", "+ 123456789012345678901..."},
	};

	(void)state;
	world_open(&world, "package:1 numa:1 core:2 pu:1");
	for (size_t i = 0; i < LENGTH_OF(cases); i++)
		world_guest(&world, cases[i].name, "0-1", VERDICT_PLACED, 1);
	xml_make();
	for (size_t i = 0; i < LENGTH_OF(cases); i++)
		assert_non_null(misc_find(cases[i].label));
	xml_close();
}

static void a_guest_without_a_name_has_its_pid(void **state)
{
	(void)state;
	world_open(&world, "package:1 numa:1 core:2 pu:1");
	world_guest(&world, NULL, "0-1", VERDICT_NO_RULE, 1);
	xml_make();
	assert_non_null(misc_find("- pid 4711"));
	xml_close();
}

/* What is free in a node is told in its own box. */
static void nodes_tell_of_their_memory(void **state)
{
	hwloc_obj_t node;

	(void)state;
	world_meminfo(1, 1 << 20, 1 << 19, 0, 0, 0);
	world_open(&world, "package:2 numa:1 core:2 pu:1");
	xml_make();
	node = hwloc_get_numanode_obj_by_os_index(drawn, 1);
	assert_string_equal(node->subtype, "Node 1: 512.0M free of 1.0G");
	node = hwloc_get_numanode_obj_by_os_index(drawn, 0);
	assert_string_equal(node->subtype, "Node 0: 1.0G");
	xml_close();
}

/* Eight nodes stand in two rows, so that a picture has the shape of a screen. */
static void many_packages_are_put_in_rows(void **state)
{
	static const struct {
		const char *host;
		unsigned int rows;
		const char *rows_in;
		bool in_one_row;
	} cases[] = {
	    {"package:8 numa:1 core:2 pu:1", 2, "machine", false},
	    {"package:4 numa:1 core:2 pu:1", 2, "machine", false},
	    {"package:16 numa:1 core:2 pu:1", 4, "machine", false},
	    {"package:3 numa:1 core:2 pu:1", 0, NULL, true},
	    {"package:1 die:4 numa:1 core:2 pu:1", 2, "package", false},
	    {"package:2 die:4 numa:1 core:2 pu:1", 0, "machine", false},
	    {"package:8 numa:1 core:32 pu:2", 0, NULL, false},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		world_open(&world, cases[i].host);
		xml_make();
		if (hwloc_get_nbobjs_by_type(drawn, HWLOC_OBJ_GROUP) != (int)cases[i].rows)
			fail_msg("%s: %d rows", cases[i].host,
				 hwloc_get_nbobjs_by_type(drawn, HWLOC_OBJ_GROUP));
		assert_int_equal(arrangement.rows_in == NULL, cases[i].rows_in == NULL);
		if (cases[i].rows_in != NULL)
			assert_string_equal(arrangement.rows_in, cases[i].rows_in);
		assert_int_equal(arrangement.in_one_row, cases[i].in_one_row);
		xml_close();
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, enter_directory, leave_directory)
	static const struct CMUnitTest tests[] = {
	    TEST(a_guest_is_in_the_smallest_object_of_its_cpus),
	    TEST(guests_on_several_nodes_have_a_box_of_their_own),
	    TEST(verdicts_have_colours_and_a_legend),
	    TEST(names_are_fit_for_any_picture),
	    TEST(a_guest_without_a_name_has_its_pid),
	    TEST(nodes_tell_of_their_memory),
	    TEST(many_packages_are_put_in_rows),
	};

	return RUN_TESTS(tests);
}
