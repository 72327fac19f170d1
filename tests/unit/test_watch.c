#include "interrupt_world.h"
#include "log.h"
#include "sets.h"
#include "watch.h"
#include "watch_entry.h"

#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#endif

#define STATE "world/agent/interrupts.json"
#define LOG "log"
#define ETH0 "0000:00:03.0"
#define ETH1 "0000:00:04.0"
#define ASSIGNED "0000:00:05.0"
#define STARTED "4711"

static const struct roots roots = {
    .proc = "world/proc", .sys = "world/sys", .run = "world/run", .state = "world/agent"};

static struct watch watch;
static struct error note;
static struct error error;
static pid_t child; /* a guest's emulator, where one must be a process of its own */
static int stderr_before;

/* --- the time --- */

static long long ahead_ms;

/* Goes before that of the C library, for all of this program. */
int clock_gettime(clockid_t clock, struct timespec *now)
{
	int result = (int)syscall(SYS_clock_gettime, clock, now);

	if (clock == CLOCK_MONOTONIC) {
		now->tv_sec += ahead_ms / 1000;
		now->tv_nsec += ahead_ms % 1000 * 1000000;
		now->tv_sec += now->tv_nsec / 1000000000;
		now->tv_nsec %= 1000000000;
	}
	return result;
}

static void pass(long long milliseconds_passed)
{
	ahead_ms += milliseconds_passed;
}

/* --- the host --- */

static void make_world(void)
{
	make_online("0-7");
	make_interrupt(9, "0-7", "acpi");
	make_interrupt(16, "0-7", "ahci,ehci_hcd:usb1");
	make_interrupt(24, "0-7", "virtio1-input.0");
	make_interrupt(25, "0-7", "virtio1-output.0");
	make_interrupt(26, "0-7", "virtio2-input.0");
	make_interrupt(27, "0-7", "vfio-msix[0](" ASSIGNED ")");
	make_interrupt(28, "0-7", "vfio-msix[1](" ASSIGNED ")");
	make_pci_device(ETH0, "virtio-pci", "eth0");
	make_pci_device(ETH1, "virtio-pci", "eth1");
	make_pci_device(ASSIGNED, "vfio-pci", NULL);
	give_vector(ETH0, 24);
	give_vector(ETH0, 25);
	give_vector(ETH1, 26);
	give_vector(ASSIGNED, 27);
	give_vector(ASSIGNED, 28);
	make_line(path_of("world/proc/%d/stat", (int)getpid()),
		  "1 (qemu) S 1 1 1 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 " STARTED " 1 1");
	assert_int_equal(mkdir("world/agent", 0755), 0);
	before_affinity = NULL;
	affinities_written = 0;
	memset(refusals, 0, sizeof(refusals));
	note = error = (struct error){0};
}

static void open_watch(void)
{
	assert_int_equal(watch_open(&watch, &roots, &error), 0);
	assert_false(error_is_set(&error));
}

/* As if the agent had been killed, and another one started. */
static void reopen_watch(void)
{
	watch_close(&watch);
	open_watch();
}

static int enter_host(void **state)
{
	int log;

	if (enter_directory(state) < 0)
		return -1;
	log = open(LOG, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	if (log < 0 || dup2(log, STDERR_FILENO) < 0)
		return -1;
	close(log);
	log_program("agent");
	return 0;
}

/* For cmocka: with a world and a watch over it. */
static int start(void **state)
{
	if (enter_host(state) < 0)
		return -1;
	make_world();
	open_watch();
	return 0;
}

static void end_child(void)
{
	if (child > 0) {
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
	}
	child = 0;
}

static int stop(void **state)
{
	watch_close(&watch);
	watch = (struct watch){.interrupts.affinity = -1, .irqbalance.fd = -1};
	end_child();
	before_affinity = NULL;
	if (dup2(stderr_before, STDERR_FILENO) < 0)
		return -1;
	return leave_directory(state);
}

static const char *logged(void)
{
	return text_of(LOG);
}

static size_t times_logged(const char *words)
{
	size_t count = 0;

	for (const char *here = logged(); (here = strstr(here, words)) != NULL; here++)
		count++;
	return count;
}

static void check_affinities(const char *cpus, const unsigned int *numbers, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(affinity(numbers[i]), cpus) != 0)
			fail_msg("IRQ %u is on %s instead of %s", numbers[i], affinity(numbers[i]),
				 cpus);
	}
}

#define CHECK(cpus, ...)                                            \
	check_affinities(cpus, (const unsigned int[]){__VA_ARGS__}, \
			 sizeof((const unsigned int[]){__VA_ARGS__}) / sizeof(unsigned int))
#define CHECK_UNTOUCHED() CHECK("0-7", 9, 16, 24, 25, 26, 27, 28)

/* --- guests --- */

/* A guest without any claim. Its CPUs are the rule's. */
static struct watch_guest *new_guest(const char *name, const char *cpus)
{
	struct watch_guest *guest = calloc(1, sizeof(*guest));

	assert_non_null(guest);
	guest->plan = interrupt_plan_new(INTERRUPT_CLAIMS_MAX);
	assert_non_null(guest->plan);
	strcpy(guest->name, name);
	strcpy(guest->rule, "policy:1");
	strcpy(guest->started, STARTED);
	guest->pid = getpid();
	guest->pidfd = guest->connection = -1;
	guest->plan->cpus = set_of(cpus);
	return guest;
}

static void add_claim(struct watch_guest *guest, const char *device, const char *cpus,
		      bool assigned)
{
	struct interrupt_claim *claim = &guest->plan->claims[guest->plan->count++];

	strcpy(claim->device, device);
	claim->cpus = set_of(cpus);
	claim->assigned = assigned;
}

static struct watch_guest *new_claimant(const char *name, const char *device, const char *cpus)
{
	struct watch_guest *guest = new_guest(name, "0-7");

	add_claim(guest, device, cpus, false);
	return guest;
}

static struct watch_guest *new_isolated(const char *name, const char *cpus)
{
	struct watch_guest *guest = new_guest(name, cpus);

	guest->plan->isolate = true;
	return guest;
}

static struct watch_guest *add(struct watch_guest *guest)
{
	note = (struct error){0};
	if (watch_add(&watch, guest, &note, &error) != 0)
		fail_msg("%s is not taken: %s", guest->name, error.text);
	assert_false(error_is_set(&error));
	return guest;
}

/* Adds a guest that gets all that it wants. */
static struct watch_guest *add_quietly(struct watch_guest *guest)
{
	add(guest);
	assert_string_equal(note.text, "");
	return guest;
}

static void end(struct watch_guest *guest)
{
	watch_remove(&watch, guest);
	watch_turn(&watch);
}

/* --- claims --- */

static void a_claimed_interrupt_goes_to_the_cpus_of_its_claim(void **state)
{
	(void)state;
	assert_int_equal(watch_patience(&watch), WATCH_TURN_MS); /* it has not looked yet */
	watch_turn(&watch);
	assert_int_equal(watch_patience(&watch), -1);
	add_quietly(new_claimant("web1", "eth0", "2-3"));
	CHECK("2-3", 24, 25);
	CHECK("0-7", 9, 16, 26, 27, 28);
	assert_int_equal(affinities_written, 2);
	assert_int_equal(watch_patience(&watch), WATCH_TURN_MS);
	for (int i = 0; i < 3; i++)
		watch_turn(&watch);
	assert_int_equal(affinities_written, 2);
	assert_string_equal(logged(), "");
}

static void each_claim_has_its_own_cpus(void **state)
{
	struct watch_guest *guest = new_guest("web1", "0-7");

	(void)state;
	add_claim(guest, "eth0", "1", false);
	add_claim(guest, ETH1, "4-5", false);
	add_claim(guest, ASSIGNED, "7", true);
	add_quietly(guest);
	CHECK("1", 24, 25);
	CHECK("4-5", 26);
	CHECK("7", 27, 28);
	CHECK("0-7", 9, 16);
}

static void what_is_where_it_should_be_is_not_written(void **state)
{
	struct watch_guest *guest;

	(void)state;
	set_affinity(24, "2-3");
	guest = add_quietly(new_claimant("web1", "eth0", "2-3"));
	assert_int_equal(affinities_written, 1);
	CHECK("2-3", 24, 25);
	end(guest);
	CHECK("2-3", 24);
	CHECK("0-7", 25);
}

/* Of the CPUs of a claim one must be online, or the kernel would refuse it. */
static void a_claim_of_cpus_that_are_offline_is_told(void **state)
{
	(void)state;
	add(new_claimant("web1", "eth0", "8-9"));
	assert_string_equal(note.text,
			    "IRQ 24-25 stays where it is: no CPU that is online would be "
			    "left for it");
	CHECK_UNTOUCHED();
	add_quietly(new_claimant("web2", "eth1", "7-9"));
	CHECK("7-9", 26);
}

static void a_device_without_interrupts_is_told(void **state)
{
	(void)state;
	make_pci_device("0000:00:06.0", "e1000e", "eth2");
	add(new_claimant("web1", "eth2", "2"));
	assert_string_equal(note.text, "'eth2' has no interrupts yet");
	add(new_claimant("web2", "gone0", "2"));
	assert_string_equal(note.text, "'gone0' has no interrupts yet");
	CHECK_UNTOUCHED();
	assert_int_equal(affinities_written, 0);
}

