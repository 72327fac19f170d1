#include "check.h"
#include "host_check.h"
#include "rule_nearest.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A rule being checked. */
struct checking {
	struct check *check;
	const struct rule *rule;
	const char *begin;       /* of its line, which rule_read() has changed */
	struct policy_line copy; /* of that, from before, as far as a line may go */
};

/* Finds the word of the rule in its line. Returns its place among the words, or -ENOENT. */
static int word_find(const struct checking *checking, const char *word, struct excerpt *excerpt)
{
	const struct policy_line *copy = &checking->copy;
	const char *found;
	int place;

	*excerpt = (struct excerpt){.line = copy->text, .length = (size_t)(copy->end - copy->text)};
	if (word == NULL || (size_t)(word - checking->begin) >= excerpt->length)
		return -ENOENT;
	place = rule_word_find(copy, copy->text + (word - checking->begin), &found, &excerpt->word);
	if (place >= 0)
		excerpt->at = (size_t)(found - copy->text);
	return place;
}

static void tell(void *context, const struct finding *finding)
{
	const struct checking *checking = context;
	struct excerpt excerpt;
	bool there = word_find(checking, finding->word, &excerpt) >= 0;
	struct problem problem = {
	    .error = finding->error,
	    .file = checking->rule->file,
	    .line = checking->rule->line,
	    .text = finding->text,
	    .suggestion = finding->suggestion,
	    .excerpt = there ? &excerpt : NULL,
	};

	problem_add(&checking->check->problems, &problem);
}

/* Reports why a line is malformed. An option may be misspelt: the words after GLOB and NODES. */
static void tell_malformed(struct checking *checking)
{
	const struct rule *rule = checking->rule;
	char text[64];
	char word[256];
	struct finding finding = {.error = true, .word = rule->wrong, .text = rule->error.text};
	struct excerpt excerpt;

	if (word_find(checking, rule->wrong, &excerpt) >= 2 && excerpt.word < sizeof(word)) {
		memcpy(word, excerpt.line + excerpt.at, excerpt.word);
		word[excerpt.word] = '\0';
		finding.suggestion = rule_option_nearest(word, text, sizeof(text));
	}
	tell(checking, &finding);
}

/* How much memory the rule's guests can have at most; 0: it binds them to none, or who knows. */
static uint64_t memory_of(struct checking *checking, const struct placement *placement)
{
	const struct rule *rule = checking->rule;
	const struct topology *topology;
	bool known;

	if (rule->nodes == NULL || !placement->sets_memory || placement->mode != MEMORY_BIND ||
	    id_set_is_empty(&placement->nodes))
		return 0;
	topology = check_topology(checking->check);
	if (topology == NULL || !topology->memory_known)
		return 0;
	if (rule->huge_page != 0 && !rule->huge_pages_preferred)
		return rule->huge_page *
		       topology_pages(topology, &placement->nodes, rule->huge_page, &known);
	return topology_memory(topology, &placement->nodes);
}

/* Keeps the rule; its copy of the line goes with it. */
static int rule_keep(struct checking *checking, uint64_t memory)
{
	const struct rule *rule = checking->rule;
	struct check *check = checking->check;
	size_t length = (size_t)(checking->copy.end - checking->copy.text);

	if (check->glob_count == check->glob_room) {
		size_t room = check->glob_room == 0 ? 256 : 2 * check->glob_room;
		struct shadow *globs = realloc(check->globs, room * sizeof(*globs));
		struct check_kept *kept;

		if (globs == NULL)
			return -ENOMEM;
		check->globs = globs;
		kept = realloc(check->kept, room * sizeof(*kept));
		if (kept == NULL)
			return -ENOMEM;
		check->kept = kept;
		check->glob_room = room;
	}
	check->globs[check->glob_count] =
	    (struct shadow){.glob = rule->glob, .file = rule->file, .line = rule->line};
	check->kept[check->glob_count++] = (struct check_kept){
	    .line = checking->copy.text,
	    .length = length,
	    .glob = (size_t)(rule->glob - checking->begin),
	    .nodes = rule->nodes != NULL ? (size_t)(rule->nodes - checking->begin) : length,
	    .memory = memory,
	};
	checking->copy.text = NULL;
	return 0;
}

int check_rule(struct check *check, struct policy_line *line, bool insecure)
{
	size_t length = (size_t)(line->end - line->text);
	struct placement placement = {0};
	struct checking checking = {.check = check, .begin = line->text};
	struct rule rule;
	int result = 0;

	if (length > RULE_LINE_MAX)
		length = RULE_LINE_MAX;
	checking.copy.text = malloc(length + 1);
	if (checking.copy.text == NULL)
		return -ENOMEM;
	memcpy(checking.copy.text, line->text, length);
	checking.copy.end = checking.copy.text + length;
	if (rule_read(line, &rule)) {
		check->rules++;
		checking.rule = &rule;
		/* libnuma does not get to see what others may have written (numa(3)). */
		if (error_is_set(&rule.error))
			tell_malformed(&checking);
		else if (check->topology_path != NULL)
			topology_check(&check->topology, &rule, &placement, tell, &checking);
		else if (!insecure)
			host_check(&rule, &placement, tell, &checking);
		if (rule.glob != NULL)
			result = rule_keep(&checking, memory_of(&checking, &placement));
	}
	free(checking.copy.text);
	return result;
}
