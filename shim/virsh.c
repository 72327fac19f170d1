#include "virsh.h"
#include "clock.h"
#include "size.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	READ_SIZE = 65536,
	DRAW_MS = 200,                 /* at most, until the progress is looked at again */
	OUTPUT_MAX = 64 * 1024 * 1024, /* 100,000 guests are some 10 MiB */
};

/* A guest's name in virsh's own words, before and after it. */
static const char domain[] = "Domain: '";
static const char memory[] = "balloon.maximum=";

/* The environment with the words that virsh has as it comes; NULL: out of memory. */
static char **environment_make(void)
{
	static char plain[] = "LC_ALL=C";
	size_t count = 0;
	size_t used = 0;
	char **list;

	while (environ[count] != NULL)
		count++;
	list = calloc(count + 2, sizeof(*list));
	for (size_t i = 0; list != NULL && i < count; i++) {
		if (strncmp(environ[i], "LC_ALL=", strlen("LC_ALL=")) != 0)
			list[used++] = environ[i];
	}
	if (list != NULL)
		list[used] = plain;
	return list;
}

/* Starts it with its output on `output`. Returns 0 or -errno. */
static int virsh_start(const char *const argv[], int output, pid_t *pid)
{
	posix_spawn_file_actions_t actions;
	char **list = environment_make();
	int result = list == NULL ? ENOMEM : posix_spawn_file_actions_init(&actions);

	if (result != 0) {
		free(list);
		return -result;
	}
	result = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	if (result == 0)
		result = posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null",
							  O_WRONLY, 0);
	if (result == 0)
		result = posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
	if (result == 0)
		result = posix_spawnp(pid, argv[0], &actions, NULL, (char *const *)argv, list);
	posix_spawn_file_actions_destroy(&actions);
	free(list);
	return -result;
}

/* Reads all of it, until `end`, milliseconds of clock.h. Returns 0 or -errno. */
static int output_read(int fd, long long end, struct progress *progress, char **text)
{
	size_t used = 0;
	size_t room = 0;

	*text = NULL;
	for (;;) {
		struct pollfd ready = {.fd = fd, .events = POLLIN};
		long long left = end - clock_milliseconds();
		ssize_t got;

		progress_wait(progress);
		if (room - used < READ_SIZE) {
			char *more = realloc(*text, room + 2UL * READ_SIZE);

			if (more == NULL)
				return -ENOMEM;
			*text = more;
			room += 2UL * READ_SIZE;
		}
		if (left <= 0 ||
		    (poll(&ready, 1, left < DRAW_MS ? (int)left : DRAW_MS) < 0 && errno != EINTR))
			return -ETIME;
		got = ready.revents != 0 ? read(fd, *text + used, READ_SIZE) : 0;
		if (got < 0 && errno != EINTR)
			return -errno;
		used += got > 0 ? (size_t)got : 0;
		(*text)[used] = '\0';
		if (got == 0 && ready.revents != 0)
			return 0;
		if (used > OUTPUT_MAX)
			return -E2BIG;
	}
}

/* Waits for the end of the process, which is forced at `end`. Returns its status. */
static int virsh_end(pid_t pid, long long end, struct progress *progress)
{
	const struct timespec pause = {.tv_nsec = 2000000};
	int status = 0;
	pid_t ended;

	while ((ended = waitpid(pid, &status, WNOHANG)) == 0 && clock_milliseconds() < end) {
		progress_wait(progress);
		nanosleep(&pause, NULL);
	}
	if (ended != 0)
		return status;
	kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return status;
}

static int virsh_failed(int code, unsigned int seconds, struct error *error)
{
	if (code == -ENOENT)
		return error_set(error, code, "there is no virsh in PATH to ask for the guests");
	if (code == -ETIME)
		return error_set(error, code, "virsh has not answered for %u seconds", seconds);
	if (code == -EIO)
		return error_set(error, code,
				 "virsh has failed: does libvirt's daemon run? Try: virsh "
				 "--connect qemu:///system list --all");
	if (code == -E2BIG)
		return error_set(error, code, "virsh does not stop to answer: is it libvirt's?");
	return error_set(error, code, "virsh cannot be asked: %s", strerror(-code));
}

