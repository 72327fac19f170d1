#include "guest_world.h"
#include "server.h"

#include <netinet/in.h>
#include <poll.h>

enum {
	/* for an answer that must not wait for others */
	SECOND_MS = SLOWNESS > 1 ? 2000 : 1000,
	MOMENT_MS = 50, /* in which there would be one */
	SILENT_CLIENTS = SERVER_BACKLOG + SERVER_HELD_MAX,
	/* enough to push out whoever can be, and there in less than the time one may be silent */
	FLOOD_CLIENTS = SERVER_HELD_MAX,
};

static void close_all(const int *fds, size_t count)
{
	for (size_t i = 0; i < count; i++)
		close(fds[i]);
}

static pid_t watcher_of(pid_t agent);

/*
 * How many descriptors the agent has when it has nothing to do. It has served one then, and the
 * worker is gone.
 */
static unsigned int agent_descriptors(void)
{
	int fd = connected_client();

	send_message(fd, AGENT_REQUEST, strlen(AGENT_REQUEST));
	assert_string_equal(receive(fd), placed_reply());
	assert_string_equal(receive(fd), ""); /* it has closed it */
	close(fd);
	(void)watcher_of(server);
	return descriptors_of(server);
}

/* It cannot be told from the end of the connection. */
static void an_empty_packet_gets_no_answer(void **state)
{
	(void)state;
	assert_string_equal(ask_with("", 0), "");
	assert_string_equal(ask(), placed_reply());
	assert_int_equal(lines_logged(), 1);
}

static void a_second_packet_gets_no_answer(void **state)
{
	int fd = connected_client();

	(void)state;
	send_message(fd, AGENT_REQUEST, strlen(AGENT_REQUEST));
	(void)send(fd, AGENT_REQUEST, strlen(AGENT_REQUEST), MSG_NOSIGNAL);
	assert_string_equal(receive(fd), placed_reply());
	assert_string_equal(receive(fd), "");
	close(fd);
	assert_int_equal(lines_logged(), 1);
	assert_string_equal(ask(), placed_reply());
}

static void one_that_speaks_a_moment_later_is_served(void **state)
{
	int fd = connected_client();

	(void)state;
	usleep(30000);
	send_message(fd, AGENT_REQUEST, strlen(AGENT_REQUEST));
	assert_string_equal(receive(fd), placed_reply());
	close(fd);
	check_placed();
}

static void one_that_does_not_take_its_answer_is_no_harm(void **state)
{
	int fds[40];

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(fds); i++) {
		fds[i] = connected_client();
		send_message(fds[i], AGENT_REQUEST, strlen(AGENT_REQUEST));
		if (i % 2 == 0)
			assert_int_equal(shutdown(fds[i], SHUT_RD), 0);
		wait_for_log(i + 1);
	}
	assert_string_equal(ask(), placed_reply());
	close_all(fds, LENGTH_OF(fds));
	assert_string_equal(ask(), placed_reply());
}

/* Neither in the agent nor as a process of its. */
static void many_clients_leave_nothing_behind(void **state)
{
	unsigned int before = agent_descriptors();

	(void)state;
	for (int i = 0; i < 30; i++) {
		int fd = connected_client();

		if (i % 3 == 0)
			send_message(fd, AGENT_REQUEST, strlen(AGENT_REQUEST));
		if (i % 3 == 1)
			send_message(fd, "x", 1);
		if (i % 2 == 0)
			shutdown(fd, SHUT_WR);
		close(fd);
	}
	assert_string_equal(ask(), placed_reply());
	wait_for_descriptors(before);
}

/* Stops the agent, so that it sees a client only when that has ended. */
static void pause_server(void)
{
	int status;

	assert_int_equal(kill(server, SIGSTOP), 0);
	assert_int_equal(waitpid(server, &status, WUNTRACED), server);
	assert_true(WIFSTOPPED(status));
}

/*
 * Starts a process that is known as a shim of web1, and then connects by `fd`, says
 * `message` and ends. Its end is waited for, but not taken note of.
 */
