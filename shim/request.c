#include "request.h"
#include "cpuset.h"
#include "log.h"
#include "peer.h"
#include "pins.h"
#include "plan.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* What one request is about, as far as it is known. */
struct request {
	int connection;
	const struct roots *roots;
	struct peer peer;
	struct guest_cgroup cgroup;
	struct cpuset cpuset;
	struct plan plan;
};

/* The message must be the request to the byte. It is not repeated as it came. */
static int message_check(const char *message, size_t length, struct error *error)
{
	if (length == strlen(AGENT_REQUEST) && memcmp(message, AGENT_REQUEST, length) == 0)
		return 0;
	return error_set(error, -EPROTO,
			 "a message of %zu bytes is no request that this agent knows", length);
}

/*
 * Finds who asks. The cgroup comes first: only who is in one that libvirt has made costs
 * more than that.
 */
static int guest_find(struct request *request, struct error *error)
{
	struct peer *peer = &request->peer;
	int result = peer_read_cgroup(peer, error);

	if (result == 0)
		result = guest_cgroup_read(peer->cgroup.path, &request->cgroup, error);
	if (result == 0)
		result = cpuset_open(&request->cpuset, request->roots, &peer->cgroup,
				     &request->cgroup, error);
	if (result == 0)
		result = peer_read(peer, request->roots, error);
	if (result == 0 && !guest_cgroup_agrees(&request->cgroup, peer->guest))
		result = error_set(error, -EINVAL,
				   "its cgroup %s is another guest's: its command line says '%s'",
				   peer->cgroup.path, peer->guest);
	return result;
}

/* Makes the plan for the guest, which must come to CPUs. */
static int guest_plan(struct request *request, struct error *error)
{
	struct plan *plan = &request->plan;
	const struct roots *roots = request->roots;

	plan_make(plan, request->peer.guest, PLAN_FOR_HOST,
		  (struct policy_source){roots->policy, roots->owner});
	if (plan->placed && plan->placement.sets_cpus)
		return pins_check(roots, request->peer.guest, request->cpuset.unified,
				  &plan->placement, error);
	if (error_is_set(&plan->reason))
		return error_set(error, -EINVAL, "%s", plan->reason.text);
	if (plan->matched)
		return error_set(error, -EINVAL, "the rule asks for no CPUs (any more)");
	if (plan->warning_count > 0)
		return error_set(error, -ENOENT, "%s", plan->warnings[0].text);
	return error_set(error, -ENOENT, "no rule of the agent's policy, %s, matches the guest",
			 roots->policy);
}

static int guest_place(struct request *request, struct error *error)
{
	/* The shim may have lost its patience: then the guest has started without. */
	int result = peer_waits(&request->peer, request->connection, error);

	return result < 0 ? result
			  : cpuset_place(&request->cpuset, &request->plan.placement.cpus, error);
}

static void tell_placed(const struct request *request)
{
	const struct plan *plan = &request->plan;
	char cpus[ID_SET_TEXT_SIZE];

	log_line("placed guest '%s' (pid %d): rule %s:%u, cpus %s", request->peer.guest,
		 request->peer.pid, plan->rule.file, plan->rule.line,
		 id_set_format(&plan->placement.cpus, cpus, sizeof(cpus)));
}

static void tell_refused(const struct request *request, const char *reason)
{
	const struct peer *peer = &request->peer;
	const struct plan *plan = &request->plan;

	if (plan->matched)
		log_line("refused guest '%s' (pid %d, uid %u): rule %s:%u: %s", peer->guest,
			 peer->pid, peer->uid, plan->rule.file, plan->rule.line, reason);
	else if (peer->guest != NULL)
		log_line("refused guest '%s' (pid %d, uid %u): %s", peer->guest, peer->pid,
			 peer->uid, reason);
	else
		log_line("refused pid %d (uid %u): %s", peer->pid, peer->uid, reason);
}

bool request_serve(int connection, const char *message, size_t length, const struct roots *roots,
		   bool quiet, char reply[AGENT_REPLY_MAX])
{
	struct request request = {.connection = connection, .roots = roots};
	char list[ID_SET_LIST_SIZE];
	struct error error = {0};
	int result = peer_open(&request.peer, connection, roots, &error);

	request.cpuset = (struct cpuset){.guest = -1, .parent = -1, .emulator = -1};
	if (result == 0)
		result = message_check(message, length, &error);
	if (result == 0)
		result = guest_find(&request, &error);
	if (result == 0)
		result = guest_plan(&request, &error);
	if (result == 0)
		result = guest_place(&request, &error);
	if (result == 0) {
		snprintf(reply, AGENT_REPLY_MAX, AGENT_PLACED "%s",
			 id_set_format(&request.plan.placement.cpus, list, sizeof(list)));
		tell_placed(&request);
	} else {
		strcpy(reply, AGENT_REFUSED);
		text_printable(reply + strlen(reply), AGENT_REPLY_MAX - strlen(reply), error.text);
		if (!quiet)
			tell_refused(&request, error.text);
	}
	plan_free(&request.plan);
	cpuset_close(&request.cpuset);
	peer_close(&request.peer);
	return result == 0;
}
