#include "numa_library.h"

#include <dlfcn.h>
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

/* POSIX has dlsym(3) return functions as data; this is its own way to convert them. */
static bool symbol_find(void *handle, const char *name, void *pointer)
{
	void *symbol = dlsym(handle, name);

	memcpy(pointer, &symbol, sizeof(symbol));
	return symbol != NULL;
}

int numa_library_open(const struct numa_library **library, struct error *error)
{
	static struct numa_library opened;
	static bool is_open;
	void *handle;

	*library = &opened;
	if (is_open)
		return 0;
	handle = dlopen("libnuma.so.1", RTLD_NOW);
	if (handle == NULL)
		return error_set(error, -ENOENT, "libnuma cannot be opened (%s): install it",
				 dlerror());
	if (!symbol_find(handle, "numa_available", &opened.available) ||
	    !symbol_find(handle, "numa_parse_nodestring", &opened.parse_nodestring) ||
	    !symbol_find(handle, "numa_parse_cpustring", &opened.parse_cpustring) ||
	    !symbol_find(handle, "numa_parse_cpustring_all", &opened.parse_cpustring_all) ||
	    !symbol_find(handle, "numa_node_to_cpus", &opened.node_to_cpus) ||
	    !symbol_find(handle, "numa_node_size64", &opened.node_size64) ||
	    !symbol_find(handle, "numa_bitmask_alloc", &opened.bitmask_alloc) ||
	    !symbol_find(handle, "numa_bitmask_free", &opened.bitmask_free) ||
	    !symbol_find(handle, "numa_bitmask_isbitset", &opened.bitmask_isbitset) ||
	    !symbol_find(handle, "numa_num_possible_cpus", &opened.num_possible_cpus) ||
	    !symbol_find(handle, "numa_nodes_ptr", &opened.existing_nodes) ||
	    !symbol_find(handle, "numa_all_nodes_ptr", &opened.allowed_nodes) ||
	    !symbol_find(handle, "numa_all_cpus_ptr", &opened.allowed_cpus)) {
		error_set(error, -ENOENT, "libnuma lacks a function (%s): update it", dlerror());
		dlclose(handle);
		return -ENOENT;
	}
	if (opened.available() < 0) {
		dlclose(handle);
		return error_set(error, -ENOSYS, "this kernel has no NUMA memory policy");
	}
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
