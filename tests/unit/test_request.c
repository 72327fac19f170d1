#include "guest_world.h"
#include "request.h"

#include <sys/resource.h>

#define V1_GUEST "/machine/qemu-1-web1.libvirt-qemu"

enum { OTHER_USER = 12345 };

static int held = -1; /* a descriptor that a lie needs */
static pid_t guest;   /* a process that asks and stays */

static void let_go(void)
{
	if (held >= 0)
		close(held);
	held = -1;
}

static int stop(void **state)
{
	let_go();
	if (guest > 0) {
		kill(guest, SIGKILL);
		waitpid(guest, NULL, 0);
	}
	guest = 0;
	return stop_server(state);
}

static void a_guest_is_placed_as_its_rule_says(void **state)
{
	char expected[256];

	(void)state;
	assert_string_equal(ask(), placed_reply());
	check_placed();
	snprintf(expected, sizeof(expected),
		 "agent: placed guest 'web1' (pid %d): rule " POLICY ":1, cpus %u\n", (int)getpid(),
		 cpu);
	assert_string_equal(logged(), expected);
	/* Once more, on a host where it is so already. */
	assert_string_equal(ask(), placed_reply());
	assert_int_equal(lines_logged(), 2);
}

static void a_guest_under_v1_is_placed_too(void **state)
{
	char list[16];

	(void)state;
	snprintf(list, sizeof(list), "%u\n", cpu);
	make_file("world/proc/self/mountinfo",
		  "34 31 0:31 / world/cgroup rw,relatime - cgroup cgroup rw,cpuset\n");
	make_file("world/cgroup" V1_GUEST "/cpuset.cpus", list);
	make_file("world/cgroup" V1_GUEST "/emulator/cpuset.cpus", list);
	make_file("world/cgroup" V1_GUEST "/vcpu0/cpuset.cpus", list);
	make_file(proc_path(getpid(), "cgroup"),
		  "4:memory:" V1_GUEST "\n3:cpuset:" V1_GUEST "/emulator\n0::/\n");
	forget_changes();
	assert_string_equal(ask(), placed_reply());
	changes();
	assert_non_null(strstr(changed, V1_GUEST "/cpuset.cpus "));
	assert_non_null(strstr(changed, V1_GUEST "/emulator/cpuset.cpus "));
	assert_int_equal(strlen(changed),
			 strlen(V1_GUEST "/cpuset.cpus " V1_GUEST "/emulator/cpuset.cpus "));
}

static void the_shims_side_and_the_agents_understand_each_other(void **state)
{
	struct error note = {0};
	struct error error = {0};
	struct id_set cpus = {0};

	(void)state;
	assert_int_equal(agent_place(SOCKET, &cpus, &note, &error), 0);
	assert_true(id_set_has(&cpus, cpu));
	assert_int_equal(id_set_count(&cpus), 1);
	make_policy("# nothing\n");
	assert_int_equal(agent_place(SOCKET, &cpus, &note, &error), -EPERM);
	assert_non_null(strstr(error.text, "no rule of the agent's policy"));
}

/* What a client may have made to be taken for the shim of a guest. */

static void lie_command_line(const char *name_option)
{
	static char text[8192];

	make_bytes(proc_path(getpid(), "cmdline"), text,
		   command_line(text, sizeof(text), name_option));
}

static void lie_raw_command_line(const char *text)
{
	make_file(proc_path(getpid(), "cmdline"), text);
}

static void lie_huge_command_line(const char *size)
{
	assert_int_equal(truncate(proc_path(getpid(), "cmdline"), atol(size)), 0);
}

static void lie_cgroup(const char *text)
{
	make_file(proc_path(getpid(), "cgroup"), text);
}

static void lie_no_file(const char *name)
{
	assert_int_equal(unlink(proc_path(getpid(), name)), 0);
}

static void lie_executable(const char *path)
{
	make_link(path, proc_path(getpid(), "exe"));
}

static void lie_script(const char *text)
{
	make_file(SHIM, text);
}

static void lie_executable_mode(const char *mode)
{
	assert_int_equal(chmod(SHIM, (mode_t)strtoul(mode, NULL, 8)), 0);
}

static void lie_executable_directory_mode(const char *mode)
{
	assert_int_equal(chmod(LIBEXEC, (mode_t)strtoul(mode, NULL, 8)), 0);
}

/* Where it was started from is now a link, to one in a directory that is anybody's. */
static void lie_executable_elsewhere(const char *mode)
{
	make_shim("world/anybody/qemu-kvm");
	assert_int_equal(chmod("world/anybody", (mode_t)strtoul(mode, NULL, 8)), 0);
	make_link("../anybody/qemu-kvm", SHIM);
}

static void lie_executable_by_links(const char *name)
{
	assert_int_equal(rename(SHIM, LIBEXEC "/moved"), 0);
	make_link("moved", LIBEXEC "/link");
	make_link("link", SHIM);
	(void)name;
}

