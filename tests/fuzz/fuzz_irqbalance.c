/*
 * irqbalance: what it answers, what /proc tells of it, and what the agent before has written down
 * of it, as anything. What it is told then has all that others want in it, and fits.
 */
#include "clock.h"
#include "fuzz.h"
#include "irqbalance.h"
#include "number.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char command[] = "settings ban irqs";

/* Every byte is a number that is wanted, or is ours already. */
static void list_fill(struct irq_list *list, const char *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++)
		irq_list_add(list, 7U * (unsigned char)bytes[i]);
}

static bool has(const struct irq_list *list, unsigned int number)
{
	struct irq_list one = {0};
	size_t count = list->count;

	for (size_t i = 0; i < count; i++)
		one.overflown = one.overflown || list->at[i] == number;
	return one.overflown;
}

/* Whether the command names the number. */
static bool tells(const char *message, unsigned int number)
{
	char word[sizeof(" 4294967295")];
	size_t length = (size_t)snprintf(word, sizeof(word), " %u", number);

	for (const char *here = message; (here = strstr(here, word)) != NULL; here++) {
		if (here[length] == ' ' || here[length] == '\0')
			return true;
	}
	return false;
}

static void message_check(const struct irqbalance *irqbalance, const char *answer,
			  const struct irq_list *ours)
{
	const char *here = answer;
	unsigned int number;

	REQUIRE(strncmp(irqbalance->message, command, strlen(command)) == 0);
	REQUIRE(strlen(irqbalance->message) < IRQBALANCE_MESSAGE_MAX);
	while ((here = strstr(here, "IRQ ")) != NULL) {
		here += strlen("IRQ ");
		if (number_read(here, INT_MAX, &number) > 0 && !has(ours, number))
			REQUIRE(tells(irqbalance->message, number));
	}
	for (size_t i = 0; i < irqbalance->later.count; i++) {
		REQUIRE(has(&irqbalance->wanted, irqbalance->later.at[i]));
		REQUIRE(tells(irqbalance->message, irqbalance->later.at[i]));
	}
}

/* Has it answered, and then gone. Returns the agent's end. */
static int conversation(const char *answer, size_t length)
{
	int ends[2];
	int size = 1 << 20;

	REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0);
	REQUIRE(setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)) == 0);
	REQUIRE(length == 0 || send(ends[1], answer, length, MSG_NOSIGNAL) == (ssize_t)length);
	close(ends[1]);
	return ends[0];
}

static void answer_check(const struct roots *roots, const char *answer, size_t length,
			 const struct irq_list *wanted, const struct irq_list *ours)
{
	struct irqbalance *irqbalance = malloc(sizeof(*irqbalance));

	REQUIRE(irqbalance != NULL);
	irqbalance_open(irqbalance, roots);
	irqbalance->pid = getpid();
	irqbalance->listens = true;
	irqbalance->wanted = *wanted;
	irqbalance->ours = *ours;
	irqbalance->unsure = true;
	irqbalance->fd = conversation(answer, length);
	irqbalance->phase = IRQBALANCE_ASKED;
	irqbalance->until = clock_milliseconds() + 60000;
	(void)irqbalance_turn(irqbalance);
	REQUIRE(irqbalance->fd < 0);
	/* What is cut is another answer. */
	if (irqbalance->phase == IRQBALANCE_READY && length < IRQBALANCE_ANSWER_MAX)
		message_check(irqbalance, answer, ours);
	irqbalance_close(irqbalance);
	free(irqbalance);
}

/* What is written down of it is read as what it was. */
static void written_check(const struct roots *roots, const char *text)
{
	struct irqbalance *irqbalance = calloc(2, sizeof(*irqbalance));
	json_t *json = json_loads(text, 0, NULL);
	json_t *written;

	REQUIRE(irqbalance != NULL);
	irqbalance_open(&irqbalance[0], roots);
	irqbalance_open(&irqbalance[1], roots);
	if (json != NULL && irqbalance_read(&irqbalance[0], json)) {
		written = irqbalance_write(&irqbalance[0]);
		REQUIRE((written == NULL) == (irqbalance[0].ours.count == 0));
		if (written != NULL) {
			REQUIRE(irqbalance_read(&irqbalance[1], written));
			REQUIRE(irq_list_equal(&irqbalance[0].ours, &irqbalance[1].ours));
			REQUIRE(irqbalance[0].pid == irqbalance[1].pid);
			REQUIRE(irqbalance[0].listens == irqbalance[1].listens);
		}
		json_decref(written);
	}
	json_decref(json);
	free(irqbalance);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char proc[PATH_MAX];
	static char run[PATH_MAX];
	struct roots roots = {.proc = proc, .run = run, .owner = geteuid()};
	struct fuzz_input input = {data, size};
	struct irq_list lists[2] = {0};
	char name[64];
	size_t length;
	size_t answer_length;
	char *answer = fuzz_part(&input, &answer_length);

	strcpy(proc, fuzz_path("proc"));
	strcpy(run, fuzz_path("run"));
	for (size_t i = 0; i < 2; i++) {
		char *bytes = fuzz_part(&input, &length);

		list_fill(&lists[i], bytes, length);
		free(bytes);
	}
	snprintf(name, sizeof(name), "run/irqbalance/irqbalance%d.sock", getpid());
	fuzz_file(name, "", 0);
	snprintf(name, sizeof(name), "proc/%d/status", getpid());
	fuzz_part_file(&input, name);
	snprintf(name, sizeof(name), "proc/%d/comm", getpid());
	fuzz_part_file(&input, name);
	answer_check(&roots, answer, answer_length, &lists[0], &lists[1]);
	free(answer);
	answer = fuzz_part(&input, NULL);
	written_check(&roots, answer);
	free(answer);
	return 0;
}
