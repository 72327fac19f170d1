/* The guest's memory as a QEMU command line gives it. */
#ifndef SHIM_QEMU_MEMORY_H
#define SHIM_QEMU_MEMORY_H

#include "error.h"
#include "memory_object.h"

struct qemu_memory {
	struct memory_object *objects;
	size_t *places; /* of each, in argv */
	size_t count;
	size_t unread;    /* -object arguments in JSON that could not be read */
	bool by_size;     /* the RAM is no object: -m alone says how much */
	uint64_t size;    /* … this much, in bytes */
	const char *path; /* -mem-path; NULL: not given */
	size_t machine;   /* place behind the last -machine, or 1 */
};

/*
 * Reads a command line, which must outlive `memory`. Returns 0 with `memory` filled, to be
 * freed by qemu_memory_free(); or with `error` filled -EINVAL (a size that cannot be read),
 * -ENOENT (no library for JSON) or -ENOMEM.
 */
int qemu_memory_read(char *const argv[], struct qemu_memory *memory, struct error *error);

void qemu_memory_free(struct qemu_memory *memory);

#endif
