#include "libvirt_state.h"
#include "tree.h"

#include <string.h>

static struct roots roots;

static int start(void **state)
{
	roots = (struct roots){.libvirt = "state", .owner = geteuid()};
	return enter_directory(state);
}

/* The names that are found in what is written of web1, each with a blank after it. */
static const char *found_in(const char *devices)
{
	static char names[ASSIGNED_MAX * (DEVICE_NAME_SIZE + 1)];
	static char text[256 * 1024];
	struct assigned assigned;
	struct error error = {0};

	snprintf(text, sizeof(text),
		 "<domstatus state='running'><domain type='kvm'><name>web1</name><devices>%s"
		 "</devices></domain></domstatus>",
		 devices);
	make_file("state/web1.xml", text);
	assert_int_equal(libvirt_state_devices(&roots, "web1", &assigned, &error), 0);
	names[0] = '\0';
	for (size_t i = 0; i < assigned.count; i++)
		strcat(strcat(names, assigned.names[i]), " ");
	return names;
}

#define PCI "<address domain='0x0000' bus='0x06' slot='0x1f' function='0x7'/>"
#define ADDRESS "0000:06:1f.7 "
#define GUESTS "<address type='pci' domain='0x0000' bus='0x09' slot='0x00' function='0x0'/>"
#define UUID "c2177883-f1bb-47f0-914d-32a22e3a8804"

/* As libvirt's documentation has them (formatdomain, hostdev and interface). */
static void devices_are_found_where_libvirt_writes_them(void **state)
{
	static const struct {
		const char *xml;
		const char *found;
	} cases[] = {
	    {"", ""},
	    {"<hostdev mode='subsystem' type='pci' managed='yes'><driver name='vfio'/><source>" PCI
	     "</source><alias name='hostdev0'/>" GUESTS "</hostdev>",
	     ADDRESS},
	    {"<hostdev mode='subsystem' type='mdev' managed='no' model='vfio-pci'><source>"
	     "<address uuid='" UUID "'/></source>" GUESTS "</hostdev>",
	     UUID " "},
	    {"<interface type='hostdev' managed='yes'><mac address='52:54:00:6d:90:02'/>"
	     "<source><address type='pci' domain='0x0000' bus='0x06' slot='0x1f' function='0x7'/>"
	     "</source>" GUESTS "</interface>",
	     ADDRESS},
	    {"<interface type='network'><source network='n'/><actual type='hostdev'><source>" PCI
	     "</source></actual>" GUESTS "</interface>",
	     ADDRESS},
	    {"<hostdev type='pci'><source>" PCI "</source></hostdev>"
	     "<hostdev type='pci'><source>"
	     "<address domain='0x10000' bus='0xe1' slot='0x00' function='0x0'/>"
	     "</source></hostdev>",
	     ADDRESS "10000:e1:00.0 "},
	    /* none of these is a device of the host's on a PCI bus */
	    {"<interface type='network'><source network='n'/>" GUESTS "</interface>", ""},
	    {"<disk type='block'><source dev='/dev/sda'>" PCI "</source></disk>", ""},
	    {"<hostdev type='usb'><source><vendor id='0x1'/><address bus='1' device='2'/>"
	     "</source></hostdev>",
	     ""},
	    {"<hostdev type='scsi'><source><adapter name='scsi_host0'/>"
	     "<address bus='0' target='0' unit='0'/></source></hostdev>",
	     ""},
	    {"<hostdev type='mdev'><source><address uuid='../../eth0'/></source></hostdev>", ""},
	    {"<hostdev type='pci'><source><address domain='0x0' bus='x' slot='0' function='0'/>"
	     "</source></hostdev>",
	     ""},
	    {"<hostdev type='pci'>" PCI "</hostdev>" PCI "<source>" PCI "</source>", ""},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(cases); i++)
		assert_string_equal(found_in(cases[i].xml), cases[i].found);
}

static void there_is_a_most_of_devices(void **state)
{
	static char xml[128 * 1024];
	size_t used = 0;
	const char *found;
	size_t count = 0;

	(void)state;
	for (unsigned int bus = 0; bus < ASSIGNED_MAX + 3; bus++)
		used += (size_t)snprintf(xml + used, sizeof(xml) - used,
					 "<hostdev><source><address domain='0x0000' bus='0x%02x' "
					 "slot='0x00' function='0x0'/></source></hostdev>",
					 bus);
	for (found = found_in(xml); *found != '\0'; found++)
		count += *found == ' ';
	assert_int_equal(count, ASSIGNED_MAX);
}

static void where_there_is_no_file_there_are_none(void **state)
{
	struct assigned assigned = {.count = 7};
	struct error error = {0};

	(void)state;
	assert_int_equal(libvirt_state_devices(&roots, "db1", &assigned, &error), 0);
	assert_int_equal(assigned.count, 0);
	(void)found_in("<hostdev><source>" PCI "</source></hostdev>");
	assert_int_equal(libvirt_state_devices(&roots, "../state/web1", &assigned, &error), 0);
	assert_int_equal(assigned.count, 0);
	assert_false(error_is_set(&error));
}

/* There might be any, or fewer. */
static void a_file_that_is_not_understood_is_told(void **state)
{
	static const char *const cases[] = {
	    "<hostdev><source>" PCI "</sour",
	    "<domstatus><hostdev><source>" PCI "</source></hostdev>",
	    "garbage",
	    "",
	};
	struct assigned assigned;

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		struct error error = {0};

		make_file("state/web1.xml", cases[i]);
		assert_true(libvirt_state_devices(&roots, "web1", &assigned, &error) < 0);
		assert_non_null(strstr(error.text, "libvirt's state of the guest, state/web1.xml, "
						   "is not understood ("));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(devices_are_found_where_libvirt_writes_them, start,
					    leave_directory),
	    cmocka_unit_test_setup_teardown(there_is_a_most_of_devices, start, leave_directory),
	    cmocka_unit_test_setup_teardown(where_there_is_no_file_there_are_none, start,
					    leave_directory),
	    cmocka_unit_test_setup_teardown(a_file_that_is_not_understood_is_told, start,
					    leave_directory),
	};

	return RUN_TESTS(tests);
}
