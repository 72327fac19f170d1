#include "page_demand.h"
#include "unit.h"

#include <errno.h>
#include <string.h>

#define MEGA (UINT64_C(1) << 20)
#define GIGA (UINT64_C(1) << 30)
#define PAGE (2 * MEGA)

static struct id_set nodes_of(const char *list)
{
	struct id_set nodes;

	assert_int_equal(id_set_read(&nodes, list), 0);
	return nodes;
}

static void check_nodes(const struct id_set *nodes, const char *expected)
{
	char text[ID_SET_TEXT_SIZE];

	assert_string_equal(id_set_format(nodes, text, sizeof(text)), expected);
}

/* All nodes that the kernel has for this process, which no rule has narrowed. */
static struct id_set nodes_here(void)
{
	static const struct placement none;
	struct id_set nodes;
	struct error error;
	bool evenly = true;

	assert_int_equal(placement_memory_nodes(&none, &nodes, &evenly, &error), 0);
	assert_false(evenly);
	assert_false(id_set_is_empty(&nodes));
	return nodes;
}

/* A placement on the first of them. */
static struct placement placement_of(enum memory_mode mode)
{
	struct placement placement = {.sets_memory = true, .mode = mode};
	struct id_set here = nodes_here();
	unsigned int node = 0;

	while (!id_set_has(&here, node))
		node++;
	id_set_add(&placement.nodes, node);
	return placement;
}

/* A plain object with nodes of its own, as -object would have given it. */
static struct qemu_object object_of(uint64_t size, const char *policy, const char *nodes)
{
	return (struct qemu_object){.object = {
					.type = "memory-backend-ram",
					.id = "ram0",
					.size = size,
					.plain = true,
					.policy = (char *)policy,
					.nodes = nodes_of(nodes),
				    }};
}

static struct page_demand demand_of(uint64_t page, const struct qemu_memory *qemu,
				    const struct placement *placement)
{
	struct page_demand demand;
	struct error error = {0};

	if (page_demand_find(&demand, page, qemu, placement, &error) != 0)
		fail_msg("%s", error.text);
	assert_false(error_is_set(&error));
	assert_true(demand.page == page);
	return demand;
}

/* What objects come to that have nodes of their own, so that no others are asked for. */
static struct page_demand demand_of_objects(struct qemu_object *objects, size_t count)
{
	static const struct placement none;
	struct qemu_memory qemu = {.objects = objects, .count = count};

	return demand_of(PAGE, &qemu, &none);
}

#define DEMAND_OF(...)                                         \
	demand_of_objects((struct qemu_object[]){__VA_ARGS__}, \
			  LENGTH_OF(((struct qemu_object[]){__VA_ARGS__})))

/* A supply of nodes from 0 on; what is reserved is of no node. */
static struct huge_supply supply_of(struct node_pages *nodes, const unsigned int *free_pages,
				    size_t count, unsigned int reserved)
{
	struct huge_supply supply = {.nodes = nodes, .count = count};

	for (size_t i = 0; i < count; i++) {
		nodes[i] = (struct node_pages){(unsigned int)i, free_pages[i]};
		supply.available += free_pages[i];
	}
	supply.available -= reserved;
	return supply;
}

/* Frees the demand. `expected` NULL: the supply meets it; else all of the message. */
static void check_supply(struct page_demand demand, const unsigned int *free_pages, size_t count,
			 unsigned int reserved, const char *expected)
{
	struct node_pages nodes[64];
	struct huge_supply supply = supply_of(nodes, free_pages, count, reserved);
	struct error error = {0};
	int result = page_demand_check(&demand, &supply, &error);

	page_demand_free(&demand);
	assert_int_equal(demand.count, 0);
	if (expected == NULL && result != 0)
		fail_msg("%s", error.text);
	assert_int_equal(result, expected == NULL ? 0 : -ENOSPC);
	assert_string_equal(error.text, expected == NULL ? "" : expected);
}

#define FREE(...)                              \
	((const unsigned int[]){__VA_ARGS__}), \
	    sizeof((const unsigned int[]){__VA_ARGS__}) / sizeof(unsigned int)
#define TOO_FEW "too few huge pages of 2M: "
#define RAISE                                                               \
	": raise nr_hugepages in /sys/devices/system/node/nodeN/hugepages/" \
	"hugepages-2048kB"

