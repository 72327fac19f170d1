/* Limits of libvirt's services, from their own files; what is not set there is as libvirt has it.
 */
#include "doctor.h"
#include "number.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Those of libvirt 9.0 (its libvirtd.conf, virtlogd.conf and qemu.conf). */
enum {
	MAX_CLIENTS = 5000,
	MAX_WORKERS = 20,
	LOG_MAX_CLIENTS = 1024,
	PORT_MIN = 49152,
	PORT_MAX = 49215,
	PORT_LAST = 65535,
};

/*
 * Takes "KEY = NUMBER" out of a line, behind which a comment may stand (libvirt's
 * virConfParseStatement). Returns 1, 0 where it sets something else, or -EINVAL.
 */
static int line_read(char *line, const char *key, uint64_t *value)
{
	unsigned int number;
	size_t digits;

	line += strspn(line, " \t");
	if (strncmp(line, key, strlen(key)) != 0)
		return 0;
	line += strlen(key);
	line += strspn(line, " \t");
	if (*line != '=')
		return 0;
	line++;
	line += strspn(line, " \t");
	digits = number_read(line, UINT_MAX, &number);
	line += digits;
	line += strspn(line, " \t\r\n");
	if (digits == 0 || (*line != '\0' && *line != '#'))
		return -EINVAL;
	*value = number;
	return 1;
}

/*
 * Reads what a file of libvirt's sets; *value stays where it sets nothing. Returns true; or
 * false, the finding skipped (there is no such file) or unknown.
 */
static bool conf_read(const struct doctor *doctor, struct finding *finding, const char *name,
		      const char *key, uint64_t *value)
{
	char path[PATH_MAX];
	char *line = NULL;
	size_t size = 0;
	int result = 0;
	FILE *file;

	snprintf(path, sizeof(path), "%s/libvirt/%s", doctor->etc, name);
	file = fopen(path, "re");
	if (file == NULL) {
		if (errno == ENOENT)
			finding_is(finding, SEVERITY_SKIPPED, "there is no %s", path);
		else
			finding_is(finding, SEVERITY_UNKNOWN, "%s cannot be read: %s", path,
				   strerror(errno));
		return false;
	}
	while (result >= 0 && (errno = 0, getline(&line, &size, file)) > 0)
		result = line_read(line, key, value);
	if (result < 0)
		finding_is(finding, SEVERITY_UNKNOWN, "%s: what it sets for %s is no number", path,
			   key);
	else if (ferror(file)) {
		finding_is(finding, SEVERITY_UNKNOWN, "%s cannot be read: %s", path,
			   strerror(errno));
		result = -EIO;
	}
	free(line);
	fclose(file);
	return result >= 0;
}

/* Asks for a value that is as great as the guests are many. */
static void conf_look(const struct doctor *doctor, struct finding *finding, const char *file,
		      const char *service, const char *key, uint64_t value)
{
	unsigned int guests = doctor_guests(doctor);

	if (!conf_read(doctor, finding, file, key, &value))
		return;
	snprintf(finding->present, sizeof(finding->present), "%" PRIu64, value);
	snprintf(finding->wanted, sizeof(finding->wanted), "%u or more", guests);
	if (value >= guests) {
		doctor_guests_doubt(doctor, finding);
		return;
	}
	snprintf(finding->command, sizeof(finding->command),
		 "set %s = %u in %s/libvirt/%s; systemctl restart %s", key, guests, doctor->etc,
		 file, service);
	finding->severity = SEVERITY_NOTICE;
}

/* The service that has the guests: libvirt's one for all, or the one for QEMU alone. */
static const char *service_of(const struct doctor *doctor, const char **file)
{
	static const char modular[] = "virtqemud.conf";
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/libvirt/libvirtd.conf", doctor->etc);
	if (doctor->host.virtqemud || (!doctor->host.libvirtd && access(path, F_OK) < 0)) {
		*file = modular;
		return "virtqemud";
	}
	*file = "libvirtd.conf";
	return "libvirtd";
}

