#include "assigned.h"
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define UUID "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001"
#define MDEV "/sys/bus/mdev/devices/" UUID

static struct assigned assigned;
static struct error error;

static int read_args(char *const argv[])
{
	int result;

	memset(&assigned, '#', sizeof(assigned));
	error = (struct error){0};
	result = assigned_read(argv, &assigned, &error);
	assert_true(result <= 0);
	assert_int_equal(error_is_set(&error), result < 0);
	return result;
}

/* Reads a command line with that one -device, in memory of its own. */
static int read_device(const char *text)
{
	char *copy = strdup(text);
	char *const argv[] = {"qemu-kvm", "-name", "web1", "-device", copy, "-S", NULL};
	int result;

	assert_non_null(copy);
	result = read_args(argv);
	free(copy);
	return result;
}

static void a_device_of_the_host_is_found(void **state)
{
	static const struct {
		const char *text;
		const char *name;
	} cases[] = {
	    {"vfio-pci,host=0000:06:00.0", "0000:06:00.0"},
	    {"vfio-pci,host=0000:06:00.0,id=hostdev0,bus=pci.0,addr=0x5", "0000:06:00.0"},
	    {"vfio-pci,id=hostdev0,host=06:00.1", "0000:06:00.1"},
	    {"driver=vfio-pci,host=6:0.0", "0000:06:00.0"},
	    {"host=06:00.0,driver=vfio-pci", "0000:06:00.0"},
	    {"vfio-pci,host=10000:E1:00.0", "10000:e1:00.0"},
	    {"vfio-pci-nohotplug,host=0000:06:00.0", "0000:06:00.0"},
	    {"vfio-pci,host=01:00.0,host=02:00.0", "0000:02:00.0"},
	    {"virtio-net-pci,host=01:00.0,driver=vfio-pci", "0000:01:00.0"},
	    /* a comma that is no end */
	    {"vfio-pci,id=a,,host=01:00.0,host=02:00.0", "0000:02:00.0"},
	    {"vfio-pci,sysfsdev=/a,,b/0000:06:00.0", "0000:06:00.0"},
	    /* by its path, of which the end counts */
	    {"vfio-pci,sysfsdev=/sys/bus/pci/devices/0000:06:00.0", "0000:06:00.0"},
	    {"vfio-pci,sysfsdev=/sys/devices/pci0000:00/0000:00:1d.0/10000:e1:00.0",
	     "10000:e1:00.0"},
	    {"vfio-pci,sysfsdev=0000:06:00.0", "0000:06:00.0"},
	    {"vfio-pci,sysfsdev=" MDEV, UUID},
	    {"vfio-pci-nohotplug,display=on,sysfsdev=" MDEV ",ramfb=on", UUID},
	    {"vfio-pci,sysfsdev=/sys/devices/pci0000:00/0000:00:02.0/" UUID, UUID},
	    {"vfio-ap,sysfsdev=" MDEV, UUID},
	    {"vfio-ccw,id=c,sysfsdev=" MDEV, UUID},
	    /* JSON, as a newer libvirt writes it */
	    {"{\"driver\":\"vfio-pci\",\"host\":\"0000:06:00.0\",\"id\":\"hostdev0\","
	     "\"bus\":\"pci.0\",\"addr\":\"0x5\"}",
	     "0000:06:00.0"},
	    {"{\"id\":\"hostdev0\",\"sysfsdev\":\"" MDEV "\",\"driver\":\"vfio-pci\"}", UUID},
	    {"{ \"driver\": \"vfio-pci-nohotplug\",\n\"host\": \"6:0.0\" }", "0000:06:00.0"},
	    {"{\"driver\":\"vfio\\u002dpci\",\"host\":\"06:00\\u002e0\"}", "0000:06:00.0"},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		if (read_device(cases[i].text) != 0)
			fail_msg("%s: %s", cases[i].text, error.text);
		if (assigned.count != 1 || strcmp(assigned.names[0], cases[i].name) != 0)
			fail_msg("%s: %zu, %s", cases[i].text, assigned.count, assigned.names[0]);
	}
}

