/*
 * Takes the memory of a node such that half of it stays free, but in single pages: no huge page
 * can be made of it. To be started by numactl --membind with vm.compact_unevictable_allowed=0,
 * or the kernel would move what is in between. Says when it is done, and sleeps until it is
 * ended.
 *
 *	usage: lab-fragments MIB
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PAGE = 4096, MIB_MAX = 4096 };

static int fail(const char *what)
{
	perror(what);
	return EXIT_FAILURE;
}

int main(int argc, char *argv[])
{
	size_t size = 0;
	char *memory;

	for (const char *digit = argc == 2 ? argv[1] : ""; *digit >= '0' && *digit <= '9'; digit++)
		size = size * 10 + (size_t)(*digit - '0');
	if (size == 0 || size > MIB_MAX)
		return EXIT_FAILURE;
	size *= 1024 * 1024;
	memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED || madvise(memory, size, MADV_NOHUGEPAGE) < 0)
		return fail("no memory");
	memset(memory, 1, size);
	for (size_t i = 0; i < size; i += 2 * PAGE) {
		if (madvise(memory + i, PAGE, MADV_DONTNEED) < 0)
			return fail("madvise");
	}
	/* What is there stays there; what is not is not brought back. */
	if (mlock2(memory, size, MLOCK_ONFAULT) < 0)
		return fail("mlock2");
	puts("ready");
	fflush(stdout);
	for (;;)
		pause();
}
