/* guest-pinning doctor: what on this host works against placement, and how to change it. */
#include "agent.h"
#include "doctor.h"
#include "log.h"
#include "number.h"
#include "report.h"
#include "screen.h"
#include "verbs.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#ifndef SHIM_PATH
#error "SHIM_PATH must be given, where make install puts the shim"
#endif
#ifndef APPARMORDIR
#error "APPARMORDIR must be given, such as /etc/apparmor.d"
#endif

enum {
	GUESTS_MAX = 1000000,
	MARK_COLUMN = 2,
	NAME_COLUMN = 11,
	VALUE_COLUMN = 42,
	TEXT_COLUMN = 16, /* of what is said below a line */
	NARROW = 60,      /* columns; there the value stands below, too */
};

/* Upper case is what must not be overlooked where there are no colours. */
static const struct mark {
	const char *word;
	enum colour colour;
} marks[SEVERITIES] = {
    [SEVERITY_GOOD] = {"good", COLOUR_GREEN},     [SEVERITY_NOTICE] = {"notice", COLOUR_YELLOW},
    [SEVERITY_BAD] = {"BAD", COLOUR_RED},         [SEVERITY_UNKNOWN] = {"unknown", COLOUR_BOLD},
    [SEVERITY_SKIPPED] = {"skipped", COLOUR_DIM},
};

/* Prints a text from column `left` on, where the cursor is, no word beyond the last column. */
static void print_wrapped(const char *text, int left, unsigned int width)
{
	size_t start = (size_t)left;
	size_t column = start;

	while (*text != '\0') {
		size_t word = strcspn(text, " ");

		if (column > start && column + 1 + word > width) {
			printf("\n%*s", left, "");
			column = start;
		} else if (column > start) {
			putchar(' ');
			column++;
		}
		printf("%.*s", (int)word, text);
		column += word;
		text += word;
		text += strspn(text, " ");
	}
	putchar('\n');
}

/* A command stays in one line, however long, so that it can be taken as it is. */
static void print_commands(const char *commands)
{
	const char *label = "fix: ";

	while (*commands != '\0') {
		size_t length = strcspn(commands, "\n");

		printf("%*s%s%s%.*s%s\n", NAME_COLUMN, "", label,
		       screen_colour(stdout, COLOUR_BOLD), (int)length, commands,
		       screen_plain(stdout));
		label = "     ";
		commands += length;
		commands += *commands == '\n';
	}
}

static void print_finding(const struct finding *finding, unsigned int width)
{
	const struct mark *mark = &marks[finding->severity];
	bool good = finding->severity == SEVERITY_GOOD;
	int column = width >= NARROW ? VALUE_COLUMN : TEXT_COLUMN;
	char value[sizeof(finding->present) + sizeof(" -> ") + sizeof(finding->wanted)];

	printf("%*s%s%-*s%s", MARK_COLUMN, "", screen_colour(stdout, mark->colour),
	       NAME_COLUMN - MARK_COLUMN, mark->word, screen_plain(stdout));
	if (width >= NARROW && strlen(finding->name) < VALUE_COLUMN - NAME_COLUMN)
		printf("%-*s", VALUE_COLUMN - NAME_COLUMN, finding->name);
	else
		printf("%s\n%*s", finding->name, column, "");
	snprintf(value, sizeof(value), "%s%s%s", *finding->present != '\0' ? finding->present : "-",
		 !good && *finding->wanted != '\0' ? " -> " : "", good ? "" : finding->wanted);
	print_wrapped(value, column, width);
	if (good)
		return;
	printf("%*swhy: ", NAME_COLUMN, "");
	print_wrapped(finding->reason, TEXT_COLUMN, width);
	print_commands(finding->command);
}

static void print_guests(const struct doctor *doctor)
{
	const struct host_guests *host = &doctor->host;

	printf(" for %u guest%s (", doctor_guests(doctor), doctor_guests(doctor) == 1 ? "" : "s");
	if (host->defined_unknown)
		printf("defined: unknown");
	else
		printf("defined: %u", host->defined);
	printf(", running: %u)", host->running);
}

