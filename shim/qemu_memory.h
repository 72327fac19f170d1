/* The guest's memory as a QEMU command line gives it. */
#ifndef SHIM_QEMU_MEMORY_H
#define SHIM_QEMU_MEMORY_H

#include "error.h"
#include "memory_object.h"
#include "qemu_args.h"

/* A memory object, where it stands, and what it is for. */
struct qemu_object {
	struct memory_object object;
	size_t index; /* in argv */
	char *user;   /* what it is for: "-machine" or "-numa", which is RAM; the driver of a
			 device; NULL: nothing that is on the command line */
};

struct qemu_memory {
	struct qemu_object *objects;
	size_t count;
	struct qemu_option unread; /* may hold memory and cannot be read; name NULL: none */
	bool by_size;              /* the RAM is no object: -m alone says how much */
	uint64_t size;             /* … this much, in bytes; 0: what it says cannot be read */
	const char *path;          /* -mem-path; NULL: not given */
	bool prealloc;             /* -mem-prealloc, which is for all of the memory */
	size_t machine;            /* place behind the last -machine, or 1 */
};

/*
 * Reads a command line, which must outlive `memory`. Returns 0 with `memory` filled, to be
 * freed by qemu_memory_free(); or with `error` filled -ENOMEM.
 */
int qemu_memory_read(char *const argv[], struct qemu_memory *memory, struct error *error);

/*
 * Whether a rule's huge pages of `page` bytes are for that object. Not for a device that would
 * not be the same to the guest: a virtio-mem device has blocks of the page's size
 * (hw/virtio/virtio-mem.c), an NVDIMM is cut to whole pages, and with pages of over
 * 2 MiB a DIMM is elsewhere (hw/mem/memory-device.c). Nor for one of no whole number of
 * pages that nothing uses.
 */
bool qemu_object_takes_pages(const struct qemu_object *object, uint64_t page);

/* Whether all of the object may be allocated before the guest runs. */
bool qemu_object_is_ram(const struct qemu_object *object);

void qemu_memory_free(struct qemu_memory *memory);

#endif
