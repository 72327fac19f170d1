#include "device.h"
#include "interrupt_world.h"

#define UUID "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001"
#define VIRTUAL_UUID "83b8f4f2-509f-382f-3c1e-e6bfe0fa1002"
#define PLATFORM "platform/a000000.virtio_mmio/virtio0/net/eth1"

enum { FOUND_MAX = 64 };

static const struct roots roots = {.proc = "world/proc", .sys = "world/sys"};

/* --- names --- */

static void addresses_are_written_as_sysfs_does(void **state)
{
	static const struct {
		const char *text;
		const char *expected;
	} cases[] = {
	    {"0000:06:00.0", "0000:06:00.0"},
	    {"06:00.0", "0000:06:00.0"},
	    {"6:0.0", "0000:06:00.0"},
	    {"0:6:0.0", "0000:06:00.0"},
	    {"00000000:06:00.0", "0000:06:00.0"},
	    {"0000:AB:1F.7", "0000:ab:1f.7"},
	    {"aBcD:fF:1e.0", "abcd:ff:1e.0"},
	    {"1:02:03.4", "0001:02:03.4"},
	    {"10000:e1:00.0", "10000:e1:00.0"},
	    {"ffffffff:ff:1f.7", "ffffffff:ff:1f.7"},
	    {"0001:00:00.0", "0001:00:00.0"},
	    {"00:1f.2", "0000:00:1f.2"},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		char name[DEVICE_NAME_SIZE];

		if (!device_pci_address(cases[i].text, strlen(cases[i].text), name) ||
		    strcmp(name, cases[i].expected) != 0)
			fail_msg("%s: %s", cases[i].text, name);
	}
}

static void what_is_no_address_is_none(void **state)
{
	static const char *const cases[] = {
	    "",
	    "eth0",
	    "vda",
	    ":",
	    ".",
	    "::.",
	    ":.",
	    "06",
	    "06.0",
	    "06:00",
	    "0000:06:00",
	    "0000:06:00.",
	    "0000:06:.0",
	    "0000::00.0",
	    ":06:00.0",
	    ":00.0",
	    "0000:06:00.8",
	    "0000:06:00.f",
	    "0000:06:00.10",
	    "0000:06:00.00",
	    "0000:06:20.0",
	    "0000:06:ff.0",
	    "0000:006:00.0",
	    "0000:06:000.0",
	    "0000:100:00.0",
	    "000000000:06:00.0",
	    "100000000:06:00.0",
	    "0:0:0:0",
	    "0:0:0:0.0",
	    "0000:06:00:0",
	    "0000.06.00.0",
	    "0000:06:00.0 ",
	    " 0000:06:00.0",
	    "0000:06:00.0\n",
	    "0000:06:00.0x",
	    "0x0:06:00.0",
	    "-1:06:00.0",
	    "+0:06:00.0",
	    "g:06:00.0",
	    "0000:0g:00.0",
	    "1-1:1.0",
	    "pci0000:00",
	    "PNP0A08:00",
	    "0000:00:1c.0:pcie004",
	    "0000:06:00.0,rombar=0",
	    "0000:06:00.0/",
	    "\xc3\xa9:0.0",
	};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		char name[DEVICE_NAME_SIZE];

		if (device_pci_address(cases[i], strlen(cases[i]), name))
			fail_msg("'%s' is taken for %s", cases[i], name);
	}
}

/* It is one component of a path, with more behind it. */
static void only_so_many_bytes_of_an_address_are_read(void **state)
{
	static const char text[] = "0000:06:00.0/net/eth0";
	char name[DEVICE_NAME_SIZE];

	(void)state;
	for (size_t length = 0; length < sizeof(text); length++)
		assert_int_equal(device_pci_address(text, length, name), length == 12);
}

/* Whatever the bytes: no crash, nothing read beyond them, and an address is one again. */
static void any_bytes_can_be_an_address(void **state)
{
	static const char bytes[] = "0123456789abcdefABCDEF::::..gx-/ ";
	uint64_t seed = 7;
	unsigned int taken = 0;

	(void)state;
	for (int round = 0; round < 50000; round++) {
		size_t length = random_below(&seed, 14);
		char *text = malloc(length > 0 ? length : 1);
		char name[DEVICE_NAME_SIZE];
		char again[DEVICE_NAME_SIZE];

		assert_non_null(text);
		for (size_t i = 0; i < length; i++)
			text[i] = round % 2 == 0 ? bytes[random_below(&seed, sizeof(bytes))]
						 : "01fF:."[random_below(&seed, 6)];
		if (device_pci_address(text, length, name)) {
			assert_true(device_pci_address(name, strlen(name), again));
			assert_string_equal(name, again);
			taken++;
		}
		free(text);
	}
	assert_true(taken > 0);
}

