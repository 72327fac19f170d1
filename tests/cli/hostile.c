/*
 * Who is at the other end of the agent's socket, as an attacker may choose it.
 *
 *	usage: hostile listen SOCKET PROGRAM [ARGUMENT...]
 *	       hostile as SOCKET PROGRAM [ARGUMENT...]
 *	       hostile overwrite SOCKET PROGRAM [ARGUMENT...]
 *	       hostile forge SOCKET PROGRAM [ARGUMENT...]
 *	       hostile reused SOCKET PROGRAM [ARGUMENT...]
 *	       hostile rooted SOCKET DIRECTORY
 *	       hostile send SOCKET descriptors|huge|half|nothing
 *
 * listen: becomes PROGRAM, an agent, to which it hands the socket over as systemd does. as: a
 * process connects and becomes PROGRAM, a shim, which is held before its first instruction, as
 * whoever may trace it can do; the request is sent for it. overwrite: instead, it overwrites its
 * own command line with that of PROGRAM. forge: in a user namespace of its own, it says besides
 * that PROGRAM is what it executes. reused: it connects and ends; its number is given to
 * another process, which is held as PROGRAM, and only then the request is sent. It must be root
 * of its namespaces. rooted: asks from within DIRECTORY, by chroot(2). send: asks in an odd way.
 * Each prints what it is answered, "nothing" where that is nothing; "as" and "reused" the number
 * of the process before it, on a line of its own.
 */
#include <err.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/prctl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static const char request[] = "guest-pinning 1 place";

enum {
	ANSWER_SIZE = 32768,
	HUGE_SIZE = 100000,
	LINE_SIZE = 4096,
	DESCRIPTORS = 253 /* SCM_MAX_FD, unix(7) */
};

static struct sockaddr_un address = {.sun_family = AF_UNIX};

static int socket_make(void)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);

	if (fd < 0)
		err(1, "socket");
	return fd;
}

static void agent_connect(int fd)
{
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		err(1, "%s", address.sun_path);
}

static void listen_for(char *argv[])
{
	char path[sizeof(address.sun_path)];
	char pid[16];
	int fd = socket_make();

	strcpy(path, address.sun_path);
	strcpy(address.sun_path + strlen(path) - 1, "~"); /* until it listens */
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 64) < 0 ||
	    chmod(address.sun_path, 0666) < 0 || rename(address.sun_path, path) < 0)
		err(1, "%s", path);
	if (fd != 3 && (dup2(fd, 3) < 0 || close(fd) < 0))
		err(1, "dup2");
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	if (setenv("LISTEN_PID", pid, 1) < 0 || setenv("LISTEN_FDS", "1", 1) < 0)
		err(1, "setenv");
	execv(argv[0], argv);
	err(1, "%s", argv[0]);
}

static void answer_print(int fd)
{
	static char answer[ANSWER_SIZE];
	ssize_t got = recv(fd, answer, sizeof(answer) - 1, 0);

	puts(got > 0 ? answer : "nothing");
}

static void ask(int fd)
{
	if (send(fd, request, strlen(request), MSG_NOSIGNAL) < 0)
		err(1, "send");
	answer_print(fd);
}

/* A process that is held as it begins to be PROGRAM; it connects before, or not. */
static pid_t held_start(int fd, bool connects, char *argv[])
{
	pid_t pid = fork();
	int status;

	if (pid < 0)
		err(1, "fork");
	if (pid == 0) {
		if (connects)
			agent_connect(fd);
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
			err(1, "ptrace");
		execv(argv[0], argv);
		err(1, "%s", argv[0]);
	}
	if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
		errx(1, "%s does not run", argv[0]);
	return pid;
}

static void end(pid_t pid)
{
	if (kill(pid, SIGKILL) < 0 || waitpid(pid, NULL, 0) != pid)
		err(1, "kill");
}

static void ask_as(char *argv[])
{
	int fd = socket_make();
	pid_t pid = held_start(fd, true, argv);

	printf("%d\n", (int)pid);
	ask(fd);
	end(pid);
}

