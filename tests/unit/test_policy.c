#include "policy.h"
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MANY = 100000, NOBODY = 65534 };

/* A directory of each test's own, and what was reported in it. */
static char directory[PATH_MAX];
static char reports[8192];
static unsigned int report_count;
static bool report_used; /* as the last one said */

static int make_directory(void **state)
{
	const char *parent = getenv("TMPDIR");

	(void)state;
	snprintf(directory, sizeof(directory), "%s/policy-test-XXXXXX",
		 parent != NULL ? parent : "/tmp");
	umask(022);
	reports[0] = '\0';
	report_count = 0;
	return mkdtemp(directory) == NULL ? -1 : 0;
}

static int remove_one(const char *path, const struct stat *stat, int kind, struct FTW *walk)
{
	(void)stat;
	(void)kind;
	(void)walk;
	return remove(path);
}

static int remove_directory(void **state)
{
	(void)state;
	return nftw(directory, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* The path of a file in the directory. Four can be in use at once. */
static const char *path_of(const char *name)
{
	static char paths[4][2 * PATH_MAX];
	static unsigned int next;
	char *path = paths[next++ % LENGTH_OF(paths)];

	snprintf(path, sizeof(paths[0]), "%s/%s", directory, name);
	return path;
}

static void write_bytes(const char *name, const char *bytes, size_t length)
{
	FILE *file = fopen(path_of(name), "w");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, length, file), length);
	assert_int_equal(fclose(file), 0);
}

static void write_file(const char *name, const char *text)
{
	write_bytes(name, text, strlen(text));
}

static void make_dropins(void)
{
	assert_int_equal(mkdir(path_of("p.conf.d"), 0755), 0);
}

static void note_report(void *context, const char *text, bool used)
{
	size_t length = strlen(reports);

	assert_ptr_equal(context, directory);
	report_used = used;
	report_count++;
	snprintf(reports + length, sizeof(reports) - length, "%s\n", text);
}

static void open_policy(struct policy *policy)
{
	assert_int_equal(
	    policy_open(policy, path_of("p.conf"), geteuid(), false, note_report, directory), 0);
}

/* Which rule a name matches: "FILE:LINE", FILE without the directory, or "none". */
static const char *found_for(const char *guest)
{
	static char found[PATH_MAX];
	static struct glob_name name;
	struct policy policy;
	struct rule rule;
	int result;

	assert_int_equal(glob_name_set(&name, guest), 0);
	open_policy(&policy);
	result = policy_find(&policy, &name, &rule);
	assert_in_range(result, 0, 1);
	strcpy(found, "none");
	if (result == 1) {
		assert_memory_equal(rule.file, directory, strlen(directory));
		snprintf(found, sizeof(found), "%s:%u", rule.file + strlen(directory) + 1,
			 rule.line);
	}
	policy_close(&policy);
	return found;
}

/* Also that nothing was reported. */
static void check_found(const char *guest, const char *expected)
{
	assert_string_equal(found_for(guest), expected);
	assert_string_equal(reports, "");
}

/* That the file (by its name in the directory) alone is reported and not read. */
static void check_ignored(const char *file, const char *why)
{
	char beginning[2 * PATH_MAX];

	assert_string_equal(found_for("web1"), "none");
	assert_int_equal(report_count, 1);
	assert_false(report_used);
	snprintf(beginning, sizeof(beginning), "%s: ignored: ", path_of(file));
	if (strncmp(reports, beginning, strlen(beginning)) != 0 || strstr(reports, why) == NULL)
		fail_msg("not '%s … %s': %s", beginning, why, reports);
}

static void the_first_match_of_a_file_counts(void **state)
{
	(void)state;
	write_file("p.conf", "# comment\n\nweb1 0\nweb* 1\n  db*\t1\nweb2 0\n* -\n");
	check_found("web1", "p.conf:3");
	check_found("web2", "p.conf:4");
	check_found("db", "p.conf:5");
	check_found("other", "p.conf:7");
}

static void dropins_come_after_in_byte_order(void **state)
{
	(void)state;
	make_dropins();
	write_file("p.conf", "web1 0\n");
	write_file("p.conf.d/9.conf", "* 9\n");
	write_file("p.conf.d/10.conf", "\nweb1 1\nweb2 1\n");
	write_file("p.conf.d/a.conf", "web4 1\n");
	write_file("p.conf.d/B.conf", "web4 1\n");
	write_file("p.conf.d/é.conf", "web4 1\n");
	check_found("web1", "p.conf:1");
	check_found("web2", "p.conf.d/10.conf:3");
	check_found("web3", "p.conf.d/9.conf:1");
	write_file("p.conf.d/9.conf", "");
	check_found("web4", "p.conf.d/B.conf:1");
}

