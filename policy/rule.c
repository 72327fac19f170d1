#include "rule.h"
#include "glob.h"
#include "size.h"
#include "spec.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct word {
	char *text;
	char *end;
	bool quoted;
};

static const char *const memory_mode_names[MEMORY_MODES] = {
    [MEMORY_BIND] = "bind",
    [MEMORY_PREFERRED] = "preferred",
    [MEMORY_PREFERRED_MANY] = "preferred-many",
    [MEMORY_INTERLEAVE] = "interleave",
    [MEMORY_LOCAL] = "local",
};

const char *memory_mode_name(enum memory_mode mode)
{
	return memory_mode_names[mode];
}

bool rule_is_blank(char character)
{
	return character == ' ' || character == '\t' || character == '\r';
}

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

static int cpus_option(struct rule *rule, const char *value, struct error *error)
{
	rule->cpus = value;
	return spec_check(SPEC_CPUS, value, error);
}

static int mem_option(struct rule *rule, const char *value, struct error *error)
{
	for (int mode = 0; mode < MEMORY_MODES; mode++) {
		if (strcmp(value, memory_mode_names[mode]) == 0) {
			rule->memory = (enum memory_mode)mode;
			rule->memory_given = true;
			return 0;
		}
	}
	return error_set(error, -EINVAL,
			 "mem=%s: it takes bind, preferred, preferred-many, interleave or local",
			 value);
}

static int env_option(struct rule *rule, const char *value, struct error *error)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_";
	size_t length = strspn(value, letters);

	if (length > 0)
		length += strspn(value + length, "0123456789_"
						 "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
						 "abcdefghijklmnopqrstuvwxyz");
	if (length == 0 || value[length] != '=')
		return error_set(error, -EINVAL,
				 "env=%s: it takes NAME=VALUE, the name of letters, digits and _",
				 value);
	if (rule->env_count == RULE_ENV_MAX)
		return error_set(error, -EINVAL, "more than %d env= options", RULE_ENV_MAX);
	rule->env[rule->env_count++] = value;
	return 0;
}

/*
 * Reads the size of a page: decimal, with one letter or none. No machine has pages of less
 * than 4 KiB, and "hugepages=2" wants its M.
 */
static bool page_size_read(const char *text, uint64_t *bytes)
{
	size_t digits = strspn(text, "0123456789");

	return *text != '0' && (text[digits] == '\0' || text[digits + 1] == '\0') &&
	       size_read(text, strlen(text), 1, bytes) == 0 && *bytes != 0 && *bytes % 4096 == 0;
}

static int hugepages_option(struct rule *rule, const char *value, struct error *error)
{
	static const char prefer[] = "prefer:";
	const char *size = value;

	rule->hugepages = value;
	if (strcmp(value, "off") == 0)
		return 0;
	if (strncmp(value, prefer, strlen(prefer)) == 0) {
		rule->huge_pages_preferred = true;
		size += strlen(prefer);
	}
	if (!page_size_read(size, &rule->huge_page))
		return error_set(error, -EINVAL,
				 "hugepages=%s: it takes a size such as 2M or 1G, prefer:SIZE, or "
				 "off",
				 value);
	return 0;
}

static int ksm_option(struct rule *rule, const char *value, struct error *error)
{
	if (strcmp(value, "on") != 0 && strcmp(value, "off") != 0)
		return error_set(error, -EINVAL, "ksm=%s: it takes on or off", value);
	rule->ksm = strcmp(value, "on") == 0 ? CHOICE_ON : CHOICE_OFF;
	return 0;
}

static int thp_option(struct rule *rule, const char *value, struct error *error)
{
	if (strcmp(value, "never") != 0 && strcmp(value, "default") != 0)
		return error_set(error, -EINVAL, "thp=%s: it takes never or default", value);
	rule->thp = strcmp(value, "never") == 0 ? CHOICE_OFF : CHOICE_ON;
	return 0;
}

static int prealloc_option(struct rule *rule, const char *value, struct error *error)
{
	if (strcmp(value, "on") != 0)
		return error_set(error, -EINVAL, "prealloc=%s: it takes on", value);
	rule->prealloc = true;
	return 0;
}

static int best_effort_option(struct rule *rule, const char *value, struct error *error)
{
	(void)value;
	(void)error;
	rule->best_effort = true;
	return 0;
}

