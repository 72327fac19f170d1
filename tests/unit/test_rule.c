#include "glob.h"
#include "rule.h"
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A line in memory of its own, so that the sanitizers see what goes beyond it. */
static char *line_memory;

static bool line_read_bytes(const char *bytes, size_t length, struct rule *rule)
{
	struct policy_line line = {.file = "file", .number = 7};

	free(line_memory);
	line_memory = malloc(length + 1);
	assert_non_null(line_memory);
	memcpy(line_memory, bytes, length);
	line_memory[length] = '\n';
	line.text = line_memory;
	line.end = line_memory + length;
	return rule_read(&line, rule);
}

static int free_line(void **state)
{
	(void)state;
	free(line_memory);
	line_memory = NULL;
	return 0;
}

static bool line_read(const char *text, struct rule *rule)
{
	return line_read_bytes(text, strlen(text), rule);
}

/* Reads a line that is in order. */
static struct rule rule_of(const char *text)
{
	struct rule rule;

	assert_true(line_read(text, &rule));
	if (error_is_set(&rule.error))
		fail_msg("%s: %s", text, rule.error.text);
	assert_non_null(rule.glob);
	assert_string_equal(rule.file, "file");
	assert_int_equal(rule.line, 7);
	return rule;
}

/* Reads a line that is not, and of whose error `part` is a part. */
static struct rule rule_refused(const char *text, const char *part)
{
	struct rule rule;

	assert_true(line_read(text, &rule));
	if (!error_is_set(&rule.error))
		fail_msg("'%s' is taken", text);
	if (strstr(rule.error.text, part) == NULL)
		fail_msg("'%s': no '%s' in: %s", text, part, rule.error.text);
	return rule;
}

static void a_line_of_the_script_of_2009_is_a_rule(void **state)
{
	static const struct {
		const char *text;
		const char *glob;
		const char *nodes;
	} cases[] = {
	    {"postgres1 0-2", "postgres1", "0-2"},
	    {"node0-*\t0", "node0-*", "0"},
	    {"  rt-[0-9]  1,3  ", "rt-[0-9]", "1,3"},
	    {"@(a|b)* all", "@(a|b)*", "all"},
	    {"* !0", "*", "!0"},
	    {"web? +0", "web?", "+0"},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		struct rule rule = rule_of(cases[i].text);

		assert_string_equal(rule.glob, cases[i].glob);
		assert_string_equal(rule.nodes, cases[i].nodes);
		assert_null(rule.cpus);
		assert_int_equal(rule.memory, MEMORY_BIND);
		assert_false(rule.memory_given);
		assert_int_equal(rule.env_count, 0);
		assert_false(rule.best_effort);
	}
}

static void blank_lines_and_comments_are_no_rules(void **state)
{
	static const char *const cases[] = {"",      " ", "\t",       "\r",
					    " \t\r", "#", "# web1 0", "  #web1 0"};
	struct rule rule;

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		assert_false(line_read(cases[i], &rule));
		assert_false(error_is_set(&rule.error));
	}
}

static void a_comment_begins_at_a_word_only(void **state)
{
	struct rule rule;

	(void)state;
	assert_string_equal(rule_of("a#b 0 # best-effort").glob, "a#b");
	rule = rule_of("web1 0 #best-effort");
	assert_false(rule.best_effort);
	assert_string_equal(rule_of("web1 0 env=A=x#y").env[0], "A=x#y");
	assert_string_equal(rule_of("\"#a\" 0").glob, "#a");
	assert_string_equal(rule_of("\\#a 0").glob, "\\#a");
	rule_refused("web1 # 0", "NODES");
	assert_string_equal(rule_of("web1 0 # \"not closed").glob, "web1");
}

static void quotes_take_blanks_into_a_word(void **state)
{
	struct rule rule;

	(void)state;
	assert_string_equal(rule_of("\"my vm\" 0").glob, "my vm");
	assert_string_equal(rule_of("my\" \"vm 0").glob, "my vm");
	assert_string_equal(rule_of("\"my\tvm\"* 0").glob, "my\tvm*");
	assert_string_equal(rule_of("we\"\"b 0").glob, "web");
	assert_string_equal(rule_of("\"web1\" \"0\"").nodes, "0");
	assert_string_equal(rule_of("web1 0 \"env=A=b c\"").env[0], "A=b c");
	assert_string_equal(rule_of("web1 0 env=A=\"b  c\"").env[0], "A=b  c");
	rule = rule_of("web1 0 \"best-effort\"");
	assert_true(rule.best_effort);
	/* They do not take the meaning from a wildcard. */
	assert_string_equal(rule_of("\"w*b\" 0").glob, "w*b");
}

static void a_backslash_stays_in_a_glob_only(void **state)
{
	(void)state;
	assert_string_equal(rule_of("a\\*b 0").glob, "a\\*b");
	assert_string_equal(rule_of("my\\ vm 0").glob, "my\\ vm");
	assert_string_equal(rule_of("\"a\\\"b\" 0").glob, "a\\\"b");
	assert_string_equal(rule_of("a\\\"b 0").glob, "a\\\"b");
	assert_string_equal(rule_of("a\\\\ 0").glob, "a\\\\");
	assert_string_equal(rule_of("web1 \\0").nodes, "0");
	assert_string_equal(rule_of("web1 0 env=A=\\\"\\ \\\\").env[0], "A=\" \\");
	assert_string_equal(rule_of("web1 0 env=A=\\n").env[0], "A=n");
}

