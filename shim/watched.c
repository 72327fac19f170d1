#include "watched.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

json_t *watched_load(const struct roots *roots)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/interrupts.json", roots->state);
	return json_load_file(path, 0, NULL);
}

/* What is written of that guest, or NULL. */
static const json_t *guest_find(const json_t *watched, pid_t pid, const char *started)
{
	json_t *guest;
	size_t i;

	json_array_foreach(json_object_get(watched, "guests"), i, guest)
	{
		const char *when = json_string_value(json_object_get(guest, "started"));

		if (json_integer_value(json_object_get(guest, "pid")) == pid && when != NULL &&
		    strcmp(when, started) == 0)
			return guest;
	}
	return NULL;
}

bool watched_has_guest(const json_t *watched, pid_t pid, const char *started)
{
	return guest_find(watched, pid, started) != NULL;
}

/* Whether a set is written there that is the same. */
static bool set_is(const json_t *json, const char *key, const struct id_set *set)
{
	const char *text = json_string_value(json_object_get(json, key));
	struct id_set written;

	return text != NULL && id_set_read(&written, text) == 0 && id_set_equal(&written, set);
}

static bool plan_has_claim(const struct interrupt_plan *plan, const json_t *claim)
{
	const char *device = json_string_value(json_object_get(claim, "device"));
	bool assigned = json_is_true(json_object_get(claim, "assigned"));

	for (size_t i = 0; device != NULL && i < plan->count; i++) {
		if (strcmp(plan->claims[i].device, device) == 0 &&
		    plan->claims[i].assigned == assigned &&
		    set_is(claim, "cpus", &plan->claims[i].cpus))
			return true;
	}
	return false;
}

bool watched_has_plan(const json_t *watched, pid_t pid, const char *started,
		      const struct interrupt_plan *plan)
{
	const json_t *guest = guest_find(watched, pid, started);
	json_t *claim;
	size_t named = 0;
	size_t i;

	if (guest == NULL || json_is_true(json_object_get(guest, "isolate")) != plan->isolate ||
	    (plan->isolate && !set_is(guest, "cpus", &plan->cpus)))
		return false;
	json_array_foreach(json_object_get(guest, "claims"), i, claim)
	{
		if (!plan_has_claim(plan, claim))
			return false;
		named += !json_is_true(json_object_get(claim, "assigned"));
	}
	for (i = 0; i < plan->count; i++)
		named -= !plan->claims[i].assigned;
	return named == 0;
}

/* What is written of that interrupt, or NULL. */
static const json_t *interrupt_find(const json_t *watched, unsigned int number)
{
	json_t *interrupt;
	size_t i;

	json_array_foreach(json_object_get(watched, "interrupts"), i, interrupt)
	{
		if (json_integer_value(json_object_get(interrupt, "number")) == number)
			return interrupt;
	}
	return NULL;
}

bool watched_set(const json_t *watched, unsigned int number, struct id_set *cpus)
{
	const json_t *interrupt = interrupt_find(watched, number);
	const char *set = json_string_value(json_object_get(interrupt, "set"));

	return set != NULL && id_set_read(cpus, set) == 0;
}

bool watched_is_left(const json_t *watched, unsigned int number)
{
	return json_is_true(json_object_get(interrupt_find(watched, number), "left"));
}
