/* Reading a QEMU command line: its options, and the guest's name in them. */
#ifndef SHIM_QEMU_ARGS_H
#define SHIM_QEMU_ARGS_H

#include <stdbool.h>
#include <stddef.h>

struct qemu_option {
	const char *name;  /* without the dashes */
	const char *value; /* its argument; NULL: it takes none */
	size_t index;      /* of the argument, in argv; without one, of the option */
};

/*
 * Finds the next option, from *index on, which is 1 to begin with: argv[0] is skipped, and so
 * is an option that lacks the argument that it takes. `argv` ends with NULL. Returns false at
 * the end.
 */
bool qemu_args_next(char *const argv[], size_t *index, struct qemu_option *option);

/*
 * Finds the guest's name as QEMU does (softmmu/vl.c, qemu_init and lookup_opt;
 * util/qemu-option.c, opts_do_parse): "-name X" or "--name X", X being an option
 * string whose first value may go without "guest=", ",," standing for a comma;
 * of several the last "guest" counts. `argv` ends with NULL; argv[0] is skipped.
 *
 * Returns 0 with *name allocated, or NULL where the command line has no name or
 * an empty one; or -ENOMEM.
 */
int qemu_args_guest(char *const argv[], char **name);

/* Whether there is an option of that name. */
bool qemu_args_have(char *const argv[], const char *name);

/*
 * Whether libvirt starts this emulator: only it names a monitor's chardev
 * "charmonitor" (qemuBuildMonitorCommandLine in its source).
 */
bool qemu_args_monitored_by_libvirt(char *const argv[]);

#endif