static void what_is_not_closed_is_refused(void **state)
{
	(void)state;
	assert_null(rule_refused("\"web1 0", "double quote").glob);
	assert_null(rule_refused("web\\", "backslash").glob);
	assert_string_equal(rule_refused("web1 \"0", "double quote").glob, "web1");
	assert_string_equal(rule_refused("web1 0 env=A=\\", "backslash").glob, "web1");
	rule_refused("\"\" 0", "empty");
}

static void a_carriage_return_is_a_blank(void **state)
{
	(void)state;
	assert_string_equal(rule_of("web1 0\r").nodes, "0");
	assert_true(rule_of("web1 0 best-effort\r").best_effort);
	assert_string_equal(rule_of("web1\r0").glob, "web1");
}

static void options_are_read(void **state)
{
	struct rule rule = rule_of("rt-* 1 cpus=9,11-15 mem=interleave env=A=1 best-effort env=B=");

	(void)state;
	assert_string_equal(rule.nodes, "1");
	assert_string_equal(rule.cpus, "9,11-15");
	assert_int_equal(rule.memory, MEMORY_INTERLEAVE);
	assert_true(rule.memory_given);
	assert_int_equal(rule.env_count, 2);
	assert_string_equal(rule.env[0], "A=1");
	assert_string_equal(rule.env[1], "B=");
	assert_true(rule.best_effort);
}

static void every_memory_mode_has_its_name(void **state)
{
	(void)state;
	for (int mode = 0; mode < MEMORY_MODES; mode++) {
		char text[64];
		struct rule rule;

		snprintf(text, sizeof(text), "web1 0 mem=%s",
			 memory_mode_name((enum memory_mode)mode));
		rule = rule_of(text);
		assert_int_equal(rule.memory, mode);
		assert_true(rule.memory_given);
	}
	rule_refused("web1 0 mem=", "mem=");
	rule_refused("web1 0 mem=Bind", "mem=Bind");
	rule_refused("web1 0 mem=bindx", "mem=bindx");
	rule_refused("web1 0 mem", "mem");
}

static void the_environment_takes_names_and_values(void **state)
{
	(void)state;
	assert_string_equal(rule_of("w 0 env=MALLOC_ARENA_MAX=16").env[0], "MALLOC_ARENA_MAX=16");
	assert_string_equal(rule_of("w 0 env=_a1=b=c").env[0], "_a1=b=c");
	assert_string_equal(rule_of("w 0 env=A=é").env[0], "A=é");
	rule_refused("w 0 env=", "env=");
	rule_refused("w 0 env=A", "env=A");
	rule_refused("w 0 env==x", "env==x");
	rule_refused("w 0 env=1A=x", "env=1A=x");
	rule_refused("w 0 env=A-B=x", "env=A-B=x");
	rule_refused("w 0 env=\"A B\"=x", "env=A B=x");
	rule_refused("w 0 env=é=x", "env=é=x");
}

static void environment_options_have_a_limit(void **state)
{
	char text[RULE_LINE_MAX] = "web1 0";

	(void)state;
	for (int i = 0; i < RULE_ENV_MAX; i++)
		strcat(text, " env=A=1");
	assert_int_equal(rule_of(text).env_count, RULE_ENV_MAX);
	strcat(text, " env=A=1");
	rule_refused(text, "env=");
}

static void unknown_options_are_refused(void **state)
{
	static const char *const cases[] = {"cpu=1", "Cpus=1",       "cpus",    "best-effort=1",
					    "best",  "best-effortx", "=",       "x",
					    "nice",  "best-effort=", "MEM=bind"};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		char text[64];

		snprintf(text, sizeof(text), "web1 0 %s", cases[i]);
		assert_string_equal(rule_refused(text, cases[i]).glob, "web1");
	}
}

static void duplicates_are_refused(void **state)
{
	(void)state;
	rule_refused("web1 0 cpus=1 cpus=1", "cpus= is given twice");
	rule_refused("web1 0 mem=bind mem=bind", "mem= is given twice");
	rule_refused("web1 0 mem=bind mem=local", "mem= is given twice");
	rule_refused("web1 0 hugepages=2M hugepages=2M", "hugepages= is given twice");
	rule_refused("web1 0 hugepages=off hugepages=1G", "hugepages= is given twice");
	rule_refused("web1 0 ksm=on ksm=off", "ksm= is given twice");
	rule_refused("web1 0 thp=never thp=default", "thp= is given twice");
	rule_refused("web1 0 prealloc=on prealloc=on", "prealloc= is given twice");
}

static void a_rule_says_nothing_of_pages_unless_it_does(void **state)
{
	struct rule rule = rule_of("web1 0");

	(void)state;
	assert_null(rule.hugepages);
	assert_true(rule.huge_page == 0);
	assert_false(rule.huge_pages_preferred);
	assert_int_equal(rule.ksm, CHOICE_NONE);
	assert_int_equal(rule.thp, CHOICE_NONE);
	assert_false(rule.prealloc);
}

