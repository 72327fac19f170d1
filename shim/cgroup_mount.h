/* Where the kernel shows cgroups. */
#ifndef SHIM_CGROUP_MOUNT_H
#define SHIM_CGROUP_MOUNT_H

#include "roots.h"

#include <stdbool.h>

/*
 * Opens the cgroup at `path`, which is from the root of its hierarchy: cgroup v2 (`unified`), or
 * the one of v1 that has cpusets. What is mounted is read again only when that has changed.
 * Returns a descriptor; or -errno, -ENOENT where it is mounted nowhere.
 */
int cgroup_mount_open(const struct roots *roots, bool unified, const char *path);

#endif
