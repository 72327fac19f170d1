#include "guest_verdict.h"

#include <stdio.h>
#include <string.h>

enum { THREADS_NAMED = 3, WORD_SIZE = ID_SET_TEXT_SIZE + 32 };

const char *verdict_name(enum verdict verdict)
{
	static const char *const names[VERDICTS] = {
	    [VERDICT_PLACED] = "placed",     [VERDICT_DRIFTED] = "drifted",
	    [VERDICT_UNPLACED] = "unplaced", [VERDICT_NO_RULE] = "no rule",
	    [VERDICT_UNKNOWN] = "unknown",
	};

	return names[verdict];
}

/* Adds to a text that may have something already, behind a semicolon. */
static char *text_begin(struct error *error)
{
	if (error_is_set(error))
		text_add(error->text, sizeof(error->text), "; ");
	return error->text;
}

static bool thread_is_inside(const struct guest_state *state, const struct guest_thread *thread)
{
	return !state->wanted.sets_cpus || id_set_holds(&state->wanted.cpus, &thread->cpus);
}

bool guest_thread_is_placed(const struct guest_state *state, const struct guest_thread *thread)
{
	return thread_is_inside(state, thread) &&
	       priority_is(&thread->stat.priority, &state->asked);
}

bool guest_cpus_are_fewer(const struct guest_state *state)
{
	return state->wanted.sets_cpus && id_set_holds(&state->wanted.cpus, &state->cpus) &&
	       !id_set_equal(&state->wanted.cpus, &state->cpus);
}

/* "'CPU 0/KVM' (4712)" */
static void thread_name(const struct guest_thread *thread, struct error *reason)
{
	char name[4 * PROCESS_NAME_SIZE];

	text_add(reason->text, sizeof(reason->text), "'%s' (%d)",
		 text_printable(name, sizeof(name), thread->stat.name), thread->id);
}

/* Returns how many threads may run on CPUs that are not the rule's. */
static size_t threads_outside(const struct guest_state *state, struct error *reason)
{
	const struct guest_threads *threads = &state->threads;
	char cpus[ID_SET_TEXT_SIZE];
	size_t count = 0;
	size_t named = 0;

	for (size_t i = 0; i < threads->count; i++)
		count += !thread_is_inside(state, &threads->at[i]);
	if (count == 0)
		return 0;
	text_add(text_begin(reason), sizeof(reason->text),
		 "%zu of %zu threads may run elsewhere: ", count, threads->count);
	for (size_t i = 0; i < threads->count && named < THREADS_NAMED; i++) {
		if (thread_is_inside(state, &threads->at[i]))
			continue;
		text_add(reason->text, sizeof(reason->text), named++ > 0 ? ", " : "");
		thread_name(&threads->at[i], reason);
		text_add(reason->text, sizeof(reason->text), " on %s",
			 id_set_format(&threads->at[i].cpus, cpus, sizeof(cpus)));
	}
	if (count > named)
		text_add(reason->text, sizeof(reason->text), " and others");
	return count;
}

/* Whether some thread has not the priority of the rule. */
static bool priority_fails(const struct guest_state *state, struct error *reason)
{
	const struct guest_threads *threads = &state->threads;
	char wanted[WORD_SIZE];

	for (size_t i = 0; i < threads->count; i++) {
		const struct priority *priority = &threads->at[i].stat.priority;

		if (priority_is(priority, &state->asked))
			continue;
		text_add(text_begin(reason), sizeof(reason->text), "thread ");
		thread_name(&threads->at[i], reason);
		text_add(reason->text, sizeof(reason->text),
			 " has nice %d, scheduler %s, real-time priority %d, wanted %s",
			 priority->nice, priority_scheduler_name(priority->scheduler),
			 priority->realtime,
			 priority_format(&state->asked, wanted, sizeof(wanted)));
		return true;
	}
	return false;
}

/* Only what takes all memory from its nodes has it there, sooner or later. */
static bool memory_is_asked(const struct guest_state *state)
{
	return state->wanted_known && state->wanted.sets_memory &&
	       (state->wanted.mode == MEMORY_BIND || state->wanted.mode == MEMORY_INTERLEAVE);
}

double guest_state_share(const struct guest_state *state)
{
	uint64_t all;

	if (!memory_is_asked(state) || !state->pages_known)
		return -1;
	all = guest_pages_on(&state->pages, NULL);
	if (all == 0)
		return 1;
	return (double)guest_pages_on(&state->pages, &state->wanted.nodes) / (double)all;
}

double guest_state_percent(const struct guest_state *state)
{
	return (double)(int)(guest_state_share(state) * 1000) / 10;
}

bool guest_memory_is_placed(const struct guest_state *state)
{
	double share = guest_state_share(state);

	return share < 0 || share * 100 >= GUEST_MEMORY_PERCENT;
}

static bool memory_fails(const struct guest_state *state, struct error *reason)
{
	char nodes[ID_SET_TEXT_SIZE];

	if (guest_memory_is_placed(state))
		return false;
	text_add(text_begin(reason), sizeof(reason->text), "of its memory %s%.1f %% is on node %s",
		 state->pages.sampled ? "some " : "", guest_state_percent(state),
		 id_set_format(&state->wanted.nodes, nodes, sizeof(nodes)));
	return true;
}

static void irq_name(const struct guest_irq *irq, struct error *reason)
{
	char cpus[ID_SET_TEXT_SIZE];

	text_add(text_begin(reason), sizeof(reason->text), "IRQ %u%s%s may go to CPUs %s",
		 irq->number, *irq->device != '\0' ? " of " : "", irq->device,
		 id_set_format(&irq->cpus, cpus, sizeof(cpus)));
}