static void huge_pages_have_a_size(void **state)
{
	static const struct {
		const char *text;
		uint64_t size;
		bool preferred;
	} cases[] = {
	    {"2M", 2 << 20, false},      {"1G", 1 << 30, false},       {"64k", 64 << 10, false},
	    {"2097152", 2 << 20, false}, {"prefer:2M", 2 << 20, true}, {"prefer:1g", 1 << 30, true},
	    {"off", 0, false},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		char text[64];
		struct rule rule;

		snprintf(text, sizeof(text), "web1 - hugepages=%s", cases[i].text);
		rule = rule_of(text);
		assert_string_equal(rule.hugepages, cases[i].text);
		assert_true(rule.huge_page == cases[i].size);
		assert_int_equal(rule.huge_pages_preferred, cases[i].preferred);
	}
}

/* What is wrong with the value is told; best-effort is read all the same. */
static void check_no_page_size(const char *value)
{
	char text[64];
	char part[64];

	snprintf(text, sizeof(text), "web1 0 hugepages=%s best-effort", value);
	snprintf(part, sizeof(part), "hugepages=%s: it takes a size", value);
	assert_true(rule_refused(text, part).best_effort);
}

static void huge_pages_without_a_size_are_refused(void **state)
{
	static const char *const cases[] = {
	    "prefer:off", "",           "0",     "0M",        "on",       "prefer:",
	    "prefer",     "2MB",        "-2M",   "Off",       "prefer:0", "offx",
	    "PREFER:2M",  "prefer::2M", "2M,1G", "2M:prefer", "9E",       "prefer:prefer:2M"};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(cases); i++)
		check_no_page_size(cases[i]);
	rule_refused("web1 0 hugepages", "unknown option 'hugepages'");
}

/* Without its letter a size is bytes, and such a page is a mistake. */
static void huge_pages_are_of_whole_normal_pages(void **state)
{
	static const char *const wrong[] = {
	    "1",    "2",    "0x2",    "2B",      "2k",     "0.5k", "4095", "prefer:2",
	    "4097", "6144", "4.001k", "2097153", "0x1000", "1.0G", "02M",  "2MB"};
	static const struct {
		const char *text;
		uint64_t size;
	} right[] = {{"4096", 4096}, {"4k", 4096}, {"prefer:12288", 12288}};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(wrong); i++)
		check_no_page_size(wrong[i]);
	for (size_t i = 0; i < LENGTH_OF(right); i++) {
		char text[64];

		snprintf(text, sizeof(text), "web1 0 hugepages=%s", right[i].text);
		assert_true(rule_of(text).huge_page == right[i].size);
	}
}

static void switches_take_their_words_only(void **state)
{
	static const char *const wrong[] = {
	    "ksm=",         "ksm=ON",       "ksm=yes",     "ksm=1",        "ksm=onn",  "thp=",
	    "thp=always",   "thp=on",       "thp=off",     "thp=Never",    "thp=neve", "prealloc=",
	    "prealloc=off", "prealloc=yes", "prealloc=On", "prealloc=on ",
	};

	(void)state;
	assert_int_equal(rule_of("web1 0 ksm=on").ksm, CHOICE_ON);
	assert_int_equal(rule_of("web1 0 ksm=off").ksm, CHOICE_OFF);
	assert_int_equal(rule_of("web1 - thp=never").thp, CHOICE_OFF);
	assert_int_equal(rule_of("web1 0 thp=default").thp, CHOICE_ON);
	assert_true(rule_of("web1 - prealloc=on").prealloc);
	for (size_t i = 0; i < LENGTH_OF(wrong); i++) {
		char text[64];
		char part[64];

		snprintf(text, sizeof(text), "web1 0 \"%s\"", wrong[i]);
		snprintf(part, sizeof(part), "%s: it takes ", wrong[i]);
		rule_refused(text, part);
	}
	rule_refused("web1 0 ksm", "unknown option 'ksm'");
	rule_refused("web1 0 thp", "unknown option 'thp'");
	rule_refused("web1 0 prealloc", "unknown option 'prealloc'");
}

static void a_rule_says_nothing_of_interrupts_or_priority_unless_it_does(void **state)
{
	struct rule rule = rule_of("web1 0");

	(void)state;
	assert_int_equal(rule.irq_count, 0);
	assert_false(rule.isolate);
	assert_false(rule_sets_interrupts(&rule));
	assert_false(rule.nice_given);
	assert_int_equal(rule.nice, 0);
	assert_int_equal(rule.scheduler, SCHEDULER_NONE);
	assert_int_equal(rule.realtime, 0);
}

static void interrupts_are_named_by_their_device(void **state)
{
	static const struct {
		const char *text;
		size_t length; /* of the device's name */
		const char *cpus;
	} cases[] = {
	    {"eth4", 4, NULL},          {"eth4@7", 4, "7"},          {"vfio", 4, NULL},
	    {"vfio@0-3,8", 4, "0-3,8"}, {"0000:06:00.0@1", 12, "1"}, {"06:00.0", 7, NULL},
	    {"nvme0n1@all", 7, "all"},  {"sda1@!0", 4, "!0"},        {"br-lan.7@+0-1", 8, "+0-1"},
	    {"eth0:1@8191", 6, "8191"}, {"cciss!c0d0", 10, NULL},    {"e", 1, NULL},
	    {"e..@0", 3, "0"},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		char text[64];
		struct rule rule;
		const char *cpus;
		size_t length;

		snprintf(text, sizeof(text), "web1 0 irq=%s", cases[i].text);
		rule = rule_of(text);
		assert_int_equal(rule.irq_count, 1);
		assert_string_equal(rule.irqs[0], cases[i].text);
		assert_true(rule_sets_interrupts(&rule));
		assert_false(rule.isolate);
		cpus = rule_irq_cpus(rule.irqs[0], &length);
		assert_int_equal(length, cases[i].length);
		if (cases[i].cpus == NULL)
			assert_null(cpus);
		else
			assert_string_equal(cpus, cases[i].cpus);
	}
}

