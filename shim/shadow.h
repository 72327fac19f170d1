/*
 * Which rules of a policy can never match, because an earlier glob covers theirs.
 * Globs are looked up by how they begin and how they end, so that 100,000 rules
 * which differ there take little longer than sorting them. Of those that begin
 * and end alike, only the first 1000 are looked at.
 */
#ifndef SHIM_SHADOW_H
#define SHIM_SHADOW_H

#include <stddef.h>

struct shadow {
	const char *glob;
	const char *file;
	unsigned int line;
	/* Set by shadow_sort(): */
	size_t length;
	size_t prefix; /* bytes before the first wildcard */
	size_t suffix; /* bytes after the last, or fewer */
	size_t order;  /* its place in the policy */
};

/* Makes the globs, in the order of the policy, ready for shadow_find(): sorts them. */
void shadow_sort(struct shadow *globs, size_t count);

/* Finds the first glob before globs[index] that covers it; NULL: there is none. */
const struct shadow *shadow_find(const struct shadow *globs, size_t count, size_t index);

#endif
