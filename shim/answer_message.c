#include "answer_message.h"
#include "agent.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

void answer_message_placed(char *text, size_t size, const struct id_set *cpus,
			   const struct error *note)
{
	char list[ID_SET_LIST_SIZE] = "-";

	if (cpus != NULL)
		id_set_format(cpus, list, sizeof(list));
	snprintf(text, size, AGENT_PLACED "%s%s", list, error_is_set(note) ? "; " : "");
	text_printable(text + strlen(text), size - strlen(text), note->text);
}

void answer_message_refused(char *text, size_t size, const struct error *reason)
{
	snprintf(text, size, AGENT_REFUSED);
	text_printable(text + strlen(text), size - strlen(text), reason->text);
}

/* Takes "CPUS", "-", "CPUS; NOTE" or "-; NOTE" apart, in place. Returns 0 or -EINVAL. */
static int placed_read(char *placed, struct id_set *cpus, struct error *note)
{
	char *end = strstr(placed, "; ");

	note->text[0] = '\0';
	if (end != NULL) {
		error_set(note, 0, "%s", end + 2);
		*end = '\0';
	}
	if (strcmp(placed, "-") == 0) {
		*cpus = (struct id_set){0};
		return 0;
	}
	return id_set_read(cpus, placed) < 0 || id_set_is_empty(cpus) ? -EINVAL : 0;
}

int answer_message_read(char *text, size_t length, struct id_set *cpus, struct error *note,
			struct error *error)
{
	if (strncmp(text, AGENT_REFUSED, strlen(AGENT_REFUSED)) == 0)
		return error_set(error, -EPERM, "the agent refuses: %s",
				 text + strlen(AGENT_REFUSED));
	if (strcspn(text, "\n") != length ||
	    strncmp(text, AGENT_PLACED, strlen(AGENT_PLACED)) != 0 ||
	    placed_read(text + strlen(AGENT_PLACED), cpus, note) < 0)
		return error_set(error, -EPROTO,
				 "the agent answers what this shim does not understand: install "
				 "both from one version");
	return 0;
}
