/* Whether a guest has what its rule wants: guest_verdict.c. */
#include "guest_made.h"
#include "guest_verdict.h"

#include <sched.h>

static struct guest_made made;

static void check(enum verdict verdict, const char *reason, const char *note)
{
	guest_verdict_find(&made.state);
	if (made.state.verdict != verdict)
		fail_msg("%s: %s", verdict_name(made.state.verdict), made.state.reason.text);
	assert_string_equal(made.state.reason.text, reason);
	assert_string_equal(made.state.note.text, note);
}

/* A guest that has all that its rule, "1 …", wants: CPUs 2-3 and node 1. */
static struct guest_state *placed(void)
{
	struct guest_state *state = made_new(&made);

	made_wants_cpus(&made, "2-3");
	made_wants_memory(&made, MEMORY_BIND, "1");
	made_thread(&made, "qemu-kvm", "2-3", 2);
	made_thread(&made, "CPU 0/KVM", "2", 2)->vcpu = 0;
	made_thread(&made, "CPU 1/KVM", "3", 3)->vcpu = 1;
	made_memory(&made, "bind:1");
	made_pages(&made, 1, 1000, 0);
	return state;
}

static void verdicts_have_names(void **state)
{
	static const char *const names[VERDICTS] = {
	    [VERDICT_PLACED] = "placed",     [VERDICT_DRIFTED] = "drifted",
	    [VERDICT_UNPLACED] = "unplaced", [VERDICT_NO_RULE] = "no rule",
	    [VERDICT_UNKNOWN] = "unknown",
	};

	(void)state;
	for (enum verdict verdict = 0; verdict < VERDICTS; verdict++)
		assert_string_equal(verdict_name(verdict), names[verdict]);
}

static void one_without_a_rule_has_no_verdict(void **state)
{
	(void)state;
	made_new(&made)->rule_file = NULL;
	check(VERDICT_NO_RULE, "", "");
	placed()->rule_file = NULL;
	made.state.wanted_known = false;
	check(VERDICT_NO_RULE, "", "");
	assert_true(guest_state_share(&made.state) < 0);
}

static void one_that_has_it_all_is_placed(void **state)
{
	(void)state;
	placed();
	check(VERDICT_PLACED, "", "");
	/* A rule that wants nothing that can be seen, like env=. */
	made_new(&made);
	made_thread(&made, "kvm", "0-8191", 0);
	check(VERDICT_PLACED, "", "");
}

/* Why not is what the plan says. */
static void a_rule_that_cannot_be_honoured_leaves_it_unplaced(void **state)
{
	(void)state;
	placed()->wanted_known = false;
	error_set(&made.state.reason, 0, "node 9 does not exist");
	check(VERDICT_UNPLACED, "node 9 does not exist", "");
	assert_true(guest_state_share(&made.state) < 0);
}

static void threads_that_may_run_elsewhere_are_named(void **state)
{
	(void)state;
	placed();
	made.threads[2].cpus = set_of("3-4");
	check(VERDICT_DRIFTED, "1 of 3 threads may run elsewhere: 'CPU 1/KVM' (4713) on 3-4", "");
	made_thread(&made, "IO 1\n\033[31m", "0", 0);
	made_thread(&made, "x", "0-1", 0);
	made.state.reason.text[0] = '\0';
	check(VERDICT_DRIFTED,
	      "3 of 5 threads may run elsewhere: 'CPU 1/KVM' (4713) on 3-4, 'IO 1\\x0a\\x1b[31m' "
	      "(4714) on 0, 'x' (4715) on 0-1",
	      "");
	made_thread(&made, "y", "1", 0);
	made.state.reason.text[0] = '\0';
	check(VERDICT_DRIFTED,
	      "4 of 6 threads may run elsewhere: 'CPU 1/KVM' (4713) on 3-4, 'IO 1\\x0a\\x1b[31m' "
	      "(4714) on 0, 'x' (4715) on 0-1 and others",
	      "");
	assert_true(guest_thread_is_placed(&made.state, &made.threads[0]));
	assert_false(guest_thread_is_placed(&made.state, &made.threads[2]));
}

