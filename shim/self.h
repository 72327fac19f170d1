/*
 * Which program this is. The shim at TARGET is linked with no library, and becomes another one,
 * qemu-kvm-shim-full, where a rule needs one (library.h): that does all that the shim does, in
 * its place, and so has to know where TARGET is.
 */
#ifndef SHIM_SELF_H
#define SHIM_SELF_H

#include "error.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * Tells the full program of the shim, in front of the caller's environment:
 *     QEMU_KVM_SHIM_STANDS_FOR=0/usr/bin/qemu-system-x86_64
 * 1 where the shim has more rights than its caller (AT_SECURE), and 0 where not. It says no more
 * than QEMU_KVM_SHIM_REAL may say, which emulator is meant, and nobody gets more rights by it. It
 * stays as it is: an old shim may stand at TARGET beside a newer full program.
 */
#define SELF_STANDS_FOR "QEMU_KVM_SHIM_STANDS_FOR="

/*
 * Takes it out of the environment, which is the caller's own then: of the first place only, for
 * one further back is the caller's.
 */
void self_take_over(void);

/*
 * Reads where the shim is that this program is, or stands for. An installation may just have put
 * another file in its place. Returns 0; or -EACCES or -ENAMETOOLONG with `error` filled.
 */
int self_path(char *path, size_t size, struct error *error);

/* Whether the shim runs with more rights than its caller, who must not tell it anything. */
bool self_is_secure(void);

/* As getenv(3), and NULL where self_is_secure(). */
const char *self_getenv(const char *name);

#endif