/* The guest's driver asks for them when it is up. */
static void an_assigned_device_may_have_no_interrupts_yet(void **state)
{
	struct watch_guest *guest = new_guest("web1", "0-7");

	(void)state;
	make_pci_device("0000:00:06.0", "vfio-pci", NULL);
	add_claim(guest, "0000:00:06.0", "2", true);
	add_quietly(guest);
	make_interrupt(30, "0-7", "vfio-msix[0](0000:00:06.0)");
	give_vector("0000:00:06.0", 30);
	watch_turn(&watch);
	CHECK("2", 30);
}

/* What its command line says is its own may have been given back to the host. */
static void an_assigned_device_must_be_in_the_hands_of_vfio(void **state)
{
	struct watch_guest *guest = new_guest("web1", "0-7");

	(void)state;
	add_claim(guest, ETH1, "2", true);
	add_quietly(guest);
	CHECK_UNTOUCHED();
	make_pci_device(ETH1, "mlx5_vfio_pci", NULL);
	end(add_quietly(new_guest("web2", "0-7")));
	CHECK("2", 26);
}

static void a_claim_without_cpus_moves_nothing(void **state)
{
	struct watch_guest *guest = new_guest("web1", "2-3");

	(void)state;
	add_claim(guest, ASSIGNED, "", true);
	add_quietly(guest);
	CHECK_UNTOUCHED();
	assert_int_equal(affinities_written, 0);
}

/* By two of its names. */
static void of_two_claims_for_one_device_the_first_counts(void **state)
{
	struct watch_guest *guest = new_guest("web1", "0-7");

	(void)state;
	add_claim(guest, "eth0", "2-3", false);
	add_claim(guest, ETH0, "4", false);
	add_quietly(guest);
	CHECK("2-3", 24, 25);
}

/* --- the end of a guest --- */

static void what_an_ended_guest_had_goes_back(void **state)
{
	struct watch_guest *guest;

	(void)state;
	set_affinity(25, "6");
	guest = add_quietly(new_claimant("web1", "eth0", "2-3"));
	watch_remove(&watch, guest);
	CHECK("2-3", 24, 25);
	assert_int_equal(watch_patience(&watch), WATCH_TURN_MS);
	watch_turn(&watch);
	CHECK("0-7", 24);
	CHECK("6", 25);
	assert_int_equal(affinities_written, 4);
	assert_int_equal(watch_patience(&watch), -1);
	assert_string_equal(logged(), "");
}

static void what_somebody_else_has_set_is_his(void **state)
{
	struct watch_guest *guest = add_quietly(new_claimant("web1", "eth0", "2-3"));

	(void)state;
	set_affinity(24, "5");
	end(guest);
	CHECK("5", 24);
	CHECK("0-7", 25);
	assert_string_equal(logged(),
			    "agent: IRQ 24 has been set to CPUs 5 by somebody else, and is "
			    "left there\n");
	watch_turn(&watch);
	CHECK("5", 24);
	assert_int_equal(times_logged("IRQ 24"), 1);
	/* Until a guest asks for it again; then that is what it goes back to. */
	guest = add_quietly(new_claimant("web1", "eth0", "2-3"));
	CHECK("2-3", 24, 25);
	end(guest);
	CHECK("5", 24);
	CHECK("0-7", 25);
}

/* It is noticed when all are looked at anew, and nothing is fought over. */
static void what_somebody_else_has_set_stays_while_the_guest_lives(void **state)
{
	(void)state;
	add_quietly(new_claimant("web1", "eth0", "2-3"));
	set_affinity(24, "5");
	for (int i = 0; i < 3; i++)
		watch_turn(&watch);
	CHECK("5", 24);
	end(add_quietly(new_claimant("web2", "eth1", "1")));
	CHECK("5", 24);
	CHECK("2-3", 25);
	assert_int_equal(times_logged("IRQ 24 has been set to CPUs 5 by somebody else"), 1);
	assert_int_equal(times_logged("\n"), 1);
}

/* To a guest that is new it was so before, whoever has the interrupt. */
static void what_somebody_else_has_set_is_taken_by_a_guest_that_is_new(void **state)
{
	struct watch_guest *first = add_quietly(new_claimant("web1", "eth0", "2-3"));
	struct watch_guest *second;

	(void)state;
	set_affinity(24, "5");
	second = add_quietly(new_claimant("db1", "eth0", "2-3"));
	CHECK("2-3", 24, 25);
	end(first);
	CHECK("2-3", 24, 25);
	end(second);
	CHECK("5", 24);
	CHECK("0-7", 25);
	assert_string_equal(logged(), "");
}

static void what_is_gone_is_no_matter_any_more(void **state)
{
	struct watch_guest *guest = add_quietly(new_claimant("web1", "eth0", "2-3"));

	(void)state;
	remove_interrupt(24);
	watch_turn(&watch);
	remove_interrupt(25); /* between the look and what follows it is the same */
	end(guest);
	CHECK("0-7", 9, 16, 26, 27, 28);
	assert_string_equal(logged(), "");
	assert_int_equal(access(STATE, F_OK), -1);
}

/* --- more than one guest --- */

static void of_two_guests_the_first_has_it(void **state)
{
	struct watch_guest *first = add_quietly(new_claimant("first", "eth0", "2-3"));
	struct watch_guest *second = add(new_claimant("second", "eth0", "4-5"));

	(void)state;
	assert_string_equal(note.text, "guest 'first' was first: IRQ 24-25 stays as that has it");
	CHECK("2-3", 24, 25);
	end(first);
	CHECK("4-5", 24, 25);
	end(second);
	CHECK_UNTOUCHED();
	assert_int_equal(affinities_written, 6);
	assert_string_equal(logged(), "");
}

static void they_stand_in_line(void **state)
{
	struct watch_guest *guests[4];

	(void)state;
	for (unsigned int i = 0; i < LENGTH_OF(guests); i++) {
		char name[16];
		char cpus[16];

		snprintf(name, sizeof(name), "guest%u", i);
		snprintf(cpus, sizeof(cpus), "%u", i);
		guests[i] = add(new_claimant(name, "eth0", cpus));
		assert_int_equal(error_is_set(&note), i > 0);
	}
	assert_string_equal(note.text, "guest 'guest0' was first: IRQ 24-25 stays as that has it");
	end(guests[1]);
	CHECK("0", 24, 25);
	end(guests[0]);
	CHECK("2", 24, 25);
	end(guests[2]);
	CHECK("3", 24, 25);
	end(guests[3]);
	CHECK_UNTOUCHED();
}

/* One device of two is another guest's. */
static void what_is_not_disputed_is_had(void **state)
{
	struct watch_guest *second = new_guest("second", "0-7");

	(void)state;
	add_quietly(new_claimant("first", "eth0", "2-3"));
	add_claim(second, "eth0", "4-5", false);
	add_claim(second, "eth1", "6", false);
	add(second);
	assert_string_equal(note.text, "guest 'first' was first: IRQ 24-25 stays as that has it");
	CHECK("2-3", 24, 25);
	CHECK("6", 26);
}

static void several_who_were_first_are_all_named(void **state)
{
	struct watch_guest *third = new_guest("third", "0-7");

	(void)state;
	add_quietly(new_claimant("first", "eth0", "2-3"));
	add_quietly(new_claimant("second", "eth1", "4"));
	add_claim(third, "eth0", "5", false);
	add_claim(third, "eth1", "5", false);
	add(third);
	assert_string_equal(note.text, "guest 'first' was first: IRQ 24-25 stays as that has it; "
				       "guest 'second' was first: IRQ 26 stays as that has it");
}

static void guests_that_want_the_same_cpus_have_no_dispute(void **state)
{
	struct watch_guest *first = add_quietly(new_claimant("first", "eth0", "2-3"));
	struct watch_guest *second = add_quietly(new_claimant("second", "eth0", "2-3"));

	(void)state;
	end(first);
	CHECK("2-3", 24, 25);
	assert_int_equal(affinities_written, 2);
	end(second);
	CHECK_UNTOUCHED();
}

/* --- isolated guests --- */

static void others_keep_off_the_cpus_of_an_isolated_guest(void **state)
{
	struct watch_guest *guest;

	(void)state;
	set_affinity(16, "2-3");
	set_affinity(24, "1-2");
	set_affinity(25, "6");
	guest = add_quietly(new_isolated("web1", "2-3"));
	CHECK("0-1,4-7", 9, 26, 27, 28);
	CHECK("0-1,4-7", 16); /* all others that are online, where it has none itself */
	CHECK("1", 24);
	CHECK("6", 25);
	assert_int_equal(affinities_written, 6);
	watch_turn(&watch);
	assert_int_equal(affinities_written, 6);
	end(guest);
	CHECK("0-7", 9, 26, 27, 28);
	CHECK("2-3", 16);
	CHECK("1-2", 24);
	CHECK("6", 25);
	assert_string_equal(logged(), "");
}

/* What is left must be online, too. */
static void a_cpu_that_is_offline_is_none_that_is_left(void **state)
{
	(void)state;
	make_online("0-5");
	add_quietly(new_isolated("web1", "0-3"));
	CHECK("4-7", 9); /* as it was, but for those of the guest */
	set_affinity(24, "2,6");
	end(watch.guests[0]);
	add_quietly(new_isolated("web1", "0-3"));
	CHECK("4-5", 24);
}

