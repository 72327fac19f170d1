/* What /proc tells of a process or of one of its threads (proc(5)). */
#ifndef SHIM_PROCESS_H
#define SHIM_PROCESS_H

#include "error.h"
#include "priority.h"

#include <sys/types.h>

enum { PROCESS_STARTED_SIZE = 24, PROCESS_NAME_SIZE = 64 };

/*
 * Reads the command line of the process whose directory in /proc is open as `directory`.
 * Returns 0 with *argv allocated, which ends with NULL and has one argument at least, to be
 * freed by process_arguments_free(); or -errno with `error` filled.
 */
int process_arguments(int directory, char ***argv, struct error *error);

void process_arguments_free(char **argv);

/* What "stat" says. */
struct process_stat {
	char name[PROCESS_NAME_SIZE];       /* the thread's, as it is: of any bytes */
	char started[PROCESS_STARTED_SIZE]; /* in clock ticks since boot: no other's of that pid */
	unsigned int processor;             /* the CPU that it ran on last */
	struct priority priority;
};

/* Reads "stat" in `directory`, which is open: a process's or a thread's. Returns 0 or -errno. */
int process_stat_read(int directory, struct process_stat *stat);

/*
 * Reads who has started the process of that directory: its real user, the first of "Uid:" in
 * "status". (Not who owns the directory: that is root for any process that asks for it,
 * PR_SET_DUMPABLE in prctl(2).) Returns 0 or -ESRCH.
 */
int process_user_read(int directory, uid_t *uid);

/*
 * Is told of an entry of a directory whose name is a number, a process of /proc or a thread of
 * "task", and of its own directory, which is open meanwhile. Returns 0 to go on, or -errno.
 */
typedef int process_found(void *context, pid_t number, int directory);

/*
 * Tells of all of them in `name` in `directory` (as openat(2) takes them), but for those that
 * cannot be opened: they have ended. Returns 0; or -errno, also what `found` has returned.
 */
int process_each(int directory, const char *name, process_found *found, void *context);

/* Is told of one line, with its newline, which it may change. Returns 0 to go on, or -errno. */
typedef int process_line(void *context, char *line);

/*
 * Reads `name` in `directory` line by line, however long it is. Returns 0; or -errno, also what
 * `found` has returned.
 */
int process_lines(int directory, const char *name, process_line *found, void *context);

#endif
