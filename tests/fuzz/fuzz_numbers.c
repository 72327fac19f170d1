/* Numbers, sizes, lists of them, addresses and what is made safe to print: there and back. */
#include "device.h"
#include "fuzz.h"
#include "id_set.h"
#include "number.h"
#include "ranges.h"
#include "size.h"
#include "spec.h"
#include "utf8.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void number_check(const char *text)
{
	size_t digits = strspn(text, "0123456789");
	unsigned long value = digits > 0 && digits < 12 ? strtoul(text, NULL, 10) : ULONG_MAX;
	bool good = digits > 0 && (digits == 1 || *text != '0') && value <= INT_MAX;
	unsigned int number;

	REQUIRE(number_read(text, INT_MAX, &number) == (good ? digits : 0));
	REQUIRE(!good || number == value);
}

/* Beside the C library's own numbers, which have as many digits as a size that is not too large. */
static void size_check(const char *text)
{
	static const char letters[] = "BKMGTPE";
	size_t length = strlen(text);
	bool hexadecimal = *text == '0' && (text[1] == 'x' || text[1] == 'X');
	uint64_t bytes = 0;
	int result = size_read(text, length, 1, &bytes);
	long double expected;
	const char *letter;
	char *end;

	REQUIRE(result == 0 || result == -EINVAL || result == -ERANGE);
	if (result < 0)
		return;
	REQUIRE(bytes <= INT64_MAX);
	expected = hexadecimal ? (long double)strtoull(text, &end, 16) : strtold(text, &end);
	letter = *end == '\0' ? letters : strchr(letters, *end >= 'a' ? *end - 'a' + 'A' : *end);
	REQUIRE(letter != NULL && (*end == '\0' || end[1] == '\0'));
	expected *= (long double)(UINT64_C(1) << 10 * (letter - letters));
	/* Some of the first digits of a long fraction count alone. */
	REQUIRE((long double)bytes <= expected + 1 && expected - (long double)bytes < 3);
}

static void size_format_check(uint64_t bytes)
{
	char text[SIZE_TEXT_SIZE];
	uint64_t again;

	bytes &= INT64_MAX >> 5;
	size_format(bytes, text);
	REQUIRE(size_read(text, strlen(text), 1, &again) == 0 && again == bytes);
}

static void set_check(const char *text)
{
	char list[ID_SET_LIST_SIZE];
	char small[RANGES_TEXT_SIZE];
	struct id_set set;
	struct id_set again;
	struct ranges ranges = {0};
	unsigned int count = 0;

	if (id_set_read(&set, text) < 0)
		return;
	for (unsigned int id = 0; id < ID_SET_SIZE; id++) {
		if (!id_set_has(&set, id))
			continue;
		ranges_add(&ranges, id);
		count++;
	}
	ranges_end(&ranges);
	REQUIRE(count == id_set_count(&set) && (count == 0) == id_set_is_empty(&set));
	id_set_format(&set, list, sizeof(list));
	REQUIRE(strstr(list, "...") == NULL);
	REQUIRE(count == 0 ? strcmp(list, "none") == 0 : id_set_read(&again, list) == 0);
	REQUIRE(count == 0 || id_set_equal(&set, &again));
	/* What is for a person to read begins as the whole does. */
	id_set_format(&set, small, sizeof(small));
	REQUIRE(strncmp(small, list, strcspn(small, ".")) == 0);
	REQUIRE(count == 0 || strncmp(ranges.text, list, strcspn(ranges.text, ".")) == 0);
	REQUIRE(strstr(ranges.text, "...") != NULL || count == 0 || strcmp(ranges.text, list) == 0);
}

static void spec_check_both(const char *text)
{
	struct error error = {0};
	struct id_set set;
	int cpus = spec_check(SPEC_CPUS, text, &error);

	REQUIRE(error_is_set(&error) == (cpus < 0));
	if (cpus == 0 && strpbrk(text, "!+a") == NULL)
		REQUIRE(id_set_read(&set, text) == 0);
	if (cpus < 0 && *text != '\0' && *text != '\n' && strchr(text, '\n') == NULL)
		REQUIRE(id_set_read(&set, text) < 0);
	(void)spec_check(SPEC_NODES, text, NULL);
}

static void address_check(const char *text)
{
	char name[DEVICE_NAME_SIZE];
	char again[DEVICE_NAME_SIZE];

	(void)device_is_mediated(text);
	if (!device_pci_address(text, strlen(text), name))
		return;
	REQUIRE(device_pci_address(name, strlen(name), again) && strcmp(name, again) == 0);
}

static void printable_check(const char *text, size_t room)
{
	char *printed = malloc(room);
	char *again = malloc(room);
	const char *end;

	REQUIRE(printed != NULL && again != NULL);
	text_printable(printed, room, text);
	end = printed + strlen(printed);
	REQUIRE(strlen(printed) < room);
	for (const char *p = printed; p < end;) {
		uint32_t character;
		size_t length = utf8_decode(p, end, &character);

		REQUIRE(length > 0 && character >= 0x20 && (character < 0x7f || character > 0x9f));
		p += length;
	}
	REQUIRE(strcmp(text_printable(again, room, printed), printed) == 0);
	free(printed);
	free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	char *text = fuzz_part(&input, NULL);
	uint64_t number = 0;

	memcpy(&number, data != NULL ? data : (const uint8_t *)"", size < 8 ? size : 8);
	number_check(text);
	size_check(text);
	size_format_check(number);
	set_check(text);
	spec_check_both(text);
	address_check(text);
	printable_check(text, 8 * size + 1);
	printable_check(text, size / 2 + 1);
	free(text);
	return 0;
}
