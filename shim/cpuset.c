#include "cpuset.h"
#include "cgroup_mount.h"
#include "file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * A user's session has cgroups of its own, in which anybody may make one that is
 * named like a guest's; those belong to that user.
 */
static int owner_check(int directory, const char *path, uid_t owner, struct error *error)
{
	struct stat stat;

	if (fstat(directory, &stat) < 0)
		return error_set(error, -errno, "cgroup %s: %s", path, strerror(errno));
	if (stat.st_uid != 0 && stat.st_uid != owner)
		return error_set(error, -EPERM,
				 "cgroup %s belongs to uid %u, so it is not libvirt's", path,
				 stat.st_uid);
	return 0;
}

/* What has come of opening a cgroup: `fd`, where it is libvirt's; or -errno with `error` filled. */
static int cgroup_opened(int fd, const char *path, const struct roots *roots, struct error *error)
{
	int result;

	if (fd < 0)
		return error_set(error, fd, "cgroup %s cannot be opened: %s", path, strerror(-fd));
	result = owner_check(fd, path, roots->owner, error);
	if (result == 0)
		return fd;
	close(fd);
	return result;
}

static int cgroup_open(const struct roots *roots, bool unified, const char *path,
		       struct error *error)
{
	return cgroup_opened(cgroup_mount_open(roots, unified, path), path, roots, error);
}

