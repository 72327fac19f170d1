/*
 * Stands in for an emulator where there are to be hundreds: it has what the tool looks at, and
 * needs next to nothing. As the real one it is told "-smp N", "-m MIB" and "-name guest=…"; it
 * touches that memory, has a thread for each virtual CPU with the name that QEMU gives it, and
 * one more; says that it is ready; and sleeps until it is ended.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { NUMBER_MAX = 4096, NAME_SIZE = 16, STACK_SIZE = 64 * 1024 };

/* The number behind an option of QEMU's, or `otherwise`. */
static unsigned int option_number(char *argv[], const char *option, unsigned int otherwise)
{
	for (; argv[0] != NULL && argv[1] != NULL; argv++) {
		unsigned int number = 0;

		if (strcmp(argv[0], option) != 0)
			continue;
		for (const char *digit = argv[1]; *digit >= '0' && *digit <= '9'; digit++) {
			if (number <= NUMBER_MAX)
				number = number * 10 + (unsigned int)(*digit - '0');
		}
		return number <= NUMBER_MAX ? number : NUMBER_MAX;
	}
	return otherwise;
}

static void *thread_sleep(void *unused)
{
	(void)unused;
	for (;;)
		pause();
	return NULL;
}

static int thread_start(const pthread_attr_t *attributes, const char *name)
{
	pthread_t thread;
	int result = pthread_create(&thread, attributes, thread_sleep, NULL);

	if (result == 0)
		result = pthread_setname_np(thread, name);
	return -result;
}

int main(int argc, char *argv[])
{
	size_t size = (size_t)option_number(argv, "-m", 1) * 1024 * 1024;
	unsigned int cpus = option_number(argv, "-smp", 1);
	char *memory = mmap(NULL, size > 0 ? size : 1, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	pthread_attr_t attributes;
	char name[NAME_SIZE];
	int result;

	if (memory == MAP_FAILED) {
		perror(argc > 0 ? argv[0] : "standin");
		return EXIT_FAILURE;
	}
	/* Page by page, as a guest takes it: none of them is a huge one. */
	madvise(memory, size, MADV_NOHUGEPAGE);
	for (size_t i = 0; i < size; i += 4096)
		memory[i] = 1;
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK_SIZE);
	result = thread_start(&attributes, "worker");
	for (unsigned int i = 0; i < cpus && result == 0; i++) {
		snprintf(name, sizeof(name), "CPU %u/KVM", i % 1000);
		result = thread_start(&attributes, name);
	}
	if (result < 0) {
		fprintf(stderr, "no thread: %s\n", strerror(-result));
		return EXIT_FAILURE;
	}
	printf("ready %d\n", getpid());
	fflush(stdout);
	for (;;)
		pause();
}
