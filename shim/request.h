/* One request to the agent: who asks, what the policy says of it, and doing that. */
#ifndef SHIM_REQUEST_H
#define SHIM_REQUEST_H

#include "agent.h"
#include "roots.h"

/*
 * In a process of its own (see server.h), serves what has come over a connection:
 * `message` of `length` bytes, which may be anything. `bring` leads to the watcher. Writes the
 * answer, an AGENT_PLACED or AGENT_REFUSED message, to `reply`, and one line to the log; with
 * `quiet` none of a refusal. Returns whether the guest is placed.
 */
bool request_serve(int connection, const char *message, size_t length, const struct roots *roots,
		   int bring, bool quiet, char reply[AGENT_REPLY_MAX]);

#endif
