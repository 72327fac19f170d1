/*
 * Stands in for the emulator of a guest that has PCI devices assigned. Of its arguments
 * it takes "-device vfio-pci,host=ADDRESS" alone, in JSON, too: it opens these devices as
 * QEMU does (the kernel's Documentation/driver-api/vfio.rst), says "ready", and does what
 * the lines of its standard input say, answering each with "ok" or with what is wrong:
 *
 *	enable N	each device has N interrupts by MSI-X, new ones if it had some
 *	disable		each has none
 *	quit
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { DEVICES_MAX = 8, VECTORS_MAX = 64, LINE_SIZE = 128, PATH_SIZE = 128 };

static void die(const char *what)
{
	perror(what);
	exit(2);
}

/* Sets `address` to that of an option's value, with the domain; "" if there is none. */
static void address_find(const char *option, char address[LINE_SIZE])
{
	static const char *const keys[] = {",host=", "\"host\":\""};

	address[0] = '\0';
	for (size_t i = 0; i < 2 && strstr(option, "vfio-pci") != NULL; i++) {
		const char *value = strstr(option, keys[i]);
		int length;

		if (value == NULL)
			continue;
		value += strlen(keys[i]);
		length = (int)strcspn(value, ",\"}");
		/* Domain 0 may be left out: "05:00.0". */
		snprintf(address, LINE_SIZE, "%s%.*s", length < 12 ? "0000:" : "", length, value);
	}
}

/* Returns the IOMMU group of a device, open. */
static int group_open(const char *address)
{
	char path[PATH_SIZE + LINE_SIZE], target[PATH_SIZE];
	ssize_t length;
	int group;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/iommu_group", address);
	length = readlink(path, target, sizeof(target) - 1);
	if (length < 0)
		die(path);
	target[length] = '\0';
	snprintf(path, sizeof(path), "/dev/vfio/%s", strrchr(target, '/') + 1);
	group = open(path, O_RDWR | O_CLOEXEC);
	if (group < 0)
		die(path);
	return group;
}

/* Returns the device, open. `container` is what all groups are in. */
static int device_open(int container, const char *address)
{
	int group = group_open(address), device;

	if (ioctl(group, VFIO_GROUP_SET_CONTAINER, &container) < 0)
		die("VFIO_GROUP_SET_CONTAINER");
	/* The first group makes it possible, and for the others it is done already. */
	if (ioctl(container, VFIO_SET_IOMMU, VFIO_TYPE1_IOMMU) < 0 && errno != EINVAL)
		die("VFIO_SET_IOMMU");
	device = ioctl(group, VFIO_GROUP_GET_DEVICE_FD, address);
	if (device < 0)
		die(address);
	return device;
}

/* With `events` for `count` interrupts; there are none if it is 0. */
static int vectors_set(int device, const int *events, unsigned int count)
{
	union {
		struct vfio_irq_set set;
		char room[sizeof(struct vfio_irq_set) + VECTORS_MAX * sizeof(int)];
	} all = {0};

	all.set.argsz = sizeof(struct vfio_irq_set) + count * sizeof(int);
	all.set.flags = VFIO_IRQ_SET_ACTION_TRIGGER;
	all.set.flags |= count > 0 ? VFIO_IRQ_SET_DATA_EVENTFD : VFIO_IRQ_SET_DATA_NONE;
	all.set.index = VFIO_PCI_MSIX_IRQ_INDEX;
	all.set.count = count;
	memcpy(all.set.data, events, count * sizeof(int));
	return ioctl(device, VFIO_DEVICE_SET_IRQS, &all.set);
}

/* More than it has are given to it when it has none, as QEMU does. */
static int vectors_enable(int device, unsigned int count)
{
	int result, events[VECTORS_MAX] = {0};

	vectors_set(device, events, 0);
	for (unsigned int i = 0; i < count; i++) {
		events[i] = eventfd(0, EFD_CLOEXEC);
		if (events[i] < 0)
			die("eventfd");
	}
	result = vectors_set(device, events, count);
	for (unsigned int i = 0; i < count; i++)
		close(events[i]);
	return result;
}

/* Returns 0 or -1 with errno. */
static int command_do(int device, const char *line)
{
	unsigned int count;

	if (strcmp(line, "disable\n") == 0)
		return vectors_set(device, &device, 0);
	if (sscanf(line, "enable %u", &count) == 1 && count > 0 && count <= VECTORS_MAX)
		return vectors_enable(device, count);
	errno = EINVAL;
	return -1;
}

int main(int argc, char **argv)
{
	int container = open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC), devices[DEVICES_MAX], count = 0;
	char line[LINE_SIZE];

	for (int i = 1; i + 1 < argc && count < DEVICES_MAX; i++) {
		if (strcmp(argv[i], "-device") != 0)
			continue;
		address_find(argv[i + 1], line);
		if (line[0] != '\0')
			devices[count++] = device_open(container, line);
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	puts("ready");
	while (fgets(line, sizeof(line), stdin) != NULL && strcmp(line, "quit\n") != 0) {
		int result = 0;

		for (int i = 0; i < count && result == 0; i++)
			result = command_do(devices[i], line);
		puts(result == 0 ? "ok" : strerror(errno));
	}
	puts("ok");
	return EXIT_SUCCESS;
}
