#include "pins.h"
#include "tree.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum { OTHER_USER = 12345, CHUNK = 16 * 1024, MEBIBYTE = 1024 * 1024 };

static struct roots roots;
static struct error error;

#define STATE "state/web1.xml"

static int start(void **state)
{
	roots = (struct roots){.libvirt = "state", .owner = geteuid()};
	return enter_directory(state) < 0 || mkdir("state", 0755) < 0 ? -1 : 0;
}

static int check_placement(const char *guest, bool unified, const struct placement *placement)
{
	int result;

	error = (struct error){0};
	result = pins_check(&roots, guest, unified, placement, &error);
	assert_true(result == 0 || result == -EINVAL);
	assert_int_equal(error_is_set(&error), result < 0);
	return result;
}

/* What is said of the guest's pins where the rule gives it these CPUs. */
static int check(const char *guest, bool unified, const char *cpus)
{
	struct placement placement = {.sets_cpus = true};

	assert_int_equal(id_set_read(&placement.cpus, cpus), 0);
	return check_placement(guest, unified, &placement);
}

/* A guest's state as libvirt writes it (qemu_domain.c, virDomainObjFormat), in short. */
#define DOMAIN(vcpu, cputune, more)                                                          \
	"<?xml version=\"1.0\"?>\n<!-- AUTO-GENERATED -->\n"                                 \
	"<domstatus state='paused' reason='starting up' pid='4711'>\n"                       \
	"  <monitor path='/var/lib/libvirt/qemu/domain-1-web1/monitor.sock' type='unix'/>\n" \
	"  <vcpus>\n    <vcpu id='0' pid='4712' cpuset='31'/>\n  </vcpus>\n"                 \
	"  <domain type='qemu' id='1'>\n    <name>web1</name>\n    " vcpu "\n"               \
	"    <cputune>\n" cputune "    </cputune>\n" more "  </domain>\n</domstatus>\n"

#define VCPU "<vcpu placement='static'>2</vcpu>"
#define PIN(vcpu, cpus) "      <vcpupin vcpu='" vcpu "' cpuset='" cpus "'/>\n"

