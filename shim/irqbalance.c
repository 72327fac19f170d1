#include "irqbalance.h"
#include "clock.h"
#include "file.h"
#include "log.h"
#include "number.h"
#include "process.h"
#include "unix_socket.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Ended by a null byte, which older ones do not add themselves. */
static const char ask[] = "setup";
static const char ban[] = "settings ban irqs";

void irq_list_add(struct irq_list *list, unsigned int number)
{
	for (size_t i = 0; i < list->count; i++) {
		if (list->at[i] == number)
			return;
	}
	if (list->count < IRQBALANCE_LIST_MAX)
		list->at[list->count++] = number;
	else
		list->overflown = true;
}

static bool irq_list_has(const struct irq_list *list, unsigned int number)
{
	for (size_t i = 0; i < list->count; i++) {
		if (list->at[i] == number)
			return true;
	}
	return false;
}

bool irq_list_equal(const struct irq_list *list, const struct irq_list *other)
{
	if (list->count != other->count)
		return false;
	for (size_t i = 0; i < list->count; i++) {
		if (!irq_list_has(other, list->at[i]))
			return false;
	}
	return true;
}

/* Of two that are equal. */
static bool irq_list_same_order(const struct irq_list *list, const struct irq_list *other)
{
	return memcmp(list->at, other->at, list->count * sizeof(list->at[0])) == 0;
}

/* Adds what is in one list and not in another. */
static void irq_list_add_all(struct irq_list *list, const struct irq_list *more,
			     const struct irq_list *but)
{
	for (size_t i = 0; i < more->count; i++) {
		if (!irq_list_has(but, more->at[i]))
			irq_list_add(list, more->at[i]);
	}
	list->overflown = list->overflown || more->overflown;
}

void irqbalance_open(struct irqbalance *irqbalance, const struct roots *roots)
{
	*irqbalance = (struct irqbalance){.roots = roots, .fd = -1};
}

/* Ends what goes on. */
static void conversation_end(struct irqbalance *irqbalance)
{
	if (irqbalance->fd >= 0)
		close(irqbalance->fd);
	irqbalance->fd = -1;
	irqbalance->phase = IRQBALANCE_IDLE;
}

void irqbalance_close(struct irqbalance *irqbalance)
{
	conversation_end(irqbalance);
}

/* The process whose socket has that name; 0: it is no such name. */
static pid_t pid_of_socket(const char *name)
{
	static const char prefix[] = "irqbalance";
	unsigned int pid;
	size_t digits;

	if (strncmp(name, prefix, strlen(prefix)) != 0)
		return 0;
	name += strlen(prefix);
	digits = number_read(name, INT_MAX, &pid);
	return digits > 0 && strcmp(name + digits, ".sock") == 0 ? (pid_t)pid : 0;
}

/* Reads a file of a process. Returns whether it could. */
static bool process_read(const struct irqbalance *irqbalance, pid_t pid, const char *file,
			 char *text, size_t size)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%d/%s", irqbalance->roots->proc, pid, file);
	return file_read(AT_FDCWD, path, text, size) > 0;
}

static bool process_is_roots(const struct irqbalance *irqbalance, pid_t pid)
{
	char path[PATH_MAX];
	uid_t user;
	int directory;
	bool is = false;

	snprintf(path, sizeof(path), "%s/%d", irqbalance->roots->proc, pid);
	directory = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (directory < 0)
		return false;
	is = process_user_read(directory, &user) == 0 &&
	     (user == 0 || user == irqbalance->roots->owner);
	close(directory);
	return is;
}

/* Finds the one that runs: a socket may be left by one that was killed. */
static pid_t pid_find(const struct irqbalance *irqbalance)
{
	char path[PATH_MAX];
	const struct dirent *entry;
	pid_t found = 0;
	DIR *directory;

	snprintf(path, sizeof(path), "%s/irqbalance", irqbalance->roots->run);
	directory = opendir(path);
	while (directory != NULL && (entry = readdir(directory)) != NULL) {
		pid_t pid = pid_of_socket(entry->d_name);
		char comm[32];

		if (pid > 0 && process_is_roots(irqbalance, pid) &&
		    process_read(irqbalance, pid, "comm", comm, sizeof(comm)) &&
		    strcmp(comm, "irqbalance\n") == 0)
			found = pid;
	}
	if (directory != NULL)
		closedir(directory);
	return found;
}

