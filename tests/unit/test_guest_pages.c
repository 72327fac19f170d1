/* Where the memory of a process is: guest_pages.c and guest_sample.c. */
#include "guest_pages.h"
#include "guest_sample.h"
#include "proc_world.h"
#include "sets.h"

#include <errno.h>
#include <linux/mempolicy.h>
#include <sys/mman.h>
#include <sys/syscall.h>

enum { PID = 4711, CHILD_MIB = 24 };

static const long long plenty = 1000000000;

static struct guest_pages pages;
static uint64_t page; /* bytes */

static int start(void **state)
{
	page = (uint64_t)sysconf(_SC_PAGESIZE);
	pages = (struct guest_pages){0};
	return enter_directory(state);
}

/* --- counting --- */

/* Reads them of a made-up process, with time enough. */
static int count(const char *numa_maps)
{
	long long budget = plenty;
	int result;
	int fd;

	make_file(process_path(PID, "numa_maps"), numa_maps);
	fd = process_directory(PID);
	result = guest_pages_read(&pages, fd, PID, &budget);
	close(fd);
	assert_false(pages.sampled);
	assert_true(budget <= plenty);
	assert_int_equal(pages.page, page);
	return result;
}

/* "NODE:PAGES+HUGE " for each node. */
static const char *counted(void)
{
	static char text[1024];

	*text = '\0';
	for (size_t i = 0; i < pages.count; i++)
		text_add(text, sizeof(text), "%u:%llu+%llu ", pages.nodes[i].node,
			 (unsigned long long)pages.nodes[i].pages,
			 (unsigned long long)pages.nodes[i].huge_pages);
	return text;
}

#define PROGRAM \
	"55e000 default file=/usr/bin/qemu-kvm mapped=1000 N0=500 N1=500 kernelpagesize_kB=4\n"

