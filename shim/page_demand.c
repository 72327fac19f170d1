#include "page_demand.h"
#include "size.h"
#include "spec.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

static const struct placement anywhere; /* it says nothing */

static int share_add(struct page_demand *demand, const struct id_set *nodes, uint64_t pages,
		     struct error *error)
{
	struct page_share *list = realloc(demand->shares, (demand->count + 1) * sizeof(*list));

	if (list == NULL)
		return error_set(error, -ENOMEM, "out of memory for the guest's huge pages");
	demand->shares = list;
	list[demand->count++] = (struct page_share){*nodes, pages};
	id_set_join(&demand->nodes, nodes);
	return 0;
}

/*
 * Pages that come from the nodes as they may, or evenly, as the kernel interleaves them; then
 * it is not known on which nodes those are that are left over.
 */
static int share_spread(struct page_demand *demand, const struct id_set *nodes, bool evenly,
			uint64_t pages, struct error *error)
{
	uint64_t each = evenly && !id_set_is_empty(nodes) ? pages / id_set_count(nodes) : 0;
	int result = 0;

	for (unsigned int node = 0; node <= SPEC_NODE_MAX && each > 0 && result == 0; node++) {
		struct id_set one = {0};

		if (!id_set_has(nodes, node))
			continue;
		id_set_add(&one, node);
		pages -= each;
		result = share_add(demand, &one, each, error);
	}
	return result < 0 || pages == 0 ? result : share_add(demand, nodes, pages, error);
}

static bool policy_is(const struct memory_object *object, const char *policy)
{
	return object->policy != NULL && strcmp(object->policy, policy) == 0;
}

static uint64_t pages_of(uint64_t size, uint64_t page)
{
	return (size + page - 1) / page;
}

/* Whether a file is on hugetlbfs with such pages, or will be: QEMU makes it, or one in it. */
static bool is_huge_file(const char *path, uint64_t page)
{
	const char *slash = strrchr(path, '/');
	char directory[PATH_MAX];
	struct statfs status;

	if (statfs(path, &status) < 0) {
		if (errno != ENOENT || slash == NULL || slash - path >= PATH_MAX - 1)
			return false;
		snprintf(directory, sizeof(directory), "%.*s", (int)(slash - path + 1), path);
		if (statfs(directory, &status) < 0)
			return false;
	}
	return status.f_type == HUGETLBFS_MAGIC && (uint64_t)status.f_bsize == page;
}

/* The pages that a file of its own still has to get. */
static uint64_t file_demand(const char *path, uint64_t size, uint64_t page)
{
	uint64_t pages = pages_of(size, page);
	struct stat status;
	uint64_t has = 0;

	if (!is_huge_file(path, page))
		return 0;
	if (stat(path, &status) == 0 && S_ISREG(status.st_mode))
		has = (uint64_t)status.st_blocks * 512 / page; /* of that unit: stat(2) */
	return has < pages ? pages - has : 0;
}

/* The pages of that size that an object takes without the rule. */
static uint64_t own_demand(const struct memory_object *object, uint64_t page)
{
	if (object->sparse)
		return 0;
	if (object->path != NULL)
		return file_demand(object->path, object->size, page);
	return object->hugetlb && object->hugetlb_size == page ? pages_of(object->size, page) : 0;
}

/* An object's own nodes go before those of the rule: QEMU binds its memory to them. */
static int object_demand(struct page_demand *demand, const struct memory_object *object,
			 const struct placement *placement, uint64_t pages, struct error *error)
{
	struct id_set nodes = object->nodes;
	bool evenly = policy_is(object, "interleave");
	int result = 0;

	if (policy_is(object, "preferred"))
		result = placement_memory_nodes(&anywhere, &nodes, &evenly, error);
	else if (id_set_is_empty(&nodes) || (!evenly && !policy_is(object, "bind")))
		result = placement_memory_nodes(placement, &nodes, &evenly, error);
	return result < 0 ? result : share_spread(demand, &nodes, evenly, pages, error);
}

static int objects_demand(struct page_demand *demand, const struct qemu_memory *qemu,
			  const struct placement *placement, struct error *error)
{
	char object_size[SIZE_TEXT_SIZE];
	char page_size[SIZE_TEXT_SIZE];
	int result = 0;

	for (size_t i = 0; i < qemu->count && result == 0; i++) {
		const struct memory_object *object = &qemu->objects[i].object;
		uint64_t own = own_demand(object, demand->page);
		uint64_t pages = 0;

		if (qemu_object_takes_pages(&qemu->objects[i], demand->page))
			pages = pages_of(object->size, demand->page);
		if (pages > 0 && object->size % demand->page != 0)
			return error_set(error, -EINVAL,
					 "the memory object '%.100s' is of %s, no multiple of %s",
					 object->id, size_format(object->size, object_size),
					 size_format(demand->page, page_size));
		demand->objects += pages;
		demand->others += own;
		result = object_demand(demand, object, placement, pages + own, error);
	}
	return result;
}

