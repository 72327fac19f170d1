/*
 * Globs and names to compare glob_match() with other matchers.
 *
 * usage: glob_pairs generate SEED COUNT        lines PATTERN<TAB>NAME in UTF-8
 *        glob_pairs generate-bytes SEED COUNT  the same, with bytes that are not UTF-8
 *        glob_pairs match                      reads such lines, prints 1 or 0 for each
 *        glob_pairs fnmatch                    the same by the C library's fnmatch(3)
 *
 * The same seed gives the same lines. Half of the names are derived from their
 * pattern, or few would match.
 */
#include "glob.h"

#include <fnmatch.h>
#include <locale.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_SIZE = 256, DEPTH_MAX = 2 };

struct text {
	char bytes[TEXT_SIZE];
	size_t length;
};

/* A pattern being made, and a name that it should match. */
struct pair {
	struct text pattern;
	struct text name;
	unsigned int groups; /* so far: bash takes exponential time for many */
};

static uint64_t random_state;
static bool invalid_bytes;

/* xorshift64*: the C library's would differ from one to the other. */
static unsigned int random_below(unsigned int limit)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return (unsigned int)(random_state * UINT64_C(2685821657736338717) >> 33) % limit;
}

static bool chance(unsigned int percent)
{
	return random_below(100) < percent;
}

static void bytes_add(struct text *text, const char *more)
{
	size_t length = strlen(more);

	if (text->length + length >= TEXT_SIZE)
		return;
	memcpy(text->bytes + text->length, more, length + 1);
	text->length += length;
}

/* Few letters, that pattern and name meet often. In byte order of their code points. */
static const char *random_letter(void)
{
	static const char *const ascii[] = {"-", ".", "1", "A", "B", "_", "a", "b", "c"};
	static const char *const rest[] = {"é", "ß", "日", "É", "本", "𝒳"};
	static const char *const invalid[] = {"\xff", "\xc3", "\x80", "\xe6\x97", "\xed\xa0\x80"};

	if (chance(75))
		return ascii[random_below(sizeof(ascii) / sizeof(ascii[0]))];
	if (invalid_bytes && chance(50))
		return invalid[random_below(sizeof(invalid) / sizeof(invalid[0]))];
	return rest[random_below(sizeof(rest) / sizeof(rest[0]))];
}

/* A character that has a meaning somewhere in a pattern. */
static const char *random_special(void)
{
	static const char *const special[] = {"]", "[", "(", ")", "|", "!", "^", "*", "?",
					      "+", "@", "-", ":", "=", "/", ",", "#", " "};

	return special[random_below(sizeof(special) / sizeof(special[0]))];
}

static void add_literal(struct pair *pair)
{
	const char *letter = random_letter();

	bytes_add(&pair->pattern, letter);
	bytes_add(&pair->name, letter);
}

static void add_escaped(struct pair *pair)
{
	const char *letter = chance(60) ? random_special() : random_letter();

	bytes_add(&pair->pattern, "\\");
	bytes_add(&pair->pattern, letter);
	bytes_add(&pair->name, chance(10) ? "\\" : letter);
}

/* A character without a backslash which may or may not mean something where it comes to stand. */
static void add_stray(struct pair *pair)
{
	const char *special = random_special();

	bytes_add(&pair->pattern, special);
	bytes_add(&pair->name, special);
}

static void add_wildcard(struct pair *pair)
{
	bool any = chance(50);
	unsigned int count = any ? 1 : random_below(3);

	bytes_add(&pair->pattern, any ? "?" : "*");
	while (count-- > 0)
		bytes_add(&pair->name, random_letter());
}

