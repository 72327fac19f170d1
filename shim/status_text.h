/* Running guests on a screen: all in a table. */
#ifndef SHIM_STATUS_TEXT_H
#define SHIM_STATUS_TEXT_H

#include "guest_state.h"

/* The colour of a verdict. */
enum colour verdict_colour(enum verdict verdict);

/*
 * Prints all in a table, under it why those that are not placed are not, and how many there
 * are of each verdict. Where that is more than a terminal of so many `rows` shows at once, it is
 * what fits, what is not as it should be first, and how many more there are; 0: all in any case.
 * Returns 0 or -ENOMEM.
 */
int status_table_print(const struct guest_states *states, unsigned int rows);

#endif
