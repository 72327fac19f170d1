/* What root asks of the agent for a guest that runs: apply, in request.c and peer.c. */
#include "guest_world.h"
#include "peer.h"
#include "request.h"
#include "sets.h"

#include <sys/resource.h>

#define V1_GUEST "/machine/qemu-1-web1.libvirt-qemu"
#define STARTED "4711" /* of whoever make_process() makes */

enum { OTHER_USER = 12345 };

static pid_t guest;          /* a process that runs web1 */
static struct id_set before; /* the affinity that it is started with */

/* What it executes is an emulator by now, which need be nobody's to trust. */
static void make_guest(pid_t pid)
{
	char status[64];

	snprintf(status, sizeof(status), "Name:\tkvm\nUid:\t%u\t%u\t%u\t%u\n", geteuid(), geteuid(),
		 geteuid(), geteuid());
	make_process(pid);
	make_file(proc_path(pid, "status"), status);
	make_link("/bin/sh", proc_path(pid, "exe"));
	make_file(path_of("world/proc/%d/task/%d/stat", (int)pid, (int)pid),
		  "1 (CPU 0/KVM) S 1 1 1 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 4711 1 1\n");
}

/*
 * A host on which web1 runs, and this process is no guest, but somebody who asks: all that a
 * test changes of it is made anew.
 */
static void make_running(void)
{
	assert_int_equal(remove_tree("world/cgroup"), 0);
	make_scope(SCOPE);
	make_scope(OTHER_SCOPE);
	make_policy("web1 - cpus=%u\n");
	(void)unlink("world/state/web1.xml");
	make_guest(guest);
	make_file(proc_path(getpid(), "cgroup"), "0::/user.slice/session-1.scope\n");
	forget_changes();
	assert_int_equal(truncate(LOG, 0), 0);
}