/* The same of one in the guest's own, or of that itself: its path begins with the guest's. */
static int cgroup_open_in(int guest, const struct guest_cgroup *found, const char *path,
			  const struct roots *roots, struct error *error)
{
	const char *rest = path + strlen(found->guest);
	int fd = openat(guest, *rest == '/' ? rest + 1 : ".",
			O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return cgroup_opened(fd < 0 ? -errno : fd, path, roots, error);
}

static int cpus_read(int directory, const char *name, struct id_set *cpus, struct error *error)
{
	char text[ID_SET_LIST_SIZE];
	ssize_t length = file_read(directory, name, text, sizeof(text));
	int result = length < 0 ? (int)length : id_set_read(cpus, text);

	if (result == -ENOENT)
		return error_set(error, result,
				 "its cgroup has no %s: is the cpuset controller on for libvirt's "
				 "cgroups?",
				 name);
	if (result < 0)
		return error_set(error, result, "%s of its cgroup cannot be read: %s", name,
				 strerror(-result));
	return 0;
}

static int cpus_write(int directory, const struct id_set *cpus, struct error *error)
{
	char list[ID_SET_LIST_SIZE];
	char text[ID_SET_TEXT_SIZE];
	int result =
	    file_write(directory, "cpuset.cpus",
		       id_set_is_empty(cpus) ? "\n" : id_set_format(cpus, list, sizeof(list)));

	if (result < 0)
		return error_set(error, result, "CPUs %s are refused by its cgroup: %s",
				 id_set_format(cpus, text, sizeof(text)), strerror(-result));
	return 0;
}

/* What of the CPUs that were asked for a cgroup really has. */
static const char *granted_name(const struct cpuset *cpuset)
{
	return cpuset->unified ? "cpuset.cpus.effective" : "cpuset.cpus";
}

/*
 * What the guest's cgroup may have at all must hold the rule's CPUs. Where that is the very one
 * that is written it has, once the guest is placed, no more than the rule said then; what else
 * it may have only the kernel knows, and refuses the rest.
 */
static int room_read(struct cpuset *cpuset, bool moving, const struct id_set *cpus,
		     struct error *error)
{
	char wanted[ID_SET_TEXT_SIZE];
	char text[ID_SET_TEXT_SIZE];
	int result = cpus_read(cpuset->guest, granted_name(cpuset), &cpuset->room, error);

	if (result < 0 || id_set_holds(&cpuset->room, cpus) || (moving && cpuset->alone))
		return result;
	return error_set(error, -EINVAL,
			 "CPUs %s are not all among those that the guest's cgroup may have (%s)",
			 id_set_format(cpus, wanted, sizeof(wanted)),
			 id_set_format(&cpuset->room, text, sizeof(text)));
}

/* What is left to "emulator": what libvirt gave it, as far as the rule goes. */
static int emulator_cut(struct id_set *left, const struct id_set *cpus, struct error *error)
{
	char wanted[ID_SET_TEXT_SIZE];
	char text[ID_SET_TEXT_SIZE];
	struct id_set given = *left;

	if (id_set_is_empty(&given)) /* v2: as its parent */
		return 0;
	id_set_cut(left, cpus);
	if (!id_set_is_empty(left))
		return 0;
	return error_set(error, -EINVAL,
			 "the guest's XML keeps its emulator to CPUs %s (emulatorpin, or cpuset of "
			 "vcpu), the rule to %s",
			 id_set_format(&given, text, sizeof(text)),
			 id_set_format(cpus, wanted, sizeof(wanted)));
}

/* cgroup v1 refuses a child's CPUs that its parent has not, and to take them from the parent. */
static int cpuset_write(const struct cpuset *cpuset, const struct id_set *emulator_cpus,
			const struct id_set *cpus, struct error *error)
{
	struct id_set granted;
	int result = 0;

	if (!cpuset->unified)
		result = cpus_write(cpuset->emulator, emulator_cpus, error);
	if (result == 0)
		result = cpus_write(cpuset->parent, cpus, error);
	if (result == 0)
		result = cpus_read(cpuset->parent, granted_name(cpuset), &granted, error);
	if (result == 0 && !id_set_equal(&granted, cpus))
		result = error_set(error, -EINVAL, "its cgroup has not taken the CPUs");
	if (result == 0)
		return 0;
	/* As it was; but v2 takes back none at all from a cgroup with processes. */
	(void)cpus_write(
	    cpuset->parent,
	    id_set_is_empty(&cpuset->parent_cpus) ? &cpuset->room : &cpuset->parent_cpus, NULL);
	if (!cpuset->unified)
		(void)cpus_write(cpuset->emulator, &cpuset->emulator_cpus, NULL);
	return result;
}

static int place(struct cpuset *cpuset, bool moving, const struct id_set *cpus, struct error *error)
{
	struct id_set left;
	int result = room_read(cpuset, moving, cpus, error);

	if (result == 0)
		result = cpus_read(cpuset->parent, "cpuset.cpus", &cpuset->parent_cpus, error);
	if (result == 0)
		result = cpus_read(cpuset->emulator, "cpuset.cpus", &cpuset->emulator_cpus, error);
	if (result < 0)
		return result;
	left = cpuset->emulator_cpus;
	result = emulator_cut(&left, cpus, error);
	return result < 0 ? result : cpuset_write(cpuset, &left, cpus, error);
}

int cpuset_place(struct cpuset *cpuset, const struct id_set *cpus, struct error *error)
{
	return place(cpuset, false, cpus, error);
}

/* The CPUs for a cgroup in a guest's: what it has of its own, as far as the rule goes. */
static struct id_set child_cpus(const struct cpuset *cpuset, const struct id_set *now,
				const struct id_set *cpus)
{
	struct id_set left = *now;

	id_set_cut(&left, cpus);
	return id_set_equal(now, &cpuset->parent_cpus) || id_set_is_empty(&left) ? *cpus : left;
}

/* Moves one of them, "vcpu0" and the like; what is no cgroup has no CPUs. */
static int child_move(const struct cpuset *cpuset, const char *name, const struct id_set *cpus,
		      struct error *error)
{
	int child = openat(cpuset->parent, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct id_set now;
	struct id_set then;
	int result = 0;

	if (child < 0)
		return 0;
	if (cpus_read(child, "cpuset.cpus", &now, NULL) == 0) {
		then = child_cpus(cpuset, &now, cpus);
		result = cpus_write(child, &then, error);
	}
	close(child);
	return result;
}

static int children_move(const struct cpuset *cpuset, const struct id_set *cpus,
			 struct error *error)
{
	DIR *list = file_list(cpuset->parent, ".");
	struct dirent *entry;
	int result = 0;

	if (list == NULL) {
		result = -errno;
		return error_set(error, result, "its cgroup cannot be read: %s", strerror(-result));
	}
	while (result == 0 && (entry = readdir(list)) != NULL) {
		if (entry->d_name[0] != '.' && entry->d_type == DT_DIR)
			result = child_move(cpuset, entry->d_name, cpus, error);
	}
	closedir(list);
	return result;
}

int cpuset_move(struct cpuset *cpuset, const struct id_set *cpus, struct error *error)
{
	struct id_set both = *cpus;
	int result;

	if (cpuset->unified)
		return place(cpuset, true, cpus, error);
	result = room_read(cpuset, true, cpus, error);
	if (result == 0)
		result = cpus_read(cpuset->parent, "cpuset.cpus", &cpuset->parent_cpus, error);
	if (result < 0)
		return result;
	/* A cgroup holds all that those in it have: it is widened before, and narrowed after. */
	id_set_join(&both, &cpuset->parent_cpus);
	result = cpus_write(cpuset->parent, &both, error);
	if (result == 0)
		result = children_move(cpuset, cpus, error);
	if (result == 0)
		result = cpus_write(cpuset->parent, cpus, error);
	return result;
}

int cpuset_open(struct cpuset *cpuset, const struct roots *roots, const struct cgroup *emulator,
		const struct guest_cgroup *found, struct error *error)
{
	int result;

	*cpuset = (struct cpuset){.unified = emulator->unified,
				  .alone = strcmp(found->parent, found->guest) == 0,
				  .guest = -1,
				  .parent = -1,
				  .emulator = -1};
	/* systemd writes the scope's own cpuset when it likes (systemd.resource-control(5)). */
	if (cpuset->unified && cpuset->alone && guest_cgroup_is_scope(found))
		return error_set(error, -EINVAL,
				 "this libvirt has no cgroup of its own in %s: update it",
				 found->guest);
	result = cpuset->guest = cgroup_open(roots, cpuset->unified, found->guest, error);
	if (result >= 0)
		result = cpuset->parent =
		    cgroup_open_in(cpuset->guest, found, found->parent, roots, error);
	if (result >= 0)
		result = cpuset->emulator =
		    cgroup_open_in(cpuset->guest, found, emulator->path, roots, error);
	return result < 0 ? result : 0;
}

void cpuset_close(struct cpuset *cpuset)
{
	if (cpuset->emulator >= 0)
		close(cpuset->emulator);
	if (cpuset->parent >= 0)
		close(cpuset->parent);
	if (cpuset->guest >= 0)
		close(cpuset->guest);
}
