#include "emulators.h"
#include "emulator.h"
#include "marker.h"
#include "option_string.h"
#include "qemu_args.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Takes `end` off the text's end. Returns whether it was there. */
static bool end_take(char *text, const char *end)
{
	size_t length = strlen(text);

	if (length < strlen(end) || strcmp(text + length - strlen(end), end) != 0)
		return false;
	text[length - strlen(end)] = '\0';
	return true;
}

/*
 * Whether an emulator has that name: a file, or a process, of whose name the kernel leaves 15
 * characters: "qemu-system-x86" (proc(5), comm).
 */
static bool is_emulator_name(const char *name)
{
	static const char system[] = "qemu-system-";

	return strncmp(name, system, strlen(system)) == 0 || strcmp(name, "qemu-kvm") == 0 ||
	       strcmp(name, "kvm") == 0;
}

/*
 * Whether a file is a shim. Where it is may be anybody's place, who may have put a device there
 * since, which some take for use as soon as they are opened (a watchdog); so only what is seen
 * to be a file is opened, by its descriptor.
 */
static bool file_is_shim(int directory, const char *name)
{
	int place = openat(directory, name, O_PATH | O_CLOEXEC);
	char path[64];
	struct stat stat;
	int fd = -1;
	bool is_shim;

	if (place < 0)
		return false;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", place);
	if (fstat(place, &stat) == 0 && S_ISREG(stat.st_mode))
		fd = open(path, O_RDONLY | O_CLOEXEC);
	close(place);
	is_shim = fd >= 0 && marker_in(fd) > 0;
	if (fd >= 0)
		close(fd);
	return is_shim;
}

/*
 * Whether a process's executable is an emulator. An upgrade may have replaced it since; then
 * the kernel adds a word to its name (proc_pid_exe(5)). A shim is known by what is executed, not
 * by its name: that may be another file's by now, or be in a container.
 */
static bool executable_is_emulator(const struct running_emulator *emulator)
{
	char target[PATH_MAX];
	const char *slash;
	bool real;

	strcpy(target, emulator->executable);
	(void)end_take(target, " (deleted)");
	real = end_take(target, EMULATOR_REAL_SUFFIX);
	slash = strrchr(target, '/');
	if (slash == NULL)
		return false;
	if (real && file_is_shim(AT_FDCWD, target))
		return true;
	return is_emulator_name(slash + 1) && (real || !file_is_shim(emulator->directory, "exe"));
}

/* Whether it is only asked what it can do: it has no machine. */
static bool has_no_machine(char *const argv[])
{
	struct qemu_option option;
	size_t index = 1;

	while (qemu_args_next(argv, &index, &option)) {
		const char *type = NULL;
		size_t length = 0;

		if (option.value != NULL &&
		    (strcmp(option.name, "machine") == 0 || strcmp(option.name, "M") == 0))
			type = option_find(option.value, "type", "type", &length);
		if (type != NULL && length == strlen("none") && strncmp(type, "none", length) == 0)
			return true;
	}
	return false;
}

/* Whether the process is an emulator; what it executes is in `emulator` then. */
static bool process_is_emulator(struct running_emulator *emulator)
{
	ssize_t length = readlinkat(emulator->directory, "exe", emulator->executable,
				    sizeof(emulator->executable) - 1);

	if (length >= 0) {
		emulator->executable[length] = '\0';
		return length > 0 && executable_is_emulator(emulator) &&
		       process_stat_read(emulator->directory, &emulator->stat) == 0;
	}
	emulator->executable[0] = '\0';
	return errno == EACCES && process_stat_read(emulator->directory, &emulator->stat) == 0 &&
	       is_emulator_name(emulator->stat.name);
}

/* Tells of one process, should it be an emulator; one that ends meanwhile is none. */
static int process_look(struct running_emulator *emulator, emulator_found *found, void *context)
{
	struct error error;
	int result;

	if (!process_is_emulator(emulator))
		return 0;
	result = process_arguments(emulator->directory, &emulator->argv, &error);
	if (result < 0) /* it has ended, or is let be; but not for want of memory */
		return result == -ENOMEM ? result : 0;
	if (qemu_args_guest(emulator->argv, &emulator->guest) < 0)
		result = -ENOMEM;
	else if (emulator->guest != NULL || !has_no_machine(emulator->argv))
		result = found(context, emulator);
	free(emulator->guest);
	process_arguments_free(emulator->argv);
	return result;
}

/* Who is told. */
struct search {
	emulator_found *found;
	void *context;
};

static int process_tell(void *context, pid_t pid, int directory)
{
	struct search *search = context;
	struct running_emulator emulator = {.pid = pid, .directory = directory};

	return process_look(&emulator, search->found, search->context);
}

int emulators_find(const struct roots *roots, emulator_found *found, void *context)
{
	struct search search = {found, context};

	return process_each(AT_FDCWD, roots->proc, process_tell, &search);
}