static void what_names_no_device_has_no_interrupts(void **state)
{
	static const char *const cases[] = {
	    "",
	    "@",
	    "@1",
	    ".",
	    "..",
	    ".eth0",
	    "..@1",
	    "/",
	    "a/b",
	    "/sys/class/net/eth0",
	    "../net/eth0@1",
	    "eth0/",
	    "eth0/@1",
	    "e/h0@1",
	    "eth 0",
	    " eth0",
	    "eth0 @1",
	    "eth0\t",
	    "eth\0010",
	    "eth0\033[31m@1",
	    "eth0\x7f",
	    "\xc3\xa9th0",
	    "eth\xff@1",
	};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		char text[64];

		snprintf(text, sizeof(text), "web1 0 \"irq=%s\"", cases[i]);
		rule_refused(text, ": it takes DEV or DEV@CPUS");
	}
	rule_refused("web1 0 irq", "unknown option 'irq'");
	rule_refused("web1 0 Irq=eth0", "unknown option 'Irq=eth0'");
}

static void the_cpus_of_interrupts_are_a_list(void **state)
{
	static const char *const cases[] = {
	    "eth0@",   "eth0@x",    "eth0@01",        "eth0@0x1",       "eth0@1,",
	    "eth0@-",  "eth0@none", "eth0@1@2",       "eth0@8192",      "eth0@@1",
	    "eth0@ 1", "eth0@1 ",   "eth0@1;2",       "eth0@all,1",     "eth0@!",
	    "eth0@/",  "eth0@1-",   "eth0@netdev:e1", "eth0@pci:0:0.0",
	};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		char text[64];

		snprintf(text, sizeof(text), "web1 0 \"irq=%s\"", cases[i]);
		rule_refused(text, "list of CPUs");
	}
	rule_refused("web1 0 irq=eth0@3-2", "the range 3-2 runs backwards");
}

static void a_device_is_named_once(void **state)
{
	struct rule rule = rule_of("web1 0 irq=eth1 irq=eth10@3 irq=eth irq=Eth1@3 irq=1");

	(void)state;
	assert_int_equal(rule.irq_count, 5);
	assert_string_equal(rule.irqs[0], "eth1");
	assert_string_equal(rule.irqs[1], "eth10@3");
	assert_string_equal(rule.irqs[4], "1");
	rule_refused("web1 0 irq=eth0 irq=eth0", "irq=eth0 is given twice");
	rule_refused("web1 0 irq=eth0 irq=eth0@1", "irq=eth0 is given twice");
	rule_refused("web1 0 irq=eth0@1 irq=eth0", "irq=eth0 is given twice");
	rule_refused("web1 0 irq=eth0@1 isolate irq=eth1@1 irq=eth0@2", "irq=eth0 is given twice");
	rule_refused("web1 0 irq=vfio@1 irq=vfio@2", "irq=vfio is given twice");
}

static void devices_have_limits(void **state)
{
	char text[RULE_LINE_MAX] = "web1 0";
	char name[RULE_DEVICE_MAX + 1];

	(void)state;
	for (int i = 0; i < RULE_IRQ_MAX; i++)
		text_add(text, sizeof(text), " irq=eth%d@%d", i, i);
	assert_int_equal(rule_of(text).irq_count, RULE_IRQ_MAX);
	assert_string_equal(rule_of(text).irqs[RULE_IRQ_MAX - 1], "eth15@15");
	strcat(text, " irq=vfio");
	rule_refused(text, "more than 16 irq= options");

	memset(name, 'x', RULE_DEVICE_MAX);
	name[RULE_DEVICE_MAX] = '\0';
	snprintf(text, sizeof(text), "web1 0 irq=%s@1", name);
	assert_int_equal(rule_of(text).irq_count, 1);
	snprintf(text, sizeof(text), "web1 0 irq=%sx@1", name);
	rule_refused(text, ": it takes DEV or DEV@CPUS");
}

static void isolation_is_a_word(void **state)
{
	struct rule rule = rule_of("web1 0 isolate");

	(void)state;
	assert_true(rule.isolate);
	assert_true(rule_sets_interrupts(&rule));
	assert_int_equal(rule.irq_count, 0);
	assert_true(rule_of("web1 0 isolate isolate").isolate);
	rule_refused("web1 0 isolate=1", "unknown option 'isolate=1'");
	rule_refused("web1 0 isolated", "unknown option 'isolated'");
	rule_refused("web1 0 Isolate", "unknown option 'Isolate'");
}

