/*
 * usage: listener MILLISECONDS PROGRAM [ARGUMENT...]
 *
 * As libvirt does with an emulator's monitor: listens on a Unix socket, starts
 * the program with that socket and connects after the given time; never, for -1.
 * Ends with the program's exit status, and prints how many milliseconds it ran; with 101, if the
 * connection broke while the program, ended or not, still had its number.
 */
#include "number.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void die(const char *what)
{
	perror(what);
	exit(100);
}

static long long now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000LL + time.tv_nsec / 1000000;
}

/* Returns the client's process, which ends with 0 where `program` is gone when it should be. */
static pid_t client_start(const struct sockaddr_un *address, socklen_t size, unsigned int delay,
			  pid_t program)
{
	pid_t pid = fork();
	char byte;

	if (pid < 0)
		die("fork");
	if (pid > 0)
		return pid;
	usleep(delay * 1000);

	int client = socket(AF_UNIX, SOCK_STREAM, 0);

	if (client < 0 || connect(client, (const struct sockaddr *)address, size) < 0)
		die("connect");
	(void)!read(client, &byte, 1);
	exit(kill(program, 0) < 0 && errno == ESRCH ? 0 : 1);
}

int main(int argc, char *argv[])
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	socklen_t size = sizeof(sa_family_t); /* the kernel finds a name: unix(7), autobind */
	int listener = socket(AF_UNIX, SOCK_STREAM, 0);
	long long begin = now();
	unsigned int delay;
	int status;
	int client_status;
	pid_t client = -1;
	pid_t pid;
	siginfo_t end;

	if (argc < 3)
		return 100;
	if (listener < 0 || bind(listener, (struct sockaddr *)&address, size) < 0 ||
	    listen(listener, 1) < 0)
		die("listen");
	size = sizeof(address);
	if (getsockname(listener, (struct sockaddr *)&address, &size) < 0)
		die("getsockname");
	pid = fork();
	if (pid < 0)
		die("fork");
	if (pid == 0) {
		execv(argv[2], argv + 2);
		die(argv[2]);
	}
	close(listener);
	if (strcmp(argv[1], "-1") != 0) {
		if (number_read(argv[1], INT_MAX / 1000, &delay) != strlen(argv[1]))
			return 100;
		client = client_start(&address, size, delay, pid);
	}
	if (waitid(P_PID, (id_t)pid, &end, WEXITED | WNOWAIT) < 0)
		die("waitid");
	printf("%lld\n", now() - begin);
	usleep(100 * 1000); /* an init that has much to do */
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		die("waitpid");
	if (client > 0 && (waitpid(client, &client_status, 0) != client || client_status != 0))
		return 101;
	return WEXITSTATUS(status);
}
