/* The device that irq= names, and which interrupts are its own. */
#ifndef SHIM_DEVICE_H
#define SHIM_DEVICE_H

#include "error.h"
#include "interrupts.h"
#include "roots.h"
#include "rule.h"

#include <limits.h>
#include <stdbool.h>

enum { DEVICE_NAME_SIZE = RULE_DEVICE_MAX + 1 };

/* A device in sysfs. */
struct device {
	char path[PATH_MAX]; /* of its PCI function, or of itself */
	bool is_pci;
};

/*
 * Writes a PCI address as sysfs does, "0000:06:00.0": the domain may be left out, and zeros
 * before a number. Returns whether the text, of `length` bytes, is one.
 */
bool device_pci_address(const char *text, size_t length, char name[DEVICE_NAME_SIZE]);

/* Whether the text is the name of a mediated device: a UUID, as sysfs writes it. */
bool device_is_mediated(const char *name);

/*
 * Finds a device by its name: a PCI address, a mediated device, a network interface or a block
 * device. What is no PCI device itself belongs to the nearest one above it: its interrupts are
 * that one's. Returns 0; or -errno with `error` filled: -ENOENT where there is no such device,
 * -EINVAL where it has no hardware.
 */
int device_find(const struct roots *roots, const char *name, struct device *device,
		struct error *error);

/* Whether a PCI device is in the hands of VFIO, and so of a guest. */
bool device_is_assigned(const struct device *device);

/* Is told of one interrupt. */
typedef void device_interrupt(void *context, unsigned int number);

/*
 * Finds the interrupts of a device: its message-signalled ones (msi_irqs); without any its
 * line; of a device that is not on a PCI bus those that carry its name, among `list`. There
 * may be none yet.
 */
void device_interrupts(const struct device *device, const struct interrupts *interrupts,
		       const struct interrupt_list *list, device_interrupt *found, void *context);

#endif