static void mediated_devices_are_uuids(void **state)
{
	static const char *const right[] = {UUID, "00000000-0000-0000-0000-000000000000",
					    "ffffffff-ffff-ffff-ffff-ffffffffffff"};
	static const char *const wrong[] = {
	    "",
	    "-",
	    "83b8f4f2",
	    "83b8f4f2-509f-382f-3c1e-e6bfe0fa100",
	    UUID "1",
	    UUID "-",
	    UUID "/",
	    UUID "\n",
	    " " UUID,
	    "83b8f4f2509f-382f-3c1e-e6bfe0fa1001",
	    "83b8f4f2-509f-382f-3c1e-e6bfe0fa100g",
	    "83b8f4f2-509f-382f-3c1e_e6bfe0fa1001",
	    "83b8f4f2.509f-382f-3c1e-e6bfe0fa1001",
	    "{83b8f4f2-509f-382f-3c1e-e6bfe0fa1001}",
	    "../8f4f2-509f-382f-3c1e-e6bfe0fa1001",
	    "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx",
	    "eth0",
	    "0000:06:00.0",
	};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(right); i++)
		assert_true(device_is_mediated(right[i]));
	for (size_t i = 0; i < LENGTH_OF(wrong); i++) {
		if (device_is_mediated(wrong[i]))
			fail_msg("'%s' is taken", wrong[i]);
	}
}

/* --- sysfs --- */

/* As a real one has them: links from where the kinds of devices are, to where they are. */
static void make_sysfs(void)
{
	static const struct {
		const char *link;   /* below /sys */
		const char *target; /* below /sys/devices */
	} links[] = {
	    {"class/net/eth0", "pci0000:00/0000:00:03.0/virtio2/net/eth0"},
	    {"class/net/eth1", PLATFORM},
	    {"class/net/eth2",
	     "platform/40000000.pcie/pci0001:00/0001:00:01.0/0001:01:00.0/net/eth2"},
	    {"class/net/enx1", "pci0000:00/0000:00:14.0/usb1/1-1/1-1:1.0/net/enx1"},
	    {"class/net/enc1", "css0/0.0.0001/0.0.0002/virtio1/net/enc1"},
	    {"class/net/lo", "virtual/net/lo"},
	    {"class/net/br0", "virtual/net/br0"},
	    {"class/net/both", "pci0000:00/0000:00:03.0/net/both"},
	    {"class/block/both", "pci0000:00/0000:00:04.0/block/both"},
	    {"class/block/vda", "pci0000:00/0000:00:04.0/virtio1/block/vda"},
	    {"class/block/vda1", "pci0000:00/0000:00:04.0/virtio1/block/vda/vda1"},
	    {"class/block/sda", "pci0000:00/0000:00:1f.2/ata1/host0/target0:0:0/0:0:0:0/block/sda"},
	    {"class/block/nvme0n1", "pci0000:00/0000:00:1d.0/0000:02:00.0/nvme/nvme0/nvme0n1"},
	    {"class/block/nvme1n1", "pci0000:00/0000:00:0e.0/pci10000:e0/10000:e0:06.0/"
				    "10000:e1:00.0/nvme/nvme1/nvme1n1"},
	    {"class/block/loop0", "virtual/block/loop0"},
	    {"class/block/dm-0", "virtual/block/dm-0"},
	    {"bus/pci/devices/0000:00:03.0", "pci0000:00/0000:00:03.0"},
	    {"bus/pci/devices/0000:02:00.0", "pci0000:00/0000:00:1d.0/0000:02:00.0"},
	    {"bus/pci/devices/10000:e1:00.0",
	     "pci0000:00/0000:00:0e.0/pci10000:e0/10000:e0:06.0/10000:e1:00.0"},
	    {"bus/mdev/devices/" UUID, "pci0000:00/0000:00:02.0/" UUID},
	    {"bus/mdev/devices/" VIRTUAL_UUID, "virtual/mtty/mtty/" VIRTUAL_UUID},
	};

	for (size_t i = 0; i < LENGTH_OF(links); i++) {
		char target[PATH_MAX] = "";

		make_line(path_of("world/sys/devices/%s/uevent", links[i].target), "");
		for (const char *slash = links[i].link; (slash = strchr(slash, '/')) != NULL;
		     slash++)
			strcat(target, "../");
		strcat(strcat(target, "devices/"), links[i].target);
		make_path_link(target, path_of("world/sys/%s", links[i].link));
	}
}

