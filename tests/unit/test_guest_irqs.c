/* Where the interrupts of a rule are: guest_irqs.c. */
#include "guest_irqs.h"
#include "interrupt_world.h"
#include "sets.h"

static const struct roots roots = {
    .proc = "world/proc", .sys = "world/sys", .state = "world/agent"};
static struct guest_irqs irqs;
static struct interrupt_plan *plan;

static int start(void **state)
{
	if (enter_directory(state) < 0)
		return -1;
	make_devices("0-3");
	plan = interrupt_plan_new(8);
	return plan != NULL ? 0 : -1;
}

static int stop(void **state)
{
	free(plan);
	return leave_directory(state);
}

static void claim(const char *device, const char *cpus)
{
	struct interrupt_claim *new = &plan->claims[plan->count++];

	*new = (struct interrupt_claim){.cpus = set_of(cpus)};
	strcpy(new->device, device);
}

static const char *list_text(char *text, size_t size, const struct guest_irq *list, size_t count)
{
	char cpus[ID_SET_TEXT_SIZE];
	char wanted[ID_SET_TEXT_SIZE];

	*text = '\0';
	for (size_t i = 0; i < count; i++)
		text_add(text, size, "%u(%s) on %s wants %s%s ", list[i].number, list[i].device,
			 id_set_format(&list[i].cpus, cpus, sizeof(cpus)),
			 id_set_format(&list[i].wanted, wanted, sizeof(wanted)),
			 list[i].moved ? " moved" : "");
	return text;
}

/* All that is found, of what the agent has written down. */
static void check(const char *watched, const char *expected, const char *strays)
{
	char text[2048];
	json_t *json = watched != NULL ? json_loads(watched, 0, NULL) : NULL;

	assert_int_equal(json != NULL, watched != NULL);
	assert_int_equal(guest_irqs_read(&irqs, plan, json, &roots), 0);
	assert_string_equal(list_text(text, sizeof(text), irqs.at, irqs.count), expected);
	assert_string_equal(list_text(text, sizeof(text), irqs.strays, irqs.stray_count), strays);
	guest_irqs_free(&irqs);
	assert_int_equal(irqs.count + irqs.stray_count, 0);
	json_decref(json);
}

static void the_interrupts_of_each_device_are_found(void **state)
{
	(void)state;
	check(NULL, "", "");
	claim("eth0", "5");
	set_affinity(25, "5");
	check(NULL, "24(eth0) on 0-3 wants 5 25(eth0) on 5 wants 5 ", "");
	claim("0000:00:05.0", "6-7");
	check("{}",
	      "24(eth0) on 0-3 wants 5 25(eth0) on 5 wants 5 27(0000:00:05.0) on 0-3 wants 6-7 ",
	      "");
}

/* The guest's own devices are claimed to be left alone, with no CPUs. */
static void a_claim_without_cpus_is_none_to_be_compared(void **state)
{
	(void)state;
	claim("eth0", "");
	claim("0000:00:05.0", "1");
	check(NULL, "27(0000:00:05.0) on 0-3 wants 1 ", "");
}

static void what_the_agent_has_moved_is_known(void **state)
{
	static const char watched[] =
	    "{\"interrupts\": [{\"number\": 24, \"set\": \"5\"}, {\"number\": 25, \"set\": \"6\"},"
	    " {\"number\": 27, \"set\": \"1\"}]}";

	(void)state;
	claim("eth0", "5");
	/* 25 it has put elsewhere: for another guest, or another rule. */
	check(watched, "24(eth0) on 0-3 wants 5 moved 25(eth0) on 0-3 wants 5 ", "");
}

static void a_device_that_is_gone_has_none(void **state)
{
	(void)state;
	claim("eth9", "5");
	claim("0000:00:05.0", "5");
	claim("eth0", "5");
	remove_interrupt(24);
	check(NULL, "27(0000:00:05.0) on 0-3 wants 5 25(eth0) on 0-3 wants 5 ", "");
	take_vector("0000:00:03.0", 25);
	check(NULL, "27(0000:00:05.0) on 0-3 wants 5 ", "");
	/* Nobody has asked the kernel for it (any more). */
	assert_int_equal(unlink("world/proc/irq/27/smp_affinity_list"), 0);
	check(NULL, "", "");
}

/* What the agent has moved off the isolated CPUs and somebody else has moved back. */
static void strays_are_found_with_isolate(void **state)
{
	static const char watched[] =
	    "{\"interrupts\": [{\"number\": 9, \"set\": \"0-1\"}, {\"number\": 24, \"set\": "
	    "\"0-1\"},"
	    " {\"number\": 25, \"set\": \"2\"}, {\"number\": 99, \"set\": \"0\"}]}";

	(void)state;
	plan->cpus = set_of("2-3");
	check(watched, "", "");
	plan->isolate = true;
	set_affinity(9, "0-1");  /* where it was put */
	set_affinity(24, "1-2"); /* not there any more */
	set_affinity(25, "2");   /* where it was put, by another rule: one of these CPUs */
	set_affinity(27, "2-3"); /* not moved by the agent: perhaps it could not */
	check(watched, "", "24() on 1-2 wants 0-1 moved ");
	set_affinity(24, "4");
	check(watched, "", "");
	check(NULL, "", "");
	set_affinity(9, "3");
	set_affinity(24, "3");
	check(watched, "", "9() on 3 wants 0-1 moved 24() on 3 wants 0-1 moved ");
}

static void a_host_that_lists_none_is_told(void **state)
{
	(void)state;
	claim("eth0", "5");
	plan->isolate = true;
	assert_int_equal(rename("world/sys/kernel/irq", "world/sys/kernel/x"), 0);
	assert_int_equal(guest_irqs_read(&irqs, plan, NULL, &roots), -ENOENT);
	assert_int_equal(irqs.count, 0);
	guest_irqs_free(&irqs);
	assert_int_equal(rename("world/sys/kernel/x", "world/sys/kernel/irq"), 0);
	assert_int_equal(rename("world/proc/irq", "world/proc/x"), 0);
	assert_int_equal(guest_irqs_read(&irqs, plan, NULL, &roots), -ENOENT);
	guest_irqs_free(&irqs);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
	static const struct CMUnitTest tests[] = {
	    TEST(the_interrupts_of_each_device_are_found),
	    TEST(a_claim_without_cpus_is_none_to_be_compared),
	    TEST(what_the_agent_has_moved_is_known),
	    TEST(a_device_that_is_gone_has_none),
	    TEST(strays_are_found_with_isolate),
	    TEST(a_host_that_lists_none_is_told),
	};

	return RUN_TESTS(tests);
}
