#include "watcher.h"
#include "log.h"
#include "unix_socket.h"
#include "watch.h"
#include "watch_state.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	END_SIGNAL = SIGUSR1, /* not SIGTERM, which systemd sends to all processes of the agent */
	ANSWER_SIZE = ERROR_TEXT_SIZE + 1,
	AGAIN_MS = 1000,
	EVENTS_AT_ONCE = 16,
};

/* The first byte of an answer, before the note or the reason; and what a worker says then. */
static const char TAKEN = '+';
static const char REFUSED = '-';
static const char KEEP = 'k';

/* The descriptors that go with a guest, in this order. */
struct descriptors {
	int connection;
	int pidfd;
};

/* The watcher's own life. */
struct watching {
	const struct roots *roots;
	struct watch watch;
	bool is_open;
	int take;
	int signals;
	int events;
};

int watcher_open(struct watcher *watcher)
{
	int ends[2];

	*watcher = (struct watcher){.bring = -1, .take = -1};
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return -errno;
	watcher->bring = ends[0];
	watcher->take = ends[1];
	return 0;
}

void watcher_close(const struct watcher *watcher)
{
	if (watcher->bring >= 0)
		close(watcher->bring);
	if (watcher->take >= 0)
		close(watcher->take);
}

/* Writes the guest down and sends it, with the watcher's end of a new connection. */
static int guest_send(int bring, const struct watch_guest *guest, int its_end)
{
	const int descriptors[] = {its_end, guest->pidfd};
	json_t *json = watch_guest_write(guest);
	char *text = json == NULL ? NULL : json_dumps(json, JSON_COMPACT);
	int result = -ENOMEM;

	if (text != NULL)
		result = strlen(text) >= WATCHER_MESSAGE_MAX
			     ? -E2BIG
			     : unix_socket_send(bring, text, strlen(text), descriptors, 2, 0);
	free(text);
	json_decref(json);
	return result;
}

int watcher_bring(int bring, const struct watch_guest *guest, struct error *note,
		  struct error *error)
{
	char answer[ANSWER_SIZE];
	ssize_t length;
	int ends[2];
	int result;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return error_set(error, -errno, "the watch over interrupts cannot be reached: %s",
				 strerror(errno));
	result = guest_send(bring, guest, ends[1]);
	close(ends[1]);
	length = result < 0 ? result : recv(ends[0], answer, sizeof(answer) - 1, 0);
	if (length > 0) {
		answer[length] = '\0';
		if (*answer == TAKEN) {
			error_set(note, 0, "%s", answer + 1);
			return ends[0];
		}
		result = error_set(error, -EINVAL, "%s", answer + 1);
	} else {
		result = error_set(error, result < 0 ? result : -EPIPE,
				   "the watch over interrupts has not answered%s%s: see its log",
				   result < 0 ? ", " : "", result < 0 ? strerror(-result) : "");
	}
	close(ends[0]);
	return result;
}