/*
 * Whether it ignores SIGPIPE, as all services of systemd's do: it writes its answer without
 * regard to that, and would be ended by it should this process be killed in between.
 */
static bool ignores_sigpipe(const struct irqbalance *irqbalance, pid_t pid)
{
	static const char name[] = "\nSigIgn:\t";
	enum { BITS = 4, DIGIT = (SIGPIPE - 1) / BITS, BIT = (SIGPIPE - 1) % BITS, DIGITS = 16 };
	char text[8192];
	const char *mask;
	char digit;

	if (!process_read(irqbalance, pid, "status", text, sizeof(text)))
		return false;
	mask = strstr(text, name);
	if (mask == NULL || strlen(mask) < strlen(name) + DIGITS)
		return false;
	digit = mask[strlen(name) + DIGITS - 1 - DIGIT];
	return ((digit <= '9' ? digit - '0' : digit - 'a' + 10) >> BIT & 1) != 0;
}

/* Another one knows nothing of what was told to the one before. */
void irqbalance_look(struct irqbalance *irqbalance)
{
	pid_t pid = pid_find(irqbalance);

	if (pid == irqbalance->pid)
		return;
	conversation_end(irqbalance);
	irqbalance->pid = pid;
	irqbalance->listens = pid > 0 && ignores_sigpipe(irqbalance, pid);
	irqbalance->told = (struct irq_list){0};
	irqbalance->ours = (struct irq_list){0};
	irqbalance->unsure = false;
	irqbalance->unanswered = 0;
}

/* Sends one command, to be ended by a null byte. Returns whether that was possible now. */
static bool command_send(struct irqbalance *irqbalance, const char *text,
			 enum irqbalance_phase phase)
{
	struct sockaddr_un address;
	char path[PATH_MAX];
	size_t size = strlen(text) + 1;

