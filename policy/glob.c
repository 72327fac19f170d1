#include "glob.h"
#include "bracket.h"
#include "utf8.h"

#include <errno.h>
#include <string.h>

/* The places in the name, before its first character to after its last. */
struct places {
	uint8_t at[GLOB_NAME_MAX + 1];
};

/* What is matched: characters, or bytes where pattern or name is not UTF-8. */
struct subject {
	const uint32_t *character;
	size_t count;
	bool utf8;
	unsigned int nesting; /* the groups we are in */
	size_t steps;         /* taken so far */
	int failed;           /* 0, -E2BIG or -ETIME: all else is now meaningless */
};

/* What an alternative costs besides its places, whatever is in it. */
enum { ALTERNATIVE_STEPS = 16 };

static void match_sequence(const uint32_t *pattern, const uint32_t *end, struct subject *subject,
			   struct places *places);

/* Counts steps. With an empty name there are few, and glob_check() must get to the end. */
static void steps_take(struct subject *subject, size_t steps)
{
	subject->steps += steps;
	if (subject->steps > GLOB_STEPS_MAX && subject->count > 0 && subject->failed == 0)
		subject->failed = -ETIME;
}

static size_t decode_bytes(uint32_t *character, const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		character[i] = (unsigned char)text[i];
	return length;
}

/* Returns the number of characters, or 0 where the text is not UTF-8 (or empty). */
static size_t decode_utf8(uint32_t *character, const char *text, size_t length)
{
	const char *end = text + length;
	size_t count = 0;

	while (text < end) {
		size_t used = utf8_decode(text, end, &character[count]);

		if (used == 0)
			return 0;
		text += used;
		count++;
	}
	return count;
}

int glob_name_set(struct glob_name *name, const char *text)
{
	name->text = text;
	name->length = strlen(text);
	if (name->length > GLOB_NAME_MAX)
		return -ENAMETOOLONG;
	name->count = decode_utf8(name->character, text, name->length);
	name->utf8 = name->count > 0 || name->length == 0;
	if (!name->utf8)
		name->count = decode_bytes(name->character, text, name->length);
	return 0;
}

bool glob_is_group(const char *text, const char *end)
{
	return text + 1 < end && text[1] == '(' && *text != '\0' && strchr("?*+@!", *text) != NULL;
}

static bool is_group(const uint32_t *p, const uint32_t *end)
{
	return p + 1 < end && p[1] == '(' &&
	       (*p == '?' || *p == '*' || *p == '+' || *p == '@' || *p == '!');
}

/*
 * From inside a group finds its closing ')', or with `bar` the next '|' of its
 * own level. Returns NULL where there is none before `end`. Parentheses and bars
 * that a backslash or brackets protect do not count.
 */
static const uint32_t *group_scan(const uint32_t *p, const uint32_t *end, bool bar)
{
	const uint32_t *bracket_first = NULL; /* where a ']' would still be literal */
	bool in_bracket = false;
	uint32_t class_mark = 0; /* the ':', '.' or '=' that must come before its ']' */
	unsigned int nesting = 0;

	for (; p < end; p++) {
		if (*p == '\\') {
			p++;
		} else if (in_bracket && *p == '[') {
			if (p + 1 < end && (p[1] == ':' || p[1] == '.' || p[1] == '='))
				class_mark = p[1];
		} else if (in_bracket && *p == ']') {
			if (class_mark != 0 && p[-1] == class_mark)
				class_mark = 0;
			else if (p != bracket_first)
				in_bracket = false;
		} else if (in_bracket) {
			continue;
		} else if (*p == '[') {
			in_bracket = true;
			bracket_first = p + 1;
			if (p + 1 < end && (p[1] == '!' || p[1] == '^'))
				bracket_first++;
		} else if (*p == '(') {
			nesting++;
		} else if (*p == ')') {
			if (nesting == 0)
				return bar ? NULL : p;
			nesting--;
		} else if (*p == '|' && bar && nesting == 0) {
			return p;
		}
	}
	return NULL;
}

