#include "check.h"
#include "plan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct topology *check_topology(struct check *check)
{
	if (check->topology_state == 0)
		check->topology_state =
		    topology_read(&check->topology, check->topology_path, NULL) == 0 ? 1 : -1;
	return check->topology_state > 0 ? &check->topology : NULL;
}

void check_tell(struct check *check, bool error, const char *text)
{
	struct problem problem = {.error = error, .text = text};

	problem_add(&check->problems, &problem);
}

void check_tell_kept(struct check *check, size_t index, size_t at, const struct finding *finding)
{
	const struct check_kept *kept = &check->kept[index];
	struct policy_line line = {.text = kept->line, .end = kept->line + kept->length};
	struct excerpt excerpt = {.line = kept->line, .length = kept->length};
	const char *word;
	struct problem problem = {
	    .error = finding->error,
	    .file = check->globs[index].file,
	    .line = check->globs[index].line,
	    .text = finding->text,
	    .suggestion = finding->suggestion,
	};

	if (rule_word_find(&line, kept->line + at, &word, &excerpt.word) >= 0) {
		excerpt.at = (size_t)(word - kept->line);
		problem.excerpt = &excerpt;
	}
	problem_add(&check->problems, &problem);
}

/*
 * A file that is ignored is an error; one to be installed later is read all the same. Who owns
 * it here means nothing for another host.
 */
static void check_report(void *context, const char *text, bool used)
{
	struct check *check = context;

	if (!used || check->topology_path == NULL)
		check_tell(check, !used, text);
}

/* Warns of the rules that can never match, in the order of the policy. */
static int check_shadows(struct check *check)
{
	struct shadow *sorted;
	size_t *places;
	char text[ERROR_TEXT_SIZE];

	if (check->glob_count == 0)
		return 0;
	sorted = malloc(check->glob_count * sizeof(*sorted));
	places = malloc(check->glob_count * sizeof(*places));
	if (sorted == NULL || places == NULL) {
		free(sorted);
		free(places);
		return -ENOMEM;
	}
	memcpy(sorted, check->globs, check->glob_count * sizeof(*sorted));
	shadow_sort(sorted, check->glob_count);
	for (size_t i = 0; i < check->glob_count; i++)
		places[sorted[i].order] = i;
	for (size_t i = 0; i < check->glob_count; i++) {
		const struct shadow *cover = shadow_find(sorted, check->glob_count, places[i]);
		struct finding finding = {.text = text};

		if (cover == NULL)
			continue;
		snprintf(text, sizeof(text),
			 "'%.200s' can never match: '%.200s' of %.400s:%u covers it",
			 check->globs[i].glob, cover->glob, cover->file, cover->line);
		check_tell_kept(check, i, check->kept[i].glob, &finding);
	}
	free(sorted);
	free(places);
	return 0;
}

static void kept_clear(struct check *check)
{
	for (size_t i = 0; i < check->glob_count; i++)
		free(check->kept[i].line);
	check->glob_count = 0;
}

int check_policy(struct check *check, const char *path, uid_t owner)
{
	char text[ERROR_TEXT_SIZE];
	struct policy policy;
	struct policy_line line;
	bool insecure_too = !check->installed || check->topology_path != NULL;
	int result = policy_open(&policy, path, owner, insecure_too, check_report, check);

	if (result < 0)
		return result;
	if (policy.missing) {
		snprintf(text, sizeof(text), "%.900s: there is no such file", path);
		check_tell(check, !check->installed, text);
	}
	while (result == 0 && (result = policy_next(&policy, &line)) > 0)
		result = check_rule(check, &line, policy.insecure);
	if (result == 0) {
		check_guests(check);
		result = check_shadows(check);
	}
	if (check->installed && check->topology_path == NULL && strcmp(path, POLICY_PATH) == 0)
		check_readable(check, policy.files);
	kept_clear(check);
	policy_close(&policy);
	return result;
}

void check_free(struct check *check)
{
	kept_clear(check);
	free(check->globs);
	free(check->kept);
	virsh_guests_free(&check->guests);
	topology_free(&check->topology);
	json_decref(check->problems.list);
}
