#include "clock.h"
#include "irqbalance.h"
#include "log.h"
#include "number.h"
#include "tree.h"
#include "unix_socket.h"

#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#endif

#define LOG "log"
#define SETUP "setup"
#define BAN "settings ban irqs"
#define PID 4711
#define OTHER_PID 4712
#define IGNORES_SIGPIPE UINT64_C(0x1000)

static struct roots roots;
static struct irqbalance irqbalance;
static int stderr_before;

/* --- the one that runs: it is played here, between two turns --- */

static struct {
	int fd;                       /* it listens; -1: it does not run */
	struct irq_list list;         /* what it leaves alone */
	char last[1024];              /* the command that came last */
	unsigned int asked;           /* how often it was */
	unsigned int told;            /* how often another list */
	const char *answer;           /* instead of the one that is right */
	size_t longest;               /* bytes that came in one command */
	struct irq_list ours_by_then; /* what could have been written down when it was told */
} server = {.fd = -1};

static const char *path_of(const char *format, int pid)
{
	static char path[PATH_MAX];

	snprintf(path, sizeof(path), format, pid);
	return path;
}

static void make_process_of(int pid, uid_t user, const char *comm, uint64_t ignored)
{
	char status[256];

	snprintf(status, sizeof(status),
		 "Name:\tirqbalance\nUmask:\t0022\nUid:\t%u\t0\t0\t0\nSigBlk:\t%016x\n"
		 "SigIgn:\t%016" PRIx64 "\nSigCgt:\t%016x\n",
		 user, 0, ignored, 0x1000);
	make_file(path_of("world/proc/%d/status", pid), status);
	make_file(path_of("world/proc/%d/comm", pid), comm);
}

static void make_process(int pid, const char *comm, uint64_t ignored)
{
	make_process_of(pid, geteuid(), comm, ignored);
}

static void end_process(int pid)
{
	assert_int_equal(remove_tree(path_of("world/proc/%d", pid)), 0);
}

static int listen_at(const char *path)
{
	struct sockaddr_un address;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	assert_true(fd >= 0);
	make_directories(path);
	(void)unlink(path);
	assert_int_equal(unix_socket_address(path, &address), 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 1), 0);
	return fd;
}

static void server_end(void)
{
	if (server.fd >= 0)
		close(server.fd);
	server.fd = -1;
}

/* Another one begins with a list of its own, of its command line. */
static void server_start(int pid, const unsigned int *banned, size_t count)
{
	server_end();
	memset(&server, 0, sizeof(server));
	make_process(pid, "irqbalance\n", IGNORES_SIGPIPE);
	server.fd = listen_at(path_of("world/run/irqbalance/irqbalance%d.sock", pid));
	for (size_t i = 0; i < count; i++)
		irq_list_add(&server.list, banned[i]);
}

/* The numbers of a list, as arguments. */
#define NUMBERS(...)                           \
	((const unsigned int[]){__VA_ARGS__}), \
	    (sizeof((const unsigned int[]){__VA_ARGS__}) / sizeof(unsigned int))
#define NO_NUMBERS NULL, 0

