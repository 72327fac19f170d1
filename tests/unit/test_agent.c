#include "agent.h"
#include "clock.h"
#include "tree.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* Relative, for a socket's path must be short; and what an agent of these tests is told to do. */
#define SOCKET "agent.sock"

enum { NOBODY = 65534, LATENESS_MS = 1500, SHORT_MS = 30 };

static pid_t agent; /* that the test has started */
static struct id_set cpus;
static struct error error;
static struct error note;

static int stop(void **state)
{
	if (agent > 0) {
		kill(agent, SIGKILL);
		waitpid(agent, NULL, 0);
	}
	agent = 0;
	return leave_directory(state);
}

static int listen_at(const char *path, int backlog)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	strcpy(address.sun_path, path);
	(void)unlink(path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, backlog), 0);
	return fd;
}

/* How an agent behaves to the one client that it serves. */
struct behaviour {
	const char *reply;
	size_t length;
	unsigned int wait_ms; /* before it replies */
	bool deaf;            /* does not read the request, and replies nothing */
	const char *request;  /* that it is to get; NULL: a shim's */
};

/* Returns the agent's exit status: 0 where it has got the request to the byte. */
static int agent_run(int listener, const struct behaviour *behaviour)
{
	const char *request = behaviour->request != NULL ? behaviour->request : AGENT_REQUEST;
	char message[256];
	int fd = accept(listener, NULL, NULL);
	ssize_t length;

	if (fd < 0)
		return 1;
	if (behaviour->deaf)
		return 0;
	length = recv(fd, message, sizeof(message), 0);
	if (length != (ssize_t)strlen(request) || memcmp(message, request, (size_t)length) != 0)
		return 2;
	usleep(behaviour->wait_ms * 1000);
	if (behaviour->reply != NULL &&
	    send(fd, behaviour->reply, behaviour->length, MSG_NOSIGNAL) < 0)
		return 3;
	return 0;
}

static void agent_start(const struct behaviour *behaviour)
{
	int listener = listen_at(SOCKET, 8);

	agent = fork();
	assert_true(agent >= 0);
	if (agent == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit(agent_run(listener, behaviour));
	}
	close(listener);
}

static int place(void)
{
	int result;

	memset(&cpus, 0, sizeof(cpus));
	error = (struct error){0};
	result = agent_place(SOCKET, &cpus, &note, &error);
	assert_true(result <= 0);
	assert_int_equal(error_is_set(&error), result < 0);
	return result;
}

/* What agent_place() makes of an agent that behaves so, which must have got the request. */
static int place_by(const struct behaviour *behaviour)
{
	int status;
	int result;

	agent_start(behaviour);
	result = place();
	assert_int_equal(waitpid(agent, &status, 0), agent);
	agent = 0;
	assert_int_equal(status, 0);
	return result;
}

