#include "privileges.h"
#include "tree.h"

#include <linux/capability.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static struct error error;

#define NOT_GIVEN "the agent must be given CAP_SYS_PTRACE and CAP_SYS_NICE"
#define KEPT ((1U << CAP_SYS_PTRACE) | (1U << CAP_SYS_NICE))

/* The capabilities of this process, the first 32 of them and the others. */
static bool are(uint32_t first, uint32_t others)
{
	struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct data[2];

	return syscall(SYS_capget, &header, data) == 0 && data[0].effective == first &&
	       data[0].permitted == first && data[1].effective == others &&
	       data[1].permitted == others;
}

static bool set(uint32_t capabilities)
{
	struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct data[2] = {{capabilities, capabilities, 0}};

	return syscall(SYS_capset, &header, data) == 0;
}

static bool can_ever_have(int capability)
{
	return prctl(PR_CAPBSET_READ, capability, 0, 0, 0) == 1;
}

/* Who is not root has all capabilities in a user namespace of his own (user_namespaces(7)), if
 * the host lets him. */
static bool be_mighty(void)
{
	struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct data[2];

	if (geteuid() != 0)
		(void)unshare(CLONE_NEWUSER);
	return syscall(SYS_capget, &header, data) == 0 &&
	       (data[0].effective & (KEPT | 1U << CAP_SETPCAP)) == (KEPT | 1U << CAP_SETPCAP);
}

static bool is_refused(const char *text)
{
	return privileges_drop(&error) == -EPERM && strcmp(error.text, text) == 0;
}

/* Runs it in a process of its own, for nothing of it can be undone. Who has no powers at all is
 * refused, whatever was to be tried. */
static void in_child(bool (*what)(void))
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit((be_mighty() ? what() : is_refused(NOT_GIVEN)) ? 0 : 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static bool drops_all_but_two(void)
{
	return privileges_drop(&error) == 0 && are(KEPT, 0) && can_ever_have(CAP_SYS_PTRACE) &&
	       can_ever_have(CAP_SYS_NICE) && !can_ever_have(CAP_SYS_ADMIN) &&
	       !can_ever_have(CAP_SETPCAP) && prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1;
}

static void all_but_two_are_dropped_for_good(void **state)
{
	(void)state;
	in_child(drops_all_but_two);
}

/* As systemd does by CapabilityBoundingSet=: then there is no CAP_SETPCAP to do it by. */
static bool drops_again(void)
{
	return drops_all_but_two() && drops_all_but_two();
}

static void what_is_dropped_already_is_no_error(void **state)
{
	(void)state;
	in_child(drops_again);
}

static bool is_refused_without_both(void)
{
	return set(1U << CAP_SYS_NICE) && is_refused(NOT_GIVEN) && set(0) && is_refused(NOT_GIVEN);
}

static void without_what_is_kept_there_is_no_agent(void **state)
{
	(void)state;
	in_child(is_refused_without_both);
}

/* The bounding set holds more, and cannot be made smaller. */
static bool is_refused_if_it_keeps_more(void)
{
	return set(KEPT) && is_refused("the capabilities cannot be dropped");
}

static void what_cannot_be_dropped_is_an_error(void **state)
{
	(void)state;
	in_child(is_refused_if_it_keeps_more);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(all_but_two_are_dropped_for_good),
	    cmocka_unit_test(what_is_dropped_already_is_no_error),
	    cmocka_unit_test(without_what_is_kept_there_is_no_agent),
	    cmocka_unit_test(what_cannot_be_dropped_is_an_error),
	};

	return RUN_TESTS(tests);
}