/* All its threads are outside: still no shim has placed it, or one has. */
static void one_that_has_nothing_is_unplaced(void **state)
{
	static const char reason[] = "1 of 1 threads may run elsewhere: 'kvm' (4711) on 0-7; of "
				     "its memory 0.0 % is on node 1";
	static const char note[] = "its memory policy is 'default', and 'bind:1' from its next "
				   "start on: until then new memory may come from other nodes";

	(void)state;
	made_new(&made);
	made_wants_cpus(&made, "2-3");
	made_wants_memory(&made, MEMORY_BIND, "1");
	made_thread(&made, "kvm", "0-7", 2);
	made_memory(&made, "default");
	made_pages(&made, 0, 1000, 0);
	check(VERDICT_UNPLACED, reason, note);
	/* The policy of its memory is the rule's: it was placed, and its threads were moved. */
	strcpy(made.state.pages.policy, "bind:1");
	made.state.reason = made.state.note = (struct error){0};
	check(VERDICT_DRIFTED, reason, "");
}

static void memory_counts_from_99_percent_on(void **state)
{
	static const struct {
		uint64_t there;
		uint64_t elsewhere;
		bool sampled;
		const char *reason; /* "": placed */
	} cases[] = {
	    {1000, 0, false, ""},
	    {990, 10, false, ""},
	    {9899, 101, false, "of its memory 98.9 % is on node 1"},
	    {1, 1, false, "of its memory 50.0 % is on node 1"},
	    {1, 1, true, "of its memory some 50.0 % is on node 1"},
	    {0, 5, false, "of its memory 0.0 % is on node 1"},
	    {0, 0, false, ""},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		placed()->pages.sampled = cases[i].sampled;
		made.nodes[0].pages = cases[i].there;
		made_pages(&made, 5, cases[i].elsewhere, 0);
		check(*cases[i].reason != '\0' ? VERDICT_DRIFTED : VERDICT_PLACED, cases[i].reason,
		      "");
		assert_int_equal(guest_memory_is_placed(&made.state), *cases[i].reason == '\0');
	}
}

/* In bytes: one huge page is more than many small ones. */
static void huge_pages_count_as_much_as_they_are(void **state)
{
	(void)state;
	placed();
	made_pages(&made, 0, 0, 1);
	made_pages(&made, 2, 0, 1);
	made.state.wanted.nodes = set_of("1-2");
	strcpy(made.state.pages.policy, "bind:1-2");
	check(VERDICT_DRIFTED, "of its memory 74.7 % is on node 1-2", "");
}

/* A policy that only prefers nodes does not have all memory there. */
static void only_what_binds_memory_is_asked_for_it(void **state)
{
	static const struct {
		enum memory_mode mode;
		const char *policy;
		bool asked;
	} cases[] = {
	    {MEMORY_BIND, "bind:1", true},
	    {MEMORY_INTERLEAVE, "interleave:1", true},
	    {MEMORY_PREFERRED, "prefer:1", false},
	    {MEMORY_PREFERRED_MANY, "prefer (many):1", false},
	    {MEMORY_LOCAL, "local", false},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		placed()->wanted.mode = cases[i].mode;
		strcpy(made.state.pages.policy, cases[i].policy);
		made_pages(&made, 0, 1000, 0);
		check(cases[i].asked ? VERDICT_DRIFTED : VERDICT_PLACED,
		      cases[i].asked ? "of its memory 50.0 % is on node 1" : "", "");
		assert_int_equal(guest_state_share(&made.state) >= 0, cases[i].asked);
		/* Nor need it be seen then. */
		placed()->wanted.mode = cases[i].mode;
		made.state.pages_known = false;
		check(cases[i].asked ? VERDICT_UNKNOWN : VERDICT_PLACED,
		      cases[i].asked ? "its memory cannot be seen: do this as root" : "", "");
	}
}

