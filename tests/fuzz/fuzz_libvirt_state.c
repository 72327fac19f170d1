/*
 * libvirt's own file of a guest: the devices that it gives, and what it pins. As any XML, and as
 * one made with a known pin and a known device: "vcpupin 4-7", "0000:06:00.0".
 */
#include "device.h"
#include "fuzz.h"
#include "libvirt_state.h"
#include "pins.h"
#include "spec.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Looks at the devices. Returns whether the file is understood. */
static bool devices_check(const struct roots *roots)
{
	struct error error = {0};
	struct assigned devices;
	int result = libvirt_state_devices(roots, "guest", &devices, &error);

	REQUIRE((result < 0) == error_is_set(&error));
	REQUIRE(devices.count <= ASSIGNED_MAX);
	for (size_t i = 0; i < devices.count; i++) {
		char name[DEVICE_NAME_SIZE];

		REQUIRE(device_is_mediated(devices.names[i]) ||
			(device_pci_address(devices.names[i], strlen(devices.names[i]), name) &&
			 strcmp(name, devices.names[i]) == 0));
	}
	return result == 0;
}

/* Whether the pins are refused to a rule that has those CPUs and nodes. */
static bool is_refused(const struct roots *roots, bool unified, const struct id_set *ids)
{
	struct placement placement = {.sets_cpus = true, .sets_memory = true};
	struct error error = {0};
	int result;

	placement.cpus = *ids;
	placement.nodes = *ids;
	result = pins_check(roots, "guest", unified, &placement, &error);
	REQUIRE(result == (error_is_set(&error) ? -EINVAL : 0));
	return result < 0;
}

/* Where a pin stands, and where one like it would say nothing. */
static const struct place {
	const char *name;
	const char *before; /* up to its list, */
	const char *after;  /* and from there on */
	enum { NO_PIN, CPU_PIN, NODE_PIN } kind;
} places[] = {
    {"vcpu", "<domain><vcpu placement='static' cpuset='", "'>4</vcpu></domain>", CPU_PIN},
    {"vcpupin", "<domain><cputune><vcpupin vcpu='0' cpuset='", "'/></cputune></domain>", CPU_PIN},
    {"iothreadpin", "<domain><cputune><shares>1</shares><iothreadpin iothread='1' cpuset='",
     "'/></cputune></domain>", CPU_PIN},
    {"numad", "<numad nodeset='0' cpuset='", "'/><domain/>", CPU_PIN},
    {"memory", "<domain><numatune><memory mode='strict' nodeset='", "'/></numatune></domain>",
     NODE_PIN},
    {"memnode", "<domain><numatune><memnode cellid='0' nodeset='", "'/></numatune></domain>",
     NODE_PIN},
    {"emulatorpin", "<domain><cputune><emulatorpin cpuset='", "'/></cputune></domain>", NO_PIN},
    {"stray", "<domain><vcpupin vcpu='0' cpuset='", "'/></domain>", NO_PIN},
    {"elsewhere", "<domain><metadata><memory nodeset='", "'/></metadata></domain>", NO_PIN},
};

enum { PLACES = sizeof(places) / sizeof(places[0]) };

/* Reads "vcpupin 4-7"; what is no pin is one of a vCPU to CPU 7. */
static const struct place *pin_read(const char *line, const char **list, struct id_set *pin)
{
	for (size_t i = 0; i < PLACES; i++) {
		size_t length = strlen(places[i].name);

		if (strncmp(line, places[i].name, length) != 0 || line[length] != ' ')
			continue;
		*list = line + length + 1;
		if (id_set_read(pin, *list) == 0 && !id_set_is_empty(pin))
			return &places[i];
	}
	*list = "7";
	REQUIRE(id_set_read(pin, *list) == 0);
	return &places[1];
}

/* What must be said of a pin to a rule that has these CPUs and nodes. */
static bool is_beyond(const struct place *place, const struct id_set *pin, const struct id_set *ids,
		      bool unified)
{
	bool inside = false;
	bool outside = false;

	for (unsigned int id = 0; id < ID_SET_SIZE && !(inside && outside); id++) {
		if (id_set_has(pin, id))
			*(id_set_has(ids, id) ? &inside : &outside) = true;
	}
	if (place->kind == CPU_PIN && unified)
		return !inside;
	return place->kind != NO_PIN && outside;
}

/* Writes the source of a device that is given by its name, in libvirt's words. */
static void source_write(char *to, size_t size, const char *device)
{
	int domain = (int)strcspn(device, ":");
	const char *rest = device + domain;

	if (device_is_mediated(device))
		snprintf(to, size, "<address uuid='%s'/>", device);
	else
		snprintf(to, size,
			 "<address domain='0x%.*s' bus='0x%.2s' slot='0x%.2s' function='0x%.1s'/>",
			 domain, device, rest + 1, rest + 4, rest + 7);
}

/* The pin is refused where it is beyond the rule, and the device is found. */
static void made_check(struct roots *roots, struct fuzz_input *input, const struct id_set *ids)
{
	char *line = fuzz_line(input);
	char *address = fuzz_line(input);
	char device[DEVICE_NAME_SIZE] = "0000:06:00.0";
	char source[256];
	char xml[2048];
	struct assigned devices;
	struct error error = {0};
	const char *list;
	struct id_set pin;
	const struct place *place = pin_read(line, &list, &pin);

	if (device_is_mediated(address))
		strcpy(device, address);
	else
		(void)device_pci_address(address, strlen(address), device);
	source_write(source, sizeof(source), device);
	if (strlen(list) < sizeof(xml) / 2 && strlen(device) < sizeof(source) / 2) {
		int length =
		    snprintf(xml, sizeof(xml),
			     "<domstatus><x><hostdev/></x>%s%s%s<hostdev type='pci'><driver/>"
			     "<source>%s</source><address bus='0x01'/></hostdev></domstatus>",
			     place->before, list, place->after, source);

		fuzz_file("made/guest.xml", xml, (size_t)length);
		roots->libvirt = fuzz_path("made");
		REQUIRE(libvirt_state_devices(roots, "guest", &devices, &error) == 0);
		REQUIRE(devices.count == 1 && strcmp(devices.names[0], device) == 0);
		for (int unified = 0; unified < 2; unified++)
			REQUIRE(is_refused(roots, unified != 0, ids) ==
				is_beyond(place, &pin, ids, unified != 0));
	}
	free(line);
	free(address);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	char *list = fuzz_line(&input);
	struct roots roots = {.owner = geteuid()};
	struct id_set ids;
	struct id_set all = {0};
	bool refused;

	fuzz_part_file(&input, "qemu/guest.xml");
	roots.libvirt = fuzz_path("qemu");
	refused = !devices_check(&roots);
	for (unsigned int id = 0; id < ID_SET_SIZE; id++)
		id_set_add(&all, id);
	/* A rule that has everything refuses only what is not understood; one under v1 all that one
	 * under v2 refuses.
	 */
	REQUIRE(is_refused(&roots, false, &all) == refused);
	REQUIRE(is_refused(&roots, true, &all) == refused);
	if (id_set_read(&ids, list) == 0 && !id_set_is_empty(&ids)) {
		REQUIRE(is_refused(&roots, true, &ids) <= is_refused(&roots, false, &ids));
		made_check(&roots, &input, &ids);
	}
	free(list);
	return 0;
}
