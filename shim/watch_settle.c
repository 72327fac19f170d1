#include "watch_settle.h"
#include "file.h"
#include "log.h"
#include "ranges.h"
#include "watch_entry.h"
#include "watch_state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The CPUs that isolated guests have for themselves. */
struct isolation {
	struct id_set cpus;
	const struct watch_guest *crowded; /* one that has none, for then nobody else had any */
};

/* What one settling knows of the host and its guests. */
struct settling {
	struct watch *watch;
	bool back;
	const struct watch_guest *fresh;
	struct id_set online;
	struct isolation isolation;
};

/* One claim of one guest, while its interrupts are found. */
struct claiming {
	struct watch *watch;
	const struct watch_guest *guest;
	const struct interrupt_claim *claim;
	const struct watch_guest *rival; /* an isolated guest that was first on these CPUs */
	bool found;
};

static struct watch_entry *entry_find(struct watch *watch, unsigned int number)
{
	size_t first = 0;
	size_t last = watch->count;

	while (first < last) {
		size_t middle = (first + last) / 2;

		if (watch->entries[middle].number < number)
			first = middle + 1;
		else
			last = middle;
	}
	if (first == watch->count || watch->entries[first].number != number)
		return NULL;
	return &watch->entries[first];
}

/* Gives an interrupt to a claim, unless it is somebody's. */
static void interrupt_claim(void *context, unsigned int number)
{
	struct claiming *claiming = context;
	struct watch_entry *entry = entry_find(claiming->watch, number);

	if (entry == NULL)
		return;
	claiming->found = true;
	if (entry->guest == claiming->guest)
		return;
	if (entry->guest == NULL && claiming->rival == NULL) {
		entry->guest = claiming->guest;
		entry->claim = claiming->claim;
		return;
	}
	/* What only is not to be moved, or is to go to the same CPUs, is no matter of dispute. */
	if (id_set_is_empty(&claiming->claim->cpus))
		return;
	if (entry->guest != NULL && id_set_equal(&claiming->claim->cpus, &entry->claim->cpus)) {
		entry->second = claiming->guest;
		return;
	}
	entry->refused = claiming->guest;
	entry->keeper = entry->guest != NULL ? entry->guest : claiming->rival;
}

/* The first isolated guest before the one of that index that is on some of these CPUs. */
static const struct watch_guest *rival_find(const struct watch *watch, size_t index,
					    const struct id_set *cpus)
{
	for (size_t i = 0; i < index; i++) {
		const struct interrupt_plan *plan = watch->guests[i]->plan;

		if (plan->isolate && id_set_meets(&plan->cpus, cpus))
			return watch->guests[i];
	}
	return NULL;
}

/*
 * Finds the device of a claim, where it was at the last look, if it still is: to look it up is
 * what takes the time, and a guest may have its interrupts come and go as it likes.
 */
static bool device_look(struct watch *watch, struct watch_guest *guest, size_t index,
			struct device *device)
{
	char **path = &guest->paths[index];

	*device = (struct device){.is_pci = true};
	if (*path != NULL && access(*path, F_OK) == 0) {
		strcpy(device->path, *path);
		return true;
	}
	free(*path);
	*path = NULL;
	if (device_find(watch->roots, guest->plan->claims[index].device, device, NULL) < 0)
		return false;
	/* A name such as that of a network interface may become another device's. */
	if (device->is_pci && guest->plan->claims[index].assigned)
		*path = strdup(device->path);
	return true;
}

/* Finds the interrupts of one claim. Returns whether there are any. */
static bool claim_match(struct watch *watch, size_t guest, size_t index)
{
	const struct interrupt_claim *claim = &watch->guests[guest]->plan->claims[index];
	struct claiming claiming = {watch, watch->guests[guest], claim,
				    rival_find(watch, guest, &claim->cpus), false};
	struct device device;

	if (!device_look(watch, watch->guests[guest], index, &device))
		return false;
	/* What the guest's command line says is its own must be; a mediated one always is. */
	if (claim->assigned && !device_is_mediated(claim->device) && !device_is_assigned(&device))
		return false;
	device_interrupts(&device, &watch->interrupts, &watch->list, interrupt_claim, &claiming);
	return claiming.found;
}

