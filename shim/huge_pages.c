#include "huge_pages.h"
#include "file.h"
#include "number.h"
#include "size.h"
#include "spec.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

enum { NUMBER_TEXT_SIZE = 32 };

static const char all_sizes[] = "kernel/mm/hugepages";

/* The size of the pages that a directory of `all_sizes` is for; 0: none. */
static uint64_t size_of(const char *name)
{
	static const char front[] = "hugepages-";
	unsigned int kilobytes;
	size_t digits;

	if (strncmp(name, front, strlen(front)) != 0)
		return 0;
	name += strlen(front);
	digits = number_read(name, UINT_MAX, &kilobytes);
	return digits > 0 && strcmp(name + digits, "kB") == 0 ? (uint64_t)kilobytes * 1024 : 0;
}

static int compare_sizes(const void *one, const void *other)
{
	uint64_t left = *(const uint64_t *)one;
	uint64_t right = *(const uint64_t *)other;

	return (left > right) - (left < right);
}

/* Lists the sizes, ascending; returns how many, at most HUGE_SIZES_MAX. */
static size_t sizes_list(const char *sys, uint64_t *sizes)
{
	char path[PATH_MAX];
	size_t count = 0;
	struct dirent *entry;
	DIR *directory;

	snprintf(path, sizeof(path), "%s/%s", sys, all_sizes);
	directory = opendir(path);
	while (directory != NULL && count < HUGE_SIZES_MAX &&
	       (entry = readdir(directory)) != NULL) {
		sizes[count] = size_of(entry->d_name);
		count += sizes[count] != 0;
	}
	if (directory != NULL)
		closedir(directory);
	qsort(sizes, count, sizeof(*sizes), compare_sizes);
	return count;
}

int huge_pages_check(const char *sys, uint64_t size, struct error *error)
{
	uint64_t sizes[HUGE_SIZES_MAX];
	size_t count = sizes_list(sys, sizes);
	char list[HUGE_SIZES_MAX * (SIZE_TEXT_SIZE + 2)] = "";
	char text[SIZE_TEXT_SIZE];

	for (size_t i = 0; i < count; i++) {
		if (sizes[i] == size)
			return 0;
		text_add(list, sizeof(list), "%s%s", i > 0 ? ", " : "",
			 size_format(sizes[i], text));
	}
	return error_set(error, -EINVAL,
			 "this host has no huge pages of %s; the sizes that it has: %s",
			 size_format(size, text), count > 0 ? list : "none");
}

/* Reads one of the numbers that the kernel gives for a size: of all nodes, or of one. */
static int count_read(const char *sys, int node, uint64_t size, const char *name,
		      unsigned int *pages)
{
	char path[PATH_MAX];
	char text[NUMBER_TEXT_SIZE];
	ssize_t length;
	size_t digits;

	if (node < 0)
		snprintf(path, sizeof(path), "%s/%s/hugepages-%" PRIu64 "kB/%s", sys, all_sizes,
			 size / 1024, name);
	else
		snprintf(path, sizeof(path),
			 "%s/devices/system/node/node%d/hugepages/hugepages-%" PRIu64 "kB/%s", sys,
			 node, size / 1024, name);
	length = file_read(AT_FDCWD, path, text, sizeof(text));
	if (length < 0)
		return (int)length;
	digits = number_read(text, UINT_MAX, pages);
	return digits > 0 && strcmp(text + digits, "\n") == 0 ? 0 : -EIO;
}

static int supply_fill(struct huge_supply *supply, const char *sys, uint64_t size,
		       const struct id_set *nodes)
{
	unsigned int reserved;
	int result = count_read(sys, -1, size, "free_hugepages", &supply->available);

	if (result == 0)
		result = count_read(sys, -1, size, "resv_hugepages", &reserved);
	if (result < 0)
		return result;
	supply->available -= reserved < supply->available ? reserved : supply->available;
	supply->nodes = calloc(id_set_count(nodes) + 1, sizeof(*supply->nodes));
	if (supply->nodes == NULL)
		return -ENOMEM;
	for (unsigned int node = 0; node <= SPEC_NODE_MAX; node++) {
		struct node_pages pages = {.node = node};

		if (!id_set_has(nodes, node))
			continue;
		result = count_read(sys, (int)node, size, "free_hugepages", &pages.free);
		if (result < 0 && result != -ENOENT) /* a node without memory has no such file */
			return result;
		supply->nodes[supply->count++] = pages;
	}
	return 0;
}

