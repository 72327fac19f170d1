/* Running guests on a screen: all in a table. */
#ifndef SHIM_STATUS_TEXT_H
#define SHIM_STATUS_TEXT_H

#include "guest_state.h"

/* The colour of a verdict. */
enum colour verdict_colour(enum verdict verdict);

/*
 * Prints all in a table, under it why those that are not placed are not, and how many there
 * are of each verdict. Returns 0 or -ENOMEM.
 */
int status_table_print(const struct guest_states *states);

#endif
