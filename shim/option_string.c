#include "option_string.h"

#include <stdlib.h>
#include <string.h>

/* The length of a value up to the comma that ends it. */
static size_t value_length(const char *text)
{
	size_t length = 0;

	while (text[length] != '\0' && (text[length] != ',' || text[length + 1] == ','))
		length += text[length] == ',' ? 2 : 1;
	return length;
}

bool option_next(struct option_string *string, struct option *option)
{
	const char *text = string->rest;
	size_t key = strcspn(text, "=,");

	if (*text == '\0')
		return false;
	if (text[key] == '=')
		*option = (struct option){text, key, text + key + 1, 0};
	else if (string->implied != NULL)
		*option = (struct option){string->implied, strlen(string->implied), text, 0};
	else
		*option = (struct option){text, key, NULL, 0};
	string->implied = NULL;
	if (option->value == NULL) {
		text += key;
	} else {
		option->length = value_length(option->value);
		text = option->value + option->length;
	}
	string->rest = text + (*text == ',');
	return true;
}

const char *option_value(const struct option *option, const char *key, size_t *length)
{
	const char *value = option->value;
	size_t key_length = strlen(key);

	if (option->key_length == key_length && memcmp(option->key, key, key_length) == 0) {
		*length = value != NULL ? option->length : strlen("on");
		return value != NULL ? value : "on";
	}
	if (value == NULL && option->key_length == key_length + 2 &&
	    memcmp(option->key, "no", 2) == 0 && memcmp(option->key + 2, key, key_length) == 0) {
		*length = strlen("off");
		return "off";
	}
	return NULL;
}

const char *option_find(const char *text, const char *implied, const char *key, size_t *length)
{
	struct option_string string = {text, implied};
	struct option option;
	const char *found = NULL;

	while (option_next(&string, &option)) {
		size_t value_length;
		const char *value = option_value(&option, key, &value_length);

		if (value == NULL)
			continue;
		found = value;
		*length = value_length;
	}
	return found;
}

char *option_copy(const char *value, size_t length)
{
	char *copy = malloc(length + 1);
	char *to = copy;

	if (copy == NULL)
		return NULL;
	for (size_t i = 0; i < length; i++) {
		*to++ = value[i];
		if (value[i] == ',')
			i++;
	}
	*to = '\0';
	return copy;
}

bool option_is_off(const char *value, size_t length)
{
	static const char *const words[] = {"off", "no", "false", "n"};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strlen(words[i]) == length && memcmp(value, words[i], length) == 0)
			return true;
	}
	return false;
}