static void what_would_have_no_cpu_left_stays(void **state)
{
	struct watch_guest *guest;

	(void)state;
	set_actions(9, "");
	make_line("world/proc/irq/16/effective_affinity_list", "5");
	guest = add(new_isolated("web1", "0-7"));
	assert_string_equal(note.text,
			    "IRQ 16,24-28 stays where it is: no CPU that is online would "
			    "be left for it");
	CHECK_UNTOUCHED();
	assert_int_equal(affinities_written, 0);
	end(guest);
	CHECK_UNTOUCHED();
	assert_string_equal(logged(), "");
}

/* The first one keeps what it has, though the second one wants all the rest. */
static void who_is_isolated_first_stays_so(void **state)
{
	struct watch_guest *first;
	struct watch_guest *second;

	(void)state;
	first = add(new_isolated("web1", "0-3"));
	CHECK("4-7", 24);
	second = add(new_isolated("db1", "4-7"));
	assert_non_null(strstr(note.text, "no CPU that is online would be left for it"));
	CHECK("4-7", 24);
	end(first);
	CHECK("0-3", 24);
	end(second);
	CHECK_UNTOUCHED();
}

/* Only what may really disturb it is told: what is delivered elsewhere does not. */
static void what_is_delivered_elsewhere_is_not_told(void **state)
{
	(void)state;
	make_online("0-3");
	for (unsigned int number = 24; number <= 28; number++)
		set_affinity(number, "4-7");
	set_affinity(9, "0-3");
	set_affinity(16, "0-3");
	make_line("world/proc/irq/9/effective_affinity_list", "");
	make_line("world/proc/irq/16/effective_affinity_list", "6");
	add(new_isolated("web1", "0-3"));
	assert_string_equal(note.text,
			    "IRQ 9 stays where it is: no CPU that is online would be left "
			    "for it");
}

static void an_isolated_guest_keeps_its_own_interrupts(void **state)
{
	struct watch_guest *guest = new_isolated("web1", "2-3");

	(void)state;
	add_claim(guest, "eth0", "2-3", false);
	add_claim(guest, ASSIGNED, "", true);
	add_quietly(guest);
	CHECK("2-3", 24, 25);
	CHECK("0-7", 27, 28);
	CHECK("0-1,4-7", 9, 16, 26);
	end(guest);
	CHECK_UNTOUCHED();
}

static void what_is_no_longer_assigned_is_like_any_other(void **state)
{
	struct watch_guest *guest = new_isolated("web1", "2-3");

	(void)state;
	add_claim(guest, ETH1, "", true);
	add_quietly(guest);
	CHECK("0-1,4-7", 26);
}

static void a_mediated_device_is_always_its_guests(void **state)
{
	static const char uuid[] = "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001";
	struct watch_guest *guest = new_isolated("web1", "2-3");

	(void)state;
	make_line(path_of(BUS ETH1 "/%s/remove", uuid), "");
	make_path_link(path_of("../../../devices/pci0000:00/" ETH1 "/%s", uuid),
		       "world/sys/bus/mdev/devices/83b8f4f2-509f-382f-3c1e-e6bfe0fa1001");
	add_claim(guest, uuid, "", true);
	add_quietly(guest);
	CHECK("0-7", 26);
	CHECK("0-1,4-7", 9, 24);
}

static void isolated_guests_add_up(void **state)
{
	struct watch_guest *first = add_quietly(new_isolated("first", "2-3"));
	struct watch_guest *second;

	(void)state;
	CHECK("0-1,4-7", 9, 16, 24, 25, 26, 27, 28);
	second = add_quietly(new_isolated("second", "3-5"));
	CHECK("0-1,6-7", 9, 16, 24, 25, 26, 27, 28);
	end(first);
	CHECK("0-2,6-7", 9, 16, 24, 25, 26, 27, 28);
	end(second);
	CHECK_UNTOUCHED();
}

/* Its own devices' may come to it, and must not to another. */
static void the_devices_of_one_isolated_guest_keep_off_another(void **state)
{
	struct watch_guest *first = new_isolated("first", "2-3");

	(void)state;
	add_claim(first, ASSIGNED, "", true);
	add_quietly(first);
	CHECK("0-7", 27, 28);
	end(add_quietly(new_isolated("second", "4-5")));
	CHECK("0-7", 27, 28);
	add_quietly(new_isolated("second", "4-5"));
	CHECK("0-3,6-7", 27, 28);
	CHECK("0-1,6-7", 9, 24);
}

static void who_claimed_first_keeps_it_on_isolated_cpus(void **state)
{
	struct watch_guest *claimant = add_quietly(new_claimant("claimant", "eth0", "2"));

	(void)state;
	add(new_isolated("isolated", "2-3"));
	assert_string_equal(note.text,
			    "guest 'claimant' was first: IRQ 24-25 stays as that has it");
	CHECK("2", 24, 25);
	CHECK("0-1,4-7", 9, 16, 26);
	end(claimant);
	CHECK("0-1,4-7", 24, 25);
}

static void who_was_isolated_first_keeps_others_claims_off(void **state)
{
	struct watch_guest *isolated = add_quietly(new_isolated("isolated", "2-3"));

	(void)state;
	add(new_claimant("claimant", "eth0", "3-4"));
	assert_string_equal(note.text,
			    "guest 'isolated' was first: IRQ 24-25 stays as that has it");
	CHECK("0-1,4-7", 24, 25);
	add_quietly(new_claimant("other", "eth1", "4"));
	CHECK("4", 26);
	end(isolated);
	CHECK("3-4", 24, 25);
	CHECK("4", 26);
	CHECK("0-7", 9, 16, 27, 28);
}

/* --- interrupts that come later --- */

static void interrupts_that_come_later_are_seen_to(void **state)
{
	struct watch_guest *guest = new_isolated("web1", "2-3");

	(void)state;
	add_claim(guest, "eth0", "2-3", false);
	add_quietly(guest);
	assert_int_equal(watch_patience(&watch), WATCH_TURN_MS);
	make_interrupt(17, "0-7", "nvme0q1");
	make_interrupt(40, "5", "virtio1-input.1");
	give_vector(ETH0, 40);
	watch_turn(&watch);
	CHECK("0-1,4-7", 17);
	CHECK("2-3", 40);
	assert_int_equal(watch_patience(&watch), WATCH_TURN_YOUNG_MS);
	pass(WATCH_YOUNG_MS);
	for (int i = 0; i < 2; i++)
		watch_turn(&watch);
	assert_int_equal(watch_patience(&watch), WATCH_TURN_MS);
	end(guest);
	CHECK("0-7", 17, 24, 25);
	CHECK("5", 40);
}

/* They are another device's, or the same device's after a reset. */
static void one_that_has_the_number_of_another_is_not_that(void **state)
{
	struct watch_guest *guest = add_quietly(new_claimant("web1", "eth0", "2-3"));

	(void)state;
	make_interrupt(24, "4-7", "virtio1-input.0");
	watch_turn(&watch);
	CHECK("2-3", 24, 25);
	end(guest);
	CHECK("4-7", 24); /* not what the one before had */
	CHECK("0-7", 25);
}

static void one_that_has_the_number_of_another_device_is_left(void **state)
{
	struct watch_guest *guest = add_quietly(new_claimant("web1", "eth0", "2-3"));

	(void)state;
	take_vector(ETH0, 24);
	make_interrupt(24, "4-7", "nvme0q1");
	watch_turn(&watch);
	CHECK("4-7", 24);
	CHECK("2-3", 25);
	end(guest);
	CHECK("4-7", 24);
	CHECK("0-7", 25);
	assert_string_equal(logged(), "");
}

/* One that its device no longer has, but that is there yet. */
static void one_that_is_given_up_by_its_device_goes_back(void **state)
{
	(void)state;
	add_quietly(new_claimant("web1", "eth0", "2-3"));
	take_vector(ETH0, 24);
	make_interrupt(50, "0-7", "other"); /* something has changed */
	watch_turn(&watch);
	CHECK("0-7", 24);
	CHECK("2-3", 25);
}

/* A driver that sets an affinity right after it has asked for the interrupt. */
static void a_driver_does_not_undo_it_in_the_first_second(void **state)
{
	struct watch_guest *guest = add_quietly(new_claimant("web1", "eth0", "2-3"));

	(void)state;
	make_interrupt(40, "0-7", "virtio1-input.1");
	give_vector(ETH0, 40);
	watch_turn(&watch);
	CHECK("2-3", 40);
	set_affinity(40, "6");
	pass(WATCH_TURN_YOUNG_MS);
	watch_turn(&watch);
	CHECK("2-3", 40);
	set_affinity(40, "7");
	pass(WATCH_TURN_YOUNG_MS);
	watch_turn(&watch);
	CHECK("2-3", 40);
	assert_string_equal(logged(), "");
	pass(WATCH_YOUNG_MS);
	watch_turn(&watch);
	/* Where it was put by the driver, it would be by itself. */
	end(guest);
	CHECK("7", 40);
	CHECK("0-7", 24, 25);
	assert_string_equal(logged(), "");
}