static void other_files_are_no_dropins(void **state)
{
	static const char *const names[] = {
	    "p.conf.d/.hidden.conf", "p.conf.d/.conf",  "p.conf.d/a.conf~",
	    "p.conf.d/a.conf.bak",   "p.conf.d/README", "p.conf.d/conf",
	    "p.conf.d/a.CONF",       "p.conf.d/aconf",  "other.conf",
	};

	(void)state;
	make_dropins();
	for (size_t i = 0; i < LENGTH_OF(names); i++)
		write_file(names[i], "* 0\n");
	check_found("web1", "none");
	write_file("p.conf.d/a.conf", "* 0\n");
	check_found("web1", "p.conf.d/a.conf:1");
}

static void there_may_be_no_main_file(void **state)
{
	struct policy policy;

	(void)state;
	check_found("web1", "none");
	open_policy(&policy);
	assert_true(policy.missing);
	policy_close(&policy);
	make_dropins();
	write_file("p.conf.d/a.conf", "* 0\n");
	check_found("web1", "p.conf.d/a.conf:1");
	write_file("p.conf", "");
	open_policy(&policy);
	assert_false(policy.missing);
	policy_close(&policy);
}

static void files_may_be_blank_or_end_without_a_newline(void **state)
{
	(void)state;
	make_dropins();
	write_file("p.conf.d/a.conf", "web* 0 env=A=1");
	write_file("p.conf", "");
	check_found("web1", "p.conf.d/a.conf:1");
	write_file("p.conf", "\n\n \t\r\n#\n");
	check_found("web1", "p.conf.d/a.conf:1");
	write_file("p.conf", "# comment");
	check_found("web1", "p.conf.d/a.conf:1");
	write_file("p.conf", "db 0\r\nweb1");
	check_found("web1", "p.conf:2");
	write_file("p.conf", "\xef\xbb\xbfweb1 0\n"); /* a byte order mark */
	check_found("web1", "p.conf:1");
}

static void rules_hold_what_their_line_says(void **state)
{
	static struct glob_name name;
	struct policy policy;
	struct rule rule;

	(void)state;
	write_file("p.conf", "\"my vm\"* 0-1 mem=local best-effort\nmy* 0 bogus\nmy* -");
	assert_int_equal(glob_name_set(&name, "my vm2"), 0);
	open_policy(&policy);
	assert_int_equal(policy_find(&policy, &name, &rule), 1);
	assert_string_equal(rule.glob, "my vm*");
	assert_string_equal(rule.nodes, "0-1");
	assert_int_equal(rule.memory, MEMORY_LOCAL);
	assert_true(rule.best_effort);
	assert_false(error_is_set(&rule.error));
	/* The next one begins where the last one ended. */
	assert_int_equal(policy_find(&policy, &name, &rule), 1);
	assert_int_equal(rule.line, 2);
	assert_non_null(strstr(rule.error.text, "bogus"));
	assert_int_equal(policy_find(&policy, &name, &rule), 1);
	assert_int_equal(rule.line, 3);
	assert_null(rule.nodes);
	assert_int_equal(policy_find(&policy, &name, &rule), 0);
	assert_int_equal(policy_find(&policy, &name, &rule), 0);
	policy_close(&policy);
}

static void check_silent(const char *guest)
{
	reports[0] = '\0';
	check_found(guest, "none");
}

static void a_malformed_line_stops_those_it_matches(void **state)
{
	(void)state;
	write_file("p.conf",
		   "\"open 0\n@(@(@(@(@(@(@(@(@(web1))))))))) 0\nweb1 nonsense\nweb* 0\n");
	assert_string_equal(found_for("web2"), "p.conf:4");
	assert_int_equal(report_count, 1);
	assert_true(report_used);
	assert_non_null(strstr(reports, "p.conf:1: the glob cannot be read"));
	assert_string_equal(found_for("web1"), "p.conf:3");
	assert_int_equal(report_count, 2);
	assert_string_equal(found_for("db"), "none");
	assert_int_equal(report_count, 2);
	write_file("p.conf", "\\");
	check_silent("db");
}

