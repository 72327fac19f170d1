#include "cpuset.h"
#include "tree.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * Made-up cgroups are plain files: to write one does not cut it, so what a test
 * has in it and what is written are of one length.
 */

#define V1_TREE "cgroup/cpuset"
#define V1_GUEST "/machine/qemu-1-web1.libvirt-qemu"
#define V1_OTHER "/machine/qemu-2-db1.libvirt-qemu"
#define V2_TREE "cgroup/unified"
#define V2_GUEST "/machine.slice/machine-qemu\\x2d1\\x2dweb1.scope"
#define V2_OTHER "/machine.slice/machine-qemu\\x2d2\\x2ddb1.scope"
#define V1_MOUNT "34 31 0:31 / " V1_TREE " rw,relatime - cgroup cgroup rw,cpuset\n"
#define V2_MOUNT "41 31 0:38 / " V2_TREE " rw,relatime - cgroup2 cgroup2 rw\n"

enum { OTHER_USER = 12345, DIRECTORIES_MAX = 64 };

static struct roots roots;
static struct error error;

static struct guest_cgroup v1_guest = {.guest = V1_GUEST, .parent = V1_GUEST};
static struct guest_cgroup v2_guest = {.guest = V2_GUEST, .parent = V2_GUEST "/libvirt"};
static const struct cgroup v1_emulator = {false, V1_GUEST "/emulator"};
static const struct cgroup v2_emulator = {true, V2_GUEST "/libvirt/emulator"};

static int start(void **state)
{
	roots = (struct roots){.proc = "proc", .owner = geteuid()};
	error = (struct error){0};
	return enter_directory(state);
}

/* A host with two guests of libvirt under cgroup v1, and web1's emulator so narrow already. */
static void make_v1(const char *guest, const char *emulator)
{
	make_file("proc/self/mountinfo", V1_MOUNT);
	make_file(V1_TREE "/cpuset.cpus", "0-9\n");
	make_file(V1_TREE "/machine/cpuset.cpus", "0-9\n");
	make_file(V1_TREE V1_GUEST "/cpuset.cpus", guest);
	make_file(V1_TREE V1_GUEST "/cpuset.mems", "0\n");
	make_file(V1_TREE V1_GUEST "/emulator/cpuset.cpus", emulator);
	make_file(V1_TREE V1_GUEST "/emulator/cpuset.mems", "0\n");
	make_file(V1_TREE V1_GUEST "/vcpu0/cpuset.cpus", guest);
	make_file(V1_TREE V1_OTHER "/cpuset.cpus", guest);
	make_file(V1_TREE V1_OTHER "/emulator/cpuset.cpus", emulator);
}

/* The same under v2, with systemd. What libvirt's own cgroup is given, it has. */
static void make_v2(const char *guest, const char *emulator)
{
	make_file("proc/self/mountinfo", V2_MOUNT);
	make_file(V2_TREE "/cpuset.cpus.effective", "0-9\n");
	make_file(V2_TREE V2_GUEST "/cpuset.cpus", "\n");
	make_file(V2_TREE V2_GUEST "/cpuset.cpus.effective", guest);
	make_file(V2_TREE V2_GUEST "/libvirt/cpuset.cpus", guest);
	make_link("cpuset.cpus", V2_TREE V2_GUEST "/libvirt/cpuset.cpus.effective");
	make_file(V2_TREE V2_GUEST "/libvirt/emulator/cpuset.cpus", emulator);
	make_file(V2_TREE V2_GUEST "/libvirt/emulator/cpuset.cpus.effective", guest);
	make_file(V2_TREE V2_GUEST "/libvirt/vcpu0/cpuset.cpus", "\n");
	make_file(V2_TREE V2_OTHER "/cpuset.cpus.effective", guest);
	make_file(V2_TREE V2_OTHER "/libvirt/cpuset.cpus", guest);
	make_file(V2_TREE V2_OTHER "/libvirt/emulator/cpuset.cpus", emulator);
}

static void check_file(const char *path, const char *expected)
{
	char text[256];
	FILE *file = fopen(path, "r");

	assert_non_null(file);
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	fclose(file);
	text[strcspn(text, "\n")] = '\0';
	if (strncmp(text, expected, strcspn(expected, "\n")) != 0 ||
	    strlen(text) != strcspn(expected, "\n"))
		fail_msg("%s: '%s' instead of '%s'", path, text, expected);
}

