/*
 * The allocator of a test build, linked into it in the place of libc's: the N-th allocation
 * fails, of all that the program and its libraries make once main() is near. What is freed is
 * filled with nonsense, and to free it once more ends the program, for it is what goes wrong
 * first where a failure is handled.
 *
 * The file that FAULTS_SHARED names holds a struct shared, over exec and fork. FAULTS_SITES
 * names a file for the stack of each allocation, a line each; FAULTS_CRASH one for the stack of
 * a crash, and what was mapped where.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <unwind.h>

enum {
	ARENA_SIZE = 1 << 30, /* nothing is used twice */
	ALIGNMENT = 16,
	NONSENSE = 0xdd,
	FRAMES_MAX = 32,
};

static const uint64_t ALIVE = 0x616c6976656d656d;
static const uint64_t FREED = 0x66726565646d656d;

struct shared {
	uint64_t count;   /* allocations so far */
	uint64_t fail_at; /* 0: none */
};

struct header {
	uint64_t state;
	uint64_t size;
};

static char arena[ARENA_SIZE] __attribute__((aligned(4096)));
static size_t used;
static struct shared *shared;
static int sites = -1;
static __thread bool looking; /* at the stack, which may allocate */

void *memalign(size_t alignment, size_t size);
size_t malloc_usable_size(void *pointer);

struct frames {
	size_t count;
	uintptr_t at[FRAMES_MAX];
};

static _Unwind_Reason_Code frame_add(struct _Unwind_Context *context, void *frames)
{
	struct frames *all = frames;

	all->at[all->count++] = _Unwind_GetIP(context);
	return all->count < FRAMES_MAX ? _URC_NO_REASON : _URC_END_OF_STACK;
}

static void stack_write(int fd)
{
	struct frames frames = {0};
	char line[FRAMES_MAX * 20];
	size_t length = 0;

	looking = true;
	_Unwind_Backtrace(frame_add, &frames);
	for (size_t i = 0; i < frames.count; i++)
		length += (size_t)snprintf(line + length, sizeof(line) - length, "%zx%c",
					   frames.at[i], i + 1 < frames.count ? ' ' : '\n');
	(void)!write(fd, line, length);
	looking = false;
}

static void maps_write(int fd)
{
	char text[4096];
	ssize_t length;
	int maps = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);

	while ((length = read(maps, text, sizeof(text))) > 0)
		(void)!write(fd, text, (size_t)length);
	close(maps);
}

static void crashed(int number)
{
	const char *path = getenv("FAULTS_CRASH");
	int fd = path == NULL ? -1 : open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	if (fd >= 0) {
		stack_write(fd);
		maps_write(fd);
	}
	signal(number, SIG_DFL);
	raise(number);
}

__attribute__((constructor)) static void begin(void)
{
	static const int ends[] = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL};
	const char *path = getenv("FAULTS_SHARED");
	int fd = path == NULL ? -1 : open(path, O_RDWR | O_CLOEXEC);
	void *mapped;

	if (fd < 0)
		return;
	mapped = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (mapped == MAP_FAILED)
		abort();
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		signal(ends[i], crashed);
	path = getenv("FAULTS_SITES");
	if (path != NULL) {
		sites = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
		maps_write(sites);
	}
	shared = mapped;
}

static bool must_fail(void)
{
	uint64_t number;

	if (shared == NULL || looking)
		return false;
	number = __atomic_add_fetch(&shared->count, 1, __ATOMIC_SEQ_CST);
	if (sites >= 0)
		stack_write(sites);
	return number == shared->fail_at;
}

static void *take(size_t alignment, size_t size)
{
	size_t room = sizeof(struct header) + size + alignment + ALIGNMENT;
	size_t at;
	struct header *header;
	char *memory;

	if (size > ARENA_SIZE / 2 || must_fail()) {
		errno = ENOMEM;
		return NULL;
	}
	at = __atomic_fetch_add(&used, room & ~(size_t)(ALIGNMENT - 1), __ATOMIC_SEQ_CST);
	if (at > ARENA_SIZE / 2)
		abort();
	memory = arena + at + sizeof(*header);
	memory += (alignment - (uintptr_t)memory % alignment) % alignment;
	header = (struct header *)memory - 1;
	*header = (struct header){ALIVE, size};
	return memory;
}

void *malloc(size_t size)
{
	return take(ALIGNMENT, size);
}

void free(void *pointer)
{
	struct header *header = (struct header *)pointer - 1;

	if (pointer == NULL)
		return;
	if (header->state != ALIVE)
		abort();
	header->state = FREED;
	memset(pointer, NONSENSE, header->size);
}

void *calloc(size_t count, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(count, size, &bytes)) {
		errno = ENOMEM;
		return NULL;
	}
	return take(ALIGNMENT, bytes); /* all of it is new */
}

void *realloc(void *pointer, size_t size)
{
	const struct header *header = (struct header *)pointer - 1;
	void *memory = take(ALIGNMENT, size);

	if (pointer == NULL || memory == NULL)
		return memory;
	memcpy(memory, pointer, header->size < size ? header->size : size);
	free(pointer);
	return memory;
}

void *memalign(size_t alignment, size_t size)
{
	return take(alignment < ALIGNMENT ? ALIGNMENT : alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
	return memalign(alignment, size);
}

int posix_memalign(void **pointer, size_t alignment, size_t size)
{
	*pointer = memalign(alignment, size);
	return *pointer == NULL ? ENOMEM : 0;
}

size_t malloc_usable_size(void *pointer)
{
	return pointer == NULL ? 0 : ((struct header *)pointer - 1)->size;
}