static void pages_are_counted_of_each_node(void **state)
{
	static const struct {
		const char *numa_maps;
		const char *expected;
		uint64_t huge_page;
	} cases[] = {
	    /* memory without a file, in transparent huge pages or not: always as small ones */
	    {PROGRAM "7f00 default anon=3 dirty=3 N0=1 N1=2 kernelpagesize_kB=4\n", "0:1+0 1:2+0 ",
	     0},
	    {PROGRAM
	     "7f00 bind:1 anon=262144 dirty=262144 active=0 N1=262144 kernelpagesize_kB=4\n",
	     "1:262144+0 ", 0},
	    {PROGRAM "7f00 default heap anon=5 N0=5 kernelpagesize_kB=4\n"
		     "7f01 default stack anon=7 N0=7 kernelpagesize_kB=4\n",
	     "0:12+0 ", 0},
	    /* an older kernel does not write the size */
	    {PROGRAM "7f00 default anon=3 dirty=3 N0=3\n", "0:3+0 ", 0},
	    /* many nodes, not in order, some of them more than once */
	    {PROGRAM "7f00 default anon=9 N7=1 N0=2 N1023=3 N12=4 kernelpagesize_kB=4\n"
		     "7f01 default anon=9 N12=1 N7=1 kernelpagesize_kB=4\n",
	     "0:2+0 7:2+0 12:5+0 1023:3+0 ", 0},
	    /* huge pages, wherever their file is */
	    {PROGRAM
	     "7f00 bind=static:0 file=/dev/hugepages/libvirt/qemu/1-web1/x\\040(deleted) huge "
	     "anon=3 dirty=3 N0=1 N1=2 kernelpagesize_kB=2048\n",
	     "0:0+1 1:0+2 ", 2 << 20},
	    {PROGRAM "7f00 bind:1 file=/mnt/huge1G/x huge dirty=4 N1=4 kernelpagesize_kB=1048576\n",
	     "1:0+4 ", 1 << 30},
	    {PROGRAM "7f00 default file=/anon_hugepage\\040(deleted) huge anon=2 N0=2 "
		     "kernelpagesize_kB=2048\n",
	     "0:0+2 ", 2 << 20},
	    {PROGRAM "7f00 default file=/memfd:x\\040(deleted) huge dirty=2 N0=2 "
		     "kernelpagesize_kB=2048\n"
		     "7f01 default anon=3 N0=3 kernelpagesize_kB=4\n",
	     "0:3+2 ", 2 << 20},
	    /* of two sizes the first is told, the other one as so many small ones */
	    {PROGRAM "7f00 default file=/dev/hugepages/x huge dirty=2 N0=2 kernelpagesize_kB=2048\n"
		     "7f01 default file=/dev/hugepages1G/x huge dirty=1 N0=1 "
		     "kernelpagesize_kB=1048576\n",
	     "0:262144+2 ", 2 << 20},
	    /* memory with the name of a file */
	    {PROGRAM "7f00 default file=/memfd:memory-backend-memfd\\040(deleted) dirty=8 N1=8 "
		     "kernelpagesize_kB=4\n",
	     "1:8+0 ", 0},
	    {PROGRAM "7f00 default file=/dev/zero\\040(deleted) dirty=8 N1=8 kernelpagesize_kB=4\n",
	     "1:8+0 ", 0},
	    {PROGRAM
	     "7f00 default file=/SYSV00000000\\040(deleted) dirty=8 N1=8 kernelpagesize_kB=4\n",
	     "1:8+0 ", 0},
	    {PROGRAM "7f00 default file=/dev/shm/web1\\040N9=9 dirty=8 N1=8 kernelpagesize_kB=4\n",
	     "1:8+0 ", 0},
	    /* programs and other files are not the guest's */
	    {PROGRAM, "", 0},
	    {PROGRAM "7f00 default file=/usr/lib/libc.so.6 anon=5 N0=5 kernelpagesize_kB=4\n", "",
	     0},
	    {PROGRAM "7f00 default file=/var/lib/images/a\\040b dirty=5 N0=5 kernelpagesize_kB=4\n",
	     "", 0},
	    {PROGRAM "7f00 default file=/home/x/memfd:x anon=5 N0=5 kernelpagesize_kB=4\n", "", 0},
	    {PROGRAM "7f00 default file=anon_inode:kvm-vcpu:0 mapped=3 N0=3 kernelpagesize_kB=4\n",
	     "", 0},
	    {PROGRAM "7f00 default\n7f01 default anon=0\n", "", 0},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		assert_int_equal(count(cases[i].numa_maps), 0);
		if (strcmp(counted(), cases[i].expected) != 0)
			fail_msg("case %zu: '%s'", i, counted());
		assert_int_equal(pages.huge_page, cases[i].huge_page);
		guest_pages_free(&pages);
		assert_null(pages.nodes);
	}
}

static void what_is_no_count_is_left_out(void **state)
{
	static const char *const words[] = {
	    "N0",     "N=5",   "N0=",       "N0=x",           "N0=-5",
	    "N-1=5",  "N01=5", "N1024=5",   "N99999999999=5", "N0=99999999999",
	    "N0=5x",  "N 0=5", "n0=5",      "XN0=5",          "N0==5",
	    "N0=0x5", "N0=05", "anon=N0=5", "file=N0=5",      "N0=+5",
	    "",       "N",     "\xff\xfe",  "N0:5",           "M0=5",
	};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(words); i++) {
		char text[512];

		snprintf(text, sizeof(text), PROGRAM "7f00 default %s kernelpagesize_kB=4\n",
			 words[i]);
		assert_int_equal(count(text), 0);
		if (*counted() != '\0')
			fail_msg("'%s': '%s'", words[i], counted());
		guest_pages_free(&pages);
	}
}

