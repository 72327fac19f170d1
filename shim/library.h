/*
 * A shared library that is opened only when something needs it: most starts need none,
 * and each that the loader brings in costs every one of them.
 */
#ifndef SHIM_LIBRARY_H
#define SHIM_LIBRARY_H

#include "error.h"

#include <stddef.h>

/* A function or variable of the library, and where its address goes: into a pointer. */
struct library_symbol {
	const char *name;
	size_t offset; /* of that pointer, in the structure given to library_open() */
};

#define LIBRARY_SYMBOL(name, structure, member)   \
	{                                         \
		name, offsetof(structure, member) \
	}

/*
 * Opens the library `file` for good and fills `pointers`. Returns 0; or -ENOENT with `error`
 * filled where it is not there, or lacks one of the symbols.
 */
int library_open(const char *file, const struct library_symbol *symbols, size_t count,
		 void *pointers, struct error *error);

#endif
