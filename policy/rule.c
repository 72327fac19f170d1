#include "rule.h"
#include "glob.h"
#include "rule_option.h"
#include "spec.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct word {
	char *text;
	char *end;
	bool quoted;
};

/*
 * Finds the next word from *here on and moves *here past it. Returns 1, 0 at the
 * end of the line or at a comment, or -EINVAL with `error` filled.
 */
static int word_next(char **here, char *end, struct word *word, struct error *error)
{
	char *p = *here;
	bool inside = false;

	while (p < end && rule_is_blank(*p))
		p++;
	if (p == end || *p == '#') {
		*here = end;
		return 0;
	}
	*word = (struct word){.text = p};
	for (; p < end && (inside || !rule_is_blank(*p)); p++) {
		if (*p == '"') {
			inside = !inside;
			word->quoted = true;
		} else if (*p == '\\' && ++p == end) {
			return error_set(error, -EINVAL,
					 "a backslash ends the line, with nothing to make literal");
		}
	}
	if (inside)
		return error_set(error, -EINVAL, "a double quote is not closed");
	word->end = p;
	*here = p;
	return 1;
}

bool rule_glob_find(const struct policy_line *line, const char **glob, size_t *length, bool *quoted)
{
	struct word word;
	char *here = line->text;

	if (word_next(&here, line->end, &word, NULL) <= 0)
		return false;
	*glob = word.text;
	*length = (size_t)(word.end - word.text);
	*quoted = word.quoted;
	return true;
}

/* A word that is not closed goes to the line's end. */
int rule_word_find(const struct policy_line *line, const char *at, const char **found,
		   size_t *length)
{
	struct word word = {0};
	char *here = line->text;
	int place = 0;
	int result;

	while ((result = word_next(&here, line->end, &word, NULL)) > 0 && word.end <= at)
		place++;
	if (result == 0 || word.text > at)
		return -ENOENT;
	if (result < 0) {
		for (word.end = line->end; rule_is_blank(word.end[-1]); word.end--)
			;
	}
	*found = word.text;
	*length = (size_t)(word.end - word.text);
	return place;
}

size_t rule_glob_unquote(char *copy, const char *glob, size_t length)
{
	size_t used = 0;

	for (size_t i = 0; i < length; i++) {
		if (glob[i] == '"')
			continue;
		if (glob[i] == '\\' && i + 1 < length)
			copy[used++] = glob[i++];
		copy[used++] = glob[i];
	}
	return used;
}

/* Makes a string of a word that is no glob, in place: quotes and backslashes go. */
static char *word_string(struct word *word)
{
	char *to = word->text;

	for (const char *from = word->text; from < word->end; from++) {
		if (*from == '"')
			continue;
		if (*from == '\\')
			from++;
		*to++ = *from;
	}
	*to = '\0';
	return word->text;
}

static int nodes_read(struct rule *rule, const char *word, struct error *error)
{
	if (strcmp(word, "-") == 0)
		return 0;
	if (strcmp(word, "auto") == 0 || strncmp(word, "auto:", 5) == 0)
		return error_set(error, -EINVAL,
				 "'%s' is not supported yet: name the nodes, or '-' for none",
				 word);
	rule->nodes = word;
	return spec_check(SPEC_NODES, word, error);
}

static int rule_line_check(const struct policy_line *line, struct error *error)
{
	if (line->end - line->text > RULE_LINE_MAX)
		return error_set(error, -EINVAL, "the line is longer than %d bytes", RULE_LINE_MAX);
	if (memchr(line->text, '\0', (size_t)(line->end - line->text)) != NULL)
		return error_set(error, -EINVAL, "the line holds a NUL byte");
	return 0;
}

/* Keeps the first of a line's errors, for the later ones may follow from it. */
static void rule_note_error(struct rule *rule, const char *word, const struct error *error)
{
	if (error_is_set(&rule->error))
		return;
	error_set(&rule->error, 0, "%s", error->text);
	rule->wrong = word;
}

/* Finds the words of the line; returns how many, at most RULE_WORDS_MAX. */
static size_t words_find(struct policy_line *line, struct word *words, struct rule *rule)
{
	struct error error;
	char *here = line->text;
	size_t count = 0;
	struct word more;
	int result;

	while (count < RULE_WORDS_MAX) {
		result = word_next(&here, line->end, &words[count], &error);
		if (result < 0)
			rule_note_error(rule, words[count].text, &error);
		if (result <= 0)
			return count;
		count++;
	}
	if (word_next(&here, line->end, &more, &error) != 0) {
		error_set(&error, -EINVAL, "more than %d words", RULE_WORDS_MAX);
		rule_note_error(rule, more.text, &error);
	}
	return count;
}

bool rule_read(struct policy_line *line, struct rule *rule)
{
	struct word words[RULE_WORDS_MAX];
	struct error error;
	unsigned int given = 0;
	size_t count;

	*rule = (struct rule){.file = line->file, .line = line->number};
	if (rule_line_check(line, &error) < 0)
		rule_note_error(rule, NULL, &error);
	count = words_find(line, words, rule);
	if (count == 0)
		return error_is_set(&rule->error);

	char *glob = words[0].text;
	size_t length = rule_glob_unquote(glob, glob, (size_t)(words[0].end - glob));

	glob[length] = '\0';
	if (length == 0)
		error_set(&error, -EINVAL, "the glob is empty");
	if (length == 0 || glob_check(glob, length, &error) < 0)
		rule_note_error(rule, glob, &error);
	else
		rule->glob = glob;
	if (count == 1) {
		error_set(&error, -EINVAL, "after the glob NODES is missing ('-' for none)");
		rule_note_error(rule, glob, &error);
		return true;
	}
	if (nodes_read(rule, word_string(&words[1]), &error) < 0)
		rule_note_error(rule, words[1].text, &error);
	for (size_t i = 2; i < count; i++) {
		if (rule_option_read(rule, word_string(&words[i]), &given, &error) < 0)
			rule_note_error(rule, words[i].text, &error);
	}
	/* What is wrong there is that NODES are none. */
	if (rule_options_check(rule, &error) < 0)
		rule_note_error(rule, words[1].text, &error);
	return true;
}
