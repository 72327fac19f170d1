/*
 * One line of a policy: GLOB NODES OPTIONS. Here a line becomes a rule, which is
 * only words and choices; what they come to on this host is not known here.
 */
#ifndef POLICY_RULE_H
#define POLICY_RULE_H

#include "error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	RULE_LINE_MAX = 4096, /* bytes of a line */
	RULE_WORDS_MAX = 64,  /* words of a line */
	RULE_ENV_MAX = 32,    /* env= options of a line */
	RULE_IRQ_MAX = 16,    /* irq= options of a line */
	RULE_DEVICE_MAX = 63, /* bytes of the name of a device */
};

enum memory_mode {
	MEMORY_BIND, /* the default */
	MEMORY_PREFERRED,
	MEMORY_PREFERRED_MANY,
	MEMORY_INTERLEAVE,
	MEMORY_LOCAL,
	MEMORY_MODES,
};

/* What an option that can be left out says of a switch. */
enum choice {
	CHOICE_NONE, /* nothing: as it is */
	CHOICE_OFF,
	CHOICE_ON,
};

/* What the kernel's scheduler takes the guest's threads for (sched(7)). */
enum scheduler {
	SCHEDULER_NONE, /* nothing is said of it */
	SCHEDULER_OTHER,
	SCHEDULER_BATCH,
	SCHEDULER_FIFO,
	SCHEDULER_RR,
	SCHEDULERS,
};

/* A line of a policy file as it was read. The text may be changed, up to and with *end. */
struct policy_line {
	const char *file;
	unsigned int number; /* from 1 */
	char *text;
	char *end; /* the newline, or what stands in its place */
};

/* A rule. All strings are in the line's own text. */
struct rule {
	const char *file;
	unsigned int line;
	const char *glob;  /* quotes removed, backslashes kept; NULL: could not be read */
	const char *nodes; /* NULL: "-", no node */
	const char *cpus;  /* NULL: all CPUs of the nodes */
	enum memory_mode memory;
	bool memory_given;             /* by mem= */
	const char *env[RULE_ENV_MAX]; /* "NAME=VALUE" */
	size_t env_count;
	const char *hugepages;          /* as it was written; NULL: not given */
	uint64_t huge_page;             /* the size of a page in bytes; 0: no huge pages */
	bool huge_pages_preferred;      /* normal ones where there are too few */
	enum choice ksm;                /* the host may merge the guest's pages */
	enum choice thp;                /* CHOICE_OFF: no transparent huge pages */
	bool prealloc;                  /* the guest's memory is allocated before it runs */
	const char *irqs[RULE_IRQ_MAX]; /* "DEV@CPUS", or "DEV": the rule's CPUs */
	size_t irq_count;
	bool isolate; /* interrupts of other devices are kept off the rule's CPUs */
	bool nice_given;
	int nice; /* -20 to 19 */
	enum scheduler scheduler;
	unsigned int realtime; /* the priority under fifo and rr, 1 to 99 */
	bool best_effort;
	struct error error; /* the first thing that is wrong with the line; empty: nothing */
	const char *wrong;  /* where the word that it is about begins; NULL: it is about no word */
};

/* Whether the character parts words; a carriage return does, so that a file edited elsewhere works.
 */
static inline bool rule_is_blank(char character)
{
	return character == ' ' || character == '\t' || character == '\r';
}

/* "bind", "preferred-many" … */
const char *memory_mode_name(enum memory_mode mode);

/* Whether the rule says anything of interrupts. */
static inline bool rule_sets_interrupts(const struct rule *rule)
{
	return rule->irq_count > 0 || rule->isolate;
}

/* The CPUs that an irq= names; NULL: none. *length is that of its device's name. */
const char *rule_irq_cpus(const char *irq, size_t *length);

/*
 * Finds the first word of a line. Returns false for a line without one: blank, a
 * comment, or one whose first word is not well formed; *quoted says that the word
 * holds double quotes, which are no part of the glob.
 */
bool rule_glob_find(const struct policy_line *line, const char **glob, size_t *length,
		    bool *quoted);

/*
 * Finds the whole word of a line, as it is written, that the byte `at` is in. Returns its place
 * among the words, from 0; or -ENOENT: there is none. (After rule_read() the line is not what it
 * was: this takes a copy from before.)
 */
int rule_word_find(const struct policy_line *line, const char *at, const char **word,
		   size_t *length);

/* Copies a word of `length` bytes without its double quotes; returns the copy's length. */
size_t rule_glob_unquote(char *copy, const char *glob, size_t length);

/*
 * Reads a line, changing its text. Returns false for a blank line or a comment.
 * What is wrong with the line is in rule->error; the glob and best-effort are
 * there all the same, when they can be read, for they tell whom it stops.
 */
bool rule_read(struct policy_line *line, struct rule *rule);

/*
 * Writes the rule's options other than cpus= and mem=, one by one, as they would
 * stand in a policy: `index` counts from 0. Returns false after the last.
 */
bool rule_option_format(const struct rule *rule, size_t index, char *text, size_t size);

#endif
