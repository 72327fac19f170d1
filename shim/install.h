/*
 * Putting the shim in an emulator's place, and the emulator back. At every
 * instant TARGET is a whole, working file: the emulator or the shim. Whoever is
 * killed on the way leaves things as they were, but for files that the next
 * install or uninstall takes away.
 */
#ifndef SHIM_INSTALL_H
#define SHIM_INSTALL_H

#include "error.h"

enum install_result {
	INSTALL_DONE,      /* the shim is now at TARGET, or the emulator back */
	INSTALL_REFRESHED, /* it was there already: TARGET only got a new ctime */
	INSTALL_NOTHING,   /* uninstall: no shim was there */
	INSTALL_REMOVED,   /* uninstall: the shim is gone, and there was no emulator behind it */
};

/*
 * Installs the shim, a copy of the file `shim`, at `target`: what stands there
 * becomes TARGET.real, also when an upgrade has put a newer emulator over an
 * installed shim. Where a shim was installed and TARGET is missing, TARGET.real
 * is the emulator. Repeated, it gives TARGET a new ctime, by which libvirt sees
 * that it must ask the emulator again what it can do (virQEMUCapsIsValid).
 * Returns an install_result; or -errno with `error` filled.
 */
int install_emulator(const char *target, const char *shim, struct error *error);

/*
 * Puts the real emulator back, the very file. An older one that an upgrade has
 * replaced is removed; so is a shim behind which there is none any more.
 * Returns an install_result; or -errno with `error` filled.
 */
int uninstall_emulator(const char *target, struct error *error);

#endif
