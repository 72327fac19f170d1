/* Moving the cpuset of a guest that runs: cpuset_move() in cpuset.c. */
#include "cpuset.h"
#include "cpuset_world.h"

#include <errno.h>

#define TREE "cgroup"
#define GUEST "/machine/qemu-1-web1.libvirt-qemu"
#define SCOPE "/machine.slice/machine-qemu\\x2d1\\x2dweb1.scope"

static struct roots roots;
static struct error error;

static struct guest_cgroup own = {.guest = GUEST, .parent = GUEST};
static struct guest_cgroup scope = {.guest = SCOPE, .parent = SCOPE "/libvirt"};

static int start(void **state)
{
	roots = (struct roots){.proc = "proc", .owner = geteuid()};
	refused_cgroup = NULL;
	written[0] = '\0';
	return enter_directory(state);
}

/* The cgroups below a guest's, "NAME=CPUS", with blanks between: `act` has each one's file. */
static void children_each(const char *parent, const char *children,
			  void (*act)(const char *path, const char *cpus))
{
	char copy[1024];
	char *save = NULL;

	snprintf(copy, sizeof(copy), "%s", children);
	for (char *word = strtok_r(copy, " ", &save); word != NULL;
	     word = strtok_r(NULL, " ", &save)) {
		char path[1024];
		char *cpus = strchr(word, '=');

		*cpus++ = '\0';
		snprintf(path, sizeof(path), TREE "%s/%s/cpuset.cpus", parent, word);
		act(path, cpus);
	}
}

static void make_child(const char *path, const char *cpus)
{
	make_file(path, *cpus != '\0' ? cpus : "\n");
}

static void make_children(const char *parent, const char *children)
{
	children_each(parent, children, make_child);
}

static void check_child(const char *path, const char *cpus)
{
	if (strncmp(text_of(path), cpus, strlen(cpus)) != 0 || text_of(path)[strlen(cpus)] > ' ')
		fail_msg("%s: '%s' instead of '%s'", path, text_of(path), cpus);
}

static void check_children(const char *parent, const char *children)
{
	children_each(parent, children, check_child);
}

/* The host has 0-9; under v1 the guest is in /machine, which may have all of these. */
static void make_v1(const char *guest, const char *children)
{
	under_v1 = true;
	if (access(TREE, F_OK) == 0)
		assert_int_equal(remove_tree(TREE), 0);
	make_file("proc/self/mountinfo",
		  "34 31 0:31 / " TREE " rw,relatime - cgroup cgroup rw,cpuset\n");
	make_file(TREE "/cpuset.cpus", "0-9\n");
	make_file(TREE "/machine/cpuset.cpus", "0-9\n");
	make_file(TREE GUEST "/cpuset.cpus", guest);
	make_children(GUEST, children);
}

static int move_in(bool unified, const struct guest_cgroup *found, const char *cpus)
{
	struct cgroup emulator = {.unified = unified};
	struct id_set set = set_of(cpus);
	struct cpuset cpuset;
	int result;

	snprintf(emulator.path, sizeof(emulator.path), "%.2000s/emulator", found->parent);
	error = (struct error){0};
	written[0] = '\0';
	result = cpuset_open(&cpuset, &roots, &emulator, found, &error);
	assert_int_equal(result, 0);
	result = cpuset_move(&cpuset, &set, &error);
	cpuset_close(&cpuset);
	assert_true(result <= 0);
	assert_int_equal(error_is_set(&error), result < 0);
	return result;
}

#define NAME "qemu-1-web1.libvirt-qemu"

/* How many there are of "NAME=CPUS". */
static size_t count_of(const char *list)
{
	size_t count = 0;

	for (; *list != '\0'; list++)
		count += *list == '=';
	return count;
}

