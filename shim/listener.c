#include "listener.h"
#include "number.h"
#include "server.h"
#include "trusted.h"
#include "unix_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static const char lock_name[] = "agent.lock";

enum { LISTENER_MODE = 0660, FIRST_INHERITED = 3 /* SD_LISTEN_FDS_START */ };

/* Whether the environment's variable is this very number. */
static bool environment_is(const char *name, unsigned int wanted)
{
	const char *text = getenv(name);
	unsigned int number;
	size_t length = text == NULL ? 0 : number_read(text, INT_MAX, &number);

	return length > 0 && text[length] == '\0' && number == wanted;
}

int listener_inherited(struct error *error)
{
	int fd = FIRST_INHERITED;
	bool ours = environment_is("LISTEN_PID", (unsigned int)getpid());
	bool one = environment_is("LISTEN_FDS", 1);

	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	if (!ours)
		return -ENOENT;
	if (!one || !unix_socket_option_is(fd, SO_DOMAIN, AF_UNIX) ||
	    !unix_socket_option_is(fd, SO_TYPE, SOCK_SEQPACKET) ||
	    !unix_socket_option_is(fd, SO_ACCEPTCONN, 1))
		return error_set(error, -EINVAL,
				 "systemd must hand over one socket: "
				 "ListenSequentialPacket= in guest-pinningd.socket");
	if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 || fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
		return error_set(error, -errno, "the socket of systemd: %s", strerror(errno));
	return fd;
}

/*
 * Makes the directory of the socket. Who may write there could put a socket, or what the agent
 * writes down, in the place of the agent's.
 */
static int directory_make(const char *directory, struct error *error)
{
	char way[PATH_MAX];         /* without links, such as /var/run */
	mode_t before = umask(022); /* guests must get through it, whatever the caller's is */
	int result = mkdir(directory, 0755) < 0 ? -errno : 0;

	(void)umask(before);
	if (result < 0 && result != -EEXIST)
		return error_set(error, result, "%s: cannot be made: %s", directory,
				 strerror(-result));
	if (realpath(directory, way) == NULL)
		return error_set(error, -errno, "%s: %s", directory, strerror(errno));
	return trusted_way(way, geteuid(), error);
}

/* A file that root alone may open, and so lock: a directory could be locked by anybody. */
static int lock_take(const char *path, const char *directory, struct error *error)
{
	char name[PATH_MAX + sizeof(lock_name)];
	int lock; /* stays open */

	snprintf(name, sizeof(name), "%s/%s", directory, lock_name);
	lock = open(name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY, 0600);
	if (lock >= 0 && flock(lock, LOCK_EX | LOCK_NB) == 0)
		return 0;
	return error_set(error, -errno, "%s: %s", path,
			 errno == EWOULDBLOCK ? "another agent is running" : strerror(errno));
}

/* Makes way for the socket: its directory, and nothing in its place. */
static int path_prepare(const char *path, struct error *error)
{
	char directory[PATH_MAX];
	const char *slash = strrchr(path, '/');
	struct stat stat;
	int result;

	if (slash == NULL || slash == path || strlen(path) >= sizeof(directory))
		return error_set(error, -EINVAL, "%s: the socket needs a path with a directory",
				 path);
	memcpy(directory, path, (size_t)(slash - path));
	directory[slash - path] = '\0';
	result = directory_make(directory, error);
	if (result == 0)
		result = lock_take(path, directory, error);
	if (result < 0)
		return result;
	if (lstat(path, &stat) < 0)
		return errno == ENOENT ? 0
				       : error_set(error, -errno, "%s: %s", path, strerror(errno));
	if (!S_ISSOCK(stat.st_mode))
		return error_set(error, -EEXIST, "%s: it is there and is no socket", path);
	if (unlink(path) < 0)
		return error_set(error, -errno, "%s: %s", path, strerror(errno));
	return 0;
}

/* Nobody may connect before it has its group: it is made for its owner only. */
static int socket_open_up(const char *path, struct error *error)
{
	const struct group *group = getgrnam(LISTENER_GROUP);

	if (group == NULL)
		return error_set(error, -ENOENT,
				 "there is no group " LISTENER_GROUP
				 ": make it, with the emulator's user in it");
	if (chown(path, (uid_t)-1, group->gr_gid) < 0 || chmod(path, LISTENER_MODE) < 0)
		return error_set(error, -errno, "%s: the group " LISTENER_GROUP ": %s", path,
				 strerror(errno));
	return 0;
}

int listener_make(const char *path, struct error *error)
{
	struct sockaddr_un address;
	mode_t before;
	int result;
	int fd;

	if (unix_socket_address(path, &address) < 0)
		return error_set(error, -ENAMETOOLONG, "%s: the path is too long for a socket",
				 path);
	result = path_prepare(path, error);
	if (result < 0)
		return result;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return error_set(error, -errno, "no socket: %s", strerror(errno));
	before = umask(0177);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		result = error_set(error, -errno, "%s: %s", path, strerror(errno));
	umask(before);
	if (result == 0 && listen(fd, SERVER_BACKLOG) < 0)
		result = error_set(error, -errno, "%s: %s", path, strerror(errno));
	if (result == 0)
		result = socket_open_up(path, error);
	if (result == 0)
		return fd;
	close(fd);
	return result;
}