static void what_a_driver_has_set_is_not_written_down_for_ever(void **state)
{
	struct watch_guest *guest = add_quietly(new_claimant("web1", "eth0", "2-3"));

	(void)state;
	make_interrupt(40, "0-7", "virtio1-input.1");
	give_vector(ETH0, 40);
	watch_turn(&watch);
	CHECK("2-3", 40);
	set_affinity(40, "6");
	end(guest);
	CHECK("6", 40);
	assert_int_equal(access(STATE, F_OK), -1);
	assert_string_equal(logged(), "");
}

static void a_driver_does_not_undo_it_at_the_end_of_the_first_second(void **state)
{
	(void)state;
	add_quietly(new_claimant("web1", "eth0", "2-3"));
	make_interrupt(40, "0-7", "virtio1-input.1");
	give_vector(ETH0, 40);
	watch_turn(&watch);
	pass(WATCH_YOUNG_MS / 2);
	watch_turn(&watch);
	set_affinity(40, "6");
	pass(WATCH_YOUNG_MS);
	watch_turn(&watch);
	CHECK("2-3", 40);
}

static void what_is_set_after_the_first_second_is_left(void **state)
{
	struct watch_guest *guest = add_quietly(new_claimant("web1", "eth0", "2-3"));

	(void)state;
	make_interrupt(40, "0-7", "virtio1-input.1");
	give_vector(ETH0, 40);
	watch_turn(&watch);
	pass(WATCH_YOUNG_MS);
	watch_turn(&watch);
	set_affinity(40, "6");
	set_affinity(24, "6");
	end(add_quietly(new_claimant("web2", "eth1", "1")));
	CHECK("6", 24, 40);
	assert_int_equal(times_logged("IRQ 24 has been set to CPUs 6 by somebody else"), 1);
	assert_int_equal(times_logged("IRQ 40 has been set to CPUs 6 by somebody else"), 1);
	end(guest);
	CHECK("6", 24, 40);
	CHECK("0-7", 25);
}

/* The same holds for what keeps off an isolated guest. */
static void a_driver_does_not_put_it_on_isolated_cpus(void **state)
{
	(void)state;
	add_quietly(new_isolated("web1", "2-3"));
	make_interrupt(40, "0-7", "nvme0q1");
	watch_turn(&watch);
	CHECK("0-1,4-7", 40);
	set_affinity(40, "3-4");
	pass(WATCH_TURN_YOUNG_MS);
	watch_turn(&watch);
	CHECK("4", 40);
	/* One that was elsewhere, and is put there now. */
	make_interrupt(41, "0", "nvme0q2");
	watch_turn(&watch);
	CHECK("0", 41);
	set_affinity(41, "2");
	pass(WATCH_TURN_YOUNG_MS);
	watch_turn(&watch);
	CHECK("0-1,4-7", 41);
}

static void those_that_are_there_from_the_start_are_not_young(void **state)
{
	(void)state;
	add_quietly(new_claimant("web1", "eth0", "2-3"));
	assert_int_equal(watch_patience(&watch), WATCH_TURN_MS);
	set_affinity(24, "5");
	end(add_quietly(new_guest("web2", "0-7")));
	CHECK("5", 24);
	assert_int_equal(times_logged("by somebody else"), 1);
}

static void many_interrupts_are_seen_to(void **state)
{
	enum { FIRST = 100, MANY = 300 };
	struct watch_guest *guest;
	unsigned int wrong = 0;

	(void)state;
	for (unsigned int i = 0; i < MANY; i++) /* not in order */
		make_interrupt(FIRST + i * 7 % MANY, i % 2 == 0 ? "0-7" : "4", "x");
	guest = add_quietly(new_isolated("web1", "0-3"));
	assert_int_equal(watch.count, MANY + 7);
	for (unsigned int i = 0; i < MANY; i++)
		wrong += strcmp(affinity(FIRST + i * 7 % MANY), i % 2 == 0 ? "4-7" : "4") != 0;
	assert_int_equal(wrong, 0);
	assert_int_equal(affinities_written, MANY / 2 + 7);
	end(guest);
	for (unsigned int i = 0; i < MANY; i++)
		wrong += strcmp(affinity(FIRST + i * 7 % MANY), i % 2 == 0 ? "0-7" : "4") != 0;
	assert_int_equal(wrong, 0);
}

/* --- what cannot be set --- */

/* EIO: kernel/irq/proc.c; the others: the file has nobody's permission to write. */
static void what_the_kernel_manages_itself_is_told_and_no_error(void **state)
{
	static const int codes[] = {EIO, EACCES, EPERM};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(codes); i++) {
		struct watch_guest *guest;

		reopen_watch();
		affinities_written = 0;
		refusals[24] = codes[i];
		guest = add(new_claimant("web1", "eth0", "2-3"));
		assert_string_equal(note.text,
				    "IRQ 24 cannot be moved: the kernel manages it itself");
		CHECK("0-7", 24);
		CHECK("2-3", 25);
		refusals[24] = 0; /* it is not tried again */
		watch_turn(&watch);
		end(add_quietly(new_claimant("web2", "eth1", "1")));
		CHECK("0-7", 24);
		end(guest);
		CHECK_UNTOUCHED();
		assert_string_equal(logged(), "");
	}
}

static void what_the_kernel_manages_on_isolated_cpus_is_told(void **state)
{
	(void)state;
	refusals[9] = refusals[24] = refusals[25] = refusals[28] = EIO;
	set_actions(25, "");
	make_line("world/proc/irq/28/effective_affinity_list", "7");
	add(new_isolated("web1", "2-3"));
	assert_string_equal(note.text, "IRQ 9,24 cannot be moved: the kernel manages it itself");
	CHECK("0-7", 9, 24, 25, 28);
	CHECK("0-1,4-7", 16, 26, 27);
	/* Another guest is told of those that disturb that. */
	make_line("world/proc/irq/24/effective_affinity_list", "5");
	add(new_isolated("web2", "4-5"));
	assert_string_equal(note.text, "IRQ 9,24 cannot be moved: the kernel manages it itself");
	add_quietly(new_claimant("web3", "eth1", "1"));
}

/* Of one that comes later there is nobody to tell but the log. */
static void what_comes_later_and_cannot_be_set_is_logged_once(void **state)
{
	(void)state;
	add_quietly(new_claimant("web1", "eth0", "2-3"));
	for (unsigned int number = 40; number < 43; number++) {
		make_interrupt(number, "0-7", "virtio1-input.1");
		give_vector(ETH0, number);
		refusals[number] = EIO;
		if (number == 40)
			continue;
		for (int i = 0; i < 3; i++)
			watch_turn(&watch);
	}
	assert_string_equal(logged(),
			    "agent: guest 'web1': rule policy:1: IRQ 40-41 cannot be moved: "
			    "the kernel manages it itself\n");
	CHECK("2-3", 24, 25);
	CHECK("0-7", 40, 41, 42);
}

static void what_fails_for_now_is_tried_again(void **state)
{
	struct watch_guest *guest;

	(void)state;
	refusals[24] = ENOSPC;
	guest = add(new_claimant("web1", "eth0", "2-3"));
	assert_string_equal(note.text, "IRQ 24 cannot be moved: No space left on device");
	CHECK("0-7", 24);
	CHECK("2-3", 25);
	for (int i = 0; i < WATCH_TRIES_MAX - 2; i++) {
		assert_int_equal(watch_patience(&watch), WATCH_TURN_MS);
		watch_turn(&watch);
		CHECK("0-7", 24);
	}
	refusals[24] = 0;
	watch_turn(&watch);
	CHECK("2-3", 24, 25);
	assert_string_equal(logged(), "");
	end(guest);
	CHECK_UNTOUCHED();
}

static void what_fails_again_and_again_is_given_up_until_a_guest_comes(void **state)
{
	(void)state;
	refusals[24] = ENOSPC;
	add(new_claimant("web1", "eth0", "2-3"));
	for (int i = 0; i < WATCH_TRIES_MAX + 5; i++)
		watch_turn(&watch);
	/* The guest was told as it came; of one that is nobody's it is logged. */
	assert_string_equal(note.text, "IRQ 24 cannot be moved: No space left on device");
	assert_string_equal(logged(), "");
	refusals[24] = 0;
	watch_turn(&watch);
	CHECK("0-7", 24);
	add_quietly(new_claimant("web2", "eth1", "1"));
	CHECK("2-3", 24);
}

static void what_was_given_up_goes_back_all_the_same(void **state)
{
	(void)state;
	for (int at_the_end = 0; at_the_end < 2; at_the_end++) {
		struct watch_guest *first = add_quietly(new_claimant("first", "eth0", "2-3"));
		struct watch_guest *second = add(new_claimant("second", "eth0", "4-5"));

		refusals[24] = ENOSPC;
		end(first);
		for (int i = 0; i < WATCH_TRIES_MAX; i++)
			watch_turn(&watch);
		refusals[24] = 0;
		CHECK("2-3", 24);
		CHECK("4-5", 25);
		if (at_the_end != 0)
			watch_restore(&watch);
		else
			end(second);
		CHECK_UNTOUCHED();
	}
}

