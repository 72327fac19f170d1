/*
 * A /proc that is made up, in "world" of the test's directory, with emulators in it. Where a
 * test needs what only the kernel can do with a process, that is a child of the test's.
 */
#ifndef PROC_WORLD_H
#define PROC_WORLD_H

#include "tree.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

/* What "stat" of a process or a thread is to say. */
struct made_stat {
	const char *name;
	const char *started;
	int nice;
	unsigned int processor;
	int realtime;
	int scheduler;
};

/* The path of a process's file, until the next call. */
static inline const char *process_path(int pid, const char *name)
{
	static char path[PATH_MAX];

	snprintf(path, sizeof(path), "world/proc/%d/%s", pid, name);
	return path;
}

/* All of its fields (proc(5)). */
static inline void make_stat(const char *path, const struct made_stat *stat)
{
	char text[1024];

	snprintf(text, sizeof(text),
		 "4711 (%s) S 1 4711 4711 0 -1 4194560 1 2 3 4 5 6 7 8 20 %d 1 0 %s 100 200 300 "
		 "1 2 3 4 5 6 7 8 9 10 11 17 18 %u %d %d 0 0 0 1 2 3 4 5 6 7 0\n",
		 stat->name, stat->nice, stat->started, stat->processor, stat->realtime,
		 stat->scheduler);
	make_file(path, text);
}

/* A thread of a process. */
static inline void make_thread(int pid, int thread, const struct made_stat *stat)
{
	char name[64];

	snprintf(name, sizeof(name), "task/%d/stat", thread);
	make_stat(process_path(pid, name), stat);
}

/* A process that executes a file, with a command line in which '|' ends each argument. */
static inline void make_emulator(int pid, const char *executable, const char *name,
				 const char *arguments)
{
	char text[4096];
	size_t length = strlen(arguments);

	assert_true(length < sizeof(text));
	for (size_t i = 0; i < length; i++)
		text[i] = arguments[i] == '|' ? '\0' : arguments[i];
	make_bytes(process_path(pid, "cmdline"), text, length);
	make_stat(process_path(pid, "stat"), &(struct made_stat){.name = name, .started = "815"});
	make_link(executable, process_path(pid, "exe"));
}

/* Opens the directory of a process. */
static inline int process_directory(int pid)
{
	int fd = open(process_path(pid, "."), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

/* A child that does nothing, and ends with the test. */
static inline pid_t start_idle(void)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	return pid;
}

static inline void end_child(pid_t pid)
{
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* The shim of this build, as another file. */
static inline void copy_shim(const char *path)
{
	static char bytes[1024 * 1024];
	char built[PATH_MAX + 32] = "";
	FILE *from;
	size_t length;

	assert_int_equal(program_directory(built), 0);
	from = fopen(strcat(built, "/../qemu-kvm-shim"), "re");
	assert_non_null(from);
	length = fread(bytes, 1, sizeof(bytes), from);
	fclose(from);
	assert_true(length > 0);
	make_bytes(path, bytes, length < 65536 ? length : 65536); /* its mark is at its begin */
}

#endif
