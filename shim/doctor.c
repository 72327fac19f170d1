#include "doctor.h"
#include "file.h"
#include "id_set.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>

/* A kernel that is built without NUMA has no such file, and one node. */
static unsigned int nodes_count(const char *sys)
{
	char path[PATH_MAX];
	char text[ID_SET_TEXT_SIZE];
	struct id_set nodes;
	ssize_t length;

	snprintf(path, sizeof(path), "%s/devices/system/node/online", sys);
	length = file_read(AT_FDCWD, path, text, sizeof(text));
	if (length == -ENOENT)
		return 1;
	return length < 0 || id_set_read(&nodes, text) < 0 ? 0 : id_set_count(&nodes);
}

void doctor_run(struct doctor *doctor, struct findings *findings)
{
	static void (*const topics[])(const struct doctor *, struct findings *) = {
	    doctor_placement, doctor_emulators, doctor_confinement, doctor_memory,  doctor_pages,
	    doctor_devices,   doctor_limits,    doctor_inotify,     doctor_libvirt,
	};

	doctor->nodes = nodes_count(doctor->roots.sys);
	if (host_guests_read(&doctor->host, &doctor->roots, doctor->etc) < 0)
		findings->incomplete = true;
	for (size_t i = 0; i < sizeof(topics) / sizeof(topics[0]); i++)
		topics[i](doctor, findings);
}

void checks_run(const struct check *checks, size_t count, const char *topic,
		const struct doctor *doctor, struct findings *findings)
{
	for (size_t i = 0; i < count; i++) {
		struct finding *finding = findings_add(findings, topic, checks[i].name);

		if (finding != NULL)
			checks[i].look(doctor, finding);
	}
}

bool doctor_has_nodes(const struct doctor *doctor, struct finding *finding)
{
	if (doctor->nodes != 1)
		return true;
	finding_is(finding, SEVERITY_SKIPPED, "this host has one NUMA node");
	return false;
}

unsigned int doctor_guests(const struct doctor *doctor)
{
	const struct host_guests *host = &doctor->host;

	if (doctor->guests > 0)
		return doctor->guests;
	return host->defined > host->running ? host->defined : host->running;
}

unsigned int doctor_guests_to_come(const struct doctor *doctor)
{
	unsigned int guests = doctor_guests(doctor);

	return guests > doctor->host.running ? guests - doctor->host.running : 0;
}

void doctor_guests_doubt(const struct doctor *doctor, struct finding *finding)
{
	if (doctor->host.defined_unknown && doctor->guests == 0)
		finding_is(finding, SEVERITY_UNKNOWN,
			   "enough for the %u guests that run, but how many are defined in "
			   "%s/libvirt/qemu may not be read: ask as root, or give --guests N",
			   doctor->host.running, doctor->etc);
}