/* What the next process of this namespace is to be called (namespaces(7)). */
static void number_set(pid_t before)
{
	int fd = open("/proc/sys/kernel/ns_last_pid", O_WRONLY);

	if (fd < 0 || dprintf(fd, "%d", (int)before) < 0 || close(fd) < 0)
		err(1, "ns_last_pid");
}

static void ask_reused(char *argv[])
{
	int fd = socket_make();
	pid_t first = fork();
	pid_t second;

	if (first < 0)
		err(1, "fork");
	if (first == 0) {
		agent_connect(fd);
		_exit(0);
	}
	if (waitpid(first, NULL, 0) != first)
		err(1, "waitpid");
	number_set(first - 1);
	second = held_start(fd, false, argv);
	if (second != first)
		errx(1, "%d is not %d", (int)second, (int)first);
	printf("%d\n", (int)second);
	ask(fd);
	end(second);
}

/* As the kernel has it. Returns its length. */
static size_t command_line_make(char made[LINE_SIZE], char *argv[])
{
	size_t length = 0;

	for (; *argv != NULL && length < LINE_SIZE; argv++)
		length += (size_t)snprintf(made + length, LINE_SIZE - length, "%s%c", *argv, '\0');
	if (length >= LINE_SIZE)
		errx(1, "too long");
	return length;
}

/* The room is that of our own arguments, which are one after the other (execve(2)). */
static void ask_overwritten(int argc, char *argv[])
{
	char made[LINE_SIZE];
	size_t length = command_line_make(made, argv + 3);
	size_t room = (size_t)(argv[argc - 1] + strlen(argv[argc - 1]) + 1 - argv[0]);
	int fd = socket_make();

	memset(argv[0], 0, room);
	memcpy(argv[0], made, length);
	agent_connect(fd);
	ask(fd);
}

/* Has the same bytes in the place of a part of a file that is executed: without the file. */
static void copy_in_place(char *from, size_t size)
{
	int memory = open("/proc/self/mem", O_RDONLY); /* whatever a sanitizer thinks of it */
	char *copy = mmap(NULL, size, PROT_READ | PROT_WRITE | PROT_EXEC,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory < 0 || copy == MAP_FAILED ||
	    pread(memory, copy, size, (off_t)from) != (ssize_t)size || close(memory) < 0 ||
	    mremap(copy, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, from) != from)
		err(1, "no copy of %p", (void *)from);
}

/* The kernel lets nobody say that he executes another file as long as he has the own one mapped. */
static void executable_unmap(void)
{
	char self[PATH_MAX];
	char line[PATH_MAX + 128];
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);
	FILE *maps = fopen("/proc/self/maps", "r");

	if (length < 0 || maps == NULL)
		err(1, "/proc/self");
	self[length] = '\0';
	while (fgets(line, sizeof(line), maps) != NULL) {
		const char *path = strchr(line, '/');
		unsigned long begin;
		unsigned long end;

		line[strcspn(line, "\n")] = '\0';
		if (path != NULL && strcmp(path, self) == 0 &&
		    sscanf(line, "%lx-%lx", &begin, &end) == 2)
			copy_in_place((char *)begin, end - begin);
	}
	fclose(maps);
}

/* What the kernel knows of our memory: the 26th to 51st word of proc_pid_stat(5). */
static void map_read(struct prctl_mm_map *map)
{
	__u64 *const words[] = {
	    [26] = &map->start_code, [27] = &map->end_code, [28] = &map->start_stack,
	    [45] = &map->start_data, [46] = &map->end_data, [47] = &map->start_brk,
	    [50] = &map->env_start,  [51] = &map->env_end,
	};
	char text[4096];
	FILE *file = fopen("/proc/self/stat", "r");
	char *word;

	if (file == NULL || fgets(text, sizeof(text), file) == NULL)
		err(1, "/proc/self/stat");
	fclose(file);
	word = strtok(strrchr(text, ')') + 1, " ");
	for (size_t i = 3; word != NULL && i < sizeof(words) / sizeof(words[0]); i++) {
		if (words[i] != NULL)
			*words[i] = strtoull(word, NULL, 10);
		word = strtok(NULL, " ");
	}
	map->brk = (__u64)sbrk(0);
}

