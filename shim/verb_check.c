/* guest-pinning check: all that is wrong with a policy, as this host would see it. */
#include "log.h"
#include "plan.h"
#include "report.h"
#include "shadow.h"
#include "verbs.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct check {
	bool installed;   /* it is the host's policy, not a file to become one */
	json_t *problems; /* NULL: printed as they come */
	size_t rules;
	size_t errors;
	size_t warnings;
	struct shadow *globs;
	size_t glob_count;
	size_t glob_room;
};

/* Prints one problem. `file` is NULL where the text names it itself. */
static void problem_add(struct check *check, bool error, const char *file, unsigned int line,
			const char *text)
{
	char printable[4 * ERROR_TEXT_SIZE];
	char path[PATH_MAX];

	*(error ? &check->errors : &check->warnings) += 1;
	if (check->problems != NULL)
		json_array_append_new(check->problems,
				      json_pack("{s:s, s:o, s:o, s:o}", "severity",
						error ? "error" : "warning", "file",
						file != NULL ? report_string(file) : json_null(),
						"line", line > 0 ? json_integer(line) : json_null(),
						"text", report_string(text)));
	else if (line > 0)
		printf(
		    "%s:%u: %s%s\n", text_printable(path, sizeof(path), file), line,
		    error ? "" : "warning: ", text_printable(printable, sizeof(printable), text));
	else
		printf("%s%s\n", error ? "" : "warning: ",
		       text_printable(printable, sizeof(printable), text));
}

/* A file that is ignored is an error; one to be installed later is read all the same. */
static void check_report(void *context, const char *text, bool used)
{
	problem_add(context, !used, NULL, 0, text);
}

static int glob_keep(struct check *check, const struct rule *rule)
{
	if (check->glob_count == check->glob_room) {
		size_t room = check->glob_room == 0 ? 256 : 2 * check->glob_room;
		struct shadow *globs = realloc(check->globs, room * sizeof(*globs));

		if (globs == NULL)
			return -ENOMEM;
		check->globs = globs;
		check->glob_room = room;
	}
	check->globs[check->glob_count++] =
	    (struct shadow){.glob = rule->glob, .file = rule->file, .line = rule->line};
	return 0;
}

/* Whether the devices and CPUs of irq= are there. */
static int interrupts_check(const struct rule *rule, const struct placement *placement,
			    struct error *error)
{
	struct interrupt_plan *plan =
	    interrupt_plan_make(rule, placement, NULL, NULL, &roots_of_kernel, error);

	free(plan);
	return plan == NULL ? -EINVAL : 0;
}

/* `insecure`: others may have written the file, so libnuma does not get to see it (numa(3)). */
static int check_rule(struct check *check, struct policy_line *line, bool insecure)
{
	struct placement placement;
	struct guest_memory memory = {0};
	struct error warning = {0};
	struct error error;
	struct rule rule;

	if (!rule_read(line, &rule))
		return 0;
	check->rules++;
	if (error_is_set(&rule.error))
		problem_add(check, true, rule.file, rule.line, rule.error.text);
	else if (!insecure &&
		 (placement_resolve(&rule, PLACEMENT_OF_CALLER, &placement, &error) < 0 ||
		  guest_memory_plan(&rule, &placement, NULL, NULL, &memory, &warning, &error) < 0 ||
		  interrupts_check(&rule, &placement, &error) < 0))
		problem_add(check, true, rule.file, rule.line, error.text);
	if (error_is_set(&warning))
		problem_add(check, false, rule.file, rule.line, warning.text);
	guest_memory_free(&memory);
	return rule.glob != NULL ? glob_keep(check, &rule) : 0;
}

