#include "json_memory.h"

#include <stdlib.h>

static unsigned int failures;

void *json_memory_take(size_t size)
{
	void *memory = malloc(size);

	failures += memory == NULL;
	return memory;
}

unsigned int json_memory_failures(void)
{
	return failures;
}
