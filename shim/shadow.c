#include "shadow.h"
#include "glob.h"

#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

static size_t literal_prefix(const char *glob)
{
	const char *end = glob + strlen(glob);
	const char *p = glob;

	while (p < end && strchr("*?[\\", *p) == NULL && !glob_is_group(p, end))
		p++;
	return (size_t)(p - glob);
}

/* Counts only letters that are literal wherever they stand at the end of a glob. */
static size_t literal_suffix(const char *glob, size_t length)
{
	size_t suffix = 0;

	while (suffix < length && strchr("*?[]()|!^@+\\", glob[length - suffix - 1]) == NULL)
		suffix++;
	return suffix;
}

/* What globs are sorted and looked up by; the suffix is compared from its end. */
struct key {
	const char *prefix;
	size_t prefix_length;
	const char *end;
	size_t suffix_length;
};

static struct key key_of(const struct shadow *one)
{
	return (struct key){one->glob, one->prefix, one->glob + one->length, one->suffix};
}

static int compare_lengths(size_t one, size_t other)
{
	return (one > other) - (one < other);
}

static int compare_prefix(const struct key *one, const struct key *other)
{
	size_t shorter =
	    one->prefix_length < other->prefix_length ? one->prefix_length : other->prefix_length;
	int order = memcmp(one->prefix, other->prefix, shorter);

	return order != 0 ? order : compare_lengths(one->prefix_length, other->prefix_length);
}

static int compare_suffix(const struct key *one, const struct key *other)
{
	for (size_t i = 1; i <= one->suffix_length && i <= other->suffix_length; i++) {
		if (one->end[-(ssize_t)i] != other->end[-(ssize_t)i])
			return one->end[-(ssize_t)i] < other->end[-(ssize_t)i] ? -1 : 1;
	}
	return compare_lengths(one->suffix_length, other->suffix_length);
}

static int compare_both(const struct key *one, const struct key *other)
{
	int order = compare_prefix(one, other);

	return order != 0 ? order : compare_suffix(one, other);
}

static int compare_shadows(const void *one, const void *other)
{
	const struct shadow *left = one;
	const struct shadow *right = other;
	struct key left_key = key_of(left);
	struct key right_key = key_of(right);
	int order = compare_both(&left_key, &right_key);

	return order != 0 ? order : compare_lengths(left->order, right->order);
}

void shadow_sort(struct shadow *globs, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		globs[i].length = strlen(globs[i].glob);
		globs[i].prefix = literal_prefix(globs[i].glob);
		globs[i].suffix = literal_suffix(globs[i].glob, globs[i].length);
		globs[i].order = i;
	}
	qsort(globs, count, sizeof(*globs), compare_shadows);
}

/* The first of the globs from `low` on that is not before the key. */
static size_t lower_bound(const struct shadow *globs, size_t low, size_t count,
			  const struct key *key,
			  int (*compare)(const struct key *, const struct key *))
{
	size_t high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		struct key key_there = key_of(&globs[middle]);

		if (compare(&key_there, key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* So many globs that begin and end alike are compared with one. */
enum { ALIKE_MAX = 1000 };

/* Of the globs with exactly this prefix and suffix, the first that covers `one`. */
static const struct shadow *cover_find(const struct shadow *globs, size_t low, size_t count,
				       const struct key *key, const struct shadow *one)
{
	size_t i = lower_bound(globs, low, count, key, compare_both);

	for (size_t alike = 0; i < count && alike < ALIKE_MAX; i++, alike++) {
		struct key key_there = key_of(&globs[i]);

		if (globs[i].order >= one->order || compare_both(&key_there, key) != 0)
			return NULL;
		if (glob_covers(globs[i].glob, one->glob))
			return &globs[i];
	}
	return NULL;
}

const struct shadow *shadow_find(const struct shadow *globs, size_t count, size_t index)
{
	const struct shadow *one = &globs[index];
	const struct shadow *found = NULL;
	struct key key = key_of(one);

	/* A glob that covers this one begins with a beginning of its prefix, and ends so, too. */
	for (key.prefix_length = 0; key.prefix_length <= one->prefix; key.prefix_length++) {
		size_t low = lower_bound(globs, 0, count, &key, compare_prefix);
		struct key there;

		if (low == count ||
		    (there = key_of(&globs[low]), compare_prefix(&there, &key) != 0))
			continue;
		for (key.suffix_length = 0; key.suffix_length <= one->suffix; key.suffix_length++) {
			const struct shadow *cover = cover_find(globs, low, count, &key, one);

			if (cover != NULL && (found == NULL || cover->order < found->order))
				found = cover;
		}
	}
	return found;
}
