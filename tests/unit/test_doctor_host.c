/* What guest-pinning doctor says of devices, confinement, the policy and the agent. */
#include "doctor_world.h"

#define RULES "include if exists <abstractions/guest-pinning>"

/* --- irqbalance --- */

static void make_irqbalance(const char *environment, size_t size)
{
	make_process("77", "irqbalance");
	make_bytes("proc/77/environ", environment, size);
}

static void irqbalance_matters_where_rules_speak_of_interrupts(void **state)
{
	(void)state;
	make_irqbalance("", 0);
	check_is("irqbalance", SEVERITY_SKIPPED);
	doctor.needs.interrupts = true;
	assert_string_equal(check_is("irqbalance", SEVERITY_GOOD)->present, "running");
	assert_int_equal(remove_tree("proc/77"), 0);
	doctor.needs.isolated = set_of("2-3");
	assert_string_equal(check_is("irqbalance", SEVERITY_GOOD)->present, "not running");
}

static void irqbalance_is_kept_off_isolated_cpus(void **state)
{
	static const char other[] = "PATH=/bin\0IRQBALANCE_BANNED_CPULIST=2,5";
	static const char both[] = "PATH=/bin\0IRQBALANCE_BANNED_CPULIST=2-5";
	static const char mask[] = "IRQBALANCE_BANNED_CPULIST=2-5\0IRQBALANCE_BANNED_CPUS=c";
	static const char garbage[] = "IRQBALANCE_BANNED_CPULIST=2-";

	(void)state;
	doctor.needs.interrupts = true;
	doctor.needs.isolated = set_of("2-3");
	make_irqbalance("PATH=/bin", sizeof("PATH=/bin"));
	assert_string_equal(check_is("irqbalance", SEVERITY_BAD)->command,
			    "echo IRQBALANCE_BANNED_CPULIST=2-3 >>etc/default/irqbalance && "
			    "systemctl restart irqbalance");
	make_irqbalance(other, sizeof(other));
	make_file("etc/sysconfig/irqbalance", "");
	assert_string_equal(check_is("irqbalance", SEVERITY_BAD)->command,
			    "echo IRQBALANCE_BANNED_CPULIST=2-3,5 >>etc/sysconfig/irqbalance && "
			    "systemctl restart irqbalance");
	make_irqbalance(both, sizeof(both));
	check_is("irqbalance", SEVERITY_GOOD);
	make_irqbalance(mask, sizeof(mask));
	check_is("irqbalance", SEVERITY_UNKNOWN);
	make_irqbalance(garbage, sizeof(garbage));
	check_is("irqbalance", SEVERITY_UNKNOWN);
	assert_int_equal(unlink("proc/77/environ"), 0);
	check_is("irqbalance", SEVERITY_UNKNOWN);
}

static void irqbalance_keeps_off_what_the_kernel_isolates(void **state)
{
	(void)state;
	doctor.needs.interrupts = true;
	doctor.needs.isolated = set_of("2-3");
	make_irqbalance("", 0);
	make_file("sys/devices/system/cpu/isolated", "2\n");
	check_is("irqbalance", SEVERITY_BAD);
	make_file("sys/devices/system/cpu/nohz_full", "3\n");
	check_is("irqbalance", SEVERITY_GOOD);
}

/* --- bridges and disks --- */

static void bridges_go_through_the_firewall_or_not(void **state)
{
	static const char name[] = "bridge-nf-call-*";
	const struct finding *found;

	(void)state;
	check_has(check_is(name, SEVERITY_SKIPPED)->reason, "br_netfilter");
	make_file("proc/sys/net/bridge/bridge-nf-call-iptables", "0\n");
	make_file("proc/sys/net/bridge/bridge-nf-call-ip6tables", "0\n");
	make_file("proc/sys/net/bridge/bridge-nf-call-arptables", "0\n");
	check_is(name, SEVERITY_GOOD);
	make_file("proc/sys/net/bridge/bridge-nf-call-ip6tables", "1\n");
	found = check_is(name, SEVERITY_NOTICE);
	assert_string_equal(found->present, "iptables 0, ip6tables 1, arptables 0");
	assert_string_equal(found->command, "sysctl -w net.bridge.bridge-nf-call-ip6tables=0");
	make_file("proc/sys/net/bridge/bridge-nf-call-iptables", "1\n");
	check_has(check_is(name, SEVERITY_NOTICE)->command,
		  "sysctl -w net.bridge.bridge-nf-call-iptables=0 net.bridge.bridge-nf-call-ip6");
	make_file("proc/sys/net/bridge/bridge-nf-call-arptables", "x\n");
	check_is(name, SEVERITY_UNKNOWN);
}

