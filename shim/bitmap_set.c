#include "bitmap_set.h"

#include <string.h>

void bitmap_set(struct id_set *set, hwloc_const_bitmap_t bitmap)
{
	int id;

	*set = (struct id_set){0};
	/* One that has no last is "all there can be", which no host has. */
	if (bitmap == NULL || hwloc_bitmap_weight(bitmap) < 0)
		return;
	for (id = hwloc_bitmap_first(bitmap); id >= 0; id = hwloc_bitmap_next(bitmap, id))
		id_set_add(set, (unsigned int)id);
}
