#include "library.h"

#include <dlfcn.h>
#include <errno.h>
#include <string.h>

int library_open(const char *file, const struct library_symbol *symbols, size_t count,
		 void *pointers, struct error *error)
{
	void *handle = dlopen(file, RTLD_NOW);

	if (handle == NULL)
		return error_set(error, -ENOENT, "a library cannot be opened (%s): install it",
				 dlerror());
	for (size_t i = 0; i < count; i++) {
		void *symbol = dlsym(handle, symbols[i].name);

		if (symbol == NULL) {
			error_set(error, -ENOENT, "%s lacks a function (%s): update it", file,
				  dlerror());
			dlclose(handle);
			return -ENOENT;
		}
		/* POSIX has dlsym(3) return functions as data; this is its way to convert them. */
		memcpy((char *)pointers + symbols[i].offset, &symbol, sizeof(symbol));
	}
	return 0;
}
