/* The table of all guests on a screen of so many rows: status_text.c. */
#include "guest_made.h"
#include "printed.h"
#include "status_text.h"

#include <locale.h>
#include <stdlib.h>

enum { GUESTS = 30 };

static struct guest_made made[GUESTS];
static char names[GUESTS][24];
static struct guest_state at[GUESTS];
static struct guest_states states;
static unsigned int rows;

/* So many guests, g00 and so on, all of them placed. */
static void guests_make(size_t count)
{
	setenv("COLUMNS", "80", 1);
	for (size_t i = 0; i < count; i++) {
		made_new(&made[i]);
		made_thread(&made[i], "kvm", "0", 0);
		snprintf(names[i], sizeof(names[i]), "g%02zu", i);
		at[i] = made[i].state;
		at[i].guest = names[i];
	}
	states = (struct guest_states){.at = at, .count = count};
}

static void is_not_fine(size_t guest, enum verdict verdict, const char *reason)
{
	at[guest].verdict = verdict;
	error_set(&at[guest].reason, 0, "%s", reason);
}

static void print(void)
{
	assert_int_equal(status_table_print(&states, rows), 0);
}

/* The rows that it takes, of which that of the cursor is none. */
static size_t lines(const char *text)
{
	size_t count = 0;

	while ((text = strchr(text, '\n')) != NULL) {
		count++;
		text++;
	}
	return count;
}

/* Where the guest stands in the table. */
static const char *place(const char *text, const char *guest)
{
	char word[16];

	snprintf(word, sizeof(word), "\n%s ", guest);
	return strstr(text, word);
}

static void what_fits_is_in_the_order_of_names(void **state)
{
	const char *text;

	(void)state;
	guests_make(GUESTS);
	is_not_fine(20, VERDICT_DRIFTED, "why");
	for (size_t i = 0; i < 2; i++) {
		/* Headline, reason, summary, cursor; or any number. */
		rows = i == 0 ? GUESTS + 4 : 0;
		text = printed_by(print);
		assert_int_equal(lines(text), GUESTS + 3);
		assert_true(place(text, "g19") < place(text, "g20"));
		assert_null(strstr(text, "more"));
		assert_non_null(
		    strstr(text, "\ng20: drifted: why\n30 guests: 29 placed, 1 drifted\n"));
	}
}

static void of_more_what_is_not_fine_comes_first(void **state)
{
	const char *text;

	(void)state;
	guests_make(GUESTS);
	is_not_fine(20, VERDICT_DRIFTED, "why");
	is_not_fine(29, VERDICT_UNKNOWN, "whatever");
	at[3].verdict = VERDICT_NO_RULE;
	rows = 10;
	text = printed_by(print);
	assert_int_equal(lines(text), 9);
	assert_true(place(text, "g20") < place(text, "g29"));
	assert_true(place(text, "g29") < place(text, "g00"));
	assert_non_null(place(text, "g01"));
	assert_null(place(text, "g02"));
	assert_non_null(strstr(text, "\ng20: drifted: why\ng29: unknown: whatever\n"
				     "... and 25 more placed, 1 more no rule\n"
				     "30 guests: 27 placed, 1 drifted, 1 no rule, 1 unknown\n"));
	assert_non_null(setlocale(LC_ALL, "C.UTF-8"));
	assert_non_null(strstr(printed_by(print), "\n… and 25 more placed, 1 more no rule\n"));
	assert_non_null(setlocale(LC_ALL, "C"));
}

/* A reason is a sentence, which the terminal breaks into rows. */
static void long_reasons_take_rows(void **state)
{
	char reason[400];
	const char *text;

	(void)state;
	guests_make(GUESTS);
	memset(reason, 'x', sizeof(reason) - 1);
	reason[sizeof(reason) - 1] = '\0';
	for (size_t i = 0; i < 5; i++)
		is_not_fine(i, VERDICT_UNPLACED, reason);
	rows = 4 + 2 * 7; /* of which five or six are the reason's */
	text = printed_by(print);
	assert_non_null(place(text, "g01"));
	assert_null(place(text, "g02"));
	assert_non_null(strstr(text, "\n... and 25 more placed, 3 more unplaced\n"));
}

static void where_there_is_no_room_the_summary_stays(void **state)
{
	(void)state;
	guests_make(GUESTS);
	for (rows = 1; rows <= 4; rows++)
		assert_string_equal(printed_by(print),
				    "... and 30 more placed\n30 guests: 30 placed\n");
	rows = 5;
	assert_int_equal(lines(printed_by(print)), 4);
	guests_make(0);
	assert_string_equal(printed_by(print), "0 guests\n");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_fits_is_in_the_order_of_names),
	    cmocka_unit_test(of_more_what_is_not_fine_comes_first),
	    cmocka_unit_test(long_reasons_take_rows),
	    cmocka_unit_test(where_there_is_no_room_the_summary_stays),
	};

	return RUN_TESTS(tests);
}
