/*
 * The shim becomes the full program where a rule needs a library. It is one file less for the
 * loader to look for at each start, and a start that needs no library does without the loader.
 */
#ifndef SHIM_HANDOVER_H
#define SHIM_HANDOVER_H

#include <stdbool.h>

#ifndef FULL_PATH
#error "FULL_PATH must be given, where make install puts qemu-kvm-shim-full"
#endif

/*
 * Said once, before anything else, with the command line as it was given. In the shim: that is
 * what the full program gets. In the full program: it stands for the shim from here on.
 */
void handover_begin(char *const argv[]);

/*
 * Whether the full program was needed, and had been removed with the shim itself, with the
 * emulator back in its place. Never so in the full program.
 */
bool handover_is_void(void);

#endif