static void different_failures_are_told_apart(void **state)
{
	(void)state;
	refusals[16] = EINVAL;
	refusals[24] = refusals[25] = ENOSPC;
	refusals[26] = EIO;
	add(new_isolated("web1", "2-3"));
	assert_string_equal(note.text, "IRQ 26 cannot be moved: the kernel manages it itself; "
				       "IRQ 16 cannot be moved: Invalid argument; "
				       "IRQ 24-25 cannot be moved: No space left on device");
}

static void many_numbers_are_cut(void **state)
{
	(void)state;
	for (unsigned int number = 100; number < 200; number += 2) {
		make_interrupt(number, "0-7", "x");
		refusals[number] = EIO;
	}
	add(new_isolated("web1", "2-3"));
	assert_memory_equal(note.text, "IRQ 100,102,104,", strlen("IRQ 100,102,104,"));
	assert_non_null(strstr(note.text, ",... cannot be moved"));
	assert_true(strlen(note.text) < 200);
}

/* --- the state --- */

static json_t *state_of_watch(void)
{
	json_error_t reason;
	json_t *json = json_load_file(STATE, 0, &reason);

	if (json == NULL)
		fail_msg("%s: %s", STATE, reason.text);
	return json;
}

/* How many of the elements of an array of the state there are. */
static size_t state_count(const char *array)
{
	json_t *json = state_of_watch();
	size_t count = json_array_size(json_object_get(json, array));

	assert_true(json_is_array(json_object_get(json, array)));
	json_decref(json);
	return count;
}

static void what_is_done_is_written_down(void **state)
{
	struct watch_guest *guest = new_isolated("web1", "2-3,6");
	struct interrupt_list list = {0};
	const char *expected;
	json_t *json;
	char *text;

	(void)state;
	add_claim(guest, "eth0", "2-3", false);
	add_claim(guest, ASSIGNED, "", true);
	set_affinity(24, "5");
	for (unsigned int number = 9; number <= 27; number++) {
		if (number == 9 || number == 16 || number >= 26)
			set_affinity(number, "0");
	}
	set_affinity(28, "1");
	add_quietly(guest);
	assert_int_equal(interrupts_list(&watch.interrupts, &list), 0);
	expected = path_of(
	    "{\"guests\":[{\"claims\":[{\"assigned\":false,\"cpus\":\"2-3\",\"device\":\"eth0\"},"
	    "{\"assigned\":true,\"cpus\":\"\",\"device\":\"" ASSIGNED "\"}],\"cpus\":\"2-3,6\","
	    "\"isolate\":true,\"name\":\"web1\",\"owner\":\"\",\"pid\":%d,\"rule\":\"policy:1\","
	    "\"started\":"
	    "\"" STARTED "\"}],\"interrupts\":["
	    "{\"before\":\"5\",\"id\":%llu,\"number\":24,\"set\":\"2-3\"},"
	    "{\"before\":\"0-7\",\"id\":%llu,\"number\":25,\"set\":\"2-3\"}],\"version\":1}",
	    (int)getpid(), (unsigned long long)list.at[2].id, (unsigned long long)list.at[3].id);
	json = state_of_watch();
	text = json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS);
	assert_string_equal(text, expected);
	free(text);
	json_decref(json);
	free(list.at);
	assert_int_equal(access(STATE ".new", F_OK), -1);
}

static unsigned int written_too_early;

/* What is to be set is in the file at that moment. */
static void check_written_down(unsigned int number)
{
	char expected[64];
	char text[8192] = "";
	FILE *file = fopen(STATE, "re");

	snprintf(expected, sizeof(expected), "\"number\": %u,", number);
	if (file != NULL) {
		text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
		fclose(file);
	}
	written_too_early += strstr(text, expected) == NULL;
}

static void it_is_written_down_before_it_is_done(void **state)
{
	struct watch_guest *guests[2];

	(void)state;
	written_too_early = 0;
	before_affinity = check_written_down;
	guests[0] = add_quietly(new_claimant("web1", "eth0", "2-3"));
	guests[1] = add_quietly(new_isolated("web2", "5"));
	make_interrupt(40, "0-7", "virtio1-input.1");
	give_vector(ETH0, 40);
	watch_turn(&watch);
	set_affinity(40, "6");
	watch_turn(&watch);
	end(guests[0]);
	end(guests[1]);
	CHECK_UNTOUCHED();
	assert_int_equal(affinities_written, 2 + 5 + 1 + 1 + 3 + 7);
	assert_int_equal(written_too_early, 0);
}

static void what_cannot_be_written_down_is_not_done(void **state)
{
	struct watch_guest *guest = new_claimant("web1", "eth0", "2-3");

	(void)state;
	assert_int_equal(rmdir("world/agent"), 0);
	assert_true(watch_add(&watch, guest, &note, &error) < 0);
	assert_true(error_is_set(&error));
	assert_false(error_is_set(&note));
	watch_guest_free(guest);
	assert_int_equal(affinities_written, 0);
	CHECK_UNTOUCHED();
	watch_turn(&watch);
	assert_int_equal(watch.guest_count, 0);
	CHECK_UNTOUCHED();
	/* With a place for it, it goes on. */
	assert_int_equal(mkdir("world/agent", 0755), 0);
	error = (struct error){0};
	end(add_quietly(new_claimant("web1", "eth0", "2-3")));
	CHECK_UNTOUCHED();
	assert_int_equal(affinities_written, 4);
}

static void a_missing_place_for_the_file_is_told(void **state)
{
	struct watch_guest *guest = new_claimant("web1", "eth0", "2-3");

	(void)state;
	assert_int_equal(rmdir("world/agent"), 0);
	assert_int_equal(watch_add(&watch, guest, &note, &error), -ENOENT);
	watch_guest_free(guest);
	assert_non_null(strstr(error.text, "No such file or directory"));
	assert_null(strstr(error.text, "kernel"));
}

/* The file of the time before is kept where the new one cannot be made. */
static void a_file_that_cannot_be_replaced_stays(void **state)
{
	struct watch_guest *guest = new_claimant("web2", "eth1", "1");

	(void)state;
	add_quietly(new_claimant("web1", "eth0", "2-3"));
	assert_int_equal(mkdir(STATE ".new", 0755), 0);
	assert_true(watch_add(&watch, guest, &note, &error) < 0);
	watch_guest_free(guest);
	CHECK("0-7", 26);
	CHECK("2-3", 24, 25);
	assert_int_equal(state_count("guests"), 1);
	assert_int_equal(state_count("interrupts"), 2);
}

static void what_cannot_be_written_down_goes_back_all_the_same(void **state)
{
	struct watch_guest *first = add_quietly(new_claimant("web1", "eth0", "2-3"));

	(void)state;
	add_quietly(new_claimant("web2", "eth1", "1"));
	assert_int_equal(rename("world/agent", "world/moved"), 0);
	for (int i = 0; i < 3; i++)
		end(i == 0 ? first : NULL);
	CHECK("0-7", 24, 25);
	CHECK("1", 26);
	assert_int_equal(times_logged("\n"), 1);
	assert_int_equal(rename("world/moved", "world/agent"), 0);
	assert_int_equal(watch_patience(&watch), WATCH_TURN_MS);
	watch_turn(&watch);
	CHECK("0-7", 24, 25);
	CHECK("1", 26);
}

static void that_all_is_back_is_written_down_when_it_can_be(void **state)
{
	struct watch_guest *guest = add_quietly(new_claimant("web1", "eth0", "2-3"));

	(void)state;
	assert_int_equal(rename("world/agent", "world/moved"), 0);
	end(guest);
	CHECK_UNTOUCHED();
	assert_int_equal(watch_patience(&watch), WATCH_TURN_MS);
	assert_int_equal(rename("world/moved", "world/agent"), 0);
	watch_turn(&watch);
	CHECK_UNTOUCHED();
	assert_int_equal(access(STATE, F_OK), -1);
	assert_int_equal(watch_patience(&watch), -1);
}

static void without_anything_there_is_no_file(void **state)
{
	struct watch_guest *guest;

	(void)state;
	watch_turn(&watch);
	assert_int_equal(access(STATE, F_OK), -1);
	guest = add_quietly(new_claimant("web1", "eth0", "2-3"));
	assert_int_equal(access(STATE, F_OK), 0);
	end(guest);
	assert_int_equal(access(STATE, F_OK), -1);
	/* A guest alone is something. */
	guest = add_quietly(new_guest("web1", "0-7"));
	assert_int_equal(state_count("guests"), 1);
	assert_int_equal(state_count("interrupts"), 0);
	end(guest);
	assert_int_equal(access(STATE, F_OK), -1);
	assert_int_equal(access(STATE ".new", F_OK), -1);
}

/* --- the next watch --- */

/* A process that a guest may be. */
static pid_t start_child(void)
{
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	make_line(path_of("world/proc/%d/stat", (int)child),
		  "1 (a) b) (c) S 1 1 1 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 815 1 1");
	return child;
}

static struct watch_guest *with_process(struct watch_guest *guest, pid_t pid, const char *started)
{
	guest->pid = pid;
	strcpy(guest->started, started);
	return guest;
}