static void other_devices_are_none_of_the_hosts(void **state)
{
	static const char *const cases[] = {
	    "",
	    ",",
	    "host=06:00.0",
	    "sysfsdev=" MDEV,
	    "vfio-pci",
	    "vfio-pci,id=hostdev0",
	    "vfio-pci,id=host",
	    "vfio-pci,hosts=06:00.0",
	    "vfio-pci,xhost=06:00.0",
	    "vfio-pci,id=a,,host=06:00.0",
	    "virtio-net-pci,netdev=n0,host_mtu=1500",
	    "virtio-net-pci,host=06:00.0",
	    "usb-host,hostbus=1,hostaddr=2",
	    "usb-host,host=x",
	    "vhost-user-blk-pci,chardev=c",
	    "scsi-generic,sysfsdev=/not/understood",
	    "vfio,host=06:00.0",
	    "xvfio-pci,host=06:00.0",
	    "VFIO-pci,host=06:00.0",
	    "virtio-vfio-pci,host=06:00.0",
	    "{\"driver\":\"usb-host\",\"host\":\"x\"}",
	    "{\"driver\":\"vfio-pci\",\"id\":\"host\"}",
	    "{\"driver\":\"vfio-pci\",\"x\":{\"host\":\"06:00.0\"}}",
	    "{\"host\":\"06:00.0\"}",
	    /* QEMU refuses these itself */
	    "{\"driver\":\"vfio-pci\",\"host\":7}",
	    "{\"driver\":[\"vfio-pci\"],\"host\":\"06:00.0\"}",
	    "{\"driver\":\"vfio-pci\",\"host\":\"06:00.0\"",
	    "{\"driver\":\"vfio-pci\",\"host\":\"06:00.0\"} x",
	};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		if (read_device(cases[i]) != 0 || assigned.count != 0)
			fail_msg("%s: %zu, %s", cases[i], assigned.count, error.text);
	}
}

/* Else interrupts of the guest's own would count as other devices'. */
static void what_is_not_understood_is_refused(void **state)
{
	static const struct {
		const char *text;
		const char *part;
	} cases[] = {
	    {"vfio-pci,host=", "the device '' that is assigned"},
	    {"vfio-pci,host=eth0", "the device 'eth0' that is assigned"},
	    {"vfio-pci,host=0000:06:00", "'0000:06:00'"},
	    {"vfio-pci,host=0000:06:00.8", "'0000:06:00.8'"},
	    {"vfio-pci,host=06:00.0 ", "'06:00.0 '"},
	    {"vfio-pci,sysfsdev=", "''"},
	    {"vfio-pci,sysfsdev=/", "'/'"},
	    {"vfio-pci,sysfsdev=/sys/bus/pci/devices/..", "/.."},
	    {"vfio-pci,sysfsdev=/sys/bus/mdev/devices/83b8f4f2", "83b8f4f2"},
	    {"vfio-pci,sysfsdev=" MDEV "0", UUID "0"},
	    {"vfio-platform,host=fff51000.ethernet", "fff51000.ethernet"},
	    {"vfio-amd-xgbe,sysfsdev=/sys/bus/platform/devices/e0900000.xgmac", "xgmac"},
	    {"vfio-pci,host=06:00.0,sysfsdev=x", "'x'"},
	    {"vfio-pci,host=x,sysfsdev=" MDEV, "'x'"},
	    {"{\"driver\":\"vfio-pci\",\"host\":\"\"}", "''"},
	    {"{\"driver\":\"vfio-pci\",\"host\":\"x\\ny\"}", "assigned to the guest"},
	    {"{'driver':'vfio-pci','host':'06:00.0'}", "a -device of the guest is not understood"},
	    {"{'driver':'vfio-pci','sysfsdev':'" MDEV "'}", "a -device of the guest"},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		if (read_device(cases[i].text) != -EINVAL ||
		    strstr(error.text, cases[i].part) == NULL)
			fail_msg("%s: %s", cases[i].text, error.text);
	}
}

static void only_devices_are_looked_at(void **state)
{
	char *const argv[] = {"-device",
			      "vfio-pci,host=01:00.0", /* the name that it was started by */
			      "-name",
			      "vfio-pci,host=02:00.0",
			      "-drive",
			      "file=vfio-pci,host=03:00.0",
			      "-device",
			      "vfio-pci,host=04:00.0",
			      "-object",
			      "vfio-pci,host=05:00.0",
			      "--device",
			      "vfio-pci,host=06:00.0",
			      "-append",
			      "-device",
			      "vfio-pci,host=07:00.0",
			      "-device",
			      NULL};

	(void)state;
	assert_int_equal(read_args(argv), 0);
	assert_int_equal(assigned.count, 2);
	assert_string_equal(assigned.names[0], "0000:04:00.0");
	assert_string_equal(assigned.names[1], "0000:06:00.0");
}

static void a_command_line_may_have_none(void **state)
{
	char *const nothing[] = {NULL};
	char *const program[] = {"qemu-kvm", NULL};

	(void)state;
	assert_int_equal(read_args(nothing), 0);
	assert_int_equal(assigned.count, 0);
	assert_int_equal(read_args(program), 0);
	assert_int_equal(assigned.count, 0);
}

