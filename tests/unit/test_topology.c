#include "topology.h"
#include "topology_check.h"
#include "tree.h"

/* By lstopo, as an administrator makes one. */
static void make_topology(const char *path, const char *synthetic)
{
	char command[512];

	(void)unlink(path);
	snprintf(command, sizeof(command), "lstopo-no-graphics --of xml --input '%s' %s", synthetic,
		 path);
	/* NOLINTNEXTLINE(cert-env33-c): of this file's own words */
	assert_int_equal(system(command), 0);
}

/*
 * Two nodes, of CPUs 0-1 and 2-3, of which 3 is offline; node 0 has pages of 2 MiB, both of 1
 * GiB; on node 1 eth4 and sda; eth0 hangs at the machine.
 */
static const char with_devices[] =
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
    "<!DOCTYPE topology SYSTEM \"hwloc2.dtd\">\n"
    "<topology version=\"2.0\">\n"
    "<object type=\"Machine\" os_index=\"0\" cpuset=\"0x7\" complete_cpuset=\"0xf\""
    " allowed_cpuset=\"0x7\" nodeset=\"0x3\" complete_nodeset=\"0x3\" allowed_nodeset=\"0x3\""
    " gp_index=\"1\">\n"
    "<object type=\"Package\" os_index=\"0\" cpuset=\"0x3\" complete_cpuset=\"0x3\""
    " nodeset=\"0x1\" complete_nodeset=\"0x1\" gp_index=\"2\">\n"
    "<object type=\"NUMANode\" os_index=\"0\" cpuset=\"0x3\" complete_cpuset=\"0x3\""
    " nodeset=\"0x1\" complete_nodeset=\"0x1\" gp_index=\"3\" local_memory=\"8589934592\">\n"
    "<page_type size=\"4096\" count=\"1835008\"/><page_type size=\"2097152\" count=\"512\"/>"
    "<page_type size=\"1073741824\" count=\"0\"/></object>\n"
    "<object type=\"PU\" os_index=\"0\" cpuset=\"0x1\" complete_cpuset=\"0x1\" nodeset=\"0x1\""
    " complete_nodeset=\"0x1\" gp_index=\"4\"/>\n"
    "<object type=\"PU\" os_index=\"1\" cpuset=\"0x2\" complete_cpuset=\"0x2\" nodeset=\"0x1\""
    " complete_nodeset=\"0x1\" gp_index=\"5\"/></object>\n"
    "<object type=\"Package\" os_index=\"1\" cpuset=\"0x4\" complete_cpuset=\"0xc\""
    " nodeset=\"0x2\" complete_nodeset=\"0x2\" gp_index=\"6\">\n"
    "<object type=\"NUMANode\" os_index=\"1\" cpuset=\"0x4\" complete_cpuset=\"0xc\""
    " nodeset=\"0x2\" complete_nodeset=\"0x2\" gp_index=\"7\" local_memory=\"4294967296\">\n"
    "<page_type size=\"4096\" count=\"1048576\"/>"
    "<page_type size=\"1073741824\" count=\"0\"/></object>\n"
    "<object type=\"PU\" os_index=\"2\" cpuset=\"0x4\" complete_cpuset=\"0x4\" nodeset=\"0x2\""
    " complete_nodeset=\"0x2\" gp_index=\"8\"/>\n"
    "<object type=\"Bridge\" gp_index=\"9\" bridge_type=\"0-1\" depth=\"0\""
    " bridge_pci=\"0000:[06-06]\">\n"
    "<object type=\"PCIDev\" gp_index=\"10\" pci_busid=\"0000:06:00.0\""
    " pci_type=\"0200 [8086:10d3] [8086:0000] 00\" pci_link_speed=\"0.000000\">\n"
    "<object type=\"OSDev\" gp_index=\"11\" name=\"eth4\" osdev_type=\"2\"/></object>\n"
    "<object type=\"PCIDev\" gp_index=\"12\" pci_busid=\"0000:06:01.0\""
    " pci_type=\"0100 [1af4:1042] [1af4:1042] 01\" pci_link_speed=\"0.000000\">\n"
    "<object type=\"OSDev\" gp_index=\"13\" name=\"sda\" osdev_type=\"0\"/></object>\n"
    "</object></object>\n"
    "<object type=\"Bridge\" gp_index=\"14\" bridge_type=\"0-1\" depth=\"0\""
    " bridge_pci=\"0000:[00-00]\">\n"
    "<object type=\"PCIDev\" gp_index=\"15\" pci_busid=\"0000:00:03.0\""
    " pci_type=\"0200 [1af4:1041] [1af4:1041] 01\" pci_link_speed=\"0.000000\">\n"
    "<object type=\"OSDev\" gp_index=\"16\" name=\"eth0\" osdev_type=\"2\"/></object></object>\n"
    "</object></topology>\n";

