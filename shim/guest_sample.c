#include "guest_sample.h"
#include "number.h"
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

struct mapping {
	uintptr_t start;
	size_t pages;
};

struct mappings {
	struct mapping *at;
	size_t count;
	size_t room;
	size_t pages; /* of all */
	size_t page;  /* bytes of one */
};

bool guest_pages_are_of(const char *path)
{
	/* Files without a place on a disk: memfd_create(2), MAP_SHARED without a file, shmget(2),
	 * MAP_HUGETLB; where hugetlbfs and tmpfs are mounted; and where libvirt puts memory that is
	 * to be in a file (memory_backing_dir in its qemu.conf). */
	static const char *const memory[] = {
	    "/memfd:",
	    "/dev/zero",
	    "/SYSV",
	    "/anon_hugepage",
	    "/dev/hugepages",
	    "/dev/shm/",
	    "/var/lib/libvirt/qemu/ram/",
	};

	if (*path == '\0' || *path == '[')
		return true;
	for (size_t i = 0; i < sizeof(memory) / sizeof(memory[0]); i++) {
		if (strncmp(path, memory[i], strlen(memory[i])) == 0)
			return true;
	}
	return false;
}

/* Reads an address as the kernel writes it, and goes on behind it. */
static uintptr_t address_read(const char **text)
{
	uintptr_t address = 0;

	for (int digit; (digit = number_hex_digit(**text)) >= 0; ++*text)
		address = address << 4 | (uintptr_t)digit;
	return address;
}

/* The file of a line of "maps", behind five words (proc(5)); "": none. */
static const char *path_of(const char *line)
{
	for (int i = 0; i < 5; i++) {
		line += strcspn(line, " \n");
		line += strspn(line, " ");
	}
	return *line == '\n' ? "" : line;
}

/* Adds a mapping that may be read or written, "7f12-7f34 rw-p …", if it is memory. */
static int mapping_add(void *context, char *line)
{
	struct mappings *mappings = context;
	const char *text = line;
	struct mapping mapping = {.start = address_read(&text)};
	uintptr_t end;

	if (*text != '-')
		return 0;
	text++;
	end = address_read(&text);
	/* No access: kept for later, as by malloc(3); there is nothing in it. */
	if (end <= mapping.start || strncmp(text, " ---", 4) == 0 ||
	    !guest_pages_are_of(path_of(line)))
		return 0;
	if (mappings->count == mappings->room) {
		size_t room = mappings->room == 0 ? 256 : 2 * mappings->room;
		struct mapping *at = realloc(mappings->at, room * sizeof(*at));

		if (at == NULL)
			return -ENOMEM;
		mappings->at = at;
		mappings->room = room;
	}
	mapping.pages = (end - mapping.start) / mappings->page;
	mappings->pages += mapping.pages;
	mappings->at[mappings->count++] = mapping;
	return 0;
}

/* Fills in addresses, from the middle of each of `count` equal parts. */
static void addresses_choose(const struct mappings *mappings, uintptr_t *addresses, size_t count)
{
	const struct mapping *mapping = mappings->at;
	const struct mapping *last = mapping + mappings->count - 1;
	size_t before = 0; /* pages in the mappings before it */

	for (size_t i = 0; i < count; i++) {
		/* Not i * pages / count, which may be too large. */
		size_t number = mappings->pages / count * i + mappings->pages % count * i / count +
				mappings->pages / count / 2;

		while (mapping < last && number - before >= mapping->pages) {
			before += mapping->pages;
			mapping++;
		}
		addresses[i] = mapping->start + (number - before) * mappings->page;
	}
}

int guest_sample(int directory, pid_t pid, size_t count, unsigned int found[SPEC_NODE_MAX + 1])
{
	uintptr_t *addresses = calloc(count, sizeof(*addresses));
	int *status = calloc(count, sizeof(*status));
	struct mappings mappings = {.page = (size_t)sysconf(_SC_PAGESIZE)};
	int result = addresses == NULL || status == NULL
			 ? -ENOMEM
			 : process_lines(directory, "maps", mapping_add, &mappings);
	int total = 0;

	if (mappings.pages < count)
		count = mappings.pages;
	if (result == 0 && count > 0)
		addresses_choose(&mappings, addresses, count);
	/* Without nodes to go to, it only says where they are. */
	if (result == 0 && count > 0 &&
	    syscall(SYS_move_pages, pid, count, addresses, NULL, status, 0) < 0)
		result = -errno;
	for (size_t i = 0; result == 0 && i < count; i++) {
		if (status[i] >= 0 && status[i] <= SPEC_NODE_MAX) {
			found[status[i]]++;
			total++;
		}
	}
	free(mappings.at);
	free(status);
	free(addresses);
	return result < 0 ? result : total;
}
