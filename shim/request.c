#include "request.h"
#include "answer_message.h"
#include "cpuset.h"
#include "guest_threads.h"
#include "interrupt_plan.h"
#include "libvirt_state.h"
#include "log.h"
#include "peer.h"
#include "pins.h"
#include "plan.h"
#include "priority.h"
#include "qemu_args.h"
#include "request_message.h"
#include "watched.h"
#include "watcher.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What one request is about, as far as it is known. */
struct request {
	int connection;
	const struct roots *roots;
	struct peer peer; /* who asks; or, should root ask for one that runs already, that one */
	bool runs;
	struct guest_cgroup cgroup;
	struct cpuset cpuset;
	struct error by_hand; /* why its cgroup is not libvirt's, where root has started it */
	struct plan plan;
	int bring; /* to the watcher */
	struct interrupt_plan *interrupts;
	struct error note;
};

/* Root may name any guest; but not one that itself is a guest of libvirt's, run by root. */
static int asker_check(const struct peer *asker, const struct roots *roots, struct error *error)
{
	struct cgroup cgroup;
	int result;

	if (asker->uid != 0 && asker->uid != roots->owner)
		return error_set(error, -EPERM, "only root may name a guest");
	result = cgroup_read(asker->directory, "cgroup", &cgroup);
	if (result == -ENOENT) /* a kernel without any */
		return 0;
	if (result < 0)
		return error_set(error, result,
				 "who names a guest has a cgroup that cannot be "
				 "read: %s",
				 strerror(-result));
	if (cgroup_is_emulator(&cgroup))
		return error_set(error, -EPERM, "a guest may not name another");
	return 0;
}

/* Takes hold of whom the message is about. */
static int message_read(struct request *request, const char *text, size_t length,
			struct error *error)
{
	struct request_message message;
	int result = request_message_read(&message, text, length, error);

	request->runs = result == 0 && message.pid > 0;
	if (!request->runs)
		return result;
	result = asker_check(&request->peer, request->roots, error);
	if (result < 0)
		return result;
	peer_close(&request->peer);
	return peer_hold(&request->peer, message.pid, message.started, request->roots, error);
}

/*
 * Whether whoever has started the process could do all by himself that the agent can. That root
 * names it says nothing of that: root names all that look like guests.
 */
static bool is_trusted(const struct request *request)
{
	return request->peer.uid == 0 || request->peer.uid == request->roots->owner;
}

static int guest_read(struct request *request, struct error *error)
{
	if (request->runs)
		return peer_read_guest(&request->peer, error);
	return peer_read(&request->peer, request->roots, error);
}

/*
 * Finds who asks, or is asked for. The cgroup comes first: only who is in one that libvirt has
 * made costs more than that, and root, who need not have it from libvirt.
 */
static int guest_find(struct request *request, struct error *error)
{
	struct peer *peer = &request->peer;
	int result = peer_read_cgroup(peer, error);
	bool known = result == 0 || result == -ENOENT; /* in which it is, if in any */

	if (result == 0)
		result = guest_cgroup_read(peer->cgroup.path, &request->cgroup, error);
	if (result < 0 && known && is_trusted(request)) {
		request->by_hand = *error;
		*error = (struct error){0};
		return guest_read(request, error);
	}
	if (result == 0)
		result = cpuset_open(&request->cpuset, request->roots, &peer->cgroup,
				     &request->cgroup, error);
	else if (request->runs)
		text_add(error->text, sizeof(error->text),
			 ", and it is uid %u's, whom root does not take at their word", peer->uid);
	if (result == 0)
		result = guest_read(request, error);
	if (result == 0 && !guest_cgroup_agrees(&request->cgroup, peer->guest))
		result = error_set(error, -EINVAL,
				   "its cgroup %s is another guest's: its command line says '%s'",
				   peer->cgroup.path, peer->guest);
	return result;
}

/* What the plan asks of the agent. Of who is not libvirt's guest the cpuset is not its affair. */
static bool plan_sets_cpuset(const struct request *request)
{
	return request->plan.placement.sets_cpus && !error_is_set(&request->by_hand);
}

/* The CPUs, the one way or the other. */
static bool plan_sets_cpus(const struct request *request)
{
	return plan_sets_cpuset(request) || (request->runs && request->plan.placement.sets_cpus);
}

/* Whether it has interrupts that its rule may no longer ask for. */
static bool guest_is_watched(const struct request *request)
{
	struct process_stat stat;
	json_t *watched;
	bool found;

	if (!request->runs || process_stat_read(request->peer.directory, &stat) < 0)
		return false;
	watched = watched_load(request->roots);
	found = watched_has_guest(watched, request->peer.pid, stat.started);
	json_decref(watched);
	return found;
}

