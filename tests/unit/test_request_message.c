/* What may come over the agent's socket: request_message.c. */
#include "agent.h"
#include "request_message.h"
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct request_message message;
static struct error error;

static int read_bytes(const char *text, size_t length)
{
	char *exact = malloc(length + 1); /* so that the sanitizers see what is read behind it */
	int result;

	assert_non_null(exact);
	memmove(exact + 1, text, length);
	memset(&message, '#', sizeof(message));
	error = (struct error){0};
	result = request_message_read(&message, exact + 1, length, &error);
	free(exact);
	assert_int_equal(error_is_set(&error), result < 0);
	return result;
}

/* It is refused, not repeated, and of its length. */
static void check_refused(const char *text, size_t length)
{
	char expected[128];

	snprintf(expected, sizeof(expected),
		 "a message of %zu bytes is no request that this agent knows", length);
	if (read_bytes(text, length) != -EPROTO)
		fail_msg("'%.*s' is taken", (int)length, text);
	assert_string_equal(error.text, expected);
	assert_int_equal(message.pid, 0);
	assert_string_equal(message.started, "");
}

static void the_requests_are_read(void **state)
{
	static const struct {
		const char *text;
		pid_t pid;
		const char *started;
	} cases[] = {
	    {AGENT_REQUEST, 0, ""},
	    {AGENT_APPLY "4711 815", 4711, "815"},
	    {AGENT_APPLY "1 0", 1, "0"},
	    {AGENT_APPLY "2147483647 18446744073709551615", 2147483647, "18446744073709551615"},
	    {AGENT_APPLY "1 11111111112222222222333", 1, "11111111112222222222333"},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		assert_int_equal(read_bytes(cases[i].text, strlen(cases[i].text)), 0);
		assert_int_equal(message.pid, cases[i].pid);
		assert_string_equal(message.started, cases[i].started);
	}
}

static void anything_else_is_refused(void **state)
{
	static const char *const texts[] = {
	    "",
	    " ",
	    "x",
	    "guest-pinning",
	    "guest-pinning 1",
	    "guest-pinning 2 place",
	    "guest-pinning 1 Place",
	    "GUEST-PINNING 1 place",
	    AGENT_REQUEST " ",
	    AGENT_REQUEST "\n",
	    AGENT_REQUEST " 4711 815",
	    " " AGENT_REQUEST,
	    AGENT_REQUEST AGENT_REQUEST,
	    AGENT_APPLY,
	    "guest-pinning 1 apply",
	    "guest-pinning 2 apply 4711 815",
	    AGENT_APPLY "4711",
	    AGENT_APPLY "4711 ",
	    AGENT_APPLY " 4711 815",
	    AGENT_APPLY "4711  815",
	    AGENT_APPLY "4711\t815",
	    AGENT_APPLY "4711 815 ",
	    AGENT_APPLY "4711 815\n",
	    AGENT_APPLY "4711 815 816",
	    AGENT_APPLY "4711 815x",
	    AGENT_APPLY "4711 x815",
	    AGENT_APPLY "4711 -815",
	    AGENT_APPLY "4711 +815",
	    AGENT_APPLY "4711 8.15",
	    AGENT_APPLY "4711 0x815",
	    AGENT_APPLY "4711,815",
	    AGENT_APPLY "4711\n815",
	    AGENT_APPLY "0 815",
	    AGENT_APPLY "-1 815",
	    AGENT_APPLY "+4711 815",
	    AGENT_APPLY "04711 815",
	    AGENT_APPLY "0x1267 815",
	    AGENT_APPLY "4711x 815",
	    AGENT_APPLY "2147483648 815",
	    AGENT_APPLY "4294967296 815",
	    AGENT_APPLY "99999999999 815",
	    AGENT_APPLY "18446744073709551617 815",
	    AGENT_APPLY "self 815",
	    AGENT_APPLY "1 111111111122222222223333", /* no number of the kernel's is so long */
	    AGENT_APPLY "2147483647 111111111122222222223333",
	    AGENT_PLACED "0-1",
	    AGENT_REFUSED "no",
	    "\xff\xfe",
	};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(texts); i++)
		check_refused(texts[i], strlen(texts[i]));
}

/* To the byte: every beginning, every byte changed to any other, any byte more. */
static void a_byte_that_is_wrong_is_one_too_many(void **state)
{
	static const char *const good[] = {AGENT_REQUEST, AGENT_APPLY "4711 815"};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(good); i++) {
		size_t length = strlen(good[i]);
		size_t fixed = i == 0 ? length : strlen(AGENT_APPLY);
		char text[64];

		for (size_t cut = 0; cut < (i == 0 ? length : length - 2); cut++)
			check_refused(good[i], cut);
		for (size_t at = 0; at < fixed; at++) {
			for (int byte = 0; byte < 256; byte++) {
				strcpy(text, good[i]);
				if (text[at] == (char)byte)
					continue;
				text[at] = (char)byte;
				check_refused(text, length);
			}
		}
		for (int byte = 0; byte < 256; byte++) {
			strcpy(text, good[i]);
			text[length] = (char)byte;
			if (i == 0 || byte < '0' || byte > '9')
				check_refused(text, length + 1);
		}
	}
}

/* In the numbers: every byte but a digit, a null byte among them. */
static void numbers_are_digits(void **state)
{
	static const char good[] = AGENT_APPLY "4711 815";

	(void)state;
	for (size_t at = strlen(AGENT_APPLY); at < strlen(good); at++) {
		for (int byte = 0; byte < 256; byte++) {
			char text[64];

			strcpy(text, good);
			text[at] = (char)byte;
			if ((byte >= '0' && byte <= '9') || byte == good[at])
				continue;
			check_refused(text, strlen(good));
		}
	}
}

static void messages_of_any_length_are_refused(void **state)
{
	static char text[100000];

	(void)state;
	for (size_t length = 0; length < 300; length++) {
		memset(text, '1', length);
		check_refused(text, length);
		memcpy(text, AGENT_APPLY "1 ", length < 24 ? length : 24);
		if (length < 25 || length > 24 + 23)
			check_refused(text, length);
		memset(text, 0, length);
		check_refused(text, length);
	}
	check_refused(text, sizeof(text));
	check_refused(AGENT_REQUEST, sizeof(AGENT_REQUEST)); /* with its null byte */
	check_refused(AGENT_APPLY "4711 815", sizeof(AGENT_APPLY "4711 815"));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_requests_are_read),
	    cmocka_unit_test(anything_else_is_refused),
	    cmocka_unit_test(a_byte_that_is_wrong_is_one_too_many),
	    cmocka_unit_test(numbers_are_digits),
	    cmocka_unit_test(messages_of_any_length_are_refused),
	};

	return RUN_TESTS(tests);
}
