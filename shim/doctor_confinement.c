/* AppArmor and SELinux, which confine guests: whether these may still become an emulator. */
#include "doctor.h"
#include "error.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

static const char line_wanted[] = "include if exists <abstractions/guest-pinning>";

/* Whether a file has a line, whatever stands before and behind it. Returns 1, 0 or -errno. */
static int file_has_line(const char *path, const char *wanted)
{
	char *line = NULL;
	size_t size = 0;
	int result = 0;
	FILE *file = fopen(path, "re");

	if (file == NULL)
		return errno == ENOENT ? 0 : -errno;
	while (result == 0 && (errno = 0, getline(&line, &size, file)) > 0) {
		char *text = line + strspn(line, " \t");

		text[strcspn(text, "\r\n")] = '\0';
		result = strncmp(text, wanted, strlen(wanted)) == 0 &&
			 strspn(text + strlen(wanted), " \t,") == strlen(text + strlen(wanted));
	}
	if (result == 0 && ferror(file))
		result = errno != 0 ? -errno : -EIO;
	free(line);
	fclose(file);
	return result;
}

/* Returns 1, 0 or -errno. */
static int is_there(const char *path)
{
	if (access(path, F_OK) == 0)
		return 1;
	return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
}

static void rules_look(const struct doctor *doctor, struct finding *finding)
{
	char libvirt[PATH_MAX];
	char rules[PATH_MAX];
	char local[PATH_MAX];
	int confined;
	int there;
	int included;

	snprintf(libvirt, sizeof(libvirt), "%s/abstractions/libvirt-qemu", doctor->apparmor);
	snprintf(rules, sizeof(rules), "%s/abstractions/guest-pinning", doctor->apparmor);
	snprintf(local, sizeof(local), "%s/local/abstractions/libvirt-qemu", doctor->apparmor);
	confined = is_there(libvirt);
	there = is_there(rules);
	included = file_has_line(local, line_wanted);
	if (confined < 0 || there < 0 || included < 0) {
		finding_is(finding, SEVERITY_UNKNOWN, "%s cannot be read: %s",
			   confined < 0 ? libvirt
			   : there < 0  ? rules
					: local,
			   strerror(-(confined < 0 ? confined
				      : there < 0  ? there
						   : included)));
		return;
	}
	if (confined == 0) {
		finding_is(finding, SEVERITY_SKIPPED, "libvirt's profile is not there: %s",
			   libvirt);
		return;
	}
	snprintf(finding->present, sizeof(finding->present), "%s",
		 there == 0      ? "no rules"
		 : included == 0 ? "rules that are not included"
				 : "rules in place");
	if (there > 0 && included > 0)
		return;
	snprintf(finding->wanted, sizeof(finding->wanted), "rules in place");
	if (there == 0)
		text_add(finding->command, sizeof(finding->command),
			 "make install, in the sources of this version%s",
			 included == 0 ? "\n" : "");
	if (included == 0)
		text_add(finding->command, sizeof(finding->command), "echo '%s' >>%s", line_wanted,
			 local);
	finding_is(finding, SEVERITY_BAD,
		   "AppArmor confines libvirt's guests, who may then neither execute the real "
		   "emulator behind the shim nor read the policy: they do not start");
}

static void apparmor_look(const struct doctor *doctor, struct finding *finding)
{
	char enabled[16];

	if (!finding_read(finding, doctor->roots.sys, "module/apparmor/parameters/enabled", enabled,
			  sizeof(enabled)))
		return;
	if (strcmp(enabled, "Y") == 0)
		rules_look(doctor, finding);
	else if (strcmp(enabled, "N") == 0)
		finding_is(finding, SEVERITY_SKIPPED, "AppArmor is not enabled");
	else
		finding_is(finding, SEVERITY_UNKNOWN,
			   "whether AppArmor is enabled cannot be told: '%s'", enabled);
}

/*
 * Where SELinux enforces, what our module is there for shows in the policy's label: that it is
 * loaded, since the kernel shows no label that it does not know, and that the files have theirs.
 */
static void selinux_look(const struct doctor *doctor, struct finding *finding)
{
	static const char wanted[] = ":guest_pinning_conf_t:";
	char policy[PATH_MAX];
	char label[256] = "";
	uint64_t enforce;

	if (!finding_read_number(finding, doctor->roots.sys, "fs/selinux/enforce", &enforce))
		return;
	snprintf(finding->present, sizeof(finding->present), "%s",
		 enforce == 0 ? "permissive" : "enforcing");
	if (enforce == 0)
		return;
	snprintf(policy, sizeof(policy), "%s/libvirt/guest-pinning.conf", doctor->etc);
	if (getxattr(policy, "security.selinux", label, sizeof(label) - 1) < 0) {
		if (errno == ENOENT) {
			finding_is(
			    finding, SEVERITY_UNKNOWN,
			    "there is no policy, whose label would tell whether our rules are "
			    "there: %s",
			    policy);
			return;
		}
		*label = '\0';
	}
	if (strstr(label, wanted) != NULL) {
		text_add(finding->present, sizeof(finding->present), ", with our rules");
		return;
	}
	snprintf(finding->wanted, sizeof(finding->wanted), "enforcing, with our rules");
	snprintf(
	    finding->command, sizeof(finding->command),
	    "make selinux && semodule -i build/selinux/guest_pinning.pp, in the sources of this "
	    "version\nrestorecon -R /usr %s/libvirt",
	    doctor->etc);
	finding_is(
	    finding, SEVERITY_BAD,
	    "SELinux confines libvirt's guests, and %s is labelled %s: without our module, or "
	    "without its labels, they cannot read the policy nor reach the agent, and start "
	    "unplaced",
	    policy, *label == '\0' ? "not at all" : label);
}

void doctor_confinement(const struct doctor *doctor, struct findings *findings)
{
	static const struct check checks[] = {
	    {"AppArmor", apparmor_look},
	    {"SELinux", selinux_look},
	};

	checks_run(checks, sizeof(checks) / sizeof(checks[0]), "placement", doctor, findings);
}
