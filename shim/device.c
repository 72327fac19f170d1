#include "device.h"
#include "file.h"
#include "number.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Reads hexadecimal digits, at most `most` of them; returns how many. */
static size_t hex_read(const char *text, size_t length, size_t most, unsigned long *number)
{
	size_t used = 0;

	*number = 0;
	for (; used < length && used < most && isxdigit((unsigned char)text[used]); used++) {
		int digit = tolower((unsigned char)text[used]);

		*number =
		    *number << 4 | (unsigned int)(digit <= '9' ? digit - '0' : digit - 'a' + 10);
	}
	return used;
}

bool device_pci_address(const char *text, size_t length, char name[DEVICE_NAME_SIZE])
{
	/* The domain may have more than four digits (VMD's have five). */
	static const struct {
		size_t digits;
		char end;
		unsigned long most;
	} parts[] = {{8, ':', 0xffffffff}, {2, ':', 0xff}, {2, '.', 0x1f}, {1, '\0', 7}};
	unsigned long value[4] = {0};
	size_t colons = 0;
	size_t used = 0;

	for (size_t i = 0; i < length; i++)
		colons += text[i] == ':';
	for (size_t i = colons == 1; i < 4; i++) {
		size_t digits = hex_read(text + used, length - used, parts[i].digits, &value[i]);

		used += digits;
		if (digits == 0 || value[i] > parts[i].most)
			return false;
		if (parts[i].end != '\0' && (used == length || text[used++] != parts[i].end))
			return false;
	}
	if (used != length)
		return false;
	snprintf(name, DEVICE_NAME_SIZE, "%04lx:%02lx:%02lx.%lx", value[0], value[1], value[2],
		 value[3]);
	return true;
}

bool device_is_mediated(const char *name)
{
	static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

	for (size_t i = 0; i < sizeof(form); i++) {
		if (form[i] == 'x' ? !isxdigit((unsigned char)name[i]) : name[i] != form[i])
			return false;
	}
	return true;
}

/* Finds where sysfs has a device of that class. Returns 0 or -errno. */
static int class_find(const struct roots *roots, const char *class, const char *name,
		      struct device *device)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s/%s", roots->sys, class, name);
	return realpath(path, device->path) == NULL ? -errno : 0;
}

/* What of the path is below /sys/devices; NULL: it is none. */
static const char *below_devices(const struct roots *roots, const char *path)
{
	char root[PATH_MAX];
	char devices[PATH_MAX];

	snprintf(devices, sizeof(devices), "%s/devices", roots->sys);
	if (realpath(devices, root) == NULL || strncmp(path, root, strlen(root)) != 0 ||
	    path[strlen(root)] != '/')
		return NULL;
	return path + strlen(root) + 1;
}

/* Cuts the path of a device after the nearest PCI function in it. Returns whether there is one. */
static bool cut_to_pci(char *path, const char *below)
{
	char name[DEVICE_NAME_SIZE];
	char *end = path + strlen(path);

	while (end > below) {
		char *start = end;

		while (start > below && start[-1] != '/')
			start--;
		if (device_pci_address(start, (size_t)(end - start), name)) {
			*end = '\0';
			return true;
		}
		end = start > below ? start - 1 : start;
	}
	return false;
}

int device_find(const struct roots *roots, const char *name, struct device *device,
		struct error *error)
{
	char address[DEVICE_NAME_SIZE];
	const char *below;
	int result;

	*device = (struct device){0};
	if (device_pci_address(name, strlen(name), address)) {
		result = class_find(roots, "bus/pci/devices", address, device);
	} else if (device_is_mediated(name)) {
		result = class_find(roots, "bus/mdev/devices", name, device);
	} else {
		result = class_find(roots, "class/net", name, device);
		if (result == -ENOENT)
			result = class_find(roots, "class/block", name, device);
	}
	if (result == -ENOENT)
		return error_set(error, result,
				 "this host has no network interface, block device or PCI device "
				 "'%s'",
				 name);
	below = result < 0 ? NULL : below_devices(roots, device->path);
	if (below == NULL)
		return error_set(error, result < 0 ? result : -EINVAL,
				 "the device '%s' cannot be looked at: %s", name,
				 strerror(result < 0 ? -result : EINVAL));
	if (strncmp(below, "virtual/", strlen("virtual/")) == 0)
		return error_set(error, -EINVAL,
				 "'%s' has no interrupts, for it is made of software: name the "
				 "device below it",
				 name);
	device->is_pci = cut_to_pci(device->path, below);
	return 0;
}

