/* Time that only goes forward. */
#ifndef SHIM_CLOCK_H
#define SHIM_CLOCK_H

#include <time.h>

/* Milliseconds since some moment, whatever is done to the time of day. */
static inline long long clock_milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

#endif
