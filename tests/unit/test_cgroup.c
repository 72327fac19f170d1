#include "cgroup.h"
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* What cgroup_read() says of a file with this text. */
static int read_text(const char *text, struct cgroup *cgroup)
{
	char name[64];
	int fd = memfd_create("cgroup", MFD_CLOEXEC);
	int result;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	memset(cgroup, '#', sizeof(*cgroup));
	result = cgroup_read(AT_FDCWD, name, cgroup);
	close(fd);
	return result;
}

#define LIBVIRT_V1 "/machine/qemu-1-web1.libvirt-qemu"
#define LIBVIRT_V2 "/machine.slice/machine-qemu\\x2d1\\x2dweb1.scope/libvirt"

static void the_cgroup_that_has_the_cpusets_is_found(void **state)
{
	static const struct {
		const char *text;
		bool unified;
		const char *path;
	} cases[] = {
	    /* v1, as libvirt has an emulator in it */
	    {"9:name=systemd:/\n8:pids:/\n7:blkio:" LIBVIRT_V1 "\n6:freezer:" LIBVIRT_V1 "\n"
	     "5:devices:" LIBVIRT_V1 "\n4:memory:" LIBVIRT_V1 "\n3:cpuset:" LIBVIRT_V1 "/emulator\n"
	     "2:cpuacct:" LIBVIRT_V1 "/emulator\n1:cpu:" LIBVIRT_V1 "/emulator\n0::/\n",
	     false, LIBVIRT_V1 "/emulator"},
	    {"11:cpu,cpuacct:/other\n3:cpuset:" LIBVIRT_V1 "/emulator\n", false,
	     LIBVIRT_V1 "/emulator"},
	    /* v1, more than one controller in a hierarchy */
	    {"4:cpuset,foo:/x\n", false, "/x"},
	    {"4:foo,cpuset:/x\n", false, "/x"},
	    {"4:cpu,cpuset,cpuacct:/x\n", false, "/x"},
	    {"4:cpuset,name=all:/x\n", false, "/x"},
	    /* v2 */
	    {"0::" LIBVIRT_V2 "/emulator\n", true, LIBVIRT_V2 "/emulator"},
	    {"0::/\n", true, "/"},
	    {"0::/../../x\n", true, "/../../x"},
	    {"0::/x (deleted)\n", true, "/x (deleted)"},
	    /* both: where v1 has the cpusets it counts, wherever its line is */
	    {"3:cpuset:/one\n0::/two\n", false, "/one"},
	    {"0::/two\n3:cpuset:/one\n", false, "/one"},
	    {"9:memory:/x\n0::/two\n3:cpuset:/one\n1:cpu:/y\n", false, "/one"},
	    /* both, the cpusets in v2 */
	    {"9:memory:/x\n1:name=systemd:/y\n0::/two\n", true, "/two"},
	    {"0::/two\n1:name=systemd:/y\n", true, "/two"},
	    /* a path may hold what parts a line */
	    {"0::/a:b/emulator\n", true, "/a:b/emulator"},
	    {"3:cpuset:/a::b:c\n", false, "/a::b:c"},
	    {"4:memory:/x:cpuset:/lie\n0::/real\n", true, "/real"},
	    {"4:memory:/x,cpuset:/lie\n0::/real\n", true, "/real"},
	    {"4:memory:0::/lie\n0::/real\n", true, "/real"},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		struct cgroup cgroup;
		int result = read_text(cases[i].text, &cgroup);

		if (result != 0 || cgroup.unified != cases[i].unified ||
		    strcmp(cgroup.path, cases[i].path) != 0)
			fail_msg("%s: %d, %d '%s'", cases[i].text, result, cgroup.unified,
				 cgroup.path);
	}
}

static void a_process_may_be_in_no_such_cgroup(void **state)
{
	static const char *const cases[] = {
	    "",
	    "4:memory:/x\n1:name=systemd:/y\n",
	    "4:cpusets:/x\n",
	    "4:mycpuset:/x\n",
	    "4:name=cpuset:/x\n",
	    "4:cpu,cpuacct:/cpuset\n",
	    "4:CPUSET:/x\n",
	    "10::/x\n",
	    "00::/x\n",
	    "1::/x\n",
	};
	struct cgroup cgroup;

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		int result = read_text(cases[i], &cgroup);

		if (result != -ENOENT)
			fail_msg("%s: %d", cases[i], result);
	}
}

static void what_is_not_the_kernels_is_not_understood(void **state)
{
	static const char *const cases[] = {
	    "\n",
	    "0",
	    "0::/x",
	    "0:\n",
	    "rubbish\n",
	    "3:cpuset\n",
	    "3:cpuset",
	    "3:cpuset:/x",
	    "3:cpuset\n4:memory:/x\n",
	    "3\n4:cpuset:/x\n",
	    "4:memory:/x\n\n0::/y\n",
	    "0::/x\nrubbish\n",
	    "0::/x\n4:memory:/y\n3:cpuset:/machine/qemu-1",
	};
	struct cgroup cgroup;

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		int result = read_text(cases[i], &cgroup);

		if (result != -EINVAL)
			fail_msg("%s: %d", cases[i], result);
	}
}

