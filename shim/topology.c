#include "topology.h"
#include "bitmap_set.h"
#include "device.h"
#include "nearest.h"

#include <errno.h>
#include <hwloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void node_fill(struct topology *topology, struct topology_node *node, hwloc_obj_t object)
{
	const struct hwloc_numanode_attr_s *numa = &object->attr->numanode;

	node->id = object->os_index;
	bitmap_set(&node->cpus, object->cpuset);
	node->memory = numa->local_memory;
	for (unsigned int i = 0; i < numa->page_types_len && i < TOPOLOGY_PAGES_MAX; i++)
		node->pages[node->page_sizes++] =
		    (struct topology_pages){numa->page_types[i].size, numa->page_types[i].count};
	id_set_add(&topology->nodes, node->id);
	if (node->memory > 0)
		id_set_add(&topology->with_memory, node->id);
	topology->pages_known |= node->page_sizes > 0;
}

/* Whether the CPUs that both have are those of the first. */
static bool is_nearer(const struct topology_node *one, unsigned int one_count,
		      const struct topology_node *other, unsigned int other_count)
{
	return one_count != other_count ? one_count < other_count : one->id < other->id;
}

/*
 * hwloc gives a node without CPUs those of the nodes nearest to it. The kernel has each CPU in
 * one node only: in the one that has fewest, or of equal ones the first, for it numbers nodes
 * with CPUs before those that are memory alone.
 */
static int nodes_divide(struct topology *topology)
{
	struct id_set *cpus = calloc(topology->count + 1, sizeof(*cpus));
	unsigned int *counts = calloc(topology->count + 1, sizeof(*counts));
	int result = cpus == NULL || counts == NULL ? -ENOMEM : 0;

	for (size_t i = 0; result == 0 && i < topology->count; i++) {
		cpus[i] = topology->at[i].cpus;
		counts[i] = id_set_count(&cpus[i]);
	}
	for (size_t i = 0; result == 0 && i < topology->count; i++) {
		for (size_t j = 0; j < topology->count; j++) {
			if (i != j &&
			    is_nearer(&topology->at[j], counts[j], &topology->at[i], counts[i]))
				id_set_remove(&topology->at[i].cpus, &cpus[j]);
		}
	}
	free(counts);
	free(cpus);
	return result;
}

static int nodes_read(struct topology *topology)
{
	hwloc_topology_t hwloc = topology->hwloc;
	int count = hwloc_get_nbobjs_by_type(hwloc, HWLOC_OBJ_NUMANODE);
	hwloc_obj_t object = NULL;

	topology->at = calloc((size_t)(count > 0 ? count : 0) + 1, sizeof(*topology->at));
	if (topology->at == NULL)
		return -ENOMEM;
	while (topology->count < (size_t)count &&
	       (object = hwloc_get_next_obj_by_type(hwloc, HWLOC_OBJ_NUMANODE, object)) != NULL)
		node_fill(topology, &topology->at[topology->count++], object);
	topology->memory_known = !id_set_is_empty(&topology->with_memory);
	if (!topology->memory_known)
		topology->with_memory = topology->nodes;
	bitmap_set(&topology->cpus, hwloc_topology_get_topology_cpuset(hwloc));
	bitmap_set(&topology->all_cpus, hwloc_topology_get_complete_cpuset(hwloc));
	return nodes_divide(topology);
}

/* What hwloc says of a file it cannot read is of little help: mostly EINVAL. */
static int file_failed(const char *path, int code, struct error *error)
{
	struct stat status;

	if (stat(path, &status) < 0)
		code = errno;
	else if (!S_ISREG(status.st_mode))
		return error_set(error, -EINVAL, "%s: it is no regular file", path);
	else if (code == EINVAL || code == 0)
		return error_set(error, -EINVAL,
				 "%s: it is no topology that hwloc can read: make one on that host "
				 "by lstopo --whole-io host.xml",
				 path);
	return error_set(error, -code, "%s: the topology cannot be read: %s", path, strerror(code));
}

/* What hwloc has failed with, which it does not always say. */
static int hwloc_failed(void)
{
	return errno > 0 ? -errno : -EINVAL;
}

static int topology_load(struct topology *topology, const char *path)
{
	hwloc_topology_t hwloc;

	if (hwloc_topology_init(&hwloc) < 0)
		return -ENOMEM;
	topology->hwloc = hwloc;
	if (path != NULL && hwloc_topology_set_xml(hwloc, path) < 0)
		return hwloc_failed();
	hwloc_topology_set_flags(hwloc, HWLOC_TOPOLOGY_FLAG_INCLUDE_DISALLOWED);
	if (path != NULL)
		hwloc_topology_set_io_types_filter(hwloc, HWLOC_TYPE_FILTER_KEEP_ALL);
	return hwloc_topology_load(hwloc) < 0 ? hwloc_failed() : 0;
}

/*
 * Whether hwloc comes through the file: there are damaged ones by which it crashes (2.9, with
 * libxml2 and without). Another process goes first. Returns 0, or -EINVAL or what else it said.
 */
