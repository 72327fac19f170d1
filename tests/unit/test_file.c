#include "file.h"
#include "tree.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void check_file(const char *name, const char *expected)
{
	char text[256];
	FILE *file = fopen(name, "r");

	assert_non_null(file);
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	fclose(file);
	assert_string_equal(text, expected);
}

/* Also that nothing beyond the buffer is written. */
static void what_fits_with_its_end_mark_is_read_whole(void **state)
{
	static const struct {
		const char *bytes;
		size_t length;
		size_t size;
		ssize_t expected;
	} cases[] = {
	    {"", 0, 1, 0},
	    {"", 0, 16, 0},
	    {"a", 1, 1, -E2BIG},
	    {"a", 1, 2, 1},
	    {"0-2,5\n", 6, 6, -E2BIG},
	    {"0-2,5\n", 6, 7, 6},
	    {"0-2,5\n", 6, 16, 6},
	    {"one\0two\0", 8, 8, -E2BIG},
	    {"one\0two\0", 8, 9, 8},
	    {"\xff\x00\n\x80", 4, 16, 4},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		char text[32];
		ssize_t length;

		make_bytes("file", cases[i].bytes, cases[i].length);
		memset(text, '#', sizeof(text));
		length = file_read(AT_FDCWD, "file", text, cases[i].size);
		if (length != cases[i].expected)
			fail_msg("case %zu: %zd", i, length);
		assert_int_equal(text[cases[i].size], '#');
		if (length < 0)
			continue;
		assert_memory_equal(text, cases[i].bytes, cases[i].length);
		assert_int_equal(text[length], '\0');
	}
}

static void a_large_file_is_read_whole(void **state)
{
	enum { LARGE = 3 * 1024 * 1024 + 7 };
	char *bytes = malloc(LARGE);
	char *text = malloc(LARGE + 1);
	uint64_t seed = 1;

	(void)state;
	assert_non_null(bytes);
	assert_non_null(text);
	for (size_t i = 0; i < LARGE; i++)
		bytes[i] = (char)random_below(&seed, 256);
	make_bytes("file", bytes, LARGE);
	assert_int_equal(file_read(AT_FDCWD, "file", text, LARGE), -E2BIG);
	assert_int_equal(file_read(AT_FDCWD, "file", text, LARGE + 1), LARGE);
	assert_memory_equal(text, bytes, LARGE);
	free(text);
	free(bytes);
}

/* As files in /proc may come. */
static void a_file_that_comes_in_pieces_is_read_whole(void **state)
{
	static const char *const pieces[] = {"0-", "2", ",5\n"};
	char text[16];
	pid_t writer;

	(void)state;
	assert_int_equal(mkfifo("fifo", 0600), 0);
	writer = fork();
	assert_true(writer >= 0);
	if (writer == 0) {
		int fd = open("fifo", O_WRONLY);

		for (size_t i = 0; i < LENGTH_OF(pieces); i++) {
			if (write(fd, pieces[i], strlen(pieces[i])) < 0)
				_exit(1);
			usleep(2000);
		}
		_exit(0);
	}
	assert_int_equal(file_read(AT_FDCWD, "fifo", text, sizeof(text)), 6);
	assert_string_equal(text, "0-2,5\n");
	assert_int_equal(waitpid(writer, NULL, 0), writer);
}