static int start(void **state)
{
	if (enter_directory(state) < 0)
		return -1;
	make_sysfs();
	make_interrupt(9, "0", "acpi");
	return 0;
}

/* Whether a device's path is that, below /sys/devices. */
static bool is_at(const struct device *device, const char *path)
{
	return strcmp(device->path, path_of("%s/world/sys/devices/%s", directory, path)) == 0;
}

static struct device find(const char *name)
{
	struct device device;
	struct error error = {0};

	if (device_find(&roots, name, &device, &error) != 0)
		fail_msg("%s: %s", name, error.text);
	assert_false(error_is_set(&error));
	return device;
}

static void a_device_is_found_by_any_of_its_names(void **state)
{
	static const struct {
		const char *name;
		const char *path;
	} cases[] = {
	    {"eth0", "pci0000:00/0000:00:03.0"},
	    {"0000:00:03.0", "pci0000:00/0000:00:03.0"},
	    {"00:03.0", "pci0000:00/0000:00:03.0"},
	    {"0:3.0", "pci0000:00/0000:00:03.0"},
	    {"both", "pci0000:00/0000:00:03.0"},
	    {"vda", "pci0000:00/0000:00:04.0"},
	    {"vda1", "pci0000:00/0000:00:04.0"},
	    {"sda", "pci0000:00/0000:00:1f.2"},
	    {"enx1", "pci0000:00/0000:00:14.0"},
	    {"nvme0n1", "pci0000:00/0000:00:1d.0/0000:02:00.0"},
	    {"0000:02:00.0", "pci0000:00/0000:00:1d.0/0000:02:00.0"},
	    {"02:00.0", "pci0000:00/0000:00:1d.0/0000:02:00.0"},
	    {"eth2", "platform/40000000.pcie/pci0001:00/0001:00:01.0/0001:01:00.0"},
	    {"nvme1n1", "pci0000:00/0000:00:0e.0/pci10000:e0/10000:e0:06.0/10000:e1:00.0"},
	    {"10000:E1:00.0", "pci0000:00/0000:00:0e.0/pci10000:e0/10000:e0:06.0/10000:e1:00.0"},
	    {UUID, "pci0000:00/0000:00:02.0"},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		struct device device = find(cases[i].name);

		if (!device.is_pci || !is_at(&device, cases[i].path))
			fail_msg("%s: %s", cases[i].name, device.path);
	}
}

static void a_device_may_be_on_no_pci_bus(void **state)
{
	struct device device = find("eth1");

	(void)state;
	assert_false(device.is_pci);
	assert_true(is_at(&device, PLATFORM));
	device = find("enc1");
	assert_false(device.is_pci);
	assert_true(is_at(&device, "css0/0.0.0001/0.0.0002/virtio1/net/enc1"));
}

/* Of both the text and the code of the error something is expected. */
static void check_not_found(const char *name, int code, const char *part)
{
	struct device device;
	struct error error = {0};
	int result = device_find(&roots, name, &device, &error);

	if (result != code || strstr(error.text, part) == NULL || strstr(error.text, name) == NULL)
		fail_msg("%s: %d, %s", name, result, error.text);
	assert_int_equal(device_find(&roots, name, &device, NULL), code);
}

