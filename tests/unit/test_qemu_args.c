#include "qemu_args.h"
#include "qemu_options.h"
#include "unit.h"

#include <stdlib.h>
#include <string.h>

static const char *const none = "(no name)";

/* The name that a command line, which ends with NULL, gives the guest. */
static void check_name(const char *expected, const char *const *argv)
{
	char *name = "left alone";

	assert_int_equal(qemu_args_guest((char *const *)argv, &name), 0);
	assert_string_equal(name == NULL ? none : name, expected);
	free(name);
}

#define CHECK_NAME(expected, ...) \
	check_name(expected, (const char *const[]){"qemu-kvm", __VA_ARGS__, NULL})

static void a_command_line_may_name_no_guest(void **state)
{
	(void)state;
	check_name(none, (const char *const[]){NULL});
	check_name(none, (const char *const[]){"qemu-kvm", NULL});
	check_name(none, (const char *const[]){"-name", "web1", NULL});
	CHECK_NAME(none, "-version");
	CHECK_NAME(none, "-S", "-no-user-config", "-machine", "none,accel=kvm:tcg");
	CHECK_NAME(none, "disk.img", "name", "web1");
	CHECK_NAME(none, "-", "web1");
	CHECK_NAME(none, "--", "web1");
	CHECK_NAME(none, "");
}

static void the_option_has_one_dash_or_two(void **state)
{
	(void)state;
	CHECK_NAME("web1", "-name", "web1");
	CHECK_NAME("web1", "--name", "web1");
	CHECK_NAME(none, "---name", "web1");
	CHECK_NAME(none, "-Name", "web1");
	CHECK_NAME(none, "-name=web1");
	CHECK_NAME(none, "-names", "web1");
	CHECK_NAME(none, "-nam", "web1");
}

static void the_value_is_an_option_string(void **state)
{
	(void)state;
	CHECK_NAME("web1", "-name", "guest=web1");
	CHECK_NAME("web1", "-name", "guest=web1,debug-threads=on");
	CHECK_NAME("web1", "-name", "debug-threads=on,guest=web1");
	CHECK_NAME("web1", "-name", "web1,debug-threads=on");
	CHECK_NAME("web1", "-name", "web1,process=qemu:web1");
	CHECK_NAME("web1", "-name", "process=p,guest=web1,debug-threads=on");
	CHECK_NAME("a=b", "-name", "guest=a=b");
	CHECK_NAME("my vm", "-name", "guest=my vm");
	CHECK_NAME("é\xff\n", "-name", "guest=é\xff\n");
	CHECK_NAME("-name", "-name", "-name");
	CHECK_NAME(none, "-name", "debug-threads=on");
	CHECK_NAME(none, "-name", "Guest=web1");
	CHECK_NAME(none, "-name", "guests=web1,gues=web2");
	CHECK_NAME(none, "-name", "guest=");
	CHECK_NAME(none, "-name", "guest=,debug-threads=on");
}

static void only_the_first_value_goes_without_its_key(void **state)
{
	(void)state;
	CHECK_NAME("web1", "-name", "web1,web2");
	CHECK_NAME(none, "-name", "debug-threads=on,web1");
	CHECK_NAME("web2", "-name", "web1,guest=web2");
	CHECK_NAME("guest", "-name", "guest");
	CHECK_NAME("debug-threads", "-name", "debug-threads");
	CHECK_NAME("noguest", "-name", "noguest");
	/* "a,,b" with an '=' later is no key: the key ends at the first ','. */
	CHECK_NAME("a,b=c", "-name", "a,,b=c");
}

/* util/qemu-option.c: "guest" alone is "guest=on", and "noguest" is "guest=off". */
static void a_key_without_a_value_is_a_flag(void **state)
{
	(void)state;
	CHECK_NAME("on", "-name", "debug-threads=on,guest");
	CHECK_NAME("on", "-name", "web1,guest");
	CHECK_NAME("off", "-name", "web1,noguest");
	CHECK_NAME("web2", "-name", "web1,guest,guest=web2");
	CHECK_NAME("web1", "-name", "web1,noguest=x");
}

