/* Memory that is moved: by the kernel where it can be asked, by its answers on a host with
 * several nodes where this one has one. */
#include "guest_made.h"
#include "guest_move.h"
#include "process.h"
#include "tree.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static struct guest_made made;
static struct error error;
static pid_t guest;

/* What the kernel answers when memory is to be moved to these nodes; NULL: ask it. */
static long (*kernel)(const struct id_set *to);

/* Goes before that of the C library, for all of this program. What is asked is written to the
 * file "asked": it is a child that asks. */
long syscall(long number, ...)
{
	static long (*real)(long, ...);
	long argument[6];
	va_list arguments;

	va_start(arguments, number);
	for (int i = 0; i < 6; i++)
		argument[i] = va_arg(arguments, long);
	va_end(arguments);
	if (number == SYS_migrate_pages && kernel != NULL) {
		const struct id_set *from = (const struct id_set *)argument[2];
		const struct id_set *to = (const struct id_set *)argument[3];
		char text[2][ID_SET_TEXT_SIZE];
		long answer = kernel(to);
		int fd = open("asked", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);

		dprintf(fd, "%s>%s ", id_set_format(from, text[0], sizeof(text[0])),
			id_set_format(to, text[1], sizeof(text[1])));
		close(fd);
		if (answer >= 0)
			return answer;
		errno = (int)-answer;
		return -1;
	}
	if (real == NULL)
		*(void **)&real = dlsym(RTLD_NEXT, "syscall");
	return real(number, argument[0], argument[1], argument[2], argument[3], argument[4],
		    argument[5]);
}

/* A process that runs is the guest; its memory is on nodes 2 and 3. */
static int start(void **state)
{
	struct process_stat stat;
	char path[32];
	int fd;

	error = (struct error){0};
	kernel = NULL;
	if (enter_directory(state) < 0)
		return -1;
	guest = fork();
	if (guest == 0) {
		pause();
		_exit(0);
	}
	snprintf(path, sizeof(path), "/proc/%d", (int)guest);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || process_stat_read(fd, &stat) < 0)
		return -1;
	close(fd);
	made_new(&made);
	made.state.pid = guest;
	strcpy(made.state.started, stat.started);
	made_pages(&made, 2, 100, 0);
	made_pages(&made, 3, 100, 0);
	return 0;
}

static int end(void **state)
{
	if (guest > 0) {
		kill(guest, SIGKILL);
		waitpid(guest, NULL, 0);
	}
	return leave_directory(state);
}

static void ended_guests_are_left_alone(void **state)
{
	(void)state;
	made_wants_memory(&made, MEMORY_BIND, "0");
	strcpy(made.state.started, "1"); /* the number is another's by now */
	assert_int_equal(guest_memory_move(&made.state, &error), -ESRCH);
	assert_string_equal(error.text, "its process has ended");
}

/* The kernel itself, which has no such node (migrate_pages(2)), and for which there is nothing
 * to be done where all is on the rule's nodes. */
static void the_kernel_is_asked(void **state)
{
	(void)state;
	made_wants_memory(&made, MEMORY_BIND, "1023");
	assert_true(guest_memory_move(&made.state, &error) < 0);
	assert_non_null(strstr(error.text, "its memory cannot be moved: "));
	made_wants_memory(&made, MEMORY_BIND, "0,2-3");
	assert_int_equal(guest_memory_move(&made.state, &error), 0);
}

static long does_it(const struct id_set *to)
{
	(void)to;
	return 0;
}

/* So many pages a device has its hands on. */
static long leaves_some(const struct id_set *to)
{
	(void)to;
	return 7;
}

/* Of the nodes 0, 1 and 4 the last alone has room. */
static long has_room_on_4(const struct id_set *to)
{
	return id_set_count(to) == 1 && id_set_has(to, 4) ? 0 : -ENOMEM;
}

static long has_no_room(const struct id_set *to)
{
	(void)to;
	return -ENOMEM;
}

static long is_forbidden(const struct id_set *to)
{
	(void)to;
	return -EPERM;
}

/* Longer than it takes until the caller looks how far it is. */
static long takes_its_time(const struct id_set *to)
{
	(void)to;
	usleep(300000);
	return 0;
}

static int moved(long (*answer)(const struct id_set *to), const char *nodes)
{
	int result;

	(void)unlink("asked");
	kernel = answer;
	made_wants_memory(&made, MEMORY_BIND, nodes);
	result = guest_memory_move(&made.state, &error);
	kernel = NULL;
	return result;
}

static void all_that_is_elsewhere_is_moved_at_once(void **state)
{
	(void)state;
	assert_int_equal(moved(does_it, "0"), 0);
	assert_string_equal(text_of("asked"), "2-3>0 ");
	assert_int_equal(moved(does_it, "0,3"), 0);
	assert_string_equal(text_of("asked"), "2>0,3 ");
}

static void a_move_that_takes_long_is_waited_for(void **state)
{
	(void)state;
	assert_int_equal(moved(takes_its_time, "0"), 0);
	assert_string_equal(text_of("asked"), "2-3>0 ");
}

/* What is left is offered to each of the nodes; what finds no place there stays, and is no error.
 */
static void pages_that_stay_are_tried_on_each_node(void **state)
{
	(void)state;
	assert_int_equal(moved(leaves_some, "0-1"), 0);
	assert_string_equal(text_of("asked"), "2-3>0-1 2-3>0 2-3>1 ");
	assert_int_equal(moved(leaves_some, "1"), 0);
	assert_string_equal(text_of("asked"), "2-3>1 ");
}

static void a_node_without_room_is_followed_by_the_next(void **state)
{
	(void)state;
	assert_int_equal(moved(has_room_on_4, "0-1,4-5"), 0);
	assert_string_equal(text_of("asked"), "2-3>0-1,4-5 2-3>0 2-3>1 2-3>4 ");
}

static void too_little_room_is_told_with_the_nodes(void **state)
{
	(void)state;
	assert_int_equal(moved(has_no_room, "0-1"), -ENOMEM);
	assert_string_equal(error.text, "not all of its memory can be moved: node 0-1 has too "
					"little that is free");
	made.state.pages.huge_page = 2 << 20;
	assert_int_equal(moved(has_no_room, "0"), -ENOMEM);
	assert_string_equal(error.text, "not all of its memory can be moved: node 0 has too "
					"little that is free, perhaps of huge pages");
}

static void other_errors_end_it_at_once(void **state)
{
	(void)state;
	assert_int_equal(moved(is_forbidden, "0-1"), -EPERM);
	assert_string_equal(text_of("asked"), "2-3>0-1 ");
	assert_string_equal(error.text, "its memory cannot be moved: Operation not permitted");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(ended_guests_are_left_alone, start, end),
	    cmocka_unit_test_setup_teardown(the_kernel_is_asked, start, end),
	    cmocka_unit_test_setup_teardown(all_that_is_elsewhere_is_moved_at_once, start, end),
	    cmocka_unit_test_setup_teardown(a_move_that_takes_long_is_waited_for, start, end),
	    cmocka_unit_test_setup_teardown(pages_that_stay_are_tried_on_each_node, start, end),
	    cmocka_unit_test_setup_teardown(a_node_without_room_is_followed_by_the_next, start,
					    end),
	    cmocka_unit_test_setup_teardown(too_little_room_is_told_with_the_nodes, start, end),
	    cmocka_unit_test_setup_teardown(other_errors_end_it_at_once, start, end),
	};

	return RUN_TESTS(tests);
}
