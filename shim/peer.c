#include "peer.h"
#include "file.h"
#include "marker.h"
#include "qemu_args.h"
#include "trusted.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77 /* since Linux 6.5; older headers lack it */
#endif

/* The kernel starts none with more than 6 MiB (fs/exec.c, bprm_stack_limits); later it may be
 * moved. */
enum { COMMAND_LINE_START = 0x4000, COMMAND_LINE_MAX = 0x1000000 };

/* Whether the other end of the connection is closed. */
static bool hung_up(int connection)
{
	struct pollfd end = {.fd = connection, .events = POLLRDHUP};

	return poll(&end, 1, 0) < 0 || (end.revents & (POLLHUP | POLLRDHUP)) != 0;
}

/*
 * The process that connected. Before Linux 6.5 only its number is to be had, and
 * a process that connects and ends at once might leave it to another until here.
 * While the other end of the connection is open it has not ended, unless it has
 * handed its end on; then the other one is judged by its own executable, command
 * line and cgroup, so the worst that can come of it is what its rule says.
 */
static int pidfd_of(int connection, pid_t pid)
{
	socklen_t size = sizeof(int);
	int fd;

	if (getsockopt(connection, SOL_SOCKET, SO_PEERPIDFD, &fd, &size) == 0)
		return fd;
	if (errno != ENOPROTOOPT)
		return -errno;
	fd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (fd < 0)
		return -errno;
	if (hung_up(connection)) {
		close(fd);
		return -ESRCH;
	}
	return fd;
}

static int alive(const struct peer *peer, struct error *error)
{
	struct pollfd end = {.fd = peer->pidfd, .events = POLLIN};
	int ready;

	do
		ready = poll(&end, 1, 0);
	while (ready < 0 && errno == EINTR);
	if (ready == 0)
		return 0;
	return error_set(error, -ESRCH, "the process has ended");
}

int peer_open(struct peer *peer, int connection, const struct roots *roots, struct error *error)
{
	struct ucred who = {0};
	socklen_t size = sizeof(who);
	char path[PATH_MAX];

	*peer = (struct peer){.pidfd = -1, .directory = -1};
	if (getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &who, &size) < 0)
		return error_set(error, -errno, "the peer is not known: %s", strerror(errno));
	if (who.pid <= 0)
		return error_set(error, -ESRCH, "the peer is in no process that is seen from here");
	peer->pid = who.pid;
	peer->uid = who.uid;
	peer->pidfd = pidfd_of(connection, who.pid);
	if (peer->pidfd < 0)
		return error_set(error, peer->pidfd, "the process cannot be held: %s",
				 strerror(-peer->pidfd));
	snprintf(path, sizeof(path), "%s/%d", roots->proc, peer->pid);
	peer->directory = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (peer->directory < 0)
		return error_set(error, -errno, "the process has ended (%s)", strerror(errno));
	/* Alive now, so the number was its own as the directory was opened. */
	return alive(peer, error);
}

/* Opens what the process runs, and says what file that is. Returns a descriptor or -errno. */
static int executable_open(const struct peer *peer, struct stat *stat, struct error *error)
{
	int fd = openat(peer->directory, "exe", O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0)
		return error_set(error, -errno, "its executable cannot be read: %s",
				 strerror(errno));
	if (fstat(fd, stat) == 0)
		return fd;
	close(fd);
	return error_set(error, -EIO, "its executable cannot be read");
}

/* Whether the file still is where the process was started from, and is trusted there. */
static int executable_trust(const char *path, const struct stat *running, uid_t owner,
			    struct error *error)
{
	struct stat found;
	size_t bytes;
	int fd = trusted_open(path, owner, &bytes, error);

	if (fd == -ENOENT)
		return error_set(error, fd, "its executable %s is not there (any more)", path);
	if (fd < 0)
		return fd;
	if (fstat(fd, &found) < 0 || found.st_dev != running->st_dev ||
	    found.st_ino != running->st_ino)
		error_set(error, -EPERM, "its executable is no longer %s", path);
	close(fd);
	return error_is_set(error) ? -EPERM : 0;
}

static int executable_check(const struct peer *peer, const struct roots *roots, struct stat *stat,
			    struct error *error)
{
	char path[PATH_MAX];
	ssize_t length;
	int fd = executable_open(peer, stat, error);
	int marked;