/* What the agent could not move is the kernel's, or another guest's. */
static bool irqs_fail(const struct guest_state *state, struct error *reason)
{
	const struct guest_irqs *irqs = &state->irqs;
	bool fails = false;

	if (state->irqs_other) {
		text_add(text_begin(reason), sizeof(reason->text),
			 "the agent watches over its interrupts as an earlier rule has said");
		return true;
	}
	if (!rule_sets_interrupts(&state->asked))
		return false;
	if (!state->irqs_watched) {
		text_add(text_begin(reason), sizeof(reason->text),
			 "the agent does not watch over its interrupts");
		return true;
	}
	for (size_t i = 0; i < irqs->count && !fails; i++) {
		fails = irqs->at[i].moved && !id_set_holds(&irqs->at[i].wanted, &irqs->at[i].cpus);
		if (fails)
			irq_name(&irqs->at[i], reason);
	}
	if (irqs->stray_count > 0)
		irq_name(&irqs->strays[0], reason);
	return fails || irqs->stray_count > 0;
}

bool guest_irqs_are_placed(const struct guest_state *state)
{
	struct error reason = {0};

	return !irqs_fail(state, &reason);
}

/* The policy of the placement in the kernel's words (mpol_to_str in its mm/mempolicy.c). */
static const char *policy_word(const struct placement *placement, char text[WORD_SIZE])
{
	static const char *const words[MEMORY_MODES] = {
	    [MEMORY_BIND] = "bind",
	    [MEMORY_PREFERRED] = "prefer",
	    [MEMORY_PREFERRED_MANY] = "prefer (many)",
	    [MEMORY_INTERLEAVE] = "interleave",
	    [MEMORY_LOCAL] = "local",
	};
	char nodes[ID_SET_TEXT_SIZE];

	if (placement->mode == MEMORY_LOCAL)
		strcpy(text, "local");
	else
		snprintf(text, WORD_SIZE, "%s:%s", words[placement->mode],
			 id_set_format(&placement->nodes, nodes, sizeof(nodes)));
	return text;
}

static bool policy_is_wanted(const struct guest_state *state)
{
	char word[WORD_SIZE];

	return state->wanted.sets_memory && state->pages_known &&
	       strcmp(policy_word(&state->wanted, word), state->pages.policy) == 0;
}

static void note_add(struct guest_state *state, const char *option)
{
	text_add(text_begin(&state->note), sizeof(state->note.text),
		 "%s counts from its next start on", option);
}

/* What nobody can give to a process that runs, as far as it seems not to have it. */
static void note_find(struct guest_state *state)
{
	const struct rule *asked = &state->asked;
	struct error *note = &state->note;
	char word[WORD_SIZE];

	if (guest_cpus_are_fewer(state))
		text_add(
		    note->text, sizeof(note->text),
		    "its threads may use only CPUs %s of these: by its XML, or an earlier rule",
		    id_set_format(&state->cpus, word, sizeof(word)));
	if (asked->huge_page > 0 && !asked->huge_pages_preferred && state->pages_known &&
	    !state->pages.sampled && state->pages.huge_page != asked->huge_page)
		note_add(state, "hugepages=");
	if (asked->thp == CHOICE_OFF && !state->thp_never)
		note_add(state, "thp=never");
	if (!state->wanted.sets_memory || !state->pages_known || policy_is_wanted(state))
		return;
	text_add(text_begin(note), sizeof(note->text),
		 "its memory policy is '%s', and '%s' from its next start on: until then new "
		 "memory may come from other nodes",
		 state->pages.policy, policy_word(&state->wanted, word));
	/* So it was started by another rule, or by none; the rest of that cannot be seen. */
	if (asked->ksm != CHOICE_NONE)
		note_add(state, "ksm=");
	if (asked->prealloc)
		note_add(state, "prealloc=on");
	if (asked->env_count > 0)
		note_add(state, "env=");
}

static bool has_no_priority(const struct guest_state *state)
{
	for (size_t i = 0; i < state->threads.count; i++) {
		if (priority_is(&state->threads.at[i].stat.priority, &state->asked))
			return false;
	}
	return true;
}

/*
 * Nothing at all is as the rule says where the first thing that it asks for is nowhere, as where
 * all threads are outside of its CPUs, and neither the memory policy nor the agent knows of it.
 */
static bool has_nothing(const struct guest_state *state, size_t outside)
{
	if (policy_is_wanted(state) || state->irqs_watched)
		return false;
	if (state->wanted.sets_cpus)
		return outside == state->threads.count;
	if (memory_is_asked(state))
		return guest_state_share(state) <= 0;
	return !priority_is_asked(&state->asked) || has_no_priority(state);
}

void guest_verdict_find(struct guest_state *state)
{
	size_t outside;
	bool fails;

	state->verdict = error_is_set(&state->reason) ? VERDICT_UNKNOWN : VERDICT_NO_RULE;
	if (state->rule_file == NULL)
		return;
	state->verdict = VERDICT_UNPLACED;
	if (!state->wanted_known) /* the reason is there already */
		return;
	outside = threads_outside(state, &state->reason);
	fails = outside > 0;
	fails = memory_fails(state, &state->reason) || fails;
	fails = priority_fails(state, &state->reason) || fails;
	fails = irqs_fail(state, &state->reason) || fails;
	note_find(state);
	if (fails)
		state->verdict = has_nothing(state, outside) ? VERDICT_UNPLACED : VERDICT_DRIFTED;
	else if (memory_is_asked(state) && !state->pages_known) {
		state->verdict = VERDICT_UNKNOWN;
		error_set(&state->reason, 0, "its memory cannot be seen: do this as root");
	} else
		state->verdict = VERDICT_PLACED;
}
