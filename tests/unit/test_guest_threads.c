/* The threads of a guest, made up and real: guest_threads.c. */
#include "guest_threads.h"
#include "proc_world.h"
#include "sets.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>

static struct guest_threads threads;
static struct error error;

static const struct rule nothing;

/* --- reading --- */

static void virtual_cpus_are_known_by_their_names(void **state)
{
	static const struct {
		const char *name;
		int vcpu;
	} cases[] = {
	    {"CPU 0/KVM", 0},
	    {"CPU 3/TCG", 3},
	    {"CPU 12/HVF", 12},
	    {"CPU 1023/KVM", 1023},
	    {"CPU 1/", 1},
	    {"ALL CPUs/TCG", -1},
	    {"qemu-kvm", -1},
	    {"CPU", -1},
	    {"CPU ", -1},
	    {"CPU /KVM", -1},
	    {"CPU x/KVM", -1},
	    {"CPU 01/KVM", -1},
	    {"CPU -1/KVM", -1},
	    {"CPU 1", -1},
	    {"CPU 1KVM", -1},
	    {"xCPU 1/KVM", -1},
	    {"cpu 1/KVM", -1},
	    {"CPU  1/KVM", -1},
	    {"CPU 1 /KVM", -1},
	    {"IO iothread1", -1},
	    {"CPU 99999999999/", -1},
	    {"", -1},
	    {") CPU 1/KVM", -1},
	    {"CPU 1/(K)\n", 1},
	};
	pid_t pid = start_idle();

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		int fd;

		make_thread(pid, pid, &(struct made_stat){.name = cases[i].name, .started = "1"});
		fd = process_directory(pid);
		assert_int_equal(guest_threads_read(&threads, fd), 0);
		close(fd);
		assert_int_equal(threads.count, 1);
		assert_int_equal(threads.at[0].id, pid);
		assert_string_equal(threads.at[0].stat.name, cases[i].name);
		if (threads.at[0].vcpu != cases[i].vcpu)
			fail_msg("'%s': %d", cases[i].name, threads.at[0].vcpu);
		guest_threads_free(&threads);
	}
	end_child(pid);
}

/* What is in "stat" of each, and the affinity that the kernel knows. */
static void all_is_read_of_each_thread(void **state)
{
	pid_t pid = start_idle();
	pid_t other = start_idle();
	struct id_set expected = {0};
	int fd;

	(void)state;
	make_thread(pid, pid, &(struct made_stat){"kvm", "1", 0, 4, 0, SCHED_OTHER});
	make_thread(pid, other, &(struct made_stat){"CPU 7/KVM", "2", -5, 8191, 3, SCHED_FIFO});
	make_file(process_path(pid, "task/x/stat"), "");
	make_file(process_path(pid, "task/07/stat"), "");
	fd = process_directory(pid);
	assert_int_equal(guest_threads_read(&threads, fd), 0);
	close(fd);
	assert_int_equal(sched_getaffinity(0, sizeof(expected.word), (cpu_set_t *)expected.word),
			 0);
	assert_int_equal(threads.count, 2);
	for (size_t i = 0; i < 2; i++) {
		const struct guest_thread *thread = &threads.at[i];
		bool is_other = thread->id == other;

		assert_true(is_other || thread->id == pid);
		assert_int_equal(thread->vcpu, is_other ? 7 : -1);
		assert_int_equal(thread->stat.processor, is_other ? 8191 : 4);
		assert_int_equal(thread->stat.priority.nice, is_other ? -5 : 0);
		assert_int_equal(thread->stat.priority.realtime, is_other ? 3 : 0);
		assert_int_equal(thread->stat.priority.scheduler,
				 is_other ? SCHED_FIFO : SCHED_OTHER);
		assert_true(id_set_equal(&thread->cpus, &expected));
	}
	guest_threads_free(&threads);
	end_child(pid);
	end_child(other);
}

