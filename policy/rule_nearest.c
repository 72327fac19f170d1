#include "rule_nearest.h"
#include "nearest.h"
#include "rule_option.h"

#include <stdio.h>
#include <string.h>

static const char mem[] = "mem=";

/* The same of the value of mem=. */
static const char *mode_nearest(const char *value, char *text, size_t size)
{
	struct nearest nearest = {0};

	for (int mode = 0; mode < MEMORY_MODES; mode++)
		nearest_try(&nearest, value, strlen(value),
			    memory_mode_name((enum memory_mode)mode));
	if (nearest.word == NULL || nearest.distance == 0)
		return NULL;
	snprintf(text, size, "%s%s", mem, nearest.word);
	return text;
}

const char *rule_option_nearest(const char *word, char *text, size_t size)
{
	size_t length = strcspn(word, "=");
	struct nearest nearest = {0};
	const char *name;

	length += word[length] == '=';
	for (size_t i = 0; (name = rule_option_name(i)) != NULL; i++)
		nearest_try(&nearest, word, length, name);
	if (nearest.word == NULL)
		return NULL;
	if (strlen(nearest.word) == length && strncmp(word, nearest.word, length) == 0)
		return strcmp(nearest.word, mem) == 0 ? mode_nearest(word + length, text, size)
						      : NULL;
	snprintf(text, size, "%s", nearest.word);
	return text;
}
