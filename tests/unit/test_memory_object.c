#include "memory_object.h"
#include "unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MEGA (UINT64_C(1) << 20)
#define GIGA (UINT64_C(1) << 30)

/* What a plain object gets for huge pages of 2M, behind its own. */
#define HUGE_JSON                                   \
	"\"hugetlb\":true,\"hugetlbsize\":2097152," \
	"\"prealloc\":true,\"share\":false,"        \
	"\"x-use-canonical-path-for-ramblock-id\":false"
#define HUGE_TEXT                                     \
	"hugetlb=on,hugetlbsize=2097152,prealloc=on," \
	"share=off,x-use-canonical-path-for-ramblock-id=off"

static const struct memory_change huge = {.huge_page = 2 * MEGA};
static const struct memory_change prealloc = {.prealloc = CHOICE_ON};
static const struct memory_change prealloc_off = {.prealloc = CHOICE_OFF};
static const struct memory_change merge_off = {.merge = CHOICE_OFF};
static const struct memory_change merge_on = {.merge = CHOICE_ON};

/* Reads what must be memory. */
static struct memory_object object_of(const char *text)
{
	struct memory_object object;
	struct error error = {0};
	int result = memory_object_read(text, &object, &error);

	if (result != OBJECT_MEMORY)
		fail_msg("%s: %d %s", text, result, error.text);
	assert_ptr_equal(object.text, text);
	return object;
}

static void check_result(const char *text, int expected)
{
	struct memory_object object;
	struct error error = {0};
	int result = memory_object_read(text, &object, &error);

	if (result != expected)
		fail_msg("%s: %d, not %d", text, result, expected);
	assert_false(error_is_set(&error));
	memory_object_free(&object);
}

/* What becomes of an object; `expected` NULL: it stays as it is. */
static void check_change(const char *from, struct memory_change change, const char *expected)
{
	struct memory_object object = object_of(from);
	char *text = "left alone";

	assert_int_equal(memory_object_change(&object, &change, &text), 0);
	if (expected == NULL)
		assert_null(text);
	else if (text == NULL)
		fail_msg("%s stays", from);
	else
		assert_string_equal(text, expected);
	free(text);
	memory_object_free(&object);
}

/* As libvirt writes it. */
static void json_is_read(void **state)
{
	struct memory_object object =
	    object_of("{\"qom-type\":\"memory-backend-ram\",\"id\":\"ram-node0\","
		      "\"size\":1073741824,\"host-nodes\":[0,2,5],\"policy\":\"bind\"}");

	(void)state;
	assert_string_equal(object.type, "memory-backend-ram");
	assert_string_equal(object.id, "ram-node0");
	assert_true(object.size == GIGA);
	assert_true(object.plain);
	assert_false(object.sparse);
	assert_false(object.merge_given);
	assert_string_equal(object.policy, "bind");
	assert_int_equal(id_set_count(&object.nodes), 3);
	assert_true(id_set_has(&object.nodes, 0) && id_set_has(&object.nodes, 2) &&
		    id_set_has(&object.nodes, 5));
	memory_object_free(&object);
	assert_null(object.id);
	memory_object_free(&object);
}

static void the_text_form_is_read(void **state)
{
	struct memory_object object = object_of("memory-backend-ram,id=ram-node0,size=1G,"
						"host-nodes=0-1,policy=interleave");

	(void)state;
	assert_string_equal(object.type, "memory-backend-ram");
	assert_string_equal(object.id, "ram-node0");
	assert_true(object.size == GIGA);
	assert_true(object.plain);
	assert_false(object.sparse);
	assert_false(object.merge_given);
	assert_string_equal(object.policy, "interleave");
	assert_int_equal(id_set_count(&object.nodes), 2);
	memory_object_free(&object);
}

static void an_object_may_have_little(void **state)
{
	static const char *const cases[] = {
	    "{\"qom-type\":\"memory-backend-ram\",\"id\":\"a\",\"size\":1}",
	    "memory-backend-ram,id=a,size=1",
	};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		struct memory_object object = object_of(cases[i]);

		assert_true(object.size == 1);
		assert_null(object.policy);
		assert_true(id_set_is_empty(&object.nodes));
		memory_object_free(&object);
	}
}