static void answer(int connection)
{
	char text[IRQBALANCE_ANSWER_MAX] = "SLEEP 10 ";

	for (size_t i = 0; i < server.list.count; i++)
		text_add(text, sizeof(text), "IRQ %u LOAD 0 DIFF 0 CLASS 0 ", server.list.at[i]);
	text_add(text, sizeof(text), "BANNED 00000000");
	if (server.answer != NULL)
		snprintf(text, sizeof(text), "%s", server.answer);
	assert_int_equal(send(connection, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* What stands after the command replaces the list. */
static void list_replace(const char *here)
{
	server.list = (struct irq_list){0};
	if (strcmp(here, " NONE") == 0)
		return;
	assert_string_not_equal(here, "");
	while (*here != '\0') {
		unsigned int number;
		size_t digits;

		assert_int_equal(*here++, ' ');
		digits = number_read(here, UINT32_MAX, &number);
		assert_true(digits > 0);
		irq_list_add(&server.list, number);
		here += digits;
	}
}

/* Takes a connection and the command; -1: nobody has come. It does not answer yet. */
static int server_accept(void)
{
	int connection = server.fd < 0 ? -1 : accept4(server.fd, NULL, NULL, SOCK_CLOEXEC);
	ssize_t length;

	if (connection < 0)
		return -1;
	length = recv(connection, server.last, sizeof(server.last), 0);
	assert_true(length > 0 && length <= IRQBALANCE_MESSAGE_MAX);
	assert_ptr_equal(memchr(server.last, '\0', (size_t)length), server.last + length - 1);
	if ((size_t)length > server.longest)
		server.longest = (size_t)length;
	return connection;
}

/* Sees to one command, as sock_handle of irqbalance does. Returns whether there was one. */
static bool serve(void)
{
	int connection = server_accept();

	if (connection < 0)
		return false;
	if (strcmp(server.last, SETUP) == 0) {
		server.asked++;
		answer(connection);
	} else if (strncmp(server.last, BAN, strlen(BAN)) == 0) {
		server.told++;
		server.ours_by_then = irqbalance.ours;
		list_replace(server.last + strlen(BAN));
	} else {
		fail_msg("no such command: %s", server.last);
	}
	close(connection);
	return true;
}

/* --- what it is to leave alone --- */

static void want(const unsigned int *numbers, size_t count)
{
	irqbalance.wanted = (struct irq_list){0};
	for (size_t i = 0; i < count; i++)
		irq_list_add(&irqbalance.wanted, numbers[i]);
}

static void want_range(unsigned int first, unsigned int count)
{
	irqbalance.wanted = (struct irq_list){0};
	for (unsigned int i = 0; i < count; i++)
		irq_list_add(&irqbalance.wanted, first + i);
}

/* Turns until nothing more comes of it. Returns how often it has come to what is wanted. */
static unsigned int converse(void)
{
	unsigned int reached = 0;
	unsigned int idle = 0;

	for (unsigned int turns = 0; idle < 2; turns++) {
		assert_true(turns < 20);
		reached += irqbalance_turn(&irqbalance);
		idle = serve() || !irqbalance_is_settled(&irqbalance) ? 0 : idle + 1;
	}
	return reached;
}

static void check_list(const struct irq_list *list, const unsigned int *numbers, size_t count)
{
	struct irq_list expected = {0};

	for (size_t i = 0; i < count; i++)
		irq_list_add(&expected, numbers[i]);
	if (irq_list_equal(list, &expected))
		return;
	for (size_t i = 0; i < list->count; i++)
		print_error("# it has %u\n", list->at[i]);
	fail_msg("%zu instead of %zu, or others", list->count, expected.count);
}

#define CHECK_BANNED(...) check_list(&server.list, __VA_ARGS__)
#define CHECK_OURS(...) check_list(&irqbalance.ours, __VA_ARGS__)

static const char *logged(void)
{
	return text_of(LOG);
}

/* Whether the log has one line, with these words. */
static void check_logged_once(const char *words)
{
	const char *text = logged();
	const char *end = strchr(text, '\n');

	if (strstr(text, words) == NULL || end == NULL || end[1] != '\0')
		fail_msg("not one line with '%s': %s", words, text);
}

/* Given up: it is not spoken to any more, whatever is wanted. */
static void check_given_up(void)
{
	assert_true(irqbalance_is_settled(&irqbalance));
	assert_false(irqbalance.listens);
	assert_int_equal(irqbalance.fd, -1);
	server.answer = NULL;
	server.asked = server.told = 0;
	want(NUMBERS(77));
	assert_int_equal(converse(), 0);
	assert_int_equal(server.asked + server.told, 0);
}

/* As if the agent had been killed, and another one had read what it has left. */
static void reopen(void)
{
	json_t *json = irqbalance_write(&irqbalance);

	irqbalance_close(&irqbalance);
	irqbalance_open(&irqbalance, &roots);
	if (json != NULL)
		assert_true(irqbalance_read(&irqbalance, json));
	json_decref(json);
}

static int start(void **state)
{
	int log;

	roots = (struct roots){.proc = "world/proc", .run = "world/run", .owner = geteuid()};
	server_end();
	memset(&server, 0, sizeof(server));
	server.fd = -1;
	if (enter_directory(state) < 0)
		return -1;
	log = open(LOG, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	if (log < 0 || dup2(log, STDERR_FILENO) < 0)
		return -1;
	close(log);
	log_program("agent");
	irqbalance_open(&irqbalance, &roots);
	return 0;
}

static int stop(void **state)
{
	irqbalance_close(&irqbalance);
	server_end();
	if (dup2(stderr_before, STDERR_FILENO) < 0)
		return -1;
	return leave_directory(state);
}

/* --- which one runs --- */

static void where_nobody_runs_there_is_nothing_to_do(void **state)
{
	(void)state;
	want(NUMBERS(36));
	assert_int_equal(converse(), 0);
	assert_int_equal(irqbalance.pid, 0);
	make_file("world/run/irqbalance/other", "");
	assert_int_equal(converse(), 0);
	assert_int_equal(irqbalance.pid, 0);
	CHECK_OURS(NO_NUMBERS);
	assert_string_equal(logged(), "");
}

static void a_socket_that_was_left_is_no_irqbalance(void **state)
{
	static const char *const names[] = {
	    "irqbalance.sock",
	    "irqbalance0.sock",
	    "irqbalance-4711.sock",
	    "irqbalance04711.sock",
	    "irqbalance4711.socks",
	    "irqbalance4711",
	    "4711.sock",
	    "irqbalance4711x.sock",
	    "irqbalance99999999999999.sock",
	};

	(void)state;
	server_start(PID, NO_NUMBERS);
	end_process(PID);
	want(NUMBERS(36));
	assert_int_equal(converse(), 0);
	assert_int_equal(irqbalance.pid, 0);
	make_process(PID, "irqbalance-ui\n", IGNORES_SIGPIPE);
	assert_int_equal(converse(), 0);
	assert_int_equal(irqbalance.pid, 0);
	make_process(PID, "irqbalance\n", IGNORES_SIGPIPE);
	assert_int_equal(remove(path_of("world/run/irqbalance/irqbalance%d.sock", PID)), 0);
	for (size_t i = 0; i < LENGTH_OF(names); i++) {
		char path[PATH_MAX];

		snprintf(path, sizeof(path), "world/run/irqbalance/%s", names[i]);
		make_file(path, "");
	}
	assert_int_equal(converse(), 0);
	assert_int_equal(irqbalance.pid, 0);
	assert_int_equal(server.asked, 0);
	assert_string_equal(logged(), "");
}

/* It is found beside the sockets of those that were killed. */
static void one_that_runs_is_found_among_what_others_have_left(void **state)
{
	(void)state;
	make_file("world/run/irqbalance/irqbalance7.sock", "");
	make_file("world/run/irqbalance/irqbalance99999.sock", "");
	make_process(99999, "bash\n", 0);
	server_start(PID, NO_NUMBERS);
	want(NUMBERS(36));
	assert_int_equal(converse(), 1);
	assert_int_equal(irqbalance.pid, PID);
	CHECK_BANNED(NUMBERS(36));
}

static void one_that_nobody_trusts_is_not_one(void **state)
{
	(void)state;
	server_start(PID, NO_NUMBERS);
	make_process_of(PID, 65534, "irqbalance\n", IGNORES_SIGPIPE);
	want(NUMBERS(36));
	assert_int_equal(converse(), 0);
	assert_int_equal(irqbalance.pid, 0);
}

/* It would be ended by the answer, should the agent be killed in between. */
static void one_that_does_not_ignore_sigpipe_is_not_spoken_to(void **state)
{
	static const struct {
		uint64_t ignored;
		bool listens;
	} cases[] = {
	    {0, false},       {~IGNORES_SIGPIPE, false}, {0x2000, false},
	    {0x800, false},   {IGNORES_SIGPIPE, true},   {0xffffffffffffffff, true},
	    {0x381000, true},
	};
	struct error note = {0};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		server_start(PID, NO_NUMBERS);
		make_process(PID, "irqbalance\n", cases[i].ignored);
		irqbalance_open(&irqbalance, &roots);
		want(NUMBERS(36));
		assert_int_equal(converse(), cases[i].listens ? 1 : 0);
		assert_int_equal(irqbalance.pid, PID);
		assert_int_equal(irqbalance.listens, cases[i].listens);
		assert_int_equal(server.told, cases[i].listens ? 1 : 0);
	}
	make_process(OTHER_PID, "irqbalance\n", 0);
	end_process(PID);
	make_file(path_of("world/run/irqbalance/irqbalance%d.sock", OTHER_PID), "");
	irqbalance_look(&irqbalance);
	irqbalance_note(&irqbalance, NULL, &note);
	assert_non_null(strstr(note.text, "may undo what is moved: set --banirq=N"));
	assert_string_equal(logged(), "");
}

static void a_process_without_the_line_is_taken_to_be_ended_by_sigpipe(void **state)
{
	static const char *const statuses[] = {
	    "",
	    "Name:\tirqbalance\n",
	    "Name:\tirqbalance\nSigIgn:\t1000",
	    "Name:\tirqbalance\nFoo:\tSigIgn:\t0000000000001000\n",
	    "Name:\tirqbalance\nShdIgn:\t0000000000001000\n",
	};
	char text[256];

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(statuses); i++) {
		server_start(PID, NO_NUMBERS);
		snprintf(text, sizeof(text), "Name:\tx\nUid:\t%u\t0\t0\t0\n%s", geteuid(),
			 statuses[i]);
		make_file(path_of("world/proc/%d/status", PID), text);
		irqbalance_open(&irqbalance, &roots);
		want(NUMBERS(36));
		assert_int_equal(converse(), 0);
		assert_int_equal(irqbalance.pid, PID);
		assert_int_equal(server.asked, 0);
	}
}

/* --- what it is told --- */

static void what_is_wanted_is_banned(void **state)
{
	(void)state;
	server_start(PID, NO_NUMBERS);
	want(NUMBERS(36, 38));
	assert_int_equal(converse(), 1);
	assert_string_equal(server.last, BAN " 36 38");
	CHECK_BANNED(NUMBERS(36, 38));
	CHECK_OURS(NUMBERS(36, 38));
	assert_int_equal(server.asked, 1);
	assert_int_equal(server.told, 1);
	assert_int_equal(converse(), 0);
	assert_int_equal(server.asked, 1);
	assert_string_equal(logged(), "");
}

static void what_others_ban_stays(void **state)
{
	(void)state;
	server_start(PID, NUMBERS(9, 16));
	want(NUMBERS(36, 38));
	assert_int_equal(converse(), 1);
	CHECK_BANNED(NUMBERS(9, 16, 36, 38));
	CHECK_OURS(NUMBERS(36, 38));
	want(NUMBERS(38, 40));
	assert_int_equal(converse(), 1);
	CHECK_BANNED(NUMBERS(9, 16, 38, 40));
	CHECK_OURS(NUMBERS(38, 40));
	want(NO_NUMBERS);
	assert_int_equal(converse(), 1);
	CHECK_BANNED(NUMBERS(9, 16));
	CHECK_OURS(NO_NUMBERS);
	assert_int_equal(server.told, 3);
}

/* Somebody may tell it, too, as long as it runs. */
static void what_others_have_banned_meanwhile_stays(void **state)
{
	(void)state;
	server_start(PID, NO_NUMBERS);
	want(NUMBERS(36));
	converse();
	irq_list_add(&server.list, 50);
	want(NUMBERS(38));
	assert_int_equal(converse(), 1);
	CHECK_BANNED(NUMBERS(38, 50));
	CHECK_OURS(NUMBERS(38));
}

static void where_nothing_is_left_it_is_told_none(void **state)
{
	(void)state;
	server_start(PID, NO_NUMBERS);
	want(NUMBERS(36));
	converse();
	want(NO_NUMBERS);
	assert_int_equal(converse(), 1);
	assert_string_equal(server.last, BAN " NONE");
	CHECK_BANNED(NO_NUMBERS);
	CHECK_OURS(NO_NUMBERS);
	assert_int_equal(converse(), 0);
}

static void what_others_ban_too_is_not_ours(void **state)
{
	(void)state;
	server_start(PID, NUMBERS(36));
	want(NUMBERS(36, 38));
	assert_int_equal(converse(), 1);
	CHECK_BANNED(NUMBERS(36, 38));
	CHECK_OURS(NUMBERS(38));
	want(NO_NUMBERS);
	assert_int_equal(converse(), 1);
	CHECK_BANNED(NUMBERS(36));
}

static void a_list_that_is_as_wanted_already_is_not_told(void **state)
{
	(void)state;
	server_start(PID, NUMBERS(36, 38, 9));
	want(NUMBERS(38, 36));
	assert_int_equal(converse(), 1);
	assert_int_equal(server.asked, 1);
	assert_int_equal(server.told, 0);
	CHECK_OURS(NO_NUMBERS);
	want(NUMBERS(36, 38));
	assert_int_equal(converse(), 0);
	assert_int_equal(server.asked, 1);
	want(NO_NUMBERS);
	assert_int_equal(converse(), 1);
	assert_int_equal(server.told, 0);
	CHECK_BANNED(NUMBERS(36, 38, 9));
}

/* Somebody has replaced the list: what was ours is told again when there is something to tell. */
static void what_others_have_taken_out_is_put_in_again(void **state)
{
	(void)state;
	server_start(PID, NO_NUMBERS);
	want(NUMBERS(36, 38));
	converse();
	server.list = (struct irq_list){0};
	want(NUMBERS(36, 38, 40));
	assert_int_equal(converse(), 1);
	CHECK_BANNED(NUMBERS(36, 38, 40));
	CHECK_OURS(NUMBERS(36, 38, 40));
}

/* So that it is in the agent's file before irqbalance has it. */
static void what_is_ours_is_known_a_turn_before_it_is_told(void **state)
{
	(void)state;
	server_start(PID, NUMBERS(9));
	want(NUMBERS(36, 9));
	assert_false(irqbalance_turn(&irqbalance));
	assert_int_equal(irqbalance.phase, IRQBALANCE_ASKED);
	assert_false(irqbalance_turn(&irqbalance)); /* it takes its time */
	assert_int_equal(irqbalance.phase, IRQBALANCE_ASKED);
	CHECK_OURS(NO_NUMBERS);
	assert_true(serve());
	assert_false(irqbalance_turn(&irqbalance));
	assert_int_equal(irqbalance.phase, IRQBALANCE_READY);
	CHECK_OURS(NUMBERS(36));
	assert_false(serve());
	assert_false(irqbalance_is_settled(&irqbalance));
	assert_false(irqbalance_turn(&irqbalance));
	assert_int_equal(irqbalance.phase, IRQBALANCE_TOLD);
	assert_false(irqbalance_is_settled(&irqbalance));
	assert_false(irqbalance_turn(&irqbalance));
	assert_true(serve());
	check_list(&server.ours_by_then, NUMBERS(36));
	assert_true(irqbalance_turn(&irqbalance));
	assert_int_equal(irqbalance.phase, IRQBALANCE_IDLE);
	assert_true(irqbalance_is_settled(&irqbalance));
	CHECK_BANNED(NUMBERS(9, 36));
}

static void what_is_wanted_meanwhile_is_told_next(void **state)
{
	(void)state;
	server_start(PID, NO_NUMBERS);
	want(NUMBERS(36));
	irqbalance_turn(&irqbalance);
	want(NUMBERS(38));
	serve();
	irqbalance_turn(&irqbalance);
	assert_int_equal(irqbalance.phase, IRQBALANCE_READY);
	want(NUMBERS(40));
	irqbalance_turn(&irqbalance);
	serve();
	CHECK_BANNED(NUMBERS(38));
	assert_false(irqbalance_turn(&irqbalance)); /* not what is wanted by now */
	assert_int_equal(converse(), 1);
	CHECK_BANNED(NUMBERS(40));
	CHECK_OURS(NUMBERS(40));
}

/* --- it ends, or does not do as it should --- */

static void another_one_is_told_anew(void **state)
{
	(void)state;
	server_start(PID, NUMBERS(9));
	want(NUMBERS(36, 38));
	converse();
	end_process(PID);
	server_start(OTHER_PID, NUMBERS(38));
	assert_int_equal(converse(), 1);
	assert_int_equal(irqbalance.pid, OTHER_PID);
	CHECK_BANNED(NUMBERS(36, 38));
	CHECK_OURS(NUMBERS(36));
	end_process(OTHER_PID);
	server_end();
	assert_int_equal(converse(), 0);
	assert_int_equal(irqbalance.pid, 0);
	CHECK_OURS(NO_NUMBERS);
	assert_string_equal(logged(), "");
}

static void one_that_is_another_before_it_is_told_is_asked(void **state)
{
	(void)state;
	server_start(PID, NO_NUMBERS);
	want(NUMBERS(36));
	irqbalance_turn(&irqbalance);
	serve();
	irqbalance_turn(&irqbalance);
	assert_int_equal(irqbalance.phase, IRQBALANCE_READY);
	end_process(PID);
	server_start(OTHER_PID, NUMBERS(36));
	assert_int_equal(converse(), 1);
	assert_int_equal(server.asked, 1);
	assert_int_equal(server.told, 0);
	CHECK_OURS(NO_NUMBERS);
}

static void one_that_ends_while_it_is_asked_is_no_news(void **state)
{
	(void)state;
	for (int accepted = 0; accepted < 2; accepted++) {
		int connection = -1;

		server_start(PID, NO_NUMBERS);
		want(NUMBERS(36));
		irqbalance_turn(&irqbalance);
		assert_int_equal(irqbalance.phase, IRQBALANCE_ASKED);
		if (accepted)
			connection = server_accept();
		end_process(PID);
		server_end();
		if (connection >= 0)
			close(connection);
		assert_int_equal(converse(), 0);
		assert_int_equal(irqbalance.pid, 0);
		assert_string_equal(logged(), "");
		server_start(OTHER_PID, NO_NUMBERS);
		assert_int_equal(converse(), 1);
		CHECK_BANNED(NUMBERS(36));
		end_process(OTHER_PID);
		irqbalance_look(&irqbalance);
	}
}

static void one_that_ends_while_it_is_told_is_no_news(void **state)
{
	(void)state;
	server_start(PID, NO_NUMBERS);
	want(NUMBERS(36));
	irqbalance_turn(&irqbalance);
	serve();
	irqbalance_turn(&irqbalance);
	irqbalance_turn(&irqbalance);
	assert_int_equal(irqbalance.phase, IRQBALANCE_TOLD);
	end_process(PID);
	server_start(OTHER_PID, NO_NUMBERS);
	converse();
	CHECK_BANNED(NUMBERS(36));
	CHECK_OURS(NUMBERS(36));
	assert_string_equal(logged(), "");
}

/* It is there, but has closed its socket, or has too many who wait. */
static void one_that_takes_no_connection_is_tried_again(void **state)
{
	struct sockaddr_un address;
	int waiting[8];
	size_t count = 0;

	(void)state;
	server_start(PID, NO_NUMBERS);
	want(NUMBERS(36));
	unix_socket_address("world/run/irqbalance/irqbalance4711.sock", &address);
	for (; count < LENGTH_OF(waiting); count++) {
		waiting[count] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		if (connect(waiting[count], (struct sockaddr *)&address, sizeof(address)) < 0)
			break;
	}
	assert_int_equal(errno, EAGAIN);
	for (int i = 0; i < 3; i++)
		assert_false(irqbalance_turn(&irqbalance));
	assert_int_equal(irqbalance.phase, IRQBALANCE_IDLE);
	assert_false(irqbalance_is_settled(&irqbalance));
	for (size_t i = 0; i <= count; i++)
		close(waiting[i]);
	server_start(PID, NO_NUMBERS);
	irqbalance_turn(&irqbalance);
	serve();
	irqbalance_turn(&irqbalance);
	server_end();
	for (int i = 0; i < 3; i++)
		assert_false(irqbalance_turn(&irqbalance));
	assert_int_equal(irqbalance.phase, IRQBALANCE_READY);
	server_start(PID, NO_NUMBERS);
	assert_int_equal(converse(), 1);
	CHECK_BANNED(NUMBERS(36));
	assert_string_equal(logged(), "");
}

static void one_that_answers_anything_else_is_given_up(void **state)
{
	static const char *const answers[] = {
	    "",
	    "\n",
	    "no such command",
	    "SLEEP",
	    "SLEEP 10 ",
	    "SLEEP 10 IRQ 36 LOAD 0 DIFF 0 CLASS 0 IRQ 3",
	    "SLEEP 10 IRQ 36 LOAD 0 DIFF 0 CLASS 0 BANNED",
	    "IRQ 36 LOAD 0 DIFF 0 CLASS 0 BANNED 00000000",
	    " SLEEP 10 BANNED 00000000",
	};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(answers); i++) {
		server_start(PID, NUMBERS(9));
		irqbalance_open(&irqbalance, &roots);
		server.answer = answers[i];
		want(NUMBERS(36));
		assert_int_equal(converse(), 0);
		check_logged_once("agent: irqbalance (pid 4711) does not answer as it should, and "
				  "may undo what is moved: set IRQBALANCE_BANNED_CPULIST=");
		check_given_up();
		CHECK_BANNED(NUMBERS(9));
		CHECK_OURS(NO_NUMBERS);
		check_logged_once("does not answer as it should");
		assert_int_equal(truncate(LOG, 0), 0);
	}
}

static void an_answer_of_any_length_is_read_to_its_end(void **state)
{
	static char text[3 * IRQBALANCE_ANSWER_MAX];
	int connection;

	(void)state;
	server_start(PID, NO_NUMBERS);
	want(NUMBERS(36));
	irqbalance_turn(&irqbalance);
	memset(text, 'x', sizeof(text));
	connection = server_accept();
	assert_int_equal(send(connection, text, sizeof(text), 0), sizeof(text));
	assert_false(irqbalance_turn(&irqbalance));
	assert_int_equal(irqbalance.phase, IRQBALANCE_ASKED);
	assert_int_equal(send(connection, text, sizeof(text), 0), sizeof(text));
	close(connection);
	assert_int_equal(converse(), 0);
	check_logged_once("does not answer as it should");
	check_given_up();
}

static void an_answer_may_come_in_parts(void **state)
{
	static const char text[] = "SLEEP 10 IRQ 36 LOAD 0 DIFF 0 CLASS 0 BANNED 00000000";
	int connection;

	(void)state;
	server_start(PID, NUMBERS(36));
	want(NUMBERS(36, 38));
	irqbalance_turn(&irqbalance);
	connection = server_accept();
	for (size_t i = 0; i < strlen(text); i++) {
		assert_int_equal(send(connection, text + i, 1, 0), 1);
		assert_false(irqbalance_turn(&irqbalance));
		assert_int_equal(irqbalance.phase, IRQBALANCE_ASKED);
	}
	close(connection);
	assert_int_equal(converse(), 1);
	CHECK_BANNED(NUMBERS(36, 38));
	CHECK_OURS(NUMBERS(38));
}

static void one_that_does_not_answer_is_given_up(void **state)
{
	(void)state;
	server_start(PID, NO_NUMBERS);
	want(NUMBERS(36));
	irqbalance_turn(&irqbalance);
	assert_true(irqbalance.until > clock_milliseconds() + IRQBALANCE_PATIENCE_MS / 2);
	irqbalance.until = clock_milliseconds() - 1;
	assert_false(irqbalance_turn(&irqbalance));
	check_logged_once("irqbalance (pid 4711) does not answer, and may undo what is moved");
	server_start(PID, NO_NUMBERS);
	check_given_up();
	check_logged_once("does not answer");
	end_process(PID);
	server_start(OTHER_PID, NO_NUMBERS);
	want(NUMBERS(36));
	assert_int_equal(converse(), 1); /* another one has another chance */
	CHECK_BANNED(NUMBERS(36));
}

static void one_that_does_not_take_its_list_is_given_up(void **state)
{
	(void)state;
	server_start(PID, NO_NUMBERS);
	want(NUMBERS(36));
	irqbalance_turn(&irqbalance);
	serve();
	irqbalance_turn(&irqbalance);
	irqbalance_turn(&irqbalance);
	assert_int_equal(irqbalance.phase, IRQBALANCE_TOLD);
	irqbalance.until = clock_milliseconds() - 1;
	assert_false(irqbalance_turn(&irqbalance));
	check_logged_once("does not answer");
	CHECK_OURS(NUMBERS(36)); /* it may have taken it */
	server_start(PID, NO_NUMBERS);
	check_given_up();
}

/* --- a list that is too long --- */

/* Each number of three digits takes four bytes: not one more would have had room for sure. */
static void check_told_as_many_as_fit(unsigned int first, size_t others)
{
	size_t used = strlen(server.last) + 1;
	size_t count = irqbalance.ours.count;

	assert_in_range(used, IRQBALANCE_MESSAGE_MAX - (sizeof(" 4294967295") - 1),
			IRQBALANCE_MESSAGE_MAX);
	assert_int_equal(server.list.count, others + count);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(server.list.at[others + i], first + i);
}

static void of_a_list_that_is_too_long_the_first_are_told(void **state)
{
	(void)state;
	server_start(PID, NO_NUMBERS);
	want_range(100, 150);
	assert_int_equal(converse(), 1);
	check_told_as_many_as_fit(100, 0);
	check_logged_once("irqbalance takes no list of all that is moved");
	want_range(101, 150);
	assert_int_equal(converse(), 1);
	check_told_as_many_as_fit(101, 0);
	check_logged_once("irqbalance takes no list of all that is moved");
	want_range(200, 20);
	assert_int_equal(converse(), 1);
	assert_int_equal(server.list.count, 20);
	assert_int_equal(irqbalance.ours.count, 20);
	assert_true(irq_list_equal(&server.list, &irqbalance.wanted));
	check_logged_once("irqbalance takes no list of all that is moved");
}

static void a_list_of_more_than_there_is_room_for_is_told_in_part(void **state)
{
	(void)state;
	server_start(PID, NUMBERS(9));
	want_range(10, IRQBALANCE_LIST_MAX + 7);
	assert_int_equal(irqbalance.wanted.count, IRQBALANCE_LIST_MAX);
	assert_true(irqbalance.wanted.overflown);
	assert_int_equal(converse(), 1);
	check_logged_once("irqbalance takes no list of all that is moved");
	check_told_as_many_as_fit(10, 1);
	want(NUMBERS(36));
	assert_int_equal(converse(), 1);
	CHECK_BANNED(NUMBERS(9, 36));
}

/* One digit more each time, so that it ends on every byte there is. */
static void no_command_is_longer_than_what_is_read(void **state)
{
	static const unsigned int firsts[] = {1, 10, 90, 950, 9900, 99900, 999950, 2147483400};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(firsts); i++) {
		for (unsigned int others = 0; others < 12; others++) {
			server_start(PID, NO_NUMBERS);
			irqbalance_open(&irqbalance, &roots);
			for (unsigned int other = 0; other < others; other++)
				irq_list_add(&server.list, other * 7);
			want_range(firsts[i], 150);
			assert_int_equal(converse(), 1);
			assert_int_equal(server.told, 1);
			assert_in_range(server.longest, 400, IRQBALANCE_MESSAGE_MAX);
		}
	}
}

