/* guest-pinning apply: brings running guests to the policy. */
#include "agent.h"
#include "guest_move.h"
#include "guest_verdict.h"
#include "log.h"
#include "report.h"
#include "verbs.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LINE_SIZE = 2 * ERROR_TEXT_SIZE, SIZE_SIZE = 32 };

/* What has come of one guest. */
struct applied {
	const struct guest_state *before;
	const struct guest_state *after; /* NULL: it has ended */
	struct error note;               /* of the agent's */
	struct error error;
};

static bool threads_are_placed(const struct guest_state *state)
{
	for (size_t i = 0; i < state->threads.count; i++) {
		if (!guest_thread_is_placed(state, &state->threads.at[i]))
			return false;
	}
	return true;
}

/* Why its rule cannot be honoured on this host, with the line of the policy that it is about. */
static void rule_failure(const struct guest_state *state, struct error *error)
{
	if (state->rule_file == NULL) /* it may have one, in what cannot be read */
		*error = state->reason;
	else
		error_set(error, 0, "%s:%u: %s", state->rule_file, state->rule_line,
			  state->reason.text);
}

/* The CPUs come first, so that no new memory is taken where some is just moved from. */
static void guest_apply(struct applied *applied)
{
	const struct guest_state *state = applied->before;
	struct id_set cpus;
	int result = 0;

	if (!state->wanted_known) {
		rule_failure(state, &applied->error);
		return;
	}
	if (!threads_are_placed(state) || guest_cpus_are_fewer(state) ||
	    !guest_irqs_are_placed(state))
		result = agent_apply(AGENT_SOCKET, state->pid, state->started, &cpus,
				     &applied->note, &applied->error);
	if (result == 0 && !guest_memory_is_placed(state))
		(void)guest_memory_move(state, &applied->error);
}

static bool is_good(const struct applied *applied)
{
	return !error_is_set(&applied->error) && applied->after != NULL &&
	       (applied->after->verdict == VERDICT_PLACED ||
		applied->after->verdict == VERDICT_NO_RULE);
}

/* What of its memory is on its nodes that was not. */
static uint64_t bytes_moved(const struct applied *applied)
{
	const struct id_set *nodes = &applied->before->wanted.nodes;
	uint64_t before;
	uint64_t after;

	if (applied->after == NULL || !applied->before->pages_known ||
	    !applied->after->pages_known || guest_memory_is_placed(applied->before))
		return 0;
	before = guest_pages_on(&applied->before->pages, nodes);
	after = guest_pages_on(&applied->after->pages, nodes);
	return after > before ? after - before : 0;
}

/* Writes what there is to be said besides. */
static const char *notes_text(const struct applied *applied, char text[LINE_SIZE])
{
	const struct error *note = applied->after != NULL ? &applied->after->note : NULL;

	snprintf(text, LINE_SIZE, "%s", applied->note.text);
	if (note != NULL && error_is_set(note))
		text_add(text, LINE_SIZE, "%s%s", *text != '\0' ? "; " : "", note->text);
	if (applied->after != NULL && !guest_memory_is_placed(applied->after))
		text_add(
		    text, LINE_SIZE,
		    "%smemory stays that a device is given (VFIO), or for which its nodes have "
		    "no room",
		    *text != '\0' ? "; " : "");
	return text;
}

/* Why it is not placed; empty: it is. */
static const char *failure_text(const struct applied *applied)
{
	if (error_is_set(&applied->error))
		return applied->error.text;
	return applied->after == NULL ? "it has ended" : applied->after->reason.text;
}

static json_t *applied_report(const struct applied *applied)
{
	char notes[LINE_SIZE];
	const char *failure = failure_text(applied);
	const struct guest_state *before = applied->before;

	notes_text(applied, notes);
	return json_pack("{s:o, s:i, s:s, s:o, s:I, s:o, s:o}", "guest", report_text(before->guest),
			 "pid", (int)before->pid, "before", verdict_name(before->verdict), "after",
			 applied->after != NULL ? json_string(verdict_name(applied->after->verdict))
						: json_null(),
			 "memory_moved", (json_int_t)bytes_moved(applied), "error",
			 report_text(failure), "note", report_text(notes));
}

