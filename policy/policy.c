#include "policy.h"
#include "trusted.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char suffix[] = ".conf";

/* Some editors put it before the first line (U+FEFF). */
static const char byte_order_mark[] = "\xef\xbb\xbf";

static void policy_tell(struct policy *policy, const struct error *error, bool used)
{
	policy->reported = true;
	policy->report(policy->context, error->text, used);
}

/* Reads what was opened into file->text, with one byte more for an end mark. */
static int file_read(struct policy_file *file, int fd, size_t size, struct error *error)
{
	ssize_t got;

	if (size > POLICY_FILE_MAX)
		return error_set(error, -EFBIG, "%s: ignored: it is larger than %d MiB", file->path,
				 POLICY_FILE_MAX >> 20);
	file->text = malloc(size + 1);
	if (file->text == NULL)
		return error_set(error, -ENOMEM, "%s: ignored: out of memory", file->path);
	while (file->size < size) {
		got = read(fd, file->text + file->size, size - file->size);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return error_set(error, -errno, "%s: ignored: cannot be read: %s",
					 file->path, strerror(errno));
		if (got == 0)
			break;
		file->size += (size_t)got;
	}
	return 0;
}

static void file_free(struct policy_file *file)
{
	free(file->text);
	free(file->path);
	free(file);
}

/*
 * Makes the file the one that is read next. Returns 0 also for a file that is
 * ignored, after having told so; -ENOENT where it is missing, or -ENOMEM.
 */
static int policy_read_file(struct policy *policy, const char *path)
{
	struct policy_file *file = calloc(1, sizeof(*file));
	struct error error = {0};
	size_t size;
	int fd;
	int result;

	if (file == NULL)
		return -ENOMEM;
	file->path = strdup(path);
	if (file->path == NULL) {
		file_free(file);
		return -ENOMEM;
	}
	fd = trusted_open(path, policy->owner, &size, &error);
	policy->insecure = fd >= 0 && error_is_set(&error);
	if (error_is_set(&error))
		policy_tell(policy, &error, fd >= 0 && policy->report_insecure);
	if (fd < 0 || (policy->insecure && !policy->report_insecure)) {
		if (fd >= 0)
			close(fd);
		file_free(file);
		return fd == -ENOENT ? -ENOENT : 0;
	}
	result = file_read(file, fd, size, &error);
	close(fd);
	if (result < 0) {
		policy_tell(policy, &error, false);
		file_free(file);
		return 0;
	}
	file->next = policy->files;
	policy->files = file;
	policy->here = file->text;
	policy->line = 0;
	policy->quoting = file->text != NULL && (memchr(file->text, '"', file->size) != NULL ||
						 memchr(file->text, '\\', file->size) != NULL);
	if (file->text != NULL && file->size >= strlen(byte_order_mark) &&
	    memcmp(file->text, byte_order_mark, strlen(byte_order_mark)) == 0)
		policy->here += strlen(byte_order_mark);
	return 0;
}

int policy_open(struct policy *policy, const char *path, uid_t owner, bool report_insecure,
		policy_report *report, void *context)
{
	int result;

	*policy = (struct policy){
	    .owner = owner,
	    .report_insecure = report_insecure,
	    .report = report,
	    .context = context,
	};
	if (asprintf(&policy->directory, "%s.d", path) < 0) {
		policy->directory = NULL;
		return -ENOMEM;
	}
	result = policy_read_file(policy, path);
	policy->missing = result == -ENOENT;
	if (result == -ENOMEM)
		policy_close(policy);
	return result == -ENOMEM ? result : 0;
}

static int is_dropin(const struct dirent *entry)
{
	size_t length = strlen(entry->d_name);

	return entry->d_name[0] != '.' && length >= sizeof(suffix) &&
	       strcmp(entry->d_name + length - strlen(suffix), suffix) == 0;
}

static int byte_order(const struct dirent **one, const struct dirent **other)
{
	return strcmp((*one)->d_name, (*other)->d_name);
}

/*
 * Lists the drop-ins, once. A directory that is not there holds none. What is
 * wrong with the main file's directory is wrong for this one, too, and told once.
 */
static void policy_list_dropins(struct policy *policy)
{
	struct error error = {0};
	int result = trusted_directory(policy->directory, policy->owner, &error);
	bool used = result == 0 && policy->report_insecure;

	policy->count = 0;
	if (error_is_set(&error) && !policy->reported)
		policy_tell(policy, &error, used);
	if (result < 0 || (error_is_set(&error) && !used))
		return;
	policy->count = scandir(policy->directory, &policy->names, is_dropin, byte_order);
	if (policy->count >= 0)
		return;
	error_set(&error, -errno, "%s: ignored: cannot be read: %s", policy->directory,
		  strerror(errno));
	policy_tell(policy, &error, false);
	policy->names = NULL;
	policy->count = 0;
}

