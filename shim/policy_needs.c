#include "policy_needs.h"
#include "host_check.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* The placement of the rule before: rules for the same nodes often stand together. */
struct resolved {
	char nodes[256];
	char cpus[256];
	enum memory_mode memory;
	bool valid;
	struct placement placement;
};

static void count_report(void *context, const char *text, bool used)
{
	struct policy_needs *needs = context;

	(void)text;
	needs->errors += !used;
}

static void count_finding(void *context, const struct finding *finding)
{
	struct policy_needs *needs = context;

	needs->errors += finding->error;
}

static bool same_spec(const char *kept, const char *spec)
{
	return strcmp(kept, spec == NULL ? "" : spec) == 0;
}

/* Whether the rule's placement can be had; then it is in `resolved`. */
static bool rule_resolve(const struct rule *rule, struct resolved *resolved)
{
	struct error error;

	if (resolved->valid && same_spec(resolved->nodes, rule->nodes) &&
	    same_spec(resolved->cpus, rule->cpus) && resolved->memory == rule->memory)
		return true;
	resolved->valid =
	    placement_resolve(rule, PLACEMENT_OF_HOST, &resolved->placement, &error) == 0;
	snprintf(resolved->nodes, sizeof(resolved->nodes), "%s", rule->nodes ? rule->nodes : "");
	snprintf(resolved->cpus, sizeof(resolved->cpus), "%s", rule->cpus ? rule->cpus : "");
	resolved->memory = rule->memory;
	return resolved->valid;
}

static void rule_name(struct policy_pool *pool, const struct rule *rule)
{
	snprintf(pool->rule, sizeof(pool->rule), "%s:%u", rule->file, rule->line);
}

static void pool_add(struct policy_needs *needs, const struct rule *rule,
		     const struct placement *placement)
{
	struct policy_pool pool = {.size = rule->huge_page,
				   .preferred = rule->huge_pages_preferred};
	struct error error;

	if (placement_memory_nodes(placement, &pool.nodes, &pool.evenly, &error) < 0)
		return;
	for (size_t i = 0; i < needs->pool_count; i++) {
		struct policy_pool *known = &needs->pools[i];

		if (known->size == pool.size && known->evenly == pool.evenly &&
		    id_set_equal(&known->nodes, &pool.nodes)) {
			if (known->preferred && !pool.preferred)
				rule_name(known, rule);
			known->preferred = known->preferred && pool.preferred;
			return;
		}
	}
	if (needs->pool_count == POLICY_POOLS_MAX)
		return;
	rule_name(&pool, rule);
	needs->pools[needs->pool_count++] = pool;
}

static void rule_add(struct policy_needs *needs, const struct rule *rule, struct resolved *resolved)
{
	bool binds = rule->nodes != NULL && rule->memory == MEMORY_BIND;
	struct placement placement = {0};

	needs->rules++;
	if (error_is_set(&rule->error)) {
		needs->errors++;
		return;
	}
	/* As guest-pinning check does, so that the two agree. */
	host_check(rule, &placement, count_finding, needs);
	needs->placing += rule->nodes != NULL || rule->cpus != NULL;
	needs->catches_all =
	    needs->catches_all || (rule->nodes != NULL && strcmp(rule->glob, "*") == 0);
	needs->binds = needs->binds || binds;
	needs->merges = needs->merges || (binds && rule->ksm != CHOICE_OFF && rule->huge_page == 0);
	needs->interrupts = needs->interrupts || rule_sets_interrupts(rule);
	needs->agent = needs->agent || rule->nodes != NULL || rule->cpus != NULL ||
		       rule_sets_interrupts(rule) || rule->nice_given ||
		       rule->scheduler != SCHEDULER_NONE;
	if ((rule->huge_page == 0 && !rule->isolate) || !rule_resolve(rule, resolved))
		return;
	if (rule->huge_page != 0)
		pool_add(needs, rule, &resolved->placement);
	if (rule->isolate && resolved->placement.sets_cpus)
		id_set_join(&needs->isolated, &resolved->placement.cpus);
}

int policy_needs_read(struct policy_needs *needs, struct policy_source source)
{
	struct resolved resolved = {.valid = false};
	struct policy_line line;
	struct policy policy;
	struct rule rule;
	int result;

	*needs = (struct policy_needs){0};
	result = policy_open(&policy, source.path, source.owner, false, count_report, needs);
	if (result < 0)
		return result;
	while ((result = policy_next(&policy, &line)) > 0) {
		if (rule_read(&line, &rule))
			rule_add(needs, &rule, &resolved);
	}
	needs->missing = policy.missing && policy.rules == 0;
	policy_close(&policy);
	return result;
}
