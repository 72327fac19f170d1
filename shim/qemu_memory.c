#include "qemu_memory.h"
#include "option_string.h"
#include "qemu_args.h"
#include "size.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	MEGABYTE = 1024 * 1024,
	/* Without -m (MachineClass.default_ram_size; hw/core/machine.c, machine_class_init). */
	DEFAULT_SIZE = 128 * MEGABYTE,
};

/* What is seen on the way through the command line. */
struct reading {
	struct qemu_memory *memory;
	const char *size; /* the last of -m */
	size_t size_length;
	const char *machine_size; /* the last "memory.size" of -machine */
	size_t machine_size_length;
	bool by_object;
	struct error *error;
};

static int object_add(struct reading *reading, const struct qemu_option *option)
{
	struct qemu_memory *memory = reading->memory;
	struct memory_object *objects;
	size_t *places;
	struct memory_object object;
	int result = memory_object_read(option->value, &object, reading->error);

	if (result == OBJECT_UNREAD)
		memory->unread++;
	if (result != OBJECT_MEMORY)
		return result < 0 ? result : 0;
	objects = realloc(memory->objects, (memory->count + 1) * sizeof(*objects));
	if (objects != NULL)
		memory->objects = objects;
	places = realloc(memory->places, (memory->count + 1) * sizeof(*places));
	if (places != NULL)
		memory->places = places;
	if (objects == NULL || places == NULL) {
		memory_object_free(&object);
		return error_set(reading->error, -ENOMEM,
				 "out of memory for the guest's memory objects");
	}
	objects[memory->count] = object;
	places[memory->count++] = option->index;
	return 0;
}

/* Finds the last value of a key in one option string; leaves the two alone where it has none. */
static void value_find(const char *text, const char *implied, const char *key, const char **value,
		       size_t *length)
{
	struct option_string string = {text, implied};
	struct option option;

	while (option_next(&string, &option)) {
		size_t found_length;
		const char *found = option_value(&option, key, &found_length);

		if (found == NULL)
			continue;
		*value = found;
		*length = found_length;
	}
}

static int option_look(struct reading *reading, const struct qemu_option *option)
{
	struct qemu_memory *memory = reading->memory;
	const char *value = NULL;
	size_t length;

	if (strcmp(option->name, "object") == 0)
		return object_add(reading, option);
	if (strcmp(option->name, "m") == 0) {
		value_find(option->value, "size", "size", &reading->size, &reading->size_length);
	} else if (strcmp(option->name, "mem-path") == 0) {
		memory->path = option->value;
	} else if (strcmp(option->name, "numa") == 0) {
		value_find(option->value, "type", "memdev", &value, &length);
	} else if (strcmp(option->name, "machine") == 0 || strcmp(option->name, "M") == 0) {
		value_find(option->value, "type", "memory-backend", &value, &length);
		value_find(option->value, "type", "memory.size", &reading->machine_size,
			   &reading->machine_size_length);
		memory->machine = option->index + 1;
	}
	reading->by_object = reading->by_object || value != NULL;
	return 0;
}

/* Reads a size, if there is one; 0 says nothing. Returns 0, or -EINVAL with `error` filled. */
static int size_take(const char *text, size_t length, uint64_t unit, uint64_t *size,
		     struct error *error)
{
	uint64_t given;

	if (text == NULL)
		return 0;
	if (size_read(text, length, unit, &given) < 0)
		return error_set(error, -EINVAL,
				 "the guest's memory, '%.*s', is no size that can be read",
				 (int)length, text);
	if (given != 0)
		*size = given;
	return 0;
}

/* -m counts MiB, and has the last word (softmmu/vl.c, parse_memory_options). */
static int ram_take(struct reading *reading)
{
	struct qemu_memory *memory = reading->memory;
	int result;

	memory->by_size = !reading->by_object;
	memory->size = DEFAULT_SIZE;
	if (!memory->by_size)
		return 0;
	result = size_take(reading->machine_size, reading->machine_size_length, 1, &memory->size,
			   reading->error);
	return result < 0 ? result
			  : size_take(reading->size, reading->size_length, MEGABYTE, &memory->size,
				      reading->error);
}

int qemu_memory_read(char *const argv[], struct qemu_memory *memory, struct error *error)
{
	struct reading reading = {.memory = memory, .error = error};
	struct qemu_option option;
	size_t index = 1;
	int result = 0;

	*memory = (struct qemu_memory){.machine = 1};
	while (result == 0 && qemu_args_next(argv, &index, &option))
		result = option_look(&reading, &option);
	if (result == 0)
		result = ram_take(&reading);
	if (result < 0)
		qemu_memory_free(memory);
	return result;
}

void qemu_memory_free(struct qemu_memory *memory)
{
	for (size_t i = 0; i < memory->count; i++)
		memory_object_free(&memory->objects[i]);
	free(memory->objects);
	free(memory->places);
	*memory = (struct qemu_memory){0};
}
