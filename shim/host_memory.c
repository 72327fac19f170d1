#include "host_memory.h"
#include "file.h"
#include "number.h"
#include "size.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MEMINFO_SIZE = 8192, NUMBER_TEXT_SIZE = 32, KILOBYTE = 1024 };

/*
 * Reads "Node 0 NAME:  1234 kB" in a node's meminfo (the kernel's drivers/base/node.c,
 * node_read_meminfo()). Returns whether there is such a line.
 */
static bool meminfo_find(const char *text, const char *name, uint64_t *bytes)
{
	size_t length = strlen(name);

	for (const char *at = strstr(text, name); at != NULL; at = strstr(at + length, name)) {
		const char *value = at + length + 1;

		if (at == text || at[-1] != ' ' || at[length] != ':')
			continue;
		value += strspn(value, " ");
		return size_read(value, strspn(value, "0123456789"), KILOBYTE, bytes) == 0;
	}
	return false;
}

static void meminfo_read(int directory, struct host_memory *memory)
{
	char text[MEMINFO_SIZE];
	uint64_t files = 0;
	uint64_t shared = 0;
	uint64_t slab = 0;

	if (file_read(directory, "meminfo", text, sizeof(text)) < 0 ||
	    !meminfo_find(text, "MemTotal", &memory->total) ||
	    !meminfo_find(text, "MemFree", &memory->free))
		return;
	memory->known = memory->free <= memory->total;
	/* Guests' memory by memfd counts as FilePages, too, but is not given up: it is in Shmem. */
	if (meminfo_find(text, "FilePages", &files) && meminfo_find(text, "Shmem", &shared) &&
	    files >= shared)
		memory->cache = files - shared;
	if (meminfo_find(text, "SReclaimable", &slab))
		memory->cache += slab;
	/* The kernel does not count them all at the same moment. */
	if (memory->known && memory->cache > memory->total - memory->free)
		memory->cache = memory->total - memory->free;
}

static bool count_read(int directory, const char *size, const char *name, unsigned int *count)
{
	char path[PATH_MAX];
	char text[NUMBER_TEXT_SIZE];
	size_t digits;

	snprintf(path, sizeof(path), "hugepages/%s/%s", size, name);
	if (file_read(directory, path, text, sizeof(text)) < 0)
		return false;
	digits = number_read(text, UINT_MAX, count);
	return digits > 0 && strcmp(text + digits, "\n") == 0;
}

/* Takes in the pages of one size, of the directory `name`, should the node have any. */
static void huge_pages_read(int directory, const char *name, struct host_memory *memory)
{
	static const char front[] = "hugepages-";
	struct host_huge_pages *pages = &memory->huge_pages[memory->huge_page_sizes];
	unsigned int kilobytes;
	size_t digits;

	if (strncmp(name, front, strlen(front)) != 0)
		return;
	digits = number_read(name + strlen(front), UINT_MAX, &kilobytes);
	if (digits == 0 || strcmp(name + strlen(front) + digits, "kB") != 0)
		return;
	pages->size = (uint64_t)kilobytes * KILOBYTE;
	if (count_read(directory, name, "nr_hugepages", &pages->total) &&
	    count_read(directory, name, "free_hugepages", &pages->free) && pages->total > 0)
		memory->huge_page_sizes++;
}

static int compare_sizes(const void *left, const void *right)
{
	uint64_t a = ((const struct host_huge_pages *)left)->size;
	uint64_t b = ((const struct host_huge_pages *)right)->size;

	return (a > b) - (a < b);
}

void host_memory_read(const char *sys, unsigned int node, struct host_memory *memory)
{
	char path[PATH_MAX];
	struct dirent *entry;
	DIR *list;
	int directory;

	*memory = (struct host_memory){0};
	snprintf(path, sizeof(path), "%s/devices/system/node/node%u", sys, node);
	directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (directory < 0)
		return;
	meminfo_read(directory, memory);
	snprintf(path, sizeof(path), "%s/devices/system/node/node%u/hugepages", sys, node);
	list = opendir(path);
	while (list != NULL && memory->huge_page_sizes < HUGE_SIZES_MAX &&
	       (entry = readdir(list)) != NULL)
		huge_pages_read(directory, entry->d_name, memory);
	if (list != NULL)
		closedir(list);
	close(directory);
	qsort(memory->huge_pages, memory->huge_page_sizes, sizeof(memory->huge_pages[0]),
	      compare_sizes);
}

uint64_t host_memory_used(const struct host_memory *memory)
{
	return memory->total - memory->free - memory->cache;
}
