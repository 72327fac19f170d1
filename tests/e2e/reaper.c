/*
 * Starts a daemon and reaps what it leaves behind, until nothing of it is left.
 *
 *	usage: reaper PROGRAM [ARGUMENT...]
 *
 * libvirt takes a guest for alive as long as its emulator has a number (it asks by
 * kill(2) with signal 0), so a zombie too: virsh destroy waits for it, and an emulator
 * that ends at once has its last words shown only if it is reaped by then
 * (qemuProcessWaitForMonitor). systemd reaps at once; the first process of a container
 * may take seconds.
 */
#include <err.h>
#include <errno.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char *argv[])
{
	pid_t pid;

	if (argc < 2)
		errx(2, "usage: reaper PROGRAM [ARGUMENT...]");
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		err(1, "PR_SET_CHILD_SUBREAPER");
	pid = fork();
	if (pid < 0)
		err(1, "fork");
	if (pid == 0) {
		execvp(argv[1], argv + 1);
		err(127, "%s", argv[1]);
	}
	while (wait(NULL) > 0 || errno == EINTR)
		;
	return 0;
}