static pid_t start_short_client(int fd, const char *message)
{
	siginfo_t information;
	int go[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe(go), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		close(go[1]);
		if (read(go[0], &byte, 1) != 1 || connect_client(fd) < 0)
			_exit(1);
		_exit(message != NULL && send(fd, message, strlen(message), 0) < 0 ? 1 : 0);
	}
	make_process(pid);
	assert_int_equal(write(go[1], "", 1), 1);
	close(go[0]);
	close(go[1]);
	assert_int_equal(waitid(P_PID, (id_t)pid, &information, WEXITED | WNOWAIT), 0);
	assert_int_equal(information.si_status, 0);
	return pid;
}

static void one_that_has_ended_is_refused(void **state)
{
	char expected[64];

	(void)state;
	for (int reaped = 0; reaped < 2; reaped++) {
		int fd = new_client();
		pid_t client;

		make_world();
		pause_server();
		client = start_short_client(fd, AGENT_REQUEST);
		close(fd);
		if (reaped != 0)
			assert_int_equal(waitpid(client, NULL, 0), client);
		assert_int_equal(kill(server, SIGCONT), 0);
		wait_for_log(1);
		snprintf(expected, sizeof(expected), "agent: refused pid %d (", (int)client);
		assert_memory_equal(logged(), expected, strlen(expected));
		assert_string_equal(changes(), "");
		if (reaped == 0)
			assert_int_equal(waitpid(client, NULL, 0), client);
		assert_string_equal(ask(), placed_reply());
	}
}

/* It connects, and another one that has the same descriptor speaks when it has ended. */
static void one_that_hands_its_connection_on_and_ends_is_refused(void **state)
{
	char expected[64];

	(void)state;
	for (int reaped = 0; reaped < 2; reaped++) {
		int fd = new_client();
		pid_t client;

		make_world();
		client = start_short_client(fd, NULL);
		if (reaped != 0)
			assert_int_equal(waitpid(client, NULL, 0), client);
		send_message(fd, AGENT_REQUEST, strlen(AGENT_REQUEST));
		assert_int_equal(strncmp(receive(fd), AGENT_REFUSED, strlen(AGENT_REFUSED)), 0);
		close(fd);
		snprintf(expected, sizeof(expected), "agent: refused pid %d (", (int)client);
		assert_memory_equal(logged(), expected, strlen(expected));
		assert_string_equal(changes(), "");
		if (reaped == 0)
			assert_int_equal(waitpid(client, NULL, 0), client);
	}
}

/* Connects by each of the descriptors, asks, says when that is done, and does nothing more. */
static int ask_and_stay(const int *fds, size_t count, int control)
{
	char byte;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (read(control, &byte, 1) != 1)
		return 1;
	for (size_t i = 0; i < count; i++) {
		if (connect_client(fds[i]) < 0 ||
		    send(fds[i], AGENT_REQUEST, strlen(AGENT_REQUEST), 0) < 0)
			return 2;
	}
	if (write(control, "", 1) != 1)
		return 3;
	for (;;)
		pause();
}

/*
 * Starts a process that is known as a shim of web1, in a cgroup; it asks by each of the
 * descriptors, and stays. Whoever reads its command line waits, as on a file system
 * of its own.
 */
static pid_t start_hanging_client(const int *fds, size_t count, const char *cgroup)
{
	char text[256];
	int control[2];
	char byte;
	pid_t pid;

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, control), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(ask_and_stay(fds, count, control[1]));
	close(control[1]);
	make_process(pid);
	snprintf(text, sizeof(text), "0::%s\n", cgroup);
	make_file(proc_path(pid, "cgroup"), text);
	make_fifo(proc_path(pid, "cmdline"));
	assert_int_equal(write(control[0], "", 1), 1);
	assert_int_equal(read(control[0], &byte, 1), 1);
	close(control[0]);
	return pid;
}