static void ram_by_size_comes_from_the_nodes_of_the_placement(void **state)
{
	struct placement placement = placement_of(MEMORY_BIND);
	struct qemu_memory qemu = {.by_size = true, .size = GIGA};
	struct page_demand demand = demand_of(PAGE, &qemu, &placement);

	(void)state;
	assert_int_equal(demand.ram + demand.objects, 512);
	assert_int_equal(demand.count, 1);
	assert_int_equal(demand.shares[0].pages, 512);
	assert_true(id_set_equal(&demand.shares[0].nodes, &placement.nodes));
	assert_true(id_set_equal(&demand.nodes, &placement.nodes));
	page_demand_free(&demand);
}

static void ram_by_size_is_rounded_up(void **state)
{
	static const struct {
		uint64_t size;
		uint64_t page;
		uint64_t pages;
	} cases[] = {
	    {PAGE, PAGE, 1}, {PAGE + 1, PAGE, 2},     {2 * PAGE - 1, PAGE, 2},
	    {GIGA, GIGA, 1}, {3 * GIGA / 2, GIGA, 2}, {4096 * GIGA, PAGE, 2097152},
	};
	struct placement placement = placement_of(MEMORY_BIND);

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		struct qemu_memory qemu = {.by_size = true, .size = cases[i].size};
		struct page_demand demand = demand_of(cases[i].page, &qemu, &placement);

		assert_int_equal(demand.ram + demand.objects, cases[i].pages);
		page_demand_free(&demand);
	}
}

/* A guest would take more than it is to have. */
static void ram_of_less_than_a_page_is_refused(void **state)
{
	static const struct {
		uint64_t size;
		uint64_t page;
		const char *message;
	} cases[] = {
	    {0, PAGE, "the size of -m cannot be read"},
	    {1, PAGE, "the guest's memory is 1, less than a page of 2M"},
	    {PAGE - 4096, PAGE, "the guest's memory is 2044K, less than a page of 2M"},
	    {128 * MEGA, GIGA, "the guest's memory is 128M, less than a page of 1G"},
	};
	struct placement placement = placement_of(MEMORY_BIND);

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		struct qemu_object object = object_of(GIGA, "bind", "0");
		struct qemu_memory qemu = {
		    .objects = &object, .count = 1, .by_size = true, .size = cases[i].size};
		struct page_demand demand;
		struct error error = {0};

		assert_int_equal(
		    page_demand_find(&demand, cases[i].page, &qemu, &placement, &error), -EINVAL);
		assert_string_equal(error.text, cases[i].message);
		page_demand_free(&demand);
		/* Where it takes no pages, its size is no matter. */
		qemu.path = "/srv";
		demand = demand_of(cases[i].page, &qemu, &placement);
		assert_int_equal(demand.count, 1);
		page_demand_free(&demand);
		qemu.path = NULL;
		qemu.by_size = false;
		demand = demand_of(cases[i].page, &qemu, &placement);
		assert_int_equal(demand.count, 1);
		page_demand_free(&demand);
	}
}

static void without_bound_memory_all_nodes_do(void **state)
{
	static const enum memory_mode modes[] = {MEMORY_PREFERRED, MEMORY_PREFERRED_MANY,
						 MEMORY_LOCAL};
	struct qemu_memory qemu = {.by_size = true, .size = GIGA};
	struct id_set here = nodes_here();

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(modes); i++) {
		struct placement placement = placement_of(modes[i]);
		struct page_demand demand = demand_of(PAGE, &qemu, &placement);

		assert_int_equal(demand.count, 1);
		assert_true(id_set_equal(&demand.shares[0].nodes, &here));
		page_demand_free(&demand);
	}
}

static void an_interleaved_placement_shares_evenly(void **state)
{
	struct placement placement = {
	    .sets_memory = true, .mode = MEMORY_INTERLEAVE, .nodes = nodes_here()};
	struct qemu_memory qemu = {.by_size = true, .size = GIGA + PAGE};
	struct page_demand demand = demand_of(PAGE, &qemu, &placement);
	unsigned int count = id_set_count(&placement.nodes);

	(void)state;
	assert_int_equal(demand.ram + demand.objects, 513);
	assert_int_equal(demand.count, count + (513 % count > 0));
	for (unsigned int i = 0; i < count; i++) {
		assert_int_equal(id_set_count(&demand.shares[i].nodes), 1);
		assert_int_equal(demand.shares[i].pages, 513 / count);
	}
	assert_true(id_set_equal(&demand.nodes, &placement.nodes));
	page_demand_free(&demand);
}

