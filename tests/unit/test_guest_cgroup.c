#include "guest_cgroup.h"
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int find(const char *path, const char *guest, struct guest_cgroup *found)
{
	struct error error = {0};
	int result = guest_cgroup_read(path, found, &error);

	assert_int_equal(error_is_set(&error), result < 0);
	return result < 0 || guest_cgroup_agrees(found, guest) ? result : -EINVAL;
}

static void a_path_of_libvirts_is_taken_apart(void **state)
{
	static const struct {
		const char *path;
		const char *guest;
		const char *own;
		const char *parent;
	} cases[] = {
	    /* systemd, with libvirt's own cgroup in the scope, and without */
	    {"/machine.slice/machine-qemu\\x2d1\\x2dweb1.scope/libvirt/emulator", "web1",
	     "/machine.slice/machine-qemu\\x2d1\\x2dweb1.scope",
	     "/machine.slice/machine-qemu\\x2d1\\x2dweb1.scope/libvirt"},
	    {"/machine.slice/machine-qemu\\x2d1\\x2dweb1.scope/emulator", "web1",
	     "/machine.slice/machine-qemu\\x2d1\\x2dweb1.scope",
	     "/machine.slice/machine-qemu\\x2d1\\x2dweb1.scope"},
	    {"/machine.slice/machine-qemu\\x2d7\\x2dmy\\x2dvm.scope/libvirt/emulator", "my-vm",
	     "/machine.slice/machine-qemu\\x2d7\\x2dmy\\x2dvm.scope",
	     "/machine.slice/machine-qemu\\x2d7\\x2dmy\\x2dvm.scope/libvirt"},
	    {"/machine.slice/machine-qemu\\x2d3\\x2da.b.scope/libvirt/emulator", "a.b",
	     "/machine.slice/machine-qemu\\x2d3\\x2da.b.scope",
	     "/machine.slice/machine-qemu\\x2d3\\x2da.b.scope/libvirt"},
	    /* without systemd */
	    {"/machine/qemu-12-my-vm.libvirt-qemu/emulator", "my-vm",
	     "/machine/qemu-12-my-vm.libvirt-qemu", "/machine/qemu-12-my-vm.libvirt-qemu"},
	    {"/machine/qemu-1-web1.libvirt-qemu/emulator", "web1",
	     "/machine/qemu-1-web1.libvirt-qemu", "/machine/qemu-1-web1.libvirt-qemu"},
	    /* <resource><partition>, and a libvirtd that is itself below */
	    {"/machine/production.partition/qemu-2-web1.libvirt-qemu/emulator", "web1",
	     "/machine/production.partition/qemu-2-web1.libvirt-qemu",
	     "/machine/production.partition/qemu-2-web1.libvirt-qemu"},
	    {"/machine.slice/machine-production.slice/machine-qemu\\x2d2\\x2dweb1.scope/libvirt"
	     "/emulator",
	     "web1", "/machine.slice/machine-production.slice/machine-qemu\\x2d2\\x2dweb1.scope",
	     "/machine.slice/machine-production.slice/machine-qemu\\x2d2\\x2dweb1.scope/libvirt"},
	    {"/docker/0123abc/machine/qemu-1-web1.libvirt-qemu/emulator", "web1",
	     "/docker/0123abc/machine/qemu-1-web1.libvirt-qemu",
	     "/docker/0123abc/machine/qemu-1-web1.libvirt-qemu"},
	    /* the largest ID there can be */
	    {"/machine/qemu-2147483647-web1.libvirt-qemu/emulator", "web1",
	     "/machine/qemu-2147483647-web1.libvirt-qemu",
	     "/machine/qemu-2147483647-web1.libvirt-qemu"},
	    /* a name that looks like an ID, or like a part of the cgroup's name */
	    {"/machine/qemu-1-2-x.libvirt-qemu/emulator", "2-x", "/machine/qemu-1-2-x.libvirt-qemu",
	     "/machine/qemu-1-2-x.libvirt-qemu"},
	    {"/machine/qemu-1-7.libvirt-qemu/emulator", "7", "/machine/qemu-1-7.libvirt-qemu",
	     "/machine/qemu-1-7.libvirt-qemu"},
	    {"/machine/qemu-1-a.libvirt-qemu.libvirt-qemu/emulator", "a.libvirt-qemu",
	     "/machine/qemu-1-a.libvirt-qemu.libvirt-qemu",
	     "/machine/qemu-1-a.libvirt-qemu.libvirt-qemu"},
	    {"/machine.slice/machine-qemu\\x2d1\\x2da.scope.scope/libvirt/emulator", "a.scope",
	     "/machine.slice/machine-qemu\\x2d1\\x2da.scope.scope",
	     "/machine.slice/machine-qemu\\x2d1\\x2da.scope.scope/libvirt"},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		struct guest_cgroup found;

		if (find(cases[i].path, cases[i].guest, &found) != 0)
			fail_msg("%s is not %s's", cases[i].path, cases[i].guest);
		assert_string_equal(found.guest, cases[i].own);
		assert_string_equal(found.parent, cases[i].parent);
	}
}