static void print_findings(const struct doctor *doctor, const struct findings *findings)
{
	unsigned int width = screen_width(stdout);
	const char *topic = "";
	bool transient = false;

	for (size_t i = 0; i < findings->count; i++) {
		const struct finding *finding = &findings->at[i];

		if (finding->severity == SEVERITY_SKIPPED)
			continue;
		if (strcmp(topic, finding->topic) != 0) {
			printf("%s%s%s%s", i > 0 ? "\n" : "", screen_colour(stdout, COLOUR_BOLD),
			       finding->topic, screen_plain(stdout));
			if (strcmp(finding->topic, "limits") == 0)
				print_guests(doctor);
			putchar('\n');
		}
		topic = finding->topic;
		print_finding(finding, width);
		transient = transient || strstr(finding->command, "sysctl -w") != NULL ||
			    strstr(finding->command, " >/sys/") != NULL;
	}
	if (transient)
		puts("\nWhat sysctl -w and echo change is as before when the host boots again:\n"
		     "put it into /etc/sysctl.d/*.conf, and of /sys into "
		     "/etc/tmpfiles.d/*.conf.");
	printf("\nbad: %zu, notices: %zu, unknown: %zu, good: %zu, skipped: %zu (why: --json)\n",
	       findings_count(findings, SEVERITY_BAD), findings_count(findings, SEVERITY_NOTICE),
	       findings_count(findings, SEVERITY_UNKNOWN), findings_count(findings, SEVERITY_GOOD),
	       findings_count(findings, SEVERITY_SKIPPED));
}

/* A command is a list of lines. */
static json_t *report_commands(const char *commands)
{
	json_t *list = json_array();
	char line[sizeof(((struct finding *)NULL)->command)];

	while (*commands != '\0') {
		size_t length = strcspn(commands, "\n");

		snprintf(line, sizeof(line), "%.*s", (int)length, commands);
		json_array_append_new(list, report_string(line));
		commands += length;
		commands += *commands == '\n';
	}
	return list;
}

static void report_findings(const struct doctor *doctor, const struct findings *findings)
{
	json_t *list = json_array();

	for (size_t i = 0; i < findings->count; i++) {
		const struct finding *finding = &findings->at[i];

		json_array_append_new(list,
				      json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:o}", "topic",
						finding->topic, "name", finding->name, "severity",
						severity_name(finding->severity), "present",
						report_text(finding->present), "wanted",
						report_text(finding->wanted), "commands",
						report_commands(finding->command), "reason",
						report_text(finding->reason)));
	}
	report_print(json_pack("{s:{s:i, s:o, s:i}, s:i, s:i, s:i, s:o}", "guests", "expected",
			       (int)doctor_guests(doctor), "defined",
			       doctor->host.defined_unknown ? json_null()
							    : json_integer(doctor->host.defined),
			       "running", (int)doctor->host.running, "bad",
			       (int)findings_count(findings, SEVERITY_BAD), "notices",
			       (int)findings_count(findings, SEVERITY_NOTICE), "unknown",
			       (int)findings_count(findings, SEVERITY_UNKNOWN), "findings", list));
}

/* Runs it on this host. Returns the exit status. */
static int doctor_of_host(unsigned int guests, bool json)
{
	struct findings findings = {0};
	struct utsname names;
	struct doctor doctor = {
	    .roots = roots_of_kernel,
	    .root = "",
	    .etc = "/etc",
	    .apparmor = APPARMORDIR,
	    .shim = SHIM_PATH,
	    .full = FULL_PATH,
	    .agent = AGENT_SOCKET,
	    .guests = guests,
	};
	int status;

	doctor.machine = uname(&names) == 0 ? names.machine : "";
	if (policy_needs_read(&doctor.needs, policy_source_find()) < 0) {
		log_line("out of memory");
		return VERB_PROBLEM;
	}
	doctor_run(&doctor, &findings);
	if (findings.incomplete)
		log_line("out of memory: not all was looked at");
	if (json)
		report_findings(&doctor, &findings);
	else
		print_findings(&doctor, &findings);
	status = findings.incomplete || findings_count(&findings, SEVERITY_BAD) > 0;
	findings_free(&findings);
	host_guests_free(&doctor.host);
	return verb_finish(status ? VERB_PROBLEM : VERB_FINE);
}

int verb_doctor(int argc, char *argv[])
{
	bool json = false;
	const char *text = NULL;
	unsigned int guests = 0;
	int first = verb_options(
	    argc, argv,
	    (struct verb_option[]){{"json", .flag = &json}, {"guests", .value = &text}, {0}});
	size_t digits;

	if (first < 0)
		return VERB_USAGE;
	if (first != argc)
		return verb_usage(argv[0]);
	if (text != NULL) {
		digits = number_read(text, GUESTS_MAX, &guests);
		if (digits == 0 || text[digits] != '\0' || guests == 0) {
			log_line("--guests takes a number from 1 to %d, not '%s'", GUESTS_MAX,
				 text);
			return VERB_USAGE;
		}
	}
	return doctor_of_host(guests, json);
}