/* It runs what is no longer there; the kernel adds a word to the name (proc_pid_exe(5)). */
static void lie_executable_deleted(const char *replacement)
{
	char path[64];

	let_go();
	held = open(SHIM, O_RDONLY | O_CLOEXEC);
	assert_true(held >= 0);
	snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)getpid(), held);
	make_link(path, proc_path(getpid(), "exe"));
	assert_int_equal(unlink(SHIM), 0);
	if (*replacement != '\0')
		make_shim(replacement);
}

/* The agent is in one, too; the kernel has all of them as files of one file system. */
static void lie_user_namespace(const char *its)
{
	make_file("world/proc/self/ns/user", "");
	if (*its != '\0')
		make_file(proc_path(getpid(), "ns/user"), its);
}

static void lie_no_policy(const char *path)
{
	assert_int_equal(unlink(path), 0);
}

static void lie_policy_mode(const char *mode)
{
	assert_int_equal(chmod(POLICY, (mode_t)strtoul(mode, NULL, 8)), 0);
}

static void lie_policy_directory_mode(const char *mode)
{
	assert_int_equal(chmod("world/policy", (mode_t)strtoul(mode, NULL, 8)), 0);
}

static void whoever_lies_or_has_no_rule_is_refused(void **state)
{
	static const struct {
		void (*lie)(const char *argument);
		const char *argument;
		const char *reason; /* what the answer holds */
	} cases[] = {
	    /* no shim, or one that may be anybody's work */
	    {lie_executable, "/bin/sh", "is no qemu-kvm-shim"},
	    {lie_script, "#!/bin/sh\nexec qemu-kvm-shim\n", "is no qemu-kvm-shim"},
	    {lie_script, "", "is no qemu-kvm-shim"},
	    {lie_executable, "/dev/null", "is no qemu-kvm-shim"},
	    {lie_executable, "/", "is no qemu-kvm-shim"},
	    {make_fifo, SHIM, "is no qemu-kvm-shim"},
	    {lie_executable, "/no/such/file", "executable cannot be read"},
	    {lie_no_file, "exe", "executable cannot be read"},
	    {lie_executable_mode, "0775", "may be written by others"},
	    {lie_executable_mode, "0757", "may be written by others"},
	    {lie_executable_directory_mode, "0775", "may be written by others"},
	    {lie_executable_directory_mode, "0757", "may be written by others"},
	    {lie_executable_directory_mode, "01777", "may be written by others"},
	    {lie_executable_elsewhere, "0777", "may be written by others"},
	    {lie_executable_by_links, "", "a link to a link"},
	    {lie_executable_deleted, "", "is not there (any more)"},
	    {lie_executable_deleted, SHIM, "is not there (any more)"},
	    {lie_executable_deleted, SHIM " (deleted)", "is no longer"},
	    {lie_user_namespace, "another", "it is in a user namespace of its own"},
	    {lie_user_namespace, "", "its user namespace cannot be read"},
	    /* no guest, or another */
	    {lie_command_line, "guest=db1", "is another guest's"},
	    {lie_command_line, "guest=web10", "is another guest's"},
	    {lie_command_line, "guest=web", "is another guest's"},
	    {lie_command_line, "web1,guest=db1", "is another guest's"},
	    {lie_command_line, "", "names no guest"},
	    {lie_command_line, "process=web1", "names no guest"},
	    {lie_raw_command_line, "/usr/libexec/qemu-kvm -name guest=web1", "names no guest"},
	    {lie_raw_command_line, "", "it has none"},
	    {lie_no_file, "cmdline", "command line cannot be read"},
	    {lie_huge_command_line, "100000000", "command line cannot be read"},
	    /* not where libvirt has that guest's emulator */
	    {lie_cgroup, "0::" OTHER_SCOPE "/libvirt/emulator\n", "is another guest's"},
	    {lie_cgroup, "0::" SCOPE "/libvirt/vcpu0\n", "no emulator's"},
	    {lie_cgroup, "0::" SCOPE "/libvirt\n", "no emulator's"},
	    {lie_cgroup, "0::" SCOPE "/../x/emulator\n", "no emulator's"},
	    {lie_cgroup, "0::/\n", "no emulator's"},
	    {lie_cgroup, "0::/user.slice/emulator\n", "no libvirt guest's"},
	    {lie_cgroup, "0::/user.slice/machine-qemu\\x2d1\\x2dweb1.scope/libvirt/emulator\n",
	     "cannot be opened"},
	    {lie_cgroup, "3:cpuset:" EMULATOR "\n", "cannot be opened"},
	    {lie_cgroup, "1:name=systemd:/x\n", "cgroup cannot be read"},
	    {lie_cgroup, "rubbish\n", "cgroup cannot be read"},
	    {lie_no_file, "cgroup", "cgroup cannot be read"},
	    /* no rule that places it */
	    {make_policy, "db1 - cpus=%u\n", "no rule of the agent's policy"},
	    {make_policy, "", "no rule of the agent's policy"},
	    {lie_no_policy, POLICY, "no rule of the agent's policy"},
	    {make_policy, "# %u\nweb1 - mem=local\n",
	     "the rule asks for nothing that is for the agent"},
	    {make_policy, "web1 - env=A=%u\n", "the rule asks for nothing that is for the agent"},
	    {make_policy, "web1 1023\n", "node 1023 of '1023' does not exist"},
	    {make_policy, "web1 1023 best-effort\n", "node 1023 of '1023' does not exist"},
	    {make_policy, "web1 - cpus=8191\n", "8191"},
	    {make_policy, "web1 - nonsense\n", "unknown option 'nonsense'"},
	    {make_policy, "web1 auto\n", "auto"},
	    {lie_policy_mode, "0664", "may be written by others"},
	    {lie_policy_mode, "0646", "may be written by others"},
	    {lie_policy_directory_mode, "0775", "may be written by others"},
	    /* not to be had on this host, or for this guest */
	    {make_room, "\n", "are not all among those that the guest's cgroup may have"},
	    {make_room, "8191\n", "are not all among those that the guest's cgroup may have"},
	    {make_pins, "<vcpupin vcpu='0' cpuset='8191'/>", "the guest's XML pins"},
	    {make_pins, "<", "state/web1.xml, is not understood ("},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		char expected[256];
		const char *reply;

		make_world();
		/* Of too many refusals in a row not all are logged. */
		if (i % SERVER_REFUSALS_TOLD == 0)
			restart_server();
		cases[i].lie(cases[i].argument);
		reply = ask();
		if (strncmp(reply, AGENT_REFUSED, strlen(AGENT_REFUSED)) != 0 ||
		    strstr(reply, cases[i].reason) == NULL)
			fail_msg("case %zu (%s): %s", i, cases[i].argument, reply);
		if (*changes() != '\0')
			fail_msg("case %zu (%s): %s", i, cases[i].argument, changed);
		/* One line in the log, with the same reason. */
		assert_int_equal(lines_logged(), 1);
		assert_memory_equal(logged(), "agent: refused ", strlen("agent: refused "));
		assert_non_null(strstr(logged(), reply + strlen(AGENT_REFUSED)));
		snprintf(expected, sizeof(expected), "pid %d", (int)getpid());
		assert_non_null(strstr(logged(), expected));
	}
	make_world();
	assert_string_equal(ask(), placed_reply());
}

