#include "memory_device.h"
#include "json_library.h"
#include "option_string.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int text_read(const char *text, struct memory_device *device)
{
	struct option_string string = {text, "driver"};
	struct option option;

	while (option_next(&string, &option)) {
		size_t length;
		const char *value = option_value(&option, "driver", &length);
		char **copy = &device->driver;

		if (value == NULL) {
			value = option_value(&option, "memdev", &length);
			copy = &device->object;
		}
		if (value == NULL)
			continue;
		free(*copy);
		*copy = option_copy(value, length);
		if (*copy == NULL)
			return -ENOMEM;
	}
	return 0;
}

static int json_read(const char *text, struct memory_device *device, struct error *error)
{
	const struct json_library *library;
	json_t *json;
	int result = json_library_open(&library, error);

	if (result < 0)
		return result;
	json = library->loads(text, JSON_REJECT_DUPLICATES, NULL);
	if (json == NULL) /* QEMU takes single quotes, too: qobject/json-lexer.c */
		return strchr(text, '\'') != NULL ? -EINVAL : 0;
	result = json_library_string(library, json, "driver", &device->driver);
	if (result == 0)
		result = json_library_string(library, json, "memdev", &device->object);
	library->free_value(json);
	return result;
}

int memory_device_read(const char *text, struct memory_device *device, struct error *error)
{
	int result;

	*device = (struct memory_device){0};
	if (strstr(text, "memdev") == NULL)
		return 0;
	result = *text == '{' ? json_read(text, device, error) : text_read(text, device);
	if (result == 0 && device->driver != NULL && device->object != NULL)
		return 1;
	memory_device_free(device);
	if (result == -ENOMEM)
		error_set(error, result, "out of memory for the guest's memory devices");
	return result;
}

void memory_device_free(struct memory_device *device)
{
	free(device->driver);
	free(device->object);
	*device = (struct memory_device){0};
}
