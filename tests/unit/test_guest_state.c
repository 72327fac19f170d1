/* What runs on a made-up host, and what its policy wants of it: guest_state.c. */
#include "guest_state.h"
#include "interrupt_world.h"
#include "proc_world.h"
#include "sets.h"

#include <sched.h>
#include <unistd.h>

#define POLICY "world/policy/guest-pinning.conf"
#define NUMA_MAPS                                                                   \
	"55e000 default file=/usr/bin/qemu-kvm mapped=9 N0=9 kernelpagesize_kB=4\n" \
	"7f0000 default anon=300 dirty=300 N0=300 kernelpagesize_kB=4\n"            \
	"7f1000 default file=/memfd:x\\040(deleted) dirty=100 N3=100 kernelpagesize_kB=4\n"

enum { GUESTS_MAX = 8 };

static const struct roots roots = {
    .proc = "world/proc", .sys = "world/sys", .state = "world/agent"};
static struct guest_states states;
static struct error error;
static unsigned int cpu; /* that this process may use */
static pid_t guests[GUESTS_MAX];
static size_t guest_count;

/* Is told of a process whose affinity is asked for: between the first look at it and the next. */
static void (*between)(pid_t pid);

/* Goes before that of the C library, for all of this program. */
int sched_getaffinity(pid_t pid, size_t size, cpu_set_t *set)
{
	long length = syscall(SYS_sched_getaffinity, pid, size, set);

	if (length < 0)
		return -1;
	memset((char *)set + length, 0, size - (size_t)length);
	if (between != NULL)
		between(pid);
	return 0;
}

static int start(void **state)
{
	struct id_set allowed = {0};

	error = (struct error){0};
	states = (struct guest_states){0};
	between = NULL;
	guest_count = 0;
	if (sched_getaffinity(0, sizeof(allowed.word), (cpu_set_t *)allowed.word) < 0)
		return -1;
	for (cpu = 0; !id_set_has(&allowed, cpu);)
		cpu++;
	if (enter_directory(state) < 0)
		return -1;
	make_directories("world/proc/x");
	make_file(POLICY, "");
	return 0;
}

static int stop(void **state)
{
	guest_states_free(&states);
	while (guest_count > 0)
		end_child(guests[--guest_count]);
	return leave_directory(state);
}

/* `rules` may hold some "%1$u": the CPU. */
static void make_policy(const char *rules)
{
	char text[1024];

	snprintf(text, sizeof(text), rules, cpu);
	make_file(POLICY, text);
}

/* A guest of which all can be seen; NULL: its command line has no name. Its number. */
static int make_guest(const char *name)
{
	int pid = start_idle();
	char arguments[256];

	assert_true(guest_count < GUESTS_MAX);
	guests[guest_count++] = pid;
	snprintf(arguments, sizeof(arguments), "qemu-kvm|%s%s%s",
		 name != NULL ? "-name|guest=" : "", name != NULL ? name : "",
		 name != NULL ? "|" : "");
	make_emulator(pid, "/none/bin/qemu-kvm", "qemu-kvm", arguments);
	make_thread(pid, pid,
		    &(struct made_stat){.name = "qemu-kvm", .started = "815", .processor = 5});
	make_file(process_path(pid, "numa_maps"), NUMA_MAPS);
	make_file(process_path(pid, "maps"), "");
	make_file(process_path(pid, "status"),
		  "Name:\tqemu-kvm\nRssAnon:\t1200 kB\nRssShmem:\t400 kB\nTHP_enabled:\t1\n");
	return pid;
}

static int read_named(char *const names[], size_t count)
{
	int result;

	guest_states_free(&states);
	result = guest_states_read(&states, &roots, (struct policy_source){POLICY, geteuid()},
				   names, count, NULL, &error);
	assert_int_equal(error_is_set(&error), result < 0);
	return result;
}

/* The one guest that there is. */
static struct guest_state *read_one(void)
{
	assert_int_equal(read_named(NULL, 0), 0);
	assert_int_equal(states.count, 1);
	return &states.at[0];
}

/* "NAME:VERDICT " each. */
static const char *listed(void)
{
	static char text[1024];

	*text = '\0';
	for (size_t i = 0; i < states.count; i++)
		text_add(text, sizeof(text), "%s:%s ",
			 states.at[i].guest != NULL ? states.at[i].guest : "-",
			 verdict_name(states.at[i].verdict));
	return text;
}

