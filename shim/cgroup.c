#include "cgroup.h"
#include "file.h"

#include <errno.h>
#include <string.h>

enum { CGROUP_FILE_SIZE = 64 * 1024 }; /* some fifteen lines with a path in each */

bool cgroup_list_has(const char *list, const char *word)
{
	size_t length = strlen(word);

	for (;;) {
		size_t here = strcspn(list, ",:");

		if (here == length && strncmp(list, word, length) == 0)
			return true;
		if (list[here] != ',')
			return false;
		list += here + 1;
	}
}

/* Lines are "ID:CONTROLLERS:PATH"; the one of v2 has ID 0 and no controllers. */
int cgroup_read(int directory, const char *name, struct cgroup *cgroup)
{
	char text[CGROUP_FILE_SIZE];
	const char *found = NULL;
	char *end;
	ssize_t length = file_read(directory, name, text, sizeof(text));

	if (length < 0)
		return (int)length;
	for (char *line = text; *line != '\0'; line = end + 1) {
		char *controllers = strchr(line, ':');
		char *path = controllers == NULL ? NULL : strchr(controllers + 1, ':');

		end = strchr(line, '\n');
		if (end == NULL || path == NULL || path > end)
			return -EINVAL;
		*end = '\0';
		if (path == controllers + 1 && strncmp(line, "0:", 2) == 0 && found == NULL) {
			cgroup->unified = true;
			found = path + 1;
		} else if (cgroup_list_has(controllers + 1, "cpuset")) {
			cgroup->unified = false;
			found = path + 1;
			break;
		}
	}
	if (found == NULL)
		return -ENOENT;
	if (strlen(found) >= sizeof(cgroup->path))
		return -ENAMETOOLONG;
	strcpy(cgroup->path, found);
	return 0;
}

bool cgroup_is_emulator(const struct cgroup *cgroup)
{
	const char *slash = strrchr(cgroup->path, '/');

	return slash != NULL && strcmp(slash, "/emulator") == 0;
}
