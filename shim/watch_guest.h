/* A guest whose interrupts are watched over, and how it is written down. */
#ifndef SHIM_WATCH_GUEST_H
#define SHIM_WATCH_GUEST_H

#include "interrupt_plan.h"
#include "process.h"

#include <jansson.h>
#include <sys/types.h>

enum { WATCH_NAME_SIZE = 256 };

struct watch_guest {
	char name[WATCH_NAME_SIZE];     /* for messages: safe to print, cut where it is long */
	char rule[2 * WATCH_NAME_SIZE]; /* the same: "FILE:LINE" */
	char owner[WATCH_NAME_SIZE];    /* who has it; of one there is but one: watch_find() */
	pid_t pid;
	char started[PROCESS_STARTED_SIZE]; /* no other's pid: process_started() */
	int pidfd;                          /* -1: not held */
	int connection; /* to who has brought it and may take it back; -1: none */
	bool told;      /* something of it was logged after its start */
	struct interrupt_plan *plan;
	char *paths[INTERRUPT_CLAIMS_MAX]; /* of the devices of its claims, as of the last look */
	bool found[INTERRUPT_CLAIMS_MAX];  /* whether a claim has any interrupt, be it another's */
};

/* Frees the guest, and closes what it holds. */
void watch_guest_free(struct watch_guest *guest);

/* Returns a set as id_set_read() takes it, in JSON, or NULL: out of memory. */
json_t *watch_set_write(const struct id_set *set);

/* Returns it in JSON, or NULL: out of memory. */
json_t *watch_guest_write(const struct watch_guest *guest);

/* Returns the guest that was written so, allocated, or NULL where it was not. */
struct watch_guest *watch_guest_read(json_t *json);

#endif
