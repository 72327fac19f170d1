/*
 * The huge pages of a host: their sizes, how many are free, where they are mounted (the
 * kernel's Documentation/admin-guide/mm/hugetlbpage.rst).
 */
#ifndef SHIM_HUGE_PAGES_H
#define SHIM_HUGE_PAGES_H

#include "error.h"
#include "id_set.h"

#include <stdint.h>

enum { HUGE_SIZES_MAX = 16 };

/*
 * Whether the host has huge pages of that size, in bytes; `sys` is /sys. Returns 0; or with `error`
 * filled -EINVAL, which names the sizes that there are.
 */
int huge_pages_check(const char *sys, uint64_t size, struct error *error);

struct node_pages {
	unsigned int node;
	unsigned int
	    free; /* those that are reserved for a mapping are among them until it has them */
};

/* The free pages of one size. */
struct huge_supply {
	struct node_pages *nodes;
	size_t count;
	unsigned int available; /* on the whole host, without those reserved */
};

/*
 * Reads how many pages of `size` bytes the nodes have. Returns 0 with `supply` filled, to be
 * freed by huge_supply_free(); or -errno with `error` filled.
 */
int huge_supply_read(struct huge_supply *supply, const char *sys, uint64_t size,
		     const struct id_set *nodes, struct error *error);

/* How many are free on those nodes together. */
uint64_t huge_supply_of(const struct huge_supply *supply, const struct id_set *nodes);

/* Writes "node 0: 10, node 1: 512", of those among `nodes`; NULL: of all. Returns `text`. */
const char *huge_supply_format(const struct huge_supply *supply, const struct id_set *nodes,
			       char *text, size_t size);

void huge_supply_free(struct huge_supply *supply);

/*
 * Finds a directory for -mem-path: a mount of hugetlbfs with pages of `size` bytes which this
 * process may write, with room for so many, in `mountinfo` (proc(5), /proc/self/mountinfo). Returns
 * 0; or with `error` filled -ENOENT (which says what to mount) or another -errno.
 */
int huge_pages_mount(const char *mountinfo, uint64_t size, uint64_t pages, char *path,
		     size_t path_size, struct error *error);

#endif