/* A size that is none is that of small pages; of what is smaller than one there is none. */
static void a_size_that_is_none_does_no_harm(void **state)
{
	static const struct {
		const char *size;
		const char *expected;
	} cases[] = {
	    {"kernelpagesize_kB=x", "0:6+0 "},   {"kernelpagesize_kB=", "0:6+0 "},
	    {"kernelpagesize_kB=0", "0:6+0 "},   {"kernelpagesize_kB=1", ""},
	    {"kernelpagesize_kB=64", "0:96+0 "},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		char text[512];

		snprintf(text, sizeof(text), PROGRAM "7f00 default anon=6 N0=6 %s\n",
			 cases[i].size);
		assert_int_equal(count(text), 0);
		if (page == 4096 || i < 3)
			assert_string_equal(counted(), cases[i].expected);
		guest_pages_free(&pages);
	}
}

static void the_longest_line_is_read(void **state)
{
	static char text[65536];
	size_t used = (size_t)snprintf(text, sizeof(text), PROGRAM "7f00 interleave:0-1023 anon=1");
	uint64_t all = 0;

	(void)state;
	for (unsigned int node = 0; node < 1024; node++)
		used +=
		    (size_t)snprintf(text + used, sizeof(text) - used, " N%u=%u", node, node + 1);
	snprintf(text + used, sizeof(text) - used, " kernelpagesize_kB=4\n");
	assert_int_equal(count(text), 0);
	assert_int_equal(pages.count, 1024);
	for (unsigned int node = 0; node < 1024; node++) {
		assert_int_equal(pages.nodes[node].node, node);
		assert_int_equal(pages.nodes[node].pages, node + 1);
		all += node + 1;
	}
	assert_int_equal(guest_pages_on(&pages, NULL), all * page);
	guest_pages_free(&pages);
}

static void bytes_are_those_on_the_nodes(void **state)
{
	struct id_set nodes = set_of("0-1,3");
	struct id_set none = {0};

	(void)state;
	assert_int_equal(count(PROGRAM "7f00 default anon=9 N0=1 N1=2 N2=4 kernelpagesize_kB=4\n"
				       "7f01 default file=/dev/hugepages/x huge N1=3 N2=5 "
				       "kernelpagesize_kB=2048\n"),
			 0);
	assert_int_equal(guest_pages_on(&pages, NULL), 7 * page + 8 * (2 << 20));
	assert_int_equal(guest_pages_on(&pages, &nodes), 3 * page + 3 * (2 << 20));
	assert_int_equal(guest_pages_on(&pages, &none), 0);
	guest_pages_free(&pages);
	assert_int_equal(guest_pages_on(&pages, NULL), 0);
}

/* --- the policy --- */

static void the_policy_is_that_of_the_first_mapping(void **state)
{
	static const struct {
		const char *numa_maps;
		const char *policy;
	} cases[] = {
	    {"55e000 default file=/usr/bin/qemu-kvm mapped=1\n7f00 bind:1 anon=1\n", "default"},
	    {"55e000 bind:0-1 file=/usr/bin/qemu-kvm mapped=1\n7f00 default anon=1\n", "bind:0-1"},
	    {"55e000 bind=static:0 file=/x\n", "bind=static:0"},
	    {"55e000 prefer:1 file=/x\n", "prefer:1"},
	    {"55e000 prefer (many):0-1 file=/x\n", "prefer (many):0-1"},
	    {"55e000 prefer (many)=static:0-1,3 file=/x\n", "prefer (many)=static:0-1,3"},
	    {"55e000 interleave:0-3 file=/x\n", "interleave:0-3"},
	    {"55e000 weighted interleave:0-3 file=/x\n", "weighted interleave:0-3"},
	    {"55e000 local\n", "local"},
	    {"55e000 default\n", "default"},
	    {"55e000 default", "default"},
	    {"55e000 \n", ""},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		assert_int_equal(count(cases[i].numa_maps), 0);
		assert_string_equal(pages.policy, cases[i].policy);
		guest_pages_free(&pages);
	}
}

