/*
 * What on this host works against the placement of guests. Nothing is changed: each finding has
 * the command that would. One topic a file: doctor_*.c.
 */
#ifndef SHIM_DOCTOR_H
#define SHIM_DOCTOR_H

#include "finding.h"
#include "host_guests.h"
#include "policy_needs.h"
#include "roots.h"

struct doctor {
	struct roots roots;   /* of proc and sys */
	const char *root;     /* in front of an emulator's path: "" */
	const char *etc;      /* "/etc" */
	const char *apparmor; /* "/etc/apparmor.d" */
	const char *shim;     /* where make install puts it */
	const char *full;     /* and what it becomes where a rule needs a library */
	const char *agent;    /* its socket */
	const char *machine;  /* uname(2) */
	unsigned int guests;  /* to check the limits for; 0: those that there are */
	struct policy_needs needs;
	/* Found by doctor_run(): */
	struct host_guests host;
	unsigned int nodes; /* NUMA nodes that are online; 0: it cannot be seen */
};

/* Looks at everything. `doctor->host` is to be freed by host_guests_free() then. */
void doctor_run(struct doctor *doctor, struct findings *findings);

/* The topics, each of which adds its findings. */
void doctor_placement(const struct doctor *doctor, struct findings *findings);
void doctor_emulators(const struct doctor *doctor, struct findings *findings);
void doctor_confinement(const struct doctor *doctor, struct findings *findings);
void doctor_memory(const struct doctor *doctor, struct findings *findings);
void doctor_pages(const struct doctor *doctor, struct findings *findings);
void doctor_devices(const struct doctor *doctor, struct findings *findings);
void doctor_limits(const struct doctor *doctor, struct findings *findings);
void doctor_inotify(const struct doctor *doctor, struct findings *findings);
void doctor_libvirt(const struct doctor *doctor, struct findings *findings);

/* One thing to look at, of a topic's table. */
struct check {
	const char *name;
	void (*look)(const struct doctor *doctor, struct finding *finding);
};

void checks_run(const struct check *checks, size_t count, const char *topic,
		const struct doctor *doctor, struct findings *findings);

/* Whether several nodes make a difference here; else the finding is skipped. */
bool doctor_has_nodes(const struct doctor *doctor, struct finding *finding);

/* The guests that limits are to be enough for, and of these those that do not run yet. */
unsigned int doctor_guests(const struct doctor *doctor);
unsigned int doctor_guests_to_come(const struct doctor *doctor);

/* What is enough for the guests that can be seen may not be for all: then it is unknown. */
void doctor_guests_doubt(const struct doctor *doctor, struct finding *finding);

#endif
