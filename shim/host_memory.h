/* The memory of one node: how much there is, and what of it is in use. */
#ifndef SHIM_HOST_MEMORY_H
#define SHIM_HOST_MEMORY_H

#include "huge_pages.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The huge pages of one size, of those that the node has. */
struct host_huge_pages {
	uint64_t size; /* bytes of one */
	unsigned int total;
	unsigned int free;
};

struct host_memory {
	bool known;     /* what of it is free */
	uint64_t total; /* bytes, as all of these */
	uint64_t free;
	uint64_t cache; /* of files, which the kernel gives up for what needs memory */
	struct host_huge_pages huge_pages[HUGE_SIZES_MAX]; /* in order of size */
	size_t huge_page_sizes;
};

/*
 * Reads them of a node; `sys` is /sys. What the kernel does not tell is not known, or not there:
 * nothing of it is worth an error.
 */
void host_memory_read(const char *sys, unsigned int node, struct host_memory *memory);

/* What is neither free nor of files. */
uint64_t host_memory_used(const struct host_memory *memory);

#endif