static void sizes_in_the_text_form_are_bytes_or_have_a_letter(void **state)
{
	static const struct {
		const char *text;
		uint64_t size;
	} cases[] = {
	    {"memory-backend-ram,id=a,size=2097152", 2 * MEGA},
	    {"memory-backend-ram,id=a,size=2M", 2 * MEGA},
	    {"memory-backend-ram,id=a,size=1.5G", 3 * GIGA / 2},
	    {"memory-backend-ram,id=a,size=0x40000000", GIGA},
	    {"memory-backend-ram,size=1M,id=a,size=2M", 2 * MEGA},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		struct memory_object object = object_of(cases[i].text);

		assert_true(object.size == cases[i].size);
		memory_object_free(&object);
	}
	check_result("memory-backend-ram,id=a,size=1MB", OBJECT_UNREAD);
	check_result("memory-backend-ram,id=a,size=", OBJECT_UNREAD);
	check_result("memory-backend-ram,id=a,size", OBJECT_UNREAD);
	check_result("memory-backend-ram,id=a,size=-1", OBJECT_UNREAD);
	check_result("memory-backend-ram,id=a,size=+1G", OBJECT_UNREAD);
	check_result("memory-backend-file,id=a,mem-path=/x,size=1MB", OBJECT_UNREAD);
}

/* qapi/opts-visitor.c: a list is ranges, or the key again; libvirt before 7.0 wrote it so. */
static void host_nodes_given_again_add_to_the_list(void **state)
{
	struct memory_object object =
	    object_of("memory-backend-ram,id=a,size=1G,host-nodes=0-1,host-nodes=3,policy=bind");
	char text[ID_SET_TEXT_SIZE];

	(void)state;
	assert_string_equal(id_set_format(&object.nodes, text, sizeof(text)), "0-1,3");
	memory_object_free(&object);
}

static void only_ram_is_plain(void **state)
{
	static const char *const cases[] = {
	    "{\"qom-type\":\"memory-backend-file\",\"id\":\"a\",\"size\":1,\"mem-path\":\"/x\"}",
	    "{\"qom-type\":\"memory-backend-memfd\",\"id\":\"a\",\"size\":1}",
	    "{\"qom-type\":\"memory-backend-epc\",\"id\":\"a\",\"size\":1}",
	    "{\"qom-type\":\"memory-backend-ramx\",\"id\":\"a\",\"size\":1}",
	    "memory-backend-file,id=a,size=1,mem-path=/x",
	    "memory-backend-ram,,,id=a,size=1",
	};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		struct memory_object object = object_of(cases[i]);

		assert_false(object.plain);
		memory_object_free(&object);
		check_change(cases[i], huge, NULL);
	}
}

static void objects_that_are_no_memory_are_told(void **state)
{
	(void)state;
	check_result("{\"qom-type\":\"secret\",\"id\":\"a\",\"format\":\"raw\"}", OBJECT_OTHER);
	check_result("{\"qom-type\":\"iothread\",\"id\":\"a\"}", OBJECT_OTHER);
	check_result("{\"qom-type\":\"xmemory-backend-ram\",\"id\":\"a\",\"size\":1}",
		     OBJECT_OTHER);
	check_result("{\"qom-type\":7,\"id\":\"a\",\"size\":1}", OBJECT_OTHER);
	check_result("{\"id\":\"a\",\"size\":1}", OBJECT_OTHER);
	check_result("{}", OBJECT_OTHER);
	check_result("", OBJECT_OTHER);
	check_result(",", OBJECT_OTHER);
	check_result("iothread,id=a", OBJECT_OTHER);
	check_result("secret,id=a,data=memory-backend-ram", OBJECT_OTHER);
	check_result("id=a,qom-type=secret,size=1", OBJECT_OTHER);
	check_result("rng-random,id=a,filename=/qom-type=memory-backend-ram", OBJECT_OTHER);
	check_result("memory-backend,id=a,size=1", OBJECT_OTHER);
}

/* QEMU refuses it, too, and says why. */
static void json_that_is_none_is_nothing(void **state)
{
	(void)state;
	check_result("{", OBJECT_OTHER);
	check_result("{'", OBJECT_OTHER);
	check_result("{\"qom-type\":\"memory-backend-ram\",\"id\":\"a\",\"size\":1", OBJECT_OTHER);
	check_result("{\"qom-type\":\"memory-backend-ram\",\"id\":\"a\",\"size\":1} x",
		     OBJECT_OTHER);
	check_result("{\"qom-type\":\"memory-backend-ram\",\"id\":\"a\",\"size\":1,}",
		     OBJECT_OTHER);
	check_result("{\"qom-type\":\"memory-backend-ram\",\"id\":\"a\",\"size\":1,\"size\":1}",
		     OBJECT_OTHER);
	check_result("{\"qom-type\":\"memory-backend-ram\",\"id\":\"\xff\",\"size\":1}",
		     OBJECT_OTHER);
	check_result("{\"qom-type\":\"memory-backend-ram\",\"id\":\"a\",\"size\":01}",
		     OBJECT_OTHER);
	check_result("{\"qom-type\":\"memory-backend-ram\",\"id\":\"a\","
		     "\"size\":99999999999999999999}",
		     OBJECT_OTHER);
}

