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

/* The name of an option: behind one or two dashes; NULL where the argument is none. */
static const char *option_of(const char *argument)
{
	if (*argument != '-')
		return NULL;
	return argument + (argument[1] == '-' ? 2 : 1);
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

static bool value_is_empty(const char *text)
{
	return *text == '\0' || (text[0] == ',' && text[1] != ',');
}

/*
 * Finds the last "guest" in one option string: the place of its value, or NULL where
 * there is none. As in QEMU a key without a value is a flag: "on", or "off" with "no"
 * before it; then it is that word.
 */
static const char *name_find(const char *text)
{
	const char *found = NULL;
	bool first = true;

	while (*text != '\0') {
		size_t key = strcspn(text, "=,");
		bool valued = text[key] == '=';

		if (first && !valued) {
			found = text;
			text = value_read(text, NULL);
		} else {
			if (key == strlen("guest") && strncmp(text, "guest", key) == 0)
				found = valued ? text + key + 1 : "on";
			else if (key == strlen("noguest") && !valued &&
				 strncmp(text, "noguest", key) == 0)
				found = "off";
			text = valued ? value_read(text + key + 1, NULL) : text + key;
		}
		first = false;
		text += *text == ',';
	}
	return found;
}

int qemu_args_guest(char *const argv[], char **name)
{
	const char *found = NULL;

	*name = NULL;
	if (argv[0] == NULL)
		return 0;
	for (char *const *argument = argv + 1; *argument != NULL; argument++) {
		const char *option = option_of(*argument);
		const char *value;

		if (option == NULL || argument[1] == NULL || !takes_argument(option))
			continue;
		argument++;
		value = strcmp(option, "name") == 0 ? name_find(*argument) : NULL;
		if (value != NULL)
			found = value;
	}
	if (found == NULL || value_is_empty(found))
		return 0;
	*name = malloc(strlen(found) + 1);
	if (*name == NULL)
		return -ENOMEM;
	value_read(found, *name);
	return 0;
}

bool qemu_args_monitored_by_libvirt(char *const argv[])
{
	static const char monitor[] = "id=charmonitor";

	for (char *const *argument = argv; *argument != NULL; argument++) {
		const char *option = option_of(*argument);

		if (option != NULL && argument[1] != NULL && strcmp(option, "chardev") == 0 &&
		    strstr(argument[1], monitor) != NULL)
			return true;
	}
	return false;
}