static void end_client(pid_t pid)
{
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/*
 * Waits until a worker hangs on a process's command line. Returns the descriptor that it
 * is written to; the worker goes on when that is closed.
 */
static int worker_of(pid_t pid)
{
	long long start = clock_milliseconds();
	int fd;

	while ((fd = open(proc_path(pid, "cmdline"), O_WRONLY | O_NONBLOCK | O_CLOEXEC)) < 0) {
		assert_int_equal(errno, ENXIO);
		if (clock_milliseconds() - start > REPLY_MS)
			fail_msg("nobody reads the command line of %d", (int)pid);
		usleep(1000);
	}
	return fd;
}

/* Whether something comes, an answer or the end, within so many milliseconds. */
static bool comes(int fd, int milliseconds)
{
	struct pollfd wait = {.fd = fd, .events = POLLIN | POLLRDHUP};
	int ready = poll(&wait, 1, milliseconds);

	assert_true(ready >= 0);
	return ready > 0;
}

/* Two processes: it is the cgroup that counts. */
static void requests_of_one_cgroup_are_served_one_after_the_other(void **state)
{
	char text[128];
	char expected[256];
	size_t length = command_line(text, sizeof(text), WEB1);
	int first = new_client();
	int second = new_client();
	pid_t pid = start_hanging_client(&first, 1, EMULATOR);
	int worker = worker_of(pid);

	(void)state;
	assert_int_equal(connect_client(second), 0);
	send_message(second, AGENT_REQUEST, strlen(AGENT_REQUEST));
	assert_false(comes(second, MOMENT_MS));
	assert_int_equal(lines_logged(), 0);
	assert_int_equal(write(worker, text, length), length);
	close(worker);
	assert_string_equal(receive(first), placed_reply());
	assert_string_equal(receive(second), placed_reply());
	snprintf(expected, sizeof(expected), "agent: placed guest 'web1' (pid %d)", (int)pid);
	assert_memory_equal(logged(), expected, strlen(expected));
	snprintf(expected, sizeof(expected), "\nagent: placed guest 'web1' (pid %d)",
		 (int)getpid());
	assert_non_null(strstr(logged(), expected));
	assert_int_equal(lines_logged(), 2);
	end_client(pid);
	close(first);
	close(second);
}

static void those_of_one_cgroup_hold_up_no_other(void **state)
{
	int fds[SERVER_WORKERS_MAX + SERVER_HELD_MAX + 20];
	unsigned int descriptors = agent_descriptors();
	pid_t pid;
	int worker;

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(fds); i++)
		fds[i] = new_client();
	pid = start_hanging_client(fds, LENGTH_OF(fds), OTHER_SCOPE "/libvirt/emulator");
	worker = worker_of(pid);
	for (int i = 0; i < 5; i++) {
		long long start = clock_milliseconds();

		assert_string_equal(ask(), placed_reply());
		assert_true(clock_milliseconds() - start < SECOND_MS);
	}
	/* Those that wait, the one that hangs and its worker. */
	wait_for_descriptors(descriptors + SERVER_HELD_SHARE + 2);
	end_client(pid); /* or the next one would hang */
	close(worker);
	close_all(fds, LENGTH_OF(fds));
}

/* Seen in /proc or not. */
static void one_that_waits_for_its_turn_and_ends_is_no_harm(void **state)
{
	(void)state;
	for (int seen = 0; seen < 2; seen++) {
		int fds[3];
		char path[64];
		unsigned int descriptors;
		pid_t pid;
		int worker;

		make_world();
		descriptors = agent_descriptors();
		for (size_t i = 0; i < LENGTH_OF(fds); i++)
			fds[i] = new_client();
		pid = start_hanging_client(fds, LENGTH_OF(fds), OTHER_SCOPE "/libvirt/emulator");
		worker = worker_of(pid);
		close_all(fds, LENGTH_OF(fds));
		end_client(pid);
		snprintf(path, sizeof(path), "world/proc/%d", (int)pid);
		if (seen == 0)
			assert_int_equal(remove_tree(path), 0);
		close(worker);
		wait_for_log(1 + LENGTH_OF(fds));
		for (const char *line = strchr(logged(), '\n') + 1; *line != '\0';
		     line = strchr(line, '\n') + 1)
			assert_memory_equal(line, "agent: refused pid",
					    strlen("agent: refused pid"));
		wait_for_descriptors(descriptors);
		assert_string_equal(ask(), placed_reply());
	}
}

/* This process is in another cgroup from now on. */
static void move_to(const char *cgroup)
{
	char text[256];

	snprintf(text, sizeof(text), "0::%s\n", cgroup);
	make_file(proc_path(getpid(), "cgroup"), text);
}

