/* guest-pinning check: all that is wrong with a policy, as this host or another would see it. */
#include "check.h"
#include "log.h"
#include "plan.h"
#include "report.h"
#include "verbs.h"

#include <stdio.h>
#include <unistd.h>

static void check_summary(const struct check *check)
{
	const struct problems *problems = &check->problems;

	if (problems->list == NULL) {
		printf("rules: %zu, errors: %zu, warnings: %zu\n", check->rules, problems->errors,
		       problems->warnings);
		return;
	}
	report_print(json_pack("{s:i, s:i, s:i, s:o, s:o, s:O}", "rules", (int)check->rules,
			       "errors", (int)problems->errors, "warnings", (int)problems->warnings,
			       "topology", report_text(check->topology_path), "guests",
			       check->guests_known ? json_integer((json_int_t)check->guests.count)
						   : json_null(),
			       "problems", problems->list));
}

/* Reads the topology that was named, so that one that cannot be read is told before all else. */
static int topology_begin(struct check *check)
{
	struct error error;

	if (check->topology_path == NULL)
		return 0;
	if (topology_read(&check->topology, check->topology_path, &error) < 0) {
		log_line("%s", error.text);
		return -1;
	}
	check->topology_state = 1;
	return 0;
}

int verb_check(int argc, char *argv[])
{
	bool json = false;
	struct check check = {0};
	int first = verb_options(argc, argv,
				 (struct verb_option[]){{"json", .flag = &json},
							{"topology", .value = &check.topology_path},
							{0}});
	struct policy_source source = policy_source_find();
	int result = 0;
	int status;

	if (first < 0)
		return VERB_USAGE;
	if (topology_begin(&check) < 0) {
		check_free(&check);
		return VERB_PROBLEM;
	}
	check.installed = first == argc;
	if (json)
		check.problems.list = json_array();
	if (check.installed)
		result = check_policy(&check, source.path, source.owner);
	for (int i = first; i < argc && result == 0; i++)
		result = check_policy(&check, argv[i], geteuid());
	if (result == 0)
		check_summary(&check);
	else
		log_line("out of memory");
	status = result < 0 || check.problems.errors > 0 ? VERB_PROBLEM : VERB_FINE;
	check_free(&check);
	return verb_finish(status);
}
