#include "glob.h"
#include "unit.h"

#include <errno.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

static bool matches(const char *pattern, const char *text)
{
	static struct glob_name name;
	struct error error = {0};

	assert_int_equal(glob_name_set(&name, text), 0);
	if (glob_check(pattern, strlen(pattern), &error) < 0)
		fail_msg("'%s' is refused: %s", pattern, error.text);
	int result = glob_match(pattern, strlen(pattern), &name);

	assert_true(result == 0 || result == 1);
	return result == 1;
}

static void check(bool expected, const char *pattern, const char *text)
{
	if (matches(pattern, text) != expected)
		fail_msg("'%s' %s '%s'", pattern, expected ? "does not match" : "matches", text);
}

#define MATCH(pattern, text) check(true, pattern, text)
#define DIFFER(pattern, text) check(false, pattern, text)

static void a_literal_matches_itself(void **state)
{
	(void)state;
	MATCH("web1", "web1");
	DIFFER("web1", "web");
	DIFFER("web", "web1");
	DIFFER("web1", "Web1");
	DIFFER("web1", "");
	MATCH("a(b)|c", "a(b)|c");
	MATCH("a]b", "a]b");
	MATCH("@", "@");
	MATCH("a.b", "a.b");
	DIFFER("a.b", "axb");
}

static void wildcards_match_any_character(void **state)
{
	(void)state;
	MATCH("*", "");
	MATCH("*", "anything/.at all");
	MATCH("*", ".hidden");
	MATCH("?web", ".web");
	MATCH("a*", "a/b/c");
	MATCH("a?b", "a/b");
	MATCH("w*b*1", "web-b-1");
	DIFFER("w*b*1", "web-b-2");
	MATCH("***", "x");
	MATCH("*a", "aaaa");
	MATCH("*?a", "aa");
	DIFFER("*?a", "a");
	DIFFER("?", "");
	DIFFER("?", "ab");
	MATCH("??", "ab");
}

static void brackets_hold_characters_and_ranges(void **state)
{
	(void)state;
	MATCH("[abc]", "b");
	DIFFER("[abc]", "d");
	DIFFER("[abc]", "");
	DIFFER("[abc]", "ab");
	MATCH("web[0-9]", "web5");
	DIFFER("web[0-9]", "webx");
	MATCH("[!a]", "b");
	DIFFER("[!a]", "a");
	MATCH("[^a]", "b");
	DIFFER("[^a]", "a");
	MATCH("[a^]", "^");
	MATCH("[]a]", "]");
	MATCH("[!]a]", "b");
	DIFFER("[!]a]", "]");
	MATCH("[a-]", "-");
	MATCH("[-a]", "-");
	DIFFER("[c-a]", "b");
	MATCH("[c-ax]", "x");
	MATCH("[a-c-e]", "-");
	DIFFER("[a-c-e]", "d");
	MATCH("[.]", ".");
	MATCH("[/]", "/");
	DIFFER("[A-Z]", "b");
	MATCH("[*?]", "*");
	MATCH("[(]", "(");
	MATCH("[@(a)]", "@");
}

static void classes_are_those_of_posix(void **state)
{
	(void)state;
	MATCH("[[:alpha:]]", "x");
	DIFFER("[[:alpha:]]", "1");
	MATCH("[[:digit:][:upper:]]", "Q");
	MATCH("[![:digit:]]", "x");
	DIFFER("[![:digit:]]", "1");
	MATCH("[[:xdigit:]]", "f");
	MATCH("[[:space:]]", " ");
	MATCH("[[:punct:]]", "-");
	MATCH("[[:word:]]", "_");
	MATCH("[[:ascii:]]", "~");
	DIFFER("[[:ascii:]]", "é");
	DIFFER("[[:nonsense:]]", "n");
	MATCH("[[:nonsense:]x]", "x");
	MATCH("[[:alpha:]", "[:");
	MATCH("[[=a=]]", "a");
	DIFFER("[[=a=]]", "b");
	MATCH("[[.-.]]", "-");
	MATCH("[[.a.]-c]", "b");
	DIFFER("[[.space.]]", " ");
}

/* libvirt starts emulators with LC_ALL=C, an administrator's shell has another. */
static void the_locale_does_not_count(void **state)
{
	static const char *const locales[] = {"C", "C.UTF-8", "POSIX"};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(locales); i++) {
		if (setlocale(LC_ALL, locales[i]) == NULL)
			continue;
		MATCH("[[:alpha:]]", "é");
		MATCH("[[:upper:]]", "É");
		DIFFER("[[:upper:]]", "é");
		MATCH("[[:alpha:]]", "日");
		MATCH("?", "日");
		DIFFER("[A-Z]", "b");
	}
	setlocale(LC_ALL, "C");
}

