/* A made-up host for guest-pinning doctor: nothing is wrong with it until a test says so. */
#ifndef DOCTOR_WORLD_H
#define DOCTOR_WORLD_H

#include "doctor.h"
#include "tree.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>

static struct doctor doctor;
static struct findings findings;
static char host_root[PATH_MAX + sizeof("/host")]; /* in front of the paths of emulators */

static inline struct id_set set_of(const char *list)
{
	struct id_set set;

	assert_int_equal(id_set_read(&set, list), 0);
	return set;
}

static inline void make_process(const char *pid, const char *comm)
{
	char path[PATH_MAX];
	char line[64];

	snprintf(path, sizeof(path), "proc/%s/comm", pid);
	snprintf(line, sizeof(line), "%s\n", comm);
	make_file(path, line);
}

/* A process that executes a file, which is not there, so that it is no shim. */
static inline void make_running(const char *pid, const char *comm, const char *executable)
{
	char path[PATH_MAX];
	char line[256];

	make_process(pid, comm);
	snprintf(path, sizeof(path), "proc/%s/exe", pid);
	make_link(executable, path);
	snprintf(path, sizeof(path), "proc/%s/cmdline", pid);
	make_bytes(path, "qemu\0-name\0web", sizeof("qemu\0-name\0web"));
	snprintf(path, sizeof(path), "proc/%s/stat", pid);
	snprintf(line, sizeof(line),
		 "%.16s (%.16s) S 1 1 1 0 -1 0 1 2 3 4 5 6 7 8 20 0 1 0 815 1 2 3 1 2 3 4 5 6 7 8 "
		 "9 10 11 17 18 0 0 0 0 0 0\n",
		 pid, comm);
	make_file(path, line);
}

/* What is read of a directory is an error, also for root. */
static inline void make_unreadable(const char *path)
{
	(void)unlink(path);
	make_directories(path);
	assert_int_equal(mkdir(path, 0755), 0);
}

static inline void make_nodes(const char *list)
{
	make_file("sys/devices/system/node/online", list);
}

/* One with two nodes and two packages, and a rule that binds. */
static inline int enter_world(void **state)
{
	if (enter_directory(state) < 0)
		return -1;
	snprintf(host_root, sizeof(host_root), "%s/host", directory);
	assert_int_equal(mkdir("host", 0755), 0);
	make_nodes("0-1\n");
	make_file("sys/devices/system/cpu/cpu0/topology/physical_package_id", "0\n");
	make_file("sys/devices/system/cpu/cpu1/topology/physical_package_id", "1\n");
	make_file("sys/devices/system/cpu/cpufreq/other", "\n");
	make_file("proc/cmdline", "root=/dev/vda ro\n");
	make_file("proc/cpuinfo", "processor\t: 0\nflags\t\t: fpu vmx\n");
	doctor = (struct doctor){
	    .roots = {.proc = "proc", .sys = "sys"},
	    .root = host_root,
	    .etc = "etc",
	    .apparmor = "etc/apparmor.d",
	    .shim = "shim",
	    .full = "full",
	    .agent = "agent.sock",
	    .machine = "x86_64",
	    .needs = {.rules = 1, .placing = 1, .binds = true, .merges = true},
	};
	findings = (struct findings){0};
	return 0;
}

static inline int leave_world(void **state)
{
	findings_free(&findings);
	host_guests_free(&doctor.host);
	return leave_directory(state);
}

/* Looks at all of the host anew, and returns what was found by that name. */
static inline const struct finding *look(const char *name)
{
	const struct finding *found = NULL;

	findings_free(&findings);
	host_guests_free(&doctor.host);
	doctor_run(&doctor, &findings);
	assert_false(findings.incomplete);
	for (size_t i = 0; i < findings.count; i++) {
		if (strcmp(findings.at[i].name, name) != 0)
			continue;
		assert_null(found);
		found = &findings.at[i];
	}
	if (found == NULL)
		fail_msg("nothing is said of %s", name);
	return found;
}

/* It must be of that severity; what is to be changed has a wanted value, a command, a reason. */
static inline const struct finding *check_is(const char *name, enum severity severity)
{
	const struct finding *found = look(name);

	if (found->severity != severity)
		fail_msg("%s: %s, not %s: present '%s', wanted '%s': %s", name,
			 severity_name(found->severity), severity_name(severity), found->present,
			 found->wanted, found->reason);
	if (severity == SEVERITY_GOOD)
		assert_string_equal(found->command, "");
	else
		assert_string_not_equal(found->reason, "");
	if (severity == SEVERITY_BAD || severity == SEVERITY_NOTICE) {
		assert_string_not_equal(found->present, "");
		assert_string_not_equal(found->wanted, "");
		assert_string_not_equal(found->command, "");
	}
	return found;
}

static inline void check_has(const char *text, const char *word)
{
	if (strstr(text, word) == NULL)
		fail_msg("no '%s' in '%s'", word, text);
}

/* Goes through what the file of a number may hold. */
static inline void check_number(const char *name, const char *path)
{
	static const char *const garbage[] = {"",      "\n",    "x\n",  "-1\n",
					      "1 2\n", "0x1\n", "01\n", "1.5\n"};

	for (size_t i = 0; i < LENGTH_OF(garbage); i++) {
		make_file(path, garbage[i]);
		check_is(name, SEVERITY_UNKNOWN);
	}
	make_unreadable(path);
	check_has(check_is(name, SEVERITY_UNKNOWN)->reason, "cannot be read");
	assert_int_equal(rmdir(path), 0);
	check_is(name, SEVERITY_SKIPPED);
}

#endif