/* qobject/json-lexer.c: QEMU takes single quotes, which no standard does. */
static void memory_in_single_quotes_is_unread(void **state)
{
	(void)state;
	check_result("{'qom-type':'memory-backend-ram','id':'a','size':1}", OBJECT_UNREAD);
	check_result("{'qom-type':'memory-backend-file','id':'a','size':1}", OBJECT_UNREAD);
	check_result("{\"qom-type\":'memory-backend-ram',\"id\":\"a\",\"size\":1}", OBJECT_UNREAD);
	check_result("{\"qom-type\":\"memory-backend-ram\",\"id\":'a',\"size\":1}", OBJECT_UNREAD);
	check_result("{'qom-type':'iothread','id':'i'}", OBJECT_OTHER);
	check_result("{'qom-type':'memory-backend','id':'i'}", OBJECT_OTHER);
	/* One in a string is nothing out of the ordinary. */
	check_result("{\"qom-type\":\"memory-backend-file\",\"id\":\"a\",\"size\":1,"
		     "\"mem-path\":\"/it's\"}",
		     OBJECT_MEMORY);
	check_result("{\"qom-type\":\"memory-backend-file\",\"size\":1,\"mem-path\":\"/it's\"}",
		     OBJECT_OTHER);
	check_result("memory-backend-file,size=1,mem-path=/it's", OBJECT_OTHER);
}

/* QEMU refuses it, too. */
static void memory_without_an_id_or_a_size_is_nothing(void **state)
{
	(void)state;
	check_result("{\"qom-type\":\"memory-backend-ram\",\"size\":1}", OBJECT_OTHER);
	check_result("{\"qom-type\":\"memory-backend-ram\",\"id\":\"a\"}", OBJECT_OTHER);
	check_result("{\"qom-type\":\"memory-backend-ram\",\"id\":7,\"size\":1}", OBJECT_OTHER);
	check_result("{\"qom-type\":\"memory-backend-ram\",\"id\":\"a\",\"size\":\"1\"}",
		     OBJECT_OTHER);
	check_result("{\"qom-type\":\"memory-backend-ram\",\"id\":\"a\",\"size\":1.0}",
		     OBJECT_OTHER);
	check_result("{\"qom-type\":\"memory-backend-ram\",\"id\":\"a\",\"size\":0}", OBJECT_OTHER);
	check_result("{\"qom-type\":\"memory-backend-ram\",\"id\":\"a\",\"size\":-1}",
		     OBJECT_OTHER);
	check_result("memory-backend-ram", OBJECT_OTHER);
	check_result("memory-backend-ram,id=a", OBJECT_OTHER);
	check_result("memory-backend-ram,id=a,size=0", OBJECT_OTHER);
	check_result("memory-backend-ram,size=1G", OBJECT_OTHER);
	check_result("memory-backend-ram,ids=a,sizes=1G", OBJECT_OTHER);
}

/* So it does an option without a name. Written anew, it would be a comma in what is before it. */
static void memory_with_an_empty_option_is_nothing(void **state)
{
	(void)state;
	check_result("memory-backend-ram,id=a,size=1M,merge,,policy=bind", OBJECT_OTHER);
	check_result("memory-backend-ram,id=a,size=1M,noprealloc,,", OBJECT_OTHER);
	check_result("memory-backend-ram,id=a,size=1M,=x", OBJECT_OTHER);
	check_result("memory-backend-ram,id=a,size=1M,merge,", OBJECT_MEMORY);
}

static void nodes_that_cannot_be_read_leave_it_unread(void **state)
{
	char long_list[2 * ID_SET_TEXT_SIZE] = "memory-backend-ram,id=a,size=1G,host-nodes=0";

	(void)state;
	check_result("memory-backend-ram,id=a,size=1G,host-nodes=x", OBJECT_UNREAD);
	check_result("memory-backend-ram,id=a,size=1G,host-nodes=0x0,policy=bind", OBJECT_UNREAD);
	check_result("memory-backend-ram,id=a,size=1G,host-nodes=0,host-nodes=99999",
		     OBJECT_UNREAD);
	check_result("memory-backend-ram,id=a,size=1G,host-nodes", OBJECT_UNREAD);
	for (size_t end = strlen(long_list); end < sizeof(long_list) - 3; end += 3)
		strcpy(long_list + end, ",,0");
	check_result(long_list, OBJECT_UNREAD);
}

static void a_size_above_what_a_double_holds_is_exact(void **state)
{
	static const char text[] = "{\"qom-type\":\"memory-backend-ram\",\"id\":\"a\","
				   "\"size\":9007199254740993}";
	struct memory_object object = object_of(text);

	(void)state;
	assert_true(object.size == UINT64_C(9007199254740993));
	memory_object_free(&object);
	check_change(text, prealloc,
		     "{\"qom-type\":\"memory-backend-ram\",\"id\":\"a\","
		     "\"size\":9007199254740993,\"prealloc\":true}");
}

