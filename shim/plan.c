#include "plan.h"
#include "agent.h"
#include "cgroup.h"
#include "priority.h"
#include "self.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct policy_source policy_source_find(void)
{
	const char *path = self_getenv("GUEST_PINNING_CONF");

	if (path != NULL && *path != '\0')
		return (struct policy_source){path, geteuid()};
	return (struct policy_source){POLICY_PATH, 0};
}

static void plan_warn(struct plan *plan, const char *text)
{
	if (plan->warning_count == PLAN_WARNINGS_MAX)
		return;
	if (plan->warning_count == PLAN_WARNINGS_MAX - 1)
		text = "there are more warnings: run guest-pinning check";
	error_set(&plan->warnings[plan->warning_count++], 0, "%s", text);
}

static void plan_report(void *context, const char *text, bool used)
{
	(void)used;
	plan_warn(context, text);
}

/* What the matching rule asks for cannot be had: the start is refused, or warned of. */
static void plan_fail(struct plan *plan, const char *reason)
{
	char guest[PLAN_NAME_SIZE];
	struct error error;

	text_printable(guest, sizeof(guest), plan->guest);
	plan->placed = false;
	error_set(&plan->reason, 0, "%s", reason);
	error_set(plan->rule.best_effort ? &error : &plan->error, 0, "%s:%u: %s; guest '%s' %s",
		  plan->rule.file, plan->rule.line, reason, guest,
		  plan->rule.best_effort ? "starts unplaced" : "is not started");
	if (plan->rule.best_effort)
		plan_warn(plan, error.text);
}

void plan_let_be(struct plan *plan, const char *reason)
{
	plan->error.text[0] = '\0';
	plan->rule.best_effort = true;
	plan_fail(plan, reason);
}

/*
 * Whether libvirt has this process in the cgroup of an emulator: then its affinity will not
 * last without the agent, and the agent listens to it.
 */
static int is_in_emulator(struct error *error)
{
	struct cgroup cgroup;
	int result = cgroup_read(AT_FDCWD, "/proc/self/cgroup", &cgroup);

	if (result == -ENOENT)
		return 0;
	if (result < 0)
		return error_set(error, result, "the cgroup of this process cannot be read: %s",
				 strerror(-result));
	return cgroup_is_emulator(&cgroup);
}

/* Whether a rule asks for something that the agent may have to do. */
static bool may_ask_agent(const struct rule *rule)
{
	return rule->nodes != NULL || rule->cpus != NULL || priority_is_asked(rule) ||
	       rule_sets_interrupts(rule);
}

static void plan_place(struct plan *plan, enum plan_for whom)
{
	enum placement_view view = PLACEMENT_OF_CALLER;
	struct error error = {0};
	int inside = 0;

	if (error_is_set(&plan->rule.error)) {
		plan_fail(plan, plan->rule.error.text);
		return;
	}
	if (whom == PLAN_FOR_HOST)
		view = PLACEMENT_OF_HOST;
	else if (may_ask_agent(&plan->rule))
		inside = is_in_emulator(&error);
	if (inside > 0)
		view = PLACEMENT_BY_AGENT;
	plan->in_emulator = inside > 0;
	plan->placed =
	    inside >= 0 && placement_resolve(&plan->rule, view, &plan->placement, &error) == 0;
	if (!plan->placed)
		plan_fail(plan, error.text);
	plan->asks_agent =
	    plan->placed && (plan->placement.by_agent || rule_sets_interrupts(&plan->rule));
}

void plan_by_libvirt(struct plan *plan)
{
	if (plan->placed && plan->placement.sets_cpus && !plan->placement.by_agent)
		plan_fail(plan, "libvirt has this guest in no cpuset cgroup of its own, and would "
				"undo its CPUs: see cgroup_controllers in qemu.conf; guests of "
				"qemu:///session have none");
}

/* What is no reason to refuse the start, with the line of the policy that it is about. */
static void plan_warn_of_rule(struct plan *plan, const char *text)
{
	struct error error;

	error_set(&error, 0, "%s:%u: %s", plan->rule.file, plan->rule.line, text);
	plan_warn(plan, error.text);
}

void plan_memory(struct plan *plan, char *const argv[], const struct emulator *emulator)
{
	struct error warning = {0};
	struct error error = {0};

	if (!plan->placed)
		return;
	if (guest_memory_plan(&plan->rule, &plan->placement, argv, emulator, &plan->memory,
			      &warning, &error) < 0)
		plan_fail(plan, error.text);
	if (error_is_set(&warning))
		plan_warn_of_rule(plan, warning.text);
}

void plan_interrupts(struct plan *plan, char *const argv[])
{
	struct error error = {0};

	if (!plan->placed || !rule_sets_interrupts(&plan->rule))
		return;
	plan->interrupts = interrupt_plan_make(&plan->rule, &plan->placement, argv, NULL,
					       &roots_of_kernel, &error);
	if (plan->interrupts == NULL)
		plan_fail(plan, error.text);
}

