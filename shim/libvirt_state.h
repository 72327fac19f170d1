/* What libvirt has written down of a guest that it starts or has started. */
#ifndef SHIM_LIBVIRT_STATE_H
#define SHIM_LIBVIRT_STATE_H

#include "assigned.h"
#include "error.h"
#include "roots.h"

#include <expat.h>

/*
 * Has the parser read the file of that guest, a root's or of roots->owner's, to its end or to
 * where it is stopped. Returns 0; -ENOENT where there is none; or another -errno with `error`
 * filled: there is one, and what is in it is not known.
 */
int libvirt_state_parse(const struct roots *roots, const char *guest, XML_Parser parser,
			struct error *error);

/*
 * Finds the host's devices that libvirt gives the guest: hostdev and interface elements whose
 * source has a PCI address or the UUID of a mediated device. Where there is no file, there are
 * none. Returns 0; or -errno with `error` filled, as above.
 */
int libvirt_state_devices(const struct roots *roots, const char *guest, struct assigned *devices,
			  struct error *error);

#endif