static void names_count_from_the_directory(void **state)
{
	char text[16];
	int fd;

	(void)state;
	assert_int_equal(mkdir("in", 0755), 0);
	make_file("in/file", "there");
	make_file("file", "here");
	fd = open("in", O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(file_read(fd, "file", text, sizeof(text)), 5);
	assert_string_equal(text, "there");
	assert_int_equal(file_write(fd, "file", "THERE"), 0);
	close(fd);
	check_file("in/file", "THERE");
	check_file("file", "here");
}

static void what_cannot_be_read_is_told_by_its_errno(void **state)
{
	char text[16];

	(void)state;
	make_file("file", "x");
	assert_int_equal(mkdir("in", 0755), 0);
	assert_int_equal(file_read(AT_FDCWD, "missing", text, sizeof(text)), -ENOENT);
	assert_int_equal(file_read(AT_FDCWD, "", text, sizeof(text)), -ENOENT);
	assert_int_equal(file_read(AT_FDCWD, "in", text, sizeof(text)), -EISDIR);
	assert_int_equal(file_read(AT_FDCWD, "file/below", text, sizeof(text)), -ENOTDIR);
	assert_int_equal(file_read(-1, "file", text, sizeof(text)), -EBADF);
}

static void what_cannot_be_written_is_told_by_its_errno(void **state)
{
	(void)state;
	assert_int_equal(mkdir("in", 0755), 0);
	assert_int_equal(file_write(AT_FDCWD, "missing", "0"), -ENOENT);
	assert_int_equal(access("missing", F_OK), -1);
	assert_int_equal(file_write(AT_FDCWD, "in", "0"), -EISDIR);
	assert_int_equal(file_write(-1, "file", "0"), -EBADF);
	assert_int_equal(file_write(AT_FDCWD, "/dev/full", "0"), -ENOSPC);
}

/* A file of the kernel has no length to be cut to. */
static void writing_is_from_the_start_and_cuts_nothing(void **state)
{
	(void)state;
	make_file("file", "0-7,9\n");
	assert_int_equal(file_write(AT_FDCWD, "file", "1-2"), 0);
	check_file("file", "1-2,9\n");
	assert_int_equal(file_write(AT_FDCWD, "file", "10-20,30"), 0);
	check_file("file", "10-20,30");
	assert_int_equal(file_write(AT_FDCWD, "file", ""), 0);
	check_file("file", "10-20,30");
}

/* The second of two writes would come to nothing here: then it were EFBIG. */
static void what_one_write_does_not_take_is_not_written_by_two(void **state)
{
	struct rlimit before;
	struct rlimit small;
	int result;

	(void)state;
	make_file("file", "");
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	small = (struct rlimit){.rlim_cur = 4, .rlim_max = before.rlim_max};
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	result = file_write(AT_FDCWD, "file", "0-2,5");
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	signal(SIGXFSZ, SIG_DFL);
	assert_int_equal(result, -EIO);
	check_file("file", "0-2,");
}

static void no_descriptor_is_left_open(void **state)
{
	char text[4];
	unsigned int before = descriptors_of(getpid());

	(void)state;
	make_file("file", "0-2,5\n");
	assert_int_equal(mkdir("in", 0755), 0);
	assert_int_equal(file_read(AT_FDCWD, "file", text, sizeof(text)), -E2BIG);
	assert_int_equal(file_read(AT_FDCWD, "in", text, sizeof(text)), -EISDIR);
	assert_int_equal(file_read(AT_FDCWD, "/dev/null", text, sizeof(text)), 0);
	assert_int_equal(file_write(AT_FDCWD, "file", "0"), 0);
	assert_int_equal(file_write(AT_FDCWD, "/dev/full", "0"), -ENOSPC);
	assert_int_equal(descriptors_of(getpid()), before);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, enter_directory, leave_directory)
	static const struct CMUnitTest tests[] = {
	    TEST(what_fits_with_its_end_mark_is_read_whole),
	    TEST(a_large_file_is_read_whole),
	    TEST(a_file_that_comes_in_pieces_is_read_whole),
	    TEST(names_count_from_the_directory),
	    TEST(what_cannot_be_read_is_told_by_its_errno),
	    TEST(what_cannot_be_written_is_told_by_its_errno),
	    TEST(writing_is_from_the_start_and_cuts_nothing),
	    TEST(what_one_write_does_not_take_is_not_written_by_two),
	    TEST(no_descriptor_is_left_open),
	};

	return RUN_TESTS(tests);
}
