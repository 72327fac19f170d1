/* One guest at length, as it comes to the screen: status_guest.c. */
#include "guest_made.h"
#include "printed.h"
#include "status_guest.h"

#include <stdlib.h>

static struct guest_made made;

static unsigned int rows;

static void print(void)
{
	struct guest_states states = {.at = &made.state, .count = 1};

	assert_int_equal(status_guests_print(&states, rows), 0);
}

static void shows(const char *line)
{
	if (strstr(printed_by(print), line) == NULL)
		fail_msg("no '%s' in: %s", line, printed_by(print));
}

static void only_an_agent_that_was_asked_has_left_an_interrupt(void **state)
{
	(void)state;
	made_new(&made);
	made_thread(&made, "kvm", "0", 0);
	made_irq(&made, 37, "eth0", "0", "0-1", false);
	shows("IRQ: 37 (eth0) to CPUs 0-1, wanted 0\n");
	made.state.irqs_watched = true;
	shows("IRQ: 37 (eth0) to CPUs 0-1, wanted 0 (not the agent's to move)\n");
	/* It knows nothing of what the rule says by now. */
	made.state.irqs_other = true;
	shows("IRQ: 37 (eth0) to CPUs 0-1, wanted 0\n");
}

/* As many as a machine of QEMU's may have, and nodes as many as a kernel may. */
static void no_list_is_cut(void **state)
{
	enum { VCPUS = 4096, NODES = 1024 };
	struct guest_thread *threads = calloc(VCPUS, sizeof(*threads));
	struct guest_node *nodes = calloc(NODES, sizeof(*nodes));

	(void)state;
	assert_non_null(threads);
	assert_non_null(nodes);
	made_new(&made);
	made_memory(&made, "default");
	for (size_t i = 0; i < VCPUS; i++) {
		threads[i].vcpu = (int)i;
		threads[i].stat.processor = 7000;
		id_set_add(&threads[i].cpus, 7000);
	}
	for (unsigned int i = 0; i < NODES; i++)
		nodes[i] = (struct guest_node){i, 1000000 + i, 2000 + i};
	made.state.threads.at = threads;
	made.state.threads.count = VCPUS;
	made.state.pages.nodes = nodes;
	made.state.pages.count = NODES;
	shows(" vCPUs: 0 on CPU 7000, 1 on CPU 7000, ");
	shows(", 4094 on CPU 7000, 4095 on CPU 7000\n");
	shows(" pages: 0:1000000+2000 1:1000001+2001 ");
	shows(" 1022:1001022+3022 1023:1001023+3023\n");
	made.state.pages.sampled = true;
	shows(" some pages: 0:~1000000+2000 ");
	made.state.pages.count = 0;
	shows(" some pages: -\n");
	made.state.threads.count = 0;
	assert_null(strstr(printed_by(print), "vCPUs"));
	free(nodes);
	free(threads);
}

static void the_priority_that_is_wanted_is_told(void **state)
{
	(void)state;
	made_new(&made)->asked = (struct rule){.nice_given = true, .nice = 5};
	made_thread(&made, "kvm", "0", 0);
	shows(" wanted: nice 5\n");
	made.state.asked = (struct rule){.scheduler = SCHEDULER_FIFO, .realtime = 3};
	made_wants_cpus(&made, "0");
	shows(" wanted: 0, scheduler fifo, real-time priority 3\n");
	made.state.asked = (struct rule){.nice_given = true, .scheduler = SCHEDULER_BATCH};
	shows(" wanted: 0, nice 0, scheduler batch\n");
	made.state.asked = (struct rule){0};
	shows(" wanted: 0\n");
	/* What comes of the rule is not known, so nothing is wanted. */
	made.state.asked.nice_given = true;
	made.state.wanted_known = false;
	shows(" wanted: -\n");
}

static void of_what_a_terminal_has_no_rows_for_the_first_lines_are_shown(void **state)
{
	static char all[262144];

	(void)state;
	setenv("COLUMNS", "80", 1);
	made_new(&made)->verdict = VERDICT_UNPLACED;
	error_set(&made.state.reason, 0, "%0140d", 0); /* which takes two rows */
	for (size_t i = 0; i < 4; i++)
		made_thread(&made, "kvm", "0", 0);
	strcpy(all, printed_by(print));
	for (rows = 12; rows <= 14; rows++)
		assert_string_equal(printed_by(print), all);
	rows = 5;
	assert_memory_equal(printed_by(print), all, strlen("web1: unplaced\n     because: 000"));
	shows("\n     because: 0");
	shows("000\n... and 8 more lines\n");
	rows = 4;
	assert_string_equal(printed_by(print), "web1: unplaced\n... and 9 more lines\n");
	rows = 1;
	assert_string_equal(printed_by(print), "... and 10 more lines\n");
	rows = 0;
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(only_an_agent_that_was_asked_has_left_an_interrupt),
	    cmocka_unit_test(no_list_is_cut),
	    cmocka_unit_test(the_priority_that_is_wanted_is_told),
	    cmocka_unit_test(of_what_a_terminal_has_no_rows_for_the_first_lines_are_shown),
	};

	return RUN_TESTS(tests);
}