static void a_list_that_others_have_filled_is_left_to_them(void **state)
{
	static const unsigned int counts[] = {140, IRQBALANCE_LIST_MAX};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(counts); i++) {
		struct irq_list before;

		server_start(PID, NO_NUMBERS);
		irqbalance_open(&irqbalance, &roots);
		for (unsigned int other = 0; other < counts[i]; other++)
			irq_list_add(&server.list, 300 + other);
		before = server.list;
		want(NUMBERS(36));
		assert_int_equal(converse(), 0);
		check_logged_once("has a list that is full already, and may undo");
		check_given_up();
		assert_true(irq_list_equal(&server.list, &before));
		assert_int_equal(truncate(LOG, 0), 0);
	}
}

/* More than this side can hold; they are short, and so would fit if the rest were left out. */
static void a_list_of_others_that_is_not_known_in_full_is_not_replaced(void **state)
{
	static char text[IRQBALANCE_ANSWER_MAX] = "SLEEP 10 ";

	(void)state;
	server_start(PID, NO_NUMBERS);
	for (unsigned int other = 0; other <= IRQBALANCE_LIST_MAX; other++)
		text_add(text, sizeof(text), "IRQ %u LOAD 0 DIFF 0 CLASS 0 ", other);
	text_add(text, sizeof(text), "BANNED 00000000");
	server.answer = text;
	want(NUMBERS(500));
	assert_int_equal(converse(), 0);
	assert_int_equal(server.told, 0);
	check_logged_once("has a list that is full already");
}