/* Under v1 a pin must be within the rule's CPUs, under v2 it must have one of them. */
static void pins_that_the_rule_leaves_no_room_for_are_found(void **state)
{
	static const struct {
		const char *xml;
		const char *rule;
		int v1;
		int v2;
	} cases[] = {
	    {DOMAIN(VCPU, "", ""), "2-3", 0, 0},
	    {DOMAIN(VCPU, PIN("0", "2"), ""), "2-3", 0, 0},
	    {DOMAIN(VCPU, PIN("0", "2-3"), ""), "2-3", 0, 0},
	    {DOMAIN(VCPU, PIN("0", "1-2"), ""), "2-3", -EINVAL, 0},
	    {DOMAIN(VCPU, PIN("0", "0-7"), ""), "2-3", -EINVAL, 0},
	    {DOMAIN(VCPU, PIN("0", "1"), ""), "2-3", -EINVAL, -EINVAL},
	    {DOMAIN(VCPU, PIN("0", "0-1,4-7"), ""), "2-3", -EINVAL, -EINVAL},
	    {DOMAIN(VCPU, PIN("0", "2") PIN("1", "9"), ""), "2-3", -EINVAL, -EINVAL},
	    {DOMAIN(VCPU, PIN("0", "9") PIN("1", "2"), ""), "2-3", -EINVAL, -EINVAL},
	    {DOMAIN("<vcpu placement='static' cpuset='2-3'>2</vcpu>", "", ""), "2-3", 0, 0},
	    {DOMAIN("<vcpu placement='static' cpuset='3-4'>2</vcpu>", "", ""), "2-3", -EINVAL, 0},
	    {DOMAIN("<vcpu cpuset='4'>2</vcpu>", "", ""), "2-3", -EINVAL, -EINVAL},
	    {DOMAIN(VCPU, "<iothreadpin iothread='1' cpuset='3'/>", ""), "2-3", 0, 0},
	    {DOMAIN(VCPU, "<iothreadpin iothread='1' cpuset='3-4'/>", ""), "2-3", -EINVAL, 0},
	    {DOMAIN(VCPU, "<iothreadpin iothread='1' cpuset='4'/>", ""), "2-3", -EINVAL, -EINVAL},
	    /* however it is written */
	    {DOMAIN(VCPU, "<vcpupin cpuset=\"1\" vcpu=\"0\"></vcpupin>", ""), "2-3", -EINVAL,
	     -EINVAL},
	    {DOMAIN(VCPU, "<vcpupin vcpu='0' cpuset='&#49;'/>", ""), "2-3", -EINVAL, -EINVAL},
	    {DOMAIN(VCPU, "<vcpupin vcpu='0'\n\tcpuset='1'\n/>", ""), "2-3", -EINVAL, -EINVAL},
	    {DOMAIN(VCPU, "<vcpupin cpuset='1'/>", ""), "2-3", -EINVAL, -EINVAL},
	    /* the emulator's own is in its cgroup */
	    {DOMAIN(VCPU, "<emulatorpin cpuset='9'/>", ""), "2-3", 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		int v1;
		int v2;

		make_file(STATE, cases[i].xml);
		v1 = check("web1", false, cases[i].rule);
		v2 = check("web1", true, cases[i].rule);
		if (v1 != cases[i].v1 || v2 != cases[i].v2)
			fail_msg("case %zu: v1 %d, v2 %d", i, v1, v2);
	}
}

static void what_only_looks_like_a_pin_is_none(void **state)
{
	static const char *const cases[] = {
	    /* what anybody may write into a guest's XML */
	    DOMAIN(VCPU, "",
		   "<metadata><x:app xmlns:x='urn:x'><vcpupin vcpu='0' cpuset='9'/>"
		   "<cputune><vcpupin vcpu='0' cpuset='9'/></cputune></x:app>"
		   "<vcpupin vcpu='0' cpuset='9'/><vcpu cpuset='9'>1</vcpu></metadata>"),
	    DOMAIN(VCPU, "",
		   "<metadata><domstatus><domain><vcpu cpuset='9'/><cputune>"
		   "<vcpupin vcpu='0' cpuset='9'/></cputune></domain></domstatus></metadata>"),
	    DOMAIN(VCPU, "", "<description>&lt;vcpupin vcpu='0' cpuset='9'/&gt;</description>"),
	    DOMAIN(VCPU, "", "<title><![CDATA[<vcpupin vcpu='0' cpuset='9'/>]]></title>"),
	    DOMAIN(VCPU, "<!-- <vcpupin vcpu='0' cpuset='9'/> -->", ""),
	    DOMAIN(VCPU, "<?pin <vcpupin vcpu='0' cpuset='9'/>?>", ""),
	    /* at another place */
	    DOMAIN(VCPU, "", "<vcpupin vcpu='0' cpuset='9'/>"),
	    DOMAIN(VCPU, "<x><vcpupin vcpu='0' cpuset='9'/></x>", ""),
	    DOMAIN(VCPU, "<vcpu cpuset='9'>1</vcpu>", ""),
	    DOMAIN(VCPU, "", "<vcpus><vcpu id='0' cpuset='9'/></vcpus>"),
	    "<domain><vcpu cpuset='9'>1</vcpu><cputune><vcpupin vcpu='0' cpuset='9'/></cputune>"
	    "</domain>",
	    "<domstatus><x><domain><vcpu cpuset='9'>1</vcpu></domain></x></domstatus>",
	    "<x><domain><vcpu cpuset='9'>1</vcpu></domain></x>",
	    "<vcpupin vcpu='0' cpuset='9'/>",
	    /* of another name, or with no CPUs that can be read */
	    DOMAIN(VCPU, "<x:vcpupin xmlns:x='urn:x' vcpu='0' cpuset='9'/>", ""),
	    DOMAIN(VCPU, "<VCPUPIN vcpu='0' cpuset='9'/>", ""),
	    DOMAIN(VCPU, "<vcpupins vcpu='0' cpuset='9'/>", ""),
	    DOMAIN(VCPU, "<vcpupin vcpu='9'/>", ""),
	    DOMAIN(VCPU, "<vcpupin vcpu='0' cpusets='9'/>", ""),
	    DOMAIN(VCPU, PIN("0", ""), ""),
	    DOMAIN(VCPU, PIN("0", "rubbish"), ""),
	    DOMAIN(VCPU, PIN("0", "99999"), ""),
	};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		make_file(STATE, cases[i]);
		if (check("web1", false, "2-3") != 0 || check("web1", true, "2-3") != 0)
			fail_msg("case %zu: %s", i, error.text);
	}
}

