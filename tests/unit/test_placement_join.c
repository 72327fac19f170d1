/* What the agent has given a guest, beside what its rule comes to. */
#include "placement.h"
#include "sets.h"
#include "unit.h"

#include <errno.h>
#include <sched.h>
#include <string.h>

static struct error error;

static struct id_set allowed(void)
{
	struct id_set cpus = {0};

	assert_int_equal(sched_getaffinity(0, sizeof(cpus.word), (cpu_set_t *)cpus.word), 0);
	return cpus;
}

static void cpus_of_the_agent_are_taken(void **state)
{
	struct placement placement = {0};
	struct id_set cpus = allowed();
	struct id_set now;

	(void)state;
	assert_int_equal(placement_join(&placement, &cpus, &error), 0);
	assert_true(id_set_equal(&placement.cpus, &cpus));
	now = allowed();
	assert_true(id_set_equal(&now, &cpus));
}

static void other_cpus_than_the_rules_are_an_error(void **state)
{
	struct placement placement = {.cpus = set_of("1022-1023")};
	struct id_set cpus = allowed();

	(void)state;
	assert_int_equal(placement_join(&placement, &cpus, &error), -EXDEV);
	assert_non_null(strstr(error.text, "1022-1023"));
	assert_non_null(strstr(error.text, "numatune"));
}

static void cpus_that_are_not_there_are_refused(void **state)
{
	struct placement placement = {0};
	struct id_set cpus = set_of("1023");

	(void)state;
	assert_true(placement_join(&placement, &cpus, &error) < 0);
	assert_non_null(strstr(error.text, "the affinity to CPUs 1023 is refused: "));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(cpus_of_the_agent_are_taken),
	    cmocka_unit_test(other_cpus_than_the_rules_are_an_error),
	    cmocka_unit_test(cpus_that_are_not_there_are_refused),
	};

	return RUN_TESTS(tests);
}
