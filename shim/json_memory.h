/*
 * Whether jansson has run out of memory. It tells so by a NULL at best; a text that it reads may
 * as well be "no JSON" then, and one that it writes lacks a word (jansson 2.14, dump.c).
 */
#ifndef SHIM_JSON_MEMORY_H
#define SHIM_JSON_MEMORY_H

#include <stddef.h>

/* malloc(3), with its failures counted: for json_set_alloc_funcs(), with free(3). */
void *json_memory_take(size_t size);

/* How often it has failed so far. */
unsigned int json_memory_failures(void);

#endif