/* Whatever the cgroups: the kernel takes the node that QEMU asks for. */
static void memory_that_is_bound_outside_the_rules_nodes_is_found(void **state)
{
#define NUMATUNE(memory) DOMAIN(VCPU, "", "<numatune>" memory "</numatune>")
	static const struct {
		const char *xml;
		bool sets_memory;
		const char *nodes;
		int expected;
	} cases[] = {
	    {NUMATUNE("<memory mode='strict' nodeset='1'/>"), true, "0-1", 0},
	    {NUMATUNE("<memory mode='strict' nodeset='0-1'/>"), true, "0-1", 0},
	    {NUMATUNE("<memory mode='strict' nodeset='2'/>"), true, "0-1", -EINVAL},
	    {NUMATUNE("<memory mode='strict' nodeset='1-2'/>"), true, "0-1", -EINVAL},
	    {NUMATUNE("<memnode cellid='0' mode='strict' nodeset='1'/>"), true, "0-1", 0},
	    {NUMATUNE("<memnode cellid='0' mode='strict' nodeset='2'/>"), true, "0-1", -EINVAL},
	    {NUMATUNE("<memory mode='strict' placement='auto'/>"), true, "0-1", 0},
	    /* a rule that binds no memory, or to wherever the guest runs */
	    {NUMATUNE("<memory mode='strict' nodeset='2'/>"), false, "0-1", 0},
	    {NUMATUNE("<memory mode='strict' nodeset='2'/>"), true, "", 0},
	    /* elsewhere */
	    {DOMAIN(VCPU, "", "<memory nodeset='2'/>"), true, "0-1", 0},
	    {DOMAIN(VCPU, "", "<metadata><memory nodeset='2'/></metadata>"), true, "0-1", 0},
	    {DOMAIN(VCPU, "", "<metadata><numatune><memory nodeset='2'/></numatune></metadata>"),
	     true, "0-1", 0},
	    {DOMAIN(VCPU, "", "<memoryBacking><page nodeset='2'/></memoryBacking>"), true, "0-1",
	     0},
	    /* CPUs are no nodes */
	    {DOMAIN(VCPU, PIN("0", "2-3"), ""), true, "0-1", 0},
	    {NUMATUNE("<memory mode='strict' nodeset='1' cpuset='9'/>"), true, "0-1", 0},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		struct placement placement = {.sets_cpus = true,
					      .sets_memory = cases[i].sets_memory};

		assert_int_equal(id_set_read(&placement.cpus, "2-3"), 0);
		assert_int_equal(id_set_read(&placement.nodes, cases[i].nodes), 0);
		make_file(STATE, cases[i].xml);
		for (int unified = 0; unified < 2; unified++) {
			if (check_placement("web1", unified != 0, &placement) != cases[i].expected)
				fail_msg("case %zu: %s", i, error.text);
			if (cases[i].expected < 0)
				assert_non_null(strstr(error.text, "nodes"));
		}
	}
}

