#include "qemu_memory.h"
#include "device_option.h"
#include "option_string.h"
#include "qemu_args.h"
#include "size.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
	MEGABYTE = 1024 * 1024,
	/* Without -m (MachineClass.default_ram_size; hw/core/machine.c, machine_class_init). */
	DEFAULT_SIZE = 128 * MEGABYTE,
	/* What RAM is aligned to anyhow (include/qemu/osdep.h, QEMU_VMALLOC_ALIGN). */
	DIMM_PAGE_MAX = 2 * MEGABYTE,
};

/* What is seen on the way through the command line. */
struct reading {
	struct qemu_memory *memory;
	struct device_option *devices;
	size_t device_count;
	const char *size; /* the last of -m */
	size_t size_length;
	const char *machine_size; /* the last "memory.size" of -machine */
	size_t machine_size_length;
	bool by_object;
	struct error *error;
};

static int no_memory(struct error *error)
{
	return error_set(error, -ENOMEM, "out of memory for the guest's memory objects");
}

static int object_add(struct reading *reading, const struct qemu_option *option)
{
	struct qemu_memory *memory = reading->memory;
	struct qemu_object *objects;
	struct memory_object object;
	int result = memory_object_read(option->value, &object, reading->error);

	if (result == OBJECT_UNREAD)
		memory->unread = *option;
	if (result != OBJECT_MEMORY)
		return result < 0 ? result : 0;
	objects = realloc(memory->objects, (memory->count + 1) * sizeof(*objects));
	if (objects == NULL) {
		memory_object_free(&object);
		return no_memory(reading->error);
	}
	memory->objects = objects;
	objects[memory->count++] = (struct qemu_object){object, option->index, NULL};
	return 0;
}

static int device_add(struct reading *reading, struct device_option *device)
{
	struct device_option *devices =
	    realloc(reading->devices, (reading->device_count + 1) * sizeof(*devices));

	if (devices == NULL || device->driver == NULL || device->value == NULL) {
		device_option_free(device);
		if (devices != NULL)
			reading->devices = devices;
		return no_memory(reading->error);
	}
	reading->devices = devices;
	devices[reading->device_count++] = *device;
	return 0;
}

static int device_look(struct reading *reading, const struct qemu_option *option)
{
	struct device_option device;
	int result = device_option_read(option->value, "memdev", &device, reading->error);

	if (result == -EINVAL)
		reading->memory->unread = *option;
	if (result <= 0)
		return result == -EINVAL ? 0 : result;
	return device_add(reading, &device);
}

/* The machine's RAM is an object, of that name. */
static int ram_add(struct reading *reading, const char *user, const char *value, size_t length)
{
	struct device_option ram = {strdup(user), option_copy(value, length)};

	reading->by_object = true;
	return device_add(reading, &ram);
}

/* What is to be made of the object, which is taken out; or NULL. */
static char *user_take(struct reading *reading, const struct memory_object *object)
{
	for (size_t i = 0; i < reading->device_count; i++) {
		struct device_option *device = &reading->devices[i];
		char *driver = device->driver;
		const char *slash = strrchr(device->value, '/');

		if (strcmp(object->id, slash != NULL ? slash + 1 : device->value) != 0)
			continue;
		device->driver = NULL;
		return driver;
	}
	return NULL;
}

static void users_take(struct reading *reading)
{
	struct qemu_memory *memory = reading->memory;

	for (size_t i = 0; i < memory->count; i++)
		memory->objects[i].user = user_take(reading, &memory->objects[i].object);
	for (size_t i = 0; i < reading->device_count; i++)
		device_option_free(&reading->devices[i]);
	free(reading->devices);
}

