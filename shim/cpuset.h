/* The one place where a cpuset is written. */
#ifndef SHIM_CPUSET_H
#define SHIM_CPUSET_H

#include "cgroup.h"
#include "error.h"
#include "guest_cgroup.h"
#include "id_set.h"
#include "roots.h"

/*
 * Keeps a guest to `cpus`: writes cpuset.cpus of the parent of its "emulator", under
 * cgroup v1 also of "emulator" itself, before it. A child made later (of a vCPU)
 * gets no more than that, whatever affinity its threads are given
 * (Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/cpusets.rst). Where
 * libvirt has narrowed "emulator" already, for the guest's XML, it stays so narrow.
 *
 * `found` is of guest_cgroup_find(): nothing outside found->guest is written, and
 * only where these directories belong to root (or to roots->owner). Returns 0 when the kernel has
 * granted all of `cpus`; or -errno with `error` filled, and the cpusets as they were.
 */
int cpuset_place(const struct roots *roots, const struct cgroup *emulator,
		 const struct guest_cgroup *found, const struct id_set *cpus, struct error *error);

#endif
