#include "watch.h"
#include "clock.h"
#include "log.h"
#include "watch_entry.h"
#include "watch_settle.h"
#include "watch_state.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { WATCH_RESTORE_STEP_MS = 50 };

static bool list_is_known(const struct watch *watch)
{
	if (watch->list.count != watch->count)
		return false;
	for (size_t i = 0; i < watch->count; i++) {
		if (watch->list.at[i].number != watch->entries[i].number ||
		    watch->list.at[i].id != watch->entries[i].id)
			return false;
	}
	return true;
}

/* Makes the entries those of the list; what is known of one that was there before stays. */
static int entries_renew(struct watch *watch, long long young_until)
{
	struct watch_entry *entries = calloc(watch->list.count + 1, sizeof(*entries));
	size_t old = 0;

	if (entries == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < watch->list.count; i++) {
		const struct interrupt *interrupt = &watch->list.at[i];

		while (old < watch->count && watch->entries[old].number < interrupt->number)
			old++;
		if (old < watch->count && watch->entries[old].number == interrupt->number &&
		    watch->entries[old].id == interrupt->id)
			entries[i] = watch->entries[old];
		else
			entries[i] = (struct watch_entry){.number = interrupt->number,
							  .id = interrupt->id,
							  .young_until = young_until};
	}
	free(watch->entries);
	watch->entries = entries;
	watch->count = watch->list.count;
	watch->stale = true;
	watch->unsaved = true;
	return 0;
}

/*
 * Says what irqbalance is to leave alone: what is where a guest wants it, and after that, for not
 * all may fit into its list, what is changed.
 */
static void irqbalance_want(struct watch *watch)
{
	struct irq_list wanted = {0};

	for (int claimed = 1; claimed >= 0; claimed--) {
		for (size_t i = 0; i < watch->count; i++) {
			const struct watch_entry *entry = &watch->entries[i];

			if (!entry->fixed && !entry->left &&
			    watch_is_claimed(entry) == (claimed == 1) &&
			    (entry->changed || claimed == 1))
				irq_list_add(&wanted, entry->number);
		}
	}
	watch->irqbalance.wanted = wanted;
}

/*
 * Goes on with irqbalance. What it has moved before it knew is moved again, as if that had been
 * a driver; and what it moves to CPUs of isolated guests, is looked for now and then.
 */
static void irqbalance_see_to(struct watch *watch, long long now)
{
	struct irq_list ours = watch->irqbalance.ours;

	if (irqbalance_turn(&watch->irqbalance)) {
		for (size_t i = 0; i < watch->count; i++) {
			if (watch->entries[i].changed)
				watch->entries[i].young_until = now + WATCH_YOUNG_MS;
		}
		watch->stale = true;
	}
	watch->unsaved = watch->unsaved || !irq_list_equal(&ours, &watch->irqbalance.ours);
	for (size_t i = 0; watch->irqbalance.pid > 0 && i < watch->guest_count; i++)
		watch->stale = watch->stale || (watch->guests[i]->plan->isolate &&
						now - watch->checked >= WATCH_CHECK_MS);
}

/* Looks which interrupts there are, and how old they are. */
static int entries_look(struct watch *watch)
{
	long long now = clock_milliseconds();
	int result = interrupts_list(&watch->interrupts, &watch->list);

	if (result == 0 && !list_is_known(watch))
		result = entries_renew(watch, now + WATCH_YOUNG_MS);
	watch->young = false;
	for (size_t i = 0; i < watch->count; i++) {
		struct watch_entry *entry = &watch->entries[i];

		if (entry->absent && interrupt_is_there(&watch->interrupts, entry->number)) {
			entry->absent = false;
			entry->young_until = now + WATCH_YOUNG_MS;
		}
		/* What was set in its last moments is seen by one more look. */
		if (entry->young_until < 0)
			entry->young_until = 0;
		else if (entry->young_until != 0 && entry->young_until <= now)
			entry->young_until = -1;
		watch->young = watch->young || entry->young_until != 0;
	}
	return result;
}

static int watch_failed(int code, struct error *error)
{
	return error_set(error, code, "the interrupts of this host cannot be seen to: %s",
			 strerror(-code));
}

/* Takes hold of a guest that was written down. Returns whether it still lives. */
static bool guest_hold(const struct watch *watch, struct watch_guest *guest)
{
	struct process_stat stat;
	char path[PATH_MAX];
	int directory;
	bool same;

	guest->pidfd = (int)syscall(SYS_pidfd_open, guest->pid, 0);
	if (guest->pidfd < 0)
		return false;
	snprintf(path, sizeof(path), "%s/%d", watch->roots->proc, guest->pid);
	directory = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (directory < 0)
		return false;
	same =
	    process_stat_read(directory, &stat) == 0 && strcmp(stat.started, guest->started) == 0;
	close(directory);
	return same;
}

/* An interrupt that was written down, but not set any more, is as it was, or somebody else's. */
static void entries_check(struct watch *watch)
{
	for (size_t i = 0; i < watch->count; i++) {
		struct watch_entry *entry = &watch->entries[i];
		struct id_set now;

		if (entry->changed &&
		    interrupt_affinity(&watch->interrupts, entry->number, &now) == 0 &&
		    id_set_equal(&now, &entry->before))
			entry->changed = false;
	}
}

