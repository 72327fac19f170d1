/*
 * Which processes of a made-up /proc are emulators: emulators.c. What they execute is not there,
 * for in its own place it could be a shim.
 */
#include "emulators.h"
#include "proc_world.h"

#include <errno.h>
#include <sys/inotify.h>
#include <sys/syscall.h>

static const struct roots roots = {.proc = "world/proc"};

/* What was found: "PID GUEST EXECUTABLE" each, in the order of the numbers. */
static char found[64][512];
static size_t count;
static int answer; /* to who searches */

static int note(void *context, const struct running_emulator *emulator)
{
	struct stat stat;

	assert_ptr_equal(context, found);
	assert_true(count < LENGTH_OF(found));
	snprintf(found[count++], sizeof(found[0]), "%d %s %.400s", (int)emulator->pid,
		 emulator->guest != NULL ? emulator->guest : "-", emulator->executable);
	assert_non_null(emulator->argv[0]);
	assert_true(strlen(emulator->stat.started) > 0);
	/* The directory is that of the process. */
	assert_int_equal(fstatat(emulator->directory, "cmdline", &stat, 0), 0);
	return answer;
}

static int compare(const void *left, const void *right)
{
	return strverscmp(left, right);
}

/* All that is found, each with a newline. */
static const char *search(void)
{
	static char text[sizeof(found)];

	count = 0;
	answer = 0;
	assert_int_equal(emulators_find(&roots, note, found), 0);
	qsort(found, count, sizeof(found[0]), compare);
	*text = '\0';
	for (size_t i = 0; i < count; i++)
		text_add(text, sizeof(text), "%s\n", found[i]);
	return text;
}

static void an_emulator_is_known_by_what_it_executes(void **state)
{
	static const struct {
		const char *executable;
		bool is_emulator;
	} cases[] = {
	    {"/none/bin/qemu-system-x86_64", true},
	    {"/none/bin/qemu-system-aarch64", true},
	    {"/none/libexec/qemu-kvm", true},
	    {"/none/bin/kvm", true},
	    {"/qemu-kvm", true},
	    /* an upgrade has replaced it */
	    {"/none/bin/qemu-system-x86_64 (deleted)", true},
	    {"/none/libexec/qemu-kvm.real (deleted)", true},
	    {"/none/bin/kvm (deleted)", true},
	    /* the shim has been taken away since */
	    {"/none/libexec/qemu-kvm.real", true},
	    {"/none/bin/qemu-system-x86_64.real", true},
	    {"/none/bin/qemu-img", false},
	    {"/none/bin/qemu-nbd", false},
	    {"/none/bin/qemu-x86_64", false},
	    {"/none/bin/qemu-kvm-shim", false},
	    {"/none/bin/qemu-kvm.old", false},
	    {"/none/bin/qemu-kvm (deleted).real", false},
	    {"/none/bin/kvmtool", false},
	    {"/none/bin/kvm/sh", false},
	    {"/none/bin/qemu-system-x86_64/x", false},
	    {"/none/bin/xqemu-system-x86_64", false},
	    {"/none/bin/emulator.real", false},
	    {"/none/bin/.real", false},
	    {"/none/bin/", false},
	    {"kvm", false},
	    {" (deleted)", false},
	    {".real", false},
	    {"/", false},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		char expected[256] = "";

		make_emulator(4711, cases[i].executable, "worker", "qemu|-name|guest=web1|");
		if (cases[i].is_emulator)
			snprintf(expected, sizeof(expected), "4711 web1 %s\n", cases[i].executable);
		assert_string_equal(search(), expected);
	}
}

/* What libvirt executes is NAME.real, where NAME is a shim, whatever name that is. */
static void the_real_emulator_behind_a_shim_is_one(void **state)
{
	char real[PATH_MAX + 64];
	char expected[sizeof(real) + 64];

	(void)state;
	copy_shim("world/bin/my-emulator");
	make_file("world/bin/my-emulator.real", "");
	snprintf(real, sizeof(real), "%s/world/bin/my-emulator.real", directory);
	make_emulator(4711, real, "my-emulator", "my-emulator|-name|web1|");
	snprintf(expected, sizeof(expected), "4711 web1 %s\n", real);
	assert_string_equal(search(), expected);
	/* It was upgraded, the shim is still there. */
	strcat(real, " (deleted)");
	make_link(real, process_path(4711, "exe"));
	snprintf(expected, sizeof(expected), "4711 web1 %s\n", real);
	assert_string_equal(search(), expected);
	make_file("world/bin/my-emulator", "#!/bin/sh\n");
	assert_string_equal(search(), "");
}

