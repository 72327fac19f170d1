/*
 * A stand-in for the emulator: prints all that a process can inherit, one thing a
 * line, so that two starts can be compared by diff(1). To stdout, or to the file
 * that "-D FILE" (QEMU's own option for its log) names, for a start whose stdout
 * is closed. All is gathered before anything is opened.
 *
 *     standin --exec WORLD PROGRAM ARGV0 ARG...
 *
 * makes the world that a shell cannot make, "-" or some of "descriptors,signals,
 * process", and becomes PROGRAM with that argv[0].
 */
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/mempolicy.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { NODES_MAX = 1024, LINE_SIZE = 8192 };

/* Any bytes, so that they fill one line and no two texts look the same. */
static void print_text(FILE *out, const char *key, const char *text)
{
	fprintf(out, "%s: ", key);
	for (const char *p = text; *p != '\0'; p++) {
		if ((unsigned char)*p < 0x20 || (unsigned char)*p >= 0x7f || *p == '\\')
			fprintf(out, "\\x%02x", (unsigned char)*p);
		else
			putc(*p, out);
	}
	putc('\n', out);
}

static void print_link(FILE *out, const char *key, const char *path)
{
	char target[PATH_MAX];
	ssize_t length = readlink(path, target, sizeof(target) - 1);

	if (length < 0)
		err(2, "%s", path);
	target[length] = '\0';
	print_text(out, key, target);
}

/* Every line of a file that begins with one of the words; all lines without words. */
static void print_lines(FILE *out, const char *key, const char *path, const char *const words[])
{
	char line[LINE_SIZE];
	FILE *file = fopen(path, "re");

	if (file == NULL) {
		fprintf(out, "%s: %s\n", key, strerror(errno));
		return;
	}
	while (fgets(line, sizeof(line), file) != NULL) {
		const char *const *word = words;

		line[strcspn(line, "\n")] = '\0';
		for (char *tab = strchr(line, '\t'); tab != NULL; tab = strchr(tab, '\t'))
			*tab = ' ';
		while (word != NULL && *word != NULL && strncmp(line, *word, strlen(*word)) != 0)
			word++;
		if (word == NULL || *word != NULL)
			print_text(out, key, line);
	}
	fclose(file);
}

static void print_strings(FILE *out, const char *name, char *const strings[])
{
	for (size_t i = 0; strings[i] != NULL; i++) {
		char key[64];

		snprintf(key, sizeof(key), "%s %zu", name, i);
		print_text(out, key, strings[i]);
	}
}

/* The locks that are held through a descriptor; who took them is "self" or another. */
static void print_locks(FILE *out, int fd)
{
	char path[64];
	char line[LINE_SIZE];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	file = fopen(path, "re");
	if (file == NULL)
		err(2, "%s", path);
	while (fgets(line, sizeof(line), file) != NULL) {
		char *rest = line;
		char *word;

		if (strncmp(line, "lock:", 5) != 0)
			continue;
		fprintf(out, "fd %d:", fd);
		while ((word = strsep(&rest, " \t\n")) != NULL) {
			if (*word != '\0')
				fprintf(out, " %s",
					strtol(word, NULL, 10) == getpid() ? "self" : word);
		}
		fprintf(out, "\n");
	}
	fclose(file);
}

static void print_descriptor(FILE *out, int fd)
{
	char path[64];
	char key[256];
	char offset[32] = "none";
	off_t at = lseek(fd, 0, SEEK_CUR);

	if (at >= 0)
		snprintf(offset, sizeof(offset), "%lld", (long long)at);
	snprintf(key, sizeof(key), "fd %d, flags %#x, status %#x, offset %s", fd,
		 (unsigned int)fcntl(fd, F_GETFD), (unsigned int)fcntl(fd, F_GETFL), offset);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	print_link(out, key, path);
	print_locks(out, fd);
}

static int compare_numbers(const void *one, const void *other)
{
	return *(const int *)one - *(const int *)other;
}

static void print_descriptors(FILE *out)
{
	DIR *directory = opendir("/proc/self/fd");
	const struct dirent *entry;
	int fds[4096];
	size_t count = 0;

	if (directory == NULL)
		err(2, "/proc/self/fd");
	while ((entry = readdir(directory)) != NULL) {
		int fd = (int)strtol(entry->d_name, NULL, 10);

		if (entry->d_name[0] != '.' && fd != dirfd(directory) &&
		    count < sizeof(fds) / sizeof(fds[0]))
			fds[count++] = fd;
	}
	closedir(directory);
	qsort(fds, count, sizeof(fds[0]), compare_numbers);
	for (size_t i = 0; i < count; i++)
		print_descriptor(out, fds[i]);
}

