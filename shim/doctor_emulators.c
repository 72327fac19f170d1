/* The emulators: whether the shim stands in front of those that libvirt starts. */
#include "doctor.h"
#include "emulator.h"
#include "error.h"
#include "marker.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { EMULATORS_MAX = 256 };

struct emulator_found {
	char path[PATH_MAX]; /* behind symbolic links, in front of it doctor->root */
	bool used;           /* libvirt starts it on its own, or a definition names it */
};

struct emulators {
	const struct doctor *doctor;
	size_t root; /* the length of the root's own path, which is not shown */
	struct emulator_found *at;
	size_t count;
};

/* QEMU's name of the architecture (virQEMUCapsArchToString). */
static const char *native_arch(const char *machine)
{
	if (strncmp(machine, "ppc64", 5) == 0)
		return "ppc64";
	if (strncmp(machine, "arm", 3) == 0)
		return "arm";
	if (machine[0] == 'i' && strcmp(machine + 1, "") != 0 && strcmp(machine + 2, "86") == 0)
		return "i386";
	return machine;
}

/* Whether libvirt takes an emulator of that name for this host's own architecture. */
static bool is_native(const char *name, const char *machine)
{
	static const char front[] = "qemu-system-";

	if (strcmp(name, "qemu-kvm") == 0 || strcmp(name, "kvm") == 0)
		return true;
	return strncmp(name, front, strlen(front)) == 0 &&
	       strcmp(name + strlen(front), native_arch(machine)) == 0;
}

static void emulator_add(struct emulators *emulators, const char *path, bool used)
{
	char resolved[PATH_MAX];

	if (realpath(path, resolved) == NULL) {
		char real[PATH_MAX + sizeof(EMULATOR_REAL_SUFFIX)];

		/* It is gone, and the real one still behind it. */
		snprintf(real, sizeof(real), "%s" EMULATOR_REAL_SUFFIX, path);
		if (errno != ENOENT || access(real, F_OK) < 0)
			return;
		snprintf(resolved, sizeof(resolved), "%s", path);
	}
	for (size_t i = 0; i < emulators->count; i++) {
		if (strcmp(emulators->at[i].path, resolved) == 0) {
			emulators->at[i].used = emulators->at[i].used || used;
			return;
		}
	}
	if (emulators->count == EMULATORS_MAX)
		return;
	strcpy(emulators->at[emulators->count].path, resolved);
	emulators->at[emulators->count++].used = used;
}

/* A name in a directory of programs; of a real one behind a shim, that of the shim. */
static void name_add(struct emulators *emulators, const char *directory, const char *name)
{
	size_t suffix = strlen(EMULATOR_REAL_SUFFIX);
	size_t length = strlen(name);
	char path[PATH_MAX];
	char bare[NAME_MAX + 1];

	snprintf(bare, sizeof(bare), "%s", name);
	if (length > suffix && strcmp(name + length - suffix, EMULATOR_REAL_SUFFIX) == 0)
		bare[length - suffix] = '\0';
	/* What Debian has in libexec for its qemu-system-i386 is started by that alone. */
	if (strncmp(bare, "qemu-system-", strlen("qemu-system-")) != 0
		? strcmp(bare, "qemu-kvm") != 0 && strcmp(bare, "kvm") != 0
		: strstr(directory, "libexec") != NULL || strchr(bare, '.') != NULL)
		return;
	if ((size_t)snprintf(path, sizeof(path), "%s/%s", directory, bare) < sizeof(path))
		emulator_add(emulators, path, is_native(bare, emulators->doctor->machine));
}

static void emulators_find(struct emulators *emulators)
{
	static const char *const directories[] = {"/usr/local/bin", "/usr/bin", "/usr/libexec"};
	const struct doctor *doctor = emulators->doctor;
	char path[PATH_MAX];

	for (size_t i = 0; i < sizeof(directories) / sizeof(directories[0]); i++) {
		struct dirent **entries = NULL;
		int count;

		snprintf(path, sizeof(path), "%s%s", doctor->root, directories[i]);
		count = scandir(path, &entries, NULL, alphasort);
		for (int name = 0; name < count; name++) {
			name_add(emulators, path, entries[name]->d_name);
			free(entries[name]);
		}
		free((void *)entries);
	}
	for (size_t i = 0; i < doctor->host.emulator_count; i++) {
		snprintf(path, sizeof(path), "%s%s", doctor->root, doctor->host.emulators[i]);
		emulator_add(emulators, path, true);
	}
}