/* Where NODES is '-' it is cpus= that says where, or the option itself. */
static void interrupts_need_cpus(void **state)
{
	static const char *const right[] = {
	    "web1 0 irq=eth0 isolate",
	    "web1 - cpus=1 irq=eth0 isolate",
	    "web1 - irq=eth0@1",
	    "web1 - irq=vfio@1 irq=eth0@2-3",
	    "web1 - irq=eth0@1 nice=1 sched=batch",
	    "web1 - nice=1",
	    "web1 - sched=fifo:1",
	};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(right); i++)
		assert_string_equal(rule_of(right[i]).glob, "web1");
	rule_refused("web1 - isolate", "isolate needs CPUs, and '-' names none: add cpus=");
	rule_refused("web1 - irq=eth0@1 isolate", "isolate needs CPUs");
	rule_refused("web1 - irq=eth0", "irq=eth0 needs CPUs, and '-' names none: irq=eth0@CPUS");
	rule_refused("web1 - irq=vfio", "irq=vfio needs CPUs");
	rule_refused("web1 - irq=eth0@1 irq=eth1", "irq=eth1 needs CPUs");
	assert_true(rule_refused("web1 - irq=eth0 best-effort", "needs CPUs").best_effort);
	/* Of a line that names nodes which cannot be read, that is the error. */
	rule_refused("web1 auto isolate", "not supported yet");
	rule_refused("web1 - cpus=x isolate", "list of CPUs");
}

static void a_nice_value_is_a_number(void **state)
{
	static const char *const wrong[] = {
	    "20",  "-21", "100", "-100", "-0", "+1", "01",   "-01", "",   "1x",  "x",          "-",
	    "--1", "1.0", "0x1", "1e1",  " 1", "1 ", "-20x", "1,2", "+0", "- 1", "4294967297",
	};

	(void)state;
	for (int nice = -20; nice <= 19; nice++) {
		char text[64];
		struct rule rule;

		snprintf(text, sizeof(text), "web1 0 nice=%d", nice);
		rule = rule_of(text);
		assert_true(rule.nice_given);
		assert_int_equal(rule.nice, nice);
		assert_int_equal(rule.scheduler, SCHEDULER_NONE);
		assert_false(rule_sets_interrupts(&rule));
	}
	for (size_t i = 0; i < LENGTH_OF(wrong); i++) {
		char text[64];
		char part[64];

		snprintf(text, sizeof(text), "web1 0 \"nice=%s\"", wrong[i]);
		snprintf(part, sizeof(part), "nice=%s: it takes a number from -20 to 19", wrong[i]);
		rule_refused(text, part);
	}
	rule_refused("web1 0 nice=1 nice=1", "nice= is given twice");
	rule_refused("web1 0 nice", "unknown option 'nice'");
}

static void schedulers_have_their_names(void **state)
{
	static const struct {
		const char *text;
		enum scheduler scheduler;
		unsigned int realtime;
	} right[] = {
	    {"other", SCHEDULER_OTHER, 0}, {"batch", SCHEDULER_BATCH, 0},
	    {"fifo:1", SCHEDULER_FIFO, 1}, {"fifo:99", SCHEDULER_FIFO, 99},
	    {"rr:1", SCHEDULER_RR, 1},     {"rr:50", SCHEDULER_RR, 50},
	    {"rr:99", SCHEDULER_RR, 99},
	};
	static const char *const wrong[] = {
	    "fifo",     "rr",      "fifo:",    "rr:",     "fifo:0",  "rr:0",
	    "fifo:100", "rr:100",  "other:",   "other:1", "batch:1", "other:0",
	    "idle",     "idle:1",  "deadline", "none",    "",        ":",
	    ":1",       "fifo:1x", "fifo:01",  "fifo:+1", "fifo:-1", "fifo:1:2",
	    "fifo: 1",  "fifo 1",  "Fifo:1",   "OTHER",   "othe",    "others",
	    "fif:1",    "fifo:1 ", "fifo,1",   "fifo::1", "fifo:x",  "fifo:99999999999",
	};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(right); i++) {
		char text[64];
		struct rule rule;

		snprintf(text, sizeof(text), "web1 0 sched=%s", right[i].text);
		rule = rule_of(text);
		assert_int_equal(rule.scheduler, right[i].scheduler);
		assert_int_equal(rule.realtime, right[i].realtime);
		assert_false(rule.nice_given);
	}
	for (size_t i = 0; i < LENGTH_OF(wrong); i++) {
		char text[64];
		char part[64];

		snprintf(text, sizeof(text), "web1 0 \"sched=%s\"", wrong[i]);
		snprintf(part, sizeof(part), "sched=%s: it takes other, batch, fifo:N or rr:N",
			 wrong[i]);
		rule_refused(text, part);
	}
	rule_refused("web1 0 sched=rr:1 sched=rr:1", "sched= is given twice");
	rule_refused("web1 0 sched", "unknown option 'sched'");
}

static void an_unknown_option_is_told_all_that_there_are(void **state)
{
	(void)state;
	rule_refused("web1 0 bogus", "unknown option 'bogus' (there are cpus= mem= hugepages= ksm= "
				     "thp= prealloc= irq= isolate nice= sched= env= best-effort)");
}

static void nodes_are_checked(void **state)
{
	(void)state;
	assert_null(rule_of("web1 -").nodes);
	assert_null(rule_of("web1 - cpus=0-3 env=A=1").nodes);
	rule_refused("web1", "NODES");
	rule_refused("web1 1-0", "1-0");
	rule_refused("web1 010", "010");
	rule_refused("web1 0x1", "0x1");
	rule_refused("web1 \"\"", "no list of nodes");
	rule_refused("web1 --", "--");
	rule_refused("web1 best-effort", "best-effort");
	rule_refused("web1 0 cpus=1-0", "1-0");
	rule_refused("web1 0 cpus=", "no list of CPUs");
	rule_refused("web1 0 cpus=netdev:eth0", "netdev:eth0");
}

