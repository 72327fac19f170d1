#include "size.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static const char letters[] = "BKMGTPE"; /* each 1024 times the one before */

/* The digit's value, or -1. */
static int digit_of(char character)
{
	if (character >= '0' && character <= '9')
		return character - '0';
	if (character >= 'a' && character <= 'f')
		return character - 'a' + 10;
	if (character >= 'A' && character <= 'F')
		return character - 'A' + 10;
	return -1;
}

/* Reads the digits of a base from *at on, which moves behind them. Returns 0 or -errno. */
static int whole_read(const char *text, size_t length, int base, size_t *at, uint64_t *value)
{
	size_t first = *at;

	*value = 0;
	for (; *at < length; ++*at) {
		int digit = digit_of(text[*at]);

		if (digit < 0 || digit >= base)
			break;
		if (*value > (uint64_t)INT64_MAX / 16 - 1)
			return -ERANGE;
		*value = *value * (unsigned int)base + (unsigned int)digit;
	}
	return *at == first ? -EINVAL : 0;
}

/* The bytes that one of a letter is; 0 where it is no such letter. */
static uint64_t unit_of(char letter)
{
	const char *place;

	if (letter >= 'a' && letter <= 'z')
		letter = (char)(letter - 'a' + 'A');
	place = letter == '\0' ? NULL : strchr(letters, letter);
	return place == NULL ? 0 : (uint64_t)1 << 10 * (place - letters);
}

/* Reads the digits behind the point from *at on, which moves behind them. */
static void fraction_read(const char *text, size_t length, size_t *at, uint64_t *numerator,
			  uint64_t *denominator)
{
	*numerator = 0;
	*denominator = 1;
	for (; *at < length && text[*at] >= '0' && text[*at] <= '9'; ++*at) {
		if (*denominator >= UINT64_C(1000000000000000000))
			continue; /* a byte or so of the greatest units, nothing of others */
		*numerator = *numerator * 10 + (unsigned int)digit_of(text[*at]);
		*denominator *= 10;
	}
}

int size_read(const char *text, size_t length, uint64_t unit, uint64_t *bytes)
{
	bool hexadecimal = length > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	size_t at = hexadecimal ? 2 : 0;
	uint64_t whole;
	uint64_t numerator = 0;
	uint64_t denominator = 1;
	int result = whole_read(text, length, hexadecimal ? 16 : 10, &at, &whole);

	if (result < 0)
		return result;
	if (!hexadecimal && at < length && text[at] == '.') {
		at++;
		fraction_read(text, length, &at, &numerator, &denominator);
	}
	if (at < length) {
		unit = unit_of(text[at++]);
		if (unit == 0 || at < length || hexadecimal)
			return -EINVAL;
	}
	if (whole >= (uint64_t)INT64_MAX / unit)
		return -ERANGE;
	*bytes = whole * unit + (uint64_t)((unsigned __int128)numerator * unit / denominator);
	return 0;
}

const char *size_format(uint64_t bytes, char text[SIZE_TEXT_SIZE])
{
	int letter = 0;

	while (bytes != 0 && bytes % 1024 == 0 && letters[letter + 1] != '\0') {
		bytes /= 1024;
		letter++;
	}
	snprintf(text, SIZE_TEXT_SIZE, "%" PRIu64 "%.*s", bytes, letter > 0, &letters[letter]);
	return text;
}
