/* What a misspelt option may have been meant to be: for the tool, not for the start of a guest. */
#ifndef POLICY_RULE_NEAREST_H
#define POLICY_RULE_NEAREST_H

#include <stddef.h>

/*
 * Finds what a word of options that is wrong may have been meant to begin with: an option's name,
 * as "hugepages=", or a whole "mem=bind". Returns `text`, or NULL where nothing is near, or the
 * name is right.
 */
const char *rule_option_nearest(const char *word, char *text, size_t size);

#endif