/* The kernel takes it in no other order than this: wider, the children, then narrower. */
static void under_v1_children_follow(void **state)
{
	static const struct {
		const char *guest;
		const char *children;
		const char *rule;
		const char *after;
		const char *first; /* what is written at first and at last */
		const char *last;
	} cases[] = {
	    /* never placed: from the host's to the rule's */
	    {"0-9", "emulator=0-9 vcpu0=0-9 vcpu1=0-9", "2-4", "emulator=2-4 vcpu0=2-4 vcpu1=2-4",
	     NAME "=0-9 ", NAME "=2-4 "},
	    /* placed by another rule before */
	    {"0-1", "emulator=0-1 vcpu0=0-1", "2-3", "emulator=2-3 vcpu0=2-3", NAME "=0-3 ",
	     NAME "=2-3 "},
	    {"0-3", "emulator=0-3 vcpu0=0-3", "2-5", "emulator=2-5 vcpu0=2-5", NAME "=0-5 ",
	     NAME "=2-5 "},
	    {"2-3", "emulator=2-3 vcpu0=2-3", "0-9", "emulator=0-9 vcpu0=0-9", NAME "=0-9 ",
	     NAME "=0-9 "},
	    /* what the XML has pinned stays within */
	    {"0-7", "emulator=0-7 vcpu0=2 vcpu1=3 vcpu2=2-7", "2-4",
	     "emulator=2-4 vcpu0=2 vcpu1=3 vcpu2=2-4", NAME "=0-7 ", NAME "=2-4 "},
	    /* pinned to what is not the rule's at all */
	    {"0-7", "emulator=0-1 vcpu0=0 iothread1=7", "2-4",
	     "emulator=2-4 vcpu0=2-4 iothread1=2-4", NAME "=0-7 ", NAME "=2-4 "},
	    /* one that libvirt is just making has none yet */
	    {"0-7", "emulator=0-7 vcpu0=", "2-4", "emulator=2-4 vcpu0=2-4", NAME "=0-7 ",
	     NAME "=2-4 "},
	    /* as it is */
	    {"2-4", "emulator=2-4 vcpu0=3", "2-4", "emulator=2-4 vcpu0=3", NAME "=2-4 ",
	     NAME "=2-4 "},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		size_t length;

		make_v1(cases[i].guest, cases[i].children);
		if (move_in(false, &own, cases[i].rule) != 0)
			fail_msg("case %zu: %s", i, error.text);
		check_children(GUEST, cases[i].after);
		length = strlen(written);
		if (strncmp(written, cases[i].first, strlen(cases[i].first)) != 0 ||
		    strcmp(written + length - strlen(cases[i].last), cases[i].last) != 0)
			fail_msg("case %zu: %s", i, written);
		/* Each of them once, between. */
		assert_int_equal(count_of(written), count_of(cases[i].children) + 2);
	}
}

/* Those alone that are cgroups in the guest's own. */
static void what_is_no_cgroup_is_left_alone(void **state)
{
	(void)state;
	make_v1("0-7", "emulator=0-7");
	make_file(TREE GUEST "/tasks", "");
	make_file(TREE GUEST "/notes/x", "");
	make_file(TREE GUEST "/.hidden/cpuset.cpus", "0-7\n");
	make_file("elsewhere/cpuset.cpus", "0-7\n");
	make_link("../../../elsewhere", TREE GUEST "/vcpu0");
	assert_int_equal(move_in(false, &own, "2-4"), 0);
	assert_string_equal(written, NAME "=0-7 emulator=2-4 " NAME "=2-4 ");
	assert_string_equal(text_of("elsewhere/cpuset.cpus"), "0-7\n");
}

/* Then it has what it had before, or some more. */
static void what_is_refused_leaves_it_as_wide(void **state)
{
	(void)state;
	make_v1("0-3", "emulator=0-3");
	refused_cgroup = "emulator";
	refusal = EBUSY;
	assert_int_equal(move_in(false, &own, "2-5"), -EBUSY);
	assert_string_equal(error.text,
			    "CPUs 2-5 are refused by its cgroup: Device or resource busy");
	check_children(GUEST, "emulator=0-3");
	check_children("/machine", NAME "=0-5");
	/* Nothing at all. */
	make_v1("0-3", "emulator=0-3");
	refused_cgroup = NAME;
	assert_int_equal(move_in(false, &own, "2-5"), -EBUSY);
	assert_string_equal(written, "");
}

/* More than the cgroup above has: only the kernel knows. */
static void what_the_kernel_has_not_for_it_is_refused(void **state)
{
	(void)state;
	make_v1("0-3", "emulator=0-3 vcpu0=1");
	assert_int_equal(move_in(false, &own, "8-10"), -EACCES);
	assert_string_equal(written, "");
	check_children("/machine", NAME "=0-3");
	check_children(GUEST, "emulator=0-3 vcpu0=1");
}