/* Connects those from `first` on, all of one cgroup, and sees that only its share is held. */
static void flood(int *fds, size_t first, size_t end)
{
	move_to(OTHER_SCOPE "/libvirt/emulator");
	for (size_t i = first; i < end; i++)
		fds[i] = connected_client();
	/* Where one too many comes the oldest of that cgroup goes, long before its time. */
	for (size_t i = first; i < end - SERVER_HELD_SHARE; i++)
		assert_true(comes(fds[i], SECOND_MS));
	for (size_t i = end - SERVER_HELD_SHARE; i < end; i++)
		assert_false(comes(fds[i], 0));
	move_to(EMULATOR);
}

static void silent_clients_hold_up_nobody(void **state)
{
	int fds[SILENT_CLIENTS];
	unsigned int descriptors = agent_descriptors();
	int early = connected_client();

	(void)state;
	while (descriptors_of(server) == descriptors)
		usleep(1000);
	flood(fds, 0, FLOOD_CLIENTS);
	send_message(early, AGENT_REQUEST, strlen(AGENT_REQUEST));
	assert_string_equal(receive(early), placed_reply());
	close(early);
	flood(fds, FLOOD_CLIENTS, SILENT_CLIENTS);
	for (int i = 0; i < 5; i++) {
		long long start = clock_milliseconds();

		assert_string_equal(ask(), placed_reply());
		assert_true(clock_milliseconds() - start < SECOND_MS);
	}
	close_all(fds, SILENT_CLIENTS);
	wait_for_descriptors(descriptors);
	assert_string_equal(ask(), placed_reply());
}

/* The time of a worker and that of a connection are waited for only here, both at once. */
static void clients_that_hang_or_are_silent_are_left_when_their_time_is_over(void **state)
{
	enum { WAITING = 3 };
	int fds[WAITING + SERVER_WORKERS_MAX];
	pid_t pids[SERVER_WORKERS_MAX];
	int workers[SERVER_WORKERS_MAX];
	int late = new_client();
	unsigned int descriptors = agent_descriptors();
	long long start;
	int silent;
	int early; /* speaks in time, but when there is no worker */

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(fds); i++)
		fds[i] = new_client();
	start = clock_milliseconds();
	silent = connected_client();
	early = connected_client();
	for (size_t i = 0; i < SERVER_WORKERS_MAX; i++) {
		char cgroup[128];

		snprintf(cgroup, sizeof(cgroup), SLICE "/machine-qemu\\x2d%zu\\x2dweb1.scope",
			 i + 10);
		make_scope(cgroup);
		strcat(cgroup, "/libvirt/emulator");
		/* The first one's others wait for their turn. */
		pids[i] = i == 0 ? start_hanging_client(fds, WAITING + 1, cgroup)
				 : start_hanging_client(fds + WAITING + i, 1, cgroup);
		workers[i] = worker_of(pids[i]);
	}
	send_message(early, AGENT_REQUEST, strlen(AGENT_REQUEST));
	assert_int_equal(connect_client(late), 0);
	send_message(late, AGENT_REQUEST, strlen(AGENT_REQUEST));
	assert_false(comes(early, MOMENT_MS));
	assert_false(comes(late, 0));
	assert_false(comes(silent, 0));
	assert_string_equal(receive(early), placed_reply());
	assert_string_equal(receive(late), placed_reply());
	assert_in_range(clock_milliseconds() - start, SERVER_WORKER_MS,
			SERVER_WORKER_MS + SECOND_MS);
	assert_string_equal(receive(silent), "");
	/* One that has waited may have its turn now, and hang: it, and what leads to its worker. */
	wait_for_descriptors(descriptors + 2);
	assert_in_range(clock_milliseconds() - start, SERVER_HELD_MS, SERVER_WORKER_MS + SECOND_MS);
	for (size_t i = 0; i < SERVER_WORKERS_MAX; i++)
		end_client(pids[i]);
	close_all(workers, SERVER_WORKERS_MAX);
	wait_for_descriptors(descriptors);
	for (size_t i = 0; i < LENGTH_OF(fds); i++) {
		const char *reply = receive(fds[i]);

		/* A refusal, an error or the end. */
		assert_int_not_equal(strncmp(reply, AGENT_PLACED, strlen(AGENT_PLACED)), 0);
		close(fds[i]);
	}
	assert_string_equal(ask(), placed_reply());
	close(silent);
	close(early);
	close(late);
}