static void a_backslash_takes_the_next_literally(void **state)
{
	(void)state;
	MATCH("\\*", "*");
	DIFFER("\\*", "a");
	MATCH("\\a", "a");
	MATCH("\\\\", "\\");
	MATCH("\\[a]", "[a]");
	DIFFER("\\[a]", "a");
	MATCH("[\\]]", "]");
	MATCH("[\\a-\\c]", "b");
	MATCH("\\@(a)", "@(a)");
	DIFFER("\\@(a)", "a");
	MATCH("@\\(a)", "@(a)");
	MATCH("@(a\\|b)", "a|b");
	DIFFER("@(a\\|b)", "a");
	MATCH("@(a\\)b)", "a)b");
}

static void groups_choose_and_repeat(void **state)
{
	(void)state;
	MATCH("@(web|db)1", "db1");
	DIFFER("@(web|db)1", "1");
	DIFFER("@(web|db)", "webdb");
	MATCH("?(web)1", "1");
	MATCH("?(web)1", "web1");
	DIFFER("?(web)1", "webweb1");
	MATCH("+(ab)", "ababab");
	DIFFER("+(ab)", "");
	DIFFER("+(ab)", "aba");
	MATCH("*(ab)", "");
	MATCH("*(a|b)c", "abbac");
	MATCH("+([0-9])", "2024");
	DIFFER("+([0-9])", "20x4");
	MATCH("@(|a)", "");
	MATCH("@()", "");
	MATCH("web*(-+([0-9]))", "web-1-22-333");
	DIFFER("web*(-+([0-9]))", "web-1-");
	MATCH("@(a*|*b)", "xxb");
	MATCH("+(*)", "whatever");
	MATCH("@([|)]|x)", "|");
	MATCH("@([)]|x)", "x");
}

static void a_negated_group_matches_all_else(void **state)
{
	(void)state;
	MATCH("!(web*)", "db1");
	DIFFER("!(web*)", "web1");
	MATCH("!(a)", "");
	MATCH("!(a)", "aa");
	DIFFER("!()", "");
	MATCH("!()", "x");
	DIFFER("!(*)", "");
	DIFFER("!(*)", "x");
	MATCH("!(*-test)", "web1");
	DIFFER("!(*-test)", "web1-test");
	MATCH("web!(1|2)", "web12");
	DIFFER("web!(1|2)", "web2");
	/* It may also match a part: here "db" or "", the '*' the rest. */
	MATCH("!(web)*", "web");
	MATCH("!(!(a))", "a");
	DIFFER("!(!(a))", "b");
}

static void what_does_not_end_is_literal(void **state)
{
	(void)state;
	MATCH("[", "[");
	MATCH("[abc", "[abc");
	DIFFER("[abc", "a");
	MATCH("a[", "a[");
	MATCH("[a-", "[a-");
	MATCH("[!", "[!");
	MATCH("[]", "[]");
	MATCH("*[x", "aa[x");
	MATCH("@(a", "@(a");
	DIFFER("@(a", "a");
	MATCH("*@(a|*b", "x@(a|*b");
	DIFFER("*@(a|*b", "x@(a|cb");
	MATCH("@(a|[b)", "@(a|[b)");
	MATCH("a\\", "a\\");
	DIFFER("a\\", "a");
}

static void characters_are_those_of_utf8(void **state)
{
	(void)state;
	MATCH("?", "é");
	MATCH("??", "日本");
	DIFFER("??", "é");
	MATCH("[é]", "é");
	DIFFER("[é]", "ß");
	MATCH("[à-ü]", "é");
	MATCH("[一-龥]", "日");
	DIFFER("[一-龥]", "é");
	MATCH("[!a]", "𝒳");
	MATCH("\\é", "é");
	MATCH("*é*", "café au lait");
	MATCH("+(é|ß)", "éßé");
	/* Composed and decomposed forms are different characters, as in bash. */
	DIFFER("é", "e\xcc\x81");
}