/* What can be seen is not so: that is enough. */
static void one_that_cannot_be_seen_whole_may_have_drifted(void **state)
{
	(void)state;
	placed()->pages_known = false;
	made.threads[0].cpus = set_of("0");
	check(VERDICT_DRIFTED, "1 of 3 threads may run elsewhere: 'qemu-kvm' (4711) on 0", "");
}

static void a_priority_that_is_not_the_rules_is_told(void **state)
{
	(void)state;
	placed()->asked = (struct rule){.nice_given = true, .nice = -5};
	for (size_t i = 0; i < 3; i++)
		made.threads[i].stat.priority.nice = -5;
	check(VERDICT_PLACED, "", "");
	made.threads[1].stat.priority = (struct priority){0, SCHED_FIFO, 3};
	made.threads[2].stat.priority = (struct priority){1, 0, 0};
	check(VERDICT_DRIFTED,
	      "thread 'CPU 0/KVM' (4712) has nice 0, scheduler fifo, real-time priority 3, wanted "
	      "nice -5",
	      "");
	assert_false(guest_thread_is_placed(&made.state, &made.threads[1]));
	assert_true(guest_thread_is_placed(&made.state, &made.threads[0]));
	/* sched= */
	placed()->asked = (struct rule){.scheduler = SCHEDULER_RR, .realtime = 4};
	for (size_t i = 0; i < 3; i++)
		made.threads[i].stat.priority = (struct priority){0, SCHED_RR, i == 2 ? 5 : 4};
	check(VERDICT_DRIFTED,
	      "thread 'CPU 1/KVM' (4713) has nice 0, scheduler rr, real-time priority 5, wanted "
	      "scheduler rr, real-time priority 4",
	      "");
	/* A rule of nothing else. */
	made_new(&made)->asked = (struct rule){.nice_given = true, .nice = 1};
	made_thread(&made, "kvm", "0", 0);
	check(
	    VERDICT_UNPLACED,
	    "thread 'kvm' (4711) has nice 0, scheduler other, real-time priority 0, wanted nice 1",
	    "");
}

static void interrupts_that_are_elsewhere_are_told(void **state)
{
	(void)state;
	placed()->asked = (struct rule){.irq_count = 1};
	check(VERDICT_DRIFTED, "the agent does not watch over its interrupts", "");
	assert_false(guest_irqs_are_placed(&made.state));
	made.state.reason = (struct error){0};
	made.state.irqs_watched = true;
	check(VERDICT_PLACED, "", "");
	assert_true(guest_irqs_are_placed(&made.state));
	made_irq(&made, 24, "eth0", "2-3", "2", true);
	made_irq(&made, 25, "eth0", "2-3", "0-3", false); /* not the agent's to move */
	check(VERDICT_PLACED, "", "");
	made_irq(&made, 26, "eth0", "2-3", "3-4", true);
	check(VERDICT_DRIFTED, "IRQ 26 of eth0 may go to CPUs 3-4", "");
	assert_false(guest_irqs_are_placed(&made.state));
	made.state.reason = (struct error){0};
	made.strays[0] = (struct guest_irq){.number = 9, .cpus = set_of("3")};
	made.state.irqs.stray_count = 1;
	check(VERDICT_DRIFTED, "IRQ 26 of eth0 may go to CPUs 3-4; IRQ 9 may go to CPUs 3", "");
	/* With isolate alone. */
	placed()->asked = (struct rule){.isolate = true};
	made.state.irqs_watched = true;
	made.strays[0] = (struct guest_irq){.number = 9, .cpus = set_of("3")};
	made.state.irqs.stray_count = 1;
	check(VERDICT_DRIFTED, "IRQ 9 may go to CPUs 3", "");
	/* A rule of nothing else. */
	made_new(&made)->asked = (struct rule){.irq_count = 1};
	made_thread(&made, "kvm", "0", 0);
	check(VERDICT_UNPLACED, "the agent does not watch over its interrupts", "");
}