static struct topology topology_of(const char *path)
{
	struct topology topology;
	struct error error = {0};

	if (topology_read(&topology, path, &error) < 0)
		fail_msg("%s", error.text);
	return topology;
}

static void set_is(const struct id_set *set, const char *expected)
{
	char text[ID_SET_TEXT_SIZE];

	assert_string_equal(id_set_format(set, text, sizeof(text)), expected);
}

static void a_synthetic_host_is_read(void **state)
{
	struct topology topology;

	(void)state;
	make_topology("x.xml", "node:8(memory=4294967296) core:2 pu:1");
	topology = topology_of("x.xml");
	set_is(&topology.nodes, "0-7");
	set_is(&topology.with_memory, "0-7");
	set_is(&topology.cpus, "0-15");
	set_is(&topology.all_cpus, "0-15");
	assert_int_equal(topology.count, 8);
	set_is(&topology.at[3].cpus, "6-7");
	assert_true(topology.memory_known);
	assert_true(topology_memory(&topology, &topology.nodes) == 8ULL << 32);
	topology_free(&topology);
}

static void nodes_may_be_numbered_with_gaps(void **state)
{
	struct topology topology;

	(void)state;
	make_topology("x.xml", "node:2(memory=1GB indexes=0,4) core:2 pu:1");
	topology = topology_of("x.xml");
	set_is(&topology.nodes, "0,4");
	topology_free(&topology);
}

/* hwloc has such a node among the CPUs that are nearest to it, the kernel has it without. */
static void a_node_of_memory_alone_has_no_cpus(void **state)
{
	struct topology topology;

	(void)state;
	make_topology("x.xml", "pack:2 [numa] [numa] core:2 pu:1");
	topology = topology_of("x.xml");
	assert_int_equal(topology.count, 4);
	set_is(&topology.at[0].cpus, "0-1");
	set_is(&topology.at[1].cpus, "none");
	set_is(&topology.at[2].cpus, "2-3");
	set_is(&topology.at[3].cpus, "none");
	assert_false(topology.memory_known);
	set_is(&topology.with_memory, "0-3");
	topology_free(&topology);
}

static void pages_and_offline_cpus_are_known(void **state)
{
	struct topology topology;
	struct id_set one = {0};
	bool known;

	(void)state;
	make_file("d.xml", with_devices);
	topology = topology_of("d.xml");
	set_is(&topology.cpus, "0-2");
	set_is(&topology.all_cpus, "0-3");
	id_set_add(&one, 1);
	assert_true(topology_memory(&topology, &one) == 4294967296ULL);
	assert_true(topology_pages(&topology, &topology.nodes, 2097152, &known) == 512);
	assert_true(known);
	assert_true(topology_pages(&topology, &one, 2097152, &known) == 0);
	assert_false(known);
	assert_true(topology_pages(&topology, &one, 1073741824, &known) == 0);
	assert_true(known);
	topology_free(&topology);
}