static void the_answers_of_an_agent_are_understood(void **state)
{
#define REPLY(text) text, sizeof(text) - 1
	static const struct {
		const char *reply;
		size_t length;
		int expected;
		const char *words; /* the CPUs, or what is in the error */
	} cases[] = {
	    {REPLY("guest-pinning 1 placed 0"), 0, "0"},
	    {REPLY("guest-pinning 1 placed 0-1,4"), 0, "0-1,4"},
	    {REPLY("guest-pinning 1 placed 8191"), 0, "8191"},
	    {REPLY("guest-pinning 1 refused no rule matches"), -EPERM,
	     "the agent refuses: no rule matches"},
	    {REPLY("guest-pinning 1 refused "), -EPERM, "the agent refuses: "},
	    {REPLY("guest-pinning 1 refused \xc3\xbc"), -EPERM, "\xc3\xbc"},
	    {REPLY("guest-pinning 1 refused no\0yes"), -EPERM, "the agent refuses: no"},
	    /* nothing that says what was placed where */
	    {REPLY("guest-pinning 1 placed"), -EPROTO, "one version"},
	    {REPLY("guest-pinning 1 placed "), -EPROTO, "one version"},
	    {REPLY("guest-pinning 1 placed none"), -EPROTO, "one version"},
	    {REPLY("guest-pinning 1 placed all"), -EPROTO, "one version"},
	    {REPLY("guest-pinning 1 placed 1-0"), -EPROTO, "one version"},
	    {REPLY("guest-pinning 1 placed 0,"), -EPROTO, "one version"},
	    {REPLY("guest-pinning 1 placed 8192"), -EPROTO, "one version"},
	    {REPLY("guest-pinning 1 placed 0 1"), -EPROTO, "one version"},
	    {REPLY("guest-pinning 1 placed  0"), -EPROTO, "one version"},
	    {REPLY("guest-pinning 1 placed\t0"), -EPROTO, "one version"},
	    {REPLY("guest-pinning 1 placed -1"), -EPROTO, "one version"},
	    {REPLY("guest-pinning 1 placed \0000"), -EPROTO, "one version"},
	    {REPLY("guest-pinning 1 placed 0\n1"), -EPROTO, "one version"},
	    {REPLY("guest-pinning 1 placed 0\n\n"), -EPROTO, "one version"},
	    {REPLY("guest-pinning 1 placed 0\nguest-pinning 1 placed 1"), -EPROTO, "one version"},
	    /* a list that has an end before the answer's */
	    {REPLY("guest-pinning 1 placed 0\0"), -EPROTO, "one version"},
	    {REPLY("guest-pinning 1 placed 0\0,1"), -EPROTO, "one version"},
	    /* no CPUs before the note, or none that are understood */
	    {REPLY("guest-pinning 1 placed ; a note"), -EPROTO, "one version"},
	    {REPLY("guest-pinning 1 placed none; a note"), -EPROTO, "one version"},
	    {REPLY("guest-pinning 1 placed all; a note"), -EPROTO, "one version"},
	    {REPLY("guest-pinning 1 placed 0 ; a note"), -EPROTO, "one version"},
	    {REPLY("guest-pinning 1 placed 0;a note"), -EPROTO, "one version"},
	    {REPLY("guest-pinning 1 placed 0;"), -EPROTO, "one version"},
	    {REPLY("guest-pinning 1 placed 0, a note"), -EPROTO, "one version"},
	    {REPLY("guest-pinning 1 placed a note; 0"), -EPROTO, "one version"},
	    {REPLY("guest-pinning 1 placed - ; a note"), -EPROTO, "one version"},
	    {REPLY("guest-pinning 1 placed -;a note"), -EPROTO, "one version"},
	    {REPLY("guest-pinning 1 placed --"), -EPROTO, "one version"},
	    {REPLY("guest-pinning 1 placed -0"), -EPROTO, "one version"},
	    {REPLY("guest-pinning 1 placed -,0"), -EPROTO, "one version"},
	    {REPLY("guest-pinning 1 placed - "), -EPROTO, "one version"},
	    {REPLY("guest-pinning 1 placed  -"), -EPROTO, "one version"},
	    {REPLY("guest-pinning 1 placed -; one\nline"), -EPROTO, "one version"},
	    {REPLY("guest-pinning 1 placed -; a note\n"), -EPROTO, "one version"},
	    {REPLY("guest-pinning 1 placed 0; a\0note"), -EPROTO, "one version"},
	    {REPLY("guest-pinning 1 placed -\0"), -EPROTO, "one version"},
	    {REPLY("guest-pinning 1 placed 0\n\0"), -EPROTO, "one version"},
	    {REPLY("guest-pinning 1 placed\0000"), -EPROTO, "one version"},
	    /* of another version, or of no agent */
	    {REPLY("guest-pinning 2 placed 0"), -EPROTO, "one version"},
	    {REPLY("guest-pinning 10 placed 0"), -EPROTO, "one version"},
	    {REPLY("guest-pinning placed 0"), -EPROTO, "one version"},
	    {REPLY("guest-pinning 2 refused no"), -EPROTO, "one version"},
	    {REPLY("guest-pinning 1 replaced 0"), -EPROTO, "one version"},
	    {REPLY(" guest-pinning 1 placed 0"), -EPROTO, "one version"},
	    {REPLY("GUEST-PINNING 1 PLACED 0"), -EPROTO, "one version"},
	    {REPLY("guest-pinning 1 place"), -EPROTO, "one version"},
	    {REPLY("\0guest-pinning 1 placed 0"), -EPROTO, "one version"},
	    {REPLY("\0"), -EPROTO, "one version"},
	    {REPLY("\n"), -EPROTO, "one version"},
	    {REPLY("\xff\xfe\x01"), -EPROTO, "one version"},
	    {REPLY("HTTP/1.1 400 Bad Request\r\n\r\n"), -EPROTO, "one version"},
	    /* an empty packet, and none */
	    {REPLY(""), -EPIPE, "without an answer"},
	    {NULL, 0, -EPIPE, "without an answer"},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		const struct behaviour behaviour = {.reply = cases[i].reply,
						    .length = cases[i].length};
		char text[ID_SET_TEXT_SIZE] = "";
		int result = place_by(&behaviour);

		if (result != cases[i].expected)
			fail_msg("case %zu: %d, %s", i, result, error.text);
		if (strstr(result == 0 ? id_set_format(&cpus, text, sizeof(text)) : error.text,
			   cases[i].words) == NULL)
			fail_msg("case %zu: %s%s", i, text, error.text);
	}
}