static int file_try(const char *path)
{
	const struct rlimit none = {0};
	struct topology topology = {0};
	int status = 0;
	pid_t child = fork();

	if (child == 0) {
		(void)setrlimit(RLIMIT_CORE, &none);
		(void)signal(SIGSEGV, SIG_DFL);
		/* What it complains of it says once more, to be read. */
		if (freopen("/dev/null", "we", stderr) == NULL)
			_exit(EIO);
		_exit(-topology_load(&topology, path) & 0x7f);
	}
	if (child < 0)
		return -errno;
	while (waitpid(child, &status, 0) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	return WIFEXITED(status) ? -WEXITSTATUS(status) : -EINVAL;
}

int topology_read(struct topology *topology, const char *path, struct error *error)
{
	struct stat status;
	int result = 0;

	*topology = (struct topology){.path = path};
	/* A FIFO would be waited for. */
	if (path != NULL && (stat(path, &status) < 0 || !S_ISREG(status.st_mode)))
		return file_failed(path, EINVAL, error);
	errno = 0;
	if (path != NULL)
		result = file_try(path);
	if (result == 0)
		result = topology_load(topology, path);
	if (result < 0 && result != -ENOMEM && path != NULL)
		return file_failed(path, -result, error);
	if (result == 0)
		result = nodes_read(topology);
	if (result < 0)
		return error_set(error, result, "%s: the topology cannot be read: %s",
				 path != NULL ? path : "this host", strerror(-result));
	return 0;
}

uint64_t topology_memory(const struct topology *topology, const struct id_set *nodes)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < topology->count; i++) {
		if (id_set_has(nodes, topology->at[i].id))
			sum += topology->at[i].memory;
	}
	return sum;
}

uint64_t topology_pages(const struct topology *topology, const struct id_set *nodes, uint64_t size,
			bool *known)
{
	uint64_t sum = 0;

	*known = false;
	for (size_t i = 0; i < topology->count; i++) {
		const struct topology_node *node = &topology->at[i];

		for (size_t j = 0; id_set_has(nodes, node->id) && j < node->page_sizes; j++) {
			if (node->pages[j].size != size)
				continue;
			*known = true;
			sum += node->pages[j].count;
		}
	}
	return sum;
}

/* What kind of device the object is; 0: none that can be asked for. */
static unsigned int kind_of(hwloc_obj_t object)
{
	if (object->type == HWLOC_OBJ_PCI_DEVICE)
		return TOPOLOGY_PCI;
	if (object->attr->osdev.type == HWLOC_OBJ_OSDEV_NETWORK)
		return TOPOLOGY_NET;
	return object->attr->osdev.type == HWLOC_OBJ_OSDEV_BLOCK ? TOPOLOGY_BLOCK : 0;
}

static bool is_named(hwloc_obj_t object, const char *name)
{
	const struct hwloc_pcidev_attr_s *pci = &object->attr->pcidev;
	char wanted[DEVICE_NAME_SIZE];
	char address[DEVICE_NAME_SIZE];

	if (object->type != HWLOC_OBJ_PCI_DEVICE)
		return object->name != NULL && strcmp(object->name, name) == 0;
	snprintf(address, sizeof(address), "%04x:%02x:%02x.%x", (unsigned int)pci->domain,
		 (unsigned int)pci->bus, (unsigned int)pci->dev, (unsigned int)pci->func);
	return device_pci_address(name, strlen(name), wanted) && strcmp(wanted, address) == 0;
}

/* What hangs at the machine itself is as near to all nodes, or nobody knows to which. */
static void nodes_near(const struct topology *topology, hwloc_obj_t device, struct id_set *nodes)
{
	hwloc_obj_t at = hwloc_get_non_io_ancestor_obj(topology->hwloc, device);

	bitmap_set(nodes, at->nodeset);
	id_set_cut(nodes, &topology->nodes);
	if (topology->count > 1 && at->type == HWLOC_OBJ_MACHINE)
		*nodes = (struct id_set){0};
}

enum topology_found topology_device_find(const struct topology *topology, unsigned int kinds,
					 const char *name, struct id_set *nodes,
					 const char **nearest_name)
{
	static const hwloc_obj_type_t types[] = {HWLOC_OBJ_OS_DEVICE, HWLOC_OBJ_PCI_DEVICE};
	enum topology_found found = TOPOLOGY_UNTOLD;
	struct nearest nearest = {0};

	*nodes = (struct id_set){0};
	*nearest_name = NULL;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		hwloc_obj_t object = NULL;

		while ((object = hwloc_get_next_obj_by_type(topology->hwloc, types[i], object)) !=
		       NULL) {
			if ((kind_of(object) & kinds) == 0)
				continue;
			if (is_named(object, name)) {
				nodes_near(topology, object, nodes);
				return TOPOLOGY_FOUND;
			}
			/* Of PCI devices lstopo exports only some, unless it is told. */
			if (types[i] == HWLOC_OBJ_PCI_DEVICE || object->name == NULL)
				continue;
			found = TOPOLOGY_MISSING;
			nearest_try(&nearest, name, strlen(name), object->name);
		}
	}
	*nearest_name = nearest.word;
	return found;
}

void topology_free(struct topology *topology)
{
	if (topology->hwloc != NULL)
		hwloc_topology_destroy(topology->hwloc);
	free(topology->at);
	*topology = (struct topology){0};
}