/*
 * What happens to the whole directory: every file that is written, made or
 * removed, in that order, by its path from there and with a blank after each.
 */
static struct {
	int fd;
	size_t count;
	int number[DIRECTORIES_MAX];
	char path[DIRECTORIES_MAX][256];
	char text[4096];
} watch;

static int watch_one(const char *path, const struct stat *stat, int kind, struct FTW *walk)
{
	(void)stat;
	(void)walk;
	if (kind != FTW_D)
		return 0;
	if (watch.count == DIRECTORIES_MAX || strlen(path) >= sizeof(watch.path[0]))
		return -1;
	strcpy(watch.path[watch.count], path);
	watch.number[watch.count] = inotify_add_watch(
	    watch.fd, path, IN_MODIFY | IN_CREATE | IN_DELETE | IN_MOVE | IN_ATTRIB);
	return watch.number[watch.count++] < 0 ? -1 : 0;
}

static void watch_start(void)
{
	watch.fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	watch.count = 0;
	watch.text[0] = '\0';
	assert_true(watch.fd >= 0);
	assert_int_equal(nftw(".", watch_one, 8, FTW_PHYS), 0);
}

static const char *watch_end(void)
{
	char events[16384] __attribute__((aligned(8)));
	ssize_t size = read(watch.fd, events, sizeof(events));
	size_t used = 0;

	for (ssize_t at = 0; at < size;) {
		const struct inotify_event *event = (const struct inotify_event *)(events + at);

		for (size_t i = 0; i < watch.count; i++) {
			if (watch.number[i] == event->wd)
				used +=
				    (size_t)snprintf(watch.text + used, sizeof(watch.text) - used,
						     "%s/%s ", watch.path[i] + strlen("./"),
						     event->len > 0 ? event->name : "");
		}
		at += (ssize_t)(sizeof(*event) + event->len);
	}
	close(watch.fd);
	return watch.text;
}

static int open_and_place(const struct cgroup *emulator, const struct guest_cgroup *found,
			  const struct id_set *cpus)
{
	struct cpuset cpuset;
	int result = cpuset_open(&cpuset, &roots, emulator, found, &error);

	if (result == 0)
		result = cpuset_place(&cpuset, cpus, &error);
	cpuset_close(&cpuset);
	return result;
}

static int place(bool unified, const char *cpus)
{
	struct id_set set;
	int result;

	assert_int_equal(id_set_read(&set, cpus), 0);
	error = (struct error){0};
	result = open_and_place(unified ? &v2_emulator : &v1_emulator,
				unified ? &v2_guest : &v1_guest, &set);
	assert_true(result <= 0);
	assert_int_equal(error_is_set(&error), result < 0);
	return result;
}

#define V1_WRITTEN_EMULATOR V1_TREE V1_GUEST "/emulator/cpuset.cpus "
#define V1_WRITTEN_PARENT V1_TREE V1_GUEST "/cpuset.cpus "
#define V2_WRITTEN_PARENT V2_TREE V2_GUEST "/libvirt/cpuset.cpus "

struct narrowing {
	const char *guest;    /* what its cgroup has */
	const char *emulator; /* what libvirt has given that */
	const char *rule;
	int result;
	const char *parent_after;
	const char *emulator_after;
	const char *written;
};

static void check_narrowings(bool unified, const struct narrowing *cases, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const char *parent = unified ? V2_TREE V2_GUEST "/libvirt/cpuset.cpus"
					     : V1_TREE V1_GUEST "/cpuset.cpus";
		const char *emulator = unified ? V2_TREE V2_GUEST "/libvirt/emulator/cpuset.cpus"
					       : V1_TREE V1_GUEST "/emulator/cpuset.cpus";
		int result;

		(unified ? make_v2 : make_v1)(cases[i].guest, cases[i].emulator);
		watch_start();
		result = place(unified, cases[i].rule);
		watch_end();
		if (result != cases[i].result)
			fail_msg("case %zu: %d, %s", i, result, error.text);
		if (strcmp(watch.text, cases[i].written) != 0)
			fail_msg("case %zu: written '%s'", i, watch.text);
		check_file(parent, cases[i].parent_after);
		check_file(emulator, cases[i].emulator_after);
	}
}

