#include "guest_memory.h"
#include "page_demand.h"
#include "qemu_memory.h"
#include "size.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char sys[] = "/sys";

/* The plan in the making. */
struct planning {
	const struct rule *rule;
	const struct placement *placement;
	char *const *argv;               /* NULL: not known */
	const struct emulator *emulator; /* NULL: not known */
	struct guest_memory *memory;
	struct qemu_memory qemu; /* of argv */
	uint64_t page;           /* what huge pages there are to be; 0: none */
	char path[PATH_MAX];     /* for -mem-path; empty: none */
};

static int no_memory(struct error *error)
{
	return error_set(error, -ENOMEM, "out of memory for the guest's command line");
}

/* What a rule asks of the emulator, and from which version on it has that. */
static int support_check(const struct planning *planning, const char *feature, const char *option,
			 const char *version, struct error *error)
{
	if (planning->emulator == NULL || !emulator_lacks(planning->emulator, feature))
		return 0;
	return error_set(error, -ENOSYS, "%s needs QEMU %s or later, and %s has no '%s'", option,
			 version, planning->emulator->real, feature);
}

/* Memory that is an object is rewritten to what older emulators do not have. */
static int huge_objects_support(const struct planning *planning, struct error *error)
{
	int result = support_check(planning, EMULATOR_MEMFD, "hugepages=", "2.12", error);

	return result < 0 ? result
			  : support_check(planning, EMULATOR_CANONICAL, "hugepages=", "4.0", error);
}

/* What cannot be read would stay as it is, and may be the guest's RAM. */
static int readable_check(const struct planning *planning, struct error *error)
{
	const struct qemu_option *unread = &planning->qemu.unread;

	if (unread->name == NULL)
		return 0;
	return error_set(error, -EINVAL,
			 "there may be memory in -%.40s '%.200s', which cannot be read here",
			 unread->name, unread->value);
}

/*
 * -mem-prealloc would be for all memory, and QEMU has no way to except an object with
 * reserve=off from it.
 */
static int prealloc_check(const struct planning *planning, struct error *error)
{
	const struct qemu_memory *qemu = &planning->qemu;

	for (size_t i = 0; qemu->by_size && !qemu->prealloc && i < qemu->count; i++) {
		if (qemu->objects[i].object.sparse)
			return error_set(
			    error, -EINVAL,
			    "memory by -m cannot be allocated beforehand beside the "
			    "object '%.100s' with reserve=off: make it an object, too, "
			    "for -machine memory-backend=",
			    qemu->objects[i].object.id);
	}
	return 0;
}

/* What goes onto huge pages, and whether they are there. */
static int huge_pages_plan(struct planning *planning, struct error *error)
{
	struct guest_memory *memory = planning->memory;
	uint64_t page = planning->rule->huge_page;
	struct page_demand demand;
	int result = readable_check(planning, error);

	if (result < 0)
		return result;
	result = page_demand_find(&demand, page, &planning->qemu, planning->placement, error);
	if (result == 0)
		result = huge_supply_read(&memory->supply, sys, page, &demand.nodes, error);
	if (result == 0)
		result = page_demand_check(&demand, &memory->supply, error);
	if (result == 0 && demand.ram > 0)
		result = prealloc_check(planning, error);
	if (result == 0 && demand.ram > 0)
		result = huge_pages_mount("/proc/self/mountinfo", page, demand.ram, planning->path,
					  sizeof(planning->path), error);
	if (result == 0 && demand.objects > 0)
		result = huge_objects_support(planning, error);
	if (result == 0)
		memory->pages = demand.ram + demand.objects;
	page_demand_free(&demand);
	return result;
}

/* Without a command line: what the rule can have of this host. */
static int host_look(struct planning *planning, struct error *error)
{
	struct id_set nodes;
	bool evenly;
	int result = placement_memory_nodes(planning->placement, &nodes, &evenly, error);

	return result < 0 ? result
			  : huge_supply_read(&planning->memory->supply, sys,
					     planning->rule->huge_page, &nodes, error);
}