static void applied_print(const struct applied *applied)
{
	const struct guest_state *before = applied->before;
	char name[PLAN_NAME_SIZE];
	char text[LINE_SIZE];
	char size[SIZE_SIZE];

	text_printable(name, sizeof(name), before->guest != NULL ? before->guest : "-");
	if (applied->after != NULL && applied->after->verdict == before->verdict)
		snprintf(text, sizeof(text), "%s as before", verdict_name(before->verdict));
	else
		snprintf(text, sizeof(text), "was %s, is %s", verdict_name(before->verdict),
			 applied->after != NULL ? verdict_name(applied->after->verdict) : "gone");
	if (bytes_moved(applied) > 0)
		text_add(text, sizeof(text), ", %s of memory moved",
			 screen_size(bytes_moved(applied), size, sizeof(size)));
	printf("%s: %s\n", name, text);
	if (*failure_text(applied) != '\0')
		printf("%s: error: %s\n", name, failure_text(applied));
	if (*notes_text(applied, text) != '\0')
		printf("%s: note: %s\n", name, text);
}

/* Finds the same guest among those that run now. */
static const struct guest_state *state_again(const struct guest_states *states,
					     const struct guest_state *state)
{
	for (size_t i = 0; i < states->count; i++) {
		if (states->at[i].pid == state->pid &&
		    strcmp(states->at[i].started, state->started) == 0)
			return &states->at[i];
	}
	return NULL;
}

/* Says what has come of all. Returns whether all is well. */
static bool tell(const struct applied *list, size_t count, bool json)
{
	json_t *report = json ? json_array() : NULL;
	bool good = true;

	for (size_t i = 0; i < count; i++) {
		good = is_good(&list[i]) && good;
		if (json)
			json_array_append_new(report, applied_report(&list[i]));
		else
			applied_print(&list[i]);
	}
	if (json)
		report_print(report);
	return good;
}

/* Applies the policy to those that have a rule. Returns how many of `list` are filled. */
static size_t apply_all(const struct guest_states *states, bool named, struct applied *list)
{
	struct progress progress;
	size_t count = 0;

	progress_start(&progress, "bringing guests to the policy");
	for (size_t i = 0; i < states->count; i++) {
		const struct guest_state *state = &states->at[i];

		progress_show(&progress, i, states->count);
		if (state->verdict == VERDICT_NO_RULE && !named)
			continue;
		list[count] = (struct applied){.before = state};
		if (state->verdict != VERDICT_NO_RULE)
			guest_apply(&list[count]);
		count++;
	}
	progress_end(&progress);
	return count;
}

static int apply(char *const names[], size_t name_count, bool json)
{
	struct guest_states before = {0};
	struct guest_states after = {0};
	struct applied *list = NULL;
	size_t count = 0;
	int status = VERB_PROBLEM;

	if (verb_read_guests(&before, names, name_count) == 0)
		list = calloc(before.count + 1, sizeof(*list));
	if (list != NULL) {
		count = apply_all(&before, name_count > 0, list);
		if (verb_read_guests(&after, names, name_count) == 0)
			status = VERB_FINE;
	}
	if (status == VERB_FINE && count == 0 && name_count == 0 && !json)
		puts("no guest that runs here has a rule");
	for (size_t i = 0; i < count; i++)
		list[i].after = state_again(&after, list[i].before);
	if (status == VERB_FINE && !tell(list, count, json))
		status = VERB_PROBLEM;
	if (!verb_guests_run(&before, names, name_count))
		status = VERB_PROBLEM;
	if (!verb_policy_counts())
		status = VERB_PROBLEM;
	free(list);
	guest_states_free(&before);
	guest_states_free(&after);
	return verb_finish(status);
}

int verb_apply(int argc, char *argv[])
{
	bool json = false;
	bool all = false;
	int first = verb_options(
	    argc, argv,
	    (struct verb_option[]){{"json", .flag = &json}, {"all", .flag = &all}, {0}});

	if (first < 0)
		return VERB_USAGE;
	if (all != (first == argc))
		return verb_usage(argv[0]);
	if (geteuid() != 0) {
		log_line("only root may move guests: do this as root");
		return VERB_PROBLEM;
	}
	return apply(argv + first, (size_t)(argc - first), json);
}
