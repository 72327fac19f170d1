#include "finding.h"
#include "error.h"
#include "file.h"
#include "number.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_SIZE = 1024 };

const char *severity_name(enum severity severity)
{
	static const char *const names[] = {
	    [SEVERITY_GOOD] = "good",       [SEVERITY_NOTICE] = "notice",   [SEVERITY_BAD] = "bad",
	    [SEVERITY_UNKNOWN] = "unknown", [SEVERITY_SKIPPED] = "skipped",
	};

	return names[severity];
}

struct finding *findings_add(struct findings *findings, const char *topic, const char *name)
{
	struct finding *at = realloc(findings->at, (findings->count + 1) * sizeof(*findings->at));
	struct finding *finding;

	if (at == NULL) {
		findings->incomplete = true;
		return NULL;
	}
	findings->at = at;
	finding = &at[findings->count++];
	*finding = (struct finding){.topic = topic};
	text_printable(finding->name, sizeof(finding->name), name);
	return finding;
}

void findings_free(struct findings *findings)
{
	free(findings->at);
	*findings = (struct findings){0};
}

size_t findings_count(const struct findings *findings, enum severity severity)
{
	size_t count = 0;

	for (size_t i = 0; i < findings->count; i++)
		count += findings->at[i].severity == severity;
	return count;
}

void finding_is(struct finding *finding, enum severity severity, const char *format, ...)
{
	char text[sizeof(finding->reason)];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	finding->severity = severity;
	text_printable(finding->reason, sizeof(finding->reason), text);
}

bool finding_read(struct finding *finding, const char *root, const char *path, char *text,
		  size_t size)
{
	char whole[PATH_MAX];
	ssize_t length;

	snprintf(whole, sizeof(whole), "%s/%s", root, path);
	length = file_read(AT_FDCWD, whole, text, size);
	if (length < 0) {
		if (length == -ENOENT)
			finding_is(finding, SEVERITY_SKIPPED, "there is no %s here", whole);
		else
			finding_is(finding, SEVERITY_UNKNOWN, "%s cannot be read: %s", whole,
				   strerror((int)-length));
		return false;
	}
	text[strcspn(text, "\n")] = '\0';
	text_printable(finding->present, sizeof(finding->present), text);
	return true;
}

bool finding_number(struct finding *finding, const char *text, const char *path, uint64_t *number)
{
	unsigned int value;
	size_t digits = number_read(text, UINT_MAX, &value);

	if (digits > 0 && text[digits] == '\0') {
		*number = value;
		return true;
	}
	/* fs.file-max may be the greatest number that there is (systemd sets it so). */
	*number = UINT64_MAX;
	if (digits == 0 && strlen(text) >= 10 && text[0] != '0' &&
	    strspn(text, "0123456789") == strlen(text))
		return true;
	finding_is(finding, SEVERITY_UNKNOWN, "%s holds '%.100s', which is no number", path, text);
	return false;
}

bool finding_read_number(struct finding *finding, const char *root, const char *path,
			 uint64_t *number)
{
	char text[LINE_SIZE];
	char whole[PATH_MAX];

	snprintf(whole, sizeof(whole), "%s/%s", root, path);
	return finding_read(finding, root, path, text, sizeof(text)) &&
	       finding_number(finding, text, whole, number);
}

bool finding_read_choice(struct finding *finding, const char *root, const char *path, char *text,
			 size_t size)
{
	char line[LINE_SIZE];
	char *begin;
	char *end;

	if (!finding_read(finding, root, path, line, sizeof(line)))
		return false;
	begin = strchr(line, '[');
	end = begin != NULL ? strchr(begin, ']') : NULL;
	if (end == NULL || (size_t)(end - begin) > size) {
		finding_is(finding, SEVERITY_UNKNOWN, "%s/%s holds '%.100s', which names no choice",
			   root, path, line);
		return false;
	}
	*end = '\0';
	strcpy(text, begin + 1);
	text_printable(finding->present, sizeof(finding->present), text);
	return true;
}
