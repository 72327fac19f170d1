#include "rule_option.h"
#include "number.h"
#include "size.h"
#include "spec.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char *const memory_mode_names[MEMORY_MODES] = {
    [MEMORY_BIND] = "bind",
    [MEMORY_PREFERRED] = "preferred",
    [MEMORY_PREFERRED_MANY] = "preferred-many",
    [MEMORY_INTERLEAVE] = "interleave",
    [MEMORY_LOCAL] = "local",
};

const char *memory_mode_name(enum memory_mode mode)
{
	return memory_mode_names[mode];
}

static const char *const scheduler_names[SCHEDULERS] = {
    [SCHEDULER_OTHER] = "other",
    [SCHEDULER_BATCH] = "batch",
    [SCHEDULER_FIFO] = "fifo",
    [SCHEDULER_RR] = "rr",
};

const char *rule_irq_cpus(const char *irq, size_t *length)
{
	*length = strcspn(irq, "@");
	return irq[*length] == '@' ? irq + *length + 1 : NULL;
}

static int cpus_option(struct rule *rule, const char *value, struct error *error)
{
	rule->cpus = value;
	return spec_check(SPEC_CPUS, value, error);
}

static int mem_option(struct rule *rule, const char *value, struct error *error)
{
	for (int mode = 0; mode < MEMORY_MODES; mode++) {
		if (strcmp(value, memory_mode_names[mode]) == 0) {
			rule->memory = (enum memory_mode)mode;
			rule->memory_given = true;
			return 0;
		}
	}
	return error_set(error, -EINVAL,
			 "mem=%s: it takes bind, preferred, preferred-many, interleave or local",
			 value);
}

static int env_option(struct rule *rule, const char *value, struct error *error)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_";
	size_t length = strspn(value, letters);

	if (length > 0)
		length += strspn(value + length, "0123456789_"
						 "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
						 "abcdefghijklmnopqrstuvwxyz");
	if (length == 0 || value[length] != '=')
		return error_set(error, -EINVAL,
				 "env=%s: it takes NAME=VALUE, the name of letters, digits and _",
				 value);
	if (rule->env_count == RULE_ENV_MAX)
		return error_set(error, -EINVAL, "more than %d env= options", RULE_ENV_MAX);
	rule->env[rule->env_count++] = value;
	return 0;
}

/*
 * Reads the size of a page: decimal, with one letter or none. No machine has pages of less
 * than 4 KiB, and "hugepages=2" wants its M.
 */
static bool page_size_read(const char *text, uint64_t *bytes)
{
	size_t digits = strspn(text, "0123456789");

	return *text != '0' && (text[digits] == '\0' || text[digits + 1] == '\0') &&
	       size_read(text, strlen(text), 1, bytes) == 0 && *bytes != 0 && *bytes % 4096 == 0;
}

static int hugepages_option(struct rule *rule, const char *value, struct error *error)
{
	static const char prefer[] = "prefer:";
	const char *size = value;

	rule->hugepages = value;
	if (strcmp(value, "off") == 0)
		return 0;
	if (strncmp(value, prefer, strlen(prefer)) == 0) {
		rule->huge_pages_preferred = true;
		size += strlen(prefer);
	}
	if (!page_size_read(size, &rule->huge_page))
		return error_set(error, -EINVAL,
				 "hugepages=%s: it takes a size such as 2M or 1G, prefer:SIZE, or "
				 "off",
				 value);
	return 0;
}

static int ksm_option(struct rule *rule, const char *value, struct error *error)
{
	if (strcmp(value, "on") != 0 && strcmp(value, "off") != 0)
		return error_set(error, -EINVAL, "ksm=%s: it takes on or off", value);
	rule->ksm = strcmp(value, "on") == 0 ? CHOICE_ON : CHOICE_OFF;
	return 0;
}

static int thp_option(struct rule *rule, const char *value, struct error *error)
{
	if (strcmp(value, "never") != 0 && strcmp(value, "default") != 0)
		return error_set(error, -EINVAL, "thp=%s: it takes never or default", value);
	rule->thp = strcmp(value, "never") == 0 ? CHOICE_OFF : CHOICE_ON;
	return 0;
}

