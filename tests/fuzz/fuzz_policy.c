/*
 * A policy of several files: what is read of it, written down again and read once more is the
 * same, rule by rule, and the rule that is found for a guest is the first that matches.
 */
#include "fuzz.h"
#include "policy.h"
#include "rule_nearest.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FILES = 3, LINE_SIZE = 4 * RULE_LINE_MAX, COVERS_MAX = 8 };

static const char *const names[FILES] = {"guest-pinning.conf", "guest-pinning.conf.d/10.conf",
					 "guest-pinning.conf.d/20.conf"};

/* A policy that is read to its end. The rules' words are in it until it is closed. */
struct read {
	const char *directory;
	struct policy policy;
	struct rule *rules;
	size_t count;
};

static void report(void *context, const char *text, bool used)
{
	(void)context;
	(void)used;
	REQUIRE(*text != '\0');
}

static void begin(struct policy *policy, const char *directory)
{
	char name[64];

	snprintf(name, sizeof(name), "%s/%s", directory, names[0]);
	REQUIRE(policy_open(policy, fuzz_path(name), geteuid(), false, report, NULL) == 0);
	REQUIRE(!policy->missing && !policy->reported);
}

/* Which of the files the rule is in. */
static size_t file_of(const struct rule *rule)
{
	for (size_t i = FILES; i-- > 0;) {
		size_t length = strlen(rule->file);

		if (length > strlen(names[i]) &&
		    strcmp(rule->file + length - strlen(names[i]), names[i]) == 0)
			return i;
	}
	REQUIRE(!"a file of the policy");
	return 0;
}

/* The word that a rule complains of is one of its line, and the tool has something to say of it. */
static void wrong_check(const struct rule *rule, const struct policy_line *line, size_t at)
{
	const char *word;
	size_t length;
	char *copy;
	char nearest[64];

	REQUIRE(rule_word_find(line, line->text + at, &word, &length) >= 0);
	REQUIRE(word >= line->text && length > 0 && word + length <= line->end);
	REQUIRE(word <= line->text + at && line->text + at < word + length);
	copy = strndup(word, length);
	REQUIRE(copy != NULL);
	(void)rule_option_nearest(copy, nearest, sizeof(nearest));
	free(copy);
	REQUIRE(error_is_set(&rule->error));
}

static void read_all(struct read *read)
{
	struct policy_line line;
	size_t room = 0;

	read->count = 0;
	read->rules = NULL;
	begin(&read->policy, read->directory);
	while (policy_next(&read->policy, &line) > 0) {
		size_t length = (size_t)(line.end - line.text);
		char *copy = malloc(length + 1);
		struct policy_line before = {line.file, line.number, copy, copy + length};
		struct rule *rule;

		REQUIRE(copy != NULL);
		memcpy(copy, line.text, length);
		copy[length] = '\n';
		if (read->count == room) {
			room = 2 * room + 16;
			read->rules = realloc(read->rules, room * sizeof(*read->rules));
			REQUIRE(read->rules != NULL);
		}
		rule = &read->rules[read->count];
		if (rule_read(&line, rule)) {
			read->count++;
			REQUIRE(rule->line == line.number);
			if (rule->wrong != NULL)
				wrong_check(rule, &before, (size_t)(rule->wrong - line.text));
		}
		free(copy);
	}
}

static void word_add(char *text, const char *prefix, const char *word)
{
	size_t used = strlen(text);

	used += (size_t)snprintf(text + used, LINE_SIZE - used, " %s", prefix);
	for (; *word != '\0'; word++) {
		if (rule_is_blank(*word) || strchr("\"\\#", *word) != NULL)
			text[used++] = '\\';
		text[used++] = *word;
	}
	text[used] = '\0';
}

/* A rule as a line of a policy. */
static void rule_write(const struct rule *rule, char text[LINE_SIZE])
{
	char option[LINE_SIZE];

	snprintf(text, LINE_SIZE, "\"%s\"", rule->glob);
	word_add(text, "", rule->nodes != NULL ? rule->nodes : "-");
	if (rule->cpus != NULL)
		word_add(text, "cpus=", rule->cpus);
	if (rule->memory_given)
		word_add(text, "mem=", memory_mode_name(rule->memory));
	for (size_t i = 0; rule_option_format(rule, i, option, sizeof(option)); i++)
		word_add(text, "", option);
}

/* A line that is not in order, or would be too long when written anew, is left out. */
static bool is_kept(const struct rule *rule)
{
	char text[LINE_SIZE];

	if (error_is_set(&rule->error))
		return false;
	rule_write(rule, text);
	return strlen(text) <= RULE_LINE_MAX;
}

