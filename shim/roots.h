/*
 * Where the agent looks: the host itself, or a made-up tree in the tests. An
 * installed agent takes nothing of it from its environment.
 */
#ifndef SHIM_ROOTS_H
#define SHIM_ROOTS_H

#include <sys/types.h>

struct roots {
	const char *proc;    /* "/proc" */
	const char *sys;     /* "/sys" */
	const char *run;     /* "/run" */
	const char *state;   /* the agent's own: "/run/guest-pinning" */
	const char *libvirt; /* its state of running guests: "/run/libvirt/qemu" */
	const char *policy;  /* the main policy file */
	uid_t owner; /* who besides root may own what is trusted: policy, shims, cgroups; 0 */
};

/* What everybody may look at, of this host: /proc and /sys; the rest is NULL. */
extern const struct roots roots_of_kernel;

#endif
