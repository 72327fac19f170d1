#include "numa_library.h"
#include "library.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static char warning[ERROR_TEXT_SIZE];

/*
 * numa(3): a program may define these two in place of the library's own. They
 * are exported (see the Makefile), so that the opened library finds them.
 */
void numa_warn(int number, char *format, ...)
{
	va_list arguments;

	(void)number;
	va_start(arguments, format);
	vsnprintf(warning, sizeof(warning), format, arguments);
	va_end(arguments);
	warning[strcspn(warning, "\n")] = '\0';
}

void numa_error(char *where)
{
	snprintf(warning, sizeof(warning), "%s: %s", where, strerror(errno));
}

const char *numa_library_warning(void)
{
	static char last[sizeof(warning)];

	strcpy(last, warning);
	warning[0] = '\0';
	return last;
}

#define SYMBOL(name, member)                                \
	{                                                   \
		name, offsetof(struct numa_library, member) \
	}

static const struct library_symbol symbols[] = {
    SYMBOL("numa_available", available),
    SYMBOL("numa_parse_nodestring", parse_nodestring),
    SYMBOL("numa_parse_cpustring", parse_cpustring),
    SYMBOL("numa_parse_cpustring_all", parse_cpustring_all),
    SYMBOL("numa_node_to_cpus", node_to_cpus),
    SYMBOL("numa_node_size64", node_size64),
    SYMBOL("numa_bitmask_alloc", bitmask_alloc),
    SYMBOL("numa_bitmask_free", bitmask_free),
    SYMBOL("numa_bitmask_isbitset", bitmask_isbitset),
    SYMBOL("numa_num_possible_cpus", num_possible_cpus),
    SYMBOL("numa_nodes_ptr", existing_nodes),
    SYMBOL("numa_all_nodes_ptr", allowed_nodes),
    SYMBOL("numa_all_cpus_ptr", allowed_cpus),
};

int numa_library_open(const struct numa_library **library, struct error *error)
{
	static struct numa_library opened;
	static bool is_open;
	int result;

	*library = &opened;
	if (is_open)
		return 0;
	result = library_open("libnuma.so.1", symbols, sizeof(symbols) / sizeof(symbols[0]),
			      &opened, error);
	if (result < 0)
		return result;
	if (opened.available() < 0)
		return error_set(error, -ENOSYS, "this kernel has no NUMA memory policy");
	is_open = true;
	return 0;
}

void numa_library_copy(const struct numa_library *library, const struct bitmask *mask,
		       struct id_set *set)
{
	for (unsigned int id = 0; id < mask->size; id++) {
		if (library->bitmask_isbitset(mask, id))
			id_set_add(set, id);
	}
}
