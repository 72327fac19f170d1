#include "spec.h"
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static bool is_taken(enum spec_kind kind, const char *text)
{
	struct error error = {0};
	int result = spec_check(kind, text, &error);

	assert_true(result == 0 || result == -EINVAL);
	assert_int_equal(error_is_set(&error), result < 0);
	return result == 0;
}

/* Writes what a spec was read as, "!+0-2,all,netdev:eth4", into `text`. */
static const char *spec_read(enum spec_kind kind, const char *from, char *text, size_t size)
{
	struct spec spec;
	struct spec_item item;
	struct error error;
	size_t used;
	int result;

	spec_start(&spec, kind, from);
	used = (size_t)snprintf(text, size, "%s%s", spec.inverted ? "!" : "",
				spec.relative ? "+" : "");
	while ((result = spec_next(&spec, &item, &error)) > 0) {
		char number[32];

		snprintf(number, sizeof(number), "%u-%u", item.first, item.last);
		used += (size_t)snprintf(text + used, size - used, "[%s]",
					 item.all              ? "all"
					 : item.device != NULL ? item.device
							       : number);
	}
	assert_int_equal(result, 0);
	assert_int_equal(spec_next(&spec, &item, &error), 0);
	return text;
}

static void numactls_node_syntax_is_taken(void **state)
{
	static const char *const cases[] = {
	    "0",
	    "1023",
	    "0-2",
	    "1,3",
	    "0-2,5",
	    "5,0-2,4",
	    "all",
	    "!1",
	    "!0-2,5",
	    "+0",
	    "+0-1,3",
	    "!+0",
	    "!all",
	    "+all",
	    "0-0",
	    "2,2",
	    "netdev:eth4",
	    "ip:192.0.2.1",
	    "file:/srv/vm",
	    "block:sda",
	    "pci:06:00.0",
	    "pci:06:00",
	    "pci:0000:06:00.0",
	    "!netdev:eth0",
	    "0,all",
	    "file:/a,b",
	};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		if (!is_taken(SPEC_NODES, cases[i]))
			fail_msg("'%s' is refused", cases[i]);
	}
}

static void nonsense_is_refused(void **state)
{
	static const char *const cases[] = {
	    "1-0",
	    "010",
	    "0x1",
	    "0-0-0",
	    "",
	    "0-",
	    "-1",
	    "a",
	    "0,",
	    ",0",
	    "0,,1",
	    "!!1",
	    "0 ",
	    " 0",
	    "+",
	    "!",
	    "+!0",
	    "++0",
	    "!+",
	    "-",
	    ",",
	    "0;1",
	    "0.1",
	    "1e1",
	    "00",
	    "0-01",
	    "all,",
	    "all,0",
	    "allx",
	    "ALL",
	    "0-a",
	    "0-+1",
	    "0,!1",
	    "0,+1",
	    "0\n",
	    "\t0",
	    "٣",
	    "0-1-",
	    "all-1",
	    "0--1",
	    "None",
	    "netdev",
	    "netdev:",
	    "ip:",
	    "file:",
	    "block:",
	    "pci:",
	    "pci:06:00.0,1",
	    "pci: 06:00.0",
	    "pci:0000:06:00.0:7",
	    "pci:06:00.0.1",
	    "pci:06:00.",
	    "pci:06",
	    "pci:eth0",
	    "usb:1",
	    "Netdev:eth0",
	    "same",
	    "eth0",
	};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		if (is_taken(SPEC_NODES, cases[i]))
			fail_msg("as nodes '%s' is taken", cases[i]);
		if (is_taken(SPEC_CPUS, cases[i]))
			fail_msg("as CPUs '%s' is taken", cases[i]);
	}
}

static void numbers_have_a_limit(void **state)
{
	(void)state;
	assert_true(is_taken(SPEC_NODES, "0-1023"));
	assert_false(is_taken(SPEC_NODES, "1024"));
	assert_false(is_taken(SPEC_NODES, "0-1024"));
	assert_false(is_taken(SPEC_NODES, "4294967296"));
	assert_true(is_taken(SPEC_CPUS, "0-8191"));
	assert_false(is_taken(SPEC_CPUS, "8192"));
	assert_false(is_taken(SPEC_CPUS, "18446744073709551616"));
}

static void cpus_are_on_no_device(void **state)
{
	(void)state;
	assert_true(is_taken(SPEC_CPUS, "8,10-12"));
	assert_true(is_taken(SPEC_CPUS, "all"));
	assert_true(is_taken(SPEC_CPUS, "+0-3"));
	assert_true(is_taken(SPEC_CPUS, "!0"));
	assert_false(is_taken(SPEC_CPUS, "netdev:eth4"));
	assert_false(is_taken(SPEC_CPUS, "file:/srv"));
}

static void items_come_in_order(void **state)
{
	char text[256];

	(void)state;
	assert_string_equal(spec_read(SPEC_NODES, "0", text, sizeof(text)), "[0-0]");
	assert_string_equal(spec_read(SPEC_NODES, "!+5,0-2,7", text, sizeof(text)),
			    "!+[5-5][0-2][7-7]");
	assert_string_equal(spec_read(SPEC_CPUS, "!all", text, sizeof(text)), "![all]");
	assert_string_equal(spec_read(SPEC_CPUS, "1,all", text, sizeof(text)), "[1-1][all]");
	assert_string_equal(spec_read(SPEC_NODES, "+1", text, sizeof(text)), "+[1-1]");
	/* A device takes all that follows, commas too: a file's name may hold them. */
	assert_string_equal(spec_read(SPEC_NODES, "1,file:/a,2", text, sizeof(text)),
			    "[1-1][file:/a,2]");
}

static void the_message_names_the_spec(void **state)
{
	static const char *const cases[] = {"1-0", "0,x", "0-", "2000", "all,0"};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		struct error error = {0};

		assert_int_equal(spec_check(SPEC_NODES, cases[i], &error), -EINVAL);
		assert_non_null(strstr(error.text, cases[i]));
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(numactls_node_syntax_is_taken),
	    cmocka_unit_test(nonsense_is_refused),
	    cmocka_unit_test(numbers_have_a_limit),
	    cmocka_unit_test(cpus_are_on_no_device),
	    cmocka_unit_test(items_come_in_order),
	    cmocka_unit_test(the_message_names_the_spec),
	};

	return RUN_TESTS(tests);
}