static void under_v1_the_emulator_is_written_then_its_parent(void **state)
{
	static const char both[] = V1_WRITTEN_EMULATOR V1_WRITTEN_PARENT;
	static const struct narrowing cases[] = {
	    {"0-7\n", "0-7\n", "2-4", 0, "2-4", "2-4", both},
	    {"0-7\n", "0-7\n", "0-7", 0, "0-7", "0-7", both},
	    {"0,8\n", "0,8\n", "0,8", 0, "0,8", "0,8", both},
	    {"10-31,64-95\n", "10-31,64-95\n", "12-17,66-71", 0, "12-17,66-71", "12-17,66-71",
	     both},
	    /* the XML has narrowed it */
	    {"0-7\n", "1-3\n", "2-5", 0, "2-5", "2-3", both},
	    {"0-7\n", "2-3\n", "1-5", 0, "1-5", "2-3", both},
	    {"0-7\n", "4-7\n", "4-7", 0, "4-7", "4-7", both},
	    {"0-7\n", "0-1\n", "4-5", -EINVAL, "0-7", "0-1", ""},
	    /* not the guest's to have */
	    {"0-7\n", "0-7\n", "6-9", -EINVAL, "0-7", "0-7", ""},
	    {"0-7\n", "0-7\n", "8-9", -EINVAL, "0-7", "0-7", ""},
	    {"0-7\n", "0-7\n", "0-8191", -EINVAL, "0-7", "0-7", ""},
	};

	(void)state;
	check_narrowings(false, cases, LENGTH_OF(cases));
}

static void under_v2_only_the_emulators_parent_is_written(void **state)
{
	static const struct narrowing cases[] = {
	    {"0-7\n", "\n", "2-4", 0, "2-4", "\n", V2_WRITTEN_PARENT},
	    {"0-7\n", "\n", "0-7", 0, "0-7", "\n", V2_WRITTEN_PARENT},
	    {"10-31,64-95\n", "\n", "12-17,66-71", 0, "12-17,66-71", "\n", V2_WRITTEN_PARENT},
	    /* the XML has narrowed it */
	    {"0-7\n", "1-3\n", "2-5", 0, "2-5", "1-3", V2_WRITTEN_PARENT},
	    {"0-7\n", "2-3\n", "1-5", 0, "1-5", "2-3", V2_WRITTEN_PARENT},
	    {"0-7\n", "0-1\n", "4-5", -EINVAL, "0-7", "0-1", ""},
	    /* not the guest's to have */
	    {"0-7\n", "\n", "6-9", -EINVAL, "0-7", "\n", ""},
	    {"0-7\n", "\n", "8-9", -EINVAL, "0-7", "\n", ""},
	};

	(void)state;
	check_narrowings(true, cases, LENGTH_OF(cases));
}

/* Under v1 with systemd libvirt may have a cgroup of its own between. */
static void the_guests_own_cgroup_is_not_written_where_libvirts_is_below(void **state)
{
	static const struct guest_cgroup found = {.guest = V2_GUEST, .parent = V2_GUEST "/libvirt"};
	static const struct cgroup emulator = {false, V2_GUEST "/libvirt/emulator"};
	struct id_set cpus;

	(void)state;
	assert_int_equal(id_set_read(&cpus, "2-4"), 0);
	make_file("proc/self/mountinfo", V1_MOUNT);
	make_file(V1_TREE V2_GUEST "/cpuset.cpus", "0-7\n");
	make_file(V1_TREE V2_GUEST "/libvirt/cpuset.cpus", "0-7\n");
	make_file(V1_TREE V2_GUEST "/libvirt/emulator/cpuset.cpus", "0-7\n");
	watch_start();
	assert_int_equal(open_and_place(&emulator, &found, &cpus), 0);
	assert_string_equal(watch_end(),
			    V1_TREE V2_GUEST "/libvirt/emulator/cpuset.cpus " V1_TREE V2_GUEST
					     "/libvirt/cpuset.cpus ");
	check_file(V1_TREE V2_GUEST "/libvirt/cpuset.cpus", "2-4");
}

/* libvirt's own cgroup has no cpuset.cpus yet. */
static void what_was_empty_is_filled(void **state)
{
	(void)state;
	make_v2("0-7\n", "\n");
	make_file(V2_TREE V2_GUEST "/libvirt/cpuset.cpus", "\n");
	assert_int_equal(place(true, "5"), 0);
	check_file(V2_TREE V2_GUEST "/libvirt/cpuset.cpus", "5");
}

