#include "log.h"
#include "error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *program = "qemu-kvm-shim";

void log_program(const char *name)
{
	program = name;
}

/* One write(2) a line, so that lines of guests that share a log do not mix. */
void log_line(const char *format, ...)
{
	char text[4096];
	char line[sizeof(text) + 64];
	int code = errno;
	size_t used = (size_t)snprintf(line, 64, "%.60s: ", program);
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	text_printable(line + used, sizeof(line) - used - 1, text);
	used = strlen(line);
	line[used++] = '\n';
	/* Where stderr does not take it there is nobody left to tell. */
	(void)!write(STDERR_FILENO, line, used);
	errno = code;
}