/* Whether an installation has been here: it makes the alias first, and takes it away last. */
static bool alias_is_there(const char *path)
{
	char alias[PATH_MAX];
	struct stat status;

	return emulator_alias_path(path, alias, sizeof(alias)) == 0 && lstat(alias, &status) == 0;
}

/* Whether two files have the same bytes. Returns 1, 0 or -errno. */
static int same_files(const char *one, const char *other)
{
	char left[16384];
	char right[sizeof(left)];
	FILE *first = fopen(one, "re");
	FILE *second = fopen(other, "re");
	int result = first != NULL && second != NULL ? 1 : -errno;

	while (result > 0) {
		size_t length = fread(left, 1, sizeof(left), first);

		if (fread(right, 1, sizeof(right), second) != length ||
		    memcmp(left, right, length) != 0)
			result = 0;
		if (ferror(first) || ferror(second))
			result = -EIO;
		if (length < sizeof(left))
			break;
	}
	if (first != NULL)
		fclose(first);
	if (second != NULL)
		fclose(second);
	return result;
}

static bool is_older(const struct stat *one, const struct stat *other)
{
	return one->st_ctim.tv_sec != other->st_ctim.tv_sec
		   ? one->st_ctim.tv_sec < other->st_ctim.tv_sec
		   : one->st_ctim.tv_nsec < other->st_ctim.tv_nsec;
}

/* Says what to do: `verb` of guest-pinning, after what else there is to do. */
static void advise(struct finding *finding, const char *wanted, const char *before,
		   const char *verb)
{
	snprintf(finding->wanted, sizeof(finding->wanted), "%s", wanted);
	snprintf(finding->command, sizeof(finding->command), "%sguest-pinning %s %s", before, verb,
		 finding->name);
}

/* The shim is there: with an emulator behind it, and such that libvirt knows that one? */
static void shim_look(const struct doctor *doctor, struct finding *finding, const char *path,
		      const char *real)
{
	struct stat shim_status;
	struct stat real_status;

	snprintf(finding->present, sizeof(finding->present), "the shim");
	if (stat(real, &real_status) < 0 || marker_is_shim(real) > 0) {
		snprintf(finding->present, sizeof(finding->present), "the shim, nothing behind it");
		advise(finding, "an emulator behind it", "reinstall the emulator's package\n",
		       "install");
		finding_is(finding, SEVERITY_BAD,
			   "there is no real emulator at %s" EMULATOR_REAL_SUFFIX
			   ": no guest can start",
			   finding->name);
		return;
	}
	if (stat(path, &shim_status) == 0 && is_older(&shim_status, &real_status)) {
		snprintf(finding->present, sizeof(finding->present), "the shim, older");
		advise(finding, "newer than the emulator", "", "install");
		finding_is(
		    finding, SEVERITY_BAD,
		    "the emulator behind the shim was changed after it was put there: "
		    "libvirt looks at the shim's ctime alone, and goes on with what it knows "
		    "of the former emulator");
		return;
	}
	if (same_files(path, doctor->shim) == 0) {
		snprintf(finding->present, sizeof(finding->present), "the shim, another version");
		advise(finding, "that of " VERSION, "", "install");
		finding_is(finding, SEVERITY_NOTICE, "it is not the one at %s", doctor->shim);
	}
}

/* An emulator is there, and no shim. */
static void bare_look(const struct doctor *doctor, struct finding *finding, const char *path,
		      const char *real)
{
	if (access(real, F_OK) == 0 && alias_is_there(path)) {
		snprintf(finding->present, sizeof(finding->present), "no shim any more");
		advise(finding, "the shim", "", "install");
		finding_is(
		    finding, SEVERITY_BAD,
		    "an upgrade has put a new emulator over the shim: guests start unplaced");
		return;
	}
	snprintf(finding->present, sizeof(finding->present), "no shim");
	advise(finding, "the shim", "", "install");
	finding_is(
	    finding, doctor->needs.placing > 0 ? SEVERITY_BAD : SEVERITY_NOTICE,
	    doctor->needs.placing > 0
		? "guests that libvirt starts by it are not placed, whatever the policy says"
		: "guests that libvirt starts by it would not be placed; no rule does that yet");
	if (access(real, F_OK) == 0)
		text_add(
		    finding->reason, sizeof(finding->reason),
		    ". There is a %s" EMULATOR_REAL_SUFFIX
		    " that is not from an installation of the shim: if %s is another wrapper, put "
		    "the real emulator back first; else move that file away",
		    finding->name, finding->name);
}

