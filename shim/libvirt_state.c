#include "libvirt_state.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { STATE_MAX = 16 * 1024 * 1024, CHUNK_SIZE = 16 * 1024 };

/* Opens the state as libvirt writes it: a file of root's. Returns a descriptor or -errno. */
static int state_open(const struct roots *roots, const char *guest)
{
	char path[PATH_MAX];
	struct stat stat;
	int length = snprintf(path, sizeof(path), "%s/%s.xml", roots->libvirt, guest);
	int fd;

	if (length < 0 || (size_t)length >= sizeof(path) || strchr(guest, '/') != NULL)
		return -EINVAL;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &stat) == 0 && S_ISREG(stat.st_mode) && stat.st_size <= STATE_MAX &&
	    (stat.st_uid == 0 || stat.st_uid == roots->owner))
		return fd;
	close(fd);
	return -EINVAL;
}

int libvirt_state_parse(const struct roots *roots, const char *guest, XML_Parser parser)
{
	char text[CHUNK_SIZE];
	enum XML_Status status = XML_STATUS_OK;
	ssize_t length;
	int fd = state_open(roots, guest);

	if (fd < 0)
		return fd;
	while (status == XML_STATUS_OK && (length = read(fd, text, sizeof(text))) > 0)
		status = XML_Parse(parser, text, (int)length, XML_FALSE);
	close(fd);
	return 0;
}

/* Where the reader is: in which element that has a device, and in its source. */
struct reading {
	unsigned int depth;
	unsigned int device; /* the depth of that element; 0: none */
	unsigned int source;
	struct assigned *devices;
};

static const char *attribute_of(const char **attributes, const char *name)
{
	for (; *attributes != NULL; attributes += 2) {
		if (strcmp(attributes[0], name) == 0)
			return attributes[1];
	}
	return NULL;
}

/* Writes libvirt's "0x06" without what is before the digits. */
static const char *digits_of(const char *number)
{
	return number != NULL && strncmp(number, "0x", 2) == 0 ? number + 2 : number;
}

static void address_read(struct assigned *devices, const char **attributes)
{
	const char *uuid = attribute_of(attributes, "uuid");
	const char *domain = digits_of(attribute_of(attributes, "domain"));
	const char *bus = digits_of(attribute_of(attributes, "bus"));
	const char *slot = digits_of(attribute_of(attributes, "slot"));
	const char *function = digits_of(attribute_of(attributes, "function"));
	char text[DEVICE_NAME_SIZE];
	char *name;

	if (devices->count == ASSIGNED_MAX)
		return;
	name = devices->names[devices->count];
	if (uuid != NULL && device_is_mediated(uuid)) {
		strcpy(name, uuid);
		devices->count++;
	} else if (domain != NULL && bus != NULL && slot != NULL && function != NULL) {
		snprintf(text, sizeof(text), "%s:%s:%s.%s", domain, bus, slot, function);
		devices->count += device_pci_address(text, strlen(text), name);
	}
}

static void XMLCALL element_starts(void *context, const char *name, const char **attributes)
{
	struct reading *reading = context;

	reading->depth++;
	if (reading->device == 0) {
		if (strcmp(name, "hostdev") == 0 || strcmp(name, "interface") == 0)
			reading->device = reading->depth;
	} else if (reading->source == 0) {
		if (strcmp(name, "source") == 0)
			reading->source = reading->depth;
	} else if (strcmp(name, "address") == 0) {
		address_read(reading->devices, attributes);
	}
}

static void XMLCALL element_ends(void *context, const char *name)
{
	struct reading *reading = context;

	(void)name;
	if (reading->source == reading->depth)
		reading->source = 0;
	if (reading->device == reading->depth)
		reading->device = 0;
	reading->depth--;
}

void libvirt_state_devices(const struct roots *roots, const char *guest, struct assigned *devices)
{
	struct reading reading = {.devices = devices};
	XML_Parser parser = XML_ParserCreate(NULL);

	devices->count = 0;
	if (parser == NULL)
		return;
	XML_SetUserData(parser, &reading);
	XML_SetElementHandler(parser, element_starts, element_ends);
	(void)libvirt_state_parse(roots, guest, parser);
	XML_ParserFree(parser);
}
