#include "spec_explain.h"
#include "file.h"
#include "number.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { MEMINFO_SIZE = 8 * 1024 };

static const char nodes_path[] = "devices/system/node";

/* What is said of a number, and of what. */
struct subject {
	const struct roots *roots;
	const char *spec;
	const struct id_set *allowed;
};

static void existing_nodes(const struct roots *roots, struct id_set *nodes)
{
	static const char prefix[] = "node";
	char path[PATH_MAX];
	const struct dirent *entry;
	unsigned int node;
	DIR *list;

	snprintf(path, sizeof(path), "%s/%s", roots->sys, nodes_path);
	list = file_list(AT_FDCWD, path);
	while (list != NULL && (entry = readdir(list)) != NULL) {
		if (strncmp(entry->d_name, prefix, strlen(prefix)) == 0 &&
		    number_read(entry->d_name + strlen(prefix), SPEC_NODE_MAX, &node) > 0)
			id_set_add(nodes, node);
	}
	if (list != NULL)
		closedir(list);
}

/* Whether any memory is said to be on the node: "Node 0 MemTotal:    8143012 kB". */
static bool has_memory(const struct roots *roots, unsigned int node)
{
	static const char key[] = "MemTotal:";
	char path[PATH_MAX];
	char text[MEMINFO_SIZE];
	const char *line;
	unsigned int digit;

	snprintf(path, sizeof(path), "%s/%s/node%u/meminfo", roots->sys, nodes_path, node);
	if (file_read(AT_FDCWD, path, text, sizeof(text)) < 0)
		return false;
	line = strstr(text, key);
	if (line == NULL)
		return false;
	line += strlen(key);
	line += strspn(line, " ");
	/* Not how much: that may be more than a number here can be. */
	return strspn(line, "0123456789") > 1 || (number_read(line, 9, &digit) > 0 && digit > 0);
}

/* Words why one number of a spec cannot be used. Returns 0 where it can. */
static int explain_node(const struct subject *subject, unsigned int node, struct error *error)
{
	char text[ID_SET_TEXT_SIZE];
	struct id_set existing = {0};

	existing_nodes(subject->roots, &existing);
	if (!id_set_has(&existing, node))
		return error_set(error, -EINVAL,
				 "node %u of '%s' does not exist: this host has node %s", node,
				 subject->spec, id_set_format(&existing, text, sizeof(text)));
	if (id_set_has(subject->allowed, node))
		return 0;
	if (!has_memory(subject->roots, node))
		return error_set(error, -EINVAL, "node %u of '%s' has no memory", node,
				 subject->spec);
	return error_set(error, -EINVAL,
			 "node %u of '%s' is outside the cpuset of this process, which allows "
			 "memory of node %s",
			 node, subject->spec, id_set_format(subject->allowed, text, sizeof(text)));
}

static int explain_cpu(const struct subject *subject, unsigned int cpu, struct error *error)
{
	char text[ID_SET_TEXT_SIZE];

	if (id_set_has(subject->allowed, cpu))
		return 0;
	if (cpu >= (unsigned long)sysconf(_SC_NPROCESSORS_CONF))
		return error_set(error, -EINVAL,
				 "CPU %u of '%s' does not exist: this host has %ld CPUs", cpu,
				 subject->spec, sysconf(_SC_NPROCESSORS_CONF));
	return error_set(error, -EINVAL,
			 "CPU %u of '%s' is offline or not among those this process may use (%s)",
			 cpu, subject->spec, id_set_format(subject->allowed, text, sizeof(text)));
}

/* Words why one item cannot be had. Returns 0 where it can. */
static int explain_item(const struct subject *subject, const struct spec *spec,
			const struct spec_item *item, struct error *error)
{
	unsigned int count = id_set_count(subject->allowed);
	char text[ID_SET_TEXT_SIZE];
	unsigned int id[] = {item->first, item->last};
	int result = 0;

	if (spec->relative && item->last >= count)
		return error_set(error, -EINVAL,
				 "'%s': only +0 to +%u exist, for this process may use %s %s",
				 subject->spec, count - 1, spec_kind_noun(spec->kind),
				 id_set_format(subject->allowed, text, sizeof(text)));
	for (int i = 0; i < 2 && result == 0 && !spec->relative; i++)
		result = spec->kind == SPEC_NODES ? explain_node(subject, id[i], error)
						  : explain_cpu(subject, id[i], error);
	return result;
}

int spec_explain(const struct roots *roots, enum spec_kind kind, const char *text,
		 const struct id_set *allowed, const char *otherwise, struct error *error)
{
	struct subject subject = {roots, text, allowed};
	struct spec spec;
	struct spec_item item;

	spec_start(&spec, kind, text);
	while (spec_next(&spec, &item, error) > 0) {
		if (item.all || item.device != NULL)
			break;
		if (explain_item(&subject, &spec, &item, error) < 0)
			return -EINVAL;
	}
	return error_set(error, -EINVAL, "'%s' names no %s of this host: %s", text,
			 spec_kind_noun(kind), otherwise);
}