static void a_shim_that_is_about_to_become_one_is_none_yet(void **state)
{
	char path[PATH_MAX + 64];

	(void)state;
	copy_shim("world/bin/qemu-kvm");
	snprintf(path, sizeof(path), "%s/world/bin/qemu-kvm", directory);
	make_emulator(4711, path, "qemu-kvm", "qemu-kvm|-name|web1|");
	assert_string_equal(search(), "");
	/* Something else by now, and so is what is executed. */
	make_file("world/bin/qemu-kvm", "\177ELF");
	assert_int_not_equal(*search(), '\0');
}

/* Anybody may have what is a device, or waits, in the place of a shim: it must not be opened. */
static void only_files_are_opened(void **state)
{
	static const char *const places[] = {"fifo", "/dev/full", "/", "nothing"};
	char events[4096] __attribute__((aligned(8)));
	char expected[2 * PATH_MAX];
	char real[PATH_MAX + 64];
	int watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

	(void)state;
	make_directories("world/bin/x");
	make_fifo("world/bin/fifo");
	assert_true(inotify_add_watch(watch, "world/bin/fifo", IN_OPEN) >= 0);
	for (size_t i = 0; i < LENGTH_OF(places); i++) {
		make_link(places[i], "world/bin/qemu-kvm");
		snprintf(real, sizeof(real), "%s/world/bin/qemu-kvm", directory);
		make_emulator(4711, real, "x", "qemu-kvm|-name|web1|");
		snprintf(expected, sizeof(expected), "4711 web1 %s\n", real);
		assert_string_equal(search(), expected);
		make_link(places[i], "world/bin/other");
		snprintf(real, sizeof(real), "%s/world/bin/other.real", directory);
		make_emulator(4711, real, "x", "qemu-kvm|-name|web1|");
		assert_string_equal(search(), "");
	}
	assert_int_equal(read(watch, events, sizeof(events)), -1);
	assert_int_equal(errno, EAGAIN);
	close(watch);
}

/* libvirt asks each emulator what it can do (virQEMUCapsInitQMPMonitor, in its source). */
static void one_without_a_machine_is_none(void **state)
{
	static const struct {
		const char *arguments;
		const char *guest; /* NULL: not found */
	} cases[] = {
	    {"qemu|-S|-no-user-config|-nodefaults|-nographic|-machine|none,accel=kvm:tcg|", NULL},
	    {"qemu|-machine|none|", NULL},
	    {"qemu|-M|none|", NULL},
	    {"qemu|--machine|none|", NULL},
	    {"qemu|-machine|accel=kvm,type=none|", NULL},
	    {"qemu|-machine|none|-name|web1|", "web1"},
	    {"qemu|-machine|nonesuch|", "-"},
	    {"qemu|-machine|q35|", "-"},
	    {"qemu|-machine|pc,memory-backend=none|", "-"},
	    {"qemu|-machine|", "-"},
	    {"qemu|-append|-machine|none|", "-"},
	    {"qemu|-cpu|none|", "-"},
	    {"qemu|", "-"},
	    {"qemu", "-"},
	    {"|", "-"},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		char expected[128] = "";

		make_emulator(4711, "/none/bin/kvm", "kvm", cases[i].arguments);
		if (cases[i].guest != NULL)
			snprintf(expected, sizeof(expected), "4711 %s /none/bin/kvm\n",
				 cases[i].guest);
		if (strcmp(search(), expected) != 0)
			fail_msg("%s: %s", cases[i].arguments, search());
	}
}

static void guests_names_are_as_they_are(void **state)
{
	(void)state;
	make_emulator(1, "/none/bin/kvm", "a) R 1 (b\n", "kvm|-name|guest=a\nb,,c|");
	make_emulator(2, "/none/bin/kvm", "", "kvm|-name|\xff\xfe|");
	make_emulator(3, "/none/bin/kvm", "kvm", "kvm|-name|guest=|");
	make_emulator(4, "/none/bin/kvm", "kvm", "kvm|-name|process=web1|");
	assert_string_equal(search(), "1 a\nb,c /none/bin/kvm\n2 \xff\xfe /none/bin/kvm\n"
				      "3 - /none/bin/kvm\n4 - /none/bin/kvm\n");
}

/* Where a process is another user's its name is all that there is. */
static void check_hidden(void)
{
	static const struct {
		const char *name;
		const char *expected;
	} cases[] = {
	    {"qemu-system-x86", "4711 web1 \n"},
	    {"qemu-kvm", "4711 web1 \n"},
	    {"kvm", "4711 web1 \n"},
	    {"qemu-img", ""},
	    {"qemu-kvm.real", ""},
	    {"bash", ""},
	    {"(kvm", ""},
	    {"", ""},
	};

	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		make_emulator(4711, "hidden/kvm", cases[i].name, "x|-name|web1|");
		assert_string_equal(search(), cases[i].expected);
	}
}

/*
 * The link of a real process is refused to another user with EACCES; one of a made-up tree can
 * always be read. So readlinkat(2) is refused for all of this program while this is set.
 */
static int link_refusal;

