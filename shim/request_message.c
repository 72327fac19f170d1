#include "request_message.h"
#include "agent.h"
#include "number.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>

/* Reads "PID STARTED". */
static bool named_read(struct request_message *message, const char *text)
{
	unsigned int number;
	size_t digits = number_read(text, INT_MAX, &number);
	size_t length;

	if (digits == 0 || number == 0 || text[digits] != ' ')
		return false;
	text += digits + 1;
	length = strspn(text, "0123456789");
	if (length == 0 || length >= sizeof(message->started) || text[length] != '\0')
		return false;
	message->pid = (pid_t)number;
	strcpy(message->started, text);
	return true;
}

int request_message_read(struct request_message *message, const char *text, size_t length,
			 struct error *error)
{
	char copy[AGENT_REQUEST_MAX];

	*message = (struct request_message){0};
	if (length < sizeof(copy) && memchr(text, '\0', length) == NULL) {
		memcpy(copy, text, length);
		copy[length] = '\0';
		if (strcmp(copy, AGENT_REQUEST) == 0)
			return 0;
		if (strncmp(copy, AGENT_APPLY, strlen(AGENT_APPLY)) == 0 &&
		    named_read(message, copy + strlen(AGENT_APPLY)))
			return 0;
	}
	return error_set(error, -EPROTO,
			 "a message of %zu bytes is no request that this agent knows", length);
}
