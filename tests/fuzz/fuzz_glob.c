/* Globs against a matcher that tries one way after the other, and what must hold of any glob. */
#include "bracket.h"
#include "fuzz.h"
#include "glob.h"
#include "utf8.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { SECONDS_MAX = 3 }; /* of a match */
enum { FUEL = 20000 };    /* steps of the slow matcher; where it takes more, it says nothing */

/* A pattern or a name, as characters. */
struct text {
	uint32_t *at;
	size_t count;
};

static size_t fuel;
static bool utf8;

static bool matches(const uint32_t *p, const uint32_t *end, const uint32_t *name,
		    const uint32_t *last);

/*
 * From inside brackets the place behind their end, as far as parentheses go; NULL: there is none.
 * The mark of "[:", "[." or "[=", 0 without one, goes on from brackets to the next ones: bash
 * keeps it for as long as it looks for an end (PATSCAN in its lib/glob/sm_loop.c).
 */
static const uint32_t *brackets_skip(const uint32_t *p, const uint32_t *end, uint32_t *class)
{
	const uint32_t *first = p + (p < end && (*p == '!' || *p == '^'));

	for (; p < end; p++) {
		if (*p == '\\') {
			p++;
		} else if (*p == '[') {
			if (p + 1 < end && (p[1] == ':' || p[1] == '.' || p[1] == '='))
				*class = p[1];
		} else if (*p == ']') {
			if (*class != 0 && p[-1] == *class)
				*class = 0;
			else if (p != first)
				return p + 1;
		}
	}
	return NULL;
}

/* The end of an alternative that begins at `p`: its '|', or the group's ')'; NULL: none. */
static const uint32_t *alternative_end(const uint32_t *p, const uint32_t *end, uint32_t *class)
{
	size_t open = 0;

	while (p < end) {
		if (*p == '\\') {
			p += 2;
		} else if (*p == '[') {
			p = brackets_skip(p + 1, end, class);
			if (p == NULL)
				return NULL;
		} else {
			if (open == 0 && (*p == '|' || *p == ')'))
				return p;
			open += *p == '(';
			open -= *p == ')';
			p++;
		}
	}
	return NULL;
}

static const uint32_t *group_end(const uint32_t *p, const uint32_t *end)
{
	uint32_t class = 0;

	while ((p = alternative_end(p, end, &class)) != NULL && *p == '|')
		p++;
	return p;
}

/* Whether one of the alternatives up to the ')' at `close` matches. */
static bool one_matches(const uint32_t *p, const uint32_t *close, const uint32_t *name,
			const uint32_t *last)
{
	for (;;) {
		uint32_t class = 0;
		const uint32_t *bar = alternative_end(p, close, &class);

		if (matches(p, bar != NULL ? bar : close, name, last))
			return true;
		if (bar == NULL)
			return false;
		p = bar + 1;
	}
}

/* Whether a row of alternatives matches, each of which takes something of the name. */
static bool row_matches(const uint32_t *p, const uint32_t *close, const uint32_t *name,
			const uint32_t *last)
{
	if (name == last)
		return true;
	for (const uint32_t *to = name + 1; to <= last && fuel > 0; to++) {
		if (one_matches(p, close, name, to) && row_matches(p, close, to, last))
			return true;
	}
	return false;
}

static bool group_matches(uint32_t kind, const uint32_t *p, const uint32_t *close,
			  const uint32_t *name, const uint32_t *last)
{
	switch (kind) {
	case '?':
		return name == last || one_matches(p, close, name, last);
	case '@':
		return one_matches(p, close, name, last);
	case '*':
		return row_matches(p, close, name, last);
	case '+':
		return name == last ? one_matches(p, close, name, last)
				    : row_matches(p, close, name, last);
	default:
		return !one_matches(p, close, name, last);
	}
}

/* Whether the rest of the pattern, from behind what can take some of the name, matches. */
static bool rest_matches(const uint32_t *p, const uint32_t *end, const uint32_t *name,
			 const uint32_t *last)
{
	const uint32_t *close =
	    p[0] == '*' && (p + 1 == end || p[1] != '(') ? NULL : group_end(p + 2, end);

	for (const uint32_t *to = name; to <= last && fuel > 0; to++) {
		if (close != NULL ? group_matches(*p, p + 2, close, name, to) &&
					matches(close + 1, end, to, last)
				  : matches(p + 1, end, to, last))
			return true;
	}
	return false;
}

static bool is_group(const uint32_t *p, const uint32_t *end)
{
	return p + 1 < end && p[1] == '(' && strchr("?*+@!", (int)(*p < 0x80 ? *p : 'x')) != NULL;
}

