/* What is said of a guest, in a cell and in JSON: status_cells.c and report_guests.c. */
#include "guest_made.h"
#include "guest_verdict.h"
#include "report_guests.h"
#include "status_cells.h"

#include <sched.h>

static struct guest_made made;
static char text[STATUS_CELL_SIZE];

#define CHECK(cell, expected)                                      \
	do {                                                       \
		memset(text, '#', sizeof(text));                   \
		cell(&made.state, text);                           \
		assert_non_null(memchr(text, '\0', sizeof(text))); \
		assert_string_equal(text, expected);               \
	} while (0)

static void of_nothing_there_is_a_dash(void **state)
{
	struct guest_state *guest = made_new(&made);

	(void)state;
	guest->guest = guest->rule_file = guest->glob = NULL;
	guest->wanted_known = false;
	guest->verdict = VERDICT_NO_RULE;
	CHECK(status_guest, "-");
	CHECK(status_pid, "4711");
	CHECK(status_verdict, "no rule");
	CHECK(status_rule, "-");
	CHECK(status_wanted, "-");
	CHECK(status_actual, "none");
	CHECK(status_vcpus, "-");
	CHECK(status_memory, "-");
	CHECK(status_share, "-");
	CHECK(status_pages, "-");
	CHECK(status_huge, "-");
	CHECK(status_irqs, "-");
	assert_int_equal(status_huge_pages(guest), 0);
}

static void all_is_told_in_short(void **state)
{
	(void)state;
	made_new(&made)->verdict = VERDICT_DRIFTED;
	made_wants_cpus(&made, "2-3");
	made_wants_memory(&made, MEMORY_BIND, "1");
	made_thread(&made, "kvm", "0-3", 7);
	made_thread(&made, "CPU 0/KVM", "2", 2)->vcpu = 0;
	made_thread(&made, "CPU 1/KVM", "5", 5)->vcpu = 1;
	made_memory(&made, "prefer (many):0-1");
	made_pages(&made, 0, 1024, 0);
	made_pages(&made, 3, 256, 62);
	made_pages(&made, 1, 0, 64);
	made_irq(&made, 24, "eth0", "2-3", "2", true);
	made_irq(&made, 25, "eth0", "2-3", "0-3", true);
	made_irq(&made, 26, "eth0", "2-3", "3", false);
	CHECK(status_guest, "web1");
	CHECK(status_verdict, "drifted");
	CHECK(status_rule, "guest-pinning.conf:7");
	CHECK(status_wanted, "2-3 bind 1");
	CHECK(status_actual, "0-3,5 prefer (many) 0-1");
	CHECK(status_vcpus, "2,5");
	CHECK(status_memory, "257.0M");
	CHECK(status_share, "49.8 %");
	CHECK(status_pages, "0:1024 3:256+62 1:0+64");
	CHECK(status_huge, "126 of 2.0M");
	CHECK(status_irqs, "2 of 3");
	assert_int_equal(status_huge_pages(&made.state), 126);
	made.state.pages.sampled = true;
	CHECK(status_share, "~49.8 %");
	CHECK(status_pages, "0:~1024 3:~256+62 1:~0+64");
	made.state.pages_known = false;
	CHECK(status_actual, "0-3,5");
	CHECK(status_share, "-");
	CHECK(status_pages, "-");
	CHECK(status_huge, "-");
}

static void what_is_not_asked_is_a_dash(void **state)
{
	(void)state;
	made_new(&made);
	CHECK(status_wanted, "-");
	made_wants_memory(&made, MEMORY_LOCAL, "");
	CHECK(status_wanted, "- local");
	made_new(&made);
	made_wants_cpus(&made, "0-8191");
	CHECK(status_wanted, "0-8191");
	made_thread(&made, "kvm", "0", 0);
	made_memory(&made, "default");
	CHECK(status_actual, "0 default");
	CHECK(status_pages, "-");
	CHECK(status_memory, "0B");
}

static void pages_on_many_nodes_end_between_two(void **state)
{
	static struct guest_node nodes[200];
	const char *dots;

	(void)state;
	made_new(&made);
	made_memory(&made, "default");
	for (unsigned int i = 0; i < LENGTH_OF(nodes); i++)
		nodes[i] = (struct guest_node){i, 1000000 + i, 0};
	made.state.pages.nodes = nodes;
	made.state.pages.count = LENGTH_OF(nodes);
	status_pages(&made.state, text);
	assert_true(strlen(text) > STATUS_CELL_SIZE - 20);
	dots = strstr(text, " ...");
	assert_non_null(dots);
	assert_string_equal(dots, " ...");
	assert_memory_equal(dots - strlen(" 92:1000092"), " 92:1000092", strlen(" 92:1000092"));
}

