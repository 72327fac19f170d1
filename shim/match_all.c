#include "match_all.h"
#include "log.h"
#include "report.h"
#include "screen.h"
#include "verbs.h"
#include "virsh.h"

#include <libsmartcols.h>
#include <stdlib.h>
#include <string.h>

/* The first answer may take long: libvirt looks at every emulator of the host before it. */
enum { VIRSH_SECONDS = 60 };

/* A rule of the policy, and whether a guest gets it. */
struct listed {
	char *file;
	char *glob;
	unsigned int line;
	bool used;
};

struct all {
	struct policy_source source;
	bool json;
	struct virsh_guests guests;
	struct listed *rules; /* in the order of the policy, which is also that of file and line */
	size_t count;
	size_t room;
	struct libscols_table *table;
	json_t *plans;
	json_t *without; /* names of guests */
	int status;
};

static void nothing_reported(void *context, const char *text, bool used)
{
	(void)context;
	(void)text;
	(void)used;
}

static int rule_add(struct all *all, const struct rule *rule)
{
	struct listed listed = {.line = rule->line};

	if (all->count == all->room) {
		size_t room = all->room == 0 ? 256 : 2 * all->room;
		struct listed *rules = realloc(all->rules, room * sizeof(*rules));

		if (rules == NULL)
			return -1;
		all->rules = rules;
		all->room = room;
	}
	listed.file = strdup(rule->file);
	listed.glob = strdup(rule->glob);
	all->rules[all->count++] = listed;
	return listed.file == NULL || listed.glob == NULL ? -1 : 0;
}

/* Lists the rules; what is wrong with the policy each guest's plan tells. Returns 0 or -1. */
static int rules_list(struct all *all)
{
	struct policy policy;
	struct policy_line line;
	struct rule rule;
	int result = policy_open(&policy, all->source.path, all->source.owner, false,
				 nothing_reported, NULL);

	if (result < 0)
		return -1;
	while (result == 0 && (result = policy_next(&policy, &line)) > 0) {
		result = 0;
		if (rule_read(&line, &rule) && rule.glob != NULL)
			result = rule_add(all, &rule);
	}
	policy_close(&policy);
	return result;
}

/* The drop-ins' directory begins as the main file does, and they are read in byte order. */
static int compare_listed(const void *one, const void *other)
{
	const struct listed *left = one;
	const struct listed *right = other;
	int order = strcmp(left->file, right->file);

	return order != 0 ? order : (left->line > right->line) - (left->line < right->line);
}

/* The policy may have been changed meanwhile, and then have a rule that is not listed. */
static void rule_use(struct all *all, const struct rule *rule)
{
	struct listed key = {.file = (char *)rule->file, .line = rule->line};
	struct listed *found = all->count == 0 ? NULL
					       : bsearch(&key, all->rules, all->count,
							 sizeof(*all->rules), compare_listed);

	if (found != NULL)
		found->used = true;
}

enum column { GUEST, RULE, GLOB, CPUS, MEMORY, PROBLEM, COLUMNS };

static const char *const column_names[COLUMNS] = {"GUEST", "RULE",   "GLOB",
						  "CPUS",  "MEMORY", "PROBLEM"};

/* In short: that of the whole message which is of this guest alone. */
static const char *problem_of(const struct plan *plan)
{
	if (error_is_set(&plan->reason))
		return plan->reason.text;
	return plan->warning_count > 0 ? plan->warnings[0].text : "";
}

/* Printable by our own rule: libsmartcols lets marks through that turn the direction of text. */
static int cell_set(struct libscols_line *line, enum column column, const char *text)
{
	char printable[4 * PATH_MAX];

	return scols_line_set_data(line, column,
				   screen_printable(printable, sizeof(printable), text));
}

static int row_add(struct all *all, const struct plan *plan)
{
	const struct placement *placement = &plan->placement;
	struct libscols_line *line = scols_table_new_line(all->table, NULL);
	char rule[PATH_MAX + 16] = "-";
	char cpus[ID_SET_TEXT_SIZE] = "-";
	char memory[ID_SET_TEXT_SIZE + 32] = "-";

	if (line == NULL)
		return -1;
	if (plan->matched)
		snprintf(rule, sizeof(rule), "%s:%u", plan->rule.file, plan->rule.line);
	if (plan->placed && placement->sets_cpus)
		id_set_format(&placement->cpus, cpus, sizeof(cpus));
	if (plan->placed && placement->sets_memory)
		placement_memory(placement, memory, sizeof(memory));
	return cell_set(line, GUEST, plan->guest) < 0 || cell_set(line, RULE, rule) < 0 ||
		       cell_set(line, GLOB, plan->matched ? plan->rule.glob : "-") < 0 ||
		       cell_set(line, CPUS, cpus) < 0 || cell_set(line, MEMORY, memory) < 0 ||
		       cell_set(line, PROBLEM, problem_of(plan)) < 0
		   ? -1
		   : 0;
}