static void lines_are_given_one_by_one(void **state)
{
	struct policy policy;
	struct policy_line line;

	(void)state;
	make_dropins();
	write_file("p.conf", "a 0\n# b\n\n c 1");
	write_file("p.conf.d/d.conf", "\nd 0\n");
	open_policy(&policy);
	assert_int_equal(policy_next(&policy, &line), 1);
	assert_int_equal(line.number, 1);
	assert_memory_equal(line.text, "a 0\n", 4);
	assert_ptr_equal(line.end, line.text + 3);
	assert_int_equal(policy_next(&policy, &line), 1);
	assert_int_equal(line.number, 4);
	assert_int_equal(line.end - line.text, 4);
	assert_int_equal(policy_next(&policy, &line), 1);
	assert_int_equal(line.number, 2);
	assert_non_null(strstr(line.file, "/p.conf.d/d.conf"));
	assert_int_equal(policy_next(&policy, &line), 0);
	policy_close(&policy);
}

static void a_file_that_others_may_write_is_ignored(void **state)
{
	(void)state;
	write_file("p.conf", "* 0\n");
	assert_int_equal(chmod(path_of("p.conf"), 0664), 0);
	check_ignored("p.conf", "0664");
}

static void a_file_that_all_may_write_is_ignored(void **state)
{
	(void)state;
	write_file("p.conf", "* 0\n");
	assert_int_equal(chmod(path_of("p.conf"), 0646), 0);
	check_ignored("p.conf", "0646");
}

static void a_file_in_a_directory_others_may_write_is_ignored(void **state)
{
	(void)state;
	write_file("p.conf", "* 0\n");
	assert_int_equal(chmod(directory, 0770), 0);
	check_ignored("p.conf", "its directory");
}

static void an_insecure_dropin_alone_is_ignored(void **state)
{
	(void)state;
	make_dropins();
	write_file("p.conf.d/a.conf", "* 0\n");
	write_file("p.conf.d/b.conf", "web2 0\n");
	assert_int_equal(chmod(path_of("p.conf.d/a.conf"), 0666), 0);
	check_ignored("p.conf.d/a.conf", "0666");
	assert_string_equal(found_for("web2"), "p.conf.d/b.conf:1");
}

static void dropins_in_an_insecure_directory_are_ignored(void **state)
{
	(void)state;
	make_dropins();
	write_file("p.conf.d/a.conf", "* 0\n");
	assert_int_equal(chmod(path_of("p.conf.d"), 0777), 0);
	check_ignored("p.conf.d", "it may be written by others");
}

/* The file is then root's, or this user's, but the one who may own it is another. */
static void a_file_of_another_user_is_ignored(void **state)
{
	static struct glob_name name;
	struct policy policy;
	struct rule rule;
	uid_t owner = geteuid() == 0 ? NOBODY : geteuid();

	(void)state;
	write_file("p.conf", "* 0\n");
	assert_int_equal(chown(path_of("p.conf"), owner, (gid_t)-1), 0);
	assert_int_equal(glob_name_set(&name, "web1"), 0);
	assert_int_equal(
	    policy_open(&policy, path_of("p.conf"), owner + 1, false, note_report, directory), 0);
	assert_int_equal(policy_find(&policy, &name, &rule), 0);
	assert_int_equal(report_count, 1);
	assert_non_null(strstr(reports, "belongs to uid"));
	policy_close(&policy);
	assert_int_equal(
	    policy_open(&policy, path_of("p.conf"), owner, false, note_report, directory), 0);
	assert_int_equal(policy_find(&policy, &name, &rule), 1);
	assert_int_equal(report_count, 1);
	policy_close(&policy);
}

static void insecure_files_can_be_read_and_reported(void **state)
{
	static struct glob_name name;
	struct policy policy;
	struct rule rule;

	(void)state;
	write_file("p.conf", "* 0\n");
	assert_int_equal(chmod(path_of("p.conf"), 0666), 0);
	assert_int_equal(glob_name_set(&name, "web1"), 0);
	assert_int_equal(
	    policy_open(&policy, path_of("p.conf"), geteuid(), true, note_report, directory), 0);
	assert_int_equal(policy_find(&policy, &name, &rule), 1);
	assert_int_equal(report_count, 1);
	policy_close(&policy);
}

static void a_link_is_followed(void **state)
{
	(void)state;
	assert_int_equal(mkdir(path_of("real"), 0755), 0);
	write_file("real/p", "* 0\n");
	assert_int_equal(symlink("real/p", path_of("p.conf")), 0);
	check_found("web1", "p.conf:1");
}

