/* What the agent keeps of root's powers. */
#ifndef SHIM_PRIVILEGES_H
#define SHIM_PRIVILEGES_H

#include "error.h"

/*
 * Drops every capability but two, in the bounding set too, and sets no_new_privs.
 * CAP_SYS_PTRACE is needed to see what file another user's process executes
 * (proc_pid_exe(5)), CAP_SYS_NICE to give it a priority (sched(7)). Cpusets and the affinity
 * of interrupts are written, and the policy is read, as the owner of these files: by uid 0,
 * without a capability.
 *
 * Returns 0; or -EPERM with `error` filled.
 */
int privileges_drop(struct error *error);

#endif
