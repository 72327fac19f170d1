/* What the tool prints for other programs: JSON, by jansson. */
#ifndef SHIM_REPORT_H
#define SHIM_REPORT_H

#include "plan.h"

#include <jansson.h>

/* A string of any bytes; those that are not UTF-8 become \xNN in it. */
json_t *report_string(const char *text);

/*
 * A plan: {"guest", "rule": {"file", "line", "glob"} or null, "cpus", "memory":
 * {"mode", "nodes"}, "options": [], "warnings": [], "error"}; cpus, memory, nodes
 * and error are null where there are none. Lists of CPUs and nodes are written as
 * the kernel writes them.
 */
json_t *report_plan(const struct plan *plan);

/* Prints it on stdout and gives it up. */
void report_print(json_t *value);

#endif
