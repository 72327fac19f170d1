#include "plain_spec.h"
#include "file.h"
#include "number.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	STATUS_SIZE = 16 * 1024,
	MASK_SIZE = 4 * 1024, /* of 8192 CPUs, in groups of eight digits with a comma each */
	GROUP_DIGITS = 8,
	DIGIT_BITS = 4,
};

/* What is remembered of a host, see plain_spec_remember(). */
struct memory {
	const struct roots *roots;
	bool has_choice[3]; /* by enum plain_spec_from */
	struct id_set choice[3];
	bool has_cpus[SPEC_NODE_MAX + 1];
	struct id_set cpus[SPEC_NODE_MAX + 1]; /* of each node */
};

static struct memory *memory;

/*
 * Adds what a mask holds that the kernel writes as "%*pb": groups of at most 32 bits, the highest
 * first, to the line's end.
 */
static bool mask_read(const char *text, struct id_set *set)
{
	const char *end = text + strcspn(text, "\n");
	unsigned int bit = 0;
	unsigned int digits = 0;

	for (const char *p = end; p-- > text;) {
		int value = number_hex_digit(*p);

		if (*p == ',' && digits == GROUP_DIGITS) {
			digits = 0;
			continue;
		}
		if (value < 0 || digits == GROUP_DIGITS || (value != 0 && bit >= ID_SET_SIZE))
			return false;
		if (value != 0)
			set->word[bit / ID_SET_WORD_BITS] |= (unsigned long)value
							     << bit % ID_SET_WORD_BITS;
		bit += DIGIT_BITS;
		digits++;
	}
	return digits > 0;
}

/* The nodes that this process may have memory of, or the CPUs that it may run on (proc(5)). */
static bool status_read(const struct roots *roots, enum plain_spec_from from,
			struct id_set *allowed)
{
	static const char *const keys[] = {
	    [PLAIN_SPEC_ALLOWED_NODES] = "\nMems_allowed:\t",
	    [PLAIN_SPEC_ALLOWED_CPUS] = "\nCpus_allowed:\t",
	};
	char path[PATH_MAX];
	char status[STATUS_SIZE];
	const char *line;

	snprintf(path, sizeof(path), "%s/self/status", roots->proc);
	if (file_read(AT_FDCWD, path, status, sizeof(status)) < 0)
		return false;
	line = strstr(status, keys[from]);
	return line != NULL && mask_read(line + strlen(keys[from]), allowed);
}

/* The kernel may allow a process CPUs that no host has; libnuma goes by the C library's count. */
static void existing_cut(struct id_set *cpus)
{
	long count = sysconf(_SC_NPROCESSORS_CONF);

	for (unsigned int cpu = 0; cpu < ID_SET_SIZE; cpu++) {
		if (cpu >= (unsigned long)count)
			cpus->word[cpu / ID_SET_WORD_BITS] &= ~(1UL << cpu % ID_SET_WORD_BITS);
	}
}

/* The nodes with memory: Documentation/ABI/stable/sysfs-devices-node of the kernel. */
static bool host_nodes_read(const struct roots *roots, struct id_set *nodes)
{
	char path[PATH_MAX];
	char list[ID_SET_LIST_SIZE];

	snprintf(path, sizeof(path), "%s/devices/system/node/has_memory", roots->sys);
	return file_read(AT_FDCWD, path, list, sizeof(list)) >= 0 && id_set_read(nodes, list) == 0;
}

bool plain_spec_choice(const struct roots *roots, enum plain_spec_from from, struct id_set *choice)
{
	bool kept = memory != NULL && memory->roots == roots;

	if (kept && memory->has_choice[from]) {
		*choice = memory->choice[from];
		return true;
	}
	if (from == PLAIN_SPEC_HOST_NODES ? !host_nodes_read(roots, choice)
					  : !status_read(roots, from, choice))
		return false;
	if (from == PLAIN_SPEC_ALLOWED_CPUS)
		existing_cut(choice);
	if (kept) {
		memory->choice[from] = *choice;
		memory->has_choice[from] = true;
	}
	return true;
}

