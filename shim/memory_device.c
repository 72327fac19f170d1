#include "memory_device.h"
#include "json_library.h"
#include "option_string.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Copies the value of a key, if there is one. Returns 0 or -ENOMEM. */
static int value_copy(const char *text, const char *key, char **copy)
{
	size_t length;
	const char *value = option_find(text, "driver", key, &length);

	*copy = value != NULL ? option_copy(value, length) : NULL;
	return value != NULL && *copy == NULL ? -ENOMEM : 0;
}

static int text_read(const char *text, struct memory_device *device)
{
	int result = value_copy(text, "driver", &device->driver);

	return result < 0 ? result : value_copy(text, "memdev", &device->object);
}

static int json_read(const char *text, struct memory_device *device, struct error *error)
{
	const struct json_library *library;
	json_t *json;
	int result = json_library_read(text, &library, &json, error);

	if (result == -EINVAL) /* QEMU will say so */
		return 0;
	if (result < 0)
		return result == -EILSEQ ? -EINVAL : result;
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
