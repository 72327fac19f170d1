#include "glob.h"
#include "unit.h"

#include <stdio.h>
#include <string.h>

enum { ROUNDS = 60000, NAMES = 25 };

static void what_covers_is_detected(void **state)
{
	static const char *const cases[][2] = {
	    {"*", "web1"},
	    {"*", "web*"},
	    {"*", ""},
	    {"*", "*"},
	    {"*", "@(a|b)"},
	    {"web*", "web1"},
	    {"web*", "web"},
	    {"web*", "web1*"},
	    {"web*", "web?"},
	    {"web?", "web1"},
	    {"web?", "web?"},
	    {"web?", "web[0-9]"},
	    {"web?*", "web??"},
	    {"*1", "web1"},
	    {"*e*", "web"},
	    {"*e*", "?e?"},
	    {"[ab]", "a"},
	    {"[ab]", "[ab]"},
	    {"[!a]", "b"},
	    {"w[a-f]b", "web"},
	    {"web1", "web1"},
	    {"web1", "\\web1"},
	    {"\\web1", "web1"},
	    {"\\*", "\\*"},
	    {"*", "\\*"},
	    {"?", "\\?"},
	    {"@(a|b)", "b"},
	    {"!(a)", "b"},
	    {"+([0-9])", "2024"},
	    {"é*", "éa"},
	    {"?", "é"},
	    {"[é-ß]", "[é-ß]"},
	    {"**", "*"},
	    {"*?", "??"},
	    {"?*", "?a"},
	    {"*a*", "ba*"},
	    {"web*", "web@(1|2)"},
	    {"a[", "a["},
	    {"[[:digit:]]", "5"},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		if (!glob_covers(cases[i][0], cases[i][1]))
			fail_msg("'%s' covers '%s'", cases[i][0], cases[i][1]);
	}
}

/* In a name or glob that is not UTF-8 each byte counts as a character, also those of an é. */
static void what_does_not_cover_is_not_detected(void **state)
{
	static const char *const cases[][2] = {
	    {"web1", "web2"},
	    {"web1", "web*"},
	    {"web1", "web?"},
	    {"web?", "web*"},
	    {"web?", "web"},
	    {"web*", "we*"},
	    {"web*", "*"},
	    {"?", "*"},
	    {"?*", "*"},
	    {"*?", "*"},
	    {"[ab]", "?"},
	    {"[ab]", "[abc]"},
	    {"[ab]", "c"},
	    {"a", "@(a|b)"},
	    {"@(a|b)", "c"},
	    {"!(a)", "a"},
	    {"*1", "web*"},
	    {"\\*", "*"},
	    {"\\*", "a"},
	    {"\\?", "?"},
	    {"a", "A"},
	    {"?", "\xff\xff"},
	    {"a*", "*a"},
	    {"*a", "a*"},
	    {"ab", "a*"},
	    {"*a?", "*a"},
	    {"web*", "[w]eb*x@(a"},
	    {"", "*"},
	    {"", "a"},
	    {"??", "[^b][\xc3]"},
	    {"??*", "??@(\xff|)"},
	    {"?b*", "éb*"},
	    {"[!a]b*", "éb*"},
	    {"a?", "@(a|ab)"},
	    {"??", "é"},
	    {"[!a]", "[!b]"},
	    {"web", "@(web)x"},
	    {"web@(1)", "web*"},
	    {"*x", "a@(x|y)"},
	    {"*x", "a@(y)x*"},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		if (glob_covers(cases[i][0], cases[i][1]))
			fail_msg("'%s' does not cover '%s'", cases[i][0], cases[i][1]);
	}
}

