#include "privileges.h"

#include <cap-ng.h>
#include <errno.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { KEPT = CAP_SYS_PTRACE };

/* Whether this process has, and can ever have, what is kept and nothing else. */
static bool is_dropped(void)
{
	static const capng_type_t sets[] = {CAPNG_EFFECTIVE, CAPNG_PERMITTED, CAPNG_BOUNDING_SET};

	if (capng_get_caps_process() < 0)
		return false;
	for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
		for (unsigned int capability = 0; capability <= CAP_LAST_CAP; capability++) {
			if (capng_have_capability(sets[i], capability) != (capability == KEPT))
				return false;
		}
	}
	return true;
}

int privileges_drop(struct error *error)
{
	capng_select_t sets = CAPNG_SELECT_CAPS;

	if (capng_get_caps_process() < 0 || !capng_have_capability(CAPNG_EFFECTIVE, KEPT) ||
	    geteuid() != 0)
		return error_set(error, -EPERM,
				 "the agent must be started as root, with CAP_SYS_PTRACE");
	/* systemd has cut the bounding set already, and with it what would cut it. */
	if (capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP))
		sets = CAPNG_SELECT_BOTH;
	capng_clear(CAPNG_SELECT_BOTH);
	if (capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED | CAPNG_BOUNDING_SET, KEPT) <
		0 ||
	    capng_apply(sets) < 0 || !is_dropped())
		return error_set(error, -EPERM, "the capabilities cannot be dropped");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return error_set(error, -errno, "no_new_privs: %s", strerror(errno));
	return 0;
}