/* Between a look at the list and one at a thread that may end; so may they all. */
static void threads_that_have_ended_are_left_out(void **state)
{
	pid_t pid = start_idle();
	pid_t ended = start_idle();
	int fd;

	(void)state;
	end_child(ended);
	make_thread(pid, pid, &(struct made_stat){.name = "kvm", .started = "1"});
	make_thread(pid, ended, &(struct made_stat){.name = "CPU 0/KVM", .started = "1"});
	make_directories(process_path(pid, "task/1/x")); /* without "stat" */
	make_file(process_path(pid, "task/2/stat"), "2 (half");
	make_file(process_path(pid, "task/3"), "");
	fd = process_directory(pid);
	assert_int_equal(guest_threads_read(&threads, fd), 0);
	assert_int_equal(threads.count, 1);
	assert_int_equal(threads.at[0].id, pid);
	guest_threads_free(&threads);
	assert_int_equal(unlink(process_path(pid, "task/3")), 0);
	assert_int_equal(remove_tree(process_path(pid, "task")), 0);
	assert_int_equal(guest_threads_read(&threads, fd), -ESRCH);
	guest_threads_free(&threads);
	make_directories(process_path(pid, "task/"));
	assert_int_equal(guest_threads_read(&threads, fd), -ESRCH);
	guest_threads_free(&threads);
	close(fd);
	end_child(pid);
}

/* --- a guest with threads --- */

enum { THREADS = 40 };

/* The CPUs that this process may use, and one of them. */
static struct id_set all;
static struct id_set one;

static void *wait_for_ever(void *context)
{
	while (context == NULL)
		pause();
	return context;
}

static void *start_more(void *context)
{
	int *control = context;
	pthread_t thread;
	char byte;

	/* One after the other, as fast as it goes, until told to stop. */
	while (recv(control[0], &byte, 1, MSG_DONTWAIT) < 0) {
		if (pthread_create(&thread, NULL, wait_for_ever, NULL) != 0)
			break;
		usleep(100);
	}
	(void)send(control[1], "", 1, MSG_NOSIGNAL);
	return wait_for_ever(NULL);
}

/* A process with so many threads besides; it tells when they are there. */
static pid_t start_threads(size_t count, int control[2], bool more)
{
	int pairs[2][2];
	char byte;
	pid_t pid;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pairs[0]), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pairs[1]), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		int ends[2] = {pairs[0][1], pairs[1][1]};
		pthread_attr_t small;
		pthread_t thread;

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		pthread_attr_init(&small);
		pthread_attr_setstacksize(&small, 65536);
		for (size_t i = 0; i < count; i++) {
			if (pthread_create(&thread, &small, wait_for_ever, NULL) != 0)
				_exit(1);
		}
		(void)send(ends[1], "", 1, MSG_NOSIGNAL);
		if (more)
			start_more(ends);
		wait_for_ever(NULL);
	}
	control[0] = pairs[0][0];
	control[1] = pairs[1][0];
	close(pairs[0][1]);
	close(pairs[1][1]);
	assert_int_equal(recv(control[1], &byte, 1, 0), 1);
	return pid;
}

static void end_threads(pid_t pid, const int control[2])
{
	close(control[0]);
	close(control[1]);
	end_child(pid);
}

static int real_directory(pid_t pid)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

static int start(void **state)
{
	all = one = (struct id_set){0};
	error = (struct error){0};
	if (sched_getaffinity(0, sizeof(all.word), (cpu_set_t *)all.word) < 0)
		return -1;
	for (unsigned int id = 0; id_set_is_empty(&one); id++) {
		if (id_set_has(&all, id))
			id_set_add(&one, id);
	}
	return enter_directory(state);
}

/* Whether all threads that are there may run on these, and have that nice value. */
static void check_threads(int directory_of, size_t least, const struct id_set *cpus, int nice,
			  int scheduler)
{
	assert_int_equal(guest_threads_read(&threads, directory_of), 0);
	assert_true(threads.count >= least);
	for (size_t i = 0; i < threads.count; i++) {
		assert_true(id_set_equal(&threads.at[i].cpus, cpus));
		assert_int_equal(getpriority(PRIO_PROCESS, (id_t)threads.at[i].id), nice);
		assert_int_equal(sched_getscheduler(threads.at[i].id), scheduler);
	}
	guest_threads_free(&threads);
}

static int nice_now(void)
{
	return getpriority(PRIO_PROCESS, 0);
}