int watcher_keep(int connection)
{
	return send(connection, &KEEP, 1, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

/* Has a descriptor waited for. Returns 0 or -errno. */
static int event_add(const struct watching *watching, int fd)
{
	struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

	return epoll_ctl(watching->events, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

/*
 * Has neither descriptor of a guest waited for any more: to close one is not enough while a
 * worker has it, too (epoll(7)).
 */
static void events_remove(const struct watching *watching, const struct watch_guest *guest)
{
	(void)epoll_ctl(watching->events, EPOLL_CTL_DEL, guest->pidfd, NULL);
	if (guest->connection >= 0)
		(void)epoll_ctl(watching->events, EPOLL_CTL_DEL, guest->connection, NULL);
}

static void descriptors_close(const struct descriptors *descriptors)
{
	if (descriptors->connection >= 0)
		close(descriptors->connection);
	if (descriptors->pidfd >= 0)
		close(descriptors->pidfd);
}

/* Receives what a worker brings. Returns the text's length, 0 where it is nothing. */
static size_t message_take(int take, char *text, struct descriptors *descriptors)
{
	int both[2];
	size_t length = unix_socket_take(take, text, WATCHER_MESSAGE_MAX, both, 2, MSG_DONTWAIT);

	*descriptors = (struct descriptors){both[0], both[1]};
	return length;
}

/* The watch may not have been to be had before, as without a place for its file. */
static int watch_have(struct watching *watching, struct error *error)
{
	int result = 0;

	if (!watching->is_open) {
		result = watch_open(&watching->watch, watching->roots, error);
		watching->is_open = result == 0;
		if (result < 0)
			watch_close(&watching->watch);
		/* Those that were written down. */
		for (size_t i = 0; result == 0 && i < watching->watch.guest_count; i++)
			(void)event_add(watching, watching->watch.guests[i]->pidfd);
	}
	return result;
}

static int guest_take(struct watching *watching, struct watch_guest *guest, struct error *note,
		      struct error *error)
{
	int result = watch_have(watching, error);
	struct watch_guest *earlier =
	    result == 0 ? watch_find(&watching->watch, guest->owner) : NULL;

	/* Who asks again wants something else. */
	if (earlier != NULL) {
		events_remove(watching, earlier);
		watch_remove(&watching->watch, earlier);
	}
	if (result == 0 &&
	    (event_add(watching, guest->pidfd) < 0 || event_add(watching, guest->connection) < 0))
		result = error_set(error, -errno, "the end of the guest cannot be waited for: %s",
				   strerror(errno));
	if (result == 0)
		result = watch_add(&watching->watch, guest, note, error);
	if (result < 0)
		events_remove(watching, guest);
	return result;
}

/* Whether the other end is closed, of a connection over which nothing was said; or the process
 * of a pidfd has ended. */
static bool has_ended(int fd)
{
	struct pollfd end = {.fd = fd, .events = POLLIN};

	return poll(&end, 1, 0) == 1;
}

/* Takes a guest that a worker brings. */
static void guest_receive(struct watching *watching)
{
	static char text[WATCHER_MESSAGE_MAX + 1];
	struct descriptors descriptors;
	size_t length = message_take(watching->take, text, &descriptors);
	char answer[ANSWER_SIZE];
	struct watch_guest *guest;
	struct error note = {0};
	struct error error = {0};
	json_t *json;

	json = json_loadb(text, length, JSON_REJECT_DUPLICATES, NULL);
	guest = json == NULL ? NULL : watch_guest_read(json);
	json_decref(json);
	if (guest == NULL) { /* its worker sees the connection closed */
		descriptors_close(&descriptors);
		return;
	}
	guest->connection = descriptors.connection;
	guest->pidfd = descriptors.pidfd;
	if (has_ended(guest->connection)) { /* its worker was ended meanwhile */
		watch_guest_free(guest);
		return;
	}
	if (guest_take(watching, guest, &note, &error) == 0) {
		answer[0] = TAKEN;
		text_printable(answer + 1, sizeof(answer) - 1, note.text);
		(void)send(guest->connection, answer, strlen(answer), MSG_NOSIGNAL | MSG_DONTWAIT);
		return;
	}
	answer[0] = REFUSED;
	text_printable(answer + 1, sizeof(answer) - 1, error.text);
	(void)send(descriptors.connection, answer, strlen(answer), MSG_NOSIGNAL | MSG_DONTWAIT);
	watch_guest_free(guest);
}

/*
 * Sees to a descriptor of a guest: its process has ended, or its worker has spoken or ended.
 * The number may be another's by now, so it is looked at anew.
 */
static void guest_event(struct watching *watching, int fd)
{
	for (size_t i = 0; i < watching->watch.guest_count; i++) {
		struct watch_guest *guest = watching->watch.guests[i];
		char said = '\0';
		ssize_t length = 1;

		if (guest->pidfd != fd && guest->connection != fd)
			continue;
		if (guest->connection == fd)
			length = recv(fd, &said, 1, MSG_DONTWAIT);
		if (length == 1 && said == KEEP) {
			(void)epoll_ctl(watching->events, EPOLL_CTL_DEL, fd, NULL);
			close(fd);
			guest->connection = -1;
		} else if (length == 0 || (guest->pidfd == fd && has_ended(fd))) {
			events_remove(watching, guest);
			watch_remove(&watching->watch, guest);
		}
		return;
	}
}

/* Watches until it is told to end. Returns 0 or -errno. */
static int watching_run(struct watching *watching)
{
	struct epoll_event events[EVENTS_AT_ONCE];
	bool end = false;

	while (!end) {
		int patience = watching->is_open ? watch_patience(&watching->watch) : -1;
		int count;

		count = epoll_wait(watching->events, events, EVENTS_AT_ONCE, patience);
		if (count < 0 && errno != EINTR)
			return -errno;
		for (int i = 0; i < count; i++) {
			if (events[i].data.fd == watching->signals)
				end = true;
			else if (events[i].data.fd == watching->take)
				guest_receive(watching);
			else
				guest_event(watching, events[i].data.fd);
		}
		if (!end && watching->is_open)
			watch_turn(&watching->watch);
	}
	if (watching->is_open)
		watch_restore(&watching->watch);
	return 0;
}

/* Each guest takes a descriptor. Where there may not be more there are fewer guests. */
static void descriptors_allow(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

/* Makes what the watcher waits by. Returns 0 or -errno. */
static int events_make(struct watching *watching)
{
	sigset_t signals;
	int result;

	sigemptyset(&signals);
	sigaddset(&signals, END_SIGNAL);
	watching->events = epoll_create1(EPOLL_CLOEXEC);
	watching->signals = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	if (watching->events < 0 || watching->signals < 0)
		return -errno;
	result = event_add(watching, watching->signals);
	return result < 0 ? result : event_add(watching, watching->take);
}

/* Takes up the guests that were written down, and waits for their ends. */
static void guests_take_up(struct watching *watching)
{
	struct error error = {0};

	if (!watch_state_is_there(watching->roots))
		return;
	if (watch_have(watching, &error) < 0)
		log_line("%s", error.text);
	else
		watch_turn(&watching->watch);
}

static int watcher_run(int take, const struct roots *roots)
{
	static struct watching watching; /* too large for a stack */
	int result;

	watching = (struct watching){.roots = roots, .take = take};
	descriptors_allow();
	result = events_make(&watching);
	if (result == 0) {
		guests_take_up(&watching);
		result = watching_run(&watching);
	}
	if (result < 0)
		log_line("the watch over interrupts cannot go on: %s", strerror(-result));
	return result < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

int watcher_start(struct watcher *watcher, const struct roots *roots, bool again,
		  void (*leave)(void *context), void *context)
{
	pid_t agent = getpid();
	sigset_t signals;
	pid_t pid;

	sigemptyset(&signals);
	sigaddset(&signals, END_SIGNAL);
	if (sigprocmask(SIG_BLOCK, &signals, NULL) < 0)
		return -errno;
	pid = fork();
	if (pid == 0) {
		/* Two of them must not be at work: the next agent has one of its own. */
		if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != agent)
			_exit(EXIT_FAILURE);
		leave(context);
		if (again)
			(void)poll(NULL, 0, AGAIN_MS);
		_exit(watcher_run(watcher->take, roots));
	}
	watcher->pid = pid < 0 ? 0 : pid;
	return pid < 0 ? -errno : 0;
}

void watcher_stop(struct watcher *watcher)
{
	if (watcher->pid > 0 && kill(watcher->pid, END_SIGNAL) == 0)
		(void)waitpid(watcher->pid, NULL, 0);
	watcher->pid = 0;
}
