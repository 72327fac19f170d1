/* One -device of a QEMU command line, for the memory object that it is made of. */
#ifndef SHIM_MEMORY_DEVICE_H
#define SHIM_MEMORY_DEVICE_H

#include "error.h"

struct memory_device {
	char *driver; /* "pc-dimm", "virtio-mem-pci" … */
	char *object; /* its memdev=: an id, or a path that ends in it */
};

/*
 * Reads the argument of a -device, in JSON or not. Returns 1 with `device` filled, to be freed
 * by memory_device_free(); 0 where it has no memory object; -EINVAL where it may have one, in
 * words that are not understood here; or with `error` filled -ENOMEM, or -ENOENT where JSON
 * cannot be read for want of its library.
 */
int memory_device_read(const char *text, struct memory_device *device, struct error *error);

void memory_device_free(struct memory_device *device);

#endif