static void the_threads_of_a_real_process_are_read(void **state)
{
	int control[2];
	pid_t pid = start_threads(THREADS, control, false);
	int fd = real_directory(pid);

	(void)state;
	check_threads(fd, THREADS + 1, &all, nice_now(), sched_getscheduler(0));
	assert_int_equal(guest_threads_read(&threads, fd), 0);
	assert_int_equal(threads.count, THREADS + 1);
	assert_int_equal(threads.at[0].id, pid); /* as they were started */
	guest_threads_free(&threads);
	end_threads(pid, control);
	assert_int_equal(guest_threads_read(&threads, fd), -ESRCH);
	guest_threads_free(&threads);
	close(fd);
}

static void all_threads_are_placed(void **state)
{
	int nice = nice_now() < 19 ? nice_now() + 1 : 19;
	struct rule rule = {.nice_given = true, .nice = nice, .scheduler = SCHEDULER_BATCH};
	int control[2];
	pid_t pid = start_threads(THREADS, control, false);
	int fd = real_directory(pid);

	(void)state;
	assert_int_equal(guest_threads_place(fd, &rule, &one, &error), 0);
	check_threads(fd, THREADS + 1, &one, nice, SCHED_BATCH);
	/* Once more, where there is nothing to do. */
	assert_int_equal(guest_threads_place(fd, &rule, &one, &error), 0);
	check_threads(fd, THREADS + 1, &one, nice, SCHED_BATCH);
	assert_false(error_is_set(&error));
	end_threads(pid, control);
	close(fd);
}

/* A rule may be of the one or the other. */
static void what_is_not_asked_for_stays(void **state)
{
	int nice = nice_now() < 19 ? nice_now() + 1 : 19;
	struct rule rule = {.nice_given = true, .nice = nice};
	int control[2];
	pid_t pid = start_threads(3, control, false);
	int fd = real_directory(pid);

	(void)state;
	assert_int_equal(guest_threads_place(fd, &nothing, NULL, &error), 0);
	check_threads(fd, 4, &all, nice_now(), sched_getscheduler(0));
	assert_int_equal(guest_threads_place(fd, &rule, NULL, &error), 0);
	check_threads(fd, 4, &all, nice, sched_getscheduler(0));
	assert_int_equal(guest_threads_place(fd, &nothing, &one, &error), 0);
	check_threads(fd, 4, &one, nice, sched_getscheduler(0));
	end_threads(pid, control);
	close(fd);
}

/* What libvirt has pinned within the rule's CPUs, it has pinned. */
static void threads_that_are_inside_stay_as_they_are(void **state)
{
	int control[2];
	pid_t pid = start_threads(5, control, false);
	int fd = real_directory(pid);
	size_t narrow = 0;

	(void)state;
	assert_int_equal(guest_threads_read(&threads, fd), 0);
	for (size_t i = 0; i < threads.count; i += 2)
		assert_int_equal(sched_setaffinity(threads.at[i].id, sizeof(one.word),
						   (const cpu_set_t *)one.word),
				 0);
	guest_threads_free(&threads);
	assert_int_equal(guest_threads_place(fd, &nothing, &all, &error), 0);
	assert_int_equal(guest_threads_read(&threads, fd), 0);
	for (size_t i = 0; i < threads.count; i++)
		narrow += id_set_equal(&threads.at[i].cpus, &one);
	guest_threads_free(&threads);
	assert_int_equal(narrow, id_set_count(&all) > 1 ? 3 : 6);
	end_threads(pid, control);
	close(fd);
}

/* A rule that has become wider: who is narrower than the others has been pinned. */
static void threads_are_widened(void **state)
{
	int control[2];
	pid_t pid = start_threads(3, control, false);
	int fd = real_directory(pid);

	(void)state;
	assert_int_equal(guest_threads_place(fd, &nothing, &one, &error), 0);
	check_threads(fd, 4, &one, nice_now(), sched_getscheduler(0));
	assert_int_equal(guest_threads_widen(fd, &all, false), 0);
	check_threads(fd, 4, &all, nice_now(), sched_getscheduler(0));
	assert_int_equal(sched_setaffinity(pid, sizeof(one.word), (const cpu_set_t *)one.word), 0);
	assert_int_equal(guest_threads_widen(fd, &all, false), 0);
	assert_int_equal(guest_threads_read(&threads, fd), 0);
	assert_true(id_set_equal(&threads.at[0].cpus, &one));
	guest_threads_free(&threads);
	assert_int_equal(guest_threads_widen(fd, &all, true), 0);
	check_threads(fd, 4, &all, nice_now(), sched_getscheduler(0));
	end_threads(pid, control);
	assert_int_equal(guest_threads_widen(fd, &all, true), -ESRCH);
	close(fd);
}

