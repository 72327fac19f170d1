/* UTF-8 (RFC 3629), one character at a time, whatever the locale. */
#ifndef POLICY_UTF8_H
#define POLICY_UTF8_H

#include <stddef.h>
#include <stdint.h>

/*
 * Decodes the character at `text`, which must be before `end`. Returns its
 * length in bytes (1 to 4), or 0 where the bytes are not UTF-8: overlong forms,
 * surrogates and values over U+10FFFF are refused as glibc refuses them.
 */
size_t utf8_decode(const char *text, const char *end, uint32_t *character);

#endif
