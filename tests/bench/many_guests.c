/*
 * Starts very many guests as libvirt does: each in cgroups of its own, as a user who is nobody.
 *
 *	usage: many_guests start|ask|write HIERARCHY COUNT AT-ONCE USER GROUP KIND[,KIND...] PROGRAM
 *
 * HIERARCHY is where the cpusets of cgroup v1 are mounted, or cgroup v2. The guests are
 * "many.KIND.NUMBER", of each kind in turn.
 *
 * start: PROGRAM, the shim, becomes their emulator, which says one line (many_standin.c); then
 * the affinity of its threads is set to all CPUs, as libvirt would. AT-ONCE of them have not
 * said that line yet. All lines come out on stdout; the guests stay.
 *
 * ask: PROGRAM is many_client. When all of them are ready, AT-ONCE of them ask the agent at a
 * time. Their answers come out, then "rate SECONDS"; they end.
 *
 * write: what the agent writes to their cgroups is written once more, one guest after the other,
 * and "writes MICROSECONDS" of processor time comes out, which the kernel alone takes for a guest.
 */
#include "file.h"
#include "number.h"

#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { GO = 3, NAME_SIZE = 64, TEXT_SIZE = 8192, GUESTS_MAX = 100000 };

struct host {
	bool asks;
	bool unified;
	const char *hierarchy;
	char cpus[TEXT_SIZE]; /* of the host, for cgroup v2 */
	unsigned int count;
	unsigned int at_once;
	unsigned int user;
	unsigned int group;
	char *kinds[256];
	unsigned int kind_count;
	const char *program;
	int go[2];   /* for those that ask: a byte lets one of them */
	FILE *lines; /* what the guests say */
	int said;    /* their end of it */
};

static void file_text(const char *directory, const char *name, char text[TEXT_SIZE])
{
	char path[PATH_MAX];
	ssize_t length;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	length = file_read(AT_FDCWD, path, text, TEXT_SIZE);
	if (length < 0)
		errx(1, "%s: %s", path, strerror((int)-length));
}

static void file_set(const char *directory, const char *name, const char *text)
{
	char path[PATH_MAX];
	int result;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	result = file_write(AT_FDCWD, path, text);
	if (result < 0)
		errx(1, "%s: %s", path, strerror(-result));
}

/*
 * Makes a cgroup in another one, and leaves its path in `path`. Under v1 a new cpuset is empty,
 * and libvirt gives it what is above it (virCgroupCpuSetInherit); under v2 it has that. One
 * that is there is as if it were new.
 */
static void cgroup_make(const struct host *host, char path[PATH_MAX], const char *name, bool inner)
{
	static const char *const files[] = {"cpuset.cpus", "cpuset.mems"};
	char above[PATH_MAX];
	char text[TEXT_SIZE];

	strcpy(above, path);
	snprintf(path, PATH_MAX, "%.3000s/%.1000s", above, name);
	if (mkdir(path, 0755) < 0 && errno != EEXIST)
		err(1, "%s", path);
	if (host->unified)
		file_set(path, "cpuset.cpus", host->cpus);
	if (host->unified && inner)
		file_set(path, "cgroup.subtree_control", "+cpuset");
	if (host->unified)
		return;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		file_text(above, files[i], text);
		file_set(path, files[i], text);
	}
}

static const char *machine_name(const struct host *host)
{
	return host->unified ? "machine.slice" : "machine";
}

static void guest_name(const struct host *host, unsigned int number, char guest[NAME_SIZE])
{
	snprintf(guest, NAME_SIZE, "many.%.40s.%u", host->kinds[number % host->kind_count], number);
}

static void guest_cgroup_name(const struct host *host, const char *guest, unsigned int number,
			      char name[NAME_MAX])
{
	if (host->unified)
		snprintf(name, NAME_MAX, "machine-qemu\\x2d%u\\x2d%.64s.scope", number, guest);
	else
		snprintf(name, NAME_MAX, "qemu-%u-%.64s.libvirt-qemu", number, guest);
}

