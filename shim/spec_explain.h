/* Why a spec that is well written means nothing on this host, for the administrator. */
#ifndef SHIM_SPEC_EXPLAIN_H
#define SHIM_SPEC_EXPLAIN_H

#include "error.h"
#include "id_set.h"
#include "roots.h"
#include "spec.h"

/*
 * Words why nodes or CPUs of a spec cannot be had, of which this process may use `allowed`;
 * `otherwise` is said where it is none of what is known here. Always returns -EINVAL.
 */
int spec_explain(const struct roots *roots, enum spec_kind kind, const char *text,
		 const struct id_set *allowed, const char *otherwise, struct error *error);

#endif
