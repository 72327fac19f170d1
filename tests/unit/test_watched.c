/* What the agent has written down, as others read it: watched.c. */
#include "sets.h"
#include "tree.h"
#include "watched.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct roots roots = {.state = "state"};

static json_t *load(const char *text)
{
	make_file("state/interrupts.json", text);
	return watched_load(&roots);
}

static void what_cannot_be_read_is_nothing(void **state)
{
	static const char *const texts[] = {"", "{", "rubbish", "\xff", "[1", "{\"guests\": }"};
	struct id_set cpus;

	(void)state;
	assert_null(watched_load(&roots));
	for (size_t i = 0; i < LENGTH_OF(texts); i++)
		assert_null(load(texts[i]));
	assert_int_equal(unlink("state/interrupts.json"), 0);
	make_directories("state/interrupts.json/x");
	assert_null(watched_load(&roots));
	assert_false(watched_has_guest(NULL, 1, "1"));
	assert_false(watched_set(NULL, 1, &cpus));
}

static void a_guest_is_known_by_its_process(void **state)
{
	json_t *watched = load("{\"guests\": [{\"pid\": 4711, \"started\": \"815\"}, {\"pid\": 12},"
			       " {\"started\": \"1\"}, 7, null, {\"pid\": 4712, \"started\": 816},"
			       " {\"pid\": 4713, \"started\": \"816\"}], \"interrupts\": []}");

	(void)state;
	assert_non_null(watched);
	assert_true(watched_has_guest(watched, 4711, "815"));
	assert_true(watched_has_guest(watched, 4713, "816"));
	assert_false(watched_has_guest(watched, 4711, "816"));
	assert_false(watched_has_guest(watched, 4711, "81"));
	assert_false(watched_has_guest(watched, 4711, "8150"));
	assert_false(watched_has_guest(watched, 4711, ""));
	assert_false(watched_has_guest(watched, 4712, "816")); /* it is no text */
	assert_false(watched_has_guest(watched, 12, "815"));
	assert_false(watched_has_guest(watched, 0, "0"));
	json_decref(watched);
}

static void what_was_moved_is_known(void **state)
{
	static const struct {
		unsigned int number;
		const char *cpus; /* NULL: not moved */
	} cases[] = {
	    {24, "0-2,5"}, {25, NULL}, {26, NULL}, {27, NULL}, {28, NULL}, {29, ""}, {30, NULL},
	};
	json_t *watched =
	    load("{\"interrupts\": [{\"number\": 24, \"set\": \"0-2,5\"},"
		 " {\"number\": 25}, {\"number\": 26, \"set\": 5},"
		 " {\"number\": 27, \"set\": \"2-1\"}, {\"number\": 28, \"set\": null},"
		 " {\"number\": 29, \"set\": \"\"}, {\"set\": \"1\"}, 3]}");

	(void)state;
	assert_non_null(watched);
	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		struct id_set cpus = {0};

		assert_int_equal(watched_set(watched, cases[i].number, &cpus),
				 cases[i].cpus != NULL);
		if (cases[i].cpus != NULL) {
			struct id_set expected = set_of(cases[i].cpus);

			assert_true(id_set_equal(&cpus, &expected));
		}
	}
	json_decref(watched);
}

static void another_format_has_nothing_in_it(void **state)
{
	static const char *const texts[] = {"[]", "{}", "{\"guests\": 5, \"interrupts\": \"x\"}",
					    "{\"guests\": {\"pid\": 4711}}",
					    "[{\"pid\": 4711, \"started\": \"815\"}]"};
	struct id_set cpus;

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(texts); i++) {
		json_t *watched = load(texts[i]);

		assert_non_null(watched);
		assert_false(watched_has_guest(watched, 4711, "815"));
		assert_false(watched_set(watched, 24, &cpus));
		json_decref(watched);
	}
}

/* A plan of irq=eth0@1, and of a device that is the guest's own. */
static struct interrupt_plan *make_plan(void)
{
	struct interrupt_plan *plan = interrupt_plan_new(2);

