/* The note itself, for the program that carries it and the one that looks for it. */
#ifndef SHIM_MARKER_NOTE_H
#define SHIM_MARKER_NOTE_H

#define MARKER_NAME "qemu-kvm-shim"
#define MARKER_TYPE 1

#endif
