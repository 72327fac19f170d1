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
#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#define EMULATOR_REAL_SUFFIX ".real"
#define EMULATOR_ALIAS_DIRECTORY "qemu-kvm-shim.alias"

/*
 * What an emulator may be too old for is looked for as it is installed. What it lacks is then
 * in DIR/qemu-kvm-shim.alias/NAME.lacks, a line each, behind one that tells which file that
 * is about. No such record: nothing.
 */
#define EMULATOR_LACKS_SUFFIX ".lacks"
#define EMULATOR_MEM_MERGE "mem-merge"                            /* since QEMU 1.3 */
#define EMULATOR_MEMFD "memory-backend-memfd"                     /* since QEMU 2.12 */
#define EMULATOR_CANONICAL "x-use-canonical-path-for-ramblock-id" /* since QEMU 4.0 */

enum { EMULATOR_IDENTITY_SIZE = 100 };

struct emulator {
	char real[PATH_MAX]; /* what is executed */
	char path[PATH_MAX]; /* how: the alias, or `real` itself where there is no alias */
};

/* Whether the emulator itself is at TARGET: the shim was uninstalled since it was started. */
bool emulator_is_back(const char *target);

/*
 * Finds the real emulator of this very program, from /proc/self/exe, or the one
 * that QEMU_KVM_SHIM_REAL names (not asked under AT_SECURE). Returns 0; or with
 * `error` filled -ENOENT (missing), or another -errno: not executable, or a shim
 * itself, which would go round in circles (-ELOOP).
 */
int emulator_find(struct emulator *emulator, struct error *error);

/* Writes the record's first line, without the newline, of a file with that status. */
void emulator_identity(const struct stat *status, char text[EMULATOR_IDENTITY_SIZE]);

/* Whether the emulator is known to lack one of the above; not, if the record is of another. */
bool emulator_lacks(const struct emulator *emulator, const char *feature);

/* The exit status, as a shell has it, for what emulator_find() or execve(2) return. */
int emulator_exit_status(int code);

/* "DIR/qemu-kvm-shim.alias/NAME" of "DIR/NAME". Returns 0 or -ENAMETOOLONG. */
int emulator_alias_path(const char *target, char *alias, size_t size);

#endif
