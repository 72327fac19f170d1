/*
 * Where the memory of a running guest is: what it has for itself, on which nodes. Files that it
 * has mapped (its program, libraries) are not counted; memfd and hugetlbfs are.
 */
#ifndef SHIM_GUEST_PAGES_H
#define SHIM_GUEST_PAGES_H

#include "error.h"
#include "id_set.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
	GUEST_POLICY_SIZE = 128,
	GUEST_PAGES_NS = 50,        /* to count a page takes about as long, */
	GUEST_PAGES_SAMPLED = 4096, /* to look at so many a millisecond */
};

/* What of it is on one node. */
struct guest_node {
	unsigned int node;
	uint64_t pages;      /* of the usual size, in transparent huge ones or not */
	uint64_t huge_pages; /* of guest_pages.huge_page bytes each */
};

struct guest_pages {
	char policy[GUEST_POLICY_SIZE]; /* of its memory, in the kernel's words: "bind:0-1" */
	bool sampled;                   /* the numbers are estimated */
	struct guest_node *nodes;       /* that have some, in order */
	size_t count;
	uint64_t page;      /* bytes of one of the usual size */
	uint64_t huge_page; /* bytes of one of hugetlbfs; 0: it has none */
};

/* How many bytes it has in pages that are one by one to be counted: what that takes. */
uint64_t guest_pages_resident(int directory);

/*
 * Reads them of the process whose directory in /proc is open as `directory`. To count them
 * (numa_maps) takes time in proportion, in which the process cannot change its mappings; so they
 * are counted only where `budget`, in nanoseconds, may suffice, and what it has really taken is
 * taken off that. Else some are looked at that lie evenly in its address space (move_pages(2)).
 * Returns 0; or -errno: -EACCES where the caller may not see it. To be freed by
 * guest_pages_free() in every case.
 */
int guest_pages_read(struct guest_pages *pages, int directory, pid_t pid, long long *budget);

/* The bytes on `nodes`; NULL: on all of them. */
uint64_t guest_pages_on(const struct guest_pages *pages, const struct id_set *nodes);

void guest_pages_free(struct guest_pages *pages);

#endif
