/* What every unit test begins with. */
#ifndef UNIT_H
#define UNIT_H

/* cmocka.h needs these before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <time.h>

/* TAP whatever the environment says, so that no result gets lost. */
#define RUN_TESTS(tests) \
	(cmocka_set_message_output(CM_OUTPUT_TAP), cmocka_run_group_tests(tests, NULL, NULL))

#define LENGTH_OF(array) (sizeof(array) / sizeof((array)[0]))

/* How many times longer the sanitizers may take than the plain build. */
#if defined(__SANITIZE_ADDRESS__)
enum { SLOWNESS = 20 };
#else
enum { SLOWNESS = 1 };
#endif

/* The processor time of this process: that of others on a busy machine does not count. */
static inline double milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* xorshift64*: the same numbers for the same seed everywhere. */
static inline unsigned int random_below(uint64_t *state, unsigned int limit)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return (unsigned int)(*state * UINT64_C(2685821657736338717) >> 33) % limit;
}

#endif
