#include "check.h"
#include "plan.h"

#include <stdio.h>
#include <sys/stat.h>

/* Reports a path that not all users can use; `bit` is S_IROTH or S_IXOTH. */
static void check_mode(struct check *check, const char *path, mode_t bit)
{
	char text[ERROR_TEXT_SIZE];
	struct stat status;
	bool group;

	if (stat(path, &status) < 0 || (status.st_mode & bit) != 0)
		return;
	group = status.st_gid != 0 && (status.st_mode & bit << 3) != 0;
	snprintf(text, sizeof(text),
		 group ? "%.800s: only group %u can read it: see to it that the user who runs "
			 "the emulators is in that group"
		       : "%.800s: the user who runs the emulators cannot read it (group %u, no "
			 "others): chmod o+rX it",
		 path, status.st_gid);
	check_tell(check, !group, text);
}

/*
 * libvirt starts the emulator as a user of its own, who must be able to read the
 * host's policy. (RPM packages of libvirt ship /etc/libvirt for root alone.)
 */
void check_readable(struct check *check, const struct policy_file *files)
{
	check_mode(check, SYSCONFDIR "/libvirt", S_IXOTH);
	check_mode(check, POLICY_PATH ".d", S_IROTH);
	check_mode(check, POLICY_PATH ".d", S_IXOTH);
	for (; files != NULL; files = files->next)
		check_mode(check, files->path, S_IROTH);
}