static void an_object_without_a_bind_of_its_own_is_of_the_placement(void **state)
{
	static const char *const policies[] = {NULL, "default", "bindx"};
	struct placement placement = placement_of(MEMORY_BIND);

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(policies); i++) {
		struct qemu_object object = object_of(GIGA, policies[i], "500-501");
		struct qemu_memory qemu = {.objects = &object, .count = 1};
		struct page_demand demand = demand_of(PAGE, &qemu, &placement);

		assert_int_equal(demand.count, 1);
		assert_true(id_set_equal(&demand.nodes, &placement.nodes));
		page_demand_free(&demand);
	}
}

static void an_object_without_nodes_of_its_own_is_of_the_placement(void **state)
{
	static const char *const policies[] = {NULL, "default", "bind", "interleave"};
	static const enum memory_mode modes[] = {MEMORY_BIND, MEMORY_INTERLEAVE};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(policies) * LENGTH_OF(modes); i++) {
		struct placement placement = placement_of(modes[i % LENGTH_OF(modes)]);
		struct qemu_object object = object_of(GIGA, policies[i / LENGTH_OF(modes)], "");
		struct qemu_memory qemu = {.objects = &object, .count = 1};
		struct page_demand demand = demand_of(PAGE, &qemu, &placement);

		assert_int_equal(demand.ram + demand.objects, 512);
		assert_int_equal(demand.count, 1);
		assert_int_equal(demand.shares[0].pages, 512);
		assert_true(id_set_equal(&demand.shares[0].nodes, &placement.nodes));
		page_demand_free(&demand);
	}
}

static void an_object_that_prefers_nodes_takes_any(void **state)
{
	struct placement placement = {.sets_memory = true, .mode = MEMORY_BIND}; /* to none */
	struct qemu_object object = object_of(GIGA, "preferred", "500-501");
	struct qemu_memory qemu = {.objects = &object, .count = 1};
	struct page_demand demand = demand_of(PAGE, &qemu, &placement);

	(void)state;
	assert_int_equal(demand.count, 1);
	assert_false(id_set_is_empty(&demand.nodes));
	assert_false(id_set_has(&demand.nodes, 500));
	page_demand_free(&demand);
}

static void a_bound_object_has_its_own_nodes(void **state)
{
	struct page_demand demand = DEMAND_OF(object_of(GIGA, "bind", "3,500-501"));

	(void)state;
	assert_int_equal(demand.ram + demand.objects, 512);
	assert_int_equal(demand.count, 1);
	check_nodes(&demand.shares[0].nodes, "3,500-501");
	check_nodes(&demand.nodes, "3,500-501");
	page_demand_free(&demand);
}

static void an_interleaved_object_takes_as_much_of_each_node(void **state)
{
	struct page_demand demand = DEMAND_OF(object_of(7 * PAGE, "interleave", "0,2,1023"));

	(void)state;
	assert_int_equal(demand.ram + demand.objects, 7);
	assert_int_equal(demand.count, 4);
	check_nodes(&demand.shares[0].nodes, "0");
	check_nodes(&demand.shares[1].nodes, "2");
	check_nodes(&demand.shares[2].nodes, "1023");
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(demand.shares[i].pages, 2);
	/* The seventh is on any of them. */
	check_nodes(&demand.shares[3].nodes, "0,2,1023");
	assert_int_equal(demand.shares[3].pages, 1);
	check_nodes(&demand.nodes, "0,2,1023");
	page_demand_free(&demand);
	check_supply(DEMAND_OF(object_of(PAGE, "interleave", "0-1")), FREE(0, 1), 0, NULL);
	check_supply(DEMAND_OF(object_of(3 * PAGE, "interleave", "0-1")), FREE(1, 1), 0,
		     TOO_FEW "node 0-1 must have 3 free and has 2 (node 0: 1, node 1: 1)" RAISE);
}

