#include "placement.h"
#include "file.h"
#include "numa_library.h"
#include "spec.h"

#include <errno.h>
#include <fcntl.h>
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

static void set_of(const struct numa_library *numa, const struct bitmask *mask, struct id_set *set)
{
	memset(set, 0, sizeof(*set));
	numa_library_copy(numa, mask, set);
}

/* Words why one number of a spec cannot be used. Returns 0 where it can. */
static int explain_node(const struct numa_library *numa, const char *spec, unsigned int node,
			struct error *error)
{
	char text[ID_SET_TEXT_SIZE];
	struct id_set existing;
	struct id_set allowed;

	set_of(numa, *numa->existing_nodes, &existing);
	set_of(numa, *numa->allowed_nodes, &allowed);
	if (!id_set_has(&existing, node))
		return error_set(error, -EINVAL,
				 "node %u of '%s' does not exist: this host has node %s", node,
				 spec, id_set_format(&existing, text, sizeof(text)));
	if (id_set_has(&allowed, node))
		return 0;
	if (numa->node_size64((int)node, NULL) <= 0)
		return error_set(error, -EINVAL, "node %u of '%s' has no memory", node, spec);
	return error_set(error, -EINVAL,
			 "node %u of '%s' is outside the cpuset of this process, which allows "
			 "memory of node %s",
			 node, spec, id_set_format(&allowed, text, sizeof(text)));
}

static int explain_cpu(const struct numa_library *numa, const char *spec, unsigned int cpu,
		       struct error *error)
{
	char text[ID_SET_TEXT_SIZE];
	struct id_set allowed;

	set_of(numa, *numa->allowed_cpus, &allowed);
	if (id_set_has(&allowed, cpu))
		return 0;
	if (cpu >= (unsigned long)sysconf(_SC_NPROCESSORS_CONF))
		return error_set(error, -EINVAL,
				 "CPU %u of '%s' does not exist: this host has %ld CPUs", cpu, spec,
				 sysconf(_SC_NPROCESSORS_CONF));
	return error_set(error, -EINVAL,
			 "CPU %u of '%s' is offline or not among those this process may use (%s)",
			 cpu, spec, id_set_format(&allowed, text, sizeof(text)));
}

/* Words why libnuma does not take a spec that is well written. Always returns -EINVAL. */
static int explain_spec(const struct numa_library *numa, enum spec_kind kind, const char *text,
			struct error *error)
{
	const char *warning = numa_library_warning();
	char list[ID_SET_TEXT_SIZE];
	struct id_set allowed;
	struct spec spec;
	struct spec_item item;

	set_of(numa, kind == SPEC_NODES ? *numa->allowed_nodes : *numa->allowed_cpus, &allowed);
	spec_start(&spec, kind, text);
	while (spec_next(&spec, &item, error) > 0) {
		unsigned int id[] = {item.first, item.last};

		if (item.all || item.device != NULL)
			break;
		if (spec.relative) {
			if (item.last >= id_set_count(&allowed))
				return error_set(error, -EINVAL,
						 "'%s': only +0 to +%u exist, for this process may "
						 "use %s %s",
						 text, id_set_count(&allowed) - 1,
						 spec_kind_noun(kind),
						 id_set_format(&allowed, list, sizeof(list)));
			continue;
		}
		for (int i = 0; i < 2; i++) {
			int result = kind == SPEC_NODES ? explain_node(numa, text, id[i], error)
							: explain_cpu(numa, text, id[i], error);

			if (result < 0)
				return result;
		}
	}
	return error_set(error, -EINVAL, "'%s' names no %s of this host: %s", text,
			 spec_kind_noun(kind),
			 warning[0] != '\0' ? warning : "libnuma does not take it");
}

/* A spec such as "all" or "!0" means no CPUs but those that are online. */
static bool counts_what_there_is(const char *text)
{
	struct spec spec;
	struct spec_item item;
	struct error error;
	bool all = false;

	spec_start(&spec, SPEC_CPUS, text);
	while (!all && spec_next(&spec, &item, &error) > 0)
		all = item.all;
	return all || spec.inverted;
}

