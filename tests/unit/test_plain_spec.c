/*
 * What plain_spec.c finds without libnuma is what libnuma finds: on this host, and on made-up
 * ones, which libnuma itself is shown instead of /proc and /sys.
 */
#include "numa_library.h"
#include "plain_spec.h"
#include "sets.h"
#include "tree.h"

#include <dlfcn.h>
#include <sched.h>
#include <sys/wait.h>

static const struct roots made = {.proc = "proc", .sys = "sys"};

static const struct roots *shown = &roots_of_kernel; /* to libnuma */

/* The path that is opened instead of `path`. */
static const char *instead_of(const char *path, char *other, size_t size)
{
	if (shown == &roots_of_kernel ||
	    (strncmp(path, "/proc/", 6) != 0 && strncmp(path, "/sys/", 5) != 0))
		return path;
	snprintf(other, size, "%s", path + 1);
	return other;
}

/* The two by which libnuma opens files. It takes ours, for they come before the C library's. */
FILE *fopen(const char *path, const char *mode);
FILE *fopen(const char *path, const char *mode)
{
	void *symbol = dlsym(RTLD_NEXT, "fopen");
	FILE *(*real)(const char *, const char *);
	char other[PATH_MAX];

	memcpy(&real, &symbol, sizeof(real));
	return real(instead_of(path, other, sizeof(other)), mode);
}

DIR *opendir(const char *path);
DIR *opendir(const char *path)
{
	void *symbol = dlsym(RTLD_NEXT, "opendir");
	DIR *(*real)(const char *);
	char other[PATH_MAX];

	memcpy(&real, &symbol, sizeof(real));
	return real(instead_of(path, other, sizeof(other)));
}

static int enter(void **state)
{
	return enter_directory(state);
}

/* A host: what this process may use, and the CPUs of its nodes, as the kernel writes them. */
struct host {
	const char *mems;
	const char *cpus;
	const char *node_cpus[16]; /* NULL: there is no such node */
};

static const struct host hosts[] = {
    {"1", "f", {"f"}},
    {"3", "ff", {"0f", "f0"}},
    /* Eight nodes, in masks of several groups, and of these only some allowed. */
    {"00000000,000000ff",
     "00000000,00000000,ffffffff,ffffffff",
     {"ff", "ff00", "ff0000", "ff000000", "000000ff,00000000", "0000ff00,00000000",
      "00ff0000,00000000", "ff000000,00000000"}},
    {"00000000,000000b5", "3", {"1", "2", "4", "8", "10", "20", "40", "80"}},
    /* Numbers that are left out, and a node without CPUs. */
    {"00000105", "00000003", {[0] = "3", [2] = "00000000,0000000c", [8] = "0"}},
    {"2", "1", {"1", "2"}},
    {"8000", "2", {[0] = "1", [15] = "2"}},
};

static void make_host(const struct host *host)
{
	char path[PATH_MAX];
	char text[1024];

	snprintf(text, sizeof(text),
		 "Name:\tq\nCpus_allowed:\t%s\nCpus_allowed_list:\t0\nMems_allowed:\t%s\n"
		 "Mems_allowed_list:\t0\n",
		 host->cpus, host->mems);
	make_file("proc/self/status", text);
	for (unsigned int node = 0; node < LENGTH_OF(host->node_cpus); node++) {
		if (host->node_cpus[node] == NULL)
			continue;
		snprintf(path, sizeof(path), "sys/devices/system/node/node%u/cpumap", node);
		snprintf(text, sizeof(text), "%s\n", host->node_cpus[node]);
		make_file(path, text);
	}
}

/* Words a spec at random, such as a policy may have. */
static void make_spec(uint64_t *random, char *text, size_t size)
{
	static const unsigned int most[] = {2, 4, 9, 17, 70};
	unsigned int limit = most[random_below(random, LENGTH_OF(most))];
	unsigned int items = 1 + random_below(random, 3);

	snprintf(text, size, "%s", random_below(random, 3) == 0 ? "+" : "");
	for (unsigned int i = 0; i < items; i++) {
		unsigned int first = random_below(random, limit);

		text_add(text, size, "%s%u", i > 0 ? "," : "", first);
		if (random_below(random, 2) == 0)
			text_add(text, size, "-%u", first + random_below(random, limit));
	}
}

/* Compares one spec. Returns whether both know it. */
static bool same_spec(const struct numa_library *numa, enum spec_kind kind, const char *text)
{
	struct bitmask *mask =
	    kind == SPEC_NODES ? numa->parse_nodestring(text) : numa->parse_cpustring(text);
	struct id_set theirs = {0};
	struct id_set ours;
	int known = plain_spec_read(
	    shown, kind == SPEC_NODES ? PLAIN_SPEC_ALLOWED_NODES : PLAIN_SPEC_ALLOWED_CPUS, text,
	    &ours);

	if (known != (mask != NULL ? 1 : -EINVAL))
		fail_msg("%s '%s': %s by libnuma, %s here", spec_kind_noun(kind), text,
			 mask != NULL ? "taken" : "refused", known > 0 ? "taken" : "refused");
	if (mask == NULL)
		return false;
	numa_library_copy(numa, mask, &theirs);
	numa->bitmask_free(mask);
	if (!id_set_equal(&ours, &theirs)) {
		char here[ID_SET_TEXT_SIZE];
		char there[ID_SET_TEXT_SIZE];

		fail_msg("%s '%s': %s by libnuma, %s here", spec_kind_noun(kind), text,
			 id_set_format(&theirs, there, sizeof(there)),
			 id_set_format(&ours, here, sizeof(here)));
	}
	return true;
}

