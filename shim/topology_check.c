#include "topology_check.h"
#include "device.h"
#include "size.h"
#include "spec.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct checking {
	const struct topology *topology;
	const struct rule *rule;
	struct placement *placement;
	finding_report *report;
	void *context;
};

static void tell(const struct checking *checking, bool error, const char *word, const char *text,
		 const char *suggestion)
{
	struct finding finding = {error, word, text, suggestion};

	checking->report(checking->context, &finding);
}

/* The device prefixes of a spec, and which devices of the topology they name. */
static const struct {
	const char *text;
	unsigned int kinds; /* 0: a topology knows nothing of it */
} prefixes[] = {
    {"netdev:", TOPOLOGY_NET},
    {"block:", TOPOLOGY_BLOCK},
    {"pci:", TOPOLOGY_PCI},
    {"ip:", 0},
    {"file:", 0},
};

static const char *kind_noun(unsigned int kinds)
{
	if (kinds == TOPOLOGY_NET)
		return "network interface";
	if (kinds == TOPOLOGY_BLOCK)
		return "block device";
	return kinds == TOPOLOGY_PCI ? "PCI device" : "network interface or block device";
}

/* Words that a device is not in the topology. Returns whether that is an error. */
static bool device_word(const struct topology *topology, enum topology_found found,
			unsigned int kinds, const char *name, struct error *error)
{
	if (found == TOPOLOGY_MISSING)
		error_set(error, -ENOENT, "%s has no %s '%s'", topology->path, kind_noun(kinds),
			  name);
	else
		error_set(error, 0,
			  "%s does not tell whether there is a %s '%s': see lstopo --whole-io",
			  topology->path, kind_noun(kinds), name);
	return found == TOPOLOGY_MISSING;
}

/* As spec_resolve() below, of "netdev:eth4" and the like. */
static int device_resolve(const struct checking *checking, const char *word, const char *device,
			  struct id_set *set)
{
	const struct topology *topology = checking->topology;
	size_t length = strcspn(device, ":") + 1;
	unsigned int kinds = 0;
	enum topology_found found;
	const char *nearest;
	struct error text;
	bool missing = false;

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		if (strncmp(device, prefixes[i].text, length) == 0)
			kinds = prefixes[i].kinds;
	}
	if (kinds == 0) {
		error_set(&text, 0, "'%s': which node that is no topology tells", device);
		tell(checking, false, word, text.text, NULL);
		return 0;
	}
	found = topology_device_find(topology, kinds, device + length, set, &nearest);
	if (found == TOPOLOGY_FOUND && !id_set_is_empty(set))
		return 1;
	if (found == TOPOLOGY_FOUND)
		error_set(&text, 0, "'%s': %s does not tell the node of that device", device,
			  topology->path);
	else
		missing = device_word(topology, found, kinds, device + length, &text);
	tell(checking, missing, word, text.text, nearest);
	return missing ? -ENOENT : 0;
}

/* The members of `set` with these numbers in it, "+first" to "+last". */
static void add_relative(struct id_set *to, const struct id_set *set, unsigned int first,
			 unsigned int last)
{
	unsigned int number = 0;

	for (unsigned int id = 0; id < ID_SET_SIZE; id++) {
		if (!id_set_has(set, id))
			continue;
		if (number >= first && number <= last)
			id_set_add(to, id);
		number++;
	}
}

/* Words why one number of a spec cannot be had. Returns 0 where it can. */
static int explain(const struct topology *topology, enum spec_kind kind, const char *spec,
		   unsigned int id, struct error *error)
{
	const struct id_set *all = kind == SPEC_NODES ? &topology->nodes : &topology->all_cpus;
	char text[ID_SET_TEXT_SIZE];

	if (!id_set_has(all, id))
		return error_set(error, -EINVAL, "%s %u of '%s' does not exist: %s has %s %s",
				 spec_kind_noun(kind), id, spec, topology->path,
				 spec_kind_noun(kind), id_set_format(all, text, sizeof(text)));
	if (kind == SPEC_NODES && !id_set_has(&topology->with_memory, id))
		return error_set(error, -EINVAL, "node %u of '%s' has no memory in %s", id, spec,
				 topology->path);
	if (kind == SPEC_CPUS && !id_set_has(&topology->cpus, id))
		return error_set(error, -EINVAL,
				 "CPU %u of '%s' is offline in %s, or lstopo had no right to see "
				 "it (there are %s)",
				 id, spec, topology->path,
				 id_set_format(&topology->cpus, text, sizeof(text)));
	return 0;
}

