#include "qemu_memory.h"
#include "unit.h"

#include <errno.h>
#include <string.h>

#define MEGA (UINT64_C(1) << 20)
#define GIGA (UINT64_C(1) << 30)

#define ARGV(...) ((const char *const[]){"qemu-kvm", __VA_ARGS__, NULL})

/* Reads a command line that is in order. */
static struct qemu_memory memory_of(const char *const *argv)
{
	struct qemu_memory memory;
	struct error error = {0};

	if (qemu_memory_read((char *const *)argv, &memory, &error) != 0)
		fail_msg("%s", error.text);
	assert_false(error_is_set(&error));
	return memory;
}

/* The RAM is no object, and of that size. */
static void check_size(uint64_t expected, const char *const *argv)
{
	struct qemu_memory memory = memory_of(argv);

	assert_true(memory.by_size);
	if (memory.size != expected)
		fail_msg("%llu, not %llu, of %s", (unsigned long long)memory.size,
			 (unsigned long long)expected, argv[1] != NULL ? argv[2] : "none");
	qemu_memory_free(&memory);
}

/* What of the command line may be memory and cannot be read; NULL: nothing. */
static void check_unread(const char *expected, const char *const *argv)
{
	struct qemu_memory memory = memory_of(argv);

	if (expected == NULL && memory.unread.name != NULL)
		fail_msg("unread: %s", memory.unread.value);
	if (expected != NULL) {
		assert_non_null(memory.unread.name);
		assert_string_equal(memory.unread.value, expected);
		assert_ptr_equal(argv[memory.unread.index], memory.unread.value);
	}
	qemu_memory_free(&memory);
	assert_null(memory.unread.name);
}

static void check_by_object(const char *const *argv)
{
	struct qemu_memory memory = memory_of(argv);

	assert_false(memory.by_size);
	qemu_memory_free(&memory);
}

/* The place behind the last -machine. */
static void check_machine(size_t expected, const char *const *argv)
{
	struct qemu_memory memory = memory_of(argv);

	assert_int_equal(memory.machine, expected);
	qemu_memory_free(&memory);
}

static void the_size_has_many_forms(void **state)
{
	(void)state;
	check_size(512 * MEGA, ARGV("-m", "512"));
	check_size(512 * MEGA, ARGV("-m", "512M"));
	check_size(GIGA, ARGV("-m", "1G"));
	check_size(GIGA, ARGV("-m", "1g"));
	check_size(3 * GIGA / 2, ARGV("-m", "1.5G"));
	check_size(512 * MEGA, ARGV("-m", "0x200"));
	check_size(512 * MEGA, ARGV("-m", "524288K"));
	check_size(4096, ARGV("-m", "4096B"));
	check_size(GIGA, ARGV("-m", "size=1G,slots=2,maxmem=4G"));
	check_size(GIGA, ARGV("-m", "1024,slots=2,maxmem=4G"));
	check_size(GIGA, ARGV("-m", "maxmem=4G,slots=2,size=1G"));
	check_size(2 * GIGA, ARGV("-m", "size=1G,size=2G"));
	check_size(GIGA, ARGV("--m", "1G"));
}

static void without_a_size_there_are_128_megabytes(void **state)
{
	(void)state;
	check_size(128 * MEGA, ARGV("-S"));
	check_size(128 * MEGA, (const char *const[]){"qemu-kvm", NULL});
	check_size(128 * MEGA, (const char *const[]){NULL});
	check_size(128 * MEGA, ARGV("-m", "0"));
	check_size(128 * MEGA, ARGV("-m", "0G"));
	check_size(128 * MEGA, ARGV("-m", ""));
	check_size(128 * MEGA, ARGV("-m", "slots=2,maxmem=4G"));
	check_size(128 * MEGA, ARGV("-machine", "q35,accel=kvm"));
}

