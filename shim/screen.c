#include "screen.h"
#include "clock.h"
#include "number.h"
#include "utf8.h"

#include <langinfo.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

enum {
	WIDTH_DEFAULT = 80,
	WIDTH_MIN = 40,
	WIDTH_MAX = 1000,
	PROGRESS_AFTER_MS = 1000,
	BAR_WIDTH = 30,
};

/* The tool's stdout is a stream of its own, of which fileno(3) knows nothing (output.h). */
static int descriptor_of(FILE *stream)
{
	return stream == stdout ? STDOUT_FILENO : fileno(stream);
}

bool screen_is_terminal(FILE *stream)
{
	const char *terminal = getenv("TERM");

	return isatty(descriptor_of(stream)) && terminal != NULL && strcmp(terminal, "dumb") != 0;
}

bool screen_has_colours(FILE *stream)
{
	const char *no_colour = getenv("NO_COLOR");

	return screen_is_terminal(stream) && (no_colour == NULL || *no_colour == '\0');
}

const char *screen_colour(FILE *stream, enum colour colour)
{
	/* ECMA-48, "Select graphic rendition". */
	static const char *const sequences[] = {
	    [COLOUR_NONE] = "",        [COLOUR_GREEN] = "\033[32m", [COLOUR_YELLOW] = "\033[33m",
	    [COLOUR_RED] = "\033[31m", [COLOUR_DIM] = "\033[2m",    [COLOUR_BOLD] = "\033[1m",
	};

	return screen_has_colours(stream) ? sequences[colour] : "";
}

const char *screen_plain(FILE *stream)
{
	return screen_has_colours(stream) ? "\033[0m" : "";
}

bool screen_is_utf8(void)
{
	return strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

const char *screen_printable(char *buffer, size_t size, const char *text)
{
	const char *end = text + strlen(text);
	bool utf8 = screen_is_utf8();
	size_t used = 0;

	while (text < end) {
		uint32_t character = 0;
		size_t length = utf8_decode(text, end, &character);
		bool shown = length > 0 && !utf8_is_control(character) &&
			     (character < 0x80 || (utf8 && wcwidth((wchar_t)character) >= 0));
		char part[sizeof("\\xNN")];

		if (shown)
			snprintf(part, sizeof(part), "%.*s", (int)length, text);
		else
			snprintf(part, sizeof(part), "\\x%02x", (unsigned char)*text);
		if (used + strlen(part) >= size)
			break;
		memcpy(buffer + used, part, strlen(part));
		used += strlen(part);
		text += shown ? length : 1;
	}
	buffer[used] = '\0';
	return buffer;
}

unsigned int screen_width(FILE *stream)
{
	struct winsize window = {0};
	const char *columns = getenv("COLUMNS");
	unsigned int width = WIDTH_DEFAULT;
	size_t digits;

	if (ioctl(descriptor_of(stream), TIOCGWINSZ, &window) == 0 && window.ws_col > 0)
		return window.ws_col < WIDTH_MIN ? WIDTH_MIN : window.ws_col;
	if (columns == NULL)
		return WIDTH_DEFAULT;
	digits = number_read(columns, WIDTH_MAX, &width);
	if (digits == 0 || columns[digits] != '\0')
		return WIDTH_DEFAULT;
	return width < WIDTH_MIN ? WIDTH_MIN : width;
}

unsigned int screen_height(FILE *stream)
{
	struct winsize window = {0};

	return ioctl(descriptor_of(stream), TIOCGWINSZ, &window) == 0 ? window.ws_row : 0;
}

size_t screen_rows_of(size_t columns)
{
	return columns == 0 ? 1 : (columns - 1) / screen_width(stdout) + 1;
}

const char *screen_size(unsigned long long bytes, char *text, size_t size)
{
	static const char units[] = "BKMGTPE";
	double value = (double)bytes;
	size_t unit = 0;

	/* What would be rounded to 1024.0 is one of the next. */
	while (value >= (unit == 0 ? 1024 : 1023.95) && units[unit + 1] != '\0') {
		value /= 1024;
		unit++;
	}
	snprintf(text, size, unit == 0 ? "%.0f%c" : "%.1f%c", value, units[unit]);
	return text;
}

void progress_start(struct progress *progress, const char *what)
{
	*progress = (struct progress){.what = what, .started = clock_milliseconds()};
}

void progress_show(struct progress *progress, unsigned long long done, unsigned long long total)
{
	char bar[BAR_WIDTH + 1];
	size_t filled;

	if (!screen_is_terminal(stderr) || total == 0 ||
	    clock_milliseconds() - progress->started < PROGRESS_AFTER_MS)
		return;
	if (done > total)
		done = total;
	filled = (size_t)(BAR_WIDTH * (double)done / (double)total);
	memset(bar, '.', BAR_WIDTH);
	memset(bar, '#', filled);
	bar[BAR_WIDTH] = '\0';
	/* To the line's begin, and what was longer before is erased. */
	fprintf(stderr, "\r%s [%s] %3.0f %%\033[K", progress->what, bar,
		100 * (double)done / (double)total);
	progress->drawn = true;
}

void progress_wait(struct progress *progress)
{
	long long waited = (clock_milliseconds() - progress->started) / 1000;

	if (!screen_is_terminal(stderr) || waited * 1000 < PROGRESS_AFTER_MS ||
	    waited == progress->waited)
		return;
	fprintf(stderr, "\r%s: %lld s\033[K", progress->what, waited);
	progress->waited = waited;
	progress->drawn = true;
}

void progress_end(struct progress *progress)
{
	if (progress->drawn)
		fputs("\r\033[K", stderr);
	progress->drawn = false;
}
