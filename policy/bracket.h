/* Bracket expressions of globs: [abc] [!a-z] [[:alpha:]] [[=a=]] [[.-.]]. */
#ifndef POLICY_BRACKET_H
#define POLICY_BRACKET_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Reads the bracket expression whose '[' is before `p`, says in *holds whether
 * the character is one of it, and returns the place after its ']'; NULL where it
 * never ends: then the '[' is an ordinary character (POSIX XCU 2.13.1). `utf8`
 * says that characters are Unicode; else they are bytes, and of classes only
 * ASCII is known.
 */
const uint32_t *bracket_read(const uint32_t *p, const uint32_t *end, uint32_t character, bool utf8,
			     bool *holds);

#endif