/* Under v1 with systemd libvirt may have a cgroup of its own in the guest's. */
static void libvirts_own_cgroup_is_the_one_that_moves(void **state)
{
	(void)state;
	make_v1("0-3", "");
	make_file(TREE "/machine.slice/cpuset.cpus", "0-9");
	make_file(TREE SCOPE "/cpuset.cpus", "0-7");
	make_children(SCOPE, "libvirt=0-1 libvirt/emulator=0-1 libvirt/vcpu0=1");
	assert_int_equal(move_in(false, &scope, "1-3"), 0);
	check_children(SCOPE, "libvirt=1-3 libvirt/emulator=1-3 libvirt/vcpu0=1");
	check_children("/machine.slice", "machine-qemu\\x2d1\\x2dweb1.scope=0-7");
	/* Here it is known beforehand what there is room for. */
	assert_int_equal(move_in(false, &scope, "6-8"), -EINVAL);
	assert_string_equal(error.text, "CPUs 6-8 are not all among those that the guest's cgroup "
					"may have (0-7)");
	assert_string_equal(written, "");
}

static void make_v2(const char *guest, const char *parent, const char *children)
{
	under_v1 = false;
	make_file("proc/self/mountinfo",
		  "41 31 0:38 / " TREE " rw,relatime - cgroup2 cgroup2 rw\n");
	make_file(TREE SCOPE "/cpuset.cpus", "\n");
	make_file(TREE SCOPE "/cpuset.cpus.effective", guest);
	make_file(TREE SCOPE "/libvirt/cpuset.cpus", parent);
	make_link("cpuset.cpus", TREE SCOPE "/libvirt/cpuset.cpus.effective");
	make_children(SCOPE "/libvirt", children);
}

/* Under v2 none has more than the one above: that alone is written. */
static void under_v2_only_the_parent_is_written(void **state)
{
	(void)state;
	make_v2("0-9", "0-1", "emulator= vcpu0=0 vcpu1=");
	assert_int_equal(move_in(true, &scope, "2-3"), 0);
	assert_string_equal(written, "libvirt=2-3 ");
	check_children(SCOPE, "libvirt=2-3 libvirt/vcpu0=0");
	assert_int_equal(move_in(true, &scope, "0-9"), 0);
	assert_string_equal(written, "libvirt=0-9 ");
	assert_int_equal(move_in(true, &scope, "8-10"), -EINVAL);
	assert_string_equal(written, "");
	/* Where the XML pins the emulator elsewhere. */
	make_v2("0-9", "0-9", "emulator=0-1");
	assert_int_equal(move_in(true, &scope, "2-3"), -EINVAL);
	assert_non_null(strstr(error.text, "keeps its emulator to CPUs 0-1"));
	assert_string_equal(written, "");
}

/* Under v2 without systemd the guest's own cgroup is the one that is written. */
static void under_v2_one_that_was_placed_moves_too(void **state)
{
	(void)state;
	make_v2("0-9", "0-1", "emulator=");
	make_file(TREE GUEST "/cpuset.cpus", "0-1");
	make_link("cpuset.cpus", TREE GUEST "/cpuset.cpus.effective");
	make_children(GUEST, "emulator= vcpu0=");
	assert_int_equal(move_in(true, &own, "2-3"), 0);
	assert_string_equal(written, NAME "=2-3 ");
	/* What the kernel does not grant is taken back. */
	make_file(TREE GUEST "/effective", "2");
	make_link("effective", TREE GUEST "/cpuset.cpus.effective");
	assert_int_equal(move_in(true, &own, "4-5"), -EINVAL);
	assert_string_equal(written, NAME "=4-5 " NAME "=2-3 ");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, leave_directory)
	static const struct CMUnitTest tests[] = {
	    TEST(under_v1_children_follow),
	    TEST(what_is_no_cgroup_is_left_alone),
	    TEST(what_is_refused_leaves_it_as_wide),
	    TEST(what_the_kernel_has_not_for_it_is_refused),
	    TEST(libvirts_own_cgroup_is_the_one_that_moves),
	    TEST(under_v2_only_the_parent_is_written),
	    TEST(under_v2_one_that_was_placed_moves_too),
	};

	return RUN_TESTS(tests);
}