static void places_add(struct places *places, const struct places *more, size_t count)
{
	for (size_t i = 0; i <= count; i++)
		places->at[i] |= more->at[i];
}

/* Steps over one literal character. */
static void match_character(uint32_t character, struct subject *subject, struct places *places)
{
	for (size_t i = subject->count; i > 0; i--)
		places->at[i] = places->at[i - 1] && subject->character[i - 1] == character;
	places->at[0] = 0;
}

/* Steps over '?'. */
static void match_any(struct subject *subject, struct places *places)
{
	for (size_t i = subject->count; i > 0; i--)
		places->at[i] = places->at[i - 1];
	places->at[0] = 0;
}

/* Steps over '*'. */
static void match_any_string(struct subject *subject, struct places *places)
{
	for (size_t i = 1; i <= subject->count; i++)
		places->at[i] |= places->at[i - 1];
}

/* Steps over a bracket expression, `p` after its '['; returns NULL where there is none. */
static const uint32_t *match_bracket(const uint32_t *p, const uint32_t *end,
				     struct subject *subject, struct places *places)
{
	bool holds;
	const uint32_t *next = bracket_read(p, end, 0, subject->utf8, &holds);

	steps_take(subject, (size_t)((next != NULL ? next : end) - p));
	if (next == NULL)
		return NULL;
	for (size_t i = subject->count; i > 0 && subject->failed == 0; i--) {
		places->at[i] = places->at[i - 1];
		if (places->at[i]) {
			steps_take(subject, (size_t)(next - p));
			bracket_read(p, end, subject->character[i - 1], subject->utf8, &holds);
			places->at[i] = holds;
		}
	}
	places->at[0] = 0;
	return next;
}

/* Steps over one of the alternatives between `p` and `close`. */
static void match_alternatives(const uint32_t *p, const uint32_t *close, struct subject *subject,
			       struct places *places)
{
	struct places start = *places;

	memset(places->at, 0, subject->count + 1);
	for (;;) {
		struct places way = start;
		const uint32_t *bar = group_scan(p, close, true);

		steps_take(subject, ALTERNATIVE_STEPS + subject->count +
					(size_t)((bar != NULL ? bar : close) - p));
		match_sequence(p, bar != NULL ? bar : close, subject, &way);
		places_add(places, &way, subject->count);
		if (bar == NULL || subject->failed != 0)
			return;
		p = bar + 1;
	}
}

/* Steps over any number of alternatives, one after the other; `reached` is what none reaches. */
static void match_repeated(const uint32_t *p, const uint32_t *close, struct subject *subject,
			   struct places *places, struct places *reached)
{
	bool more;

	do {
		more = false;
		match_alternatives(p, close, subject, places);
		for (size_t i = 0; i <= subject->count; i++) {
			places->at[i] = places->at[i] && !reached->at[i];
			more = more || places->at[i];
		}
		places_add(reached, places, subject->count);
	} while (more && subject->failed == 0);
	*places = *reached;
}

/* Steps over any string that none of the alternatives matches. */
static void match_negated(const uint32_t *p, const uint32_t *close, struct subject *subject,
			  struct places *places)
{
	struct places start = *places;

	memset(places->at, 0, subject->count + 1);
	for (size_t from = 0; from <= subject->count; from++) {
		struct places way = {0};

		/* The first is always tried, so that glob_check() gets into every group. */
		if ((!start.at[from] && from > 0) || subject->failed != 0)
			continue;
		way.at[from] = 1;
		match_alternatives(p, close, subject, &way);
		if (!start.at[from])
			continue;
		for (size_t to = from; to <= subject->count; to++)
			places->at[to] |= !way.at[to];
	}
}

static void match_group(uint32_t kind, const uint32_t *p, const uint32_t *close,
			struct subject *subject, struct places *places)
{
	struct places none = *places;

	if (subject->nesting == GLOB_NESTING_MAX) {
		subject->failed = -E2BIG;
		return;
	}
	subject->nesting++;
	switch (kind) {
	case '?':
		match_alternatives(p, close, subject, places);
		places_add(places, &none, subject->count);
		break;
	case '@':
		match_alternatives(p, close, subject, places);
		break;
	case '*':
		match_repeated(p, close, subject, places, &none);
		break;
	case '+':
		memset(none.at, 0, subject->count + 1);
		match_repeated(p, close, subject, places, &none);
		break;
	default:
		match_negated(p, close, subject, places);
		break;
	}
	subject->nesting--;
}