/* Words what stays as it is. Returns 0 or -ENOMEM. */
static int left_add(struct guest_memory *memory, const char *what, const char *why,
		    struct error *error)
{
	char *text;

	if (asprintf(&text, "%s%s%s (%s)", memory->left != NULL ? memory->left : "",
		     memory->left != NULL ? ", " : "", what, why) < 0)
		return no_memory(error);
	free(memory->left);
	memory->left = text;
	return 0;
}

/* Keeps a text that the new command line needs; NULL: out of memory. */
static int text_keep(struct guest_memory *memory, char *text, struct error *error)
{
	size_t count = 0;

	while (memory->texts[count] != NULL)
		count++;
	memory->texts[count] = text;
	return text == NULL ? no_memory(error) : 0;
}

/* Whether -mem-prealloc is added. */
static bool ram_is_allocated(const struct planning *planning)
{
	return planning->qemu.by_size && !planning->qemu.prealloc &&
	       (planning->rule->prealloc || *planning->path != '\0');
}

/* What is to become of an object. */
static struct memory_change object_change(const struct planning *planning,
					  const struct qemu_object *one)
{
	uint64_t page = planning->page;
	bool memfd = strcmp(one->object.type, EMULATOR_MEMFD) == 0;
	bool all = qemu_object_is_ram(one) && (one->object.plain || memfd);

	return (struct memory_change){
	    .huge_page = page != 0 && qemu_object_takes_pages(one, page) ? page : 0,
	    .prealloc = planning->rule->prealloc && all ? CHOICE_ON
			: ram_is_allocated(planning)    ? CHOICE_OFF
							: CHOICE_NONE,
	    .merge = planning->rule->ksm,
	};
}

static int object_plan(struct planning *planning, const struct qemu_object *one,
		       struct error *error)
{
	struct guest_memory *memory = planning->memory;
	struct memory_change change = object_change(planning, one);
	const char *why = one->object.type;
	char *text;

	if (one->object.sparse)
		why = "reserve=off";
	else if (one->user != NULL && *one->user != '-')
		why = one->user;
	if (((change.huge_page == 0 && planning->page != 0) ||
	     (change.prealloc != CHOICE_ON && planning->rule->prealloc)) &&
	    left_add(memory, one->object.id, why, error) < 0)
		return -ENOMEM;
	if (memory_object_change(&one->object, &change, &text) < 0)
		return no_memory(error);
	if (text == NULL)
		return 0;
	memory->argv[one->index] = text;
	return text_keep(memory, text, error);
}

enum { OPTIONS_MAX = 5 }; /* words that are added */

/* Words the RAM that is no object, by options that hold for it alone. */
static int ram_plan(const struct planning *planning, const char **options, size_t *count,
		    struct error *error)
{
	const struct qemu_memory *qemu = &planning->qemu;
	struct guest_memory *memory = planning->memory;

	if (*planning->path != '\0') {
		char *path = strdup(planning->path);

		if (text_keep(memory, path, error) < 0)
			return -ENOMEM;
		options[(*count)++] = "-mem-path";
		options[(*count)++] = path;
	} else if (planning->page != 0 && left_add(memory, qemu->path, "-mem-path", error) < 0) {
		return -ENOMEM;
	}
	if (ram_is_allocated(planning))
		options[(*count)++] = "-mem-prealloc";
	return 0;
}

