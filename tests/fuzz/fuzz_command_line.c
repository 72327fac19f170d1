/*
 * The memory of a whole command line: what a plan changes of it are the objects that it says, and
 * words in one place; all else is the same, to the pointer. The pages that it takes add up.
 */
#include "fuzz.h"
#include "guest_memory.h"
#include "page_demand.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* "off prealloc interleave": KSM, prealloc=on, the placement's memory mode; what is else is not. */
static void rule_make(const char *words, struct rule *rule, struct placement *placement)
{
	*rule = (struct rule){.file = "fuzz", .line = 1};
	if (strstr(words, "off") != NULL)
		rule->ksm = CHOICE_OFF;
	else if (strstr(words, "on") != NULL)
		rule->ksm = CHOICE_ON;
	rule->prealloc = strstr(words, "prealloc") != NULL;
	*placement = (struct placement){0};
	placement->sets_memory = strstr(words, "nowhere") == NULL;
	if (strstr(words, "interleave") != NULL)
		placement->mode = MEMORY_INTERLEAVE;
	id_set_add(&placement->nodes, 0);
}

static size_t argv_count(char *const argv[])
{
	size_t count = 0;

	while (argv[count] != NULL)
		count++;
	return count;
}

/* The object that stands at that place; NULL: none does. */
static const struct memory_object *object_at(const struct qemu_memory *qemu, size_t index)
{
	for (size_t i = 0; i < qemu->count; i++) {
		if (qemu->objects[i].index == index)
			return &qemu->objects[i].object;
	}
	return NULL;
}

static void same_memory_check(const struct qemu_memory *before, const struct qemu_memory *after)
{
	REQUIRE(before->count == after->count && before->by_size == after->by_size);
	REQUIRE(before->size == after->size);
	for (size_t i = 0; i < before->count; i++) {
		const struct qemu_object *one = &before->objects[i];
		const struct qemu_object *other = &after->objects[i];

		REQUIRE(strcmp(one->object.id, other->object.id) == 0);
		REQUIRE(strcmp(one->object.type, other->object.type) == 0);
		REQUIRE(one->object.size == other->object.size);
		REQUIRE((one->user == NULL) == (other->user == NULL));
		REQUIRE(one->user == NULL || strcmp(one->user, other->user) == 0);
	}
}

/* The new command line beside the old one. */
static void argv_check(char *const argv[], char *const made[], const struct qemu_memory *qemu)
{
	size_t added = argv_count(made) - argv_count(argv);
	struct qemu_memory after;
	struct error error = {0};

	REQUIRE(argv_count(made) >= argv_count(argv));
	for (size_t i = 0; argv[i] != NULL; i++) {
		const char *now = made[i < qemu->machine ? i : i + added];

		REQUIRE(now == argv[i] || object_at(qemu, i) != NULL);
	}
	for (size_t i = qemu->machine; i < qemu->machine + added; i++)
		REQUIRE(strcmp(made[i], "-machine") == 0 || strcmp(made[i], "-mem-prealloc") == 0 ||
			strncmp(made[i], "mem-merge=o", strlen("mem-merge=o")) == 0);
	REQUIRE(qemu_memory_read(made, &after, &error) == 0);
	same_memory_check(qemu, &after);
	qemu_memory_free(&after);
}

/* What is planned once more changes no object that the first time has changed. */
static void again_check(char *const argv[], const struct rule *rule,
			const struct placement *placement)
{
	struct guest_memory memory;
	struct qemu_memory qemu;
	struct error warning = {0};
	struct error error = {0};
	size_t added;

	REQUIRE(qemu_memory_read(argv, &qemu, &error) == 0);
	REQUIRE(guest_memory_plan(rule, placement, argv, NULL, &memory, &warning, &error) == 0);
	if (memory.argv != NULL) {
		added = argv_count(memory.argv) - argv_count(argv);
		for (size_t i = 0; argv[i] != NULL; i++)
			REQUIRE(strcmp(memory.argv[i < qemu.machine ? i : i + added], argv[i]) ==
				0);
	}
	guest_memory_free(&memory);
	qemu_memory_free(&qemu);
}

static void plan_check(char *const argv[], const struct qemu_memory *qemu, const struct rule *rule,
		       const struct placement *placement)
{
	struct guest_memory memory;
	struct error warning = {0};
	struct error error = {0};
	bool asks = rule->ksm != CHOICE_NONE || rule->prealloc;
	int result = guest_memory_plan(rule, placement, argv, NULL, &memory, &warning, &error);

	REQUIRE(error_is_set(&error) == (result < 0));
	REQUIRE(result == 0 || (asks && result == -EINVAL));
	if (!asks)
		REQUIRE(memory.argv == NULL && memory.texts == NULL && memory.left == NULL);
	if (asks && result == 0) {
		REQUIRE(memory.argv != NULL);
		argv_check(argv, memory.argv, qemu);
		again_check(memory.argv, rule, placement);
	}
	guest_memory_free(&memory);
}

static void demand_check(const struct qemu_memory *qemu, const struct placement *placement,
			 uint64_t page)
{
	struct page_demand demand;
	struct error error = {0};
	uint64_t sum = 0;
	int result = page_demand_find(&demand, page, qemu, placement, &error);

	REQUIRE(error_is_set(&error) == (result < 0));
	for (size_t i = 0; i < demand.count; i++) {
		sum += demand.shares[i].pages;
		REQUIRE(id_set_holds(&demand.nodes, &demand.shares[i].nodes));
	}
	if (result == 0)
		REQUIRE(sum == demand.ram + demand.objects + demand.others);
	page_demand_free(&demand);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	char *words = fuzz_line(&input);
	char *text = fuzz_part(&input, NULL);
	char **argv = fuzz_argv(text);
	char **before = fuzz_argv(text);
	struct placement placement;
	struct qemu_memory qemu;
	struct error error = {0};
	struct rule rule;

	rule_make(words, &rule, &placement);
	REQUIRE(qemu_memory_read(argv, &qemu, &error) == 0);
	REQUIRE(qemu.machine >= 1 && qemu.machine <= argv_count(argv));
	for (size_t i = 0; i < qemu.count; i++)
		REQUIRE(qemu.objects[i].object.text == argv[qemu.objects[i].index]);
	plan_check(argv, &qemu, &rule, &placement);
	demand_check(&qemu, &placement, UINT64_C(2) << 20);
	demand_check(&qemu, &placement, UINT64_C(1) << 30);
	qemu_memory_free(&qemu);
	for (size_t i = 0; argv[i] != NULL; i++)
		REQUIRE(strcmp(argv[i], before[i]) == 0);
	fuzz_argv_free(argv);
	fuzz_argv_free(before);
	free(words);
	free(text);
	return 0;
}