/* Every beginning of a good text: none is read beyond its end, none is taken for another. */
static void a_text_that_breaks_off_gives_no_other_path(void **state)
{
	static const char whole[] = "4:memory:/m\n0::/two\n3:cpuset,cpu:/one\n";
	char text[sizeof(whole)];
	struct cgroup cgroup;

	(void)state;
	for (size_t length = 0; length < sizeof(whole); length++) {
		int result;

		snprintf(text, sizeof(text), "%.*s", (int)length, whole);
		result = read_text(text, &cgroup);
		if (length == strlen(whole))
			assert_true(result == 0 && strcmp(cgroup.path, "/one") == 0);
		else if (result == 0)
			assert_true(text[length - 1] == '\n' && strcmp(cgroup.path, "/two") == 0);
		else
			assert_true(result == -EINVAL || result == -ENOENT);
	}
}

static void the_longest_path_is_read_and_a_longer_one_refused(void **state)
{
	char text[PATH_MAX + 64];
	char path[PATH_MAX + 1];
	struct cgroup cgroup;

	(void)state;
	memset(path, 'x', sizeof(path));
	path[0] = '/';
	for (size_t length = PATH_MAX - 2; length <= PATH_MAX; length++) {
		for (int unified = 0; unified < 2; unified++) {
			snprintf(text, sizeof(text), "%s:%.*s\n", unified ? "0:" : "3:cpuset",
				 (int)length, path);
			if (length == PATH_MAX) {
				assert_int_equal(read_text(text, &cgroup), -ENAMETOOLONG);
				continue;
			}
			assert_int_equal(read_text(text, &cgroup), 0);
			assert_int_equal(strlen(cgroup.path), length);
			assert_memory_equal(cgroup.path, path, length);
		}
	}
}

static void a_file_of_any_size_is_read_or_refused(void **state)
{
	static const size_t sizes[] = {1000, 60000, 65536, 1000000};
	struct cgroup cgroup;

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(sizes); i++) {
		char *text = malloc(sizes[i] + 64);
		size_t used = 0;
		int result;

		assert_non_null(text);
		while (used < sizes[i])
			used += (size_t)sprintf(text + used, "4:memory:/some/where\n");
		strcpy(text + used, "3:cpuset:/one\n");
		result = read_text(text, &cgroup);
		free(text);
		assert_int_equal(result, sizes[i] < 65536 ? 0 : -E2BIG);
		if (result == 0)
			assert_string_equal(cgroup.path, "/one");
	}
}

static void a_missing_file_is_told_by_its_errno(void **state)
{
	struct cgroup cgroup;

	(void)state;
	assert_int_equal(cgroup_read(AT_FDCWD, "/proc/self/no-such-file", &cgroup), -ENOENT);
	assert_int_equal(cgroup_read(AT_FDCWD, "/proc/self", &cgroup), -EISDIR);
}

static void libvirt_has_the_emulator_in_a_cgroup_of_that_name(void **state)
{
	static const struct {
		const char *path;
		bool expected;
	} cases[] = {
	    {LIBVIRT_V1 "/emulator", true},
	    {LIBVIRT_V2 "/emulator", true},
	    {"/emulator", true},
	    {LIBVIRT_V1, false},
	    {LIBVIRT_V1 "/vcpu0", false},
	    {LIBVIRT_V1 "/emulator/", false},
	    {LIBVIRT_V1 "/emulator/below", false},
	    {LIBVIRT_V1 "/emulators", false},
	    {LIBVIRT_V1 "/my-emulator", false},
	    {LIBVIRT_V1 "/emulator (deleted)", false},
	    {"emulator", false},
	    {"/", false},
	    {"", false},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		struct cgroup cgroup = {0};

		strcpy(cgroup.path, cases[i].path);
		if (cgroup_is_emulator(&cgroup) != cases[i].expected)
			fail_msg("'%s'", cases[i].path);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_cgroup_that_has_the_cpusets_is_found),
	    cmocka_unit_test(a_process_may_be_in_no_such_cgroup),
	    cmocka_unit_test(what_is_not_the_kernels_is_not_understood),
	    cmocka_unit_test(a_text_that_breaks_off_gives_no_other_path),
	    cmocka_unit_test(the_longest_path_is_read_and_a_longer_one_refused),
	    cmocka_unit_test(a_file_of_any_size_is_read_or_refused),
	    cmocka_unit_test(a_missing_file_is_told_by_its_errno),
	    cmocka_unit_test(libvirt_has_the_emulator_in_a_cgroup_of_that_name),
	};

	return RUN_TESTS(tests);
}