static void a_guest_in_the_agents_user_namespace_is_placed(void **state)
{
	(void)state;
	lie_user_namespace("");
	assert_int_equal(mkdir(proc_path(getpid(), "ns"), 0755), 0);
	assert_int_equal(link("world/proc/self/ns/user", proc_path(getpid(), "ns/user")), 0);
	assert_string_equal(ask(), placed_reply());
}

/* Root can give it away; for another user an agent that trusts somebody else is started. */
static void a_shim_of_another_user_is_refused(void **state)
{
	char expected[64];
	uid_t owner = geteuid() == 0 ? OTHER_USER : geteuid();

	(void)state;
	assert_int_equal(chown(SHIM, owner, (gid_t)-1), 0);
	if (geteuid() != 0) {
		roots.owner = owner + 1;
		restart_server();
	}
	snprintf(expected, sizeof(expected), "belongs to uid %u", owner);
	assert_non_null(strstr(ask(), expected));
	assert_string_equal(changes(), "");
	assert_int_equal(lines_logged(), 1);
}

static void the_refusal_of_a_guest_is_logged_with_all_that_is_known(void **state)
{
	char expected[256];

	(void)state;
	make_policy("db1 - cpus=%u\n");
	ask();
	snprintf(expected, sizeof(expected),
		 "agent: refused guest 'web1' (pid %d, uid %u): no rule of the agent's policy",
		 (int)getpid(), geteuid());
	assert_memory_equal(logged(), expected, strlen(expected));
	assert_int_equal(lines_logged(), 1);
	/* Where the rule is, is not the client's to know. */
	make_policy("# %u\nweb1 - mem=local\n");
	assert_null(strstr(ask(), POLICY));
	assert_non_null(
	    strstr(logged(), "rule " POLICY ":2: the rule asks for nothing that is for the agent"));
	assert_int_equal(lines_logged(), 2);
}

static void a_policy_that_changes_counts_from_the_next_request_on(void **state)
{
	(void)state;
	assert_string_equal(ask(), placed_reply());
	make_policy("db1 - cpus=%u\n");
	assert_non_null(strstr(ask(), "no rule"));
	make_policy("# one\n\nweb* - cpus=%u\n");
	assert_string_equal(ask(), placed_reply());
	assert_non_null(strstr(logged(), POLICY ":3, "));
	assert_int_equal(chmod(POLICY, 0666), 0);
	assert_non_null(strstr(ask(), "may be written by others"));
	assert_int_equal(chmod(POLICY, 0644), 0);
	assert_string_equal(ask(), placed_reply());
	assert_int_equal(lines_logged(), 5);
}