static void the_last_size_counts(void **state)
{
	(void)state;
	check_size(2 * GIGA, ARGV("-m", "1G", "-m", "2G"));
	check_size(2 * GIGA, ARGV("-m", "2G", "-m", "slots=2,maxmem=4G"));
	check_size(2 * GIGA, ARGV("-m", "nonsense", "-m", "2G"));
	check_size(128 * MEGA, ARGV("-m", "2G", "-m", "0"));
}

/* QEMU refuses it, or counts otherwise; only who wants to know how much there is minds. */
static void a_size_that_cannot_be_read_is_0(void **state)
{
	(void)state;
	check_size(0, ARGV("-m", "lots"));
	check_size(0, ARGV("-m", "1GB"));
	check_size(0, ARGV("-m", "-1"));
	check_size(0, ARGV("-m", "+1"));
	check_size(0, ARGV("-m", "size="));
	check_size(0, ARGV("-m", "slots=2,size"));
	check_size(0, ARGV("-m", "9E"));
	check_size(0, ARGV("-m", "99999999999999999999"));
	check_size(0, ARGV("-m", "1G,,2"));
	check_size(0, ARGV("-m", "2G", "-m", "x"));
	check_size(0, ARGV("-machine", "q35,memory.size=much"));
	check_size(0, ARGV("-machine", "q35,memory.size=much", "-m", "slots=2"));
	check_size(0, ARGV("-machine", "q35,memory.size=1G", "-m", "much"));
	check_size(2 * GIGA, ARGV("-machine", "q35,memory.size=much", "-m", "2G"));
	check_size(0, ARGV("-m", "1G", "-m", "x", "-object",
			   "{\"qom-type\":\"memory-backend-ram\",\"id\":\"a\",\"size\":1}"));
}

/* softmmu/vl.c, parse_memory_options: an "M" is put behind a last character that is a digit. */
static void a_size_is_in_megabytes_if_it_ends_with_a_digit(void **state)
{
	(void)state;
	check_size(1 * MEGA, ARGV("-m", "1"));
	check_size(9 * MEGA, ARGV("-m", "9"));
	check_size(16 * MEGA, ARGV("-m", "0x10"));
	check_size(0xf0 * MEGA, ARGV("-m", "0xF0"));
	check_size(255, ARGV("-m", "0xfF"));
	check_size(0x1a, ARGV("-m", "0x1a"));
	check_size(0x1b, ARGV("-m", "0x1b"));
	check_size(0x1e, ARGV("-m", "size=0x1E,slots=2"));
	check_size(0x40000000F, ARGV("-m", "0x40000000F"));
	check_size(15, ARGV("-m", "15B"));
	check_size(15 * MEGA, ARGV("-m", "15M"));
	check_size(512 * MEGA, ARGV("-m", "0.5G"));
	check_size(512 * MEGA, ARGV("-m", "512,slots=2"));
	check_size(512 * MEGA, ARGV("-m", "512,"));
	/* That of the machine is in bytes. */
	check_size(16, ARGV("-machine", "memory.size=0x10"));
}

static void the_machine_may_have_the_size_and_m_has_the_last_word(void **state)
{
	(void)state;
	check_size(GIGA, ARGV("-machine", "q35,memory.size=1G"));
	check_size(4096, ARGV("-machine", "q35,memory.size=4096"));
	check_size(GIGA, ARGV("-M", "memory.size=1G", "-machine", "accel=kvm"));
	check_size(2 * GIGA, ARGV("-M", "memory.size=1G", "-machine", "memory.size=2G"));
	check_size(2 * GIGA, ARGV("-m", "2G", "-machine", "q35,memory.size=1G"));
	check_size(2 * GIGA, ARGV("-machine", "q35,memory.size=1G", "-m", "2G"));
	check_size(GIGA, ARGV("-machine", "q35,memory.size=1G", "-m", "slots=2"));
	check_size(128 * MEGA, ARGV("-machine", "q35,memory.max-size=1G,memory.slots=2"));
}