static void what_is_not_there_is_not_found(void **state)
{
	static const char *const names[] = {
	    "eth9",         "eth",     "eth00",     "vda2",
	    "0000:00:09.0", "00:09.0", "1:00:03.0", "83b8f4f2-509f-382f-3c1e-e6bfe0fa1009",
	    "dangling",     "vfio",
	};

	(void)state;
	make_path_link("../../devices/pci0000:00/gone", "world/sys/class/net/dangling");
	for (size_t i = 0; i < LENGTH_OF(names); i++)
		check_not_found(names[i], -ENOENT,
				"this host has no network interface, block device or PCI device");
	/* Nor on a host without any of the kind. */
	assert_int_equal(remove_tree("world/sys/class"), 0);
	assert_int_equal(remove_tree("world/sys/bus"), 0);
	check_not_found("eth0", -ENOENT, "this host has no");
	check_not_found("00:03.0", -ENOENT, "this host has no");
	check_not_found(UUID, -ENOENT, "this host has no");
}

static void what_is_made_of_software_has_no_interrupts(void **state)
{
	static const char *const names[] = {"lo", "br0", "loop0", "dm-0", VIRTUAL_UUID};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(names); i++)
		check_not_found(names[i], -EINVAL, "it is made of software");
}

static void what_leads_out_of_the_devices_is_refused(void **state)
{
	(void)state;
	make_line("world/elsewhere/0000:00:03.0/uevent", "");
	make_line("world/sys/devices2/0000:00:03.0/uevent", "");
	make_line("world/sys/kernel/mm/x", "");
	make_line("world/sys/class/net/bonding_masters", "");
	make_link("../../../elsewhere/0000:00:03.0", "world/sys/class/net/out");
	make_link("../../devices2/0000:00:03.0", "world/sys/class/net/beside");
	make_link("../../kernel/mm", "world/sys/class/net/kernel");
	make_link("../../devices", "world/sys/class/net/all");
	make_link("/", "world/sys/class/net/root");
	check_not_found("out", -EINVAL, "cannot be looked at");
	check_not_found("beside", -EINVAL, "cannot be looked at");
	check_not_found("kernel", -EINVAL, "cannot be looked at");
	check_not_found("all", -EINVAL, "cannot be looked at");
	check_not_found("root", -EINVAL, "cannot be looked at");
	check_not_found("bonding_masters", -EINVAL, "cannot be looked at");
	make_link("circle", "world/sys/class/net/circle");
	check_not_found("circle", -ELOOP, "cannot be looked at");
}

static void who_has_the_device_is_seen_by_its_driver(void **state)
{
	static const struct {
		const char *driver; /* NULL: none */
		bool assigned;
	} cases[] = {
	    {NULL, false},           {"virtio-pci", false},          {"e1000e", false},
	    {"pci-stub", false},     {"uio_pci_generic", false},     {"vfio-pci", true},
	    {"mlx5_vfio_pci", true}, {"nvgrace_gpu_vfio_pci", true},
	};
	struct device device = find("eth0");

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		char target[128];

		snprintf(target, sizeof(target), "../../../bus/pci/drivers/%s",
			 cases[i].driver != NULL ? cases[i].driver : "");
		if (cases[i].driver != NULL)
			make_link(target, BUS "0000:00:03.0/driver");
		if (device_is_assigned(&device) != cases[i].assigned)
			fail_msg("%s", target);
	}
	/* It is the link that counts. */
	assert_int_equal(unlink(BUS "0000:00:03.0/driver"), 0);
	make_line(BUS "0000:00:03.0/driver", "vfio-pci");
	assert_false(device_is_assigned(&device));
	assert_int_equal(remove_tree(BUS "0000:00:03.0"), 0);
	assert_false(device_is_assigned(&device));
}

/* --- interrupts --- */

static unsigned int found[FOUND_MAX];
static size_t found_count;

static void note_found(void *context, unsigned int number)
{
	assert_ptr_equal(context, found);
	assert_true(found_count < FOUND_MAX);
	found[found_count++] = number;
}

static int compare_found(const void *left, const void *right)
{
	unsigned int a = *(const unsigned int *)left;
	unsigned int b = *(const unsigned int *)right;

	return (a > b) - (a < b);
}

/* The interrupts of a device, "16 17 ". */
static const char *interrupts_of(const char *name)
{
	static char text[16 * FOUND_MAX];
	struct interrupts interrupts;
	struct interrupt_list list = {0};
	struct device device = find(name);

	assert_int_equal(interrupts_open(&interrupts, &roots), 0);
	assert_int_equal(interrupts_list(&interrupts, &list), 0);
	found_count = 0;
	device_interrupts(&device, &interrupts, &list, note_found, found);
	interrupts_close(&interrupts);
	free(list.at);
	qsort(found, found_count, sizeof(*found), compare_found);
	*text = '\0';
	for (size_t i = 0; i < found_count; i++)
		text_add(text, sizeof(text), "%u ", found[i]);
	return text;
}

