/* Messages of our programs, one line each on stderr: "PROGRAM: text". Keeps errno. */
#ifndef SHIM_LOG_H
#define SHIM_LOG_H

/* The name before each message. The string is not copied. */
void log_program(const char *name);

void log_line(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