/* Runs virsh with `argv`; *text, to be freed, becomes what it prints. Returns 0 or -errno. */
static int virsh_run(const char *const argv[], unsigned int seconds, struct progress *progress,
		     char **text, struct error *error)
{
	long long end = clock_milliseconds() + 1000LL * seconds;
	int status;
	int pipes[2];
	pid_t pid = 0;
	int result;

	*text = NULL;
	if (pipe2(pipes, O_CLOEXEC) < 0)
		return virsh_failed(-errno, seconds, error);
	result = virsh_start(argv, pipes[1], &pid);
	close(pipes[1]);
	if (result < 0) {
		close(pipes[0]);
		return virsh_failed(result, seconds, error);
	}
	result = output_read(pipes[0], end, progress, text);
	close(pipes[0]);
	status = virsh_end(pid, result < 0 ? 0 : end, progress);
	if (result == 0 && status != 0)
		result = clock_milliseconds() < end ? -EIO : -ETIME;
	if (result == 0)
		return 0;
	free(*text);
	*text = NULL;
	return virsh_failed(result, seconds, error);
}

static int compare_guests(const void *one, const void *other)
{
	return strcmp(((const struct virsh_guest *)one)->name,
		      ((const struct virsh_guest *)other)->name);
}

static int guest_add(struct virsh_guests *guests, const char *name, size_t length, size_t *room)
{
	if (guests->count == *room) {
		size_t more = *room == 0 ? 64 : 2 * *room;
		struct virsh_guest *at = realloc(guests->at, more * sizeof(*at));

		if (at == NULL)
			return -ENOMEM;
		guests->at = at;
		*room = more;
	}
	guests->at[guests->count] = (struct virsh_guest){.name = strndup(name, length)};
	if (guests->at[guests->count].name == NULL)
		return -ENOMEM;
	guests->count++;
	return 0;
}

/* A number without a letter is in KiB (virConnectGetAllDomainStats). */
static uint64_t memory_read(const char *value)
{
	uint64_t bytes;

	return size_read(value, strlen(value), 1024, &bytes) == 0 ? bytes : 0;
}

/* One line of a list of names. */
static int name_line(struct virsh_guests *guests, char *line, size_t *room)
{
	return *line == '\0' ? 0 : guest_add(guests, line, strlen(line), room);
}

/* One line of statistics. A name may hold any character but a newline. */
static int statistics_line(struct virsh_guests *guests, char *line, size_t *room)
{
	size_t length = strlen(line);

	if (strncmp(line, domain, strlen(domain)) == 0 && length > strlen(domain) &&
	    line[length - 1] == '\'')
		return guest_add(guests, line + strlen(domain), length - strlen(domain) - 1, room);
	line += strspn(line, " ");
	if (guests->count > 0 && strncmp(line, memory, strlen(memory)) == 0)
		guests->at[guests->count - 1].memory = memory_read(line + strlen(memory));
	return 0;
}

static int guests_read(struct virsh_guests *guests, const char *const argv[], unsigned int seconds,
		       struct progress *progress,
		       int (*read_line)(struct virsh_guests *, char *, size_t *),
		       struct error *error)
{
	size_t room = 0;
	char *text;
	char *rest;
	char *line;
	int result;

	*guests = (struct virsh_guests){0};
	result = virsh_run(argv, seconds, progress, &text, error);
	if (result < 0)
		return result;
	rest = text;
	while (result == 0 && (line = strsep(&rest, "\n")) != NULL)
		result = read_line(guests, line, &room);
	free(text);
	if (result < 0)
		return error_set(error, result, "out of memory for the guests of libvirt");
	if (guests->count > 0)
		qsort(guests->at, guests->count, sizeof(*guests->at), compare_guests);
	return 0;
}

int virsh_list(struct virsh_guests *guests, unsigned int seconds, struct progress *progress,
	       struct error *error)
{
	static const char *const argv[] = {"virsh",     "--quiet",        "--readonly",
					   "--connect", "qemu:///system", "list",
					   "--all",     "--name",         NULL};

	return guests_read(guests, argv, seconds, progress, name_line, error);
}

/* Without --nowait a guest whose monitor is busy, say migrating, would be waited for. */
int virsh_list_memory(struct virsh_guests *guests, unsigned int seconds, struct progress *progress,
		      struct error *error)
{
	static const char *const argv[] = {"virsh",          "--quiet",  "--readonly", "--connect",
					   "qemu:///system", "domstats", "--balloon",  "--raw",
					   "--nowait",       NULL};

	return guests_read(guests, argv, seconds, progress, statistics_line, error);
}

void virsh_guests_free(struct virsh_guests *guests)
{
	for (size_t i = 0; i < guests->count; i++)
		free(guests->at[i].name);
	free(guests->at);
	*guests = (struct virsh_guests){0};
}
