#include "json_text.h"
#include "utf8.h"

#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What reads a value returns where it ends, or NULL; then `failed` says why. */
struct reading {
	const char *end; /* of the whole text */
	unsigned int depth;
	int failed; /* -EINVAL or -EMSGSIZE */
};

static const char *value_read(struct reading *reading, const char *p);

static const char *blanks_skip(const char *p)
{
	return p + strspn(p, " \t\r\n");
}

static const char *fail(struct reading *reading, int code)
{
	reading->failed = code;
	return NULL;
}

static int hex_read(const char *p, uint32_t *value)
{
	*value = 0;
	for (int i = 0; i < 4; i++) {
		char digit = p[i];

		*value <<= 4;
		if (digit >= '0' && digit <= '9')
			*value |= (uint32_t)(digit - '0');
		else if (digit >= 'a' && digit <= 'f')
			*value |= (uint32_t)(digit - 'a' + 10);
		else if (digit >= 'A' && digit <= 'F')
			*value |= (uint32_t)(digit - 'A' + 10);
		else
			return -EINVAL;
	}
	return 0;
}

/* Reads "\uXXXX", or two of them that are one character. Returns their length, or 0. */
static size_t unicode_read(const char *p, uint32_t *character)
{
	uint32_t low;

	if (hex_read(p + 2, character) < 0 || *character == 0)
		return 0;
	if (*character < 0xd800 || *character > 0xdfff)
		return 6;
	if (*character > 0xdbff || p[6] != '\\' || p[7] != 'u' || hex_read(p + 8, &low) < 0 ||
	    low < 0xdc00 || low > 0xdfff)
		return 0;
	*character = 0x10000 + ((*character - 0xd800) << 10) + (low - 0xdc00);
	return 12;
}

/* Reads one character of a string, which may be written by an escape. Returns its length, or 0. */
static size_t character_read(const char *p, const char *end, uint32_t *character)
{
	static const char escapes[] = "\"\\/bfnrt";
	static const char meant[] = "\"\\/\b\f\n\r\t";
	const char *escape;

	if (*p != '\\')
		return (unsigned char)*p < 0x20 ? 0 : utf8_decode(p, end, character);
	if (p[1] == 'u')
		return unicode_read(p, character);
	escape = p[1] == '\0' ? NULL : strchr(escapes, p[1]);
	if (escape == NULL)
		return 0;
	*character = (unsigned char)meant[escape - escapes];
	return 2;
}

static const char *string_read(struct reading *reading, const char *p)
{
	for (p++; *p != '"';) {
		uint32_t character;
		size_t length = character_read(p, reading->end, &character);

		if (length == 0)
			return fail(reading, -EINVAL);
		p += length;
	}
	return p + 1;
}

static const char *digits_skip(const char *p)
{
	return p + strspn(p, "0123456789");
}

static const char *number_end(const char *p, bool *integer)
{
	const char *digits = p + (*p == '-');
	const char *end = *digits == '0' ? digits + 1 : digits_skip(digits);

	*integer = true;
	if (end == digits)
		return NULL;
	if (*end == '.') {
		*integer = false;
		digits = end + 1;
		end = digits_skip(digits);
		if (end == digits)
			return NULL;
	}
	if (*end == 'e' || *end == 'E') {
		*integer = false;
		digits = end + 1;
		digits += *digits == '+' || *digits == '-';
		end = digits_skip(digits);
		if (end == digits)
			return NULL;
	}
	return end;
}

/* Reads an integer of 64 bits. */
static bool integer_read(const char *p, const char *end, long long *value)
{
	bool negative = *p == '-';
	unsigned long long most = (unsigned long long)LLONG_MAX + negative;
	unsigned long long sum = 0;

	for (p += negative; p < end; p++) {
		unsigned int digit = (unsigned int)(*p - '0');

		if (sum > (most - digit) / 10)
			return false;
		sum = sum * 10 + digit;
	}
	*value = negative ? (long long)(0 - sum) : (long long)sum;
	return true;
}

