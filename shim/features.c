#include "features.h"
#include "emulator.h"
#include "error.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const features[] = {EMULATOR_MEM_MERGE, EMULATOR_MEMFD, EMULATOR_CANONICAL};

static bool holds(const char *file, size_t size, const char *word)
{
	return memmem(file, size, word, strlen(word)) != NULL;
}

/* "QEMU emulator version", and before 1.0 "QEMU PC emulator version": vl.c, version(). */
static bool looks_like_qemu(const char *file, size_t size)
{
	return size > SELFMAG && memcmp(file, ELFMAG, SELFMAG) == 0 &&
	       holds(file, size, "emulator version ");
}

int features_lacking(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat status;
	char *file = MAP_FAILED;
	bool is_qemu;
	int result = 0;

	*text = '\0';
	if (fd < 0)
		return -errno;
	if (fstat(fd, &status) < 0)
		result = -errno;
	else if (status.st_size > 0)
		file = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (result == 0 && status.st_size > 0 && file == MAP_FAILED)
		result = -errno;
	close(fd);
	if (file == MAP_FAILED)
		return result;
	is_qemu = looks_like_qemu(file, (size_t)status.st_size);
	for (size_t i = 0; is_qemu && i < sizeof(features) / sizeof(features[0]); i++) {
		if (!holds(file, (size_t)status.st_size, features[i]))
			text_add(text, size, "%s\n", features[i]);
	}
	munmap(file, (size_t)status.st_size);
	return 0;
}
