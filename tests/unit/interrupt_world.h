/*
 * The interrupts and devices of a host that is made up, in "world" of the test's directory,
 * and what the kernel makes of a write to an affinity, which a regular file does not.
 */
#ifndef INTERRUPT_WORLD_H
#define INTERRUPT_WORLD_H

#include "tree.h"

#include <stdbool.h>
#include <sys/syscall.h>

#define BUS "world/sys/devices/pci0000:00/"

enum { INTERRUPTS_MAX = 8192 };

/* What the kernel answers to who sets the affinity of an interrupt: an errno; 0: it does. */
static int refusals[INTERRUPTS_MAX];
static unsigned int affinities_written;
/* Is told before each, where there is one. */
static void (*before_affinity)(unsigned int number);

/* The interrupt whose affinity a descriptor leads to; 0: none. */
static inline unsigned int affinity_number(int fd)
{
	static const char file[] = "/smp_affinity_list";
	char link[64];
	char path[PATH_MAX];
	char *end;
	ssize_t length;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	length = readlink(link, path, sizeof(path) - 1);
	if (length < (ssize_t)strlen(file))
		return 0;
	path[length] = '\0';
	end = path + length - strlen(file);
	if (strcmp(end, file) != 0)
		return 0;
	*end = '\0';
	return (unsigned int)strtoul(strrchr(path, '/') + 1, NULL, 10);
}

/*
 * Goes before that of the C library, for all of this program. The kernel takes an affinity as a
 * whole, and shows it with a newline (irq_affinity_list_proc_write in kernel/irq/proc.c).
 */
ssize_t write(int fd, const void *data, size_t length)
{
	int code = errno;
	unsigned int number = affinity_number(fd);
	ssize_t count;

	errno = code;
	if (number == 0 || number >= INTERRUPTS_MAX)
		return syscall(SYS_write, fd, data, length);
	if (before_affinity != NULL)
		before_affinity(number);
	if (refusals[number] != 0) {
		errno = refusals[number];
		return -1;
	}
	affinities_written++;
	if (ftruncate(fd, 0) < 0)
		return -1;
	count = syscall(SYS_write, fd, data, length);
	return count == (ssize_t)length && syscall(SYS_write, fd, "\n", 1) == 1 ? count : -1;
}

/* A file, of which the path and the text may hold what printf(3) takes. */
static inline const char *path_of(const char *format, ...)
{
	static char path[PATH_MAX];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(path, sizeof(path), format, arguments);
	va_end(arguments);
	return path;
}

/* A link, and the directories on the way to it. */
static inline void make_path_link(const char *target, const char *path)
{
	make_directories(path);
	make_link(target, path);
}

static inline void make_line(const char *path, const char *text)
{
	char line[8192];

	snprintf(line, sizeof(line), "%s\n", text);
	make_file(path, line);
}

static inline void make_online(const char *cpus)
{
	make_line("world/sys/devices/system/cpu/online", cpus);
}

/* Sets an affinity as somebody else. */
static inline void set_affinity(unsigned int number, const char *cpus)
{
	make_line(path_of("world/proc/irq/%u/smp_affinity_list", number), cpus);
}

/* What the affinity is. */
static inline const char *affinity(unsigned int number)
{
	static char text[8192];
	FILE *file = fopen(path_of("world/proc/irq/%u/smp_affinity_list", number), "re");

	assert_non_null(file);
	assert_non_null(fgets(text, sizeof(text), file));
	assert_int_equal(fgetc(file), EOF);
	fclose(file);
	text[strcspn(text, "\n")] = '\0';
	return text;
}

static inline void set_actions(unsigned int number, const char *actions)
{
	make_line(path_of("world/sys/kernel/irq/%u/actions", number), actions);
}

static inline void remove_interrupt(unsigned int number)
{
	assert_int_equal(remove_tree(path_of("world/proc/irq/%u", number)), 0);
	assert_int_equal(remove_tree(path_of("world/sys/kernel/irq/%u", number)), 0);
}

/*
 * Makes an interrupt. Where there is one of that number it goes, and the new one is
 * another, for its directory is there before that of the old one goes.
 */
static inline void make_interrupt(unsigned int number, const char *cpus, const char *actions)
{
	char path[PATH_MAX];

	make_line("world/sys/kernel/irq/new/actions", actions);
	snprintf(path, sizeof(path), "world/sys/kernel/irq/%u", number);
	if (access(path, F_OK) == 0)
		remove_interrupt(number);
	set_affinity(number, cpus);
	assert_int_equal(rename("world/sys/kernel/irq/new", path), 0);
}

/* Makes a PCI device on the root bus, with a driver and, unless that is NULL, an interface. */
static inline void make_pci_device(const char *address, const char *driver, const char *interface)
{
	char target[PATH_MAX];

	make_line(path_of(BUS "%s/irq", address), "0");
	snprintf(target, sizeof(target), "../../../bus/pci/drivers/%s", driver);
	make_path_link(target, path_of(BUS "%s/driver", address));
	snprintf(target, sizeof(target), "../../../devices/pci0000:00/%s", address);
	make_path_link(target, path_of("world/sys/bus/pci/devices/%s", address));
	if (interface == NULL)
		return;
	make_line(path_of(BUS "%s/net/%s/ifindex", address, interface), "2");
	snprintf(target, sizeof(target), "../../devices/pci0000:00/%s/net/%s", address, interface);
	make_path_link(target, path_of("world/sys/class/net/%s", interface));
}

/* Gives it an interrupt, which need not be there. */
static inline void give_vector(const char *address, unsigned int number)
{
	make_line(path_of(BUS "%s/msi_irqs/%u", address, number), "msix");
}

static inline void take_vector(const char *address, unsigned int number)
{
	assert_int_equal(unlink(path_of(BUS "%s/msi_irqs/%u", address, number)), 0);
}

/*
 * A host with a network interface, eth0 (24, 25), a device in the hands of VFIO, 0000:00:05.0
 * (27), and another interrupt (9), all of them on those CPUs; every CPU is online.
 */
static inline void make_devices(const char *cpus)
{
	make_online("0-8191");
	make_interrupt(9, cpus, "acpi");
	make_interrupt(24, cpus, "virtio1-input.0");
	make_interrupt(25, cpus, "virtio1-output.0");
	make_interrupt(27, cpus, "vfio-msix[0](0000:00:05.0)");
	make_pci_device("0000:00:03.0", "virtio-pci", "eth0");
	make_pci_device("0000:00:05.0", "vfio-pci", NULL);
	give_vector("0000:00:03.0", 24);
	give_vector("0000:00:03.0", 25);
	give_vector("0000:00:05.0", 27);
}

#endif