static void add_class(struct pair *pair, bool sample)
{
	static const struct {
		const char *class;
		const char *member;
	} classes[] = {
	    {"[:alpha:]", "é"}, {"[:alnum:]", "1"},  {"[:upper:]", "É"},  {"[:lower:]", "ß"},
	    {"[:digit:]", "1"}, {"[:xdigit:]", "A"}, {"[:punct:]", "-"},  {"[:space:]", " "},
	    {"[:blank:]", " "}, {"[:cntrl:]", "a"},  {"[:graph:]", "日"}, {"[:print:]", " "},
	    {"[:ascii:]", "b"}, {"[:word:]", "_"},   {"[:nope:]", "n"},   {"[:alpha", ":"},
	    {"[:alpha:", ":"},  {"[=a=]", "a"},      {"[=é=]", "é"},      {"[=日=]", "日"},
	    {"[.-.]", "-"},     {"[.a.]", "a"},      {"[.é.]", "é"},      {"[.].]", "]"},
	    {"[.space.]", " "}, {"[.hyphen.]", "-"}, {"[.ab.]", "a"},     {"[.a", "a"},
	    {"[=a", "a"},       {"[==]", "="},       {"[..]", "."},       {"[::]", ":"},
	};
	/* The named and the broken ones, which only few would write, come seldom. */
	unsigned int index = random_below(chance(80) ? 14 : sizeof(classes) / sizeof(classes[0]));

	/* Where bytes are compared these would be several characters, and no class. */
	if (invalid_bytes && (classes[index].class[2] & 0x80))
		index = 0;
	bytes_add(&pair->pattern, classes[index].class);
	if (sample)
		bytes_add(&pair->name, classes[index].member);
}

static void add_range(struct pair *pair, bool sample)
{
	static const struct {
		const char *range;
		const char *member;
	} ranges[] = {
	    {"a-c", "b"},   {"A-Z", "B"},     {"0-9", "1"},     {"a-é", "ß"},         {"À-ÿ", "é"},
	    {"ß-日", "é"},  {"一-龥", "日"},  {"--.", "-"},     {"+--", "-"},         {"a-a", "a"},
	    {"c-a", "b"},   {"日-é", "ß"},    {"a-[.c.]", "b"}, {"[.a.]-c", "b"},     {"!-~", "_"},
	    {"a-\\c", "b"}, {"\\--\\.", "."}, {"a-c-e", "-"},   {"[.a.]-[.é.]", "b"}, {" --", "-"},
	};
	unsigned int index = random_below(chance(80) ? 10 : sizeof(ranges) / sizeof(ranges[0]));

	bytes_add(&pair->pattern, ranges[index].range);
	if (sample)
		bytes_add(&pair->name, ranges[index].member);
}

static void add_bracket(struct pair *pair)
{
	unsigned int items = 1 + random_below(3);
	bool negated = chance(25);
	unsigned int sampled = negated ? items : random_below(items);

	bytes_add(&pair->pattern, "[");
	if (negated) {
		bytes_add(&pair->pattern, chance(50) ? "!" : "^");
		bytes_add(&pair->name, random_letter());
	}
	if (chance(10))
		bytes_add(&pair->pattern, "]");
	for (unsigned int i = 0; i < items; i++) {
		bool sample = i == sampled;
		unsigned int kind = random_below(100);

		if (kind < 30) {
			add_class(pair, sample);
		} else if (kind < 60) {
			add_range(pair, sample);
		} else {
			const char *letter = kind < 90 ? random_letter() : random_special();

			if (kind % 10 == 0)
				bytes_add(&pair->pattern, "\\");
			bytes_add(&pair->pattern, letter);
			if (sample)
				bytes_add(&pair->name, letter);
		}
	}
	if (chance(5))
		bytes_add(&pair->pattern, "-");
	if (!chance(5))
		bytes_add(&pair->pattern, "]");
}

static void add_element(struct pair *pair, unsigned int depth);

static void add_group(struct pair *pair, unsigned int depth)
{
	static const char *const kinds[] = {"@(", "?(", "!(", "+(", "*("};
	/* +( and *( are what takes bash the time, above all within one another. */
	const char *kind = kinds[random_below(chance(50) && depth == 0 ? 5 : 3)];
	unsigned int alternatives = 1 + random_below(3);
	unsigned int chosen = random_below(alternatives);
	struct text start = pair->name;
	struct text end = start;

	pair->groups++;
	bytes_add(&pair->pattern, kind);
	for (unsigned int i = 0; i < alternatives; i++) {
		unsigned int elements = chance(10) ? 0 : 1 + random_below(2);

		if (i > 0)
			bytes_add(&pair->pattern, "|");
		pair->name = start;
		while (elements-- > 0)
			add_element(pair, depth + 1);
		if (i == chosen)
			end = pair->name;
	}
	if (!chance(3))
		bytes_add(&pair->pattern, ")");
	pair->name = end;
	if ((*kind == '?' || *kind == '*') && chance(30))
		pair->name = start;
	else if ((*kind == '+' || *kind == '*') && chance(30))
		bytes_add(&pair->name, end.bytes + start.length);
	else if (*kind == '!' && chance(60))
		bytes_add(&pair->name, random_letter());
}