bool device_is_assigned(const struct device *device)
{
	char path[PATH_MAX + sizeof("/driver")];
	char driver[PATH_MAX];
	ssize_t length;

	snprintf(path, sizeof(path), "%s/driver", device->path);
	length = readlink(path, driver, sizeof(driver) - 1);
	if (length < 0)
		return false;
	driver[length] = '\0';
	/* vfio-pci, and variants of it for one device: mlx5_vfio_pci … */
	return strstr(driver, "vfio") != NULL;
}

/*
 * Tells of its vectors. Returns whether there are any: the folder stays, empty, when the device
 * has given them all back (msi_sysfs_create_group in kernel/irq/msi.c, since Linux 5.17).
 */
static bool vectors_find(int directory, device_interrupt *found, void *context)
{
	DIR *vectors = file_list(directory, "msi_irqs");
	const struct dirent *entry;
	bool any = false;

	if (vectors == NULL)
		return false;
	while ((entry = readdir(vectors)) != NULL) {
		unsigned int number;
		size_t length = number_read(entry->d_name, INT_MAX, &number);

		if (length == 0 || entry->d_name[length] != '\0')
			continue;
		found(context, number);
		any = true;
	}
	closedir(vectors);
	return any;
}

/* Whether an action is named after the device: "eth0-rx-0", "vfio-intx(0000:06:00.0)". */
static bool actions_name(const char *actions, const char *name, size_t length)
{
	const char *here = actions;

	while ((here = memmem(here, strlen(here), name, length)) != NULL) {
		bool begins = here == actions || !isalnum((unsigned char)here[-1]);

		if (begins && !isalnum((unsigned char)here[length]))
			return true;
		here++;
	}
	return false;
}

/*
 * Tells of the line of a PCI device that has no vectors: pdev->irq. Others may have the same
 * one. Where it is not known whose the action on it is, it counts as the device's that is not
 * a guest's, for that has a driver; a guest's shows its address.
 */
static void line_find(const struct device *device, int directory,
		      const struct interrupts *interrupts, device_interrupt *found, void *context)
{
	const char *address = strrchr(device->path, '/') + 1;
	char actions[INTERRUPT_ACTIONS_SIZE];
	char text[32];
	unsigned int number;
	ssize_t length = file_read(directory, "irq", text, sizeof(text));

	if (length <= 0)
		return;
	text[strcspn(text, "\n")] = '\0';
	if (number_read(text, INT_MAX, &number) != strlen(text) || number == 0 ||
	    interrupt_actions(interrupts, number, actions) < 0)
		return;
	if (*actions == '\0' || actions_name(actions, address, strlen(address)) ||
	    (strchr(actions, ',') == NULL && !device_is_assigned(device)))
		found(context, number);
}

/* Whether an action carries the name of the device or of one above it: a word with a digit. */
static bool actions_name_path(const char *actions, const char *path)
{
	for (const char *word = path; *word != '\0';) {
		size_t length = strcspn(word, "/");

		if (strcspn(word, "0123456789") < length && actions_name(actions, word, length))
			return true;
		word += length + (word[length] == '/');
	}
	return false;
}

void device_interrupts(const struct device *device, const struct interrupts *interrupts,
		       const struct interrupt_list *list, device_interrupt *found, void *context)
{
	int directory = open(device->path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (directory < 0)
		return;
	if (device->is_pci && !vectors_find(directory, found, context))
		line_find(device, directory, interrupts, found, context);
	for (size_t i = 0; !device->is_pci && i < list->count; i++) {
		char actions[INTERRUPT_ACTIONS_SIZE];

		if (interrupt_actions(interrupts, list->at[i].number, actions) == 0 &&
		    actions_name_path(actions, device->path))
			found(context, list->at[i].number);
	}
	close(directory);
}