static void all_reasons_are_told_together(void **state)
{
	(void)state;
	placed()->asked = (struct rule){.irq_count = 1, .nice_given = true, .nice = 1};
	made.threads[0].cpus = set_of("0");
	made_pages(&made, 0, 1000, 0);
	check(
	    VERDICT_DRIFTED,
	    "1 of 3 threads may run elsewhere: 'qemu-kvm' (4711) on 0; of its memory 50.0 % is on "
	    "node 1; thread 'qemu-kvm' (4711) has nice 0, scheduler other, real-time priority 0, "
	    "wanted nice 1; the agent does not watch over its interrupts",
	    "");
}

/* Text of any length: cut, never overrun. */
static void a_long_reason_is_cut(void **state)
{
	char cpus[ID_SET_LIST_SIZE] = "";

	(void)state;
	for (unsigned int id = 1; id < 4000; id += 2)
		text_add(cpus, sizeof(cpus), "%s%u", id > 1 ? "," : "", id);
	placed();
	for (size_t i = 0; i < 3; i++) {
		memset(made.threads[i].stat.name, '\n', PROCESS_NAME_SIZE - 1);
		made.threads[i].cpus = set_of(cpus);
	}
	guest_verdict_find(&made.state);
	assert_int_equal(made.state.verdict, VERDICT_DRIFTED);
	assert_true(strlen(made.state.reason.text) < ERROR_TEXT_SIZE);
	assert_null(strchr(made.state.reason.text, '\n'));
}

/* --- notes: what it gets with its next start --- */

static void a_policy_is_told_in_the_kernels_words(void **state)
{
	static const struct {
		enum memory_mode mode;
		const char *nodes;
		const char *has;
		const char *becomes; /* NULL: it is so */
	} cases[] = {
	    {MEMORY_BIND, "1", "bind:1", NULL},
	    {MEMORY_BIND, "0-1", "bind:1", "bind:0-1"},
	    {MEMORY_BIND, "1", "bind=static:1", "bind:1"},
	    {MEMORY_PREFERRED, "1", "prefer:1", NULL},
	    {MEMORY_PREFERRED, "1", "default", "prefer:1"},
	    {MEMORY_PREFERRED_MANY, "0,2", "prefer (many):0,2", NULL},
	    {MEMORY_PREFERRED_MANY, "0,2", "prefer:0", "prefer (many):0,2"},
	    {MEMORY_INTERLEAVE, "0-1", "interleave:0-1", NULL},
	    {MEMORY_INTERLEAVE, "0-1", "weighted interleave:0-1", "interleave:0-1"},
	    {MEMORY_LOCAL, "", "local", NULL},
	    {MEMORY_LOCAL, "", "default", "local"},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		char note[ERROR_TEXT_SIZE] = "";

		made_new(&made);
		made_wants_memory(&made, cases[i].mode, cases[i].nodes);
		made_thread(&made, "kvm", "0", 0);
		made_memory(&made, cases[i].has);
		if (cases[i].becomes != NULL)
			snprintf(note, sizeof(note),
				 "its memory policy is '%s', and '%s' from its next start on: "
				 "until then new memory may come from other nodes",
				 cases[i].has, cases[i].becomes);
		check(VERDICT_PLACED, "", note);
		/* What is not known is not told. */
		made.state.note = (struct error){0};
		made.state.pages_known = false;
		guest_verdict_find(&made.state);
		assert_string_equal(made.state.note.text, "");
	}
}

static void huge_pages_that_it_lacks_are_told(void **state)
{
	static const char note[] = "hugepages= counts from its next start on";

	(void)state;
	placed()->asked = (struct rule){.huge_page = 2 << 20};
	check(VERDICT_PLACED, "", note);
	placed()->asked = (struct rule){.huge_page = 2 << 20};
	made.nodes[0].huge_pages = 1;
	made.state.pages.huge_page = 2 << 20;
	check(VERDICT_PLACED, "", "");
	placed()->asked = (struct rule){.huge_page = 1 << 30};
	made.state.pages.huge_page = 2 << 20;
	check(VERDICT_PLACED, "", note);
	placed()->asked = (struct rule){.huge_page = 2 << 20, .huge_pages_preferred = true};
	check(VERDICT_PLACED, "", "");
	/* A sample says nothing of them. */
	placed()->asked = (struct rule){.huge_page = 2 << 20};
	made.state.pages.sampled = true;
	check(VERDICT_PLACED, "", "");
}

