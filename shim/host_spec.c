#include "host_spec.h"
#include "file.h"
#include "numa_library.h"
#include "plain_spec.h"
#include "spec_explain.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static void set_of(const struct numa_library *numa, const struct bitmask *mask, struct id_set *set)
{
	memset(set, 0, sizeof(*set));
	numa_library_copy(numa, mask, set);
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
	int result = length < 0 ? (int)length : id_set_read(&online, list);

	if (result < 0)
		return error_set(error, result, "%s cannot be read: %s", path, strerror(-result));
	if (!counts_what_there_is(spec) && !id_set_holds(&online, cpus))
		return error_set(error, -EINVAL,
				 "'%s': this host has CPUs %s, no others are online", spec,
				 id_set_format(&online, text, sizeof(text)));
	id_set_cut(cpus, &online);
	return 0;
}

static int ask_libnuma(bool any_cpu, enum spec_kind kind, const char *text, struct id_set *set,
		       struct error *error)
{
	const struct numa_library *numa;
	struct id_set allowed;
	struct bitmask *mask;
	const char *warning;
	int result = numa_library_open(&numa, error);

	if (result < 0)
		return result;
	numa_library_warning();
	if (any_cpu)
		mask = numa->parse_cpustring_all(text);
	else if (kind == SPEC_CPUS)
		mask = numa->parse_cpustring(text);
	else
		mask = numa->parse_nodestring(text);
	if (mask == NULL) {
		warning = numa_library_warning();
		set_of(numa, kind == SPEC_NODES ? *numa->allowed_nodes : *numa->allowed_cpus,
		       &allowed);
		return spec_explain(&roots_of_kernel, kind, text, &allowed,
				    *warning != '\0' ? warning : "libnuma does not take it", error);
	}
	set_of(numa, mask, set);
	numa->bitmask_free(mask);
	return 0;
}

/* Returns as plain_spec_read(), with `error` filled where the spec is refused. */
static int find_plain(enum placement_view view, enum spec_kind kind, const char *text,
		      struct id_set *set, struct error *error)
{
	bool whole = view == PLACEMENT_OF_HOST;
	enum plain_spec_from from = kind == SPEC_CPUS ? PLAIN_SPEC_ALLOWED_CPUS
				    : whole           ? PLAIN_SPEC_HOST_NODES
						      : PLAIN_SPEC_ALLOWED_NODES;
	struct id_set choice = {0};
	int known = whole && kind == SPEC_CPUS ? plain_spec_read_any(text, set)
					       : plain_spec_read(&roots_of_kernel, from, text, set);

	if (known >= 0)
		return known;
	return plain_spec_choice(&roots_of_kernel, from, &choice)
		   ? spec_explain(&roots_of_kernel, kind, text, &choice, "it cannot be had", error)
		   : 0;
}

int host_spec_resolve(enum placement_view view, enum spec_kind kind, const char *text,
		      struct id_set *set, struct error *error)
{
	bool any_cpu = kind == SPEC_CPUS && view == PLACEMENT_OF_HOST;
	int result = find_plain(view, kind, text, set, error);

	if (result == 0)
		result = ask_libnuma(any_cpu, kind, text, set, error);
	if (result < 0)
		return result;
	result = any_cpu || (kind == SPEC_CPUS && counts_what_there_is(text))
		     ? online_cut(set, text, error)
		     : 0;
	if (result == 0 && id_set_is_empty(set))
		return error_set(error, -EINVAL, "'%s' leaves no %s", text, spec_kind_noun(kind));
	return result;
}

static int ask_libnuma_cpus(const struct id_set *nodes, struct id_set *cpus, struct error *error)
{
	const struct numa_library *numa;
	struct bitmask *mask;
	int result = numa_library_open(&numa, error);

	if (result < 0)
		return result;
	mask = numa->bitmask_alloc((unsigned int)numa->num_possible_cpus());
	for (unsigned int node = 0; node <= SPEC_NODE_MAX; node++) {
		if (id_set_has(nodes, node) && numa->node_to_cpus((int)node, mask) == 0)
			numa_library_copy(numa, mask, cpus);
	}
	numa->bitmask_free(mask);
	return 0;
}

int host_spec_node_cpus(const struct id_set *nodes, struct id_set *cpus, struct error *error)
{
	char text[ID_SET_TEXT_SIZE];
	int result = 0;

	memset(cpus, 0, sizeof(*cpus));
	if (!plain_spec_node_cpus(&roots_of_kernel, nodes, cpus))
		result = ask_libnuma_cpus(nodes, cpus, error);
	if (result == 0 && id_set_is_empty(cpus))
		return error_set(error, -EINVAL,
				 "node %s has no CPUs that are online: name some by cpus=",
				 id_set_format(nodes, text, sizeof(text)));
	return result;
}

int host_spec_check_kernel(struct error *error)
{
	if (syscall(SYS_get_mempolicy, NULL, NULL, 0UL, NULL, 0UL) < 0 &&
	    (errno == ENOSYS || errno == EPERM))
		return error_set(error, -ENOSYS, "this kernel has no NUMA memory policy");
	return 0;
}
