/*
 * A host that is made up, in "world" of the test's directory, with the agent on it as
 * a child, and clients of that agent. It is the clients that are real: this process,
 * and children of it.
 */
#ifndef GUEST_WORLD_H
#define GUEST_WORLD_H

#include "agent.h"
#include "clock.h"
#include "file.h"
#include "interrupt_world.h"
#include "log.h"
#include "server.h"
#include "tree.h"

#include <ctype.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#define SOCKET "agent.sock"
#define LOG "log"
#define POLICY "world/policy/guest-pinning.conf"
#define LIBEXEC "world/libexec"
#define SHIM LIBEXEC "/qemu-kvm"
#define SLICE "/machine.slice"
#define SCOPE SLICE "/machine-qemu\\x2d1\\x2dweb1.scope"
#define EMULATOR SCOPE "/libvirt/emulator"
#define OTHER_SCOPE SLICE "/machine-qemu\\x2d2\\x2ddb1.scope"
#define WEB1 "guest=web1,debug-threads=on"

/* For an answer, on a machine with other work: a worker may have to be ended before. */
enum { REPLY_MS = SERVER_WORKER_MS + 4000 };

static unsigned int cpu; /* one that this process may use */
static struct roots roots;
static pid_t server;
static char changed[4096];
static char own[32]; /* the CPUs that interrupts have by themselves */

/* --- the host --- */

/* The shim of this build, there. */
static inline void make_shim(const char *path)
{
	static char bytes[256 * 1024];
	char built[PATH_MAX + 32] = "";
	FILE *from;
	FILE *to;
	size_t length;

	assert_int_equal(program_directory(built), 0);
	from = fopen(strcat(built, "/../qemu-kvm-shim"), "r");
	assert_non_null(from);
	make_directories(path);
	(void)unlink(path);
	to = fopen(path, "w");
	assert_non_null(to);
	while ((length = fread(bytes, 1, sizeof(bytes), from)) > 0)
		assert_int_equal(fwrite(bytes, 1, length, to), length);
	fclose(from);
	assert_int_equal(fclose(to), 0);
	assert_int_equal(chmod(path, 0755), 0);
}

/* The path of a process's file in the made-up /proc. */
static inline const char *proc_path(pid_t pid, const char *name)
{
	static char path[64];

	snprintf(path, sizeof(path), "world/proc/%d/%s", (int)pid, name);
	return path;
}

/* A shim's command line, as it is in /proc. Returns its length. */
static inline size_t command_line(char *text, size_t size, const char *name_option)
{
	return (size_t)snprintf(text, size, "/usr/libexec/qemu-kvm%c-name%c%s%c-S%c", '\0', '\0',
				name_option, '\0', '\0');
}

/* A shim that was started for web1 and has not executed the emulator yet. */
static inline void make_process(pid_t pid)
{
	char path[2 * PATH_MAX];
	char text[128];

	snprintf(path, sizeof(path), "%s/" SHIM, directory);
	make_bytes(proc_path(pid, "cmdline"), text, command_line(text, sizeof(text), WEB1));
	make_file(proc_path(pid, "cgroup"), "1:name=systemd:/x\n0::" EMULATOR "\n");
	make_file(proc_path(pid, "stat"),
		  "1 (qemu-kvm) S 1 1 1 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 4711 1 1\n");
	make_link(path, proc_path(pid, "exe"));
}

/* The cgroups of a guest under v2. What libvirt's own is given, it has. */
static inline void make_scope(const char *scope)
{
	static const struct {
		const char *name;
		const char *text;
	} files[] = {
	    {"cpuset.cpus", "\n"},
	    {"cpuset.cpus.effective", "0-8191\n"},
	    {"libvirt/cpuset.cpus", "\n"},
	    {"libvirt/cpuset.mems", "\n"},
	    {"libvirt/emulator/cpuset.cpus", "\n"},
	    {"libvirt/vcpu0/cpuset.cpus", "\n"},
	};
	char path[512];

	for (size_t i = 0; i < LENGTH_OF(files); i++) {
		snprintf(path, sizeof(path), "world/cgroup%s/%s", scope, files[i].name);
		make_file(path, files[i].text);
	}
	snprintf(path, sizeof(path), "world/cgroup%s/libvirt/cpuset.cpus.effective", scope);
	make_link("cpuset.cpus", path);
}

