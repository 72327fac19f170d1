#include "watch_guest.h"
#include "file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void watch_guest_free(struct watch_guest *guest)
{
	if (guest == NULL)
		return;
	if (guest->pidfd >= 0)
		close(guest->pidfd);
	if (guest->connection >= 0)
		close(guest->connection);
	for (size_t i = 0; i < INTERRUPT_CLAIMS_MAX; i++)
		free(guest->paths[i]);
	free(guest->plan);
	free(guest);
}

json_t *watch_set_write(const struct id_set *set)
{
	char text[ID_SET_LIST_SIZE];

	return json_string(id_set_is_empty(set) ? "" : id_set_format(set, text, sizeof(text)));
}

static json_t *claims_write(const struct interrupt_plan *plan)
{
	json_t *claims = json_array();

	for (size_t i = 0; i < plan->count; i++) {
		const struct interrupt_claim *claim = &plan->claims[i];

		json_array_append_new(claims, json_pack("{s:s, s:b, s:o}", "device", claim->device,
							"assigned", claim->assigned, "cpus",
							watch_set_write(&claim->cpus)));
	}
	return claims;
}

json_t *watch_guest_write(const struct watch_guest *guest)
{
	const struct interrupt_plan *plan = guest->plan;

	return json_pack("{s:s, s:s, s:s, s:i, s:s, s:b, s:o, s:o}", "name", guest->name, "rule",
			 guest->rule, "owner", guest->owner, "pid", (int)guest->pid, "started",
			 guest->started, "isolate", plan->isolate, "cpus",
			 watch_set_write(&plan->cpus), "claims", claims_write(plan));
}

/* Copies a string that fits. */
static bool copied(char *to, size_t size, const char *from)
{
	if (strlen(from) >= size)
		return false;
	strcpy(to, from);
	return true;
}

static bool claim_read(json_t *json, struct interrupt_claim *claim)
{
	const char *device;
	const char *cpus;
	int assigned;

	if (json_unpack(json, "{s:s, s:b, s:s}", "device", &device, "assigned", &assigned, "cpus",
			&cpus) < 0)
		return false;
	claim->assigned = assigned != 0;
	return copied(claim->device, sizeof(claim->device), device) &&
	       strchr(device, '/') == NULL && id_set_read(&claim->cpus, cpus) == 0;
}

/* Returns the plan, with room for its claims alone, or NULL. */
static struct interrupt_plan *plan_read(json_t *claims, const char *cpus, bool isolate)
{
	size_t count = json_array_size(claims);
	struct interrupt_plan *plan = NULL;
	bool good = json_is_array(claims) && count <= INTERRUPT_CLAIMS_MAX;

	if (good)
		plan = interrupt_plan_new(count);
	if (plan == NULL)
		return NULL;
	plan->isolate = isolate;
	good = id_set_read(&plan->cpus, cpus) == 0;
	for (; good && plan->count < count; plan->count++)
		good = claim_read(json_array_get(claims, plan->count), &plan->claims[plan->count]);
	if (good)
		return plan;
	free(plan);
	return NULL;
}

struct watch_guest *watch_guest_read(json_t *json)
{
	struct watch_guest *guest = calloc(1, sizeof(*guest));
	const char *name;
	const char *rule;
	const char *owner;
	const char *started;
	const char *cpus;
	json_t *claims;
	int isolate;
	int pid;

	if (guest == NULL)
		return NULL;
	guest->pidfd = -1;
	guest->connection = -1;
	if (json_unpack(json, "{s:s, s:s, s:s, s:i, s:s, s:b, s:s, s:o}", "name", &name, "rule",
			&rule, "owner", &owner, "pid", &pid, "started", &started, "isolate",
			&isolate, "cpus", &cpus, "claims", &claims) == 0 &&
	    pid > 0 && copied(guest->name, sizeof(guest->name), name) &&
	    copied(guest->rule, sizeof(guest->rule), rule) &&
	    copied(guest->owner, sizeof(guest->owner), owner) &&
	    copied(guest->started, sizeof(guest->started), started) &&
	    (guest->plan = plan_read(claims, cpus, isolate != 0)) != NULL) {
		guest->pid = pid;
		return guest;
	}
	watch_guest_free(guest);
	return NULL;
}
