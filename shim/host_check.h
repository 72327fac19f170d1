/* What of a rule cannot be had on this host. */
#ifndef SHIM_HOST_CHECK_H
#define SHIM_HOST_CHECK_H

#include "topology_check.h"

/*
 * Checks a rule that is in order (rule->error empty), best-effort or not. `placement` becomes
 * what the rule comes to; it sets no memory where it cannot be had.
 */
void host_check(const struct rule *rule, struct placement *placement, finding_report *report,
		void *context);

#endif
