/* What is said of a running guest in one cell of a table, or in one line. "-": nothing. */
#ifndef SHIM_STATUS_CELLS_H
#define SHIM_STATUS_CELLS_H

#include "guest_state.h"

enum { STATUS_CELL_SIZE = 1024 };

void status_guest(const struct guest_state *state, char text[STATUS_CELL_SIZE]);
void status_pid(const struct guest_state *state, char text[STATUS_CELL_SIZE]);
void status_verdict(const struct guest_state *state, char text[STATUS_CELL_SIZE]);
void status_rule(const struct guest_state *state, char text[STATUS_CELL_SIZE]);

/* CPUs and memory policy, as the rule wants them and as they are: "0-1 bind 0". */
void status_wanted(const struct guest_state *state, char text[STATUS_CELL_SIZE]);
void status_actual(const struct guest_state *state, char text[STATUS_CELL_SIZE]);

/* The CPUs that its virtual CPUs ran on last. */
void status_vcpus(const struct guest_state *state, char text[STATUS_CELL_SIZE]);

/* Its memory, "3.9G", and which part of it is on the rule's nodes, "99.8 %". */
void status_memory(const struct guest_state *state, char text[STATUS_CELL_SIZE]);
void status_share(const struct guest_state *state, char text[STATUS_CELL_SIZE]);

/* The pages on one of its nodes, "3:12+64", and on all; behind a plus are those of hugetlbfs. */
void status_node(const struct guest_state *state, size_t index, char text[STATUS_CELL_SIZE]);
void status_pages(const struct guest_state *state, char text[STATUS_CELL_SIZE]);

/* Its pages of hugetlbfs: how many, and in words. */
uint64_t status_huge_pages(const struct guest_state *state);
void status_huge(const struct guest_state *state, char text[STATUS_CELL_SIZE]);

/* How many of the interrupts that its rule names are where it says, "2 of 3". */
void status_irqs(const struct guest_state *state, char text[STATUS_CELL_SIZE]);

#endif