static void automatic_placement_is_not_there_yet(void **state)
{
	(void)state;
	assert_string_equal(rule_refused("web1 auto", "not supported yet").glob, "web1");
	assert_string_equal(rule_refused("web1 auto:0-3", "not supported yet").glob, "web1");
	rule_refused("web1 autox", "no list of nodes");
}

static void memory_needs_nodes(void **state)
{
	(void)state;
	rule_refused("web1 - mem=bind", "mem=bind");
	rule_refused("web1 - mem=preferred", "mem=preferred");
	rule_refused("web1 - mem=interleave", "mem=interleave");
	assert_int_equal(rule_of("web1 - mem=local").memory, MEMORY_LOCAL);
}

/* Whom a malformed line stops, and whether it starts all the same, is known. */
static void a_malformed_line_keeps_glob_and_best_effort(void **state)
{
	static const char *const cases[] = {
	    "web* 1-0 best-effort",        "web* 0 bogus best-effort",
	    "web* 0 best-effort bogus",    "web* auto best-effort",
	    "web* 0 cpus=x best-effort",   "web* 0 best-effort env=",
	    "web* - mem=bind best-effort", "web* 0 best-effort env=\"open",
	};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		struct rule rule = rule_refused(cases[i], "");

		assert_string_equal(rule.glob, "web*");
		assert_true(rule.best_effort);
	}
}

static void the_first_error_is_told(void **state)
{
	(void)state;
	rule_refused("web1 1-0 bogus cpus=x", "1-0");
	rule_refused("web1 0 bogus cpus=x", "bogus");
}

static void globs_have_limits(void **state)
{
	char text[RULE_LINE_MAX];

	(void)state;
	memset(text, 'a', GLOB_LENGTH_MAX);
	strcpy(text + GLOB_LENGTH_MAX, " 0");
	assert_int_equal(strlen(rule_of(text).glob), GLOB_LENGTH_MAX);
	text[GLOB_LENGTH_MAX] = 'a';
	strcpy(text + GLOB_LENGTH_MAX + 1, " 0");
	assert_null(rule_refused(text, "longer").glob);
	assert_null(rule_refused("@(@(@(@(@(@(@(@(@(a))))))))) 0", "nests").glob);
}

static void words_have_a_limit(void **state)
{
	char text[RULE_LINE_MAX] = "web1 0";

	(void)state;
	for (int i = 2; i < RULE_WORDS_MAX; i++)
		strcat(text, " best-effort");
	assert_true(rule_of(text).best_effort);
	assert_true(rule_of(strcat(text, " # a comment")).best_effort);
	*strstr(text, " #") = '\0';
	strcat(text, " best-effort");
	assert_string_equal(rule_refused(text, "words").glob, "web1");
}

static void lines_have_a_limit(void **state)
{
	char text[RULE_LINE_MAX + 2];

	(void)state;
	memset(text, 'x', sizeof(text));
	memcpy(text, "web1 0 env=A=", strlen("web1 0 env=A="));
	text[RULE_LINE_MAX] = '\0';
	assert_int_equal(rule_of(text).env_count, 1);
	text[RULE_LINE_MAX] = 'x';
	text[RULE_LINE_MAX + 1] = '\0';
	assert_string_equal(rule_refused(text, "longer").glob, "web1");
}

static void a_nul_byte_is_refused(void **state)
{
	struct rule rule;

	(void)state;
	assert_true(line_read_bytes("web1 0\0 best-effort", 19, &rule));
	assert_non_null(strstr(rule.error.text, "NUL"));
	assert_string_equal(rule.glob, "web1");
	assert_true(line_read_bytes("\0", 1, &rule));
	assert_true(error_is_set(&rule.error));
	assert_true(line_read_bytes("web1 0 # \0", 10, &rule));
	assert_true(error_is_set(&rule.error));
}

static void options_are_written_as_they_were(void **state)
{
	struct rule rule = rule_of("web1 0 best-effort env=B=2 env=A=1 mem=local");
	char text[64];

	(void)state;
	assert_true(rule_option_format(&rule, 0, text, sizeof(text)));
	assert_string_equal(text, "env=B=2");
	assert_true(rule_option_format(&rule, 1, text, sizeof(text)));
	assert_string_equal(text, "env=A=1");
	assert_true(rule_option_format(&rule, 2, text, sizeof(text)));
	assert_string_equal(text, "best-effort");
	assert_false(rule_option_format(&rule, 3, text, sizeof(text)));
	rule = rule_of("web1 0");
	assert_false(rule_option_format(&rule, 0, text, sizeof(text)));
}

/* All options of a rule, as they are written, with a blank behind each. */
static const char *options_of(const struct rule *rule)
{
	static char text[256];
	char option[64];

	*text = '\0';
	for (size_t i = 0; rule_option_format(rule, i, option, sizeof(option)); i++)
		strcat(strcat(text, option), " ");
	return text;
}

