#include "install.h"
#include "emulator.h"
#include "features.h"
#include "install_lock.h"
#include "marker.h"
#include "trusted.h"

#include <attr/libattr.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

/* All the paths of one installation. The names of unfinished files are fixed: so they are found. */
struct site {
	int lock; /* held against another installation */
	char directory[PATH_MAX];
	char lock_file[PATH_MAX];
	char target[PATH_MAX];
	char real[PATH_MAX];
	char alias_directory[PATH_MAX];
	char alias[PATH_MAX];
	char link[PATH_MAX]; /* what the alias holds */
	char new_shim[PATH_MAX];
	char new_real[PATH_MAX];
	char new_alias[PATH_MAX];
	char lacks[PATH_MAX]; /* what the real emulator is too old for: see emulator.h */
	char new_lacks[PATH_MAX];
};

enum kind { KIND_MISSING, KIND_REAL, KIND_SHIM };

static int path_make(char *path, const char *front, const char *back, struct error *error)
{
	int length = snprintf(path, PATH_MAX, "%s%s", front, back);

	if (length < 0 || length >= PATH_MAX)
		return error_set(error, -ENAMETOOLONG, "%s: the path is too long", front);
	return 0;
}

static int failed(const char *path, const char *what, struct error *error)
{
	int code = errno;

	return error_set(error, -code, "%s: %s: %s", path, what, strerror(code));
}

/* Finds the emulator's own path, behind symbolic links. It need not exist, its directory must. */
static int target_resolve(struct site *site, const char *target, struct error *error)
{
	char directory[PATH_MAX];
	const char *slash = strrchr(target, '/');
	const char *name = slash == NULL ? target : slash + 1;

	if (realpath(target, site->target) == NULL) {
		if (errno != ENOENT || *name == '\0' || strlen(target) >= sizeof(directory))
			return failed(target, "cannot be found", error);
		strcpy(directory, target);
		directory[name - target] = '\0';
		if (realpath(*directory == '\0' ? "." : directory, site->target) == NULL)
			return failed(target, "its directory cannot be found", error);
		if (path_make(site->directory, site->target, "/", error) < 0)
			return -ENAMETOOLONG;
		return path_make(site->target, site->directory, name, error);
	}
	strcpy(site->directory, site->target);
	*(strrchr(site->directory, '/') + 1) = '\0';
	return 0;
}

static int site_find(struct site *site, const char *target, struct error *error)
{
	size_t suffix = strlen(EMULATOR_REAL_SUFFIX);
	size_t length;

	if (target_resolve(site, target, error) < 0)
		return -ENOENT;
	length = strlen(site->target);
	if (length > suffix && strcmp(site->target + length - suffix, EMULATOR_REAL_SUFFIX) == 0)
		return error_set(error, -EINVAL,
				 "%s: this is the name of a real emulator behind the shim: name it "
				 "without " EMULATOR_REAL_SUFFIX,
				 site->target);
	if (path_make(site->real, site->target, EMULATOR_REAL_SUFFIX, error) < 0 ||
	    path_make(site->new_shim, site->target, ".qemu-kvm-shim.new", error) < 0 ||
	    path_make(site->new_real, site->target, ".qemu-kvm-shim.real", error) < 0 ||
	    path_make(site->lock_file, site->directory, "qemu-kvm-shim.lock", error) < 0 ||
	    path_make(site->alias_directory, site->directory, EMULATOR_ALIAS_DIRECTORY, error) <
		0 ||
	    path_make(site->link, "..", strrchr(site->real, '/'), error) < 0)
		return -ENAMETOOLONG;
	if (emulator_alias_path(site->target, site->alias, sizeof(site->alias)) < 0)
		return error_set(error, -ENAMETOOLONG, "%s: the path is too long", site->target);
	if (path_make(site->new_alias, site->alias, ".new", error) < 0 ||
	    path_make(site->lacks, site->alias, EMULATOR_LACKS_SUFFIX, error) < 0 ||
	    path_make(site->new_lacks, site->lacks, ".new", error) < 0)
		return -ENAMETOOLONG;
	return 0;
}

/* Makes what was renamed last over a power cut. */
static int directory_sync(const char *directory, struct error *error)
{
	int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int result = 0;

	if (fd < 0)
		return failed(directory, "cannot be opened", error);
	if (fsync(fd) < 0)
		result = failed(directory, "cannot be written to disk", error);
	close(fd);
	return result;
}

static int site_lock(struct site *site, struct error *error)
{
	site->lock = install_lock(site->lock_file, error);
	return site->lock < 0 ? site->lock : 0;
}