static void a_host_without_guests_has_none(void **state)
{
	(void)state;
	assert_int_equal(read_named(NULL, 0), 0);
	assert_int_equal(states.count, 0);
	assert_int_equal(remove_tree("world/proc"), 0);
	assert_int_equal(read_named(NULL, 0), -ENOENT);
	assert_string_equal(error.text, "world/proc cannot be read: No such file or directory");
}

static void all_is_known_of_a_guest(void **state)
{
	int pid = make_guest("web1");
	int other = start_idle();
	struct id_set runs = set_of("5,7");
	struct id_set ran = {0};
	struct guest_state *guest;
	struct id_set cpus = {0};

	(void)state;
	guests[guest_count++] = other;
	make_thread(pid, other,
		    &(struct made_stat){.name = "CPU 3/KVM", .started = "816", .processor = 7});
	make_policy("# nothing\n\nweb* - cpus=%1$u\n");
	guest = read_one();
	assert_int_equal(guest->pid, pid);
	assert_string_equal(guest->started, "815");
	assert_string_equal(guest->guest, "web1");
	assert_string_equal(guest->emulator, "/none/bin/qemu-kvm");
	assert_string_equal(guest->rule_file, POLICY);
	assert_int_equal(guest->rule_line, 3);
	assert_string_equal(guest->glob, "web*");
	assert_true(guest->wanted_known && guest->wanted.sets_cpus);
	assert_true(id_set_has(&guest->wanted.cpus, cpu));
	assert_int_equal(id_set_count(&guest->wanted.cpus), 1);
	assert_int_equal(guest->threads.count, 2);
	assert_int_equal(sched_getaffinity(0, sizeof(cpus.word), (cpu_set_t *)cpus.word), 0);
	assert_true(id_set_equal(&guest->cpus, &cpus));
	for (size_t i = 0; i < guest->threads.count; i++)
		id_set_add(&ran, guest->threads.at[i].stat.processor);
	assert_true(id_set_equal(&ran, &runs));
	assert_true(guest->pages_known);
	assert_false(guest->pages.sampled);
	assert_string_equal(guest->pages.policy, "default");
	assert_int_equal(guest_pages_on(&guest->pages, NULL), 400 * guest->pages.page);
	assert_false(guest->thp_never);
	assert_false(guest->irqs_watched);
	/* The rule's own strings end with the policy that they were in. */
	assert_null(guest->asked.glob);
	assert_null(guest->asked.file);
	assert_null(guest->asked.cpus);
}

static void guests_are_in_order(void **state)
{
	static const char *const names[] = {"web10", NULL, "web2", "db", "web1", "web2"};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(names); i++)
		make_guest(names[i]);
	assert_int_equal(read_named(NULL, 0), 0);
	assert_string_equal(listed(), "db:no rule web1:no rule web2:no rule web2:no rule "
				      "web10:no rule -:no rule ");
	assert_true(states.at[2].pid < states.at[3].pid);
}

static void guests_may_be_named(void **state)
{
	static char *const names[] = {"web2", "nobody", "db", ""};

	(void)state;
	make_guest("web1");
	make_guest("web2");
	make_guest("db");
	make_guest(NULL);
	assert_int_equal(read_named(names, LENGTH_OF(names)), 0);
	assert_string_equal(listed(), "db:no rule web2:no rule ");
	assert_int_equal(read_named(names + 1, 1), 0);
	assert_int_equal(states.count, 0);
	assert_int_equal(read_named(names + 3, 1), 0);
	assert_int_equal(states.count, 0);
}

static void each_has_its_verdict(void **state)
{
	struct id_set one = {0};

	(void)state;
	id_set_add(&one, cpu);
	make_policy("placed - cpus=%1$u\n"
		    "elsewhere - cpus=8191\n"
		    "broken - nonsense=1\n"
		    "nodeless 1023\n"
		    "local - mem=local\n"
		    "bind - cpus=%1$u nice=3\n");
	for (size_t i = 0; i < 6; i++)
		make_guest(((const char *[]){"placed", "elsewhere", "broken", "nodeless", "local",
					     "bind"})[i]);
	make_guest("other");
	for (size_t i = 0; i < guest_count; i++)
		assert_int_equal(
		    sched_setaffinity(guests[i], sizeof(one.word), (const cpu_set_t *)one.word), 0);
	assert_int_equal(read_named(NULL, 0), 0);
	assert_string_equal(listed(),
			    "bind:drifted broken:unplaced elsewhere:unplaced local:placed "
			    "nodeless:unplaced other:no rule placed:placed ");
	assert_non_null(strstr(states.at[0].reason.text, "has nice 0"));
	assert_non_null(strstr(states.at[1].reason.text, "nonsense"));
	assert_non_null(strstr(states.at[2].reason.text, "8191"));
	assert_non_null(strstr(states.at[3].note.text, "'local' from its next start on"));
	assert_non_null(strstr(states.at[4].reason.text, "1023"));
}

