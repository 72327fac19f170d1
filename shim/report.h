/* What the tool prints for other programs: JSON, by jansson. */
#ifndef SHIM_REPORT_H
#define SHIM_REPORT_H

#include "plan.h"

#include <jansson.h>
#include <stdbool.h>

/* To be called first: or nobody would know whether memory was short meanwhile. */
void report_begin(void);

/* Whether all that was made is whole so far. */
bool report_is_whole(void);

/* A string of any bytes; those that are not UTF-8 become \xNN in it. */
json_t *report_string(const char *text);

/*
 * A plan: {"guest", "rule": {"file", "line", "glob"} or null, "cpus", "memory":
 * {"mode", "nodes"}, "options": [], "warnings": [], "error"}; cpus, memory, nodes
 * and error are null where there are none. Lists of CPUs and nodes are written as
 * the kernel writes them.
 */
json_t *report_plan(const struct plan *plan);

/* The same; null: there is no text, or nothing in it. */
json_t *report_text(const char *text);

/* Where a rule is, and its glob: {"file", "line", "glob"}. */
json_t *report_rule(const char *file, unsigned int line, const char *glob);

/* A set of CPUs or nodes as the kernel writes it, "0-2,5"; null: it is empty. */
json_t *report_set(const struct id_set *set);

/* The mode and nodes of a memory policy. */
json_t *report_policy(const struct placement *placement);

/* Prints it on stdout, unless not all is whole; and gives it up. */
void report_print(json_t *value);

#endif
