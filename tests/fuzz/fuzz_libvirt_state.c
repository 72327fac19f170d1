/* libvirt's own file of a guest, as any XML: the devices that it gives, and what it pins. */
#include "fuzz.h"
#include "libvirt_state.h"
#include "pins.h"
#include "spec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void devices_check(const struct roots *roots)
{
	struct assigned devices;

	libvirt_state_devices(roots, "guest", &devices);
	REQUIRE(devices.count <= ASSIGNED_MAX);
	for (size_t i = 0; i < devices.count; i++) {
		char name[DEVICE_NAME_SIZE];

		REQUIRE(device_is_mediated(devices.names[i]) ||
			(device_pci_address(devices.names[i], strlen(devices.names[i]), name) &&
			 strcmp(name, devices.names[i]) == 0));
	}
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	char *list = fuzz_line(&input);
	struct roots roots = {.owner = geteuid()};
	struct id_set ids;
	struct id_set all = {0};

	fuzz_part_file(&input, "qemu/guest.xml");
	roots.libvirt = fuzz_path("qemu");
	devices_check(&roots);
	for (unsigned int id = 0; id < ID_SET_SIZE; id++)
		id_set_add(&all, id);
	/* A rule that has everything refuses nothing; one under v1 all that one under v2 refuses.
	 */
	REQUIRE(!is_refused(&roots, false, &all) && !is_refused(&roots, true, &all));
	if (id_set_read(&ids, list) == 0 && !id_set_is_empty(&ids))
		REQUIRE(is_refused(&roots, true, &ids) <= is_refused(&roots, false, &ids));
	free(list);
	return 0;
}
