/*
 * The watch over the interrupts of guests: which affinity each interrupt of the host should
 * have is found anew, from all guests that live, whenever an interrupt or a guest comes or goes.
 *
 * An interrupt that a guest has claimed goes to the CPUs of that claim; of two guests the
 * first one has it, and when that ends the other. Any other interrupt keeps off the CPUs of
 * the guests that are isolated. What nobody wants any more goes back to what it was before,
 * unless somebody else has changed it meanwhile; then it is his.
 *
 * All of this is in one file, written before an affinity is, from which the next watch goes on
 * should this one be killed.
 */
#ifndef SHIM_WATCH_H
#define SHIM_WATCH_H

#include "error.h"
#include "interrupts.h"
#include "irqbalance.h"
#include "roots.h"
#include "watch_guest.h"

enum {
	WATCH_GUESTS_MAX = 4096,
	WATCH_TURN_MS = 500,       /* between two looks for interrupts that have appeared */
	WATCH_TURN_YOUNG_MS = 200, /* the same while some of them have just done so */
	WATCH_YOUNG_MS = 1000,     /* as long the driver may still set an affinity itself */
	WATCH_CHECK_MS = 10000,    /* between two looks at what irqbalance has done meanwhile */
	WATCH_RESTORE_MS = 2000,   /* what irqbalance has for its answers at the end */
};

struct watch_entry; /* one interrupt */

struct watch {
	const struct roots *roots;
	struct interrupts interrupts;
	struct interrupt_list list;  /* as of the last look */
	struct watch_entry *entries; /* the same, by number */
	size_t count;
	bool young;                                   /* some of them have just appeared */
	struct watch_guest *guests[WATCH_GUESTS_MAX]; /* the first comes first */
	size_t guest_count;
	struct id_set online; /* as of the last settling */
	bool stale;           /* a guest has come or gone, or something is to be tried again */
	bool unsaved;         /* the file is behind */
	bool failed;          /* the last turn */
	long long checked;    /* when all affinities were looked at last */
	struct irqbalance irqbalance;
};

/*
 * Takes up the watch where the one before has left it. What cannot be is logged. Returns 0; or
 * -errno with `error` filled where no interrupts can be watched at all. watch_close() is due.
 */
int watch_open(struct watch *watch, const struct roots *roots, struct error *error);

/*
 * Takes a guest in, and does for its interrupts what can be done now. Returns 0, and in `note`
 * what it does not get, and why; or -errno with `error` filled and the guest not taken.
 */
int watch_add(struct watch *watch, struct watch_guest *guest, struct error *note,
	      struct error *error);

/* The guest of an owner, or NULL. */
struct watch_guest *watch_find(const struct watch *watch, const char *owner);

/* Ends the watch over a guest, and frees it. What it had goes back at the next turn. */
void watch_remove(struct watch *watch, struct watch_guest *guest);

/* Looks what has changed, and does what follows. */
void watch_turn(struct watch *watch);

/* When the next turn is due, in milliseconds; -1: when a guest comes or goes. */
int watch_patience(const struct watch *watch);

/* Puts back all that was changed; the guests stay written down for the next watch. */
void watch_restore(struct watch *watch);

void watch_close(struct watch *watch);

#endif
