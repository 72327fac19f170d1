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

static void check_refused(const char *part, const char *const *argv)
{
	struct qemu_memory memory;
	struct error error = {0};

	assert_int_equal(qemu_memory_read((char *const *)argv, &memory, &error), -EINVAL);
	if (strstr(error.text, part) == NULL)
		fail_msg("no '%s' in: %s", part, error.text);
	assert_null(memory.objects);
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

static void a_size_that_cannot_be_read_is_refused(void **state)
{
	(void)state;
	check_refused("'lots'", ARGV("-m", "lots"));
	check_refused("'1GB'", ARGV("-m", "1GB"));
	check_refused("'-1'", ARGV("-m", "-1"));
	check_refused("''", ARGV("-m", "size="));
	check_refused("'on'", ARGV("-m", "slots=2,size"));
	check_refused("'9E'", ARGV("-m", "9E"));
	check_refused("'99999999999999999999'", ARGV("-m", "99999999999999999999"));
	check_refused("'1G,,2'", ARGV("-m", "1G,,2"));
	check_refused("'much'", ARGV("-machine", "q35,memory.size=much"));
	check_refused("'x'", ARGV("-m", "1G", "-m", "x", "-object",
				  "{\"qom-type\":\"memory-backend-ram\",\"id\":\"a\",\"size\":1}"));
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
	assert_int_equal(memory.unread, 2);
	assert_false(memory.by_size);
	assert_string_equal(memory.objects[0].id, "ram0");
	assert_true(memory.objects[0].plain);
	assert_int_equal(memory.places[0], 4);
	assert_string_equal(memory.objects[1].id, "ram1");
	assert_int_equal(memory.places[1], 7);
	assert_string_equal(memory.objects[2].id, "ram3");
	assert_int_equal(memory.places[2], 15);
	qemu_memory_free(&memory);
	assert_int_equal(memory.count, 0);
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

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_size_has_many_forms),
	    cmocka_unit_test(without_a_size_there_are_128_megabytes),
	    cmocka_unit_test(the_last_size_counts),
	    cmocka_unit_test(a_size_that_cannot_be_read_is_refused),
	    cmocka_unit_test(the_machine_may_have_the_size_and_m_has_the_last_word),
	    cmocka_unit_test(a_size_of_0_leaves_that_of_the_machine),
	    cmocka_unit_test(ram_that_is_an_object_has_no_size_of_its_own),
	    cmocka_unit_test(cells_without_an_object_are_by_size),
	    cmocka_unit_test(the_last_path_is_told),
	    cmocka_unit_test(the_place_of_the_machine_is_behind_its_last_option),
	    cmocka_unit_test(objects_are_found_with_their_places),
	    cmocka_unit_test(objects_alone_leave_the_ram_by_size),
	    cmocka_unit_test(an_argument_is_no_option),
	    cmocka_unit_test(a_last_option_without_its_argument_is_left_out),
	};

	return RUN_TESTS(tests);
}