static void add_element(struct pair *pair, unsigned int depth)
{
	unsigned int kind = random_below(100);

	if (kind < 40)
		add_literal(pair);
	else if (kind < 60)
		add_wildcard(pair);
	else if (kind < 75)
		add_bracket(pair);
	else if (kind < 80)
		add_escaped(pair);
	else if (kind < 84)
		add_stray(pair);
	else if (depth < DEPTH_MAX && pair->groups < 3)
		add_group(pair, depth);
	else
		add_literal(pair);
}

/* Takes a character (or, with invalid bytes about, a byte) away, or puts one in. */
static void name_change(struct text *name)
{
	struct text changed = {0};
	size_t at = random_below((unsigned int)name->length + 1);
	size_t rest;
	char head[TEXT_SIZE];

	while (!invalid_bytes && at > 0 && (name->bytes[at] & 0xc0) == 0x80)
		at--;
	rest = at;
	memcpy(head, name->bytes, at);
	head[at] = '\0';
	bytes_add(&changed, head);
	if (chance(60))
		bytes_add(&changed, chance(80) ? random_letter() : random_special());
	if (chance(60) && rest < name->length) {
		rest++;
		while (!invalid_bytes && (name->bytes[rest] & 0xc0) == 0x80)
			rest++;
	}
	bytes_add(&changed, name->bytes + rest);
	*name = changed;
}

static void generate(unsigned long count)
{
	while (count-- > 0) {
		struct pair pair = {0};
		unsigned int elements = 1 + random_below(5);

		while (elements-- > 0)
			add_element(&pair, 0);
		if (chance(1))
			bytes_add(&pair.pattern, "\\");
		while (chance(60))
			name_change(&pair.name);
		printf("%s\t%s\n", pair.pattern.bytes, pair.name.bytes);
	}
}

static int glob_matches(const char *pattern, const char *text)
{
	static struct glob_name name;
	struct error error;

	if (glob_name_set(&name, text) < 0 || glob_check(pattern, strlen(pattern), &error) < 0)
		return -1;
	return glob_match(pattern, strlen(pattern), &name);
}

static int fnmatch_matches(const char *pattern, const char *text)
{
	int result = fnmatch(pattern, text, FNM_EXTMATCH);

	return result == 0 ? 1 : result == FNM_NOMATCH ? 0 : -1;
}

/* Prints 1 or 0 for each line, and "-" for a pair that the matcher does not take. */
static int match_lines(int (*matches)(const char *pattern, const char *text))
{
	char *line = NULL;
	size_t size = 0;
	ssize_t length;

	while ((length = getline(&line, &size, stdin)) > 0) {
		char *tab = strchr(line, '\t');

		if (tab == NULL || line[length - 1] != '\n') {
			fprintf(stderr, "glob_pairs: no PATTERN<TAB>NAME: %s\n", line);
			free(line);
			return 1;
		}
		*tab = '\0';
		line[length - 1] = '\0';
		int result = matches(line, tab + 1);

		puts(result < 0 ? "-" : result > 0 ? "1" : "0");
	}
	free(line);
	return 0;
}

int main(int argc, char *argv[])
{
	const char *verb = argc > 1 ? argv[1] : "";

	if (argc == 4 && strncmp(verb, "generate", strlen("generate")) == 0) {
		invalid_bytes = strcmp(verb, "generate-bytes") == 0;
		random_state = strtoull(argv[2], NULL, 10) * 2 + 1;
		for (int i = 0; i < 16; i++)
			random_below(2);
		generate(strtoul(argv[3], NULL, 10));
		return 0;
	}
	if (argc == 2 && strcmp(verb, "match") == 0)
		return match_lines(glob_matches);
	if (argc == 2 && strcmp(verb, "fnmatch") == 0 && setlocale(LC_ALL, "C.UTF-8") != NULL)
		return match_lines(fnmatch_matches);
	fputs("usage: glob_pairs generate|generate-bytes SEED COUNT, match, fnmatch\n", stderr);
	return 2;
}
