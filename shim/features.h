/* What an emulator is too old for, told from its file alone: it is not run for that. */
#ifndef SHIM_FEATURES_H
#define SHIM_FEATURES_H

#include <stddef.h>

/*
 * Lists what the emulator at `path` lacks of what emulator.h names, a line each; the empty
 * text: nothing, or it is no QEMU in which a name could be looked for (a script, say). What a
 * QEMU has of options and properties is in its file as their names are written. Returns 0, or
 * -errno.
 */
int features_lacking(const char *path, char *text, size_t size);

#endif