/* The cgroups of a guest. Leaves the path of "emulator". */
static void guest_cgroups_make(const struct host *host, const char *guest, unsigned int number,
			       char path[PATH_MAX])
{
	char name[NAME_MAX];

	snprintf(path, PATH_MAX, "%s/%s", host->hierarchy, machine_name(host));
	guest_cgroup_name(host, guest, number, name);
	cgroup_make(host, path, name, true);
	if (host->unified)
		cgroup_make(host, path, "libvirt", true);
	cgroup_make(host, path, "emulator", false);
}

/* The child's own life: in its cgroup, and without rights, it becomes the program. */
static void guest_become(const struct host *host, const char *guest, const char *cgroup)
{
	char name[NAME_MAX];
	int nothing = open("/dev/null", O_RDONLY);

	file_set(cgroup, "cgroup.procs", "0");
	snprintf(name, sizeof(name), "guest=%.64s", guest);
	if (dup2(nothing, STDIN_FILENO) < 0 || dup2(host->said, STDOUT_FILENO) < 0 ||
	    (host->asks && dup2(host->go[0], GO) < 0) || setgroups(0, NULL) < 0 ||
	    setresgid(host->group, host->group, host->group) < 0 ||
	    setresuid(host->user, host->user, host->user) < 0)
		err(1, "%s", guest);
	execl(host->program, host->program, "-name", name, "-S", "-machine", "pc,accel=kvm", "-m",
	      "size=1024k", "-nographic", "-nodefaults", (char *)NULL);
	err(1, "%s", host->program);
}

static void guest_start(const struct host *host, unsigned int number)
{
	char path[PATH_MAX];
	char guest[NAME_SIZE];
	pid_t pid;

	guest_name(host, number, guest);
	guest_cgroups_make(host, guest, number + 1, path);
	pid = fork();
	if (pid < 0)
		err(1, "fork");
	if (pid == 0)
		guest_become(host, guest, path);
}

/* As qemuProcessSetupPid() of libvirt, which would undo an affinity. */
static void affinity_reset(pid_t pid)
{
	char path[64];
	cpu_set_t all;
	DIR *threads;
	const struct dirent *entry;
	unsigned int thread;

	memset(&all, 0xff, sizeof(all));
	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	threads = opendir(path);
	if (threads == NULL)
		err(1, "%s", path);
	while ((entry = readdir(threads)) != NULL) {
		if (number_read(entry->d_name, INT_MAX, &thread) > 0 &&
		    sched_setaffinity((pid_t)thread, sizeof(all), &all) < 0)
			err(1, "affinity");
	}
	closedir(threads);
}

/* Whoever ends without a line has been refused: what it had to say was said on stderr. */
static unsigned int refused_count(void)
{
	unsigned int count = 0;
	int status;

	while (waitpid(-1, &status, WNOHANG) > 0)
		count += status != 0;
	return count;
}

/* Takes one line, and lets it out. */
static void line_take(const struct host *host)
{
	char line[TEXT_SIZE];
	const char *word;
	unsigned int pid;

	if (fgets(line, sizeof(line), host->lines) == NULL)
		errx(1, "the guests say nothing more");
	if (fputs(line, stdout) < 0)
		err(1, "stdout");
	word = strchr(line, ' ');
	if (!host->asks && word != NULL && number_read(word + 1, INT_MAX, &pid) > 0)
		affinity_reset((pid_t)pid);
}

static void end_on_refusal(int signal)
{
	(void)signal;
	if (refused_count() > 0) {
		static const char text[] = "many_guests: a guest has ended: see its line\n";

		(void)!write(STDERR_FILENO, text, strlen(text));
		_exit(1);
	}
}