static void log_clients_look(const struct doctor *doctor, struct finding *finding)
{
	conf_look(doctor, finding, "virtlogd.conf", "virtlogd", "max_clients", LOG_MAX_CLIENTS);
	if (finding->severity == SEVERITY_NOTICE)
		finding_is(finding, SEVERITY_BAD,
			   "each guest that runs holds a connection to virtlogd for its log: of %u "
			   "guests the last do not start. Those that run lose their logs by the "
			   "restart (see virtlogd(8)): do it while none runs",
			   doctor_guests(doctor));
}

static void clients_look(const struct doctor *doctor, struct finding *finding)
{
	const char *file;
	const char *service = service_of(doctor, &file);

	conf_look(doctor, finding, file, service, "max_clients", MAX_CLIENTS);
	if (finding->severity == SEVERITY_NOTICE)
		finding_is(finding, SEVERITY_NOTICE,
			   "fewer clients than the %u guests may be connected at once, such as one "
			   "console or monitoring agent for each",
			   doctor_guests(doctor));
}

static void workers_look(const struct doctor *doctor, struct finding *finding)
{
	const char *file;
	const char *service = service_of(doctor, &file);

	conf_look(doctor, finding, file, service, "max_workers", MAX_WORKERS);
	if (finding->severity == SEVERITY_NOTICE)
		finding_is(
		    finding, SEVERITY_NOTICE,
		    "a call that waits for a guest keeps a worker: when so many guests hang "
		    "(at a storage that is gone, say), %s answers for none of the %u. Workers "
		    "are started as they are needed only",
		    service, doctor_guests(doctor));
}

static void ports_look(const struct doctor *doctor, struct finding *finding)
{
	unsigned int guests = doctor_guests(doctor);
	uint64_t first = PORT_MIN;
	uint64_t last = PORT_MAX;
	uint64_t ports;

	if (!conf_read(doctor, finding, "qemu.conf", "migration_port_min", &first) ||
	    !conf_read(doctor, finding, "qemu.conf", "migration_port_max", &last))
		return;
	snprintf(finding->present, sizeof(finding->present), "%" PRIu64 "-%" PRIu64, first, last);
	if (first == 0 || last > PORT_LAST || last < first) {
		finding_is(finding, SEVERITY_BAD,
			   "libvirt takes no such range of ports, and does not start");
		snprintf(finding->wanted, sizeof(finding->wanted), "%d-%d", PORT_MIN, PORT_MAX);
		snprintf(
		    finding->command, sizeof(finding->command),
		    "correct migration_port_min and migration_port_max in %s/libvirt/qemu.conf",
		    doctor->etc);
		return;
	}
	ports = last - first + 1;
	snprintf(finding->wanted, sizeof(finding->wanted), "%u ports or more", guests);
	if (ports >= guests) {
		doctor_guests_doubt(doctor, finding);
		return;
	}
	snprintf(finding->command, sizeof(finding->command),
		 "set migration_port_max = %" PRIu64
		 " in %s/libvirt/qemu.conf, open these ports in the firewall; systemctl restart "
		 "libvirtd (or virtqemud)",
		 first + guests - 1, doctor->etc);
	finding_is(finding, SEVERITY_NOTICE,
		   "no more than %" PRIu64
		   " guests can come in at once: when a host with %u guests "
		   "is emptied to this one, the others are refused meanwhile",
		   ports, guests);
}

void doctor_libvirt(const struct doctor *doctor, struct findings *findings)
{
	static const struct check checks[] = {
	    {"virtlogd: max_clients", log_clients_look},
	    {"libvirt: max_clients", clients_look},
	    {"libvirt: max_workers", workers_look},
	    {"libvirt: migration ports", ports_look},
	};

	checks_run(checks, sizeof(checks) / sizeof(checks[0]), "limits", doctor, findings);
}
