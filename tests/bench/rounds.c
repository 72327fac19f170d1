/*
 * Starts programs in turn, many times over, and prints how long each took, from its start to its
 * end. One round has every program once, so that what else the machine does falls on all alike;
 * and what a program takes more than the first one is counted within the round.
 *
 * usage: rounds ROUNDS <PROGRAMS
 *
 * A line for each program, parted by tabs: how often (every Nth round), the policy for
 * GUEST_PINNING_CONF, a file with the arguments, a line each, and the program; and, for one that is
 * to be in a guest's cgroup of cgroup v1, that one, and what to write to its cpuset.cpus and to
 * that of its "emulator" before each start, as to one that libvirt has just made. Prints for each,
 * in nanoseconds: the median, the median of what it took more, that one's quartiles.
 */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "file.h"
#include "number.h"

enum { PROGRAMS_MAX = 64, ARGUMENTS_MAX = 1024, ROUNDS_MAX = 100000, WARM_UP = 3 };

struct program {
	unsigned int every;
	char *policy; /* "GUEST_PINNING_CONF=PATH" */
	char *path;
	char *argv[ARGUMENTS_MAX + 2];
	int cgroup; /* of the guest; -1: it stays where this is */
	int emulator;
	char *cpus;
	long long *took; /* a round each */
	long long *more;
	unsigned int count;
};

static void fail(const char *what)
{
	fprintf(stderr, "rounds: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* The rest of what the file holds is lines, each of which becomes an argument. */
static void arguments_read(struct program *program, const char *path)
{
	FILE *file = fopen(path, "re");
	char *line = NULL;
	size_t size = 0;
	size_t count = 1;

	if (file == NULL)
		fail(path);
	program->argv[0] = program->path;
	while (getline(&line, &size, file) > 0 && count <= ARGUMENTS_MAX) {
		line[strcspn(line, "\n")] = '\0';
		program->argv[count] = strdup(line);
		if (program->argv[count++] == NULL)
			fail("arguments");
	}
	free(line);
	fclose(file);
}

static int directory_open(int at, const char *path)
{
	int fd = openat(at, path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		fail(path);
	return fd;
}

static void cgroup_read(struct program *program, const char *path, const char *cpus)
{
	program->cgroup = -1;
	if (path == NULL || cpus == NULL)
		return;
	program->cgroup = directory_open(AT_FDCWD, path);
	program->emulator = directory_open(program->cgroup, "emulator");
	program->cpus = strdup(cpus);
	if (program->cpus == NULL)
		fail("programs");
}

static void cgroup_set(int directory, const char *name, const char *text)
{
	int result = file_write(directory, name, text);

	if (result < 0) {
		errno = -result;
		fail(name);
	}
}

/* As a guest's that has just been made. */
static void cgroup_enter(const struct program *program)
{
	if (program->cgroup < 0)
		return;
	cgroup_set(program->cgroup, "cpuset.cpus", program->cpus);
	cgroup_set(program->emulator, "cpuset.cpus", program->cpus);
	cgroup_set(program->emulator, "cgroup.procs", "0");
}

/* Back to the first cgroup of the hierarchy, which is two above a guest's. */
static void cgroup_leave(const struct program *program)
{
	if (program->cgroup >= 0)
		cgroup_set(program->cgroup, "../../cgroup.procs", "0");
}

static bool program_read(struct program *program, char *line, unsigned int rounds)
{
	char *every = strtok(line, "\t\n");
	char *policy = strtok(NULL, "\t\n");
	char *arguments = strtok(NULL, "\t\n");
	char *path = strtok(NULL, "\t\n");
	char *cgroup = strtok(NULL, "\t\n");
	char *cpus = strtok(NULL, "\t\n");

	if (path == NULL || number_read(every, ROUNDS_MAX, &program->every) == 0 ||
	    program->every == 0)
		return false;
	program->path = strdup(path);
	program->took = calloc(rounds, sizeof(*program->took));
	program->more = calloc(rounds, sizeof(*program->more));
	if (program->path == NULL || program->took == NULL || program->more == NULL ||
	    asprintf(&program->policy, "GUEST_PINNING_CONF=%s", policy) < 0)
		fail("programs");
	arguments_read(program, arguments);
	cgroup_read(program, cgroup, cpus);
	return true;
}

static long long now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static long long run(const struct program *program)
{
	long long begin;
	long long end;
	int status = -1;
	pid_t pid;

	if (putenv(program->policy) != 0)
		fail("putenv");
	cgroup_enter(program);
	begin = now();
	errno = posix_spawn(&pid, program->path, NULL, NULL, program->argv, environ);
	if (errno != 0)
		fail(program->path);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	end = now();
	cgroup_leave(program);
	if (status != 0) {
		fprintf(stderr, "rounds: %s has failed\n", program->path);
		exit(1);
	}
	return end - begin;
}

static int compare(const void *one, const void *other)
{
	long long difference = *(const long long *)one - *(const long long *)other;

	return difference < 0 ? -1 : difference > 0;
}

/* The value that `part` of four parts of them are below. */
static long long quartile(const long long *sorted, unsigned int count, unsigned int part)
{
	return sorted[(count - 1) * part / 4];
}

/* Each round begins with another program, for one may suffer from who was before it. */
static void round_run(struct program *programs, size_t count, unsigned int round)
{
	long long took[PROGRAMS_MAX] = {0};

	for (size_t i = 0; i < count; i++) {
		size_t place = (i + round) % count;

		if (round % programs[place].every == 0)
			took[place] = run(&programs[place]);
	}
	for (size_t i = 0; i < count; i++) {
		struct program *program = &programs[i];

		if (round % program->every != 0)
			continue;
		program->took[program->count] = took[i];
		program->more[program->count++] = took[i] - took[0];
	}
}

int main(int argc, char *argv[])
{
	static struct program programs[PROGRAMS_MAX];
	char *line = NULL;
	size_t size = 0;
	size_t count = 0;
	unsigned int rounds;

	if (argc != 2 || number_read(argv[1], ROUNDS_MAX, &rounds) == 0 || rounds == 0) {
		fprintf(stderr, "usage: rounds ROUNDS <PROGRAMS\n");
		return 2;
	}
	while (count < PROGRAMS_MAX && getline(&line, &size, stdin) > 0) {
		if (!program_read(&programs[count++], line, rounds)) {
			fprintf(stderr, "rounds: a line of %zu is not in order\n", count);
			return 2;
		}
	}
	for (size_t i = 0; i < count * WARM_UP; i++)
		run(&programs[i % count]);
	for (unsigned int round = 0; round < rounds; round++)
		round_run(programs, count, round);
	for (size_t i = 0; i < count; i++) {
		struct program *program = &programs[i];

		qsort(program->took, program->count, sizeof(*program->took), compare);
		qsort(program->more, program->count, sizeof(*program->more), compare);
		printf("%lld\t%lld\t%lld\t%lld\n", quartile(program->took, program->count, 2),
		       quartile(program->more, program->count, 2),
		       quartile(program->more, program->count, 1),
		       quartile(program->more, program->count, 3));
	}
	return fflush(stdout) != 0;
}
