/* hwloc's sets of CPUs and nodes as ours. */
#ifndef SHIM_BITMAP_SET_H
#define SHIM_BITMAP_SET_H

#include "id_set.h"

#include <hwloc.h>

/* Makes `set` what is in the bitmap; NULL, or one without an end, is empty. */
void bitmap_set(struct id_set *set, hwloc_const_bitmap_t bitmap);

#endif