/* `rule` may hold one "%u": the CPU. */
static inline void make_policy(const char *rule)
{
	char text[1024];

	snprintf(text, sizeof(text), rule, cpu);
	make_file(POLICY, text);
}

/* As if the files were of long ago: one that is written is then seen. */
static inline int make_old(const char *path, const struct stat *stat, int kind, struct FTW *walk)
{
	static const struct timespec times[2];

	(void)stat;
	(void)walk;
	return kind == FTW_F ? utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW) : 0;
}

static inline void forget_changes(void)
{
	assert_int_equal(nftw("world/cgroup", make_old, 8, FTW_PHYS), 0);
}

/* What web1 may have at all, as its cgroup says. */
static inline void make_room(const char *list)
{
	make_file("world/cgroup" SCOPE "/cpuset.cpus.effective", list);
	forget_changes();
}

/* What libvirt has written down of web1. */
static inline void make_pins(const char *cputune)
{
	char text[1024];

	snprintf(text, sizeof(text),
		 "<domstatus><domain><cputune>%s</cputune></domain></domstatus>", cputune);
	make_file("world/state/web1.xml", text);
}

/* A host with two guests, and this process the shim of one. */
static inline void make_world(void)
{
	if (access("world", F_OK) == 0)
		assert_int_equal(remove_tree("world"), 0);
	make_shim(SHIM);
	make_file("world/proc/self/mountinfo",
		  "41 31 0:38 / world/cgroup rw,relatime - cgroup2 cgroup2 rw\n");
	make_file("world/state/db1.xml", "<domstatus/>");
	make_scope(SCOPE);
	make_scope(OTHER_SCOPE);
	make_policy("web1 - cpus=%u\n");
	make_process(getpid());
	forget_changes();
	assert_int_equal(truncate(LOG, 0), 0);
}

static inline int note_change(const char *path, const struct stat *stat, int kind, struct FTW *walk)
{
	size_t used = strlen(changed);

	(void)walk;
	if (kind == FTW_F && stat->st_mtime != 0)
		snprintf(changed + used, sizeof(changed) - used, "%s ",
			 path + strlen("world/cgroup"));
	return 0;
}

/* The files among the cgroups that were written, each with a blank after it. */
static inline const char *changes(void)
{
	changed[0] = '\0';
	assert_int_equal(nftw("world/cgroup", note_change, 8, FTW_PHYS), 0);
	return changed;
}

static inline void check_placed(void)
{
	char expected[16];
	char text[256];

	snprintf(expected, sizeof(expected), "%u", cpu);
	assert_string_equal(changes(), SCOPE "/libvirt/cpuset.cpus ");
	assert_true(file_read(AT_FDCWD, "world/cgroup" SCOPE "/libvirt/cpuset.cpus", text,
			      sizeof(text)) > 0);
	assert_string_equal(text, expected);
}

/* --- the agent --- */

static inline int make_listener(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = SOCKET};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(fd, SERVER_BACKLOG) < 0)
		return -1;
	return fd;
}

static inline int server_child(int listener)
{
	struct error error = {0};
	int log = open(LOG, O_WRONLY | O_APPEND | O_CREAT, 0600);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (log < 0 || dup2(log, STDERR_FILENO) < 0)
		return 1;
	log_program("agent");
	return server_run(listener, &roots, &error) == 0 && !error_is_set(&error) ? 0 : 1;
}

static inline unsigned int first_cpu(void)
{
	struct id_set allowed = {0};

	if (sched_getaffinity(0, sizeof(allowed.word), (cpu_set_t *)allowed.word) < 0)
		return 0;
	for (unsigned int id = 0; id < ID_SET_SIZE; id++) {
		if (id_set_has(&allowed, id))
			return id;
	}
	return 0;
}

