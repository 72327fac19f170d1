#include "check.h"
#include "screen.h"

#include <stdio.h>
#include <string.h>

enum { VIRSH_SECONDS = 10 };

/* Whether any guest of the rules is bound to memory. */
static bool any_is_bound(const struct check *check)
{
	for (size_t i = 0; i < check->glob_count; i++) {
		if (check->kept[i].memory > 0)
			return true;
	}
	return false;
}

/* Where libvirt does not answer there is nothing to compare with, which is no problem. */
static void guests_ask(struct check *check)
{
	struct progress progress;

	if (check->guests_asked)
		return;
	check->guests_asked = true;
	progress_start(&progress, "asking libvirt for its guests");
	check->guests_known =
	    virsh_list_memory(&check->guests, VIRSH_SECONDS, &progress, NULL) == 0;
	progress_end(&progress);
}

/* Finds the rule that the guest would get; returns its index, or how many there are. */
static size_t rule_find(const struct check *check, const char *guest)
{
	struct glob_name name;
	size_t index = 0;

	if (glob_name_set(&name, guest) < 0)
		return check->glob_count;
	while (index < check->glob_count) {
		const char *glob = check->globs[index].glob;

		if (glob_match(glob, strlen(glob), &name) == 1)
			break;
		index++;
	}
	return index;
}

static void check_guest(struct check *check, const struct virsh_guest *guest)
{
	size_t index = rule_find(check, guest->name);
	char text[ERROR_TEXT_SIZE];
	char wanted[16];
	char there[16];
	struct finding finding = {.text = text};

	if (index == check->glob_count || check->kept[index].memory == 0 ||
	    guest->memory <= check->kept[index].memory)
		return;
	snprintf(text, sizeof(text),
		 "guest '%.200s', as libvirt has it here, is of %s, and the rule's nodes have %s",
		 guest->name, screen_size(guest->memory, wanted, sizeof(wanted)),
		 screen_size(check->kept[index].memory, there, sizeof(there)));
	if (check->topology_path != NULL)
		text_add(text, sizeof(text), " in %s", check->topology_path);
	check_tell_kept(check, index, check->kept[index].nodes, &finding);
}

void check_guests(struct check *check)
{
	struct progress progress;

	if (!any_is_bound(check))
		return;
	guests_ask(check);
	progress_start(&progress, "comparing guests");
	for (size_t i = 0; i < check->guests.count; i++) {
		progress_show(&progress, i, check->guests.count);
		check_guest(check, &check->guests.at[i]);
	}
	progress_end(&progress);
}
