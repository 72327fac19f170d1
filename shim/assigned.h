/* The host's devices that a guest's command line assigns to it. */
#ifndef SHIM_ASSIGNED_H
#define SHIM_ASSIGNED_H

#include "device.h"

enum { ASSIGNED_MAX = 64 };

struct assigned {
	char names[ASSIGNED_MAX][DEVICE_NAME_SIZE]; /* PCI addresses and mediated devices */
	size_t count;
};

/*
 * Reads each -device whose driver is one of VFIO's: vfio-pci and the like, with host=ADDRESS or
 * sysfsdev=PATH (vfio_realize in QEMU's hw/vfio/pci.c). Of a path only the last component
 * counts. Returns 0; or -errno with `error` filled: -EINVAL where one cannot be understood.
 */
int assigned_read(char *const argv[], struct assigned *assigned, struct error *error);

#endif
