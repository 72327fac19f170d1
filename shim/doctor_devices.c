/* Interrupts, the network and disks. */
#include "doctor.h"
#include "error.h"
#include "file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ENVIRONMENT_MAX = 64 * 1024, LINE_SIZE = 1024, LIST_SIZE = 600 };

/* --- irqbalance --- */

/* The value of a variable in an environment as the kernel shows it; NULL: there is none. */
static const char *variable_find(const char *environment, size_t size, const char *name)
{
	for (const char *at = environment; at < environment + size; at += strlen(at) + 1) {
		if (strncmp(at, name, strlen(name)) == 0 && at[strlen(name)] == '=')
			return at + strlen(name) + 1;
	}
	return NULL;
}

static void kernel_set_join(const char *sys, const char *name, struct id_set *set)
{
	char path[PATH_MAX];
	char text[LINE_SIZE];
	struct id_set more;

	snprintf(path, sizeof(path), "%s/devices/system/cpu/%s", sys, name);
	if (file_read(AT_FDCWD, path, text, sizeof(text)) > 0 && id_set_read(&more, text) == 0)
		id_set_join(set, &more);
}

/*
 * The CPUs that irqbalance keeps off, from the environment it was started with (setup_banned_cpus
 * in its cputree.c). Returns true, or false with the finding made of that.
 */
static bool banned_read(const struct doctor *doctor, struct finding *finding, struct id_set *banned)
{
	char path[PATH_MAX];
	char *text = malloc(ENVIRONMENT_MAX);
	const char *list;
	ssize_t length;
	bool result = true;

	*banned = (struct id_set){0};
	snprintf(path, sizeof(path), "%s/%d/environ", doctor->roots.proc, doctor->host.irqbalance);
	length = text == NULL ? -ENOMEM : file_read(AT_FDCWD, path, text, ENVIRONMENT_MAX);
	if (length < 0) {
		finding_is(finding, SEVERITY_UNKNOWN, "%s cannot be read: %s", path,
			   strerror((int)-length));
		free(text);
		return false;
	}
	list = variable_find(text, (size_t)length, "IRQBALANCE_BANNED_CPULIST");
	if (variable_find(text, (size_t)length, "IRQBALANCE_BANNED_CPUS") != NULL) {
		finding_is(finding, SEVERITY_UNKNOWN,
			   "irqbalance was given IRQBALANCE_BANNED_CPUS, which is deprecated, and "
			   "overrides IRQBALANCE_BANNED_CPULIST: set that instead");
		result = false;
	} else if (list != NULL && *list != '\0') {
		result = id_set_read(banned, list) == 0;
		if (!result)
			finding_is(finding, SEVERITY_UNKNOWN,
				   "IRQBALANCE_BANNED_CPULIST holds '%.100s', which is no list",
				   list);
	} else {
		kernel_set_join(doctor->roots.sys, "isolated", banned);
		kernel_set_join(doctor->roots.sys, "nohz_full", banned);
	}
	free(text);
	return result;
}

static void irqbalance_look_at(const struct doctor *doctor, struct finding *finding)
{
	const struct id_set *isolated = &doctor->needs.isolated;
	char path[PATH_MAX];
	char list[LIST_SIZE];
	struct id_set banned;

	if (!doctor->needs.interrupts) {
		finding_is(finding, SEVERITY_SKIPPED, "no rule has irq= or isolate");
		return;
	}
	if (doctor->host.irqbalance == 0) {
		snprintf(finding->present, sizeof(finding->present), "not running");
		return;
	}
	snprintf(finding->present, sizeof(finding->present), "running");
	/* Of single interrupts the agent tells it. */
	if (id_set_is_empty(isolated) || !banned_read(doctor, finding, &banned))
		return;
	snprintf(finding->present, sizeof(finding->present), "running, CPUs banned: %s",
		 id_set_format(&banned, list, sizeof(list)));
	if (id_set_holds(&banned, isolated))
		return;
	id_set_join(&banned, isolated);
	id_set_format(&banned, list, sizeof(list));
	snprintf(finding->wanted, sizeof(finding->wanted), "%.100s", list);
	snprintf(path, sizeof(path), "%s/sysconfig/irqbalance", doctor->etc);
	snprintf(finding->command, sizeof(finding->command),
		 "echo IRQBALANCE_BANNED_CPULIST=%s >>%s/%s/irqbalance && systemctl restart "
		 "irqbalance",
		 list, doctor->etc, access(path, F_OK) == 0 ? "sysconfig" : "default");
	finding_is(
	    finding, SEVERITY_BAD,
	    "rules with isolate keep interrupts off CPUs %s, and irqbalance moves them there "
	    "again: the agent can tell it of single interrupts only",
	    id_set_format(isolated, list, sizeof(list)));
}

/* --- bridges --- */