/* --- what the next agent knows --- */

static void the_next_agent_takes_out_what_this_one_has_put_in(void **state)
{
	(void)state;
	server_start(PID, NUMBERS(9, 38));
	want(NUMBERS(36, 38));
	converse();
	reopen();
	assert_int_equal(irqbalance.pid, PID);
	CHECK_OURS(NUMBERS(36));
	want(NO_NUMBERS);
	assert_int_equal(converse(), 1);
	CHECK_BANNED(NUMBERS(9, 38));
	assert_null(irqbalance_write(&irqbalance));
}

static void the_next_agent_goes_on_with_what_is_ours(void **state)
{
	(void)state;
	server_start(PID, NUMBERS(9));
	want(NUMBERS(36, 38));
	converse();
	reopen();
	want(NUMBERS(38, 40));
	assert_int_equal(converse(), 1);
	CHECK_BANNED(NUMBERS(9, 38, 40));
	CHECK_OURS(NUMBERS(38, 40));
}

static void the_next_agent_does_not_hold_it_against_another_one(void **state)
{
	(void)state;
	server_start(PID, NO_NUMBERS);
	want(NUMBERS(36));
	converse();
	end_process(PID);
	reopen();
	server_start(OTHER_PID, NUMBERS(36));
	want(NO_NUMBERS);
	assert_int_equal(converse(), 0);
	assert_int_equal(server.asked, 0);
	CHECK_BANNED(NUMBERS(36));
	assert_int_equal(irqbalance.pid, OTHER_PID);
	CHECK_OURS(NO_NUMBERS);
}

