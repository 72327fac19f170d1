/* guest-pinning match: the rule and the placement of a name, by the shim's own dry run. */
#include "log.h"
#include "match_all.h"
#include "plan.h"
#include "report.h"
#include "verbs.h"

#include <stdio.h>

int verb_match(int argc, char *argv[])
{
	bool json = false;
	bool all = false;
	int first = verb_options(
	    argc, argv,
	    (struct verb_option[]){{"json", .flag = &json}, {"all", .flag = &all}, {0}});
	struct policy_source source = policy_source_find();
	json_t *list;
	int status = VERB_FINE;

	if (first < 0)
		return VERB_USAGE;
	if (all && first < argc)
		log_line("--all takes no names");
	if (all != (first == argc))
		return verb_usage(argv[0]);
	if (all)
		return verb_finish(match_all(source, json));
	list = json ? json_array() : NULL;
	for (int i = first; i < argc; i++) {
		struct plan plan;

		plan_make(&plan, argv[i], PLAN_FOR_CALLER, source);
		plan_memory(&plan, NULL, NULL);
		plan_interrupts(&plan, NULL);
		plan_apply(&plan, NULL);
		if (plan.warning_count > 0 || error_is_set(&plan.error))
			status = VERB_PROBLEM;
		if (json) {
			json_array_append_new(list, report_plan(&plan));
		} else {
			if (i > first)
				putchar('\n');
			plan_print(&plan, stdout);
		}
		plan_free(&plan);
	}
	if (json)
		report_print(list);
	return verb_finish(status);
}
