/* A guest of which all is known, made up: threads, memory, a rule and what it came to. */
#ifndef GUEST_MADE_H
#define GUEST_MADE_H

#include "guest_state.h"
#include "sets.h"

#include <string.h>

enum { MADE_THREADS_MAX = 6, MADE_NODES_MAX = 4, MADE_IRQS_MAX = 3 };

struct guest_made {
	struct guest_state state;
	struct guest_thread threads[MADE_THREADS_MAX];
	struct guest_node nodes[MADE_NODES_MAX];
	struct guest_irq irqs[MADE_IRQS_MAX];
	struct guest_irq strays[MADE_IRQS_MAX];
};

/* The guest web1, which has a rule that nothing comes of yet, and nothing. */
static inline struct guest_state *made_new(struct guest_made *made)
{
	static char name[] = "web1";
	static char emulator[] = "/usr/bin/qemu-kvm";
	static char file[] = "/etc/libvirt/guest-pinning.conf";
	static char glob[] = "web*";
	struct guest_state *state = &made->state;

	*made = (struct guest_made){0};
	state->pid = 4711;
	strcpy(state->started, "815");
	state->guest = name;
	state->emulator = emulator;
	state->rule_file = file;
	state->rule_line = 7;
	state->glob = glob;
	state->wanted_known = true;
	state->threads.at = made->threads;
	state->pages.nodes = made->nodes;
	state->irqs.at = made->irqs;
	state->irqs.strays = made->strays;
	return state;
}

/* The rule wants these CPUs. */
static inline void made_wants_cpus(struct guest_made *made, const char *cpus)
{
	made->state.wanted.sets_cpus = true;
	made->state.wanted.cpus = set_of(cpus);
}

static inline void made_wants_memory(struct guest_made *made, enum memory_mode mode,
				     const char *nodes)
{
	made->state.wanted.sets_memory = true;
	made->state.wanted.mode = mode;
	made->state.wanted.nodes = set_of(nodes);
}

static inline struct guest_thread *made_thread(struct guest_made *made, const char *name,
					       const char *cpus, unsigned int processor)
{
	struct guest_threads *threads = &made->state.threads;
	struct guest_thread *thread = &threads->at[threads->count++];

	assert_true(threads->count <= MADE_THREADS_MAX);
	thread->id = made->state.pid + (pid_t)threads->count - 1;
	thread->vcpu = -1;
	thread->cpus = set_of(cpus);
	strcpy(thread->stat.name, name);
	thread->stat.processor = processor;
	id_set_join(&made->state.cpus, &thread->cpus);
	return thread;
}

/* Its memory is known, and the policy that it has. */
static inline void made_memory(struct guest_made *made, const char *policy)
{
	struct guest_pages *pages = &made->state.pages;

	made->state.pages_known = true;
	pages->page = 4096;
	strcpy(pages->policy, policy);
}

static inline void made_pages(struct guest_made *made, unsigned int node, uint64_t pages,
			      uint64_t huge_pages)
{
	struct guest_pages *all = &made->state.pages;

	assert_true(all->count < MADE_NODES_MAX);
	all->nodes[all->count++] = (struct guest_node){node, pages, huge_pages};
	if (huge_pages > 0)
		all->huge_page = 2 << 20;
}

static inline void made_irq(struct guest_made *made, unsigned int number, const char *device,
			    const char *wanted, const char *cpus, bool moved)
{
	struct guest_irqs *irqs = &made->state.irqs;
	struct guest_irq *irq = &irqs->at[irqs->count++];

	assert_true(irqs->count <= MADE_IRQS_MAX);
	*irq = (struct guest_irq){
	    .number = number, .wanted = set_of(wanted), .cpus = set_of(cpus), .moved = moved};
	strcpy(irq->device, device);
}

#endif