static const struct option {
	const char *name; /* with '=' where it takes a value */
	int (*read)(struct rule *rule, const char *value, struct error *error);
	bool repeats;
} options[] = {
    {"cpus=", cpus_option, false},
    {"mem=", mem_option, false},
    {"hugepages=", hugepages_option, false},
    {"ksm=", ksm_option, false},
    {"thp=", thp_option, false},
    {"prealloc=", prealloc_option, false},
    {"env=", env_option, true},
    {"best-effort", best_effort_option, true},
};
enum { OPTION_COUNT = sizeof(options) / sizeof(options[0]) };

static int option_unknown(const char *word, struct error *error)
{
	char names[256] = "";

	for (size_t i = 0; i < OPTION_COUNT; i++)
		text_add(names, sizeof(names), "%s%s", i > 0 ? " " : "", options[i].name);
	return error_set(error, -EINVAL, "unknown option '%s' (there are %s)", word, names);
}

/* `given` tells which options the line has had, a bit each. */
static int option_read(struct rule *rule, const char *word, unsigned int *given,
		       struct error *error)
{
	size_t name_length = strcspn(word, "=");

	name_length += word[name_length] == '=';
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		const struct option *option = &options[i];

		if (strlen(option->name) != name_length ||
		    strncmp(word, option->name, name_length) != 0)
			continue;
		if (!option->repeats && (*given & 1U << i) != 0)
			return error_set(error, -EINVAL, "%s is given twice", option->name);
		*given |= 1U << i;
		return option->read(rule, word + name_length, error);
	}
	return option_unknown(word, error);
}

/* What only the whole line can tell. */
static int rule_check(const struct rule *rule, struct error *error)
{
	if (rule->nodes == NULL && rule->memory_given && rule->memory != MEMORY_LOCAL)
		return error_set(error, -EINVAL, "mem=%s needs nodes, and '-' names none",
				 memory_mode_name(rule->memory));
	return 0;
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
static void rule_note_error(struct rule *rule, const struct error *error)
{
	if (!error_is_set(&rule->error))
		error_set(&rule->error, 0, "%s", error->text);
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
			rule_note_error(rule, &error);
		if (result <= 0)
			return count;
		count++;
	}
	if (word_next(&here, line->end, &more, &error) != 0) {
		error_set(&error, -EINVAL, "more than %d words", RULE_WORDS_MAX);
		rule_note_error(rule, &error);
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
		rule_note_error(rule, &error);
	count = words_find(line, words, rule);
	if (count == 0)
		return error_is_set(&rule->error);

	char *glob = words[0].text;
	size_t length = rule_glob_unquote(glob, glob, (size_t)(words[0].end - glob));

	glob[length] = '\0';
	if (length == 0)
		error_set(&error, -EINVAL, "the glob is empty");
	if (length == 0 || glob_check(glob, length, &error) < 0)
		rule_note_error(rule, &error);
	else
		rule->glob = glob;
	if (count == 1) {
		error_set(&error, -EINVAL, "after the glob NODES is missing ('-' for none)");
		rule_note_error(rule, &error);
		return true;
	}
	if (nodes_read(rule, word_string(&words[1]), &error) < 0)
		rule_note_error(rule, &error);
	for (size_t i = 2; i < count; i++) {
		if (option_read(rule, word_string(&words[i]), &given, &error) < 0)
			rule_note_error(rule, &error);
	}
	if (rule_check(rule, &error) < 0)
		rule_note_error(rule, &error);
	return true;
}

/* Whether the option that the rule has is the one asked for; counts on. */
static bool is_next(bool has, size_t *index)
{
	return has && (*index)-- == 0;
}

bool rule_option_format(const struct rule *rule, size_t index, char *text, size_t size)
{
	if (is_next(rule->hugepages != NULL, &index))
		snprintf(text, size, "hugepages=%s", rule->hugepages);
	else if (is_next(rule->ksm != CHOICE_NONE, &index))
		snprintf(text, size, "ksm=%s", rule->ksm == CHOICE_ON ? "on" : "off");
	else if (is_next(rule->thp != CHOICE_NONE, &index))
		snprintf(text, size, "thp=%s", rule->thp == CHOICE_ON ? "default" : "never");
	else if (is_next(rule->prealloc, &index))
		snprintf(text, size, "prealloc=on");
	else if (index < rule->env_count)
		snprintf(text, size, "env=%s", rule->env[index]);
	else if (index == rule->env_count && rule->best_effort)
		snprintf(text, size, "best-effort");
	else
		return false;
	return true;
}