static void same_node_cpus(const struct numa_library *numa)
{
	struct bitmask *mask = numa->bitmask_alloc((unsigned int)numa->num_possible_cpus());

	for (unsigned int node = 0; node < 20; node++) {
		struct id_set nodes = {0};
		struct id_set theirs = {0};
		struct id_set ours = {0};

		id_set_add(&nodes, node);
		if (!plain_spec_node_cpus(shown, &nodes, &ours))
			continue; /* there is no such node: libnuma says that it has all CPUs */
		assert_int_equal(numa->node_to_cpus((int)node, mask), 0);
		numa_library_copy(numa, mask, &theirs);
		assert_true(id_set_equal(&ours, &theirs));
	}
	numa->bitmask_free(mask);
}

/* In a process of its own, for libnuma looks at a host once. */
static void compare(uint64_t seed)
{
	static const char *const fixed[] = {"all",  "+0",    "+0-1", "0",    "0-1",
					    "1023", "+1023", "0,0",  "0,all"};
	const struct numa_library *numa;
	struct error error;
	unsigned int known = 0;
	char text[256];

	if (numa_library_open(&numa, &error) < 0)
		fail_msg("%s", error.text);
	for (enum spec_kind kind = SPEC_NODES; kind <= SPEC_CPUS; kind++) {
		for (size_t i = 0; i < LENGTH_OF(fixed); i++)
			known += same_spec(numa, kind, fixed[i]);
		for (int i = 0; i < 2000; i++) {
			make_spec(&seed, text, sizeof(text));
			known += same_spec(numa, kind, text);
		}
	}
	assert_true(known > 20);
	same_node_cpus(numa);
}