static void a_placed_guest_can_be_placed_so_again(void **state)
{
	(void)state;
	make_v1("0-7\n", "0-7\n");
	make_v2("0-7\n", "\n");
	make_file("proc/self/mountinfo", V1_MOUNT V2_MOUNT);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(place(false, "2-4"), 0);
		assert_int_equal(place(true, "2-4"), 0);
	}
	check_file(V1_TREE V1_GUEST "/cpuset.cpus", "2-4");
	check_file(V1_TREE V1_GUEST "/emulator/cpuset.cpus", "2-4");
	check_file(V2_TREE V2_GUEST "/libvirt/cpuset.cpus", "2-4");
}

/* The kernel says so only by what the guest then has. */
static void what_the_kernel_does_not_grant_is_taken_back(void **state)
{
	(void)state;
	make_v2("0-7\n", "\n");
	make_file(V2_TREE V2_GUEST "/libvirt/effective", "2-3\n");
	make_link("effective", V2_TREE V2_GUEST "/libvirt/cpuset.cpus.effective");
	assert_int_equal(place(true, "2-4"), -EINVAL);
	check_file(V2_TREE V2_GUEST "/libvirt/cpuset.cpus", "0-7");

	/* From "nothing of its own" there is no way back: then it has what its guest may have. */
	make_file(V2_TREE V2_GUEST "/libvirt/cpuset.cpus", "\n");
	assert_int_equal(place(true, "2-4"), -EINVAL);
	check_file(V2_TREE V2_GUEST "/libvirt/cpuset.cpus", "0-7");

	/* Here what is left behind the shorter list stands for what the kernel keeps. */
	make_v1("0-7,9\n", "0-7\n");
	watch_start();
	assert_int_equal(place(false, "2-4"), -EINVAL);
	assert_string_equal(watch_end(), V1_WRITTEN_EMULATOR V1_WRITTEN_PARENT V1_WRITTEN_EMULATOR);
	check_file(V1_TREE V1_GUEST "/cpuset.cpus", "0-7,9");
	check_file(V1_TREE V1_GUEST "/emulator/cpuset.cpus", "0-7");
}

/* A file that even root cannot write, and that has a list of CPUs in it: those of this host. */
#define READ_ONLY "/sys/devices/system/cpu/online"

static void what_is_refused_halfway_is_taken_back(void **state)
{
	char online[256] = "";
	char first[16];
	FILE *file = fopen(READ_ONLY, "r");

	(void)state;
	assert_non_null(file);
	assert_non_null(fgets(online, sizeof(online), file));
	fclose(file);
	snprintf(first, sizeof(first), "%.*s", (int)strspn(online, "0123456789"), online);

	make_v1(online, online);
	make_link(READ_ONLY, V1_TREE V1_GUEST "/cpuset.cpus");
	watch_start();
	assert_int_equal(place(false, first), -EACCES);
	assert_string_equal(watch_end(), V1_WRITTEN_EMULATOR);
	check_file(V1_TREE V1_GUEST "/emulator/cpuset.cpus", online);

	make_v1(online, online);
	make_link(READ_ONLY, V1_TREE V1_GUEST "/emulator/cpuset.cpus");
	assert_int_equal(place(false, first), -EACCES);
	check_file(V1_TREE V1_GUEST "/cpuset.cpus", online);

	make_v2(online, "\n");
	make_link(READ_ONLY, V2_TREE V2_GUEST "/libvirt/cpuset.cpus");
	watch_start();
	assert_int_equal(place(true, first), -EACCES);
	assert_string_equal(watch_end(), "");
}

