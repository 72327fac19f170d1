/* What /proc/irq and sysfs tell of interrupts, as anything: affinities, actions, a device's line.
 */
#include "device.h"
#include "fuzz.h"
#include "interrupts.h"
#include "number.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUS "sys/devices/pci0000:00/0000:00:03.0"
#define LINE 24

/* Numbers that were found. */
struct found {
	size_t count;
	unsigned int last;
};

static void number_found(void *context, unsigned int number)
{
	struct found *found = context;

	found->count++;
	found->last = number;
}

/* What is written of an affinity is read back as it was. */
static void affinity_check(const struct interrupts *interrupts, const struct interrupt *interrupt,
			   const char *affinity, const char *effective)
{
	struct id_set expected;
	struct id_set cpus;
	int result = interrupt_affinity(interrupts, LINE, &cpus);

	REQUIRE(result == 0 || result == -EINVAL || result == -E2BIG);
	if (result == 0)
		REQUIRE(id_set_read(&expected, affinity) == 0 && id_set_equal(&cpus, &expected));
	if (interrupt_delivery(interrupts, LINE, &cpus) == 0 &&
	    id_set_read(&expected, effective) == 0 && !id_set_is_empty(&expected))
		REQUIRE(id_set_equal(&cpus, &expected));
	/* A file of its own does not become shorter by what is written, as the kernel's does. */
	if (result < 0 || interrupt_affinity(interrupts, LINE, &expected) < 0)
		return;
	fuzz_file("proc/irq/24/smp_affinity_list", "", 0);
	if (interrupt_set_affinity(interrupts, interrupt, &expected) < 0)
		return;
	result = interrupt_affinity(interrupts, LINE, &cpus);
	REQUIRE(id_set_is_empty(&expected) || (result == 0 && id_set_equal(&cpus, &expected)));
}

/* The line of a device is the number in its "irq", or nothing. */
static void device_check(const struct roots *roots, const struct interrupts *interrupts,
			 const struct interrupt_list *list, const char *text)
{
	struct error error = {0};
	struct device device;
	struct found found = {0};
	unsigned int number;

	REQUIRE(device_find(roots, "00:03.0", &device, &error) == 0 && device.is_pci);
	device_interrupts(&device, interrupts, list, number_found, &found);
	REQUIRE(found.count <= 1);
	if (found.count > 0)
		REQUIRE(number_read(text, INT_MAX, &number) > 0 && number == found.last);
	/* The same of one that is on no PCI bus: by the names that an interrupt's actions carry. */
	device = (struct device){0};
	snprintf(device.path, sizeof(device.path), "%s", fuzz_path("sys/devices/ccw0/0.0.0003"));
	found = (struct found){0};
	device_interrupts(&device, interrupts, list, number_found, &found);
	REQUIRE(found.count <= 1 && (found.count == 0 || found.last == LINE));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char paths[2][PATH_MAX];
	struct roots roots = {.sys = paths[0], .proc = paths[1]};
	struct fuzz_input input = {data, size};
	struct interrupt_list list = {0};
	struct interrupts interrupts;
	char actions[INTERRUPT_ACTIONS_SIZE];
	static const char *const files[] = {"proc/irq/24/smp_affinity_list",
					    "proc/irq/24/effective_affinity_list",
					    "sys/kernel/irq/24/actions", BUS "/irq"};
	char *parts[4];

	strcpy(paths[0], fuzz_path("sys"));
	strcpy(paths[1], fuzz_path("proc"));
	for (size_t i = 0; i < 4; i++) {
		size_t length;

		parts[i] = fuzz_part(&input, &length);
		fuzz_file(files[i], parts[i], length);
	}
	fuzz_file("sys/devices/ccw0/0.0.0003/online", "1\n", 2);
	fuzz_link("../../../devices/pci0000:00/0000:00:03.0", "sys/bus/pci/devices/0000:00:03.0");
	REQUIRE(interrupts_open(&interrupts, &roots) == 0);
	REQUIRE(interrupts_list(&interrupts, &list) == 0);
	REQUIRE(list.count == 1 && list.at[0].number == LINE);
	if (interrupt_actions(&interrupts, LINE, actions) == 0)
		REQUIRE(strchr(actions, '\n') == NULL);
	device_check(&roots, &interrupts, &list, parts[3]);
	affinity_check(&interrupts, &list.at[0], parts[0], parts[1]);
	interrupts_close(&interrupts);
	free(list.at);
	for (size_t i = 0; i < 4; i++)
		free(parts[i]);
	return 0;
}