static void options_are_written_in_one_order(void **state)
{
	static const struct {
		const char *text;
		const char *expected;
	} cases[] = {
	    {"web1 0 best-effort env=B=2 prealloc=on env=A=1 thp=never ksm=off hugepages=prefer:2M",
	     "hugepages=prefer:2M ksm=off thp=never prealloc=on env=B=2 env=A=1 best-effort "},
	    {"web1 0 thp=default hugepages=off ksm=on", "hugepages=off ksm=on thp=default "},
	    {"web1 0 cpus=1 prealloc=on mem=local", "prealloc=on "},
	    {"web1 0 best-effort thp=never", "thp=never best-effort "},
	    {"web1 0 env=A=1 ksm=on", "ksm=on env=A=1 "},
	    {"web1 0 hugepages=2097152", "hugepages=2097152 "},
	    {"web1 0 sched=rr:5 env=A=1 nice=-5 isolate irq=eth1@2 best-effort irq=eth0 "
	     "prealloc=on",
	     "prealloc=on irq=eth1@2 irq=eth0 isolate nice=-5 sched=rr:5 env=A=1 best-effort "},
	    {"web1 0 isolate irq=vfio", "irq=vfio isolate "},
	    {"web1 0 sched=batch nice=0", "nice=0 sched=batch "},
	    {"web1 - sched=other mem=local", "sched=other "},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		struct rule rule = rule_of(cases[i].text);

		assert_string_equal(options_of(&rule), cases[i].expected);
	}
}

/* What is written is read as what it was. */
static void options_that_were_written_are_read_again(void **state)
{
	static const char *const cases[] = {
	    "irq=eth0 irq=eth1@0-3 isolate nice=-20 sched=fifo:99 ",
	    "irq=0000:06:00.0@7 irq=vfio nice=19 sched=rr:1 env=A=1 ",
	    "isolate nice=0 sched=other best-effort ",
	    "hugepages=2M ksm=off thp=never prealloc=on irq=eth0 isolate nice=-1 sched=batch "
	    "env=A=1 "
	    "best-effort ",
	};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		char text[256];
		struct rule rule;

		snprintf(text, sizeof(text), "web1 0 %s", cases[i]);
		rule = rule_of(text);
		assert_string_equal(options_of(&rule), cases[i]);
	}
}

/* The word that the error of a line is about, as it is in the line. */
static void wrong_is(const char *text, const char *expected, int place)
{
	char copy[RULE_LINE_MAX + 2];
	struct policy_line line = {.text = copy};
	struct rule rule = rule_refused(text, "");
	const char *word;
	size_t length;

	strcpy(copy, text);
	line.end = copy + strlen(copy);
	assert_non_null(rule.wrong);
	assert_int_equal(rule_word_find(&line, copy + (rule.wrong - line_memory), &word, &length),
			 place);
	if (length != strlen(expected) || strncmp(word, expected, length) != 0)
		fail_msg("'%s': '%.*s', not '%s'", text, (int)length, word, expected);
}

static void the_word_that_is_wrong_is_known(void **state)
{
	char text[RULE_LINE_MAX + 2] = "web1 0";

	(void)state;
	wrong_is("web1 1-0", "1-0", 1);
	wrong_is("\tweb1 1-0 # comment", "1-0", 1);
	wrong_is("web1 0 bogus", "bogus", 2);
	wrong_is("web1 0 bogus cpus=x", "bogus", 2);
	wrong_is("web1 0 ksm=on \"cpus=a b\"\tbest-effort", "\"cpus=a b\"", 3);
	wrong_is("web1 0 cp\\ us=1", "cp\\ us=1", 2);
	wrong_is("web1", "web1", 0);
	wrong_is("\"\" 0", "\"\"", 0);
	wrong_is("  @(@(@(@(@(@(@(@(@(a))))))))) 0", "@(@(@(@(@(@(@(@(@(a)))))))))", 0);
	wrong_is("web1 auto", "auto", 1);
	wrong_is("web1 - mem=bind", "-", 1);
	wrong_is("web1 - isolate", "-", 1);
	wrong_is("web1 0 ksm=on ksm=on", "ksm=on", 3);
	wrong_is("web1 \"0 env=A  ", "\"0 env=A", 1);
	wrong_is("web1 0 env=A\\", "env=A\\", 2);
	for (int i = 2; i < RULE_WORDS_MAX; i++)
		strcat(text, " best-effort");
	strcat(text, " one-more and-another");
	wrong_is(text, "one-more", RULE_WORDS_MAX);
}

static void no_word_is_wrong_where_the_line_is(void **state)
{
	char text[RULE_LINE_MAX + 2];
	struct rule rule;

	(void)state;
	assert_null(rule_of("web1 0").wrong);
	memset(text, 'x', sizeof(text));
	memcpy(text, "web1 0 env=A=", strlen("web1 0 env=A="));
	text[sizeof(text) - 1] = '\0';
	assert_null(rule_refused(text, "longer").wrong);
	assert_true(line_read_bytes("web1 0\0 x", 9, &rule));
	assert_null(rule.wrong);
}

static void words_are_found_by_any_byte_of_theirs(void **state)
{
	char text[] = "ab  \"c d\" # e";
	struct policy_line line = {.text = text, .end = text + strlen(text)};
	static const int places[] = {0, 0, -ENOENT, -ENOENT, 1, 1, 1, 1, 1, -ENOENT, -ENOENT};
	const char *word;
	size_t length;

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(places); i++)
		assert_int_equal(rule_word_find(&line, text + i, &word, &length), places[i]);
	line.end = text;
	assert_int_equal(rule_word_find(&line, text, &word, &length), -ENOENT);
}