static void random_glob(uint64_t *seed, char *glob, size_t size)
{
	static const char *const parts[] = {
	    "a",    "b",       "é",     "\xc3",        "*",       "*",        "?",     "?",
	    "[ab]", "[!a]",    "[a-b]", "[^b]",        "[]a]",    "[a",       "]",     "\\a",
	    "\\*",  "\\",      "[\\]]", "[[:alpha:]]", "@(a|b)",  "?(a)",     "*(ab)", "+(b|)",
	    "!(a)", "!(a|*b)", "@(",    "|",           ")",       "(",        "-",     "[a-é]",
	    "[é]",  "[\xa9]",  "[.a.]", "[[.a.]]",     "[[=b=]]", "@([)]|a)", "[",     "\xff",
	};
	/* Mostly the simple ones: of the others few cover each other. */
	unsigned int choice = random_below(seed, 3) == 0 ? LENGTH_OF(parts) : 12;

	glob[0] = '\0';
	for (unsigned int n = random_below(seed, 6); n > 0; n--) {
		const char *part = parts[random_below(seed, choice)];

		if (strlen(glob) + strlen(part) + 1 < size)
			strcat(glob, part);
	}
}

static void random_name(uint64_t *seed, char *name)
{
	static const char *const parts[] = {"a", "b", "a", "b", "é", "\xc3", "\xa9", "*",
					    "[", "]", "(", ")", "-", "\\",   "|",    "\xff"};
	unsigned int choice = random_below(seed, 2) ? 5 : LENGTH_OF(parts);

	name[0] = '\0';
	for (unsigned int n = random_below(seed, 6); n > 0; n--)
		strcat(name, parts[random_below(seed, choice)]);
}

/* Covering is a promise: no name may match the covered glob only. */
static void covering_is_sound(void **state)
{
	static struct glob_name name;
	uint64_t seed = 7;
	unsigned int covering = 0;
	unsigned int matching = 0;

	(void)state;
	for (unsigned int round = 0; round < ROUNDS; round++) {
		char glob[64];
		char other[64];
		struct error error;

		random_glob(&seed, glob, sizeof(glob));
		random_glob(&seed, other, sizeof(other));
		if (glob_check(glob, strlen(glob), &error) < 0 ||
		    glob_check(other, strlen(other), &error) < 0 || strcmp(glob, other) == 0 ||
		    !glob_covers(glob, other))
			continue;
		covering++;
		for (unsigned int i = 0; i < NAMES; i++) {
			char text[64];

			random_name(&seed, text);
			assert_int_equal(glob_name_set(&name, text), 0);
			if (glob_match(other, strlen(other), &name) <= 0)
				continue;
			matching++;
			if (glob_match(glob, strlen(glob), &name) <= 0)
				fail_msg("'%s' is said to cover '%s', but not '%s'", glob, other,
					 text);
		}
	}
	print_message("# %u of %u pairs cover, %u names tried on them matched\n", covering, ROUNDS,
		      matching);
	assert_true(covering > ROUNDS / 50);
	assert_true(matching > covering);
}

static void hard_globs_take_no_long(void **state)
{
	char glob[GLOB_LENGTH_MAX + 1];
	char other[GLOB_LENGTH_MAX + 1];
	double start = milliseconds();

	(void)state;
	for (size_t i = 0; i < GLOB_LENGTH_MAX; i++) {
		glob[i] = i % 2 ? 'a' : '*';
		other[i] = i % 2 ? '*' : 'a';
	}
	glob[GLOB_LENGTH_MAX] = '\0';
	other[GLOB_LENGTH_MAX] = '\0';
	glob_covers(glob, other);
	glob_covers(other, glob);
	strcpy(glob + GLOB_LENGTH_MAX - 1, "b");
	memset(other, 'a', GLOB_LENGTH_MAX);
	assert_false(glob_covers(glob, other));
	other[0] = '*';
	assert_false(glob_covers(glob, other));
	assert_true(milliseconds() - start < 100.0 * SLOWNESS);
}

static void globs_of_any_length_can_be_asked(void **state)
{
	char longer[3 * GLOB_LENGTH_MAX];

	(void)state;
	memset(longer, 'a', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	assert_true(glob_covers(longer, longer));
	assert_false(glob_covers("a*", longer));
	assert_false(glob_covers(longer, "a*"));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_covers_is_detected),
	    cmocka_unit_test(what_does_not_cover_is_not_detected),
	    cmocka_unit_test(covering_is_sound),
	    cmocka_unit_test(hard_globs_take_no_long),
	    cmocka_unit_test(globs_of_any_length_can_be_asked),
	};

	return RUN_TESTS(tests);
}
