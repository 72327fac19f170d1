#include "emulator.h"
#include "features.h"
#include "tree.h"

#define ELF    \
	"\x7f" \
	"ELF\2\1\1"
#define QEMU ELF "\0code\0QEMU emulator version %s\n\0"
#define WORDS "mem-merge\0memory-backend-memfd\0x-use-canonical-path-for-ramblock-id\0"

/* What a file of these bytes lacks. */
static const char *lacking(const char *bytes, size_t length)
{
	static char text[256];

	make_bytes("emulator", bytes, length);
	memset(text, '#', sizeof(text));
	assert_int_equal(features_lacking("emulator", text, sizeof(text)), 0);
	return text;
}

#define LACKING(bytes) lacking(bytes, sizeof(bytes) - 1)

static void a_new_qemu_lacks_nothing(void **state)
{
	(void)state;
	assert_string_equal(LACKING(QEMU WORDS), "");
	assert_string_equal(LACKING(ELF "\0" WORDS "QEMU emulator version %s"), "");
	assert_string_equal(LACKING(QEMU "mem-merge\0memory-backend-memfd\0"
					 "x-use-canonical-path-for-ramblock-id"),
			    "");
}

static void what_a_qemu_lacks_is_listed(void **state)
{
	(void)state;
	assert_string_equal(LACKING(QEMU "mem-merge\0memory-backend-memfd\0"),
			    EMULATOR_CANONICAL "\n");
	assert_string_equal(LACKING(QEMU "mem-merge\0memory-backend-ram\0"),
			    EMULATOR_MEMFD "\n" EMULATOR_CANONICAL "\n");
	assert_string_equal(LACKING(QEMU),
			    EMULATOR_MEM_MERGE "\n" EMULATOR_MEMFD "\n" EMULATOR_CANONICAL "\n");
	assert_string_equal(LACKING(QEMU "memory-backend-memfd\0"
					 "x-use-canonical-path-for-ramblock-id\0"),
			    EMULATOR_MEM_MERGE "\n");
	assert_string_equal(LACKING(ELF "QEMU PC emulator version 0.15"),
			    EMULATOR_MEM_MERGE "\n" EMULATOR_MEMFD "\n" EMULATOR_CANONICAL "\n");
}

static void half_a_word_is_none(void **state)
{
	(void)state;
	assert_string_equal(LACKING(QEMU "mem-merg\0memory-backend-memf\0"
					 "x-use-canonical-path-for-ramblock-i"),
			    EMULATOR_MEM_MERGE "\n" EMULATOR_MEMFD "\n" EMULATOR_CANONICAL "\n");
}

static void of_what_is_no_qemu_nothing_is_known(void **state)
{
	(void)state;
	assert_string_equal(LACKING(""), "");
	assert_string_equal(LACKING("#!/bin/sh\necho QEMU emulator version 7\n"), "");
	assert_string_equal(LACKING(ELF "\0some other program"), "");
	assert_string_equal(LACKING("\x7f"
				    "EL"),
			    "");
	assert_string_equal(LACKING("\x7f"
				    "ELF"),
			    "");
	assert_string_equal(LACKING("QEMU emulator version \x7f"
				    "ELF"),
			    "");
}

/* A word may stand anywhere, also over the border of two pages of the file. */
static void words_are_found_in_all_of_a_file(void **state)
{
	enum { LARGE = 3 * 4096 };
	static char bytes[LARGE];

	(void)state;
	memcpy(bytes, QEMU, sizeof(QEMU) - 1);
	memcpy(bytes + 4096 - 5, EMULATOR_MEM_MERGE, strlen(EMULATOR_MEM_MERGE));
	memcpy(bytes + 5000, EMULATOR_MEMFD, strlen(EMULATOR_MEMFD));
	memcpy(bytes + LARGE - strlen(EMULATOR_CANONICAL), EMULATOR_CANONICAL,
	       strlen(EMULATOR_CANONICAL));
	assert_string_equal(lacking(bytes, LARGE), "");
	assert_string_equal(lacking(bytes, LARGE - 1), EMULATOR_CANONICAL "\n");
}

static void what_cannot_be_read_is_told_by_its_errno(void **state)
{
	char text[256] = "x";

	(void)state;
	assert_int_equal(features_lacking("missing", text, sizeof(text)), -ENOENT);
	assert_string_equal(text, "");
	make_file("file", "x");
	assert_int_equal(features_lacking("file/below", text, sizeof(text)), -ENOTDIR);
	assert_true(features_lacking(".", text, sizeof(text)) < 0);
	assert_string_equal(text, "");
}

static void a_list_that_does_not_fit_is_cut(void **state)
{
	static const char qemu[] = QEMU;
	char text[64];

	(void)state;
	make_bytes("emulator", qemu, sizeof(qemu) - 1);
	for (size_t size = 1; size < sizeof(text); size++) {
		memset(text, '#', sizeof(text));
		assert_int_equal(features_lacking("emulator", text, size), 0);
		assert_int_equal(strlen(text), size - 1 < 68 ? size - 1 : 68);
		assert_int_equal(text[size], '#');
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, enter_directory, leave_directory)
	static const struct CMUnitTest tests[] = {
	    TEST(a_new_qemu_lacks_nothing),
	    TEST(what_a_qemu_lacks_is_listed),
	    TEST(half_a_word_is_none),
	    TEST(of_what_is_no_qemu_nothing_is_known),
	    TEST(words_are_found_in_all_of_a_file),
	    TEST(what_cannot_be_read_is_told_by_its_errno),
	    TEST(a_list_that_does_not_fit_is_cut),
	};

	return RUN_TESTS(tests);
}
