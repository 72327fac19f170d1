#include "guest_move.h"
#include "guest_sample.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LOOK_MS = 200, LOOK_ADDRESSES = 1024 };

/* Those that have some of it and are not the rule's. */
static struct id_set nodes_to_leave(const struct guest_state *state)
{
	struct id_set nodes = {0};

	for (size_t i = 0; i < state->pages.count; i++)
		id_set_add(&nodes, state->pages.nodes[i].node);
	id_set_remove(&nodes, &state->wanted.nodes);
	return nodes;
}

/* Draws how much of it is there by now. */
static void progress_look(struct progress *progress, const struct guest_state *state, int directory)
{
	unsigned int found[SPEC_NODE_MAX + 1] = {0};
	int total = guest_sample(directory, state->pid, LOOK_ADDRESSES, found);
	unsigned int there = 0;

	for (unsigned int node = 0; total > 0 && node <= SPEC_NODE_MAX; node++)
		there += id_set_has(&state->wanted.nodes, node) ? found[node] : 0;
	if (total > 0)
		progress_show(progress, there, (unsigned int)total);
}

/* Returns how many pages could not be moved, or -errno. */
static long nodes_move(pid_t pid, const struct id_set *from, const struct id_set *to)
{
	long left =
	    syscall(SYS_migrate_pages, pid, (unsigned long)ID_SET_SIZE, from->word, to->word);

	return left < 0 ? -errno : left;
}

/*
 * The kernel gives each node that is left one of the others, and ends where that has no room
 * (do_migrate_pages in its mm/mempolicy.c): then the others are filled one by one. Returns 0
 * or -errno.
 */
static int memory_move(const struct guest_state *state, const struct id_set *from)
{
	const struct id_set *to = &state->wanted.nodes;
	long left = nodes_move(state->pid, from, to);

	for (unsigned int node = 0; node <= SPEC_NODE_MAX && id_set_count(to) > 1; node++) {
		struct id_set one = {0};

		if (!id_set_has(to, node) || left == 0 || (left < 0 && left != -ENOMEM))
			continue;
		id_set_add(&one, node);
		left = nodes_move(state->pid, from, &one);
	}
	return left < 0 ? (int)left : 0;
}

/*
 * The kernel does it in calls that say nothing before their end: another process makes them.
 * Returns what it came to: 0 or -errno.
 */
static int move(const struct guest_state *state, int directory, struct progress *progress)
{
	struct id_set from = nodes_to_leave(state);
	struct pollfd end = {.events = POLLIN};
	int status = 0;
	pid_t child = fork();
	pid_t ended = 0;

	if (child == 0)
		_exit(-memory_move(state, &from));
	if (child < 0)
		return -errno;
	/* There may be hundreds of guests with little to move. A kernel without pidfd_open(2) has
	 * each of them take LOOK_MS: poll(2) looks at no descriptor then. */
	end.fd = (int)syscall(SYS_pidfd_open, child, 0);
	while (ended == 0) {
		(void)poll(&end, 1, LOOK_MS);
		ended = waitpid(child, &status, WNOHANG);
		if (ended == 0)
			progress_look(progress, state, directory);
	}
	if (end.fd >= 0)
		close(end.fd);
	if (ended < 0)
		return -errno;
	return WIFEXITED(status) ? -WEXITSTATUS(status) : -EINTR;
}

int guest_memory_move(const struct guest_state *state, struct error *error)
{
	struct progress progress;
	char what[PLAN_NAME_SIZE + 32];
	char name[PLAN_NAME_SIZE];
	char nodes[ID_SET_TEXT_SIZE];
	int directory = guest_state_open(state, &roots_of_kernel);
	int result;

	if (directory < 0)
		return error_set(error, -ESRCH, "its process has ended");
	snprintf(what, sizeof(what), "moving the memory of %s",
		 text_printable(name, sizeof(name), state->guest != NULL ? state->guest : "-"));
	progress_start(&progress, what);
	result = move(state, directory, &progress);
	progress_end(&progress);
	close(directory);
	if (result == -ENOMEM)
		return error_set(error, result,
				 "not all of its memory can be moved: node %s has too little that "
				 "is free%s",
				 id_set_format(&state->wanted.nodes, nodes, sizeof(nodes)),
				 state->pages.huge_page > 0 ? ", perhaps of huge pages" : "");
	return result < 0
		   ? error_set(error, result, "its memory cannot be moved: %s", strerror(-result))
		   : 0;
}