/* Leaves the CPUs that are online. A spec that names another cannot be had. */
static int online_cut(struct id_set *cpus, const char *spec, struct error *error)
{
	static const char path[] = "/sys/devices/system/cpu/online";
	char list[ID_SET_LIST_SIZE];
	char text[ID_SET_TEXT_SIZE];
	struct id_set online;
	ssize_t length = file_read(AT_FDCWD, path, list, sizeof(list));

	if (length < 0 || id_set_read(&online, list) < 0)
		return error_set(error, -EIO, "%s cannot be read", path);
	if (!counts_what_there_is(spec) && !id_set_holds(&online, cpus))
		return error_set(error, -EINVAL,
				 "'%s': this host has CPUs %s, no others are online", spec,
				 id_set_format(&online, text, sizeof(text)));
	id_set_cut(cpus, &online);
	return 0;
}

static int spec_resolve(const struct numa_library *numa, enum placement_view view,
			enum spec_kind kind, const char *text, struct id_set *set,
			struct error *error)
{
	bool any_cpu = kind == SPEC_CPUS && view == PLACEMENT_OF_HOST;
	struct bitmask *mask;
	int result;

	numa_library_warning();
	if (any_cpu)
		mask = numa->parse_cpustring_all(text);
	else if (kind == SPEC_CPUS)
		mask = numa->parse_cpustring(text);
	else
		mask = numa->parse_nodestring(text);
	if (mask == NULL)
		return explain_spec(numa, kind, text, error);
	numa_library_copy(numa, mask, set);
	numa->bitmask_free(mask);
	result = any_cpu || (kind == SPEC_CPUS && counts_what_there_is(text))
		     ? online_cut(set, text, error)
		     : 0;
	if (result == 0 && id_set_is_empty(set))
		return error_set(error, -EINVAL, "'%s' leaves no %s", text, spec_kind_noun(kind));
	return result;
}

int placement_cpus(const char *spec, struct id_set *cpus, struct error *error)
{
	const struct numa_library *numa;
	int result = numa_library_open(&numa, error);

	memset(cpus, 0, sizeof(*cpus));
	return result < 0 ? result
			  : spec_resolve(numa, PLACEMENT_OF_HOST, SPEC_CPUS, spec, cpus, error);
}

/* The CPUs of all nodes, as numa_run_on_node_mask_all() finds them. */
static int nodes_to_cpus(const struct numa_library *numa, const struct id_set *nodes,
			 struct id_set *cpus, struct error *error)
{
	char text[ID_SET_TEXT_SIZE];
	struct bitmask *mask = numa->bitmask_alloc((unsigned int)numa->num_possible_cpus());

	for (unsigned int node = 0; node <= SPEC_NODE_MAX; node++) {
		if (id_set_has(nodes, node) && numa->node_to_cpus((int)node, mask) == 0)
			numa_library_copy(numa, mask, cpus);
	}
	numa->bitmask_free(mask);
	if (id_set_is_empty(cpus))
		return error_set(error, -EINVAL,
				 "node %s has no CPUs that are online: name some by cpus=",
				 id_set_format(nodes, text, sizeof(text)));
	return 0;
}

int placement_resolve(const struct rule *rule, enum placement_view view,
		      struct placement *placement, struct error *error)
{
	const struct numa_library *numa;
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
	result = numa_library_open(&numa, error);
	if (result < 0)
		return result;
	if (rule->nodes != NULL) {
		result = spec_resolve(numa, view, SPEC_NODES, rule->nodes, &nodes, error);
		if (result < 0)
			return result;
	}
	if (rule->cpus != NULL && !placement->by_agent)
		result = spec_resolve(numa, view, SPEC_CPUS, rule->cpus, &placement->cpus, error);
	else if (rule->cpus == NULL && rule->nodes != NULL)
		result = nodes_to_cpus(numa, &nodes, &placement->cpus, error);
	if (result < 0)
		return result;
	if (placement->mode == MEMORY_PREFERRED && id_set_count(&nodes) != 1)
		return error_set(error, -EINVAL,
				 "mem=preferred takes one node, not %s: use mem=preferred-many",
				 id_set_format(&nodes, text, sizeof(text)));
	if (placement->sets_memory && placement->mode != MEMORY_LOCAL)
		placement->nodes = nodes;
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
