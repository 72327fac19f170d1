/*
 * Which cpuset cgroup a process is in. libvirt has the emulator of a guest in one
 * named "emulator" and sets the affinity of the guest's threads again and again;
 * there only the cpuset holds what a rule says.
 */
#ifndef SHIM_CGROUP_H
#define SHIM_CGROUP_H

#include <limits.h>
#include <stdbool.h>

struct cgroup {
	bool unified;        /* of cgroup v2; else of the cpuset hierarchy of v1 */
	char path[PATH_MAX]; /* from the hierarchy's root: "/machine/…/emulator" */
};

/*
 * Reads `name` in `directory`: a process's "cgroup" in /proc (cgroups(7)). Where
 * v1 has the cpusets it is v1 that counts, though v2 may be mounted beside it.
 * Returns 0; -ENOENT where the process is in no such cgroup (a kernel without
 * them); or another -errno.
 */
int cgroup_read(int directory, const char *name, struct cgroup *cgroup);

/* Whether a list with commas, which ends at a colon or at the end, has the word in it. */
bool cgroup_list_has(const char *list, const char *word);

/* Whether it is the one that libvirt has an emulator in. */
bool cgroup_is_emulator(const struct cgroup *cgroup);

#endif
