#include "placement.h"
#include "host_spec.h"
#include "spec.h"

#include <errno.h>
#include <numaif.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef MPOL_PREFERRED_MANY
#define MPOL_PREFERRED_MANY 5 /* since Linux 5.15; older headers lack it */
#endif

static const int kernel_modes[MEMORY_MODES] = {
    [MEMORY_BIND] = MPOL_BIND,
    [MEMORY_PREFERRED] = MPOL_PREFERRED,
    [MEMORY_PREFERRED_MANY] = MPOL_PREFERRED_MANY,
    [MEMORY_INTERLEAVE] = MPOL_INTERLEAVE,
    [MEMORY_LOCAL] = MPOL_LOCAL,
};

int placement_cpus(const char *spec, struct id_set *cpus, struct error *error)
{
	int result = host_spec_check_kernel(error);

	memset(cpus, 0, sizeof(*cpus));
	return result < 0 ? result
			  : host_spec_resolve(PLACEMENT_OF_HOST, SPEC_CPUS, spec, cpus, error);
}

int placement_resolve(const struct rule *rule, enum placement_view view,
		      struct placement *placement, struct error *error)
{
	struct id_set nodes = {0};
	char text[ID_SET_TEXT_SIZE];
	int result;

	*placement = (struct placement){
	    .sets_cpus = rule->nodes != NULL || rule->cpus != NULL,
	    .by_agent = view == PLACEMENT_BY_AGENT && (rule->nodes != NULL || rule->cpus != NULL),
	    .sets_memory = rule->nodes != NULL || rule->memory_given,
	    .mode = rule->memory,
	    .thp_never = rule->thp == CHOICE_OFF,
	};
	if (!placement->sets_cpus && !placement->sets_memory)
		return 0;
	result = host_spec_check_kernel(error);
	if (result < 0)
		return result;
	placement->wrong = rule->nodes;
	if (rule->nodes != NULL) {
		result = host_spec_resolve(view, SPEC_NODES, rule->nodes, &nodes, error);
		if (result < 0)
			return result;
	}
	if (rule->cpus != NULL && !placement->by_agent) {
		placement->wrong = rule->cpus;
		result = host_spec_resolve(view, SPEC_CPUS, rule->cpus, &placement->cpus, error);
	} else if (rule->cpus == NULL && rule->nodes != NULL) {
		result = host_spec_node_cpus(&nodes, &placement->cpus, error);
	}
	if (result < 0)
		return result;
	placement->wrong = rule->nodes;
	if (placement->mode == MEMORY_PREFERRED && id_set_count(&nodes) != 1)
		return error_set(error, -EINVAL,
				 "mem=preferred takes one node, not %s: use mem=preferred-many",
				 id_set_format(&nodes, text, sizeof(text)));
	if (placement->sets_memory && placement->mode != MEMORY_LOCAL)
		placement->nodes = nodes;
	placement->wrong = NULL;
	return 0;
}

static int affinity_apply(struct id_set *cpus, struct error *warning, struct error *error)
{
	char wanted[ID_SET_TEXT_SIZE];
	char allowed[ID_SET_TEXT_SIZE];
	struct error cut = *warning; /* of the memory */
	struct id_set got = {0};

	id_set_format(cpus, wanted, sizeof(wanted));
	if (sched_setaffinity(0, sizeof(cpus->word), (const cpu_set_t *)cpus->word) < 0) {
		int code = errno;

		if (code == EINVAL)
			return error_set(error, -code,
					 "CPUs %s are all offline, or outside the cpuset of this "
					 "process",
					 wanted);
		return error_set(error, -code, "the affinity to CPUs %s is refused: %s", wanted,
				 strerror(code));
	}
	if (sched_getaffinity(0, sizeof(got.word), (cpu_set_t *)got.word) < 0)
		return error_set(error, -errno, "the affinity cannot be read: %s", strerror(errno));
	if (!id_set_holds(&got, cpus))
		error_set(warning, 0,
			  "%s%sof CPUs %s only %s can be had: the others are offline, or outside "
			  "the cpuset of this process",
			  cut.text, error_is_set(&cut) ? "; " : "", wanted,
			  id_set_format(&got, allowed, sizeof(allowed)));
	*cpus = got;
	return 0;
}

/* The kernel takes one off: get_nodes() in mm/mempolicy.c. */
enum { NODE_BITS = SPEC_NODE_MAX + 2 };

int placement_memory_nodes(const struct placement *placement, struct id_set *nodes, bool *evenly,
			   struct error *error)
{
	memset(nodes, 0, sizeof(*nodes));
	if (syscall(SYS_get_mempolicy, NULL, nodes->word, (unsigned long)ID_SET_SIZE, NULL,
		    (unsigned long)MPOL_F_MEMS_ALLOWED) < 0)
		return error_set(error, -errno, "the nodes of this process cannot be read: %s",
				 strerror(errno));
	*evenly = placement->sets_memory && placement->mode == MEMORY_INTERLEAVE;
	if (*evenly || (placement->sets_memory && placement->mode == MEMORY_BIND))
		id_set_cut(nodes, &placement->nodes);
	return 0;
}

/* Reads the memory policy of this process, and the nodes that are left of it. */
static int memory_read(int *mode, struct id_set *nodes, struct error *error)
{
	memset(nodes, 0, sizeof(*nodes));
	if (syscall(SYS_get_mempolicy, mode, nodes->word, (unsigned long)ID_SET_SIZE, NULL, 0UL) <
	    0)
		return error_set(error, -errno, "the memory policy cannot be read: %s",
				 strerror(errno));
	return 0;
}