int huge_supply_read(struct huge_supply *supply, const char *sys, uint64_t size,
		     const struct id_set *nodes, struct error *error)
{
	char text[SIZE_TEXT_SIZE];
	int result;

	*supply = (struct huge_supply){0};
	result = supply_fill(supply, sys, size, nodes);
	if (result == 0)
		return 0;
	huge_supply_free(supply);
	return error_set(error, result, "the free huge pages of %s cannot be read: %s",
			 size_format(size, text), strerror(-result));
}

uint64_t huge_supply_of(const struct huge_supply *supply, const struct id_set *nodes)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < supply->count; i++) {
		if (id_set_has(nodes, supply->nodes[i].node))
			sum += supply->nodes[i].free;
	}
	return sum;
}

const char *huge_supply_format(const struct huge_supply *supply, const struct id_set *nodes,
			       char *text, size_t size)
{
	*text = '\0';
	for (size_t i = 0; i < supply->count; i++) {
		const struct node_pages *one = &supply->nodes[i];

		if (nodes == NULL || id_set_has(nodes, one->node))
			text_add(text, size, "%snode %u: %u", *text != '\0' ? ", " : "", one->node,
				 one->free);
	}
	return text;
}

void huge_supply_free(struct huge_supply *supply)
{
	free(supply->nodes);
	*supply = (struct huge_supply){0};
}

/* Takes the octal escapes out of a path of mountinfo, in place: "\040" is a blank. */
static void path_unescape(char *path)
{
	char *to = path;

	for (const char *from = path; *from != '\0'; from++) {
		if (from[0] == '\\' && from[1] >= '0' && from[1] <= '3' && from[2] >= '0' &&
		    from[2] <= '7' && from[3] >= '0' && from[3] <= '7') {
			*to++ =
			    (char)((from[1] - '0') << 6 | (from[2] - '0') << 3 | (from[3] - '0'));
			from += 3;
		} else {
			*to++ = *from;
		}
	}
	*to = '\0';
}

/* The mount point of a line of mountinfo if it is of hugetlbfs, else NULL; changes the line. */
static char *mount_point(char *line)
{
	enum { POINT = 4 }; /* its place among the fields, from 0 */
	const char *type = strstr(line, " - hugetlbfs ");
	char *field = NULL;

	if (type == NULL)
		return NULL;
	for (int i = 0; i <= POINT; i++)
		field = strsep(&line, " ");
	if (field != NULL)
		path_unescape(field);
	return field;
}

/* A mount without a limit of its own has no count of blocks (fs/hugetlbfs, hugetlbfs_statfs). */
static bool mount_fits(const char *path, uint64_t size, uint64_t pages)
{
	struct statfs status;

	return statfs(path, &status) == 0 && (uint64_t)status.f_bsize == size &&
	       (status.f_blocks == 0 || status.f_bavail >= pages) && access(path, W_OK | X_OK) == 0;
}

int huge_pages_mount(const char *mountinfo, uint64_t size, uint64_t pages, char *path,
		     size_t path_size, struct error *error)
{
	FILE *file = fopen(mountinfo, "re");
	char text[SIZE_TEXT_SIZE];
	bool found = false;
	char *line = NULL;
	size_t room = 0;

	if (file == NULL)
		return error_set(error, -errno, "%s cannot be read: %s", mountinfo,
				 strerror(errno));
	while (!found && getline(&line, &room, file) > 0) {
		const char *point = mount_point(line);

		found =
		    point != NULL && strlen(point) < path_size && mount_fits(point, size, pages);
		if (found)
			strcpy(path, point);
	}
	free(line);
	fclose(file);
	if (found)
		return 0;
	size_format(size, text);
	return error_set(error, -ENOENT,
			 "no hugetlbfs with pages of %s is mounted that user %u may write and that "
			 "has room: mkdir /dev/hugepages-%s; mount -t hugetlbfs -o "
			 "pagesize=%s,uid=%u,mode=0700 none /dev/hugepages-%s",
			 text, geteuid(), text, text, geteuid(), text);
}