static void two_commas_are_one(void **state)
{
	(void)state;
	CHECK_NAME("a,b", "-name", "a,,b");
	CHECK_NAME("a,b", "-name", "guest=a,,b");
	CHECK_NAME("a,b", "-name", "guest=a,,b,debug-threads=on");
	CHECK_NAME("a,", "-name", "guest=a,,");
	CHECK_NAME("a", "-name", "guest=a,");
	CHECK_NAME("a,", "-name", "guest=a,,,debug-threads=on");
	CHECK_NAME(",,", "-name", "guest=,,,,");
	CHECK_NAME("a,guest=b", "-name", "guest=a,,guest=b");
	CHECK_NAME("b", "-name", "process=a,,x,guest=b");
	CHECK_NAME(none, "-name", "process=a,,guest=b");
}

static void the_last_guest_counts(void **state)
{
	(void)state;
	CHECK_NAME("web2", "-name", "web1", "-name", "web2");
	CHECK_NAME("web2", "-name", "guest=web1,guest=web2");
	CHECK_NAME("web1", "-name", "web1", "-name", "debug-threads=on");
	CHECK_NAME("web1", "-name", "web1", "-name", "");
	CHECK_NAME(none, "-name", "web1", "-name", "guest=");
	CHECK_NAME("web2", "-name", "guest=", "-name", "web2");
}

static void an_argument_is_no_option(void **state)
{
	(void)state;
	CHECK_NAME(none, "-append", "-name", "web1");
	CHECK_NAME("web2", "-append", "-name", "-name", "web2");
	CHECK_NAME("web1", "--append", "-name", "-name", "web1");
	CHECK_NAME(none, "-device", "-name", "web1");
	CHECK_NAME("web1", "-S", "-name", "web1");
	CHECK_NAME("web1", "-nodefaults", "-name", "web1");
	CHECK_NAME("web1", "-m", "512", "disk.img", "-name", "web1", "-smp", "2");
	CHECK_NAME("web1", "-some-option-of-tomorrow", "-name", "web1");
}

static void the_last_argument_may_be_missing(void **state)
{
	(void)state;
	CHECK_NAME(none, "-name");
	CHECK_NAME("web1", "-name", "web1", "-name");
	CHECK_NAME("web1", "-name", "web1", "-append");
}

static void an_empty_string_names_nobody(void **state)
{
	(void)state;
	CHECK_NAME(none, "-name", "");
	CHECK_NAME(none, "-name", ",");
	CHECK_NAME(none, "-name", "=web1");
}

static void the_table_is_sorted(void **state)
{
	(void)state;
	for (size_t i = 0; i < LENGTH_OF(qemu_options_with_argument); i++) {
		const char *option = qemu_options_with_argument[i];

		assert_true(option[0] != '\0' && option[0] != '-');
		if (i > 0 && strcmp(qemu_options_with_argument[i - 1], option) >= 0)
			fail_msg("'%s' comes after '%s', or twice", option,
				 qemu_options_with_argument[i - 1]);
	}
}

/* Each option of the table takes the next element, whatever that looks like. */
static void every_option_of_the_table_takes_its_argument(void **state)
{
	(void)state;
	for (size_t i = 0; i < LENGTH_OF(qemu_options_with_argument); i++) {
		char option[64] = "-";

		if (strcmp(qemu_options_with_argument[i], "name") == 0)
			continue;
		strcat(option, qemu_options_with_argument[i]);
		CHECK_NAME("right", "-name", "right", option, "-name", "wrong");
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_command_line_may_name_no_guest),
	    cmocka_unit_test(the_option_has_one_dash_or_two),
	    cmocka_unit_test(the_value_is_an_option_string),
	    cmocka_unit_test(only_the_first_value_goes_without_its_key),
	    cmocka_unit_test(a_key_without_a_value_is_a_flag),
	    cmocka_unit_test(two_commas_are_one),
	    cmocka_unit_test(the_last_guest_counts),
	    cmocka_unit_test(an_argument_is_no_option),
	    cmocka_unit_test(the_last_argument_may_be_missing),
	    cmocka_unit_test(an_empty_string_names_nobody),
	    cmocka_unit_test(the_table_is_sorted),
	    cmocka_unit_test(every_option_of_the_table_takes_its_argument),
	};

	return RUN_TESTS(tests);
}
