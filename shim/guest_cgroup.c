#include "guest_cgroup.h"
#include "number.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

enum {
	MACHINE_NAME_MAX = 64, /* where libvirt stops to add the guest's name */
	MACHINE_NAME_SIZE = 128,
};

static bool ends_with(const char *text, const char *end)
{
	size_t length = strlen(text);

	return length >= strlen(end) && strcmp(text + length - strlen(end), end) == 0;
}

/* Takes the last component off a path and returns it; NULL where there is none. */
static char *component_take(char *path)
{
	char *slash = strrchr(path, '/');

	if (slash == NULL)
		return NULL;
	*slash = '\0';
	return slash + 1;
}

/* Undoes the "\x2d" of a unit's name, in place (systemd.unit(5)). Returns false for any other \. */
static bool unescape(char *text)
{
	char *to = text;

	for (const char *from = text; *from != '\0'; from++) {
		if (*from != '\\') {
			*to++ = *from;
			continue;
		}
		if (from[1] != 'x' || number_hex_digit(from[2]) < 0 ||
		    number_hex_digit(from[3]) < 0)
			return false;
		*to++ = (char)(number_hex_digit(from[2]) << 4 | number_hex_digit(from[3]));
		from += 3;
	}
	*to = '\0';
	return true;
}

/* The machine's name in the name of a guest's cgroup, in place; NULL: it is no guest's. */
static char *machine_name(char *component)
{
	static const char scope[] = ".scope";
	static const char plain[] = ".libvirt-qemu";
	static const char prefix[] = "machine-";

	if (ends_with(component, plain)) {
		component[strlen(component) - strlen(plain)] = '\0';
		return component;
	}
	if (!ends_with(component, scope) || strncmp(component, prefix, strlen(prefix)) != 0)
		return NULL;
	component[strlen(component) - strlen(scope)] = '\0';
	component += strlen(prefix);
	return unescape(component) ? component : NULL;
}

/*
 * Adds the guest's name to "qemu-ID-" as libvirt does. Of '.' and '-' that follow
 * one another the first stays; to an older libvirt a character that it leaves out
 * stood between them all the same.
 */
static void machine_name_add(char *machine, const char *guest, bool older)
{
	size_t used = strlen(machine);
	bool skip = true;

	for (; *guest != '\0' && used < MACHINE_NAME_MAX; guest++) {
		bool valid = isalnum((unsigned char)*guest) && (unsigned char)*guest < 0x80;

		if (*guest == '.' || *guest == '-') {
			if (!skip)
				machine[used++] = *guest;
			skip = true;
			continue;
		}
		if (valid || older)
			skip = false;
		if (valid)
			machine[used++] = *guest;
	}
	while (used > 0 && (machine[used - 1] == '-' || machine[used - 1] == '.'))
		used--;
	machine[used] = '\0';
}

bool guest_cgroup_is_scope(const struct guest_cgroup *cgroup)
{
	return ends_with(cgroup->guest, ".scope");
}

bool guest_cgroup_agrees(const struct guest_cgroup *cgroup, const char *guest)
{
	static const char prefix[] = "qemu-";
	const char *machine = cgroup->machine;
	size_t digits;
	int head;

	if (strncmp(machine, prefix, strlen(prefix)) != 0)
		return false;
	digits = strspn(machine + strlen(prefix), "0123456789");
	if (digits == 0 || digits > 10)
		return false;
	head = (int)(strlen(prefix) + digits);
	for (int older = 0; older < 2; older++) {
		char made[MACHINE_NAME_SIZE];

		snprintf(made, sizeof(made), "%.*s-", head, machine);
		machine_name_add(made, guest, older);
		if (strcmp(made, machine) == 0)
			return true;
	}
	return false;
}

int guest_cgroup_read(const char *path, struct guest_cgroup *found, struct error *error)
{
	char rest[PATH_MAX];
	const char *machine = NULL;
	char *component;

	if (strlen(path) >= sizeof(rest))
		return error_set(error, -EINVAL, "the path of its cgroup is too long");
	strcpy(rest, path);
	component = component_take(rest);
	if (component == NULL || strcmp(component, "emulator") != 0 || strstr(path, "/../") != NULL)
		return error_set(error, -EINVAL, "its cgroup %s is no emulator's of libvirt", path);
	strcpy(found->parent, rest);
	if (ends_with(rest, ".scope/libvirt"))
		(void)component_take(rest);
	strcpy(found->guest, rest);
	component = component_take(rest);
	if (component != NULL)
		machine = machine_name(component);
	if (machine == NULL || strlen(machine) >= sizeof(found->machine))
		return error_set(error, -EINVAL, "its cgroup %s is no libvirt guest's", path);
	strcpy(found->machine, machine);
	return 0;
}