static void the_mount_that_has_the_cgroup_is_found(void **state)
{
	static const struct {
		bool unified;
		int result;
		const char *mountinfo;
	} cases[] = {
	    {false, 0, V1_MOUNT},
	    {true, 0, V2_MOUNT},
	    {true, 0, V1_MOUNT V2_MOUNT},
	    {false, 0, V2_MOUNT V1_MOUNT},
	    /* tags, more controllers, other mounts, no newline at the end */
	    {false, 0,
	     "34 31 0:31 / " V1_TREE " rw,nosuid shared:9 master:3 - cgroup x rw,cpuset\n"},
	    {false, 0, "34 31 0:31 / " V1_TREE " rw - cgroup cgroup rw,cpu,cpuset,cpuacct\n"},
	    {false, 0, "34 31 0:31 / " V1_TREE " rw - cgroup cgroup cpuset,rw"},
	    {true, 0, "34 31 0:31 / " V2_TREE " rw shared:4 - cgroup2 cgroup rw,nsdelegate"},
	    {false, 0,
	     "22 27 0:21 / /proc rw - proc proc rw\n"
	     "27 1 254:0 / / rw - ext4 /dev/vda rw\n"
	     "32 31 0:29 / cgroup/nowhere rw - cgroup cgroup rw,cpu\n"
	     "37 31 0:34 / cgroup/nowhere rw - cgroup cgroup rw,name=systemd\n" V1_MOUNT},
	    /* a part of the hierarchy only */
	    {false, 0, "34 31 0:31 /machine " V1_TREE "/machine rw - cgroup cgroup rw,cpuset\n"},
	    /* another part, whose name is as long as would lead there */
	    {false, -ENOENT, "34 31 0:31 /mach " V1_TREE "/mach rw - cgroup cgroup rw,cpuset\n"},
	    {false, -ENOENT,
	     "34 31 0:31 /another " V1_TREE "/machine rw - cgroup cgroup rw,cpuset\n"},
	    {false, -ENOENT, "34 31 0:31 /.. " V1_TREE " rw - cgroup cgroup rw,cpuset\n"},
	    {false, -ENOENT,
	     "34 31 0:31 " V1_GUEST "/vcpu0 " V1_TREE " rw - cgroup cgroup rw,cpuset\n"},
	    /* several: the one that has it */
	    {false, 0, "33 31 0:31 /other " V1_TREE " rw - cgroup cgroup rw,cpuset\n" V1_MOUNT},
	    {false, 0, "33 31 0:31 / cgroup/nowhere rw - cgroup cgroup rw,cpuset\n" V1_MOUNT},
	    {false, 0, V1_MOUNT "35 31 0:31 / cgroup/nowhere rw - cgroup cgroup rw,cpuset\n"},
	    {false, -ENOENT, "33 31 0:31 / cgroup/nowhere rw - cgroup cgroup rw,cpuset\n"},
	    /* not of that kind */
	    {false, -ENOENT, V2_MOUNT},
	    {true, -ENOENT, V1_MOUNT},
	    {false, -ENOENT, "34 31 0:31 / " V1_TREE " rw - cgroup cgroup rw,cpu\n"},
	    {false, -ENOENT, "34 31 0:31 / " V1_TREE " rw - cgroup cgroup rw,cpusets\n"},
	    {false, -ENOENT, "34 31 0:31 / " V1_TREE " rw - cgroup cgroup rw,mycpuset\n"},
	    {false, -ENOENT, "34 31 0:31 / " V1_TREE " rw,cpuset - cgroup cgroup rw\n"},
	    {false, -ENOENT, "34 31 0:31 / " V1_TREE " rw - tmpfs cgroup rw,cpuset\n"},
	    {true, -ENOENT, "34 31 0:31 / " V2_TREE " rw - tmpfs cgroup2 rw\n"},
	    /* which a user may mount, with any words after the point (fusermount3(1)) */
	    {false, -ENOENT, "34 31 0:31 / " V1_TREE " rw - fuse.cgroup cgroup rw,cpuset\n"},
	    {true, -ENOENT, "34 31 0:31 / " V2_TREE " rw - fuse.cgroup2 cgroup2 rw\n"},
	    {true, -ENOENT, "34 31 0:31 / " V2_TREE " rw cgroup2 cgroup2 rw\n"},
	    /* broken lines are left out */
	    {false, 0, "\n34\n34 31 0:31 /\n34 31 0:31 / cgroup rw -\n- - - - - -\n" V1_MOUNT},
	    {false, -ENOENT, "34 31 0:31 / " V1_TREE " rw -\n"},
	    {false, -ENOENT, "34 31 0:31 / " V1_TREE " rw - cgroup\n"},
	    {false, -ENOENT, "34 31 0:31 / " V1_TREE " rw - cgroup cgroup\n"},
	    {false, -ENOENT, "34 31 0:31 / " V1_TREE " rw\n"},
	    {false, -ENOENT, "34 31 0:31 / " V1_TREE "\n"},
	    {false, -ENOENT, "   \n"},
	    {false, -ENOENT, ""},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		int result;

		make_v1("0-7\n", "0-7\n");
		make_v2("0-7\n", "\n");
		make_file("proc/self/mountinfo", cases[i].mountinfo);
		result = place(cases[i].unified, "2-4");
		if (result != cases[i].result)
			fail_msg("%s: %d", cases[i].mountinfo, result);
		check_file(V1_TREE V1_GUEST "/cpuset.cpus",
			   result == 0 && !cases[i].unified ? "2-4" : "0-7");
		check_file(V2_TREE V2_GUEST "/libvirt/cpuset.cpus",
			   result == 0 && cases[i].unified ? "2-4" : "0-7");
	}
}

