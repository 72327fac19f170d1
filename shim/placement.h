/*
 * A placement is what a rule comes to on this host: numbers. Finding it and
 * applying it are two steps; what a dry run prints is what would be applied.
 */
#ifndef SHIM_PLACEMENT_H
#define SHIM_PLACEMENT_H

#include "error.h"
#include "id_set.h"
#include "rule.h"

struct placement {
	bool sets_cpus;
	struct id_set cpus; /* the affinity */
	bool sets_memory;
	enum memory_mode mode;
	struct id_set nodes; /* of the memory policy; empty for MEMORY_LOCAL */
};

/*
 * Finds the placement of a rule that is in order (rule->error empty), for the
 * calling process: "+0" counts what its cpuset allows, as with numactl. The
 * result is that of numactl --cpunodebind=NODES --membind=NODES, or of -C LIST.
 * Returns 0; or -EINVAL, -ENOENT or -ENOSYS with `error` filled.
 */
int placement_resolve(const struct rule *rule, struct placement *placement, struct error *error);

/*
 * Gives the calling process the placement; it lasts over execve(2). All or
 * nothing: when the memory policy is refused the affinity is put back. Returns
 * 0; or -errno with `error` filled. Also returns 0 where the cpuset leaves only
 * a part of the CPUs; then says so in `warning`, and placement->cpus is that part.
 */
int placement_apply(struct placement *placement, struct error *warning, struct error *error);

/* "bind 0-1", "local"; only for a placement that sets memory. Returns `text`. */
const char *placement_memory(const struct placement *placement, char *text, size_t size);

#endif