static void make_disk(const char *name, const char *schedulers, const char *rotates)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "sys/block/%s/device/model", name);
	make_file(path, "");
	snprintf(path, sizeof(path), "sys/block/%s/queue/scheduler", name);
	make_file(path, schedulers);
	snprintf(path, sizeof(path), "sys/block/%s/queue/rotational", name);
	make_file(path, rotates);
}

static void schedulers_are_looked_at_disk_by_disk(void **state)
{
	static const char name[] = "I/O schedulers";
	const struct finding *found;

	(void)state;
	check_is(name, SEVERITY_SKIPPED);
	make_file("sys/block/loop0/queue/scheduler", "mq-deadline [bfq] none\n");
	make_file("sys/block/loop0/queue/rotational", "0\n");
	check_is(name, SEVERITY_SKIPPED); /* it is no disk */
	make_disk("nvme0n1", "[none] mq-deadline bfq\n", "0\n");
	make_disk("nvme1n1", "none\n", "0\n"); /* there is no other */
	make_disk("sda", "mq-deadline [bfq] none\n", "1\n");
	found = check_is(name, SEVERITY_GOOD);
	assert_string_equal(found->present, "3 disks: none, bfq");
	make_disk("sdb", "mq-deadline [bfq] none\n", "0\n");
	make_disk("vda", "mq-deadline [bfq] none\n", "1\n"); /* virtio says that of all */
	found = check_is(name, SEVERITY_NOTICE);
	assert_string_equal(found->present, "sdb bfq, vda bfq");
	assert_string_equal(found->command, "for disk in sdb vda; do echo mq-deadline "
					    ">/sys/block/$disk/queue/scheduler; done");
	make_disk("sdc", "noop deadline [cfq]\n", "1\n"); /* before Linux 5.0 */
	check_has(check_is(name, SEVERITY_NOTICE)->command,
		  "for disk in sdb sdc vda; do echo deadline ");
}

static void schedulers_that_cannot_be_read_are_unknown(void **state)
{
	static const char name[] = "I/O schedulers";

	(void)state;
	make_disk("sda", "what\n", "0\n");
	check_is(name, SEVERITY_UNKNOWN);
	make_disk("nvme0n1", "none\n", "0\n");
	make_disk("sdb", "[none]\n", "0\n"); /* which is not the answer for the first */
	check_is(name, SEVERITY_UNKNOWN);
	assert_int_equal(remove_tree("sys/block/sda"), 0);
	check_is(name, SEVERITY_GOOD);
	assert_int_equal(unlink("sys/block/sdb/queue/scheduler"), 0);
	make_unreadable("sys/block/sdb/queue/scheduler");
	check_is(name, SEVERITY_UNKNOWN);
}

/* --- confinement --- */

