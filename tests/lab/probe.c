/*
 * Stands in for the emulator, whose arguments it ignores, and tells what the kernel
 * says of it: where it may run and allocate, "0-3 bind:0-1".
 *
 * With PROBE_MIB in the environment it also touches so much memory, and tells how many
 * pages of it are on which node: "pages: N0=128 N1=128". With PROBE_THREADS so many
 * threads do all that, too, one after the other.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { LINE_SIZE = 4096, THREADS_MAX = 64 };

static void die(const char *what)
{
	perror(what);
	exit(2);
}

static FILE *file_open(const char *path)
{
	FILE *file = fopen(path, "re");

	if (file == NULL)
		die(path);
	return file;
}

static void cpus_print(void)
{
	static const char key[] = "Cpus_allowed_list:";
	char line[LINE_SIZE];
	FILE *file = file_open("/proc/thread-self/status");

	while (fgets(line, sizeof(line), file) != NULL) {
		if (strncmp(line, key, strlen(key)) == 0)
			printf("%.*s ", (int)strcspn(line + sizeof(key), "\n"), line + sizeof(key));
	}
	fclose(file);
}

/* The second word of a mapping without a policy of its own; one has a blank in it. */
static void policy_print(void)
{
	static const char blank[] = "prefer (many)";
	char line[LINE_SIZE];
	FILE *file = file_open("/proc/thread-self/numa_maps");
	const char *policy;
	size_t length;

	if (fgets(line, sizeof(line), file) == NULL)
		die("numa_maps");
	fclose(file);
	policy = line + strcspn(line, " ") + 1;
	length = strncmp(policy, blank, strlen(blank)) == 0 ? strlen(blank) : 0;
	length += strcspn(policy + length, " \n");
	printf("%.*s\n", (int)length, policy);
}

static void pages_print(const void *memory)
{
	char line[LINE_SIZE];
	FILE *file = file_open("/proc/thread-self/numa_maps");

	while (fgets(line, sizeof(line), file) != NULL) {
		if (strtoul(line, NULL, 16) != (unsigned long)memory)
			continue;
		printf("pages:");
		for (char *word = strtok(line, " \n"); word != NULL; word = strtok(NULL, " \n")) {
			if (word[0] == 'N' && word[1] >= '0' && word[1] <= '9')
				printf(" %s", word);
		}
		putchar('\n');
	}
	fclose(file);
}

/* The mapping cannot be joined with a neighbour: it is writable between two that are not. */
static void memory_touch(size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *all = mmap(NULL, size + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *memory = all + page;

	if (all == MAP_FAILED || mprotect(memory, size, PROT_READ | PROT_WRITE) < 0 ||
	    madvise(memory, size, MADV_NOHUGEPAGE) < 0)
		die("memory");
	for (size_t i = 0; i < size; i += page)
		memory[i] = 1;
	pages_print(memory);
	munmap(all, size + 2 * page);
}

static size_t setting(const char *name)
{
	const char *text = getenv(name);

	return text != NULL ? strtoul(text, NULL, 10) : 0;
}

static void *look(void *unused)
{
	size_t mib = setting("PROBE_MIB");

	(void)unused;
	cpus_print();
	policy_print();
	if (mib > 0)
		memory_touch(mib << 20);
	return NULL;
}

int main(void)
{
	size_t threads = setting("PROBE_THREADS");
	pthread_t thread;

	look(NULL);
	for (size_t i = 0; i < threads && i < THREADS_MAX; i++) {
		if (pthread_create(&thread, NULL, look, NULL) != 0 ||
		    pthread_join(thread, NULL) != 0)
			die("thread");
	}
	return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