/*
 * What libvirt makes of a name: most are from its own tests (virsystemdtest.c,
 * TEST_MACHINE), the others by hand from virDomainMachineNameAppendValid.
 */
static const struct {
	const char *guest;
	const char *machine;
} machines[] = {
    {"demo", "qemu-1-demo"},
    {"demo-name", "qemu-2-demo-name"},
    {"demo!name", "qemu-3-demoname"},
    {".demo", "qemu-4-demo"},
    {"bull\U0001f4a9", "qemu-5-bull"},
    {"demo..name", "qemu-6-demo.name"},
    {"12345678901234567890123456789012345678901234567890123456789",
     "qemu-7-123456789012345678901234567890123456789012345678901234567"},
    {"123456789012345678901234567890123456789012345678901234567890",
     "qemu-8-123456789012345678901234567890123456789012345678901234567"},
    {"kstest-network-device-default-httpks_(c9eed63e-981e-48ec-acdc-56b3f8c5f678)",
     "qemu-100-kstest-network-device-default-httpksc9eed63e-981e-48ec"},
    {"kstest-network-device-default-httpks_(c9eed63e-981e-48ec--cdc-56b3f8c5f678)",
     "qemu-10-kstest-network-device-default-httpksc9eed63e-981e-48ec-c"},
    {"demo.-.test.", "qemu-11-demo.test"},
    {"|.-m", "qemu-1-m"},
    {"Auto-esx7.0-rhel7.9-special-characters~!@#$%^&*_=+,?><:;|.\"[]()`\\-m",
     "qemu-1-Auto-esx7.0-rhel7.9-special-characters.m"},
    {"my vm", "qemu-21-myvm"},
    {" lead and trail ", "qemu-22-leadandtrail"},
    {"Stra\u00dfe", "qemu-23-Strae"},
    {"\u00e4\u00f6\u00fc", "qemu-24"},
    {"   ", "qemu-25"},
    {"_", "qemu-26"},
    {"...---", "qemu-27"},
    {"-", "qemu-28"},
    {"--a--", "qemu-29-a"},
    {"a-.b.-c", "qemu-30-a-b.c"},
    {"a- -b", "qemu-31-a-b"},
    {"a. .-. b", "qemu-32-a.b"},
    {"under_score", "qemu-33-underscore"},
    {"UPPER.lower", "qemu-34-UPPER.lower"},
    {"a\tb\nc", "qemu-35-abc"},
    /* at the 64th byte it ends; a dot that is then the last one goes */
    {"a2345678901234567890123456789012345678901234567890123456.8",
     "qemu-36-a2345678901234567890123456789012345678901234567890123456"},
    {"a234567890123456789012345678901234567890123456789012345.7",
     "qemu-37-a234567890123456789012345678901234567890123456789012345"},
    {"a23456789012345678901234567890123456789012345678901234.6",
     "qemu-38-a23456789012345678901234567890123456789012345678901234.6"},
    {"a23456789012345678901234567890123456789012345678901234.67",
     "qemu-39-a23456789012345678901234567890123456789012345678901234.6"},
};