static void huge_pages_of_its_own_are_read(void **state)
{
	static const struct {
		const char *text;
		bool hugetlb;
		uint64_t size;
		const char *path;
	} cases[] = {
	    {"{\"qom-type\":\"memory-backend-memfd\",\"id\":\"a\",\"size\":1,\"hugetlb\":true,"
	     "\"hugetlbsize\":2097152}",
	     true, 2097152, NULL},
	    {"{\"qom-type\":\"memory-backend-file\",\"id\":\"a\",\"size\":1,\"mem-path\":\"/d\"}",
	     false, 0, "/d"},
	    {"memory-backend-memfd,id=a,size=1,hugetlb=on,hugetlbsize=2M", true, 2097152, NULL},
	    {"memory-backend-memfd,id=a,size=1,hugetlb=off", false, 0, NULL},
	    {"memory-backend-file,id=a,size=1,mem-path=/d,,e", false, 0, "/d,e"},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		struct memory_object object;
		struct error error;

		assert_int_equal(memory_object_read(cases[i].text, &object, &error), OBJECT_MEMORY);
		assert_int_equal(object.hugetlb, cases[i].hugetlb);
		assert_true(object.hugetlb_size == cases[i].size);
		if (cases[i].path == NULL)
			assert_null(object.path);
		else
			assert_string_equal(object.path, cases[i].path);
		memory_object_free(&object);
	}
}

static void sparse_is_what_reserves_nothing(void **state)
{
	static const struct {
		const char *text;
		bool sparse;
	} cases[] = {
	    {"{\"qom-type\":\"memory-backend-ram\",\"id\":\"a\",\"size\":1,\"reserve\":false}",
	     true},
	    {"{\"qom-type\":\"memory-backend-ram\",\"id\":\"a\",\"size\":1,\"reserve\":true}",
	     false},
	    {"memory-backend-ram,id=a,size=1,reserve=off", true},
	    {"memory-backend-ram,id=a,size=1,reserve=no", true},
	    {"memory-backend-ram,id=a,size=1,noreserve", true},
	    {"memory-backend-ram,id=a,size=1,reserve=on", false},
	    {"memory-backend-ram,id=a,size=1,reserve", false},
	    {"memory-backend-ram,id=a,size=1,reserve=off,reserve=on", false},
	    {"memory-backend-ram,id=a,size=1,reserves=off", false},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		struct memory_object object = object_of(cases[i].text);

		if (object.sparse != cases[i].sparse)
			fail_msg("%s", cases[i].text);
		memory_object_free(&object);
	}
}

static void it_is_seen_whether_prealloc_is_given(void **state)
{
	static const struct {
		const char *text;
		bool given;
	} cases[] = {
	    {"{\"qom-type\":\"memory-backend-ram\",\"id\":\"a\",\"size\":1,\"prealloc\":false}",
	     true},
	    {"{\"qom-type\":\"memory-backend-ram\",\"prealloc\":true,\"id\":\"a\",\"size\":1}",
	     true},
	    {"{\"qom-type\":\"memory-backend-ram\",\"id\":\"a\",\"size\":1}", false},
	    {"{\"qom-type\":\"memory-backend-ram\",\"id\":\"prealloc\",\"size\":1,"
	     "\"prealloc-threads\":2}",
	     false},
	    {"memory-backend-ram,id=a,size=1,prealloc=off", true},
	    {"memory-backend-ram,prealloc=on,id=a,size=1", true},
	    {"memory-backend-ram,id=a,size=1,prealloc", true},
	    {"memory-backend-ram,id=a,size=1,noprealloc", true},
	    {"memory-backend-ram,id=a,size=1", false},
	    {"memory-backend-ram,id=prealloc,size=1,prealloc-threads=2", false},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		struct memory_object object = object_of(cases[i].text);

		if (object.prealloc_given != cases[i].given)
			fail_msg("%s", cases[i].text);
		memory_object_free(&object);
	}
}

static void an_unchanged_object_has_no_new_text(void **state)
{
	static const char *const cases[] = {
	    "{\"qom-type\":\"memory-backend-ram\",\"id\":\"a\",\"size\":1}",
	    "memory-backend-ram,id=a,size=1",
	};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		check_change(cases[i], (struct memory_change){0}, NULL);
		check_change(cases[i], merge_off, NULL);
		check_change(cases[i], merge_on, NULL);
	}
	check_change("memory-backend-ram,id=a,size=1,merge=on", (struct memory_change){0}, NULL);
}

