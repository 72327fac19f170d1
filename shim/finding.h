/* What guest-pinning doctor has found: one setting of the host, how it is, how it should be. */
#ifndef SHIM_FINDING_H
#define SHIM_FINDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Bad is what keeps guests from starting, or from being where the policy puts them. What only
 * makes them slower, or may be meant so, is a notice.
 */
enum severity {
	SEVERITY_GOOD,
	SEVERITY_NOTICE,
	SEVERITY_BAD,
	SEVERITY_UNKNOWN, /* it cannot be seen: never taken for good */
	SEVERITY_SKIPPED, /* it does not matter on this host: `reason` says why */
	SEVERITIES,
};

/* "good", "notice", "bad", "unknown", "skipped". */
const char *severity_name(enum severity severity);

struct finding {
	const char *topic;
	char name[256];
	enum severity severity;
	char present[256];
	char wanted[128];
	char command[1024]; /* to be run by root; lines, and in one line no more than fits */
	char reason[1024];
};

struct findings {
	struct finding *at;
	size_t count;
	bool incomplete; /* out of memory */
};

/*
 * Adds one that is good until something is said of it. Returns it, to be filled before the
 * next is added; or NULL, out of memory.
 */
struct finding *findings_add(struct findings *findings, const char *topic, const char *name);

void findings_free(struct findings *findings);

/* How many are of that severity. */
size_t findings_count(const struct findings *findings, enum severity severity);

/* Says what is to be said of it. */
void finding_is(struct finding *finding, enum severity severity, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/*
 * Reads "ROOT/PATH", one line, which also becomes finding->present. Returns true; or false, the
 * finding skipped where there is no such file, or unknown where it cannot be read.
 */
bool finding_read(struct finding *finding, const char *root, const char *path, char *text,
		  size_t size);

/* The same of a number; what is no number is unknown, what is beyond 32 bits UINT64_MAX. */
bool finding_read_number(struct finding *finding, const char *root, const char *path,
			 uint64_t *number);

/* Reads a number that was found in `path`, as above. */
bool finding_number(struct finding *finding, const char *text, const char *path, uint64_t *number);

/* The same of a choice, as the kernel writes it: "always [madvise] never" is "madvise". */
bool finding_read_choice(struct finding *finding, const char *root, const char *path, char *text,
			 size_t size);

#endif