static int start(void **state)
{
	if (start_server(state) < 0)
		return -1;
	before = (struct id_set){0};
	if (sched_getaffinity(0, sizeof(before.word), (cpu_set_t *)before.word) < 0)
		return -1;
	guest = fork();
	if (guest == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	make_running();
	return guest > 0 ? 0 : -1;
}

static int stop(void **state)
{
	if (guest > 0)
		end_guest(guest);
	guest = 0;
	return stop_server(state);
}

static const char *apply_to(int pid, const char *started)
{
	char message[AGENT_REQUEST_MAX];

	snprintf(message, sizeof(message), AGENT_APPLY "%d %s", pid, started);
	return ask_with(message, strlen(message));
}

static const char *apply(void)
{
	return apply_to(guest, STARTED);
}

static struct id_set affinity_of(pid_t pid)
{
	struct id_set set = {0};

	assert_int_equal(sched_getaffinity(pid, sizeof(set.word), (cpu_set_t *)set.word), 0);
	return set;
}

static void check_moved(void)
{
	struct id_set cpus = affinity_of(guest);

	assert_int_equal(id_set_count(&cpus), 1);
	assert_true(id_set_has(&cpus, cpu));
}

/* It is refused, for that reason, and nothing has changed. */
static void check_refused(const char *reply, const char *reason)
{
	struct id_set cpus = affinity_of(guest);

	if (strncmp(reply, AGENT_REFUSED, strlen(AGENT_REFUSED)) != 0 ||
	    strstr(reply, reason) == NULL)
		fail_msg("'%s' instead of '%s'", reply, reason);
	assert_string_equal(changes(), "");
	assert_true(id_set_equal(&cpus, &before));
	assert_int_equal(lines_logged(), 1);
	assert_memory_equal(logged(), "agent: refused ", strlen("agent: refused "));
	assert_non_null(strstr(logged(), reply + strlen(AGENT_REFUSED)));
}

static void a_guest_that_runs_is_moved(void **state)
{
	char expected[256];

	(void)state;
	assert_string_equal(apply(), placed_reply());
	check_placed();
	check_moved();
	snprintf(expected, sizeof(expected),
		 "agent: placed running guest 'web1' (pid %d): rule " POLICY ":1, cpus %u\n",
		 (int)guest, cpu);
	assert_string_equal(logged(), expected);
	/* Once more, where it is so already. */
	assert_string_equal(apply(), placed_reply());
	check_moved();
	assert_int_equal(lines_logged(), 2);
}

static void the_tools_side_and_the_agents_understand_each_other(void **state)
{
	struct error note = {0};
	struct error error = {0};
	struct id_set cpus = {0};

	(void)state;
	assert_int_equal(agent_apply(SOCKET, guest, STARTED, &cpus, &note, &error), 0);
	assert_true(id_set_has(&cpus, cpu));
	assert_int_equal(id_set_count(&cpus), 1);
	assert_int_equal(agent_apply(SOCKET, guest, "4712", &cpus, &note, &error), -EPERM);
	assert_non_null(strstr(error.text, "is no longer that guest"));
}

/* A shim has asked for itself all the same: it needs no name. */
static void only_one_that_is_named_is_moved(void **state)
{
	struct id_set cpus;

	(void)state;
	make_process(getpid());
	assert_string_equal(ask(), placed_reply());
	cpus = affinity_of(guest);
	assert_true(id_set_equal(&cpus, &before));
	assert_null(strstr(logged(), "running"));
}

/* Under v1 the cgroups of its threads follow. */
static void under_v1_all_its_cgroups_are_moved(void **state)
{
	static const char *const files[] = {V1_GUEST "/cpuset.cpus ",
					    V1_GUEST "/vcpu0/cpuset.cpus ",
					    V1_GUEST "/emulator/cpuset.cpus "};
	size_t length = 0;
	char list[16];

	(void)state;
	snprintf(list, sizeof(list), "%u\n", cpu);
	make_file("world/proc/self/mountinfo",
		  "34 31 0:31 / world/cgroup rw,relatime - cgroup cgroup rw,cpuset\n");
	make_file("world/cgroup" V1_GUEST "/cpuset.cpus", list);
	make_file("world/cgroup" V1_GUEST "/emulator/cpuset.cpus", list);
	make_file("world/cgroup" V1_GUEST "/vcpu0/cpuset.cpus", list);
	make_file(proc_path(guest, "cgroup"), "3:cpuset:" V1_GUEST "/emulator\n0::/\n");
	forget_changes();
	assert_string_equal(apply(), placed_reply());
	check_moved();
	changes();
	for (size_t i = 0; i < LENGTH_OF(files); i++) {
		assert_non_null(strstr(changed, files[i]));
		length += strlen(files[i]);
	}
	assert_int_equal(strlen(changed), length);
}

/* --- who may ask, and for whom --- */

static int apply_life(int control)
{
	const char *text;
	char byte;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (read(control, &byte, 1) != 1)
		return 1;
	text = apply();
	return send(control, text, strlen(text), MSG_NOSIGNAL) < 0;
}

static void another_user_may_name_no_guest(void **state)
{
	(void)state;
	if (geteuid() != 0) { /* then it is the agent that is another's */
		roots.owner = geteuid() + 1;
		restart_server();
	}
	check_refused(reply_as(geteuid() == 0 ? OTHER_USER : geteuid(), apply_life),
		      "only root may name a guest");
}

/* Libvirt may run its guests as root. One that breaks out of one is still in its cgroup. */
static void a_guest_may_name_no_guest(void **state)
{
	static const char *const cgroups[] = {
	    "0::" EMULATOR "\n",
	    "0::" OTHER_SCOPE "/libvirt/emulator\n",
	    "3:cpuset:" V1_GUEST "/emulator\n",
	};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(cgroups); i++) {
		make_running();
		make_file(proc_path(getpid(), "cgroup"), cgroups[i]);
		check_refused(apply(), "a guest may not name another");
	}
}

static void lie_cgroup(const char *text)
{
	make_file(proc_path(guest, "cgroup"), text);
}

static void lie_command_line(const char *name_option)
{
	char text[256];

	make_bytes(proc_path(guest, "cmdline"), text,
		   command_line(text, sizeof(text), name_option));
}

static void lie_no_command_line(const char *text)
{
	make_file(proc_path(guest, "cmdline"), text);
}

static void lie_no_file(const char *name)
{
	assert_int_equal(unlink(proc_path(guest, name)), 0);
}

static void lie_stat(const char *text)
{
	make_file(proc_path(guest, "stat"), text);
}

static void what_cannot_be_applied_is_refused(void **state)
{
	static const struct {
		void (*lie)(const char *argument);
		const char *argument;
		const char *reason;
	} cases[] = {
	    {lie_command_line, "", "names no guest"},
	    {lie_command_line, "process=web1", "names no guest"},
	    {lie_no_command_line, "", "it has none"},
	    {lie_command_line, "guest=db1", "is another guest's"},
	    {lie_cgroup, "0::" OTHER_SCOPE "/libvirt/emulator\n", "is another guest's"},
	    {lie_no_file, "cmdline", "command line cannot be read"},
	    {lie_no_file, "exe", "executable cannot be read"},
	    {lie_no_file, "stat", "is no longer that guest"},
	    {lie_stat, "1 (qemu-kvm) S 1 1 1 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 4712 1 1\n",
	     "is no longer that guest"},
	    {lie_stat, "rubbish", "is no longer that guest"},
	    {make_policy, "db1 - cpus=%u\n", "no rule of the agent's policy"},
	    {make_policy, "web1 - env=A=%u\n", "asks for nothing that is for the agent"},
	    {make_policy, "web1 - cpus=8191\n", "8191"},
	    {make_policy, "web1 - nonsense\n", "unknown option"},
	    {make_room, "\n", "are not all among those that the guest's cgroup may have"},
	    {make_pins, "<vcpupin vcpu='0' cpuset='8191'/>", "the guest's XML pins"},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		make_running();
		if (i % SERVER_REFUSALS_TOLD == 0)
			restart_server();
		cases[i].lie(cases[i].argument);
		check_refused(apply(), cases[i].reason);
	}
	make_running();
	assert_string_equal(apply(), placed_reply());
}

