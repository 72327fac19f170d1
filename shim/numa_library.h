/*
 * libnuma, opened only when a rule needs it: most starts (those by which libvirt
 * asks an emulator for its capabilities, and guests without a rule) do not. When
 * it is opened it reads /sys and /proc, and it sets the memory policy to and fro
 * to see what the kernel knows (libnuma.c, set_kernel_abi).
 */
#ifndef SHIM_NUMA_LIBRARY_H
#define SHIM_NUMA_LIBRARY_H

#include "error.h"
#include "id_set.h"

#include <numa.h>

struct numa_library {
	__typeof__(&numa_available) available;
	__typeof__(&numa_parse_nodestring) parse_nodestring;
	__typeof__(&numa_parse_cpustring) parse_cpustring;
	__typeof__(&numa_parse_cpustring_all) parse_cpustring_all;
	__typeof__(&numa_node_to_cpus) node_to_cpus;
	__typeof__(&numa_bitmask_alloc) bitmask_alloc;
	__typeof__(&numa_bitmask_free) bitmask_free;
	__typeof__(&numa_bitmask_isbitset) bitmask_isbitset;
	__typeof__(&numa_num_possible_cpus) num_possible_cpus;
	struct bitmask **allowed_nodes; /* those the caller's cpuset allows */
	struct bitmask **allowed_cpus;  /* those of the caller's affinity */
};

/*
 * Opens the library, the first time. Returns 0 with *library set, or with `error`
 * filled -ENOENT (it is not there) or -ENOSYS (the kernel knows no NUMA policy).
 */
int numa_library_open(const struct numa_library **library, struct error *error);

bool numa_library_is_open(void);

/* The last warning of the library since the last call, or "". It prints none itself. */
const char *numa_library_warning(void);

/* Adds what is in the bitmask to the set. */
void numa_library_copy(const struct numa_library *library, const struct bitmask *mask,
		       struct id_set *set);

#endif
