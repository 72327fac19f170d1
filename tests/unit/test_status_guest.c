/* One guest at length, as it comes to the screen: status_guest.c. */
#include "guest_made.h"
#include "status_guest.h"

#include <stdio.h>
#include <unistd.h>

static struct guest_made made;

/* What is printed, until the next call. */
static const char *printed(void)
{
	static char text[4096];
	FILE *file = tmpfile();
	int before = dup(STDOUT_FILENO);
	size_t length;

	assert_non_null(file);
	assert_true(before >= 0);
	fflush(stdout);
	assert_int_equal(dup2(fileno(file), STDOUT_FILENO), STDOUT_FILENO);
	status_guest_print(&made.state);
	fflush(stdout);
	assert_int_equal(dup2(before, STDOUT_FILENO), STDOUT_FILENO);
	close(before);
	rewind(file);
	length = fread(text, 1, sizeof(text) - 1, file);
	text[length] = '\0';
	fclose(file);
	return text;
}

static void shows(const char *line)
{
	if (strstr(printed(), line) == NULL)
		fail_msg("no '%s' in: %s", line, printed());
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

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(only_an_agent_that_was_asked_has_left_an_interrupt),
	};

	return RUN_TESTS(tests);
}
