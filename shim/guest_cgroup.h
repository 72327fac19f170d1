/* How libvirt names the cgroup of a guest. */
#ifndef SHIM_GUEST_CGROUP_H
#define SHIM_GUEST_CGROUP_H

#include "error.h"

#include <limits.h>

struct guest_cgroup {
	char guest[PATH_MAX];   /* the guest's own: everything of it is below */
	char parent[PATH_MAX];  /* of "emulator": the same one, or "libvirt" in it */
	char machine[NAME_MAX]; /* "qemu-1-web1" */
};

/*
 * Takes the path of an emulator's cgroup apart:
 *
 *	…/machine-qemu\x2d1\x2dweb1.scope/libvirt/emulator	with systemd
 *	…/qemu-1-web1.libvirt-qemu/emulator			without
 *
 * Sources, in libvirt: virSystemdMakeScopeName, virCgroupNewDomainPartition. Returns 0;
 * or -EINVAL with `error` filled where it is no libvirt guest's.
 */
int guest_cgroup_read(const char *path, struct guest_cgroup *found, struct error *error);

/* Whether the guest's own cgroup is a unit of systemd's. */
bool guest_cgroup_is_scope(const struct guest_cgroup *cgroup);

/*
 * Whether libvirt can have made the cgroup for the guest of that name. It leaves out of
 * the name what no host name may have, and shortens it (virDomainDriverGenerateMachineName),
 * so names that differ in that alone cannot be told apart.
 */
bool guest_cgroup_agrees(const struct guest_cgroup *cgroup, const char *guest);

#endif
