/* What guest-pinning doctor says of limits: doctor_limits.c, _inotify.c, _libvirt.c. */
#include "doctor_world.h"

#define LIBVIRT "etc/libvirt/"

/* Some guests that libvirt has defined. */
static void make_definitions(unsigned int count)
{
	char path[PATH_MAX];

	for (unsigned int i = 0; i < count; i++) {
		snprintf(path, sizeof(path), LIBVIRT "qemu/guest-%u.xml", i);
		make_file(path, "<domain type='kvm'>\n</domain>\n");
	}
	make_file(LIBVIRT "qemu/networks/default.xml", "<network/>\n");
	make_file(LIBVIRT "qemu/notes", "\n");
}

static void guests_are_counted(void **state)
{
	(void)state;
	look("policy");
	assert_int_equal(doctor_guests(&doctor), 0);
	make_definitions(3);
	make_process("1", "systemd");
	make_running("10", "qemu-system-x86", "/none/bin/qemu-system-x86_64");
	make_running("11", "qemu:other", "/none/libexec/qemu-kvm"); /* -name x,process=qemu:other */
	make_running("12", "other", "/none/bin/kvm");
	make_process("13", "kvm-nx-lpage-recovery-10");
	make_running("14", "qemu-ga", "/none/bin/qemu-ga");
	make_running("15x", "qemu-kvm", "/none/libexec/qemu-kvm");
	make_running("self", "qemu-kvm", "/none/libexec/qemu-kvm");
	make_running("17", "qemu-kvm", "/none/bin/sh");
	make_process("16", "virtqemud");
	look("policy");
	assert_int_equal(doctor.host.defined, 3);
	assert_int_equal(doctor.host.running, 3);
	assert_true(doctor.host.virtqemud);
	assert_false(doctor.host.libvirtd);
	assert_int_equal(doctor_guests(&doctor), 3);
	assert_int_equal(doctor_guests_to_come(&doctor), 0);
	make_definitions(5);
	look("policy");
	assert_int_equal(doctor_guests(&doctor), 5);
	assert_int_equal(doctor_guests_to_come(&doctor), 2);
	doctor.guests = 256;
	look("policy");
	assert_int_equal(doctor_guests(&doctor), 256);
	assert_int_equal(doctor_guests_to_come(&doctor), 253);
	doctor.guests = 1; /* fewer than run */
	look("policy");
	assert_int_equal(doctor_guests_to_come(&doctor), 0);
}

static void a_limit_is_measured_by_the_guests_that_do_not_run(void **state)
{
	static const char name[] = "fs.aio-max-nr";
	const struct finding *found;

	(void)state;
	make_file("proc/sys/fs/aio-nr", "2048\n");
	make_file("proc/sys/fs/aio-max-nr", "65536\n");
	assert_string_equal(check_is(name, SEVERITY_GOOD)->present, "2048 of 65536 used");
	doctor.guests = 62;
	check_is(name, SEVERITY_GOOD);
	doctor.guests = 63;
	found = check_is(name, SEVERITY_NOTICE);
	assert_string_equal(found->wanted, "66560 or more");
	assert_string_equal(found->command, "sysctl -w fs.aio-max-nr=66560");
	make_running("10", "qemu-kvm",
		     "/none/libexec/qemu-kvm"); /* what it takes is in aio-nr already */
	check_is(name, SEVERITY_GOOD);
	check_number(name, "proc/sys/fs/aio-max-nr");
	make_file("proc/sys/fs/aio-max-nr", "65536\n");
	check_number(name, "proc/sys/fs/aio-nr");
}

static void terminals_files_and_threads_are_limits(void **state)
{
	(void)state;
	make_file("proc/sys/kernel/pty/nr", "3\n");
	make_file("proc/sys/kernel/pty/max", "4096\n");
	make_file("proc/sys/fs/file-nr", "1000\t0\t9223372036854775807\n");
	make_file("proc/sys/fs/file-max", "9223372036854775807\n");
	make_file("proc/loadavg", "0.10 0.20 0.30 2/768 4711\n");
	make_file("proc/sys/kernel/pid_max", "32768\n");
	make_file("proc/sys/kernel/threads-max", "32768\n");
	check_is("kernel.pty.max", SEVERITY_GOOD);
	assert_string_equal(check_is("fs.file-max", SEVERITY_GOOD)->present, "1000 used");
	assert_string_equal(check_is("kernel.pid_max", SEVERITY_GOOD)->present,
			    "768 of 32768 used");
	check_is("kernel.threads-max", SEVERITY_GOOD);
	doctor.guests = 4096;
	assert_string_equal(check_is("kernel.pty.max", SEVERITY_BAD)->wanted, "4099 or more");
	check_is("fs.file-max", SEVERITY_GOOD);
	check_is("kernel.pid_max", SEVERITY_BAD);
	assert_string_equal(check_is("kernel.threads-max", SEVERITY_BAD)->command,
			    "sysctl -w kernel.threads-max=393984");
	make_file("proc/sys/fs/file-max", "100000\n");
	check_is("fs.file-max", SEVERITY_BAD);
}