/* libvirt leaves out of the cgroup's name what must not get into the log. */
static void names_with_control_characters_do_not_reach_the_log_raw(void **state)
{
	static const struct {
		const char *name;
		const char *machine;
		const char *in_log;
	} cases[] = {
	    {"web1\nagent: placed guest 'db1'", "web1agentplacedguestdb1",
	     "web1\\x0aagent: placed guest 'db1'"},
	    {"web1\033[31m", "web131m", "web1\\x1b[31m"},
	    {"web1\r\t\a", "web1", "web1\\x0d\\x09\\x07"},
	    {"web1\xff\xc2\x80", "web1", "web1\\xff\\xc2\\x80"},
	    {"web1%s%n", "web1sn", "web1%s%n"},
	    {"web1\xc3\xbc", "web1", "web1\xc3\xbc"},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		char scope[256];
		char text[512];
		char expected[512];

		make_world();
		snprintf(scope, sizeof(scope), SLICE "/machine-qemu\\x2d3\\x2d%s.scope",
			 cases[i].machine);
		make_scope(scope);
		snprintf(text, sizeof(text), "0::%s/libvirt/emulator\n", scope);
		lie_cgroup(text);
		lie_command_line(cases[i].name);
		for (int placed = 0; placed < 2; placed++) {
			make_policy(placed != 0 ? "web* - cpus=%u\n" : "db* - cpus=%u\n");
			assert_int_equal(truncate(LOG, 0), 0);
			assert_int_equal(
			    strncmp(ask(), placed != 0 ? AGENT_PLACED : AGENT_REFUSED,
				    strlen(placed != 0 ? AGENT_PLACED : AGENT_REFUSED)),
			    0);
			snprintf(expected, sizeof(expected), "agent: %s guest '%s' (pid ",
				 placed != 0 ? "placed" : "refused", cases[i].in_log);
			if (strncmp(logged(), expected, strlen(expected)) != 0 ||
			    lines_logged() != 1)
				fail_msg("case %zu: %s", i, logged());
		}
		/* The same in a reason, which is logged and answered. */
		lie_cgroup("0::" OTHER_SCOPE "/libvirt/emulator\n");
		assert_int_equal(truncate(LOG, 0), 0);
		assert_non_null(strstr(ask(), cases[i].in_log));
		assert_int_equal(lines_logged(), 1);
	}
}

static void a_name_of_any_length_is_one_line_in_the_log(void **state)
{
	static char name[6000];

	(void)state;
	memset(name, '\n', sizeof(name) - 1);
	memcpy(name, "guest=", strlen("guest="));
	lie_command_line(name);
	assert_int_equal(strncmp(ask(), AGENT_REFUSED, strlen(AGENT_REFUSED)), 0);
	assert_int_equal(lines_logged(), 1);
	assert_true(strlen(logged()) < 5000);
}

static void what_is_not_the_request_to_the_byte_is_refused(void **state)
{
#define MESSAGE(text) text, sizeof(text) - 1
	static char large[100000];
	static const struct {
		const char *message;
		size_t length;
		const char *reason;
	} cases[] = {
	    {MESSAGE("guest-pinning 1 pl"), "is no request"},
	    {MESSAGE("guest-pinning 1 place\0"), "is no request"},
	    {MESSAGE("guest-pinning 1 place\n"), "is no request"},
	    {MESSAGE("guest-pinning 1 place "), "is no request"},
	    {MESSAGE("guest-pinning 1 place web1"), "is no request"},
	    {MESSAGE("guest-pinning 2 place"), "is no request"},
	    {MESSAGE("guest-pinning 1 Place"), "is no request"},
	    {MESSAGE("guest-pinning 1 placeguest-pinning 1 place"), "is no request"},
	    {MESSAGE("guest-pinning "), "a message of 14 bytes is no request"},
	    {MESSAGE("g"), "a message of 1 bytes is no request"},
	    {MESSAGE("\0"), "a message of 1 bytes is no request"},
	    {MESSAGE("\n"), "a message of 1 bytes is no request"},
	    {MESSAGE("\033[31mplace"), "a message of 10 bytes is no request"},
	    {MESSAGE(" guest-pinning 1 place"), "a message of 22 bytes is no request"},
	    {large, sizeof(large), "a message of 100000 bytes is no request"},
	    {large, AGENT_REQUEST_MAX, "a message of 64 bytes is no request"},
	    {large, AGENT_REQUEST_MAX + 1, "a message of 65 bytes is no request"},
	    {large, sizeof(AGENT_REQUEST) - 1, "is no request"},
	};

	(void)state;
	memset(large, 'x', sizeof(large));
	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		const char *reply;

		assert_int_equal(truncate(LOG, 0), 0);
		reply = ask_with(cases[i].message, cases[i].length);
		if (strncmp(reply, AGENT_REFUSED, strlen(AGENT_REFUSED)) != 0 ||
		    strstr(reply, cases[i].reason) == NULL)
			fail_msg("case %zu: %s", i, reply);
		assert_int_equal(lines_logged(), 1);
	}
	/* One that begins as the request does, and is longer than what is read. */
	memcpy(large, AGENT_REQUEST, strlen(AGENT_REQUEST));
	assert_non_null(strstr(ask_with(large, sizeof(large)), "refused"));
	assert_string_equal(changes(), "");
	assert_string_equal(ask(), placed_reply());
}

