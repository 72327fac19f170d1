/* What every fuzz target begins with: see README.md. */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The target itself: is called with each input. Returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Ends the program where something does not hold that must. */
#define REQUIRE(condition) \
	((condition) ? (void)0 : fuzz_failed(#condition, __FILE__, (unsigned int)__LINE__))
_Noreturn void fuzz_failed(const char *condition, const char *file, unsigned int line);

/* The rest of an input of several parts, which a line "%%" parts. */
struct fuzz_input {
	const uint8_t *data;
	size_t size;
};

/*
 * Takes the next part, empty where there is none: allocated, so that the sanitizers see where it
 * ends, with a null byte after it. Its length goes to *length, unless that is NULL; then it ends
 * before the first null byte in it.
 */
char *fuzz_part(struct fuzz_input *input, size_t *length);

/* The same of a line of what is left; the newline is no part of it. */
char *fuzz_line(struct fuzz_input *input);

/* A command line: its program and an argument for each line of the text, each allocated. */
char **fuzz_argv(const char *text);
void fuzz_argv_free(char **argv);

/* A path below a directory of this process's own, until the eighth call from now on. */
const char *fuzz_path(const char *name);

/* Makes a file there, and the directories on the way, with what a part holds. */
void fuzz_file(const char *name, const char *bytes, size_t length);

/* Makes a file there of the next part. */
void fuzz_part_file(struct fuzz_input *input, const char *name);

/* Makes a link there anew. */
void fuzz_link(const char *target, const char *name);

#endif