static void json_gets_huge_pages_and_keeps_the_rest_in_place(void **state)
{
	(void)state;
	check_change(
	    "{\"qom-type\":\"memory-backend-ram\",\"id\":\"a\",\"size\":2097152}", huge,
	    "{\"qom-type\":\"memory-backend-memfd\",\"id\":\"a\",\"size\":2097152," HUGE_JSON "}");
	check_change("{\"id\":\"a\", \"host-nodes\": [0, 1],\"prealloc\":false,"
		     "\"qom-type\":\"memory-backend-ram\",\"policy\":\"bind\",\"dump\":false,"
		     "\"size\":2097152,\"prealloc-threads\":4}",
		     huge,
		     "{\"id\":\"a\", \"host-nodes\": [0, 1],\"prealloc\":true,"
		     "\"qom-type\":\"memory-backend-memfd\",\"policy\":\"bind\",\"dump\":false,"
		     "\"size\":2097152,\"prealloc-threads\":4,\"hugetlb\":true,"
		     "\"hugetlbsize\":2097152,\"share\":false,"
		     "\"x-use-canonical-path-for-ramblock-id\":false}");
	check_change("{\"qom-type\":\"memory-backend-ram\",\"id\":\"a\",\"size\":1073741824}",
		     (struct memory_change){.huge_page = GIGA},
		     "{\"qom-type\":\"memory-backend-memfd\",\"id\":\"a\",\"size\":1073741824,"
		     "\"hugetlb\":true,\"hugetlbsize\":1073741824,\"prealloc\":true,"
		     "\"share\":false,\"x-use-canonical-path-for-ramblock-id\":false}");
}

static void text_gets_huge_pages_and_keeps_the_rest_in_place(void **state)
{
	(void)state;
	check_change("memory-backend-ram,id=a,size=2M", huge,
		     "memory-backend-memfd,id=a,size=2M," HUGE_TEXT);
	check_change("memory-backend-ram,size=2M,prealloc=off,host-nodes=0-1,policy=bind,id=a,"
		     "dump=off",
		     huge,
		     "memory-backend-memfd,size=2M,prealloc=on,host-nodes=0-1,policy=bind,id=a,"
		     "dump=off,hugetlb=on,hugetlbsize=2097152,share=off,"
		     "x-use-canonical-path-for-ramblock-id=off");
}

static void share_and_the_name_of_the_block_stay_as_given(void **state)
{
	(void)state;
	check_change(
	    "{\"qom-type\":\"memory-backend-ram\",\"share\":true,\"id\":\"a\",\"size\":1,"
	    "\"x-use-canonical-path-for-ramblock-id\":true}",
	    huge,
	    "{\"qom-type\":\"memory-backend-memfd\",\"share\":true,\"id\":\"a\",\"size\":1,"
	    "\"x-use-canonical-path-for-ramblock-id\":true,\"hugetlb\":true,"
	    "\"hugetlbsize\":2097152,\"prealloc\":true}");
	check_change("memory-backend-ram,share=yes,id=a,size=1,"
		     "x-use-canonical-path-for-ramblock-id=on",
		     huge,
		     "memory-backend-memfd,share=yes,id=a,size=1,"
		     "x-use-canonical-path-for-ramblock-id=on,"
		     "hugetlb=on,hugetlbsize=2097152,prealloc=on");
	check_change("memory-backend-ram,id=a,size=1,noshare", huge,
		     "memory-backend-memfd,id=a,size=1,noshare,hugetlb=on,hugetlbsize=2097152,"
		     "prealloc=on,x-use-canonical-path-for-ramblock-id=off");
}

static void merge_changes_only_where_it_is_given(void **state)
{
	(void)state;
	check_change(
	    "{\"qom-type\":\"memory-backend-ram\",\"merge\":true,\"id\":\"a\",\"size\":1}",
	    merge_off,
	    "{\"qom-type\":\"memory-backend-ram\",\"merge\":false,\"id\":\"a\",\"size\":1}");
	check_change(
	    "{\"qom-type\":\"memory-backend-file\",\"merge\":false,\"id\":\"a\",\"size\":1}",
	    merge_on,
	    "{\"qom-type\":\"memory-backend-file\",\"merge\":true,\"id\":\"a\",\"size\":1}");
	check_change("memory-backend-ram,merge=on,id=a,size=1", merge_off,
		     "memory-backend-ram,merge=off,id=a,size=1");
	check_change("memory-backend-file,nomerge,id=a,size=1", merge_on,
		     "memory-backend-file,merge=on,id=a,size=1");
	check_change("memory-backend-ram,id=a,size=2M,merge=off",
		     (struct memory_change){.huge_page = 2 * MEGA, .merge = CHOICE_ON},
		     "memory-backend-memfd,id=a,size=2M,merge=on," HUGE_TEXT);
	check_change("{\"qom-type\":\"memory-backend-ram\",\"id\":\"a\",\"size\":1,\"merge\":true}",
		     (struct memory_change){.huge_page = 2 * MEGA, .merge = CHOICE_OFF},
		     "{\"qom-type\":\"memory-backend-memfd\",\"id\":\"a\",\"size\":1,"
		     "\"merge\":false," HUGE_JSON "}");
}