/* The id that has `place` others of the set before it, or ID_SET_SIZE. */
static unsigned int nth_of(const struct id_set *set, unsigned int place)
{
	unsigned int id = 0;

	while (id < ID_SET_SIZE && (!id_set_has(set, id) || place-- > 0))
		id++;
	return id;
}

/* Adds one item; `allowed` NULL: whatever it is. Returns whether it is. */
static bool item_add(const struct spec *spec, const struct spec_item *item,
		     const struct id_set *allowed, struct id_set *set)
{
	unsigned int first = item->first;
	unsigned int last = item->last;

	if (spec->relative && allowed != NULL) {
		first = nth_of(allowed, first);
		last = nth_of(allowed, last);
	}
	if (allowed != NULL && (!id_set_has(allowed, first) || !id_set_has(allowed, last)))
		return false;
	/* Of a range only the ends must be allowed. */
	for (unsigned int id = first; id <= last; id++) {
		if (allowed == NULL || id_set_has(allowed, id))
			id_set_add(set, id);
	}
	return true;
}

static int items_read(enum spec_kind kind, const char *text, const struct id_set *allowed,
		      struct id_set *set)
{
	struct spec spec;
	struct spec_item item;
	int result;

	memset(set, 0, sizeof(*set));
	spec_start(&spec, kind, text);
	if (spec.inverted || (spec.relative && allowed == NULL))
		return 0;
	while ((result = spec_next(&spec, &item, NULL)) > 0) {
		if (item.device != NULL || (item.all && (spec.relative || allowed == NULL)))
			return 0;
		if (item.all)
			id_set_join(set, allowed);
		else if (!item_add(&spec, &item, allowed, set))
			return -EINVAL;
	}
	return result == 0;
}

int plain_spec_read(const struct roots *roots, enum plain_spec_from from, const char *text,
		    struct id_set *set)
{
	enum spec_kind kind = from == PLAIN_SPEC_ALLOWED_CPUS ? SPEC_CPUS : SPEC_NODES;
	struct id_set choice = {0};

	/* What needs libnuma anyway is not worth a look at the host. */
	if (*text == '!' || strchr(text, ':') != NULL || !plain_spec_choice(roots, from, &choice))
		return 0;
	return items_read(kind, text, &choice, set);
}

bool plain_spec_read_any(const char *text, struct id_set *cpus)
{
	struct id_set existing;

	if (items_read(SPEC_CPUS, text, NULL, cpus) <= 0)
		return false;
	existing = *cpus;
	existing_cut(&existing);
	return id_set_equal(&existing, cpus);
}

/* Adds the CPUs of one node. */
static bool node_read(const struct roots *roots, unsigned int node, struct id_set *cpus)
{
	bool kept = memory != NULL && memory->roots == roots;
	struct id_set found = {0};
	char path[PATH_MAX];
	char mask[MASK_SIZE];

	if (!kept || !memory->has_cpus[node]) {
		snprintf(path, sizeof(path), "%s/devices/system/node/node%u/cpumap", roots->sys,
			 node);
		if (file_read(AT_FDCWD, path, mask, sizeof(mask)) < 0 || !mask_read(mask, &found))
			return false;
	}
	if (kept && !memory->has_cpus[node]) {
		memory->cpus[node] = found;
		memory->has_cpus[node] = true;
	}
	id_set_join(cpus, kept ? &memory->cpus[node] : &found);
	return true;
}

bool plain_spec_node_cpus(const struct roots *roots, const struct id_set *nodes,
			  struct id_set *cpus)
{
	struct id_set found = {0};

	for (unsigned int node = 0; node <= SPEC_NODE_MAX; node++) {
		if (id_set_has(nodes, node) && !node_read(roots, node, &found))
			return false;
	}
	id_set_join(cpus, &found);
	return true;
}

void plain_spec_remember(const struct roots *roots)
{
	free(memory);
	memory = calloc(1, sizeof(*memory));
	if (memory != NULL)
		memory->roots = roots;
}
