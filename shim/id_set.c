#include "id_set.h"

#include "spec.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

void id_set_add(struct id_set *set, unsigned int id)
{
	if (id < ID_SET_SIZE)
		set->word[id / ID_SET_WORD_BITS] |= 1UL << id % ID_SET_WORD_BITS;
}

bool id_set_has(const struct id_set *set, unsigned int id)
{
	return id < ID_SET_SIZE && (set->word[id / ID_SET_WORD_BITS] >> id % ID_SET_WORD_BITS & 1);
}

unsigned int id_set_count(const struct id_set *set)
{
	unsigned int count = 0;

	for (size_t i = 0; i < ID_SET_WORDS; i++)
		count += (unsigned int)__builtin_popcountl(set->word[i]);
	return count;
}

bool id_set_is_empty(const struct id_set *set)
{
	return id_set_count(set) == 0;
}

bool id_set_meets(const struct id_set *set, const struct id_set *other)
{
	for (size_t i = 0; i < ID_SET_WORDS; i++) {
		if (set->word[i] & other->word[i])
			return true;
	}
	return false;
}

bool id_set_holds(const struct id_set *set, const struct id_set *part)
{
	for (size_t i = 0; i < ID_SET_WORDS; i++) {
		if (part->word[i] & ~set->word[i])
			return false;
	}
	return true;
}

bool id_set_equal(const struct id_set *set, const struct id_set *other)
{
	return memcmp(set, other, sizeof(*set)) == 0;
}

void id_set_cut(struct id_set *set, const struct id_set *other)
{
	for (size_t i = 0; i < ID_SET_WORDS; i++)
		set->word[i] &= other->word[i];
}

void id_set_remove(struct id_set *set, const struct id_set *other)
{
	for (size_t i = 0; i < ID_SET_WORDS; i++)
		set->word[i] &= ~other->word[i];
}

void id_set_join(struct id_set *set, const struct id_set *other)
{
	for (size_t i = 0; i < ID_SET_WORDS; i++)
		set->word[i] |= other->word[i];
}

int id_set_read(struct id_set *set, const char *text)
{
	char list[ID_SET_LIST_SIZE];
	size_t length = strcspn(text, "\n");
	struct spec spec;
	struct spec_item item;
	int result;

	memset(set, 0, sizeof(*set));
	if (length >= sizeof(list) || (text[length] == '\n' && text[length + 1] != '\0'))
		return -EINVAL;
	memcpy(list, text, length);
	list[length] = '\0';
	if (length == 0)
		return 0;
	spec_start(&spec, SPEC_CPUS, list);
	while ((result = spec_next(&spec, &item, NULL)) > 0) {
		if (item.all || spec.inverted || spec.relative)
			return -EINVAL;
		for (unsigned int id = item.first; id <= item.last; id++)
			id_set_add(set, id);
	}
	return result;
}

const char *id_set_format(const struct id_set *set, char *text, size_t size)
{
	size_t used = 0;

	snprintf(text, size, "none");
	for (unsigned int id = 0; id < ID_SET_SIZE; id++) {
		char range[sizeof(",8191-8191")];
		unsigned int last;

		if (set->word[id / ID_SET_WORD_BITS] == 0)
			id |= ID_SET_WORD_BITS - 1; /* to the word's last: there are mostly few */
		if (!id_set_has(set, id))
			continue;
		last = id;
		while (id_set_has(set, last + 1))
			last++;
		snprintf(range, sizeof(range), last > id ? "%s%u-%u" : "%s%u", used > 0 ? "," : "",
			 id, last);
		if (used + strlen(range) + sizeof("...") > size) {
			strcpy(text + used, "...");
			break;
		}
		strcpy(text + used, range);
		used += strlen(range);
		id = last;
	}
	return text;
}