/* Begins the next drop-in. Returns 1, 0 when there is none left, or -ENOMEM. */
static int policy_next_file(struct policy *policy)
{
	char *path;
	int result;

	if (policy->next == 0 && policy->names == NULL)
		policy_list_dropins(policy);
	if (policy->names == NULL || policy->next >= policy->count)
		return 0;
	if (asprintf(&path, "%s/%s", policy->directory, policy->names[policy->next++]->d_name) < 0)
		return -ENOMEM;
	result = policy_read_file(policy, path);
	free(path);
	return result == -ENOMEM ? result : 1;
}

static bool is_blank_line(const char *text, const char *end)
{
	while (text < end && rule_is_blank(*text))
		text++;
	return text == end || *text == '#';
}

/* Ends the reading of a policy with too many rules. */
static int policy_stop(struct policy *policy)
{
	struct error error;

	error_set(&error, -E2BIG, "%s:%u: more than %d rules: this line and all after it ignored",
		  policy->files->path, policy->line, POLICY_RULES_MAX);
	policy_tell(policy, &error, false);
	policy->stopped = true;
	return 0;
}

int policy_next(struct policy *policy, struct policy_line *line)
{
	while (!policy->stopped) {
		char *end = policy->here == NULL ? NULL : policy->files->text + policy->files->size;

		while (policy->here < end) {
			line->text = policy->here;
			line->end = memchr(line->text, '\n', (size_t)(end - line->text));
			if (line->end == NULL)
				line->end = end;
			policy->here = line->end + 1;
			policy->line++;
			if (is_blank_line(line->text, line->end))
				continue;
			if (++policy->rules > POLICY_RULES_MAX)
				return policy_stop(policy);
			line->file = policy->files->path;
			line->number = policy->line;
			return 1;
		}
		policy->here = NULL;
		int result = policy_next_file(policy);

		if (result <= 0)
			return result;
	}
	return 0;
}

/* What stands for itself in a glob, whatever comes after it. */
static const bool is_letter[256] = {
    ['a' ... 'z'] = true, ['A' ... 'Z'] = true, ['0' ... '9'] = true,   ['-'] = true,
    ['_'] = true,         ['.'] = true,         [0x80 ... 0xff] = true,
};

/*
 * Most rules of a long policy fail on their first letters: whether this one surely does, and is
 * well formed, which only quotes and backslashes can spoil. False says nothing.
 */
static bool line_differs(const struct policy *policy, const struct policy_line *line,
			 const struct glob_name *name)
{
	const char *letter = line->text;
	const char *own = name->text;

	if (policy->quoting || line->end - line->text > GLOB_LENGTH_MAX)
		return false;
	while (letter < line->end && rule_is_blank(*letter))
		letter++;
	for (; letter < line->end && is_letter[(unsigned char)*letter]; letter++, own++) {
		if (*letter != *own) /* or that one's end */
			return true;
	}
	return false;
}

/* As glob_match(), of the line's glob, which may be quoted; -EINVAL: it cannot be read. */
static int line_match(const struct policy_line *line, const struct glob_name *name)
{
	char unquoted[RULE_LINE_MAX];
	const char *glob;
	size_t length;
	bool quoted;

	if (!rule_glob_find(line, &glob, &length, &quoted))
		return -EINVAL;
	if (quoted) {
		if (length > sizeof(unquoted))
			return -E2BIG;
		length = rule_glob_unquote(unquoted, glob, length);
		glob = unquoted;
	}
	return length > 0 ? glob_match(glob, length, name) : -EINVAL;
}

/* Nobody knows whom the line means; this guest has come as far as a later rule. */
static void policy_tell_unreadable(struct policy *policy, const struct policy_line *line)
{
	struct error error;

	error_set(&error, -EINVAL,
		  "%s:%u: the glob cannot be read and the line is ignored: see guest-pinning check",
		  line->file, line->number);
	policy_tell(policy, &error, true);
}

int policy_find(struct policy *policy, const struct glob_name *name, struct rule *rule)
{
	struct policy_line unreadable = {.file = NULL};
	struct policy_line line;
	int result;

	while ((result = policy_next(policy, &line)) > 0) {
		int match;

		if (line_differs(policy, &line, name))
			continue;
		match = line_match(&line, name);
		if ((match == -EINVAL || match == -E2BIG) && unreadable.file == NULL)
			unreadable = line;
		if (match != 1 && match != -ETIME)
			continue;
		if (unreadable.file != NULL)
			policy_tell_unreadable(policy, &unreadable);
		rule_read(&line, rule);
		if (match == -ETIME)
			error_set(
			    &rule->error, match,
			    "the glob takes too long to match this name: nest its (...) less");
		return 1;
	}
	return result;
}

void policy_close(struct policy *policy)
{
	for (struct policy_file *file = policy->files; file != NULL;) {
		struct policy_file *next = file->next;

		file_free(file);
		file = next;
	}
	for (int i = 0; policy->names != NULL && i < policy->count; i++)
		free(policy->names[i]);
	free(policy->names);
	free(policy->directory);
	*policy = (struct policy){0};
}