static void thp_never_is_told(void **state)
{
	(void)state;
	placed()->asked = (struct rule){.thp = CHOICE_OFF};
	check(VERDICT_PLACED, "", "thp=never counts from its next start on");
	placed()->asked = (struct rule){.thp = CHOICE_OFF};
	made.state.thp_never = true;
	check(VERDICT_PLACED, "", "");
	/* Beside another note. */
	placed()->asked = (struct rule){.thp = CHOICE_OFF, .huge_page = 2 << 20};
	check(VERDICT_PLACED, "",
	      "hugepages= counts from its next start on; thp=never counts from its next start on");
}

/* Nothing is wrong with it, but a rule that has become wider is not had in full. */
static void fewer_cpus_than_the_rules_are_told(void **state)
{
	static const char note[] =
	    "its threads may use only CPUs 2 of these: by its XML, or an earlier rule";

	(void)state;
	placed();
	assert_false(guest_cpus_are_fewer(&made.state));
	made.state.cpus = set_of("2");
	assert_true(guest_cpus_are_fewer(&made.state));
	check(VERDICT_PLACED, "", note);
	made.state.cpus = set_of("2-4");
	assert_false(guest_cpus_are_fewer(&made.state));
	made.state.cpus = set_of("2");
	made.state.wanted.sets_cpus = false;
	assert_false(guest_cpus_are_fewer(&made.state));
}

/* What cannot be seen is told where the memory policy shows that another rule has started it. */
static void what_another_rule_has_left_out_is_told(void **state)
{
	static const struct rule asked = {.ksm = CHOICE_OFF, .prealloc = true, .env_count = 2};

	(void)state;
	placed()->asked = asked;
	check(VERDICT_PLACED, "", "");
	placed()->asked = asked;
	strcpy(made.state.pages.policy, "default");
	check(VERDICT_PLACED, "",
	      "its memory policy is 'default', and 'bind:1' from its next start on: until then "
	      "new memory may come from other nodes; ksm= counts from its next start on; "
	      "prealloc=on counts from its next start on; env= counts from its next start on");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(verdicts_have_names),
	    cmocka_unit_test(one_without_a_rule_has_no_verdict),
	    cmocka_unit_test(one_that_has_it_all_is_placed),
	    cmocka_unit_test(a_rule_that_cannot_be_honoured_leaves_it_unplaced),
	    cmocka_unit_test(threads_that_may_run_elsewhere_are_named),
	    cmocka_unit_test(one_that_has_nothing_is_unplaced),
	    cmocka_unit_test(memory_counts_from_99_percent_on),
	    cmocka_unit_test(huge_pages_count_as_much_as_they_are),
	    cmocka_unit_test(only_what_binds_memory_is_asked_for_it),
	    cmocka_unit_test(one_that_cannot_be_seen_whole_may_have_drifted),
	    cmocka_unit_test(a_priority_that_is_not_the_rules_is_told),
	    cmocka_unit_test(interrupts_that_are_elsewhere_are_told),
	    cmocka_unit_test(all_reasons_are_told_together),
	    cmocka_unit_test(a_long_reason_is_cut),
	    cmocka_unit_test(a_policy_is_told_in_the_kernels_words),
	    cmocka_unit_test(huge_pages_that_it_lacks_are_told),
	    cmocka_unit_test(thp_never_is_told),
	    cmocka_unit_test(what_another_rule_has_left_out_is_told),
	    cmocka_unit_test(fewer_cpus_than_the_rules_are_told),
	};

	return RUN_TESTS(tests);
}