static void guests_start(const struct host *host)
{
	unsigned int begun = 0;

	for (unsigned int done = 0; done < host->count; done++) {
		while (begun < host->count && begun - done < host->at_once)
			guest_start(host, begun++);
		line_take(host);
	}
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void one_more(const struct host *host)
{
	if (write(host->go[1], "", 1) != 1)
		err(1, "pipe");
}

/* They are started first, so that only what the agent does is timed. */
static void guests_ask(const struct host *host)
{
	unsigned int begun = 0;
	double start;

	start = seconds();
	for (unsigned int done = 0; done < host->count; done++) {
		while (begun < host->count && begun - done < host->at_once) {
			one_more(host);
			begun++;
		}
		line_take(host);
	}
	printf("rate %.6f\n", seconds() - start);
}

static double processor_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Writes what the guest has already, as if it were new; as cpuset.c. Returns the seconds. */
static double guest_write(const struct host *host, unsigned int number)
{
	char path[PATH_MAX];
	char guest[NAME_SIZE];
	char name[NAME_MAX];
	char cpus[TEXT_SIZE];
	double start;

	guest_name(host, number, guest);
	guest_cgroup_name(host, guest, number + 1, name);
	snprintf(path, sizeof(path), "%s/%s/%s%s", host->hierarchy, machine_name(host), name,
		 host->unified ? "/libvirt" : "");
	file_text(path, "cpuset.cpus", cpus);
	guest_cgroups_make(host, guest, number + 1, path);
	start = processor_seconds();
	if (!host->unified)
		file_set(path, "cpuset.cpus", cpus);
	*strrchr(path, '/') = '\0';
	file_set(path, "cpuset.cpus", cpus);
	return processor_seconds() - start;
}

static void guests_write(const struct host *host)
{
	double sum = 0;

	for (unsigned int i = 0; i < host->count; i++)
		sum += guest_write(host, i);
	printf("writes %.1f\n", sum / host->count * 1e6);
}

static unsigned int number_of(const char *text)
{
	unsigned int number;
	size_t digits = number_read(text, INT_MAX, &number);

	if (digits == 0 || text[digits] != '\0')
		errx(2, "'%s' is no number", text);
	return number;
}

static void host_make(struct host *host)
{
	char path[PATH_MAX];
	int ends[2];

	snprintf(path, sizeof(path), "%s", host->hierarchy);
	if (host->unified) {
		file_text(path, "cpuset.cpus.effective", host->cpus);
		file_set(path, "cgroup.subtree_control", "+cpuset");
	}
	cgroup_make(host, path, machine_name(host), true);
	if (pipe2(ends, O_CLOEXEC) < 0 || pipe2(host->go, O_CLOEXEC) < 0)
		err(1, "pipe");
	host->said = ends[1];
	host->lines = fdopen(ends[0], "r");
	if (host->lines == NULL || signal(SIGCHLD, end_on_refusal) == SIG_ERR)
		err(1, "pipe");
	setvbuf(stdout, NULL, _IOFBF, 1 << 16);
}

int main(int argc, char *argv[])
{
	static struct host host;
	char path[PATH_MAX];

	if (argc != 9 || (strcmp(argv[1], "start") != 0 && strcmp(argv[1], "ask") != 0 &&
			  strcmp(argv[1], "write") != 0))
		errx(2, "usage: many_guests start|ask|write HIERARCHY COUNT AT-ONCE USER GROUP "
			"KIND[,KIND...] PROGRAM");
	host.asks = strcmp(argv[1], "ask") == 0;
	host.hierarchy = argv[2];
	snprintf(path, sizeof(path), "%s/cgroup.controllers", host.hierarchy);
	host.unified = access(path, F_OK) == 0;
	host.count = number_of(argv[3]);
	host.at_once = number_of(argv[4]);
	host.user = number_of(argv[5]);
	host.group = number_of(argv[6]);
	for (char *kind = strtok(argv[7], ","); kind != NULL && host.kind_count < 256;
	     kind = strtok(NULL, ","))
		host.kinds[host.kind_count++] = kind;
	host.program = argv[8];
	if (host.count == 0 || host.count > GUESTS_MAX || host.at_once == 0 || host.kind_count == 0)
		errx(2, "there is nothing to start");
	host_make(&host);
	if (strcmp(argv[1], "write") == 0) {
		guests_write(&host);
	} else if (host.asks) {
		unsigned int at_once = host.at_once;

		host.at_once = host.count;
		guests_start(&host);
		host.at_once = at_once;
		guests_ask(&host);
	} else {
		guests_start(&host);
	}
	return fflush(stdout) != 0;
}
