#include "device_option.h"
#include "unit.h"

#include <errno.h>
#include <string.h>

/* Reads a device that is made of memory. */
static void check_device(const char *text, const char *driver, const char *object)
{
	struct device_option device;
	struct error error = {0};
	int result = device_option_read(text, "memdev", &device, &error);

	if (result != 1)
		fail_msg("%s: %d %s", text, result, error.text);
	assert_false(error_is_set(&error));
	assert_string_equal(device.driver, driver);
	assert_string_equal(device.value, object);
	device_option_free(&device);
	assert_null(device.driver);
	assert_null(device.value);
	device_option_free(&device);
}

static void check_other(const char *text)
{
	struct device_option device;
	struct error error = {0};
	int result = device_option_read(text, "memdev", &device, &error);

	if (result != 0)
		fail_msg("%s: %d", text, result);
	assert_false(error_is_set(&error));
	assert_null(device.driver);
	assert_null(device.value);
}

static void the_text_form_is_read(void **state)
{
	(void)state;
	check_device("pc-dimm,id=dimm0,memdev=mem0", "pc-dimm", "mem0");
	check_device("virtio-mem-pci,memdev=v,requested-size=1G,node=0", "virtio-mem-pci", "v");
	check_device("nvdimm,memdev=mem0,", "nvdimm", "mem0");
	check_device("driver=pc-dimm,memdev=a", "pc-dimm", "a");
	check_device("memdev=a,driver=pc-dimm", "pc-dimm", "a");
	check_device("memdev=a,id=d,driver=nvdimm,node=1", "nvdimm", "a");
}

static void json_is_read(void **state)
{
	(void)state;
	check_device("{\"driver\":\"pc-dimm\",\"id\":\"dimm0\",\"memdev\":\"mem0\"}", "pc-dimm",
		     "mem0");
	check_device("{\"memdev\":\"v\",\"node\":0,\"driver\":\"virtio-mem-pci\"}",
		     "virtio-mem-pci", "v");
	check_device("{ \"driver\" : \"nvdimm\" ,\n\"label-size\": 131072, \"memdev\" : \"n\" }\n",
		     "nvdimm", "n");
}

/* util/qemu-option.c: of several the last. */
static void the_last_value_counts(void **state)
{
	(void)state;
	check_device("pc-dimm,memdev=a,memdev=b", "pc-dimm", "b");
	check_device("pc-dimm,memdev=a,driver=virtio-mem-pci", "virtio-mem-pci", "a");
	check_device("pc-dimm,memdev=a,driver=nvdimm,memdev=b,driver=pc-dimm", "pc-dimm", "b");
}

static void names_may_have_odd_characters(void **state)
{
	(void)state;
	check_device("pc-dimm,memdev=a,,b", "pc-dimm", "a,b");
	check_device("a,,b,memdev=c,,", "a,b", "c,");
	check_device("pc-dimm,memdev=a=b", "pc-dimm", "a=b");
	check_device("{\"driver\":\"pc-dimm\",\"memdev\":\"a,b\\u00e9\\\"\"}", "pc-dimm", "a,bé\"");
}

static void devices_of_no_memory_are_told(void **state)
{
	(void)state;
	check_other("");
	check_other(",");
	check_other("virtio-net-pci,netdev=n0,id=net0");
	check_other("{\"driver\":\"virtio-net-pci\",\"netdev\":\"n0\"}");
	check_other("pc-dimm,id=memdev");
	check_other("memdev");
	check_other("usb-tablet,id=a,,memdev=b");
	check_other("pc-dimm,memdevs=a");
	check_other("pc-dimm,xmemdev=a");
	check_other("{\"driver\":\"pc-dimm\",\"memdevs\":\"a\"}");
	check_other("{\"driver\":\"pc-dimm\",\"id\":\"memdev\"}");
	check_other("{\"driver\":\"pc-dimm\",\"x\":{\"memdev\":\"a\"}}");
}

/* QEMU refuses it, too. */
static void half_a_device_is_none(void **state)
{
	(void)state;
	check_other("memdev=a");
	check_other("id=x,memdev=a");
	check_other("drivers=pc-dimm,memdev=a");
	check_other("{\"memdev\":\"a\"}");
	check_other("{\"driver\":7,\"memdev\":\"a\"}");
	check_other("{\"driver\":\"pc-dimm\",\"memdev\":7}");
	check_other("{\"driver\":\"pc-dimm\",\"memdev\":null}");
	check_other("{\"driver\":[\"pc-dimm\"],\"memdev\":{}}");
}

static void json_that_is_none_is_left_to_qemu(void **state)
{
	(void)state;
	check_other("{");
	check_other("{memdev");
	check_other("{\"driver\":\"pc-dimm\",\"memdev\":\"a\"");
	check_other("{\"driver\":\"pc-dimm\",\"memdev\":\"a\",}");
	check_other("{\"driver\":\"pc-dimm\",\"memdev\":\"a\"} x");
	check_other("{\"driver\":\"pc-dimm\",\"memdev\":\"a\",\"memdev\":\"b\"}");
	check_other("{\"driver\":\"pc-dimm\",\"memdev\":\"\xff\"}");
}

/* QEMU takes single quotes, and this may be memory. */
static void json_in_single_quotes_cannot_be_read(void **state)
{
	struct device_option device;
	struct error error;

	(void)state;
	assert_int_equal(
	    device_option_read("{'driver':'pc-dimm','memdev':'a'}", "memdev", &device, &error),
	    -EINVAL);
	check_other("{'driver':'pc-dimm'}");
}

/* Whatever the bytes: no crash, and a device of memory has both names. */
static void any_text_can_be_read(void **state)
{
	static const char *const pieces[] = {
	    "pc-dimm",    "driver",
	    "memdev",     "=",
	    ",",          "a",
	    "{",          "}",
	    "\"",         "'",
	    ":",          "no",
	    "[",          "\"memdev\"",
	    "\"driver\"", "memdev=v",
	    "é",          "{\"memdev\":\"v\",",
	    "\\",         ",,",
	    "null",       "\"driver\":\"x\"}",
	};
	uint64_t seed = 12;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		char text[512] = "";
		struct device_option device;
		struct error error = {0};
		int result;

		for (unsigned int n = random_below(&seed, 12); n > 0; n--)
			strcat(text, pieces[random_below(&seed, LENGTH_OF(pieces))]);
		result = device_option_read(text, "memdev", &device, &error);
		assert_true(result == 0 || result == 1 || result == -EINVAL);
		assert_int_equal(device.driver != NULL, result == 1);
		assert_int_equal(device.value != NULL, result == 1);
		device_option_free(&device);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_text_form_is_read),
	    cmocka_unit_test(json_is_read),
	    cmocka_unit_test(the_last_value_counts),
	    cmocka_unit_test(names_may_have_odd_characters),
	    cmocka_unit_test(devices_of_no_memory_are_told),
	    cmocka_unit_test(half_a_device_is_none),
	    cmocka_unit_test(json_that_is_none_is_left_to_qemu),
	    cmocka_unit_test(json_in_single_quotes_cannot_be_read),
	    cmocka_unit_test(any_text_can_be_read),
	};

	return RUN_TESTS(tests);
}