static int item_resolve(const struct topology *topology, const struct spec *spec,
			const struct spec_item *item, struct id_set *set, struct error *error)
{
	const struct id_set *there =
	    spec->kind == SPEC_NODES ? &topology->with_memory : &topology->cpus;
	unsigned int count = id_set_count(there);
	char text[ID_SET_TEXT_SIZE];

	if (item->all) {
		id_set_join(set, there);
		return 0;
	}
	if (spec->relative && item->last >= count)
		return error_set(error, -EINVAL, "'%s': only +0 to +%u exist, for %s has %s %s",
				 spec->text, count > 0 ? count - 1 : 0, topology->path,
				 spec_kind_noun(spec->kind),
				 id_set_format(there, text, sizeof(text)));
	if (spec->relative) {
		add_relative(set, there, item->first, item->last);
		return 0;
	}
	for (unsigned int id = item->first; id <= item->last; id++) {
		int result = explain(topology, spec->kind, spec->text, id, error);

		if (result < 0)
			return result;
		id_set_add(set, id);
	}
	return 0;
}

/* Finds what a spec comes to there. `front` begins messages. Returns 1; 0: untold; -errno: wrong.
 */
static int spec_resolve(const struct checking *checking, enum spec_kind kind, const char *front,
			const char *word, const char *text, struct id_set *set)
{
	const struct topology *topology = checking->topology;
	struct spec_item item;
	struct error reason;
	struct error error;
	struct spec spec;
	int result = 1;

	*set = (struct id_set){0};
	spec_start(&spec, kind, text);
	while (spec_next(&spec, &item, NULL) > 0) {
		if (item.device != NULL)
			result = device_resolve(checking, word, item.device, set);
		else if (item_resolve(topology, &spec, &item, set, &reason) < 0)
			goto wrong;
	}
	if (spec.inverted && result > 0) {
		struct id_set rest = kind == SPEC_NODES ? topology->with_memory : topology->cpus;

		id_set_remove(&rest, set);
		*set = rest;
	}
	if (result <= 0 || !id_set_is_empty(set))
		return result;
	error_set(&reason, 0, "'%s' leaves no %s", text, spec_kind_noun(kind));
wrong:
	error_set(&error, 0, "%s%s", front, reason.text);
	tell(checking, true, word, error.text, NULL);
	return -EINVAL;
}

/* The CPUs of nodes that are known. */
static void nodes_to_cpus(const struct checking *checking, const struct id_set *nodes)
{
	const struct topology *topology = checking->topology;
	struct id_set *cpus = &checking->placement->cpus;
	char text[ID_SET_TEXT_SIZE];
	struct error error;

	for (size_t i = 0; i < topology->count; i++) {
		if (id_set_has(nodes, topology->at[i].id))
			id_set_join(cpus, &topology->at[i].cpus);
	}
	if (!id_set_is_empty(cpus))
		return;
	error_set(&error, 0, "node %s has no CPUs that are online in %s: name some by cpus=",
		  id_set_format(nodes, text, sizeof(text)), topology->path);
	tell(checking, true, checking->rule->nodes, error.text, NULL);
}

