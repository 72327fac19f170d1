#include "library.h"
#include "unit.h"

#include <errno.h>
#include <string.h>

struct functions {
	size_t (*length)(const char *text);
	void (*missing)(void);
};

static struct error error;

static void what_a_library_has_is_found(void **state)
{
	static const struct library_symbol symbols[] = {
	    LIBRARY_SYMBOL("strlen", struct functions, length)};
	struct functions functions = {0};

	(void)state;
	assert_int_equal(library_open("libc.so.6", symbols, 1, &functions, &error), 0);
	assert_int_equal(functions.length("four"), 4);
}

static void a_library_that_is_not_there_is_named(void **state)
{
	struct functions functions = {0};

	(void)state;
	assert_int_equal(library_open("libno-such.so.1", NULL, 0, &functions, &error), -ENOENT);
	assert_non_null(strstr(error.text, "libno-such.so.1"));
	assert_non_null(strstr(error.text, "install it"));
}

static void one_that_lacks_a_function_is_too_old(void **state)
{
	static const struct library_symbol symbols[] = {
	    LIBRARY_SYMBOL("strlen", struct functions, length),
	    LIBRARY_SYMBOL("no_such_function", struct functions, missing)};
	struct functions functions = {0};

	(void)state;
	assert_int_equal(library_open("libc.so.6", symbols, 2, &functions, &error), -ENOENT);
	assert_non_null(strstr(error.text, "libc.so.6 lacks a function"));
	assert_non_null(strstr(error.text, "no_such_function"));
	assert_non_null(strstr(error.text, "update it"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_a_library_has_is_found),
	    cmocka_unit_test(a_library_that_is_not_there_is_named),
	    cmocka_unit_test(one_that_lacks_a_function_is_too_old),
	};

	return RUN_TESTS(tests);
}
