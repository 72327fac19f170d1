/* Limits of the kernel that many guests together come to. */
#include "doctor.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * What a guest takes that does not run yet. Of asynchronous I/O: MAX_EVENTS of QEMU's
 * block/linux-aio.c, for each event loop with disks of aio=native. Threads:
 * THREAD_POOL_MAX_THREADS_DEFAULT of QEMU's block/thread-pool.h, and virtual CPUs, the main
 * thread and the like. Descriptors: 17 were seen with one disk and no network; each queue of a
 * vhost interface takes some.
 */
enum {
	EVENTS_OF_GUEST = 1024,
	WORKERS_OF_GUEST = 64,
	THREADS_OF_GUEST = WORKERS_OF_GUEST + 32,
	FILES_OF_GUEST = 128,
};

/* What is in use of what the kernel counts, and what a guest takes more. */
struct limit {
	const char *path; /* in /proc/sys; the sysctl's name is that of the finding */
	uint64_t used;
	uint64_t each;
	enum severity severity; /* where it is not enough */
	const char *what;       /* "a pty, its console" */
	const char *otherwise;
};

static void limit_look(const struct doctor *doctor, struct finding *finding,
		       const struct limit *limit)
{
	unsigned int more = doctor_guests_to_come(doctor);
	uint64_t wanted = limit->used + limit->each * more;
	uint64_t most;

	if (!finding_read_number(finding, doctor->roots.proc, limit->path, &most))
		return;
	snprintf(finding->present, sizeof(finding->present),
		 most == UINT64_MAX ? "%" PRIu64 " used" : "%" PRIu64 " of %" PRIu64 " used",
		 limit->used, most);
	snprintf(finding->wanted, sizeof(finding->wanted), "%" PRIu64 " or more", wanted);
	if (most >= wanted) {
		doctor_guests_doubt(doctor, finding);
		return;
	}
	snprintf(finding->command, sizeof(finding->command), "sysctl -w %s=%" PRIu64, finding->name,
		 wanted);
	finding_is(finding, limit->severity,
		   "%u more of %u guests take up to %" PRIu64 " each (%s); when there are none "
		   "left, %s",
		   more, doctor_guests(doctor), limit->each, limit->what, limit->otherwise);
}

static void aio_look(const struct doctor *doctor, struct finding *finding)
{
	struct limit limit = {
	    .path = "sys/fs/aio-max-nr",
	    .each = EVENTS_OF_GUEST,
	    .severity = SEVERITY_NOTICE,
	    .what = "for disks with io='native', and as many for each I/O thread",
	    .otherwise = "QEMU does without io='native', by slower threads",
	};

	if (finding_read_number(finding, doctor->roots.proc, "sys/fs/aio-nr", &limit.used))
		limit_look(doctor, finding, &limit);
}

static void pty_look(const struct doctor *doctor, struct finding *finding)
{
	struct limit limit = {
	    .path = "sys/kernel/pty/max",
	    .each = 1,
	    .severity = SEVERITY_BAD,
	    .what = "its console",
	    .otherwise = "no guest with a console starts",
	};

	if (finding_read_number(finding, doctor->roots.proc, "sys/kernel/pty/nr", &limit.used))
		limit_look(doctor, finding, &limit);
}

/* A number in a line, after the first '/' where there is one: "0.10 0.20 0.30 1/117 4711". */
static bool used_read(const struct doctor *doctor, struct finding *finding, const char *path,
		      uint64_t *used)
{
	char text[256];
	char *slash;
	char *number;

	if (!finding_read(finding, doctor->roots.proc, path, text, sizeof(text)))
		return false;
	slash = strchr(text, '/');
	number = slash != NULL ? slash + 1 : text;
	number[strcspn(number, " \t")] = '\0';
	return finding_number(finding, number, path, used);
}

static void file_look(const struct doctor *doctor, struct finding *finding)
{
	struct limit limit = {
	    .path = "sys/fs/file-max",
	    .each = FILES_OF_GUEST,
	    .severity = SEVERITY_BAD,
	    .what = "open files: disks, event descriptors, queues of its network",
	    .otherwise = "nothing on this host can open a file",
	};

	if (used_read(doctor, finding, "sys/fs/file-nr", &limit.used))
		limit_look(doctor, finding, &limit);
}

static void threads_look(const struct doctor *doctor, struct finding *finding, const char *path)
{
	struct limit limit = {
	    .path = path,
	    .each = THREADS_OF_GUEST,
	    .severity = SEVERITY_BAD,
	    .what = "64 of QEMU's workers under load, and 32 virtual CPUs and others",
	    .otherwise = "guests do not start, and QEMUs abort that need a worker",
	};

	if (used_read(doctor, finding, "loadavg", &limit.used))
		limit_look(doctor, finding, &limit);
}

static void pid_look(const struct doctor *doctor, struct finding *finding)
{
	threads_look(doctor, finding, "sys/kernel/pid_max");
}

static void thread_look(const struct doctor *doctor, struct finding *finding)
{
	threads_look(doctor, finding, "sys/kernel/threads-max");
}

void doctor_limits(const struct doctor *doctor, struct findings *findings)
{
	static const struct check checks[] = {
	    {"fs.aio-max-nr", aio_look},         {"fs.file-max", file_look},
	    {"kernel.pty.max", pty_look},        {"kernel.pid_max", pid_look},
	    {"kernel.threads-max", thread_look},
	};

	checks_run(checks, sizeof(checks) / sizeof(checks[0]), "limits", doctor, findings);
}
