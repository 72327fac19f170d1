/*
 * The nodes, CPUs, memory and devices of a host as hwloc describes them: of this one, or of
 * another whose topology was exported there by "lstopo --whole-io host.xml".
 */
#ifndef SHIM_TOPOLOGY_H
#define SHIM_TOPOLOGY_H

#include "error.h"
#include "id_set.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TOPOLOGY_PAGES_MAX = 16 };

struct topology_pages {
	uint64_t size; /* bytes of a page */
	uint64_t count;
};

struct topology_node {
	unsigned int id;
	struct id_set cpus; /* its own, that are online; none of another node's */
	uint64_t memory;    /* bytes */
	struct topology_pages pages[TOPOLOGY_PAGES_MAX];
	size_t page_sizes;
};

struct topology {
	const char *path;    /* the caller's; NULL: it is this host's */
	void *hwloc;         /* hwloc_topology_t */
	bool memory_known;   /* of its nodes */
	bool pages_known;    /* their sizes */
	struct id_set nodes; /* those that there are */
	struct id_set with_memory;
	struct id_set cpus;     /* that are online */
	struct id_set all_cpus; /* with those that are not, or that lstopo could not see */
	struct topology_node *at;
	size_t count;
};

/*
 * Reads a topology: the file at `path`, or with NULL this host's own. Returns 0, or -errno with
 * `error` filled, which names the file. To be freed by topology_free() in every case.
 */
int topology_read(struct topology *topology, const char *path, struct error *error);

/* The memory of the nodes together, in bytes. */
uint64_t topology_memory(const struct topology *topology, const struct id_set *nodes);

/*
 * How many pages of `size` bytes the nodes have together, whether in use or not. *known says
 * whether one of them has pages of that size at all, be they none.
 */
uint64_t topology_pages(const struct topology *topology, const struct id_set *nodes, uint64_t size,
			bool *known);

enum topology_device {
	TOPOLOGY_NET = 1,   /* network interfaces */
	TOPOLOGY_BLOCK = 2, /* block devices */
	TOPOLOGY_PCI = 4,
};

enum topology_found {
	TOPOLOGY_FOUND,
	TOPOLOGY_MISSING, /* others of its kind are there */
	TOPOLOGY_UNTOLD,  /* no device of its kind is there, or not all are */
};

/*
 * Looks for a device among `kinds`, a bit each. Found, *nodes is what it is near to, empty where
 * the topology does not tell that. Otherwise *nearest is the name most like it, or NULL.
 */
enum topology_found topology_device_find(const struct topology *topology, unsigned int kinds,
					 const char *name, struct id_set *nodes,
					 const char **nearest);

void topology_free(struct topology *topology);

#endif