static void apparmor_needs_rules_that_are_included(void **state)
{
	static const char local[] = "etc/apparmor.d/local/abstractions/libvirt-qemu";
	static const char *const good[] = {RULES, "# ours\n  " RULES "\n", RULES ",\n",
					   "#include <x>\n" RULES " \r\n"};
	static const char *const wrong[] = {"",
					    "\n",
					    "#" RULES "\n",
					    "# " RULES "\n",
					    RULES "x\n",
					    "include <abstractions/guest-pinning>\n"};
	const struct finding *found;

	(void)state;
	check_is("AppArmor", SEVERITY_SKIPPED);
	make_file("sys/module/apparmor/parameters/enabled", "N\n");
	check_is("AppArmor", SEVERITY_SKIPPED);
	make_file("sys/module/apparmor/parameters/enabled", "Y\n");
	check_is("AppArmor", SEVERITY_SKIPPED); /* libvirt has no profile */
	make_file("etc/apparmor.d/abstractions/libvirt-qemu", "");
	found = check_is("AppArmor", SEVERITY_BAD);
	assert_string_equal(found->present, "no rules");
	assert_string_equal(found->command, "make install, in the sources of this version\n"
					    "echo '" RULES "' >>etc/apparmor.d/local/abstractions/"
					    "libvirt-qemu");
	make_file("etc/apparmor.d/abstractions/guest-pinning", "");
	for (size_t i = 0; i < LENGTH_OF(wrong); i++) {
		make_file(local, wrong[i]);
		found = check_is("AppArmor", SEVERITY_BAD);
		assert_string_equal(found->present, "rules that are not included");
	}
	for (size_t i = 0; i < LENGTH_OF(good); i++) {
		make_file(local, good[i]);
		check_is("AppArmor", SEVERITY_GOOD);
	}
	assert_int_equal(unlink("etc/apparmor.d/abstractions/guest-pinning"), 0);
	assert_string_equal(check_is("AppArmor", SEVERITY_BAD)->command,
			    "make install, in the sources of this version");
	make_unreadable(local);
	check_is("AppArmor", SEVERITY_UNKNOWN);
	make_file("sys/module/apparmor/parameters/enabled", "perhaps\n");
	check_is("AppArmor", SEVERITY_UNKNOWN);
}

static void selinux_is_bad_where_it_enforces(void **state)
{
	(void)state;
	check_is("SELinux", SEVERITY_SKIPPED);
	make_file("sys/fs/selinux/enforce", "0"); /* the kernel writes no newline there */
	assert_string_equal(check_is("SELinux", SEVERITY_GOOD)->present, "permissive");
	make_file("sys/fs/selinux/enforce", "1");
	check_is("SELinux", SEVERITY_UNKNOWN); /* there is no policy */
	make_file("etc/libvirt/guest-pinning.conf", "");
	check_has(check_is("SELinux", SEVERITY_BAD)->reason,
		  "etc/libvirt/guest-pinning.conf is labelled not at all: without our module");
	check_number("SELinux", "sys/fs/selinux/enforce");
}

/* --- policy and agent --- */

static void a_policy_is_wanted_and_in_order(void **state)
{
	(void)state;
	assert_string_equal(check_is("policy", SEVERITY_GOOD)->present, "1 rule, 0 errors");
	doctor.needs.errors = 2;
	assert_string_equal(check_is("policy", SEVERITY_BAD)->command, "guest-pinning check");
	doctor.needs = (struct policy_needs){.missing = true};
	check_has(check_is("policy", SEVERITY_NOTICE)->reason, "there is no policy");
	doctor.needs.missing = false;
	check_has(check_is("policy", SEVERITY_NOTICE)->reason, "has no rule");
}

static void the_agent_is_wanted_where_a_rule_needs_it(void **state)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "agent.sock"};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	(void)state;
	assert_true(fd >= 0);
	check_is("agent", SEVERITY_SKIPPED);
	doctor.needs.agent = true;
	check_has(check_is("agent", SEVERITY_BAD)->command, "guest-pinningd.socket");
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	check_is("agent", SEVERITY_BAD); /* nobody listens */
	assert_int_equal(listen(fd, 8), 0);
	assert_string_equal(check_is("agent", SEVERITY_GOOD)->present, "running");
	close(fd);
	check_is("agent", SEVERITY_BAD);
}

static struct policy_needs needs_of(const char *text)
{
	struct policy_needs needs;

	make_file("policy", text);
	assert_int_equal(policy_needs_read(&needs, (struct policy_source){"policy", geteuid()}), 0);
	return needs;
}

static void what_a_policy_asks_for_is_summed_up(void **state)
{
	struct policy_needs needs;

	(void)state;
	needs = needs_of("# none\n");
	assert_int_equal(needs.rules, 0);
	assert_false(needs.missing);
	needs = needs_of("a - env=A=b\n");
	assert_int_equal(needs.rules, 1);
	assert_false(needs.agent || needs.binds || needs.interrupts || needs.placing > 0);
	needs = needs_of("a 0\n");
	assert_true(needs.agent && needs.binds && needs.merges && needs.placing == 1);
	assert_false(needs.catches_all);
	needs = needs_of("a 0\n* -\n");
	assert_false(needs.catches_all);
	needs = needs_of("a 0\n* 0\n");
	assert_true(needs.catches_all);
	needs = needs_of("a 0 ksm=off\nb 0 hugepages=2M\n"); /* neither of which KSM gets */
	assert_true(needs.binds && !needs.merges && needs.placing == 2);
	needs = needs_of("a 0 mem=interleave\n");
	assert_true(!needs.binds && !needs.merges && needs.agent);
	needs = needs_of("a - nice=5\n");
	assert_true(needs.agent && !needs.interrupts && needs.placing == 0);
	needs = needs_of("a 0 nonsense\nb 0 cpus=1-0\nc 0\n");
	assert_int_equal(needs.errors, 2);
	assert_int_equal(needs.rules, 3);
}