/* Finds whose each interrupt is. */
static void claims_match(struct watch *watch)
{
	for (size_t i = 0; i < watch->count; i++) {
		struct watch_entry *entry = &watch->entries[i];

		entry->guest = entry->second = entry->refused = entry->keeper = NULL;
		entry->claim = NULL;
		entry->crowded = NULL;
	}
	for (size_t i = 0; i < watch->guest_count; i++) {
		struct watch_guest *guest = watch->guests[i];

		for (size_t j = 0; j < guest->plan->count; j++)
			guest->found[j] = claim_match(watch, i, j);
	}
}

/* Finds that, but for one guest's own: of guests that together want all CPUs the first come first.
 */
static void isolation_find(const struct settling *settling, const struct watch_guest *but,
			   struct isolation *isolation)
{
	const struct watch *watch = settling->watch;
	struct id_set left = settling->online;

	*isolation = (struct isolation){0};
	for (size_t i = 0; i < watch->guest_count; i++) {
		const struct watch_guest *guest = watch->guests[i];
		struct id_set rest = left;

		if (guest == but || !guest->plan->isolate)
			continue;
		id_set_remove(&rest, &guest->plan->cpus);
		if (id_set_is_empty(&rest)) {
			isolation->crowded = guest;
			continue;
		}
		left = rest;
		id_set_join(&isolation->cpus, &guest->plan->cpus);
	}
}

/* Finds the CPUs of an interrupt that has none to itself: off those of isolated guests. */
static void entry_avoid(const struct settling *settling, struct watch_entry *entry,
			const struct id_set *base)
{
	struct isolation isolation = settling->isolation;
	struct id_set *wish = &entry->wish;

	if (entry->guest != NULL)
		isolation_find(settling, entry->guest, &isolation);
	entry->crowded = isolation.crowded;
	*wish = *base;
	if (!id_set_meets(base, &isolation.cpus))
		return;
	id_set_remove(wish, &isolation.cpus);
	if (id_set_meets(wish, &settling->online))
		return;
	*wish = settling->online;
	id_set_remove(wish, &isolation.cpus);
}

/* Finds the CPUs that an interrupt should have which would have `base` by itself. */
static void entry_wish(const struct settling *settling, struct watch_entry *entry,
		       const struct id_set *base)
{
	entry->wish = *base;
	if (settling->back)
		return;
	if (!watch_is_claimed(entry))
		entry_avoid(settling, entry, base);
	else if (id_set_meets(&entry->claim->cpus, &settling->online))
		entry->wish = entry->claim->cpus;
	else
		entry->crowded = entry->guest;
}

/* Whether a guest that is new asks for the interrupt to be elsewhere. */
static bool is_asked_anew(const struct watch_guest *fresh, const struct watch_entry *entry,
			  const struct id_set *now)
{
	return fresh != NULL &&
	       (entry->second == fresh || (entry->guest == fresh && watch_is_claimed(entry)) ||
		(fresh->plan->isolate && id_set_meets(&fresh->plan->cpus, now)));
}

/*
 * Somebody else has changed what was set here. In its first moments that is the driver, and
 * as long as it does not know better irqbalance: to them it would be so by itself. To a guest
 * that comes later it was so before. The kernel does it when no CPU is online any more of those
 * that were set; then it would be elsewhere by itself as before. Otherwise it is to stay so.
 */
static void entry_changed(const struct settling *settling, struct watch_entry *entry,
			  const struct id_set *now)
{
	struct watch *watch = settling->watch;
	char text[ID_SET_TEXT_SIZE];

	watch->unsaved = true;
	if (!id_set_meets(&entry->set, &settling->online)) {
		entry->set = *now;
		return;
	}
	if (entry->young_until != 0 || !irqbalance_is_settled(&watch->irqbalance) ||
	    is_asked_anew(settling->fresh, entry, now)) {
		entry->before = *now;
		return;
	}
	log_line("IRQ %u has been set to CPUs %s by somebody else, and is left there",
		 entry->number, id_set_format(now, text, sizeof(text)));
	entry->changed = false;
	entry->left = true;
}

