/* What the guest's XML pins to CPUs, which the rule knows nothing of. */
#ifndef SHIM_PINS_H
#define SHIM_PINS_H

#include "error.h"
#include "id_set.h"
#include "roots.h"

/*
 * Reads libvirt's state of the guest that it is about to start, and finds a pin
 * (vcpupin, iothreadpin, cpuset of vcpu) that cannot be had together with the rule's
 * CPUs: libvirt would then fail to start the guest, with a message that no one
 * understands. (What emulatorpin comes to is in the "emulator" cgroup already.) Under cgroup v1
 * (`unified` false) libvirt may not give a thread's cgroup a CPU that the guest's has not; under v2
 * one in common is enough.
 *
 * Returns 0, also where there is no such file or it cannot be understood, for it is
 * not ours; or -EINVAL with `error` filled.
 */
int pins_check(const struct roots *roots, const char *guest, bool unified,
	       const struct id_set *cpus, struct error *error);

#endif
