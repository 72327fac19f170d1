/*
 * The memory of a whole command line: what a plan changes of it are the objects that it says, and
 * words in one place; all else is the same, to the pointer. The pages that it takes add up.
 */
#include "fuzz.h"
#include "guest_memory.h"
#include "huge_world.h"
#include "page_demand.h"
#include "slow_object.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/*
 * "2M prefer free=64 reserved=1 elsewhere=8 unmounted off prealloc interleave": huge pages, those
 * that there are on node 0, on others, KSM, prealloc=on, the placement's memory mode; what is else
 * is not.
 */
static void rule_make(const char *words, struct rule *rule, struct placement *placement)
{
	*rule = (struct rule){.file = "fuzz", .line = 1};
	if (strstr(words, "off") != NULL)
		rule->ksm = CHOICE_OFF;
	else if (strstr(words, "on") != NULL)
		rule->ksm = CHOICE_ON;
	rule->prealloc = strstr(words, "prealloc") != NULL;
	if (strstr(words, "2M") != NULL)
		rule->huge_page = UINT64_C(2) << 20;
	else if (strstr(words, "1G") != NULL)
		rule->huge_page = UINT64_C(1) << 30;
	rule->huge_pages_preferred = strstr(words, "prefer") != NULL;
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

/* What a plan of huge pages comes to. */
struct expected {
	uint64_t ram;     /* pages for -m */
	uint64_t objects; /* pages for objects */
	uint64_t others;  /* pages that are taken without the rule */
	bool refused;     /* whatever is free */
	bool unsure;      /* it is of other files or nodes, too, how many are needed */
};

static bool goes_onto_pages(const struct qemu_object *one, uint64_t page)
{
	if (page == 0 || strcmp(one->object.type, "memory-backend-ram") != 0 || one->object.sparse)
		return false;
	if (one->user == NULL)
		return one->object.size % page == 0;
	return *one->user == '-' || (strcmp(one->user, "pc-dimm") == 0 && page <= 2 << 20);
}

static bool any_is_sparse(const struct qemu_memory *qemu)
{
	for (size_t i = 0; i < qemu->count; i++) {
		if (qemu->objects[i].object.sparse)
			return true;
	}
	return false;
}

static struct expected expected_find(const struct qemu_memory *qemu, uint64_t page)
{
	struct expected expected = {.refused = qemu->unread.name != NULL};

	for (size_t i = 0; i < qemu->count; i++) {
		const struct memory_object *object = &qemu->objects[i].object;

		if (goes_onto_pages(&qemu->objects[i], page)) {
			expected.objects += object->size / page;
			expected.refused = expected.refused || object->size % page != 0;
		} else if (object->hugetlb && object->hugetlb_size == page && !object->sparse) {
			expected.others += object->size / page + (object->size % page != 0);
		}
		if (object->path != NULL || object->policy != NULL)
			expected.unsure = true;
	}
	if (!qemu->by_size)
		return expected;
	if (qemu->path != NULL) {
		expected.unsure = true;
		return expected;
	}
	expected.ram = qemu->size / page + (qemu->size % page != 0);
	if (qemu->size < page || !huge_mounted || (!qemu->prealloc && any_is_sparse(qemu)))
		expected.refused = true;
	return expected;
}

/* The guest has huge pages where it can, and is refused or warned of where not. */
static void supply_check(const struct qemu_memory *qemu, const struct rule *rule,
			 const struct expected *expected, int result, bool warned)
{
	uint64_t pages = expected->ram + expected->objects;
	bool possible = !expected->refused && (pages == 0 || pages <= huge_available);
	bool certain = possible && (pages == 0 || pages + expected->others <= huge_available);
	bool granted = result == 0 && !warned;

	REQUIRE(granted <= possible);
	if (result == 0)
		REQUIRE(!warned || rule->huge_pages_preferred);
	if (!certain || expected->unsure)
		return;
	REQUIRE(!warned);
	if (!rule->prealloc || !qemu->by_size || qemu->prealloc || !any_is_sparse(qemu))
		REQUIRE(granted);
}

/* The words that are added, in their order. */
static size_t words_expected(const struct qemu_memory *qemu, const struct rule *rule, bool by_path,
			     const char *words[5])
{
	size_t count = 0;

	if (rule->ksm != CHOICE_NONE) {
		words[count++] = "-machine";
		words[count++] = rule->ksm == CHOICE_ON ? "mem-merge=on" : "mem-merge=off";
	}
	if (by_path) {
		words[count++] = "-mem-path";
		words[count++] = huge_mount;
	}
	if (qemu->by_size && !qemu->prealloc && (rule->prealloc || by_path))
		words[count++] = "-mem-prealloc";
	return count;
}

/* An object before and after; what may have changed, if it is one that goes onto huge pages. */
static void object_check(const struct qemu_object *one, const struct qemu_object *other,
			 struct memory_change change)
{
	const struct memory_object *before = &one->object;
	const struct memory_object *after = &other->object;

	REQUIRE(strcmp(before->id, after->id) == 0 && before->size == after->size);
	REQUIRE(before->sparse == after->sparse);
	REQUIRE((one->user == NULL) == (other->user == NULL));
	REQUIRE(one->user == NULL || strcmp(one->user, other->user) == 0);
	slow_object_check(after->text, OBJECT_MEMORY, after);
	if (goes_onto_pages(one, change.huge_page)) {
		REQUIRE(strcmp(after->type, "memory-backend-memfd") == 0 && after->prealloc_given);
		REQUIRE(after->hugetlb && after->hugetlb_size == change.huge_page);
	} else {
		change.huge_page = 0;
		REQUIRE(strcmp(before->type, after->type) == 0);
		REQUIRE(before->hugetlb == after->hugetlb);
		REQUIRE(before->hugetlb_size == after->hugetlb_size);
	}
	if (after->text != before->text)
		slow_change_check(before, &change, after->text);
}

/* The new command line beside the old one; its memory is on pages of that size. */
static void argv_check(char *const argv[], char *const made[], const struct qemu_memory *qemu,
		       const struct rule *rule, uint64_t page)
{
	bool by_path = page != 0 && qemu->by_size && qemu->path == NULL;
	struct memory_change change = {page, CHOICE_NONE, rule->ksm};
	const char *words[5];
	size_t added = words_expected(qemu, rule, by_path, words);
	struct qemu_memory after;
	struct error error = {0};

	REQUIRE(argv_count(made) == argv_count(argv) + added);
	for (size_t i = 0; argv[i] != NULL; i++) {
		const char *now = made[i < qemu->machine ? i : i + added];

		REQUIRE(now == argv[i] || object_at(qemu, i) != NULL);
	}
	for (size_t i = 0; i < added; i++)
		REQUIRE(strcmp(made[qemu->machine + i], words[i]) == 0);
	REQUIRE(qemu_memory_read(made, &after, &error) == 0);
	REQUIRE(qemu->count == after.count && qemu->by_size == after.by_size);
	REQUIRE(qemu->size == after.size);
	if (rule->prealloc || by_path)
		change.prealloc = CHOICE_ON;
	for (size_t i = 0; i < qemu->count; i++)
		object_check(&qemu->objects[i], &after.objects[i], change);
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
	bool asks = rule->ksm != CHOICE_NONE || rule->prealloc || rule->huge_page != 0;
	int result = guest_memory_plan(rule, placement, argv, NULL, &memory, &warning, &error);
	uint64_t page = error_is_set(&warning) ? 0 : rule->huge_page;
	struct expected expected = {0};

	REQUIRE(error_is_set(&error) == (result < 0));
	REQUIRE(result == 0 || (asks && result == -EINVAL) ||
		(rule->huge_page != 0 && (result == -ENOSPC || result == -ENOENT)));
	if (rule->huge_page != 0) {
		expected = expected_find(qemu, rule->huge_page);
		expected.unsure = expected.unsure || !placement->sets_memory;
		supply_check(qemu, rule, &expected, result, error_is_set(&warning));
	}
	if (!asks)
		REQUIRE(memory.argv == NULL && memory.texts == NULL && memory.left == NULL);
	if (asks && result == 0) {
		REQUIRE(memory.argv != NULL);
		REQUIRE(memory.pages == (page != 0 ? expected.ram + expected.objects : 0));
		REQUIRE(memory.huge_page == (memory.pages > 0 ? page : 0));
		argv_check(argv, memory.argv, qemu, rule, page);
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

/* What is memory of the objects on the command line is known, as it is to a plain reader. */
static void objects_check(char *const argv[], const struct qemu_memory *qemu)
{
	struct qemu_option option;
	size_t index = 1;
	size_t count = 0;

	while (qemu_args_next(argv, &index, &option)) {
		struct memory_object object;
		struct error error = {0};
		int result;

		if (strcmp(option.name, "object") != 0)
			continue;
		result = memory_object_read(option.value, &object, &error);
		slow_object_check(option.value, result, &object);
		REQUIRE((result == OBJECT_MEMORY) == (object_at(qemu, option.index) != NULL));
		REQUIRE(result != OBJECT_UNREAD || qemu->unread.name != NULL);
		count += result == OBJECT_MEMORY;
		memory_object_free(&object);
	}
	REQUIRE(count == qemu->count);
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
	if (rule.huge_page != 0)
		huge_world_make(words, rule.huge_page);
	REQUIRE(qemu_memory_read(argv, &qemu, &error) == 0);
	REQUIRE(qemu.machine >= 1 && qemu.machine <= argv_count(argv));
	for (size_t i = 0; i < qemu.count; i++)
		REQUIRE(qemu.objects[i].object.text == argv[qemu.objects[i].index]);
	objects_check(argv, &qemu);
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
