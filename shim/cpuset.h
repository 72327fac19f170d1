/* The one place where a cpuset is written. */
#ifndef SHIM_CPUSET_H
#define SHIM_CPUSET_H

#include "cgroup.h"
#include "error.h"
#include "guest_cgroup.h"
#include "id_set.h"
#include "roots.h"

/* The cgroups of a guest, open, so that no other can take their place. */
struct cpuset {
	bool unified;
	bool alone; /* the guest's cgroup is itself the parent of "emulator" */
	int guest;
	int parent; /* of "emulator" */
	int emulator;
	struct id_set room; /* what the guest's cgroup may have at all */
	struct id_set parent_cpus;
	struct id_set emulator_cpus;
};

/*
 * Opens the cgroups of a guest, which must be libvirt's: directories of root's (or of
 * roots->owner's), where the hierarchy is mounted. Returns 0; or -errno with `error`
 * filled. cpuset_close() is due in every case.
 */
int cpuset_open(struct cpuset *cpuset, const struct roots *roots, const struct cgroup *emulator,
		const struct guest_cgroup *found, struct error *error);

/*
 * Keeps the guest to `cpus`: writes cpuset.cpus of the parent of its "emulator", under
 * cgroup v1 also of "emulator" itself, before it. A child made later (of a vCPU) gets no
 * more than that, whatever affinity its threads are given (cgroup-v2.rst and
 * cgroup-v1/cpusets.rst of the kernel's admin-guide). Where libvirt has narrowed
 * "emulator" already, for the guest's XML, it stays so narrow.
 *
 * Returns 0 when the kernel has granted all of `cpus`; or -errno with `error` filled, and
 * the cpusets as they were. (Who is killed between the two writes of v1 leaves the first.)
 */
int cpuset_place(struct cpuset *cpuset, const struct id_set *cpus, struct error *error);

/*
 * The same for a guest that runs: under cgroup v1 the cgroups of its threads, which libvirt has
 * made of the guest's, follow; what its XML has pinned stays within that. (A pin to
 * all that the guest had before cannot be told from none there.) Where one is refused
 * the guest has what it had before, or some more.
 */
int cpuset_move(struct cpuset *cpuset, const struct id_set *cpus, struct error *error);

void cpuset_close(struct cpuset *cpuset);

#endif
