#include "watch_state.h"
#include "trusted.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { STATE_VERSION = 1 };

static const char state_file[] = "interrupts.json";

bool watch_state_is_there(const struct roots *roots)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", roots->state, state_file);
	return access(path, F_OK) == 0;
}

/* "set" is what it is set to, or about to be; then, where it was changed before, "was" is there. */
static json_t *entry_write(const struct watch_entry *entry)
{
	json_t *json =
	    json_pack("{s:i, s:I}", "number", (int)entry->number, "id", (json_int_t)entry->id);

	if (entry->left)
		json_object_set_new(json, "left", json_true());
	if (entry->changed || entry->pending)
		json_object_set_new(json, "before", watch_set_write(&entry->before));
	if (entry->changed || entry->pending)
		json_object_set_new(json, "set",
				    watch_set_write(entry->pending ? &entry->wish : &entry->set));
	if (entry->changed && entry->pending)
		json_object_set_new(json, "was", watch_set_write(&entry->set));
	return json;
}

static json_t *state_write(const struct watch *watch)
{
	json_t *guests = json_array();
	json_t *interrupts = json_array();

	for (size_t i = 0; i < watch->guest_count; i++)
		json_array_append_new(guests, watch_guest_write(watch->guests[i]));
	for (size_t i = 0; i < watch->count; i++) {
		const struct watch_entry *entry = &watch->entries[i];

		if (entry->changed || entry->pending || entry->left)
			json_array_append_new(interrupts, entry_write(entry));
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

/* Writes a file that was not there before. Returns 0 or -errno. */
static int file_make(json_t *state, const char *path)
{
	int result = 0;
	FILE *file;
	int fd;

	(void)unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0)
		return -errno;
	file = fdopen(fd, "w");
	if (file == NULL) {
		close(fd);
		return -ENOMEM;
	}
	errno = EIO;
	if (json_dumpf(state, file, JSON_INDENT(1)) < 0)
		result = -errno;
	if (fclose(file) != 0 && result == 0)
		result = -errno;
	return result;
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
	result = file_make(state, made);
	json_decref(state);
	if (result == 0 && rename(made, path) < 0)
		result = -errno;
	return result;
}

/* What was written of one interrupt. */
struct written {
	int number;
	json_int_t id;
	bool changed;
	bool left;
	struct id_set before;
	struct id_set set;
	struct id_set was;
};

/* Reads it. Returns false where it is not understood. */
static bool written_read(json_t *json, struct written *written)
{
	const char *before = NULL;
	const char *set = NULL;
	const char *was = NULL;
	int left = 0;

	*written = (struct written){0};
	if (json_unpack(json, "{s:i, s:I, s?s, s?s, s?s, s?b}", "number", &written->number, "id",
			&written->id, "before", &before, "set", &set, "was", &was, "left",
			&left) < 0)
		return false;
	written->left = left != 0;
	written->changed = before != NULL;
	if (!written->changed)
		return written->left;
	return set != NULL && id_set_read(&written->before, before) == 0 &&
	       id_set_read(&written->set, set) == 0 &&
	       id_set_read(&written->was, was != NULL ? was : set) == 0;
}

/* Takes up one interrupt, where it is still the one that was written down. */
static bool interrupt_read(json_t *json, struct watch *watch)
{
	struct written written;
	struct id_set now;

	if (!written_read(json, &written))
		return false;
	for (size_t i = 0; i < watch->count; i++) {
		struct watch_entry *entry = &watch->entries[i];

		if (written.number < 0 || entry->number != (unsigned int)written.number ||
		    entry->id != (ino_t)written.id)
			continue;
		entry->left = written.left;
		entry->changed = written.changed;
		entry->before = written.before;
		entry->set = written.set;
		/* Whoever has written this may have been ended before it was done. */
		if (interrupt_affinity(&watch->interrupts, entry->number, &now) == 0 &&
		    id_set_equal(&now, &written.was))
			entry->set = written.was;
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

/* Reads the file. Returns it, or NULL with `error` filled; also where there is none. */
static json_t *file_load(const struct watch *watch, const char *path, struct error *error)
{
	json_t *state;
	FILE *file;
	size_t size;
	int fd = trusted_open(path, watch->roots->owner, &size, error);

	if (fd == -ENOENT)
		return NULL;
	if (fd < 0 || error_is_set(error)) {
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	file = fdopen(fd, "r");
	state = file == NULL ? NULL : json_loadf(file, JSON_REJECT_DUPLICATES, NULL);
	if (file != NULL)
		fclose(file);
	else
		close(fd);
	if (state == NULL)
		error_set(error, -EINVAL, "%s is not understood", path);
	return state;
}

int watch_state_load(struct watch *watch, struct error *error)
{
	struct error reason = {0};
	char path[PATH_MAX];
	json_t *state;
	bool good;

	snprintf(path, sizeof(path), "%s/%s", watch->roots->state, state_file);
	state = file_load(watch, path, &reason);
	if (state == NULL && !error_is_set(&reason))
		return 0;
	good = state != NULL && state_read(state, watch);
	json_decref(state);
	if (good)
		return 0;
	for (size_t i = 0; i < watch->guest_count; i++)
		watch_guest_free(watch->guests[i]);
	watch->guest_count = 0;
	for (size_t i = 0; i < watch->count; i++)
		watch->entries[i].changed = watch->entries[i].left = false;
	if (!error_is_set(&reason))
		error_set(&reason, 0, "%s is not understood", path);
	return error_set(error, -EINVAL,
			 "%s: interrupts that were moved before stay where they are", reason.text);
}
