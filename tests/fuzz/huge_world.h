/* The huge pages of a made-up host, in the place of this one's. */
#ifndef HUGE_WORLD_H
#define HUGE_WORLD_H

#include "fuzz.h"
#include "huge_pages.h"
#include "number.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* A path with what in an option string would have a meaning. */
static const char huge_mount[] = "/dev/huge pages,path=x";
static bool huge_mounted;
static unsigned int huge_available; /* on node 0, and not reserved */

enum { HUGE_MOST = 1000000000 };

/* The number behind a word, as in "free=64"; or else another one. */
static unsigned int number_of(const char *words, const char *word, unsigned int otherwise)
{
	const char *place = strstr(words, word);
	unsigned int number;

	return place != NULL && number_read(place + strlen(word), HUGE_MOST, &number) > 0
		   ? number
		   : otherwise;
}

static void count_make(const char *directory, uint64_t page, const char *name, unsigned int count)
{
	char path[128];
	char text[16];
	int length = snprintf(text, sizeof(text), "%u\n", count);

	snprintf(path, sizeof(path), "sys/%s/hugepages/hugepages-%" PRIu64 "kB/%s", directory,
		 page / 1024, name);
	fuzz_file(path, text, (size_t)length);
}

/* Makes the pages of that size, by the words of an input. */
static void huge_world_make(const char *words, uint64_t page)
{
	unsigned int on_node = number_of(words, "free=", HUGE_MOST);
	unsigned int reserved = number_of(words, "reserved=", 0);
	unsigned int all = on_node + number_of(words, "elsewhere=", 0);
	unsigned int left = reserved < all ? all - reserved : 0;

	huge_mounted = strstr(words, "unmounted") == NULL;
	huge_available = on_node < left ? on_node : left;
	count_make("kernel/mm", page, "free_hugepages", all);
	count_make("kernel/mm", page, "resv_hugepages", reserved);
	count_make("devices/system/node/node0", page, "free_hugepages", on_node);
}

/* What stands in the place of huge_pages.c: it sees those pages (the linker's --wrap). */
int __real_huge_pages_check(const char *sys, uint64_t size, struct error *error);
int __real_huge_supply_read(struct huge_supply *supply, const char *sys, uint64_t size,
			    const struct id_set *nodes, struct error *error);
int __wrap_huge_pages_check(const char *sys, uint64_t size, struct error *error);
int __wrap_huge_supply_read(struct huge_supply *supply, const char *sys, uint64_t size,
			    const struct id_set *nodes, struct error *error);
int __wrap_huge_pages_mount(const char *mountinfo, uint64_t size, uint64_t pages, char *path,
			    size_t path_size, struct error *error);

int __wrap_huge_pages_check(const char *sys, uint64_t size, struct error *error)
{
	REQUIRE(strcmp(sys, "/sys") == 0);
	return __real_huge_pages_check(fuzz_path("sys"), size, error);
}

int __wrap_huge_supply_read(struct huge_supply *supply, const char *sys, uint64_t size,
			    const struct id_set *nodes, struct error *error)
{
	REQUIRE(strcmp(sys, "/sys") == 0);
	return __real_huge_supply_read(supply, fuzz_path("sys"), size, nodes, error);
}

int __wrap_huge_pages_mount(const char *mountinfo, uint64_t size, uint64_t pages, char *path,
			    size_t path_size, struct error *error)
{
	REQUIRE(strcmp(mountinfo, "/proc/self/mountinfo") == 0 && size > 0 && pages > 0);
	if (!huge_mounted)
		return error_set(error, -ENOENT, "no hugetlbfs is mounted");
	REQUIRE(sizeof(huge_mount) <= path_size);
	strcpy(path, huge_mount);
	return 0;
}

#endif