static void devices_are_found_with_their_nodes(void **state)
{
	static const struct {
		unsigned int kinds;
		const char *name;
		enum topology_found found;
		const char *nodes;
		const char *nearest;
	} cases[] = {
	    {TOPOLOGY_NET, "eth4", TOPOLOGY_FOUND, "1", NULL},
	    {TOPOLOGY_NET, "eth0", TOPOLOGY_FOUND, "none", NULL},
	    {TOPOLOGY_NET, "eth9", TOPOLOGY_MISSING, "none", "eth4"},
	    {TOPOLOGY_NET, "sda", TOPOLOGY_MISSING, "none", NULL},
	    {TOPOLOGY_BLOCK, "sda", TOPOLOGY_FOUND, "1", NULL},
	    {TOPOLOGY_NET | TOPOLOGY_BLOCK, "sdb", TOPOLOGY_MISSING, "none", "sda"},
	    {TOPOLOGY_PCI, "0000:06:00.0", TOPOLOGY_FOUND, "1", NULL},
	    {TOPOLOGY_PCI, "6:0.0", TOPOLOGY_FOUND, "1", NULL},
	    {TOPOLOGY_PCI, "0000:07:00.0", TOPOLOGY_UNTOLD, "none", NULL},
	};
	struct topology topology;

	(void)state;
	make_file("d.xml", with_devices);
	topology = topology_of("d.xml");
	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		struct id_set nodes;
		const char *nearest;

		assert_int_equal(topology_device_find(&topology, cases[i].kinds, cases[i].name,
						      &nodes, &nearest),
				 cases[i].found);
		set_is(&nodes, cases[i].nodes);
		if (cases[i].nearest == NULL)
			assert_null(nearest);
		else
			assert_string_equal(nearest, cases[i].nearest);
	}
	topology_free(&topology);
}

static void this_host_is_one(void **state)
{
	struct topology topology = topology_of(NULL);

	(void)state;
	assert_true(topology.count >= 1);
	assert_false(id_set_is_empty(&topology.cpus));
	assert_true(id_set_holds(&topology.all_cpus, &topology.cpus));
	topology_free(&topology);
}

static void refused(const char *path, const char *part)
{
	struct topology topology;
	struct error error = {0};

	assert_true(topology_read(&topology, path, &error) < 0);
	topology_free(&topology);
	assert_ptr_equal(strstr(error.text, path), error.text);
	if (strstr(error.text, part) == NULL)
		fail_msg("no '%s' in: %s", part, error.text);
}

static void what_is_no_topology_is_refused(void **state)
{
	(void)state;
	refused("none.xml", "No such file");
	refused(".", "no regular file");
	make_fifo("fifo.xml");
	refused("fifo.xml", "no regular file");
	make_file("bad.xml", "");
	refused("bad.xml", "lstopo");
	make_file("bad.xml", "web* 0\n");
	refused("bad.xml", "lstopo");
	make_file("bad.xml", "<?xml version=\"1.0\"?>\n<topology version=\"2.0\"><object type=\"");
	refused("bad.xml", "lstopo");
	make_bytes("bad.xml", with_devices, strlen(with_devices) / 2);
	refused("bad.xml", "lstopo");
}

/* What has been told of the last rule: "error WORD: TEXT [SUGGESTION]", a line each. */
static char told[4096];

static void tell(void *context, const struct finding *finding)
{
	(void)context;
	text_add(told, sizeof(told), "%s %s: %s", finding->error ? "error" : "warning",
		 finding->word, finding->text);
	if (finding->suggestion != NULL)
		text_add(told, sizeof(told), " [%s]", finding->suggestion);
	text_add(told, sizeof(told), "\n");
}

static struct placement check(const struct topology *topology, const char *text)
{
	static char copy[256];
	struct policy_line line = {.file = "file", .number = 1, .text = copy};
	struct placement placement;
	struct rule rule;

	strcpy(copy, text);
	line.end = copy + strlen(copy);
	assert_true(rule_read(&line, &rule));
	if (error_is_set(&rule.error))
		fail_msg("%s: %s", text, rule.error.text);
	*told = '\0';
	topology_check(topology, &rule, &placement, tell, NULL);
	return placement;
}

/* The rule can be had there, and comes to these CPUs and nodes. */
static void comes_to(const struct topology *topology, const char *text, const char *cpus,
		     const char *nodes)
{
	struct placement placement = check(topology, text);

	if (*told != '\0')
		fail_msg("%s: %s", text, told);
	set_is(&placement.cpus, cpus);
	set_is(&placement.nodes, nodes);
}

