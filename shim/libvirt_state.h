/* What libvirt has written down of a guest that it starts or has started. */
#ifndef SHIM_LIBVIRT_STATE_H
#define SHIM_LIBVIRT_STATE_H

#include "assigned.h"
#include "roots.h"

#include <expat.h>

/*
 * Has the parser read the file of that guest, a root's or of roots->owner's, to its end or to
 * where it is stopped. Returns 0, or -errno where there is none that can be read.
 */
int libvirt_state_parse(const struct roots *roots, const char *guest, XML_Parser parser);

/*
 * Finds the host's devices that libvirt gives the guest: hostdev and interface elements whose
 * source has a PCI address or the UUID of a mediated device. Where the file cannot be read, or
 * from where on it is not understood, there are none.
 */
void libvirt_state_devices(const struct roots *roots, const char *guest, struct assigned *devices);

#endif