static void memory_can_be_allocated_beforehand(void **state)
{
	(void)state;
	check_change("{\"qom-type\":\"memory-backend-ram\",\"id\":\"a\",\"size\":1}", prealloc,
		     "{\"qom-type\":\"memory-backend-ram\",\"id\":\"a\",\"size\":1,"
		     "\"prealloc\":true}");
	check_change("{\"qom-type\":\"memory-backend-memfd\",\"prealloc\":false,\"id\":\"a\","
		     "\"size\":1}",
		     prealloc,
		     "{\"qom-type\":\"memory-backend-memfd\",\"prealloc\":true,\"id\":\"a\","
		     "\"size\":1}");
	check_change("memory-backend-ram,id=a,size=1", prealloc,
		     "memory-backend-ram,id=a,size=1,prealloc=on");
	check_change("memory-backend-ram,noprealloc,id=a,size=1", prealloc,
		     "memory-backend-ram,prealloc=on,id=a,size=1");
	check_change("memory-backend-ram,prealloc,id=a,size=1", prealloc,
		     "memory-backend-ram,prealloc=on,id=a,size=1");
	check_change("memory-backend-ram,id=a,size=2M",
		     (struct memory_change){.huge_page = 2 * MEGA, .prealloc = CHOICE_ON},
		     "memory-backend-memfd,id=a,size=2M," HUGE_TEXT);
}

/* What it says itself goes before the rule. */
static void memory_is_kept_from_being_allocated_where_it_says_nothing(void **state)
{
	static const char *const given[] = {
	    "{\"qom-type\":\"memory-backend-ram\",\"id\":\"a\",\"size\":1,\"prealloc\":true}",
	    "{\"qom-type\":\"memory-backend-file\",\"id\":\"a\",\"size\":1,\"prealloc\":false}",
	    "memory-backend-ram,id=a,size=1,prealloc=on",
	    "memory-backend-ram,id=a,size=1,prealloc=off",
	    "memory-backend-ram,prealloc,id=a,size=1",
	    "memory-backend-ram,noprealloc,id=a,size=1",
	};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(given); i++)
		check_change(given[i], prealloc_off, NULL);
	check_change("{\"qom-type\":\"memory-backend-ram\",\"id\":\"a\",\"size\":1}", prealloc_off,
		     "{\"qom-type\":\"memory-backend-ram\",\"id\":\"a\",\"size\":1,"
		     "\"prealloc\":false}");
	check_change("memory-backend-file,id=a,size=1,mem-path=/x", prealloc_off,
		     "memory-backend-file,id=a,size=1,mem-path=/x,prealloc=off");
	check_change("memory-backend-file,id=a,size=1,merge=on",
		     (struct memory_change){.prealloc = CHOICE_OFF, .merge = CHOICE_OFF},
		     "memory-backend-file,id=a,size=1,merge=off,prealloc=off");
	check_change("memory-backend-file,id=a,size=1,merge=on,prealloc=on",
		     (struct memory_change){.prealloc = CHOICE_OFF, .merge = CHOICE_OFF},
		     "memory-backend-file,id=a,size=1,merge=off,prealloc=on");
}

/* QEMU would else find out that there are too few when the guest writes to them. */
static void huge_pages_are_always_allocated_beforehand(void **state)
{
	static const enum choice choices[] = {CHOICE_NONE, CHOICE_OFF, CHOICE_ON};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(choices); i++) {
		struct memory_change change = {.huge_page = 2 * MEGA, .prealloc = choices[i]};

		check_change("memory-backend-ram,id=a,size=2M", change,
			     "memory-backend-memfd,id=a,size=2M," HUGE_TEXT);
		check_change("{\"qom-type\":\"memory-backend-ram\",\"id\":\"a\",\"size\":2097152}",
			     change,
			     "{\"qom-type\":\"memory-backend-memfd\",\"id\":\"a\","
			     "\"size\":2097152," HUGE_JSON "}");
	}
	/* A file's are its own, and only the rest of the change counts. */
	check_change("memory-backend-file,id=a,size=2M,mem-path=/x",
		     (struct memory_change){.huge_page = 2 * MEGA, .prealloc = CHOICE_OFF},
		     "memory-backend-file,id=a,size=2M,mem-path=/x,prealloc=off");
}

