/*
 * The real emulator behind the shim. The shim stands at TARGET; the real one is
 * TARGET.real beside it, for QEMU finds its modules and firmware from its own
 * directory. It is executed through a link that has TARGET's own name,
 *     DIR/qemu-kvm-shim.alias/NAME -> ../NAME.real
 * so that its comm is NAME, as before; /proc/PID/exe is the real file all the same.
 */
#ifndef SHIM_EMULATOR_H
#define SHIM_EMULATOR_H

#include "error.h"

#include <limits.h>
#include <stddef.h>

#define EMULATOR_REAL_SUFFIX ".real"
#define EMULATOR_ALIAS_DIRECTORY "qemu-kvm-shim.alias"

struct emulator {
	char real[PATH_MAX]; /* what is executed */
	char path[PATH_MAX]; /* how: the alias, or `real` itself where there is no alias */
};

/*
 * Finds the real emulator of this very program, from /proc/self/exe, or the one
 * that QEMU_KVM_SHIM_REAL names (not asked under AT_SECURE). Returns 0; or with
 * `error` filled -ENOENT (missing), or another -errno: not executable, or a shim
 * itself, which would go round in circles (-ELOOP).
 */
int emulator_find(struct emulator *emulator, struct error *error);

/* The exit status, as a shell has it, for what emulator_find() or execve(2) return. */
int emulator_exit_status(int code);

/* "DIR/qemu-kvm-shim.alias/NAME" of "DIR/NAME". Returns 0 or -ENAMETOOLONG. */
int emulator_alias_path(const char *target, char *alias, size_t size);

#endif
