/*
 * The host's interrupts, and the one place where an affinity of one is written.
 *
 * The kernel lists them in /sys/kernel/irq (since Linux 4.9). A device that gives its vectors
 * back and takes some anew, as one does that is assigned to a guest when the guest is reset,
 * may get the same numbers, but each is another directory then, with another inode.
 */
#ifndef SHIM_INTERRUPTS_H
#define SHIM_INTERRUPTS_H

#include "id_set.h"
#include "roots.h"

#include <dirent.h>
#include <stddef.h>
#include <sys/types.h>

enum { INTERRUPT_ACTIONS_SIZE = 4096 };

/* Where they are looked at, open. */
struct interrupts {
	DIR *list;    /* /sys/kernel/irq */
	int affinity; /* /proc/irq */
};

struct interrupt {
	unsigned int number;
	ino_t id; /* of this one, not of another that is given its number later */
};

struct interrupt_list {
	struct interrupt *at; /* allocated; by number */
	size_t count;
	size_t room;
};

/* Returns 0; or -errno: -ENOENT where the kernel lists none. interrupts_close() is due. */
int interrupts_open(struct interrupts *interrupts, const struct roots *roots);
void interrupts_close(struct interrupts *interrupts);

/* Lists all that there are now. Returns 0 or -errno. To be freed: list->at. */
int interrupts_list(const struct interrupts *interrupts, struct interrupt_list *list);

/* Whether it has an affinity: not before somebody has asked the kernel for it. */
bool interrupt_is_there(const struct interrupts *interrupts, unsigned int number);

/* The CPUs that it may be delivered to. Returns 0; or -errno: -ENOENT where it is gone. */
int interrupt_affinity(const struct interrupts *interrupts, unsigned int number,
		       struct id_set *cpus);

/* The same of the CPUs that it is delivered to; where the kernel does not say, of its affinity. */
int interrupt_delivery(const struct interrupts *interrupts, unsigned int number,
		       struct id_set *cpus);

/*
 * Sets the CPUs, of which one must be online. Returns 0; or -errno: -ENOENT where it is gone, be
 * its number another's or not,
 * -EIO where the kernel lets nobody set it (a managed one, or one of its own; irq_affinity_proc
 * in kernel/irq/proc.c), -ENOSPC where these CPUs can take no more.
 */
int interrupt_set_affinity(const struct interrupts *interrupts, const struct interrupt *interrupt,
			   const struct id_set *cpus);

/*
 * Reads the names of those who have asked for it, "eth0-rx-0" or "vfio-msix[0](0000:06:00.0)",
 * with commas between. Empty: nobody. Returns 0 or -errno.
 */
int interrupt_actions(const struct interrupts *interrupts, unsigned int number,
		      char text[INTERRUPT_ACTIONS_SIZE]);

#endif