static void the_next_watch_takes_up_guests_that_live(void **state)
{
	struct watch_guest *guest = new_isolated("web2", "6-7");

	(void)state;
	add_quietly(new_claimant("web1", "eth0", "2-3"));
	add_claim(guest, ASSIGNED, "5", true);
	add_quietly(with_process(guest, start_child(), "815"));
	affinities_written = 0;
	reopen_watch();
	assert_int_equal(watch.guest_count, 2);
	assert_string_equal(watch.guests[0]->name, "web1");
	assert_string_equal(watch.guests[1]->name, "web2");
	assert_int_equal(watch.guests[1]->pid, child);
	assert_true(watch.guests[0]->pidfd >= 0);
	assert_true(watch.guests[1]->pidfd >= 0);
	watch_turn(&watch);
	assert_int_equal(watch_patience(&watch), WATCH_TURN_MS);
	CHECK("2-3", 24, 25);
	CHECK("5", 27, 28);
	CHECK("0-5", 9, 16, 26);
	assert_int_equal(affinities_written, 0);
	end(watch.guests[1]);
	CHECK("0-7", 9, 16, 26, 27, 28);
	CHECK("2-3", 24, 25);
	end(watch.guests[0]);
	CHECK_UNTOUCHED();
	assert_int_equal(access(STATE, F_OK), -1);
	assert_string_equal(logged(), "");
}

static void the_next_watch_knows_who_was_first(void **state)
{
	(void)state;
	add_quietly(new_claimant("first", "eth0", "2-3"));
	add(new_claimant("second", "eth0", "4-5"));
	reopen_watch();
	watch_turn(&watch);
	CHECK("2-3", 24, 25);
	end(watch.guests[0]);
	CHECK("4-5", 24, 25);
	end(watch.guests[0]);
	CHECK_UNTOUCHED();
}

static void the_next_watch_puts_back_what_ended_guests_had(void **state)
{
	struct watch_guest *guest = new_claimant("web1", "eth0", "2-3");

	(void)state;
	add_quietly(with_process(guest, start_child(), "815"));
	end_child();
	reopen_watch();
	assert_int_equal(watch.guest_count, 0);
	CHECK("2-3", 24, 25);
	assert_int_equal(watch_patience(&watch), WATCH_TURN_MS);
	watch_turn(&watch);
	CHECK_UNTOUCHED();
	assert_int_equal(access(STATE, F_OK), -1);
	assert_int_equal(watch_patience(&watch), -1);
}

/* The number of its process may be another's by now. */
static void a_process_that_was_started_at_another_time_is_no_guest(void **state)
{
	static const char *const started[] = {"4710", "47111", "471", "", "x"};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(started); i++) {
		add_quietly(
		    with_process(new_claimant("web1", "eth0", "2-3"), getpid(), started[i]));
		CHECK("2-3", 24, 25);
		reopen_watch();
		assert_int_equal(watch.guest_count, 0);
		watch_turn(&watch);
		CHECK_UNTOUCHED();
	}
	add_quietly(new_claimant("web1", "eth0", "2-3"));
	assert_int_equal(remove_tree(path_of("world/proc/%d", (int)getpid())), 0);
	reopen_watch();
	assert_int_equal(watch.guest_count, 0);
}

static void the_next_watch_leaves_what_is_another_interrupt(void **state)
{
	(void)state;
	add_quietly(with_process(new_claimant("web1", "eth0", "2-3"), start_child(), "815"));
	end_child();
	make_interrupt(24, "2-3", "nvme0q1"); /* as if it had been set here */
	reopen_watch();
	watch_turn(&watch);
	CHECK("2-3", 24);
	CHECK("0-7", 25);
	assert_int_equal(access(STATE, F_OK), -1);
	assert_string_equal(logged(), "");
}

static void the_next_watch_leaves_what_somebody_else_has_set(void **state)
{
	(void)state;
	add_quietly(with_process(new_claimant("web1", "eth0", "2-3"), start_child(), "815"));
	end_child();
	set_affinity(24, "5");
	reopen_watch();
	watch_turn(&watch);
	CHECK("5", 24);
	CHECK("0-7", 25);
	assert_int_equal(times_logged("IRQ 24 has been set to CPUs 5 by somebody else"), 1);
	assert_int_equal(access(STATE, F_OK), -1);
}

/* One that was killed between writing it down and doing it. */
static void the_next_watch_does_what_was_only_written_down(void **state)
{
	(void)state;
	add_quietly(new_claimant("web1", "eth0", "2-3"));
	set_affinity(24, "0-7");
	reopen_watch();
	watch_turn(&watch);
	CHECK("2-3", 24, 25);
	end(watch.guests[0]);
	CHECK_UNTOUCHED();
	/* Or where the guest has ended, too. */
	add_quietly(with_process(new_claimant("web1", "eth0", "2-3"), start_child(), "815"));
	end_child();
	set_affinity(24, "0-7");
	affinities_written = 0;
	reopen_watch();
	watch_turn(&watch);
	CHECK_UNTOUCHED();
	assert_int_equal(affinities_written, 1);
	assert_int_equal(access(STATE, F_OK), -1);
	assert_string_equal(logged(), "");
}

/* A file that is not understood: it is told, and nothing is touched. */
static void check_not_understood(const char *text, size_t length)
{
	assert_int_equal(truncate(LOG, 0), 0);
	affinities_written = 0;
	make_bytes(STATE, text, length);
	reopen_watch();
	if (times_logged(STATE " is not understood") != 1)
		fail_msg("'%s' is understood", text);
	assert_int_equal(watch.guest_count, 0);
	watch_turn(&watch);
	assert_int_equal(affinities_written, 0);
	CHECK_UNTOUCHED();
	/* It is gone then, and does not stay in the way. */
	assert_int_equal(access(STATE, F_OK), -1);
	reopen_watch();
	assert_int_equal(times_logged("\n"), 1);
}

static void a_file_that_is_not_understood_is_told(void **state)
{
#define VERSION_1 "{\"version\":1,"
	static const char *const cases[] = {
	    "",
	    "garbage",
	    "null",
	    "1",
	    "[]",
	    "{",
	    "{}",
	    "{\"version\":1}",
	    "{\"version\":2,\"guests\":[],\"interrupts\":[]}",
	    "{\"version\":0,\"guests\":[],\"interrupts\":[]}",
	    "{\"version\":\"1\",\"guests\":[],\"interrupts\":[]}",
	    "{\"guests\":[],\"interrupts\":[]}",
	    VERSION_1 "\"guests\":[]}",
	    VERSION_1 "\"interrupts\":[]}",
	    VERSION_1 "\"version\":1,\"guests\":[],\"interrupts\":[]}",
	    VERSION_1 "\"guests\":[],\"interrupts\":[]} x",
	    VERSION_1 "\"guests\":7,\"interrupts\":[]}",
	    VERSION_1 "\"guests\":[],\"interrupts\":{}}",
	    VERSION_1 "\"guests\":[7],\"interrupts\":[]}",
	    VERSION_1 "\"guests\":[{}],\"interrupts\":[]}",
	    VERSION_1 "\"guests\":[],\"interrupts\":[7]}",
	    VERSION_1 "\"guests\":[],\"interrupts\":[{}]}",
	    VERSION_1 "\"guests\":[],\"interrupts\":[{\"number\":24,\"id\":1,\"before\":\"0-7\"}]}",
	    VERSION_1
	    "\"guests\":[],\"interrupts\":[{\"number\":\"24\",\"id\":1,\"before\":\"0-7\","
	    "\"set\":\"1\"}]}",
	    VERSION_1 "\"guests\":[],\"interrupts\":[{\"number\":24,\"id\":1,\"before\":\"7-0\","
		      "\"set\":\"1\"}]}",
	    VERSION_1 "\"guests\":[],\"interrupts\":[{\"number\":24,\"id\":1,\"before\":\"0-7\","
		      "\"set\":\"x\"}]}",
	    VERSION_1 "\"guests\":[],\"interrupts\":[],\"irqbalance\":7}",
	};
	static const char with_nul[] = VERSION_1 "\0\"guests\":[],\"interrupts\":[]}";

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(cases); i++)
		check_not_understood(cases[i], strlen(cases[i]));
	check_not_understood(with_nul, sizeof(with_nul) - 1);
	check_not_understood("\xff\xfe", 2);
}

/* However short it was cut, nothing happens that it did not say. */
static void a_file_that_is_cut_is_told(void **state)
{
	static char whole[16384];
	size_t length;
	FILE *file;

	(void)state;
	add_quietly(with_process(new_isolated("web1", "2-3"), start_child(), "815"));
	end_child();
	file = fopen(STATE, "re");
	assert_non_null(file);
	length = fread(whole, 1, sizeof(whole), file);
	fclose(file);
	assert_true(length > 500);
	end(watch.guests[0]);
	for (size_t cut = 0; cut + 2 < length; cut += 29)
		check_not_understood(whole, cut);
}

static void a_file_that_is_understood_in_part_is_not_used(void **state)
{
	static char whole[16384];
	char *second;
	FILE *file;

	(void)state;
	add_quietly(new_claimant("web1", "eth0", "2-3"));
	file = fopen(STATE, "re");
	assert_non_null(file);
	whole[fread(whole, 1, sizeof(whole) - 1, file)] = '\0';
	fclose(file);
	end(watch.guests[0]);
	second = strstr(whole, "\"number\": 25");
	assert_non_null(second);
	memcpy(second, "\"NUMBER\"", strlen("\"NUMBER\""));
	check_not_understood(whole, strlen(whole));
}