static void a_signal_ends_it_when_it_has_finished_what_it_has_begun(void **state)
{
	char text[128];
	size_t length = command_line(text, sizeof(text), WEB1);
	int silent = connected_client();
	int hanging = connected_client();
	int waiting = connected_client();
	int status;
	int worker;

	(void)state;
	assert_string_equal(ask(), placed_reply());
	make_fifo(proc_path(getpid(), "cmdline"));
	send_message(hanging, AGENT_REQUEST, strlen(AGENT_REQUEST));
	worker = worker_of(getpid());
	send_message(waiting, AGENT_REQUEST, strlen(AGENT_REQUEST));
	assert_int_equal(kill(server, SIGINT), 0);
	assert_false(comes(hanging, MOMENT_MS));
	assert_int_equal(waitpid(server, &status, WNOHANG), 0);
	assert_int_equal(write(worker, text, length), length);
	close(worker);
	assert_string_equal(receive(hanging), placed_reply());
	assert_int_equal(wait_for_end(), 0);
	assert_string_equal(receive(silent), "");
	/* It is told that it is not served, if it has been seen by then. */
	assert_int_not_equal(strncmp(receive(waiting), AGENT_PLACED, strlen(AGENT_PLACED)), 0);
	close(silent);
	close(hanging);
	close(waiting);
}

/* A TCP connection with data that its other end, *end, does not take, and that lingers for it. */
static int lingering_socket(int *end)
{
	static const char data[65536];
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct linger linger = {.l_onoff = 1, .l_linger = 60};
	socklen_t size = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(listener, (struct sockaddr *)&address, size), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &size), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, size), 0);
	*end = accept(listener, NULL, NULL);
	assert_true(*end >= 0);
	close(listener);
	while (send(fd, data, sizeof(data), MSG_DONTWAIT) > 0)
		;
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)), 0);
	return fd;
}

/* Sends a packet of so many bytes and the descriptor along with it, and keeps none. */
static void send_descriptor(int fd, size_t length, int sent)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control = {.header = {.cmsg_len = CMSG_LEN(sizeof(int)),
				.cmsg_level = SOL_SOCKET,
				.cmsg_type = SCM_RIGHTS}};
	struct iovec data = {.iov_base = "x", .iov_len = length};
	struct msghdr message = {.msg_iov = &data,
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen = sizeof(control)};

	memcpy(CMSG_DATA(&control.header), &sent, sizeof(sent));
	assert_int_equal(sendmsg(fd, &message, MSG_NOSIGNAL), length);
	close(sent);
}

/* The file is closed by whoever drops the message, and that may take its time. */
static void check_slow_file(bool alone, size_t length)
{
	int fd = connected_client();
	long long start;
	int end;

	pause_server();
	if (!alone)
		assert_int_equal(send(fd, "", 0, MSG_NOSIGNAL), 0); /* for which it leaves us */
	send_descriptor(fd, length, lingering_socket(&end));
	assert_int_equal(kill(server, SIGCONT), 0);
	assert_string_equal(receive(fd), "");
	start = clock_milliseconds();
	assert_string_equal(ask(), placed_reply());
	assert_true(clock_milliseconds() - start < SECOND_MS);
	close(fd);
	start = clock_milliseconds();
	assert_string_equal(ask(), placed_reply());
	assert_true(clock_milliseconds() - start < SECOND_MS);
	close(end);
}

static void a_file_that_takes_its_time_to_close_holds_up_nobody(void **state)
{
	(void)state;
	check_slow_file(false, 1);
}

/* Such a packet looks like the end of the connection. */
static void nor_does_one_that_comes_with_an_empty_packet(void **state)
{
	(void)state;
	check_slow_file(true, 0);
}

/* --- the watcher --- */

