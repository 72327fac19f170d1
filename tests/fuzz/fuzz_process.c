/*
 * What /proc tells of a guest's process: "cgroup", "stat", "cmdline" and "status" as anything, as
 * the agent reads them of who asks it.
 */
#include "fuzz.h"
#include "guest_cgroup.h"
#include "guest_threads.h"
#include "number.h"
#include "peer.h"
#include "process.h"
#include "qemu_args.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The path of a file of this process in the made-up /proc; until the next call. */
static const char *file_of(const char *name)
{
	static char path[64];

	snprintf(path, sizeof(path), "proc/%d/%s", getpid(), name);
	return path;
}

/* Whether one of the words between commas is "cpuset". */
static bool has_cpuset(char *list)
{
	char *save = NULL;

	for (char *word = strtok_r(list, ",", &save); word != NULL;
	     word = strtok_r(NULL, ",", &save)) {
		if (strcmp(word, "cpuset") == 0)
			return true;
	}
	return false;
}

/* The path that cgroup_read() is to find in a text; NULL: none. The text is changed. */
static const char *slow_cgroup(char *text, bool *unified)
{
	const char *found = NULL;

	while (*text != '\0') {
		char *end = strchr(text, '\n');
		char *controllers;
		char *path;

		if (end == NULL)
			return NULL;
		*end = '\0';
		controllers = strchr(text, ':');
		path = controllers == NULL ? NULL : strchr(controllers + 1, ':');
		if (path == NULL)
			return NULL;
		*path = '\0';
		if (strcmp(text, "0:") == 0 && found == NULL) {
			*unified = true;
			found = path + 1;
		} else if (has_cpuset(controllers + 1)) {
			*unified = false;
			return path + 1;
		}
		text = end + 1;
	}
	return found;
}