static void compare_apart(uint64_t seed, const cpu_set_t *affinity)
{
	pid_t child = fork();
	int status;

	assert_true(child >= 0);
	if (child == 0) {
		if (affinity != NULL)
			assert_int_equal(sched_setaffinity(0, sizeof(*affinity), affinity), 0);
		compare(seed);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void libnuma_finds_the_same_on_this_host(void **state)
{
	cpu_set_t all;

	(void)state;
	compare_apart(1, NULL);
	assert_int_equal(sched_getaffinity(0, sizeof(all), &all), 0);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		cpu_set_t one;

		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		if (CPU_ISSET(cpu, &all) && cpu < 8)
			compare_apart((uint64_t)cpu + 2, &one);
	}
}

static void libnuma_finds_the_same_on_other_hosts(void **state)
{
	(void)state;
	shown = &made;
	for (size_t i = 0; i < LENGTH_OF(hosts); i++) {
		make_host(&hosts[i]);
		compare_apart(i + 100, NULL);
		assert_int_equal(remove_tree("proc") | remove_tree("sys"), 0);
	}
	shown = &roots_of_kernel;
}

static void what_takes_libnuma_is_left_to_it(void **state)
{
	static const char *const specs[] = {"!0",     "!all",        "+all",    "netdev:eth0",
					    "file:/", "ip:10.0.0.1", "block:a", "pci:0000:00:00.0"};
	struct id_set set;

	(void)state;
	make_host(&hosts[1]);
	for (size_t i = 0; i < LENGTH_OF(specs); i++)
		assert_int_equal(0,
				 plain_spec_read(&made, PLAIN_SPEC_ALLOWED_NODES, specs[i], &set));
	assert_false(plain_spec_read_any("+0", &set));
	assert_false(plain_spec_read_any("all", &set));
	assert_false(plain_spec_read_any("!0", &set));
	assert_false(plain_spec_read_any("0,8191", &set));
	assert_true(plain_spec_read_any("0", &set));
	assert_true(id_set_equal(&set, (struct id_set[]){set_of("0")}));
}

static void a_host_that_cannot_be_read_is_left_to_it(void **state)
{
	static const char *const masks[] = {
	    "", ",", "x", "0,", "-1", "F", "0x1", "100000000", "00000000,,00000001"};
	struct id_set nodes = set_of("0-1");
	struct id_set set = {0};
	char text[256];

	(void)state;
	assert_int_equal(0, plain_spec_read(&made, PLAIN_SPEC_ALLOWED_NODES, "0", &set));
	assert_false(plain_spec_node_cpus(&made, &nodes, &set));
	make_host(&hosts[1]);
	assert_int_equal(1, plain_spec_read(&made, PLAIN_SPEC_ALLOWED_NODES, "0", &set));
	assert_true(plain_spec_node_cpus(&made, &nodes, &set));
	for (size_t i = 0; i < LENGTH_OF(masks); i++) {
		snprintf(text, sizeof(text), "Name:\tq\nMems_allowed:\t%s\n", masks[i]);
		make_file("proc/self/status", text);
		assert_int_equal(0, plain_spec_read(&made, PLAIN_SPEC_ALLOWED_NODES, "0", &set));
		snprintf(text, sizeof(text), "%s\n", masks[i]);
		make_file("sys/devices/system/node/node1/cpumap", text);
		set = (struct id_set){0};
		assert_false(plain_spec_node_cpus(&made, &nodes, &set));
		assert_true(id_set_is_empty(&set));
	}
	make_file("proc/self/status", "Mems_allowed:\t1\n");
	assert_int_equal(0, plain_spec_read(&made, PLAIN_SPEC_ALLOWED_NODES, "0", &set));
}

/* For whoever finds the placement of another: its own cpuset is not that one's. */
static void the_nodes_of_the_host_are_not_those_of_this_process(void **state)
{
	struct id_set set;

	(void)state;
	make_host(&hosts[1]);
	make_file("proc/self/status", "Name:\tq\nMems_allowed:\t1\nCpus_allowed:\t1\n");
	assert_int_equal(0, plain_spec_read(&made, PLAIN_SPEC_HOST_NODES, "1", &set));
	make_file("sys/devices/system/node/has_memory", "0-1\n");
	assert_int_equal(1, plain_spec_read(&made, PLAIN_SPEC_HOST_NODES, "1", &set));
	assert_true(id_set_equal(&set, (struct id_set[]){set_of("1")}));
	assert_int_equal(1, plain_spec_read(&made, PLAIN_SPEC_HOST_NODES, "+1", &set));
	assert_true(id_set_equal(&set, (struct id_set[]){set_of("1")}));
	assert_int_equal(1, plain_spec_read(&made, PLAIN_SPEC_HOST_NODES, "all", &set));
	assert_true(id_set_equal(&set, (struct id_set[]){set_of("0-1")}));
	assert_int_equal(-EINVAL, plain_spec_read(&made, PLAIN_SPEC_HOST_NODES, "2", &set));
	assert_int_equal(-EINVAL, plain_spec_read(&made, PLAIN_SPEC_ALLOWED_NODES, "1", &set));
}

static void what_is_remembered_is_of_one_host(void **state)
{
	struct id_set nodes = set_of("0-1");
	struct id_set set = {0};
	struct roots other = made;

	(void)state;
	make_host(&hosts[1]);
	plain_spec_remember(&made);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(1, plain_spec_read(&made, PLAIN_SPEC_ALLOWED_NODES, "all", &set));
		assert_true(id_set_equal(&set, &nodes));
		set = (struct id_set){0};
		assert_true(plain_spec_node_cpus(&made, &nodes, &set));
		assert_true(id_set_equal(&set, (struct id_set[]){set_of("0-7")}));
		assert_int_equal(1, plain_spec_read(&made, PLAIN_SPEC_ALLOWED_CPUS, "+0", &set));
		assert_true(id_set_equal(&set, (struct id_set[]){set_of("0")}));
		if (i == 0)
			assert_int_equal(remove_tree("proc") | remove_tree("sys"), 0);
	}
	assert_int_equal(0, plain_spec_read(&other, PLAIN_SPEC_ALLOWED_NODES, "all", &set));
	assert_false(plain_spec_node_cpus(&other, &nodes, &set));
	plain_spec_remember(NULL);
	assert_int_equal(0, plain_spec_read(&made, PLAIN_SPEC_ALLOWED_NODES, "all", &set));
}

/* 8192 CPUs, which is all that a kernel can be built for. */
static void the_widest_mask_is_read(void **state)
{
	struct id_set nodes = set_of("0");
	struct id_set set = {0};
	char mask[4000] = "80000000";

	(void)state;
	for (int group = 0; group < 254; group++)
		strcat(mask, ",00000000");
	strcat(mask, ",00000001\n");
	make_file("sys/devices/system/node/node0/cpumap", mask);
	assert_true(plain_spec_node_cpus(&made, &nodes, &set));
	assert_true(id_set_equal(&set, (struct id_set[]){set_of("0,8191")}));
	memmove(mask + 9, mask, strlen(mask) + 1);
	memcpy(mask, "00000001,", 9);
	make_file("sys/devices/system/node/node0/cpumap", mask);
	assert_false(plain_spec_node_cpus(&made, &nodes, &set));
}

int main(void)
{
#define TREE(test) cmocka_unit_test_setup_teardown(test, enter, leave_directory)
	const struct CMUnitTest tests[] = {
	    TREE(libnuma_finds_the_same_on_this_host),
	    TREE(libnuma_finds_the_same_on_other_hosts),
	    TREE(what_takes_libnuma_is_left_to_it),
	    TREE(a_host_that_cannot_be_read_is_left_to_it),
	    TREE(the_nodes_of_the_host_are_not_those_of_this_process),
	    TREE(what_is_remembered_is_of_one_host),
	    TREE(the_widest_mask_is_read),
	};

	return RUN_TESTS(tests);
}