/* softmmu/vl.c: a size of 0 in -m sets nothing. */
static void a_size_of_0_leaves_that_of_the_machine(void **state)
{
	(void)state;
	check_size(GIGA, ARGV("-machine", "q35,memory.size=1G", "-m", "0"));
}

static void ram_that_is_an_object_has_no_size_of_its_own(void **state)
{
	(void)state;
	check_by_object(ARGV("-m", "1G", "-machine", "q35,memory-backend=pc.ram"));
	check_by_object(ARGV("-machine", "memory-backend=pc.ram", "-machine", "accel=kvm"));
	check_by_object(ARGV("-M", "memory-backend=pc.ram,accel=kvm", "-machine", "q35"));
	check_by_object(ARGV("-M", "q35", "--machine", "memory-backend=a"));
	check_by_object(ARGV("-numa", "node,memdev=ram0"));
	check_by_object(ARGV("-numa", "node,nodeid=0,cpus=0-1,memdev=ram0"));
	check_by_object(ARGV("-numa", "node,nodeid=0", "-numa", "cpu,node-id=0", "-numa",
			     "type=node,memdev=ram1"));
	check_by_object(ARGV("-m", "lots", "-machine", "memory-backend=pc.ram"));
}

static void cells_without_an_object_are_by_size(void **state)
{
	(void)state;
	check_size(GIGA, ARGV("-m", "1G", "-numa", "node,mem=512", "-numa", "node,mem=512"));
	check_size(GIGA, ARGV("-m", "1G", "-numa", "node", "-numa", "dist,src=0,dst=1,val=20"));
	check_size(GIGA, ARGV("-m", "1G", "-machine", "q35,memory-encryption=sev0"));
	check_size(GIGA, ARGV("-m", "1G", "-device", "pc-dimm,memdev=dimm0"));
	check_size(GIGA, ARGV("-m", "1G", "-machine", "q35,x=memory-backend"));
}

static void the_last_path_is_told(void **state)
{
	struct qemu_memory memory = memory_of(ARGV("-mem-path", "/a", "--mem-path", "/b,c=d"));

	(void)state;
	assert_string_equal(memory.path, "/b,c=d");
	assert_true(memory.by_size);
	qemu_memory_free(&memory);
	memory = memory_of(ARGV("-S"));
	assert_null(memory.path);
	qemu_memory_free(&memory);
}

static void the_place_of_the_machine_is_behind_its_last_option(void **state)
{
	(void)state;
	check_machine(1, (const char *const[]){NULL});
	check_machine(1, ARGV("-S"));
	check_machine(1, ARGV("-m", "1G", "-S"));
	check_machine(3, ARGV("-machine", "q35"));
	check_machine(4, ARGV("-S", "-M", "q35", "-m", "1G"));
	check_machine(7, ARGV("-machine", "q35", "-m", "1G", "-machine", "accel=kvm", "-S"));
	check_machine(3, ARGV("--machine", "q35", "-append", "-machine", "x"));
	check_machine(3, ARGV("-machine", "-M", "-S"));
}

static void objects_are_found_with_their_places(void **state)
{
	struct qemu_memory memory = memory_of(
	    ARGV("-object", "{\"qom-type\":\"secret\",\"id\":\"s\"}", "-object",
		 "{\"qom-type\":\"memory-backend-ram\",\"id\":\"ram0\",\"size\":1073741824}", "-S",
		 "--object", "memory-backend-file,id=ram1,size=2G,mem-path=/x", "-object",
		 "{\"qom-type\":\"memory-backend-ram\",\"id\":\"ram2\"}", "-object", "{broken",
		 "-object", "iothread,id=i", "-object", "memory-backend-memfd,id=ram3,size=1M",
		 "-numa", "node,memdev=ram0"));

	(void)state;
	assert_int_equal(memory.count, 3);
	assert_null(memory.unread.name);
	assert_false(memory.by_size);
	assert_string_equal(memory.objects[0].object.id, "ram0");
	assert_true(memory.objects[0].object.plain);
	assert_int_equal(memory.objects[0].index, 4);
	assert_string_equal(memory.objects[1].object.id, "ram1");
	assert_int_equal(memory.objects[1].index, 7);
	assert_string_equal(memory.objects[2].object.id, "ram3");
	assert_int_equal(memory.objects[2].index, 15);
	assert_string_equal(memory.objects[0].user, "-numa");
	assert_null(memory.objects[1].user);
	assert_null(memory.objects[2].user);
	qemu_memory_free(&memory);
	assert_int_equal(memory.count, 0);
	assert_null(memory.objects);
	qemu_memory_free(&memory);
}