ssize_t readlinkat(int fd, const char *restrict path, char *restrict text, size_t size)
{
	if (link_refusal != 0) {
		errno = link_refusal;
		return -1;
	}
	return syscall(SYS_readlinkat, fd, path, text, size);
}

static void one_that_cannot_be_looked_at_is_known_by_its_name(void **state)
{
	(void)state;
	link_refusal = EACCES;
	check_hidden();
	/* A thread of the kernel executes nothing, and one that has ended is not there. */
	link_refusal = ENOENT;
	make_emulator(4711, "/none/bin/kvm", "kvm", "x|-name|web1|");
	assert_string_equal(search(), "");
	link_refusal = ESRCH;
	assert_string_equal(search(), "");
	link_refusal = 0;
	assert_string_equal(search(), "4711 web1 /none/bin/kvm\n");
}

/* A process may end between any two looks at it. */
static void one_that_ends_is_none(void **state)
{
	static const char *const files[] = {"exe", "stat", "cmdline"};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(files); i++) {
		make_emulator(1, "/none/bin/kvm", "kvm", "kvm|-name|web1|");
		make_emulator(2, "/none/bin/kvm", "kvm", "kvm|-name|web2|");
		assert_int_equal(unlink(process_path(1, files[i])), 0);
		assert_string_equal(search(), "2 web2 /none/bin/kvm\n");
	}
	/* Of one that nobody has waited for yet, a zombie, only that is left. */
	make_emulator(1, "/none/bin/kvm", "kvm", "");
	assert_string_equal(search(), "2 web2 /none/bin/kvm\n");
	make_emulator(1, "/none/bin/kvm", "kvm", "kvm|-name|web1|");
	make_file(process_path(1, "stat"), "1 (kvm");
	assert_string_equal(search(), "2 web2 /none/bin/kvm\n");
}

static void what_is_no_process_is_none(void **state)
{
	static const char *const names[] = {"self", "0x1", "01", "-1", "1a", "99999999999", "irq"};

	(void)state;
	make_emulator(1, "/none/bin/kvm", "kvm", "kvm|-name|web1|");
	for (size_t i = 0; i < LENGTH_OF(names); i++) {
		char path[64];

		snprintf(path, sizeof(path), "world/proc/%s", names[i]);
		make_link("1", path);
	}
	make_file("world/proc/2", "");
	make_file("world/proc/uptime", "1 1\n");
	assert_string_equal(search(), "1 web1 /none/bin/kvm\n");
}

static void who_is_told_may_end_the_search(void **state)
{
	(void)state;
	for (int pid = 1; pid < 10; pid++)
		make_emulator(pid, "/none/bin/kvm", "kvm", "kvm|-name|web1|");
	count = 0;
	answer = -ENOMEM;
	assert_int_equal(emulators_find(&roots, note, found), -ENOMEM);
	assert_int_equal(count, 1);
	search();
	assert_int_equal(count, 9);
}

static void a_host_without_proc_is_told(void **state)
{
	(void)state;
	count = 0;
	assert_int_equal(emulators_find(&roots, note, found), -ENOENT);
	assert_int_equal(count, 0);
}

/* This one is real: a program of that name, and a command line of its own. */
/* Of all that this host may run only one process is of interest. */
static int note_one(void *context, const struct running_emulator *emulator)
{
	return emulator->pid == *(const pid_t *)context ? note(found, emulator) : 0;
}

static void a_real_process_is_found(void **state)
{
	static const struct roots real = {.proc = "/proc"};
	char expected[2 * PATH_MAX];
	int ready[2];
	char byte;
	pid_t pid;

	(void)state;
	make_directories("world/x");
	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	assert_int_equal(system("cp /bin/sleep world/qemu-kvm"), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execl("world/qemu-kvm", "qemu-kvm", "100", NULL);
		_exit(1);
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 0); /* it has become that program */
	close(ready[0]);
	count = 0;
	answer = 0;
	assert_int_equal(emulators_find(&real, note_one, &pid), 0);
	snprintf(expected, sizeof(expected), "%d - %s/world/qemu-kvm", (int)pid, directory);
	end_child(pid);
	assert_int_equal(count, 1);
	assert_string_equal(found[0], expected);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, enter_directory, leave_directory)
	static const struct CMUnitTest tests[] = {
	    TEST(an_emulator_is_known_by_what_it_executes),
	    TEST(the_real_emulator_behind_a_shim_is_one),
	    TEST(a_shim_that_is_about_to_become_one_is_none_yet),
	    TEST(only_files_are_opened),
	    TEST(one_without_a_machine_is_none),
	    TEST(guests_names_are_as_they_are),
	    TEST(one_that_cannot_be_looked_at_is_known_by_its_name),
	    TEST(one_that_ends_is_none),
	    TEST(what_is_no_process_is_none),
	    TEST(who_is_told_may_end_the_search),
	    TEST(a_host_without_proc_is_told),
	    TEST(a_real_process_is_found),
	};

	return RUN_TESTS(tests);
}