/* What nobody may trust is not read: there may be a rule in it. */
static void a_policy_that_cannot_be_read_is_told(void **state)
{
	(void)state;
	make_guest("web1");
	make_policy("web1 - cpus=%1$u\n");
	assert_int_equal(chmod(POLICY, 0666), 0);
	assert_int_equal(read_one()->verdict, VERDICT_UNKNOWN);
	assert_non_null(strstr(states.at[0].reason.text, "may be written by others"));
	assert_null(states.at[0].rule_file);
	/* Without any policy there is none. */
	assert_int_equal(unlink(POLICY), 0);
	assert_int_equal(read_one()->verdict, VERDICT_NO_RULE);
	assert_string_equal(states.at[0].reason.text, "");
}

/* As for who is not root. */
static void memory_that_cannot_be_seen_is_unknown(void **state)
{
	int pid = make_guest("web1");

	(void)state;
	make_policy("web1 0\n");
	assert_int_equal(unlink(process_path(pid, "numa_maps")), 0);
	assert_int_equal(read_one()->verdict, VERDICT_UNKNOWN);
	assert_false(states.at[0].pages_known);
	assert_string_equal(states.at[0].reason.text, "its memory cannot be seen: do this as root");
	make_file(process_path(pid, "numa_maps"), NUMA_MAPS);
	assert_int_equal(read_one()->verdict, VERDICT_DRIFTED);
	assert_string_equal(states.at[0].reason.text, "of its memory 75.0 % is on node 0");
}

static void a_guest_without_huge_pages_of_its_own_is_known(void **state)
{
	int pid = make_guest("web1");

	(void)state;
	make_policy("web1 - cpus=%1$u thp=never\n");
	assert_false(read_one()->thp_never);
	assert_string_equal(states.at[0].note.text, "thp=never counts from its next start on");
	make_file(process_path(pid, "status"), "Name:\tTHP_enabled:\t0\nTHP_enabled:\t0\n");
	assert_true(read_one()->thp_never);
	assert_string_equal(states.at[0].note.text, "");
	make_file(process_path(pid, "status"), "Name:\tTHP_enabled:\t0\n");
	assert_false(read_one()->thp_never);
}

/* The small ones are counted, the largest is estimated where that would take too long. */
static void the_largest_are_sampled(void **state)
{
	int large;

	(void)state;
	large = make_guest("large");
	make_guest("small");
	make_file(process_path(large, "status"), "\nRssAnon:\t400000000 kB\n"); /* 381 GiB */
	assert_int_equal(read_named(NULL, 0), 0);
	assert_true(states.at[0].pages_known && states.at[0].pages.sampled);
	assert_true(states.at[1].pages_known && !states.at[1].pages.sampled);
	assert_int_equal(guest_pages_on(&states.at[1].pages, NULL), 400 * states.at[1].pages.page);
}

/* --- what ends meanwhile --- */

static void end_now(pid_t pid)
{
	assert_int_equal(remove_tree(path_of("world/proc/%d", (int)pid)), 0);
	between = NULL;
}

/* Another process has its number since. */
static void replace_now(pid_t pid)
{
	make_stat(process_path(pid, "stat"), &(struct made_stat){.name = "kvm", .started = "816"});
	between = NULL;
}

static void one_that_ends_meanwhile_is_left_out(void **state)
{
	static void (*const ways[])(pid_t pid) = {end_now, replace_now};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(ways); i++) {
		make_guest("web1");
		between = ways[i];
		assert_int_equal(read_named(NULL, 0), 0);
		assert_null(between);
		assert_int_equal(states.count, 0);
		assert_int_equal(remove_tree("world/proc"), 0);
		make_directories("world/proc/x");
	}
	/* The other ones are all there. */
	make_guest("web1");
	make_guest("web2");
	make_guest("web3");
	between = end_now;
	assert_int_equal(read_named(NULL, 0), 0);
	assert_int_equal(states.count, 2);
}