static int memory_set(const struct placement *placement, struct error *error)
{
	char text[ID_SET_TEXT_SIZE];
	bool local = placement->mode == MEMORY_LOCAL;

	if (syscall(SYS_set_mempolicy, kernel_modes[placement->mode],
		    local ? NULL : placement->nodes.word,
		    local ? 0UL : (unsigned long)NODE_BITS) == 0)
		return 0;

	int code = errno;

	placement_memory(placement, text, sizeof(text));
	if (code == EINVAL && placement->mode == MEMORY_PREFERRED_MANY)
		return error_set(error, -code,
				 "the memory policy %s is refused: it takes Linux 5.15 or later, "
				 "and nodes that the cpuset of this process allows",
				 text);
	if (code == EINVAL)
		return error_set(error, -code,
				 "the memory policy %s is refused: the nodes are outside the "
				 "cpuset of this process, or have no memory",
				 text);
	return error_set(error, -code, "the memory policy %s is refused: %s", text, strerror(code));
}

/* The kernel leaves of the nodes those that the cpuset allows and that have memory. */
static int memory_apply(struct placement *placement, struct error *warning, struct error *error)
{
	char wanted[ID_SET_TEXT_SIZE];
	char allowed[ID_SET_TEXT_SIZE];
	struct id_set got;
	int mode;
	int result = memory_set(placement, error);

	if (result == 0)
		result = memory_read(&mode, &got, error);
	if (result < 0 || placement->mode == MEMORY_LOCAL)
		return result;
	if (!id_set_holds(&got, &placement->nodes))
		error_set(warning, 0,
			  "of node %s memory can be had of %s only: the others have none, or are "
			  "outside the cpuset of this process",
			  id_set_format(&placement->nodes, wanted, sizeof(wanted)),
			  id_set_format(&got, allowed, sizeof(allowed)));
	placement->nodes = got;
	return 0;
}

static int before_read(struct placement_before *before, struct error *error)
{
	memset(before, 0, sizeof(*before));
	if (sched_getaffinity(0, sizeof(before->cpus.word), (cpu_set_t *)before->cpus.word) < 0)
		return error_set(error, -errno, "the affinity cannot be read: %s", strerror(errno));
	before->thp_never = prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0) == 1;
	return memory_read(&before->mode, &before->nodes, error);
}

/* It stays over execve(2), and for all children: prctl(2). */
static int thp_disable(struct error *error)
{
	if (prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0) < 0)
		return error_set(error, -errno, "thp=never is refused: %s", strerror(errno));
	return 0;
}

int placement_apply(struct placement *placement, struct placement_before *before,
		    struct error *warning, struct error *error)
{
	int result = before_read(before, error);

	if (result < 0)
		return result;
	if (placement->sets_memory)
		result = memory_apply(placement, warning, error);
	if (result == 0 && placement->sets_cpus && !placement->by_agent)
		result = affinity_apply(&placement->cpus, warning, error);
	if (result == 0 && placement->thp_never)
		result = thp_disable(error);
	if (result < 0)
		placement_undo(placement, before);
	return result;
}

int placement_join(struct placement *placement, const struct id_set *cpus, struct error *error)
{
	char text[ID_SET_TEXT_SIZE];
	char other[ID_SET_TEXT_SIZE];

	if (!id_set_is_empty(&placement->cpus) && !id_set_equal(&placement->cpus, cpus))
		return error_set(error, -EXDEV,
				 "the agent has set CPUs %s, but here NODES comes to %s: the "
				 "guest's XML narrows its memory (numatune); name nodes by number",
				 id_set_format(cpus, text, sizeof(text)),
				 id_set_format(&placement->cpus, other, sizeof(other)));
	placement->cpus = *cpus;
	if (sched_setaffinity(0, sizeof(cpus->word), (const cpu_set_t *)cpus->word) < 0)
		return error_set(error, -errno, "the affinity to CPUs %s is refused: %s",
				 id_set_format(cpus, text, sizeof(text)), strerror(errno));
	return 0;
}

/*
 * It was ours a moment ago, so it is granted again. An affinity that has not changed is
 * let be: it may hold offline CPUs, which cannot be read back.
 */
void placement_undo(const struct placement *placement, const struct placement_before *before)
{
	struct id_set now = {0};

	if (placement->sets_cpus &&
	    (sched_getaffinity(0, sizeof(now.word), (cpu_set_t *)now.word) < 0 ||
	     !id_set_equal(&now, &before->cpus)))
		(void)sched_setaffinity(0, sizeof(before->cpus.word),
					(const cpu_set_t *)before->cpus.word);
	if (placement->thp_never && !before->thp_never)
		(void)prctl(PR_SET_THP_DISABLE, 0, 0, 0, 0);
	if (placement->sets_memory)
		(void)syscall(SYS_set_mempolicy, before->mode,
			      id_set_is_empty(&before->nodes) ? NULL : before->nodes.word,
			      id_set_is_empty(&before->nodes) ? 0UL : (unsigned long)NODE_BITS);
}

const char *placement_memory(const struct placement *placement, char *text, size_t size)
{
	char nodes[ID_SET_TEXT_SIZE];

	if (placement->mode == MEMORY_LOCAL)
		snprintf(text, size, "local");
	else
		snprintf(text, size, "%s %s", memory_mode_name(placement->mode),
			 id_set_format(&placement->nodes, nodes, sizeof(nodes)));
	return text;
}
