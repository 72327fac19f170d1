#include "process.h"
#include "file.h"
#include "number.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	/* The kernel starts none with more than 6 MiB (fs/exec.c, bprm_stack_limits); later it
	 * may be moved. */
	COMMAND_LINE_START = 0x4000,
	COMMAND_LINE_MAX = 0x1000000,
	STAT_SIZE = 4096,
	STATUS_SIZE = 16 * 1024,
	NICE_FIELD = 19, /* proc(5) counts from 1 */
	STARTED_FIELD = 22,
	PROCESSOR_FIELD = 39,
	REALTIME_FIELD = 40,
	SCHEDULER_FIELD = 41,
	FIELDS_IN_NAME = 2,
};

/*
 * Reads the whole command line. Returns 0 with *text, allocated, and its *size; or -EIO or -ENOMEM
 * with `error` filled.
 */
static int command_line_read(int directory, char **text, size_t *size, struct error *error)
{
	size_t room = COMMAND_LINE_START;
	ssize_t length = -E2BIG;

	*text = NULL;
	while (length == -E2BIG && room <= COMMAND_LINE_MAX) {
		free(*text);
		*text = malloc(room);
		length = *text == NULL ? -ENOMEM : file_read(directory, "cmdline", *text, room);
		room *= 2;
	}
	if (length > 0) {
		*size = (size_t)length;
		return 0;
	}
	free(*text);
	*text = NULL;
	error_set(error, -EIO, "its command line cannot be read: %s",
		  length == 0 ? "it has none" : strerror((int)-length));
	return length == -ENOMEM ? -ENOMEM : -EIO;
}

/* Makes argv of a command line. Returns it allocated, or NULL with `error` filled. */
static char **argv_make(char *text, size_t size, struct error *error)
{
	char *argument = text;
	size_t count = 0;
	char **argv;

	for (size_t i = 0; i < size; i++)
		count += text[i] == '\0';
	/* As the kernel counts when it starts a program; this may be made up later. */
	if (size + count * sizeof(*argv) > COMMAND_LINE_MAX) {
		error_set(error, -E2BIG, "its command line cannot be read: %s", strerror(E2BIG));
		return NULL;
	}
	argv = calloc(count + 2, sizeof(*argv));
	if (argv == NULL)
		error_set(error, -ENOMEM, "out of memory for its command line");
	for (size_t i = 0; argv != NULL && argument < text + size; i++) {
		argv[i] = argument;
		argument += strlen(argument) + 1;
	}
	return argv;
}

int process_arguments(int directory, char ***argv, struct error *error)
{
	size_t size = 0;
	char *text;
	int result = command_line_read(directory, &text, &size, error);

	if (result < 0)
		return result;
	*argv = argv_make(text, size, error);
	if (*argv != NULL)
		return 0;
	free(text);
	return -ENOMEM;
}

/* The first argument begins what all of them are in. */
void process_arguments_free(char **argv)
{
	if (argv != NULL)
		free(argv[0]);
	free(argv);
}

/* The number in a field of "stat"; 0 where the kernel has written none. */
static int stat_number(const char *field)
{
	bool negative = *field == '-';
	unsigned int number = 0;

	(void)number_read(field + negative, INT_MAX, &number);
	return negative ? -(int)number : (int)number;
}

int process_stat_read(int directory, struct process_stat *stat)
{
	char text[STAT_SIZE];
	char *save = NULL;
	char *name;
	char *end;
	char *field;
	int number = FIELDS_IN_NAME;
	ssize_t length = file_read(directory, "stat", text, sizeof(text));

	*stat = (struct process_stat){0};
	if (length < 0)
		return (int)length;
	/* The name, in parentheses, may hold anything, also parentheses. */
	name = strchr(text, '(');
	end = strrchr(text, ')');
	if (name == NULL || end == NULL || end < name || (size_t)(end - name) > sizeof(stat->name))
		return -EINVAL;
	memcpy(stat->name, name + 1, (size_t)(end - name - 1));
	while ((field = strtok_r(number == FIELDS_IN_NAME ? end + 1 : NULL, " \n", &save)) !=
	       NULL) {
		number++;
		if (number == NICE_FIELD)
			stat->priority.nice = stat_number(field);
		else if (number == STARTED_FIELD && strlen(field) < sizeof(stat->started))
			strcpy(stat->started, field);
		else if (number == PROCESSOR_FIELD)
			stat->processor = (unsigned int)stat_number(field);
		else if (number == REALTIME_FIELD)
			stat->priority.realtime = stat_number(field);
		else if (number == SCHEDULER_FIELD)
			stat->priority.scheduler = stat_number(field);
	}
	return stat->started[0] == '\0' ? -EINVAL : 0;
}

int process_user_read(int directory, uid_t *uid)
{
	static const char key[] = "\nUid:\t";
	char status[STATUS_SIZE];
	ssize_t length = file_read(directory, "status", status, sizeof(status));
	const char *line = length < 0 ? NULL : strstr(status, key);
	unsigned int number;

	if (line == NULL || number_read(line + strlen(key), UINT_MAX, &number) == 0)
		return -ESRCH;
	*uid = number;
	return 0;
}

int process_lines(int directory, const char *name, process_line *found, void *context)
{
	int fd = openat(directory, name, O_RDONLY | O_CLOEXEC);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
	char *line = NULL;
	size_t size = 0;
	int result = 0;

	if (file == NULL) {
		result = -errno;
		if (fd >= 0)
			close(fd);
		return result;
	}
	errno = 0;
	while (result == 0 && getline(&line, &size, file) >= 0)
		result = found(context, line);
	if (result == 0 && !feof(file)) /* getline(3) sets no mark where memory is short */
		result = errno != 0 ? -errno : -EIO;
	free(line);
	fclose(file);
	return result;
}

int process_each(int directory, const char *name, process_found *found, void *context)
{
	DIR *list = file_list(directory, name);
	struct dirent *entry;
	int result = 0;

	if (list == NULL)
		return -errno;
	while (result == 0 && (entry = readdir(list)) != NULL) {
		unsigned int number;
		size_t digits = number_read(entry->d_name, INT_MAX, &number);
		int one;

		if (digits == 0 || entry->d_name[digits] != '\0')
			continue;
		one = openat(dirfd(list), entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (one < 0)
			continue;
		result = found(context, (pid_t)number, one);
		close(one);
	}
	closedir(list);
	return result;
}
