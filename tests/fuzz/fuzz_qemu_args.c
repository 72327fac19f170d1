/* QEMU's command line: its options, the guest's name in them, and the devices that are assigned. */
#include "assigned.h"
#include "device_option.h"
#include "fuzz.h"
#include "option_string.h"
#include "qemu_args.h"
#include "qemu_options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool slow_takes_argument(const char *option)
{
	for (size_t i = 0;
	     i < sizeof(qemu_options_with_argument) / sizeof(qemu_options_with_argument[0]); i++) {
		if (strcmp(qemu_options_with_argument[i], option) == 0)
			return true;
	}
	return false;
}

/*
 * The guest's name in the argument of one -name: letter by letter, a key and a value at a time.
 * Changes *name, which is allocated, where there is one.
 */
static void slow_name(const char *text, char **name)
{
	char *key = calloc(strlen(text) + sizeof("guest"), 1);
	char *value = calloc(strlen(text) + sizeof("off"), 1);
	bool first = true;

	REQUIRE(key != NULL && value != NULL);
	while (*text != '\0') {
		size_t length = 0;
		bool flag;

		while (text[length] != '\0' && text[length] != '=' && text[length] != ',')
			length++;
		memcpy(key, text, length);
		key[length] = '\0';
		flag = text[length] != '=' && !first;
		if (text[length] == '=')
			text += length + 1;
		else if (first)
			strcpy(key, "guest");
		else
			text += length;
		length = 0;
		while (!flag && *text != '\0' && (text[0] != ',' || text[1] == ',')) {
			value[length++] = *text;
			text += *text == ',' ? 2 : 1;
		}
		value[length] = '\0';
		text += *text == ',';
		first = false;
		if (flag)
			strcpy(value, strcmp(key, "guest") == 0 ? "on" : "off");
		if (strcmp(key, "guest") != 0 && !(flag && strcmp(key, "noguest") == 0))
			continue;
		free(*name);
		*name = strdup(value);
	}
	free(key);
	free(value);
}

/* Goes through the options beside the reader, and finds the name. */
static char *slow_guest(char *const argv[])
{
	struct qemu_option option;
	size_t index = 1;
	size_t at = 1;
	char *name = NULL;

	for (; argv[at] != NULL; at++) {
		const char *word = argv[at];
		bool argument;

		if (*word != '-')
			continue;
		word += word[1] == '-' ? 2 : 1;
		argument = slow_takes_argument(word);
		if (argument && argv[at + 1] == NULL)
			continue;
		at += argument;
		REQUIRE(qemu_args_next(argv, &index, &option));
		REQUIRE(option.name == word && option.index == at && index == at + 1);
		REQUIRE(option.value == (argument ? argv[at] : NULL));
		if (argument && strcmp(word, "name") == 0)
			slow_name(argv[at], &name);
	}
	REQUIRE(!qemu_args_next(argv, &index, &option));
	if (name != NULL && *name == '\0') {
		free(name);
		name = NULL;
	}
	return name;
}

/* What is read of an option string is all of it, in order. */
static void option_string_check(const char *text, const char *implied)
{
	struct option_string string = {text, implied};
	struct option option;
	const char *end = text;

	while (option_next(&string, &option)) {
		bool keyless = implied != NULL && option.key == implied;
		const char *start = keyless ? option.value : option.key;
		char *copy;

		REQUIRE(start == end);
		end = start + (keyless ? 0 : option.key_length);
		if (option.value != NULL) {
			REQUIRE(keyless || option.value == end + 1);
			end = option.value + option.length;
			copy = option_copy(option.value, option.length);
			REQUIRE(copy != NULL && strlen(copy) <= option.length);
			free(copy);
			(void)option_is_off(option.value, option.length);
		}
		REQUIRE(*end == ',' || *end == '\0');
		end += *end == ',';
		REQUIRE(end == string.rest);
	}
	REQUIRE(*end == '\0');
}

static void assigned_check(char *const argv[])
{
	struct assigned assigned;
	struct error error = {0};
	int result = assigned_read(argv, &assigned, &error);

	REQUIRE(error_is_set(&error) == (result < 0));
	REQUIRE(assigned.count <= ASSIGNED_MAX);
	for (size_t i = 0; i < assigned.count; i++) {
		char name[DEVICE_NAME_SIZE];

		REQUIRE(device_is_mediated(assigned.names[i]) ||
			(device_pci_address(assigned.names[i], strlen(assigned.names[i]), name) &&
			 strcmp(name, assigned.names[i]) == 0));
	}
}

static void device_check(const char *text)
{
	struct device_option option;
	struct error error = {0};
	int result = device_option_read(text, "memdev", &option, &error);

	REQUIRE(result == 0 || result == 1 || result == -EINVAL);
	REQUIRE((option.driver != NULL && option.value != NULL) == (result == 1));
	device_option_free(&option);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	char *text = fuzz_part(&input, NULL);
	char **argv = fuzz_argv(text);
	char **before = fuzz_argv(text);
	char *expected = slow_guest(argv);
	char *name;

	REQUIRE(qemu_args_guest(argv, &name) == 0);
	REQUIRE((name == NULL) == (expected == NULL));
	REQUIRE(name == NULL || strcmp(name, expected) == 0);
	(void)qemu_args_monitored_by_libvirt(argv);
	(void)qemu_args_have(argv, "daemonize");
	assigned_check(argv);
	for (size_t i = 0; argv[i] != NULL; i++) {
		option_string_check(argv[i], "guest");
		option_string_check(argv[i], NULL);
		device_check(argv[i]);
		REQUIRE(strcmp(argv[i], before[i]) == 0);
	}
	free(name);
	free(expected);
	free(text);
	fuzz_argv_free(argv);
	fuzz_argv_free(before);
	return 0;
}
