#include "device_option.h"
#include "json_text.h"
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

static int text_read(const char *text, const char *key, struct device_option *option)
{
	int result = value_copy(text, "driver", &option->driver);

	return result < 0 ? result : value_copy(text, key, &option->value);
}

static int json_read(const char *text, const char *key, struct device_option *option)
{
	struct json_text json;
	struct json_text value;
	int result = json_text_check(text, &json);

	if (result == -EINVAL) /* QEMU will say so */
		return 0;
	if (result < 0)
		return -EINVAL;
	if (json_text_member(json, "driver", &value))
		result = json_text_string(value, &option->driver);
	if (result == 0 && json_text_member(json, key, &value))
		result = json_text_string(value, &option->value);
	return result;
}

int device_option_read(const char *text, const char *key, struct device_option *option,
		       struct error *error)
{
	int result;

	*option = (struct device_option){0};
	if (strstr(text, key) == NULL)
		return 0;
	result = *text == '{' ? json_read(text, key, option) : text_read(text, key, option);
	if (result == 0 && option->driver != NULL && option->value != NULL)
		return 1;
	device_option_free(option);
	if (result == -ENOMEM)
		error_set(error, result, "out of memory for the guest's devices");
	return result;
}

void device_option_free(struct device_option *option)
{
	free(option->driver);
	free(option->value);
	*option = (struct device_option){0};
}