static void what_cannot_be_read_is_told(void **state)
{
	static const char quoted[] = "{'qom-type':'memory-backend-ram','id':'a','size':1}";

	(void)state;
	check_unread(quoted, ARGV("-object", quoted));
	check_unread("memory-backend-ram,id=a,size=+1G",
		     ARGV("-m", "1G", "--object", "memory-backend-ram,id=a,size=+1G", "-S"));
	check_unread("memory-backend-ram,id=a,size=1G,host-nodes=0x0",
		     ARGV("-object", "memory-backend-ram,id=a,size=1G,host-nodes=0x0", "-object",
			  "memory-backend-ram,id=b,size=1G"));
	check_unread("/etc/vm.conf", ARGV("-readconfig", "/etc/vm.conf"));
	check_unread("/etc/vm.conf", ARGV("--readconfig", "/etc/vm.conf", "-m", "1G"));
	check_unread("object.a.size=1G", ARGV("-set", "object.a.size=1G"));
	check_unread("memory.m.size=1G", ARGV("--set", "memory.m.size=1G"));
	check_unread("machine.m.memory-backend=a", ARGV("-set", "machine.m.memory-backend=a"));
	check_unread("numa.n.memdev=a", ARGV("-set", "numa.n.memdev=a"));
}

static void what_is_no_memory_need_not_be_read(void **state)
{
	(void)state;
	check_unread(NULL, ARGV("-S"));
	check_unread(NULL, ARGV("-m", "lots"));
	check_unread(NULL, ARGV("-object", "{broken"));
	check_unread(NULL, ARGV("-object", "{'qom-type':'iothread','id':'i'}"));
	check_unread(NULL, ARGV("-object", "memory-backend-ram,size=1G"));
	check_unread(NULL, ARGV("-device", "{broken,memdev"));
	check_unread(NULL, ARGV("-set", "device.a.b=c"));
	check_unread(NULL, ARGV("-set", "drive.object.file=x"));
	check_unread(NULL, ARGV("-set", "objects.a.b=c"));
	check_unread(NULL, ARGV("-set", "object"));
	check_unread(NULL, ARGV("-set", ""));
	check_unread(NULL, ARGV("-name", "object.a.size=1G"));
	check_unread(NULL, ARGV("-append", "-readconfig", "-S"));
	check_unread(NULL, ARGV("-readconfig"));
	check_unread(NULL, ARGV("-set"));
}

/* The driver of the device that is made of the first object; NULL: none is. */
static void check_driver(const char *expected, const char *const *argv)
{
	struct qemu_memory memory = memory_of(argv);

	assert_true(memory.count > 0);
	if (expected == NULL) {
		assert_null(memory.objects[0].user);
	} else {
		assert_non_null(memory.objects[0].user);
		assert_string_equal(memory.objects[0].user, expected);
	}
	qemu_memory_free(&memory);
}

#define OBJECT_V "memory-backend-ram,id=v,size=1G"

