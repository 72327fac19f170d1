#include "libvirt_state.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { STATE_MAX = 16 * 1024 * 1024, CHUNK_SIZE = 16 * 1024 };

/* Says why what libvirt has written down is not known, and what to do. Returns `code`. */
static int state_fail(struct error *error, int code, const char *path, const char *why)
{
	return error_set(error, code,
			 "libvirt's state of the guest, %.300s, %s, so what it pins and gives is "
			 "not known: start the guest anew, and look into libvirt's log if it is "
			 "no better then",
			 path, why);
}

static int state_unreadable(struct error *error, int code, const char *path)
{
	char why[128];

	snprintf(why, sizeof(why), "cannot be read (%s)", strerror(code));
	return state_fail(error, -code, path, why);
}

/* Whether it is as libvirt writes it: a file of root's. Returns 0 or -EINVAL. */
static int state_check(int fd, const struct roots *roots, const char *path, struct error *error)
{
	struct stat stat;

	if (fstat(fd, &stat) < 0)
		return state_unreadable(error, errno, path);
	if (!S_ISREG(stat.st_mode))
		return state_fail(error, -EINVAL, path, "is no regular file");
	if (stat.st_uid != 0 && stat.st_uid != roots->owner)
		return state_fail(error, -EINVAL, path, "is not root's");
	if (stat.st_size > STATE_MAX)
		return state_fail(error, -EINVAL, path, "is larger than 16 MiB");
	return 0;
}

/* Opens the state, whose path is then in `path`. Returns a descriptor or -errno. */
static int state_open(const struct roots *roots, const char *guest, char path[PATH_MAX],
		      struct error *error)
{
	int length = snprintf(path, PATH_MAX, "%s/%s.xml", roots->libvirt, guest);
	int result;
	int fd;

	/* Under such a name libvirt has no file. */
	if (length < 0 || length >= PATH_MAX || strchr(guest, '/') != NULL)
		return -ENOENT;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 && (errno == ENOENT || errno == ENAMETOOLONG))
		return -ENOENT;
	if (fd < 0 && errno == ELOOP)
		return state_fail(error, -EINVAL, path, "is a link");
	if (fd < 0)
		return state_unreadable(error, errno, path);
	result = state_check(fd, roots, path, error);
	if (result == 0)
		return fd;
	close(fd);
	return result;
}

int libvirt_state_parse(const struct roots *roots, const char *guest, XML_Parser parser,
			struct error *error)
{
	char path[PATH_MAX];
	char text[CHUNK_SIZE];
	char why[128];
	enum XML_Status status = XML_STATUS_OK;
	ssize_t length = 1;
	int code;
	int fd = state_open(roots, guest, path, error);

	if (fd < 0)
		return fd;
	while (status == XML_STATUS_OK && length > 0 &&
	       (length = read(fd, text, sizeof(text))) >= 0)
		status = XML_Parse(parser, text, (int)length, length == 0);
	code = errno;
	close(fd);
	if (length < 0)
		return state_unreadable(error, code, path);
	if (status == XML_STATUS_OK || XML_GetErrorCode(parser) == XML_ERROR_ABORTED)
		return 0;
	snprintf(why, sizeof(why), "is not understood (%.60s, line %lu)",
		 XML_ErrorString(XML_GetErrorCode(parser)), XML_GetCurrentLineNumber(parser));
	return state_fail(error, -EINVAL, path, why);
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

int libvirt_state_devices(const struct roots *roots, const char *guest, struct assigned *devices,
			  struct error *error)
{
	struct reading reading = {.devices = devices};
	XML_Parser parser = XML_ParserCreate(NULL);
	int result;

	devices->count = 0;
	if (parser == NULL)
		return error_set(error, -ENOMEM, "out of memory for libvirt's state of the guest");
	XML_SetUserData(parser, &reading);
	XML_SetElementHandler(parser, element_starts, element_ends);
	result = libvirt_state_parse(roots, guest, parser, error);
	XML_ParserFree(parser);
	return result == -ENOENT ? 0 : result;
}