static int prealloc_option(struct rule *rule, const char *value, struct error *error)
{
	if (strcmp(value, "on") != 0)
		return error_set(error, -EINVAL, "prealloc=%s: it takes on", value);
	rule->prealloc = true;
	return 0;
}

/* A name that is one component of a path, and no other way out of a directory. */
static bool device_is_named(const char *name, size_t length)
{
	if (length == 0 || length > RULE_DEVICE_MAX || *name == '.')
		return false;
	for (size_t i = 0; i < length; i++) {
		if (!isgraph((unsigned char)name[i]) || name[i] == '/')
			return false;
	}
	return true;
}

static int irq_option(struct rule *rule, const char *value, struct error *error)
{
	size_t length;
	size_t other;
	const char *cpus = rule_irq_cpus(value, &length);

	if (!device_is_named(value, length))
		return error_set(error, -EINVAL,
				 "irq=%s: it takes DEV or DEV@CPUS, DEV being a network interface, "
				 "a block device, a PCI address, or vfio",
				 value);
	for (size_t i = 0; i < rule->irq_count; i++) {
		(void)rule_irq_cpus(rule->irqs[i], &other);
		if (other == length && strncmp(rule->irqs[i], value, length) == 0)
			return error_set(error, -EINVAL, "irq=%.*s is given twice", (int)length,
					 value);
	}
	if (rule->irq_count == RULE_IRQ_MAX)
		return error_set(error, -EINVAL, "more than %d irq= options", RULE_IRQ_MAX);
	rule->irqs[rule->irq_count++] = value;
	return cpus != NULL ? spec_check(SPEC_CPUS, cpus, error) : 0;
}

static int isolate_option(struct rule *rule, const char *value, struct error *error)
{
	(void)value;
	(void)error;
	rule->isolate = true;
	return 0;
}

static int nice_option(struct rule *rule, const char *value, struct error *error)
{
	bool less = *value == '-';
	unsigned int number;
	size_t length = number_read(value + less, less ? 20 : 19, &number);

	if (length == 0 || value[less + length] != '\0' || (less && number == 0))
		return error_set(error, -EINVAL, "nice=%s: it takes a number from -20 to 19",
				 value);
	rule->nice_given = true;
	rule->nice = less ? -(int)number : (int)number;
	return 0;
}

static int sched_option(struct rule *rule, const char *value, struct error *error)
{
	size_t name = strcspn(value, ":");

	for (int scheduler = SCHEDULER_OTHER; scheduler < SCHEDULERS; scheduler++) {
		bool realtime = scheduler >= SCHEDULER_FIFO;
		size_t length = 0;

		if (strlen(scheduler_names[scheduler]) != name ||
		    strncmp(value, scheduler_names[scheduler], name) != 0 ||
		    realtime != (value[name] == ':'))
			continue;
		if (realtime)
			length = number_read(value + name + 1, 99, &rule->realtime);
		if (realtime && (length == 0 || rule->realtime == 0))
			break;
		if (value[name + realtime + length] != '\0')
			break;
		rule->scheduler = (enum scheduler)scheduler;
		return 0;
	}
	return error_set(error, -EINVAL,
			 "sched=%s: it takes other, batch, fifo:N or rr:N, N from 1 to 99", value);
}

static int best_effort_option(struct rule *rule, const char *value, struct error *error)
{
	(void)value;
	(void)error;
	rule->best_effort = true;
	return 0;
}

static const struct option {
	const char *name; /* with '=' where it takes a value */
	int (*read)(struct rule *rule, const char *value, struct error *error);
	bool repeats;
} options[] = {
    {"cpus=", cpus_option, false},
    {"mem=", mem_option, false},
    {"hugepages=", hugepages_option, false},
    {"ksm=", ksm_option, false},
    {"thp=", thp_option, false},
    {"prealloc=", prealloc_option, false},
    {"irq=", irq_option, true},
    {"isolate", isolate_option, true},
    {"nice=", nice_option, false},
    {"sched=", sched_option, false},
    {"env=", env_option, true},
    {"best-effort", best_effort_option, true},
};
enum { OPTION_COUNT = sizeof(options) / sizeof(options[0]) };