static void an_object_is_told_its_device(void **state)
{
	(void)state;
	check_driver("virtio-mem-pci",
		     ARGV("-object", OBJECT_V, "-device", "virtio-mem-pci,id=m,memdev=v"));
	check_driver("pc-dimm", ARGV("-device", "pc-dimm,memdev=v", "-object", OBJECT_V));
	check_driver("nvdimm", ARGV("-object", OBJECT_V, "--device", "memdev=v,driver=nvdimm"));
	check_driver("virtio-mem-pci",
		     ARGV("-object", OBJECT_V, "-device",
			  "{\"driver\":\"virtio-mem-pci\",\"memdev\":\"v\",\"id\":\"m\"}"));
	check_driver(
	    "pc-dimm",
	    ARGV("-device", "{\"memdev\":\"v\",\"driver\":\"pc-dimm\"}", "-object",
		 "{\"qom-type\":\"memory-backend-ram\",\"id\":\"v\",\"size\":1073741824}"));
	check_driver("a,b", ARGV("-object", "memory-backend-ram,id=x,,y,size=1", "-device",
				 "a,,b,memdev=x,,y"));
}

static void other_devices_are_not_of_the_object(void **state)
{
	(void)state;
	check_driver(NULL, ARGV("-object", OBJECT_V));
	check_driver(NULL, ARGV("-object", OBJECT_V, "-device", "virtio-net-pci,id=v"));
	check_driver(NULL, ARGV("-object", OBJECT_V, "-device", "pc-dimm,memdev=w"));
	check_driver(NULL, ARGV("-object", OBJECT_V, "-device", "pc-dimm,memdev=V"));
	check_driver(NULL, ARGV("-object", OBJECT_V, "-device", "pc-dimm,memdev=vv"));
	check_driver(NULL, ARGV("-object", OBJECT_V, "-device", "pc-dimm,memdev="));
	check_driver(NULL, ARGV("-object", OBJECT_V, "-device", "x,id=pc-dimm,,memdev=v"));
	check_driver("-numa", ARGV("-object", OBJECT_V, "-numa", "node,memdev=v"));
	check_driver("-machine", ARGV("-M", "pc,memory-backend=v", "-object", OBJECT_V));
	check_driver(NULL, ARGV("-object", OBJECT_V, "-append", "-device", "pc-dimm,memdev=v"));
	check_driver(NULL, ARGV("-object", OBJECT_V, "-device", "{\"memdev\":\"v\"}"));
}

static void each_object_has_a_device_of_its_own(void **state)
{
	struct qemu_memory memory = memory_of(
	    ARGV("-device", "virtio-mem-pci,memdev=b", "-object", "memory-backend-ram,id=a,size=1",
		 "-object", "memory-backend-ram,id=b,size=1", "-object",
		 "memory-backend-ram,id=c,size=1", "-device", "pc-dimm,memdev=c", "-device",
		 "pc-dimm,memdev=nobody", "-device", "nvdimm,memdev=c", "-device", "usb-tablet"));

	(void)state;
	assert_int_equal(memory.count, 3);
	assert_null(memory.objects[0].user);
	assert_string_equal(memory.objects[1].user, "virtio-mem-pci");
	assert_string_equal(memory.objects[2].user, "pc-dimm"); /* QEMU refuses the second */
	qemu_memory_free(&memory);
}

/* QEMU refuses the second of each, but what is read must be freed once. */
static void an_object_given_twice_is_read(void **state)
{
	struct qemu_memory memory =
	    memory_of(ARGV("-object", OBJECT_V, "-device", "pc-dimm,memdev=v", "-object", OBJECT_V,
			   "-device", "nvdimm,memdev=v"));

	(void)state;
	assert_int_equal(memory.count, 2);
	assert_string_equal(memory.objects[0].user, "pc-dimm");
	qemu_memory_free(&memory);
}

