#include "huge_pages.h"
#include "tree.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/wait.h>

#define MEGA (UINT64_C(1) << 20)
#define GIGA (UINT64_C(1) << 30)

/* A number of all nodes, or of one, for pages of 2M. */
static void make_total(const char *name, const char *text)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "sys/kernel/mm/hugepages/hugepages-2048kB/%s", name);
	make_file(path, text);
}

static void make_free(unsigned int node, const char *text)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path),
		 "sys/devices/system/node/node%u/hugepages/hugepages-2048kB/free_hugepages", node);
	make_file(path, text);
}

static void make_size(const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "sys/kernel/mm/hugepages/%s/free_hugepages", name);
	make_file(path, "0\n");
}

/* A host with two nodes. */
static int enter_host(void **state)
{
	if (enter_directory(state) < 0)
		return -1;
	make_size("hugepages-1048576kB");
	make_total("free_hugepages", "522\n");
	make_total("resv_hugepages", "0\n");
	make_free(0, "10\n");
	make_free(1, "512\n");
	return 0;
}

static struct id_set nodes_of(const char *list)
{
	struct id_set nodes;

	assert_int_equal(id_set_read(&nodes, list), 0);
	return nodes;
}

static struct huge_supply supply_of(const char *list)
{
	struct id_set nodes = nodes_of(list);
	struct huge_supply supply;
	struct error error = {0};

	if (huge_supply_read(&supply, "sys", 2 * MEGA, &nodes, &error) != 0)
		fail_msg("%s", error.text);
	return supply;
}

static void check_unread(int expected)
{
	struct id_set nodes = nodes_of("0-1");
	struct huge_supply supply;
	struct error error = {0};

	assert_int_equal(huge_supply_read(&supply, "sys", 2 * MEGA, &nodes, &error), expected);
	assert_non_null(strstr(error.text, "the free huge pages of 2M cannot be read: "));
	assert_non_null(strstr(error.text, strerror(-expected)));
	assert_null(supply.nodes);
}

static void the_sizes_of_the_host_are_taken(void **state)
{
	struct error error = {0};

	(void)state;
	assert_int_equal(huge_pages_check("sys", 2 * MEGA, &error), 0);
	assert_int_equal(huge_pages_check("sys", GIGA, &error), 0);
	assert_false(error_is_set(&error));
}

static void another_size_is_refused_with_those_that_there_are(void **state)
{
	struct error error;

	(void)state;
	make_size("hugepages-64kB");
	assert_int_equal(huge_pages_check("sys", 4 * MEGA, &error), -EINVAL);
	assert_string_equal(error.text, "this host has no huge pages of 4M; the sizes that it has: "
					"64K, 2M, 1G");
	assert_int_equal(huge_pages_check("sys", 2 * MEGA + 1, &error), -EINVAL);
	assert_non_null(strstr(error.text, "no huge pages of 2097153;"));
	assert_int_equal(huge_pages_check("sys", 0, &error), -EINVAL);
}

static void a_host_may_have_no_huge_pages(void **state)
{
	struct error error;

	(void)state;
	assert_int_equal(huge_pages_check("missing", 2 * MEGA, &error), -EINVAL);
	assert_string_equal(error.text,
			    "this host has no huge pages of 2M; the sizes that it has: none");
	assert_int_equal(remove_tree("sys/kernel/mm/hugepages"), 0);
	make_directories("sys/kernel/mm/hugepages/");
	assert_int_equal(huge_pages_check("sys", 2 * MEGA, &error), -EINVAL);
	assert_non_null(strstr(error.text, ": none"));
}

static void names_of_another_kind_are_no_sizes(void **state)
{
	static const char *const names[] = {
	    "hugepages-4096",   "hugepages-kB",     "hugepages-04096kB", "hugepages-4096kBx",
	    "hugepages-4096KB", "Hugepages-4096kB", "hugepages-0kB",     "hugepages--4096kB"};
	struct error error;

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(names); i++)
		make_size(names[i]);
	assert_int_equal(huge_pages_check("sys", 4 * MEGA, &error), -EINVAL);
	assert_string_equal(error.text,
			    "this host has no huge pages of 4M; the sizes that it has: 2M, 1G");
	assert_int_equal(huge_pages_check("sys", 0, &error), -EINVAL);
}

