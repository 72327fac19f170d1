#include "nearest.h"
#include "rule_nearest.h"
#include "unit.h"

#include <string.h>

static const char *nearest_of(const char *written)
{
	static const char *const words[] = {"hugepages=", "isolate", "mem=", "irq="};
	struct nearest nearest = {0};

	for (size_t i = 0; i < LENGTH_OF(words); i++)
		nearest_try(&nearest, written, strlen(written), words[i]);
	return nearest.word != NULL ? nearest.word : "none";
}

static void a_third_of_the_letters_may_differ(void **state)
{
	(void)state;
	assert_string_equal(nearest_of("hugepage="), "hugepages=");
	assert_string_equal(nearest_of("HugePages="), "hugepages=");
	assert_string_equal(nearest_of("hguepages="), "hugepages=");
	assert_string_equal(nearest_of("huge-pages="), "hugepages=");
	assert_string_equal(nearest_of("hugepgs="), "hugepages=");
	assert_string_equal(nearest_of("hupgs="), "none");
	assert_string_equal(nearest_of("isolated"), "isolate");
	assert_string_equal(nearest_of("mem"), "mem=");
	assert_string_equal(nearest_of("emm="), "mem=");
	assert_string_equal(nearest_of("eem"), "none");
	assert_string_equal(nearest_of(""), "none");
	assert_string_equal(nearest_of("x"), "none");
}

static void the_nearest_wins_and_of_equal_ones_the_first(void **state)
{
	struct nearest nearest = {0};

	(void)state;
	nearest_try(&nearest, "eth10", 5, "eth20");
	nearest_try(&nearest, "eth10", 5, "eth30");
	assert_string_equal(nearest.word, "eth20");
	assert_int_equal(nearest.distance, 1);
	nearest_try(&nearest, "eth10", 5, "eth10");
	assert_string_equal(nearest.word, "eth10");
	assert_int_equal(nearest.distance, 0);
}

static void long_words_are_like_none(void **state)
{
	char text[NEAREST_WORD_MAX + 2];
	struct nearest nearest = {0};

	(void)state;
	memset(text, 'a', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	nearest_try(&nearest, text, NEAREST_WORD_MAX + 1, "aaa");
	assert_null(nearest.word);
	nearest_try(&nearest, "aaa", 3, text);
	assert_null(nearest.word);
	text[NEAREST_WORD_MAX] = '\0';
	nearest_try(&nearest, text, NEAREST_WORD_MAX, text);
	assert_ptr_equal(nearest.word, text);
}

static void options_are_suggested_by_their_names(void **state)
{
	static const struct {
		const char *word;
		const char *expected; /* NULL: none */
	} cases[] = {
	    {"hugepage=2M", "hugepages="},
	    {"cpu=3", "cpus="},
	    {"CPUS=3", "cpus="},
	    {"best_effort", "best-effort"},
	    {"isolated", "isolate"},
	    {"isolate=on", "isolate"},
	    {"mem", "mem="},
	    {"mem=blind", "mem=bind"},
	    {"mem=prefered", "mem=preferred"},
	    {"mem=bind", NULL},
	    {"mem=x", NULL},
	    {"cpus=x", NULL},
	    {"nonsense", NULL},
	    {"", NULL},
	    {"=", NULL},
	    {"sched=fifi:1", NULL},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		char text[64];
		const char *got = rule_option_nearest(cases[i].word, text, sizeof(text));

		if (cases[i].expected == NULL)
			assert_null(got);
		else if (got == NULL)
			fail_msg("nothing is suggested for '%s'", cases[i].word);
		else
			assert_string_equal(got, cases[i].expected);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_third_of_the_letters_may_differ),
	    cmocka_unit_test(the_nearest_wins_and_of_equal_ones_the_first),
	    cmocka_unit_test(long_words_are_like_none),
	    cmocka_unit_test(options_are_suggested_by_their_names),
	};

	return RUN_TESTS(tests);
}