static void other_bytes_are_characters_each(void **state)
{
	(void)state;
	MATCH("*", "\xff");
	MATCH("?", "\xff");
	DIFFER("?", "\xff\xfe");
	MATCH("a\xff", "a\xff");
	MATCH("[\xff]", "\xff");
	MATCH("[\x80-\xff]", "\xe9");
	/* The name is not UTF-8, so its é is two bytes, and the other way round. */
	MATCH("???", "é\xff");
	DIFFER("??", "é\xff");
	DIFFER("[\xc3]", "é");
	MATCH("[\xc3]?", "é");
	/* Overlong, surrogate, too great, cut off: none of them is UTF-8. */
	MATCH("??", "\xc0\xaf");
	MATCH("???", "\xed\xa0\x80");
	MATCH("????", "\xf4\x90\x80\x80");
	MATCH("?", "\xc3");
	DIFFER("[[:alpha:]]", "\xe9");
}

static void lengths_have_a_limit(void **state)
{
	static struct glob_name name;
	char text[GLOB_NAME_MAX + 2];
	struct error error = {0};

	(void)state;
	memset(text, 'a', sizeof(text));
	text[GLOB_NAME_MAX + 1] = '\0';
	assert_int_equal(glob_name_set(&name, text), -ENAMETOOLONG);
	assert_int_equal(glob_check(text, GLOB_LENGTH_MAX + 1, &error), -EINVAL);
	assert_true(error_is_set(&error));
	text[GLOB_NAME_MAX] = '\0';
	assert_int_equal(glob_name_set(&name, text), 0);
	assert_int_equal(name.count, GLOB_NAME_MAX);
	assert_int_equal(glob_check(text, GLOB_LENGTH_MAX, &error), 0);
	assert_int_equal(1, glob_match(text, GLOB_LENGTH_MAX, &name));
	assert_int_equal(1, glob_match("*a", 2, &name));
	memset(text, '?', GLOB_LENGTH_MAX);
	assert_int_equal(1, glob_match(text, GLOB_LENGTH_MAX, &name));
	assert_int_equal(0, glob_match(text, GLOB_LENGTH_MAX - 1, &name));
	/* Only the first of the bytes that belong to the pattern count. */
	assert_int_equal(0, glob_match("a*", 1, &name));
	assert_int_equal(glob_name_set(&name, ""), 0);
	assert_int_equal(1, glob_match("", 0, &name));
	assert_int_equal(1, glob_match("*", 1, &name));
	assert_int_equal(0, glob_match("?", 1, &name));
}

static int check_result(const char *pattern)
{
	struct error error = {0};
	int result = glob_check(pattern, strlen(pattern), &error);

	assert_int_equal(error_is_set(&error), result < 0);
	return result;
}

static void nesting_has_a_limit(void **state)
{
	(void)state;
	assert_int_equal(check_result("@(@(@(@(@(@(@(@(a))))))))"), 0);
	assert_int_equal(check_result("@(@(@(@(@(@(@(@(@(a)))))))))"), -EINVAL);
	assert_int_equal(check_result("@(a)@(b)@(c)@(d)@(e)@(f)"), 0);
	assert_int_equal(check_result("@(?(*(+(!(@(?(*(+(a)))))))))"), -EINVAL);
	assert_int_equal(check_result("\\@(\\@(\\@(\\@(\\@(\\@(\\@(\\@(\\@(a)))))))))"), 0);
	assert_int_equal(check_result("(((((((a)))))))"), 0);
	MATCH("@(@(@(@(@(@(@(@(a))))))))", "a");
}

/* A ')' in brackets or behind a backslash ends no group, and lets none nest deeper. */
static void brackets_do_not_hide_nesting(void **state)
{
	(void)state;
	assert_int_equal(check_result("@([)]@([)]@([)]@([)]@([)]@([)]@([)]@([)]@([)]a)))))))))"),
			 -EINVAL);
	assert_int_equal(check_result("@(\\)@(\\)@(\\)@(\\)@(\\)@(\\)@(\\)@(\\)@(\\)a)))))))))"),
			 -EINVAL);
}

static void what_takes_too_long_is_given_up(void **state)
{
	static struct glob_name name;
	static char text[GLOB_NAME_MAX + 1];
	const char *pattern = "*(a|*(a|*(a|*(a)b)b)b)";

	(void)state;
	memset(text, 'a', GLOB_NAME_MAX);
	assert_int_equal(glob_name_set(&name, text), 0);
	assert_int_equal(glob_match(pattern, strlen(pattern), &name), -ETIME);
	assert_int_equal(glob_name_set(&name, "aab"), 0);
	assert_int_equal(glob_match(pattern, strlen(pattern), &name), 1);
	pattern = "@(@(@(@(@(@(@(@(@(a)))))))))";
	assert_int_equal(glob_match(pattern, strlen(pattern), &name), -E2BIG);
}

