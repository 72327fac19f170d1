/* What placement itself takes: nodes that can be seen, a policy, the agent. */
#include "agent.h"
#include "doctor.h"
#include "file.h"
#include "number.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LINE_SIZE = 4096 };

/* The packages (sockets) whose CPUs are there; none where the kernel numbers none. */
static void packages_find(const char *sys, struct id_set *packages)
{
	char path[PATH_MAX];
	struct dirent *entry;
	DIR *directory;

	*packages = (struct id_set){0};
	snprintf(path, sizeof(path), "%s/devices/system/cpu", sys);
	directory = opendir(path);
	while (directory != NULL && (entry = readdir(directory)) != NULL) {
		char name[sizeof(entry->d_name) + sizeof("/topology/physical_package_id")];
		char text[LINE_SIZE];
		unsigned int package;

		if (strncmp(entry->d_name, "cpu", 3) != 0)
			continue;
		snprintf(name, sizeof(name), "%s/topology/physical_package_id", entry->d_name);
		if (file_read(dirfd(directory), name, text, sizeof(text)) > 0 &&
		    number_read(text, INT_MAX, &package) > 0)
			id_set_add(packages, package);
	}
	if (directory != NULL)
		closedir(directory);
}

/* Whether a word stands in the first line of `path` that begins with `front`. */
static bool line_has_word(const char *proc, const char *name, const char *front, const char *word)
{
	char path[PATH_MAX];
	char *line = NULL;
	size_t size = 0;
	bool found = false;
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", proc, name);
	file = fopen(path, "re");
	while (file != NULL && getline(&line, &size, file) > 0) {
		char *save = NULL;

		if (strncmp(line, front, strlen(front)) != 0)
			continue;
		for (char *part = strtok_r(line, " \t\n", &save); part != NULL && !found;
		     part = strtok_r(NULL, " \t\n", &save))
			found = strcmp(part, word) == 0;
		break;
	}
	free(line);
	if (file != NULL)
		fclose(file);
	return found;
}

static void nodes_look(const struct doctor *doctor, struct finding *finding)
{
	struct id_set packages;
	unsigned int count;

	packages_find(doctor->roots.sys, &packages);
	count = id_set_count(&packages);
	if (doctor->nodes == 0) {
		finding_is(finding, SEVERITY_UNKNOWN,
			   "%s/devices/system/node/online cannot be read", doctor->roots.sys);
		return;
	}
	snprintf(finding->present, sizeof(finding->present), "%u, %u package%s", doctor->nodes,
		 count, count == 1 ? "" : "s");
	if (doctor->nodes > 1 || count < 2)
		return;
	snprintf(finding->wanted, sizeof(finding->wanted), "%u or more", count);
	if (line_has_word(doctor->roots.proc, "cmdline", "", "numa=off")) {
		finding_is(
		    finding, SEVERITY_BAD,
		    "the kernel was started with numa=off, and shows all memory as one node: "
		    "no rule can tell the nodes apart");
		snprintf(finding->command, sizeof(finding->command),
			 "take numa=off from the kernel's command line, and reboot");
	} else if (line_has_word(doctor->roots.proc, "cpuinfo", "flags", "hypervisor")) {
		finding_is(
		    finding, SEVERITY_NOTICE,
		    "this host is a guest itself, whose hypervisor gives it several packages "
		    "but shows it no nodes: a rule can tell none apart");
		snprintf(finding->command, sizeof(finding->command),
			 "give this guest nodes (libvirt: <numa><cell .../></numa> in <cpu>)");
	} else {
		finding_is(finding, SEVERITY_BAD,
			   "the firmware spreads all memory line by line over the packages, and "
			   "shows them as one node: half of each guest's memory or more is remote, "
			   "whatever its rule says");
		snprintf(finding->command, sizeof(finding->command),
			 "in the firmware's setup: Node Interleaving: Disabled (NUMA: Enabled; on "
			 "AMD EPYC: NUMA nodes per socket: NPS1 or more)");
	}
}

static void policy_look(const struct doctor *doctor, struct finding *finding)
{
	const struct policy_needs *needs = &doctor->needs;

	snprintf(finding->present, sizeof(finding->present), "%zu rule%s, %zu error%s",
		 needs->rules, needs->rules == 1 ? "" : "s", needs->errors,
		 needs->errors == 1 ? "" : "s");
	if (needs->errors > 0) {
		snprintf(finding->wanted, sizeof(finding->wanted), "no error");
		snprintf(finding->command, sizeof(finding->command), "guest-pinning check");
		finding_is(
		    finding, SEVERITY_BAD,
		    "a file that is ignored places nobody; a rule that is not in order, or asks "
		    "for what this host does not have, keeps the guests that its glob matches "
		    "from starting (with best-effort, from being placed)");
	} else if (needs->rules == 0) {
		snprintf(finding->wanted, sizeof(finding->wanted), "a rule");
		snprintf(finding->command, sizeof(finding->command), "editor " POLICY_PATH);
		finding_is(finding, SEVERITY_NOTICE, "%s, so no guest is placed",
			   needs->missing ? "there is no policy" : "the policy has no rule");
	}
}

static void agent_look(const struct doctor *doctor, struct finding *finding)
{
	int result = agent_is_there(doctor->agent);

	if (result == 0) {
		snprintf(finding->present, sizeof(finding->present), "running");
		return;
	}
	if (result == -EACCES || result == -EPERM) {
		finding_is(finding, SEVERITY_UNKNOWN,
			   "uid %u may not speak to the agent at %s: ask as root, or in the group "
			   "kvm",
			   geteuid(), doctor->agent);
		return;
	}
	snprintf(finding->present, sizeof(finding->present), "not running");
	if (!doctor->needs.agent) {
		finding_is(finding, SEVERITY_SKIPPED, "it does not run, and no rule needs it");
		return;
	}
	snprintf(finding->wanted, sizeof(finding->wanted), "running");
	snprintf(finding->command, sizeof(finding->command),
		 "systemctl enable --now guest-pinningd.socket");
	finding_is(finding, SEVERITY_BAD,
		   "%s: %s; without the agent, libvirt cannot start a guest whose rule gives it "
		   "CPUs, interrupts or a priority",
		   doctor->agent, strerror(-result));
}

void doctor_placement(const struct doctor *doctor, struct findings *findings)
{
	static const struct check checks[] = {
	    {"policy", policy_look},
	    {"agent", agent_look},
	    {"NUMA nodes", nodes_look},
	};

	checks_run(checks, sizeof(checks) / sizeof(checks[0]), "placement", doctor, findings);
}