static void objects_and_ram_add_up(void **state)
{
	struct placement placement = placement_of(MEMORY_BIND);
	struct qemu_object objects[] = {object_of(GIGA, "bind", "500"),
					object_of(PAGE, "interleave", "501-502")};
	struct qemu_memory qemu = {
	    .objects = objects, .count = 2, .by_size = true, .size = 4 * PAGE - 1};
	struct page_demand demand = demand_of(PAGE, &qemu, &placement);

	(void)state;
	assert_int_equal(demand.ram + demand.objects, 512 + 1 + 4);
	assert_int_equal(demand.ram, 4);
	assert_int_equal(demand.count, 1 + 1 + 1);
	assert_int_equal(demand.shares[2].pages, 4);
	assert_int_equal(id_set_count(&demand.nodes), 4);
	page_demand_free(&demand);
}

static void what_has_no_huge_pages_is_left_out(void **state)
{
	static const struct placement none;
	struct qemu_object objects[] = {object_of(GIGA, "bind", "0"), object_of(1, "bind", "0")};
	struct qemu_memory qemu = {
	    .objects = objects, .count = 2, .by_size = true, .size = GIGA, .path = "/srv"};
	struct page_demand demand;

	(void)state;
	objects[0].object.sparse = true;
	objects[1].object.plain = false; /* a file, of any size */
	demand = demand_of(PAGE, &qemu, &none);
	assert_int_equal(demand.ram + demand.objects, 0);
	assert_int_equal(demand.count, 0);
	check_supply(demand, FREE(0), 0, NULL);
	qemu = (struct qemu_memory){.size = GIGA};
	demand = demand_of(PAGE, &qemu, &none);
	assert_int_equal(demand.ram + demand.objects, 0);
	page_demand_free(&demand);
}

/* An object that is on huge pages by itself. */
static struct qemu_object huge_object(uint64_t size, uint64_t page)
{
	struct qemu_object object = object_of(size, "bind", "0");

	object.object.plain = false;
	object.object.hugetlb = true;
	object.object.hugetlb_size = page;
	return object;
}

static void what_is_on_such_pages_by_itself_counts_beside(void **state)
{
	struct page_demand demand =
	    DEMAND_OF(object_of(10 * PAGE, "bind", "0"), huge_object(4 * PAGE + 1, PAGE),
		      huge_object(GIGA, GIGA));

	(void)state;
	assert_int_equal(demand.ram + demand.objects, 10);
	assert_int_equal(demand.others, 5);
	check_supply(demand, FREE(14), 0,
		     "too few huge pages of 2M: node 0 must have 15 free and has 14: raise "
		     "nr_hugepages in "
		     "/sys/devices/system/node/nodeN/hugepages/hugepages-2048kB");
	check_supply(DEMAND_OF(object_of(10 * PAGE, "bind", "0"), huge_object(5 * PAGE, PAGE)),
		     FREE(15, 1), 2,
		     "too few huge pages of 2M: 15 are needed, and 14 are both free and not "
		     "reserved by others");
	/* Where there is nothing else it is QEMU's affair. */
	check_supply(DEMAND_OF(huge_object(5 * PAGE, PAGE)), FREE(0), 0, NULL);
}

static void shares_of_no_pages_are_not_kept(void **state)
{
	struct page_demand demand =
	    DEMAND_OF(object_of(0, "bind", "3"), object_of(0, "interleave", "4-5"),
		      object_of(PAGE, "bind", "6"));

	(void)state;
	assert_int_equal(demand.ram + demand.objects, 1);
	assert_int_equal(demand.count, 1);
	check_nodes(&demand.nodes, "6");
	page_demand_free(&demand);
}

/* Of those only a DIMM, and only with pages that leave it where it is. */
static void memory_of_devices_is_left_out(void **state)
{
	static const struct placement none;
	struct qemu_object objects[] = {
	    object_of(GIGA, "bind", "0"), object_of(1, "bind", "1"), object_of(1, "bind", "2"),
	    object_of(GIGA, "bind", "3"), object_of(1, "bind", "4"),
	};
	struct qemu_memory qemu = {.objects = objects, .count = LENGTH_OF(objects)};
	struct page_demand demand;

	(void)state;
	objects[1].user = "virtio-mem-pci"; /* no matter of how many bytes */
	objects[2].user = "nvdimm";
	objects[3].user = "pc-dimm";
	objects[4].user = "ivshmem-plain";
	demand = demand_of(PAGE, &qemu, &none);
	assert_int_equal(demand.ram + demand.objects, 1024);
	check_nodes(&demand.nodes, "0,3");
	page_demand_free(&demand);
	demand = demand_of(GIGA, &qemu, &none);
	assert_int_equal(demand.ram + demand.objects, 1);
	check_nodes(&demand.nodes, "0");
	page_demand_free(&demand);
}

