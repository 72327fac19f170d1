#include "qemu_args.h"
#include "option_string.h"
#include "qemu_options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int compare_names(const void *key, const void *element)
{
	return strcmp(key, *(const char *const *)element);
}

static bool takes_argument(const char *option)
{
	return bsearch(option, qemu_options_with_argument,
		       sizeof(qemu_options_with_argument) / sizeof(qemu_options_with_argument[0]),
		       sizeof(qemu_options_with_argument[0]), compare_names) != NULL;
}

/* The name of an option: behind one or two dashes; NULL where the argument is none. */
static const char *option_of(const char *argument)
{
	if (*argument != '-')
		return NULL;
	return argument + (argument[1] == '-' ? 2 : 1);
}

bool qemu_args_next(char *const argv[], size_t *index, struct qemu_option *option)
{
	if (argv[0] == NULL)
		return false;
	for (; argv[*index] != NULL; ++*index) {
		const char *name = option_of(argv[*index]);
		bool argument = name != NULL && takes_argument(name);

		if (name == NULL || (argument && argv[*index + 1] == NULL))
			continue;
		*index += argument;
		*option = (struct qemu_option){name, argument ? argv[*index] : NULL, *index};
		++*index;
		return true;
	}
	return false;
}

int qemu_args_guest(char *const argv[], char **name)
{
	struct qemu_option option;
	const char *found = NULL;
	size_t length = 0;
	size_t index = 1;

	*name = NULL;
	while (qemu_args_next(argv, &index, &option)) {
		const char *value = NULL;

		if (option.value != NULL && strcmp(option.name, "name") == 0)
			value = option_find(option.value, "guest", "guest", &length);
		if (value != NULL)
			found = value;
	}
	if (found == NULL || length == 0)
		return 0;
	*name = option_copy(found, length);
	return *name == NULL ? -ENOMEM : 0;
}

bool qemu_args_have(char *const argv[], const char *name)
{
	struct qemu_option option;
	size_t index = 1;

	while (qemu_args_next(argv, &index, &option)) {
		if (strcmp(option.name, name) == 0)
			return true;
	}
	return false;
}

bool qemu_args_monitored_by_libvirt(char *const argv[])
{
	static const char monitor[] = "id=charmonitor";
	struct qemu_option option;
	size_t index = 1;

	while (qemu_args_next(argv, &index, &option)) {
		if (option.value != NULL && strcmp(option.name, "chardev") == 0 &&
		    strstr(option.value, monitor) != NULL)
			return true;
	}
	return false;
}