static void a_policy_of_any_length_is_cut(void **state)
{
	char text[1024];

	(void)state;
	strcpy(text, "55e000 bind:");
	for (unsigned int node = 0; node < 100; node++)
		text_add(text, sizeof(text), "%s%u", node > 0 ? "," : "", 2 * node);
	text_add(text, sizeof(text), " file=/x\n");
	assert_int_equal(count(text), 0);
	assert_true(strlen(pages.policy) < sizeof(pages.policy));
	assert_memory_equal(pages.policy, "bind:0,2,4,6", strlen("bind:0,2,4,6"));
	assert_null(strchr(pages.policy, '/'));
	guest_pages_free(&pages);
}

static void one_that_has_no_memory_has_ended(void **state)
{
	(void)state;
	assert_int_equal(count(""), -ESRCH);
	guest_pages_free(&pages);
	assert_int_equal(count("55e000"), -ESRCH);
	guest_pages_free(&pages);
}

static void what_cannot_be_read_is_told(void **state)
{
	long long budget = plenty;
	int fd;

	(void)state;
	make_directories(process_path(PID, "x"));
	fd = process_directory(PID);
	assert_int_equal(guest_pages_read(&pages, fd, PID, &budget), -ENOENT);
	guest_pages_free(&pages);
	make_directories(process_path(PID, "numa_maps/x"));
	assert_int_equal(guest_pages_read(&pages, fd, PID, &budget), -EISDIR);
	guest_pages_free(&pages);
	close(fd);
}

/* --- the budget --- */

/* A process that says it has so many pages to be counted. */
static void make_status(uint64_t anonymous, uint64_t shared, const char *more)
{
	char text[512];

	snprintf(text, sizeof(text),
		 "Name:\tRssAnon:\nVmRSS:\t  999999 kB\nRssAnon:\t%8llu kB\nRssFile:\t   99999 kB\n"
		 "RssShmem:\t%8llu kB\n%sThreads:\t3\n",
		 (unsigned long long)(anonymous * page / 1024),
		 (unsigned long long)(shared * page / 1024), more);
	make_file(process_path(PID, "status"), text);
}

static void what_is_to_be_counted_is_known_beforehand(void **state)
{
	int fd;

	(void)state;
	make_status(1000, 500, "");
	fd = process_directory(PID);
	assert_int_equal(guest_pages_resident(fd), 1500 * page);
	make_status(0, 0, "HugetlbPages:\t    2048 kB\n"); /* these take no time */
	assert_int_equal(guest_pages_resident(fd), 0);
	make_file(process_path(PID, "status"), "Name:\tx\n");
	assert_int_equal(guest_pages_resident(fd), 0);
	make_file(process_path(PID, "status"), "\nRssAnon:\tmuch kB\nRssShmem:");
	assert_int_equal(guest_pages_resident(fd), 0);
	make_file(process_path(PID, "status"), "\nRssAnon:\t4000000000 kB\n"); /* 3.7 TiB */
	assert_int_equal(guest_pages_resident(fd), 4000000000ULL * 1024);
	assert_int_equal(unlink(process_path(PID, "status")), 0);
	assert_int_equal(guest_pages_resident(fd), 0);
	close(fd);
}

static void they_are_counted_as_long_as_that_may_suffice(void **state)
{
	static const struct {
		long long budget;
		bool sampled;
	} cases[] = {
	    {1000 * GUEST_PAGES_NS, false},
	    {1000 * GUEST_PAGES_NS - 1, true},
	    {0, true},
	    {-1, true},
	};
	int fd;

	(void)state;
	make_file(process_path(PID, "numa_maps"), PROGRAM "7f00 default anon=3 N0=3\n");
	make_file(process_path(PID, "maps"), "");
	make_status(600, 400, "");
	fd = process_directory(PID);
	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		long long budget = cases[i].budget;

		assert_int_equal(guest_pages_read(&pages, fd, getpid(), &budget), 0);
		assert_int_equal(pages.sampled, cases[i].sampled);
		assert_string_equal(pages.policy, "default");
		assert_string_equal(counted(), cases[i].sampled ? "" : "0:3+0 ");
		/* Only counting costs something. */
		assert_true(cases[i].sampled ? budget == cases[i].budget
					     : budget < cases[i].budget);
		guest_pages_free(&pages);
	}
	close(fd);
}

