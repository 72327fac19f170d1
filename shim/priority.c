#include "priority.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

static const int kernel_schedulers[SCHEDULERS] = {
    [SCHEDULER_OTHER] = SCHED_OTHER,
    [SCHEDULER_BATCH] = SCHED_BATCH,
    [SCHEDULER_FIFO] = SCHED_FIFO,
    [SCHEDULER_RR] = SCHED_RR,
};

const char *priority_scheduler_name(int scheduler)
{
	static const char *const names[] = {
	    [SCHED_OTHER] = "other", [SCHED_FIFO] = "fifo", [SCHED_RR] = "rr",
	    [SCHED_BATCH] = "batch", [SCHED_IDLE] = "idle",
	};
	size_t count = sizeof(names) / sizeof(names[0]);

	return scheduler >= 0 && (size_t)scheduler < count && names[scheduler] != NULL
		   ? names[scheduler]
		   : "of another kind";
}

int priority_scheduler(const struct rule *rule)
{
	return rule->scheduler == SCHEDULER_NONE ? -1 : kernel_schedulers[rule->scheduler];
}

const char *priority_format(const struct rule *rule, char *text, size_t size)
{
	snprintf(text, size, "%s", "");
	if (rule->nice_given)
		text_add(text, size, "nice %d%s", rule->nice,
			 rule->scheduler != SCHEDULER_NONE ? ", " : "");
	if (rule->scheduler != SCHEDULER_NONE)
		text_add(text, size, "scheduler %s",
			 priority_scheduler_name(priority_scheduler(rule)));
	if (rule->realtime > 0)
		text_add(text, size, ", real-time priority %u", rule->realtime);
	return text;
}

bool priority_is(const struct priority *priority, const struct rule *rule)
{
	if (rule->nice_given && priority->nice != rule->nice)
		return false;
	return rule->scheduler == SCHEDULER_NONE ||
	       (priority->scheduler == priority_scheduler(rule) &&
		priority->realtime == (int)rule->realtime);
}

int priority_read(pid_t thread, struct priority *priority, struct error *error)
{
	struct sched_param parameters;

	errno = 0;
	priority->nice = getpriority(PRIO_PROCESS, (id_t)thread);
	priority->scheduler = sched_getscheduler(thread);
	if ((priority->nice == -1 && errno != 0) || priority->scheduler < 0 ||
	    sched_getparam(thread, &parameters) < 0)
		return error_set(error, -errno, "the priority cannot be read: %s", strerror(errno));
	priority->realtime = parameters.sched_priority;
	return 0;
}

/* What is refused, and why. Always returns -errno, with EACCES as EPERM. */
static int refused(const char *option, int code, struct error *error)
{
	if (code == EACCES || code == EPERM)
		return error_set(error, -EPERM,
				 "%s is refused: it takes CAP_SYS_NICE, or a limit that allows it "
				 "(ulimit -e, -r), and for fifo and rr real-time for the cgroup",
				 option);
	return error_set(error, -code, "%s is refused: %s", option, strerror(code));
}

/* Gives it, perhaps a part only. */
static int priority_set(const struct rule *rule, pid_t thread, struct error *error)
{
	struct sched_param parameters = {.sched_priority = (int)rule->realtime};

	if (rule->scheduler != SCHEDULER_NONE &&
	    sched_setscheduler(thread, kernel_schedulers[rule->scheduler], &parameters) < 0)
		return refused("sched=", errno, error);
	if (rule->nice_given && setpriority(PRIO_PROCESS, (id_t)thread, rule->nice) < 0)
		return refused("nice=", errno, error);
	return 0;
}

int priority_apply(const struct rule *rule, pid_t thread, struct priority *before,
		   struct error *error)
{
	int result = priority_read(thread, before, error);

	if (result < 0)
		return result;
	result = priority_set(rule, thread, error);
	if (result < 0)
		priority_undo(rule, thread, before);
	return result;
}

void priority_undo(const struct rule *rule, pid_t thread, const struct priority *before)
{
	struct sched_param parameters = {.sched_priority = before->realtime};

	if (rule->scheduler != SCHEDULER_NONE)
		(void)sched_setscheduler(thread, before->scheduler, &parameters);
	if (rule->nice_given)
		(void)setpriority(PRIO_PROCESS, (id_t)thread, before->nice);
}