/* Leaves out of a guest's name what no host name has. */
static void name_filter(char *name)
{
	static const char valid[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789.-";
	char *to = name;

	for (name += strcspn(name, valid); *name != '\0'; name += strcspn(name, valid)) {
		size_t length = strspn(name, valid);

		memmove(to, name, length);
		to += length;
		name += length;
	}
	*to = '\0';
}

/* Leaves one of each row of '.' and '-', the first; of one at the beginning none. */
static void name_thin(char *name)
{
	size_t row = strspn(name, ".-");

	memmove(name, name + row, strlen(name + row) + 1);
	while ((name = strpbrk(name, ".-")) != NULL) {
		row = strspn(name, ".-");
		memmove(name + 1, name + row, strlen(name + row) + 1);
		name++;
	}
}

/*
 * The machine's name that libvirt makes of an ID and a guest's name, allocated: what is left of
 * the name is thinned; by an older libvirt first thinned (virDomainMachineNameAppendValid).
 */
static char *slow_machine(int digits, const char *id, const char *guest, bool older)
{
	char *name = strdup(guest);
	char *machine;
	size_t length;

	REQUIRE(name != NULL);
	if (older)
		name_thin(name);
	name_filter(name);
	if (!older)
		name_thin(name);
	REQUIRE(asprintf(&machine, "qemu-%.*s-%s", digits, id, name) > 0);
	free(name);
	length = strlen(machine) < 64 ? strlen(machine) : 64;
	while (strchr(".-", machine[length - 1]) != NULL)
		length--;
	machine[length] = '\0';
	return machine;
}

/* Whether libvirt makes that name of some ID and the guest's name. */
static bool slow_agrees(const char *machine, const char *guest)
{
	static const char prefix[] = "qemu-";
	const char *id = machine + strlen(prefix);
	bool agrees = false;

	if (strncmp(machine, prefix, strlen(prefix)) != 0)
		return false;
	for (int digits = 1; digits <= 10 && isdigit((unsigned char)id[digits - 1]); digits++) {
		for (int older = 0; older < 2; older++) {
			char *made = slow_machine(digits, id, guest, older != 0);

			agrees = agrees || strcmp(made, machine) == 0;
			free(made);
		}
	}
	return agrees;
}

/* The guest's cgroup is that of the names which libvirt makes it of, and of no others. */
static void agreement_check(const struct guest_cgroup *found, const char *guest)
{
	char other[512];

	REQUIRE(guest_cgroup_agrees(found, guest) == slow_agrees(found->machine, guest));
	if (strlen(guest) >= sizeof(other) - 1)
		return;
	sprintf(other, "%s1", guest);
	REQUIRE(guest_cgroup_agrees(found, other) == slow_agrees(found->machine, other));
	sprintf(other, "%.*s", (int)strlen(guest) - (*guest != '\0'), guest);
	REQUIRE(guest_cgroup_agrees(found, other) == slow_agrees(found->machine, other));
	sprintf(other, "%s", guest + (*guest != '\0'));
	REQUIRE(guest_cgroup_agrees(found, other) == slow_agrees(found->machine, other));
}

static void guest_cgroup_check(const char *path, const char *guest)
{
	struct guest_cgroup found;
	struct error error = {0};
	int result = guest_cgroup_read(path, &found, &error);

	REQUIRE(error_is_set(&error) == (result < 0));
	if (result < 0)
		return;
	REQUIRE(strncmp(path, found.parent, strlen(found.parent)) == 0);
	REQUIRE(strcmp(path + strlen(found.parent), "/emulator") == 0);
	REQUIRE(strncmp(found.parent, found.guest, strlen(found.guest)) == 0);
	REQUIRE(strlen(found.parent) == strlen(found.guest) || guest_cgroup_is_scope(&found));
	REQUIRE(strstr(path, "/../") == NULL && strlen(found.machine) < sizeof(found.machine));
	agreement_check(&found, guest);
}

/* One that libvirt has made for a guest agrees with that guest's name. */
static void made_cgroup_check(const char *guest)
{
	static const char *const ids[] = {"1", "17", "2147483647"};

	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		const char *id = ids[i];
		char *machine = slow_machine((int)strlen(id), id, guest, i == 1);
		struct guest_cgroup found;
		struct error error = {0};
		char path[512];
		char *to;

		snprintf(path, sizeof(path), "/machine/%s.libvirt-qemu/emulator", machine);
		REQUIRE(guest_cgroup_read(path, &found, &error) == 0);
		REQUIRE(strcmp(found.machine, machine) == 0 && guest_cgroup_agrees(&found, guest));
		to = stpcpy(path, "/machine.slice/machine-");
		for (const char *p = machine; *p != '\0'; p++)
			to += sprintf(to, *p == '-' ? "\\x2d" : "%c", *p);
		strcpy(to, ".scope/libvirt/emulator");
		REQUIRE(guest_cgroup_read(path, &found, &error) == 0);
		REQUIRE(strcmp(found.machine, machine) == 0 && guest_cgroup_is_scope(&found));
		agreement_check(&found, guest);
		free(machine);
	}
}

static void cgroup_check(int directory, const char *text, size_t length, const char *guest)
{
	char *copy = strdup(text);
	struct cgroup cgroup;
	bool unified = false;
	const char *expected;
	int result = cgroup_read(directory, "cgroup", &cgroup);

	REQUIRE(copy != NULL);
	expected = slow_cgroup(copy, &unified);
	if (length < 60000 && expected != NULL && strlen(expected) < sizeof(cgroup.path)) {
		REQUIRE(result == 0);
		REQUIRE(strcmp(cgroup.path, expected) == 0 && cgroup.unified == unified);
	} else {
		REQUIRE(result < 0);
	}
	if (result == 0) {
		(void)cgroup_is_emulator(&cgroup);
		guest_cgroup_check(cgroup.path, guest);
	}
	free(copy);
}

/* The arguments, one behind the other, are the file. */
static void arguments_check(int directory, const char *bytes, size_t length)
{
	struct error error = {0};
	char **argv;
	size_t at = 0;
	int result = process_arguments(directory, &argv, &error);

	REQUIRE(error_is_set(&error) == (result < 0) && (result == 0) == (length > 0));
	if (result < 0)
		return;
	REQUIRE(argv[0] != NULL);
	for (size_t i = 0; argv[i] != NULL; i++) {
		size_t rest = length - at;

		REQUIRE(at < length && strlen(argv[i]) <= rest);
		REQUIRE(memcmp(argv[i], bytes + at, strlen(argv[i])) == 0);
		at += strlen(argv[i]) + 1;
	}
	REQUIRE(at >= length);
	process_arguments_free(argv);
}

