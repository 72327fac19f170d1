/* UTF-8 (RFC 3629), one character at a time, whatever the locale. */
#ifndef POLICY_UTF8_H
#define POLICY_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Decodes the character at `text`, which must be before `end`. Returns its
 * length in bytes (1 to 4), or 0 where the bytes are not UTF-8: overlong forms,
 * surrogates and values over U+10FFFF are refused as glibc refuses them.
 */
size_t utf8_decode(const char *text, const char *end, uint32_t *character);

/*
 * Whether a terminal does something with it rather than show it: control characters, and the
 * marks that turn the direction of what follows or begin a line (Unicode, UAX #9 and #14).
 */
bool utf8_is_control(uint32_t character);

#endif