static int option_unknown(const char *word, struct error *error)
{
	char names[256] = "";

	for (size_t i = 0; i < OPTION_COUNT; i++)
		text_add(names, sizeof(names), "%s%s", i > 0 ? " " : "", options[i].name);
	return error_set(error, -EINVAL, "unknown option '%s' (there are %s)", word, names);
}

int rule_option_read(struct rule *rule, const char *word, unsigned int *given, struct error *error)
{
	size_t name_length = strcspn(word, "=");

	name_length += word[name_length] == '=';
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		const struct option *option = &options[i];

		if (strlen(option->name) != name_length ||
		    strncmp(word, option->name, name_length) != 0)
			continue;
		if (!option->repeats && (*given & 1U << i) != 0)
			return error_set(error, -EINVAL, "%s is given twice", option->name);
		*given |= 1U << i;
		return option->read(rule, word + name_length, error);
	}
	return option_unknown(word, error);
}

const char *rule_option_name(size_t index)
{
	return index < OPTION_COUNT ? options[index].name : NULL;
}

int rule_options_check(const struct rule *rule, struct error *error)
{
	if (rule->nodes == NULL && rule->memory_given && rule->memory != MEMORY_LOCAL)
		return error_set(error, -EINVAL, "mem=%s needs nodes, and '-' names none",
				 memory_mode_name(rule->memory));
	if (rule->nodes != NULL || rule->cpus != NULL)
		return 0;
	if (rule->isolate)
		return error_set(error, -EINVAL,
				 "isolate needs CPUs, and '-' names none: add cpus=");
	for (size_t i = 0; i < rule->irq_count; i++) {
		size_t length;

		if (rule_irq_cpus(rule->irqs[i], &length) == NULL)
			return error_set(error, -EINVAL,
					 "irq=%s needs CPUs, and '-' names none: irq=%s@CPUS",
					 rule->irqs[i], rule->irqs[i]);
	}
	return 0;
}

/* Whether the option that the rule has is the one asked for; counts on. */
static bool is_next(bool has, size_t *index)
{
	return has && (*index)-- == 0;
}

/* The same of `count` options of one name: *index becomes that of the one asked for. */
static bool is_among(size_t count, size_t *index)
{
	if (*index < count)
		return true;
	*index -= count;
	return false;
}

bool rule_option_format(const struct rule *rule, size_t index, char *text, size_t size)
{
	if (is_next(rule->hugepages != NULL, &index))
		snprintf(text, size, "hugepages=%s", rule->hugepages);
	else if (is_next(rule->ksm != CHOICE_NONE, &index))
		snprintf(text, size, "ksm=%s", rule->ksm == CHOICE_ON ? "on" : "off");
	else if (is_next(rule->thp != CHOICE_NONE, &index))
		snprintf(text, size, "thp=%s", rule->thp == CHOICE_ON ? "default" : "never");
	else if (is_next(rule->prealloc, &index))
		snprintf(text, size, "prealloc=on");
	else if (is_among(rule->irq_count, &index))
		snprintf(text, size, "irq=%s", rule->irqs[index]);
	else if (is_next(rule->isolate, &index))
		snprintf(text, size, "isolate");
	else if (is_next(rule->nice_given, &index))
		snprintf(text, size, "nice=%d", rule->nice);
	else if (is_next(rule->scheduler >= SCHEDULER_FIFO, &index))
		snprintf(text, size, "sched=%s:%u", scheduler_names[rule->scheduler],
			 rule->realtime);
	else if (is_next(rule->scheduler == SCHEDULER_OTHER || rule->scheduler == SCHEDULER_BATCH,
			 &index))
		snprintf(text, size, "sched=%s", scheduler_names[rule->scheduler]);
	else if (is_among(rule->env_count, &index))
		snprintf(text, size, "env=%s", rule->env[index]);
	else if (is_next(rule->best_effort, &index))
		snprintf(text, size, "best-effort");
	else
		return false;
	return true;
}
