/* The huge pages that a guest's memory takes, of which nodes, and whether those have them. */
#ifndef SHIM_PAGE_DEMAND_H
#define SHIM_PAGE_DEMAND_H

#include "error.h"
#include "huge_pages.h"
#include "id_set.h"
#include "placement.h"
#include "qemu_memory.h"

#include <stdint.h>

/* Some of the guest's memory, and the nodes that all of it must come from. */
struct page_share {
	struct id_set nodes;
	uint64_t pages;
};

struct page_demand {
	uint64_t page;    /* bytes */
	uint64_t ram;     /* pages for the RAM of -m, by the rule; of a mount of hugetlbfs */
	uint64_t objects; /* for objects, by the rule */
	uint64_t others;  /* for what is on such pages without it, and has not got them yet */
	struct id_set nodes;
	struct page_share *shares;
	size_t count;
};

/*
 * Finds what memory goes onto pages of `page` bytes: the objects that take them, and the RAM
 * that is none unless it has a -mem-path; by the nodes of the placement, or what an object says
 * itself. Returns 0 with `demand` filled; or with `error` filled -EINVAL (memory of no whole number
 * of pages) or another -errno. To be freed by page_demand_free() in every case.
 */
int page_demand_find(struct page_demand *demand, uint64_t page, const struct qemu_memory *qemu,
		     const struct placement *placement, struct error *error);

/*
 * Whether the supply meets it; where no page is by the rule it is not asked. Returns 0, or
 * -ENOSPC with `error` filled.
 */
int page_demand_check(const struct page_demand *demand, const struct huge_supply *supply,
		      struct error *error);

void page_demand_free(struct page_demand *demand);

#endif