static void pages_are_for_ram_that_stays_the_same_to_the_guest(void **state)
{
	static const struct {
		const char *user;
		bool sparse;
		bool plain;
		bool is_ram;
		bool takes_2m;
		bool takes_1g;
	} cases[] = {
	    {NULL, false, true, true, true, true},
	    {NULL, false, false, true, false, false},
	    {NULL, true, true, false, false, false},
	    {NULL, true, false, false, false, false},
	    {"-machine", false, true, true, true, true},
	    {"-numa", false, true, true, true, true},
	    {"-numa", true, true, false, false, false},
	    {"pc-dimm", false, true, true, true, false},
	    {"pc-dimm", false, false, true, false, false},
	    {"pc-dimm", true, true, false, false, false},
	    {"virtio-mem-pci", false, true, false, false, false},
	    {"virtio-mem-pci", true, true, false, false, false},
	    {"nvdimm", false, true, false, false, false},
	    {"virtio-pmem-pci", false, true, false, false, false},
	    {"ivshmem-plain", false, true, false, false, false},
	    {"pc-dimm2", false, true, false, false, false},
	    {"", false, true, false, false, false},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		struct qemu_object object = {
		    .object = {.plain = cases[i].plain,
			       .sparse = cases[i].sparse,
			       .size = GIGA * (2 * MEGA + 4096)},
		    .user = (char *)cases[i].user,
		};

		if (qemu_object_is_ram(&object) != cases[i].is_ram ||
		    qemu_object_takes_pages(&object, 64 << 10) != cases[i].takes_2m ||
		    qemu_object_takes_pages(&object, 2 * MEGA) != cases[i].takes_2m ||
		    qemu_object_takes_pages(&object, 2 * MEGA + 4096) != cases[i].takes_1g ||
		    qemu_object_takes_pages(&object, GIGA) != cases[i].takes_1g)
			fail_msg("case %zu", i);
	}
}

/* What nothing uses may be anything; what is RAM must be whole pages, or is refused. */
static void broken_pages_are_for_nobody_s_object_none(void **state)
{
	struct qemu_object object = {.object = {.plain = true, .size = 3 * MEGA}};

	(void)state;
	assert_false(qemu_object_takes_pages(&object, 2 * MEGA));
	assert_true(qemu_object_takes_pages(&object, MEGA));
	object.user = "-numa";
	assert_true(qemu_object_takes_pages(&object, 2 * MEGA));
	object.user = "pc-dimm";
	assert_true(qemu_object_takes_pages(&object, 2 * MEGA));
}

static void allocation_of_all_memory_is_seen(void **state)
{
	struct qemu_memory memory = memory_of(ARGV("-S", "-mem-prealloc", "-m", "1G"));

	(void)state;
	assert_true(memory.prealloc);
	qemu_memory_free(&memory);
	memory = memory_of(ARGV("-append", "-mem-prealloc", "-S", "mem-prealloc"));
	assert_false(memory.prealloc);
	qemu_memory_free(&memory);
}

/* A memory device: it is not the RAM. */
static void objects_alone_leave_the_ram_by_size(void **state)
{
	struct qemu_memory memory =
	    memory_of(ARGV("-m", "1G", "-object", "memory-backend-ram,id=dimm0,size=2G"));

	(void)state;
	assert_true(memory.by_size);
	assert_true(memory.size == GIGA);
	assert_int_equal(memory.count, 1);
	qemu_memory_free(&memory);
}

static void an_argument_is_no_option(void **state)
{
	(void)state;
	check_size(128 * MEGA, ARGV("-name", "-m", "1G"));
	check_size(GIGA, ARGV("-name", "-m", "-m", "1G"));
	check_size(128 * MEGA, ARGV("-append", "-numa", "node,memdev=ram0"));
	check_size(128 * MEGA, ARGV("-append", "-m", "-append", "1G"));
	check_size(128 * MEGA, ARGV("m", "1G"));
	check_size(128 * MEGA, ARGV("---m", "1G"));
	check_size(128 * MEGA, (const char *const[]){"-m", "1G", NULL});
}