/* With systemd the name has its '-' escaped (systemd.unit(5)); nothing else in it needs that. */
static void emulator_path(char *path, const char *machine, bool systemd)
{
	if (!systemd) {
		sprintf(path, "/machine/%s.libvirt-qemu/emulator", machine);
		return;
	}
	path = stpcpy(path, "/machine.slice/machine-");
	for (; *machine != '\0'; machine++)
		path = *machine == '-' ? stpcpy(path, "\\x2d")
				       : stpncpy(path, (char[]){*machine, '\0'}, 2);
	strcpy(path, ".scope/libvirt/emulator");
}

static void a_name_is_known_as_libvirt_writes_it(void **state)
{
	char path[512];
	struct guest_cgroup found;

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(machines); i++) {
		for (int systemd = 0; systemd < 2; systemd++) {
			emulator_path(path, machines[i].machine, systemd != 0);
			if (find(path, machines[i].guest, &found) != 0)
				fail_msg("%s is not %s's", path, machines[i].guest);
		}
	}
}

/* The part of a machine's name that is the guest's. */
static const char *after_id(const char *machine)
{
	const char *end = machine + strlen("qemu-");

	return end + strspn(end, "0123456789");
}

static void no_guest_is_taken_for_another(void **state)
{
	char path[512];
	struct guest_cgroup found;

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(machines); i++) {
		for (size_t j = 0; j < LENGTH_OF(machines); j++) {
			const char *name = after_id(machines[i].machine);
			const char *other = after_id(machines[j].machine);

			/* What is cut after so many bytes may begin alike. */
			if (strcmp(name, other) == 0 || strlen(machines[i].machine) > 60)
				continue;
			emulator_path(path, machines[i].machine, (i + j) % 2 == 0);
			if (find(path, machines[j].guest, &found) != -EINVAL)
				fail_msg("%s is taken for %s's", path, machines[j].guest);
		}
	}
}

/* Before that was mended in libvirt, a character left out stood between dots all the same. */
static void names_of_an_older_libvirt_are_known(void **state)
{
	static const struct {
		const char *guest;
		const char *machine;
	} cases[] = {
	    {"|.-m", "qemu-1-.m"},
	    {"a- -b", "qemu-1-a--b"},
	    {"my vm", "qemu-1-myvm"},
	    {"web1", "qemu-1-web1"},
	};
	char path[512];
	struct guest_cgroup found;

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		emulator_path(path, cases[i].machine, i % 2 == 0);
		if (find(path, cases[i].guest, &found) != 0)
			fail_msg("%s is not %s's", path, cases[i].guest);
	}
}

