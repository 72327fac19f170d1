#include "priority.h"
#include "unit.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NOBODY = 65534 };

static struct priority was; /* before the last priority_apply() */

static struct error error;

/* A child of the test's, which has what any process has to begin with. */
static int has_failed(const char *what)
{
	fprintf(stderr, "# %s: %s\n", what, error.text);
	return 1;
}

#define EXPECT(condition)                              \
	do {                                           \
		if (!(condition))                      \
			return has_failed(#condition); \
	} while (0)

static int policy_of(pid_t thread)
{
	return sched_getscheduler(thread);
}

static int nice_of(pid_t thread)
{
	return getpriority(PRIO_PROCESS, (id_t)thread);
}

/* As far as it goes, should the tests have been started nicely. */
static int nicer_by(int more)
{
	int nice = nice_of(0) + more;

	return nice < 19 ? nice : 19;
}

static int realtime_of(pid_t thread)
{
	struct sched_param parameters = {-1};

	(void)sched_getparam(thread, &parameters);
	return parameters.sched_priority;
}

/* Runs it in a process of its own, for a priority cannot always be taken back. */
static void run(int (*body)(void))
{
	pid_t child = fork();
	int status;

	assert_true(child >= 0);
	if (child == 0) {
		const struct sched_param none = {0};

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		error = (struct error){0};
		if (sched_setscheduler(0, SCHED_OTHER, &none) < 0)
			_exit(2);
		_exit(body());
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

/* From here on it may do no more than any user. */
static int lose_privileges(void)
{
	const struct rlimit none = {0, 0};

	if (setrlimit(RLIMIT_NICE, &none) < 0 || setrlimit(RLIMIT_RTPRIO, &none) < 0)
		return -1;
	return geteuid() == 0 ? setresuid(NOBODY, NOBODY, NOBODY) : 0;
}

static void only_nice_and_sched_are_about_it(void **state)
{
	const struct rule nothing = {.isolate = true, .cpus = "1"};
	const struct rule nice = {.nice_given = true};
	const struct rule other = {.scheduler = SCHEDULER_OTHER};

	(void)state;
	assert_false(priority_is_asked(&nothing));
	assert_true(priority_is_asked(&nice));
	assert_true(priority_is_asked(&other));
}

static int raise_nice(void)
{
	const struct rule rule = {.nice_given = true, .nice = nicer_by(3)};
	const struct rule most = {.nice_given = true, .nice = 19};
	struct priority priority;

	EXPECT(lose_privileges() == 0);
	EXPECT(priority_apply(&rule, 0, &was, &error) == 0);
	EXPECT(nice_of(0) == rule.nice);
	EXPECT(policy_of(0) == SCHED_OTHER);
	EXPECT(priority_read(0, &priority, &error) == 0);
	EXPECT(priority.nice == rule.nice);
	EXPECT(priority.scheduler == SCHED_OTHER);
	EXPECT(priority.realtime == 0);
	EXPECT(priority_apply(&most, 0, &was, &error) == 0);
	EXPECT(nice_of(0) == 19);
	EXPECT(!error_is_set(&error));
	return 0;
}

static void anybody_may_be_nicer(void **state)
{
	(void)state;
	run(raise_nice);
}

static int change_to_batch_and_back(void)
{
	const struct rule batch = {.scheduler = SCHEDULER_BATCH};
	const struct rule other = {.scheduler = SCHEDULER_OTHER};
	struct priority before;
	struct priority priority;
	int nice = nice_of(0);

	EXPECT(lose_privileges() == 0);
	EXPECT(priority_read(0, &before, &error) == 0);
	EXPECT(priority_apply(&batch, 0, &was, &error) == 0);
	EXPECT(policy_of(0) == SCHED_BATCH);
	EXPECT(nice_of(0) == nice);
	EXPECT(priority_read(0, &priority, &error) == 0);
	EXPECT(priority.scheduler == SCHED_BATCH);
	priority_undo(&batch, 0, &before);
	EXPECT(policy_of(0) == SCHED_OTHER);
	EXPECT(priority_apply(&batch, 0, &was, &error) == 0);
	EXPECT(priority_apply(&other, 0, &was, &error) == 0);
	EXPECT(policy_of(0) == SCHED_OTHER);
	EXPECT(!error_is_set(&error));
	return 0;
}

static void anybody_may_be_a_batch_job(void **state)
{
	(void)state;
	run(change_to_batch_and_back);
}

static int apply_both(void)
{
	const struct rule rule = {
	    .scheduler = SCHEDULER_BATCH, .nice_given = true, .nice = nicer_by(1)};

	EXPECT(lose_privileges() == 0);
	EXPECT(priority_apply(&rule, 0, &was, &error) == 0);
	EXPECT(policy_of(0) == SCHED_BATCH);
	EXPECT(nice_of(0) == rule.nice);
	return 0;
}

static void both_may_be_asked_for(void **state)
{
	(void)state;
	run(apply_both);
}

static int apply_nothing(void)
{
	const struct rule rule = {.nice = 5, .realtime = 7};
	const struct rule nice = {.nice_given = true, .nice = nice_of(0)};
	struct priority before;

	EXPECT(lose_privileges() == 0);
	EXPECT(priority_read(0, &before, &error) == 0);
	EXPECT(priority_apply(&rule, 0, &was, &error) == 0);
	EXPECT(nice_of(0) == before.nice);
	EXPECT(policy_of(0) == SCHED_OTHER);
	priority_undo(&rule, 0,
		      &(struct priority){.nice = before.nice + 1, .scheduler = SCHED_BATCH});
	EXPECT(nice_of(0) == before.nice);
	EXPECT(policy_of(0) == SCHED_OTHER);
	/* What it has already takes no privilege. */
	EXPECT(priority_apply(&nice, 0, &was, &error) == 0);
	EXPECT(!error_is_set(&error));
	return 0;
}

static void what_is_not_asked_for_stays(void **state)
{
	(void)state;
	run(apply_nothing);
}

/* The agent is asked for what is refused so (plan.c). */
static int be_refused(void)
{
	static const struct rule rules[] = {
	    {.nice_given = true, .nice = -20},
	    {.scheduler = SCHEDULER_FIFO, .realtime = 1},
	    {.scheduler = SCHEDULER_RR, .realtime = 99},
	};
	static const char *const options[] = {"nice=", "sched=", "sched="};
	int nice = nice_of(0);

	EXPECT(lose_privileges() == 0);
	for (size_t i = 0; i < LENGTH_OF(rules); i++) {
		error = (struct error){0};
		EXPECT(priority_apply(&rules[i], 0, &was, &error) == -EPERM);
		EXPECT(strncmp(error.text, options[i], strlen(options[i])) == 0);
		EXPECT(strstr(error.text, "is refused: it takes CAP_SYS_NICE") != NULL);
		EXPECT(nice_of(0) == nice);
		EXPECT(policy_of(0) == SCHED_OTHER);
	}
	return 0;
}

static void what_takes_privileges_is_refused_without(void **state)
{
	(void)state;
	run(be_refused);
}

/* It is not known to the one who may not, what of the two was refused. */
static int be_refused_one_of_two(void)
{
	const struct rule sched = {
	    .scheduler = SCHEDULER_FIFO, .realtime = 5, .nice_given = true, .nice = 19};
	const struct rule nice = {.scheduler = SCHEDULER_BATCH, .nice_given = true, .nice = -20};
	struct priority before;

	EXPECT(lose_privileges() == 0);
	EXPECT(priority_read(0, &before, &error) == 0);
	EXPECT(priority_apply(&sched, 0, &was, &error) == -EPERM);
	EXPECT(nice_of(0) == before.nice);
	EXPECT(priority_apply(&nice, 0, &was, &error) == -EPERM);
	EXPECT(nice_of(0) == before.nice);
	priority_undo(&nice, 0, &before);
	EXPECT(policy_of(0) == SCHED_OTHER);
	EXPECT(nice_of(0) == before.nice);
	return 0;
}

static void after_a_refusal_it_can_be_as_it_was(void **state)
{
	(void)state;
	run(be_refused_one_of_two);
}

/* A greater nice value is not taken back without privileges; with them all is. */
static int undo_nice(void)
{
	const struct rule rule = {
	    .scheduler = SCHEDULER_BATCH, .nice_given = true, .nice = nicer_by(2)};
	struct priority before;

	EXPECT(priority_read(0, &before, &error) == 0);
	EXPECT(lose_privileges() == 0);
	EXPECT(priority_apply(&rule, 0, &was, &error) == 0);
	priority_undo(&rule, 0, &before);
	EXPECT(policy_of(0) == SCHED_OTHER);
	EXPECT(nice_of(0) == rule.nice);
	return 0;
}

static void what_cannot_be_taken_back_stays_silently(void **state)
{
	(void)state;
	run(undo_nice);
}

/*
 * With privileges, if this process has them: all of it is had and can be taken back; else
 * nothing is changed.
 */
static int be_privileged(void)
{
	static const struct rule rules[] = {
	    {.scheduler = SCHEDULER_FIFO, .realtime = 1},
	    {.scheduler = SCHEDULER_RR, .realtime = 99},
	    {.scheduler = SCHEDULER_OTHER, .nice_given = true, .nice = -20},
	    {.scheduler = SCHEDULER_BATCH, .nice_given = true, .nice = -1},
	};
	static const int policies[] = {SCHED_FIFO, SCHED_RR, SCHED_OTHER, SCHED_BATCH};
	struct priority before;

	EXPECT(priority_read(0, &before, &error) == 0);
	for (size_t i = 0; i < LENGTH_OF(rules); i++) {
		int result = priority_apply(&rules[i], 0, &was, &error);

		EXPECT(result == 0 || result == -EPERM);
		EXPECT(error_is_set(&error) == (result < 0));
		if (result == 0) {
			EXPECT(policy_of(0) == policies[i]);
			EXPECT(realtime_of(0) == (int)rules[i].realtime);
			EXPECT(nice_of(0) == (rules[i].nice_given ? rules[i].nice : before.nice));
		}
		priority_undo(&rules[i], 0, &before);
		EXPECT(policy_of(0) == SCHED_OTHER);
		EXPECT(realtime_of(0) == 0);
		EXPECT(nice_of(0) == before.nice);
		error = (struct error){0};
	}
	return 0;
}

static void with_privileges_all_is_had_and_taken_back(void **state)
{
	(void)state;
	run(be_privileged);
}

/* The agent gives it to another process. */
static int change_another(void)
{
	const struct rule rule = {
	    .scheduler = SCHEDULER_BATCH, .nice_given = true, .nice = nicer_by(2)};
	int nice = nice_of(0);
	pid_t other;

	EXPECT(lose_privileges() == 0);
	other = fork();
	EXPECT(other >= 0);
	if (other == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	EXPECT(priority_apply(&rule, other, &was, &error) == 0);
	EXPECT(policy_of(other) == SCHED_BATCH);
	EXPECT(nice_of(other) == rule.nice);
	EXPECT(policy_of(0) == SCHED_OTHER);
	EXPECT(nice_of(0) == nice);
	EXPECT(kill(other, SIGKILL) == 0 && waitpid(other, NULL, 0) == other);
	/* It has ended, and so there is none of that number. */
	EXPECT(priority_apply(&rule, other, &was, &error) == -ESRCH);
	EXPECT(strcmp(error.text, "the priority cannot be read: No such process") == 0);
	return 0;
}

static void another_process_can_be_given_it(void **state)
{
	(void)state;
	run(change_another);
}

/* sched(7): what is started from then on has the same, and so have a guest's threads. */
static int inherit(void)
{
	const struct rule rule = {
	    .scheduler = SCHEDULER_BATCH, .nice_given = true, .nice = nicer_by(2)};
	int status;
	pid_t other;

	EXPECT(lose_privileges() == 0);
	EXPECT(priority_apply(&rule, 0, &was, &error) == 0);
	other = fork();
	EXPECT(other >= 0);
	if (other == 0)
		_exit(policy_of(0) == SCHED_BATCH && nice_of(0) == rule.nice ? 0 : 1);
	EXPECT(waitpid(other, &status, 0) == other && status == 0);
	return 0;
}

static void what_it_starts_has_the_same(void **state)
{
	(void)state;
	run(inherit);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(only_nice_and_sched_are_about_it),
	    cmocka_unit_test(anybody_may_be_nicer),
	    cmocka_unit_test(anybody_may_be_a_batch_job),
	    cmocka_unit_test(both_may_be_asked_for),
	    cmocka_unit_test(what_is_not_asked_for_stays),
	    cmocka_unit_test(what_takes_privileges_is_refused_without),
	    cmocka_unit_test(after_a_refusal_it_can_be_as_it_was),
	    cmocka_unit_test(what_cannot_be_taken_back_stays_silently),
	    cmocka_unit_test(with_privileges_all_is_had_and_taken_back),
	    cmocka_unit_test(another_process_can_be_given_it),
	    cmocka_unit_test(what_it_starts_has_the_same),
	};

	return RUN_TESTS(tests);
}