/* Whatever bytes: no crash, and a line either is none, or has a glob or an error. */
static void any_bytes_can_be_read(void **state)
{
	static const char bytes[] = "a0 \t\"\\#=*@(|)[]-,\r\xc3\xff";
	static const char *const words[] = {
	    "web*",  " 0 ",        "cpus=",       "env=",       "mem=",      "ksm=",
	    "thp=",  "hugepages=", "best-effort", "irq=",       "irq=eth0@", "isolate",
	    "nice=", "nice=-",     "sched=",      "sched=fifo:"};
	uint64_t seed = 3;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		char text[256];
		char copy[256];
		size_t length = 0;
		struct rule rule;

		for (unsigned int n = random_below(&seed, 24); n > 0; n--) {
			if (random_below(&seed, 4) == 0) {
				const char *word = words[random_below(&seed, LENGTH_OF(words))];

				memcpy(text + length, word, strlen(word));
				length += strlen(word);
			} else {
				/* Also the end mark of `bytes`. */
				text[length++] = bytes[random_below(&seed, sizeof(bytes))];
			}
		}
		if (!line_read_bytes(text, length, &rule))
			assert_false(error_is_set(&rule.error));
		else
			assert_true(rule.glob != NULL || error_is_set(&rule.error));
		if (rule.wrong != NULL) {
			char *from = memcpy(copy, text, length);
			struct policy_line line = {.text = from, .end = from + length};
			const char *word;
			size_t word_length;

			assert_true(rule_word_find(&line, copy + (rule.wrong - line_memory), &word,
						   &word_length) >= 0);
		}
		if (memchr(text, '\0', length) != NULL)
			assert_true(error_is_set(&rule.error));
		else if (rule.glob != NULL)
			assert_true(strlen(rule.glob) > 0);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test_teardown(a_line_of_the_script_of_2009_is_a_rule, free_line),
	    cmocka_unit_test_teardown(blank_lines_and_comments_are_no_rules, free_line),
	    cmocka_unit_test_teardown(a_comment_begins_at_a_word_only, free_line),
	    cmocka_unit_test_teardown(quotes_take_blanks_into_a_word, free_line),
	    cmocka_unit_test_teardown(a_backslash_stays_in_a_glob_only, free_line),
	    cmocka_unit_test_teardown(what_is_not_closed_is_refused, free_line),
	    cmocka_unit_test_teardown(a_carriage_return_is_a_blank, free_line),
	    cmocka_unit_test_teardown(options_are_read, free_line),
	    cmocka_unit_test_teardown(every_memory_mode_has_its_name, free_line),
	    cmocka_unit_test_teardown(the_environment_takes_names_and_values, free_line),
	    cmocka_unit_test_teardown(environment_options_have_a_limit, free_line),
	    cmocka_unit_test_teardown(unknown_options_are_refused, free_line),
	    cmocka_unit_test_teardown(duplicates_are_refused, free_line),
	    cmocka_unit_test_teardown(a_rule_says_nothing_of_pages_unless_it_does, free_line),
	    cmocka_unit_test_teardown(huge_pages_have_a_size, free_line),
	    cmocka_unit_test_teardown(huge_pages_without_a_size_are_refused, free_line),
	    cmocka_unit_test_teardown(huge_pages_are_of_whole_normal_pages, free_line),
	    cmocka_unit_test_teardown(switches_take_their_words_only, free_line),
	    cmocka_unit_test_teardown(a_rule_says_nothing_of_interrupts_or_priority_unless_it_does,
				      free_line),
	    cmocka_unit_test_teardown(interrupts_are_named_by_their_device, free_line),
	    cmocka_unit_test_teardown(what_names_no_device_has_no_interrupts, free_line),
	    cmocka_unit_test_teardown(the_cpus_of_interrupts_are_a_list, free_line),
	    cmocka_unit_test_teardown(a_device_is_named_once, free_line),
	    cmocka_unit_test_teardown(devices_have_limits, free_line),
	    cmocka_unit_test_teardown(isolation_is_a_word, free_line),
	    cmocka_unit_test_teardown(interrupts_need_cpus, free_line),
	    cmocka_unit_test_teardown(a_nice_value_is_a_number, free_line),
	    cmocka_unit_test_teardown(schedulers_have_their_names, free_line),
	    cmocka_unit_test_teardown(an_unknown_option_is_told_all_that_there_are, free_line),
	    cmocka_unit_test_teardown(nodes_are_checked, free_line),
	    cmocka_unit_test_teardown(automatic_placement_is_not_there_yet, free_line),
	    cmocka_unit_test_teardown(memory_needs_nodes, free_line),
	    cmocka_unit_test_teardown(a_malformed_line_keeps_glob_and_best_effort, free_line),
	    cmocka_unit_test_teardown(the_first_error_is_told, free_line),
	    cmocka_unit_test_teardown(globs_have_limits, free_line),
	    cmocka_unit_test_teardown(words_have_a_limit, free_line),
	    cmocka_unit_test_teardown(lines_have_a_limit, free_line),
	    cmocka_unit_test_teardown(a_nul_byte_is_refused, free_line),
	    cmocka_unit_test_teardown(options_are_written_as_they_were, free_line),
	    cmocka_unit_test_teardown(options_are_written_in_one_order, free_line),
	    cmocka_unit_test_teardown(options_that_were_written_are_read_again, free_line),
	    cmocka_unit_test_teardown(the_word_that_is_wrong_is_known, free_line),
	    cmocka_unit_test_teardown(no_word_is_wrong_where_the_line_is, free_line),
	    cmocka_unit_test_teardown(words_are_found_by_any_byte_of_theirs, free_line),
	    cmocka_unit_test_teardown(any_bytes_can_be_read, free_line),
	};

	return RUN_TESTS(tests);
}