/* One that the agent does not find in /proc at all. */
static void one_that_is_not_seen_is_refused(void **state)
{
	char path[64];

	(void)state;
	snprintf(path, sizeof(path), "world/proc/%d", (int)getpid());
	assert_int_equal(rename(path, "world/proc/moved"), 0);
	assert_int_equal(strncmp(ask(), AGENT_REFUSED, strlen(AGENT_REFUSED)), 0);
	assert_string_equal(changes(), "");
	assert_int_equal(rename("world/proc/moved", path), 0);
	assert_string_equal(ask(), placed_reply());
}

/* --- interrupts and priority --- */

static void interrupts_are_where_they_should_be_when_the_answer_comes(void **state)
{
	char expected[256];

	(void)state;
	make_interrupts("web1 - cpus=%u irq=eth0 isolate\n");
	assert_string_equal(ask(), placed_reply());
	check_placed();
	assert_string_equal(affinity(24), guests_cpu());
	assert_string_equal(affinity(25), guests_cpu());
	assert_string_equal(affinity(9), "8000");
	assert_string_equal(affinity(27), "8000");
	snprintf(expected, sizeof(expected),
		 "agent: placed guest 'web1' (pid %d): rule " POLICY
		 ":1, cpus %u, irq=eth0, isolate\n",
		 (int)getpid(), cpu);
	assert_string_equal(logged(), expected);
}

static void interrupts_go_back_when_the_guest_ends(void **state)
{
	const char *reply;

	(void)state;
	make_interrupts("web1 - cpus=%u irq=eth0 isolate\n");
	guest = start_guest(&reply);
	assert_string_equal(reply, placed_reply());
	assert_string_equal(affinity(24), guests_cpu());
	assert_int_equal(access("world/agent/interrupts.json", F_OK), 0);
	end_guest(guest);
	guest = 0;
	for (unsigned int number = 24; number < 28; number += number == 25 ? 2 : 1)
		wait_for_affinity(number, own);
	wait_for_affinity(9, own);
	wait_for_no_state();
	assert_int_equal(lines_logged(), 1);
}

/* However often it asks, a guest has one place in the watch. */
static void a_guest_that_asks_again_is_one_guest(void **state)
{
	char text[16384];
	const char *name;

	(void)state;
	make_interrupts("web1 - cpus=%u irq=eth0\n");
	for (int i = 0; i < 3; i++)
		assert_string_equal(ask(), placed_reply());
	assert_true(file_read(AT_FDCWD, "world/agent/interrupts.json", text, sizeof(text)) > 0);
	name = strstr(text, "\"name\": \"web1\"");
	assert_non_null(name);
	assert_null(strstr(name + 1, "\"name\""));
	assert_string_equal(affinity(24), guests_cpu());
}

/* Only interrupts: then there are no CPUs to tell of. */
static void a_rule_may_be_of_interrupts_alone(void **state)
{
	(void)state;
	make_interrupts("web1 - irq=eth0@%u\n");
	assert_string_equal(ask(), AGENT_PLACED "-");
	assert_string_equal(changes(), "");
	assert_string_equal(affinity(24), guests_cpu());
	assert_string_equal(affinity(9), own);
	assert_null(strstr(logged(), ", cpus"));
	assert_non_null(strstr(logged(), POLICY ":1, irq=eth0@"));
}

static void what_is_not_had_is_in_the_answer_and_in_the_log(void **state)
{
	char expected[256];

	(void)state;
	make_interrupts("web1 - cpus=%u irq=eth2 irq=eth0\n");
	make_pci_device("0000:00:06.0", "e1000e", "eth2");
	snprintf(expected, sizeof(expected), "%s; 'eth2' has no interrupts yet", placed_reply());
	assert_string_equal(ask(), expected);
	check_placed();
	assert_string_equal(affinity(24), guests_cpu());
	assert_int_equal(lines_logged(), 2);
	assert_non_null(strstr(logged(), "\nagent: guest 'web1': rule " POLICY
					 ":1: 'eth2' has no interrupts yet\n"));
}

static void the_note_comes_to_the_shim(void **state)
{
	struct error note = {0};
	struct error error = {0};
	struct id_set cpus = {0};

	(void)state;
	make_interrupts("web1 - irq=eth2@%u\n");
	make_pci_device("0000:00:06.0", "e1000e", "eth2");
	assert_int_equal(agent_place(SOCKET, &cpus, &note, &error), 0);
	assert_true(id_set_is_empty(&cpus));
	assert_string_equal(note.text, "'eth2' has no interrupts yet");
}