/* A name of any bytes and any length, and sets of any length. */
static void what_is_hostile_is_printable_and_cut(void **state)
{
	char cpus[ID_SET_LIST_SIZE] = "";
	char name[4000];
	char rule[4000];

	(void)state;
	for (unsigned int id = 0; id < ID_SET_SIZE; id += 2)
		text_add(cpus, sizeof(cpus), "%s%u", id > 0 ? "," : "", id);
	memset(name, '\n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	memset(rule, 'x', sizeof(rule) - 1);
	rule[sizeof(rule) - 1] = '\0';
	made_new(&made)->guest = name;
	made.state.rule_file = rule;
	made_wants_cpus(&made, cpus);
	made_wants_memory(&made, MEMORY_BIND, "0-1023");
	made_thread(&made, "CPU 0/KVM", cpus, 0)->vcpu = 0;
	made_memory(&made, "");
	memset(made.state.pages.policy, 'p', sizeof(made.state.pages.policy) - 1);
	for (size_t i = 0; i < 10; i++) {
		static void (*const cells[])(const struct guest_state *, char *) = {
		    status_guest,  status_rule,  status_wanted, status_actual, status_vcpus,
		    status_memory, status_share, status_pages,  status_huge,   status_irqs,
		};

		memset(text, '#', sizeof(text));
		cells[i](&made.state, text);
		assert_non_null(memchr(text, '\0', sizeof(text)));
		assert_null(strchr(text, '\n'));
	}
	made.state.guest = (char[]){"a\033]0;x\a"};
	CHECK(status_guest, "a\\x1b]0;x\\x07");
	made.state.rule_file = (char[]){"/etc/a\tb"};
	CHECK(status_rule, "a\\x09b:7");
	made.state.rule_file = (char[]){"here"};
	CHECK(status_rule, "here:7");
}

/* --- JSON --- */

/* As text, in the order of the keys. Given up is `json`. */
static const char *compact(json_t *json)
{
	static char line[8192];
	size_t length;

	assert_non_null(json);
	length =
	    json_dumpb(json, line, sizeof(line) - 1,
		       JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY | JSON_REAL_PRECISION(4));
	assert_true(length < sizeof(line));
	line[length] = '\0';
	json_decref(json);
	return line;
}

static void a_guest_without_a_rule_is_reported(void **state)
{
	struct guest_state *guest = made_new(&made);

	(void)state;
	guest->guest = guest->rule_file = guest->glob = NULL;
	guest->wanted_known = false;
	guest->emulator = (char[]){""};
	guest_verdict_find(guest);
	assert_string_equal(
	    compact(report_guest(guest)),
	    "{\"cpus\":null,\"emulator\":null,\"guest\":null,\"irqs\":[],\"isolated\":null,"
	    "\"memory\":null,"
	    "\"note\":null,\"pid\":4711,\"reason\":null,\"rule\":null,\"threads\":[],"
	    "\"verdict\":\"no rule\",\"wanted\":null}");
}

static void all_is_reported(void **state)
{
	struct guest_state *guest = made_new(&made);

	(void)state;
	made_wants_cpus(&made, "2-3");
	made_wants_memory(&made, MEMORY_BIND, "1");
	guest->asked.huge_page = 2 << 20;
	made_thread(&made, "kvm", "2", 7);
	made_thread(&made, "CPU 0/KVM", "3", 5)->vcpu = 0;
	made.threads[1].stat.priority = (struct priority){-5, SCHED_FIFO, 3};
	made_memory(&made, "bind:1");
	made_pages(&made, 1, 512, 1);
	made_irq(&made, 24, "eth0", "2-3", "2", true);
	guest_verdict_find(guest);
	assert_string_equal(
	    compact(report_guest(guest)),
	    "{\"cpus\":\"2-3\",\"emulator\":\"/usr/bin/qemu-kvm\",\"guest\":\"web1\","
	    "\"irqs\":[{\"cpus\":\"2\",\"device\":\"eth0\",\"irq\":24,\"moved\":true,"
	    "\"wanted\":\"2-3\"}],\"isolated\":null,"
	    "\"memory\":{\"bytes\":4194304,\"huge_page\":2097152,"
	    "\"nodes\":[{\"huge_pages\":1,\"node\":1,\"pages\":512}],"
	    "\"on_wanted_nodes\":1.0,\"page\":4096,\"policy\":\"bind:1\",\"sampled\":false},"
	    "\"note\":null,\"pid\":4711,\"reason\":null,"
	    "\"rule\":{\"file\":\"/etc/libvirt/guest-pinning.conf\",\"glob\":\"web*\",\"line\":7},"
	    "\"threads\":[{\"cpu\":7,\"cpus\":\"2\",\"id\":4711,\"name\":\"kvm\",\"nice\":0,"
	    "\"placed\":true,\"realtime\":0,\"scheduler\":\"other\",\"vcpu\":null},"
	    "{\"cpu\":5,\"cpus\":\"3\",\"id\":4712,\"name\":\"CPU 0/KVM\",\"nice\":-5,"
	    "\"placed\":true,\"realtime\":3,\"scheduler\":\"fifo\",\"vcpu\":0}],"
	    "\"verdict\":\"placed\","
	    "\"wanted\":{\"cpus\":\"2-3\",\"huge_page\":2097152,"
	    "\"memory\":{\"mode\":\"bind\",\"nodes\":\"1\"},\"nice\":null,\"realtime\":null,"
	    "\"scheduler\":null}}");
}

static void what_is_not_known_or_asked_is_null(void **state)
{
	struct guest_state *guest = made_new(&made);
	json_t *json;

	(void)state;
	made_thread(&made, "kvm", "2", 7);
	made_memory(&made, "default");
	made_pages(&made, 0, 1, 0);
	made.state.pages.sampled = true;
	guest_verdict_find(guest);
	json = report_guest(guest);
	assert_string_equal(compact(json_deep_copy(json_object_get(json, "wanted"))),
			    "{\"cpus\":null,\"huge_page\":0,\"memory\":null,\"nice\":null,"
			    "\"realtime\":null,\"scheduler\":null}");
	assert_true(
	    json_is_null(json_object_get(json_object_get(json, "memory"), "on_wanted_nodes")));
	assert_true(json_is_true(json_object_get(json_object_get(json, "memory"), "sampled")));
	json_decref(json);
	/* A rule that cannot be honoured: nobody knows where a thread belongs. */
	guest->wanted_known = false;
	error_set(&guest->reason, 0, "why");
	error_set(&guest->note, 0, "besides");
	json = report_guest(guest);
	assert_string_equal(json_string_value(json_object_get(json, "reason")), "why");
	assert_string_equal(json_string_value(json_object_get(json, "note")), "besides");
	assert_true(json_is_null(json_object_get(json, "wanted")));
	assert_true(json_is_null(
	    json_object_get(json_array_get(json_object_get(json, "threads"), 0), "placed")));
	json_decref(json);
}

static void a_priority_that_is_wanted_is_reported(void **state)
{
	static const struct {
		struct rule asked;
		const char *nice, *realtime, *scheduler;
	} cases[] = {
	    {{.nice_given = true, .nice = -5}, "-5", "null", "null"},
	    {{.nice_given = true}, "0", "null", "null"},
	    {{.scheduler = SCHEDULER_BATCH}, "null", "0", "\"batch\""},
	    {{.scheduler = SCHEDULER_RR, .realtime = 99}, "null", "99", "\"rr\""},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		json_t *guest;
		json_t *wanted;

		made_new(&made)->asked = cases[i].asked;
		guest = report_guest(&made.state);
		wanted = json_object_get(guest, "wanted");
		assert_string_equal(compact(json_incref(json_object_get(wanted, "nice"))),
				    cases[i].nice);
		assert_string_equal(compact(json_incref(json_object_get(wanted, "realtime"))),
				    cases[i].realtime);
		assert_string_equal(compact(json_incref(json_object_get(wanted, "scheduler"))),
				    cases[i].scheduler);
		json_decref(guest);
	}
}

/* Whatever bytes there are, it is JSON. */
static void hostile_names_are_reported_printable(void **state)
{
	struct guest_state *guest = made_new(&made);
	json_t *json;

	(void)state;
	guest->guest = (char[]){"a\xff\n\"b"};
	guest->emulator = (char[]){"/x\xc3\x28"};
	guest->glob = (char[]){"\xfe*"};
	guest->rule_file = (char[]){"/\x80"};
	made_thread(&made, "\xff\x01", "0", 0);
	made_irq(&made, 1, "\xf0", "0", "0", false);
	json = report_guest(guest);
	assert_non_null(json);
	assert_string_equal(json_string_value(json_object_get(json, "guest")), "a\\xff\\x0a\"b");
	assert_string_equal(json_string_value(json_object_get(json, "emulator")), "/x\\xc3(");
	assert_string_equal(json_string_value(json_object_get(
				json_array_get(json_object_get(json, "threads"), 0), "name")),
			    "\\xff\\x01");
	json_decref(json);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(of_nothing_there_is_a_dash),
	    cmocka_unit_test(all_is_told_in_short),
	    cmocka_unit_test(what_is_not_asked_is_a_dash),
	    cmocka_unit_test(pages_on_many_nodes_end_between_two),
	    cmocka_unit_test(what_is_hostile_is_printable_and_cut),
	    cmocka_unit_test(a_guest_without_a_rule_is_reported),
	    cmocka_unit_test(all_is_reported),
	    cmocka_unit_test(what_is_not_known_or_asked_is_null),
	    cmocka_unit_test(a_priority_that_is_wanted_is_reported),
	    cmocka_unit_test(hostile_names_are_reported_printable),
	};

	return RUN_TESTS(tests);
}
