#include "sets.h"
#include "tree.h"
#include "watch_guest.h"

#include <fcntl.h>
#include <stdbool.h>

/* --- in JSON --- */

static struct watch_guest *new_guest(const char *cpus)
{
	struct watch_guest *guest = calloc(1, sizeof(*guest));

	assert_non_null(guest);
	guest->plan = interrupt_plan_new(INTERRUPT_CLAIMS_MAX);
	assert_non_null(guest->plan);
	strcpy(guest->name, "web1");
	strcpy(guest->rule, "/etc/libvirt/guest-pinning.conf:3");
	strcpy(guest->started, "4711");
	guest->pid = 42;
	guest->pidfd = guest->connection = -1;
	guest->plan->cpus = set_of(cpus);
	return guest;
}

static void add_claim(struct watch_guest *guest, const char *device, const char *cpus,
		      bool assigned)
{
	struct interrupt_claim *claim = &guest->plan->claims[guest->plan->count++];

	strcpy(claim->device, device);
	claim->cpus = set_of(cpus);
	claim->assigned = assigned;
}

static void check_same(const struct watch_guest *guest, const struct watch_guest *other)
{
	assert_string_equal(guest->name, other->name);
	assert_string_equal(guest->rule, other->rule);
	assert_string_equal(guest->started, other->started);
	assert_int_equal(guest->pid, other->pid);
	assert_int_equal(guest->plan->isolate, other->plan->isolate);
	assert_true(id_set_equal(&guest->plan->cpus, &other->plan->cpus));
	assert_int_equal(guest->plan->count, other->plan->count);
	for (size_t i = 0; i < guest->plan->count; i++) {
		const struct interrupt_claim *claim = &guest->plan->claims[i];

		assert_string_equal(claim->device, other->plan->claims[i].device);
		assert_int_equal(claim->assigned, other->plan->claims[i].assigned);
		assert_true(id_set_equal(&claim->cpus, &other->plan->claims[i].cpus));
	}
}

/* By a text, as it is in the file and in the message to the watcher. Frees the guest. */
static void check_round_trip(struct watch_guest *guest)
{
	json_t *json = watch_guest_write(guest);
	struct watch_guest *read;
	char *text;

	assert_non_null(json);
	text = json_dumps(json, JSON_COMPACT);
	json_decref(json);
	assert_non_null(text);
	json = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(json);
	read = watch_guest_read(json);
	json_decref(json);
	free(text);
	assert_non_null(read);
	check_same(read, guest);
	assert_int_equal(read->pidfd, -1);
	assert_int_equal(read->connection, -1);
	assert_false(read->told);
	watch_guest_free(read);
	watch_guest_free(guest);
}

static void what_is_written_is_read_again(void **state)
{
	struct watch_guest *guest = new_guest("0-3");

	(void)state;
	check_round_trip(guest);
	guest = new_guest("");
	guest->plan->isolate = true;
	add_claim(guest, "eth0", "2-3,8191", false);
	add_claim(guest, "0000:06:00.0", "", true);
	add_claim(guest, "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001", "0-8191", true);
	check_round_trip(guest);
	/* What must not become something else on the way. */
	guest = new_guest("0");
	strcpy(guest->name, "a \"b\" \\ '{' \xc3\xbc \xe2\x82\xac");
	strcpy(guest->rule, "");
	strcpy(guest->started, "18446744073709551615");
	guest->pid = 2147483647;
	check_round_trip(guest);
}

static void the_largest_guest_is_read_again(void **state)
{
	static char list[ID_SET_LIST_SIZE];
	struct watch_guest *guest = new_guest("");

	(void)state;
	for (unsigned int id = 0; id < ID_SET_SIZE; id += 2)
		id_set_add(&guest->plan->cpus, id);
	id_set_format(&guest->plan->cpus, list, sizeof(list));
	memset(guest->name, 'n', sizeof(guest->name) - 1);
	memset(guest->rule, 'r', sizeof(guest->rule) - 1);
	memset(guest->owner, 'o', sizeof(guest->owner) - 1);
	memset(guest->started, '9', sizeof(guest->started) - 1);
	for (size_t i = 0; i < INTERRUPT_CLAIMS_MAX; i++) {
		add_claim(guest, "", list, i % 2 != 0);
		memset(guest->plan->claims[i].device, 'd', DEVICE_NAME_SIZE - 1);
	}
	check_round_trip(guest);
}