/* What libvirt has written down of web1, which has one device of the host's. */
static void give_device(void)
{
	make_file("world/state/web1.xml",
		  "<domstatus><domain><devices><hostdev mode='subsystem' type='pci'><source>"
		  "<address domain='0x0000' bus='0x00' slot='0x05' function='0x0'/>"
		  "</source></hostdev></devices></domain></domstatus>");
}

/* The devices of a guest are those of its command line, as far as libvirt says so, too. */
static void the_interrupts_of_assigned_devices_are_moved(void **state)
{
	static const char line[] = "qemu-kvm\0-name\0guest=web1\0-device\0vfio-pci,host=00:05.0";

	(void)state;
	make_interrupts("web1 - cpus=%u irq=vfio\n");
	make_bytes(proc_path(getpid(), "cmdline"), line, sizeof(line));
	assert_non_null(strstr(ask(), "; '0000:00:05.0' of its command line is none of the "
				      "devices that libvirt gives it, and is left alone"));
	assert_string_equal(affinity(27), own);
	assert_non_null(strstr(logged(), "'0000:00:05.0' of its command line is none of the "
					 "devices that libvirt gives it, and is left alone"));
	make_file("world/state/web1.xml", "<domstatus>");
	make_interrupts("web1 - nice=0 irq=vfio@%u\n"); /* for which no pin is looked up */
	assert_non_null(strstr(ask(), "state/web1.xml, is not understood ("));
	assert_string_equal(affinity(27), own);
	make_interrupts("web1 - cpus=%u irq=vfio\n");
	give_device();
	assert_string_equal(ask(), placed_reply());
	assert_string_equal(affinity(27), guests_cpu());
	assert_string_equal(affinity(24), own);
	assert_string_equal(affinity(9), own);
}

static void interrupts_of_assigned_devices_do_not_keep_off_their_guest(void **state)
{
	static const char line[] = "qemu-kvm\0-name\0guest=web1\0-device\0vfio-pci,host=00:05.0";

	(void)state;
	make_interrupts("web1 - cpus=%u isolate\n");
	make_bytes(proc_path(getpid(), "cmdline"), line, sizeof(line));
	give_device();
	assert_string_equal(ask(), placed_reply());
	assert_string_equal(affinity(27), own);
	assert_string_equal(affinity(24), "8000");
}

static void what_cannot_be_had_of_interrupts_is_refused(void **state)
{
	static const char line[] = "qemu-kvm\0-name\0guest=web1\0-device\0vfio-pci,host=x";
	static const struct {
		const char *rule;
		const char *reason;
	} cases[] = {
	    {"web1 - cpus=%u irq=eth9\n", "irq=eth9: this host has no network interface"},
	    {"web1 - cpus=%u irq=00:09.0\n", "irq=00:09.0: this host has no network interface"},
	    {"web1 - cpus=%u irq=lo\n", "irq=lo: 'lo' has no interrupts"},
	    {"web1 - cpus=%u irq=eth0@8191\n", "irq=eth0@8191: "},
	    {"web1 - cpus=%u irq=vfio\n", "the device 'x' that is assigned"},
	    {"web1 - cpus=%u isolate\n", "the device 'x' that is assigned"},
	    {"web1 - cpus=%u irq=../eth0\n", "it takes DEV or DEV@CPUS"},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		const char *reply;

		make_world();
		make_interrupts(cases[i].rule);
		make_path_link("../../devices/virtual/net/lo", "world/sys/class/net/lo");
		make_line("world/sys/devices/virtual/net/lo/ifindex", "1");
		make_bytes(proc_path(getpid(), "cmdline"), line, sizeof(line));
		reply = ask();
		if (strncmp(reply, AGENT_REFUSED, strlen(AGENT_REFUSED)) != 0 ||
		    strstr(reply, cases[i].reason) == NULL)
			fail_msg("%s: %s", cases[i].rule, reply);
		assert_string_equal(changes(), "");
		assert_string_equal(affinity(24), own);
		assert_string_equal(affinity(9), own);
		assert_int_equal(lines_logged(), 1);
	}
}

static void a_host_that_lists_no_interrupts_refuses(void **state)
{
	const char *reply;

	(void)state;
	make_pci_device("0000:00:03.0", "virtio-pci", "eth0");
	make_policy("web1 - cpus=%u irq=eth0\n");
	reply = ask();
	assert_memory_equal(reply, AGENT_REFUSED, strlen(AGENT_REFUSED));
	assert_non_null(strstr(reply, "this kernel does not list its interrupts"));
	assert_string_equal(changes(), "");
	assert_int_equal(lines_logged(), 1);
	/* With them it is had, without another agent. */
	make_interrupts("web1 - cpus=%u irq=eth0\n");
	assert_string_equal(ask(), placed_reply());
	assert_string_equal(affinity(24), guests_cpu());
}

