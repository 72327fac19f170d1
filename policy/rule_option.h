/* The options of a rule: the words of a line after its GLOB and NODES. */
#ifndef POLICY_RULE_OPTION_H
#define POLICY_RULE_OPTION_H

#include "rule.h"

/*
 * Reads one word of options into the rule. `given` tells which options the line has had, a bit
 * each; 0 to begin with. Returns 0; or -EINVAL with `error` filled.
 */
int rule_option_read(struct rule *rule, const char *word, unsigned int *given, struct error *error);

/* The name of an option, with '=' where it takes a value; NULL after the last. */
const char *rule_option_name(size_t index);

/* Checks what only the whole line can tell. Returns 0; or -EINVAL with `error` filled. */
int rule_options_check(const struct rule *rule, struct error *error);

#endif