/* Whether an option says of memory what is not looked for here: -set GROUP.ID.KEY=VALUE … */
static bool is_unread(const struct qemu_option *option)
{
	static const char *const groups[] = {"object.", "memory.", "machine.", "numa."};
	bool set = strcmp(option->name, "set") == 0;

	for (size_t i = 0; set && i < sizeof(groups) / sizeof(groups[0]); i++) {
		if (strncmp(option->value, groups[i], strlen(groups[i])) == 0)
			return true;
	}
	if (set || strcmp(option->name, "global") == 0)
		return strstr(option->value, "memdev") != NULL;
	return strcmp(option->name, "readconfig") == 0;
}

static int option_look(struct reading *reading, const struct qemu_option *option)
{
	struct qemu_memory *memory = reading->memory;
	const char *name = option->name;
	const char *value;
	size_t length;

	if (option->value == NULL) {
		memory->prealloc = memory->prealloc || strcmp(name, "mem-prealloc") == 0;
	} else if (is_unread(option)) {
		memory->unread = *option;
	} else if (strcmp(name, "object") == 0) {
		return object_add(reading, option);
	} else if (strcmp(name, "device") == 0) {
		return device_look(reading, option);
	} else if (strcmp(name, "m") == 0) {
		value = option_find(option->value, "size", "size", &reading->size_length);
		reading->size = value != NULL ? value : reading->size;
	} else if (strcmp(name, "mem-path") == 0) {
		memory->path = option->value;
	} else if (strcmp(name, "numa") == 0) {
		value = option_find(option->value, "type", "memdev", &length);
		return value != NULL ? ram_add(reading, "-numa", value, length) : 0;
	} else if (strcmp(name, "machine") == 0 || strcmp(name, "M") == 0) {
		memory->machine = option->index + 1;
		value = option_find(option->value, "type", "memory.size",
				    &reading->machine_size_length);
		reading->machine_size = value != NULL ? value : reading->machine_size;
		value = option_find(option->value, "type", "memory-backend", &length);
		return value != NULL ? ram_add(reading, "-machine", value, length) : 0;
	}
	return 0;
}

/* Reads a size, if there is one; one of 0 says nothing, one that cannot be read is 0. */
static void size_take(const char *text, size_t length, uint64_t unit, uint64_t *size)
{
	uint64_t given;

	if (text == NULL)
		return;
	if (size_read(text, length, unit, &given) < 0)
		*size = 0;
	else if (given != 0)
		*size = given;
}

/*
 * -m has the last word, and counts MiB where its last character is a digit (softmmu/vl.c,
 * parse_memory_options).
 */
static void ram_take(struct reading *reading)
{
	struct qemu_memory *memory = reading->memory;
	bool digit = reading->size_length > 0 &&
		     strchr("0123456789", reading->size[reading->size_length - 1]) != NULL;

	memory->by_size = !reading->by_object;
	memory->size = DEFAULT_SIZE;
	size_take(reading->machine_size, reading->machine_size_length, 1, &memory->size);
	size_take(reading->size, reading->size_length, digit ? MEGABYTE : 1, &memory->size);
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
	users_take(&reading);
	if (result == 0)
		ram_take(&reading);
	else
		qemu_memory_free(memory);
	return result;
}

static bool is_dimm(const struct qemu_object *object)
{
	return object->user != NULL && strcmp(object->user, "pc-dimm") == 0;
}

bool qemu_object_is_ram(const struct qemu_object *object)
{
	return !object->object.sparse &&
	       (object->user == NULL || *object->user == '-' || is_dimm(object));
}

bool qemu_object_takes_pages(const struct qemu_object *object, uint64_t page)
{
	if (!object->object.plain || !qemu_object_is_ram(object))
		return false;
	if (is_dimm(object))
		return page <= DIMM_PAGE_MAX;
	return object->user != NULL || object->object.size % page == 0;
}

void qemu_memory_free(struct qemu_memory *memory)
{
	for (size_t i = 0; i < memory->count; i++) {
		memory_object_free(&memory->objects[i].object);
		free(memory->objects[i].user);
	}
	free(memory->objects);
	*memory = (struct qemu_memory){0};
}
