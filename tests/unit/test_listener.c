#include "listener.h"
#include "tree.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/wait.h>

static char path[PATH_MAX + 64];

/*
 * What a process of its own, which then ends, and its lock with it, is told as it makes the
 * socket; "" where it could.
 */
static const char *told(void)
{
	static struct error error;
	ssize_t length;
	pid_t pid;
	int to[2];

	assert_int_equal(pipe2(to, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		error = (struct error){0};
		(void)listener_make(path, &error);
		_exit(write(to[1], error.text, strlen(error.text)) < 0);
	}
	close(to[1]);
	length = read(to[0], error.text, sizeof(error.text) - 1);
	close(to[0]);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_true(length >= 0);
	error.text[length] = '\0';
	return error.text;
}

static void check_refused(const char *reason)
{
	const char *text = told();

	if (strstr(text, reason) == NULL)
		fail_msg("'%s' is not in: %s", reason, text);
}

/* What comes last is the group, which not all may give. */
static void check_made(void)
{
	const char *text = told();

	if (*text != '\0' && strstr(text, "the group ") == NULL &&
	    strstr(text, "there is no group") == NULL)
		fail_msg("refused: %s", text);
	assert_int_equal(access(path, F_OK), 0);
}

/* Each directory on the way counts. */
static int start(void **state)
{
	if (setenv("TMPDIR", "/tmp", 1) < 0 || enter_directory(state) < 0)
		return -1;
	snprintf(path, sizeof(path), "%s/run/agent.sock", directory);
	return mkdir("run", 0755);
}

static void a_directory_that_others_may_write_is_refused(void **state)
{
	static const mode_t modes[] = {0775, 0757, 0777, 01777};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(modes); i++) {
		assert_int_equal(chmod("run", modes[i]), 0);
		check_refused("may be written by others");
	}
	assert_int_equal(chmod("run", 0755), 0);
	assert_int_equal(chmod(".", 0777), 0);
	check_refused("may be written by others");
	assert_int_equal(chmod(".", 0755), 0);
	assert_int_equal(access("run/agent.sock", F_OK), -1);
	assert_int_equal(access("run/agent.lock", F_OK), -1);
}

/* As /var/run is one. */
static void a_link_to_the_directory_is_followed(void **state)
{
	(void)state;
	assert_int_equal(rename("run", "real"), 0);
	assert_int_equal(symlink("real", "run"), 0);
	check_made();
	assert_int_equal(chmod("real", 0777), 0);
	check_refused("may be written by others");
}

/* Or no guest would come to the socket. */
static void whatever_the_umask_all_may_come_to_the_socket(void **state)
{
	mode_t before = umask(077);
	struct stat stat_of;

	(void)state;
	assert_int_equal(rmdir("run"), 0);
	check_made();
	(void)umask(before);
	assert_int_equal(stat("run", &stat_of), 0);
	assert_int_equal(stat_of.st_mode & 07777, 0755);
	/* One that is there already is as whoever made it wants it. */
	assert_int_equal(chmod("run", 0700), 0);
	check_made();
	assert_int_equal(stat("run", &stat_of), 0);
	assert_int_equal(stat_of.st_mode & 07777, 0700);
}

/* Whoever may read the directory could have it. */
static void a_lock_on_the_directory_keeps_no_agent_away(void **state)
{
	struct stat stat_of;
	int held = open("run", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	(void)state;
	assert_true(held >= 0);
	assert_int_equal(flock(held, LOCK_EX | LOCK_NB), 0);
	check_made();
	close(held);
	assert_int_equal(stat("run/agent.lock", &stat_of), 0);
	assert_int_equal(stat_of.st_mode & 07777, 0600);
}

static void one_that_has_the_lock_keeps_the_next_away(void **state)
{
	int held = open("run/agent.lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	(void)state;
	assert_true(held >= 0);
	assert_int_equal(flock(held, LOCK_EX | LOCK_NB), 0);
	check_refused("another agent is running");
	close(held);
}

static void what_is_in_the_place_of_the_socket_or_the_lock_stays(void **state)
{
	(void)state;
	make_file("kept", "kept");
	make_link("../kept", "run/agent.lock");
	check_refused("agent.sock: ");
	assert_int_equal(unlink("run/agent.lock"), 0);
	make_link("../kept", "run/agent.sock");
	check_refused("it is there and is no socket");
	assert_int_equal(unlink("run/agent.sock"), 0);
	make_file("run/agent.sock", "kept");
	check_refused("it is there and is no socket");
	assert_string_equal(text_of("kept"), "kept");
	assert_string_equal(text_of("run/agent.sock"), "kept");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, leave_directory)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_directory_that_others_may_write_is_refused),
	    TEST(a_link_to_the_directory_is_followed),
	    TEST(whatever_the_umask_all_may_come_to_the_socket),
	    TEST(a_lock_on_the_directory_keeps_no_agent_away),
	    TEST(one_that_has_the_lock_keeps_the_next_away),
	    TEST(what_is_in_the_place_of_the_socket_or_the_lock_stays),
	};

	return RUN_TESTS(tests);
}
