/*
 * What a shim, or the administrator's tool, and the agent, guest-pinningd, say to each
 * other, and their side of it. The agent does what takes root: it sets the cpuset of a guest's
 * cgroup, the priority of its threads, and the affinity of interrupts as long as it lives.
 *
 * One packet (SOCK_SEQPACKET) of printable ASCII each way, without a newline or a
 * null byte; then the agent closes. A shim's request says nothing of the guest: the
 * agent asks the kernel who is there. Only root may name a guest, one that runs.
 *
 *	shim	guest-pinning 1 place
 *	tool	guest-pinning 1 apply PID STARTED	field 22 of its "stat" (proc(5))
 *	agent	guest-pinning 1 placed 0-1,4	the CPUs, as the kernel lists them
 *	agent	guest-pinning 1 placed 0-1; NOTE	and what is to be known besides
 *	agent	guest-pinning 1 placed -	done, and the cpuset is not the agent's affair
 *	agent	guest-pinning 1 refused REASON
 *
 * The number is the protocol's version. A request that is anything else is
 * answered "refused". Text that is not ASCII in NOTE and REASON is UTF-8.
 */
#ifndef SHIM_AGENT_H
#define SHIM_AGENT_H

#include "error.h"
#include "id_set.h"

#include <sys/types.h>

#ifndef RUNSTATEDIR
#error "RUNSTATEDIR must be given, such as /run"
#endif
#define AGENT_DIRECTORY RUNSTATEDIR "/guest-pinning"
#define AGENT_SOCKET AGENT_DIRECTORY "/agent.sock"

#define AGENT_REQUEST "guest-pinning 1 place"
#define AGENT_APPLY "guest-pinning 1 apply "
#define AGENT_PLACED "guest-pinning 1 placed "
#define AGENT_REFUSED "guest-pinning 1 refused "

enum {
	AGENT_REQUEST_MAX = 64,                                    /* bytes that the agent reads */
	AGENT_REPLY_MAX = ID_SET_LIST_SIZE + ERROR_TEXT_SIZE + 64, /* bytes that the shim reads */
	AGENT_PATIENCE_MS = 5000,                                  /* in all, for an answer */
};

/*
 * Asks the agent at `path` to do what this process's guest has a rule for. Returns 0 when
 * it has done that, with `cpus` filled (empty: it has set none) and in `note` what its
 * administrator should know; or -errno with `error` filled.
 */
int agent_place(const char *path, struct id_set *cpus, struct error *note, struct error *error);

/*
 * Asks it to do the same for a guest that runs already: process `pid`, started then (process.h).
 * Its threads that may run elsewhere get the rule's CPUs, and all of them its priority.
 */
int agent_apply(const char *path, pid_t pid, const char *started, struct id_set *cpus,
		struct error *note, struct error *error);

/* Whether an agent listens at `path`. Returns 0 or -errno. */
int agent_is_there(const char *path);

#endif