static const char *number_read_over(struct reading *reading, const char *p)
{
	long long value;
	bool integer;
	const char *end = number_end(p, &integer);

	if (end == NULL || (integer && !integer_read(p, end, &value)))
		return fail(reading, -EINVAL);
	return end;
}

/* Reads a key, which is no other one of the same object's. */
static const char *key_read(struct reading *reading, const char *p, struct json_text *keys,
			    size_t count)
{
	struct json_text key = {p, NULL};

	if (*p != '"')
		return fail(reading, -EINVAL);
	key.end = string_read(reading, p);
	if (key.end == NULL)
		return NULL;
	if (count == JSON_TEXT_MEMBERS || memchr(p, '\\', (size_t)(key.end - p)) != NULL)
		return fail(reading, -EMSGSIZE);
	for (size_t i = 0; i < count; i++) {
		if (keys[i].end - keys[i].text == key.end - p &&
		    memcmp(keys[i].text, p, (size_t)(key.end - p)) == 0)
			return fail(reading, -EINVAL);
	}
	keys[count] = key;
	return key.end;
}

static const char *object_read(struct reading *reading, const char *p)
{
	struct json_text keys[JSON_TEXT_MEMBERS];
	size_t count = 0;

	p = blanks_skip(p + 1);
	if (*p == '}')
		return p + 1;
	for (;;) {
		p = key_read(reading, p, keys, count++);
		if (p == NULL)
			return NULL;
		p = blanks_skip(p);
		if (*p != ':')
			return fail(reading, -EINVAL);
		p = value_read(reading, blanks_skip(p + 1));
		if (p == NULL)
			return NULL;
		p = blanks_skip(p);
		if (*p == '}')
			return p + 1;
		if (*p != ',')
			return fail(reading, -EINVAL);
		p = blanks_skip(p + 1);
	}
}

static const char *array_read(struct reading *reading, const char *p)
{
	p = blanks_skip(p + 1);
	if (*p == ']')
		return p + 1;
	for (;;) {
		p = value_read(reading, p);
		if (p == NULL)
			return NULL;
		p = blanks_skip(p);
		if (*p == ']')
			return p + 1;
		if (*p != ',')
			return fail(reading, -EINVAL);
		p = blanks_skip(p + 1);
	}
}

static const char *word_read(struct reading *reading, const char *p)
{
	static const char *const words[] = {"true", "false", "null"};
	size_t length = strspn(p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (length == strlen(words[i]) && memcmp(p, words[i], length) == 0)
			return p + length;
	}
	return fail(reading, -EINVAL);
}

static const char *value_read(struct reading *reading, const char *p)
{
	if (*p == '"')
		return string_read(reading, p);
	if (*p == '-' || (*p >= '0' && *p <= '9'))
		return number_read_over(reading, p);
	if (*p != '{' && *p != '[')
		return word_read(reading, p);
	if (reading->depth == JSON_TEXT_DEPTH)
		return fail(reading, -EMSGSIZE);
	reading->depth++;
	p = *p == '{' ? object_read(reading, p) : array_read(reading, p);
	reading->depth--;
	return p;
}

int json_text_check(const char *text, struct json_text *object)
{
	struct reading reading = {.end = text + strlen(text)};

	object->text = blanks_skip(text);
	if (*object->text == '{')
		object->end = value_read(&reading, object->text);
	else
		object->end = fail(&reading, -EINVAL);
	if (object->end != NULL && *blanks_skip(object->end) != '\0')
		object->end = fail(&reading, -EINVAL);
	if (reading.failed == -EINVAL && strchr(text, '\'') != NULL)
		return -EILSEQ;
	return reading.failed;
}

