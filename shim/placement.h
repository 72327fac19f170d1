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
	bool by_agent;      /* the agent sets the CPUs, and says last which they are */
	struct id_set cpus; /* the affinity; empty where only the agent can find it */
	bool sets_memory;
	enum memory_mode mode;
	struct id_set nodes; /* of the memory policy; empty for MEMORY_LOCAL */
	bool thp_never;      /* no transparent huge pages, whatever the host's setting */
	const char *wrong;   /* where the rule cannot be honoured: the rule's word that says so */
};

/* Whose placement it is to be, and so what "+0" and "all" count. */
enum placement_view {
	PLACEMENT_OF_CALLER, /* what its cpuset and affinity allow, as with numactl */
	PLACEMENT_BY_AGENT,  /* the same, but cpus= is left to the agent: its affinity is libvirt's
			      */
	PLACEMENT_OF_HOST,   /* what the host has: the agent's own limits are no guest's */
};

/*
 * Finds the placement of a rule that is in order (rule->error empty). For the caller
 * the result is that of numactl --cpunodebind=NODES --membind=NODES, or of -C LIST.
 * Returns 0; or -EINVAL, -ENOENT or -ENOSYS with `error` filled.
 */
int placement_resolve(const struct rule *rule, enum placement_view view,
		      struct placement *placement, struct error *error);

/*
 * Finds the CPUs that a spec comes to on this host, of which all are online. Returns 0; or
 * -EINVAL, -ENOENT or -ENOSYS with `error` filled.
 */
int placement_cpus(const char *spec, struct id_set *cpus, struct error *error);

/* What a process had before it was given a placement. */
struct placement_before {
	struct id_set cpus;
	int mode;
	struct id_set nodes;
	bool thp_never;
};

/*
 * Gives the calling process the placement, but for CPUs that the agent sets; it
 * lasts over execve(2). All or nothing: when the affinity is refused the memory policy
 * is put back. Returns 0 with `before` filled; or -errno with `error`
 * filled. Also returns 0 where the cpuset leaves only a part of the CPUs or nodes; then
 * says so in `warning`, and the placement is that part.
 */
int placement_apply(struct placement *placement, struct placement_before *before,
		    struct error *warning, struct error *error);

/*
 * Takes over the CPUs that the agent has set, which must be those of the nodes where
 * the rule's CPUs are such. The cpuset may leave this process less of them: what the
 * guest's XML says of its emulator. Returns 0; or -errno with `error` filled.
 */
int placement_join(struct placement *placement, const struct id_set *cpus, struct error *error);

/* Takes it back. */
void placement_undo(const struct placement *placement, const struct placement_before *before);

/*
 * The nodes that memory comes from under the placement; *evenly, page by page from each.
 * Those that it only prefers are not all. Returns 0; or -errno with `error` filled.
 */
int placement_memory_nodes(const struct placement *placement, struct id_set *nodes, bool *evenly,
			   struct error *error);

/* "bind 0-1", "local"; only for a placement that sets memory. Returns `text`. */
const char *placement_memory(const struct placement *placement, char *text, size_t size);

#endif
