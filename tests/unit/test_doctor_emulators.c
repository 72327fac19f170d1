/* What guest-pinning doctor says of the emulators: doctor_emulators.c. */
#include "doctor_world.h"

#define QEMU "/usr/bin/qemu-system-x86_64"
#define HOST_QEMU "host" QEMU
#define KVM "/usr/libexec/qemu-kvm"

/* A copy of the shim that was built with this program. */
static void make_shim(const char *path)
{
	char self[PATH_MAX];
	char shim[PATH_MAX + sizeof("/../qemu-kvm-shim")];
	char *bytes;
	long size;
	FILE *file;

	assert_int_equal(program_directory(self), 0);
	snprintf(shim, sizeof(shim), "%s/../qemu-kvm-shim", self);
	file = fopen(shim, "re");
	assert_non_null(file);
	assert_int_equal(fseek(file, 0, SEEK_END), 0);
	size = ftell(file);
	rewind(file);
	bytes = malloc((size_t)size);
	assert_non_null(bytes);
	assert_int_equal(fread(bytes, 1, (size_t)size, file), size);
	fclose(file);
	make_bytes(path, bytes, (size_t)size);
	free(bytes);
}

/* What an installation makes, in its order: the real emulator first, then the shim. */
static void make_installed(void)
{
	make_shim("shim");
	make_shim("full");
	make_file("host/usr/bin/qemu-kvm-shim.alias/notes", "");
	make_link("../qemu-system-x86_64.real",
		  "host/usr/bin/qemu-kvm-shim.alias/qemu-system-x86_64");
	make_file(HOST_QEMU ".real", "QEMU\n");
	make_shim(HOST_QEMU);
}

static void a_host_may_have_no_emulator(void **state)
{
	(void)state;
	check_has(check_is("other emulators", SEVERITY_SKIPPED)->reason, "there is no emulator");
}

static void an_emulator_without_the_shim_is_bad_where_a_rule_places(void **state)
{
	(void)state;
	make_file(HOST_QEMU, "QEMU\n");
	assert_string_equal(check_is(QEMU, SEVERITY_BAD)->command, "guest-pinning install " QEMU);
	doctor.needs.placing = 0;
	check_is(QEMU, SEVERITY_NOTICE);
}

static void the_shim_in_place_is_good(void **state)
{
	(void)state;
	make_installed();
	assert_string_equal(check_is(QEMU, SEVERITY_GOOD)->present, "the shim");
	check_has(look("other emulators")->present, "0");
}

static void what_the_shim_becomes_for_a_library_is_looked_at(void **state)
{
	static const char version[] = "\0" VERSION;
	char *mark;
	long size;
	char *bytes;
	FILE *file;

	(void)state;
	make_installed();
	assert_string_equal(check_is("full", SEVERITY_GOOD)->present, VERSION);

	/* The same program of another version: the mark says so. */
	file = fopen("full", "re");
	assert_non_null(file);
	assert_int_equal(fseek(file, 0, SEEK_END), 0);
	size = ftell(file);
	rewind(file);
	bytes = malloc((size_t)size);
	assert_non_null(bytes);
	assert_int_equal(fread(bytes, 1, (size_t)size, file), size);
	fclose(file);
	mark = memmem(bytes, 4096, version, sizeof(version));
	assert_non_null(mark);
	mark[1]++;
	make_bytes("full", bytes, (size_t)size);
	free(bytes);
	check_has(check_is("full", SEVERITY_NOTICE)->reason, "another version");

	make_file("full", "no program\n");
	check_has(check_is("full", SEVERITY_BAD)->present, "unusable");
	assert_int_equal(unlink("full"), 0);
	check_has(check_is("full", SEVERITY_BAD)->present, "missing");
	/* Without a shim nothing becomes that. */
	make_file(HOST_QEMU, "QEMU\n");
	look(QEMU);
	for (size_t i = 0; i < findings.count; i++)
		assert_string_not_equal(findings.at[i].name, "full");
}

static void a_link_is_the_emulator_that_it_leads_to(void **state)
{
	(void)state;
	make_installed();
	make_link("qemu-system-x86_64", "host/usr/bin/kvm");
	make_link("../bin/qemu-system-x86_64", "host/usr/bin/qemu-kvm");
	check_is(QEMU, SEVERITY_GOOD);
	for (size_t i = 0; i < findings.count; i++) {
		assert_string_not_equal(findings.at[i].name, "/usr/bin/kvm");
		assert_string_not_equal(findings.at[i].name, "/usr/bin/qemu-kvm");
	}
	make_link("nowhere", "host/usr/bin/qemu-kvm");
	check_is(QEMU, SEVERITY_GOOD);
}