static void what_is_no_emulators_cgroup_of_that_guest_is_refused(void **state)
{
	static const struct {
		const char *path;
		const char *guest;
	} cases[] = {
	    /* another guest's */
	    {"/machine/qemu-1-web1.libvirt-qemu/emulator", "db1"},
	    {"/machine/qemu-1-web1.libvirt-qemu/emulator", "web10"},
	    {"/machine/qemu-1-web10.libvirt-qemu/emulator", "web1"},
	    {"/machine/qemu-1-web1.libvirt-qemu/emulator", "1-web1"},
	    {"/machine/qemu-1-web1.libvirt-qemu/emulator", "eb1"},
	    {"/machine/qemu-1-web1.libvirt-qemu/emulator", "Web1"},
	    {"/machine/qemu-1-web1.libvirt-qemu/emulator", "web1.libvirt-qemu"},
	    {"/machine/qemu-1-web1.libvirt-qemu/emulator", "qemu-1-web1"},
	    {"/machine/qemu-1-web1.libvirt-qemu/emulator", ""},
	    {"/machine/qemu-1-web1.libvirt-qemu/emulator", "*"},
	    {"/machine.slice/machine-qemu\\x2d1\\x2dweb1.scope/libvirt/emulator", "web10"},
	    {"/machine.slice/machine-qemu\\x2d1\\x2dweb10.scope/libvirt/emulator", "web1"},
	    {"/machine.slice/machine-qemu\\x2d12\\x2dweb1.scope/libvirt/emulator", "2-web1"},
	    {"/machine.slice/machine-qemu\\x2d1\\x2dmy\\x2dvm.scope/libvirt/emulator", "my.vm"},
	    {"/machine/qemu-1.libvirt-qemu/emulator", "web1"},
	    /* no ID */
	    {"/machine/qemu-web1.libvirt-qemu/emulator", "web1"},
	    {"/machine/qemu--web1.libvirt-qemu/emulator", "web1"},
	    {"/machine/qemu-x-web1.libvirt-qemu/emulator", "web1"},
	    {"/machine/qemu-+1-web1.libvirt-qemu/emulator", "web1"},
	    {"/machine/qemu-1web1.libvirt-qemu/emulator", "web1"},
	    {"/machine/qemu-00000000001-web1.libvirt-qemu/emulator", "web1"},
	    {"/machine/web1.libvirt-qemu/emulator", "web1"},
	    /* a user's libvirt, an embedded one, another driver */
	    {"/user.slice/user-1000.slice/machine-qemu\\x2djoe\\x2d1\\x2dweb1.scope/libvirt"
	     "/emulator",
	     "web1"},
	    {"/machine/qemu-embed-0991f456-1-web1.libvirt-qemu/emulator", "web1"},
	    {"/machine/lxc-1-web1.libvirt-lxc/emulator", "web1"},
	    {"/machine/qemu-1-web1.libvirt-lxc/emulator", "web1"},
	    {"/machine/lxc-1-web1.libvirt-qemu/emulator", "web1"},
	    {"/machine.slice/machine-lxc\\x2d1\\x2dweb1.scope/libvirt/emulator", "web1"},
	    /* not its emulator */
	    {"/machine/qemu-1-web1.libvirt-qemu", "web1"},
	    {"/machine/qemu-1-web1.libvirt-qemu/vcpu0", "web1"},
	    {"/machine/qemu-1-web1.libvirt-qemu/Emulator", "web1"},
	    {"/machine/qemu-1-web1.libvirt-qemu/", "web1"},
	    {"/machine/qemu-1-web1.libvirt-qemu/emulator/", "web1"},
	    {"/machine/qemu-1-web1.libvirt-qemu/emulator/below", "web1"},
	    {"/machine/qemu-1-web1.libvirt-qemu/my-emulator", "web1"},
	    {"/machine/qemu-1-web1.libvirt-qemu/emulator (deleted)", "web1"},
	    {"/machine.slice/machine-qemu\\x2d1\\x2dweb1.scope/libvirt", "web1"},
	    /* something between */
	    {"/machine/qemu-1-web1.libvirt-qemu/libvirt/emulator", "web1"},
	    {"/machine/qemu-1-web1.libvirt-qemu/x/emulator", "web1"},
	    {"/machine.slice/machine-qemu\\x2d1\\x2dweb1.scope/x/emulator", "web1"},
	    {"/machine.slice/machine-qemu\\x2d1\\x2dweb1.scope/libvirt/x/emulator", "web1"},
	    {"/machine.slice/machine-qemu\\x2d1\\x2dweb1.scope//emulator", "web1"},
	    /* the scope is not named so */
	    {"/machine.slice/machine-qemu\\x2d1\\x2dweb1.service/libvirt/emulator", "web1"},
	    {"/machine.slice/qemu\\x2d1\\x2dweb1.scope/libvirt/emulator", "web1"},
	    {"/machine.slice/session-qemu\\x2d1\\x2dweb1.scope/libvirt/emulator", "web1"},
	    {"/machine.slice/machine-qemu\\x2d1\\x2dweb1.scope.libvirt/emulator", "web1"},
	    {"/machine/qemu-1-web1.libvirt-qemux/emulator", "web1"},
	    /* an escape that is none */
	    {"/machine.slice/machine-qemu\\x2d1\\x2dweb1\\.scope/libvirt/emulator", "web1"},
	    {"/machine.slice/machine-qemu\\x2d1\\x2dweb1\\x.scope/libvirt/emulator", "web1"},
	    {"/machine.slice/machine-qemu\\x2d1\\x2dweb1\\x2.scope/libvirt/emulator", "web1"},
	    {"/machine.slice/machine-qemu\\x2d1\\x2dweb1\\x.scope", "web1"},
	    {"/machine.slice/machine-qemu\\x2d1\\x2dweb1\\x00.scope/libvirt/emulator", "web10"},
	    {"/machine.slice/machine-qemu\\x2d1\\x2dweb1\\n31.scope/libvirt/emulator", "web11"},
	    /* elsewhere than it says */
	    {"/../machine/qemu-1-web1.libvirt-qemu/emulator", "web1"},
	    {"/machine/../qemu-1-web1.libvirt-qemu/emulator", "web1"},
	    {"/machine/qemu-1-web1.libvirt-qemu/../emulator", "web1"},
	    {"/..", "web1"},
	    /* nothing at all */
	    {"/emulator", "web1"},
	    {"/emulator", ""},
	    {"emulator", "web1"},
	    {"qemu-1-web1.libvirt-qemu/emulator", "web1"},
	    {"/machine/qemu-1-web1.libvirt-qemuemulator", "web1"},
	    {"//emulator", "web1"},
	    {"/libvirt/emulator", "web1"},
	    {"/.scope/libvirt/emulator", "web1"},
	    {"/machine-.scope/libvirt/emulator", "web1"},
	    {"/.libvirt-qemu/emulator", "web1"},
	    {"/.libvirt-qemu/emulator", ""},
	    {"/", "web1"},
	    {"", "web1"},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		struct guest_cgroup found;
		int result = find(cases[i].path, cases[i].guest, &found);

		if (result != -EINVAL)
			fail_msg("%s, guest '%s': %d", cases[i].path, cases[i].guest, result);
	}
}