static void there_may_be_many_sizes(void **state)
{
	struct error error;

	(void)state;
	for (unsigned int i = 0; i < 2 * HUGE_SIZES_MAX; i++) {
		char name[64];

		snprintf(name, sizeof(name), "hugepages-%ukB", 4000000000U + i);
		make_size(name);
	}
	assert_int_equal(huge_pages_check("sys", 3 * MEGA, &error), -EINVAL);
	assert_true(strlen(error.text) < 16 * HUGE_SIZES_MAX);
}

static void the_supply_is_that_of_the_nodes(void **state)
{
	struct huge_supply supply = supply_of("0-1");
	struct id_set nodes = nodes_of("1");

	(void)state;
	assert_int_equal(supply.count, 2);
	assert_int_equal(supply.nodes[0].node, 0);
	assert_int_equal(supply.nodes[0].free, 10);
	assert_int_equal(supply.nodes[1].node, 1);
	assert_int_equal(supply.nodes[1].free, 512);
	assert_int_equal(supply.available, 522);
	assert_int_equal(huge_supply_of(&supply, &nodes), 512);
	nodes = nodes_of("0-5");
	assert_int_equal(huge_supply_of(&supply, &nodes), 522);
	nodes = nodes_of("");
	assert_int_equal(huge_supply_of(&supply, &nodes), 0);
	huge_supply_free(&supply);
	huge_supply_free(&supply);
	supply = supply_of("1");
	assert_int_equal(supply.count, 1);
	assert_int_equal(supply.nodes[0].node, 1);
	assert_int_equal(supply.available, 522);
	huge_supply_free(&supply);
}

static void what_is_reserved_is_not_available(void **state)
{
	static const struct {
		const char *reserved;
		unsigned int available;
	} cases[] = {
	    {"22\n", 500}, {"521\n", 1}, {"522\n", 0}, {"523\n", 0}, {"4294967295\n", 0},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		struct huge_supply supply;

		make_total("resv_hugepages", cases[i].reserved);
		supply = supply_of("0-1");
		assert_int_equal(supply.available, cases[i].available);
		assert_int_equal(supply.nodes[1].free, 512);
		huge_supply_free(&supply);
	}
}

/* One without memory. */
static void a_node_without_a_directory_has_none(void **state)
{
	struct huge_supply supply = supply_of("0-2");
	char text[64];

	(void)state;
	assert_string_equal(huge_supply_format(&supply, NULL, text, sizeof(text)),
			    "node 0: 10, node 1: 512, node 2: 0");
	huge_supply_free(&supply);
	supply = supply_of("1023");
	assert_int_equal(supply.count, 1);
	assert_int_equal(supply.nodes[0].free, 0);
	huge_supply_free(&supply);
}

static void no_nodes_have_nothing(void **state)
{
	struct huge_supply supply = supply_of("");
	char text[64] = "x";

	(void)state;
	assert_int_equal(supply.count, 0);
	assert_int_equal(supply.available, 522);
	assert_string_equal(huge_supply_format(&supply, NULL, text, sizeof(text)), "");
	huge_supply_free(&supply);
}

static void numbers_that_are_none_are_told(void **state)
{
	static const char *const cases[] = {"",      "\n",    "x\n",          "10",
					    "-1\n",  "010\n", "1 \n",         " 1\n",
					    "1\n\n", "+1\n",  "4294967296\n", "0x1\n"};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		make_total("free_hugepages", cases[i]);
		check_unread(-EIO);
		make_total("free_hugepages", "522\n");
		make_total("resv_hugepages", cases[i]);
		check_unread(-EIO);
		make_total("resv_hugepages", "0\n");
		make_free(1, cases[i]);
		check_unread(-EIO);
		make_free(1, "512\n");
	}
	make_free(1, "00000000000000000000000000000000000000001\n");
	check_unread(-E2BIG);
}

