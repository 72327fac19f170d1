/*
 * irqbalance, the service that moves interrupts between CPUs on its own, and would undo what
 * the agent does. It can be told over a socket which ones to leave alone: one command for each
 * connection, which it ends when it has seen to it (sock_handle in its irqbalance.c). That may
 * take as long as it sleeps between two looks, ten seconds, so nothing here waits for it.
 *
 * Its list has those of its own command line in it, and is replaced as a whole; so it is asked
 * for first, and what was in it before stays.
 */
#ifndef SHIM_IRQBALANCE_H
#define SHIM_IRQBALANCE_H

#include "error.h"
#include "id_set.h"
#include "roots.h"

#include <jansson.h>
#include <stdbool.h>
#include <sys/types.h>

enum {
	IRQBALANCE_LIST_MAX = 160,    /* numbers of three digits in a message */
	IRQBALANCE_MESSAGE_MAX = 500, /* the bytes that it reads, a null byte at the end */
	IRQBALANCE_ANSWER_MAX = 16 * 1024,
	IRQBALANCE_UNANSWERED_MAX = 3,
	IRQBALANCE_PATIENCE_MS = 120000, /* it may sleep for as long as it was told */
};

/* Numbers of interrupts. */
struct irq_list {
	unsigned int at[IRQBALANCE_LIST_MAX];
	size_t count;
	bool overflown; /* there were more */
};

enum irqbalance_phase {
	IRQBALANCE_IDLE,
	IRQBALANCE_ASKED, /* for its list */
	IRQBALANCE_READY, /* to be told another one, when that has been written down */
	IRQBALANCE_TOLD,
};

struct irqbalance {
	const struct roots *roots;
	pid_t pid;              /* the one that runs; 0: none */
	bool listens;           /* it survives one who asks and goes away (SIGPIPE) */
	struct irq_list wanted; /* what it is to leave alone, the most important first */
	struct irq_list told;   /* what it was told last; */
	struct irq_list ours;   /* of these what it would not leave alone otherwise */
	struct irq_list later;  /* what is ours when it has taken the list it is told */
	bool unsure;    /* it may not have been told what the agent before has written down */
	bool told_less; /* its list has no room for all */
	unsigned int unanswered; /* how often in a row it has closed without an answer */
	enum irqbalance_phase phase;
	char message[IRQBALANCE_MESSAGE_MAX];
	int fd;
	long long until; /* an answer counts: clock_milliseconds() */
	size_t length;
	char answer[IRQBALANCE_ANSWER_MAX];
};

void irq_list_add(struct irq_list *list, unsigned int number);
bool irq_list_equal(const struct irq_list *list, const struct irq_list *other);

void irqbalance_open(struct irqbalance *irqbalance, const struct roots *roots);
void irqbalance_close(struct irqbalance *irqbalance);

/* Looks which one runs. */
void irqbalance_look(struct irqbalance *irqbalance);

/*
 * Goes on with what there is to do: looks whether it runs, and brings its list to
 * irqbalance->wanted. irqbalance->ours is to be written down after each turn. Returns true
 * where the list has just come to what is wanted.
 */
bool irqbalance_turn(struct irqbalance *irqbalance);

/* Whether there is nothing to do, or nobody to do it with. */
bool irqbalance_is_settled(const struct irqbalance *irqbalance);

/*
 * Says in `note` that it runs, and what to set; nothing where it does not. `isolated`: CPUs
 * that it is to be kept off, or NULL.
 */
void irqbalance_note(const struct irqbalance *irqbalance, const struct id_set *isolated,
		     struct error *note);

/* What of it must be known to the next agent, in JSON, and back. NULL: nothing. */
json_t *irqbalance_write(const struct irqbalance *irqbalance);
bool irqbalance_read(struct irqbalance *irqbalance, json_t *json);

#endif
