/* A set of CPU or node numbers. */
#ifndef SHIM_ID_SET_H
#define SHIM_ID_SET_H

#include <stdbool.h>
#include <stddef.h>

enum {
	ID_SET_SIZE = 8192, /* the most CPUs a kernel can be built for; nodes are fewer */
	ID_SET_WORD_BITS = 8 * sizeof(unsigned long),
	ID_SET_WORDS = ID_SET_SIZE / ID_SET_WORD_BITS,
	ID_SET_TEXT_SIZE = 256,             /* for a person to read, by id_set_format() */
	ID_SET_LIST_SIZE = 5 * ID_SET_SIZE, /* for any set, whole */
};

/* In the layout that sched_setaffinity(2) and set_mempolicy(2) take. */
struct id_set {
	unsigned long word[ID_SET_WORDS];
};

void id_set_add(struct id_set *set, unsigned int id); /* ids out of range are left out */
bool id_set_has(const struct id_set *set, unsigned int id);
bool id_set_is_empty(const struct id_set *set);
unsigned int id_set_count(const struct id_set *set);

/* Whether they have any in common. */
bool id_set_meets(const struct id_set *set, const struct id_set *other);

/* Whether all of `part` is in `set`. */
bool id_set_holds(const struct id_set *set, const struct id_set *part);

/*
 * Reads a list as the kernel writes it, "0-2,5", a newline at its end or not; the
 * empty one is the empty set. Returns 0 or -EINVAL.
 */
int id_set_read(struct id_set *set, const char *text);

/* Takes out of the set what is not in `other`. */
void id_set_cut(struct id_set *set, const struct id_set *other);

/* Takes out of the set what is in `other`. */
void id_set_remove(struct id_set *set, const struct id_set *other);

/* Adds to the set what is in `other`. */
void id_set_join(struct id_set *set, const struct id_set *other);

bool id_set_equal(const struct id_set *set, const struct id_set *other);

/*
 * Writes the set as the kernel writes its lists, "0-2,5", and "none" when empty.
 * What does not fit into `size` bytes ends in "...". Returns `text`.
 */
const char *id_set_format(const struct id_set *set, char *text, size_t size);

#endif