/* The one child that the agent has when it serves nobody. */
static pid_t watcher_of(pid_t agent)
{
	long long start = clock_milliseconds();

	for (;;) {
		DIR *processes = opendir("/proc");
		const struct dirent *entry;
		pid_t found = 0;
		unsigned int count = 0;

		assert_non_null(processes);
		while ((entry = readdir(processes)) != NULL) {
			char text[512];
			const char *name_end;

			if (!isdigit((unsigned char)entry->d_name[0]) ||
			    file_read(dirfd(processes), path_of("%s/stat", entry->d_name), text,
				      sizeof(text)) < 0)
				continue;
			name_end = strrchr(text, ')'); /* then the state, and the parent */
			if (name_end == NULL || name_end[2] == 'Z' ||
			    strtol(name_end + 4, NULL, 10) != agent)
				continue;
			found = (pid_t)strtol(text, NULL, 10);
			count++;
		}
		closedir(processes);
		if (count == 1)
			return found;
		if (clock_milliseconds() - start > REPLY_MS)
			fail_msg("the agent has %u children", count);
		usleep(1000);
	}
}

static void a_watcher_that_is_killed_is_followed_by_one_that_knows_its_guests(void **state)
{
	const char *reply;
	pid_t guest;
	pid_t first;
	pid_t second;

	(void)state;
	make_interrupts("web1 - cpus=%u irq=eth0 isolate\n");
	first = watcher_of(server);
	guest = start_guest(&reply);
	assert_string_equal(reply, placed_reply());
	assert_string_equal(affinity(24), guests_cpu());
	assert_int_equal(watcher_of(server), first);
	assert_int_equal(kill(first, SIGKILL), 0);
	wait_for_log(2);
	assert_non_null(strstr(logged(), "\nagent: the watch over interrupts has ended (status "
					 "0x9), and is started again\n"));
	second = watcher_of(server);
	assert_int_not_equal(second, first);
	/* Nothing has moved in the meantime, and what is new has its turn. */
	assert_string_equal(affinity(24), guests_cpu());
	assert_string_equal(affinity(9), "8000");
	make_interrupt(40, own, "virtio1-input.1");
	give_vector("0000:00:03.0", 40);
	wait_for_affinity(40, guests_cpu());
	end_guest(guest);
	wait_for_affinity(24, own);
	wait_for_affinity(40, own);
	wait_for_affinity(9, own);
	wait_for_no_state();
	assert_string_equal(ask(), placed_reply());
	assert_string_equal(affinity(24), guests_cpu());
	assert_int_equal(lines_logged(), 3);
}

/* Whoever asks just then waits a moment. */
static void without_a_watcher_a_request_waits_for_the_next(void **state)
{
	const char *reply;
	pid_t guest;

	(void)state;
	make_interrupts("web1 - cpus=%u irq=eth0\n");
	assert_int_equal(kill(watcher_of(server), SIGKILL), 0);
	guest = start_guest(&reply);
	assert_string_equal(reply, placed_reply());
	assert_string_equal(affinity(24), guests_cpu());
	end_guest(guest);
	wait_for_affinity(24, own);
	wait_for_no_state();
}

static void the_end_of_the_agent_puts_interrupts_back(void **state)
{
	const char *reply;
	pid_t guest;

	(void)state;
	make_interrupts("web1 - cpus=%u irq=eth0 isolate\n");
	guest = start_guest(&reply);
	assert_string_equal(reply, placed_reply());
	assert_string_equal(affinity(24), guests_cpu());
	assert_string_equal(affinity(9), "8000");
	assert_int_equal(end_server(), 0);
	assert_string_equal(affinity(24), own);
	assert_string_equal(affinity(25), own);
	assert_string_equal(affinity(9), own);
	assert_string_equal(affinity(27), own);
	/* The guest lives, and the next agent sees to it. */
	assert_int_equal(access("world/agent/interrupts.json", F_OK), 0);
	assert_int_equal(unlink(SOCKET), 0);
	assert_int_equal(launch_server(), 0);
	wait_for_affinity(24, guests_cpu());
	wait_for_affinity(9, "8000");
	end_guest(guest);
	wait_for_affinity(24, own);
	wait_for_affinity(9, own);
	wait_for_no_state();
	assert_int_equal(lines_logged(), 1);
}