static void names_and_paths_of_any_length_are_no_harm(void **state)
{
	static const char start[] = "/machine/qemu-1-";
	static const char end[] = ".libvirt-qemu/emulator";
	enum { LONG = 3 * PATH_MAX };
	char *path = malloc(LONG);
	char *guest = malloc(LONG);
	struct guest_cgroup found;

	(void)state;
	assert_non_null(path);
	assert_non_null(guest);
	memset(guest, 'g', LONG);
	guest[LONG - 1] = '\0';
	for (size_t length = 1; length < LONG - 64; length += length < 128 ? 1 : 1021) {
		memcpy(path, start, strlen(start));
		memset(path + strlen(start), 'g', length);
		strcpy(path + strlen(start) + length, end);
		/* libvirt stops at 64 bytes, which is 57 of the name. */
		assert_int_equal(find(path, guest, &found), length == 57 ? 0 : -EINVAL);
	}
	memset(path, '/', LONG);
	strcpy(path + LONG - sizeof("/emulator"), "/emulator");
	assert_int_equal(find(path, guest, &found), -EINVAL);
	free(guest);
	free(path);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_path_of_libvirts_is_taken_apart),
	    cmocka_unit_test(a_name_is_known_as_libvirt_writes_it),
	    cmocka_unit_test(no_guest_is_taken_for_another),
	    cmocka_unit_test(names_of_an_older_libvirt_are_known),
	    cmocka_unit_test(what_is_no_emulators_cgroup_of_that_guest_is_refused),
	    cmocka_unit_test(names_and_paths_of_any_length_are_no_harm),
	};

	return RUN_TESTS(tests);
}
