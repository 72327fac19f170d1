/* Messages of our programs, one line each: "PROGRAM: text" on stderr, or in syslog. Keeps errno. */
#ifndef SHIM_LOG_H
#define SHIM_LOG_H

/* The name before each message. The string is not copied. */
void log_program(const char *name);

/* From now on to syslog, as a daemon. */
void log_to_syslog(void);

void log_line(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