static void emulator_look(const struct doctor *doctor, const char *path, struct finding *finding)
{
	char real[PATH_MAX + sizeof(EMULATOR_REAL_SUFFIX)];
	int shim = marker_is_shim(path);

	snprintf(real, sizeof(real), "%s" EMULATOR_REAL_SUFFIX, path);
	if (shim == -ENOENT) {
		snprintf(finding->present, sizeof(finding->present), "missing");
		advise(finding, "an emulator", "", "uninstall");
		finding_is(finding, SEVERITY_BAD,
			   "the emulator is gone, but for %s" EMULATOR_REAL_SUFFIX
			   " of the shim: no guest can start by it",
			   finding->name);
	} else if (shim < 0) {
		finding_is(finding, SEVERITY_UNKNOWN, "it cannot be read: %s", strerror(-shim));
	} else if (shim > 0) {
		shim_look(doctor, finding, path, real);
	} else {
		bare_look(doctor, finding, path, real);
	}
}

/* Those of other architectures, which no guest is defined with, are told of in one line. */
static void others_add(struct findings *findings, size_t others, size_t used)
{
	struct finding *finding = findings_add(findings, "placement", "other emulators");

	if (finding == NULL)
		return;
	snprintf(finding->present, sizeof(finding->present), "%zu", others);
	if (used + others == 0)
		finding_is(finding, SEVERITY_SKIPPED,
			   "there is no emulator in /usr/local/bin, "
			   "/usr/bin or /usr/libexec");
	else
		finding_is(finding, SEVERITY_SKIPPED,
			   "%zu emulators without the shim are not for this host's own "
			   "architecture, and no guest is defined with one",
			   others);
}

/* What the shims in place become where a rule needs a library. */
static void full_look(const struct doctor *doctor, struct findings *findings)
{
	char version[64];
	int shim = marker_version(doctor->full, version, sizeof(version));
	struct finding *finding = findings_add(findings, "placement", doctor->full);

	if (finding == NULL)
		return;
	snprintf(finding->wanted, sizeof(finding->wanted), VERSION);
	snprintf(finding->present, sizeof(finding->present), "%s",
		 shim > 0          ? version
		 : shim == -ENOENT ? "missing"
				   : "unusable");
	if (shim > 0 && strcmp(version, VERSION) == 0)
		return;
	snprintf(finding->command, sizeof(finding->command), "install qemu-kvm-shim anew");
	if (shim > 0)
		finding_is(finding, SEVERITY_NOTICE, "it is from another version than this tool");
	else
		finding_is(
		    finding, SEVERITY_BAD,
		    "guests whose rule takes libnuma (netdev:, pci:, block:, file:, ip: or '!') "
		    "do not start");
}

void doctor_emulators(const struct doctor *doctor, struct findings *findings)
{
	struct emulators emulators = {.doctor = doctor, .root = strlen(doctor->root)};
	size_t others = 0;
	bool shim = false;

	emulators.at = calloc(EMULATORS_MAX, sizeof(*emulators.at));
	if (emulators.at == NULL) {
		findings->incomplete = true;
		return;
	}
	emulators_find(&emulators);
	for (size_t i = 0; i < emulators.count; i++) {
		const char *path = emulators.at[i].path;
		struct finding *finding;

		if (!emulators.at[i].used && !alias_is_there(path) && marker_is_shim(path) == 0) {
			others++;
			continue;
		}
		finding = findings_add(findings, "placement", path + emulators.root);
		if (finding != NULL)
			emulator_look(doctor, path, finding);
		shim = shim || marker_is_shim(path) > 0;
	}
	if (shim)
		full_look(doctor, findings);
	others_add(findings, others, emulators.count - others);
	free(emulators.at);
}
