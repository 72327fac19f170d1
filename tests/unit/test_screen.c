/* What the tool makes of a terminal, a real one: screen.c. */
#include "clock.h"
#include "screen.h"
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <locale.h>
#include <poll.h>
#include <pty.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* Both ends of a terminal, and a file. */
static int master = -1;
static FILE *terminal;
static FILE *file;

static int start(void **state)
{
	struct winsize window = {.ws_row = 24, .ws_col = 100};
	int slave;

	(void)state;
	unsetenv("NO_COLOR");
	unsetenv("COLUMNS");
	setenv("TERM", "xterm", 1);
	if (openpty(&master, &slave, NULL, NULL, &window) < 0)
		return -1;
	terminal = fdopen(slave, "w");
	file = fopen("/dev/null", "we");
	return terminal != NULL && file != NULL ? 0 : -1;
}

static int stop(void **state)
{
	(void)state;
	fclose(terminal);
	fclose(file);
	close(master);
	return 0;
}

/* What has come to the screen since the last time. */
static const char *shown(void)
{
	static char text[4096];
	struct pollfd wait = {.fd = master, .events = POLLIN};
	size_t used = 0;

	while (used < sizeof(text) - 1 && poll(&wait, 1, 20) > 0) {
		ssize_t length = read(master, text + used, sizeof(text) - 1 - used);

		if (length <= 0)
			break;
		used += (size_t)length;
	}
	text[used] = '\0';
	return text;
}

static void sizes_are_short(void **state)
{
	static const struct {
		unsigned long long bytes;
		const char *text;
	} cases[] = {
	    {0, "0B"},
	    {1, "1B"},
	    {1023, "1023B"},
	    {1024, "1.0K"},
	    {1536, "1.5K"},
	    {4096, "4.0K"},
	    {1023 * 1024, "1023.0K"},
	    {1048575, "1.0M"}, /* not 1024.0K */
	    {1048576, "1.0M"},
	    {512ULL << 20, "512.0M"},
	    {(4ULL << 30) - (100ULL << 20), "3.9G"},
	    {(1ULL << 40) - 1, "1.0T"},
	    {6ULL << 40, "6.0T"},
	    {1ULL << 50, "1.0P"},
	    {1ULL << 60, "1.0E"},
	    {~0ULL, "16.0E"},
	};
	char text[32];

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(cases); i++)
		assert_string_equal(screen_size(cases[i].bytes, text, sizeof(text)), cases[i].text);
	assert_string_equal(screen_size(512ULL << 20, text, 4), "512"); /* cut */
}

static void only_a_terminal_has_colours(void **state)
{
	(void)state;
	assert_true(screen_has_colours(terminal));
	assert_false(screen_has_colours(file));
	assert_string_equal(screen_colour(terminal, COLOUR_GREEN), "\033[32m");
	assert_string_equal(screen_colour(terminal, COLOUR_YELLOW), "\033[33m");
	assert_string_equal(screen_colour(terminal, COLOUR_RED), "\033[31m");
	assert_string_equal(screen_colour(terminal, COLOUR_DIM), "\033[2m");
	assert_string_equal(screen_colour(terminal, COLOUR_BOLD), "\033[1m");
	assert_string_equal(screen_colour(terminal, COLOUR_NONE), "");
	assert_string_equal(screen_plain(terminal), "\033[0m");
	assert_string_equal(screen_colour(file, COLOUR_RED), "");
	assert_string_equal(screen_plain(file), "");
}

/* no-color.org: present and not empty, whatever it is. */
static void whoever_wants_no_colours_has_none(void **state)
{
	static const struct {
		const char *no_colour;
		const char *terminal;
		bool coloured;
	} cases[] = {
	    {NULL, "xterm", true}, {"", "xterm", true},    {"1", "xterm", false},
	    {"0", "xterm", false}, {"no", "xterm", false}, {NULL, "dumb", false},
	    {NULL, NULL, false},   {NULL, "linux", true},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		unsetenv("NO_COLOR");
		unsetenv("TERM");
		if (cases[i].no_colour != NULL)
			setenv("NO_COLOR", cases[i].no_colour, 1);
		if (cases[i].terminal != NULL)
			setenv("TERM", cases[i].terminal, 1);
		assert_int_equal(screen_has_colours(terminal), cases[i].coloured);
		assert_int_equal(*screen_colour(terminal, COLOUR_RED) != '\0', cases[i].coloured);
		assert_int_equal(*screen_plain(terminal) != '\0', cases[i].coloured);
	}
}

