#include "guest_state.h"
#include "emulators.h"
#include "file.h"
#include "guest_verdict.h"
#include "watched.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { COUNTING_NS = 1000000000, STATUS_SIZE = 16 * 1024 };

/* The search, as it goes on. */
struct search {
	struct guest_states *states;
	size_t room;
	const struct roots *roots;
	struct policy_source source;
	json_t *watched;
	char *const *names;
	size_t name_count;
};

static bool is_asked_for(const struct search *search, const char *guest)
{
	for (size_t i = 0; i < search->name_count; i++) {
		if (guest != NULL && strcmp(search->names[i], guest) == 0)
			return true;
	}
	return search->name_count == 0;
}

static struct guest_state *state_new(struct search *search)
{
	struct guest_states *states = search->states;

	if (states->count == search->room) {
		size_t room = search->room == 0 ? 64 : 2 * search->room;
		struct guest_state *at = realloc(states->at, room * sizeof(*at));

		if (at == NULL)
			return NULL;
		states->at = at;
		search->room = room;
	}
	states->at[states->count] = (struct guest_state){0};
	return &states->at[states->count++];
}

/* What the rule says besides CPUs and memory, but for its strings, which end with the plan. */
static void asked_keep(struct guest_state *state, const struct rule *rule)
{
	state->asked = *rule;
	state->asked.file = state->asked.glob = state->asked.nodes = state->asked.cpus = NULL;
	state->asked.hugepages = NULL;
	memset(state->asked.env, 0, sizeof(state->asked.env));
	memset(state->asked.irqs, 0, sizeof(state->asked.irqs));
}

/* What the plan wants of interrupts, and what is. */
static int irqs_read(struct search *search, struct guest_state *state, const struct plan *plan,
		     char *const argv[])
{
	struct interrupt_plan *interrupts;
	struct error error;
	int result;

	state->irqs_watched = watched_has_guest(search->watched, state->pid, state->started);
	if (!plan->placed || !(rule_sets_interrupts(&plan->rule) || state->irqs_watched))
		return 0;
	interrupts =
	    interrupt_plan_make(&plan->rule, &plan->placement, argv, NULL, search->roots, &error);
	if (interrupts == NULL) {
		state->wanted_known = false;
		state->reason = error;
		return 0;
	}
	state->irqs_other = state->irqs_watched && !watched_has_plan(search->watched, state->pid,
								     state->started, interrupts);
	result = guest_irqs_read(&state->irqs, interrupts, search->watched, search->roots);
	free(interrupts);
	return result == -ENOMEM ? result : 0;
}

static int wanted_read(struct search *search, struct guest_state *state, char *const argv[])
{
	struct plan plan;
	int result = 0;

	plan_make(&plan, state->guest, PLAN_FOR_HOST, search->source);
	if (plan.matched) {
		asked_keep(state, &plan.rule);
		state->wanted_known = plan.placed;
		state->wanted = plan.placement;
		state->reason = plan.reason;
		state->glob = strdup(plan.rule.glob);
		state->rule_file = strdup(plan.rule.file);
		state->rule_line = plan.rule.line;
		if (state->glob == NULL || state->rule_file == NULL)
			result = -ENOMEM;
	} else if (plan.warning_count > 0) /* in what cannot be read there may be one */
		state->reason = plan.warnings[0];
	if (result == 0)
		result = irqs_read(search, state, &plan, argv);
	plan_free(&plan);
	return result;
}

/* PR_SET_THP_DISABLE is told by "status" since Linux 5.0. */
static bool thp_is_off(int directory)
{
	char status[STATUS_SIZE];

	return file_read(directory, "status", status, sizeof(status)) > 0 &&
	       strstr(status, "\nTHP_enabled:\t0") != NULL;
}

/* Takes one emulator in, all but its memory. */
static int state_add(void *context, const struct running_emulator *emulator)
{
	struct search *search = context;
	struct guest_state *state;
	int result;

	if (!is_asked_for(search, emulator->guest))
		return 0;
	state = state_new(search);
	if (state == NULL)
		return -ENOMEM;
	state->pid = emulator->pid;
	strcpy(state->started, emulator->stat.started);
	state->emulator = strdup(emulator->executable);
	state->guest = emulator->guest != NULL ? strdup(emulator->guest) : NULL;
	if (state->emulator == NULL || (state->guest == NULL && emulator->guest != NULL))
		return -ENOMEM;
	state->thp_never = thp_is_off(emulator->directory);
	state->resident = guest_pages_resident(emulator->directory);
	result = guest_threads_read(&state->threads, emulator->directory);
	if (result == -ENOMEM)
		return result;
	for (size_t i = 0; i < state->threads.count; i++)
		id_set_join(&state->cpus, &state->threads.at[i].cpus);
	return wanted_read(search, state, emulator->argv);
}

