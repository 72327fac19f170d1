/* Huge pages: those that rules ask for, and transparent ones. */
#include "doctor.h"
#include "error.h"
#include "file.h"
#include "number.h"
#include "size.h"
#include "spec.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

enum { NUMBER_TEXT_SIZE = 32 };

static void enabled_look(const struct doctor *doctor, struct finding *finding)
{
	char value[64];

	if (!finding_read_choice(finding, doctor->roots.sys,
				 "kernel/mm/transparent_hugepage/enabled", value, sizeof(value)) ||
	    strcmp(value, "never") != 0)
		return;
	snprintf(finding->wanted, sizeof(finding->wanted), "madvise");
	snprintf(finding->command, sizeof(finding->command),
		 "echo madvise >/sys/kernel/mm/transparent_hugepage/enabled");
	finding_is(
	    finding, SEVERITY_NOTICE,
	    "QEMU asks for huge pages for its guests' memory (MADV_HUGEPAGE), and gets none: "
	    "each miss of the TLB costs more. It does not matter for guests that have "
	    "hugepages= in their rule");
}

static void defrag_look(const struct doctor *doctor, struct finding *finding)
{
	char value[64];

	if (!finding_read_choice(finding, doctor->roots.sys,
				 "kernel/mm/transparent_hugepage/defrag", value, sizeof(value)) ||
	    strcmp(value, "always") != 0)
		return;
	snprintf(finding->wanted, sizeof(finding->wanted), "madvise");
	snprintf(finding->command, sizeof(finding->command),
		 "echo madvise >/sys/kernel/mm/transparent_hugepage/defrag");
	finding_is(finding, SEVERITY_NOTICE,
		   "whoever touches memory first waits until the kernel has made a huge page free, "
		   "also the host's own processes, which have not asked for one");
}

static void khugepaged_look(const struct doctor *doctor, struct finding *finding)
{
	uint64_t value;

	if (!finding_read_number(finding, doctor->roots.sys,
				 "kernel/mm/transparent_hugepage/khugepaged/defrag", &value) ||
	    value != 0)
		return;
	snprintf(finding->wanted, sizeof(finding->wanted), "1");
	snprintf(finding->command, sizeof(finding->command),
		 "echo 1 >/sys/kernel/mm/transparent_hugepage/khugepaged/defrag");
	finding_is(finding, SEVERITY_NOTICE,
		   "khugepaged may not move pages to make a huge one free: what guests did not get "
		   "at once they hardly get later");
}

/* Reads how many pages of that size a node has been given. Returns 0 or -errno. */
static int pool_read(const char *sys, unsigned int node, uint64_t size, unsigned int *pages)
{
	char path[PATH_MAX];
	char text[NUMBER_TEXT_SIZE];
	ssize_t length;
	size_t digits;

	snprintf(path, sizeof(path),
		 "%s/devices/system/node/node%u/hugepages/hugepages-%" PRIu64 "kB/nr_hugepages",
		 sys, node, size / 1024);
	length = file_read(AT_FDCWD, path, text, sizeof(text));
	*pages = 0;
	if (length < 0) /* a node without memory has no such file */
		return length == -ENOENT ? 0 : (int)length;
	digits = number_read(text, UINT_MAX, pages);
	return digits > 0 && strcmp(text + digits, "\n") == 0 ? 0 : -EIO;
}

static void pool_look(const struct doctor *doctor, const struct policy_pool *pool,
		      struct finding *finding)
{
	struct id_set empty = {0};
	char text[SIZE_TEXT_SIZE];
	char nodes[64];
	bool lacking;

	for (unsigned int node = 0; node <= SPEC_NODE_MAX; node++) {
		unsigned int pages;
		int result;

		if (!id_set_has(&pool->nodes, node))
			continue;
		result = pool_read(doctor->roots.sys, node, pool->size, &pages);
		if (result < 0) {
			finding_is(finding, SEVERITY_UNKNOWN,
				   "the pool of node %u cannot be read: %s", node,
				   strerror(-result));
			return;
		}
		text_add(finding->present, sizeof(finding->present), "%snode %u: %u",
			 *finding->present == '\0' ? "" : ", ", node, pages);
		if (pages == 0)
			id_set_add(&empty, node);
	}
	if (id_set_is_empty(&empty))
		return;
	lacking = pool->evenly || id_set_equal(&empty, &pool->nodes);
	size_format(pool->size, text);
	id_set_format(&empty, nodes, sizeof(nodes));
	snprintf(finding->wanted, sizeof(finding->wanted), "some on node %s", nodes);
	for (unsigned int node = 0; node <= SPEC_NODE_MAX; node++) {
		/* No more lines than fit whole. */
		if (id_set_has(&empty, node) && strlen(finding->command) < 900)
			text_add(finding->command, sizeof(finding->command),
				 "%secho PAGES >/sys/devices/system/node/node%u/hugepages/"
				 "hugepages-%" PRIu64 "kB/nr_hugepages",
				 *finding->command == '\0' ? "" : "\n", node, pool->size / 1024);
	}
	finding_is(finding, lacking && !pool->preferred ? SEVERITY_BAD : SEVERITY_NOTICE,
		   "%s asks for huge pages of %s there, of which node %s has none: %s. Best is to "
		   "do this as the host boots, before memory is in pieces",
		   pool->rule, text, nodes,
		   !lacking          ? "those of the other nodes have to do"
		   : pool->preferred ? "its guests start on normal pages"
				     : "its guests do not start");
}

static void pools_look(const struct doctor *doctor, struct findings *findings)
{
	const struct policy_needs *needs = &doctor->needs;
	struct finding *finding;

	for (size_t i = 0; i < needs->pool_count; i++) {
		char size[SIZE_TEXT_SIZE];
		char name[64];

		snprintf(name, sizeof(name), "huge pages of %s",
			 size_format(needs->pools[i].size, size));
		finding = findings_add(findings, "memory", name);
		if (finding != NULL)
			pool_look(doctor, &needs->pools[i], finding);
	}
	if (needs->pool_count > 0)
		return;
	finding = findings_add(findings, "memory", "huge pages");
	if (finding != NULL)
		finding_is(finding, SEVERITY_SKIPPED, "no rule asks for huge pages");
}

void doctor_pages(const struct doctor *doctor, struct findings *findings)
{
	static const struct check checks[] = {
	    {"transparent_hugepage/enabled", enabled_look},
	    {"transparent_hugepage/defrag", defrag_look},
	    {"khugepaged/defrag", khugepaged_look},
	};

	pools_look(doctor, findings);
	checks_run(checks, sizeof(checks) / sizeof(checks[0]), "memory", doctor, findings);
}