/* Returns 0 or -1. It trusts root and roots.owner. */
static inline int launch_server(void)
{
	sigset_t signals;
	int listener = make_listener();

	if (listener < 0)
		return -1;
	/* The agent blocks them too, but they could come before that. */
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	server = fork();
	if (server == 0)
		_exit(server_child(listener));
	sigprocmask(SIG_UNBLOCK, &signals, NULL);
	close(listener);
	return server < 0 ? -1 : 0;
}

/* For cmocka: with a world and an agent. */
static inline int start_server(void **state)
{
	if (enter_directory(state) < 0)
		return -1;
	roots = (struct roots){.proc = "world/proc",
			       .sys = "world/sys",
			       .run = "world/run",
			       .state = "world/agent",
			       .libvirt = "world/state",
			       .policy = POLICY,
			       .owner = geteuid()};
	cpu = first_cpu();
	make_file(LOG, "");
	make_world();
	return launch_server();
}

/* The agent has got its signal, and ends as it should. Returns its status. */
static inline int wait_for_end(void)
{
	int status = -1;
	long long start = clock_milliseconds();

	while (waitpid(server, &status, WNOHANG) == 0) {
		if (clock_milliseconds() - start > REPLY_MS) {
			kill(server, SIGKILL);
			waitpid(server, &status, 0);
			break;
		}
		usleep(500);
	}
	server = 0;
	return status;
}

/* Whatever a test did to it, the agent is still there and ends as it should. */
static inline int end_server(void)
{
	kill(server, SIGTERM);
	return wait_for_end();
}

/* Another agent, which has served nobody yet. */
static inline void restart_server(void)
{
	assert_int_equal(end_server(), 0);
	assert_int_equal(unlink(SOCKET), 0);
	assert_int_equal(launch_server(), 0);
}

/* For cmocka, as the one above. */
static inline int stop_server(void **state)
{
	int status = server > 0 ? end_server() : 0;

	if (status != 0)
		print_message("# the agent's status was %#x\n", (unsigned int)status);
	return leave_directory(state) == 0 && status == 0 ? 0 : -1;
}

/* Waits until the agent has no more than so many: it closes a connection after the answer. */
static inline void wait_for_descriptors(unsigned int most)
{
	long long start = clock_milliseconds();

	while (descriptors_of(server) > most) {
		if (clock_milliseconds() - start > REPLY_MS)
			fail_msg("the agent has %u descriptors instead of %u",
				 descriptors_of(server), most);
		usleep(1000);
	}
}

static inline const char *logged(void)
{
	return text_of(LOG);
}

static inline size_t lines_logged(void)
{
	size_t count = 0;

	for (const char *at = logged(); *at != '\0'; at++)
		count += *at == '\n';
	return count;
}

/* Waits until so many lines were logged, for what has no answer. */
static inline void wait_for_log(size_t lines)
{
	long long start = clock_milliseconds();

	while (lines_logged() < lines) {
		if (clock_milliseconds() - start > REPLY_MS)
			fail_msg("the log has only: %s", logged());
		usleep(1000);
	}
}

/* --- clients --- */

static inline int connect_client(int fd)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = SOCKET};

	return connect(fd, (struct sockaddr *)&address, sizeof(address));
}

static inline int new_client(void)
{
	struct timeval patience = {REPLY_MS / 1000, 0};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)), 0);
	return fd;
}

static inline int connected_client(void)
{
	int fd = new_client();

	assert_int_equal(connect_client(fd), 0);
	return fd;
}

static inline void send_message(int fd, const char *message, size_t length)
{
	assert_int_equal(send(fd, message, length, MSG_NOSIGNAL), length);
}

/* What comes next, which is one line of text: "" at the end, "none" where nothing comes. */
static inline const char *receive(int fd)
{
	static char reply[2 * AGENT_REPLY_MAX];
	ssize_t length = recv(fd, reply, sizeof(reply) - 1, 0);

	if (length < 0 && errno == ECONNRESET) /* told before what has come until then */
		length = recv(fd, reply, sizeof(reply) - 1, 0);
	if (length < 0)
		return "none";
	reply[length] = '\0';
	assert_int_equal(strlen(reply), length);
	assert_true(length < AGENT_REPLY_MAX);
	for (ssize_t i = 0; i < length; i++)
		assert_false(iscntrl((unsigned char)reply[i]));
	return reply;
}