/* Makes the new command line; its options go behind the last -machine, which they add to. */
static int argv_plan(struct planning *planning, struct error *error)
{
	struct guest_memory *memory = planning->memory;
	const struct qemu_memory *qemu = &planning->qemu;
	const char *options[OPTIONS_MAX];
	char *const *argv = planning->argv;
	size_t added = 0;
	size_t count = 0;
	int result = 0;

	while (argv[count] != NULL)
		count++;
	memory->argv = calloc(count + OPTIONS_MAX + 1, sizeof(*memory->argv));
	memory->texts = calloc(qemu->count + 2, sizeof(*memory->texts));
	if (memory->argv == NULL || memory->texts == NULL)
		return no_memory(error);
	memcpy(memory->argv, argv, count * sizeof(*argv));
	for (size_t i = 0; i < qemu->count && result == 0; i++)
		result = object_plan(planning, &qemu->objects[i], error);
	if (planning->rule->ksm != CHOICE_NONE) {
		options[added++] = "-machine";
		options[added++] =
		    planning->rule->ksm == CHOICE_ON ? "mem-merge=on" : "mem-merge=off";
	}
	if (result == 0 && qemu->by_size)
		result = ram_plan(planning, options, &added, error);
	memmove(memory->argv + qemu->machine + added, memory->argv + qemu->machine,
		(count - qemu->machine) * sizeof(*argv));
	memcpy(memory->argv + qemu->machine, options, added * sizeof(*options));
	return result;
}

/* With hugepages=prefer: what stands against them is only warned of. */
static int huge_pages_or_not(struct planning *planning, struct error *warning, struct error *error)
{
	uint64_t page = planning->rule->huge_page;
	struct error reason;
	int result = huge_pages_check(sys, page, &reason);

	if (result == 0)
		result = planning->argv != NULL ? huge_pages_plan(planning, &reason)
						: host_look(planning, &reason);
	if (result == 0) {
		planning->page = page;
		/* Or all of it is left as it is. */
		if (planning->argv == NULL || planning->memory->pages > 0)
			planning->memory->huge_page = page;
		return 0;
	}
	if (result == -ENOMEM || !planning->rule->huge_pages_preferred)
		return error_set(error, result, "%s", reason.text);
	*planning->path = '\0';
	error_set(warning, 0, "%s; the guest gets normal pages", reason.text);
	return 0;
}

static int command_line_plan(struct planning *planning, struct error *error)
{
	const struct rule *rule = planning->rule;
	int result = 0;

	if (rule->prealloc || rule->ksm != CHOICE_NONE)
		result = readable_check(planning, error);
	if (result == 0 && rule->prealloc)
		result = prealloc_check(planning, error);
	if (result == 0 && rule->ksm != CHOICE_NONE)
		result = support_check(planning, EMULATOR_MEM_MERGE, "ksm=", "1.3", error);
	return result < 0 ? result : argv_plan(planning, error);
}

int guest_memory_plan(const struct rule *rule, const struct placement *placement,
		      char *const argv[], const struct emulator *emulator,
		      struct guest_memory *memory, struct error *warning, struct error *error)
{
	struct planning planning = {
	    .rule = rule,
	    .placement = placement,
	    .argv = argv,
	    .emulator = emulator,
	    .memory = memory,
	};
	int result = 0;

	*memory = (struct guest_memory){0};
	if (rule->huge_page == 0 && rule->ksm == CHOICE_NONE && !rule->prealloc)
		return 0;
	if (argv != NULL)
		result = qemu_memory_read(argv, &planning.qemu, error);
	if (result == 0 && rule->huge_page != 0)
		result = huge_pages_or_not(&planning, warning, error);
	if (result == 0 && argv != NULL)
		result = command_line_plan(&planning, error);
	qemu_memory_free(&planning.qemu);
	if (result < 0)
		guest_memory_free(memory);
	return result;
}

const char *guest_memory_pages(const struct guest_memory *memory, char *text, size_t size)
{
	char page[SIZE_TEXT_SIZE];

	size_format(memory->huge_page, page);
	if (memory->argv == NULL)
		snprintf(text, size, "%s", page);
	else
		snprintf(text, size, "%" PRIu64 " of %s", memory->pages, page);
	return text;
}

void guest_memory_free(struct guest_memory *memory)
{
	for (char **text = memory->texts; text != NULL && *text != NULL; text++)
		free(*text);
	free(memory->texts);
	free(memory->argv);
	huge_supply_free(&memory->supply);
	free(memory->left);
	*memory = (struct guest_memory){0};
}