static void what_is_written_is_read_again(void **state)
{
	struct irq_list before;
	json_t *json;
	char *text;

	(void)state;
	assert_null(irqbalance_write(&irqbalance));
	server_start(PID, NO_NUMBERS);
	want(NUMBERS(38, 0, INT_MAX));
	converse();
	before = irqbalance.ours;
	json = irqbalance_write(&irqbalance);
	text = json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS);
	assert_string_equal(text, "{\"irqs\":[38,0,2147483647],\"pid\":4711}");
	free(text);
	json_decref(json);
	reopen();
	assert_true(irq_list_equal(&irqbalance.ours, &before));
	assert_true(irqbalance.listens);
}

static void what_was_not_written_by_an_agent_is_not_read(void **state)
{
	static const char *const texts[] = {
	    "[]",
	    "{}",
	    "{\"pid\":1}",
	    "{\"irqs\":[]}",
	    "{\"pid\":\"1\",\"irqs\":[1]}",
	    "{\"pid\":1.5,\"irqs\":[1]}",
	    "{\"pid\":null,\"irqs\":[1]}",
	    "{\"pid\":[1],\"irqs\":[1]}",
	};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(texts); i++) {
		json_t *json = json_loads(texts[i], 0, NULL);

		assert_non_null(json);
		if (irqbalance_read(&irqbalance, json))
			fail_msg("it is read: %s", texts[i]);
		json_decref(json);
		assert_int_equal(irqbalance.pid, 0);
		CHECK_OURS(NO_NUMBERS);
	}
}

