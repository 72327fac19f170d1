/* guest-pinning, the administrator's tool: one verb a file, listed here. */
#include "agent.h"
#include "log.h"
#include "output.h"
#include "plain_spec.h"
#include "plan.h"
#include "report.h"
#include "roots.h"
#include "verbs.h"

#include <getopt.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

static const struct verb {
	const char *name;
	const char *arguments;
	const char *help;
	int (*run)(int argc, char *argv[]);
} verbs[] = {
    {"check", "[--json] [--topology XML] [FILE...]", "every problem of the policy", verb_check},
    {"match", "[--json] NAME... | --all", "the rule and placement of a name", verb_match},
    {"status", "[--json] [--watch] [GUEST...]", "where guests are, and should be", verb_status},
    {"apply", "[--json] GUEST... | --all", "bring running guests to the policy", verb_apply},
    {"map", "[--json] [--output FILE]", "this host's nodes, with the guests", verb_map},
    {"doctor", "[--json] [--guests N]", "what works against placement here", verb_doctor},
    {"install", "TARGET", "put the shim in an emulator's place", verb_install},
    {"uninstall", "TARGET", "put the emulator back", verb_uninstall},
};

const struct roots verb_roots = {.proc = "/proc", .sys = "/sys", .state = AGENT_DIRECTORY};

enum {
	VERB_COUNT = sizeof(verbs) / sizeof(verbs[0]),
	VERB_OPTIONS_MAX = 8,
	LONG_OPTION = 256, /* no character: optopt is one where an option of one letter is wrong */
};

/* The help is one screen: at most 24 lines of at most 80 columns. */
static void print_help(FILE *stream)
{
	size_t width = 0;

	for (size_t i = 0; i < VERB_COUNT; i++) {
		size_t used = strlen(verbs[i].name) + strlen(verbs[i].arguments);

		width = used > width ? used : width;
	}
	fputs("usage: guest-pinning VERB [ARGUMENT...]\n\n", stream);
	for (size_t i = 0; i < VERB_COUNT; i++)
		fprintf(stream, "  %s %-*s  %s\n", verbs[i].name,
			(int)(width - strlen(verbs[i].name)), verbs[i].arguments, verbs[i].help);
	fputs("\n"
	      "  --json               as JSON, for programs\n"
	      "  --topology XML       for the host whose topology lstopo wrote there\n"
	      "  --all                all guests: match those of libvirt, apply those that run\n"
	      "  --watch              again every two seconds, until interrupted\n"
	      "  --output FILE        into a picture: .svg, .png, .pdf and others\n"
	      "  --guests N           the limits for so many guests\n"
	      "  --help, --version\n"
	      "\nThe policy is " POLICY_PATH " and\n" POLICY_PATH ".d/*.conf.\n"
	      "Exit status: 0 fine, 1 a problem found, 2 wrong usage.\n"
	      "More: guest-pinning(8), guest-pinning.conf(5).\n",
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

/*
 * Tells of a wrong option: getopt_long(3) has returned `option`. One of several letters behind one
 * dash is not in argv[optind - 1] yet.
 */
static void option_tell(int option, char *const argv[])
{
	if (option == ':')
		log_line("option '%s' lacks its argument", argv[optind - 1]);
	else if (optopt == LONG_OPTION)
		log_line("option '%.*s' takes no argument", (int)strcspn(argv[optind - 1], "="),
			 argv[optind - 1]);
	else if (optopt != 0)
		log_line("unknown option '-%c'", optopt);
	else
		log_line("unknown option '%s'", argv[optind - 1]);
}

int verb_options(int argc, char *argv[], const struct verb_option *options)
{
	struct option list[VERB_OPTIONS_MAX + 1] = {0};
	int index = 0;
	int option;

	for (size_t i = 0; options[i].name != NULL; i++)
		list[i] = (struct option){
		    .name = options[i].name,
		    .has_arg = options[i].value != NULL ? required_argument : no_argument,
		    .val = LONG_OPTION,
		};
	opterr = 0;
	while ((option = getopt_long(argc, argv, ":", list, &index)) != -1) {
		if (option != LONG_OPTION) {
			option_tell(option, argv);
			verb_usage(argv[0]);
			return -1;
		}
		if (options[index].value != NULL)
			*options[index].value = optarg;
		else
			*options[index].flag = true;
	}
	return optind;
}

int verb_finish(int status)
{
	int result;

	if (!report_is_whole()) {
		log_line("out of memory for the output");
		status = VERB_PROBLEM;
	}
	result = output_end();
	if (result == 0)
		return status;
	log_line("the output cannot be written: %s", strerror(-result));
	return VERB_PROBLEM;
}

/* What is behind "--" is no option. */
static bool help_is_asked(char *const argv[])
{
	if (strcmp(argv[1], "help") == 0)
		return true;
	for (size_t i = 1; argv[i] != NULL && strcmp(argv[i], "--") != 0; i++) {
		if (strcmp(argv[i], "--help") == 0)
			return true;
	}
	return false;
}

int main(int argc, char *argv[])
{
	/* Of the locale only what is a character: numbers stay as they are. */
	setlocale(LC_CTYPE, "");
	log_program("guest-pinning");
	report_begin();
	output_begin();
	if (argc < 2) {
		print_help(stderr);
		return VERB_USAGE;
	}
	if (help_is_asked(argv)) {
		print_help(stdout);
		return verb_finish(VERB_FINE);
	}
	if (strcmp(argv[1], "--version") == 0) {
		puts("guest-pinning " VERSION);
		return verb_finish(VERB_FINE);
	}
	plain_spec_remember(&roots_of_kernel);
	for (size_t i = 0; i < VERB_COUNT; i++) {
		if (strcmp(argv[1], verbs[i].name) == 0)
			return verbs[i].run(argc - 1, argv + 1);
	}
	log_line("unknown verb '%s': see guest-pinning --help", argv[1]);
	return VERB_USAGE;
}