static void a_link_into_an_insecure_directory_is_ignored(void **state)
{
	(void)state;
	assert_int_equal(mkdir(path_of("real"), 0755), 0);
	write_file("real/p", "* 0\n");
	assert_int_equal(symlink("real/p", path_of("p.conf")), 0);
	assert_int_equal(chmod(path_of("real"), 0777), 0);
	assert_string_equal(found_for("web1"), "none");
	assert_int_equal(report_count, 1);
	assert_non_null(strstr(reports, "real"));
	assert_non_null(strstr(reports, "its directory"));
}

static void a_link_to_an_insecure_file_is_ignored(void **state)
{
	(void)state;
	write_file("p", "* 0\n");
	assert_int_equal(chmod(path_of("p"), 0666), 0);
	assert_int_equal(symlink("p", path_of("p.conf")), 0);
	assert_string_equal(found_for("web1"), "none");
	assert_int_equal(report_count, 1);
}

static void a_link_in_an_insecure_directory_is_ignored(void **state)
{
	(void)state;
	assert_int_equal(mkdir(path_of("real"), 0755), 0);
	write_file("real/p", "* 0\n");
	assert_int_equal(symlink("real/p", path_of("p.conf")), 0);
	assert_int_equal(chmod(directory, 0777), 0);
	check_ignored("p.conf", "its directory");
}

static void a_link_to_nothing_is_no_file(void **state)
{
	(void)state;
	assert_int_equal(symlink("nothing", path_of("p.conf")), 0);
	check_found("web1", "none");
}

static void a_link_to_itself_is_ignored(void **state)
{
	(void)state;
	assert_int_equal(symlink("p.conf", path_of("p.conf")), 0);
	check_ignored("p.conf", "");
}

/* Opened without care it would hold up the guest's start for ever. */
static void a_fifo_is_ignored(void **state)
{
	(void)state;
	assert_int_equal(mkfifo(path_of("p.conf"), 0644), 0);
	check_ignored("p.conf", "no regular file");
}

static void a_directory_is_ignored(void **state)
{
	(void)state;
	assert_int_equal(mkdir(path_of("p.conf"), 0755), 0);
	check_ignored("p.conf", "no regular file");
}

static void a_file_for_the_directory_of_dropins_is_reported(void **state)
{
	(void)state;
	write_file("p.conf", "db 0\n");
	write_file("p.conf.d", "");
	assert_string_equal(found_for("db"), "p.conf:1");
	assert_int_equal(report_count, 0);
	assert_string_equal(found_for("web1"), "none");
	assert_int_equal(report_count, 1);
	assert_non_null(strstr(reports, "p.conf.d: ignored"));
}

/* Root can read everything, so for it this is done by a child that is not root. */
static bool unreadable_is_reported(const char *file)
{
	static struct glob_name name;
	struct policy policy;
	struct rule rule;

	glob_name_set(&name, "web1");
	return policy_open(&policy, path_of("p.conf"), geteuid(), false, note_report, directory) ==
		   0 &&
	       policy_find(&policy, &name, &rule) == 0 && report_count == 1 &&
	       strstr(reports, file) != NULL && !policy.missing;
}

