/* The verbs of guest-pinning. Each takes its own argv and returns the exit status. */
#ifndef SHIM_VERBS_H
#define SHIM_VERBS_H

#include "guest_state.h"

#include <stdbool.h>

enum { VERB_FINE = 0, VERB_PROBLEM = 1, VERB_USAGE = 2 };

int verb_apply(int argc, char *argv[]);
int verb_check(int argc, char *argv[]);
int verb_doctor(int argc, char *argv[]);
int verb_install(int argc, char *argv[]);
int verb_map(int argc, char *argv[]);
int verb_match(int argc, char *argv[]);
int verb_status(int argc, char *argv[]);
int verb_uninstall(int argc, char *argv[]);

/* Prints how the verb is used on stderr. Returns VERB_USAGE. */
int verb_usage(const char *verb);

/* An option of a verb: "--name", which sets *flag, or "--name VALUE", which sets *value. */
struct verb_option {
	const char *name; /* NULL ends a list of them */
	bool *flag;
	const char **value;
};

/*
 * Reads the options of a verb. Returns the index of the first argument,
 * argv being put in order; or -1 for a wrong option, usage shown.
 */
int verb_options(int argc, char *argv[], const struct verb_option *options);

/* Where the verbs look for what runs, and what the agent has written down. */
extern const struct roots verb_roots;

/*
 * Reads the running guests, those of `names` where `count` is not 0. Returns 0; or -errno, told.
 * guest_states_free() is due.
 */
int verb_read_guests(struct guest_states *states, char *const names[], size_t count);

/*
 * Whether every file of the policy counts; tells of those that do not. Without them a guest may
 * seem to have another rule than it has.
 */
bool verb_policy_counts(void);

/* Whether all of `names` are among them; tells of those that are not. */
bool verb_guests_run(const struct guest_states *states, char *const names[], size_t count);

/* Ends the output on stdout. Returns `status`, or VERB_PROBLEM where it was not written. */
int verb_finish(int status);

#endif