static void a_total_that_is_missing_is_told(void **state)
{
	(void)state;
	assert_int_equal(unlink("sys/kernel/mm/hugepages/hugepages-2048kB/resv_hugepages"), 0);
	check_unread(-ENOENT);
	make_total("resv_hugepages", "0\n");
	assert_int_equal(unlink("sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages"), 0);
	check_unread(-ENOENT);
}

static void a_supply_is_written_for_a_person(void **state)
{
	struct huge_supply supply = supply_of("0-1");
	struct id_set nodes = nodes_of("1");
	char text[64];

	(void)state;
	assert_ptr_equal(huge_supply_format(&supply, NULL, text, sizeof(text)), text);
	assert_string_equal(text, "node 0: 10, node 1: 512");
	assert_string_equal(huge_supply_format(&supply, &nodes, text, sizeof(text)), "node 1: 512");
	nodes = nodes_of("2");
	assert_string_equal(huge_supply_format(&supply, &nodes, text, sizeof(text)), "");
	for (size_t size = 1; size < 24; size++) {
		memset(text, '#', sizeof(text));
		huge_supply_format(&supply, NULL, text, size);
		assert_int_equal(text[size], '#');
		assert_int_equal(strlen(text), size - 1);
	}
	huge_supply_free(&supply);
}

/* What a file system is to say of itself in place of the truth; NULL: the truth. */
static const struct statfs *lie;
static const char *lie_about; /* the last part of its path; NULL: of every one */

/* Goes before that of the C library, for all of this program. */
int statfs(const char *path, struct statfs *status)
{
	const char *name = strrchr(path, '/');

	if (lie == NULL || name == NULL || (lie_about != NULL && strcmp(name + 1, lie_about) != 0))
		return (int)syscall(SYS_statfs, path, status);
	*status = *lie;
	return 0;
}

/* How a file system that is no hugetlbfs is taken for one: by pages of its own block size. */
static uint64_t block_size(const char *path)
{
	struct statfs status;

	assert_int_equal(statfs(path, &status), 0);
	return (uint64_t)status.f_bsize;
}

/* For one page, which is there. */
static int mount_find(uint64_t size, char *path, size_t path_size, struct error *error)
{
	memset(path, '#', path_size);
	return huge_pages_mount("mountinfo", size, 1, path, path_size, error);
}

/* A file of lines as in proc(5), whose mount points are in this test's directory. */
static void make_mounts(const char *format, ...)
{
	FILE *file = fopen("mountinfo", "w");
	va_list arguments;

	assert_non_null(file);
	va_start(arguments, format);
	assert_true(vfprintf(file, format, arguments) >= 0);
	va_end(arguments);
	assert_int_equal(fclose(file), 0);
}

static void check_no_mount(uint64_t size)
{
	char path[PATH_MAX];
	struct error error = {0};

	if (mount_find(size, path, sizeof(path), &error) == 0)
		fail_msg("%s", path);
	assert_int_equal(mount_find(size, path, sizeof(path), &error), -ENOENT);
	assert_true(error_is_set(&error));
}

#define OTHER_LINES                                                        \
	"21 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"          \
	"22 21 0:5 / /dev rw,nosuid shared:2 - devtmpfs udev rw,size=8k\n" \
	"23 21 0:20 / /proc rw - proc proc rw\n"

static void without_a_mount_it_is_said_what_to_do(void **state)
{
	char path[PATH_MAX];
	char expected[1024];
	struct error error;

	(void)state;
	make_mounts(OTHER_LINES);
	assert_int_equal(mount_find(2 * MEGA, path, sizeof(path), &error), -ENOENT);
	snprintf(expected, sizeof(expected),
		 "no hugetlbfs with pages of 2M is mounted that user %u may write and that has "
		 "room: mkdir /dev/hugepages-2M; mount -t hugetlbfs -o "
		 "pagesize=2M,uid=%u,mode=0700 none /dev/hugepages-2M",
		 geteuid(), geteuid());
	assert_string_equal(error.text, expected);
	make_mounts("%s", "");
	assert_int_equal(mount_find(GIGA, path, sizeof(path), &error), -ENOENT);
	assert_non_null(strstr(error.text, "pages of 1G"));
}