static void an_object_of_broken_pages_is_refused(void **state)
{
	static const struct placement none;
	struct qemu_object objects[] = {object_of(GIGA, "bind", "0"),
					object_of(3 * MEGA, "bind", "0")};
	struct qemu_memory qemu = {.objects = objects, .count = 2};
	struct page_demand demand;
	struct error error;

	(void)state;
	objects[1].user = "-numa";
	assert_int_equal(page_demand_find(&demand, PAGE, &qemu, &none, &error), -EINVAL);
	assert_string_equal(error.text, "the memory object 'ram0' is of 3M, no multiple of 2M");
	page_demand_free(&demand);
	assert_null(demand.shares);
	assert_int_equal(page_demand_find(&demand, GIGA, &qemu, &none, &error), -EINVAL);
	assert_non_null(strstr(error.text, "is of 3M, no multiple of 1G"));
	page_demand_free(&demand);
}

static void what_the_node_has_is_enough(void **state)
{
	(void)state;
	check_supply(DEMAND_OF(object_of(10 * PAGE, "bind", "1")), FREE(0, 10), 0, NULL);
	check_supply(DEMAND_OF(object_of(10 * PAGE, "bind", "1")), FREE(100, 9), 0,
		     TOO_FEW "node 1 must have 10 free and has 9" RAISE);
	check_supply(DEMAND_OF(object_of(10 * PAGE, "bind", "7")), FREE(100, 100), 0,
		     TOO_FEW "node 7 must have 10 free and has 0" RAISE);
}

static void several_nodes_have_it_together(void **state)
{
	(void)state;
	check_supply(DEMAND_OF(object_of(10 * PAGE, "bind", "0-1")), FREE(4, 6), 0, NULL);
	check_supply(DEMAND_OF(object_of(10 * PAGE, "bind", "0-1")), FREE(4, 5, 90), 0,
		     TOO_FEW "node 0-1 must have 10 free and has 9 (node 0: 4, node 1: 5)" RAISE);
}

static void interleaved_memory_needs_each_node(void **state)
{
	(void)state;
	check_supply(DEMAND_OF(object_of(9 * PAGE, "interleave", "0-1")), FREE(5, 5), 0, NULL);
	check_supply(DEMAND_OF(object_of(10 * PAGE, "interleave", "0-1")), FREE(100, 4), 0,
		     TOO_FEW "node 1 must have 5 free and has 4" RAISE);
}

static void every_node_that_lacks_is_named(void **state)
{
	(void)state;
	check_supply(DEMAND_OF(object_of(10 * PAGE, "bind", "0"), object_of(20 * PAGE, "bind", "1"),
			       object_of(5 * PAGE, "bind", "2")),
		     FREE(1, 2, 5), 0,
		     TOO_FEW "node 0 must have 10 free and has 1; node 1 must have 20 free and has "
			     "2" RAISE);
}

static void objects_of_the_same_nodes_are_counted_together(void **state)
{
	(void)state;
	check_supply(DEMAND_OF(object_of(6 * PAGE, "bind", "0"), object_of(6 * PAGE, "bind", "0")),
		     FREE(12), 0, NULL);
	check_supply(DEMAND_OF(object_of(6 * PAGE, "bind", "0"), object_of(6 * PAGE, "bind", "0")),
		     FREE(11), 0, TOO_FEW "node 0 must have 12 free and has 11" RAISE);
	/* Where one may go elsewhere, too. */
	check_supply(
	    DEMAND_OF(object_of(6 * PAGE, "bind", "0"), object_of(6 * PAGE, "bind", "0-1")),
	    FREE(6, 6), 0, NULL);
	check_supply(
	    DEMAND_OF(object_of(6 * PAGE, "bind", "0"), object_of(6 * PAGE, "bind", "0-1")),
	    FREE(6, 5), 0,
	    TOO_FEW "node 0-1 must have 12 free and has 11 (node 0: 6, node 1: 5)" RAISE);
}