static void a_process_that_is_not_that_one_is_refused(void **state)
{
	pid_t ended = fork();

	(void)state;
	assert_true(ended >= 0);
	if (ended == 0)
		_exit(0);
	assert_int_equal(waitpid(ended, NULL, 0), ended);
	make_guest(ended);
	check_refused(apply_to(ended, STARTED), "the process cannot be held");
	make_running();
	check_refused(apply_to(guest, "4712"), "is no longer that guest");
	make_running();
	check_refused(apply_to(guest, "47110"), "is no longer that guest");
	make_running();
	/* One that runs, and that this /proc does not have. */
	check_refused(apply_to(server, STARTED), "the process has ended");
	make_running();
	check_refused(ask_with(AGENT_APPLY "0 4711", strlen(AGENT_APPLY "0 4711")),
		      "is no request that this agent knows");
}

/* --- what else a rule may ask for --- */

static void the_priority_comes_to_all_threads(void **state)
{
	int nice = getpriority(PRIO_PROCESS, 0) < 19 ? getpriority(PRIO_PROCESS, 0) + 1 : 19;
	char rule[64];

	(void)state;
	/* A made-up thread shows what it had: so only the first pass is seen to do it. */
	snprintf(rule, sizeof(rule), "web1 - sched=batch nice=%d\n", nice);
	make_policy(rule);
	assert_non_null(strstr(apply(), "do not stay where they are put"));
	assert_int_equal(sched_getscheduler(guest), SCHED_BATCH);
	assert_int_equal(getpriority(PRIO_PROCESS, (id_t)guest), nice);
	assert_string_equal(changes(), "");
}

/* Who has been started by hand has no cpuset of its own: its affinity is what is set. */
static void a_guest_that_was_started_by_hand_is_moved_by_its_affinity(void **state)
{
	(void)state;
	make_file(proc_path(guest, "cgroup"), "0::/user.slice/session-1.scope\n");
	assert_string_equal(apply(), placed_reply());
	assert_string_equal(changes(), "");
	check_moved();
}

/* It may be libvirt's: its affinity alone would not stay. */
static void a_guest_whose_cgroup_is_not_known_is_not_taken_for_that(void **state)
{
	(void)state;
	make_file(proc_path(guest, "cgroup"), "rubbish\n");
	check_refused(apply(), "cgroup cannot be read");
}

static void its_interrupts_are_moved_and_go_back(void **state)
{
	(void)state;
	make_interrupts("web1 - cpus=%u irq=eth0 isolate\n");
	assert_string_equal(apply(), placed_reply());
	check_moved();
	assert_string_equal(affinity(24), guests_cpu());
	assert_string_equal(affinity(9), "8000");
	/* A rule that has none of them any more. */
	make_policy("web1 - cpus=%u\n");
	assert_string_equal(apply(), placed_reply());
	wait_for_affinity(24, own);
	wait_for_affinity(9, own);
	make_policy("web1 - cpus=%u irq=eth0 isolate\n");
	assert_string_equal(apply(), placed_reply());
	assert_string_equal(affinity(25), guests_cpu());
	end_guest(guest);
	guest = 0;
	wait_for_affinity(25, own);
	wait_for_affinity(9, own);
	wait_for_no_state();
}

/*
 * Root names what it finds running, "apply --all": by its program's name, and any user may have
 * one of that. Whoever is in no cgroup of libvirt's may have it from root alone.
 */
static void a_guest_of_another_user_started_by_hand_gets_nothing(void **state)
{
	char text[64];

	(void)state;
	/* With isolate, nice=, sched=fifo of a rule that is another guest's of that name. */
	snprintf(text, sizeof(text), "Name:\tkvm\nUid:\t%u\t0\t0\t0\n", geteuid() + 1);
	make_file(proc_path(guest, "status"), text);
	make_file(proc_path(guest, "cgroup"), "0::/user.slice/session-1.scope\n");
	check_refused(apply(), "/user.slice/session-1.scope");
	/* libvirt's own guests are run by whom it likes. */
	make_running();
	make_file(proc_path(guest, "status"), text);
	assert_string_equal(apply(), placed_reply());
	check_moved();
}