static void the_vectors_of_a_device_are_its_interrupts(void **state)
{
	(void)state;
	make_line(BUS "0000:00:03.0/irq", "9");
	give_vector("0000:00:03.0", 40);
	give_vector("0000:00:03.0", 41);
	give_vector("0000:00:03.0", 1043);
	assert_string_equal(interrupts_of("eth0"), "40 41 1043 ");
	assert_string_equal(interrupts_of("00:03.0"), "40 41 1043 ");
	take_vector("0000:00:03.0", 40);
	assert_string_equal(interrupts_of("eth0"), "41 1043 ");
	/* Those of the function, not of the bridge above it. */
	give_vector("0000:00:1d.0", 24);
	give_vector("0000:00:1d.0/0000:02:00.0", 50);
	assert_string_equal(interrupts_of("nvme0n1"), "50 ");
	/* A mediated device has those of its parent. */
	give_vector("0000:00:02.0", 60);
	assert_string_equal(interrupts_of(UUID), "60 ");
}

static void what_is_no_number_is_no_vector(void **state)
{
	static const char *const names[] = {"x",           "07",   "12a", "-1", "2147483648",
					    "99999999999", "0x10", "+5",  "1.0"};

	(void)state;
	give_vector("0000:00:03.0", 40);
	for (size_t i = 0; i < LENGTH_OF(names); i++)
		make_line(path_of(BUS "0000:00:03.0/msi_irqs/%s", names[i]), "msi");
	assert_string_equal(interrupts_of("eth0"), "40 ");
}

/* A device without vectors has its line, unless that is known to be another's. */
static void the_line_of_a_device_may_be_its_interrupt(void **state)
{
	static const struct {
		const char *actions;
		bool of_host;  /* it has a driver of the host's */
		bool of_guest; /* it is in the hands of VFIO */
	} cases[] = {
	    {"", true, true},
	    {"vfio-intx(0000:00:03.0)", true, true},
	    {"0000:00:03.0", true, true},
	    {"ahci,vfio-intx(0000:00:03.0)", true, true},
	    {"vfio-intx(0000:00:03.0),ahci", true, true},
	    /* one, of whom is not known: a driver may name it after anything */
	    {"ahci", true, false},
	    {"ehci_hcd:usb1", true, false},
	    {"vfio-intx(0000:00:04.0)", true, false},
	    {"vfio-intx(10000:00:03.0)", true, false},
	    {"vfio-intx(0000:00:03.01)", true, false},
	    {"ahci,ehci_hcd:usb1", false, false},
	    {"vfio-intx(0000:00:04.0),ahci", false, false},
	};

	(void)state;
	make_line(BUS "0000:00:03.0/irq", "16");
	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		make_interrupt(16, "0", cases[i].actions);
		make_link("../../../bus/pci/drivers/e1000e", BUS "0000:00:03.0/driver");
		if (strcmp(interrupts_of("eth0"), cases[i].of_host ? "16 " : "") != 0)
			fail_msg("'%s' of the host's", cases[i].actions);
		make_link("../../../bus/pci/drivers/vfio-pci", BUS "0000:00:03.0/driver");
		if (strcmp(interrupts_of("eth0"), cases[i].of_guest ? "16 " : "") != 0)
			fail_msg("'%s' of a guest's", cases[i].actions);
	}
}

/* The folder of its vectors stays until the driver goes (kernel/irq/msi.c, since Linux 5.17). */
static void a_device_that_has_given_its_vectors_back_has_its_line(void **state)
{
	(void)state;
	make_interrupt(16, "0", "vfio-intx(0000:00:03.0)");
	make_line(BUS "0000:00:03.0/irq", "16");
	give_vector("0000:00:03.0", 40);
	assert_string_equal(interrupts_of("eth0"), "40 ");
	take_vector("0000:00:03.0", 40);
	assert_string_equal(interrupts_of("eth0"), "16 ");
}

