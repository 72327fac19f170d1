#include "watch_state.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { STATE_VERSION = 1 };

static const char state_file[] = "interrupts.json";

static json_t *set_write(const struct id_set *set)
{
	char text[ID_SET_LIST_SIZE];

	return json_string(id_set_format(set, text, sizeof(text)));
}

static json_t *state_write(const struct watch *watch)
{
	json_t *guests = json_array();
	json_t *interrupts = json_array();

	for (size_t i = 0; i < watch->guest_count; i++)
		json_array_append_new(guests, watch_guest_write(watch->guests[i]));
	for (size_t i = 0; i < watch->count; i++) {
		const struct watch_entry *entry = &watch->entries[i];

		if (entry->changed || entry->pending)
			json_array_append_new(
			    interrupts,
			    json_pack("{s:i, s:I, s:o, s:o}", "number", (int)entry->number, "id",
				      (json_int_t)entry->id, "before", set_write(&entry->before),
				      "set",
				      set_write(entry->pending ? &entry->wish : &entry->set)));
	}
	/* "s:o*": left out where there is nothing to write. */
	return json_pack("{s:i, s:o, s:o, s:o*}", "version", STATE_VERSION, "guests", guests,
			 "interrupts", interrupts, "irqbalance",
			 irqbalance_write(&watch->irqbalance));
}

static bool state_is_empty(const struct watch *watch)
{
	for (size_t i = 0; i < watch->count; i++) {
		if (watch->entries[i].changed || watch->entries[i].pending)
			return false;
	}
	return watch->guest_count == 0 && watch->irqbalance.ours.count == 0;
}

int watch_state_save(const struct watch *watch)
{
	char path[PATH_MAX];
	char made[PATH_MAX + sizeof(".new")];
	json_t *state;
	int result = 0;

	snprintf(path, sizeof(path), "%s/%s", watch->roots->state, state_file);
	if (state_is_empty(watch))
		return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
	snprintf(made, sizeof(made), "%s.new", path);
	state = state_write(watch);
	if (state == NULL)
		return -ENOMEM;
	errno = EIO;
	if (json_dump_file(state, made, JSON_INDENT(1)) < 0 || rename(made, path) < 0)
		result = -errno;
	json_decref(state);
	return result;
}

/* Takes up one interrupt, where it is still the one that was written down. */
static bool interrupt_read(json_t *json, struct watch *watch)
{
	const char *before;
	const char *set;
	json_int_t id;
	int number;
	struct watch_entry read = {.changed = true};

	if (json_unpack(json, "{s:i, s:I, s:s, s:s}", "number", &number, "id", &id, "before",
			&before, "set", &set) < 0 ||
	    id_set_read(&read.before, before) < 0 || id_set_read(&read.set, set) < 0)
		return false;
	for (size_t i = 0; i < watch->count; i++) {
		struct watch_entry *entry = &watch->entries[i];

		if (number < 0 || entry->number != (unsigned int)number || entry->id != (ino_t)id)
			continue;
		read.number = entry->number;
		read.id = entry->id;
		*entry = read;
	}
	return true;
}

static bool guest_read(json_t *json, struct watch *watch)
{
	struct watch_guest *guest =
	    watch->guest_count < WATCH_GUESTS_MAX ? watch_guest_read(json) : NULL;

	if (guest == NULL)
		return false;
	watch->guests[watch->guest_count++] = guest;
	return true;
}

static bool state_read(json_t *state, struct watch *watch)
{
	json_t *guests;
	json_t *interrupts;
	json_t *irqbalance = NULL;
	int version;
	bool good =
	    json_unpack(state, "{s:i, s:o, s:o, s?o}", "version", &version, "guests", &guests,
			"interrupts", &interrupts, "irqbalance", &irqbalance) == 0 &&
	    version == STATE_VERSION && json_is_array(guests) && json_is_array(interrupts);

	for (size_t i = 0; good && i < json_array_size(guests); i++)
		good = guest_read(json_array_get(guests, i), watch);
	for (size_t i = 0; good && i < json_array_size(interrupts); i++)
		good = interrupt_read(json_array_get(interrupts, i), watch);
	return good && (irqbalance == NULL || irqbalance_read(&watch->irqbalance, irqbalance));
}

int watch_state_load(struct watch *watch, struct error *error)
{
	char path[PATH_MAX];
	json_error_t reason;
	json_t *state;
	bool good;

	snprintf(path, sizeof(path), "%s/%s", watch->roots->state, state_file);
	if (access(path, F_OK) < 0 && errno == ENOENT)
		return 0;
	state = json_load_file(path, JSON_REJECT_DUPLICATES, &reason);
	good = state != NULL && state_read(state, watch);
	json_decref(state);
	if (good)
		return 0;
	for (size_t i = 0; i < watch->guest_count; i++)
		watch_guest_free(watch->guests[i]);
	watch->guest_count = 0;
	for (size_t i = 0; i < watch->count; i++)
		watch->entries[i].changed = false;
	return error_set(error, -EINVAL,
			 "%s is not understood: interrupts that were moved before stay where they "
			 "are",
			 path);
}
