/* How libvirt names the cgroup of a guest. */
#ifndef SHIM_GUEST_CGROUP_H
#define SHIM_GUEST_CGROUP_H

#include "error.h"

#include <limits.h>

struct guest_cgroup {
	char guest[PATH_MAX];  /* the guest's own: everything of it is below */
	char parent[PATH_MAX]; /* of "emulator": the same one, or "libvirt" in it */
};

/*
 * Takes the path of an emulator's cgroup apart, and finds whether libvirt can
 * have made it for the guest of that name:
 *
 *	…/machine-qemu\x2d1\x2dweb1.scope/libvirt/emulator	with systemd
 *	…/qemu-1-web1.libvirt-qemu/emulator			without
 *
 * libvirt leaves out of the name what no host name may have, and shortens it, so
 * names that differ in that alone cannot be told apart. Sources, in libvirt:
 * virDomainDriverGenerateMachineName, virSystemdMakeScopeName,
 * virCgroupNewDomainPartition.
 *
 * Returns 0; or -EINVAL with `error` filled: no libvirt guest's, or another's.
 */
int guest_cgroup_find(const char *path, const char *guest, struct guest_cgroup *found,
		      struct error *error);

#endif
