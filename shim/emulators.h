/* Finding the emulators that run on this host, whoever has started them. */
#ifndef SHIM_EMULATORS_H
#define SHIM_EMULATORS_H

#include "process.h"
#include "roots.h"

#include <limits.h>

/* A process that is an emulator. */
struct running_emulator {
	pid_t pid;
	int directory; /* its own in /proc, open: another that is given its number has another */
	char executable[PATH_MAX];
	struct process_stat stat;
	char **argv;
	char *guest; /* the name in it; NULL: it has none */
};

/*
 * Is told of each; what it has is freed after that. Returns 0 to go on, or -errno, which ends
 * the search.
 */
typedef int emulator_found(void *context, const struct running_emulator *emulator);

/*
 * Finds them by what they execute: the real emulator behind a shim, or a file that has an
 * emulator's name (qemu-kvm, qemu-system-…, kvm); where that cannot be seen, by the process's
 * name. Those that libvirt only asks what they can do (-machine none), and shims that are about
 * to become an emulator, are left out. Returns 0; or -errno, also what `found` has returned.
 */
int emulators_find(const struct roots *roots, emulator_found *found, void *context);

#endif
