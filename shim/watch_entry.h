/* One interrupt, as the watch knows it; for the parts of the watch. */
#ifndef SHIM_WATCH_ENTRY_H
#define SHIM_WATCH_ENTRY_H

#include "watch.h"

enum { WATCH_TRIES_MAX = 10 };

struct watch_entry {
	unsigned int number;
	ino_t id;
	long long young_until; /* clock_milliseconds(); -1: to the next look; 0: it no longer is */

	const struct watch_guest *guest; /* whose it is; NULL: nobody's */
	const struct interrupt_claim *claim;
	const struct watch_guest *second;  /* the last of others that claim the same for it */
	const struct watch_guest *refused; /* a guest that does not get it, */
	const struct watch_guest *keeper;  /* for it is this one's, or kept off its CPUs */

	bool changed;         /* its affinity is not its own but `set` */
	struct id_set before; /* its own, where it is changed or is to be */
	struct id_set set;
	bool pending; /* it is to be changed to `wish` */
	struct id_set wish;

	bool absent; /* nobody has asked the kernel for it yet, so it has no affinity */
	bool fixed;  /* nobody can set it */
	bool left;   /* somebody else has set it */
	const struct watch_guest *crowded; /* the guest for which it would have no CPU left */
	int failure;                       /* the -errno of the last try; 0 */
	unsigned int tries;                /* that have failed */
};

/* Whether a guest says where it is to go. */
static inline bool watch_is_claimed(const struct watch_entry *entry)
{
	return entry->claim != NULL && !id_set_is_empty(&entry->claim->cpus);
}

/*
 * Writes what a guest does not get, and why; of interrupts that are young only, where that is
 * asked. Nothing: `note` stays as it is.
 */
void watch_note(const struct watch *watch, const struct watch_guest *guest, bool young_only,
		struct error *note);

#endif
