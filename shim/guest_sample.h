/* A look at some of a guest's pages: on which nodes they are. */
#ifndef SHIM_GUEST_SAMPLE_H
#define SHIM_GUEST_SAMPLE_H

#include "spec.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Whether a mapping of that file, "" or "[heap]" where it is of none, is a guest's own memory. */
bool guest_pages_are_of(const char *path);

/*
 * Looks at `count` addresses that lie evenly in the memory of the process whose directory in
 * /proc is open as `directory`, and counts in `found` those on each node. Returns how many of
 * them have a page at all; or -errno: -EPERM or -EACCES where the caller may not see it.
 */
int guest_sample(int directory, pid_t pid, size_t count, unsigned int found[SPEC_NODE_MAX + 1]);

#endif