/* Lets the next installation in; of several errors the first is told. */
static int site_close(struct site *site, int result, struct error *error)
{
	struct error later;

	if (result >= 0 && directory_sync(site->directory, error) < 0)
		result = -EIO;
	if (install_unlock(site->lock_file, site->lock, result < 0 ? &later : error) < 0)
		result = -EIO;
	return result;
}

static int remove_file(const char *path, struct error *error)
{
	if (unlink(path) < 0 && errno != ENOENT && errno != ENOTDIR)
		return failed(path, "cannot be removed", error);
	return 0;
}

/* Takes away what an installation that was killed has left. */
static int site_clean(const struct site *site, struct error *error)
{
	int result = remove_file(site->new_shim, error);

	if (result == 0)
		result = remove_file(site->new_real, error);
	if (result == 0)
		result = remove_file(site->new_alias, error);
	if (result == 0)
		result = remove_file(site->new_lacks, error);
	return result;
}

/* What is at the path; `link` allows a symbolic link. What cannot be told is an error. */
static int kind_of(const char *path, bool link, enum kind *kind, struct stat *stat,
		   struct error *error)
{
	int result;

	*kind = KIND_MISSING;
	if (lstat(path, stat) < 0)
		return errno == ENOENT ? 0 : failed(path, "cannot be looked at", error);
	if (S_ISLNK(stat->st_mode) && !link)
		return error_set(error, -ENOENT, "%s: it is a symbolic link that leads nowhere",
				 path);
	if (!S_ISREG(stat->st_mode) && !S_ISLNK(stat->st_mode))
		return error_set(error, -EINVAL, "%s: it is no file", path);
	result = marker_is_shim(path);
	if (result < 0) {
		errno = -result;
		return failed(path, "cannot be read", error);
	}
	*kind = result > 0 ? KIND_SHIM : KIND_REAL;
	return 0;
}

/* What is at TARGET and at TARGET.real. */
static int site_look(const struct site *site, enum kind *target, struct stat *target_stat,
		     enum kind *real, struct stat *real_stat, struct error *error)
{
	int result = kind_of(site->target, false, target, target_stat, error);

	return result < 0 ? result : kind_of(site->real, true, real, real_stat, error);
}

/* Keeps the file at TARGET as TARGET.real, too. */
static int real_keep(const struct site *site, struct error *error)
{
	if (link(site->target, site->new_real) < 0)
		return failed(site->new_real, "cannot be made", error);
	if (rename(site->new_real, site->real) < 0)
		return failed(site->real, "cannot be made", error);
	return 0;
}

/*
 * Whether an installation has been here. The alias is made before TARGET.real and
 * removed after it, so a TARGET.real without it is somebody else's: to a wrapper
 * such as the script that came before us it may be the only real emulator.
 */
static int alias_check(const struct site *site, bool *there, struct error *error)
{
	char now[PATH_MAX];
	ssize_t length = readlink(site->alias, now, sizeof(now));

	if (length < 0 && errno != ENOENT && errno != ENOTDIR && errno != EINVAL)
		return failed(site->alias, "cannot be read", error);
	*there =
	    length == (ssize_t)strlen(site->link) && memcmp(now, site->link, (size_t)length) == 0;
	return 0;
}

static int alias_make(const struct site *site, struct error *error)
{
	if (mkdir(site->alias_directory, 0755) < 0 && errno != EEXIST)
		return failed(site->alias_directory, "cannot be made", error);
	if (chmod(site->alias_directory, 0755) < 0) /* whatever the umask */
		return failed(site->alias_directory, "its mode cannot be set", error);
	if (symlink(site->link, site->new_alias) < 0)
		return failed(site->new_alias, "cannot be made", error);
	if (rename(site->new_alias, site->alias) < 0)
		return failed(site->alias, "cannot be made", error);
	return 0;
}

/* The directory goes with the last alias in it. */
static int alias_remove(const struct site *site, bool there, struct error *error)
{
	int result = remove_file(site->lacks, error);

	if (result == 0 && there)
		result = remove_file(site->alias, error);
	if (result == 0 && rmdir(site->alias_directory) < 0 && errno != ENOENT &&
	    errno != ENOTEMPTY && errno != EEXIST)
		result = failed(site->alias_directory, "cannot be removed", error);
	return result;
}