static void an_agent_that_is_killed_is_followed_by_one_that_knows_its_guests(void **state)
{
	const char *reply;
	pid_t guest;
	int watcher = (int)syscall(SYS_pidfd_open, watcher_of(server), 0);

	(void)state;
	assert_true(watcher >= 0);
	make_interrupts("web1 - cpus=%u irq=eth0 isolate\n");
	guest = start_guest(&reply);
	assert_string_equal(reply, placed_reply());
	assert_int_equal(kill(server, SIGKILL), 0);
	assert_int_equal(waitpid(server, NULL, 0), server);
	/* There must not be two of them. */
	assert_true(comes(watcher, REPLY_MS));
	close(watcher);
	assert_string_equal(affinity(24), guests_cpu());
	assert_string_equal(affinity(9), "8000");
	end_guest(guest);
	assert_int_equal(unlink(SOCKET), 0);
	assert_int_equal(launch_server(), 0);
	wait_for_affinity(24, own);
	wait_for_affinity(25, own);
	wait_for_affinity(9, own);
	wait_for_no_state();
}

static void guests_that_come_and_go_leave_nothing_in_the_watcher(void **state)
{
	pid_t watcher = watcher_of(server);
	unsigned int before = 0;

	(void)state;
	make_interrupts("web1 - cpus=%u irq=eth0 isolate\n");
	for (int i = 0; i < 10; i++) {
		const char *reply;
		pid_t guest = start_guest(&reply);
		long long start = clock_milliseconds();

		assert_string_equal(reply, placed_reply());
		end_guest(guest);
		wait_for_no_state();
		if (i == 0)
			before = descriptors_of(watcher);
		while (descriptors_of(watcher) > before)
			assert_true(clock_milliseconds() - start < REPLY_MS);
	}
	assert_string_equal(affinity(24), own);
	assert_int_equal(watcher_of(server), watcher);
	assert_int_equal(lines_logged(), 10);
}

static void requests_without_interrupts_do_not_need_the_watcher(void **state)
{
	pid_t watcher = watcher_of(server);

	(void)state;
	assert_int_equal(kill(watcher, SIGSTOP), 0);
	for (int i = 0; i < 5; i++) {
		long long start = clock_milliseconds();

		assert_string_equal(ask(), placed_reply());
		assert_true(clock_milliseconds() - start < SECOND_MS);
	}
	assert_int_equal(kill(watcher, SIGCONT), 0);
	check_placed();
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start_server, stop_server)
	static const struct CMUnitTest tests[] = {
	    TEST(an_empty_packet_gets_no_answer),
	    TEST(a_second_packet_gets_no_answer),
	    TEST(one_that_speaks_a_moment_later_is_served),
	    TEST(one_that_does_not_take_its_answer_is_no_harm),
	    TEST(many_clients_leave_nothing_behind),
	    TEST(one_that_has_ended_is_refused),
	    TEST(one_that_hands_its_connection_on_and_ends_is_refused),
	    TEST(requests_of_one_cgroup_are_served_one_after_the_other),
	    TEST(those_of_one_cgroup_hold_up_no_other),
	    TEST(one_that_waits_for_its_turn_and_ends_is_no_harm),
	    TEST(silent_clients_hold_up_nobody),
	    TEST(clients_that_hang_or_are_silent_are_left_when_their_time_is_over),
	    TEST(a_file_that_takes_its_time_to_close_holds_up_nobody),
	    TEST(nor_does_one_that_comes_with_an_empty_packet),
	    TEST(a_signal_ends_it_when_it_has_finished_what_it_has_begun),
	    TEST(a_watcher_that_is_killed_is_followed_by_one_that_knows_its_guests),
	    TEST(without_a_watcher_a_request_waits_for_the_next),
	    TEST(the_end_of_the_agent_puts_interrupts_back),
	    TEST(an_agent_that_is_killed_is_followed_by_one_that_knows_its_guests),
	    TEST(guests_that_come_and_go_leave_nothing_in_the_watcher),
	    TEST(requests_without_interrupts_do_not_need_the_watcher),
	};

	return RUN_TESTS(tests);
}