/* Some are started by threads that are not placed yet, and have what those had. */
static void threads_that_are_started_meanwhile_are_placed_too(void **state)
{
	struct rule rule = {.scheduler = SCHEDULER_BATCH};
	int control[2];
	pid_t pid = start_threads(THREADS, control, true);
	int fd = real_directory(pid);
	char byte;

	(void)state;
	assert_int_equal(guest_threads_place(fd, &rule, &one, &error), 0);
	assert_int_equal(send(control[0], "", 1, MSG_NOSIGNAL), 1);
	assert_int_equal(recv(control[1], &byte, 1, 0), 1);
	check_threads(fd, THREADS + 1, &one, nice_now(), SCHED_BATCH);
	end_threads(pid, control);
	close(fd);
}

static void what_the_kernel_refuses_is_told(void **state)
{
	struct id_set nowhere = set_of("8191");
	int control[2];
	pid_t pid = start_threads(1, control, false);
	int fd = real_directory(pid);
	char expected[256];

	(void)state;
	snprintf(expected, sizeof(expected),
		 "the affinity of thread %d to CPUs 8191 is refused: Invalid argument", (int)pid);
	assert_int_equal(guest_threads_place(fd, &nothing, &nowhere, &error), -EINVAL);
	assert_string_equal(error.text, expected);
	check_threads(fd, 2, &all, nice_now(), sched_getscheduler(0));
	end_threads(pid, control);
	error = (struct error){0};
	assert_int_equal(guest_threads_place(fd, &nothing, &one, &error), -ESRCH);
	assert_string_equal(error.text, "its threads cannot be read: No such process");
	close(fd);
}

/* A made-up thread shows the same again, whatever it is given: as if it was moved back. */
static void what_does_not_stay_is_told(void **state)
{
	int nice = nice_now() < 19 ? nice_now() + 1 : 19;
	struct rule rule = {.nice_given = true, .nice = nice};
	pid_t pid = start_idle();
	int fd;

	(void)state;
	make_thread(pid, pid, &(struct made_stat){.name = "kvm", .started = "1", .nice = -7});
	fd = process_directory(pid);
	assert_int_equal(guest_threads_place(fd, &rule, NULL, &error), -EAGAIN);
	assert_non_null(strstr(error.text, "do not stay where they are put"));
	close(fd);
	end_child(pid);
}

/* Only who may: another user's thread is not given a greater priority. */
static void a_priority_that_is_refused_is_told(void **state)
{
	struct rule rule = {.nice_given = true, .nice = -20};
	pid_t pid = start_idle();
	pid_t asker = fork();
	int status;

	(void)state;
	assert_true(asker >= 0);
	if (asker == 0) {
		const struct rlimit none = {0, 0};
		int fd = real_directory(pid);

		if (setrlimit(RLIMIT_NICE, &none) < 0 ||
		    (geteuid() == 0 && setresuid(65534, 65534, 65534) < 0))
			_exit(2);
		if (guest_threads_place(fd, &rule, &one, &error) != -EPERM)
			_exit(3);
		_exit(strstr(error.text, "nice= is refused") != NULL ? 0 : 4);
	}
	assert_int_equal(waitpid(asker, &status, 0), asker);
	assert_int_equal(status, 0);
	assert_int_equal(getpriority(PRIO_PROCESS, (id_t)pid), nice_now());
	end_child(pid);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, leave_directory)
	static const struct CMUnitTest tests[] = {
	    TEST(virtual_cpus_are_known_by_their_names),
	    TEST(all_is_read_of_each_thread),
	    TEST(threads_that_have_ended_are_left_out),
	    TEST(the_threads_of_a_real_process_are_read),
	    TEST(all_threads_are_placed),
	    TEST(what_is_not_asked_for_stays),
	    TEST(threads_that_are_inside_stay_as_they_are),
	    TEST(threads_are_widened),
	    TEST(threads_that_are_started_meanwhile_are_placed_too),
	    TEST(what_the_kernel_refuses_is_told),
	    TEST(what_does_not_stay_is_told),
	    TEST(a_priority_that_is_refused_is_told),
	};

	return RUN_TESTS(tests);
}