static void all_nodes_together_must_have_enough(void **state)
{
	(void)state;
	check_supply(
	    DEMAND_OF(object_of(10 * PAGE, "bind", "0-1"), object_of(10 * PAGE, "bind", "1-2")),
	    FREE(0, 10, 0), 0,
	    TOO_FEW
	    "node 0-2 must have 20 free and has 10 (node 0: 0, node 1: 10, node 2: 0)" RAISE);
}

/* Hall's condition: what two objects may take must be enough for both. */
static void any_of_the_nodes_together_must_have_enough(void **state)
{
	struct page_demand demand =
	    DEMAND_OF(object_of(10 * PAGE, "bind", "0-1"), object_of(10 * PAGE, "bind", "1-2"),
		      object_of(PAGE, "bind", "3"));
	struct node_pages nodes[4];
	struct huge_supply supply = supply_of(nodes, FREE(0, 10, 0, 100), 0);
	struct error error = {0};
	int result = page_demand_check(&demand, &supply, &error);

	(void)state;
	page_demand_free(&demand);
	assert_int_equal(result, -ENOSPC);
	assert_true(error_is_set(&error));
}

static void pages_that_others_have_reserved_do_not_count(void **state)
{
	(void)state;
	check_supply(DEMAND_OF(object_of(10 * PAGE, "bind", "0")), FREE(10, 5), 5, NULL);
	check_supply(DEMAND_OF(object_of(10 * PAGE, "bind", "0")), FREE(10, 5), 6,
		     TOO_FEW "10 are needed, and 9 are both free and not reserved by others");
}

static void a_long_list_is_cut(void **state)
{
	struct page_demand demand = DEMAND_OF(object_of(2ULL * GIGA, "interleave", "0-1023"));
	struct huge_supply supply = {0};
	struct error error;

	(void)state;
	assert_int_equal(demand.count, 1024);
	assert_int_equal(page_demand_check(&demand, &supply, &error), -ENOSPC);
	assert_non_null(strstr(error.text, "node 0 must have 1 free and has 0; node 1 must"));
	assert_non_null(strstr(error.text, RAISE));
	page_demand_free(&demand);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(ram_by_size_comes_from_the_nodes_of_the_placement),
	    cmocka_unit_test(ram_by_size_is_rounded_up),
	    cmocka_unit_test(ram_of_less_than_a_page_is_refused),
	    cmocka_unit_test(without_bound_memory_all_nodes_do),
	    cmocka_unit_test(an_interleaved_placement_shares_evenly),
	    cmocka_unit_test(an_object_without_a_bind_of_its_own_is_of_the_placement),
	    cmocka_unit_test(an_object_without_nodes_of_its_own_is_of_the_placement),
	    cmocka_unit_test(an_object_that_prefers_nodes_takes_any),
	    cmocka_unit_test(a_bound_object_has_its_own_nodes),
	    cmocka_unit_test(an_interleaved_object_takes_as_much_of_each_node),
	    cmocka_unit_test(objects_and_ram_add_up),
	    cmocka_unit_test(what_has_no_huge_pages_is_left_out),
	    cmocka_unit_test(what_is_on_such_pages_by_itself_counts_beside),
	    cmocka_unit_test(shares_of_no_pages_are_not_kept),
	    cmocka_unit_test(memory_of_devices_is_left_out),
	    cmocka_unit_test(an_object_of_broken_pages_is_refused),
	    cmocka_unit_test(what_the_node_has_is_enough),
	    cmocka_unit_test(several_nodes_have_it_together),
	    cmocka_unit_test(interleaved_memory_needs_each_node),
	    cmocka_unit_test(every_node_that_lacks_is_named),
	    cmocka_unit_test(objects_of_the_same_nodes_are_counted_together),
	    cmocka_unit_test(all_nodes_together_must_have_enough),
	    cmocka_unit_test(any_of_the_nodes_together_must_have_enough),
	    cmocka_unit_test(pages_that_others_have_reserved_do_not_count),
	    cmocka_unit_test(a_long_list_is_cut),
	};

	return RUN_TESTS(tests);
}
