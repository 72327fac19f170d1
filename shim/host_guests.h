/* How many guests there are on this host, and which services of theirs run. */
#ifndef SHIM_HOST_GUESTS_H
#define SHIM_HOST_GUESTS_H

#include "roots.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { HOST_EMULATORS_MAX = 64 };

struct host_guests {
	bool defined_unknown; /* libvirt's definitions may not be read */
	unsigned int defined; /* by libvirt, for qemu:///system */
	unsigned int running; /* QEMUs, whoever started them */
	bool virtqemud;
	bool libvirtd;
	pid_t irqbalance;                    /* 0: none runs */
	char *emulators[HOST_EMULATORS_MAX]; /* that the definitions name, each once */
	size_t emulator_count;
};

/*
 * Looks at all processes, of which those are guests that guest-pinning status shows, and at
 * libvirt's definitions in `etc`. Returns 0; or -ENOMEM, not all being seen. To be freed by
 * host_guests_free() in every case.
 */
int host_guests_read(struct host_guests *host, const struct roots *roots, const char *etc);

void host_guests_free(struct host_guests *host);

#endif