static void characters_are_those_of_the_locale(void **state)
{
	(void)state;
	assert_non_null(setlocale(LC_ALL, "C"));
	assert_false(screen_is_utf8());
	assert_non_null(setlocale(LC_ALL, "C.UTF-8"));
	assert_true(screen_is_utf8());
	assert_non_null(setlocale(LC_ALL, "C"));
}

/* U+00E9, U+4E00, U+202E, U+0378, which is no character yet, and a byte that is none. */
static void what_a_terminal_cannot_show_is_escaped(void **state)
{
	static const struct {
		const char *text;
		const char *in_utf8;
		const char *in_c;
	} cases[] = {
	    {"", "", ""},
	    {"a\\x b", "a\\x b", "a\\x b"},
	    {"\033[m\n", "\\x1b[m\\x0a", "\\x1b[m\\x0a"},
	    {"\xc3\xa9", "\xc3\xa9", "\\xc3\\xa9"},
	    {"\xe4\xb8\x80", "\xe4\xb8\x80", "\\xe4\\xb8\\x80"},
	    {"\xe2\x80\xae", "\\xe2\\x80\\xae", "\\xe2\\x80\\xae"},
	    {"\xcd\xb8", "\\xcd\\xb8", "\\xcd\\xb8"},
	    {"\xff", "\\xff", "\\xff"},
	};
	char text[64];

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		assert_non_null(setlocale(LC_ALL, "C.UTF-8"));
		assert_string_equal(screen_printable(text, sizeof(text), cases[i].text),
				    cases[i].in_utf8);
		assert_non_null(setlocale(LC_ALL, "C"));
		assert_string_equal(screen_printable(text, sizeof(text), cases[i].text),
				    cases[i].in_c);
	}
	/* Cut between characters. */
	assert_string_equal(screen_printable(text, 4, "ab\n"), "ab");
	assert_string_equal(screen_printable(text, 7, "ab\n"), "ab\\x0a");
	assert_string_equal(screen_printable(text, 1, "ab"), "");
}

static void the_width_is_that_of_the_terminal(void **state)
{
	static const unsigned short widths[][2] = {{100, 100}, {40, 40},   {39, 40},
						   {1, 40},    {500, 500}, {0, 80}};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(widths); i++) {
		struct winsize window = {.ws_row = 24, .ws_col = widths[i][0]};

		assert_int_equal(ioctl(master, TIOCSWINSZ, &window), 0);
		assert_int_equal(screen_width(terminal), widths[i][1]);
		assert_int_equal(screen_height(terminal), 24);
	}
}

static void a_height_that_is_not_known_is_none(void **state)
{
	struct winsize window = {.ws_col = 80};

	(void)state;
	assert_int_equal(screen_height(file), 0);
	assert_int_equal(ioctl(master, TIOCSWINSZ, &window), 0);
	assert_int_equal(screen_height(terminal), 0);
}

static void without_a_terminal_the_width_is_given(void **state)
{
	static const struct {
		const char *columns;
		unsigned int width;
	} cases[] = {
	    {NULL, 80},   {"", 80},     {"120", 120}, {"1000", 1000},      {"1001", 80},
	    {"40", 40},   {"39", 40},   {"0", 40},    {"-5", 80},          {"x", 80},
	    {"100x", 80}, {" 100", 80}, {"099", 80},  {"99999999999", 80},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		unsetenv("COLUMNS");
		if (cases[i].columns != NULL)
			setenv("COLUMNS", cases[i].columns, 1);
		assert_int_equal(screen_width(file), cases[i].width);
		assert_int_equal(screen_width(terminal), 100); /* which knows it better */
	}
}

/* --- progress, on stderr --- */

#define NO_BAR ULLONG_MAX

/* Draws it as if it had been going on for so long; what is on the screen then. */
static const char *draw(struct progress *progress, int stderr_is, long long since_ms,
			unsigned long long done, unsigned long long total)
{
	int before = dup(STDERR_FILENO);

	assert_true(before >= 0);
	assert_int_equal(dup2(stderr_is, STDERR_FILENO), STDERR_FILENO);
	progress->started = clock_milliseconds() - since_ms;
	if (total == NO_BAR)
		progress_wait(progress);
	else
		progress_show(progress, done, total);
	assert_int_equal(dup2(before, STDERR_FILENO), STDERR_FILENO);
	close(before);
	return shown();
}

