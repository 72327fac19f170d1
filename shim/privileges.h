/* What the agent keeps of root's powers. */
#ifndef SHIM_PRIVILEGES_H
#define SHIM_PRIVILEGES_H

#include "error.h"

/*
 * Drops every capability but CAP_SYS_PTRACE, in the bounding set too, and sets
 * no_new_privs. That one is needed to see what file another user's process
 * executes (proc_pid_exe(5)). The cpusets are written, and the policy is read, as
 * the owner of these files: by uid 0, without a capability.
 *
 * Returns 0; or -EPERM with `error` filled.
 */
int privileges_drop(struct error *error);

#endif
