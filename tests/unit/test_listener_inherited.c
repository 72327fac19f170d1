#include "listener.h"
#include "tree.h"
#include "unix_socket.h"

#include <fcntl.h>
#include <sys/wait.h>

enum { FIRST = 3 /* SD_LISTEN_FDS_START */ };

static struct error error;

static int start(void **state)
{
	error = (struct error){0};
	return enter_directory(state);
}

/* What systemd hands over, in a child's environment; and what it came to, in the file "result". */
struct handed {
	bool for_another;
	const char *count; /* NULL: LISTEN_FDS is not set */
	int domain;
	int type;
	bool listens;
	const char *result;
};

/* Whether the descriptor is as the agent is to have it, and nobody else gets it. */
static bool is_taken(int fd)
{
	return fd == FIRST && (fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0 &&
	       (fcntl(fd, F_GETFL) & O_NONBLOCK) != 0 && getenv("LISTEN_PID") == NULL &&
	       getenv("LISTEN_FDS") == NULL && getenv("LISTEN_FDNAMES") == NULL;
}

static int child(const struct handed *handed)
{
	struct sockaddr_un address;
	char number[16];
	int fd = socket(handed->domain, handed->type, 0);
	int result;

	if (handed->listens &&
	    (unix_socket_address("socket", &address) < 0 ||
	     bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 1) < 0))
		return EXIT_FAILURE;
	if (fd != FIRST && (dup2(fd, FIRST) < 0 || close(fd) < 0))
		return EXIT_FAILURE;
	snprintf(number, sizeof(number), "%d", (int)getpid() + (handed->for_another ? 1 : 0));
	setenv("LISTEN_PID", number, 1);
	setenv("LISTEN_FDNAMES", "guest-pinningd.socket", 1);
	if (handed->count != NULL)
		setenv("LISTEN_FDS", handed->count, 1);
	result = listener_inherited(&error);
	make_file("result", is_taken(result)                    ? "taken"
			    : result == -ENOENT                 ? "none"
			    : result < 0 && *error.text != '\0' ? error.text
								: "?");
	return EXIT_SUCCESS;
}

#define NOT_ONE \
	"systemd must hand over one socket: ListenSequentialPacket= in guest-pinningd.socket"

static void what_systemd_hands_over_is_taken_if_it_is_the_one_socket(void **state)
{
	static const struct handed cases[] = {
	    {false, "1", AF_UNIX, SOCK_SEQPACKET, true, "taken"},
	    {true, "1", AF_UNIX, SOCK_SEQPACKET, true, "none"},
	    {false, "2", AF_UNIX, SOCK_SEQPACKET, true, NOT_ONE},
	    {false, "1x", AF_UNIX, SOCK_SEQPACKET, true, NOT_ONE},
	    {false, NULL, AF_UNIX, SOCK_SEQPACKET, true, NOT_ONE},
	    {false, "1", AF_UNIX, SOCK_STREAM, true, NOT_ONE},
	    {false, "1", AF_UNIX, SOCK_SEQPACKET, false, NOT_ONE},
	    {false, "1", AF_INET, SOCK_STREAM, false, NOT_ONE},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		pid_t pid = fork();
		int status;

		if (pid == 0)
			_exit(child(&cases[i]));
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
		assert_string_equal(text_of("result"), cases[i].result);
		(void)unlink("socket");
	}
}

static void without_systemd_there_is_none(void **state)
{
	(void)state;
	unsetenv("LISTEN_PID");
	assert_int_equal(listener_inherited(&error), -ENOENT);
	assert_string_equal(error.text, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
		what_systemd_hands_over_is_taken_if_it_is_the_one_socket, start, leave_directory),
	    cmocka_unit_test_setup_teardown(without_systemd_there_is_none, start, leave_directory),
	};

	return RUN_TESTS(tests);
}