int watch_open(struct watch *watch, const struct roots *roots, struct error *error)
{
	struct error reason = {0};
	size_t kept = 0;
	int result;

	*watch = (struct watch){.roots = roots};
	irqbalance_open(&watch->irqbalance, roots);
	result = interrupts_open(&watch->interrupts, roots);
	if (result == -ENOENT)
		return error_set(error, result,
				 "this kernel does not list its interrupts in /sys/kernel/irq "
				 "(it takes Linux 4.9)");
	if (result == 0)
		result = interrupts_list(&watch->interrupts, &watch->list);
	if (result == 0)
		result = entries_renew(watch, 0);
	if (result < 0)
		return watch_failed(result, error);
	if (watch_state_load(watch, &reason) < 0)
		log_line("%s", reason.text);
	for (size_t i = 0; i < watch->guest_count; i++) {
		if (guest_hold(watch, watch->guests[i]))
			watch->guests[kept++] = watch->guests[i];
		else
			watch_guest_free(watch->guests[i]);
	}
	watch->guest_count = kept;
	entries_check(watch);
	return 0;
}

/* What the entries say of a guest counts until the next settling, which may be without it. */
static void entries_forget(struct watch *watch, const struct watch_guest *guest)
{
	for (size_t i = 0; i < watch->count; i++) {
		struct watch_entry *entry = &watch->entries[i];

		if (entry->guest == guest) {
			entry->guest = NULL;
			entry->claim = NULL;
		}
		if (entry->second == guest)
			entry->second = NULL;
		if (entry->refused == guest || entry->keeper == guest)
			entry->refused = entry->keeper = NULL;
	}
}

/* The CPUs of all guests that are isolated. */
static struct id_set isolated_cpus(const struct watch *watch)
{
	struct id_set cpus = {0};

	for (size_t i = 0; i < watch->guest_count; i++) {
		if (watch->guests[i]->plan->isolate)
			id_set_join(&cpus, &watch->guests[i]->plan->cpus);
	}
	return cpus;
}

struct watch_guest *watch_find(const struct watch *watch, const char *owner)
{
	for (size_t i = 0; i < watch->guest_count; i++) {
		if (strcmp(watch->guests[i]->owner, owner) == 0)
			return watch->guests[i];
	}
	return NULL;
}

int watch_add(struct watch *watch, struct watch_guest *guest, struct error *note,
	      struct error *error)
{
	struct id_set isolated;
	int result;

	if (watch->guest_count == WATCH_GUESTS_MAX)
		return error_set(error, -EMFILE, "more than %d guests have irq= or isolate",
				 WATCH_GUESTS_MAX);
	result = entries_look(watch);
	if (result == 0) {
		watch->guests[watch->guest_count++] = guest;
		watch->unsaved = true;
		result = watch_settle(watch, false, guest);
		if (result == 0) {
			irqbalance_want(watch);
			irqbalance_look(&watch->irqbalance);
			watch_note(watch, guest, false, note);
			isolated = isolated_cpus(watch);
			irqbalance_note(&watch->irqbalance, guest->plan->isolate ? &isolated : NULL,
					note);
			return 0;
		}
		watch->guest_count--;
		entries_forget(watch, guest);
		watch->stale = true;
	}
	return watch_failed(result, error);
}

void watch_remove(struct watch *watch, struct watch_guest *guest)
{
	size_t kept = 0;

	entries_forget(watch, guest);
	for (size_t i = 0; i < watch->guest_count; i++) {
		if (watch->guests[i] != guest)
			watch->guests[kept++] = watch->guests[i];
	}
	watch->guest_count = kept;
	watch->stale = true;
	watch->unsaved = true;
	watch_guest_free(guest);
}

/* Says of each guest once what it does not get of interrupts that came later. */
static void notes_log(struct watch *watch)
{
	for (size_t i = 0; watch->young && i < watch->guest_count; i++) {
		struct watch_guest *guest = watch->guests[i];
		struct error note = {0};

		if (!guest->told)
			watch_note(watch, guest, true, &note);
		if (!error_is_set(&note))
			continue;
		guest->told = true;
		log_line("guest '%s': rule %s: %s", guest->name, guest->rule, note.text);
	}
}

void watch_turn(struct watch *watch)
{
	struct error error = {0};
	struct id_set online;
	int result = entries_look(watch);

	if (result == 0)
		result = watch_online(watch, &online);
	watch->stale = watch->stale || (result == 0 && !id_set_equal(&online, &watch->online));
	irqbalance_see_to(watch, clock_milliseconds());
	if (result == 0 && (watch->stale || watch->young || watch->unsaved)) {
		watch->checked = clock_milliseconds();
		result = watch_settle(watch, false, NULL);
		if (result == 0) {
			irqbalance_want(watch);
			notes_log(watch);
		}
	}
	if (result < 0 && !watch->failed) {
		watch_failed(result, &error);
		log_line("%s", error.text);
	}
	watch->failed = result < 0;
}

int watch_patience(const struct watch *watch)
{
	if (watch->guest_count == 0 && !watch->stale && !watch->unsaved &&
	    irqbalance_is_settled(&watch->irqbalance))
		return -1;
	return watch->young ? WATCH_TURN_YOUNG_MS : WATCH_TURN_MS;
}

void watch_restore(struct watch *watch)
{
	long long end = clock_milliseconds() + WATCH_RESTORE_MS;
	int result = entries_look(watch);

	if (result == 0)
		result = watch_settle(watch, true, NULL);
	if (result < 0)
		log_line("not all interrupts may be back: %s", strerror(-result));
	watch->irqbalance.wanted = (struct irq_list){0};
	while (!irqbalance_is_settled(&watch->irqbalance) && clock_milliseconds() < end) {
		(void)irqbalance_turn(&watch->irqbalance);
		(void)poll(NULL, 0, WATCH_RESTORE_STEP_MS);
	}
	(void)watch_state_save(watch);
}

void watch_close(struct watch *watch)
{
	for (size_t i = 0; i < watch->guest_count; i++)
		watch_guest_free(watch->guests[i]);
	interrupts_close(&watch->interrupts);
	irqbalance_close(&watch->irqbalance);
	free(watch->list.at);
	free(watch->entries);
}
