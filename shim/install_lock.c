#include "install_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATIENCE_MS = 10000, TURN_MS = 20 };

static int failed(const char *path, const char *what, struct error *error)
{
	int code = errno;

	return error_set(error, -code, "%s: %s: %s", path, what, strerror(code));
}

/* Whether it is still what the path names: who had the lock before has removed the file. */
static bool is_current(const char *path, int lock)
{
	struct stat ours;
	struct stat now;

	return fstat(lock, &ours) == 0 && lstat(path, &now) == 0 && ours.st_dev == now.st_dev &&
	       ours.st_ino == now.st_ino;
}

int install_lock(const char *path, struct error *error)
{
	for (int waited = 0; waited < PATIENCE_MS; waited += TURN_MS) {
		int lock = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY, 0600);

		if (lock < 0)
			return failed(path, "cannot be made", error);
		if (flock(lock, LOCK_EX | LOCK_NB) == 0) {
			if (is_current(path, lock))
				return lock;
		} else if (errno != EWOULDBLOCK) {
			failed(path, "cannot be locked", error);
			close(lock);
			return -EIO;
		} else {
			(void)poll(NULL, 0, TURN_MS);
		}
		close(lock);
	}
	return error_set(error, -EIO,
			 "%s: somebody has locked it for %d seconds: end who it is (fuser -v %s)",
			 path, PATIENCE_MS / 1000, path);
}

int install_unlock(const char *path, int lock, struct error *error)
{
	int result = 0;

	if (unlink(path) < 0 && errno != ENOENT)
		result = failed(path, "cannot be removed", error);
	close(lock);
	return result;
}
