/* Memory: what the kernel moves, merges or swaps on its own. */
#include "doctor.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What the profile "virtual-host" of tuned sets for hosts of guests. */
enum { SWAPPINESS_MAX = 10 };

/*
 * It finds where a page belongs by taking it away from the process for a moment. Memory with a
 * policy of its own is left alone (task_numa_work asks vma_policy_mof, and set_mempolicy(2) sets
 * MPOL_F_MOF for MPOL_F_NUMA_BALANCING only), and so are huge pages of hugetlbfs: to a guest that
 * a rule gives nodes, it does nothing, good or bad. Others gain by it. So there is something to
 * be said of it only where there are no others.
 */
static void balancing_look(const struct doctor *doctor, struct finding *finding)
{
	uint64_t value;

	if (!doctor_has_nodes(doctor, finding) ||
	    !finding_read_number(finding, doctor->roots.proc, "sys/kernel/numa_balancing", &value))
		return;
	if (value == 0)
		return;
	if (!doctor->needs.catches_all) {
		finding_is(finding, SEVERITY_GOOD,
			   "the kernel leaves the memory of guests alone to which a rule gives "
			   "nodes, and guests without such a rule gain by it");
		return;
	}
	snprintf(finding->wanted, sizeof(finding->wanted), "0");
	snprintf(finding->command, sizeof(finding->command), "sysctl -w kernel.numa_balancing=0");
	finding_is(finding, SEVERITY_NOTICE,
		   "the policy gives nodes to all guests ('*'), and their memory the kernel leaves "
		   "alone; so no guest gains by this, and the host's other processes have the "
		   "faults by which it sees who uses a page");
}

static void reclaim_look(const struct doctor *doctor, struct finding *finding)
{
	uint64_t value;

	if (!doctor_has_nodes(doctor, finding) ||
	    !finding_read_number(finding, doctor->roots.proc, "sys/vm/zone_reclaim_mode", &value) ||
	    value == 0)
		return;
	snprintf(finding->wanted, sizeof(finding->wanted), "0");
	snprintf(finding->command, sizeof(finding->command), "sysctl -w vm.zone_reclaim_mode=0");
	finding_is(finding, SEVERITY_NOTICE,
		   "where a node is full, whoever allocates there first throws pages away%s, "
		   "although other nodes have free ones: what runs there stalls for it",
		   value & 4 ? " and swaps" : "");
}

/* Merged pages are on one node, and the guests that share them on any. */
static void ksm_look(const struct doctor *doctor, struct finding *finding)
{
	uint64_t run;
	uint64_t across;

	if (!doctor_has_nodes(doctor, finding) ||
	    !finding_read_number(finding, doctor->roots.sys, "kernel/mm/ksm/run", &run))
		return;
	if (run != 1) {
		snprintf(finding->present, sizeof(finding->present), "off");
		return;
	}
	if (!finding_read_number(finding, doctor->roots.sys, "kernel/mm/ksm/merge_across_nodes",
				 &across) ||
	    across == 0)
		return;
	snprintf(finding->wanted, sizeof(finding->wanted), "0");
	/* Documentation/admin-guide/mm/ksm.rst: only while there are no shared pages. */
	snprintf(finding->command, sizeof(finding->command),
		 "cd /sys/kernel/mm/ksm && echo 2 >run && echo 0 >merge_across_nodes && echo 1 "
		 ">run");
	finding_is(finding, doctor->needs.merges ? SEVERITY_BAD : SEVERITY_NOTICE,
		   "KSM runs, and makes one page of equal ones of guests on different nodes: for "
		   "all but one of them it is then remote, whatever the rule says%s. (All is "
		   "unmerged for the change: see to it that there is enough free memory.)",
		   doctor->needs.merges ? ""
					: "; no rule that binds memory lets KSM have it, though");
}

/* Whether anything can be swapped to: a second line in /proc/swaps. */
static bool swap_is_there(const char *proc)
{
	char path[PATH_MAX];
	char *line = NULL;
	size_t size = 0;
	size_t lines = 0;
	FILE *file;

	snprintf(path, sizeof(path), "%s/swaps", proc);
	file = fopen(path, "re");
	while (file != NULL && getline(&line, &size, file) > 0)
		lines++;
	free(line);
	if (file != NULL)
		fclose(file);
	return lines > 1;
}

static void swappiness_look(const struct doctor *doctor, struct finding *finding)
{
	uint64_t value;

	if (!doctor_has_nodes(doctor, finding))
		return;
	if (!swap_is_there(doctor->roots.proc) || !doctor->needs.binds) {
		finding_is(finding, SEVERITY_SKIPPED,
			   doctor->needs.binds ? "there is no swap" : "no rule binds memory");
		return;
	}
	if (!finding_read_number(finding, doctor->roots.proc, "sys/vm/swappiness", &value) ||
	    value <= SWAPPINESS_MAX)
		return;
	snprintf(finding->wanted, sizeof(finding->wanted), "%d or less", SWAPPINESS_MAX);
	snprintf(finding->command, sizeof(finding->command), "sysctl -w vm.swappiness=%d",
		 SWAPPINESS_MAX);
	finding_is(finding, SEVERITY_NOTICE,
		   "a guest that is bound to a full node is swapped out although other nodes have "
		   "free memory; %d is what tuned's profile virtual-host sets",
		   SWAPPINESS_MAX);
}

void doctor_memory(const struct doctor *doctor, struct findings *findings)
{
	static const struct check checks[] = {
	    {"kernel.numa_balancing", balancing_look},
	    {"vm.zone_reclaim_mode", reclaim_look},
	    {"ksm/merge_across_nodes", ksm_look},
	    {"vm.swappiness", swappiness_look},
	};

	checks_run(checks, sizeof(checks) / sizeof(checks[0]), "memory", doctor, findings);
}