/* --- the sample --- */

static void memory_is_known_by_its_file(void **state)
{
	static const struct {
		const char *path;
		bool is_memory;
	} cases[] = {
	    {"", true},
	    {"[heap]", true},
	    {"[stack]", true},
	    {"[anon:qemu]", true},
	    {"/memfd:x (deleted)", true},
	    {"/dev/zero (deleted)", true},
	    {"/SYSV00000000 (deleted)", true},
	    {"/anon_hugepage (deleted)", true},
	    {"/dev/hugepages/x", true},
	    {"/dev/hugepages1G/x", true},
	    {"/dev/shm/x", true},
	    {"/usr/bin/qemu-kvm", false},
	    {"/x/memfd:x", false},
	    {"/dev/shmem", false},
	    {"/dev/kvm", false},
	    {"anon_inode:kvm-vcpu:0", false},
	    {"/", false},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		if (guest_pages_are_of(cases[i].path) != cases[i].is_memory)
			fail_msg("'%s'", cases[i].path);
	}
}

static bool hidden; /* from other users and from its own (PR_SET_DUMPABLE in prctl(2)) */

/*
 * A child with so much memory; where it is: *at. What may not be used around it keeps the kernel
 * from joining it with another mapping.
 */
static pid_t start_large(char **at)
{
	size_t size = (size_t)CHILD_MIB << 20;
	size_t around = size + 2 * page;
	char *place = mmap(NULL, around, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int ready[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	assert_ptr_not_equal(place, MAP_FAILED);
	*at = place + page;
	assert_int_equal(mprotect(*at, size, PROT_READ | PROT_WRITE), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		memset(*at, 'x', size);
		(void)prctl(PR_SET_DUMPABLE, hidden ? 0 : 1);
		(void)!write(ready[1], "", 1);
		for (;;)
			pause();
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	assert_int_equal(munmap(place, around), 0);
	return pid;
}

/*
 * What the process has of that memory alone, as if it was all: of a program of the sanitizers
 * there is much more, with little in it.
 */
static void make_maps_of(pid_t pid, const char *at, const char *more)
{
	char text[1024];
	char path[64];
	char address[32];
	char *line = NULL;
	size_t size = 0;
	FILE *file;

	snprintf(text, sizeof(text), "%lx-%lx rw-p 00000000 00:00 0 \n%s", (unsigned long)at,
		 (unsigned long)at + ((unsigned long)CHILD_MIB << 20), more);
	make_file(process_path(PID, "maps"), text);
	snprintf(path, sizeof(path), "/proc/%d/numa_maps", (int)pid);
	snprintf(address, sizeof(address), "%lx ", (unsigned long)at);
	file = fopen(path, "re");
	assert_non_null(file);
	strcpy(text, PROGRAM);
	while (getline(&line, &size, file) >= 0) {
		if (strncmp(line, address, strlen(address)) == 0)
			text_add(text, sizeof(text), "%s", line);
	}
	free(line);
	fclose(file);
	make_file(process_path(PID, "numa_maps"), text);
}

/* Of memory that is all there. */
static void the_sample_agrees_with_the_count(void **state)
{
	uint64_t expected = (uint64_t)CHILD_MIB << 20;
	long long budget = plenty;
	uint64_t exact;
	uint64_t estimated;
	char *at;
	pid_t pid = start_large(&at);
	int fd;

	(void)state;
	make_maps_of(pid, at, "");
	make_status(expected / page / 2, expected / page / 2, "");
	fd = process_directory(PID);
	assert_int_equal(guest_pages_read(&pages, fd, pid, &budget), 0);
	assert_false(pages.sampled);
	exact = guest_pages_on(&pages, NULL);
	assert_int_equal(exact, expected);
	guest_pages_free(&pages);
	budget = 0;
	assert_int_equal(guest_pages_read(&pages, fd, pid, &budget), 0);
	assert_true(pages.sampled);
	estimated = guest_pages_on(&pages, NULL);
	assert_in_range(estimated, exact - exact / 100, exact);
	guest_pages_free(&pages);
	close(fd);
	end_child(pid);
}

/* The same of all that a process has. */
static void a_real_process_is_sampled(void **state)
{
	unsigned int found[SPEC_NODE_MAX + 1] = {0};
	char path[64];
	unsigned int sum = 0;
	char *at;
	pid_t pid = start_large(&at);
	int total;
	int fd;

	(void)state;
	snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(fd >= 0);
	total = guest_sample(fd, pid, 4096, found);
	/* A program of the sanitizers has much more that is not used. */
	assert_in_range(total, SLOWNESS == 1 ? 1000 : 0, 4096);
	for (unsigned int node = 0; node <= SPEC_NODE_MAX; node++)
		sum += found[node];
	assert_int_equal(sum, total);
	close(fd);
	end_child(pid);
	assert_int_equal(guest_sample(AT_FDCWD, pid, 4096, found), -ENOENT);
}

/* All of the sample's addresses are in what is there, but for the half that is not. */
static void addresses_lie_evenly(void **state)
{
	static const size_t counts[] = {1, 2, 3, 100, 1000, 4096, 6143, 6144, 6145, 100000};
	size_t all = ((size_t)CHILD_MIB << 20) / page;
	char more[256];
	char *at;
	pid_t pid = start_large(&at);
	int fd;

	(void)state;
	/* As much that is not there, at a place that no process has anything at. */
	snprintf(more, sizeof(more), "10000-%lx rw-p 00000000 00:00 0 \n",
		 0x10000 + ((unsigned long)CHILD_MIB << 20));
	make_maps_of(pid, at, more);
	fd = process_directory(PID);
	for (size_t i = 0; i < LENGTH_OF(counts); i++) {
		unsigned int found[SPEC_NODE_MAX + 1] = {0};
		size_t asked = counts[i] < 2 * all ? counts[i] : 2 * all;
		int total = guest_sample(fd, pid, counts[i], found);

		assert_in_range(total, asked / 2, (asked + 1) / 2);
	}
	close(fd);
	end_child(pid);
}

static void only_memory_that_may_be_used_is_looked_at(void **state)
{
	static const struct {
		const char *format; /* of its begin and its end */
		bool looked_at;
	} cases[] = {
	    {"%lx-%lx rw-p 00000000 00:00 0 \n", true},
	    {"%lx-%lx rw-p 00000000 00:00 0", true},
	    {"%lx-%lx r--s 00000000 00:01 99 /memfd:x (deleted)\n", true},
	    {"%lx-%lx rw-p 00000000 00:00 0    [heap]\n", true},
	    {"%lx-%lx rw-s 00000000 00:01 99    /dev/hugepages/a b\n", true},
	    {"%lx-%lx rw-p 00000000 00:01 99    /usr/bin/qemu-kvm\n", false},
	    {"%lx-%lx rw-p 00000000 00:01 99    /a [heap]\n", false},
	    {"%lx-%lx ---p 00000000 00:00 0 \n", false},
	    {"%2$lx-%1$lx rw-p 00000000 00:00 0 \n", false},
	    {"%lx %lx rw-p 00000000 00:00 0 \n", false},
	    {"-%lx-%lx rw-p 00000000 00:00 0 \n", false},
	    {"rubbish\n", false},
	    {"\n\n", false},
	    {"", false},
	};
	char *at;
	pid_t pid = start_large(&at);
	int fd;

	(void)state;
	make_directories(process_path(PID, "x"));
	fd = process_directory(PID);
	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		unsigned int found[SPEC_NODE_MAX + 1] = {0};
		char text[256];
		int total;

		snprintf(text, sizeof(text), cases[i].format, (unsigned long)at,
			 (unsigned long)at + 16 * page);
		make_file(process_path(PID, "maps"), text);
		total = guest_sample(fd, pid, 4096, found);
		if (total != (cases[i].looked_at ? 16 : 0))
			fail_msg("case %zu: %d", i, total);
	}
	close(fd);
	end_child(pid);
}

/* Where the process is another user's, or is gone. */
static void a_sample_that_is_refused_is_told(void **state)
{
	unsigned int found[SPEC_NODE_MAX + 1] = {0};
	int status;
	pid_t child;
	pid_t pid;
	char *at;
	int fd;

	(void)state;
	hidden = true;
	pid = start_large(&at);
	hidden = false;
	make_file(process_path(PID, "maps"), "10000-20000 rw-p 00000000 00:00 0 \n");
	fd = process_directory(PID);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		if (geteuid() == 0 && setresuid(65534, 65534, 65534) < 0)
			_exit(2);
		_exit(guest_sample(fd, pid, 10, found) == -EPERM ? 0 : 3);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	end_child(pid);
	assert_int_equal(guest_sample(fd, pid, 10, found), -ESRCH);
	close(fd);
}

/* The kernel's own words, of a process with each policy. */
static void the_kernel_words_policies_so(void **state)
{
	static const struct {
		int mode;
		unsigned long nodes;
		const char *policy;
	} cases[] = {
	    {MPOL_DEFAULT, 0, "default"},    {MPOL_BIND, 1, "bind:0"},
	    {MPOL_PREFERRED, 1, "prefer:0"}, {MPOL_INTERLEAVE, 1, "interleave:0"},
	    {MPOL_LOCAL, 0, "local"},
	};
	long long budget = plenty;

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		int fd = open("/proc/self", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		assert_true(fd >= 0);
		assert_int_equal(syscall(SYS_set_mempolicy, cases[i].mode,
					 cases[i].nodes != 0 ? &cases[i].nodes : NULL,
					 cases[i].nodes != 0 ? 64 : 0),
				 0);
		assert_int_equal(guest_pages_read(&pages, fd, getpid(), &budget), 0);
		assert_int_equal(syscall(SYS_set_mempolicy, MPOL_DEFAULT, NULL, 0), 0);
		assert_string_equal(pages.policy, cases[i].policy);
		assert_true(guest_pages_on(&pages, NULL) > 0);
		guest_pages_free(&pages);
		close(fd);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, leave_directory)
	static const struct CMUnitTest tests[] = {
	    TEST(pages_are_counted_of_each_node),
	    TEST(what_is_no_count_is_left_out),
	    TEST(a_size_that_is_none_does_no_harm),
	    TEST(the_longest_line_is_read),
	    TEST(bytes_are_those_on_the_nodes),
	    TEST(the_policy_is_that_of_the_first_mapping),
	    TEST(a_policy_of_any_length_is_cut),
	    TEST(one_that_has_no_memory_has_ended),
	    TEST(what_cannot_be_read_is_told),
	    TEST(what_is_to_be_counted_is_known_beforehand),
	    TEST(they_are_counted_as_long_as_that_may_suffice),
	    TEST(memory_is_known_by_its_file),
	    TEST(the_sample_agrees_with_the_count),
	    TEST(a_real_process_is_sampled),
	    TEST(addresses_lie_evenly),
	    TEST(only_memory_that_may_be_used_is_looked_at),
	    TEST(a_sample_that_is_refused_is_told),
	    TEST(the_kernel_words_policies_so),
	};

	return RUN_TESTS(tests);
}