static const char *end(struct progress *progress)
{
	int before = dup(STDERR_FILENO);

	assert_true(before >= 0);
	assert_int_equal(dup2(fileno(terminal), STDERR_FILENO), STDERR_FILENO);
	progress_end(progress);
	assert_int_equal(dup2(before, STDERR_FILENO), STDERR_FILENO);
	close(before);
	return shown();
}

static void progress_is_drawn_from_a_second_on(void **state)
{
	static const struct {
		unsigned long long done;
		unsigned long long total;
		const char *line;
	} cases[] = {
	    {0, 10, "\rmoving [..............................]   0 %\033[K"},
	    {1, 3, "\rmoving [##########....................]  33 %\033[K"},
	    {5, 10, "\rmoving [###############...............]  50 %\033[K"},
	    {10, 10, "\rmoving [##############################] 100 %\033[K"},
	    {20, 10, "\rmoving [##############################] 100 %\033[K"},
	    {1ULL << 62, 1ULL << 63, "\rmoving [###############...............]  50 %\033[K"},
	};
	struct progress progress;

	(void)state;
	progress_start(&progress, "moving");
	assert_string_equal(draw(&progress, fileno(terminal), 0, 5, 10), "");
	assert_string_equal(draw(&progress, fileno(terminal), 900, 5, 10), "");
	assert_string_equal(end(&progress), "");
	for (size_t i = 0; i < LENGTH_OF(cases); i++)
		assert_string_equal(
		    draw(&progress, fileno(terminal), 1000, cases[i].done, cases[i].total),
		    cases[i].line);
	assert_string_equal(draw(&progress, fileno(terminal), 1000, 0, 0), ""); /* of nothing */
	assert_string_equal(end(&progress), "\r\033[K");
	assert_string_equal(end(&progress), ""); /* it is off already */
}

static void seconds_are_drawn_while_the_end_is_awaited(void **state)
{
	struct progress progress;
	int screen = fileno(terminal);

	(void)state;
	progress_start(&progress, "asking");
	assert_string_equal(draw(&progress, screen, 900, 0, NO_BAR), "");
	assert_string_equal(draw(&progress, screen, 1100, 0, NO_BAR), "\rasking: 1 s\033[K");
	assert_string_equal(draw(&progress, screen, 1200, 0, NO_BAR), ""); /* as it is there */
	assert_string_equal(draw(&progress, screen, 12100, 0, NO_BAR), "\rasking: 12 s\033[K");
	assert_string_equal(end(&progress), "\r\033[K");
}

static void progress_is_drawn_on_a_terminal_alone(void **state)
{
	struct progress progress;
	int pipes[2];
	char byte;

	(void)state;
	assert_int_equal(pipe2(pipes, O_CLOEXEC | O_NONBLOCK), 0);
	progress_start(&progress, "moving");
	assert_string_equal(draw(&progress, pipes[1], 5000, 5, 10), "");
	assert_string_equal(draw(&progress, pipes[1], 5000, 0, NO_BAR), "");
	assert_int_equal(read(pipes[0], &byte, 1), -1);
	assert_int_equal(errno, EAGAIN);
	assert_false(progress.drawn);
	assert_string_equal(end(&progress), "");
	close(pipes[0]);
	close(pipes[1]);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
	static const struct CMUnitTest tests[] = {
	    TEST(sizes_are_short),
	    TEST(only_a_terminal_has_colours),
	    TEST(whoever_wants_no_colours_has_none),
	    TEST(characters_are_those_of_the_locale),
	    TEST(what_a_terminal_cannot_show_is_escaped),
	    TEST(the_width_is_that_of_the_terminal),
	    TEST(a_height_that_is_not_known_is_none),
	    TEST(without_a_terminal_the_width_is_given),
	    TEST(progress_is_drawn_from_a_second_on),
	    TEST(seconds_are_drawn_while_the_end_is_awaited),
	    TEST(progress_is_drawn_on_a_terminal_alone),
	};

	return RUN_TESTS(tests);
}