static void tells(const struct topology *topology, const char *text, const char *expected)
{
	check(topology, text);
	assert_string_equal(told, expected);
}

static void specs_are_counted_there(void **state)
{
	struct topology topology;

	(void)state;
	make_topology("x.xml", "node:4(memory=1GB indexes=0,2,4,6) core:2 pu:1");
	topology = topology_of("x.xml");
	comes_to(&topology, "a 0", "0-1", "0");
	comes_to(&topology, "a 2,6", "2-3,6-7", "2,6");
	comes_to(&topology, "a all", "0-7", "0,2,4,6");
	comes_to(&topology, "a +1", "2-3", "2");
	comes_to(&topology, "a +1-3", "2-7", "2,4,6");
	comes_to(&topology, "a !0", "2-7", "2,4,6");
	comes_to(&topology, "a !+0-1", "4-7", "4,6");
	comes_to(&topology, "a 0 cpus=+7", "7", "0");
	comes_to(&topology, "a 0 cpus=!0-5", "6-7", "0");
	comes_to(&topology, "a - cpus=all", "0-7", "none");
	comes_to(&topology, "a -", "none", "none");
	comes_to(&topology, "a 0 mem=local", "0-1", "none");
	comes_to(&topology, "a 0 mem=preferred", "0-1", "0");
	topology_free(&topology);
}

static void what_is_not_there_is_told(void **state)
{
	struct topology topology;

	(void)state;
	make_file("d.xml", with_devices);
	topology = topology_of("d.xml");
	tells(&topology, "a 9", "error 9: node 9 of '9' does not exist: d.xml has node 0-1\n");
	tells(&topology, "a 0-9",
	      "error 0-9: node 2 of '0-9' does not exist: d.xml has node 0-1\n");
	tells(&topology, "a +2", "error +2: '+2': only +0 to +1 exist, for d.xml has node 0-1\n");
	tells(&topology, "a !0-1", "error !0-1: '!0-1' leaves no node\n");
	tells(&topology, "a 0 cpus=4", "error 4: CPU 4 of '4' does not exist: d.xml has CPU 0-3\n");
	tells(&topology, "a 0 cpus=2-3",
	      "error 2-3: CPU 3 of '2-3' is offline in d.xml, or lstopo had no right to see it "
	      "(there are 0-2)\n");
	tells(&topology, "a 9 cpus=+3",
	      "error 9: node 9 of '9' does not exist: d.xml has node 0-1\n"
	      "error +3: '+3': only +0 to +2 exist, for d.xml has CPU 0-2\n");
	tells(&topology, "a 0-1 mem=preferred",
	      "error 0-1: mem=preferred takes one node, not 0-1: use mem=preferred-many\n");
	topology_free(&topology);
	make_topology("x.xml", "pack:2 [numa] [numa] core:2 pu:1");
	topology = topology_of("x.xml");
	tells(&topology, "a 1,3",
	      "error 1,3: node 1,3 has no CPUs that are online in x.xml: name some by cpus=\n");
	comes_to(&topology, "a 1 cpus=0", "0", "1");
	comes_to(&topology, "a 0-1", "0-1", "0-1");
	topology_free(&topology);
}

static void devices_name_nodes_there(void **state)
{
	struct topology topology;

	(void)state;
	make_file("d.xml", with_devices);
	topology = topology_of("d.xml");
	comes_to(&topology, "a netdev:eth4", "2", "1");
	comes_to(&topology, "a !netdev:eth4", "0-1", "0");
	comes_to(&topology, "a block:sda", "2", "1");
	comes_to(&topology, "a pci:0000:06:01.0", "2", "1");
	tells(&topology, "a netdev:eth9",
	      "error netdev:eth9: d.xml has no network interface 'eth9' [eth4]\n");
	tells(&topology, "a block:nvme0n1",
	      "error block:nvme0n1: d.xml has no block device 'nvme0n1'\n");
	tells(&topology, "a netdev:eth0 cpus=9",
	      "warning netdev:eth0: 'netdev:eth0': d.xml does not tell the node of that device\n"
	      "error 9: CPU 9 of '9' does not exist: d.xml has CPU 0-3\n");
	tells(&topology, "a pci:0000:07:00.0",
	      "warning pci:0000:07:00.0: d.xml does not tell whether there is a PCI device "
	      "'0000:07:00.0': see lstopo --whole-io\n");
	tells(&topology, "a ip:10.0.0.1",
	      "warning ip:10.0.0.1: 'ip:10.0.0.1': which node that is no topology tells\n");
	tells(&topology, "a file:/srv",
	      "warning file:/srv: 'file:/srv': which node that is no topology tells\n");
	topology_free(&topology);
	make_topology("x.xml", "node:2 core:2 pu:1");
	topology = topology_of("x.xml");
	tells(&topology, "a netdev:eth4",
	      "warning netdev:eth4: x.xml does not tell whether there is a network interface "
	      "'eth4': see lstopo --whole-io\n");
	topology_free(&topology);
}