/* Follows the pattern from all of `places` at once; `places` is then where it can have ended. */
static void match_sequence(const uint32_t *pattern, const uint32_t *end, struct subject *subject,
			   struct places *places)
{
	const uint32_t *p = pattern;

	while (p < end && subject->failed == 0) {
		const uint32_t *next;

		steps_take(subject, subject->count + 1);
		if (is_group(p, end)) {
			next = group_scan(p + 2, end, false);
			if (next == NULL)
				break;
			steps_take(subject, (size_t)(next - p));
			match_group(*p, p + 2, next, subject, places);
			p = next + 1;
		} else if (*p == '*') {
			match_any_string(subject, places);
			p++;
		} else if (*p == '?') {
			match_any(subject, places);
			p++;
		} else if (*p == '[' &&
			   (next = match_bracket(p + 1, end, subject, places)) != NULL) {
			p = next;
		} else {
			if (*p == '\\' && p + 1 < end)
				p++;
			match_character(*p++, subject, places);
		}
	}
	/* Only a group that is never closed is left: to bash, all of it is plain text. */
	for (; p < end && subject->failed == 0; p++) {
		steps_take(subject, subject->count + 1);
		match_character(*p, subject, places);
	}
}

/*
 * Most rules of a long policy fail on their first letters: tells them apart
 * without decoding anything. Returns 1 match, 0 no match, -1 not to be told.
 */
static int match_prefix(const char *pattern, size_t length, const struct glob_name *name)
{
	const char *end = pattern + length;

	for (size_t i = 0; i < length; i++) {
		if (glob_is_group(pattern + i, end) || pattern[i] == '?' || pattern[i] == '[' ||
		    pattern[i] == '\\')
			return -1;
		if (pattern[i] == '*')
			return i + 1 == length ? 1 : -1;
		if (i >= name->length || pattern[i] != name->text[i])
			return 0;
	}
	return name->length == length;
}

/* Matches from the name's beginning to its end, or fails as glob_match() does. */
static int match_whole(const uint32_t *pattern, size_t count, struct subject *subject)
{
	struct places places;

	memset(places.at, 0, subject->count + 1);
	places.at[0] = 1;
	match_sequence(pattern, pattern + count, subject, &places);
	return subject->failed != 0 ? subject->failed : places.at[subject->count] != 0;
}

int glob_match(const char *pattern, size_t length, const struct glob_name *name)
{
	uint32_t decoded[GLOB_LENGTH_MAX];
	uint32_t bytes[GLOB_NAME_MAX];
	struct subject subject = {
	    .character = name->character, .count = name->count, .utf8 = name->utf8};
	size_t count = 0;
	int told;

	if (length > GLOB_LENGTH_MAX)
		return -E2BIG;
	told = match_prefix(pattern, length, name);
	if (told >= 0)
		return told;
	if (name->utf8)
		count = decode_utf8(decoded, pattern, length);
	if (count == 0) {
		count = decode_bytes(decoded, pattern, length);
		subject.character = bytes;
		subject.count = decode_bytes(bytes, name->text, name->length);
		subject.utf8 = false;
	}
	return match_whole(decoded, count, &subject);
}

int glob_check(const char *pattern, size_t length, struct error *error)
{
	uint32_t bytes[GLOB_LENGTH_MAX];
	struct subject empty = {.character = NULL};

	if (length > GLOB_LENGTH_MAX)
		return error_set(error, -EINVAL, "the glob is longer than %d bytes",
				 GLOB_LENGTH_MAX);
	/* Every group is entered, whatever the name. */
	if (match_whole(bytes, decode_bytes(bytes, pattern, length), &empty) == -E2BIG)
		return error_set(error, -EINVAL, "the glob nests its (...) more than %d deep",
				 GLOB_NESTING_MAX);
	return 0;
}