static void limits_that_cannot_be_read_are_never_good(void **state)
{
	static const char *const garbage[] = {"", "0.1 0.2 0.3 2/ 1\n", "/\n", "a/b\n", "-\n"};

	(void)state;
	make_file("proc/sys/kernel/pid_max", "32768\n");
	for (size_t i = 0; i < LENGTH_OF(garbage); i++) {
		make_file("proc/loadavg", garbage[i]);
		check_is("kernel.pid_max", SEVERITY_UNKNOWN);
	}
	make_file("proc/loadavg", "0.10 0.20 0.30 2/768 4711\n");
	check_number("kernel.pid_max", "proc/sys/kernel/pid_max");
	make_file("proc/sys/fs/file-nr", "many\n");
	check_is("fs.file-max", SEVERITY_UNKNOWN);
	check_is("kernel.pty.max", SEVERITY_SKIPPED);
}

static void guests_that_cannot_be_counted_are_a_doubt(void **state)
{
	(void)state;
	make_file("proc/sys/kernel/pty/nr", "3\n");
	make_file("proc/sys/kernel/pty/max", "4096\n");
	make_file(LIBVIRT "virtlogd.conf", "");
	make_file(LIBVIRT "qemu.conf", "");
	make_file(LIBVIRT "qemu", "no directory\n");
	check_has(check_is("kernel.pty.max", SEVERITY_UNKNOWN)->reason, "--guests");
	check_is("virtlogd: max_clients", SEVERITY_UNKNOWN);
	check_is("libvirt: migration ports", SEVERITY_UNKNOWN);
	doctor.guests = 10;
	check_is("kernel.pty.max", SEVERITY_GOOD);
	check_is("virtlogd: max_clients", SEVERITY_GOOD);
	doctor.guests = 0;
	make_file("proc/sys/kernel/pty/max", "1\n"); /* not even enough for what runs */
	check_is("kernel.pty.max", SEVERITY_BAD);
}

static void make_instance(const char *pid, const char *descriptor, unsigned int watches)
{
	char path[PATH_MAX];
	char text[8192] = "pos:\t0\nflags:\t00\n";

	snprintf(path, sizeof(path), "proc/%s/fd/%s", pid, descriptor);
	make_directories(path);
	make_link("anon_inode:inotify", path);
	snprintf(path, sizeof(path), "proc/%s/fdinfo/%s", pid, descriptor);
	for (unsigned int i = 0; i < watches; i++)
		text_add(text, sizeof(text), "inotify wd:%u ino:1 sdev:1\n", i);
	make_file(path, text);
}

static void inotify_is_measured_by_what_a_user_has(void **state)
{
	static const char instances[] = "fs.inotify.max_user_instances";
	static const char watches[] = "fs.inotify.max_user_watches";

	(void)state;
	make_file("proc/sys/fs/inotify/max_user_instances", "8\n");
	make_file("proc/sys/fs/inotify/max_user_watches", "100\n");
	check_has(check_is(instances, SEVERITY_GOOD)->present, "0 of 8 used");
	make_instance("10", "3", 70);
	make_instance("10", "4", 0);
	make_instance("11", "3", 1);
	make_link("/dev/null", "proc/11/fd/0");
	make_link("anon_inode:[eventfd]", "proc/11/fd/1");
	check_has(check_is(instances, SEVERITY_GOOD)->present, "3 of 8 used");
	check_has(check_is(watches, SEVERITY_GOOD)->present, "71 of 100 used");
	make_instance("11", "4", 5);
	check_has(check_is(watches, SEVERITY_NOTICE)->command,
		  "sysctl -w fs.inotify.max_user_watches=152");
	make_file("proc/sys/fs/inotify/max_user_instances", "4\n");
	check_has(check_is(instances, SEVERITY_NOTICE)->wanted, "8 or more");
	check_number(instances, "proc/sys/fs/inotify/max_user_instances");
	check_number(watches, "proc/sys/fs/inotify/max_user_watches");
}

