#include "guest_pages.h"
#include "file.h"
#include "guest_sample.h"
#include "number.h"
#include "process.h"
#include "size.h"
#include "spec.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { STATUS_SIZE = 16 * 1024, LINE_START = 4096 };

/* The same while they are counted. */
struct counts {
	uint64_t pages[SPEC_NODE_MAX + 1];
	uint64_t huge_pages[SPEC_NODE_MAX + 1];
	uint64_t huge_page;
};

static uint64_t page_size(void)
{
	return (uint64_t)sysconf(_SC_PAGESIZE);
}

/* Reads the number behind "N3=" and the like, up to the word's end. */
static bool value_read(const char *text, unsigned int *number)
{
	size_t digits = number_read(text, UINT_MAX, number);

	return digits > 0 && text[digits] == '\0';
}

/* One line of numa_maps, in words (numa_maps in proc(5)). */
struct numa_line {
	const char *path; /* "": no file */
	bool huge;
	unsigned int page_kib;
};

static void line_word(struct numa_line *line, const char *word)
{
	static const char file[] = "file=";
	static const char size[] = "kernelpagesize_kB=";

	if (strncmp(word, file, strlen(file)) == 0)
		line->path = word + strlen(file);
	else if (strncmp(word, size, strlen(size)) == 0)
		(void)value_read(word + strlen(size), &line->page_kib);
	else if (strcmp(word, "huge") == 0)
		line->huge = true;
}

/* Adds the pages on one node, "N3=512", to what is there. */
static void node_word(struct counts *counts, const struct numa_line *line, const char *word)
{
	uint64_t size = (uint64_t)line->page_kib * 1024;
	unsigned int node;
	unsigned int pages;
	size_t digits;

	if (word[0] != 'N')
		return;
	digits = number_read(word + 1, SPEC_NODE_MAX, &node);
	if (digits == 0 || word[1 + digits] != '=' || !value_read(word + digits + 2, &pages))
		return;
	if (line->huge && counts->huge_page == 0)
		counts->huge_page = size;
	if (line->huge && size == counts->huge_page)
		counts->huge_pages[node] += pages;
	else
		counts->pages[node] += size > 0 ? pages * (size / page_size()) : pages;
}

static int line_count(void *context, char *text)
{
	struct counts *counts = context;
	struct numa_line line = {.path = ""};
	char *words[SPEC_NODE_MAX + 32];
	size_t count = 0;
	char *save = NULL;

	for (char *word = strtok_r(text, " \n", &save);
	     word != NULL && count < sizeof(words) / sizeof(words[0]);
	     word = strtok_r(NULL, " \n", &save)) {
		line_word(&line, word);
		words[count++] = word;
	}
	for (size_t i = 0; i < count && (line.huge || guest_pages_are_of(line.path)); i++)
		node_word(counts, &line, words[i]);
	return 0;
}

/*
 * Reads the policy of the process: that of its first mapping, its program, which has none of its
 * own. So short a read makes the kernel look at no more than that one (seq_read in its
 * fs/seq_file.c).
 */
static int policy_read(struct guest_pages *pages, int directory)
{
	/* The names that have a blank in them (policy_modes in its mm/mempolicy.c). */
	static const char *const names[] = {"prefer (many)", "weighted interleave"};
	char text[GUEST_POLICY_SIZE];
	int fd = openat(directory, "numa_maps", O_RDONLY | O_CLOEXEC);
	ssize_t length = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	int result = length < 0 ? -errno : 0;
	char *policy;
	char *end;

	if (fd >= 0)
		close(fd);
	if (result < 0)
		return result;
	text[length] = '\0';
	policy = strchr(text, ' ');
	if (policy == NULL) /* it has ended, or is no process but a thread of the kernel */
		return -ESRCH;
	policy++;
	end = policy;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strncmp(policy, names[i], strlen(names[i])) == 0)
			end = policy + strlen(names[i]);
	}
	end[strcspn(end, " \n")] = '\0';
	strcpy(pages->policy, policy);
	return 0;
}

/* The bytes that a key of "status" has in KiB; 0 where it has none. */
static uint64_t status_size(const char *status, const char *key)
{
	const char *line = strstr(status, key);
	uint64_t bytes;

	if (line == NULL)
		return 0;
	line += strlen(key);
	line += strspn(line, " \t");
	return size_read(line, strspn(line, "0123456789"), 1024, &bytes) == 0 ? bytes : 0;
}

static uint64_t status_bytes(int directory, bool huge)
{
	char status[STATUS_SIZE];

	if (file_read(directory, "status", status, sizeof(status)) < 0)
		return 0;
	if (huge)
		return status_size(status, "\nHugetlbPages:");
	return status_size(status, "\nRssAnon:") + status_size(status, "\nRssShmem:");
}

uint64_t guest_pages_resident(int directory)
{
	return status_bytes(directory, false);
}

static long long now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

/* What was counted, without the nodes that have nothing. */
static int pages_keep(struct guest_pages *pages, const struct counts *counts)
{
	pages->nodes = calloc(SPEC_NODE_MAX + 1, sizeof(*pages->nodes));
	if (pages->nodes == NULL)
		return -ENOMEM;
	for (unsigned int node = 0; node <= SPEC_NODE_MAX; node++) {
		if (counts->pages[node] > 0 || counts->huge_pages[node] > 0)
			pages->nodes[pages->count++] = (struct guest_node){
			    node, counts->pages[node], counts->huge_pages[node]};
	}
	pages->huge_page = counts->huge_page;
	return 0;
}

/* Estimates from a sample what is on each node: of all that it has, huge pages or not. */
static int pages_sample(struct counts *counts, int directory, pid_t pid)
{
	uint64_t bytes = status_bytes(directory, false) + status_bytes(directory, true);
	unsigned int found[SPEC_NODE_MAX + 1] = {0};
	int total = guest_sample(directory, pid, GUEST_PAGES_SAMPLED, found);

	for (unsigned int node = 0; total > 0 && node <= SPEC_NODE_MAX; node++)
		counts->pages[node] = bytes / page_size() * found[node] / (unsigned int)total;
	return total < 0 ? total : 0;
}

int guest_pages_read(struct guest_pages *pages, int directory, pid_t pid, long long *budget)
{
	long long started = now_ns();
	struct counts counts = {0};
	int result;

	*pages = (struct guest_pages){.page = page_size()};
	pages->sampled =
	    (long long)(guest_pages_resident(directory) / pages->page) * GUEST_PAGES_NS > *budget;
	result = policy_read(pages, directory);
	if (result == 0)
		result = pages->sampled
			     ? pages_sample(&counts, directory, pid)
			     : process_lines(directory, "numa_maps", line_count, &counts);
	if (result == 0)
		result = pages_keep(pages, &counts);
	if (!pages->sampled)
		*budget -= now_ns() - started;
	return result;
}

uint64_t guest_pages_on(const struct guest_pages *pages, const struct id_set *nodes)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < pages->count; i++) {
		const struct guest_node *node = &pages->nodes[i];

		if (nodes == NULL || id_set_has(nodes, node->node))
			bytes += node->pages * pages->page + node->huge_pages * pages->huge_page;
	}
	return bytes;
}

void guest_pages_free(struct guest_pages *pages)
{
	free(pages->nodes);
	*pages = (struct guest_pages){0};
}
