#include "request.h"
#include "cpuset.h"
#include "log.h"
#include "peer.h"
#include "pins.h"
#include "plan.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

/*
 * The agent resolves rules for others, so it may itself run anywhere: libnuma
 * knows no CPU that its caller may not use. (What the host has may change: this is
 * a process that serves one request, and so sees the host as it is now.)
 */
static void view_of_host(void)
{
	struct id_set all;

	memset(&all, 0xff, sizeof(all));
	/* Where that is refused some CPU is missing below, and that is told then. */
	(void)sched_setaffinity(0, sizeof(all.word), (const cpu_set_t *)all.word);
}

/* Makes the plan for the guest, which must come to CPUs. */
static int plan_guest(struct plan *plan, const struct peer *peer, const struct roots *roots,
		      struct error *error)
{
	view_of_host();
	plan_make(plan, peer->guest, (struct policy_source){roots->policy, roots->owner});
	if (plan->placed && plan->placement.sets_cpus)
		return 0;
	if (error_is_set(&plan->reason))
		return error_set(error, -EINVAL, "%s:%u: %s", plan->rule.file, plan->rule.line,
				 plan->reason.text);
	if (plan->matched)
		return error_set(error, -EINVAL, "%s:%u: the rule asks for no CPUs (any more)",
				 plan->rule.file, plan->rule.line);
	return error_set(error, -ENOENT, "%s",
			 plan->warning_count > 0
			     ? plan->warnings[0].text
			     : "no rule of the agent's policy matches the guest");
}

static int guest_place(struct peer *peer, const struct roots *roots, struct plan *plan,
		       struct error *error)
{
	struct guest_cgroup cgroup;
	int result = guest_cgroup_find(peer->cgroup.path, peer->guest, &cgroup, error);

	if (result == 0)
		result = plan_guest(plan, peer, roots, error);
	if (result == 0)
		result =
		    pins_check(roots, peer->guest, peer->cgroup.unified, &plan->placement, error);
	/* A dead peer's cgroup may be gone, and its name be given to another guest's. */
	if (result == 0)
		result = peer_alive(peer, error);
	if (result == 0)
		result = cpuset_place(roots, &peer->cgroup, &cgroup, &plan->placement.cpus, error);
	return result;
}

/* The message must be the request to the byte. It is not repeated in the log as it came. */
static int message_check(const char *message, size_t length, struct error *error)
{
	static const char family[] = "guest-pinning ";

	if (length == strlen(AGENT_REQUEST) && memcmp(message, AGENT_REQUEST, length) == 0)
		return 0;
	if (length > strlen(family) && memcmp(message, family, strlen(family)) == 0)
		return error_set(error, -EPROTO,
				 "this agent does not know the request: install shim and agent "
				 "from one version");
	return error_set(error, -EPROTO, "a message of %zu bytes is no request", length);
}

static void tell_placed(const struct peer *peer, const struct plan *plan)
{
	char text[ID_SET_TEXT_SIZE];

	log_line("placed guest '%s' (pid %d): rule %s:%u, cpus %s", peer->guest, peer->pid,
		 plan->rule.file, plan->rule.line,
		 id_set_format(&plan->placement.cpus, text, sizeof(text)));
}

static void tell_refused(const struct peer *peer, const char *reason)
{
	if (peer->guest != NULL)
		log_line("refused guest '%s' (pid %d, uid %u): %s", peer->guest, peer->pid,
			 peer->uid, reason);
	else
		log_line("refused pid %d (uid %u): %s", peer->pid, peer->uid, reason);
}

void request_serve(int connection, const char *message, size_t length, const struct roots *roots,
		   char reply[AGENT_REPLY_MAX])
{
	char list[ID_SET_LIST_SIZE];
	struct plan plan = {0};
	struct error error = {0};
	struct peer peer;
	int result = peer_open(&peer, connection, roots, &error);

	if (result == 0)
		result = message_check(message, length, &error);
	if (result == 0)
		result = peer_read(&peer, roots, &error);
	if (result == 0)
		result = guest_place(&peer, roots, &plan, &error);
	if (result == 0) {
		snprintf(reply, AGENT_REPLY_MAX, AGENT_PLACED "%s",
			 id_set_format(&plan.placement.cpus, list, sizeof(list)));
		tell_placed(&peer, &plan);
	} else {
		strcpy(reply, AGENT_REFUSED);
		text_printable(reply + strlen(reply), AGENT_REPLY_MAX - strlen(reply), error.text);
		tell_refused(&peer, error.text);
	}
	plan_free(&plan);
	peer_close(&peer);
}