static void a_mount_of_that_size_is_found(void **state)
{
	char path[PATH_MAX];
	struct error error = {0};

	(void)state;
	make_mounts(OTHER_LINES
		    "90 21 0:40 / %s rw shared:9 - hugetlbfs hugetlbfs rw\n" OTHER_LINES,
		    directory);
	assert_int_equal(mount_find(block_size("."), path, sizeof(path), &error), 0);
	assert_string_equal(path, directory);
	assert_false(error_is_set(&error));
	check_no_mount(2 * block_size("."));
}

static void a_line_needs_no_optional_fields(void **state)
{
	char path[PATH_MAX];
	struct error error;

	(void)state;
	make_mounts("90 21 0:40 / %s rw - hugetlbfs none rw,pagesize=2M", directory);
	assert_int_equal(mount_find(block_size("."), path, sizeof(path), &error), 0);
	make_mounts("90 21 0:40 / %s rw shared:9 master:3 propagate_from:2 - hugetlbfs none rw\n",
		    directory);
	assert_int_equal(mount_find(block_size("."), path, sizeof(path), &error), 0);
	assert_string_equal(path, directory);
}

static void the_first_that_fits_is_taken(void **state)
{
	char path[PATH_MAX];
	char expected[PATH_MAX + 8];
	struct error error;

	(void)state;
	assert_int_equal(mkdir("one", 0755), 0);
	assert_int_equal(mkdir("two", 0755), 0);
	make_mounts("90 21 0:40 / %s/missing rw - hugetlbfs none rw\n"
		    "91 21 0:41 / %s/one rw - hugetlbfs none rw\n"
		    "92 21 0:42 / %s/two rw - hugetlbfs none rw\n",
		    directory, directory, directory);
	assert_int_equal(mount_find(block_size("."), path, sizeof(path), &error), 0);
	snprintf(expected, sizeof(expected), "%s/one", directory);
	assert_string_equal(path, expected);
}

static void a_mount_with_too_little_room_is_passed_over(void **state)
{
	char path[PATH_MAX];
	char expected[PATH_MAX + 8];
	struct error error;
	uint64_t size = block_size(".");
	struct statfs small = {.f_bsize = (long)size, .f_blocks = 8, .f_bavail = 3};
	int alone;
	int beside_another;

	(void)state;
	assert_int_equal(mkdir("one", 0755), 0);
	assert_int_equal(mkdir("two", 0755), 0);
	lie = &small;
	lie_about = "one";
	make_mounts("90 21 0:40 / %s/one rw - hugetlbfs none rw,size=16M\n", directory);
	alone = huge_pages_mount("mountinfo", size, 4, path, sizeof(path), &error);
	make_mounts("90 21 0:40 / %s/one rw - hugetlbfs none rw,size=16M\n"
		    "91 21 0:41 / %s/two rw - hugetlbfs none rw\n",
		    directory, directory);
	beside_another =
	    huge_pages_mount("mountinfo", size, 4, path, sizeof(path), &(struct error){0});
	lie = NULL;
	assert_int_equal(alone, -ENOENT);
	assert_non_null(strstr(error.text, "and that has room: mkdir"));
	assert_int_equal(beside_another, 0);
	snprintf(expected, sizeof(expected), "%s/two", directory);
	assert_string_equal(path, expected);
}

