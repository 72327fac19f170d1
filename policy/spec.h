/*
 * Node and CPU specs, as numactl takes them: "0", "0-2,5", "all", "!1", "+0-1",
 * and for nodes "netdev:eth4", "pci:0000:06:00.0", "block:", "file:", "ip:".
 * This checks how they are written; libnuma says later what they mean. It is
 * stricter than libnuma, which takes "1-0", "010" and "0x1" for something.
 */
#ifndef POLICY_SPEC_H
#define POLICY_SPEC_H

#include "error.h"

#include <stdbool.h>

enum {
	SPEC_NODE_MAX = 1023, /* the kernel's MAX_NUMNODES is at most 1024 */
	SPEC_CPU_MAX = 8191,  /* the kernel's NR_CPUS is at most 8192 */
};

enum spec_kind { SPEC_NODES, SPEC_CPUS };

/* "node" or "CPU", for messages. */
const char *spec_kind_noun(enum spec_kind kind);

/* One step of a spec's list. */
struct spec_item {
	bool all;           /* the word "all" */
	const char *device; /* "netdev:eth4" and the like, to the end of the spec; or NULL */
	unsigned int first; /* otherwise: numbers from first to last */
	unsigned int last;
};

/* A spec being read. */
struct spec {
	enum spec_kind kind;
	bool inverted; /* began with '!' */
	bool relative; /* began with '+': counted among the nodes or CPUs the caller may use */
	const char *text;
	const char *rest;
};

/* Begins to read `text`, which must outlive `spec`. */
void spec_start(struct spec *spec, enum spec_kind kind, const char *text);

/*
 * Reads the next item. Returns 1, 0 at the end, or -EINVAL with `error` filled
 * where the spec is not well written.
 */
int spec_next(struct spec *spec, struct spec_item *item, struct error *error);

/* Whether all of the spec is well written. Returns 0, or -EINVAL with `error` filled. */
int spec_check(enum spec_kind kind, const char *text, struct error *error);

#endif