/* Other bytes, the same meaning. */
static void values_of_any_kind_keep_their_meaning(void **state)
{
	(void)state;
	check_change(
	    "{\"qom-type\":\"memory-backend-ram\",\"id\":\"\\u00e9 \\/ \\\" \\\\ \\n\","
	    "\"size\":1}",
	    prealloc,
	    "{\"qom-type\":\"memory-backend-ram\",\"id\":\"\\u00e9 \\/ \\\" \\\\ \\n\",\"size\":1,"
	    "\"prealloc\":true}");
	check_change("{\"qom-type\":\"memory-backend-ram\",\"id\":\"日\\ud835\\udcb3\",\"size\":1,"
		     "\"x\":{\"b\":[1,[],{}, null],\"a\":-0.5},\"y\":true,\"z\":\"\"}",
		     prealloc,
		     "{\"qom-type\":\"memory-backend-ram\",\"id\":\"日\\ud835\\udcb3\",\"size\":1,"
		     "\"x\":{\"b\":[1,[],{}, null],\"a\":-0.5},\"y\":true,\"z\":\"\","
		     "\"prealloc\":true}");
}

static void an_escaped_id_is_read_as_what_it_means(void **state)
{
	struct memory_object object = object_of(
	    "{\"qom-type\":\"memory-backend-\\u0072am\",\"id\":\"\\u00e9\\/\\\"\",\"size\":1}");

	(void)state;
	assert_string_equal(object.id, "é/\"");
	assert_true(object.plain);
	memory_object_free(&object);
}

static void a_comma_in_the_id_stays(void **state)
{
	static const char text[] = "memory-backend-ram,id=a,,b=c,size=2M";
	struct memory_object object = object_of(text);

	(void)state;
	assert_string_equal(object.id, "a,b=c");
	memory_object_free(&object);
	check_change(text, huge, "memory-backend-memfd,id=a,,b=c,size=2M," HUGE_TEXT);
	check_change("memory-backend-ram,size=2M,id=a,,", prealloc,
		     "memory-backend-ram,size=2M,id=a,,,prealloc=on");
}

static void a_comma_at_the_end_is_no_option(void **state)
{
	(void)state;
	check_change("memory-backend-ram,id=a,size=2M,", huge,
		     "memory-backend-memfd,id=a,size=2M," HUGE_TEXT);
}

static void the_type_may_have_its_key_and_any_place(void **state)
{
	(void)state;
	check_change("qom-type=memory-backend-ram,id=a,size=2M", huge,
		     "qom-type=memory-backend-memfd,id=a,size=2M," HUGE_TEXT);
	check_change("id=a,qom-type=memory-backend-ram,size=2M", huge,
		     "id=a,qom-type=memory-backend-memfd,size=2M," HUGE_TEXT);
	check_change("id=a,size=2M,qom-type=memory-backend-file", huge, NULL);
	check_change("memory-backend-file,id=a,size=2M,qom-type=memory-backend-ram", huge,
		     "memory-backend-memfd,id=a,size=2M,qom-type=memory-backend-memfd," HUGE_TEXT);
}

static void keys_that_begin_like_ours_are_others(void **state)
{
	(void)state;
	check_change("memory-backend-ram,id=a,size=2M,prealloc-threads=4,mergeable=on,shared=on,"
		     "hugetlbsizes=1,hugetlbx=off",
		     huge,
		     "memory-backend-memfd,id=a,size=2M,prealloc-threads=4,mergeable=on,shared=on,"
		     "hugetlbsizes=1,hugetlbx=off," HUGE_TEXT);
	check_change("memory-backend-ram,id=a,size=2M,mergeable=on", merge_off, NULL);
	check_change("{\"qom-type\":\"memory-backend-ram\",\"id\":\"a\",\"size\":1,"
		     "\"mergeable\":true}",
		     merge_off, NULL);
	check_change("{\"qom-type\":\"memory-backend-ram\",\"id\":\"a\",\"size\":1,"
		     "\"prealloc-context\":\"p\"}",
		     prealloc,
		     "{\"qom-type\":\"memory-backend-ram\",\"id\":\"a\",\"size\":1,"
		     "\"prealloc-context\":\"p\",\"prealloc\":true}");
}

/* What was written means the same when it is read, and asks for nothing more. */
static void a_changed_object_is_read_again(void **state)
{
	static const char *const cases[] = {
	    "{\"qom-type\":\"memory-backend-ram\",\"id\":\"a,\\\"\",\"size\":1073741824,"
	    "\"host-nodes\":[0,3],\"policy\":\"bind\",\"merge\":true}",
	    "memory-backend-ram,id=a,,\",size=1G,host-nodes=0,host-nodes=3,policy=bind,merge=on",
	};

	(void)state;
	for (size_t i = 0; i < LENGTH_OF(cases); i++) {
		struct memory_object before = object_of(cases[i]);
		struct memory_object after;
		char *text;

		assert_int_equal(memory_object_change(&before, &huge, &text), 0);
		after = object_of(text);
		assert_string_equal(after.type, "memory-backend-memfd");
		assert_string_equal(after.id, before.id);
		assert_true(after.size == before.size);
		assert_string_equal(after.policy, before.policy);
		assert_true(id_set_equal(&after.nodes, &before.nodes));
		assert_true(after.merge_given);
		assert_false(after.plain);
		memory_object_free(&after);
		memory_object_free(&before);
		free(text);
	}
}

