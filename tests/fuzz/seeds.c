/*
 * Stands in for libFuzzer where there is none: calls the target once with each file of the
 * directories that it is given, and reports in TAP. An input on which the target crashes ends
 * this; then lines are missing from what was promised.
 */
#include "fuzz.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SECONDS_MAX = 60 }; /* of an input: then SIGALRM ends this */

static int is_seed(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

/* Returns whether the input could be read. */
static bool seed_run(const char *path)
{
	FILE *file = fopen(path, "re");
	uint8_t *data = NULL;
	size_t size = 0;
	size_t got;

	if (file == NULL)
		return false;
	do {
		data = realloc(data, size + BUFSIZ);
		REQUIRE(data != NULL);
		got = fread(data + size, 1, BUFSIZ, file);
		size += got;
	} while (got > 0);
	fclose(file);
	/* As large as the input is, for the sanitizers. */
	data = realloc(data, size > 0 ? size : 1);
	REQUIRE(data != NULL);
	alarm(SECONDS_MAX);
	LLVMFuzzerTestOneInput(data, size);
	alarm(0);
	free(data);
	return true;
}

int main(int argc, char **argv)
{
	struct dirent **seeds;
	int count = argc == 2 ? scandir(argv[1], &seeds, is_seed, alphasort) : -1;
	bool good = true;

	if (count < 0) {
		fprintf(stderr, "usage: %s DIRECTORY\n", argv[0]);
		return 2;
	}
	printf("1..%d\n", count);
	for (int i = 0; i < count; i++) {
		char path[PATH_MAX];
		bool read;

		snprintf(path, sizeof(path), "%s/%s", argv[1], seeds[i]->d_name);
		read = seed_run(path);
		printf("%s %d - %s\n", read ? "ok" : "not ok", i + 1, path);
		(void)fflush(stdout);
		good = good && read;
		free(seeds[i]);
	}
	free(seeds);
	return good ? 0 : 1;
}
