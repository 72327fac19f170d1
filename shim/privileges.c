#include "privileges.h"

#include <cap-ng.h>
#include <errno.h>
#include <string.h>
#include <sys/prctl.h>

static bool is_kept(unsigned int capability)
{
	return capability == CAP_SYS_PTRACE || capability == CAP_SYS_NICE;
}

/* Whether this process has, and can ever have, what is kept and nothing else. */
static bool is_dropped(void)
{
	static const capng_type_t sets[] = {CAPNG_EFFECTIVE, CAPNG_PERMITTED, CAPNG_BOUNDING_SET};

	if (capng_get_caps_process() < 0)
		return false;
	for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
		for (unsigned int capability = 0; capability <= CAP_LAST_CAP; capability++) {
			if (capng_have_capability(sets[i], capability) != is_kept(capability))
				return false;
		}
	}
	return true;
}

/* Both can be done only while there is CAP_SETPCAP: the bounding set first. */
static bool drop(void)
{
	capng_clear(CAPNG_SELECT_BOTH);
	return capng_updatev(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED | CAPNG_BOUNDING_SET,
			     CAP_SYS_PTRACE, CAP_SYS_NICE, -1) == 0 &&
	       capng_apply(CAPNG_SELECT_BOTH) == 0;
}

int privileges_drop(struct error *error)
{
	if (capng_get_caps_process() < 0 ||
	    !capng_have_capability(CAPNG_EFFECTIVE, CAP_SYS_PTRACE) ||
	    !capng_have_capability(CAPNG_EFFECTIVE, CAP_SYS_NICE))
		return error_set(error, -EPERM,
				 "the agent must be given CAP_SYS_PTRACE and CAP_SYS_NICE");
	/* systemd may have done it already, and does not let it be done again. */
	if (!is_dropped() && !(drop() && is_dropped()))
		return error_set(error, -EPERM, "the capabilities cannot be dropped");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return error_set(error, -errno, "no_new_privs: %s", strerror(errno));
	return 0;
}
