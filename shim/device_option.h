/* One -device of a QEMU command line, for one of the values that it is given. */
#ifndef SHIM_DEVICE_OPTION_H
#define SHIM_DEVICE_OPTION_H

#include "error.h"

struct device_option {
	char *driver; /* "pc-dimm", "vfio-pci" … */
	char *value;
};

/*
 * Reads the argument of a -device, in JSON or not, for its driver and the value of `key`.
 * Returns 1 with `option` filled, to be freed by device_option_free(); 0 where it has no such
 * key; -EINVAL where it may have it, in words that are not understood here; or -ENOMEM with
 * `error` filled.
 */
int device_option_read(const char *text, const char *key, struct device_option *option,
		       struct error *error);

void device_option_free(struct device_option *option);

#endif
