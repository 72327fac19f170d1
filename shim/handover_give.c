/* In the shim: library.h without the loader. */
#include "emulator.h"
#include "handover.h"
#include "library.h"
#include "self.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char *const *given;
static bool is_void;

void handover_begin(char *const argv[])
{
	given = argv;
}

bool handover_is_void(void)
{
	return is_void;
}

/* The caller's environment, with what says whom the full program stands for in front. */
static char **environment_make(char *stands_for)
{
	size_t count = 0;
	char **environment;

	while (environ[count] != NULL)
		count++;
	environment = calloc(count + 2, sizeof(*environment));
	if (environment == NULL)
		return NULL;
	environment[0] = stands_for;
	memcpy(environment + 1, environ, count * sizeof(*environ));
	return environment;
}

/* Or it would go on for ever. */
static bool is_this(const char *path)
{
	struct stat self;
	struct stat other;

	return stat("/proc/self/exe", &self) == 0 && stat(path, &other) == 0 &&
	       self.st_dev == other.st_dev && self.st_ino == other.st_ino;
}

/*
 * Becomes the full program, or finds that the shim was uninstalled with it. Returns -errno. Where
 * both were installed anew in between, the full program is there again: it comes before the shim.
 */
static int full_execute(const char *full, const char *target, char *const environment[])
{
	execve(full, given, environment);
	if (errno != ENOENT)
		return -errno;
	is_void = emulator_is_back(target);
	if (!is_void)
		execve(full, given, environment);
	return -errno;
}

/*
 * Nothing has been applied yet, printed, or left open: a library is needed to find out what is to
 * be done. So the full program begins from the beginning. Returns only where it cannot.
 */
int library_open(const char *file, const struct library_symbol *symbols, size_t count,
		 void *pointers, struct error *error)
{
	const char *named = self_getenv("QEMU_KVM_SHIM_FULL");
	const char *full = named != NULL && *named != '\0' ? named : FULL_PATH;
	char stands_for[sizeof(SELF_STANDS_FOR) + 1 + PATH_MAX] = SELF_STANDS_FOR;
	size_t used = strlen(stands_for);
	char **environment;
	int result;

	(void)symbols;
	(void)count;
	(void)pointers;
	stands_for[used++] = self_is_secure() ? '1' : '0';
	result = self_path(stands_for + used, sizeof(stands_for) - used, error);
	if (result < 0)
		return result;
	if (is_this(full))
		return error_set(error, -ELOOP,
				 "%s is needed, and %s, which is to open it, is the shim itself: "
				 "name qemu-kvm-shim-full",
				 file, full);
	environment = environment_make(stands_for);
	if (environment == NULL)
		return error_set(error, -ENOMEM, "out of memory for the environment");
	result = full_execute(full, stands_for + used, environment);
	free(environment);
	return error_set(error, -ENOENT,
			 "%s is needed, and %s, which opens it, cannot be executed (%s): install "
			 "qemu-kvm-shim anew",
			 file, full, strerror(-result));
}