int guest_state_open(const struct guest_state *state, const struct roots *roots)
{
	char path[PATH_MAX];
	struct process_stat stat;
	int directory;

	snprintf(path, sizeof(path), "%s/%d", roots->proc, state->pid);
	directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (directory < 0)
		return -1;
	if (process_stat_read(directory, &stat) == 0 && strcmp(stat.started, state->started) == 0)
		return directory;
	close(directory);
	return -1;
}

static int compare_resident(const void *left, const void *right)
{
	uint64_t a = (*(struct guest_state *const *)left)->resident;
	uint64_t b = (*(struct guest_state *const *)right)->resident;

	return (a > b) - (a < b);
}

/* The smallest come first: as many as can be are counted. */
static int memory_read(struct guest_states *states, const struct roots *roots,
		       struct progress *progress)
{
	struct guest_state **turns = calloc(states->count + 1, sizeof(struct guest_state *));
	long long budget = COUNTING_NS;
	int result = 0;

	if (turns == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < states->count; i++)
		turns[i] = &states->at[i];
	qsort(turns, states->count, sizeof(struct guest_state *), compare_resident);
	for (size_t i = 0; i < states->count && result != -ENOMEM; i++) {
		struct guest_state *state = turns[i];
		int directory = guest_state_open(state, roots);

		if (progress != NULL)
			progress_show(progress, i, states->count);
		if (directory < 0) {
			guest_threads_free(&state->threads); /* it has ended */
			continue;
		}
		result = guest_pages_read(&state->pages, directory, state->pid, &budget);
		state->pages_known = result == 0;
		close(directory);
	}
	free(turns);
	return result == -ENOMEM ? result : 0;
}

/* Those without a name come last. */
static int compare_states(const void *left, const void *right)
{
	const struct guest_state *a = left;
	const struct guest_state *b = right;
	int order;

	if (a->guest == NULL || b->guest == NULL)
		order = (a->guest == NULL) - (b->guest == NULL);
	else
		order = strverscmp(a->guest, b->guest);
	return order != 0 ? order : (a->pid > b->pid) - (a->pid < b->pid);
}

static void state_free(struct guest_state *state)
{
	free(state->guest);
	free(state->emulator);
	free(state->rule_file);
	free(state->glob);
	guest_threads_free(&state->threads);
	guest_pages_free(&state->pages);
	guest_irqs_free(&state->irqs);
}

/* Leaves those that still run. */
static void states_settle(struct guest_states *states)
{
	size_t kept = 0;

	for (size_t i = 0; i < states->count; i++) {
		struct guest_state *state = &states->at[i];

		if (state->threads.count == 0) {
			state_free(state);
			continue;
		}
		guest_verdict_find(state);
		states->at[kept++] = *state;
	}
	states->count = kept;
	if (kept > 0)
		qsort(states->at, kept, sizeof(*states->at), compare_states);
}

int guest_states_read(struct guest_states *states, const struct roots *roots,
		      struct policy_source source, char *const names[], size_t name_count,
		      struct progress *progress, struct error *error)
{
	struct search search = {.states = states,
				.roots = roots,
				.source = source,
				.watched = watched_load(roots),
				.names = names,
				.name_count = name_count};
	int result;

	*states = (struct guest_states){0};
	result = emulators_find(roots, state_add, &search);
	json_decref(search.watched);
	if (result == 0)
		result = memory_read(states, roots, progress);
	if (result < 0)
		return error_set(error, result, "%s cannot be read: %s", roots->proc,
				 strerror(-result));
	states_settle(states);
	return 0;
}

void guest_states_free(struct guest_states *states)
{
	for (size_t i = 0; i < states->count; i++)
		state_free(&states->at[i]);
	free(states->at);
	*states = (struct guest_states){0};
}
