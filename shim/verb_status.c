/* guest-pinning status: where running guests are, and where they should be. */
#include "agent.h"
#include "guest_state.h"
#include "log.h"
#include "report.h"
#include "report_guests.h"
#include "screen.h"
#include "status_guest.h"
#include "status_text.h"
#include "verbs.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WATCH_SECONDS = 2 };

/* Whether all that have a rule are placed. */
static bool all_are_placed(const struct guest_states *states)
{
	for (size_t i = 0; i < states->count; i++) {
		if (!verdict_is_fine(states->at[i].verdict))
			return false;
	}
	return true;
}

int verb_read_guests(struct guest_states *states, char *const names[], size_t count)
{
	struct progress progress;
	struct error error;
	int result;

	progress_start(&progress, "counting the guests' memory");
	result = guest_states_read(states, &verb_roots, policy_source_find(), names, count,
				   &progress, &error);
	progress_end(&progress);
	if (result < 0)
		log_line("%s", error.text);
	return result;
}

static void policy_told(void *context, const char *text, bool used)
{
	bool *counts = context;

	log_line("%s", text);
	*counts = *counts && used;
}

bool verb_policy_counts(void)
{
	struct policy_source source = policy_source_find();
	struct policy_line line;
	struct policy policy;
	bool counts = true;
	int result = policy_open(&policy, source.path, source.owner, false, policy_told, &counts);

	if (result == 0) {
		do /* a file is opened as its turn comes */
			result = policy_next(&policy, &line);
		while (result > 0);
		policy_close(&policy);
	}
	if (result < 0)
		log_line("out of memory for the policy");
	return counts && result == 0;
}

bool verb_guests_run(const struct guest_states *states, char *const names[], size_t count)
{
	bool all = true;

	for (size_t i = 0; i < count; i++) {
		bool found = false;

		for (size_t j = 0; j < states->count && !found; j++)
			found = states->at[j].guest != NULL &&
				strcmp(states->at[j].guest, names[i]) == 0;
		if (!found)
			log_line("no guest '%s' runs on this host", names[i]);
		all = all && found;
	}
	return all;
}

/* Shows them once, behind `front`, on so many rows, 0: on any. Returns the exit status. */
static int status_show(char *const names[], size_t count, bool json, const char *front,
		       unsigned int rows)
{
	struct guest_states states;
	json_t *list = json ? json_array() : NULL;
	bool good;

	if (verb_read_guests(&states, names, count) < 0) {
		guest_states_free(&states);
		json_decref(list);
		return VERB_PROBLEM;
	}
	good = all_are_placed(&states);
	fputs(front, stdout);
	for (size_t i = 0; json && i < states.count; i++)
		json_array_append_new(list, report_guest(&states.at[i]));
	if (json)
		report_print(list);
	else if ((count > 0 ? status_guests_print(&states, rows)
			    : status_table_print(&states, rows)) < 0) {
		log_line("out of memory");
		good = false;
	}
	good = verb_guests_run(&states, names, count) && good;
	good = verb_policy_counts() && good;
	guest_states_free(&states);
	return verb_finish(good ? VERB_FINE : VERB_PROBLEM);
}

/* Shows them again and again; on a terminal in the same place. */
static int status_watch(char *const names[], size_t count)
{
	bool terminal = screen_is_terminal(stdout);
	/* The cursor goes to the first line, and what is below it is erased. */
	const char *front = terminal ? "\033[H\033[J" : "";

	for (;;) {
		/* Of what is longer than the window the head would be gone. */
		unsigned int rows = terminal ? screen_height(stdout) : 0;

		(void)status_show(names, count, false, front, rows);
		if (ferror(stdout))
			return VERB_PROBLEM;
		sleep(WATCH_SECONDS);
	}
}

int verb_status(int argc, char *argv[])
{
	bool json = false;
	bool watch = false;
	int first = verb_options(
	    argc, argv,
	    (struct verb_option[]){{"json", .flag = &json}, {"watch", .flag = &watch}, {0}});

	if (first < 0)
		return VERB_USAGE;
	if (json && watch) {
		log_line("--watch is for a screen: not with --json");
		return verb_usage(argv[0]);
	}
	if (watch)
		return status_watch(argv + first, (size_t)(argc - first));
	return status_show(argv + first, (size_t)(argc - first), json, "", 0);
}
