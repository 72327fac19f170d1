/* The verbs of guest-pinning. Each takes its own argv and returns the exit status. */
#ifndef SHIM_VERBS_H
#define SHIM_VERBS_H

#include <stdbool.h>

enum { VERB_FINE = 0, VERB_PROBLEM = 1, VERB_USAGE = 2 };

int verb_match(int argc, char *argv[]);
int verb_check(int argc, char *argv[]);
int verb_install(int argc, char *argv[]);
int verb_uninstall(int argc, char *argv[]);

/* Prints how the verb is used on stderr. Returns VERB_USAGE. */
int verb_usage(const char *verb);

/*
 * Reads the options of a verb, which know only --json (where `json` is not NULL).
 * Returns the index of the first argument; or -1 for a wrong option, usage shown.
 */
int verb_options(int argc, char *argv[], bool *json);

/* Ends the output on stdout. Returns `status`, or VERB_PROBLEM where it was not written. */
int verb_finish(int status);

#endif
