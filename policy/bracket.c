#include "bracket.h"

#include <locale.h>
#include <stddef.h>
#include <string.h>
#include <wctype.h>

static bool in_class(const char *name, uint32_t character, bool utf8)
{
	static locale_t unicode;

	if (strcmp(name, "ascii") == 0)
		return character < 0x80;
	if (strcmp(name, "word") == 0)
		return character == '_' || in_class("alnum", character, utf8);
	if (character < 0x80)
		return iswctype((wint_t)character, wctype(name)) != 0;
	if (!utf8)
		return false;
	if (unicode == (locale_t)0)
		unicode = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	if (unicode == (locale_t)0)
		return false;
	return iswctype_l((wint_t)character, wctype_l(name, unicode), unicode) != 0;
}

/* Finds the two characters `mark` and ']'. Returns NULL where they do not come. */
static const uint32_t *class_end(const uint32_t *p, const uint32_t *end, uint32_t mark)
{
	for (; p + 1 < end; p++) {
		if (p[0] == mark && p[1] == ']')
			return p;
	}
	return NULL;
}

static bool class_holds(const uint32_t *name, const uint32_t *end, uint32_t character, bool utf8)
{
	char text[16]; /* longer than the name of any class */
	size_t length = (size_t)(end - name);

	if (length >= sizeof(text))
		return false;
	for (size_t i = 0; i < length; i++)
		text[i] = (char)(name[i] < 0x80 ? name[i] : '?');
	text[length] = '\0';
	return in_class(text, character, utf8);
}

/*
 * Reads one end of a range, or a character that stands alone, and moves *p past
 * it. Returns the character, UINT32_MAX for a collating symbol of several
 * characters (no character is that), or 0 where the pattern ends.
 */
static uint32_t bracket_point(const uint32_t **p, const uint32_t *end)
{
	const uint32_t *here = *p;

	if (here + 1 < end && here[0] == '[' && here[1] == '.') {
		const uint32_t *close = class_end(here + 2, end, '.');

		if (close == NULL)
			return 0;
		*p = close + 2;
		return close - here == 3 ? here[2] : UINT32_MAX;
	}
	if (*here == '\\')
		here++;
	if (here >= end)
		return 0;
	*p = here + 1;
	return *here;
}

const uint32_t *bracket_read(const uint32_t *p, const uint32_t *end, uint32_t character, bool utf8,
			     bool *holds)
{
	bool negated = p < end && (*p == '!' || *p == '^');
	bool found = false;
	const uint32_t *first = negated ? p + 1 : p;

	for (p = first; p < end && (*p != ']' || p == first);) {
		const uint32_t *close;
		uint32_t low;
		uint32_t high;

		if (p + 1 < end && p[0] == '[' && p[1] == ':') {
			close = class_end(p + 2, end, ':');
			if (close == NULL) {
				p++; /* as bash does: this '[' is no member */
				continue;
			}
			found = found || class_holds(p + 2, close, character, utf8);
			p = close + 2;
			continue;
		}
		if (p + 4 < end && p[0] == '[' && p[1] == '=' && p[3] == '=' && p[4] == ']') {
			found = found || p[2] == character;
			p += 5;
			continue;
		}
		low = bracket_point(&p, end);
		if (low == 0)
			return NULL;
		high = low;
		if (p + 1 < end && p[0] == '-' && p[1] != ']') {
			p++;
			high = bracket_point(&p, end);
			if (high == 0)
				return NULL;
			if (high == UINT32_MAX)
				continue;
		}
		found = found || (low <= character && character <= high);
	}
	if (p >= end)
		return NULL;
	*holds = found != negated;
	return p + 1;
}