/* fs/hugetlbfs/inode.c, hugetlbfs_statfs: what size= and min_size= make of the counts. */
static void a_mount_has_room_up_to_its_limit(void **state)
{
	static const struct {
		uint64_t blocks;
		uint64_t available;
		uint64_t pages;
		bool found;
	} cases[] = {
	    {0, 0, 1, true}, /* no limit */
	    {0, 0, 1 << 30, true},
	    {512, 512, 512, true},
	    {512, 512, 513, false},
	    {512, 10, 10, true}, /* others have taken the rest */
	    {512, 10, 11, false},
	    {512, 0, 1, false},
	    {512, 0, 0, true},
	    {1, 0, 1, false},
	    {UINT64_MAX, UINT64_MAX, 1 << 30, true}, /* min_size= without size= */
	};

	(void)state;
	make_mounts("90 21 0:40 / %s rw - hugetlbfs none rw\n", directory);
	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		struct statfs status = {
		    .f_bsize = 2 * MEGA,
		    .f_blocks = (fsblkcnt_t)cases[i].blocks,
		    .f_bfree = (fsblkcnt_t)cases[i].available,
		    .f_bavail = (fsblkcnt_t)cases[i].available,
		};
		char path[PATH_MAX];
		struct error error = {0};
		int result;

		lie = &status;
		lie_about = NULL;
		result = huge_pages_mount("mountinfo", 2 * MEGA, cases[i].pages, path, sizeof(path),
					  &error);
		lie = NULL;
		if (result != (cases[i].found ? 0 : -ENOENT))
			fail_msg("case %zu: %d", i, result);
		assert_int_equal(error_is_set(&error), !cases[i].found);
	}
}

static void other_file_systems_are_left_out(void **state)
{
	static const char *const fields[] = {"- tmpfs hugetlbfs rw",
					     "- hugetlbfsx none rw",
					     "- xhugetlbfs none rw",
					     "shared:1 - ext4 /hugetlbfs rw",
					     "hugetlbfs - tmpfs none rw,hugetlbfs",
					     "-hugetlbfs none"};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(fields); i++) {
		make_mounts("90 21 0:40 / %s rw %s\n", directory, fields[i]);
		check_no_mount(block_size("."));
	}
}

static void broken_lines_are_left_out(void **state)
{
	static const char *const cases[] = {"",
					    "\n",
					    " - hugetlbfs \n",
					    "90",
					    " - hugetlbfs none rw\n",
					    "90 21 - hugetlbfs none\n",
					    "90 21 0:40 /",
					    "\xff\xfe - hugetlbfs \xff\n"};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		make_mounts("%s", cases[i]);
		check_no_mount(block_size("."));
	}
}

/* proc(5): blank, tab, newline and backslash come as \NNN. */
static void escapes_in_a_path_are_undone(void **state)
{
	static const struct {
		const char *name;
		const char *written;
	} cases[] = {
	    {"my pages", "my\\040pages"},
	    {"a\tb\nc", "a\\011b\\012c"},
	    {"a\\040b", "a\\134040b"},
	    {"\xc3\xa9", "\\303\\251"},
	    {"#1", "\\0431"},
	    {"end ", "end\\040"},
	    {"a\\", "a\\"},
	    {"a\\9", "a\\9"},
	    {"a\\04", "a\\04"},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		char path[PATH_MAX];
		char expected[PATH_MAX + 16];
		struct error error;

		snprintf(expected, sizeof(expected), "%s/%s", directory, cases[i].name);
		assert_int_equal(mkdir(expected, 0755), 0);
		make_mounts("90 21 0:40 / %s/%s rw - hugetlbfs none rw\n", directory,
			    cases[i].written);
		if (mount_find(block_size("."), path, sizeof(path), &error) != 0)
			fail_msg("%s", cases[i].written);
		assert_string_equal(path, expected);
	}
}

static void a_path_that_does_not_fit_is_left_out(void **state)
{
	char path[PATH_MAX];
	struct error error;

	(void)state;
	make_mounts("90 21 0:40 / %s rw - hugetlbfs none rw\n", directory);
	assert_int_equal(mount_find(block_size("."), path, strlen(directory), &error), -ENOENT);
	assert_int_equal(mount_find(block_size("."), path, strlen(directory) + 1, &error), 0);
	assert_string_equal(path, directory);
}