/* Writes the rules that are in order into files of the same names, on the same lines. */
static void write_again(const struct read *read)
{
	char text[LINE_SIZE];

	for (size_t i = 0; i < FILES; i++) {
		unsigned int line = 1;
		char *bytes = NULL;
		size_t size;
		FILE *stream = open_memstream(&bytes, &size);
		char name[64];

		REQUIRE(stream != NULL);
		for (size_t j = 0; j < read->count; j++) {
			const struct rule *rule = &read->rules[j];

			if (file_of(rule) != i || !is_kept(rule))
				continue;
			for (; line < rule->line; line++)
				fputc('\n', stream);
			rule_write(rule, text);
			fputs(text, stream);
		}
		REQUIRE(fclose(stream) == 0);
		snprintf(name, sizeof(name), "again/%s", names[i]);
		fuzz_file(name, bytes, size);
		free(bytes);
	}
}

static bool same(const char *one, const char *other)
{
	return one == NULL || other == NULL ? one == other : strcmp(one, other) == 0;
}

static void same_check(const struct rule *one, const struct rule *other)
{
	REQUIRE(file_of(one) == file_of(other) && one->line == other->line);
	REQUIRE(same(one->glob, other->glob) && same(one->nodes, other->nodes));
	REQUIRE(same(one->cpus, other->cpus) && same(one->hugepages, other->hugepages));
	REQUIRE(one->memory == other->memory && one->memory_given == other->memory_given);
	REQUIRE(one->huge_page == other->huge_page && one->ksm == other->ksm);
	REQUIRE(one->huge_pages_preferred == other->huge_pages_preferred);
	REQUIRE(one->thp == other->thp && one->prealloc == other->prealloc);
	REQUIRE(one->isolate == other->isolate && one->best_effort == other->best_effort);
	REQUIRE(one->nice_given == other->nice_given && one->nice == other->nice);
	REQUIRE(one->scheduler == other->scheduler && one->realtime == other->realtime);
	REQUIRE(one->env_count == other->env_count && one->irq_count == other->irq_count);
	for (size_t i = 0; i < one->env_count; i++)
		REQUIRE(same(one->env[i], other->env[i]));
	for (size_t i = 0; i < one->irq_count; i++)
		REQUIRE(same(one->irqs[i], other->irqs[i]));
	REQUIRE(same(one->error.text, other->error.text));
}

static void again_check(const struct read *read)
{
	struct read again = {.directory = "again"};
	size_t next = 0;

	write_again(read);
	read_all(&again);
	for (size_t i = 0; i < read->count; i++) {
		if (!is_kept(&read->rules[i]))
			continue;
		REQUIRE(next < again.count);
		same_check(&read->rules[i], &again.rules[next++]);
	}
	REQUIRE(next == again.count);
	free(again.rules);
	policy_close(&again.policy);
}

static int rule_match(const struct rule *rule, const struct glob_name *name)
{
	return rule->glob == NULL ? 0 : glob_match(rule->glob, strlen(rule->glob), name);
}

/* The first rule that matches is the one that is found. */
static void find_check(const struct read *read, const struct glob_name *name)
{
	struct policy policy;
	struct rule rule;
	size_t i = 0;
	int found;

	while (i < read->count && rule_match(&read->rules[i], name) == 0)
		i++;
	begin(&policy, read->directory);
	found = policy_find(&policy, name, &rule);
	REQUIRE(found == (i < read->count));
	if (found) {
		REQUIRE(rule.line == read->rules[i].line);
		REQUIRE(file_of(&rule) == file_of(&read->rules[i]));
		if (rule_match(&read->rules[i], name) == 1)
			same_check(&rule, &read->rules[i]);
		else
			REQUIRE(error_is_set(&rule.error));
	}
	policy_close(&policy);
}

/* What a glob is said to cover it matches. */
static void covers_check(const struct read *read, const struct glob_name *name)
{
	size_t count = read->count < COVERS_MAX ? read->count : COVERS_MAX;

	for (size_t i = 0; i < count * count; i++) {
		const struct rule *rule = &read->rules[i / count];
		const struct rule *other = &read->rules[i % count];

		if (rule->glob == NULL || other->glob == NULL || rule_match(other, name) != 1 ||
		    !glob_covers(rule->glob, other->glob))
			continue;
		REQUIRE(rule_match(rule, name) != 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	char *guest = fuzz_line(&input);
	struct read read = {.directory = "policy"};
	bool nulls = size > 0 && memchr(data, '\0', size) != NULL;
	struct glob_name name;

	for (size_t i = 0; i < FILES; i++) {
		char file[64];

		snprintf(file, sizeof(file), "policy/%s", names[i]);
		fuzz_part_file(&input, file);
	}
	read_all(&read);
	again_check(&read);
	/* A glob with a null byte, which no name has, is cut there in the rule that complains. */
	if (!nulls && glob_name_set(&name, guest) == 0) {
		find_check(&read, &name);
		covers_check(&read, &name);
	}
	free(read.rules);
	policy_close(&read.policy);
	free(guest);
	return 0;
}