	snprintf(path, sizeof(path), "%s/irqbalance/irqbalance%d.sock", irqbalance->roots->run,
		 irqbalance->pid);
	conversation_end(irqbalance);
	irqbalance->length = 0;
	if (unix_socket_address(path, &address) < 0)
		return false;
	irqbalance->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (irqbalance->fd < 0 ||
	    connect(irqbalance->fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    send(irqbalance->fd, text, size, MSG_NOSIGNAL) != (ssize_t)size) {
		conversation_end(irqbalance);
		return false;
	}
	irqbalance->phase = phase;
	irqbalance->until = clock_milliseconds() + IRQBALANCE_PATIENCE_MS;
	return true;
}

/* Reads what it answers. Returns whether it has ended the conversation. */
static bool answer_read(struct irqbalance *irqbalance)
{
	ssize_t length;

	do {
		size_t room = sizeof(irqbalance->answer) - 1 - irqbalance->length;
		char rest[256];

		/* More than fits is read all the same, for it waits until that is done. */
		length = room > 0 ? recv(irqbalance->fd, irqbalance->answer + irqbalance->length,
					 room, 0)
				  : recv(irqbalance->fd, rest, sizeof(rest), 0);
		if (length > 0 && room > 0)
			irqbalance->length += (size_t)length;
	} while (length > 0 || (length < 0 && errno == EINTR));
	irqbalance->answer[irqbalance->length] = '\0';
	return length == 0 || errno != EAGAIN;
}

/*
 * Reads its list out of "SLEEP 10 IRQ 36 LOAD 0 DIFF 0 CLASS 0 IRQ … BANNED 00000000". Returns
 * whether the answer is one, and whole.
 */
static bool answer_list(const struct irqbalance *irqbalance, struct irq_list *list)
{
	static const char word[] = "IRQ ";
	const char *here = irqbalance->answer;
	unsigned int number;

	*list = (struct irq_list){0};
	if (strncmp(here, "SLEEP ", strlen("SLEEP ")) != 0 || strstr(here, "BANNED ") == NULL)
		return false;
	while ((here = strstr(here, word)) != NULL) {
		here += strlen(word);
		if (number_read(here, INT_MAX, &number) > 0)
			irq_list_add(list, number);
	}
	return true;
}

/* Adds a number to the command. Returns false where that is too long then, and leaves it. */
static bool ban_add(char text[IRQBALANCE_MESSAGE_MAX], unsigned int number)
{
	char word[sizeof(" 4294967295")];

	snprintf(word, sizeof(word), " %u", number);
	if (strlen(text) + strlen(word) >= IRQBALANCE_MESSAGE_MAX)
		return false;
	strcat(text, word);
	return true;
}

/* What cannot be told is not tried again with this one. */
static void give_up(struct irqbalance *irqbalance, const char *reason)
{
	conversation_end(irqbalance);
	irqbalance->listens = false;
	log_line("irqbalance (pid %d) %s, and may undo what is moved: set "
		 "IRQBALANCE_BANNED_CPULIST= to the CPUs of isolated guests, and --banirq=N in "
		 "IRQBALANCE_ARGS",
		 irqbalance->pid, reason);
}

/*
 * Writes the command that makes the list: what others want to have in it, and as much as fits of
 * what is wanted here. *ours: of that what others do not want. Returns false where not even the
 * others' fits, which it holds all the same.
 */
static bool ban_format(const struct irqbalance *irqbalance, const struct irq_list *listed,
		       char text[IRQBALANCE_MESSAGE_MAX], struct irq_list *ours)
{
	struct irq_list others = {0};

	*ours = (struct irq_list){0};
	irq_list_add_all(&others, listed, &irqbalance->ours);
	strcpy(text, ban);
	for (size_t i = 0; i < others.count; i++) {
		if (!ban_add(text, others.at[i]))
			return false;
	}
	for (size_t i = 0; i < irqbalance->wanted.count; i++) {
		unsigned int number = irqbalance->wanted.at[i];

		if (irq_list_has(&others, number))
			continue;
		if (!ban_add(text, number))
			break;
		irq_list_add(ours, number);
	}
	if (others.count + ours->count == 0)
		text_add(text, IRQBALANCE_MESSAGE_MAX, " NONE");
	return !others.overflown;
}

/* Says once that not all fit. */
static void tell_of_rest(struct irqbalance *irqbalance, const struct irq_list *listed,
			 const struct irq_list *ours)
{
	bool all = !irqbalance->wanted.overflown;

	for (size_t i = 0; all && i < irqbalance->wanted.count; i++)
		all = irq_list_has(ours, irqbalance->wanted.at[i]) ||
		      (irq_list_has(listed, irqbalance->wanted.at[i]) &&
		       !irq_list_has(&irqbalance->ours, irqbalance->wanted.at[i]));
	if (!all && !irqbalance->told_less)
		log_line(
		    "irqbalance takes no list of all that is moved, and may undo the rest: set "
		    "IRQBALANCE_BANNED_CPULIST= to the CPUs of isolated guests");
	irqbalance->told_less = !all;
}

/* It has said what its list is: now it is to be told another one. */
static void ban_prepare(struct irqbalance *irqbalance)
{
	struct irq_list listed;
	struct irq_list ours;
	bool same;

	conversation_end(irqbalance);
	if (irqbalance->length == 0 && ++irqbalance->unanswered < IRQBALANCE_UNANSWERED_MAX)
		return; /* it may be about to end: its sockets are closed before it is gone */
	if (!answer_list(irqbalance, &listed)) {
		irqbalance_look(irqbalance); /* it may have ended meanwhile */
		if (irqbalance->pid > 0)
			give_up(irqbalance, "does not answer as it should");
		return;
	}
	if (!ban_format(irqbalance, &listed, irqbalance->message, &ours)) {
		give_up(irqbalance, "has a list that is full already");
		return;
	}
	same = irq_list_equal(&ours, &irqbalance->ours);
	for (size_t i = 0; same && i < ours.count; i++)
		same = irq_list_has(&listed, ours.at[i]);
	tell_of_rest(irqbalance, &listed, &ours);
	irqbalance->unanswered = 0;
	irqbalance->unsure = false;
	irqbalance->told = irqbalance->wanted;
	irqbalance->later = ours;
	if (same)
		return;
	/* Until it has taken the new list, what is in the old one is ours, too. */
	for (size_t i = 0; i < irqbalance->ours.count; i++) {
		if (irq_list_has(&listed, irqbalance->ours.at[i]))
			irq_list_add(&ours, irqbalance->ours.at[i]);
	}
	irqbalance->ours = ours;
	irqbalance->phase = IRQBALANCE_READY;
}

bool irqbalance_is_settled(const struct irqbalance *irqbalance)
{
	return irqbalance->pid == 0 || !irqbalance->listens ||
	       (irqbalance->phase == IRQBALANCE_IDLE && !irqbalance->unsure &&
		irq_list_equal(&irqbalance->wanted, &irqbalance->told) &&
		(!irqbalance->told_less ||
		 irq_list_same_order(&irqbalance->wanted, &irqbalance->told)));
}

bool irqbalance_turn(struct irqbalance *irqbalance)
{
	if (irqbalance->fd < 0 && (irqbalance->wanted.count > 0 || irqbalance->told.count > 0 ||
				   irqbalance->ours.count > 0))
		irqbalance_look(irqbalance);
	if (irqbalance_is_settled(irqbalance))
		return false;
	if (irqbalance->fd >= 0 && irqbalance->until <= clock_milliseconds()) {
		give_up(irqbalance, "does not answer");
		return false;
	}
	switch (irqbalance->phase) {
	case IRQBALANCE_IDLE:
		(void)command_send(irqbalance, ask, IRQBALANCE_ASKED);
		return false;
	case IRQBALANCE_READY:
		if (!command_send(irqbalance, irqbalance->message, IRQBALANCE_TOLD))
			irqbalance->phase = IRQBALANCE_READY; /* the next time */
		return false;
	case IRQBALANCE_ASKED:
		if (answer_read(irqbalance))
			ban_prepare(irqbalance);
		break;
	case IRQBALANCE_TOLD:
		if (answer_read(irqbalance)) {
			conversation_end(irqbalance);
			irqbalance->ours = irqbalance->later;
		}
		break;
	}
	return irqbalance->listens && irqbalance_is_settled(irqbalance);
}

void irqbalance_note(const struct irqbalance *irqbalance, const struct id_set *isolated,
		     struct error *note)
{
	char cpus[ID_SET_TEXT_SIZE];

