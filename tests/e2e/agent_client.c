/*
 * A client of the agent that is no shim.
 *
 *	usage: agent_client SOCKET say TEXT
 *	       agent_client SOCKET hesitate TEXT
 *	       agent_client SOCKET become PROGRAM [ARGUMENT...]
 *	       agent_client SOCKET garbage COUNT
 *	       agent_client SOCKET silent COUNT
 *
 * say: sends TEXT and prints the answer. hesitate: the same, 10 ms after it has
 * connected, as if others had got its CPU. become: sends the shim's own request and
 * becomes PROGRAM, which inherits the connection. garbage: sends COUNT messages
 * that are no requests, each of which must be refused, and prints COUNT. silent: holds COUNT
 * connections that say nothing, the oldest replaced by a new one all the time,
 * until it is killed; "ready" is printed when it has them.
 */
#include "number.h"

#include <err.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static const char request[] = "guest-pinning 1 place";
static const char refusal[] = "guest-pinning 1 refused ";

enum { ANSWER_SIZE = 32768, GARBAGE_SIZE = 4096, HESITATION = 10000 /* microseconds */ };

static int agent_connect(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);

	if (fd < 0 || strlen(path) >= sizeof(address.sun_path))
		err(1, "socket");
	strcpy(address.sun_path, path);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		err(1, "%s", path);
	return fd;
}

/* Sends one message and reads the answer, which must come. */
static void ask(const char *path, const char *message, size_t length, useconds_t delay,
		char answer[ANSWER_SIZE])
{
	int fd = agent_connect(path);
	ssize_t got;

	usleep(delay);
	if (send(fd, message, length, MSG_NOSIGNAL) < 0)
		err(1, "send");
	got = recv(fd, answer, ANSWER_SIZE - 1, 0);
	if (got < 0)
		err(1, "recv");
	if (got == 0)
		errx(1, "no answer");
	answer[got] = '\0';
	close(fd);
}

static void become(const char *path, char *argv[])
{
	if (send(agent_connect(path), request, strlen(request), MSG_NOSIGNAL) < 0)
		err(1, "send");
	execvp(argv[0], argv);
	err(1, "%s", argv[0]);
}

/* One of: any bytes; the request and more; a part of it; the request with one bit wrong. */
static size_t garbage_make(char garbage[GARBAGE_SIZE], unsigned int kind)
{
	size_t length = 1 + (size_t)random() % (GARBAGE_SIZE - 1);

	for (size_t i = 0; i < length; i++)
		garbage[i] = (char)random();
	if (kind % 4 == 0)
		return length;
	memcpy(garbage, request, sizeof(request));
	if (kind % 4 == 1)
		return length > strlen(request) ? length : sizeof(request);
	if (kind % 4 == 2)
		return 1 + length % (strlen(request) - 1);
	garbage[length % strlen(request)] ^= (char)(1 << random() % 8);
	return strlen(request);
}

static void garbage_send(const char *path, unsigned int count)
{
	static char garbage[GARBAGE_SIZE];
	static char answer[ANSWER_SIZE];

	for (unsigned int i = 0; i < count; i++) {
		ask(path, garbage, garbage_make(garbage, i), 0, answer);
		if (strncmp(answer, refusal, strlen(refusal)) != 0)
			errx(1, "message %u: %s", i, answer);
	}
	if (printf("%u\n", count) < 0 || fflush(stdout) != 0)
		err(1, "stdout");
}

static void hold_silent(const char *path, unsigned int count)
{
	int *held = calloc(count, sizeof(*held));

	if (held == NULL)
		err(1, "calloc");
	for (unsigned int i = 0; i < count; i++)
		held[i] = agent_connect(path);
	if (puts("ready") < 0 || fflush(stdout) != 0)
		err(1, "stdout");
	for (unsigned int i = 0;; i = (i + 1) % count) {
		close(held[i]);
		held[i] = agent_connect(path);
	}
}

int main(int argc, char *argv[])
{
	static char answer[ANSWER_SIZE];
	unsigned int count;

	if (argc < 4)
		errx(2, "usage: agent_client SOCKET say|hesitate|become|garbage|silent "
			"ARGUMENT...");
	if (strcmp(argv[2], "say") == 0 || strcmp(argv[2], "hesitate") == 0) {
		ask(argv[1], argv[3], strlen(argv[3]),
		    strcmp(argv[2], "hesitate") == 0 ? HESITATION : 0, answer);
		return puts(answer) < 0 || fflush(stdout) != 0;
	}
	if (strcmp(argv[2], "become") == 0)
		become(argv[1], argv + 3);
	if (number_read(argv[3], INT_MAX, &count) != strlen(argv[3]) || count == 0)
		errx(2, "'%s' is no count", argv[3]);
	if (strcmp(argv[2], "garbage") == 0)
		garbage_send(argv[1], count);
	else if (strcmp(argv[2], "silent") == 0)
		hold_silent(argv[1], count);
	else
		errx(2, "'%s' is no way to behave", argv[2]);
	return 0;
}