	assert_non_null(plan);
	plan->cpus = set_of("0-3");
	plan->count = 2;
	strcpy(plan->claims[0].device, "eth0");
	plan->claims[0].cpus = set_of("1");
	strcpy(plan->claims[1].device, "0000:00:05.0");
	plan->claims[1].assigned = true;
	plan->claims[1].cpus = set_of("2");
	return plan;
}

#define ETH0 "{\"device\": \"eth0\", \"assigned\": false, \"cpus\": \"1\"}"
#define OWN "{\"device\": \"0000:00:05.0\", \"assigned\": true, \"cpus\": \"2\"}"

static void a_plan_is_compared_with_what_is_watched(void **state)
{
	static const struct {
		const char *isolate;
		const char *cpus;
		const char *claims;
		bool same;
	} cases[] = {
	    {"false", "0-3", ETH0 ", " OWN, true},
	    {"false", "7", ETH0 ", " OWN, true}, /* of no use without isolate */
	    {"false", "0-3", ETH0, true},        /* the agent knows that the other is not its own */
	    {"false", "0-3", OWN, false},
	    {"false", "0-3", "", false},
	    {"true", "0-3", ETH0 ", " OWN, false},
	    {"false", "0-3", ETH0 ", {\"device\": \"eth1\", \"cpus\": \"1\"}", false},
	    {"false", "0-3", "{\"device\": \"eth0\", \"assigned\": false, \"cpus\": \"1-2\"}",
	     false},
	    {"false", "0-3", "{\"device\": \"eth0\", \"assigned\": true, \"cpus\": \"1\"}", false},
	    {"false", "0-3", "{\"device\": 5}, 7, null", false},
	};
	struct interrupt_plan *plan = make_plan();

	(void)state;
	assert_false(watched_has_plan(NULL, 4711, "815", plan));
	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		char text[512];
		json_t *watched;

		snprintf(text, sizeof(text),
			 "{\"guests\": [{\"pid\": 4711, \"started\": \"815\", \"isolate\": %s,"
			 " \"cpus\": \"%s\", \"claims\": [%s]}]}",
			 cases[i].isolate, cases[i].cpus, cases[i].claims);
		watched = load(text);
		assert_non_null(watched);
		assert_int_equal(watched_has_plan(watched, 4711, "815", plan), cases[i].same);
		assert_false(watched_has_plan(watched, 4711, "816", plan));
		/* With isolate the CPUs count, too. */
		plan->isolate = true;
		assert_int_equal(watched_has_plan(watched, 4711, "815", plan),
				 strcmp(cases[i].isolate, "true") == 0);
		plan->cpus = set_of("0-2");
		assert_false(watched_has_plan(watched, 4711, "815", plan));
		plan->cpus = set_of("0-3");
		plan->isolate = false;
		json_decref(watched);
	}
	free(plan);
}

static void what_somebody_else_has_set_is_known(void **state)
{
	json_t *watched =
	    load("{\"interrupts\": [{\"number\": 24, \"left\": true},"
		 " {\"number\": 25, \"set\": \"1\"}, {\"number\": 26, \"left\": 1}]}");

	(void)state;
	assert_non_null(watched);
	assert_true(watched_is_left(watched, 24));
	assert_false(watched_is_left(watched, 25));
	assert_false(watched_is_left(watched, 26));
	assert_false(watched_is_left(watched, 27));
	assert_false(watched_is_left(NULL, 24));
	json_decref(watched);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, enter_directory, leave_directory)
	static const struct CMUnitTest tests[] = {
	    TEST(what_cannot_be_read_is_nothing),
	    TEST(a_guest_is_known_by_its_process),
	    TEST(what_was_moved_is_known),
	    TEST(another_format_has_nothing_in_it),
	    TEST(a_plan_is_compared_with_what_is_watched),
	    TEST(what_somebody_else_has_set_is_known),
	};

	return RUN_TESTS(tests);
}
