#include "qemu_args.h"
#include "qemu_options.h"

#include <errno.h>
#include <stdbool.h>
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

/*
 * Copies a value, ",," becoming ",", and returns the place of the comma that ends
 * it or of the string's end. With `copy` NULL it only finds that place.
 */
static const char *value_read(const char *text, char *copy)
{
	for (; *text != '\0'; text++) {
		if (*text == ',' && *++text != ',') {
			text--;
			break;
		}
		if (copy != NULL)
			*copy++ = *text;
	}
	if (copy != NULL)
		*copy = '\0';
	return text;
}

/*
 * Looks in one option string for its last "guest" and copies its value to *name,
 * in place of what is there. As in QEMU a key without a value is a flag: "on", or
 * "off" with "no" before it.
 */
static int name_read(const char *text, char **name)
{
	bool first = true;

	while (*text != '\0') {
		size_t key = strcspn(text, "=,");
		bool implied = first && text[key] != '=';
		bool guest =
		    implied || (key == strlen("guest") && strncmp(text, "guest", key) == 0);
		bool no_guest =
		    key == strlen("noguest") && strncmp(text, "noguest", key) == 0 && !implied;
		char *value = NULL;

		first = false;
		if (guest || (no_guest && text[key] != '=')) {
			value = malloc(strlen(text) + sizeof("off"));
			if (value == NULL)
				return -ENOMEM;
			free(*name);
			*name = value;
		}
		if (implied) {
			text = value_read(text, value);
		} else if (text[key] == '=') {
			text = value_read(text + key + 1, value);
		} else {
			text += key;
			if (value != NULL)
				strcpy(value, guest ? "on" : "off");
		}
		text += *text == ',';
	}
	return 0;
}

/* As qemu_args_guest(), but the name can also be empty. */
static int last_name(char *const argv[], char **name)
{
	for (char *const *argument = argv + 1; *argument != NULL; argument++) {
		const char *option = *argument;

		if (*option != '-')
			continue;
		option += option[1] == '-' ? 2 : 1;
		if (!takes_argument(option) || argument[1] == NULL)
			continue;
		argument++;
		if (strcmp(option, "name") != 0)
			continue;
		int result = name_read(*argument, name);

		if (result < 0)
			return result;
	}
	return 0;
}

int qemu_args_guest(char *const argv[], char **name)
{
	int result;

	*name = NULL;
	if (argv[0] == NULL)
		return 0;
	result = last_name(argv, name);
	if (result < 0 || (*name != NULL && **name == '\0')) {
		free(*name);
		*name = NULL;
	}
	return result;
}
