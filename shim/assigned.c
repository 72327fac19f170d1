#include "assigned.h"
#include "device_option.h"
#include "qemu_args.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { ARGUMENT_MAX = 128 * 1024 }; /* execve(2), MAX_ARG_STRLEN */

/* The end of a path, as far as it fits; a slash may follow it. */
static void last_component(const char *path, char name[DEVICE_NAME_SIZE])
{
	size_t end = strlen(path);
	size_t start;

	while (end > 0 && path[end - 1] == '/')
		end--;
	start = end;
	while (start > 0 && path[start - 1] != '/')
		start--;
	snprintf(name, DEVICE_NAME_SIZE, "%.*s", (int)(end - start), path + start);
}

/* Takes a device up, once: by its address, or by the end of its path in sysfs. */
static int device_add(struct assigned *assigned, const char *value, struct error *error)
{
	char found[DEVICE_NAME_SIZE];
	char name[DEVICE_NAME_SIZE];

	last_component(value, name);
	if (!device_pci_address(name, strlen(name), found)) {
		if (!device_is_mediated(name))
			return error_set(error, -EINVAL,
					 "the device '%.200s' that is assigned to the guest is not "
					 "understood: it is no PCI address, nor a mediated device",
					 value);
		strcpy(found, name);
	}
	for (size_t i = 0; i < assigned->count; i++) {
		if (strcmp(assigned->names[i], found) == 0)
			return 0;
	}
	if (assigned->count == ASSIGNED_MAX)
		return error_set(error, -E2BIG, "more than %d devices are assigned to the guest",
				 ASSIGNED_MAX);
	strcpy(assigned->names[assigned->count++], found);
	return 0;
}

static int device_read(struct assigned *assigned, const char *text, const char *key,
		       struct error *error)
{
	static const char prefix[] = "vfio-";
	struct device_option option;
	int result;

	/* The kernel starts nothing with a longer one: it was made up since. */
	if (strnlen(text, ARGUMENT_MAX) == ARGUMENT_MAX)
		return error_set(error, -E2BIG, "a -device of the guest is too long");
	result = device_option_read(text, key, &option, error);

	if (result == -EINVAL)
		return error_set(error, result, "a -device of the guest is not understood: %.200s",
				 text);
	if (result <= 0)
		return result;
	if (strncmp(option.driver, prefix, strlen(prefix)) == 0)
		result = device_add(assigned, option.value, error);
	device_option_free(&option);
	return result < 0 ? result : 0;
}

int assigned_read(char *const argv[], struct assigned *assigned, struct error *error)
{
	static const char *const keys[] = {"host", "sysfsdev"};
	struct qemu_option option;
	size_t index = 1;
	int result = 0;

	assigned->count = 0;
	while (result == 0 && qemu_args_next(argv, &index, &option)) {
		if (option.value == NULL || strcmp(option.name, "device") != 0)
			continue;
		for (size_t i = 0; result == 0 && i < sizeof(keys) / sizeof(keys[0]); i++)
			result = device_read(assigned, option.value, keys[i], error);
	}
	return result;
}
