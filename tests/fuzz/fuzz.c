#include "fuzz.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char world[PATH_MAX / 2]; /* the directory; empty: not made yet */

void fuzz_failed(const char *condition, const char *file, unsigned int line)
{
	fprintf(stderr, "%s:%u: does not hold: %s\n", file, line, condition);
	abort();
}

/* A copy that ends where the text does. */
static char *copy_of(const uint8_t *data, size_t length)
{
	char *copy = malloc(length + 1);

	REQUIRE(copy != NULL);
	if (length > 0)
		memcpy(copy, data, length);
	copy[length] = '\0';
	return copy;
}

char *fuzz_part(struct fuzz_input *input, size_t *length)
{
	static const char mark[] = "%%\n";
	const uint8_t *start = input->data;
	const uint8_t *end = start;
	size_t left = input->size;
	size_t size;
	char *part;
	char *cut;

	/* The mark counts where a line begins. */
	while (end != NULL && left > 0 &&
	       (left < strlen(mark) || memcmp(end, mark, strlen(mark)) != 0)) {
		const uint8_t *line = memchr(end, '\n', left);

		end = line != NULL ? line + 1 : NULL;
		left = end != NULL ? input->size - (size_t)(end - start) : 0;
	}
	size = input->size - left;
	*input = left > 0 ? (struct fuzz_input){end + strlen(mark), left - strlen(mark)}
			  : (struct fuzz_input){0};
	if (length != NULL) {
		*length = size;
		return copy_of(start, size);
	}
	part = copy_of(start, size);
	cut = copy_of((const uint8_t *)part, strlen(part));
	free(part);
	return cut;
}

char *fuzz_line(struct fuzz_input *input)
{
	const uint8_t *end = input->size > 0 ? memchr(input->data, '\n', input->size) : NULL;
	size_t size = end != NULL ? (size_t)(end - input->data) : input->size;
	const uint8_t *null = size > 0 ? memchr(input->data, '\0', size) : NULL;
	char *line = copy_of(input->data, null != NULL ? (size_t)(null - input->data) : size);

	size += end != NULL;
	*input =
	    (struct fuzz_input){size > 0 ? input->data + size : input->data, input->size - size};
	return line;
}

char **fuzz_argv(const char *text)
{
	size_t count = 1;
	size_t used = 0;
	char **argv;

	for (const char *p = text; *p != '\0'; p++)
		count += *p == '\n';
	argv = calloc(count + 2, sizeof(*argv));
	REQUIRE(argv != NULL);
	argv[used++] = copy_of((const uint8_t *)"qemu-kvm", strlen("qemu-kvm"));
	while (*text != '\0') {
		size_t length = strcspn(text, "\n");

		argv[used++] = copy_of((const uint8_t *)text, length);
		text += length + (text[length] == '\n');
	}
	return argv;
}

void fuzz_argv_free(char **argv)
{
	for (char **one = argv; *one != NULL; one++)
		free(*one);
	free(argv);
}

static int remove_one(const char *path, const struct stat *stat, int kind, struct FTW *walk)
{
	(void)stat;
	(void)kind;
	(void)walk;
	return remove(path);
}

static void world_remove(void)
{
	(void)nftw(world, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

const char *fuzz_path(const char *name)
{
	static char paths[8][PATH_MAX];
	static unsigned int next;
	char *path = paths[next++ % 8];

	if (*world == '\0') {
		const char *parent = getenv("TMPDIR");

		snprintf(world, sizeof(world), "%s/fuzz-XXXXXX", parent != NULL ? parent : "/tmp");
		umask(022);
		REQUIRE(mkdtemp(world) != NULL);
		REQUIRE(atexit(world_remove) == 0);
	}
	snprintf(path, PATH_MAX, "%s/%s", world, name);
	return path;
}

static void directories_make(const char *path)
{
	char part[PATH_MAX];

	for (const char *slash = path + strlen(world); slash != NULL;
	     slash = strchr(slash + 1, '/')) {
		snprintf(part, sizeof(part), "%.*s", (int)(slash - path), path);
		REQUIRE(mkdir(part, 0755) == 0 || errno == EEXIST);
	}
}

void fuzz_file(const char *name, const char *bytes, size_t length)
{
	const char *path = fuzz_path(name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	if (fd < 0) {
		directories_make(path);
		fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	}
	REQUIRE(fd >= 0);
	REQUIRE(write(fd, bytes, length) == (ssize_t)length);
	close(fd);
}

void fuzz_part_file(struct fuzz_input *input, const char *name)
{
	size_t length;
	char *part = fuzz_part(input, &length);

	fuzz_file(name, part, length);
	free(part);
}

void fuzz_link(const char *target, const char *name)
{
	const char *path = fuzz_path(name);

	directories_make(path);
	(void)unlink(path);
	REQUIRE(symlink(target, path) == 0);
}

/*
 * What the program says in between is put together, for the sanitizers to see, and dropped. (The
 * linker's --wrap has all of log_line() come here.)
 */
void __wrap_log_line(const char *format, ...) __attribute__((format(printf, 1, 2)));

void __wrap_log_line(const char *format, ...)
{
	char text[4096];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
}