/* Whatever it says, of one that does not run nothing is believed. */
static void what_is_read_of_none_that_runs_is_forgotten(void **state)
{
	static const char *const pids[] = {"0", "-1", "-2147483648", "2147483647", "1"};

	(void)state;
	server_start(PID, NUMBERS(36));
	for (size_t i = 0; i < LENGTH_OF(pids); i++) {
		char text[64];
		json_t *json;

		snprintf(text, sizeof(text), "{\"pid\":%s,\"irqs\":[36]}", pids[i]);
		json = json_loads(text, 0, NULL);
		irqbalance_open(&irqbalance, &roots);
		(void)irqbalance_read(&irqbalance, json);
		json_decref(json);
		irqbalance_look(&irqbalance);
		converse();
		assert_int_equal(irqbalance.pid, PID);
		CHECK_OURS(NO_NUMBERS);
		CHECK_BANNED(NUMBERS(36));
	}
}

/* --- what is said of it --- */

static void what_is_said_of_it_tells_what_to_set(void **state)
{
	static const char files[] = " (/etc/default/irqbalance or /etc/sysconfig/irqbalance)";
	static const struct {
		int pid;
		bool listens;
		const char *isolated;
		const char *before;
		const char *text;
		bool files;
	} cases[] = {
	    {0, false, "2-3", "", "", false},
	    {0, false, NULL, "first", "first", false},
	    {PID, true, NULL, "", "irqbalance runs, and is told to leave what is moved alone",
	     false},
	    {PID, true, NULL, "first",
	     "first; irqbalance runs, and is told to leave what is moved alone", false},
	    {PID, true, "2-3,5", "",
	     "irqbalance runs, and is told to leave what is moved alone; set "
	     "IRQBALANCE_BANNED_CPULIST=2-3,5, so that it keeps off these CPUs",
	     true},
	    {PID, false, NULL, "",
	     "irqbalance runs, and may undo what is moved: set --banirq=N for each of these in "
	     "IRQBALANCE_ARGS",
	     true},
	    {PID, false, "2", "first",
	     "first; irqbalance runs, and may undo what is moved: set --banirq=N for each of these "
	     "in IRQBALANCE_ARGS; set IRQBALANCE_BANNED_CPULIST=2, so that it keeps off these CPUs",
	     true},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		char text[ERROR_TEXT_SIZE];
		struct error note = {0};
		struct id_set isolated;

		irqbalance.pid = cases[i].pid;
		irqbalance.listens = cases[i].listens;
		strcpy(note.text, cases[i].before);
		if (cases[i].isolated != NULL)
			assert_int_equal(id_set_read(&isolated, cases[i].isolated), 0);
		irqbalance_note(&irqbalance, cases[i].isolated != NULL ? &isolated : NULL, &note);
		snprintf(text, sizeof(text), "%s%s", cases[i].text, cases[i].files ? files : "");
		assert_string_equal(note.text, text);
	}
}