static void what_cannot_be_written_down_is_refused(void **state)
{
	(void)state;
	make_interrupts("web1 - cpus=%u irq=eth0\n");
	assert_int_equal(rmdir("world/agent"), 0);
	assert_memory_equal(ask(), AGENT_REFUSED, strlen(AGENT_REFUSED));
	assert_string_equal(changes(), "");
	assert_string_equal(affinity(24), own);
}

/* What can be taken back is done first. */
static void interrupts_go_back_when_the_rest_is_refused(void **state)
{
	(void)state;
	make_interrupts("web1 - cpus=%u irq=eth0 isolate\n");
	make_room("8191\n");
	assert_non_null(strstr(ask(), "are not all among those that the guest's cgroup may have"));
	assert_string_equal(changes(), "");
	wait_for_affinity(24, own);
	wait_for_affinity(25, own);
	wait_for_affinity(9, own);
	wait_for_no_state();
	assert_int_equal(lines_logged(), 1);
}

static void whoever_does_it_by_hand_gets_interrupts(void **state)
{
	char expected[256];

	(void)state;
	make_interrupts("web1 - cpus=%u irq=eth0 isolate\n");
	lie_cgroup("0::/user.slice/session-1.scope\n");
	assert_string_equal(ask(), AGENT_PLACED "-");
	assert_string_equal(changes(), "");
	assert_string_equal(affinity(24), guests_cpu());
	assert_string_equal(affinity(9), "8000");
	snprintf(expected, sizeof(expected),
		 "agent: placed guest 'web1' (pid %d): rule " POLICY ":1, irq=eth0, isolate\n",
		 (int)getpid());
	assert_string_equal(logged(), expected);
}

/* For it can do that itself. */
static void whoever_does_it_by_hand_gets_nothing_else(void **state)
{
	static const char *const rules[] = {
	    "web1 - cpus=%u\n",         "web1 - cpus=%u nice=1\n", "web1 - sched=batch\n",
	    "db1 - cpus=%u irq=eth0\n", "# %u nothing\n",
	};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(rules); i++) {
		const char *reply;

		make_world();
		make_interrupts(rules[i]);
		lie_cgroup("0::/user.slice/session-1.scope\n");
		reply = ask();
		if (strncmp(reply, AGENT_REFUSED, strlen(AGENT_REFUSED)) != 0 ||
		    strstr(reply, "/user.slice/session-1.scope") == NULL)
			fail_msg("%s: %s", rules[i], reply);
		assert_string_equal(changes(), "");
		assert_string_equal(affinity(24), own);
	}
}

/* Nor does anybody but root and the agent's owner get interrupts by hand. */
static void another_user_gets_nothing_by_hand(void **state)
{
	const char *reply;

	(void)state;
	if (geteuid() != 0) { /* then it is the agent that is another's */
		roots.owner = geteuid() + 1;
		restart_server();
	}
	make_interrupts("web1 - cpus=%u irq=eth0 isolate\n");
	reply = reply_as(geteuid() == 0 ? OTHER_USER : geteuid(), guest_life);
	assert_memory_equal(reply, AGENT_REFUSED, strlen(AGENT_REFUSED));
	assert_non_null(strstr(reply, "/user.slice/session-1.scope"));
	assert_string_equal(affinity(24), own);
	assert_string_equal(affinity(9), own);
	assert_int_equal(lines_logged(), 1);
}

static void a_guest_is_given_its_priority(void **state)
{
	int nice = getpriority(PRIO_PROCESS, 0) < 19 ? getpriority(PRIO_PROCESS, 0) + 1 : 19;
	const char *reply;
	char expected[256];
	char rule[64];

	(void)state;
	for (int with_cpus = 0; with_cpus < 2; with_cpus++) {
		make_world();
		snprintf(rule, sizeof(rule), "web1 - sched=batch nice=%d%s\n", nice,
			 with_cpus != 0 ? " cpus=%u" : "");
		make_policy(rule);
		guest = start_guest(&reply);
		assert_string_equal(reply, with_cpus != 0 ? placed_reply() : AGENT_PLACED "-");
		assert_int_equal(sched_getscheduler(guest), SCHED_BATCH);
		assert_int_equal(getpriority(PRIO_PROCESS, (id_t)guest), nice);
		assert_int_equal(*changes() != '\0', with_cpus);
		snprintf(expected, sizeof(expected), ", nice=%d, sched=batch\n", nice);
		assert_non_null(strstr(logged(), expected));
		assert_int_equal(strstr(logged(), ", cpus ") != NULL, with_cpus);
		assert_int_equal(lines_logged(), 1);
		end_guest(guest);
		guest = 0;
	}
}

/* Where the agent itself may not, it says so. */
static void a_priority_takes_the_agents_privilege(void **state)
{
	const char *reply;

	(void)state;
	make_interrupts("web1 - irq=eth0@%u nice=-20\n");
	guest = start_guest(&reply);
	if (strncmp(reply, AGENT_REFUSED, strlen(AGENT_REFUSED)) == 0) {
		assert_non_null(strstr(reply, "nice= is refused: it takes CAP_SYS_NICE"));
		wait_for_affinity(24, own);
	} else {
		assert_string_equal(reply, AGENT_PLACED "-");
		assert_int_equal(getpriority(PRIO_PROCESS, (id_t)guest), -20);
		assert_string_equal(affinity(24), guests_cpu());
	}
}

