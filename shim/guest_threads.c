#include "guest_threads.h"
#include "number.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

enum { PASSES_MAX = 10 };

/* "CPU 3/KVM", "CPU 3/TCG"; one thread for all under -accel tcg,thread=single is "ALL CPUs/TCG". */
static int vcpu_of(const char *name)
{
	static const char prefix[] = "CPU ";
	unsigned int number;
	size_t digits;

	if (strncmp(name, prefix, strlen(prefix)) != 0)
		return -1;
	digits = number_read(name + strlen(prefix), INT_MAX, &number);
	return digits > 0 && name[strlen(prefix) + digits] == '/' ? (int)number : -1;
}

/* Takes one thread in, unless it has ended. */
static int thread_add(void *context, pid_t id, int directory)
{
	struct guest_threads *threads = context;
	struct guest_thread thread = {.id = id};

	if (process_stat_read(directory, &thread.stat) < 0 ||
	    sched_getaffinity(id, sizeof(thread.cpus.word), (cpu_set_t *)thread.cpus.word) < 0)
		return 0;
	thread.vcpu = vcpu_of(thread.stat.name);
	if (threads->count == threads->room) {
		size_t room = threads->room == 0 ? 16 : 2 * threads->room;
		struct guest_thread *at = realloc(threads->at, room * sizeof(*at));

		if (at == NULL)
			return -ENOMEM;
		threads->at = at;
		threads->room = room;
	}
	threads->at[threads->count++] = thread;
	return 0;
}

int guest_threads_read(struct guest_threads *threads, int directory)
{
	int result;

	*threads = (struct guest_threads){0};
	result = process_each(directory, "task", thread_add, threads);
	if (result < 0)
		return result == -ENOENT ? -ESRCH : result;
	return threads->count > 0 ? 0 : -ESRCH;
}

/* Returns 1 where it was changed, 0 where there was nothing to do, or -errno. */
static int thread_place(const struct guest_thread *thread, const struct rule *rule,
			const struct id_set *cpus, struct error *error)
{
	struct priority before;
	char text[ID_SET_TEXT_SIZE];
	int changed = 0;
	int result;

	if (!priority_is(&thread->stat.priority, rule)) {
		result = priority_apply(rule, thread->id, &before, error);
		if (result < 0)
			return result == -ESRCH ? 0 : result;
		changed = 1;
	}
	if (cpus == NULL || id_set_holds(cpus, &thread->cpus))
		return changed;
	if (sched_setaffinity(thread->id, sizeof(cpus->word), (const cpu_set_t *)cpus->word) == 0)
		return 1;
	if (errno == ESRCH)
		return changed;
	return error_set(error, -errno, "the affinity of thread %d to CPUs %s is refused: %s",
			 thread->id, id_set_format(cpus, text, sizeof(text)), strerror(errno));
}

int guest_threads_place(int directory, const struct rule *rule, const struct id_set *cpus,
			struct error *error)
{
	int changed = 1;
	int failed = 0;

	/* A thread may start another before it is placed itself. */
	for (int i = 0; i < PASSES_MAX && changed > 0; i++) {
		struct guest_threads threads;
		int result = guest_threads_read(&threads, directory);

		changed = 0;
		failed = 0;
		if (result < 0)
			failed = error_set(error, result, "its threads cannot be read: %s",
					   strerror(-result));
		/* One that refuses, as those of io_uring in older kernels (PF_NO_SETAFFINITY), is
		 * no reason to leave the others where they are. */
		for (size_t j = 0; j < threads.count && result >= 0; j++) {
			int placed =
			    thread_place(&threads.at[j], rule, cpus, failed == 0 ? error : NULL);

			changed += placed > 0;
			failed = failed == 0 && placed < 0 ? placed : failed;
		}
		guest_threads_free(&threads);
	}
	if (failed < 0 || changed == 0)
		return failed;
	return error_set(error, -EAGAIN,
			 "some of its threads do not stay where they are put: is something else "
			 "setting their affinity?");
}

int guest_threads_widen(int directory, const struct id_set *cpus, bool all)
{
	struct guest_threads threads;
	struct id_set had = {0};
	int result = guest_threads_read(&threads, directory);

	for (size_t i = 0; i < threads.count; i++)
		id_set_join(&had, &threads.at[i].cpus);
	for (size_t i = 0; i < threads.count && result == 0; i++) {
		const struct id_set *has = &threads.at[i].cpus;

		if (!id_set_equal(has, cpus) && (all || id_set_equal(has, &had)))
			(void)sched_setaffinity(threads.at[i].id, sizeof(cpus->word),
						(const cpu_set_t *)cpus->word);
	}
	guest_threads_free(&threads);
	return result;
}

void guest_threads_free(struct guest_threads *threads)
{
	free(threads->at);
	*threads = (struct guest_threads){0};
}
