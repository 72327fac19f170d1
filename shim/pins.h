/* What the guest's XML pins to CPUs and nodes, of which the rule knows nothing. */
#ifndef SHIM_PINS_H
#define SHIM_PINS_H

#include "error.h"
#include "placement.h"
#include "roots.h"

/*
 * Reads libvirt's state of the guest that it is about to start, and finds what of
 * its XML cannot be had together with its placement:
 *
 * - A pin (vcpupin, iothreadpin, cpuset of vcpu): libvirt would fail to start the
 *   guest, with a message that no one understands. Under cgroup v1 (`unified` false)
 *   it may not give a thread's cgroup a CPU that the guest's has not; under v2 one in
 *   common is enough. (What emulatorpin comes to is in the "emulator" cgroup already.)
 * - A node of numatune that is none of the placement's: QEMU binds the guest's memory
 *   to it by itself, whatever the policy of its process.
 *
 * Returns 0, also where there is no such file; or -EINVAL with `error` filled, also where there is
 * one, and what it pins cannot be told.
 */
int pins_check(const struct roots *roots, const char *guest, bool unified,
	       const struct placement *placement, struct error *error);

#endif
