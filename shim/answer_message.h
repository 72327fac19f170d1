/* What the agent answers over its socket, put together and taken apart: see agent.h. */
#ifndef SHIM_ANSWER_MESSAGE_H
#define SHIM_ANSWER_MESSAGE_H

#include "error.h"
#include "id_set.h"

#include <stddef.h>

/*
 * Writes that a guest is placed: on `cpus`, NULL where the agent has set none, with a note or an
 * empty one. What of the note does not fit is left out. `size` is AGENT_REPLY_MAX at least.
 */
void answer_message_placed(char *text, size_t size, const struct id_set *cpus,
			   const struct error *note);

/* The same of a refusal. */
void answer_message_refused(char *text, size_t size, const struct error *reason);

/*
 * Takes an answer of `length` bytes, with a null byte after them, apart, and changes it. Returns
 * 0 with `cpus` filled (empty: the agent has set none) and `note`; or with `error` filled -EPERM,
 * a refusal, or -EPROTO, no answer.
 */
int answer_message_read(char *text, size_t length, struct id_set *cpus, struct error *note,
			struct error *error);

#endif
