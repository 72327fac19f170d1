/*
 * glob_covers(): does one glob match all that another matches? Both are taken
 * apart into units, one for each character or wildcard, and the units of one are
 * laid over those of the other. A group of the covered glob counts as '*', which
 * is more than it matches, so the answer can only err towards "no".
 */
#include "glob.h"
#include "utf8.h"

#include <string.h>

enum unit_kind { UNIT_LITERAL, UNIT_ANY, UNIT_STRING, UNIT_BRACKET };

struct unit {
	enum unit_kind kind;
	const char *text; /* a literal's character, or a bracket expression with its brackets */
	size_t length;
};

struct units {
	struct unit unit[GLOB_LENGTH_MAX];
	size_t count;
	bool groups; /* held a group, now counted as '*' */
};

/* The length of the bracket expression or group that begins at `p`; 0 if it is not one. */
static size_t bracket_length(const char *p, const char *end)
{
	const char *here = p + 1;

	if (here < end && (*here == '!' || *here == '^'))
		here++;
	for (const char *first = here; here < end; here++) {
		if (*here == ']' && here != first)
			return (size_t)(here + 1 - p);
		if (*here == '\\')
			here++;
		else if (*here == '[' && here + 1 < end && strchr(":.=", here[1]) != NULL)
			return 0; /* classes: rare, and not worth telling apart here */
	}
	return 0;
}

static void unit_add(struct units *units, enum unit_kind kind, const char *text, size_t length)
{
	units->unit[units->count++] = (struct unit){kind, text, length};
}

/* What is not UTF-8 is matched by bytes, and its units would be others. */
static bool is_utf8(const char *text, const char *end)
{
	while (text < end) {
		uint32_t character;
		size_t length = utf8_decode(text, end, &character);

		if (length == 0)
			return false;
		text += length;
	}
	return true;
}

/* Returns false for a glob too hard to take apart. */
static bool units_read(struct units *units, const char *glob)
{
	const char *end = glob + strlen(glob);
	const char *p = glob;

	units->count = 0;
	units->groups = false;
	if (end - glob > GLOB_LENGTH_MAX || !is_utf8(glob, end))
		return false;
	while (p < end) {
		uint32_t character;
		size_t length;

		if (glob_is_group(p, end)) {
			/* What follows the group is lost with it: its end takes more to find. */
			unit_add(units, UNIT_STRING, p, 1);
			units->groups = true;
			return true;
		}
		if (*p == '*' || *p == '?') {
			unit_add(units, *p == '*' ? UNIT_STRING : UNIT_ANY, p, 1);
			p++;
			continue;
		}
		if (*p == '[') {
			length = bracket_length(p, end);
			if (length == 0)
				return false;
			unit_add(units, UNIT_BRACKET, p, length);
			p += length;
			continue;
		}
		if (*p == '\\' && p + 1 < end)
			p++;
		length = utf8_decode(p, end, &character);
		unit_add(units, UNIT_LITERAL, p, length);
		p += length;
	}
	return true;
}

/* Whether one character's unit covers another. Neither is a UNIT_STRING. */
static bool unit_covers(const struct unit *unit, const struct unit *other)
{
	char text[8];
	struct glob_name name;

	/* In a name that is not UTF-8 a letter of several bytes counts as so many. */
	bool one = other->kind != UNIT_LITERAL || other->length == 1;

	if (unit->kind == UNIT_ANY)
		return one;
	if (unit->kind == other->kind)
		return unit->length == other->length &&
		       memcmp(unit->text, other->text, unit->length) == 0;
	if (unit->kind != UNIT_BRACKET || other->kind != UNIT_LITERAL || !one)
		return false;
	memcpy(text, other->text, other->length);
	text[other->length] = '\0';
	return glob_name_set(&name, text) == 0 && glob_match(unit->text, unit->length, &name) > 0;
}

/* The usual match of '*' with one place to come back to, the name being a row of units. */
static bool units_cover(const struct units *units, const struct units *other)
{
	size_t here = 0;
	size_t there = 0;
	size_t star = SIZE_MAX;
	size_t star_there = 0;

	while (there < other->count) {
		if (here < units->count && units->unit[here].kind == UNIT_STRING) {
			star = here++;
			star_there = there;
		} else if (here < units->count && other->unit[there].kind != UNIT_STRING &&
			   unit_covers(&units->unit[here], &other->unit[there])) {
			here++;
			there++;
		} else if (star != SIZE_MAX) {
			here = star + 1;
			there = ++star_there;
		} else {
			return false;
		}
	}
	while (here < units->count && units->unit[here].kind == UNIT_STRING)
		here++;
	return here == units->count;
}

bool glob_covers(const char *glob, const char *other)
{
	struct units units;
	struct units other_units;
	bool plain;

	if (strcmp(glob, other) == 0)
		return true;
	if (!units_read(&other_units, other))
		return false;
	plain = !other_units.groups;
	for (size_t i = 0; i < other_units.count; i++)
		plain = plain && other_units.unit[i].kind == UNIT_LITERAL;
	if (plain) {
		char text[GLOB_NAME_MAX + 1];
		struct glob_name name;
		size_t length = 0;

		for (size_t i = 0; i < other_units.count; i++) {
			memcpy(text + length, other_units.unit[i].text, other_units.unit[i].length);
			length += other_units.unit[i].length;
		}
		text[length] = '\0';
		return glob_name_set(&name, text) == 0 && glob_match(glob, strlen(glob), &name) > 0;
	}
	return units_read(&units, glob) && !units.groups && units_cover(&units, &other_units);
}