/* --- taking hold of one --- */

static void one_that_is_named_is_held(void **state)
{
	struct error error = {0};
	struct peer peer;

	(void)state;
	assert_int_equal(peer_hold(&peer, guest, STARTED, &roots, &error), 0);
	assert_int_equal(peer.pid, guest);
	assert_int_equal(peer.uid, geteuid());
	assert_true(peer.pidfd >= 0 && peer.directory >= 0);
	assert_int_equal(peer_read_guest(&peer, &error), 0);
	assert_string_equal(peer.guest, "web1");
	assert_int_equal(peer_read_cgroup(&peer, &error), 0);
	assert_string_equal(peer.cgroup.path, EMULATOR);
	assert_false(error_is_set(&error));
	peer_close(&peer);
}

static void one_that_cannot_be_held_leaves_nothing_open(void **state)
{
	static const char *const starts[] = {"", "471", "47111", "x", "04711"};
	struct error error = {0};
	struct peer peer;

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(starts); i++) {
		assert_int_equal(peer_hold(&peer, guest, starts[i], &roots, &error), -ESRCH);
		peer_close(&peer);
	}
	assert_int_equal(remove_tree(path_of("world/proc/%d", (int)guest)), 0);
	assert_int_equal(peer_hold(&peer, guest, STARTED, &roots, &error), -ENOENT);
	peer_close(&peer);
	make_guest(guest);
	kill(guest, SIGKILL);
	assert_int_equal(waitpid(guest, NULL, 0), guest);
	assert_int_equal(peer_hold(&peer, guest, STARTED, &roots, &error), -ESRCH);
	peer_close(&peer);
	guest = 0;
	assert_int_equal(peer_hold(&peer, INT_MAX, STARTED, &roots, &error), -ESRCH);
	peer_close(&peer);
}

/* Here, and not in a process that ends: the sanitizers see what is left of it. */
static void a_request_leaves_nothing_open_or_allocated(void **state)
{
	static const struct {
		void (*lie)(const char *argument);
		const char *argument;
		bool placed;
	} cases[] = {
	    {make_policy, "web1 - cpus=%u\n", true},
	    {make_policy, "db1 - cpus=%u\n", false},
	    {lie_command_line, "", false},
	    {lie_cgroup, "0::/user.slice\n", true},
	    {lie_stat, "", false},
	    {make_room, "\n", false},
	};
	char message[AGENT_REQUEST_MAX];
	char reply[AGENT_REPLY_MAX];
	int log = open(LOG, O_WRONLY | O_APPEND | O_CLOEXEC);
	int stderr_before = dup(STDERR_FILENO);
	int pair[2];

	(void)state;
	assert_true(log >= 0 && stderr_before >= 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	snprintf(message, sizeof(message), AGENT_APPLY "%d " STARTED, (int)guest);
	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		unsigned int open_before;
		bool placed;

		make_running();
		cases[i].lie(cases[i].argument);
		assert_true(dup2(log, STDERR_FILENO) >= 0);
		open_before = descriptors_of(getpid());
		placed = request_serve(pair[1], message, strlen(message), &roots, -1, false, reply);
		assert_true(dup2(stderr_before, STDERR_FILENO) >= 0);
		assert_int_equal(placed, cases[i].placed);
		assert_int_equal(descriptors_of(getpid()), open_before);
	}
	close(pair[0]);
	close(pair[1]);
	close(log);
	close(stderr_before);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
	static const struct CMUnitTest tests[] = {
	    TEST(a_guest_that_runs_is_moved),
	    TEST(the_tools_side_and_the_agents_understand_each_other),
	    TEST(only_one_that_is_named_is_moved),
	    TEST(under_v1_all_its_cgroups_are_moved),
	    TEST(another_user_may_name_no_guest),
	    TEST(a_guest_may_name_no_guest),
	    TEST(what_cannot_be_applied_is_refused),
	    TEST(a_process_that_is_not_that_one_is_refused),
	    TEST(the_priority_comes_to_all_threads),
	    TEST(a_guest_that_was_started_by_hand_is_moved_by_its_affinity),
	    TEST(a_guest_whose_cgroup_is_not_known_is_not_taken_for_that),
	    TEST(its_interrupts_are_moved_and_go_back),
	    TEST(a_guest_of_another_user_started_by_hand_gets_nothing),
	    TEST(one_that_is_named_is_held),
	    TEST(one_that_cannot_be_held_leaves_nothing_open),
	    TEST(a_request_leaves_nothing_open_or_allocated),
	};

	return RUN_TESTS(tests);
}