static void only_those_that_libvirt_starts_count(void **state)
{
	(void)state;
	make_file("host/usr/bin/qemu-system-arm", "QEMU\n");
	make_file("host/usr/bin/qemu-system-i386", "QEMU\n");
	make_file("host/usr/bin/qemu-img", "no emulator\n");
	make_file("host/usr/libexec/qemu-system-i386", "what the script starts\n");
	assert_string_equal(check_is("other emulators", SEVERITY_SKIPPED)->present, "2");
	make_file("etc/libvirt/qemu/a.xml",
		  "<domain><devices>\n<emulator>/usr/bin/qemu-system-arm</emulator>\n</devices>");
	make_file("etc/libvirt/qemu/b.xml",
		  "<domain><devices>\n<emulator>/usr/bin/qemu-system-arm</emulator>\n</devices>");
	make_file("etc/libvirt/qemu/c.xml", "<domain><emulator>/opt/qemu/bin/qemu</emulator>");
	make_file("etc/libvirt/qemu/d.xml", "<domain><emulator>relative</emulator>");
	make_file("etc/libvirt/qemu/e.xml", "<domain><emulator>/no/end");
	check_is("/usr/bin/qemu-system-arm", SEVERITY_BAD);
	assert_string_equal(look("other emulators")->present, "1");
	assert_int_equal(doctor.host.emulator_count, 2);
	make_file("host/opt/qemu/bin/qemu", "QEMU\n");
	check_is("/opt/qemu/bin/qemu", SEVERITY_BAD);
}

static void the_native_one_depends_on_the_machine(void **state)
{
	static const char *const cases[][2] = {
	    {"aarch64", "/usr/bin/qemu-system-aarch64"}, {"ppc64le", "/usr/bin/qemu-system-ppc64"},
	    {"i686", "/usr/bin/qemu-system-i386"},       {"armv7l", "/usr/bin/qemu-system-arm"},
	    {"s390x", "/usr/bin/qemu-system-s390x"},
	};
	char path[PATH_MAX];

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		snprintf(path, sizeof(path), "host%s", cases[i][1]);
		make_file(path, "QEMU\n");
	}
	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		doctor.machine = cases[i][0];
		check_is(cases[i][1], SEVERITY_BAD);
		assert_string_equal(look("other emulators")->present, "4");
	}
	make_file("host" KVM, "QEMU\n");
	check_is(KVM, SEVERITY_BAD);
}

static void an_upgrade_over_the_shim_is_seen(void **state)
{
	(void)state;
	make_installed();
	make_file(HOST_QEMU, "a newer QEMU\n");
	check_has(check_is(QEMU, SEVERITY_BAD)->reason, "upgrade");
	/* of a file beside it that no installation has made, that is not said */
	assert_int_equal(remove_tree("host/usr/bin/qemu-kvm-shim.alias"), 0);
	check_has(check_is(QEMU, SEVERITY_BAD)->reason, "another wrapper");
}

static void a_shim_with_nothing_behind_it_is_bad(void **state)
{
	(void)state;
	make_installed();
	assert_int_equal(unlink(HOST_QEMU ".real"), 0);
	check_has(check_is(QEMU, SEVERITY_BAD)->reason, "there is no real emulator");
	make_shim(HOST_QEMU ".real");
	check_has(check_is(QEMU, SEVERITY_BAD)->command, "reinstall");
}

static void an_emulator_that_is_gone_is_bad(void **state)
{
	(void)state;
	make_installed();
	assert_int_equal(unlink(HOST_QEMU), 0);
	assert_string_equal(check_is(QEMU, SEVERITY_BAD)->command, "guest-pinning uninstall " QEMU);
}

static void a_shim_older_than_its_emulator_is_bad(void **state)
{
	(void)state;
	make_installed();
	usleep(20000); /* beyond a tick, by which the kernel counts ctimes */
	make_file(HOST_QEMU ".real", "a newer QEMU\n");
	check_has(check_is(QEMU, SEVERITY_BAD)->reason, "ctime");
	usleep(20000);
	assert_int_equal(chmod(HOST_QEMU, 0755), 0); /* as install does */
	check_is(QEMU, SEVERITY_GOOD);
}

static void a_shim_of_another_version_is_a_notice(void **state)
{
	FILE *file;

	(void)state;
	make_installed();
	file = fopen("shim", "ae");
	assert_non_null(file);
	fputs("another", file);
	fclose(file);
	check_has(check_is(QEMU, SEVERITY_NOTICE)->command, "guest-pinning install " QEMU);
	assert_int_equal(unlink("shim"), 0); /* there is nothing to compare it with */
	check_is(QEMU, SEVERITY_GOOD);
}

static void an_emulator_that_is_no_file_is_unknown(void **state)
{
	(void)state;
	make_unreadable(HOST_QEMU);
	check_is(QEMU, SEVERITY_UNKNOWN);
}

#define WORLD(test) cmocka_unit_test_setup_teardown(test, enter_world, leave_world)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    WORLD(a_host_may_have_no_emulator),
	    WORLD(an_emulator_without_the_shim_is_bad_where_a_rule_places),
	    WORLD(the_shim_in_place_is_good),
	    WORLD(what_the_shim_becomes_for_a_library_is_looked_at),
	    WORLD(a_link_is_the_emulator_that_it_leads_to),
	    WORLD(only_those_that_libvirt_starts_count),
	    WORLD(the_native_one_depends_on_the_machine),
	    WORLD(an_upgrade_over_the_shim_is_seen),
	    WORLD(a_shim_with_nothing_behind_it_is_bad),
	    WORLD(an_emulator_that_is_gone_is_bad),
	    WORLD(a_shim_older_than_its_emulator_is_bad),
	    WORLD(a_shim_of_another_version_is_a_notice),
	    WORLD(an_emulator_that_is_no_file_is_unknown),
	};

	return RUN_TESTS(tests);
}
