#include "ranges.h"
#include "watch_entry.h"

#include <stdio.h>
#include <string.h>

enum { ABOUT_MAX = 4 };

/* One thing that can be said of an interrupt to a guest, and about whom or what it is. */
struct reason {
	bool (*applies)(const struct watch *watch, const struct watch_entry *entry,
			const struct watch_guest *guest, const void **about);
	void (*say)(const char *numbers, const void *about, struct error *note);
};

static void note_part(struct error *note)
{
	if (error_is_set(note))
		text_add(note->text, sizeof(note->text), "; ");
}

/* Whether the interrupt is another guest's, and on CPUs that this one wants for itself. */
static bool is_in_the_way(const struct watch_entry *entry, const struct watch_guest *guest)
{
	return guest->plan->isolate && entry->guest != NULL && entry->guest != guest &&
	       id_set_meets(&entry->claim->cpus, &guest->plan->cpus);
}

static bool is_another_guests(const struct watch *watch, const struct watch_entry *entry,
			      const struct watch_guest *guest, const void **about)
{
	(void)watch;
	*about = entry->refused == guest ? entry->keeper : entry->guest;
	return entry->refused == guest || is_in_the_way(entry, guest);
}

static void say_another_guests(const char *numbers, const void *about, struct error *note)
{
	const struct watch_guest *other = about;

	text_add(note->text, sizeof(note->text),
		 "guest '%s' was first: IRQ %s stays as that has it", other->name, numbers);
}

/* Whether somebody is interrupted by it on CPUs that the guest wants for itself. */
static bool disturbs(const struct watch *watch, const struct watch_entry *entry,
		     const struct watch_guest *guest)
{
	char actions[INTERRUPT_ACTIONS_SIZE];
	struct id_set cpus;

	return guest->plan->isolate && entry->guest == NULL &&
	       interrupt_delivery(&watch->interrupts, entry->number, &cpus) == 0 &&
	       id_set_meets(&cpus, &guest->plan->cpus) &&
	       interrupt_actions(&watch->interrupts, entry->number, actions) == 0 &&
	       *actions != '\0';
}

static bool is_fixed(const struct watch *watch, const struct watch_entry *entry,
		     const struct watch_guest *guest, const void **about)
{
	*about = "";
	return entry->fixed && (entry->guest == guest || disturbs(watch, entry, guest));
}

static void say_fixed(const char *numbers, const void *about, struct error *note)
{
	(void)about;
	text_add(note->text, sizeof(note->text),
		 "IRQ %s cannot be moved: the kernel manages it itself", numbers);
}

static bool is_crowded(const struct watch *watch, const struct watch_entry *entry,
		       const struct watch_guest *guest, const void **about)
{
	*about = "";
	return entry->crowded == guest && (entry->guest == guest || disturbs(watch, entry, guest));
}

static void say_crowded(const char *numbers, const void *about, struct error *note)
{
	(void)about;
	text_add(note->text, sizeof(note->text),
		 "IRQ %s stays where it is: no CPU that is online would be left for it", numbers);
}

static bool has_failed(const struct watch *watch, const struct watch_entry *entry,
		       const struct watch_guest *guest, const void **about)
{
	if (entry->failure == 0)
		return false;
	*about = strerror(-entry->failure);
	return entry->guest == guest || disturbs(watch, entry, guest);
}

static void say_failed(const char *numbers, const void *about, struct error *note)
{
	const char *why = about;

	text_add(note->text, sizeof(note->text), "IRQ %s cannot be moved: %s", numbers, why);
}

static const struct reason reasons[] = {
    {is_another_guests, say_another_guests},
    {is_fixed, say_fixed},
    {is_crowded, say_crowded},
    {has_failed, say_failed},
};

/* Whether it was told of already. */
static bool is_told(const void *const *told, size_t count, const void *about)
{
	for (size_t i = 0; i < count; i++) {
		if (told[i] == about)
			return true;
	}
	return false;
}

/*
 * Says one thing of all interrupts that it applies to and that are about the same, which none
 * of `told` is. Returns what they are about, or NULL where there are none.
 */
static const void *say_of_all(const struct watch *watch, const struct watch_guest *guest,
			      const struct reason *reason, bool young_only, const void *const *told,
			      size_t count, struct error *note)
{
	struct ranges ranges = {0};
	const void *same = NULL;
	const void *about;

	for (size_t i = 0; i < watch->count; i++) {
		const struct watch_entry *entry = &watch->entries[i];

		if ((young_only && entry->young_until == 0) ||
		    !reason->applies(watch, entry, guest, &about) || is_told(told, count, about))
			continue;
		if (same == NULL)
			same = about;
		if (about == same)
			ranges_add(&ranges, entry->number);
	}
	ranges_end(&ranges);
	if (same == NULL)
		return NULL;
	note_part(note);
	reason->say(ranges.text, same, note);
	return same;
}

void watch_note(const struct watch *watch, const struct watch_guest *guest, bool young_only,
		struct error *note)
{
	const void *told[ABOUT_MAX];

	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
		size_t count = 0;

		while (count < ABOUT_MAX &&
		       (told[count] = say_of_all(watch, guest, &reasons[i], young_only, told, count,
						 note)) != NULL)
			count++;
	}
	for (size_t i = 0; !young_only && i < guest->plan->count; i++) {
		const struct interrupt_claim *claim = &guest->plan->claims[i];

		/* Those of a device that is assigned come when the guest's driver asks for them. */
		if (claim->assigned || guest->found[i])
			continue;
		note_part(note);
		text_add(note->text, sizeof(note->text), "'%s' has no interrupts yet",
			 claim->device);
	}
}