static void the_refusal_says_what_is_pinned_where(void **state)
{
	(void)state;
	make_file(STATE, DOMAIN(VCPU, PIN("0", "2") PIN("17", "0-2,4"), ""));
	assert_int_equal(check("web1", false, "2-3"), -EINVAL);
	assert_non_null(strstr(error.text, "vcpupin 17"));
	assert_non_null(strstr(error.text, "CPUs 0-2,4 "));
	assert_non_null(strstr(error.text, " 2-3"));
	assert_non_null(strstr(error.text, "cgroup v1"));
	assert_int_equal(check("web1", true, "7"), -EINVAL);
	assert_null(strstr(error.text, "cgroup v1"));
	make_file(STATE, DOMAIN(VCPU, "<iothreadpin iothread='5' cpuset='9'/>", ""));
	assert_int_equal(check("web1", true, "2-3"), -EINVAL);
	assert_non_null(strstr(error.text, "iothreadpin 5"));
	make_file(STATE, DOMAIN("<vcpu cpuset='9'>1</vcpu>", "", ""));
	assert_int_equal(check("web1", true, "2-3"), -EINVAL);
	assert_non_null(strstr(error.text, "(vcpu)"));
}

/* What is refused is not what it pins, but that nobody knows what that is. */
static void check_unknown(const char *guest, const char *why)
{
	assert_int_equal(check(guest, false, "2-3"), -EINVAL);
	if (strstr(error.text, "libvirt's state of the guest, state/") == NULL ||
	    strstr(error.text, why) == NULL ||
	    strstr(error.text, "not known: start the guest anew") == NULL)
		fail_msg("'%s' is not in: %s", why, error.text);
}

static void a_file_that_is_not_understood_is_refused(void **state)
{
	static const char whole[] = DOMAIN(VCPU, PIN("0", "2"), "");
	static const char *const cases[] = {
	    "",
	    "\n",
	    "rubbish",
	    "<",
	    "<domstatus>",
	    "<domstatus></domain>",
	    "<domstatus><domain></domstatus></domain>",
	    "<domstatus><domain><vcpu cpuset='2' cpuset='2'/></domain></domstatus>",
	    "<domstatus><domain><vcpu cpuset=2/></domain></domstatus>",
	    "<domstatus><domain>&nothing;<vcpu cpuset='2'/></domain></domstatus>",
	    "<domstatus><domain>\xff\xfe<vcpu cpuset='2'/></domain></domstatus>",
	    "\xff\xfe<\x01",
	};
	char text[sizeof(whole)];
	size_t end = (size_t)(strstr(whole, "</domstatus>") - whole) + strlen("</domstatus>");

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		make_file(STATE, cases[i]);
		check_unknown("web1", "state/web1.xml, is not understood (");
	}
	/* One that breaks off: at every byte. */
	for (size_t length = 0; length < end; length++) {
		snprintf(text, sizeof(text), "%.*s", (int)length, whole);
		make_file(STATE, text);
		check_unknown("web1", "is not understood (");
	}
	make_file(STATE, whole);
	assert_int_equal(check("web1", false, "2-3"), 0);
	make_file(STATE, "<domstatus>\n<domain>\n</x>");
	check_unknown("web1", "is not understood (mismatched tag, line 3)");
}