static void what_is_said_of_it_is_cut_where_the_note_is_full(void **state)
{
	struct error note;
	struct id_set isolated;

	(void)state;
	irqbalance.pid = PID;
	assert_int_equal(id_set_read(&isolated, "2-3"), 0);
	for (size_t used = ERROR_TEXT_SIZE - 300; used < ERROR_TEXT_SIZE; used++) {
		memset(note.text, 'x', used);
		note.text[used] = '\0';
		irqbalance_note(&irqbalance, &isolated, &note);
		assert_true(memchr(note.text, '\0', sizeof(note.text)) != NULL);
	}
}

/* --- the list itself --- */

static void a_list_has_each_number_once_and_knows_when_it_is_full(void **state)
{
	struct irq_list list = {0};
	struct irq_list other = {0};

	(void)state;
	for (unsigned int i = 0; i < IRQBALANCE_LIST_MAX; i++) {
		irq_list_add(&list, i);
		irq_list_add(&other, IRQBALANCE_LIST_MAX - 1 - i);
	}
	assert_int_equal(list.count, IRQBALANCE_LIST_MAX);
	assert_true(irq_list_equal(&list, &other));
	irq_list_add(&list, 7);
	assert_false(list.overflown);
	irq_list_add(&list, IRQBALANCE_LIST_MAX);
	assert_true(list.overflown);
	assert_int_equal(list.count, IRQBALANCE_LIST_MAX);
	other.at[0] = 1000;
	assert_false(irq_list_equal(&list, &other));
	assert_false(irq_list_equal(&other, &list));
	other.count--;
	assert_false(irq_list_equal(&list, &other));
}

/* Killed between the file and the command: what is written down was never told. */
static void the_next_agent_tells_what_was_only_written_down(void **state)
{
	(void)state;
	server_start(PID, NO_NUMBERS);
	want(NUMBERS(36));
	irqbalance_turn(&irqbalance);
	serve();
	irqbalance_turn(&irqbalance);
	assert_int_equal(irqbalance.phase, IRQBALANCE_READY);
	reopen();
	want(NUMBERS(36));
	assert_int_equal(converse(), 1);
	CHECK_BANNED(NUMBERS(36));
	CHECK_OURS(NUMBERS(36));
}

/* Killed between the file and the command: what was to be taken out is still ours. */
static void the_next_agent_takes_out_what_was_about_to_be_taken_out(void **state)
{
	(void)state;
	server_start(PID, NO_NUMBERS);
	want(NUMBERS(36, 38));
	converse();
	want(NUMBERS(36));
	irqbalance_turn(&irqbalance);
	serve();
	irqbalance_turn(&irqbalance);
	assert_int_equal(irqbalance.phase, IRQBALANCE_READY);
	reopen();
	want(NUMBERS(36));
	converse();
	CHECK_BANNED(NUMBERS(36));
	CHECK_OURS(NUMBERS(36));
}