/* Returns whether "stat" is one, with the fields that are looked for in their places. */
static bool stat_check(int directory, const char *text, struct process_stat *stat)
{
	const char *open = strchr(text, '(');
	const char *close = strrchr(text, ')');
	char *copy;
	char *save = NULL;
	int field = 2;

	if (process_stat_read(directory, stat) < 0)
		return false;
	REQUIRE(open != NULL && open < close);
	REQUIRE(strncmp(stat->name, open + 1, (size_t)(close - open - 1)) == 0 ||
		memchr(open, '\0', (size_t)(close - open)) != NULL);
	copy = strdup(close + 1);
	REQUIRE(copy != NULL);
	for (char *word = strtok_r(copy, " \n", &save); word != NULL && field < 22; field++) {
		if (field == 21)
			REQUIRE(strcmp(word, stat->started) == 0);
		word = strtok_r(NULL, " \n", &save);
	}
	REQUIRE(field == 22);
	free(copy);
	return true;
}

static void threads_check(int directory, const struct process_stat *stat)
{
	struct guest_threads threads;
	unsigned int number;

	if (guest_threads_read(&threads, directory) == 0) {
		REQUIRE(threads.count == 1 && threads.at[0].id == getpid());
		REQUIRE(strcmp(threads.at[0].stat.name, stat->name) == 0);
		if (threads.at[0].vcpu >= 0)
			REQUIRE(number_read(stat->name + strlen("CPU "), 1U << 31, &number) > 0 &&
				number == (unsigned int)threads.at[0].vcpu);
		else
			REQUIRE(strncmp(stat->name, "CPU 0/", strlen("CPU 0/")) != 0);
	}
	guest_threads_free(&threads);
}

/* As the agent takes hold of a guest that root has named. */
static void peer_check(const struct roots *roots, const struct process_stat *stat)
{
	struct error error = {0};
	struct peer peer;
	char *name;

	if (peer_hold(&peer, getpid(), stat->started, roots, &error) == 0 &&
	    peer_read_cgroup(&peer, &error) == 0 && peer_read_guest(&peer, &error) == 0) {
		REQUIRE(qemu_args_guest(peer.argv, &name) == 0);
		REQUIRE(name != NULL && strcmp(name, peer.guest) == 0);
		free(name);
	} else {
		REQUIRE(error_is_set(&error));
	}
	peer_close(&peer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	char *guest = fuzz_line(&input);
	struct process_stat stat;
	struct roots roots = {0};
	char thread[32];
	size_t lengths[4];
	char *parts[4];
	int directory;

	for (size_t i = 0; i < 4; i++)
		parts[i] = fuzz_part(&input, &lengths[i]);
	for (size_t i = 0; i < lengths[2]; i++) /* an argument a line */
		parts[2][i] = parts[2][i] == '\n' ? '\0' : parts[2][i];
	snprintf(thread, sizeof(thread), "task/%d/stat", getpid());
	fuzz_file(file_of("cgroup"), parts[0], lengths[0]);
	fuzz_file(file_of("stat"), parts[1], lengths[1]);
	fuzz_file(file_of(thread), parts[1], lengths[1]);
	fuzz_file(file_of("cmdline"), parts[2], lengths[2]);
	fuzz_file(file_of("status"), parts[3], lengths[3]);
	fuzz_link("/proc/self/exe", file_of("exe"));
	roots.proc = fuzz_path("proc");
	directory = open(fuzz_path(file_of("")), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	REQUIRE(directory >= 0);
	cgroup_check(directory, parts[0], lengths[0], guest);
	made_cgroup_check(guest);
	arguments_check(directory, parts[2], lengths[2]);
	if (stat_check(directory, parts[1], &stat)) {
		threads_check(directory, &stat);
		peer_check(&roots, &stat);
	}
	close(directory);
	for (size_t i = 0; i < 4; i++)
		free(parts[i]);
	free(guest);
	return 0;
}