static bool plan_asks(const struct request *request)
{
	const struct rule *rule = &request->plan.rule;

	return plan_sets_cpus(request) || rule_sets_interrupts(rule) ||
	       (priority_is_asked(rule) && (request->runs || !error_is_set(&request->by_hand))) ||
	       guest_is_watched(request);
}

/* Finds what the XML has against it, and what becomes of interrupts. */
static int plan_check(struct request *request, struct error *error)
{
	struct plan *plan = &request->plan;
	const struct assigned *given = NULL;
	struct assigned devices;

	if (plan_sets_cpuset(request) &&
	    pins_check(request->roots, request->peer.guest, request->cpuset.unified,
		       &plan->placement, error) < 0)
		return -EINVAL;
	/* A guest that runs may have some of a rule that was another then. */
	if (!rule_sets_interrupts(&plan->rule) && !guest_is_watched(request))
		return 0;
	if (!request->runs && qemu_args_have(request->peer.argv, "daemonize"))
		return error_set(
		    error, -EINVAL,
		    "with -daemonize the guest leaves its process behind, with whose end "
		    "its interrupts would go back: start it without");
	/* A guest's own word is not enough for what devices are its. */
	if (!error_is_set(&request->by_hand)) {
		if (libvirt_state_devices(request->roots, request->peer.guest, &devices, error) < 0)
			return -EINVAL;
		given = &devices;
	}
	request->interrupts = interrupt_plan_make(&plan->rule, &plan->placement, request->peer.argv,
						  given, request->roots, error);
	return request->interrupts == NULL ? -EINVAL : 0;
}

/* Makes the plan for the guest, of which something must be for the agent to do. */
static int guest_plan(struct request *request, struct error *error)
{
	struct plan *plan = &request->plan;
	const struct roots *roots = request->roots;

	plan_make(plan, request->peer.guest, PLAN_FOR_HOST,
		  (struct policy_source){roots->policy, roots->owner});
	if (plan->placed && plan_asks(request))
		return plan_check(request, error);
	if (error_is_set(&plan->reason))
		return error_set(error, -EINVAL, "%s", plan->reason.text);
	if (error_is_set(&request->by_hand))
		return error_set(error, -EINVAL, "%s", request->by_hand.text);
	if (plan->matched)
		return error_set(error, -EINVAL,
				 "the rule asks for nothing that is for the agent (any more)");
	if (plan->warning_count > 0)
		return error_set(error, -ENOENT, "%s", plan->warnings[0].text);
	return error_set(error, -ENOENT, "no rule of the agent's policy, %s, matches the guest",
			 roots->policy);
}

/* Has the watcher take the guest. Returns a connection to it, or -errno with `error` filled. */
static int guest_watch(struct request *request, struct error *error)
{
	const struct rule *rule = &request->plan.rule;
	struct watch_guest guest = {
	    .pid = request->peer.pid, .pidfd = request->peer.pidfd, .plan = request->interrupts};
	char name[sizeof(guest.rule)];
	struct process_stat stat;
	int result = process_stat_read(request->peer.directory, &stat);

	if (result < 0)
		return error_set(error, result, "the process has ended");
	strcpy(guest.started, stat.started);
	text_printable(guest.name, sizeof(guest.name), request->peer.guest);
	snprintf(name, sizeof(name), "%.400s:%u", rule->file, rule->line);
	text_printable(guest.rule, sizeof(guest.rule), name);
	/* Whoever is in one cgroup of a guest is one guest, however often it asks. */
	if (error_is_set(&request->by_hand))
		snprintf(guest.owner, sizeof(guest.owner), "pid %d %s", guest.pid, guest.started);
	else
		text_printable(guest.owner, sizeof(guest.owner), request->cgroup.machine);
	result = watcher_bring(request->bring, &guest, &request->note, error);
	if (result >= 0 && request->interrupts->doubtful[0] != '\0')
		text_add(request->note.text, sizeof(request->note.text),
			 "%s'%s' of its command line is none of the devices that libvirt gives it, "
			 "and is left alone",
			 error_is_set(&request->note) ? "; " : "", request->interrupts->doubtful);
	return result;
}

/*
 * Gives the process its priority and its cpuset, or neither. (The number of a process that ended
 * this very moment would have to be another's already for that to get the priority.)
 */