static void what_was_told_and_no_longer_fits_is_logged(void **state)
{
	unsigned int fit;

	(void)state;
	server_start(PID, NO_NUMBERS);
	want_range(100, 150);
	converse();
	fit = (unsigned int)irqbalance.ours.count;
	server_start(OTHER_PID, NO_NUMBERS);
	end_process(PID);
	assert_int_equal(truncate(LOG, 0), 0);
	irqbalance_open(&irqbalance, &roots);
	want(NUMBERS(500));
	converse();
	want_range(100, fit);
	irq_list_add(&irqbalance.wanted, 500);
	converse();
	assert_int_equal(server.list.count, fit);
	check_logged_once("irqbalance takes no list of all that is moved");
}

static void numbers_that_are_none_are_not_read(void **state)
{
	static const char *const texts[] = {
	    "{\"pid\":4711,\"irqs\":7}",
	    "{\"pid\":4711,\"irqs\":{}}",
	    "{\"pid\":4711,\"irqs\":[-1]}",
	    "{\"pid\":4711,\"irqs\":[\"36\"]}",
	    "{\"pid\":4711,\"irqs\":[null]}",
	    "{\"pid\":4711,\"irqs\":[1.5]}",
	    "{\"pid\":4711,\"irqs\":[4294967332]}",
	    "{\"pid\":-1,\"irqs\":[1]}",
	    "{\"pid\":0,\"irqs\":[1]}",
	};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(texts); i++) {
		json_t *json = json_loads(texts[i], 0, NULL);

		assert_non_null(json);
		if (irqbalance_read(&irqbalance, json))
			fail_msg("it is read: %s", texts[i]);
		json_decref(json);
		CHECK_OURS(NO_NUMBERS);
	}
}

/* Its sockets are closed by the kernel, or by itself, before it is gone. */
static void one_that_is_about_to_end_while_it_is_asked_is_no_news(void **state)
{
	(void)state;
	server_start(PID, NO_NUMBERS);
	want(NUMBERS(36));
	irqbalance_turn(&irqbalance);
	server_end();
	for (int i = 0; i < 3; i++)
		irqbalance_turn(&irqbalance);
	end_process(PID);
	assert_int_equal(converse(), 0);
	assert_string_equal(logged(), "");
}

static void of_three_digits_as_many_are_told_as_there_is_room_for(void **state)
{
	(void)state;
	server_start(PID, NO_NUMBERS);
	want_range(100, 150);
	converse();
	assert_int_equal(server.list.count, (IRQBALANCE_MESSAGE_MAX - sizeof(BAN)) / 4);
}

static void an_order_that_is_another_is_told_where_not_all_fit(void **state)
{
	(void)state;
	server_start(PID, NO_NUMBERS);
	want_range(100, 150);
	converse();
	want(NUMBERS(249));
	for (unsigned int i = 100; i < 249; i++)
		irq_list_add(&irqbalance.wanted, i);
	assert_int_equal(converse(), 1);
	assert_int_equal(server.list.at[0], 249);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(where_nobody_runs_there_is_nothing_to_do),
	    TEST(a_socket_that_was_left_is_no_irqbalance),
	    TEST(one_that_runs_is_found_among_what_others_have_left),
	    TEST(one_that_nobody_trusts_is_not_one),
	    TEST(one_that_does_not_ignore_sigpipe_is_not_spoken_to),
	    TEST(a_process_without_the_line_is_taken_to_be_ended_by_sigpipe),
	    TEST(what_is_wanted_is_banned),
	    TEST(what_others_ban_stays),
	    TEST(what_others_have_banned_meanwhile_stays),
	    TEST(where_nothing_is_left_it_is_told_none),
	    TEST(what_others_ban_too_is_not_ours),
	    TEST(a_list_that_is_as_wanted_already_is_not_told),
	    TEST(what_others_have_taken_out_is_put_in_again),
	    TEST(what_is_ours_is_known_a_turn_before_it_is_told),
	    TEST(what_is_wanted_meanwhile_is_told_next),
	    TEST(another_one_is_told_anew),
	    TEST(one_that_is_another_before_it_is_told_is_asked),
	    TEST(one_that_ends_while_it_is_asked_is_no_news),
	    TEST(one_that_ends_while_it_is_told_is_no_news),
	    TEST(one_that_takes_no_connection_is_tried_again),
	    TEST(one_that_answers_anything_else_is_given_up),
	    TEST(an_answer_of_any_length_is_read_to_its_end),
	    TEST(an_answer_may_come_in_parts),
	    TEST(one_that_does_not_answer_is_given_up),
	    TEST(one_that_does_not_take_its_list_is_given_up),
	    TEST(of_a_list_that_is_too_long_the_first_are_told),
	    TEST(a_list_of_more_than_there_is_room_for_is_told_in_part),
	    TEST(no_command_is_longer_than_what_is_read),
	    TEST(a_list_that_others_have_filled_is_left_to_them),
	    TEST(a_list_of_others_that_is_not_known_in_full_is_not_replaced),
	    TEST(the_next_agent_takes_out_what_this_one_has_put_in),
	    TEST(the_next_agent_goes_on_with_what_is_ours),
	    TEST(the_next_agent_does_not_hold_it_against_another_one),
	    TEST(what_is_written_is_read_again),
	    TEST(what_was_not_written_by_an_agent_is_not_read),
	    TEST(what_is_read_of_none_that_runs_is_forgotten),
	    TEST(what_is_said_of_it_tells_what_to_set),
	    TEST(what_is_said_of_it_is_cut_where_the_note_is_full),
	    TEST(a_list_has_each_number_once_and_knows_when_it_is_full),
	    TEST(the_next_agent_tells_what_was_only_written_down),
	    TEST(the_next_agent_takes_out_what_was_about_to_be_taken_out),
	    TEST(what_was_told_and_no_longer_fits_is_logged),
	    TEST(numbers_that_are_none_are_not_read),
	    TEST(one_that_is_about_to_end_while_it_is_asked_is_no_news),
	    TEST(of_three_digits_as_many_are_told_as_there_is_room_for),
	    TEST(an_order_that_is_another_is_told_where_not_all_fit),
	};

	stderr_before = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
#if defined(__SANITIZE_ADDRESS__)
	__sanitizer_set_report_fd((void *)(intptr_t)stderr_before);
#endif
	return RUN_TESTS(tests);
}