#define START "{\"name\":\"web1\",\"rule\":\"f:1\",\"pid\":42,\"started\":\"4711\","
#define REST "\"owner\":\"o\",\"isolate\":true,\"cpus\":\"0\",\"claims\":"
#define CLAIM "{\"device\":\"eth0\",\"assigned\":false,\"cpus\":\"1\"}"

static struct watch_guest *read_text(const char *text)
{
	json_t *json = json_loads(text, JSON_DECODE_ANY, NULL);
	struct watch_guest *guest;

	if (json == NULL)
		fail_msg("no JSON: %s", text);
	guest = watch_guest_read(json);
	json_decref(json);
	return guest;
}

static void the_form_is_this(void **state)
{
	struct watch_guest *guest = read_text(START REST "[" CLAIM "]}");

	(void)state;
	assert_non_null(guest);
	assert_string_equal(guest->name, "web1");
	assert_string_equal(guest->rule, "f:1");
	assert_string_equal(guest->started, "4711");
	assert_int_equal(guest->pid, 42);
	assert_true(guest->plan->isolate);
	assert_int_equal(guest->plan->count, 1);
	assert_string_equal(guest->plan->claims[0].device, "eth0");
	assert_false(guest->plan->claims[0].assigned);
	assert_true(id_set_has(&guest->plan->claims[0].cpus, 1));
	watch_guest_free(guest);
}

static void what_is_no_guest_is_refused(void **state)
{
	static const char *const cases[] = {
	    "null",
	    "7",
	    "\"web1\"",
	    "[]",
	    "{}",
	    "[" START REST "[]}]",
	    /* something is missing, or is something else */
	    START "\"isolate\":true,\"cpus\":\"0\"}",
	    START "\"isolate\":true,\"claims\":[]}",
	    START "\"cpus\":\"0\",\"claims\":[]}",
	    START "\"isolate\":1,\"cpus\":\"0\",\"claims\":[]}",
	    START "\"isolate\":\"true\",\"cpus\":\"0\",\"claims\":[]}",
	    START "\"isolate\":null,\"cpus\":\"0\",\"claims\":[]}",
	    START "\"isolate\":true,\"cpus\":0,\"claims\":[]}",
	    START "\"isolate\":true,\"cpus\":[0],\"claims\":[]}",
	    "{\"rule\":\"f:1\",\"pid\":42,\"started\":\"4711\"," REST "[]}",
	    "{\"name\":7,\"rule\":\"f:1\",\"pid\":42,\"started\":\"4711\"," REST "[]}",
	    "{\"name\":\"web1\",\"pid\":42,\"started\":\"4711\"," REST "[]}",
	    "{\"name\":\"web1\",\"rule\":null,\"pid\":42,\"started\":\"4711\"," REST "[]}",
	    "{\"name\":\"web1\",\"rule\":\"f:1\",\"started\":\"4711\"," REST "[]}",
	    "{\"name\":\"web1\",\"rule\":\"f:1\",\"pid\":42," REST "[]}",
	    "{\"name\":\"web1\",\"rule\":\"f:1\",\"pid\":42,\"started\":4711," REST "[]}",
	    /* no process */
	    "{\"name\":\"web1\",\"rule\":\"f:1\",\"pid\":0,\"started\":\"4711\"," REST "[]}",
	    "{\"name\":\"web1\",\"rule\":\"f:1\",\"pid\":-1,\"started\":\"4711\"," REST "[]}",
	    "{\"name\":\"web1\",\"rule\":\"f:1\",\"pid\":\"42\",\"started\":\"4711\"," REST "[]}",
	    "{\"name\":\"web1\",\"rule\":\"f:1\",\"pid\":42.0,\"started\":\"4711\"," REST "[]}",
	    /* no CPUs */
	    START "\"isolate\":true,\"cpus\":\"x\",\"claims\":[]}",
	    START "\"isolate\":true,\"cpus\":\"none\",\"claims\":[]}",
	    START "\"isolate\":true,\"cpus\":\"1-0\",\"claims\":[]}",
	    START "\"isolate\":true,\"cpus\":\"8192\",\"claims\":[]}",
	    /* no claims */
	    START REST "7}",
	    START REST "null}",
	    START REST "{}}",
	    START REST "[7]}",
	    START REST "[null]}",
	    START REST "[{}]}",
	    START REST "[[]]}",
	    START REST "[" CLAIM ",{}]}",
	    START REST "[{\"assigned\":false,\"cpus\":\"1\"}]}",
	    START REST "[{\"device\":\"eth0\",\"cpus\":\"1\"}]}",
	    START REST "[{\"device\":\"eth0\",\"assigned\":false}]}",
	    START REST "[{\"device\":7,\"assigned\":false,\"cpus\":\"1\"}]}",
	    START REST "[{\"device\":\"eth0\",\"assigned\":0,\"cpus\":\"1\"}]}",
	    START REST "[{\"device\":\"eth0\",\"assigned\":false,\"cpus\":1}]}",
	    START REST "[{\"device\":\"eth0\",\"assigned\":false,\"cpus\":\"x\"}]}",
	    /* a way out of a directory */
	    START REST "[{\"device\":\"/\",\"assigned\":false,\"cpus\":\"1\"}]}",
	    START REST "[{\"device\":\"../eth0\",\"assigned\":false,\"cpus\":\"1\"}]}",
	    START REST "[{\"device\":\"a/b\",\"assigned\":true,\"cpus\":\"1\"}]}",
	    START REST "[{\"device\":\"eth0\\u002f..\",\"assigned\":true,\"cpus\":\"1\"}]}",
	};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		struct watch_guest *guest = read_text(cases[i]);

		if (guest != NULL)
			fail_msg("%s is taken", cases[i]);
	}
}

