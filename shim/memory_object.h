/*
 * One -object of a QEMU command line that is memory: a host memory backend
 * (backends/hostmem.c), written in JSON, as libvirt does since 7.0, or as
 * "memory-backend-ram,id=ram0,size=1G".
 */
#ifndef SHIM_MEMORY_OBJECT_H
#define SHIM_MEMORY_OBJECT_H

#include "error.h"
#include "id_set.h"
#include "rule.h"

#include <stdint.h>

struct memory_object {
	char *type; /* "memory-backend-ram" … */
	char *id;
	uint64_t size;    /* bytes */
	bool plain;       /* memory-backend-ram: the process's own memory */
	bool sparse;      /* reserve=off: most of it may never be used (virtio-mem) */
	bool merge_given; /* what the machine says does not count for it */
	bool prealloc_given;
	bool hugetlb; /* memory-backend-memfd on huge pages … */
	uint64_t
	    hugetlb_size; /* … of this size, in bytes; 0: the host's default, which is not asked */
	char *path;       /* memory-backend-file: where; NULL: it is none */
	char *policy;     /* of its own; NULL: none, and the process's counts */
	struct id_set nodes;
	const char *text; /* the argument: JSON, or not */
};

enum object_result {
	OBJECT_OTHER,  /* no memory, or nothing that QEMU takes: it will say so */
	OBJECT_UNREAD, /* memory to QEMU, perhaps, in words that are not understood here */
	OBJECT_MEMORY,
};

/*
 * Reads the argument of an -object, which must outlive `object`. Returns one of the above,
 * with `object` filled only for OBJECT_MEMORY, to be freed by memory_object_free(); or
 * -ENOMEM with `error` filled.
 */
int memory_object_read(const char *text, struct memory_object *object, struct error *error);

/* What is to become of it. */
struct memory_change {
	uint64_t huge_page;   /* its pages' size; 0: as they are. For a plain object only. */
	enum choice prealloc; /* CHOICE_OFF: where it says nothing itself */
	enum choice merge;    /* counts where merge_given */
};

/*
 * Writes the object anew, all else as it was and in its place, in the syntax that it has.
 * Returns 0 with *text allocated, or NULL where nothing changes; or -ENOMEM.
 */
int memory_object_change(const struct memory_object *object, const struct memory_change *change,
			 char **text);

void memory_object_free(struct memory_object *object);

#endif