static void one_without_threads_has_ended(void **state)
{
	int pid = make_guest("web1");

	(void)state;
	make_guest("web2");
	assert_int_equal(remove_tree(process_path(pid, "task")), 0);
	assert_int_equal(read_named(NULL, 0), 0);
	assert_string_equal(listed(), "web2:no rule ");
}

/* --- interrupts --- */

/* What the agent writes down of a guest and of an interrupt that it has moved. */
static void make_watched(int pid, const char *started, const char *set)
{
	char text[512];

	snprintf(text, sizeof(text),
		 "{\"guests\": [{\"pid\": %d, \"started\": \"%s\", \"isolate\": false,"
		 " \"cpus\": \"\", \"claims\": [{\"device\": \"eth0\", \"assigned\": false,"
		 " \"cpus\": \"%s\"}]}],"
		 " \"interrupts\": [{\"number\": 24, \"set\": \"%s\"}]}",
		 pid, started, set, set);
	make_file("world/agent/interrupts.json", text);
}

static void interrupts_are_compared(void **state)
{
	int pid = make_guest("web1");
	struct guest_state *guest;
	char wanted[16];

	(void)state;
	make_devices("8000");
	make_policy("web1 - irq=eth0@%1$u\n");
	snprintf(wanted, sizeof(wanted), "%u", cpu);
	guest = read_one();
	assert_false(guest->irqs_watched);
	assert_int_equal(guest->verdict, VERDICT_UNPLACED);
	assert_string_equal(guest->reason.text, "the agent does not watch over its interrupts");
	assert_int_equal(guest->irqs.count, 2);
	/* Of another process of that number the agent has it. */
	make_watched(pid, "814", wanted);
	assert_false(read_one()->irqs_watched);
	make_watched(pid, "815", wanted);
	guest = read_one();
	assert_true(guest->irqs_watched);
	assert_non_null(strstr(guest->reason.text, "IRQ 24 of eth0 may go to CPUs 8000"));
	assert_true(guest->irqs.at[0].moved);
	assert_false(guest->irqs.at[1].moved);
	set_affinity(24, wanted);
	assert_int_equal(read_one()->verdict, VERDICT_PLACED);
	/* As another rule has said, also where the one now says nothing of them. */
	make_watched(pid, "815", "8000");
	assert_int_equal(read_one()->verdict, VERDICT_DRIFTED);
	make_policy("web1 -\n");
	guest = read_one();
	assert_int_equal(guest->verdict, VERDICT_DRIFTED);
	assert_non_null(strstr(guest->reason.text, "as an earlier rule has said"));
}

static void a_device_that_is_not_there_leaves_it_unplaced(void **state)
{
	(void)state;
	make_guest("web1");
	make_devices("8000");
	make_policy("web1 - irq=eth9@%1$u\n");
	assert_int_equal(read_one()->verdict, VERDICT_UNPLACED);
	assert_false(states.at[0].wanted_known);
	assert_non_null(strstr(states.at[0].reason.text, "eth9"));
	/* A host that lists none is told as a guest that is not watched. */
	make_policy("web1 - irq=eth0@%1$u\n");
	assert_int_equal(remove_tree("world/sys/kernel"), 0);
	assert_int_equal(read_one()->irqs.count, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
	static const struct CMUnitTest tests[] = {
	    TEST(a_host_without_guests_has_none),
	    TEST(all_is_known_of_a_guest),
	    TEST(guests_are_in_order),
	    TEST(guests_may_be_named),
	    TEST(each_has_its_verdict),
	    TEST(a_policy_that_cannot_be_read_is_told),
	    TEST(memory_that_cannot_be_seen_is_unknown),
	    TEST(a_guest_without_huge_pages_of_its_own_is_known),
	    TEST(the_largest_are_sampled),
	    TEST(one_that_ends_meanwhile_is_left_out),
	    TEST(one_without_threads_has_ended),
	    TEST(interrupts_are_compared),
	    TEST(a_device_that_is_not_there_leaves_it_unplaced),
	};

	return RUN_TESTS(tests);
}
