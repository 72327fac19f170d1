#include "peer.h"
#include "marker.h"
#include "process.h"
#include "qemu_args.h"
#include "trusted.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
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

/* What is to be told of a descriptor now. Returns the events, or -errno. */
static int events_of(int fd, short wanted)
{
	struct pollfd polled = {.fd = fd, .events = wanted};
	int ready;

	do
		ready = poll(&polled, 1, 0);
	while (ready < 0 && errno == EINTR);
	return ready < 0 ? -errno : polled.revents;
}

/* Whether the other end of the connection is closed. Returns 0, 1 or -errno. */
static int hung_up(int connection)
{
	int events = events_of(connection, POLLRDHUP);

	return events < 0 ? events : (events & (POLLHUP | POLLRDHUP)) != 0;
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
	int ended;
	int fd;

	if (getsockopt(connection, SOL_SOCKET, SO_PEERPIDFD, &fd, &size) == 0)
		return fd;
	if (errno != ENOPROTOOPT)
		return -errno;
	fd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (fd < 0)
		return -errno;
	ended = hung_up(connection);
	if (ended == 0)
		return fd;
	close(fd);
	return ended < 0 ? ended : -ESRCH;
}

static int alive(const struct peer *peer, struct error *error)
{
	int events = events_of(peer->pidfd, POLLIN);

	if (events < 0)
		return error_set(error, events, "whether the process lives cannot be told: %s",
				 strerror(-events));
	return events == 0 ? 0 : error_set(error, -ESRCH, "the process has ended");
}

/* Opens the directory of the process in /proc, which must be alive after that. */
static int directory_open(struct peer *peer, const struct roots *roots, struct error *error)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%d", roots->proc, peer->pid);
	peer->directory = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (peer->directory < 0)
		return error_set(error, -errno, "the process has ended (%s)", strerror(errno));
	/* Alive now, so the number was its own as the directory was opened. */
	return alive(peer, error);
}

int peer_open(struct peer *peer, int connection, const struct roots *roots, struct error *error)
{
	struct ucred who = {0};
	socklen_t size = sizeof(who);

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
	return directory_open(peer, roots, error);
}

int peer_hold(struct peer *peer, pid_t pid, const char *started, const struct roots *roots,
	      struct error *error)
{
	struct process_stat process;
	int result;

	*peer = (struct peer){.pid = pid, .pidfd = -1, .directory = -1};
	peer->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (peer->pidfd < 0)
		return error_set(error, -errno, "the process cannot be held: %s", strerror(errno));
	result = directory_open(peer, roots, error);
	if (result < 0)
		return result;
	if (process_stat_read(peer->directory, &process) < 0 ||
	    strcmp(process.started, started) != 0 ||
	    process_user_read(peer->directory, &peer->uid) < 0)
		return error_set(error, -ESRCH, "process %d is no longer that guest", pid);
	return 0;
}

/* Opens what the process runs, and says what file that is. Returns a descriptor or -errno. */
static int executable_open(const struct peer *peer, struct stat *stat, struct error *error)
{
	int fd = openat(peer->directory, "exe", O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	int result;

	if (fd >= 0 && fstat(fd, stat) == 0)
		return fd;
	result = error_set(error, -errno, "its executable cannot be read: %s", strerror(errno));
	if (fd >= 0)
		close(fd);
	return result;
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
	if (fstat(fd, &found) < 0)
		error_set(error, -EPERM, "its executable %s cannot be read: %s", path,
			  strerror(errno));
	else if (found.st_dev != running->st_dev || found.st_ino != running->st_ino)
		error_set(error, -EPERM, "its executable is no longer %s", path);
	close(fd);
	return error_is_set(error) ? -EPERM : 0;
}

/*
 * Whether it is in the agent's own user namespace. In one of his own everybody may say that his
 * process executes any file that he may execute (prctl(2), PR_SET_MM_MAP), and libvirt makes none.
 */
static int namespace_check(const struct peer *peer, const struct roots *roots, struct error *error)
{
	char path[PATH_MAX];
	struct stat own;
	struct stat its;

	snprintf(path, sizeof(path), "%s/self/ns/user", roots->proc);
	if (stat(path, &own) < 0)
		return errno == ENOENT /* a kernel without any */
			   ? 0
			   : error_set(error, -errno, "%s: %s", path, strerror(errno));
	if (fstatat(peer->directory, "ns/user", &its, 0) < 0)
		return error_set(error, -errno, "its user namespace cannot be read: %s",
				 strerror(errno));
	if (own.st_dev != its.st_dev || own.st_ino != its.st_ino)
		return error_set(error, -EPERM, "it is in a user namespace of its own");
	return 0;
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

/* Finds the guest's name, as the shim itself does. */
static int guest_read(struct peer *peer, struct error *error)
{
	int result = process_arguments(peer->directory, &peer->argv, error);

	if (result < 0)
		return result;
	if (qemu_args_guest(peer->argv, &peer->guest) < 0)
		return error_set(error, -ENOMEM, "out of memory for its command line");
	return peer->guest == NULL ? error_set(error, -EINVAL, "its command line names no guest")
				   : 0;
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
	int result = namespace_check(peer, roots, error);

	if (result == 0)
		result = executable_check(peer, roots, &peer->executable, error);
	return result < 0 ? result : guest_read(peer, error);
}

int peer_read_guest(struct peer *peer, struct error *error)
{
	int fd = executable_open(peer, &peer->executable, error);

	if (fd < 0)
		return fd;
	close(fd);
	return guest_read(peer, error);
}

int peer_waits(const struct peer *peer, int connection, struct error *error)
{
	struct stat now = {0};
	int fd = executable_open(peer, &now, error);
	int ended;

	if (fd < 0)
		return fd;
	close(fd);
	if (peer->executable.st_dev != now.st_dev || peer->executable.st_ino != now.st_ino)
		return error_set(error, -EPERM, "it has become another program");
	ended = hung_up(connection);
	if (ended < 0)
		return error_set(error, ended, "whether it waits for the answer cannot be told: %s",
				 strerror(-ended));
	if (ended > 0)
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
	process_arguments_free(peer->argv);
}