static int process_place(struct request *request, struct error *error)
{
	const struct plan *plan = &request->plan;
	pid_t pid = request->peer.pid;
	struct priority before;
	int result = 0;

	if (priority_is_asked(&plan->rule))
		result = priority_apply(&plan->rule, pid, &before, error);
	if (result < 0 || !plan_sets_cpuset(request))
		return result;
	result = cpuset_place(&request->cpuset, &plan->placement.cpus, error);
	if (result < 0 && priority_is_asked(&plan->rule))
		priority_undo(&plan->rule, pid, &before);
	return result;
}

/* Gives the same to all threads of a guest that runs, as far as they have it not. */
static int threads_place(struct request *request, struct error *error)
{
	const struct plan *plan = &request->plan;
	const struct id_set *cpus = plan->placement.sets_cpus ? &plan->placement.cpus : NULL;
	int directory = request->peer.directory;
	int result = 0;

	if (plan_sets_cpuset(request))
		result = cpuset_move(&request->cpuset, cpus, error);
	if (result == 0 && cpus != NULL) {
		result = guest_threads_widen(directory, cpus, plan_sets_cpuset(request));
		if (result < 0)
			return error_set(error, result, "its threads cannot be read: %s",
					 strerror(-result));
	}
	return result < 0 ? result : guest_threads_place(directory, &plan->rule, cpus, error);
}

/*
 * The interrupts come first, for they alone can be taken back; but last of a guest that runs, which
 * is to keep those that it has where the rest is refused.
 */
static int guest_place(struct request *request, struct error *error)
{
	/* The shim may have lost its patience: then the guest has started without. */
	int result = peer_waits(&request->peer, request->connection, error);
	int watcher = -1;

	if (result == 0 && request->runs)
		result = threads_place(request, error);
	if (result == 0 && request->interrupts != NULL)
		result = watcher = guest_watch(request, error);
	if (result > 0) /* that may have taken its time */
		result = peer_waits(&request->peer, request->connection, error);
	if (result >= 0 && !request->runs)
		result = process_place(request, error);
	if (result == 0 && watcher >= 0) {
		result = watcher_keep(watcher);
		if (result < 0)
			error_set(error, result,
				  "the watch over interrupts has ended: see its log");
	}
	if (watcher >= 0)
		close(watcher);
	return result;
}

static bool option_is_for_agent(const char *option)
{
	static const char *const names[] = {"irq=", "isolate", "nice=", "sched="};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strncmp(option, names[i], strlen(names[i])) == 0)
			return true;
	}
	return false;
}

static void tell_placed(const struct request *request)
{
	const struct plan *plan = &request->plan;
	char text[ERROR_TEXT_SIZE];
	char part[ERROR_TEXT_SIZE];

	snprintf(text, sizeof(text), "placed %sguest '%s' (pid %d): rule %s:%u",
		 request->runs ? "running " : "", request->peer.guest, request->peer.pid,
		 plan->rule.file, plan->rule.line);
	if (plan_sets_cpus(request))
		text_add(text, sizeof(text), ", cpus %s",
			 id_set_format(&plan->placement.cpus, part, ID_SET_TEXT_SIZE));
	for (size_t i = 0; rule_option_format(&plan->rule, i, part, sizeof(part)); i++) {
		if (option_is_for_agent(part))
			text_add(text, sizeof(text), ", %s", part);
	}
	log_line("%s", text);
	if (error_is_set(&request->note))
		log_line("guest '%s': rule %s:%u: %s", request->peer.guest, plan->rule.file,
			 plan->rule.line, request->note.text);
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
		   int bring, bool quiet, char reply[AGENT_REPLY_MAX])
{
	struct request request = {.connection = connection, .roots = roots, .bring = bring};
	struct error error = {0};
	int result = peer_open(&request.peer, connection, roots, &error);

	request.cpuset = (struct cpuset){.guest = -1, .parent = -1, .emulator = -1};
	if (result == 0)
		result = message_read(&request, message, length, &error);
	if (result == 0)
		result = guest_find(&request, &error);
	if (result == 0)
		result = guest_plan(&request, &error);
	if (result == 0)
		result = guest_place(&request, &error);
	if (result == 0) {
		answer_message_placed(
		    reply, AGENT_REPLY_MAX,
		    plan_sets_cpus(&request) ? &request.plan.placement.cpus : NULL, &request.note);
		tell_placed(&request);
	} else {
		answer_message_refused(reply, AGENT_REPLY_MAX, &error);
		if (!quiet)
			tell_refused(&request, error.text);
	}
	plan_free(&request.plan);
	free(request.interrupts);
	cpuset_close(&request.cpuset);
	peer_close(&request.peer);
	return result == 0;
}
