/*
 * Specs that are lists of numbers, and the CPUs of nodes, found without libnuma: what nearly all
 * rules have. A guest's start need not open that library then, which takes longer than all else
 * that the shim does. All programs ask here first, and libnuma for what is not known here; that
 * both say the same is tested.
 */
#ifndef SHIM_PLAIN_SPEC_H
#define SHIM_PLAIN_SPEC_H

#include "id_set.h"
#include "roots.h"
#include "spec.h"

#include <stdbool.h>

/* What a spec chooses from. */
enum plain_spec_from {
	PLAIN_SPEC_ALLOWED_NODES, /* those that this process may have memory of */
	PLAIN_SPEC_ALLOWED_CPUS,  /* those that it may run on */
	PLAIN_SPEC_HOST_NODES,    /* those with memory, whatever this process may use */
};

/*
 * Finds what a list ("0-2,5"), one that begins with '+', or "all" comes to: of what this process
 * may use, as numa_parse_nodestring() or numa_parse_cpustring(). Returns 1; -EINVAL where it means
 * nothing here, and libnuma would not take it, either; or 0: libnuma is to be asked.
 */
int plain_spec_read(const struct roots *roots, enum plain_spec_from from, const char *text,
		    struct id_set *set);

/* All that a spec can choose from; false: unknown. */
bool plain_spec_choice(const struct roots *roots, enum plain_spec_from from, struct id_set *choice);

/*
 * Reads a list of CPUs as numa_parse_cpustring_all(), whatever this process may use. Returns
 * whether it has; false: libnuma is to be asked.
 */
bool plain_spec_read_any(const char *text, struct id_set *cpus);

/* Adds the CPUs of all the nodes to `cpus`, as numa_node_to_cpus() has them. The same. */
bool plain_spec_node_cpus(const struct roots *roots, const struct id_set *nodes,
			  struct id_set *cpus);

/*
 * From here on what is read of that host is kept: for who has many rules to resolve at one moment.
 * (libnuma looks at a host once only.) Where there is no memory for it all goes on as before.
 */
void plain_spec_remember(const struct roots *roots);

#endif