	if (fd < 0)
		return fd;
	marked = S_ISREG(stat->st_mode) ? marker_in(fd) : 0;
	close(fd);
	length = readlinkat(peer->directory, "exe", path, sizeof(path) - 1);
	if (length < 0)
		return error_set(error, -errno, "its executable cannot be read: %s",
				 strerror(errno));
	path[length] = '\0';
	if (marked > 0)
		return executable_trust(path, stat, roots->owner, error);
	return error_set(error, -EPERM, "its executable %s is no qemu-kvm-shim", path);
}

/* Reads the whole command line. Returns it allocated, with *size, or NULL with `error` filled. */
static char *command_line_read(const struct peer *peer, size_t *size, struct error *error)
{
	size_t room = COMMAND_LINE_START;
	char *text = NULL;
	ssize_t length = -E2BIG;

	while (length == -E2BIG && room <= COMMAND_LINE_MAX) {
		free(text);
		text = malloc(room);
		if (text == NULL)
			break;
		length = file_read(peer->directory, "cmdline", text, room);
		room *= 2;
	}
	if (text != NULL && length > 0) {
		*size = (size_t)length;
		return text;
	}
	free(text);
	error_set(error, -EIO, "its command line cannot be read: %s",
		  length == 0 ? "it has none" : strerror(length < 0 ? (int)-length : ENOMEM));
	return NULL;
}

/* Makes argv of a command line. Returns it allocated, or NULL with `error` filled. */
static char **argv_make(char *text, size_t size, struct error *error)
{
	char *argument = text;
	size_t count = 0;
	char **argv;

	for (size_t i = 0; i < size; i++)
		count += text[i] == '\0';
	/* As the kernel counts when it starts a program; this may be made up later. */
	if (size + count * sizeof(*argv) > COMMAND_LINE_MAX) {
		error_set(error, -E2BIG, "its command line cannot be read: %s", strerror(E2BIG));
		return NULL;
	}
	argv = calloc(count + 2, sizeof(*argv));
	if (argv == NULL)
		error_set(error, -ENOMEM, "out of memory for its command line");
	for (size_t i = 0; argv != NULL && argument < text + size; i++) {
		argv[i] = argument;
		argument += strlen(argument) + 1;
	}
	return argv;
}

/* Finds the guest's name, as the shim itself does. */
static int guest_read(struct peer *peer, struct error *error)
{
	size_t size = 0;

	peer->command_line = command_line_read(peer, &size, error);
	if (peer->command_line != NULL)
		peer->argv = argv_make(peer->command_line, size, error);
	if (peer->argv != NULL && qemu_args_guest(peer->argv, &peer->guest) < 0)
		error_set(error, -ENOMEM, "out of memory for its command line");
	else if (peer->argv != NULL && peer->guest == NULL)
		error_set(error, -EINVAL, "its command line names no guest");
	return peer->guest == NULL ? -EINVAL : 0;
}

int peer_read_cgroup(struct peer *peer, struct error *error)
{
	int result = cgroup_read(peer->directory, "cgroup", &peer->cgroup);

	return result < 0
		   ? error_set(error, result, "its cgroup cannot be read: %s", strerror(-result))
		   : 0;
}

int peer_read(struct peer *peer, const struct roots *roots, struct error *error)
{
	int result = executable_check(peer, roots, &peer->executable, error);

	return result < 0 ? result : guest_read(peer, error);
}

int peer_waits(const struct peer *peer, int connection, struct error *error)
{
	struct stat now = {0};
	int fd = executable_open(peer, &now, error);

	if (fd < 0)
		return fd;
	close(fd);
	if (peer->executable.st_dev != now.st_dev || peer->executable.st_ino != now.st_ino)
		return error_set(error, -EPERM, "it has become another program");
	if (hung_up(connection))
		return error_set(error, -EPIPE, "it does not wait for the answer any more");
	return alive(peer, error);
}

void peer_close(struct peer *peer)
{
	if (peer->pidfd >= 0)
		close(peer->pidfd);
	if (peer->directory >= 0)
		close(peer->directory);
	free(peer->guest);
	free(peer->argv);
	free(peer->command_line);
}
