/*
 * What libvirt knows of this host's guests, by its own virsh: what is not linked cannot be
 * missing. Only questions that change nothing, to qemu:///system, read-only.
 */
#ifndef SHIM_VIRSH_H
#define SHIM_VIRSH_H

#include "error.h"
#include "screen.h"

#include <stddef.h>
#include <stdint.h>

struct virsh_guest {
	char *name;
	uint64_t memory; /* bytes it may have at most (balloon.maximum); 0: not known */
};

struct virsh_guests {
	struct virsh_guest *at; /* by name, as bytes */
	size_t count;
};

/*
 * Lists all guests that libvirt knows, running or not ("virsh list --all --name"). Returns 0; or
 * with `error` filled -ENOENT (there is no virsh in PATH), -ETIME (it has not answered within
 * `seconds`), -EIO (it says no) or another -errno. The wait shows on `progress`. To be freed by
 * virsh_guests_free().
 */
int virsh_list(struct virsh_guests *guests, unsigned int seconds, struct progress *progress,
	       struct error *error);

/* The same, with their memory, in one call as well ("virsh domstats --balloon"). */
int virsh_list_memory(struct virsh_guests *guests, unsigned int seconds, struct progress *progress,
		      struct error *error);

void virsh_guests_free(struct virsh_guests *guests);

#endif