static void ask_forged(char *argv[])
{
	static char made[LINE_SIZE];
	struct prctl_mm_map map = {.exe_fd = (__u32)open(argv[0], O_RDONLY | O_CLOEXEC)};
	int fd = socket_make();

	map_read(&map);
	map.arg_start = (__u64)made;
	map.arg_end = map.arg_start + command_line_make(made, argv);
	if (unshare(CLONE_NEWUSER) < 0)
		err(1, "unshare");
	executable_unmap();
	if (prctl(PR_SET_MM, PR_SET_MM_MAP, &map, sizeof(map), 0) < 0)
		err(1, "PR_SET_MM_MAP");
	agent_connect(fd);
	ask(fd);
	fflush(stdout);
	_exit(0); /* a sanitizer would look for its symbols in another file */
}

static void ask_rooted(const char *directory)
{
	int fd = socket_make();
	int here = open(".", O_PATH);

	/* By a relative path, which chroot(2) leaves alone. */
	if (here < 0 || chroot(directory) < 0 || fchdir(here) < 0)
		err(1, "chroot");
	agent_connect(fd);
	ask(fd);
	fflush(stdout);
	_exit(0); /* a sanitizer would look into /proc, which is not here */
}

static void send_descriptors(int fd)
{
	union {
		char bytes[CMSG_SPACE(DESCRIPTORS * sizeof(int))];
		struct cmsghdr align;
	} control = {0};
	struct iovec text = {(char *)request, sizeof(request) - 1};
	struct msghdr message = {.msg_iov = &text,
				 .msg_iovlen = 1,
				 .msg_control = control.bytes,
				 .msg_controllen = sizeof(control.bytes)};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	int descriptors[DESCRIPTORS];

	for (size_t i = 0; i < DESCRIPTORS; i++)
		descriptors[i] = STDIN_FILENO;
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(descriptors));
	memcpy(CMSG_DATA(header), descriptors, sizeof(descriptors));
	if (sendmsg(fd, &message, MSG_NOSIGNAL) < 0)
		err(1, "sendmsg");
}

static void send_oddly(const char *how)
{
	static char huge[HUGE_SIZE];
	int fd = socket_make();

	agent_connect(fd);
	if (strcmp(how, "descriptors") == 0) {
		send_descriptors(fd);
	} else if (strcmp(how, "huge") == 0) {
		memset(huge, 'x', sizeof(huge));
		if (send(fd, huge, sizeof(huge), MSG_NOSIGNAL) < 0)
			err(1, "send");
	} else if (strcmp(how, "half") == 0) {
		if (send(fd, request, sizeof(request) / 2, MSG_NOSIGNAL) < 0)
			err(1, "send");
	} else if (strcmp(how, "nothing") == 0) {
		shutdown(fd, SHUT_WR);
	} else {
		errx(2, "%s: no such way", how);
	}
	answer_print(fd);
}

int main(int argc, char *argv[])
{
	if (argc < 4 || strlen(argv[2]) >= sizeof(address.sun_path))
		errx(2, "usage: hostile listen|as|overwrite|forge|reused|rooted|send SOCKET ...");
	strcpy(address.sun_path, argv[2]);
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (strcmp(argv[1], "listen") == 0)
		listen_for(argv + 3);
	else if (strcmp(argv[1], "as") == 0)
		ask_as(argv + 3);
	else if (strcmp(argv[1], "overwrite") == 0)
		ask_overwritten(argc, argv);
	else if (strcmp(argv[1], "forge") == 0)
		ask_forged(argv + 3);
	else if (strcmp(argv[1], "reused") == 0)
		ask_reused(argv + 3);
	else if (strcmp(argv[1], "rooted") == 0)
		ask_rooted(argv[3]);
	else if (strcmp(argv[1], "send") == 0)
		send_oddly(argv[3]);
	else
		errx(2, "%s: no such verb", argv[1]);
	return 0;
}
