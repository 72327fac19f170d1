#include "glob.h"
#include "shadow.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GLOBS_MAX = 16, MANY = 100000 };

/* Which of the globs, in the policy's order, covers glob number `which`; -1: none. */
static int shadowed_by(const char *const *globs, int which)
{
	struct shadow shadows[GLOBS_MAX] = {0};
	size_t count = 0;

	for (; globs[count] != NULL; count++)
		shadows[count] = (struct shadow){.glob = globs[count], .line = (unsigned int)count};
	shadow_sort(shadows, count);
	for (size_t i = 0; i < count; i++) {
		if (shadows[i].line == (unsigned int)which) {
			const struct shadow *found = shadow_find(shadows, count, i);

			return found == NULL ? -1 : (int)found->line;
		}
	}
	fail_msg("glob %d got lost", which);
	return -1;
}

#define SHADOWED_BY(which, ...) shadowed_by((const char *const[]){__VA_ARGS__, NULL}, which)

static void an_earlier_glob_that_covers_is_found(void **state)
{
	(void)state;
	assert_int_equal(SHADOWED_BY(1, "web*", "web1"), 0);
	assert_int_equal(SHADOWED_BY(1, "web1", "web1"), 0);
	assert_int_equal(SHADOWED_BY(2, "db*", "*", "web1"), 1);
	assert_int_equal(SHADOWED_BY(1, "*1", "web1"), 0);
	assert_int_equal(SHADOWED_BY(1, "web[0-9]", "web1"), 0);
	assert_int_equal(SHADOWED_BY(1, "@(web|db)1", "web1"), 0);
	assert_int_equal(SHADOWED_BY(1, "web*", "web1*"), 0);
	assert_int_equal(SHADOWED_BY(1, "\\web*", "web1"), 0);
	assert_int_equal(SHADOWED_BY(1, "\"q*", "\"quoted\""), 0);
}

static void later_and_other_globs_do_not_count(void **state)
{
	(void)state;
	assert_int_equal(SHADOWED_BY(0, "web1", "web*"), -1);
	assert_int_equal(SHADOWED_BY(1, "web1", "web*"), -1);
	assert_int_equal(SHADOWED_BY(1, "web2", "web1"), -1);
	assert_int_equal(SHADOWED_BY(1, "web", "web1"), -1);
	assert_int_equal(SHADOWED_BY(0, "*", "*"), -1);
}

static void the_first_of_several_is_named(void **state)
{
	(void)state;
	assert_int_equal(SHADOWED_BY(3, "db*", "we*", "w*", "web1"), 1);
	assert_int_equal(SHADOWED_BY(3, "w*", "we*", "*", "web1"), 0);
	assert_int_equal(SHADOWED_BY(3, "web?", "web*", "web1", "web1"), 0);
	assert_int_equal(SHADOWED_BY(3, "webx", "we?2", "we?1", "web1"), 2);
}

static void the_prefix_ends_at_the_first_wildcard(void **state)
{
	struct shadow shadows[] = {{.glob = "ab*"},  {.glob = "abc?"}, {.glob = "a[b]"},
				   {.glob = "\\a"},  {.glob = "@a"},   {.glob = "a@(b)"},
				   {.glob = "abcd"}, {.glob = ""}};

	(void)state;
	shadow_sort(shadows, LENGTH_OF(shadows));
	for (size_t i = 0; i < LENGTH_OF(shadows); i++) {
		size_t expected =
		    strcmp(shadows[i].glob, "@a") == 0 || strcmp(shadows[i].glob, "abcd") == 0
			? strlen(shadows[i].glob)
			: strcspn(shadows[i].glob, "*?[\\@");

		assert_int_equal(shadows[i].prefix, expected);
	}
}

/* Against asking every pair: whatever shadow_find() finds is the first there is. */
static void random_policies_agree_with_asking_every_pair(void **state)
{
	static const char *const parts[] = {"a", "b", "*", "?", "[ab]", "\\a", "@(a|b)", "ab"};
	uint64_t seed = 1;

	(void)state;
	for (int round = 0; round < 300; round++) {
		char globs[GLOBS_MAX][64] = {0};
		const char *pointers[GLOBS_MAX + 1] = {0};

		for (int i = 0; i < GLOBS_MAX; i++) {
			for (unsigned int n = 1 + random_below(&seed, 4); n > 0; n--)
				strcat(globs[i], parts[random_below(&seed, LENGTH_OF(parts))]);
			pointers[i] = globs[i];
		}
		for (int i = 0; i < GLOBS_MAX; i++) {
			int found = shadowed_by(pointers, i);

			if (found >= 0) {
				assert_true(found < i);
				assert_true(glob_covers(globs[found], globs[i]));
			}
			/* A glob's own escapes hide its beginning: then it may miss one. */
			for (int j = 0; strchr(globs[i], '\\') == NULL && j < i; j++) {
				if (glob_covers(globs[j], globs[i])) {
					assert_in_range(found, 0, j);
					break;
				}
			}
		}
	}
}

static void many_globs_take_no_long(void **state)
{
	struct shadow *shadows = calloc(MANY, sizeof(*shadows));
	char(*globs)[32] = calloc(MANY, sizeof(*globs));
	double start = milliseconds();
	size_t found = 0;

	(void)state;
	assert_non_null(shadows);
	assert_non_null(globs);
	for (unsigned int i = 0; i < MANY; i++) {
		snprintf(globs[i], sizeof(globs[i]), i % 2 ? "guest-%06u" : "guest-%06u-*", i / 4);
		shadows[i] = (struct shadow){.glob = globs[i], .line = i};
	}
	shadow_sort(shadows, MANY);
	for (size_t i = 0; i < MANY; i++)
		found += shadow_find(shadows, MANY, i) != NULL;
	print_message("# %d globs: %.0f ms\n", MANY, milliseconds() - start);
	assert_int_equal(found, MANY / 2);
	assert_true(milliseconds() - start < 1000.0 * SLOWNESS);
	free(globs);
	free(shadows);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_earlier_glob_that_covers_is_found),
	    cmocka_unit_test(later_and_other_globs_do_not_count),
	    cmocka_unit_test(the_first_of_several_is_named),
	    cmocka_unit_test(the_prefix_ends_at_the_first_wildcard),
	    cmocka_unit_test(random_policies_agree_with_asking_every_pair),
	    cmocka_unit_test(many_globs_take_no_long),
	};

	return RUN_TESTS(tests);
}