static void the_longest_answer_is_read_and_a_longer_one_refused(void **state)
{
	static char reply[4 * AGENT_REPLY_MAX];
	struct behaviour behaviour = {.reply = reply};
	struct id_set other = {0};
	size_t start = strlen(strcpy(reply, AGENT_PLACED));

	(void)state;
	for (unsigned int id = 0; id < ID_SET_SIZE; id += 2)
		id_set_add(&other, id);
	id_set_format(&other, reply + start, ID_SET_LIST_SIZE);
	behaviour.length = strlen(reply);
	assert_int_equal(place_by(&behaviour), 0);
	assert_true(id_set_equal(&cpus, &other));

	/* Each of these can be cut at a number. */
	for (size_t shift = 0; shift < 2; shift++) {
		strcpy(reply + start, "7");
		for (size_t i = start + shift; i < sizeof(reply); i++)
			reply[i] = (i - start - shift) % 2 == 0 ? '0' : ',';
		behaviour.length = sizeof(reply);
		assert_int_equal(place_by(&behaviour), -EPROTO);
	}
	memset(reply, 'x', sizeof(reply));
	assert_int_equal(place_by(&behaviour), -EPROTO);
	memcpy(reply, AGENT_REFUSED, strlen(AGENT_REFUSED));
	assert_int_equal(place_by(&behaviour), -EPERM);
	assert_true(strlen(error.text) < sizeof(error.text));
}

/* A note of the agent's, and an answer without CPUs, which are not its affair then. */
static void an_answer_may_have_a_note_and_no_cpus(void **state)
{
	static const struct {
		const char *reply;
		const char *cpus;
		const char *note;
	} cases[] = {
	    {"guest-pinning 1 placed -", "none", ""},
	    {"guest-pinning 1 placed 0-1; IRQ 24 cannot be moved", "0-1", "IRQ 24 cannot be moved"},
	    {"guest-pinning 1 placed 0-1", "0-1", ""},
	    {"guest-pinning 1 placed -; a note", "none", "a note"},
	    {"guest-pinning 1 placed -; one; two; three", "none", "one; two; three"},
	    {"guest-pinning 1 placed 8191; ; ", "8191", "; "},
	    {"guest-pinning 1 placed 3; 0-1", "3", "0-1"},
	    {"guest-pinning 1 placed 3; \xc3\xbc", "3", "\xc3\xbc"},
	    {"guest-pinning 1 placed -; ", "none", ""},
	    {"guest-pinning 1 placed 7; guest-pinning 1 refused no", "7",
	     "guest-pinning 1 refused no"},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		const struct behaviour behaviour = {.reply = cases[i].reply,
						    .length = strlen(cases[i].reply)};
		char text[ID_SET_TEXT_SIZE];

		if (i % 2 == 0)
			error_set(&note, 0, "that of another answer");
		assert_int_equal(place_by(&behaviour), 0);
		assert_string_equal(id_set_format(&cpus, text, sizeof(text)), cases[i].cpus);
		assert_string_equal(note.text, cases[i].note);
	}
}

static void the_longest_note_is_read(void **state)
{
	static char reply[AGENT_REPLY_MAX + 1];
	struct behaviour behaviour = {.reply = reply};
	size_t start;

	(void)state;
	strcpy(reply, AGENT_PLACED "-; ");
	start = strlen(reply);
	memset(reply + start, 'n', ERROR_TEXT_SIZE - 1);
	behaviour.length = start + ERROR_TEXT_SIZE - 1;
	assert_int_equal(place_by(&behaviour), 0);
	assert_int_equal(strlen(note.text), ERROR_TEXT_SIZE - 1);
	assert_true(id_set_is_empty(&cpus));
	/* A longer one is cut. */
	memset(reply + start, 'n', AGENT_REPLY_MAX - 1 - start);
	behaviour.length = AGENT_REPLY_MAX - 1;
	assert_int_equal(place_by(&behaviour), 0);
	assert_int_equal(strlen(note.text), ERROR_TEXT_SIZE - 1);
	assert_int_equal(strspn(note.text, "n"), ERROR_TEXT_SIZE - 1);
}