static void a_last_option_without_its_argument_is_left_out(void **state)
{
	(void)state;
	check_size(128 * MEGA, ARGV("-m"));
	check_size(GIGA, ARGV("-m", "1G", "-m"));
	check_size(GIGA, ARGV("-m", "1G", "-object"));
	check_machine(3, ARGV("-machine", "q35", "-machine"));
}

/* Whatever the words: no crash, and what is told is of the command line. */
static void any_command_line_can_be_read(void **state)
{
	static const char *const words[] = {
	    "-object",
	    "--object",
	    "-device",
	    "-m",
	    "-machine",
	    "-numa",
	    "-set",
	    "-readconfig",
	    "-mem-path",
	    "-S",
	    "1G",
	    "x",
	    "q35,memory-backend=a,memory.size=0xf",
	    "node,memdev=a",
	    "object.a.size=1",
	    "memory-backend-ram,id=a,size=1M",
	    "memory-backend-ram,id=b,size=1M",
	    "memory-backend-ram,id=b,size=+1",
	    "{\"qom-type\":\"memory-backend-ram\",\"id\":\"a\",\"size\":4096}",
	    "{'qom-type':'memory-backend-ram'}",
	    "pc-dimm,memdev=a",
	    "nvdimm,memdev=b",
	    "{\"driver\":\"virtio-mem-pci\",\"memdev\":\"a\"}",
	};
	uint64_t seed = 13;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		const char *argv[24] = {"qemu-kvm"};
		struct qemu_memory memory;
		size_t count = 1 + random_below(&seed, LENGTH_OF(argv) - 1);

		for (size_t i = 1; i < count; i++)
			argv[i] = words[random_below(&seed, LENGTH_OF(words))];
		memory = memory_of(argv);
		assert_in_range(memory.machine, 1, count);
		for (size_t i = 0; i < memory.count; i++) {
			const struct qemu_object *one = &memory.objects[i];

			assert_in_range(one->index, 2, count - 1);
			assert_ptr_equal(one->object.text, argv[one->index]);
		}
		qemu_memory_free(&memory);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_size_has_many_forms),
	    cmocka_unit_test(without_a_size_there_are_128_megabytes),
	    cmocka_unit_test(the_last_size_counts),
	    cmocka_unit_test(a_size_is_in_megabytes_if_it_ends_with_a_digit),
	    cmocka_unit_test(a_size_that_cannot_be_read_is_0),
	    cmocka_unit_test(the_machine_may_have_the_size_and_m_has_the_last_word),
	    cmocka_unit_test(a_size_of_0_leaves_that_of_the_machine),
	    cmocka_unit_test(ram_that_is_an_object_has_no_size_of_its_own),
	    cmocka_unit_test(cells_without_an_object_are_by_size),
	    cmocka_unit_test(the_last_path_is_told),
	    cmocka_unit_test(the_place_of_the_machine_is_behind_its_last_option),
	    cmocka_unit_test(objects_are_found_with_their_places),
	    cmocka_unit_test(broken_pages_are_for_nobody_s_object_none),
	    cmocka_unit_test(allocation_of_all_memory_is_seen),
	    cmocka_unit_test(objects_alone_leave_the_ram_by_size),
	    cmocka_unit_test(what_cannot_be_read_is_told),
	    cmocka_unit_test(what_is_no_memory_need_not_be_read),
	    cmocka_unit_test(an_object_is_told_its_device),
	    cmocka_unit_test(other_devices_are_not_of_the_object),
	    cmocka_unit_test(each_object_has_a_device_of_its_own),
	    cmocka_unit_test(an_object_given_twice_is_read),
	    cmocka_unit_test(pages_are_for_ram_that_stays_the_same_to_the_guest),
	    cmocka_unit_test(an_argument_is_no_option),
	    cmocka_unit_test(a_last_option_without_its_argument_is_left_out),
	    cmocka_unit_test(any_command_line_can_be_read),
	};

	return RUN_TESTS(tests);
}
