/* Sizes in bytes, as QEMU takes them and as a person writes them: "2M", "1.5G", "64k". */
#ifndef POLICY_SIZE_H
#define POLICY_SIZE_H

#include <stddef.h>
#include <stdint.h>

enum { SIZE_TEXT_SIZE = 24 };

/*
 * Reads a size as QEMU does (util/cutils.c, do_strtosz): decimal, with a fraction or
 * without, and one of B K M G T P E, upper or lower case; or hexadecimal. `unit` is what
 * a number without a letter counts, in bytes; what is left of a byte is dropped. Returns
 * 0; or -EINVAL where it is no size, -ERANGE where it comes near 2^63 bytes or is greater.
 */
int size_read(const char *text, size_t length, uint64_t unit, uint64_t *bytes);

/* Writes a size by the greatest unit that divides it, "2M". Returns `text`. */
const char *size_format(uint64_t bytes, char text[SIZE_TEXT_SIZE]);

#endif
