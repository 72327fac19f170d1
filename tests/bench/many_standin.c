/*
 * Stands in for an emulator of which there are to be thousands: "NAME PID POLICY", what it was
 * started as and the memory policy that it has got, is all that it says; then it and its threads
 * (of QEMU's names) sleep until they are ended.
 *
 * As "many_client" it bears the shim's mark and stays what the agent serves: "ready" is what it
 * says first; when it may read a byte from descriptor 3 it asks the agent at the path in
 * MANY_SOCKET to place it, and says what it was answered.
 */
#include "agent.h"
#include "marker_note.h"

#include <err.h>
#include <linux/mempolicy.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#define STRINGIFY(x) #x
#define STRING_OF(x) STRINGIFY(x)

#ifdef MANY_CLIENT
__asm__(".pushsection .note.qemu-kvm-shim, \"a\", %note\n"
	".balign 4\n"
	".long 2f - 1f, 4f - 3f, " STRING_OF(MARKER_TYPE) "\n"
							  "1: .asciz \"" MARKER_NAME "\"\n"
							  "2: .balign 4\n"
							  "3: .asciz \"bench\"\n"
							  "4: .balign 4\n"
							  ".popsection\n");
enum { IS_CLIENT = true };
#else
enum { IS_CLIENT = false };
#endif

enum { GO = 3, NODE_WORDS = 16, STACK_SIZE = 16 * 1024, LINE_SIZE = 1024 };

/* One write(2), for many say so over one pipe. */
static void say(const char *guest, const char *what)
{
	char line[LINE_SIZE];
	int length = snprintf(line, sizeof(line), "%s %d %s\n", guest, getpid(), what);

	if (length < 0 || (size_t)length >= sizeof(line) ||
	    write(STDOUT_FILENO, line, (size_t)length) != length)
		errx(1, "%s cannot say what it has", guest);
}

/* As numactl(8) would have it: "bind:0,2". */
static void policy_format(char *text, size_t size)
{
	static const char *const modes[] = {
	    [MPOL_DEFAULT] = "default",
	    [MPOL_PREFERRED] = "preferred",
	    [MPOL_BIND] = "bind",
	    [MPOL_INTERLEAVE] = "interleave",
	};
	unsigned long nodes[NODE_WORDS] = {0};
	unsigned int bits = 8 * sizeof(nodes[0]);
	const char *between = ":";
	size_t used;
	int mode;

	if (syscall(SYS_get_mempolicy, &mode, nodes, (unsigned long)NODE_WORDS * bits, NULL, 0UL) <
		0 ||
	    mode < 0 || (size_t)mode >= sizeof(modes) / sizeof(modes[0]))
		errx(1, "the memory policy is not understood");
	used = (size_t)snprintf(text, size, "%s", modes[mode]);
	for (unsigned int node = 0; node < NODE_WORDS * bits && used < size; node++) {
		if ((nodes[node / bits] >> node % bits & 1) == 0)
			continue;
		used += (size_t)snprintf(text + used, size - used, "%s%u", between, node);
		between = ",";
	}
}

static void *thread_sleep(void *name)
{
	(void)pthread_setname_np(pthread_self(), name);
	for (;;)
		pause();
	return NULL;
}

static void threads_start(void)
{
	static char names[][16] = {"CPU 0/KVM", "worker"};
	pthread_attr_t attributes;
	pthread_t thread;

	if (pthread_attr_init(&attributes) != 0 ||
	    pthread_attr_setstacksize(&attributes, STACK_SIZE) != 0)
		errx(1, "no thread");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (pthread_create(&thread, &attributes, thread_sleep, names[i]) != 0)
			errx(1, "no thread");
	}
}

/* Asks as a shim does. What it takes to end would be counted, too: that is left for later. */
static void ask(const char *guest, const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	char answer[LINE_SIZE / 2];
	int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	ssize_t length;
	char go;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || path == NULL || fd < 0 ||
	    strlen(path) >= sizeof(address.sun_path))
		errx(1, "no socket");
	strcpy(address.sun_path, path);
	say(guest, "ready");
	if (read(GO, &go, 1) != 1)
		exit(1);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    send(fd, AGENT_REQUEST, strlen(AGENT_REQUEST), MSG_NOSIGNAL) < 0)
		err(1, "%s", path);
	length = recv(fd, answer, sizeof(answer) - 1, 0);
	answer[length > 0 ? length : 0] = '\0';
	say(guest, length > 0 ? answer : "has no answer");
	for (;;)
		pause();
}

int main(int argc, char *argv[])
{
	static const char prefix[] = "guest=";
	char policy[LINE_SIZE / 2];
	const char *guest = NULL;

	for (int i = 1; i + 1 < argc; i++) {
		if (strcmp(argv[i], "-name") == 0 &&
		    strncmp(argv[i + 1], prefix, strlen(prefix)) == 0)
			guest = argv[i + 1] + strlen(prefix);
	}
	if (guest == NULL)
		errx(2, "it takes -name guest=NAME");
	if (IS_CLIENT)
		ask(guest, getenv("MANY_SOCKET"));
	threads_start();
	policy_format(policy, sizeof(policy));
	say(guest, policy);
	for (;;)
		pause();
}