/* A value of `length` characters, where it belongs. */
static bool is_taken(const char *format, size_t length)
{
	static char value[2000];
	static char text[4000];
	struct watch_guest *guest;
	bool taken;

	assert_true(length < sizeof(value));
	memset(value, '1', length);
	value[length] = '\0';
	snprintf(text, sizeof(text), format, value);
	guest = read_text(text);
	taken = guest != NULL;
	watch_guest_free(guest);
	return taken;
}

static void what_is_too_long_is_refused(void **state)
{
	static const struct {
		const char *format;
		size_t size;
	} cases[] = {
	    {"{\"name\":\"%s\",\"rule\":\"f:1\",\"pid\":42,\"started\":\"4711\"," REST "[]}",
	     WATCH_NAME_SIZE},
	    {"{\"name\":\"web1\",\"rule\":\"%s\",\"pid\":42,\"started\":\"4711\"," REST "[]}",
	     2 * WATCH_NAME_SIZE},
	    {"{\"name\":\"web1\",\"rule\":\"f:1\",\"pid\":42,\"started\":\"%s\"," REST "[]}",
	     PROCESS_STARTED_SIZE},
	    {START REST "[{\"device\":\"%s\",\"assigned\":false,\"cpus\":\"1\"}]}",
	     DEVICE_NAME_SIZE},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		assert_true(is_taken(cases[i].format, 0));
		assert_true(is_taken(cases[i].format, cases[i].size - 1));
		assert_false(is_taken(cases[i].format, cases[i].size));
		assert_false(is_taken(cases[i].format, 1900));
	}
}

static void there_is_a_most_of_claims(void **state)
{
	for (size_t count = INTERRUPT_CLAIMS_MAX - 1; count <= INTERRUPT_CLAIMS_MAX + 1; count++) {
		char text[8192] = START REST "[";
		struct watch_guest *guest;

		for (size_t i = 0; i < count; i++)
			strcat(strcat(text, i > 0 ? "," : ""), CLAIM);
		guest = read_text(strcat(text, "]}"));
		assert_int_equal(guest != NULL, count <= INTERRUPT_CLAIMS_MAX);
		if (guest != NULL)
			assert_int_equal(guest->plan->count, count);
		watch_guest_free(guest);
	}
	(void)state;
}

static void a_freed_guest_leaves_nothing_open(void **state)
{
	unsigned int before = descriptors_of(getpid());
	struct watch_guest *guest = new_guest("0");

	(void)state;
	watch_guest_free(NULL);
	guest->pidfd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	guest->connection = open("/dev/null", O_RDONLY | O_CLOEXEC);
	assert_int_equal(descriptors_of(getpid()), before + 2);
	watch_guest_free(guest);
	assert_int_equal(descriptors_of(getpid()), before);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, enter_directory, leave_directory)
	static const struct CMUnitTest tests[] = {
	    TEST(what_is_written_is_read_again),
	    TEST(the_largest_guest_is_read_again),
	    TEST(the_form_is_this),
	    TEST(what_is_no_guest_is_refused),
	    TEST(what_is_too_long_is_refused),
	    TEST(there_is_a_most_of_claims),
	    TEST(a_freed_guest_leaves_nothing_open),
	};

	return RUN_TESTS(tests);
}
