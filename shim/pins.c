#include "pins.h"
#include "libvirt_state.h"

#include <errno.h>
#include <string.h>

enum { DEPTH_MAX = 3 };

/* The way to the element that is being read, and what is looked for. */
struct pins {
	XML_Parser parser;
	unsigned int depth;
	bool in_place[DEPTH_MAX + 1]; /* whether the element at that depth is on the way to a pin */
	bool unified;
	const struct placement *placement;
	struct error *error;
};

/* What pins, where: domstatus/domain/vcpu, domstatus/domain/cputune/vcpupin … */
static const struct element {
	const char *name;
	unsigned int depth;
	const char *list;   /* the attribute that says to what; NULL: only on the way */
	const char *number; /* the attribute that says which one; NULL: there is but one */
} elements[] = {
    {"domstatus", 0, NULL, NULL},
    {"numad", 1, "cpuset", NULL},
    {"domain", 1, NULL, NULL},
    {"vcpu", 2, "cpuset", NULL},
    {"cputune", 2, NULL, NULL},
    {"vcpupin", 3, "cpuset", "vcpu"},
    {"iothreadpin", 3, "cpuset", "iothread"},
    {"numatune", 2, NULL, NULL},
    {"memory", 3, "nodeset", NULL},
    {"memnode", 3, "nodeset", "cellid"},
};

enum { ELEMENT_COUNT = sizeof(elements) / sizeof(elements[0]) };

static const char *attribute_of(const char **attributes, const char *name)
{
	for (; name != NULL && *attributes != NULL; attributes += 2) {
		if (strcmp(attributes[0], name) == 0)
			return attributes[1];
	}
	return NULL;
}

static void pins_refuse(struct pins *pins, const struct element *element, const char *number,
			const struct id_set *pin, const struct id_set *given, const char *why)
{
	char text[ID_SET_TEXT_SIZE];
	char wanted[ID_SET_TEXT_SIZE];

	error_set(pins->error, -EINVAL,
		  "the guest's XML pins to %s %s (%s%s%.10s), the rule gives it %s, and %s: "
		  "change one of them (virsh edit)",
		  given == &pins->placement->cpus ? "CPUs" : "nodes",
		  id_set_format(pin, text, sizeof(text)), element->name, number != NULL ? " " : "",
		  number != NULL ? number : "", id_set_format(given, wanted, sizeof(wanted)), why);
	XML_StopParser(pins->parser, XML_FALSE);
}

static void cpus_check(struct pins *pins, const struct element *element, const char *number,
		       const struct id_set *pin)
{
	const struct id_set *given = &pins->placement->cpus;
	struct id_set common = *pin;

	id_set_cut(&common, given);
	if (id_set_is_empty(&common))
		pins_refuse(pins, element, number, pin, given, "they have none in common");
	else if (!pins->unified && !id_set_equal(&common, pin))
		pins_refuse(pins, element, number, pin, given,
			    "under cgroup v1 no pin may go beyond that");
}

static void nodes_check(struct pins *pins, const struct element *element, const char *number,
			const struct id_set *pin)
{
	const struct id_set *given = &pins->placement->nodes;

	if (pins->placement->sets_memory && !id_set_is_empty(given) && !id_set_holds(given, pin))
		pins_refuse(pins, element, number, pin, given,
			    "QEMU would take its memory from there");
}

static void element_check(struct pins *pins, const struct element *element, const char **attributes)
{
	const char *list = attribute_of(attributes, element->list);
	const char *number = attribute_of(attributes, element->number);
	struct id_set pin;

	if (list == NULL || id_set_read(&pin, list) < 0 || id_set_is_empty(&pin))
		return;
	if (strcmp(element->list, "nodeset") == 0)
		nodes_check(pins, element, number, &pin);
	else
		cpus_check(pins, element, number, &pin);
}

static void XMLCALL element_starts(void *context, const char *name, const char **attributes)
{
	struct pins *pins = context;
	unsigned int depth = pins->depth++;

	if (depth > DEPTH_MAX)
		return;
	pins->in_place[depth] = false;
	if (depth > 0 && !pins->in_place[depth - 1])
		return;
	for (size_t i = 0; i < ELEMENT_COUNT; i++) {
		if (elements[i].depth != depth || strcmp(elements[i].name, name) != 0)
			continue;
		pins->in_place[depth] = true;
		element_check(pins, &elements[i], attributes);
	}
}

static void XMLCALL element_ends(void *context, const char *name)
{
	struct pins *pins = context;

	(void)name;
	pins->depth--;
}

int pins_check(const struct roots *roots, const char *guest, bool unified,
	       const struct placement *placement, struct error *error)
{
	struct pins pins = {.unified = unified, .placement = placement, .error = error};

	pins.parser = XML_ParserCreate(NULL);
	if (pins.parser == NULL)
		return error_set(error, -EINVAL, "out of memory for libvirt's state of the guest");
	XML_SetUserData(pins.parser, &pins);
	XML_SetElementHandler(pins.parser, element_starts, element_ends);
	(void)libvirt_state_parse(roots, guest, pins.parser, error);
	XML_ParserFree(pins.parser);
	return error_is_set(error) ? -EINVAL : 0;
}
