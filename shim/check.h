/* The parts of guest-pinning check: a policy is read rule by rule, then looked at as a whole. */
#ifndef SHIM_CHECK_H
#define SHIM_CHECK_H

#include "policy.h"
#include "problem.h"
#include "shadow.h"
#include "topology.h"
#include "topology_check.h"
#include "virsh.h"

/* What is kept of a rule until the policy has been read. */
struct check_kept {
	char *line; /* as it is in the file, `length` bytes */
	size_t length;
	size_t glob; /* where in the line that word is, and NODES */
	size_t nodes;
	uint64_t memory; /* bytes, to which its guests are bound; 0: to none, or it is not known */
};

struct check {
	const char *topology_path; /* NULL: this host's */
	struct topology topology;  /* read beforehand, or of this host when it is needed */
	int topology_state;        /* 0: not read yet; 1: read; -1: cannot be read */

	bool installed; /* it is the host's policy, not a file to become one */
	struct problems problems;
	size_t rules;

	/* Of the policy that is read: the rules with a glob, in its order. */
	struct shadow *globs;
	struct check_kept *kept;
	size_t glob_count;
	size_t glob_room;

	bool guests_asked; /* libvirt has been asked for them */
	bool guests_known;
	struct virsh_guests guests;
};

/* The topology of the host that the policy is for; NULL: there is none. */
const struct topology *check_topology(struct check *check);

/* Checks one policy. Returns 0 or -ENOMEM. */
int check_policy(struct check *check, const char *path, uid_t owner);

/* Reports a problem that is of no line. */
void check_tell(struct check *check, bool error, const char *text);

/*
 * Reports what is found of the kept rule `index`, on its line; of `finding` the word is not
 * looked at, for the one that begins at `at` is meant.
 */
void check_tell_kept(struct check *check, size_t index, size_t at, const struct finding *finding);

/* Checks a rule, and keeps it. `insecure`: others may have written the file. Returns 0 or -ENOMEM.
 */
int check_rule(struct check *check, struct policy_line *line, bool insecure);

/*
 * Warns of guests that libvirt knows here and that have more memory than the nodes to which a
 * rule binds them. libvirt is asked once, and only where a rule binds any.
 */
void check_guests(struct check *check);

/* Reports what of the host's own policy the user who runs the emulators cannot read. */
void check_readable(struct check *check, const struct policy_file *files);

void check_free(struct check *check);

#endif
