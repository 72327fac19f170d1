/* The one reader of numbers: decimal, the whole word, in range; nothing else passes. */
#ifndef POLICY_NUMBER_H
#define POLICY_NUMBER_H

#include <stddef.h>

/*
 * Reads the digits at `text` (no sign, no blank, no leading zero but "0" itself)
 * up to the first other character. Returns how many there were, or 0 where there
 * is no such number or it is greater than `most`.
 */
size_t number_read(const char *text, unsigned int most, unsigned int *number);

/* The value of a hexadecimal digit as the kernel writes it, in small letters; or -1. */
static inline int number_hex_digit(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

#endif