/* Of a request that is served here, without a watcher. */
static void lie_interrupts(const char *rule)
{
	make_interrupts(rule);
}

/* Here, and not in a process that ends: the sanitizers see what is left of it. */
static void a_request_leaves_nothing_open_or_allocated(void **state)
{
	static const struct {
		void (*lie)(const char *argument);
		const char *argument;
	} cases[] = {
	    {make_policy, "web1 - cpus=%u\n"},
	    {make_policy, "db1 - cpus=%u\n"},
	    {make_policy, "web1 - nonsense\n"},
	    {make_policy, "web1 1023\n"},
	    {lie_command_line, "guest=db1"},
	    {lie_command_line, ""},
	    {lie_executable_mode, "0777"},
	    {lie_cgroup, "rubbish"},
	    {make_room, "\n"},
	    {make_pins, "<vcpupin vcpu='0' cpuset='8191'/>"},
	    {lie_interrupts, "web1 - cpus=%u irq=eth0 isolate\n"},
	    {lie_interrupts, "web1 - cpus=%u irq=eth9\n"},
	};
	char reply[AGENT_REPLY_MAX];
	struct id_set before_all = {0};
	int log = open(LOG, O_WRONLY | O_APPEND | O_CLOEXEC);
	int stderr_before = dup(STDERR_FILENO);
	int pair[2];

	(void)state;
	assert_true(log >= 0 && stderr_before >= 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	assert_true(sched_getaffinity(0, sizeof(before_all.word), (cpu_set_t *)before_all.word) >=
		    0);
	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		unsigned int before;
		bool placed;

		make_world();
		cases[i].lie(cases[i].argument);
		assert_true(dup2(log, STDERR_FILENO) >= 0);
		before = descriptors_of(getpid());
		placed = request_serve(pair[1], AGENT_REQUEST, strlen(AGENT_REQUEST), &roots, -1,
				       false, reply);
		assert_true(dup2(stderr_before, STDERR_FILENO) >= 0);
		assert_int_equal(placed, i == 0);
		assert_int_equal(strncmp(reply, i == 0 ? AGENT_PLACED : AGENT_REFUSED,
					 strlen(i == 0 ? AGENT_PLACED : AGENT_REFUSED)),
				 0);
		assert_int_equal(descriptors_of(getpid()), before);
	}
	assert_int_equal(
	    sched_setaffinity(0, sizeof(before_all.word), (const cpu_set_t *)before_all.word), 0);
	close(pair[0]);
	close(pair[1]);
	close(log);
	close(stderr_before);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start_server, stop)
	static const struct CMUnitTest tests[] = {
	    TEST(a_guest_is_placed_as_its_rule_says),
	    TEST(a_guest_under_v1_is_placed_too),
	    TEST(the_shims_side_and_the_agents_understand_each_other),
	    TEST(whoever_lies_or_has_no_rule_is_refused),
	    TEST(a_guest_in_the_agents_user_namespace_is_placed),
	    TEST(a_shim_of_another_user_is_refused),
	    TEST(one_that_is_not_seen_is_refused),
	    TEST(the_refusal_of_a_guest_is_logged_with_all_that_is_known),
	    TEST(a_policy_that_changes_counts_from_the_next_request_on),
	    TEST(names_with_control_characters_do_not_reach_the_log_raw),
	    TEST(a_name_of_any_length_is_one_line_in_the_log),
	    TEST(what_is_not_the_request_to_the_byte_is_refused),
	    TEST(interrupts_are_where_they_should_be_when_the_answer_comes),
	    TEST(interrupts_go_back_when_the_guest_ends),
	    TEST(a_guest_that_asks_again_is_one_guest),
	    TEST(a_rule_may_be_of_interrupts_alone),
	    TEST(what_is_not_had_is_in_the_answer_and_in_the_log),
	    TEST(the_note_comes_to_the_shim),
	    TEST(the_interrupts_of_assigned_devices_are_moved),
	    TEST(interrupts_of_assigned_devices_do_not_keep_off_their_guest),
	    TEST(what_cannot_be_had_of_interrupts_is_refused),
	    TEST(a_host_that_lists_no_interrupts_refuses),
	    TEST(what_cannot_be_written_down_is_refused),
	    TEST(interrupts_go_back_when_the_rest_is_refused),
	    TEST(whoever_does_it_by_hand_gets_interrupts),
	    TEST(whoever_does_it_by_hand_gets_nothing_else),
	    TEST(another_user_gets_nothing_by_hand),
	    TEST(a_guest_is_given_its_priority),
	    TEST(a_priority_takes_the_agents_privilege),
	    TEST(a_request_leaves_nothing_open_or_allocated),
	};

	return RUN_TESTS(tests);
}
