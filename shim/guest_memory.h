/*
 * What becomes of a guest's memory by its rule: huge pages, KSM, allocation beforehand.
 * QEMU does it, so this is a command line; a plan of it changes nothing.
 */
#ifndef SHIM_GUEST_MEMORY_H
#define SHIM_GUEST_MEMORY_H

#include "emulator.h"
#include "error.h"
#include "huge_pages.h"
#include "placement.h"
#include "rule.h"

#include <stdint.h>

struct guest_memory {
	uint64_t huge_page;        /* the pages' size in bytes; 0: normal ones */
	uint64_t pages;            /* how many the guest takes */
	struct huge_supply supply; /* of the nodes that they can come from */
	char **argv;               /* the emulator's command line; NULL: as it was given */
	char *left;   /* what stays as it is though the rule speaks of it, in words; or NULL */
	char **texts; /* what argv has of its own; ends with NULL */
};

/*
 * Plans the memory of a guest whose rule has come to `placement`. With `argv` NULL the
 * command line is not known, and only the host is looked at; `emulator` may be NULL, too.
 * Returns 0 with `memory` filled; or -errno with `error` filled where the rule cannot be
 * honoured. `warning` may be filled in the former case: of hugepages=prefer:.
 */
int guest_memory_plan(const struct rule *rule, const struct placement *placement,
		      char *const argv[], const struct emulator *emulator,
		      struct guest_memory *memory, struct error *warning, struct error *error);

/* "64 of 2M", "2M" where the command line is not known. Returns `text`. */
const char *guest_memory_pages(const struct guest_memory *memory, char *text, size_t size);

void guest_memory_free(struct guest_memory *memory);

#endif