static void huge_pages_are_those_of_the_nodes(void **state)
{
	char without[sizeof(with_devices)];
	struct topology topology;
	char *page;

	(void)state;
	make_file("d.xml", with_devices);
	topology = topology_of("d.xml");
	comes_to(&topology, "a 0 hugepages=2M", "0-1", "0");
	comes_to(&topology, "a - hugepages=2M", "none", "none");
	comes_to(&topology, "a 1 hugepages=2M mem=local", "2", "none");
	comes_to(&topology, "a 1 hugepages=off", "2", "1");
	tells(&topology, "a 1 hugepages=2M",
	      "error 2M: d.xml: there are no pages of 2M on node 1\n");
	tells(&topology, "a 1 hugepages=prefer:2M",
	      "warning prefer:2M: d.xml: there are no pages of 2M on node 1; guests get normal "
	      "pages\n");
	tells(&topology, "a 0-1 hugepages=1G",
	      "warning 1G: d.xml: no pages of 1G are allocated on node 0-1: as it stood, guests "
	      "do not start\n");
	topology_free(&topology);
	/* As hwloc exports it where the kernel does not tell. */
	strcpy(without, with_devices);
	while ((page = strstr(without, "<page_type")) != NULL)
		memset(page, ' ', (size_t)(strstr(page, "/>") - page) + 2);
	make_file("x.xml", without);
	topology = topology_of("x.xml");
	tells(&topology, "a 0 hugepages=2M",
	      "warning 2M: x.xml does not tell what huge pages there are\n");
	topology_free(&topology);
}

static void devices_of_interrupts_are_looked_for_there(void **state)
{
	struct topology topology;

	(void)state;
	make_file("d.xml", with_devices);
	topology = topology_of("d.xml");
	comes_to(&topology, "a 0 irq=eth4 irq=sda@2 irq=vfio irq=06:00.0@0-1 isolate", "0-1", "0");
	comes_to(&topology, "a 0 irq=eth0", "0-1", "0");
	tells(&topology, "a 0 irq=eht4@9 irq=07:00.0",
	      "error eht4@9: irq=eht4@9: CPU 9 of '9' does not exist: d.xml has CPU 0-3\n"
	      "error eht4@9: irq=eht4@9: d.xml has no network interface or block device 'eht4' "
	      "[eth4]\n"
	      "warning 07:00.0: irq=07:00.0: d.xml does not tell whether there is a PCI device "
	      "'07:00.0': see lstopo --whole-io\n");
	topology_free(&topology);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_synthetic_host_is_read),
	    cmocka_unit_test(nodes_may_be_numbered_with_gaps),
	    cmocka_unit_test(a_node_of_memory_alone_has_no_cpus),
	    cmocka_unit_test(pages_and_offline_cpus_are_known),
	    cmocka_unit_test(devices_are_found_with_their_nodes),
	    cmocka_unit_test(this_host_is_one),
	    cmocka_unit_test(what_is_no_topology_is_refused),
	    cmocka_unit_test(specs_are_counted_there),
	    cmocka_unit_test(what_is_not_there_is_told),
	    cmocka_unit_test(devices_name_nodes_there),
	    cmocka_unit_test(huge_pages_are_those_of_the_nodes),
	    cmocka_unit_test(devices_of_interrupts_are_looked_for_there),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, enter_directory, leave_directory);
}
