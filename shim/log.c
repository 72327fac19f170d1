#include "log.h"
#include "error.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

static const char *program = "qemu-kvm-shim";
static bool to_syslog;

void log_program(const char *name)
{
	program = name;
}

void log_to_syslog(void)
{
	openlog(program, LOG_PID | LOG_NDELAY, LOG_DAEMON);
	to_syslog = true;
}

/*
 * A reader of stderr who went away must not end the start of a guest by SIGPIPE;
 * and where stderr does not take the line, there is nobody left to tell.
 */
static void line_write(const char *line, size_t length)
{
	struct sigaction ignore = {.sa_handler = SIG_IGN};
	struct sigaction before;
	bool changed = sigaction(SIGPIPE, &ignore, &before) == 0;
	ssize_t count;

	do {
		count = write(STDERR_FILENO, line, length);
		if (count > 0) {
			line += count;
			length -= (size_t)count;
		}
	} while (length > 0 && (count > 0 || (count < 0 && errno == EINTR)));
	if (changed)
		sigaction(SIGPIPE, &before, NULL);
}

/* One write(2) a line, so that lines of guests that share a log do not mix. */
void log_line(const char *format, ...)
{
	char text[4096];
	char line[sizeof(text) + 64];
	int code = errno;
	size_t used = to_syslog ? 0 : (size_t)snprintf(line, 64, "%.60s: ", program);
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	text_printable(line + used, sizeof(line) - used - 1, text);
	if (to_syslog) {
		syslog(LOG_NOTICE, "%s", line);
	} else {
		strcat(line, "\n");
		line_write(line, strlen(line));
	}
	errno = code;
}