static void place(const struct checking *checking)
{
	const struct rule *rule = checking->rule;
	struct placement *placement = checking->placement;
	char text[ID_SET_TEXT_SIZE];
	struct id_set nodes = {0};
	struct error error;
	int result = 0;

	if (rule->nodes != NULL)
		result = spec_resolve(checking, SPEC_NODES, "", rule->nodes, rule->nodes, &nodes);
	if (rule->cpus != NULL)
		(void)spec_resolve(checking, SPEC_CPUS, "", rule->cpus, rule->cpus,
				   &placement->cpus);
	else if (result > 0)
		nodes_to_cpus(checking, &nodes);
	if (result <= 0)
		return;
	if (placement->mode == MEMORY_PREFERRED && id_set_count(&nodes) != 1) {
		error_set(&error, 0, "mem=preferred takes one node, not %s: use mem=preferred-many",
			  id_set_format(&nodes, text, sizeof(text)));
		tell(checking, true, rule->nodes, error.text, NULL);
	}
	if (placement->mode != MEMORY_LOCAL)
		placement->nodes = nodes;
}

/* Where the rule does not bind the memory, that of any node will do. */
static void huge_pages_check_there(const struct checking *checking)
{
	const struct topology *topology = checking->topology;
	const struct placement *placement = checking->placement;
	const struct rule *rule = checking->rule;
	bool bound = placement->sets_memory && !id_set_is_empty(&placement->nodes) &&
		     (placement->mode == MEMORY_BIND || placement->mode == MEMORY_INTERLEAVE);
	const struct id_set *nodes = bound ? &placement->nodes : &topology->nodes;
	char size[SIZE_TEXT_SIZE];
	char text[ID_SET_TEXT_SIZE];
	struct error error;
	bool known;

	if (rule->huge_page == 0)
		return;
	size_format(rule->huge_page, size);
	id_set_format(nodes, text, sizeof(text));
	if (!topology->pages_known) {
		error_set(&error, 0, "%s does not tell what huge pages there are", topology->path);
		tell(checking, false, rule->hugepages, error.text, NULL);
	} else if (topology_pages(topology, nodes, rule->huge_page, &known) == 0) {
		error_set(&error, 0,
			  known ? "%s: no pages of %s are allocated on node %s%s"
				: "%s: there are no pages of %s on node %s%s",
			  topology->path, size, text,
			  rule->huge_pages_preferred ? "; guests get normal pages"
			  : known                    ? ": as it stood, guests do not start"
						     : "");
		tell(checking, !known && !rule->huge_pages_preferred, rule->hugepages, error.text,
		     NULL);
	}
}

static void irq_check(const struct checking *checking, const char *irq)
{
	static const char vfio[] = "vfio";
	char address[DEVICE_NAME_SIZE];
	char name[DEVICE_NAME_SIZE];
	enum topology_found found;
	unsigned int kinds = TOPOLOGY_NET | TOPOLOGY_BLOCK;
	const char *nearest;
	struct error reason;
	struct error front;
	struct error error;
	struct id_set ids;
	size_t length;
	const char *cpus = rule_irq_cpus(irq, &length);
	bool missing;

	error_set(&front, 0, "irq=%s: ", irq);
	if (cpus != NULL)
		(void)spec_resolve(checking, SPEC_CPUS, front.text, irq, cpus, &ids);
	snprintf(name, sizeof(name), "%.*s", (int)length, irq);
	if (strcmp(name, vfio) == 0 || device_is_mediated(name))
		return;
	if (device_pci_address(name, length, address))
		kinds = TOPOLOGY_PCI;
	found = topology_device_find(checking->topology, kinds, name, &ids, &nearest);
	if (found == TOPOLOGY_FOUND)
		return;
	missing = device_word(checking->topology, found, kinds, name, &reason);
	error_set(&error, 0, "%s%s", front.text, reason.text);
	tell(checking, missing, irq, error.text, nearest);
}

void topology_check(const struct topology *topology, const struct rule *rule,
		    struct placement *placement, finding_report *report, void *context)
{
	struct checking checking = {topology, rule, placement, report, context};

	*placement = (struct placement){
	    .sets_cpus = rule->nodes != NULL || rule->cpus != NULL,
	    .sets_memory = rule->nodes != NULL || rule->memory_given,
	    .mode = rule->memory,
	};
	place(&checking);
	huge_pages_check_there(&checking);
	for (size_t i = 0; i < rule->irq_count; i++)
		irq_check(&checking, rule->irqs[i]);
}
