/* What comes over the agent's socket, taken apart: see agent.h. */
#ifndef SHIM_REQUEST_MESSAGE_H
#define SHIM_REQUEST_MESSAGE_H

#include "error.h"
#include "process.h"

#include <stddef.h>

struct request_message {
	pid_t pid; /* of a guest that runs; 0: who asks is to be placed */
	char started[PROCESS_STARTED_SIZE];
};

/*
 * Reads a message of `length` bytes, which may be anything; it must be one of the requests to
 * the byte. Returns 0; or -EPROTO with `error` filled, in which it is not repeated.
 */
int request_message_read(struct request_message *message, const char *text, size_t length,
			 struct error *error);

#endif