/* Writes down what the real emulator lacks; where that is nothing, there is no file. */
static int lacks_record(const struct site *site, const struct stat *real, struct error *error)
{
	char lacking[256];
	char identity[EMULATOR_IDENTITY_SIZE];
	int result = features_lacking(site->real, lacking, sizeof(lacking));
	int fd;

	if (result < 0) {
		errno = -result;
		return failed(site->real, "cannot be read", error);
	}
	if (*lacking == '\0')
		return remove_file(site->lacks, error);
	emulator_identity(real, identity);
	fd = open(site->new_lacks, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return failed(site->new_lacks, "cannot be made", error);
	if (dprintf(fd, "%s\n%s", identity, lacking) < 0 || fchmod(fd, 0644) < 0 || fsync(fd) < 0)
		result = failed(site->new_lacks, "cannot be written", error);
	close(fd);
	if (result == 0 && rename(site->new_lacks, site->lacks) < 0)
		result = failed(site->lacks, "cannot be made", error);
	if (result < 0)
		unlink(site->new_lacks);
	return result;
}

static bool same_bytes(int one, int other)
{
	char left[4096];
	char right[sizeof(left)];
	off_t at = 0;

	for (;;) {
		ssize_t length = pread(one, left, sizeof(left), at);

		if (length < 0 || pread(other, right, sizeof(right), at) != length ||
		    memcmp(left, right, (size_t)length) != 0)
			return false;
		if (length == 0)
			return true;
		at += length;
	}
}

/* Whether the file at TARGET already is this shim with the real emulator's owner and mode. */
static bool is_installed(const struct site *site, int shim, const struct stat *real)
{
	struct stat stat;
	int fd = open(site->target, O_RDONLY | O_CLOEXEC);
	bool result;

	if (fd < 0)
		return false;
	result = fstat(fd, &stat) == 0 && stat.st_uid == real->st_uid &&
		 stat.st_gid == real->st_gid && stat.st_mode == real->st_mode &&
		 same_bytes(fd, shim);
	close(fd);
	return result;
}

/* Signatures (IMA, EVM) are of the emulator's bytes; all else is for the file at that place. */
static int attribute_fits(const char *name, struct error_context *context)
{
	(void)context;
	return strcmp(name, "security.ima") != 0 && strcmp(name, "security.evm") != 0;
}

/* Returns 0, or -1 with errno set. */
static int copy_bytes(int from, int to)
{
	struct stat stat;
	off_t at = 0;

	if (fstat(from, &stat) < 0)
		return -1;
	while (at < stat.st_size) {
		ssize_t length = sendfile(to, from, &at, (size_t)(stat.st_size - at));

		if (length == 0)
			errno = EIO; /* it became shorter meanwhile */
		if (length <= 0)
			return -1;
	}
	return 0;
}

/*
 * Fills the new shim. The order matters: writing and chown(2) take file
 * capabilities away, so the attributes come after them.
 */
static int shim_write(const struct site *site, int shim, int fd, const struct stat *real,
		      struct error *error)
{
	int real_fd;
	int result;

	if (copy_bytes(shim, fd) < 0)
		return failed(site->new_shim, "cannot be written", error);
	real_fd = open(site->real, O_RDONLY | O_CLOEXEC);
	if (real_fd < 0)
		return failed(site->real, "cannot be opened", error);
	result = fchown(fd, real->st_uid, real->st_gid);
	if (result == 0)
		result =
		    attr_copy_fd(site->real, real_fd, site->new_shim, fd, attribute_fits, NULL);
	if (result == 0)
		result = fchmod(fd, real->st_mode & 07777);
	if (result < 0)
		result = failed(site->new_shim, "owner, mode or attributes cannot be set", error);
	close(real_fd);
	if (result == 0 && fsync(fd) < 0)
		result = failed(site->new_shim, "cannot be written to disk", error);
	return result;
}

static int shim_put(const struct site *site, int shim, const struct stat *real, struct error *error)
{
	int fd = open(site->new_shim, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int result;

	if (fd < 0)
		return failed(site->new_shim, "cannot be made", error);
	result = shim_write(site, shim, fd, real, error);
	close(fd);
	if (result == 0 && rename(site->new_shim, site->target) < 0)
		result = failed(site->target, "cannot be replaced", error);
	if (result < 0)
		unlink(site->new_shim);
	return result;
}

/*
 * Whether the shim can be installed; *keep says that TARGET is an emulator to be
 * kept, `alias` that the alias is there.
 */
static int site_check(const struct site *site, bool alias, bool *keep, struct error *error)
{
	struct stat target;
	struct stat real;
	enum kind target_kind;
	enum kind real_kind;
	bool same;

	if (site_look(site, &target_kind, &target, &real_kind, &real, error) < 0)
		return -EINVAL;
	*keep = false;
	/* What stands behind a diversion of a package manager's. */
	if (target_kind == KIND_MISSING && real_kind == KIND_REAL && alias)
		return 0;
	if (target_kind == KIND_MISSING && real_kind == KIND_REAL)
		return error_set(error, -ENOENT,
				 "%s: it is missing, but %s is there: guest-pinning uninstall "
				 "puts it back",
				 site->target, site->real);
	if (target_kind == KIND_MISSING)
		return error_set(error, -ENOENT, "%s: there is no emulator", site->target);
	if (target_kind == KIND_SHIM && real_kind != KIND_REAL)
		return error_set(error, -ENOENT,
				 "%s: it is the shim, but there is no real emulator at %s: "
				 "reinstall the emulator's package",
				 site->target, site->real);
	if (target_kind == KIND_SHIM)
		return 0;
	if ((target.st_mode & 0111) == 0)
		return error_set(error, -EACCES, "%s: it is not executable", site->target);
	same = real_kind != KIND_MISSING && real.st_dev == target.st_dev &&
	       real.st_ino == target.st_ino;
	if (real_kind != KIND_MISSING && !same && !alias)
		return error_set(error, -EEXIST,
				 "%s: it exists, but no shim was installed here: if %s is another "
				 "wrapper, put the real emulator back first; else move it away",
				 site->real, site->target);
	*keep = !same;
	return 0;
}

static int site_install(const struct site *site, int shim, struct error *error)
{
	struct stat real;
	bool alias = false;
	bool keep = false;
	int result = site_clean(site, error);

	if (result == 0)
		result = alias_check(site, &alias, error);
	if (result == 0)
		result = site_check(site, alias, &keep, error);
	if (result == 0 && !alias)
		result = alias_make(site, error);
	if (result == 0 && keep)
		result = real_keep(site, error);
	if (result < 0)
		return result;
	if (stat(site->real, &real) < 0) /* of a symbolic link: what it names */
		return failed(site->real, "cannot be looked at", error);
	result = lacks_record(site, &real, error);
	if (result < 0)
		return result;
	if (!is_installed(site, shim, &real)) {
		result = shim_put(site, shim, &real, error);
		return result < 0 ? result : INSTALL_DONE;
	}
	/* Setting the mode that it has changes nothing but the ctime. */
	if (chmod(site->target, real.st_mode & 07777) < 0)
		return failed(site->target, "cannot be given a new ctime", error);
	return INSTALL_REFRESHED;
}

int install_emulator(const char *target, const char *shim, struct error *error)
{
	struct site site;
	int fd = open(shim, O_RDONLY | O_CLOEXEC);
	int result;

	if (fd < 0)
		return failed(shim, "the shim cannot be opened", error);
	result = site_find(&site, target, error);
	/* Somebody could have this file get another's owner and mode, or chmod(2) another's. */
	if (result == 0)
		result = trusted_way(site.directory, geteuid(), error);
	if (result == 0)
		result = site_lock(&site, error);
	if (result == 0)
		result = site_close(&site, site_install(&site, fd, error), error);
	close(fd);
	return result;
}

static int site_uninstall(const struct site *site, struct error *error)
{
	struct stat target_stat;
	struct stat real_stat;
	enum kind target = KIND_MISSING;
	enum kind real = KIND_MISSING;
	bool alias = false;
	int result = INSTALL_DONE;

	if (site_clean(site, error) < 0 || alias_check(site, &alias, error) < 0 ||
	    site_look(site, &target, &target_stat, &real, &real_stat, error) < 0)
		return -EIO;
	/* An upgrade may bring a link that leads to another emulator, which is a shim's now. */
	if (real == KIND_SHIM && S_ISLNK(real_stat.st_mode))
		real = KIND_REAL;
	if (target == KIND_REAL) {
		if (real == KIND_MISSING || !alias)
			result = INSTALL_NOTHING;
		else if (remove_file(site->real, error) < 0)
			return -EIO;
	} else if (target == KIND_MISSING && real != KIND_REAL && !alias) {
		return error_set(error, -ENOENT, "%s: there is no emulator", site->target);
	} else if (real == KIND_SHIM) {
		return error_set(error, -ENOENT,
				 "%s: it is a shim itself, and no emulator to put back: reinstall "
				 "its package",
				 site->real);
	} else if (real == KIND_MISSING) {
		/* The emulator's package is gone: a shim alone can start nothing. */
		if (remove_file(site->target, error) < 0)
			return -EIO;
		result = INSTALL_REMOVED;
	} else if (rename(site->real, site->target) < 0) {
		return failed(site->target, "cannot be replaced", error);
	}
	if (alias_remove(site, alias, error) < 0)
		return -EIO;
	return result;
}

int uninstall_emulator(const char *target, struct error *error)
{
	struct site site;
	int result = site_find(&site, target, error);

	if (result == 0)
		result = site_lock(&site, error);
	if (result < 0)
		return result;
	return site_close(&site, site_uninstall(&site, error), error);
}