static void mounts_that_cannot_be_read_are_an_error(void **state)
{
	enum { MANY = 2 * 1024 * 1024 };
	char *text = malloc(MANY + 1);

	(void)state;
	assert_non_null(text);
	make_v1("0-7\n", "0-7\n");
	assert_int_equal(unlink("proc/self/mountinfo"), 0);
	assert_int_equal(place(false, "2-4"), -ENOENT);
	memset(text, 'x', MANY);
	text[MANY] = '\0';
	make_file("proc/self/mountinfo", text);
	free(text);
	watch_start();
	assert_int_equal(place(false, "2-4"), -E2BIG);
	assert_string_equal(watch_end(), "");
}

static void without_the_controller_nothing_is_written(void **state)
{
	static const struct {
		bool unified;
		const char *missing;
	} cases[] = {
	    {false, V1_TREE V1_GUEST "/cpuset.cpus"},
	    {false, V1_TREE V1_GUEST "/emulator/cpuset.cpus"},
	    {true, V2_TREE V2_GUEST "/cpuset.cpus.effective"},
	    {true, V2_TREE V2_GUEST "/libvirt/cpuset.cpus"},
	    {true, V2_TREE V2_GUEST "/libvirt/emulator/cpuset.cpus"},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		(cases[i].unified ? make_v2 : make_v1)("0-7\n", "0-7\n");
		assert_int_equal(unlink(cases[i].missing), 0);
		watch_start();
		assert_int_equal(place(cases[i].unified, "2-4"), -ENOENT);
		assert_string_equal(watch_end(), "");
		assert_non_null(strstr(error.text, "cpuset"));
		assert_non_null(strstr(error.text, "controller"));
	}
}

static void a_list_that_is_none_is_an_error(void **state)
{
	static const char *const lists[] = {"rubbish\n", "0-\n", "7-0\n", "0-99999\n"};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(lists); i++) {
		make_v1(lists[i], "0-7\n");
		watch_start();
		assert_int_equal(place(false, "2-4"), -EINVAL);
		assert_string_equal(watch_end(), "");
		make_v1("0-7\n", lists[i]);
		watch_start();
		assert_int_equal(place(false, "2-4"), -EINVAL);
		assert_string_equal(watch_end(), "");
	}
}

/* The guest ended meanwhile, or has no such cgroup. */
static void a_cgroup_that_is_gone_is_an_error(void **state)
{
	static const char *const gone[] = {V1_TREE V1_GUEST "/emulator", V1_TREE V1_GUEST};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(gone); i++) {
		make_v1("0-7\n", "0-7\n");
		assert_int_equal(remove_tree(gone[i]), 0);
		watch_start();
		assert_int_equal(place(false, "2-4"), -ENOENT);
		assert_string_equal(watch_end(), "");
	}
}

/* It is the one that was found, not the one that has its name now. */
static void a_cgroup_that_is_made_anew_is_another(void **state)
{
	struct cpuset cpuset;
	struct id_set cpus;

	(void)state;
	make_v1("0-7\n", "0-7\n");
	assert_int_equal(id_set_read(&cpus, "2-4"), 0);
	error = (struct error){0};
	assert_int_equal(cpuset_open(&cpuset, &roots, &v1_emulator, &v1_guest, &error), 0);
	assert_int_equal(rename(V1_TREE V1_GUEST, V1_TREE "/moved"), 0);
	make_v1("0-7\n", "0-7\n");
	(void)cpuset_place(&cpuset, &cpus, &error);
	cpuset_close(&cpuset);
	check_file(V1_TREE V1_GUEST "/cpuset.cpus", "0-7");
	check_file(V1_TREE V1_GUEST "/emulator/cpuset.cpus", "0-7");
	check_file(V1_TREE "/moved/cpuset.cpus", "2-4");
}