/* One client's whole life. */
static inline const char *ask_with(const char *message, size_t length)
{
	int fd = connected_client();
	const char *reply;

	send_message(fd, message, length);
	reply = receive(fd);
	close(fd);
	return reply;
}

static inline const char *ask(void)
{
	return ask_with(AGENT_REQUEST, strlen(AGENT_REQUEST));
}

/* The life of a process that asks, hands its answer on and stays. */
static inline int guest_life(int control)
{
	char reply[AGENT_REPLY_MAX];
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	ssize_t length;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (read(control, reply, 1) != 1 || fd < 0 || connect_client(fd) < 0 ||
	    send(fd, AGENT_REQUEST, strlen(AGENT_REQUEST), MSG_NOSIGNAL) < 0)
		return 1;
	length = recv(fd, reply, sizeof(reply), 0);
	if (length < 0 || send(control, reply, (size_t)length, MSG_NOSIGNAL) < 0)
		return 2;
	close(fd);
	for (;;)
		pause();
}

/* Starts a shim of web1 that asks, and stays as its emulator would. What it is answered: *reply. */
static inline pid_t start_guest(const char **reply)
{
	int control[2];
	pid_t pid;

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, control), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(guest_life(control[1]));
	close(control[1]);
	make_process(pid);
	assert_int_equal(write(control[0], "", 1), 1);
	*reply = receive(control[0]);
	close(control[0]);
	return pid;
}

static inline void end_guest(pid_t pid)
{
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/*
 * What a process of another user, which is in no guest's cgroup, gets by this life: it waits for
 * a byte, asks, and sends the reply.
 */
static inline const char *reply_as(uid_t user, int (*life)(int control))
{
	static char reply[AGENT_REPLY_MAX];
	int answers[2];
	pid_t pid;

	assert_int_equal(chmod(SOCKET, 0666), 0);
	assert_int_equal(chmod(".", 0755), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, answers), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		if (setresuid(user, user, user) < 0)
			_exit(1);
		_exit(life(answers[1]));
	}
	close(answers[1]);
	make_process(pid);
	make_file(proc_path(pid, "cgroup"), "0::/user.slice/session-1.scope\n");
	assert_int_equal(write(answers[0], "", 1), 1);
	strcpy(reply, receive(answers[0]));
	close(answers[0]);
	end_guest(pid);
	return reply;
}

static inline const char *placed_reply(void)
{
	static char text[64];

	snprintf(text, sizeof(text), AGENT_PLACED "%u", cpu);
	return text;
}

/* --- interrupts --- */

/* Interrupts that would be on the guest's CPU and on another one, and a rule. */
static inline void make_interrupts(const char *rule)
{
	snprintf(own, sizeof(own), "%u,8000", cpu);
	make_devices(own);
	if (mkdir("world/agent", 0755) < 0)
		assert_int_equal(errno, EEXIST);
	make_policy(rule);
}

static inline const char *guests_cpu(void)
{
	static char text[16];

	snprintf(text, sizeof(text), "%u", cpu);
	return text;
}

/* Waits until the watcher has put an interrupt there. */
static inline void wait_for_affinity(unsigned int number, const char *cpus)
{
	long long start = clock_milliseconds();
	char expected[64];
	char text[64] = "";

	snprintf(expected, sizeof(expected), "%s\n", cpus);
	while (file_read(AT_FDCWD, path_of("world/proc/irq/%u/smp_affinity_list", number), text,
			 sizeof(text)) < 0 ||
	       strcmp(text, expected) != 0) {
		if (clock_milliseconds() - start > REPLY_MS)
			fail_msg("IRQ %u is on %s", number, text);
		usleep(1000);
	}
}

/* Waits until the watcher has nothing written down. */
static inline void wait_for_no_state(void)
{
	long long start = clock_milliseconds();

	while (access("world/agent/interrupts.json", F_OK) == 0) {
		if (clock_milliseconds() - start > REPLY_MS)
			fail_msg("the watcher knows guests");
		usleep(1000);
	}
}

#endif