/* Whatever the bytes: no crash, and memory has an id and a size. */
static void any_text_can_be_read(void **state)
{
	static const char *const pieces[] = {
	    "memory-backend-ram",
	    "qom-type=",
	    "id=a",
	    "size=1M",
	    ",",
	    "=",
	    "{",
	    "}",
	    "\"",
	    "[",
	    "]",
	    ":",
	    "no",
	    "merge",
	    "on",
	    "é",
	    "host-nodes=",
	    "0-1",
	    "1",
	    "\\",
	    "share",
	    "reserve",
	    "prealloc",
	    "'",
	    "{\"id\":",
	};
	uint64_t seed = 11;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		char text[512] = "";
		struct memory_object object;
		struct error error = {0};
		char *changed = NULL;
		int result;

		if (round % 3 == 0)
			strcat(text, "memory-backend-ram,id=b,size=2M,");
		for (unsigned int n = random_below(&seed, 12); n > 0; n--)
			strcat(text, pieces[random_below(&seed, LENGTH_OF(pieces))]);
		result = memory_object_read(text, &object, &error);
		assert_in_range(result, OBJECT_OTHER, OBJECT_MEMORY);
		if (result != OBJECT_MEMORY)
			continue;
		assert_true(object.id != NULL && object.size > 0);
		assert_int_equal(memory_object_change(&object, &huge, &changed), 0);
		if (object.plain)
			check_result(changed, OBJECT_MEMORY);
		free(changed);
		assert_int_equal(memory_object_change(&object, &prealloc_off, &changed), 0);
		assert_int_equal(changed == NULL, object.prealloc_given);
		if (changed != NULL)
			check_change(changed, prealloc_off, NULL);
		free(changed);
		memory_object_free(&object);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(json_is_read),
	    cmocka_unit_test(the_text_form_is_read),
	    cmocka_unit_test(an_object_may_have_little),
	    cmocka_unit_test(sizes_in_the_text_form_are_bytes_or_have_a_letter),
	    cmocka_unit_test(host_nodes_given_again_add_to_the_list),
	    cmocka_unit_test(only_ram_is_plain),
	    cmocka_unit_test(objects_that_are_no_memory_are_told),
	    cmocka_unit_test(json_that_is_none_is_nothing),
	    cmocka_unit_test(memory_in_single_quotes_is_unread),
	    cmocka_unit_test(memory_without_an_id_or_a_size_is_nothing),
	    cmocka_unit_test(memory_with_an_empty_option_is_nothing),
	    cmocka_unit_test(nodes_that_cannot_be_read_leave_it_unread),
	    cmocka_unit_test(a_size_above_what_a_double_holds_is_exact),
	    cmocka_unit_test(huge_pages_of_its_own_are_read),
	    cmocka_unit_test(sparse_is_what_reserves_nothing),
	    cmocka_unit_test(it_is_seen_whether_prealloc_is_given),
	    cmocka_unit_test(an_unchanged_object_has_no_new_text),
	    cmocka_unit_test(json_gets_huge_pages_and_keeps_the_rest_in_place),
	    cmocka_unit_test(text_gets_huge_pages_and_keeps_the_rest_in_place),
	    cmocka_unit_test(share_and_the_name_of_the_block_stay_as_given),
	    cmocka_unit_test(merge_changes_only_where_it_is_given),
	    cmocka_unit_test(memory_can_be_allocated_beforehand),
	    cmocka_unit_test(memory_is_kept_from_being_allocated_where_it_says_nothing),
	    cmocka_unit_test(huge_pages_are_always_allocated_beforehand),
	    cmocka_unit_test(values_of_any_kind_keep_their_meaning),
	    cmocka_unit_test(an_escaped_id_is_read_as_what_it_means),
	    cmocka_unit_test(a_comma_in_the_id_stays),
	    cmocka_unit_test(a_comma_at_the_end_is_no_option),
	    cmocka_unit_test(the_type_may_have_its_key_and_any_place),
	    cmocka_unit_test(keys_that_begin_like_ours_are_others),
	    cmocka_unit_test(a_changed_object_is_read_again),
	    cmocka_unit_test(any_text_can_be_read),
	};

	return RUN_TESTS(tests);
}
