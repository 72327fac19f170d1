/* An -object of QEMU's read a second time, in the plainest way: JSON by jansson. */
#ifndef SLOW_OBJECT_H
#define SLOW_OBJECT_H

#include "memory_object.h"

/*
 * What memory_object_read() must make of a text, as far as this reader sees it. It ends the
 * program (REQUIRE) where that has made something else of it.
 */
void slow_object_check(const char *text, int result, const struct memory_object *object);

/*
 * A memory object that was changed: what may not change is the same, in the same place, and each
 * property that is new is one that this change has.
 */
void slow_change_check(const struct memory_object *object, const struct memory_change *change,
		       const char *text);

#endif