/* The RAM that is no object, on a file that QEMU makes up to whole pages. */
static int ram_demand(struct page_demand *demand, const struct qemu_memory *qemu,
		      const struct placement *placement, struct error *error)
{
	char ram[SIZE_TEXT_SIZE];
	char size[SIZE_TEXT_SIZE];
	struct id_set nodes;
	uint64_t own = 0;
	bool evenly;
	int result;

	if (qemu->path != NULL)
		own = file_demand(qemu->path, qemu->size, demand->page);
	else if (qemu->size == 0)
		return error_set(error, -EINVAL, "the size of -m cannot be read");
	else if (qemu->size < demand->page)
		return error_set(error, -EINVAL, "the guest's memory is %s, less than a page of %s",
				 size_format(qemu->size, ram), size_format(demand->page, size));
	else
		demand->ram = pages_of(qemu->size, demand->page);
	demand->others += own;
	result = placement_memory_nodes(placement, &nodes, &evenly, error);
	return result < 0 ? result : share_spread(demand, &nodes, evenly, demand->ram + own, error);
}

int page_demand_find(struct page_demand *demand, uint64_t page, const struct qemu_memory *qemu,
		     const struct placement *placement, struct error *error)
{
	int result;

	*demand = (struct page_demand){.page = page};
	result = objects_demand(demand, qemu, placement, error);
	return result < 0 || !qemu->by_size ? result : ram_demand(demand, qemu, placement, error);
}

/* What must come from these nodes and no others. */
static uint64_t pages_wanted(const struct page_demand *demand, const struct id_set *nodes)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < demand->count; i++) {
		if (id_set_holds(nodes, &demand->shares[i].nodes))
			sum += demand->shares[i].pages;
	}
	return sum;
}

/* Adds what the nodes must have and what they have, if that is less. */
static void lack_add(const struct page_demand *demand, const struct huge_supply *supply,
		     const struct id_set *nodes, char *text, size_t size)
{
	char list[ID_SET_TEXT_SIZE];
	uint64_t wanted = pages_wanted(demand, nodes);
	uint64_t has = huge_supply_of(supply, nodes);

	if (wanted <= has)
		return;
	text_add(text, size, "%snode %s must have %" PRIu64 " free and has %" PRIu64,
		 *text != '\0' ? "; " : "", id_set_format(nodes, list, sizeof(list)), wanted, has);
	if (id_set_count(nodes) > 1)
		text_add(text, size, " (%s)",
			 huge_supply_format(supply, nodes, list, sizeof(list)));
}

static bool is_first_of_its_nodes(const struct page_demand *demand, size_t index)
{
	for (size_t i = 0; i < index; i++) {
		if (id_set_equal(&demand->shares[i].nodes, &demand->shares[index].nodes))
			return false;
	}
	return true;
}

/* Adds the nodes of a share that has some of them, and others. Returns whether there was one. */
static bool group_grow(const struct page_demand *demand, struct id_set *group)
{
	for (size_t i = 0; i < demand->count; i++) {
		struct id_set common = demand->shares[i].nodes;

		id_set_cut(&common, group);
		if (id_set_is_empty(&common) || id_set_holds(group, &demand->shares[i].nodes))
			continue;
		id_set_join(group, &demand->shares[i].nodes);
		return true;
	}
	return false;
}

int page_demand_check(const struct page_demand *demand, const struct huge_supply *supply,
		      struct error *error)
{
	char text[ERROR_TEXT_SIZE / 2] = "";
	char size[SIZE_TEXT_SIZE];
	uint64_t all = demand->ram + demand->objects + demand->others;

	if (demand->ram + demand->objects == 0)
		return 0;
	for (size_t i = 0; i < demand->count; i++) {
		if (is_first_of_its_nodes(demand, i))
			lack_add(demand, supply, &demand->shares[i].nodes, text, sizeof(text));
	}
	/*
	 * Shares that have nodes in common may each have enough, and not all of them. Groups
	 * that are found in no such order are left to QEMU, which allocates before it starts.
	 */
	for (size_t i = 0; i < demand->count; i++) {
		struct id_set group = demand->shares[i].nodes;

		while (*text == '\0' && group_grow(demand, &group))
			lack_add(demand, supply, &group, text, sizeof(text));
	}
	size_format(demand->page, size);
	if (*text != '\0')
		return error_set(error, -ENOSPC,
				 "too few huge pages of %s: %s: raise nr_hugepages in "
				 "/sys/devices/system/node/nodeN/hugepages/hugepages-%" PRIu64 "kB",
				 size, text, demand->page / 1024);
	if (all > supply->available)
		return error_set(error, -ENOSPC,
				 "too few huge pages of %s: %" PRIu64
				 " are needed, and %u are both free and not reserved by others",
				 size, all, supply->available);
	return 0;
}

void page_demand_free(struct page_demand *demand)
{
	free(demand->shares);
	*demand = (struct page_demand){0};
}