static void print_limits(FILE *out)
{
	for (int i = 0; i < RLIM_NLIMITS; i++) {
		struct rlimit limit;

		if (getrlimit((__rlimit_resource_t)i, &limit) < 0)
			err(2, "getrlimit");
		fprintf(out, "limit %d: %llu %llu\n", i, (unsigned long long)limit.rlim_cur,
			(unsigned long long)limit.rlim_max);
	}
}

static void print_scheduling(FILE *out)
{
	struct sched_param parameter;

	if (sched_getparam(0, &parameter) < 0)
		err(2, "sched_getparam");
	fprintf(out, "scheduler: policy %#x, priority %d\n", (unsigned int)sched_getscheduler(0),
		parameter.sched_priority);
	fprintf(out, "nice: %d\n", getpriority(PRIO_PROCESS, 0));
	fprintf(out, "io priority: %#lx\n", syscall(SYS_ioprio_get, 1, 0));
}

/* The mode with its flags, and the nodes, as the kernel's lists are written. */
static void print_memory_policy(FILE *out)
{
	unsigned long nodes[NODES_MAX / (8 * sizeof(unsigned long))] = {0};
	unsigned int bits = 8 * sizeof(nodes[0]);
	const char *comma = "";
	int mode;

	if (syscall(SYS_get_mempolicy, &mode, nodes, (unsigned long)NODES_MAX, NULL, 0UL) < 0) {
		fprintf(out, "memory policy: %s\n", strerror(errno));
		return;
	}
	fprintf(out, "memory policy: mode %#x, nodes ", (unsigned int)mode);
	for (unsigned int i = 0; i < NODES_MAX; i++) {
		if (nodes[i / bits] >> i % bits & 1) {
			fprintf(out, "%s%u", comma, i);
			comma = ",";
		}
	}
	fprintf(out, "\n");
}

static void print_process(FILE *out)
{
	static const char *const words[] = {
	    "Umask:",
	    "TracerPid:",
	    "Uid:",
	    "Gid:",
	    "Groups:",
	    "Threads:",
	    "SigPnd:",
	    "ShdPnd",
	    "SigBlk:",
	    "SigIgn:",
	    "SigCgt:",
	    "Cap",
	    "NoNew",
	    "Seccomp",
	    "Speculation",
	    "Cpus_allowed_list:",
	    "Mems_allowed_list:",
	    "THP_enabled:",
	    NULL,
	};
	int death;

	print_lines(out, "status", "/proc/self/status", words);
	print_lines(out, "cgroup", "/proc/self/cgroup", NULL);
	print_lines(out, "oom_score_adj", "/proc/self/oom_score_adj", NULL);
	print_lines(out, "coredump_filter", "/proc/self/coredump_filter", NULL);
	print_lines(out, "comm", "/proc/self/comm", NULL);
	print_link(out, "exe", "/proc/self/exe");
	print_link(out, "cwd", "/proc/self/cwd");
	print_link(out, "root", "/proc/self/root");
	if (prctl(PR_GET_PDEATHSIG, &death) < 0)
		err(2, "PR_GET_PDEATHSIG");
	fprintf(out, "signal at the parent's death: %d\n", death);
	fprintf(out, "dumpable: %d\n", prctl(PR_GET_DUMPABLE));
	fprintf(out, "timer slack: %d\n", prctl(PR_GET_TIMERSLACK));
	fprintf(out, "no huge pages: %d\n", prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0));
	fprintf(out, "securebits: %#x\n", (unsigned int)prctl(PR_GET_SECUREBITS));
	fprintf(out, "personality: %#x\n", (unsigned int)personality(0xffffffff));
	fprintf(out, "secure: %lu\n", getauxval(AT_SECURE));
	fprintf(out, "pid: %d\n", getpid());
	fprintf(out, "parent: %d, group: %d, session: %d\n", getppid(), getpgid(0), getsid(0));
}

/* Where it shall be printed: the last "-D FILE", or stdout. */
static FILE *output_open(char *const argv[])
{
	const char *path = NULL;
	FILE *file;

	for (size_t i = 1; argv[i] != NULL; i++) {
		if (strcmp(argv[i], "-D") == 0 && argv[i + 1] != NULL)
			path = argv[i + 1];
	}
	if (path == NULL)
		return stdout;
	file = fopen(path, "we");
	if (file == NULL)
		err(2, "%s", path);
	return file;
}

