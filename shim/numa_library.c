#include "numa_library.h"
#include "library.h"
#include "log.h"

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

/* Where memory is short the library ends the process after this (numa_bitmask_alloc). */
void numa_error(char *where)
{
	snprintf(warning, sizeof(warning), "%s: %s", where, strerror(errno));
	if (errno == ENOMEM)
		log_line("libnuma cannot go on, and ends this: %s", warning);
}

const char *numa_library_warning(void)
{
	static char last[sizeof(warning)];

	strcpy(last, warning);
	warning[0] = '\0';
	return last;
}

static const struct library_symbol symbols[] = {
    LIBRARY_SYMBOL("numa_available", struct numa_library, available),
    LIBRARY_SYMBOL("numa_parse_nodestring", struct numa_library, parse_nodestring),
    LIBRARY_SYMBOL("numa_parse_cpustring", struct numa_library, parse_cpustring),
    LIBRARY_SYMBOL("numa_parse_cpustring_all", struct numa_library, parse_cpustring_all),
    LIBRARY_SYMBOL("numa_node_to_cpus", struct numa_library, node_to_cpus),
    LIBRARY_SYMBOL("numa_bitmask_alloc", struct numa_library, bitmask_alloc),
    LIBRARY_SYMBOL("numa_bitmask_free", struct numa_library, bitmask_free),
    LIBRARY_SYMBOL("numa_bitmask_isbitset", struct numa_library, bitmask_isbitset),
    LIBRARY_SYMBOL("numa_num_possible_cpus", struct numa_library, num_possible_cpus),
    LIBRARY_SYMBOL("numa_all_nodes_ptr", struct numa_library, allowed_nodes),
    LIBRARY_SYMBOL("numa_all_cpus_ptr", struct numa_library, allowed_cpus),
};

static bool is_open;

bool numa_library_is_open(void)
{
	return is_open;
}

int numa_library_open(const struct numa_library **library, struct error *error)
{
	static struct numa_library opened;
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