/* The process has no descriptor left. */
static void a_file_that_cannot_be_read_is_refused(void **state)
{
	struct rlimit before;
	struct rlimit none;

	(void)state;
	make_file(STATE, DOMAIN(VCPU, PIN("0", "2"), ""));
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = (struct rlimit){.rlim_cur = 0, .rlim_max = before.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	(void)check("web1", false, "2-3");
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_non_null(strstr(error.text, "cannot be read (Too many open files)"));
	assert_int_equal(check("web1", false, "2-3"), 0);
	if (geteuid() == 0) /* who may read all */
		return;
	assert_int_equal(chmod(STATE, 0), 0);
	check_unknown("web1", "cannot be read (Permission denied)");
}

static void a_missing_file_stops_nobody(void **state)
{
	(void)state;
	assert_int_equal(check("web1", false, "2-3"), 0);
	roots.libvirt = "no-such-directory";
	assert_int_equal(check("web1", false, "2-3"), 0);
}

/* Of any part of the file the parser sees the pieces. */
static void a_pin_at_any_place_of_the_file_is_found(void **state)
{
	static char text[2 * CHUNK];
	static const char head[] = "<domstatus><domain><!--";
	static const char tail[] = "--><cputune><vcpupin vcpu='0' cpuset='9'/></cputune></domain>"
				   "</domstatus>";

	(void)state;
	for (size_t padding = CHUNK - sizeof(head) - sizeof(tail); padding <= CHUNK; padding++) {
		size_t used = strlen(strcpy(text, head));

		memset(text + used, 'x', padding);
		strcpy(text + used + padding, tail);
		make_file(STATE, text);
		assert_int_equal(check("web1", true, "2-3"), -EINVAL);
		assert_int_equal(check("web1", true, "9"), 0);
	}
}

static void a_large_file_is_read_and_a_huge_one_refused(void **state)
{
	static const char text[] = DOMAIN(VCPU, PIN("0", "2"), "");
	static char padding[64 * 1024];
	FILE *file;

	(void)state;
	memset(padding, ' ', sizeof(padding));
	file = fopen(STATE, "w");
	assert_non_null(file);
	assert_true(fputs("<domstatus><domain>", file) >= 0);
	for (size_t i = 0; i < MEBIBYTE / sizeof(padding); i++)
		assert_int_equal(fwrite(padding, 1, sizeof(padding), file), sizeof(padding));
	assert_true(fputs("<vcpu cpuset='9'/></domain></domstatus>", file) >= 0);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(check("web1", true, "2-3"), -EINVAL);

	make_file(STATE, text);
	assert_int_equal(truncate(STATE, 16 * MEBIBYTE + 1), 0);
	check_unknown("web1", "is larger than 16 MiB");
	assert_int_equal(truncate(STATE, (off_t)1 << 40), 0);
	check_unknown("web1", "is larger than 16 MiB");
}

static void elements_may_be_nested_as_deep_as_they_like(void **state)
{
	enum { DEPTH = 100000 };
	static const char end[] = "<cputune><vcpupin vcpu='0' cpuset='9'/></cputune>"
				  "</domain></domstatus>";
	char *text = malloc(DEPTH * 7 + 256);
	char *at = text;
	double start = milliseconds();

	(void)state;
	assert_non_null(text);
	at = stpcpy(at, "<domstatus><domain>");
	for (int i = 0; i < DEPTH; i++)
		at = stpcpy(at, "<a>");
	*at = '\0';
	make_file(STATE, text);
	check_unknown("web1", "is not understood (no element found");
	for (int i = 0; i < DEPTH; i++)
		at = stpcpy(at, "</a>");
	strcpy(at, end);
	make_file(STATE, text);
	free(text);
	assert_int_equal(check("web1", true, "2-3"), -EINVAL);
	assert_int_equal(check("web1", true, "9"), 0);
	assert_true(milliseconds() - start < 1000.0 * SLOWNESS);
}

/* Ten entities, each ten of the one before: 10^10 of the first. */
static void entities_of_entities_cost_little(void **state)
{
	char text[4096];
	char *at = stpcpy(text, "<!DOCTYPE domstatus [<!ENTITY a0 '<x/>'>");
	double start = milliseconds();

	(void)state;
	for (int i = 1; i <= 10; i++) {
		at += sprintf(at, "<!ENTITY a%d '", i);
		for (int j = 0; j < 10; j++)
			at += sprintf(at, "&a%d;", i - 1);
		at = stpcpy(at, "'>");
	}
	strcpy(at, "]><domstatus><domain>&a10;<vcpu cpuset='9'/></domain></domstatus>");
	make_file(STATE, text);
	check_unknown("web1", "is not understood (");
	assert_true(milliseconds() - start < 1000.0 * SLOWNESS);
}

static void no_other_file_is_read(void **state)
{
	static const char entity[] = "<!DOCTYPE domstatus [<!ENTITY e SYSTEM 'pin.xml'>]>"
				     "<domstatus><domain>&e;</domain></domstatus>";

	(void)state;
	make_file("state/pin.xml", "<vcpu cpuset='9'/>");
	make_file("pin.xml", "<vcpu cpuset='9'/>");
	make_file(STATE, entity);
	assert_int_equal(check("web1", true, "2-3"), 0);
}

static void a_name_leads_nowhere_else(void **state)
{
	static const char *const names[] = {"../web1", "./web1", "sub/web1", "/web1", "..", "."};
	char name[2 * PATH_MAX];
	char path[PATH_MAX];

	(void)state;
	assert_int_equal(mkdir("state/sub", 0755), 0);
	make_file(STATE, DOMAIN(VCPU, PIN("0", "9"), ""));
	make_file("web1.xml", DOMAIN(VCPU, PIN("0", "9"), ""));
	make_file("state/sub/web1.xml", DOMAIN(VCPU, PIN("0", "9"), ""));
	for (size_t i = 0; i < LENGTH_OF(names); i++) {
		if (check(names[i], true, "2-3") != 0)
			fail_msg("'%s': %s", names[i], error.text);
	}
	assert_non_null(getcwd(path, sizeof(path)));
	snprintf(name, sizeof(name), "%s/web1", path);
	assert_int_equal(check(name, true, "2-3"), 0);
	memset(name, 'x', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(check(name, true, "2-3"), 0);
	assert_int_equal(check("web1", true, "2-3"), -EINVAL);
}

/* A name may hold whatever else a file's name may. */
static void names_with_odd_characters_are_found(void **state)
{
	static const char *const names[] = {"my vm", "a\nb", "\xc3\xbc", "..x", "%s%n", "-x", "*"};
	char path[64];

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(names); i++) {
		assert_int_equal(check(names[i], true, "2-3"), 0);
		snprintf(path, sizeof(path), "state/%s.xml", names[i]);
		make_file(path, DOMAIN(VCPU, PIN("0", "9"), ""));
		assert_int_equal(check(names[i], true, "2-3"), -EINVAL);
	}
}

static void what_is_no_file_of_libvirts_is_refused(void **state)
{
	(void)state;
	make_file("real.xml", DOMAIN(VCPU, PIN("0", "2"), ""));
	make_link("../real.xml", STATE);
	check_unknown("web1", "is a link");
	assert_int_equal(unlink(STATE), 0);
	assert_int_equal(mkfifo(STATE, 0600), 0);
	check_unknown("web1", "is no regular file");
	assert_int_equal(unlink(STATE), 0);
	assert_int_equal(mkdir(STATE, 0755), 0);
	check_unknown("web1", "is no regular file");
}

/* Root can give the file away; another user's own is taken for somebody else's then. */
static void a_file_of_another_user_is_refused(void **state)
{
	uid_t owner = geteuid() == 0 ? OTHER_USER : geteuid();

	(void)state;
	make_file(STATE, DOMAIN(VCPU, PIN("0", "2"), ""));
	assert_int_equal(check("web1", true, "2-3"), 0);
	assert_int_equal(chown(STATE, owner, (gid_t)-1), 0);
	roots.owner = owner + 1;
	check_unknown("web1", "is not root's");
	roots.owner = owner;
	assert_int_equal(check("web1", true, "2-3"), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, leave_directory)
	static const struct CMUnitTest tests[] = {
	    TEST(pins_that_the_rule_leaves_no_room_for_are_found),
	    TEST(what_only_looks_like_a_pin_is_none),
	    TEST(memory_that_is_bound_outside_the_rules_nodes_is_found),
	    TEST(the_refusal_says_what_is_pinned_where),
	    TEST(a_file_that_is_not_understood_is_refused),
	    TEST(a_file_that_cannot_be_read_is_refused),
	    TEST(a_missing_file_stops_nobody),
	    TEST(a_pin_at_any_place_of_the_file_is_found),
	    TEST(a_large_file_is_read_and_a_huge_one_refused),
	    TEST(elements_may_be_nested_as_deep_as_they_like),
	    TEST(entities_of_entities_cost_little),
	    TEST(no_other_file_is_read),
	    TEST(a_name_leads_nowhere_else),
	    TEST(names_with_odd_characters_are_found),
	    TEST(what_is_no_file_of_libvirts_is_refused),
	    TEST(a_file_of_another_user_is_refused),
	};

	return RUN_TESTS(tests);
}