static int guest_match(struct all *all, const char *name)
{
	struct plan plan;
	int result = 0;

	plan_make(&plan, name, PLAN_FOR_HOST, all->source);
	plan_memory(&plan, NULL, NULL);
	plan_interrupts(&plan, NULL);
	plan_apply(&plan, NULL);
	if (plan.warning_count > 0 || error_is_set(&plan.error))
		all->status = VERB_PROBLEM;
	if (plan.matched)
		rule_use(all, &plan.rule);
	else
		result = json_array_append_new(all->without, report_string(name));
	if (result == 0)
		result = all->json ? json_array_append_new(all->plans, report_plan(&plan))
				   : row_add(all, &plan);
	plan_free(&plan);
	return result;
}

static int guests_match(struct all *all)
{
	struct progress progress;
	int result = 0;

	progress_start(&progress, "matching guests");
	for (size_t i = 0; result == 0 && i < all->guests.count; i++) {
		progress_show(&progress, i, all->guests.count);
		result = guest_match(all, all->guests.at[i].name);
	}
	progress_end(&progress);
	return result;
}

static int table_make(struct all *all)
{
	all->table = scols_new_table();
	if (all->table == NULL || scols_table_enable_noencoding(all->table, 1) < 0)
		return -1;
	for (int i = 0; i < COLUMNS; i++) {
		/* On a terminal the last is broken into lines, for it is a sentence. */
		if (scols_table_new_column(all->table, column_names[i], 0,
					   i == PROBLEM ? SCOLS_FL_WRAP : 0) == NULL)
			return -1;
	}
	return 0;
}

static void lists_print(const struct all *all)
{
	char text[4 * ERROR_TEXT_SIZE];
	const char *headline = "\nrules that no guest matches:\n";
	size_t index;
	json_t *name;

	if (json_array_size(all->without) > 0)
		puts("\nguests that no rule matches:");
	json_array_foreach(all->without, index, name)
	{
		printf("  %s\n", json_string_value(name));
	}
	for (size_t i = 0; i < all->count; i++) {
		const struct listed *rule = &all->rules[i];

		if (rule->used)
			continue;
		printf("%s  %s:%u: ", headline, text_printable(text, sizeof(text), rule->file),
		       rule->line);
		puts(text_printable(text, sizeof(text), rule->glob));
		headline = "";
	}
}

static json_t *unused_list(const struct all *all)
{
	json_t *list = json_array();

	for (size_t i = 0; i < all->count; i++) {
		const struct listed *rule = &all->rules[i];

		if (!rule->used)
			json_array_append_new(list,
					      report_rule(rule->file, rule->line, rule->glob));
	}
	return list;
}

static void all_print(const struct all *all)
{
	if (all->json) {
		report_print(json_pack("{s:O, s:O, s:o}", "guests", all->plans, "without_rule",
				       all->without, "unused_rules", unused_list(all)));
		return;
	}
	if (all->guests.count == 0)
		puts("libvirt knows no guests");
	else
		scols_print_table(all->table);
	lists_print(all);
}

static void all_free(struct all *all)
{
	for (size_t i = 0; i < all->count; i++) {
		free(all->rules[i].file);
		free(all->rules[i].glob);
	}
	free(all->rules);
	virsh_guests_free(&all->guests);
	scols_unref_table(all->table);
	json_decref(all->plans);
	json_decref(all->without);
}

int match_all(struct policy_source source, bool json)
{
	struct all all = {.source = source, .json = json, .status = VERB_FINE};
	struct progress progress;
	struct error error;
	int result;

	progress_start(&progress, "asking libvirt for its guests");
	result = virsh_list(&all.guests, VIRSH_SECONDS, &progress, &error);
	progress_end(&progress);
	if (result < 0) {
		log_line("%s", error.text);
		return VERB_PROBLEM;
	}
	all.plans = json_array();
	all.without = json_array();
	if (rules_list(&all) < 0 || table_make(&all) < 0 || guests_match(&all) < 0) {
		log_line("out of memory");
		all.status = VERB_PROBLEM;
	} else {
		all_print(&all);
	}
	all_free(&all);
	return all.status;
}
