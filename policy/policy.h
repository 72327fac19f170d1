/*
 * A policy: the main file, then FILE.d/ *.conf beside it in byte order. It is
 * read line by line, the drop-ins only when the main file is through, so that a
 * match in the main file costs one file.
 *
 * A file counts only when it and its directory belong to root (or to one other
 * user that the caller names) and nobody else may write them.
 */
#ifndef POLICY_POLICY_H
#define POLICY_POLICY_H

#include "glob.h"
#include "rule.h"

#include <dirent.h>
#include <sys/types.h>

enum {
	POLICY_RULES_MAX = 1000000,          /* rules in all files */
	POLICY_FILE_MAX = 256 * 1024 * 1024, /* bytes of a file */
};

/*
 * Is told what is wrong with a whole file, or where lines are ignored: "FILE: …".
 * `used` says that the file counts all the same.
 */
typedef void policy_report(void *context, const char *text, bool used);

struct policy_file {
	struct policy_file *next;
	char *path;
	char *text;
	size_t size;
};

struct policy {
	uid_t owner;          /* besides root, who may own the files */
	bool report_insecure; /* read such files all the same, only report them */
	policy_report *report;
	void *context;

	struct policy_file *files; /* read so far, the newest first */
	char *here;                /* the next line of the newest file; NULL: none */
	unsigned int line;
	unsigned int rules;
	char *directory;       /* of the drop-ins */
	struct dirent **names; /* of the drop-ins; NULL: not looked for yet */
	int count;
	int next;
	bool quoting;  /* the newest file has double quotes or backslashes somewhere */
	bool missing;  /* there is no main file */
	bool insecure; /* the file that is being read, see report_insecure */
	bool reported; /* something */
	bool stopped;  /* at POLICY_RULES_MAX */
};

/*
 * Begins to read the policy at `path`. `owner` is the user besides root who may
 * own its files (0: nobody). A file that is not there is no error: see `missing`.
 * Returns 0 or -ENOMEM.
 */
int policy_open(struct policy *policy, const char *path, uid_t owner, bool report_insecure,
		policy_report *report, void *context);

/* Reads the next line that is not blank or a comment. Returns 1, 0 at the end, or -ENOMEM. */
int policy_next(struct policy *policy, struct policy_line *line);

/*
 * Finds the first rule, from where reading stands, whose glob matches the name.
 * Returns 1 with `rule` filled (rule->error says whether its line is in order),
 * 0 where there is none, or -ENOMEM. The rule's strings live until policy_close().
 */
int policy_find(struct policy *policy, const struct glob_name *name, struct rule *rule);

void policy_close(struct policy *policy);

#endif
