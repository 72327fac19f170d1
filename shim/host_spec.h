/* What a spec of a rule, nodes or CPUs, comes to on this host. */
#ifndef SHIM_HOST_SPEC_H
#define SHIM_HOST_SPEC_H

#include "error.h"
#include "id_set.h"
#include "placement.h"
#include "spec.h"

/*
 * Finds the nodes or CPUs of a spec that is well written, which are some. Returns 0; or -EINVAL,
 * -ENOENT or -ENOSYS with `error` filled.
 */
int host_spec_resolve(enum placement_view view, enum spec_kind kind, const char *text,
		      struct id_set *set, struct error *error);

/* Finds the CPUs of all the nodes, as numa_run_on_node_mask_all() does. Returns the same. */
int host_spec_node_cpus(const struct id_set *nodes, struct id_set *cpus, struct error *error);

/* Whether the kernel has memory policies, as numa_available(). Returns 0; or -ENOSYS with `error`.
 */
int host_spec_check_kernel(struct error *error);

#endif