static void report(char *const argv[])
{
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (out == NULL)
		err(2, "open_memstream");
	print_strings(out, "argv", argv);
	print_strings(out, "env", environ);
	print_descriptors(out);
	print_limits(out);
	print_scheduling(out);
	print_memory_policy(out);
	print_process(out);
	if (fclose(out) != 0)
		err(2, "open_memstream");
	out = output_open(argv);
	if (fwrite(text, 1, size, out) != size || fclose(out) != 0)
		err(2, "output");
	free(text);
}

static void must(long result, const char *what)
{
	if (result < 0)
		err(2, "%s", what);
}

/* Moves a descriptor to a number, without close-on-exec. */
static void place(int fd, int number, const char *what)
{
	must(fd, what);
	must(dup2(fd, number), what);
	must(close(fd), what);
}

/*
 * Sockets, a file of this directory with locks of each kind, one with an offset,
 * one that closes on exec.
 */
static void make_descriptors(void)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};
	int pair[2];

	must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), "socketpair");
	place(pair[0], 40, "socket");
	place(pair[1], 41, "socket");
	place(eventfd(7, EFD_SEMAPHORE), 42, "eventfd");
	place(open("locked", O_RDWR | O_CREAT, 0600), 43, "locked file");
	must(fcntl(43, F_SETLK, &lock), "POSIX lock");
	lock.l_start = 10;
	must(fcntl(43, F_OFD_SETLK, &lock), "OFD lock");
	must(flock(43, LOCK_EX), "flock");
	place(open("/proc/self/exe", O_RDONLY), 44, "read file");
	must(lseek(44, 17, SEEK_SET), "lseek");
	place(open("/", O_PATH | O_DIRECTORY), 45, "directory");
	place(open("/dev/null", O_WRONLY | O_APPEND | O_ASYNC), 46, "append");
	must(fcntl(open("/dev/null", O_RDONLY), F_DUPFD_CLOEXEC, 50), "close-on-exec");
}

static void make_signals(void)
{
	static const int ignored[] = {SIGHUP, SIGPIPE, SIGCHLD, SIGTTOU};
	sigset_t blocked;

	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++) {
		if (signal(ignored[i], SIG_IGN) == SIG_ERR)
			err(2, "signal");
	}
	if (signal(SIGRTMAX, SIG_IGN) == SIG_ERR)
		err(2, "signal");
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGUSR1);
	sigaddset(&blocked, SIGALRM);
	sigaddset(&blocked, SIGTERM);
	sigaddset(&blocked, SIGRTMIN + 3);
	must(sigprocmask(SIG_SETMASK, &blocked, NULL), "sigprocmask");
	must(raise(SIGUSR1), "raise"); /* stays pending over execve(2) */
	must(kill(getpid(), SIGRTMIN + 3), "kill");
}

static void make_process(void)
{
	static const char score[] = "1000"; /* may be raised by anybody */
	static const char filter[] = "0x7";
	int fd;

	must(prctl(PR_SET_PDEATHSIG, SIGUSR2), "PR_SET_PDEATHSIG");
	must(prctl(PR_SET_TIMERSLACK, 1234567UL), "PR_SET_TIMERSLACK");
	must(prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0), "PR_SET_THP_DISABLE");
	must(personality(ADDR_NO_RANDOMIZE), "personality");
	must(syscall(SYS_ioprio_set, 1, 0, 2 << 13 | 6), "ioprio_set");
	fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	must(fd, "oom_score_adj");
	must(write(fd, score, strlen(score)), "oom_score_adj");
	must(close(fd), "oom_score_adj");
	fd = open("/proc/self/coredump_filter", O_WRONLY | O_CLOEXEC);
	must(fd, "coredump_filter");
	must(write(fd, filter, strlen(filter)), "coredump_filter");
	must(close(fd), "coredump_filter");
}

static void become(const char *world, char *argv[])
{
	if (strstr(world, "descriptors") != NULL)
		make_descriptors();
	if (strstr(world, "process") != NULL)
		make_process();
	if (strstr(world, "signals") != NULL)
		make_signals();
	execve(argv[0], argv + 1, environ);
	err(127, "%s", argv[0]);
}

int main(int argc, char *argv[])
{
	if (argc > 4 && strcmp(argv[1], "--exec") == 0)
		become(argv[2], argv + 3);
	report(argv);
	return 0;
}
