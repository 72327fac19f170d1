/* What of a rule cannot be had on a host of which there is only a topology. */
#ifndef SHIM_TOPOLOGY_CHECK_H
#define SHIM_TOPOLOGY_CHECK_H

#include "placement.h"
#include "rule.h"
#include "topology.h"

/* What is wrong with a rule. */
struct finding {
	bool error;             /* or else a warning */
	const char *word;       /* the rule's, that it is about; NULL: none */
	const char *text;       /* in words */
	const char *suggestion; /* what may have been meant; NULL: nobody knows */
};

/* Is told of each; what it points to is gone afterwards. */
typedef void finding_report(void *context, const struct finding *finding);

/*
 * Checks a rule that is in order (rule->error empty), asking nothing of this host. `placement`
 * becomes what is known of it: its nodes and CPUs are empty where the topology does not tell.
 */
void topology_check(const struct topology *topology, const struct rule *rule,
		    struct placement *placement, finding_report *report, void *context);

#endif
