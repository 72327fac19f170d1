/* guest-pinning, the administrator's tool: one verb a file, listed here. */
#include "log.h"
#include "plan.h"
#include "verbs.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

static const struct verb {
	const char *name;
	const char *arguments;
	const char *help;
	int (*run)(int argc, char *argv[]);
} verbs[] = {
    {"match", "[--json] NAME...", "which rule a guest of that name gets, and which placement",
     verb_match},
    {"check", "[--json] [FILE...]", "every problem of the policy, on this host", verb_check},
    {"install", "TARGET", "put the shim in the place of the emulator TARGET", verb_install},
    {"uninstall", "TARGET", "put the emulator TARGET back", verb_uninstall},
};

enum { VERB_COUNT = sizeof(verbs) / sizeof(verbs[0]) };

static void print_help(FILE *stream)
{
	fputs("guest-pinning: which guest runs where on this host\n\n", stream);
	for (size_t i = 0; i < VERB_COUNT; i++)
		fprintf(stream, "  guest-pinning %-9s %-19s %s\n", verbs[i].name,
			verbs[i].arguments, verbs[i].help);
	fputs("\nThe policy is " POLICY_PATH " and\n" POLICY_PATH ".d/*.conf.\n"
	      "Exit status: 0 fine, 1 a problem found, 2 wrong usage.\n",
	      stream);
}

int verb_usage(const char *verb)
{
	for (size_t i = 0; i < VERB_COUNT; i++) {
		if (strcmp(verbs[i].name, verb) == 0)
			fprintf(stderr, "usage: guest-pinning %s %s\n", verb, verbs[i].arguments);
	}
	return VERB_USAGE;
}

int verb_options(int argc, char *argv[], bool *json)
{
	static const struct option with_json[] = {{"json", no_argument, NULL, 'j'}, {0}};
	static const struct option none[] = {{0}};
	int option;

	opterr = 0;
	while ((option = getopt_long(argc, argv, "", json != NULL ? with_json : none, NULL)) !=
	       -1) {
		if (option != 'j' || json == NULL) {
			log_line("unknown option '%s'", argv[optind - 1]);
			verb_usage(argv[0]);
			return -1;
		}
		*json = true;
	}
	return optind;
}

int verb_finish(int status)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	log_line("the output cannot be written: %s", strerror(errno));
	return VERB_PROBLEM;
}

int main(int argc, char *argv[])
{
	log_program("guest-pinning");
	if (argc < 2) {
		print_help(stderr);
		return VERB_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0 ||
	    (argc > 2 && strcmp(argv[2], "--help") == 0)) {
		print_help(stdout);
		return verb_finish(VERB_FINE);
	}
	if (strcmp(argv[1], "--version") == 0) {
		puts("guest-pinning " VERSION);
		return verb_finish(VERB_FINE);
	}
	for (size_t i = 0; i < VERB_COUNT; i++) {
		if (strcmp(argv[1], verbs[i].name) == 0)
			return verbs[i].run(argc - 1, argv + 1);
	}
	log_line("unknown verb '%s': see guest-pinning --help", argv[1]);
	return VERB_USAGE;
}
