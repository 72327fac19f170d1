#include "shadow.h"
#include "glob.h"

#include <stdlib.h>
#include <string.h>

static size_t literal_prefix(const char *glob)
{
	const char *end = glob + strlen(glob);
	const char *p = glob;

	while (p < end && strchr("*?[\\", *p) == NULL && !glob_is_group(p, end))
		p++;
	return (size_t)(p - glob);
}

/* By prefix: the bytes, then the length. */
static int compare_prefix(const char *one, size_t one_length, const char *other,
			  size_t other_length)
{
	size_t shorter = one_length < other_length ? one_length : other_length;
	int order = memcmp(one, other, shorter);

	if (order == 0)
		order = (one_length > other_length) - (one_length < other_length);
	return order;
}

static int compare_shadows(const void *one, const void *other)
{
	const struct shadow *left = one;
	const struct shadow *right = other;
	int order = compare_prefix(left->glob, left->prefix, right->glob, right->prefix);

	return order != 0 ? order : (left->order > right->order) - (left->order < right->order);
}

void shadow_sort(struct shadow *globs, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		globs[i].prefix = literal_prefix(globs[i].glob);
		globs[i].order = i;
	}
	qsort(globs, count, sizeof(*globs), compare_shadows);
}

/* The first of the globs whose prefix is not before the given one. */
static size_t lower_bound(const struct shadow *globs, size_t count, const char *prefix,
			  size_t length)
{
	size_t low = 0;

	while (count > 0) {
		size_t half = count / 2;
		const struct shadow *middle = &globs[low + half];

		if (compare_prefix(middle->glob, middle->prefix, prefix, length) < 0) {
			low += half + 1;
			count -= half + 1;
		} else {
			count = half;
		}
	}
	return low;
}

const struct shadow *shadow_find(const struct shadow *globs, size_t count, size_t index)
{
	const struct shadow *one = &globs[index];
	const struct shadow *found = NULL;

	/* A glob that covers this one begins with some beginning of its prefix. */
	for (size_t length = 0; length <= one->prefix; length++) {
		for (size_t i = lower_bound(globs, count, one->glob, length); i < count; i++) {
			const struct shadow *other = &globs[i];

			if (other->prefix != length || other->order >= one->order ||
			    memcmp(other->glob, one->glob, length) != 0)
				break;
			if (glob_covers(other->glob, one->glob)) {
				if (found == NULL || other->order < found->order)
					found = other;
				break;
			}
		}
	}
	return found;
}
