#include "agent.h"
#include "clock.h"
#include "tree.h"
#include "worker.h"

#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

enum { ANSWER_MS = 20000 };

static const struct roots roots = {.proc = "/proc",
				   .sys = "/sys",
				   .run = "run",
				   .state = "state",
				   .libvirt = "libvirt",
				   .policy = "policy"};
static struct workers workers;

/* As the agent has it: a worker ends when nobody else leads to it. */
static void leave(void *context)
{
	workers_close(context);
}

static int begin(void **state)
{
	workers = (struct workers){.roots = &roots, .bring = -1};
	return enter_directory(state);
}

/* Nobody is left: they end by themselves. */
static int end(void **state)
{
	workers_close(&workers);
	while (waitpid(-1, NULL, 0) > 0)
		;
	return leave_directory(state);
}

/* Hands over a connection of this process, over which was said what is no request. */
static pid_t give(bool quiet, int *other_end)
{
	int ends[2];
	pid_t pid;

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
	pid = workers_give(&workers, ends[0], "x", 1, quiet, leave, &workers);
	close(ends[0]);
	*other_end = ends[1];
	return pid;
}

static struct worker *worker_of(pid_t pid)
{
	for (size_t i = 0; i < workers.count; i++) {
		if (workers.at[i].pid == pid)
			return &workers.at[i];
	}
	fail_msg("%d is no worker", (int)pid);
	return NULL;
}

static enum worker_result hear(pid_t pid)
{
	struct worker *worker = worker_of(pid);
	struct pollfd wait = {.fd = worker->fd, .events = POLLIN};

	assert_int_equal(poll(&wait, 1, ANSWER_MS), 1);
	return worker_hear(worker);
}

/* What it was told, and that the connection is closed then. */
static void check_refused(int other_end)
{
	char answer[AGENT_REPLY_MAX];
	ssize_t length = recv(other_end, answer, sizeof(answer) - 1, 0);

	assert_true(length > 0);
	answer[length] = '\0';
	assert_int_equal(strncmp(answer, AGENT_REFUSED, strlen(AGENT_REFUSED)), 0);
	assert_non_null(strstr(answer, "a message of 1 bytes"));
	assert_int_equal(recv(other_end, answer, sizeof(answer), 0), 0);
	close(other_end);
}

static void serve(pid_t *pid)
{
	int other_end;

	*pid = give(true, &other_end);
	assert_true(*pid > 0);
	assert_int_equal(hear(*pid), WORKER_REFUSED_QUIETLY);
	check_refused(other_end);
}

static void one_answers_one_request_after_the_other(void **state)
{
	pid_t first;
	pid_t second;

	(void)state;
	serve(&first);
	serve(&second);
	assert_int_equal(first, second);
	assert_int_equal(workers.count, 1);
}

static void while_one_is_busy_there_is_another(void **state)
{
	int ends[2];
	pid_t first = give(true, &ends[0]);
	pid_t second = give(true, &ends[1]);

	(void)state;
	assert_int_not_equal(first, second);
	assert_int_equal(workers.count, 2);
	/* Each answers its own. */
	check_refused(ends[1]);
	check_refused(ends[0]);
	assert_int_equal(hear(first), WORKER_REFUSED_QUIETLY);
	assert_int_equal(hear(second), WORKER_REFUSED_QUIETLY);
}

static void they_are_no_more_than_there_may_be(void **state)
{
	int ends[SERVER_WORKERS_MAX + 1];

	(void)state;
	for (size_t i = 0; i < SERVER_WORKERS_MAX; i++)
		assert_true(give(true, &ends[i]) > 0);
	assert_int_equal(give(true, &ends[SERVER_WORKERS_MAX]), -EAGAIN);
	for (size_t i = 0; i < LENGTH_OF(ends); i++)
		close(ends[i]);
}

static void one_with_nothing_to_do_ends(void **state)
{
	long long now;
	int status;
	pid_t pid;

	(void)state;
	serve(&pid);
	now = clock_milliseconds();
	assert_in_range(workers_rest(&workers, now), now, now + WORKER_IDLE_MS);
	assert_int_equal(workers.count, 1);
	assert_int_equal(workers_rest(&workers, now + WORKER_IDLE_MS + 1), -1);
	assert_int_equal(workers.count, 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void one_that_is_busy_does_not(void **state)
{
	int other_end;
	pid_t pid = give(true, &other_end);

	(void)state;
	assert_int_equal(workers_rest(&workers, clock_milliseconds() + 10LL * SERVER_WORKER_MS),
			 -1);
	assert_int_equal(workers.count, 1);
	assert_int_equal(hear(pid), WORKER_REFUSED_QUIETLY);
	check_refused(other_end);
}

static void one_that_has_done_enough_ends(void **state)
{
	pid_t pid = 0;

	(void)state;
	for (unsigned int i = 0; i < WORKER_REQUESTS_MAX; i++) {
		assert_int_equal(workers_rest(&workers, 1) > 0, i > 0);
		serve(&pid);
	}
	assert_int_equal(workers_rest(&workers, 1), -1);
	assert_int_equal(workers.count, 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* The request of one that is killed when it has none yet goes to another. */
static void one_that_has_ended_is_followed_by_another(void **state)
{
	pid_t first;
	pid_t second;

	(void)state;
	serve(&first);
	assert_int_equal(kill(first, SIGKILL), 0);
	assert_int_equal(waitpid(first, NULL, 0), first);
	serve(&second);
	assert_int_not_equal(first, second);
	assert_int_equal(workers.count, 1);
	workers_ended(&workers, first); /* which is told later */
	assert_int_equal(workers.count, 1);
	workers_ended(&workers, second);
	assert_int_equal(workers.count, 0);
}

static void one_that_ends_at_its_request_has_no_result(void **state)
{
	int other_end;
	pid_t pid = give(true, &other_end);

	(void)state;
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	/* Unless it was through with it. */
	if (worker_hear(worker_of(pid)) == WORKER_UNKNOWN)
		assert_true(worker_of(pid)->busy);
	close(other_end);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
	    TEST(one_answers_one_request_after_the_other),
	    TEST(while_one_is_busy_there_is_another),
	    TEST(they_are_no_more_than_there_may_be),
	    TEST(one_with_nothing_to_do_ends),
	    TEST(one_that_is_busy_does_not),
	    TEST(one_that_has_done_enough_ends),
	    TEST(one_that_has_ended_is_followed_by_another),
	    TEST(one_that_ends_at_its_request_has_no_result),
	};

	return RUN_TESTS(tests);
}
