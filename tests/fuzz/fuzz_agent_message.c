/*
 * What shim and agent say to each other: a request that is taken is one of the two to the byte,
 * and an answer that is read, put together again, says the same.
 */
#include "agent.h"
#include "answer_message.h"
#include "fuzz.h"
#include "request_message.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void request_check(const char *text, size_t length)
{
	struct request_message message;
	struct error error = {0};
	char again[AGENT_REQUEST_MAX] = AGENT_REQUEST;
	char *exact = malloc(length > 0 ? length : 1); /* nothing behind it may be read */
	int result;

	REQUIRE(exact != NULL);
	memcpy(exact, text, length);
	result = request_message_read(&message, exact, length, &error);
	free(exact);
	REQUIRE(error_is_set(&error) == (result < 0));
	if (result < 0) {
		REQUIRE(result == -EPROTO);
		REQUIRE(length != strlen(AGENT_REQUEST) || strcmp(text, AGENT_REQUEST) != 0);
		return;
	}
	if (message.pid != 0)
		snprintf(again, sizeof(again), AGENT_APPLY "%d %s", message.pid, message.started);
	REQUIRE(strlen(again) == length && memcmp(again, text, length) == 0);
}

/* A request for a guest that runs, with numbers of any length; those that fit are taken. */
static void apply_check(unsigned int pid_digits, unsigned int started_digits)
{
	char text[256];
	struct request_message message;
	int length =
	    snprintf(text, sizeof(text), AGENT_APPLY "%.*s %.*s", (int)pid_digits, "123456789012",
		     (int)started_digits, "9876543210987654321098765432109876543210");
	bool fits = pid_digits > 0 && pid_digits < 11 && started_digits > 0 &&
		    started_digits < PROCESS_STARTED_SIZE;

	REQUIRE((request_message_read(&message, text, (size_t)length, NULL) == 0) == fits);
	request_check(text, (size_t)length);
}

/* What is put together is read as what it was. */
static void answer_again(const struct id_set *cpus, const struct error *note)
{
	char *text = malloc(AGENT_REPLY_MAX);
	struct id_set cpus_again;
	struct error note_again;
	struct error error = {0};
	char printed[ERROR_TEXT_SIZE];

	REQUIRE(text != NULL);
	answer_message_placed(text, AGENT_REPLY_MAX, id_set_is_empty(cpus) ? NULL : cpus, note);
	REQUIRE(answer_message_read(text, strlen(text), &cpus_again, &note_again, &error) == 0);
	REQUIRE(id_set_equal(cpus, &cpus_again));
	text_printable(printed, sizeof(printed), note->text);
	/* One that grows as it is made printable may be cut at another place. */
	REQUIRE(strncmp(note_again.text, printed, strlen(printed)) == 0);
	free(text);
}

static void answer_check(const char *text, size_t length)
{
	char *copy = malloc(length + 1);
	struct id_set cpus;
	struct error note = {0};
	struct error error = {0};
	int result;

	REQUIRE(copy != NULL);
	memcpy(copy, text, length + 1);
	result = answer_message_read(copy, length, &cpus, &note, &error);
	REQUIRE(error_is_set(&error) == (result < 0));
	REQUIRE(result == 0 || result == -EPERM || result == -EPROTO);
	if (result == 0) {
		REQUIRE(strlen(text) == length && strchr(text, '\n') == NULL);
		answer_again(&cpus, &note);
	}
	free(copy);
}

/* Any text is refused for in one line. */
static void refusal_check(const char *text)
{
	char *answer = malloc(AGENT_REPLY_MAX);
	struct error reason;
	struct error error = {0};
	struct error note = {0};
	struct id_set cpus;

	REQUIRE(answer != NULL);
	error_set(&reason, 0, "%s", text);
	answer_message_refused(answer, AGENT_REPLY_MAX, &reason);
	REQUIRE(strchr(answer, '\n') == NULL);
	REQUIRE(answer_message_read(answer, strlen(answer), &cpus, &note, &error) == -EPERM);
	free(answer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	struct id_set cpus = {0};
	struct error note;
	size_t length;
	char *text = fuzz_part(&input, &length);

	request_check(text, length);
	if (length > 1)
		apply_check((unsigned char)text[0] % 13U, (unsigned char)text[1] % 41U);
	/* More than that the shim does not read. */
	if (length < AGENT_REPLY_MAX)
		answer_check(text, length);
	refusal_check(text);
	for (size_t i = 0; i < length; i++)
		id_set_add(&cpus, (unsigned int)(31 * i + (unsigned char)text[i]));
	error_set(&note, 0, "%s", text);
	answer_again(&cpus, &note);
	free(text);
	return 0;
}