/* Warns of the rules that can never match, in the order of the policy. */
static int check_shadows(struct check *check)
{
	const struct shadow **ordered;
	char text[ERROR_TEXT_SIZE];

	if (check->glob_count == 0)
		return 0;
	ordered = malloc(check->glob_count * sizeof(const struct shadow *));
	if (ordered == NULL)
		return -ENOMEM;
	shadow_sort(check->globs, check->glob_count);
	for (size_t i = 0; i < check->glob_count; i++)
		ordered[check->globs[i].order] = &check->globs[i];
	for (size_t i = 0; i < check->glob_count; i++) {
		const struct shadow *one = ordered[i];
		const struct shadow *cover =
		    shadow_find(check->globs, check->glob_count, (size_t)(one - check->globs));

		if (cover == NULL)
			continue;
		snprintf(text, sizeof(text),
			 "'%.200s' can never match: '%.200s' of %.400s:%u covers it", one->glob,
			 cover->glob, cover->file, cover->line);
		problem_add(check, false, one->file, one->line, text);
	}
	free(ordered);
	return 0;
}

/* Reports a path that not all users can use; `bit` is S_IROTH or S_IXOTH. */
static void check_mode(struct check *check, const char *path, mode_t bit)
{
	char text[ERROR_TEXT_SIZE];
	struct stat status;
	bool group;

	if (stat(path, &status) < 0 || (status.st_mode & bit) != 0)
		return;
	group = status.st_gid != 0 && (status.st_mode & bit << 3) != 0;
	snprintf(text, sizeof(text),
		 group ? "%.800s: only group %u can read it: see to it that the user who runs "
			 "the emulators is in that group"
		       : "%.800s: the user who runs the emulators cannot read it (group %u, no "
			 "others): chmod o+rX it",
		 path, status.st_gid);
	problem_add(check, !group, NULL, 0, text);
}

/*
 * libvirt starts the emulator as a user of its own, who must be able to read the
 * host's policy. (RPM packages of libvirt ship /etc/libvirt for root alone.)
 */
static void check_readable(struct check *check, const struct policy_file *files)
{
	check_mode(check, SYSCONFDIR "/libvirt", S_IXOTH);
	check_mode(check, POLICY_PATH ".d", S_IROTH);
	check_mode(check, POLICY_PATH ".d", S_IXOTH);
	for (; files != NULL; files = files->next)
		check_mode(check, files->path, S_IROTH);
}

/* Checks one policy. Returns 0 or -ENOMEM. */
static int check_policy(struct check *check, const char *path, uid_t owner)
{
	char text[ERROR_TEXT_SIZE];
	struct policy policy;
	struct policy_line line;
	int result = policy_open(&policy, path, owner, !check->installed, check_report, check);

	if (result < 0)
		return result;
	if (policy.missing) {
		snprintf(text, sizeof(text), "%.900s: there is no such file", path);
		problem_add(check, !check->installed, NULL, 0, text);
	}
	check->glob_count = 0;
	while (result == 0 && (result = policy_next(&policy, &line)) > 0)
		result = check_rule(check, &line, policy.insecure);
	if (result == 0)
		result = check_shadows(check);
	if (check->installed && strcmp(path, POLICY_PATH) == 0)
		check_readable(check, policy.files);
	policy_close(&policy);
	return result;
}

static void check_summary(const struct check *check)
{
	if (check->problems != NULL)
		report_print(json_pack("{s:i, s:i, s:i, s:O}", "rules", (int)check->rules, "errors",
				       (int)check->errors, "warnings", (int)check->warnings,
				       "problems", check->problems));
	else
		printf("rules: %zu, errors: %zu, warnings: %zu\n", check->rules, check->errors,
		       check->warnings);
}

int verb_check(int argc, char *argv[])
{
	bool json = false;
	int first = verb_options(argc, argv, &json);
	struct check check = {.installed = first == argc};
	struct policy_source source = policy_source_find();
	int result = 0;

	if (first < 0)
		return VERB_USAGE;
	if (json)
		check.problems = json_array();
	if (first == argc)
		result = check_policy(&check, source.path, source.owner);
	for (int i = first; i < argc && result == 0; i++)
		result = check_policy(&check, argv[i], geteuid());
	free(check.globs);
	if (result < 0) {
		json_decref(check.problems);
		log_line("out of memory");
		return VERB_PROBLEM;
	}
	check_summary(&check);
	json_decref(check.problems);
	return verb_finish(check.errors > 0 ? VERB_PROBLEM : VERB_FINE);
}