static void libvirts_own_limits_are_as_its_files_say(void **state)
{
	static const char name[] = "libvirt: max_workers";

	(void)state;
	check_is(name, SEVERITY_SKIPPED); /* no libvirt */
	make_file(LIBVIRT "libvirtd.conf", "#max_workers = 5\n  # max_workers = 6\n");
	assert_string_equal(check_is(name, SEVERITY_GOOD)->present, "20");
	doctor.guests = 256;
	check_has(check_is(name, SEVERITY_NOTICE)->command,
		  "set max_workers = 256 in etc/libvirt/libvirtd.conf; systemctl restart libvirtd");
	make_file(LIBVIRT "libvirtd.conf", "max_workers=300\nprio_workers = 5\n");
	assert_string_equal(check_is(name, SEVERITY_GOOD)->present, "300");
	make_file(LIBVIRT "libvirtd.conf", " max_workers = 300 \r\nmax_workers_x = 1\n");
	assert_string_equal(check_is(name, SEVERITY_GOOD)->present, "300");
	make_file(LIBVIRT "libvirtd.conf", "max_workers = many\n");
	check_is(name, SEVERITY_UNKNOWN);
	make_file(LIBVIRT "libvirtd.conf", "max_workers = 3 or so\n");
	check_is(name, SEVERITY_UNKNOWN);
	make_unreadable(LIBVIRT "libvirtd.conf");
	check_is(name, SEVERITY_UNKNOWN);
}

static void the_service_that_runs_is_the_one_that_counts(void **state)
{
	static const char name[] = "libvirt: max_clients";

	(void)state;
	make_file(LIBVIRT "virtqemud.conf", "max_clients = 10\n");
	assert_string_equal(check_is(name, SEVERITY_GOOD)->present, "10");
	make_file(LIBVIRT "libvirtd.conf", "max_clients = 20\n");
	assert_string_equal(check_is(name, SEVERITY_GOOD)->present, "20");
	make_process("10", "virtqemud");
	doctor.guests = 11;
	check_has(check_is(name, SEVERITY_NOTICE)->command, "systemctl restart virtqemud");
}

/* As libvirt's own parser takes them (virConfParseStatement). */
static void a_setting_may_have_a_comment_behind_it(void **state)
{
	static const char name[] = "libvirt: max_workers";
	static const char *const lines[] = {
	    "max_workers = 21 # for many\n", "max_workers=21\t# = 5\n", "max_workers = 21#\n",
	    " max_workers = 21 \t#", "# max_workers = 5\nmax_workers = 21\n#max_workers = 5\n"};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(lines); i++) {
		make_file(LIBVIRT "libvirtd.conf", lines[i]);
		assert_string_equal(check_is(name, SEVERITY_GOOD)->present, "21");
	}
	make_file(LIBVIRT "libvirtd.conf", "max_workers = # 21\n");
	check_is(name, SEVERITY_UNKNOWN);
	make_file(LIBVIRT "libvirtd.conf", "max_workers = 2 1 # 21\n");
	check_is(name, SEVERITY_UNKNOWN);
}

static void logs_and_ports_are_enough_for_the_guests(void **state)
{
	static const char ports[] = "libvirt: migration ports";
	static const char *const wrong[] = {"0", "49216", "70000"};
	char text[64];

	(void)state;
	make_file(LIBVIRT "virtlogd.conf", "#max_clients = 1024\n");
	make_file(LIBVIRT "qemu.conf", "#migration_port_min = 1\n");
	doctor.guests = 64;
	check_is("virtlogd: max_clients", SEVERITY_GOOD);
	assert_string_equal(check_is(ports, SEVERITY_GOOD)->present, "49152-49215");
	doctor.guests = 1025;
	check_is("virtlogd: max_clients", SEVERITY_BAD);
	check_has(check_is(ports, SEVERITY_NOTICE)->command, "migration_port_max = 50176 ");
	make_file(LIBVIRT "qemu.conf", "migration_port_max = 65535\n");
	check_is(ports, SEVERITY_GOOD);
	for (size_t i = 0; i < LENGTH_OF(wrong); i++) {
		snprintf(text, sizeof(text), "migration_port_min = %s\n", wrong[i]);
		make_file(LIBVIRT "qemu.conf", text);
		check_is(ports, SEVERITY_BAD);
	}
	make_file(LIBVIRT "qemu.conf", "migration_port_min = -1\n");
	check_is(ports, SEVERITY_UNKNOWN);
}

#define WORLD(test) cmocka_unit_test_setup_teardown(test, enter_world, leave_world)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    WORLD(guests_are_counted),
	    WORLD(a_limit_is_measured_by_the_guests_that_do_not_run),
	    WORLD(terminals_files_and_threads_are_limits),
	    WORLD(limits_that_cannot_be_read_are_never_good),
	    WORLD(guests_that_cannot_be_counted_are_a_doubt),
	    WORLD(inotify_is_measured_by_what_a_user_has),
	    WORLD(libvirts_own_limits_are_as_its_files_say),
	    WORLD(the_service_that_runs_is_the_one_that_counts),
	    WORLD(a_setting_may_have_a_comment_behind_it),
	    WORLD(logs_and_ports_are_enough_for_the_guests),
	};

	return RUN_TESTS(tests);
}