static void check_unreadable(const char *file)
{
	int status;
	pid_t child;

	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		if (geteuid() == 0 && (setegid(NOBODY) < 0 || seteuid(NOBODY) < 0))
			_exit(2);
		_exit(unreadable_is_reported(file) ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void an_unreadable_file_is_reported(void **state)
{
	(void)state;
	assert_int_equal(chmod(directory, 0755), 0);
	write_file("p.conf", "* 0\n");
	assert_int_equal(chmod(path_of("p.conf"), 0), 0);
	check_unreadable("/p.conf: ignored: ");
}

static void an_unreadable_directory_of_dropins_is_reported(void **state)
{
	(void)state;
	assert_int_equal(chmod(directory, 0755), 0);
	write_file("p.conf", "db 0\n");
	make_dropins();
	write_file("p.conf.d/a.conf", "* 0\n");
	assert_int_equal(chmod(path_of("p.conf.d"), 0), 0);
	check_unreadable("/p.conf.d: ignored: ");
	assert_int_equal(chmod(path_of("p.conf.d"), 0755), 0);
}

static void a_file_too_large_is_ignored(void **state)
{
	(void)state;
	write_file("p.conf", "* 0\n");
	/* A hole: takes no room on the disk. */
	assert_int_equal(truncate(path_of("p.conf"), (off_t)POLICY_FILE_MAX + 1), 0);
	check_ignored("p.conf", "larger");
}

/* Writes MANY rules by a format for their number; returns how long it takes to find the last. */
static double find_last(const char *format, const char *guest)
{
	FILE *file = fopen(path_of("p.conf"), "w");
	double start;

	assert_non_null(file);
	for (unsigned int i = 1; i <= MANY; i++)
		fprintf(file, format, i);
	assert_int_equal(fclose(file), 0);
	start = milliseconds();
	check_found(guest, "p.conf:100000");
	return milliseconds() - start;
}

static void many_rules_take_no_long(void **state)
{
	double taken =
	    find_last("guest-%06u-* 0-3 mem=interleave env=MALLOC_ARENA_MAX=4\n", "guest-100000-x");

	(void)state;
	print_message("# the last of %d rules found in %.1f ms\n", MANY, taken);
	assert_true(taken < 100.0 * SLOWNESS);
	check_found("guest-000001-", "p.conf:1");
	check_found("guest", "none");
}

/* Globs that all begin alike have to be matched one by one. */
static void many_globs_take_no_long(void **state)
{
	double taken = find_last("*-%06u 0\n", "guest-100000");

	(void)state;
	print_message("# the last of %d globs that begin with '*' found in %.1f ms\n", MANY, taken);
	assert_true(taken < 300.0 * SLOWNESS);
}

static void rules_have_a_limit(void **state)
{
	static const char rule[] = "a 0\n";
	size_t length = strlen(rule);
	char *text = malloc((POLICY_RULES_MAX + 1) * length);

	(void)state;
	assert_non_null(text);
	for (size_t i = 0; i <= POLICY_RULES_MAX; i++)
		memcpy(text + i * length, rule, length);
	memcpy(text + (POLICY_RULES_MAX - 1) * length, "b", 1);
	memcpy(text + POLICY_RULES_MAX * length, "c", 1);
	write_bytes("p.conf", text, POLICY_RULES_MAX * length);
	check_found("b", "p.conf:1000000");
	check_found("c", "none");
	write_bytes("p.conf", text, (POLICY_RULES_MAX + 1) * length);
	free(text);
	make_dropins();
	write_file("p.conf.d/a.conf", "c 0\n");
	check_found("b", "p.conf:1000000");
	assert_string_equal(found_for("c"), "none");
	assert_int_equal(report_count, 1);
	assert_non_null(strstr(reports, "p.conf:1000001: more than 1000000 rules"));
}

#define POLICY_TEST(test) cmocka_unit_test_setup_teardown(test, make_directory, remove_directory)

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    POLICY_TEST(the_first_match_of_a_file_counts),
	    POLICY_TEST(dropins_come_after_in_byte_order),
	    POLICY_TEST(other_files_are_no_dropins),
	    POLICY_TEST(there_may_be_no_main_file),
	    POLICY_TEST(files_may_be_blank_or_end_without_a_newline),
	    POLICY_TEST(rules_hold_what_their_line_says),
	    POLICY_TEST(a_malformed_line_stops_those_it_matches),
	    POLICY_TEST(lines_are_given_one_by_one),
	    POLICY_TEST(a_file_that_others_may_write_is_ignored),
	    POLICY_TEST(a_file_that_all_may_write_is_ignored),
	    POLICY_TEST(a_file_in_a_directory_others_may_write_is_ignored),
	    POLICY_TEST(an_insecure_dropin_alone_is_ignored),
	    POLICY_TEST(dropins_in_an_insecure_directory_are_ignored),
	    POLICY_TEST(a_file_of_another_user_is_ignored),
	    POLICY_TEST(insecure_files_can_be_read_and_reported),
	    POLICY_TEST(a_link_is_followed),
	    POLICY_TEST(a_link_into_an_insecure_directory_is_ignored),
	    POLICY_TEST(a_link_to_an_insecure_file_is_ignored),
	    POLICY_TEST(a_link_in_an_insecure_directory_is_ignored),
	    POLICY_TEST(a_link_to_nothing_is_no_file),
	    POLICY_TEST(a_link_to_itself_is_ignored),
	    POLICY_TEST(a_fifo_is_ignored),
	    POLICY_TEST(a_directory_is_ignored),
	    POLICY_TEST(a_file_for_the_directory_of_dropins_is_reported),
	    POLICY_TEST(an_unreadable_file_is_reported),
	    POLICY_TEST(an_unreadable_directory_of_dropins_is_reported),
	    POLICY_TEST(a_file_too_large_is_ignored),
	    POLICY_TEST(many_rules_take_no_long),
	    POLICY_TEST(many_globs_take_no_long),
	    POLICY_TEST(rules_have_a_limit),
	};

	return RUN_TESTS(tests);
}