	if (irqbalance->pid == 0)
		return;
	if (error_is_set(note))
		text_add(note->text, sizeof(note->text), "; ");
	text_add(note->text, sizeof(note->text),
		 irqbalance->listens
		     ? "irqbalance runs, and is told to leave what is moved alone"
		     : "irqbalance runs, and may undo what is moved: set --banirq=N for each of "
		       "these in IRQBALANCE_ARGS");
	if (isolated != NULL)
		text_add(note->text, sizeof(note->text),
			 "; set IRQBALANCE_BANNED_CPULIST=%s, so that it keeps off these CPUs",
			 id_set_format(isolated, cpus, sizeof(cpus)));
	if (isolated != NULL || !irqbalance->listens)
		text_add(note->text, sizeof(note->text),
			 " (/etc/default/irqbalance or /etc/sysconfig/irqbalance)");
}

json_t *irqbalance_write(const struct irqbalance *irqbalance)
{
	json_t *irqs;

	if (irqbalance->ours.count == 0)
		return NULL;
	irqs = json_array();
	for (size_t i = 0; i < irqbalance->ours.count; i++)
		json_array_append_new(irqs, json_integer(irqbalance->ours.at[i]));
	return json_pack("{s:i, s:o}", "pid", (int)irqbalance->pid, "irqs", irqs);
}

bool irqbalance_read(struct irqbalance *irqbalance, json_t *json)
{
	struct irq_list ours = {0};
	json_t *irqs;
	json_t *irq;
	size_t i;
	int pid;

	if (json_unpack(json, "{s:i, s:o}", "pid", &pid, "irqs", &irqs) < 0 || pid <= 0 ||
	    !json_is_array(irqs))
		return false;
	json_array_foreach(irqs, i, irq)
	{
		json_int_t number = json_integer_value(irq);

		if (!json_is_integer(irq) || number < 0 || number > INT_MAX)
			return false;
		irq_list_add(&ours, (unsigned int)number);
	}
	irqbalance->pid = pid;
	irqbalance->listens = ignores_sigpipe(irqbalance, pid);
	irqbalance->ours = irqbalance->told = ours;
	irqbalance->unsure = true;
	return true;
}