static void a_device_may_have_no_line(void **state)
{
	static const char *const lines[] = {"0", "", "x", "-1", "16 17", "016", "2147483648", "99"};
	static char actions[2 * INTERRUPT_ACTIONS_SIZE];

	(void)state;
	make_interrupt(16, "0", "eth0");
	assert_string_equal(interrupts_of("eth0"), ""); /* no file that says so */
	for (size_t i = 0; i < LENGTH_OF(lines); i++) {
		make_line(BUS "0000:00:03.0/irq", lines[i]);
		if (*interrupts_of("eth0") != '\0')
			fail_msg("'%s'", lines[i]);
	}
	make_file(BUS "0000:00:03.0/irq", "16");
	assert_string_equal(interrupts_of("eth0"), "16 ");
	memset(actions, 'a', sizeof(actions) - 1);
	make_file("world/sys/kernel/irq/16/actions", actions);
	assert_string_equal(interrupts_of("eth0"), "");
}

/* The names of those who asked for one are all that there is to tell by. */
static void without_pci_it_is_the_name_that_tells(void **state)
{
	static const struct {
		const char *actions;
		bool its;
	} cases[] = {
	    {"virtio0", true},
	    {"virtio0-config", true},
	    {"virtio0-input.0", true},
	    {"timer,virtio0", true},
	    {"virtio0,timer", true},
	    {"virtio01,virtio0", true},
	    {"a000000.virtio_mmio", true},
	    {"eth1", true},
	    {"eth1-rx-0", true},
	    {"", false},
	    {"virtio01", false},
	    {"virtio0a", false},
	    {"xvirtio0", false},
	    {"1virtio0", false},
	    {"virtio", false},
	    {"VIRTIO0", false},
	    {"virtio1-req.0", false},
	    {"eth10", false},
	    {"veth1", false},
	    {"net", false},
	    {"platform", false},
	    {"timer", false},
	    {"devices", false},
	    {"sys", false},
	};
	char expected[16 * LENGTH_OF(cases)] = "";

	(void)state;
	for (unsigned int i = 0; i < LENGTH_OF(cases); i++) {
		make_interrupt(100 + i, "0", cases[i].actions);
		if (cases[i].its)
			text_add(expected, sizeof(expected), "%u ", 100 + i);
	}
	assert_string_equal(interrupts_of("eth1"), expected);
	/* What it says of vectors or a line is for PCI. */
	make_line("world/sys/devices/" PLATFORM "/irq", "9");
	make_line("world/sys/devices/" PLATFORM "/msi_irqs/9", "msi");
	assert_string_equal(interrupts_of("eth1"), expected);
}

static void a_device_that_is_gone_has_none(void **state)
{
	struct interrupts interrupts;
	struct interrupt_list list = {0};
	struct device device = find("eth0");

	(void)state;
	give_vector("0000:00:03.0", 40);
	assert_string_equal(interrupts_of("eth0"), "40 ");
	assert_int_equal(remove_tree(BUS "0000:00:03.0"), 0);
	assert_int_equal(interrupts_open(&interrupts, &roots), 0);
	found_count = 0;
	device_interrupts(&device, &interrupts, &list, note_found, found);
	interrupts_close(&interrupts);
	assert_int_equal(found_count, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, leave_directory)
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(addresses_are_written_as_sysfs_does),
	    cmocka_unit_test(what_is_no_address_is_none),
	    cmocka_unit_test(only_so_many_bytes_of_an_address_are_read),
	    cmocka_unit_test(any_bytes_can_be_an_address),
	    cmocka_unit_test(mediated_devices_are_uuids),
	    TEST(a_device_is_found_by_any_of_its_names),
	    TEST(a_device_may_be_on_no_pci_bus),
	    TEST(what_is_not_there_is_not_found),
	    TEST(what_is_made_of_software_has_no_interrupts),
	    TEST(what_leads_out_of_the_devices_is_refused),
	    TEST(who_has_the_device_is_seen_by_its_driver),
	    TEST(the_vectors_of_a_device_are_its_interrupts),
	    TEST(what_is_no_number_is_no_vector),
	    TEST(the_line_of_a_device_may_be_its_interrupt),
	    TEST(a_device_that_has_given_its_vectors_back_has_its_line),
	    TEST(a_device_may_have_no_line),
	    TEST(without_pci_it_is_the_name_that_tells),
	    TEST(a_device_that_is_gone_has_none),
	};

	return RUN_TESTS(tests);
}