static void an_agent_that_closes_at_once_is_told(void **state)
{
	const struct behaviour deaf = {.deaf = true};

	(void)state;
	for (int i = 0; i < 20; i++)
		assert_int_equal(place_by(&deaf), -EPIPE);
}

/* It has us in its queue, and ends. */
static void an_agent_that_dies_is_told(void **state)
{
	int listener = listen_at(SOCKET, 8);

	(void)state;
	agent = fork();
	assert_true(agent >= 0);
	if (agent == 0) {
		usleep(SHORT_MS * 1000);
		_exit(0);
	}
	close(listener);
	assert_int_equal(place(), -EPIPE);
}

static void an_answer_may_take_a_moment(void **state)
{
	const struct behaviour slow = {REPLY("guest-pinning 1 placed 0"), .wait_ms = 2 * SHORT_MS};
	long long start = clock_milliseconds();

	(void)state;
	assert_int_equal(place_by(&slow), 0);
	assert_true(clock_milliseconds() - start >= 2 * SHORT_MS);
}

static void nothing(int number)
{
	(void)number;
}

static void signals_do_not_end_the_waiting(void **state)
{
	const struct behaviour slow = {REPLY("guest-pinning 1 placed 0"), .wait_ms = 2 * SHORT_MS};
	const struct itimerval often = {{0, 5000}, {0, 5000}};
	const struct itimerval never = {{0, 0}, {0, 0}};
	struct sigaction action = {.sa_handler = nothing};
	struct sigaction before;
	int result;

	(void)state;
	agent_start(&slow);
	assert_int_equal(sigaction(SIGALRM, &action, &before), 0);
	assert_int_equal(setitimer(ITIMER_REAL, &often, NULL), 0);
	result = place();
	assert_int_equal(setitimer(ITIMER_REAL, &never, NULL), 0);
	assert_int_equal(sigaction(SIGALRM, &before, NULL), 0);
	assert_int_equal(result, 0);
}

static void an_agent_that_is_not_there_is_told(void **state)
{
	char path[4 * sizeof(((struct sockaddr_un *)0)->sun_path)];
	int listener;

	(void)state;
	assert_int_equal(place(), -ENOENT);
	assert_non_null(strstr(error.text, SOCKET));
	assert_non_null(strstr(error.text, "start guest-pinningd"));
	assert_int_equal(agent_is_there(SOCKET), -ENOENT);
	assert_int_equal(agent_place("no-such-directory/" SOCKET, &cpus, &note, &error), -ENOENT);

	listener = listen_at(SOCKET, 8);
	assert_int_equal(agent_is_there(SOCKET), 0);
	close(listener);
	assert_int_equal(place(), -ECONNREFUSED);
	assert_non_null(strstr(error.text, "start guest-pinningd"));
	assert_int_equal(agent_is_there(SOCKET), -ECONNREFUSED);

	memset(path, 'x', sizeof(path));
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(agent_place(path, &cpus, &note, &error), -ENAMETOOLONG);
	assert_int_equal(agent_is_there(path), -ENAMETOOLONG);
}

static void the_longest_path_is_used_whole(void **state)
{
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	int listener;

	(void)state;
	memset(path, 'x', sizeof(path));
	path[sizeof(path) - 1] = '\0';
	listener = listen_at(path, 8);
	assert_int_equal(agent_is_there(path), 0);
	close(listener);
	assert_int_equal(agent_is_there(path), -ECONNREFUSED);
}

static void a_socket_of_another_kind_is_told(void **state)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = SOCKET};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 8), 0);
	assert_int_equal(place(), -EPROTOTYPE);
	close(fd);
	make_file(SOCKET, "");
	assert_int_equal(place(), -ECONNREFUSED);
}

/* Root may speak to any; so it is another user who tries. */
static void one_who_may_not_speak_to_the_agent_is_told(void **state)
{
	int listener = listen_at(SOCKET, 8);
	int status;
	pid_t child;

	(void)state;
	assert_int_equal(chmod(SOCKET, 0), 0);
	assert_int_equal(chmod(".", 0755), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		if (geteuid() == 0 && setresuid(NOBODY, NOBODY, NOBODY) < 0)
			_exit(1);
		if (agent_place(SOCKET, &cpus, &note, &error) != -EACCES)
			_exit(2);
		if (strstr(error.text, "group kvm") == NULL)
			_exit(3);
		_exit(agent_is_there(SOCKET) == -EACCES ? 0 : 4);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	close(listener);
}

/* Connects until no more is taken, and then asks. Returns the exit status: 0 where all is well. */
static int ask_where_the_queue_is_full(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "full.sock"};
	long long start;
	int result = 0;
	int fd;

	while (result == 0) {
		fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0);
		result = connect(fd, (struct sockaddr *)&address, sizeof(address));
	}
	if (errno != EAGAIN)
		return 1;
	start = clock_milliseconds();
	result = agent_place("full.sock", &cpus, &note, &error);
	if (result != -ETIMEDOUT || strstr(error.text, "has not answered") == NULL)
		return 2;
	return clock_milliseconds() - start >= AGENT_PATIENCE_MS - 10 &&
		       clock_milliseconds() - start < AGENT_PATIENCE_MS + LATENESS_MS
		   ? 0
		   : 3;
}