/* Nobody may write in /proc; root may do everything, and so is not asked. */
static void a_mount_that_this_process_may_not_write_is_left_out(void **state)
{
	enum { NOBODY = 65534 };
	char file[PATH_MAX + 16];
	char path[PATH_MAX];
	struct error error;
	pid_t child;
	int status;
	int fd;

	(void)state;
	make_mounts("90 21 0:40 / /proc rw - hugetlbfs none rw\n");
	fd = open("mountinfo", O_RDONLY);
	assert_true(fd >= 0);
	snprintf(file, sizeof(file), "/proc/self/fd/%d", fd);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		if (geteuid() == 0 && setresuid(NOBODY, NOBODY, NOBODY) < 0)
			_exit(2);
		_exit(huge_pages_mount(file, block_size("/proc"), 1, path, sizeof(path), &error) !=
		      -ENOENT);
	}
	close(fd);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void a_list_of_mounts_that_cannot_be_read_is_told(void **state)
{
	char path[PATH_MAX];
	struct error error;

	(void)state;
	assert_int_equal(huge_pages_mount("missing", 2 * MEGA, 1, path, sizeof(path), &error),
			 -ENOENT);
	assert_string_equal(error.text, "missing cannot be read: No such file or directory");
	make_file("file", "");
	assert_int_equal(huge_pages_mount("file/below", 2 * MEGA, 1, path, sizeof(path), &error),
			 -ENOTDIR);
}

/* Whatever is mounted here: it is one of hugetlbfs, or it is said what to do. */
static void this_host_has_such_a_mount_or_none(void **state)
{
	enum { HUGETLBFS = 0x958458f6 };
	char path[PATH_MAX];
	struct error error = {0};
	struct statfs status;
	int result =
	    huge_pages_mount("/proc/self/mountinfo", 2 * MEGA, 1, path, sizeof(path), &error);

	(void)state;
	assert_int_equal(error_is_set(&error), result != 0);
	if (result != 0) {
		assert_int_equal(result, -ENOENT);
		return;
	}
	assert_int_equal(statfs(path, &status), 0);
	assert_true((unsigned long)status.f_type == HUGETLBFS);
	assert_true((uint64_t)status.f_bsize == 2 * MEGA);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, enter_host, leave_directory)
	static const struct CMUnitTest tests[] = {
	    TEST(the_sizes_of_the_host_are_taken),
	    TEST(another_size_is_refused_with_those_that_there_are),
	    TEST(a_host_may_have_no_huge_pages),
	    TEST(names_of_another_kind_are_no_sizes),
	    TEST(there_may_be_many_sizes),
	    TEST(the_supply_is_that_of_the_nodes),
	    TEST(what_is_reserved_is_not_available),
	    TEST(a_node_without_a_directory_has_none),
	    TEST(no_nodes_have_nothing),
	    TEST(numbers_that_are_none_are_told),
	    TEST(a_total_that_is_missing_is_told),
	    TEST(a_supply_is_written_for_a_person),
	    TEST(without_a_mount_it_is_said_what_to_do),
	    TEST(a_mount_of_that_size_is_found),
	    TEST(a_line_needs_no_optional_fields),
	    TEST(the_first_that_fits_is_taken),
	    TEST(a_mount_with_too_little_room_is_passed_over),
	    TEST(a_mount_has_room_up_to_its_limit),
	    TEST(other_file_systems_are_left_out),
	    TEST(broken_lines_are_left_out),
	    TEST(escapes_in_a_path_are_undone),
	    TEST(a_path_that_does_not_fit_is_left_out),
	    TEST(a_mount_that_this_process_may_not_write_is_left_out),
	    TEST(a_list_of_mounts_that_cannot_be_read_is_told),
	    TEST(this_host_has_such_a_mount_or_none),
	};

	return RUN_TESTS(tests);
}