/* What somebody else may have written names no guests, and no interrupts to be put back. */
static void a_file_that_others_may_write_is_not_used(void **state)
{
	(void)state;
	for (int directory_too = 0; directory_too < 2; directory_too++) {
		add_quietly(
		    with_process(new_claimant("web1", "eth0", "2-3"), start_child(), "815"));
		end_child();
		if (directory_too != 0)
			assert_int_equal(chmod("world/agent", 0777), 0);
		else
			assert_int_equal(chmod(STATE, 0666), 0);
		assert_int_equal(truncate(LOG, 0), 0);
		affinities_written = 0;
		reopen_watch();
		assert_int_equal(times_logged("may be written by others"), 1);
		assert_int_equal(watch.guest_count, 0);
		watch_turn(&watch);
		assert_int_equal(affinities_written, 0);
		assert_int_equal(chmod("world/agent", 0755), 0);
		set_affinity(24, "0-7");
		set_affinity(25, "0-7");
	}
}

/* Somebody may have laid out links where it is written. */
static void a_link_in_the_place_of_the_file_is_not_followed(void **state)
{
	(void)state;
	make_file("kept", "kept");
	make_link("../../kept", STATE ".new");
	make_link("../../kept", STATE);
	add_quietly(new_claimant("web1", "eth0", "2-3"));
	assert_int_equal(state_count("guests"), 1);
	assert_string_equal(text_of("kept"), "kept");
}

/* Of what it names only what there is is touched. */
static void a_file_with_strange_numbers_is_no_harm(void **state)
{
	static const char *const cases[] = {
	    "{\"number\":-1,\"id\":1,\"before\":\"0\",\"set\":\"1\"}",
	    "{\"number\":24,\"id\":-1,\"before\":\"0\",\"set\":\"0-7\"}",
	    "{\"number\":24,\"id\":0,\"before\":\"0\",\"set\":\"0-7\"}",
	    "{\"number\":2147483647,\"id\":9223372036854775807,\"before\":\"0\",\"set\":\"1\"}",
	    "{\"number\":99,\"id\":1,\"before\":\"\",\"set\":\"\"}",
	};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		make_file(STATE,
			  path_of("{\"version\":1,\"guests\":[],\"interrupts\":[%s]}", cases[i]));
		reopen_watch();
		watch_turn(&watch);
		CHECK_UNTOUCHED();
		assert_int_equal(affinities_written, 0);
	}
	assert_string_equal(logged(), "");
}

/* --- the end of the watch --- */

static void at_its_end_all_is_put_back_and_the_guests_are_known_to_the_next(void **state)
{
	struct watch_guest *guest = new_isolated("web1", "2-3");

	(void)state;
	add_claim(guest, "eth0", "2-3", false);
	add_quietly(guest);
	add(new_claimant("web2", "eth0", "1"));
	CHECK("0-1,4-7", 9);
	watch_restore(&watch);
	CHECK_UNTOUCHED();
	assert_int_equal(state_count("guests"), 2);
	assert_int_equal(state_count("interrupts"), 0);
	reopen_watch();
	assert_int_equal(watch.guest_count, 2);
	watch_turn(&watch);
	CHECK("2-3", 24, 25);
	CHECK("0-1,4-7", 9, 16, 26, 27, 28);
	end(watch.guests[0]);
	CHECK("1", 24, 25);
	end(watch.guests[0]);
	CHECK_UNTOUCHED();
	assert_string_equal(logged(), "");
}

static void at_its_end_what_somebody_else_has_set_is_left(void **state)
{
	(void)state;
	add_quietly(new_claimant("web1", "eth0", "2-3"));
	set_affinity(24, "5");
	watch_restore(&watch);
	CHECK("5", 24);
	CHECK("0-7", 25);
	/* It is known to the next one, too. */
	assert_int_equal(state_count("interrupts"), 1);
	reopen_watch();
	watch_turn(&watch);
	CHECK("5", 24);
	CHECK("2-3", 25);
	assert_int_equal(times_logged("IRQ 24 has been set to CPUs 5 by somebody else"), 1);
}

/* Ended between the writing down and the change, on the way back or to another guest. */
static void the_next_watch_knows_what_was_about_to_be_done(void **state)
{
	struct watch_guest *first = add_quietly(new_claimant("first", "eth0", "2-3"));

	(void)state;
	add(new_claimant("second", "eth0", "4-5"));
	refusals[24] = refusals[25] = ENOSPC; /* as if it had been ended before */
	watch_remove(&watch, first);
	watch_turn(&watch);
	CHECK("2-3", 24, 25);
	refusals[24] = refusals[25] = 0;
	reopen_watch();
	watch_turn(&watch);
	CHECK("4-5", 24, 25);
	refusals[24] = refusals[25] = ENOSPC;
	watch_restore(&watch);
	refusals[24] = refusals[25] = 0;
	reopen_watch();
	end(watch.guests[0]);
	CHECK_UNTOUCHED();
	assert_int_equal(times_logged("by somebody else"), 0);
}

static void a_cpu_that_goes_offline_is_no_somebody(void **state)
{
	struct watch_guest *guest = add_quietly(new_claimant("web1", "eth0", "2"));

	(void)state;
	/* As the kernel does it (irq_migrate_all_off_this_cpu). */
	make_online("0-1,3-7");
	set_affinity(24, "0-1,3-7");
	set_affinity(25, "0-1,3-7");
	watch_turn(&watch);
	make_online("0-7");
	watch_turn(&watch);
	CHECK("2", 24, 25);
	end(guest);
	CHECK_UNTOUCHED();
	assert_string_equal(logged(), "");
}

static void what_is_left_stays_so_when_another_guest_comes(void **state)
{
	(void)state;
	add_quietly(new_claimant("web1", "eth0", "2-3"));
	set_affinity(24, "5");
	end(add_quietly(new_claimant("web2", "eth1", "1")));
	CHECK("5", 24);
	end(add_quietly(new_claimant("web3", "eth1", "1")));
	CHECK("5", 24);
	CHECK("2-3", 25);
}

static void at_its_end_with_nothing_changed_there_is_nothing_to_do(void **state)
{
	(void)state;
	watch_restore(&watch);
	assert_int_equal(affinities_written, 0);
	assert_int_equal(access(STATE, F_OK), -1);
	assert_string_equal(logged(), "");
}

static void at_its_end_what_came_last_is_put_back_too(void **state)
{
	(void)state;
	add_quietly(new_claimant("web1", "eth0", "2-3"));
	make_interrupt(40, "6", "virtio1-input.1");
	give_vector(ETH0, 40);
	watch_turn(&watch);
	CHECK("2-3", 40);
	remove_interrupt(25);
	watch_restore(&watch);
	CHECK("6", 40);
	CHECK("0-7", 24);
}

static void what_is_put_back_and_cannot_be_written_down_is_told(void **state)
{
	(void)state;
	add_quietly(new_claimant("web1", "eth0", "2-3"));
	assert_int_equal(rename("world/agent", "world/moved"), 0);
	watch_restore(&watch);
	CHECK_UNTOUCHED();
	assert_int_equal(times_logged("not all interrupts may be back: "), 1);
	assert_int_equal(rename("world/moved", "world/agent"), 0);
	reopen_watch();
	watch_turn(&watch);
	CHECK("2-3", 24, 25);
}

/* --- limits, and hosts where it cannot be --- */

static void there_is_a_most_of_guests(void **state)
{
	struct watch_guest *guest = new_guest("web1", "0-7");
	struct watch_guest *more = new_claimant("web2", "eth0", "2-3");

	(void)state;
	for (size_t i = 0; i < WATCH_GUESTS_MAX; i++)
		watch.guests[i] = guest;
	watch.guest_count = WATCH_GUESTS_MAX;
	assert_int_equal(watch_add(&watch, more, &note, &error), -EMFILE);
	assert_string_equal(error.text, "more than 4096 guests have irq= or isolate");
	assert_int_equal(watch.guest_count, WATCH_GUESTS_MAX);
	CHECK_UNTOUCHED();
	watch.guest_count = 1;
	error = (struct error){0};
	add_quietly(more);
	CHECK("2-3", 24, 25);
}

static void many_guests_are_seen_to(void **state)
{
	enum { MANY = 40 };
	double before = milliseconds();
	char cpus[16];

	(void)state;
	for (unsigned int i = 0; i < MANY; i++) {
		char name[16];

		snprintf(name, sizeof(name), "guest%u", i);
		snprintf(cpus, sizeof(cpus), "%u", i % 8);
		add(new_claimant(name, i % 2 == 0 ? "eth0" : "eth1", cpus));
	}
	CHECK("0", 24, 25);
	CHECK("1", 26);
	reopen_watch();
	assert_int_equal(watch.guest_count, MANY);
	for (unsigned int i = 0; i < MANY; i++) {
		snprintf(cpus, sizeof(cpus), "%u", i % 8);
		CHECK(cpus, i % 2 == 0 ? 24 : 26);
		end(watch.guests[0]);
	}
	CHECK_UNTOUCHED();
	assert_true(milliseconds() - before < 2000 * SLOWNESS);
}

