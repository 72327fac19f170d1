/*
 * What the agent before has written down of interrupts, as anything: what is read of it, written
 * again and read once more is the same, and the tool, which reads it, too, sees the same.
 */
#include "fuzz.h"
#include "watch_entry.h"
#include "watch_state.h"
#include "watched.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { NUMBER = 24, ENTRIES = 3, ID = 7 }; /* those that there are: 24 to 26, with inodes 7 to 9 */

/* A watch that has looked, and knows its interrupts. */
static struct watch *watch_new(const struct roots *roots)
{
	struct watch *watch = calloc(1, sizeof(*watch));

	REQUIRE(watch != NULL);
	watch->roots = roots;
	watch->entries = calloc(ENTRIES, sizeof(*watch->entries));
	REQUIRE(watch->entries != NULL && interrupts_open(&watch->interrupts, roots) == 0);
	irqbalance_open(&watch->irqbalance, roots);
	watch->count = ENTRIES;
	for (unsigned int i = 0; i < ENTRIES; i++) {
		watch->entries[i].number = NUMBER + i;
		watch->entries[i].id = ID + i;
	}
	return watch;
}

static void watch_free(struct watch *watch)
{
	for (size_t i = 0; i < watch->guest_count; i++)
		watch_guest_free(watch->guests[i]);
	interrupts_close(&watch->interrupts);
	irqbalance_close(&watch->irqbalance);
	free(watch->entries);
	free(watch);
}

static void guests_check(const struct watch *one, const struct watch *other)
{
	REQUIRE(one->guest_count == other->guest_count);
	for (size_t i = 0; i < one->guest_count; i++) {
		json_t *guest = watch_guest_write(one->guests[i]);
		json_t *again = watch_guest_write(other->guests[i]);

		REQUIRE(guest != NULL && again != NULL && json_equal(guest, again));
		json_decref(guest);
		json_decref(again);
	}
}

static void entries_check(const struct watch *one, const struct watch *other)
{
	for (size_t i = 0; i < ENTRIES; i++) {
		const struct watch_entry *entry = &one->entries[i];
		const struct watch_entry *again = &other->entries[i];

		REQUIRE(entry->changed == again->changed && entry->left == again->left);
		if (!entry->changed)
			continue;
		REQUIRE(id_set_equal(&entry->before, &again->before));
		REQUIRE(id_set_equal(&entry->set, &again->set));
	}
}

/* What is written there the tool finds. */
static void watched_check(const struct roots *roots, const struct watch *watch)
{
	json_t *watched = watched_load(roots);

	REQUIRE(watched != NULL || watch->guest_count == 0);
	for (size_t i = 0; i < watch->guest_count; i++) {
		const struct watch_guest *guest = watch->guests[i];

		REQUIRE(watched_has_guest(watched, guest->pid, guest->started));
		(void)watched_has_plan(watched, guest->pid, guest->started, guest->plan);
	}
	for (size_t i = 0; i < ENTRIES; i++) {
		const struct watch_entry *entry = &watch->entries[i];
		struct id_set cpus;

		REQUIRE(!entry->changed || watched_set(watched, entry->number, &cpus));
		REQUIRE(!entry->changed || id_set_equal(&cpus, &entry->set));
	}
	json_decref(watched);
}

static void again_check(const struct roots *roots, const struct watch *watch)
{
	struct watch *again = watch_new(roots);
	struct error error = {0};

	REQUIRE(watch_state_save(watch) == 0);
	REQUIRE(watch_state_load(again, &error) == 0);
	guests_check(watch, again);
	entries_check(watch, again);
	REQUIRE(irq_list_equal(&watch->irqbalance.ours, &again->irqbalance.ours));
	watched_check(roots, watch);
	watch_free(again);
}

/* Anything at all is looked at by the tool, too. */
static void any_check(const struct roots *roots)
{
	json_t *watched = watched_load(roots);
	struct interrupt_plan *plan = interrupt_plan_new(1);
	struct id_set cpus;

	REQUIRE(plan != NULL);
	(void)watched_has_plan(watched, 1, "1", plan);
	(void)watched_set(watched, NUMBER, &cpus);
	(void)watched_is_left(watched, NUMBER);
	free(plan);
	json_decref(watched);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char paths[3][PATH_MAX];
	struct roots roots = {
	    .sys = paths[0], .proc = paths[1], .state = paths[2], .owner = geteuid()};
	struct fuzz_input input = {data, size};
	struct error error = {0};
	struct watch *watch;
	int result;

	strcpy(paths[0], fuzz_path("sys"));
	strcpy(paths[1], fuzz_path("proc"));
	strcpy(paths[2], fuzz_path("agent"));
	fuzz_part_file(&input, "agent/interrupts.json");
	fuzz_file("sys/kernel/irq/24/actions", "eth0\n", strlen("eth0\n"));
	fuzz_part_file(&input, "proc/irq/24/smp_affinity_list");
	fuzz_part_file(&input, "proc/irq/25/smp_affinity_list");
	any_check(&roots);
	watch = watch_new(&roots);
	result = watch_state_load(watch, &error);
	REQUIRE(error_is_set(&error) == (result < 0));
	/* What was not understood leaves nothing. */
	REQUIRE(result == 0 || watch->guest_count == 0);
	if (result == 0)
		again_check(&roots, watch);
	watch_free(watch);
	return 0;
}
