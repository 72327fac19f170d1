#include "cgroup_mount.h"
#include "file.h"
#include "tree.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>

static const struct roots made_up = {.proc = "proc"};

#define V1 "25 24 0:22 / %s/v1 rw,relatime - cgroup cgroup rw,cpuset,cpu\n"
#define V2 "26 24 0:23 %s %s/v2 rw,relatime shared:4 - cgroup2 cgroup2 rw\n"
#define OTHERS                                  \
	"20 1 8:1 / / rw - ext4 /dev/root rw\n" \
	"21 1 0:9 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"

/* The directory that a cgroup is opened as: its name, or "" where there is none. */
static const char *opened(bool unified, const char *path)
{
	static char target[PATH_MAX];
	char link[64];
	int fd = cgroup_mount_open(&made_up, unified, path);
	ssize_t length;

	if (fd < 0) {
		assert_int_equal(fd, -ENOENT);
		return "";
	}
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	length = readlink(link, target, sizeof(target) - 1);
	assert_true(length > (ssize_t)strlen(directory));
	target[length] = '\0';
	close(fd);
	return target + strlen(directory) + 1;
}

static void mounts(const char *text)
{
	make_file("proc/self/mountinfo", text);
}

static void a_cgroup_is_where_its_hierarchy_is_mounted(void **state)
{
	char text[4 * PATH_MAX];

	(void)state;
	make_file("v1/a/x", "");
	make_file("v2/a/x", "");
	snprintf(text, sizeof(text), OTHERS V1 V2, directory, "/", directory);
	mounts(text);
	assert_string_equal(opened(false, "/a"), "v1/a");
	assert_string_equal(opened(true, "/a"), "v2/a");
	assert_string_equal(opened(true, "/b"), "");
}

static void a_part_of_a_hierarchy_may_be_mounted(void **state)
{
	char text[4 * PATH_MAX];

	(void)state;
	make_file("v2/a/x", "");
	snprintf(text, sizeof(text), OTHERS V2, "/part", directory);
	mounts(text);
	assert_string_equal(opened(true, "/part/a"), "v2/a");
	assert_string_equal(opened(true, "/a"), "");
	assert_string_equal(opened(true, "/party/a"), "");
	assert_string_equal(opened(false, "/part/a"), "");
}

/* A list that is not the kernel's own is read each time. */
static void what_has_changed_is_seen(void **state)
{
	char text[4 * PATH_MAX];

	(void)state;
	make_file("v2/a/x", "");
	mounts(OTHERS);
	assert_string_equal(opened(true, "/a"), "");
	snprintf(text, sizeof(text), V2, "/", directory);
	mounts(text);
	assert_string_equal(opened(true, "/a"), "v2/a");
	mounts(OTHERS);
	assert_string_equal(opened(true, "/a"), "");
}

static void of_very_many_the_first_count(void **state)
{
	static char text[201 * 128];
	size_t used = 0;

	(void)state;
	assert_int_equal(mkdir("first", 0755), 0);
	assert_int_equal(mkdir("first/a", 0755), 0);
	used +=
	    (size_t)snprintf(text, sizeof(text), "26 24 0:23 / first rw - cgroup2 cgroup2 rw\n");
	for (int i = 0; i < 200; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used,
					 "26 24 0:23 / /nowhere rw - cgroup2 cgroup2 rw\n");
	mounts(text);
	assert_string_equal(opened(true, "/a"), "first/a");
	assert_int_equal(cgroup_mount_open(&made_up, true, "/b"), -ENOENT);
	mounts("not understood\n");
	assert_int_equal(cgroup_mount_open(&made_up, true, "/a"), -ENOENT);
}

static const struct roots kernel = {.proc = "/proc"};

/* Whether cgroup v2 is mounted somewhere, as far as is known. */
static bool is_mounted(const struct roots *roots)
{
	int fd = cgroup_mount_open(roots, true, "/");

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/* In a namespace of its own, all of cgroup v2 goes. Returns whether it is gone. */
static bool unmount_all(void)
{
	static char text[1024 * 1024];
	ssize_t length = file_read(AT_FDCWD, "/proc/self/mountinfo", text, sizeof(text));
	char *save = NULL;

	if (length < 0)
		return false;
	for (char *line = strtok_r(text, "\n", &save); line != NULL;
	     line = strtok_r(NULL, "\n", &save)) {
		char *point = line;

		if (strstr(line, " - cgroup2 ") == NULL)
			continue;
		for (int i = 0; i < 4; i++)
			point = strchr(point, ' ') + 1;
		*strchr(point, ' ') = '\0';
		if (umount2(point, MNT_DETACH) < 0)
			return false;
	}
	return true;
}

/* What it tells of as wrong, or 0. */
static int follow_kernel(void)
{
	const struct roots here = kernel; /* not what is known of another namespace */

	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return 1;
	(void)is_mounted(&here);
	for (int i = 0; i < 3; i++) {
		if (!unmount_all())
			return 2;
		if (is_mounted(&here) || is_mounted(&here))
			return 3;
		if (mount("none", "over", "cgroup2", 0, NULL) < 0)
			return 4;
		if (!is_mounted(&here) || !is_mounted(&here))
			return 5;
	}
	return 0;
}

/* It is kept until the kernel says that it has changed. Who is not root can change nothing. */
static void the_kernels_list_is_followed(void **state)
{
	bool mounted = is_mounted(&kernel);
	int status;
	pid_t pid;

	(void)state;
	assert_int_equal(mkdir("over", 0755), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(geteuid() == 0 ? follow_kernel() : is_mounted(&kernel) != mounted);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(is_mounted(&kernel), mounted);
}

/* Then one descriptor is kept, by which the kernel tells of what changes. */
static int enter(void **state)
{
	(void)is_mounted(&kernel);
	return enter_directory(state);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, enter_directory, leave_directory)
	const struct CMUnitTest tests[] = {
	    TEST(a_cgroup_is_where_its_hierarchy_is_mounted),
	    TEST(a_part_of_a_hierarchy_may_be_mounted),
	    TEST(what_has_changed_is_seen),
	    TEST(of_very_many_the_first_count),
	    cmocka_unit_test_setup_teardown(the_kernels_list_is_followed, enter, leave_directory),
	};

	return RUN_TESTS(tests);
}