/* What "guest-pinning check" would find wrong, no more and no less. */
static void rules_that_this_host_cannot_honour_are_errors(void **state)
{
	(void)state;
	assert_int_equal(needs_of("a 0\nb 1023\n").errors, 1);
	assert_int_equal(needs_of("a 1023 best-effort\n").errors, 1);
	assert_int_equal(needs_of("a - cpus=65535\n").errors, 1);
	assert_int_equal(needs_of("a 1023 nonsense\n").errors, 1); /* once */
	assert_int_equal(needs_of("a 0 irq=none0 irq=none1\n").errors, 2);
	assert_int_equal(needs_of("a 0 hugepages=prefer:2M\n").errors, 0);
}

static void pools_and_isolated_cpus_of_rules_are_found(void **state)
{
	struct policy_needs needs;

	(void)state;
	needs = needs_of("a 0 hugepages=prefer:2M\nb 0 hugepages=2M\nc 0 hugepages=prefer:1G\n"
			 "d 1023 hugepages=2M\ne 0 hugepages=off\n");
	assert_int_equal(needs.pool_count, 2);
	assert_int_equal(needs.pools[0].size, 2 << 20);
	assert_false(needs.pools[0].preferred);
	assert_true(id_set_has(&needs.pools[0].nodes, 0));
	check_has(needs.pools[0].rule, "policy:2"); /* which insists */
	assert_true(needs.pools[1].preferred);
	needs = needs_of("a - cpus=0 irq=eth0\n");
	assert_true(needs.interrupts && id_set_is_empty(&needs.isolated));
	needs = needs_of("a - cpus=0 isolate\n");
	assert_true(needs.interrupts && id_set_has(&needs.isolated, 0));
	assert_int_equal(id_set_count(&needs.isolated), 1);
}

static void a_policy_that_is_ignored_is_an_error(void **state)
{
	struct policy_needs needs = needs_of("a 0\n");

	(void)state;
	assert_int_equal(needs.errors, 0);
	assert_int_equal(chmod("policy", 0666), 0);
	assert_int_equal(policy_needs_read(&needs, (struct policy_source){"policy", geteuid()}), 0);
	assert_int_equal(needs.errors, 1);
	assert_int_equal(needs.rules, 0);
	assert_int_equal(unlink("policy"), 0);
	assert_int_equal(policy_needs_read(&needs, (struct policy_source){"policy", geteuid()}), 0);
	assert_true(needs.missing);
	assert_int_equal(needs.errors, 0);
}

#define WORLD(test) cmocka_unit_test_setup_teardown(test, enter_world, leave_world)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    WORLD(irqbalance_matters_where_rules_speak_of_interrupts),
	    WORLD(irqbalance_is_kept_off_isolated_cpus),
	    WORLD(irqbalance_keeps_off_what_the_kernel_isolates),
	    WORLD(bridges_go_through_the_firewall_or_not),
	    WORLD(schedulers_are_looked_at_disk_by_disk),
	    WORLD(schedulers_that_cannot_be_read_are_unknown),
	    WORLD(apparmor_needs_rules_that_are_included),
	    WORLD(selinux_is_bad_where_it_enforces),
	    WORLD(a_policy_is_wanted_and_in_order),
	    WORLD(the_agent_is_wanted_where_a_rule_needs_it),
	    WORLD(what_a_policy_asks_for_is_summed_up),
	    WORLD(rules_that_this_host_cannot_honour_are_errors),
	    WORLD(pools_and_isolated_cpus_of_rules_are_found),
	    WORLD(a_policy_that_is_ignored_is_an_error),
	};

	return RUN_TESTS(tests);
}
