/* One installation at a time in a directory of emulators. */
#ifndef SHIM_INSTALL_LOCK_H
#define SHIM_INSTALL_LOCK_H

#include "error.h"

/*
 * Makes the file `path` and locks it, so that the next one who comes waits (10 s at most). Only
 * its owner and root may open it, so nobody else can hold them up, as he could by a lock on the
 * directory. One that a killed installation has left is used again. Returns a descriptor; or
 * -errno with `error` filled.
 */
int install_lock(const char *path, struct error *error);

/* Removes the file and lets the next one in. Returns 0; or -errno with `error` filled. */
int install_unlock(const char *path, int lock, struct error *error);

#endif
