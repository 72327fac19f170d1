/*
 * guest-pinningd, the agent: a small root service that does for a shim what takes
 * root. It believes nothing that a peer says; see peer.h.
 */
#include "agent.h"
#include "listener.h"
#include "log.h"
#include "plan.h"
#include "privileges.h"
#include "server.h"
#include "unix_socket.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { EXIT_USAGE = 2 };

struct settings {
	bool foreground;
	const char *socket; /* NULL: AGENT_SOCKET, or what systemd hands over */
	struct roots roots;
};

static const struct option options[] = {
    {"foreground", no_argument, NULL, 'f'},   {"socket", required_argument, NULL, 's'},
    {"policy", required_argument, NULL, 'p'}, {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'v'},      {0}};

static void print_help(FILE *stream)
{
	fputs("guest-pinningd, the agent: sets cpusets, interrupts and priorities for guests\n\n"
	      "  --foreground   stay, and log to stderr instead of syslog\n"
	      "  --socket PATH  listen there instead of at " AGENT_SOCKET "\n"
	      "  --policy FILE  instead of " POLICY_PATH "\n"
	      "  --help, --version\n\n"
	      "Exit status: 0 ended by a signal, 1 a problem, 2 wrong usage.\n",
	      stream);
}

/* In the background the working directory is another. */
static bool is_absolute(const char *path)
{
	return path != NULL && *path == '/';
}

/* The directory of a path that is absolute: what the agent writes down is beside its socket. */
static const char *directory_of(const char *path)
{
	static char directory[PATH_MAX];

	snprintf(directory, sizeof(directory), "%.*s", (int)(strrchr(path, '/') - path), path);
	return directory;
}

/* Returns -1, or the status to end with. */
static int options_read(int argc, char *argv[], struct settings *settings)
{
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'f':
			settings->foreground = true;
			break;
		case 's':
			settings->socket = optarg;
			break;
		case 'p':
			settings->roots.policy = optarg;
			break;
		case 'h':
			print_help(stdout);
			return fflush(stdout) != 0;
		case 'v':
			return puts("guest-pinningd " VERSION) < 0 || fflush(stdout) != 0;
		default:
			return EXIT_USAGE;
		}
	}
	if ((settings->socket != NULL && !is_absolute(settings->socket)) ||
	    !is_absolute(settings->roots.policy)) {
		log_line("--socket and --policy take a path from / on");
		return EXIT_USAGE;
	}
	if (settings->socket != NULL)
		settings->roots.state = directory_of(settings->socket);
	if (optind == argc)
		return -1;
	log_line("unexpected argument '%s': see guest-pinningd --help", argv[optind]);
	return EXIT_USAGE;
}

/* Tells systemd that the agent listens (sd_notify(3), "Standalone implementations"). */
static void ready_tell(void)
{
	static const char message[] = "READY=1";
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address;
	int fd;

	if (path == NULL || unix_socket_address(path, &address) < 0)
		return;
	if (*path == '@')
		address.sun_path[0] = '\0'; /* an abstract one (unix(7)) */
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 ||
	    sendto(fd, message, strlen(message), MSG_NOSIGNAL, (struct sockaddr *)&address,
		   (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path))) < 0)
		log_line("systemd cannot be told that the agent is ready: %s", strerror(errno));
	if (fd >= 0)
		close(fd);
}

/*
 * What ends the agent waits until it serves: before, it would leave the socket that it has
 * made.
 */
static void signals_hold(void)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	(void)sigprocmask(SIG_BLOCK, &signals, NULL);
}

/* The socket, by whom it is to be had. *made: here, and so removed here. */
static int listener_find(const struct settings *settings, const char **made, struct error *error)
{
	const char *path = settings->socket != NULL ? settings->socket : AGENT_SOCKET;
	int fd = listener_inherited(error);

	if (fd >= 0 && settings->socket != NULL)
		return error_set(error, -EINVAL, "systemd hands over a socket: no --socket then");
	if (fd != -ENOENT)
		return fd;
	fd = listener_make(path, error);
	if (fd >= 0)
		*made = path;
	return fd;
}

static int serve(const struct settings *settings, int listener, struct error *error)
{
	int result = privileges_drop(error);

	if (result < 0)
		return result;
	if (!settings->foreground) {
		if (daemon(0, 0) < 0)
			return error_set(error, -errno, "no way to the background: %s",
					 strerror(errno));
		log_to_syslog();
	}
	ready_tell();
	return server_run(listener, &settings->roots, error);
}

int main(int argc, char *argv[])
{
	struct settings settings = {.roots = {.proc = "/proc",
					      .sys = "/sys",
					      .run = RUNSTATEDIR,
					      .state = AGENT_DIRECTORY,
					      .libvirt = RUNSTATEDIR "/libvirt/qemu",
					      .policy = POLICY_PATH}};
	struct error error = {0};
	const char *made = NULL;
	int listener;
	int result;

	log_program("guest-pinningd");
	result = options_read(argc, argv, &settings);
	if (result >= 0)
		return result;
	if (geteuid() != 0) {
		log_line("the agent must be started as root");
		return EXIT_FAILURE;
	}
	signals_hold();
	result = listener = listener_find(&settings, &made, &error);
	if (result >= 0)
		result = serve(&settings, listener, &error);
	if (made != NULL)
		(void)unlink(made);
	if (result < 0)
		log_line("%s", error.text);
	return result < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
