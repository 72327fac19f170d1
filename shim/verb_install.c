/* guest-pinning install and uninstall. */
#include "agent.h"
#include "install.h"
#include "log.h"
#include "marker.h"
#include "verbs.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#ifndef SHIM_PATH
#error "SHIM_PATH must be given, where make install puts the shim to be copied"
#endif

/* The shim that came with this tool: beside it where it was built, else where it is installed. */
static const char *shim_find(char *path, size_t size)
{
	static const char name[] = "qemu-kvm-shim";
	ssize_t length = readlink("/proc/self/exe", path, size - sizeof(name));

	if (length > 0) {
		path[length] = '\0';
		strcpy(strrchr(path, '/') + 1, name);
		if (marker_is_shim(path) > 0)
			return path;
	}
	return SHIM_PATH;
}

/* Reads the one argument, puts shim or emulator in its place, and tells what came of it. */
static int place(int argc, char *argv[], bool install)
{
	static const char *const told[][4] = {
	    {[INSTALL_DONE] = "the emulator is back",
	     [INSTALL_NOTHING] = "no shim was in its place",
	     [INSTALL_REMOVED] = "the shim is removed, and there is no emulator: reinstall its "
				 "package, if you need it"},
	    {[INSTALL_DONE] = "the shim is in place",
	     [INSTALL_REFRESHED] = "the shim was in place; it has a new ctime"},
	};
	char path[PATH_MAX];
	struct error error;
	int first = verb_options(argc, argv, (struct verb_option[]){{0}});
	int result;

	if (first < 0)
		return VERB_USAGE;
	if (argc - first != 1)
		return verb_usage(argv[0]);
	result = install ? install_emulator(argv[first], shim_find(path, sizeof(path)), &error)
			 : uninstall_emulator(argv[first], &error);
	if (result < 0) {
		log_line("%s", error.text);
		return VERB_PROBLEM;
	}
	printf("%s: %s\n", argv[first], told[install][result]);
	if (install && agent_is_there(AGENT_SOCKET) < 0)
		puts("The agent is not running, and without it libvirt cannot start a guest whose "
		     "rule\ngives it CPUs: systemctl enable --now guest-pinningd.socket");
	return verb_finish(VERB_FINE);
}

int verb_install(int argc, char *argv[])
{
	return place(argc, argv, true);
}

int verb_uninstall(int argc, char *argv[])
{
	return place(argc, argv, false);
}