static void a_kernel_that_lists_no_interrupts_is_told(void **state)
{
	(void)state;
	watch_close(&watch);
	assert_int_equal(rename("world/sys/kernel/irq", "world/sys/kernel/moved"), 0);
	assert_int_equal(watch_open(&watch, &roots, &error), -ENOENT);
	assert_non_null(strstr(error.text, "/sys/kernel/irq"));
	assert_non_null(strstr(error.text, "Linux 4.9"));
	watch_close(&watch);
	assert_int_equal(rename("world/sys/kernel/moved", "world/sys/kernel/irq"), 0);
	error = (struct error){0};
	open_watch();
}

static void without_the_cpus_that_are_online_nothing_is_done(void **state)
{
	struct watch_guest *guest = new_claimant("web1", "eth0", "2-3");

	(void)state;
	assert_int_equal(unlink("world/sys/devices/system/cpu/online"), 0);
	assert_true(watch_add(&watch, guest, &note, &error) < 0);
	assert_true(error_is_set(&error));
	watch_guest_free(guest);
	assert_int_equal(watch.guest_count, 0);
	assert_int_equal(affinities_written, 0);
	CHECK_UNTOUCHED();
	/* It is told once. */
	for (int i = 0; i < 3; i++)
		watch_turn(&watch);
	assert_int_equal(times_logged("\n"), 1);
	make_online("0-7");
	error = (struct error){0};
	add_quietly(new_claimant("web1", "eth0", "2-3"));
	CHECK("2-3", 24, 25);
}

/* What is known of its interrupts must not be asked any more. */
static void without_the_cpus_that_are_online_the_end_of_a_guest_is_no_harm(void **state)
{
	struct watch_guest *guest = add_quietly(new_claimant("web1", "eth0", "2-3"));

	(void)state;
	make_interrupt(40, "0-7", "virtio1-input.1");
	give_vector(ETH0, 40);
	watch_turn(&watch);
	add(new_isolated("web2", "2-3"));
	assert_int_equal(unlink("world/sys/devices/system/cpu/online"), 0);
	end(guest);
	CHECK("2-3", 24, 25, 40);
	make_online("0-7");
	watch_turn(&watch);
	CHECK("0-1,4-7", 24, 25, 40);
}

static void an_affinity_that_cannot_be_read_is_not_set(void **state)
{
	static const char *const texts[] = {"x", "7-0", "ff", "none", "0-7\n1"};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(texts); i++) {
		set_affinity(24, texts[i]);
		end(add(new_claimant("web1", "eth0", "2-3")));
		assert_int_equal(unlink("world/proc/irq/24/smp_affinity_list"), 0);
		end(add(new_claimant("web1", "eth0", "2-3")));
		assert_int_equal(access("world/proc/irq/24/smp_affinity_list", F_OK), -1);
		CHECK("0-7", 25);
	}
	assert_int_equal(affinities_written, 4 * LENGTH_OF(texts));
}

static void an_interrupt_without_cpus_is_left(void **state)
{
	(void)state;
	make_file("world/proc/irq/24/smp_affinity_list", "\n");
	add(new_claimant("web1", "eth0", "2-3"));
	assert_int_equal(affinities_written, 1);
	CHECK("2-3", 25);
	reopen_watch();
	assert_string_equal(logged(), "");
	assert_int_equal(watch.guest_count, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
	static const struct CMUnitTest tests[] = {
	    TEST(a_claimed_interrupt_goes_to_the_cpus_of_its_claim),
	    TEST(each_claim_has_its_own_cpus),
	    TEST(what_is_where_it_should_be_is_not_written),
	    TEST(a_claim_of_cpus_that_are_offline_is_told),
	    TEST(a_device_without_interrupts_is_told),
	    TEST(an_assigned_device_may_have_no_interrupts_yet),
	    TEST(an_assigned_device_must_be_in_the_hands_of_vfio),
	    TEST(a_claim_without_cpus_moves_nothing),
	    TEST(what_an_ended_guest_had_goes_back),
	    TEST(what_somebody_else_has_set_is_his),
	    TEST(what_somebody_else_has_set_stays_while_the_guest_lives),
	    TEST(what_somebody_else_has_set_is_taken_by_a_guest_that_is_new),
	    TEST(what_is_gone_is_no_matter_any_more),
	    TEST(of_two_guests_the_first_has_it),
	    TEST(they_stand_in_line),
	    TEST(what_is_not_disputed_is_had),
	    TEST(several_who_were_first_are_all_named),
	    TEST(others_keep_off_the_cpus_of_an_isolated_guest),
	    TEST(a_cpu_that_is_offline_is_none_that_is_left),
	    TEST(what_would_have_no_cpu_left_stays),
	    TEST(who_is_isolated_first_stays_so),
	    TEST(what_is_delivered_elsewhere_is_not_told),
	    TEST(an_isolated_guest_keeps_its_own_interrupts),
	    TEST(what_is_no_longer_assigned_is_like_any_other),
	    TEST(a_mediated_device_is_always_its_guests),
	    TEST(isolated_guests_add_up),
	    TEST(the_devices_of_one_isolated_guest_keep_off_another),
	    TEST(who_claimed_first_keeps_it_on_isolated_cpus),
	    TEST(who_was_isolated_first_keeps_others_claims_off),
	    TEST(interrupts_that_come_later_are_seen_to),
	    TEST(one_that_has_the_number_of_another_is_not_that),
	    TEST(one_that_has_the_number_of_another_device_is_left),
	    TEST(one_that_is_given_up_by_its_device_goes_back),
	    TEST(a_driver_does_not_undo_it_in_the_first_second),
	    TEST(what_is_set_after_the_first_second_is_left),
	    TEST(a_driver_does_not_put_it_on_isolated_cpus),
	    TEST(those_that_are_there_from_the_start_are_not_young),
	    TEST(many_interrupts_are_seen_to),
	    TEST(what_the_kernel_manages_itself_is_told_and_no_error),
	    TEST(what_the_kernel_manages_on_isolated_cpus_is_told),
	    TEST(what_comes_later_and_cannot_be_set_is_logged_once),
	    TEST(what_fails_for_now_is_tried_again),
	    TEST(what_fails_again_and_again_is_given_up_until_a_guest_comes),
	    TEST(different_failures_are_told_apart),
	    TEST(many_numbers_are_cut),
	    TEST(what_is_done_is_written_down),
	    TEST(it_is_written_down_before_it_is_done),
	    TEST(what_cannot_be_written_down_is_not_done),
	    TEST(a_file_that_cannot_be_replaced_stays),
	    TEST(what_cannot_be_written_down_goes_back_all_the_same),
	    TEST(without_anything_there_is_no_file),
	    TEST(the_next_watch_takes_up_guests_that_live),
	    TEST(the_next_watch_knows_who_was_first),
	    TEST(the_next_watch_puts_back_what_ended_guests_had),
	    TEST(a_process_that_was_started_at_another_time_is_no_guest),
	    TEST(the_next_watch_leaves_what_is_another_interrupt),
	    TEST(the_next_watch_leaves_what_somebody_else_has_set),
	    TEST(the_next_watch_does_what_was_only_written_down),
	    TEST(a_file_that_is_not_understood_is_told),
	    TEST(a_file_that_is_cut_is_told),
	    TEST(a_file_with_strange_numbers_is_no_harm),
	    TEST(a_file_that_others_may_write_is_not_used),
	    TEST(a_link_in_the_place_of_the_file_is_not_followed),
	    TEST(at_its_end_all_is_put_back_and_the_guests_are_known_to_the_next),
	    TEST(at_its_end_what_somebody_else_has_set_is_left),
	    TEST(the_next_watch_knows_what_was_about_to_be_done),
	    TEST(a_cpu_that_goes_offline_is_no_somebody),
	    TEST(what_is_left_stays_so_when_another_guest_comes),
	    TEST(at_its_end_with_nothing_changed_there_is_nothing_to_do),
	    TEST(at_its_end_what_came_last_is_put_back_too),
	    TEST(what_is_put_back_and_cannot_be_written_down_is_told),
	    TEST(there_is_a_most_of_guests),
	    TEST(many_guests_are_seen_to),
	    TEST(a_kernel_that_lists_no_interrupts_is_told),
	    TEST(without_the_cpus_that_are_online_nothing_is_done),
	    TEST(an_affinity_that_cannot_be_read_is_not_set),
	    TEST(a_file_that_is_understood_in_part_is_not_used),
	    TEST(without_the_cpus_that_are_online_the_end_of_a_guest_is_no_harm),
	    TEST(a_missing_place_for_the_file_is_told),
	    TEST(a_driver_does_not_undo_it_at_the_end_of_the_first_second),
	    TEST(what_a_driver_has_set_is_not_written_down_for_ever),
	    TEST(an_interrupt_without_cpus_is_left),
	    TEST(what_was_given_up_goes_back_all_the_same),
	    TEST(that_all_is_back_is_written_down_when_it_can_be),
	    TEST(of_two_claims_for_one_device_the_first_counts),
	    TEST(guests_that_want_the_same_cpus_have_no_dispute),
	};

	stderr_before = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
#if defined(__SANITIZE_ADDRESS__)
	__sanitizer_set_report_fd((void *)(intptr_t)stderr_before);
#endif
	return RUN_TESTS(tests);
}