/* The end of a value that has been read before, so there is one. */
static const char *value_end(const char *p, const char *end)
{
	struct reading reading = {.end = end};
	const char *found = value_read(&reading, p);

	return found != NULL ? found : end;
}

/* Takes what is at `p` in an object or array, behind its key; false: that is its end. */
static bool inside_take(struct json_text outer, const char *p, const char **key,
			struct json_text *value)
{
	if (p == outer.end - 1)
		return false;
	*key = p;
	if (*outer.text == '{')
		p = blanks_skip(blanks_skip(value_end(p, outer.end)) + 1);
	*value = (struct json_text){p, value_end(p, outer.end)};
	return true;
}

static bool inside_first(struct json_text outer, const char **key, struct json_text *value)
{
	return inside_take(outer, blanks_skip(outer.text + 1), key, value);
}

static bool inside_next(struct json_text outer, const char **key, struct json_text *value)
{
	const char *p = blanks_skip(value->end);

	return inside_take(outer, *p == ',' ? blanks_skip(p + 1) : p, key, value);
}

bool json_text_member(struct json_text object, const char *key, struct json_text *value)
{
	size_t length = strlen(key);
	const char *here;
	bool more = *object.text == '{' && inside_first(object, &here, value);

	while (more && (strncmp(here + 1, key, length) != 0 || here[1 + length] != '"'))
		more = inside_next(object, &here, value);
	return more;
}

bool json_text_first(struct json_text array, struct json_text *value)
{
	const char *here;

	return *array.text == '[' && inside_first(array, &here, value);
}

bool json_text_next(struct json_text array, struct json_text *value)
{
	const char *here;

	return inside_next(array, &here, value);
}

/* Writes a character as UTF-8; returns where that ends. */
static char *utf8_write(char *to, uint32_t character)
{
	if (character < 0x80) {
		*to++ = (char)character;
		return to;
	}
	if (character < 0x800) {
		*to++ = (char)(0xc0 | character >> 6);
	} else {
		if (character < 0x10000) {
			*to++ = (char)(0xe0 | character >> 12);
		} else {
			*to++ = (char)(0xf0 | character >> 18);
			*to++ = (char)(0x80 | (character >> 12 & 0x3f));
		}
		*to++ = (char)(0x80 | (character >> 6 & 0x3f));
	}
	*to++ = (char)(0x80 | (character & 0x3f));
	return to;
}

/* What a character means is never longer than how it is written. */
int json_text_string(struct json_text value, char **copy)
{
	char *to;

	*copy = NULL;
	if (*value.text != '"')
		return 0;
	*copy = malloc((size_t)(value.end - value.text));
	if (*copy == NULL)
		return -ENOMEM;
	to = *copy;
	for (const char *p = value.text + 1; *p != '"';) {
		uint32_t character = 0;

		p += character_read(p, value.end, &character);
		to = utf8_write(to, character);
	}
	*to = '\0';
	return 0;
}

long long json_text_integer(struct json_text value)
{
	long long number = 0;
	bool integer = false;

	if (*value.text == '-' || (*value.text >= '0' && *value.text <= '9'))
		(void)number_end(value.text, &integer);
	return integer && integer_read(value.text, value.end, &number) ? number : 0;
}

bool json_text_is(struct json_text value, const char *word)
{
	return strncmp(value.text, word, strlen(word)) == 0;
}

int json_text_set(struct json_text object, const char *key, const char *value, char **changed)
{
	struct json_text old;
	int last = (int)(object.end - 1 - object.text);
	bool empty = *blanks_skip(object.text + 1) == '}';
	int result;

	if (json_text_member(object, key, &old))
		result = asprintf(changed, "%.*s%s%.*s", (int)(old.text - object.text), object.text,
				  value, (int)(object.end - old.end), old.end);
	else
		result = asprintf(changed, "%.*s%s\"%s\":%s}", last, object.text, empty ? "" : ",",
				  key, value);
	return result < 0 ? -ENOMEM : 0;
}