/* One has a full queue, the other takes the request and is silent: both at once, for it is long. */
static void patience_ends(void **state)
{
	int full = listen_at("full.sock", 1);
	int silent = listen_at(SOCKET, 8);
	long long start = clock_milliseconds();
	long long end;
	int status;
	pid_t child = fork();

	(void)state;
	assert_true(child >= 0);
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit(ask_where_the_queue_is_full());
	}
	assert_int_equal(place(), -ETIMEDOUT);
	end = clock_milliseconds();
	assert_non_null(strstr(error.text, "has not answered within 5 seconds"));
	assert_in_range(end - start, AGENT_PATIENCE_MS - 10, AGENT_PATIENCE_MS + LATENESS_MS);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	close(silent);
	close(full);
}

/* The tool's request, and the answer to it. */
static void a_guest_that_runs_is_named(void **state)
{
	static const struct {
		pid_t pid;
		const char *started;
		const char *request;
	} cases[] = {
	    {4711, "815", "guest-pinning 1 apply 4711 815"},
	    {1, "0", "guest-pinning 1 apply 1 0"},
	    /* the longest that there is */
	    {INT_MAX, "18446744073709551615",
	     "guest-pinning 1 apply 2147483647 "
	     "18446744073709551615"},
	};
	static const char reply[] = "guest-pinning 1 placed 0-1,4; 'eth2' has no interrupts yet";

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		struct behaviour behaviour = {
		    .reply = reply, .length = strlen(reply), .request = cases[i].request};
		int status;

		assert_true(strlen(cases[i].request) < AGENT_REQUEST_MAX);
		agent_start(&behaviour);
		cpus = (struct id_set){0};
		assert_int_equal(
		    agent_apply(SOCKET, cases[i].pid, cases[i].started, &cpus, &note, &error), 0);
		assert_int_equal(waitpid(agent, &status, 0), agent);
		agent = 0;
		assert_int_equal(status, 0);
		assert_int_equal(id_set_count(&cpus), 3);
		assert_string_equal(note.text, "'eth2' has no interrupts yet");
	}
}

static void a_refusal_of_a_guest_that_runs_is_told(void **state)
{
	static const char reply[] = "guest-pinning 1 refused process 4711 is no longer that guest";
	struct behaviour behaviour = {
	    .reply = reply, .length = strlen(reply), .request = "guest-pinning 1 apply 4711 815"};

	(void)state;
	agent_start(&behaviour);
	assert_int_equal(agent_apply(SOCKET, 4711, "815", &cpus, &note, &error), -EPERM);
	assert_string_equal(error.text, "the agent refuses: process 4711 is no longer that guest");
	assert_int_equal(waitpid(agent, NULL, 0), agent);
	agent = 0;
	assert_int_equal(agent_apply("nothing", 4711, "815", &cpus, &note, &error), -ENOENT);
	assert_non_null(strstr(error.text, "start guest-pinningd"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, enter_directory, stop)
	static const struct CMUnitTest tests[] = {
	    TEST(the_answers_of_an_agent_are_understood),
	    TEST(the_longest_answer_is_read_and_a_longer_one_refused),
	    TEST(an_answer_may_have_a_note_and_no_cpus),
	    TEST(the_longest_note_is_read),
	    TEST(an_agent_that_closes_at_once_is_told),
	    TEST(an_agent_that_dies_is_told),
	    TEST(an_answer_may_take_a_moment),
	    TEST(signals_do_not_end_the_waiting),
	    TEST(an_agent_that_is_not_there_is_told),
	    TEST(the_longest_path_is_used_whole),
	    TEST(a_socket_of_another_kind_is_told),
	    TEST(one_who_may_not_speak_to_the_agent_is_told),
	    TEST(a_guest_that_runs_is_named),
	    TEST(a_refusal_of_a_guest_that_runs_is_told),
	    TEST(patience_ends),
	};

	return RUN_TESTS(tests);
}