char *const *plan_argv(const struct plan *plan, char *const argv[])
{
	return plan->placed && plan->memory.argv != NULL ? plan->memory.argv : argv;
}

/* A name so long that no rule can be looked for matters only where there are rules. */
static int plan_nameless(struct plan *plan)
{
	struct policy_line line;
	int result = policy_next(&plan->policy, &line);

	if (result > 0)
		plan_warn(plan, "the guest's name is too long for any rule; it starts unplaced");
	return result < 0 ? result : 0;
}

void plan_make(struct plan *plan, const char *guest, enum plan_for whom,
	       struct policy_source source)
{
	struct glob_name name;
	int result;

	/* Texts are empty by their first byte; what is not written costs no memory. */
	memset(plan, 0, offsetof(struct plan, reason));
	plan->reason.text[0] = plan->error.text[0] = '\0';
	plan->guest = guest != NULL && *guest != '\0' ? guest : NULL;
	if (plan->guest == NULL)
		return;
	result = policy_open(&plan->policy, source.path, source.owner, false, plan_report, plan);
	if (result == 0)
		result = glob_name_set(&name, guest) < 0
			     ? plan_nameless(plan)
			     : policy_find(&plan->policy, &name, &plan->rule);
	if (result < 0) {
		plan_warn(plan, "out of memory for the policy; the guest starts unplaced");
		return;
	}
	plan->matched = result > 0;
	if (plan->matched)
		plan_place(plan, whom);
}

/*
 * The priority, where the agent is not asked anyway. What this process may not give itself is
 * the agent's affair where that listens.
 */
static int plan_prioritize(struct plan *plan, struct priority *before, struct error *error)
{
	int result;

	if (!priority_is_asked(&plan->rule) || plan->asks_agent)
		return 0;
	result = priority_apply(&plan->rule, 0, before, error);
	plan->asks_agent = result == -EPERM && plan->in_emulator;
	return plan->asks_agent ? 0 : result;
}

/* Has the agent do its part. */
static int plan_ask(struct plan *plan, const char *agent, struct error *note, struct error *error)
{
	struct id_set cpus;
	int result = agent_place(agent, &cpus, note, error);

	return result == 0 && plan->placement.by_agent
		   ? placement_join(&plan->placement, &cpus, error)
		   : result;
}

/* The agent comes last, for what it does cannot be taken back. */
static int plan_place_process(struct plan *plan, const char *agent, struct error *note,
			      struct error *warning, struct error *error)
{
	struct placement_before before;
	struct priority priority;
	int result = placement_apply(&plan->placement, &before, warning, error);

	if (result < 0)
		return result;
	result = plan_prioritize(plan, &priority, error);
	if (result == 0 && plan->asks_agent && agent != NULL)
		result = plan_ask(plan, agent, note, error);
	if (agent == NULL && result == 0 && !plan->asks_agent && priority_is_asked(&plan->rule))
		priority_undo(&plan->rule, 0, &priority);
	if (agent == NULL || result < 0)
		placement_undo(&plan->placement, &before);
	return result;
}

/* Puts a variable into the environment, which has room for it: where putenv(3) would. */
static void environment_put(char **made, char *variable)
{
	size_t length = strcspn(variable, "=") + 1;
	size_t i = 0;

	while (made[i] != NULL && strncmp(made[i], variable, length) != 0)
		i++;
	made[i] = variable;
}

/*
 * Makes the environment with env=, to be taken when the guest is placed: nothing may fail then.
 * Returns it allocated, or NULL.
 */
static char **environment_make(const struct rule *rule)
{
	size_t count = 0;
	char **made;

	while (environ != NULL && environ[count] != NULL)
		count++;
	made = calloc(count + rule->env_count + 1, sizeof(*made));
	if (made == NULL)
		return NULL;
	for (size_t i = 0; i < count; i++)
		made[i] = environ[i];
	for (size_t i = 0; i < rule->env_count; i++)
		environment_put(made, (char *)rule->env[i]); /* nobody changes it */
	return made;
}

void plan_apply(struct plan *plan, const char *agent)
{
	struct error note = {0};
	struct error warning = {0};
	struct error error = {0};
	bool changes = agent != NULL && plan->rule.env_count > 0;
	char **environment = NULL;

	if (!plan->placed)
		return;
	if (changes && (environment = environment_make(&plan->rule)) == NULL) {
		plan_fail(plan, "out of memory for env=");
		return;
	}
	if (plan_place_process(plan, agent, &note, &warning, &error) < 0)
		plan_fail(plan, error.text);
	if (error_is_set(&warning))
		plan_warn_of_rule(plan, warning.text);
	if (error_is_set(&note))
		plan_warn_of_rule(plan, note.text);
	if (changes && plan->placed)
		environ = environment; /* until execve(2) */
	else
		free(environment);
}

void plan_free(struct plan *plan)
{
	if (plan->policy.report != NULL)
		policy_close(&plan->policy);
	guest_memory_free(&plan->memory);
	free(plan->interrupts);
}