static bool matches(const uint32_t *p, const uint32_t *end, const uint32_t *name,
		    const uint32_t *last)
{
	const uint32_t *next;
	bool holds;

	if (fuel == 0)
		return false;
	fuel--;
	if (p == end)
		return name == last;
	if (is_group(p, end) && group_end(p + 2, end) == NULL)
		return end - p == last - name &&
		       memcmp(p, name, (size_t)(end - p) * sizeof(*p)) == 0;
	if (is_group(p, end) || *p == '*')
		return rest_matches(p, end, name, last);
	if (*p == '[' && (next = bracket_read(p + 1, end, name < last ? *name : 0, utf8, &holds)))
		return name < last && holds && matches(next, end, name + 1, last);
	if (*p == '?')
		return name < last && matches(p + 1, end, name + 1, last);
	p += *p == '\\' && p + 1 < end;
	return name < last && *name == *p && matches(p + 1, end, name + 1, last);
}

static struct text decode(const char *bytes, bool as_utf8)
{
	const char *end = bytes + strlen(bytes);
	struct text text = {calloc(strlen(bytes) + 1, sizeof(uint32_t)), 0};

	REQUIRE(text.at != NULL);
	while (bytes < end) {
		size_t used = as_utf8 ? utf8_decode(bytes, end, &text.at[text.count]) : 1;

		if (used == 0) {
			text.count = SIZE_MAX;
			return text;
		}
		if (!as_utf8)
			text.at[text.count] = (unsigned char)*bytes;
		text.count++;
		bytes += used;
	}
	return text;
}

/* What the slow matcher says: 1, 0, or -1: nothing. */
static int slow_match(const char *pattern, const char *name)
{
	struct text p = decode(pattern, true);
	struct text n = decode(name, true);
	bool matched;

	utf8 = p.count != SIZE_MAX && n.count != SIZE_MAX;
	if (!utf8) {
		free(p.at);
		free(n.at);
		p = decode(pattern, false);
		n = decode(name, false);
	}
	fuel = FUEL;
	matched = matches(p.at, p.at + p.count, n.at, n.at + n.count);
	free(p.at);
	free(n.at);
	return fuel == 0 ? -1 : matched;
}

/* However busy the machine is, and however slow the sanitizers make it. */
static int match(const char *pattern, const struct glob_name *name)
{
	clock_t start = clock();
	int result = glob_match(pattern, strlen(pattern), name);

	REQUIRE(clock() - start < SECONDS_MAX * CLOCKS_PER_SEC);
	REQUIRE(result == 0 || result == 1 || result == -E2BIG || result == -ETIME);
	REQUIRE((result == -E2BIG) <= (glob_check(pattern, strlen(pattern), NULL) < 0));
	return result;
}

/* A pattern made of another one: something before each of its bytes, or before the first. */
static char *pattern_made(const char *pattern, const char *before, bool each)
{
	char *made = malloc(2 * strlen(pattern) + strlen(before) + 1);
	char *to = made;

	REQUIRE(made != NULL);
	*made = '\0';
	if (!each) {
		strcat(strcpy(made, before), pattern);
		return made;
	}
	for (const char *p = pattern; *p != '\0'; p++) {
		*to++ = *before;
		*to++ = *p;
	}
	*to = '\0';
	return made;
}

/* "**" is "*", and a name with a backslash before each character matches itself. */
static void laws_check(const char *pattern, const struct glob_name *name)
{
	char *once = pattern_made(pattern, "*", false);
	char *twice = pattern_made(pattern, "**", false);
	char *itself = pattern_made(name->text, "\\", true);
	int first = match(once, name);
	int second = match(twice, name);

	if (*pattern != '(' && first >= 0 && second >= 0)
		REQUIRE(first == second);
	if (*pattern != '(' && first == 0)
		REQUIRE(match(pattern, name) != 1);
	/* Before each byte of a letter that has several it would be another pattern. */
	for (const char *p = name->text; *p != '\0'; p++) {
		if ((unsigned char)*p >= 0x80)
			*itself = '\0';
	}
	if (*itself != '\0' && strlen(itself) <= GLOB_LENGTH_MAX)
		REQUIRE(match(itself, name) == 1);
	free(once);
	free(twice);
	free(itself);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	char *pattern = fuzz_line(&input);
	char *other = fuzz_line(&input);
	char *text = fuzz_part(&input, NULL);
	struct glob_name name;
	int matched;
	int slow;

	if (glob_name_set(&name, text) == 0) {
		matched = match(pattern, &name);
		slow = matched >= 0 ? slow_match(pattern, text) : -1;
		if (slow >= 0)
			REQUIRE(matched == slow);
		if (matched == 0 && glob_covers(pattern, other))
			REQUIRE(match(other, &name) != 1);
		laws_check(pattern, &name);
	}
	free(pattern);
	free(other);
	free(text);
	return 0;
}