static void bridge_look(const struct doctor *doctor, struct finding *finding)
{
	static const char *const tables[] = {"iptables", "ip6tables", "arptables"};
	char present[sizeof(finding->present)] = "";
	char command[sizeof(finding->command)] = "";

	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		char path[64];
		uint64_t value;

		snprintf(path, sizeof(path), "sys/net/bridge/bridge-nf-call-%s", tables[i]);
		if (!finding_read_number(finding, doctor->roots.proc, path, &value)) {
			if (finding->severity == SEVERITY_SKIPPED)
				finding_is(finding, SEVERITY_SKIPPED,
					   "the module br_netfilter is not loaded");
			return;
		}
		text_add(present, sizeof(present), "%s%s %u", i > 0 ? ", " : "", tables[i],
			 value != 0);
		if (value != 0)
			text_add(command, sizeof(command), " net.bridge.bridge-nf-call-%s=0",
				 tables[i]);
	}
	strcpy(finding->present, present);
	if (*command == '\0')
		return;
	snprintf(finding->wanted, sizeof(finding->wanted), "0");
	snprintf(finding->command, sizeof(finding->command), "sysctl -w%.*s", 1000, command);
	finding_is(finding, SEVERITY_NOTICE,
		   "each packet of a guest on a bridge goes through the host's own firewall: that "
		   "costs CPU time, and a rule meant for the host may drop it. Leave it where "
		   "guests or containers are filtered by it, or nothing filters them any more: "
		   "libvirt's <filterref>, security groups of OpenStack, Docker, Kubernetes");
}

/* --- disks --- */

struct disks {
	const char *sys;
	char names[512]; /* of those with a scheduler that is not for a host of guests */
	char wrong[256]; /* the same, and which schedulers these are */
	char kinds[128]; /* the schedulers of all disks, each once */
	unsigned int count;
	bool modern; /* those that are wrong could all have mq-deadline */
};

/* Whether the scheduler is one that sorts for seeks, or for fairness between processes. */
static bool scheduler_is_wrong(const char *scheduler, bool rotates)
{
	return strcmp(scheduler, "cfq") == 0 || (strcmp(scheduler, "bfq") == 0 && !rotates);
}

/* virtio says of its disks that they rotate, for it does not know. */
static bool disk_rotates(const char *sys, const char *name)
{
	struct finding unused = {0};
	char path[PATH_MAX];
	uint64_t rotates;

	snprintf(path, sizeof(path), "block/%s/queue/rotational", name);
	return strncmp(name, "vd", 2) != 0 && finding_read_number(&unused, sys, path, &rotates) &&
	       rotates != 0;
}

/* Returns false where it cannot be seen; then says so. */
static bool disk_look(struct disks *disks, struct finding *finding, const char *name)
{
	char path[PATH_MAX];
	char line[LINE_SIZE];
	char scheduler[64];

	snprintf(path, sizeof(path), "%s/block/%s/device", disks->sys, name);
	if (access(path, F_OK) < 0) /* loop, zram, dm and md have none */
		return true;
	snprintf(path, sizeof(path), "block/%s/queue/scheduler", name);
	finding->present[0] = '\0';
	if (!finding_read(finding, disks->sys, path, line, sizeof(line)) ||
	    !finding_read_choice(finding, disks->sys, path, scheduler, sizeof(scheduler))) {
		/* Without a choice of schedulers the file holds "none". */
		if (finding->severity == SEVERITY_UNKNOWN && strcmp(finding->present, "none") != 0)
			return false;
		finding_is(finding, SEVERITY_GOOD, "%s", "");
		strcpy(scheduler, "none");
	}
	disks->count++;
	if (strstr(disks->kinds, scheduler) == NULL)
		text_add(disks->kinds, sizeof(disks->kinds), "%s%s",
			 *disks->kinds == '\0' ? "" : ", ", scheduler);
	if (!scheduler_is_wrong(scheduler, disk_rotates(disks->sys, name)) ||
	    strlen(disks->names) + strlen(name) + 2 > sizeof(disks->names))
		return true;
	text_add(disks->wrong, sizeof(disks->wrong), "%s%s %s", *disks->names == '\0' ? "" : ", ",
		 name, scheduler);
	text_add(disks->names, sizeof(disks->names), " %s", name);
	disks->modern = disks->modern && strstr(line, "mq-deadline") != NULL;
	return true;
}

static void disks_look(const struct doctor *doctor, struct finding *finding)
{
	struct disks disks = {.sys = doctor->roots.sys, .modern = true};
	char path[PATH_MAX];
	struct dirent **entries = NULL;
	int count;
	bool seen = true;

	snprintf(path, sizeof(path), "%s/block", doctor->roots.sys);
	count = scandir(path, &entries, NULL, alphasort);
	for (int i = 0; i < count; i++) {
		seen = seen && (entries[i]->d_name[0] == '.' ||
				disk_look(&disks, finding, entries[i]->d_name));
		free(entries[i]);
	}
	free((void *)entries);
	if (!seen)
		return;
	if (disks.count == 0) {
		finding_is(finding, SEVERITY_SKIPPED, "this host has no disk");
		return;
	}
	snprintf(finding->present, sizeof(finding->present), "%u disk%s: %s", disks.count,
		 disks.count == 1 ? "" : "s", disks.kinds);
	if (*disks.names == '\0')
		return;
	strcpy(finding->present, disks.wrong);
	snprintf(finding->wanted, sizeof(finding->wanted), "mq-deadline or none");
	snprintf(finding->command, sizeof(finding->command),
		 "for disk in%s; do echo %s >/sys/block/$disk/queue/scheduler; done", disks.names,
		 disks.modern ? "mq-deadline" : "deadline");
	finding_is(finding, SEVERITY_NOTICE,
		   "the guests order their requests themselves; on%s the host orders them once "
		   "more, for the fairness of desktops, which costs CPU time and throughput",
		   disks.names);
}

void doctor_devices(const struct doctor *doctor, struct findings *findings)
{
	static const struct check checks[] = {
	    {"irqbalance", irqbalance_look_at},
	    {"bridge-nf-call-*", bridge_look},
	    {"I/O schedulers", disks_look},
	};

	checks_run(checks, sizeof(checks) / sizeof(checks[0]), "devices", doctor, findings);
}
