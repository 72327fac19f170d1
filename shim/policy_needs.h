/* What the rules of a policy, all together, ask of this host. */
#ifndef SHIM_POLICY_NEEDS_H
#define SHIM_POLICY_NEEDS_H

#include "id_set.h"
#include "plan.h"

enum { POLICY_POOLS_MAX = 32 };

/* Huge pages that some rule asks for. */
struct policy_pool {
	uint64_t size; /* of a page, in bytes */
	struct id_set nodes;
	bool evenly;    /* from each of them */
	bool preferred; /* by all such rules: normal ones will do */
	char rule[256]; /* FILE:LINE of the first; of those that insist on it, if any */
};

struct policy_needs {
	bool missing; /* there is no policy */
	size_t rules;
	size_t errors;    /* what guest-pinning check finds wrong: lines, files that are ignored */
	size_t placing;   /* rules that give CPUs or nodes */
	bool agent;       /* some takes the agent */
	bool catches_all; /* a rule for all guests ("*") gives nodes */
	bool binds;       /* some binds memory to nodes */
	bool merges;      /* some of these lets KSM have it */
	bool interrupts;
	struct id_set isolated; /* the CPUs of rules with isolate */
	struct policy_pool pools[POLICY_POOLS_MAX];
	size_t pool_count;
};

/* Reads the policy. Returns 0 or -ENOMEM. */
int policy_needs_read(struct policy_needs *needs, struct policy_source source);

#endif