/* By whatever name. */
static void a_device_counts_once(void **state)
{
	char *const argv[] = {"qemu-kvm",
			      "-device",
			      "vfio-pci,host=06:00.0",
			      "-device",
			      "vfio-pci,host=0000:06:00.0,id=again",
			      "-device",
			      "vfio-pci,sysfsdev=/sys/bus/pci/devices/0000:06:00.0",
			      "-device",
			      "{\"driver\":\"vfio-pci\",\"host\":\"6:0.0\"}",
			      "-device",
			      "vfio-pci,host=06:00.0,sysfsdev=/sys/bus/pci/devices/0000:06:00.0",
			      "-device",
			      "vfio-pci,host=06:00.1",
			      NULL};

	(void)state;
	assert_int_equal(read_args(argv), 0);
	assert_int_equal(assigned.count, 2);
	assert_string_equal(assigned.names[0], "0000:06:00.0");
	assert_string_equal(assigned.names[1], "0000:06:00.1");
}

static void there_is_a_most_of_devices(void **state)
{
	static char texts[ASSIGNED_MAX + 1][64];
	char *argv[2 * (ASSIGNED_MAX + 3)] = {"qemu-kvm"};
	size_t count = 1;

	(void)state;
	for (int i = 0; i <= ASSIGNED_MAX; i++)
		snprintf(texts[i], sizeof(texts[i]), "vfio-pci,host=%x:00.0", i);
	for (int i = 0; i < ASSIGNED_MAX; i++) {
		argv[count++] = "-device";
		argv[count++] = texts[i];
	}
	argv[count++] = "-device"; /* one of them again */
	argv[count++] = texts[0];
	assert_int_equal(read_args(argv), 0);
	assert_int_equal(assigned.count, ASSIGNED_MAX);
	assert_string_equal(assigned.names[ASSIGNED_MAX - 1], "0000:3f:00.0");
	argv[count - 1] = texts[ASSIGNED_MAX];
	assert_int_equal(read_args(argv), -E2BIG);
	assert_string_equal(error.text, "more than 64 devices are assigned to the guest");
}

static void long_values_are_no_harm(void **state)
{
	static char text[20000];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	memcpy(text, "vfio-pci,host=", strlen("vfio-pci,host="));
	assert_int_equal(read_device(text), -EINVAL);
	memset(text, '0', sizeof(text) - 1);
	memcpy(text, "vfio-pci,host=", strlen("vfio-pci,host="));
	assert_int_equal(read_device(text), -EINVAL);
	memset(text, 'x', sizeof(text) - 1);
	memcpy(text, "{'host", strlen("{'host"));
	assert_int_equal(read_device(text), -EINVAL);
	assert_true(strlen(error.text) < 300);
}

/* Whatever the bytes: no crash, and what is taken is a name. */
static void any_text_can_be_read(void **state)
{
	static const char *const pieces[] = {
	    "vfio-pci",
	    "driver",
	    "host",
	    "sysfsdev",
	    "=",
	    ",",
	    "06:00.0",
	    "{",
	    "}",
	    "\"",
	    "'",
	    ":",
	    "/",
	    UUID,
	    "\"host\"",
	    "host=",
	    ",,",
	    "\\",
	    "vfio-pci,host=",
	    "\xff",
	    "{\"driver\":\"vfio-pci\",\"host\":\"",
	};
	uint64_t seed = 5;
	size_t taken = 0;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		char text[512] = "";
		char name[DEVICE_NAME_SIZE];
		int result;

		for (unsigned int n = random_below(&seed, 9); n > 0; n--)
			strcat(text, pieces[random_below(&seed, LENGTH_OF(pieces))]);
		result = read_device(text);
		assert_true(result == 0 || result == -EINVAL);
		for (size_t i = 0; result == 0 && i < assigned.count; i++, taken++)
			assert_true(
			    device_is_mediated(assigned.names[i]) ||
			    device_pci_address(assigned.names[i], strlen(assigned.names[i]), name));
	}
	assert_true(taken > 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_device_of_the_host_is_found),
	    cmocka_unit_test(other_devices_are_none_of_the_hosts),
	    cmocka_unit_test(what_is_not_understood_is_refused),
	    cmocka_unit_test(only_devices_are_looked_at),
	    cmocka_unit_test(a_command_line_may_have_none),
	    cmocka_unit_test(a_device_counts_once),
	    cmocka_unit_test(there_is_a_most_of_devices),
	    cmocka_unit_test(long_values_are_no_harm),
	    cmocka_unit_test(any_text_can_be_read),
	};

	return RUN_TESTS(tests);
}
