/*
 * Glob patterns as bash reads them in [[ $guest == GLOB ]] in a UTF-8 locale:
 * * ? [...] and ?(a|b) *(a|b) +(a|b) @(a|b) !(a|b); a backslash takes the next
 * character literally; '*' matches '/' and a leading dot, too; case matters.
 *
 * fnmatch(3) is not used: what it does depends on the caller's locale (libvirt
 * starts emulators with LC_ALL=C, an administrator's shell has another), and a
 * pattern such as *(*(a|b)|c) takes it, and bash, exponential time. Here every
 * pattern is matched by following the set of all places in the name that the
 * pattern so far can have reached, and gives up after GLOB_STEPS_MAX steps, which
 * only groups within groups and long names can take.
 *
 * What differs from bash on purpose is listed in tests/cli/glob.bats, which
 * compares the two.
 */
#ifndef POLICY_GLOB_H
#define POLICY_GLOB_H

#include "error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	GLOB_LENGTH_MAX = 1023,   /* bytes of a pattern */
	GLOB_NAME_MAX = 1023,     /* bytes of a guest's name */
	GLOB_NESTING_MAX = 8,     /* groups within groups */
	GLOB_STEPS_MAX = 5000000, /* of one match; some 10 ms */
};

/* A guest's name, made ready once to be matched against many patterns. */
struct glob_name {
	const char *text; /* the caller's, not copied */
	size_t length;    /* bytes */
	bool utf8;        /* false: not UTF-8, so each byte counts as a character */
	size_t count;     /* characters */
	uint32_t character[GLOB_NAME_MAX];
};

/* Takes the name, which must outlive `name`. Returns 0, or -ENAMETOOLONG. */
int glob_name_set(struct glob_name *name, const char *text);

/*
 * Whether the pattern of `length` bytes is one that glob_match() takes.
 * Returns 0, or -EINVAL with `error`, if any, filled: too long, or nested too deeply.
 */
int glob_check(const char *pattern, size_t length, struct error *error);

/*
 * Whether the pattern matches the whole name: returns 1 or 0; -E2BIG for a
 * pattern that does not pass glob_check(); or -ETIME where it takes too long.
 */
int glob_match(const char *pattern, size_t length, const struct glob_name *name);

/* Whether a group, such as the start of @(a|b), begins at `text`. */
bool glob_is_group(const char *text, const char *end);

/*
 * Whether every name that pattern `other` matches is matched by `glob`, too.
 * Errs on one side only: true is certain, false may be a case too hard to tell.
 */
bool glob_covers(const char *glob, const char *other);

#endif
