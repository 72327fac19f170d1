/* Sets of CPUs, as the kernel lists them. */
#ifndef SETS_H
#define SETS_H

#include "id_set.h"
#include "unit.h"

static inline struct id_set set_of(const char *list)
{
	struct id_set set;

	assert_int_equal(id_set_read(&set, list), 0);
	return set;
}

#endif