/* Root can give a directory away; another user's own are taken for somebody else's then. */
static void only_cgroups_of_root_or_the_owner_are_written(void **state)
{
	static const struct {
		bool unified;
		const char *directory;
	} cases[] = {
	    {false, V1_TREE V1_GUEST},
	    {false, V1_TREE V1_GUEST "/emulator"},
	    {true, V2_TREE V2_GUEST},
	    {true, V2_TREE V2_GUEST "/libvirt"},
	    {true, V2_TREE V2_GUEST "/libvirt/emulator"},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		uid_t owner = geteuid() == 0 ? OTHER_USER : geteuid();

		(cases[i].unified ? make_v2 : make_v1)("0-7\n", "0-7\n");
		assert_int_equal(place(cases[i].unified, "2-4"), 0);
		(cases[i].unified ? make_v2 : make_v1)("0-7\n", "0-7\n");
		assert_int_equal(chown(cases[i].directory, owner, (gid_t)-1), 0);
		roots.owner = owner + 1;
		watch_start();
		assert_int_equal(place(cases[i].unified, "2-4"), -EPERM);
		assert_string_equal(watch_end(), "");
		roots.owner = owner;
		assert_int_equal(place(cases[i].unified, "2-4"), 0);
		roots.owner = geteuid();
		assert_int_equal(chown(cases[i].directory, geteuid(), (gid_t)-1), 0);
	}
}

/* There are no links among cgroups; none leads out of the guest's directory. */
static void a_link_in_place_of_the_cgroup_is_not_followed(void **state)
{
	static const char *const places[] = {V1_TREE V1_GUEST "/emulator", V1_TREE V1_GUEST};
	int result;

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(places); i++) {
		make_v1("0-7\n", "0-7\n");
		assert_int_equal(rename(places[i], "moved"), 0);
		make_link(i == 0 ? "../qemu-2-db1.libvirt-qemu/emulator"
				 : "qemu-2-db1.libvirt-qemu",
			  places[i]);
		watch_start();
		result = place(false, "2-4");
		assert_true(result == -ENOTDIR || result == -ELOOP);
		assert_string_equal(watch_end(), "");
		assert_int_equal(unlink(places[i]), 0);
		assert_int_equal(rename("moved", places[i]), 0);
	}
}

static void the_refusal_says_what_is_in_the_way(void **state)
{
	(void)state;
	make_v1("0-7\n", "0-1\n");
	assert_int_equal(place(false, "4-5"), -EINVAL);
	assert_non_null(strstr(error.text, "XML"));
	assert_non_null(strstr(error.text, "0-1"));
	assert_non_null(strstr(error.text, "4-5"));
	assert_int_equal(place(false, "6-9"), -EINVAL);
	assert_non_null(strstr(error.text, "6-9"));
	assert_non_null(strstr(error.text, "0-7"));
	make_file("proc/self/mountinfo", V2_MOUNT);
	assert_int_equal(place(false, "4-5"), -ENOENT);
	assert_non_null(strstr(error.text, V1_GUEST));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, leave_directory)
	static const struct CMUnitTest tests[] = {
	    TEST(under_v1_the_emulator_is_written_then_its_parent),
	    TEST(under_v2_only_the_emulators_parent_is_written),
	    TEST(the_guests_own_cgroup_is_not_written_where_libvirts_is_below),
	    TEST(what_was_empty_is_filled),
	    TEST(a_placed_guest_can_be_placed_so_again),
	    TEST(what_the_kernel_does_not_grant_is_taken_back),
	    TEST(what_is_refused_halfway_is_taken_back),
	    TEST(the_mount_that_has_the_cgroup_is_found),
	    TEST(mounts_that_cannot_be_read_are_an_error),
	    TEST(without_the_controller_nothing_is_written),
	    TEST(a_list_that_is_none_is_an_error),
	    TEST(a_cgroup_that_is_gone_is_an_error),
	    TEST(a_cgroup_that_is_made_anew_is_another),
	    TEST(only_cgroups_of_root_or_the_owner_are_written),
	    TEST(a_link_in_place_of_the_cgroup_is_not_followed),
	    TEST(the_refusal_says_what_is_in_the_way),
	};

	return RUN_TESTS(tests);
}