/* Finds what is to become of an interrupt. */
static void entry_plan(const struct settling *settling, struct watch_entry *entry)
{
	struct watch *watch = settling->watch;
	struct id_set last;
	struct id_set now;
	int result;

	if (entry->fixed)
		return;
	if (!entry->changed && !watch_is_claimed(entry) &&
	    id_set_is_empty(&settling->isolation.cpus) && settling->isolation.crowded == NULL)
		return;
	result = interrupt_affinity(&watch->interrupts, entry->number, &now);
	entry->absent = result == -ENOENT;
	if (result < 0 || id_set_is_empty(&now))
		return;
	if (entry->changed && !id_set_equal(&now, &entry->set))
		entry_changed(settling, entry, &now);
	entry->left = entry->left && !is_asked_anew(settling->fresh, entry, &now);
	if (entry->left)
		return;
	last = entry->wish;
	entry_wish(settling, entry, entry->changed ? &entry->before : &now);
	if (id_set_equal(&entry->wish, &now)) {
		/* Where it is so by itself, there is nothing to put back. */
		entry->changed = entry->changed && !id_set_equal(&now, &entry->before);
		return;
	}
	/* What was given up is tried where it is to go elsewhere, as back, or for a new guest. */
	if (settling->fresh != NULL || !id_set_equal(&entry->wish, &last))
		entry->tries = 0;
	if (entry->tries == WATCH_TRIES_MAX)
		return;
	if (!entry->changed)
		entry->before = now;
	entry->pending = true;
	watch->unsaved = true;
}

/* Sets one affinity, which is written down. What is not tried again is added to `given_up`. */
static void entry_set(struct watch *watch, struct watch_entry *entry, struct ranges *given_up)
{
	const struct interrupt interrupt = {entry->number, entry->id};
	int result = interrupt_set_affinity(&watch->interrupts, &interrupt, &entry->wish);

	entry->failure = 0;
	if (result == -ENOENT) /* the next look will find it gone */
		return;
	if (result == 0) {
		entry->set = entry->wish;
		entry->changed = !id_set_equal(&entry->set, &entry->before);
		entry->tries = 0;
		watch->unsaved = watch->unsaved || !entry->changed;
		return;
	}
	watch->unsaved = true;
	if (result == -EIO) {
		entry->fixed = true;
		return;
	}
	entry->failure = result;
	entry->tries++;
	if (entry->tries < WATCH_TRIES_MAX)
		watch->stale = true;
	else if (entry->guest == NULL) /* else it is a note to that */
		ranges_add(given_up, entry->number);
}

int watch_online(const struct watch *watch, struct id_set *online)
{
	char path[PATH_MAX];
	char list[ID_SET_LIST_SIZE];
	ssize_t length;

	snprintf(path, sizeof(path), "%s/devices/system/cpu/online", watch->roots->sys);
	length = file_read(AT_FDCWD, path, list, sizeof(list));
	return length < 0 ? (int)length : id_set_read(online, list);
}

/* Writes the watch down where that is behind. Returns 0 or -errno. */
static int watch_save(struct watch *watch)
{
	int result = watch->unsaved ? watch_state_save(watch) : 0;

	watch->unsaved = result < 0;
	return result;
}

int watch_settle(struct watch *watch, bool back, const struct watch_guest *fresh)
{
	struct settling settling = {.watch = watch, .back = back, .fresh = fresh};
	struct ranges given_up = {0};
	int result = watch_online(watch, &settling.online);

	if (result < 0)
		return result;
	watch->online = settling.online;
	watch->stale = false;
	claims_match(watch);
	isolation_find(&settling, NULL, &settling.isolation);
	for (size_t i = 0; i < watch->count; i++)
		entry_plan(&settling, &watch->entries[i]);
	result = watch_save(watch);
	for (size_t i = 0; i < watch->count; i++) {
		struct watch_entry *entry = &watch->entries[i];

		/* What goes back was written down when it was changed. */
		if (entry->pending &&
		    (result == 0 || (entry->changed && id_set_equal(&entry->wish, &entry->before))))
			entry_set(watch, entry, &given_up);
	}
	for (size_t i = 0; i < watch->count; i++)
		watch->entries[i].pending = false;
	ranges_end(&given_up);
	if (given_up.text[0] != '\0')
		log_line("IRQ %s cannot be moved, and is left where it is", given_up.text);
	return result < 0 ? result : watch_save(watch);
}