/* How long one pattern takes on a name of `length` letters 'a'. */
static double match_time(const char *pattern, size_t length)
{
	static struct glob_name name;
	char text[GLOB_NAME_MAX + 1];
	double start;

	memset(text, 'a', length);
	text[length] = '\0';
	assert_int_equal(glob_name_set(&name, text), 0);
	assert_int_equal(check_result(pattern), 0);
	start = milliseconds();
	glob_match(pattern, strlen(pattern), &name);
	return milliseconds() - start;
}

/* Those by which a matcher that tries one way after the other takes exponential time. */
static void repeated_groups_take_no_long(void **state)
{
	static const char *const patterns[] = {
	    "*(*(a|b)|a)*",     "*(*(a|b)|a)*b",     "+(+(+(+(a))))",          "+(+(+(+(a))))b",
	    "*(*(*(*(a))))b",   "*(a|aa|aaa|aaaa)b", "*a*a*a*a*a*a*a*a*a*a*b", "+(a*)+(a*)+(a*)b",
	    "*(?(a)?(a)?(a))b", "*([a-z]|[!b]|?)b",  "!(*(a)b)*(a|aa)b",       "*(@(a|aa)|?(a))b",
	};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(patterns); i++) {
		double taken = match_time(patterns[i], GLOB_NAME_MAX);

		if (taken > 50.0 * SLOWNESS)
			fail_msg("'%s' took %.0f ms", patterns[i], taken);
	}
}

/*
 * Groups within groups of which each level goes over the whole name from every
 * place that the level above comes to.
 */
static void nested_groups_take_no_long(void **state)
{
	static const char *const patterns[] = {
	    "*(a|*(a|*(a|*(a)b)b)b)", "+(a|+(a|+(a|+(a)b)b)b)", "*!(*!(*!(*!(a))))",
	    "*!(a*!(a*!(a*!(b))))",   "*(a|!(*!(a*)b)b)",
	};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(patterns); i++) {
		double taken = match_time(patterns[i], GLOB_NAME_MAX);

		if (taken > 50.0 * SLOWNESS)
			fail_msg("'%s' took %.0f ms", patterns[i], taken);
	}
}

/* The same where a level holds little but much of it: alternatives, brackets, what is no bracket.
 */
static void long_groups_take_no_long(void **state)
{
	static const struct {
		const char *before;
		const char *again;
		const char *after;
	} patterns[] = {
	    {"*!(*!(", "|", "))"},    {"*!(*!([", "[:alpha:]", "]b))"}, {"*!(*!(", "[", "))"},
	    {"*!(*!([", "b", "]b))"}, {"*!(*!(*(", "a|", "b)))"},       {"*(", "[b]|", "*(a)a)b"},
	    {"*!(*!(", "\\[|", "))"}, {"+(", "[!b]|", "+(a|b))b"},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(patterns); i++) {
		char pattern[GLOB_LENGTH_MAX + 1];
		size_t most = GLOB_LENGTH_MAX - strlen(patterns[i].after);
		double taken;

		strcpy(pattern, patterns[i].before);
		while (strlen(pattern) + strlen(patterns[i].again) <= most)
			strcat(pattern, patterns[i].again);
		strcat(pattern, patterns[i].after);
		taken = match_time(pattern, GLOB_NAME_MAX);
		if (taken > 50.0 * SLOWNESS)
			fail_msg("'%.20s...' took %.0f ms", pattern, taken);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_literal_matches_itself),
	    cmocka_unit_test(wildcards_match_any_character),
	    cmocka_unit_test(brackets_hold_characters_and_ranges),
	    cmocka_unit_test(classes_are_those_of_posix),
	    cmocka_unit_test(the_locale_does_not_count),
	    cmocka_unit_test(a_backslash_takes_the_next_literally),
	    cmocka_unit_test(groups_choose_and_repeat),
	    cmocka_unit_test(a_negated_group_matches_all_else),
	    cmocka_unit_test(what_does_not_end_is_literal),
	    cmocka_unit_test(characters_are_those_of_utf8),
	    cmocka_unit_test(other_bytes_are_characters_each),
	    cmocka_unit_test(lengths_have_a_limit),
	    cmocka_unit_test(nesting_has_a_limit),
	    cmocka_unit_test(brackets_do_not_hide_nesting),
	    cmocka_unit_test(repeated_groups_take_no_long),
	    cmocka_unit_test(nested_groups_take_no_long),
	    cmocka_unit_test(long_groups_take_no_long),
	    cmocka_unit_test(what_takes_too_long_is_given_up),
	};

	return RUN_TESTS(tests);
}
