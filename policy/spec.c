#include "spec.h"
#include "number.h"

#include <errno.h>
#include <string.h>

/* The device prefixes of libnuma (affinity.c, resolve_affinity). */
static const char *const device_prefixes[] = {"netdev:", "ip:", "file:", "block:", "pci:"};

const char *spec_kind_noun(enum spec_kind kind)
{
	return kind == SPEC_NODES ? "node" : "CPU";
}

void spec_start(struct spec *spec, enum spec_kind kind, const char *text)
{
	spec->kind = kind;
	spec->text = text;
	spec->inverted = *text == '!';
	text += spec->inverted;
	spec->relative = *text == '+';
	text += spec->relative;
	spec->rest = text;
}

static bool is_device(const struct spec *spec)
{
	if (spec->kind != SPEC_NODES)
		return false;
	for (size_t i = 0; i < sizeof(device_prefixes) / sizeof(device_prefixes[0]); i++) {
		size_t length = strlen(device_prefixes[i]);

		if (strncmp(spec->rest, device_prefixes[i], length) == 0)
			return spec->rest[length] != '\0';
	}
	return false;
}

/* Reads "N" or "N-M". */
static int range_read(struct spec *spec, struct spec_item *item, struct error *error)
{
	unsigned int most = spec->kind == SPEC_NODES ? SPEC_NODE_MAX : SPEC_CPU_MAX;
	size_t length = number_read(spec->rest, most, &item->first);

	if (length == 0)
		return error_set(error, -EINVAL,
				 "'%s' is no list of %ss: at '%s' must be a number from 0 to %u",
				 spec->text, spec_kind_noun(spec->kind), spec->rest, most);
	item->last = item->first;
	spec->rest += length;
	if (*spec->rest != '-')
		return 1;
	spec->rest++;
	length = number_read(spec->rest, most, &item->last);
	if (length == 0)
		return error_set(error, -EINVAL,
				 "'%s' is no list of %ss: after '-' must be a number from 0 to %u",
				 spec->text, spec_kind_noun(spec->kind), most);
	if (item->last < item->first)
		return error_set(error, -EINVAL, "'%s': the range %u-%u runs backwards", spec->text,
				 item->first, item->last);
	spec->rest += length;
	return 1;
}

/* The length of a hexadecimal number and of `after`, or 0. */
static size_t pci_part(const char *text, char after)
{
	size_t length = strspn(text, "0123456789abcdefABCDEF");

	return length > 0 && text[length] == after ? length + (after != '\0') : 0;
}

/* [domain:]bus:device[.function] */
static bool is_pci_address(const char *text)
{
	size_t domain = pci_part(text, ':');
	size_t bus = pci_part(text + domain, ':');
	const char *device = text + domain + bus;

	return domain > 0 && pci_part(device + pci_part(device, '.'), '\0') > 0;
}

/* libnuma takes what it can of a PCI address and forgets the rest, ",1" for one. */
static int device_check(const struct spec *spec, struct error *error)
{
	static const char prefix[] = "pci:";
	const char *address = spec->rest + strlen(prefix);

	if (strncmp(spec->rest, prefix, strlen(prefix)) != 0 || is_pci_address(address))
		return 1;
	return error_set(error, -EINVAL,
			 "'%s': '%s' is no address of a PCI device, such as 0000:00:1f.2",
			 spec->text, address);
}

int spec_next(struct spec *spec, struct spec_item *item, struct error *error)
{
	int result = 1;

	if (spec->rest == NULL)
		return 0;
	*item = (struct spec_item){0};
	if (is_device(spec)) {
		result = device_check(spec, error);
		if (result < 0)
			return result;
		item->device = spec->rest;
		spec->rest = NULL;
		return 1;
	}
	if (strncmp(spec->rest, "all", 3) == 0) {
		item->all = true;
		spec->rest += 3;
	} else {
		result = range_read(spec, item, error);
		if (result < 0)
			return result;
	}
	if (*spec->rest == '\0')
		spec->rest = NULL;
	else if (*spec->rest == ',' && !item->all)
		spec->rest++;
	else
		return error_set(error, -EINVAL,
				 "'%s' is no list of %ss: '%s' does not belong there", spec->text,
				 spec_kind_noun(spec->kind), spec->rest);
	return 1;
}

int spec_check(enum spec_kind kind, const char *text, struct error *error)
{
	struct spec spec;
	struct spec_item item;
	int result;

	spec_start(&spec, kind, text);
	do
		result = spec_next(&spec, &item, error);
	while (result > 0);
	return result;
}
