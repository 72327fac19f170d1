/* The threads of a running guest: where each may run, and runs. */
#ifndef SHIM_GUEST_THREADS_H
#define SHIM_GUEST_THREADS_H

#include "id_set.h"
#include "process.h"

#include <stdbool.h>
#include <stddef.h>

struct guest_thread {
	pid_t id;
	struct process_stat stat; /* stat.processor: the CPU that it ran on last */
	int vcpu;                 /* the number of the virtual CPU; -1: it is none */
	struct id_set cpus;       /* that it may run on */
};

struct guest_threads {
	struct guest_thread *at; /* in the order of /proc: as they were started */
	size_t count;
	size_t room;
};

/*
 * Reads the threads of the process whose directory in /proc is open as `directory`. Virtual
 * CPUs are known by the names that QEMU gives their threads under -name …,debug-threads=on, as
 * libvirt has it (qemu_thread_naming; "CPU 0/KVM"). Returns 0; or -errno: -ESRCH where it has
 * ended. To be freed by guest_threads_free() in every case.
 */
int guest_threads_read(struct guest_threads *threads, int directory);

/*
 * Gives the priority of a rule to all threads, and `cpus`, where not NULL, to those that may run
 * elsewhere; also to those that are started meanwhile. A cpuset leaves a thread what is in both.
 * Returns 0; or -errno with `error` filled.
 */
int guest_threads_place(int directory, const struct rule *rule, const struct id_set *cpus,
			struct error *error);

/*
 * Gives all of `cpus` to threads that together have only a part of them: to all, where what the
 * guest's XML has pinned is kept by cgroups; else to those that have that whole part, for the
 * others may have been pinned on purpose. What is refused stays. Returns 0 or -errno.
 */
int guest_threads_widen(int directory, const struct id_set *cpus, bool all);

void guest_threads_free(struct guest_threads *threads);

#endif
