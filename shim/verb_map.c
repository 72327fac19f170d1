/* guest-pinning map: the nodes of this host, and the guests on them. */
#include "host_map.h"
#include "log.h"
#include "map_picture.h"
#include "map_text.h"
#include "report.h"
#include "report_map.h"
#include "screen.h"
#include "verbs.h"

/* Shows the map in the way that is asked for. Returns 0; or -errno with `error` filled. */
static int map_show(const struct host_map *map, hwloc_topology_t topology, const char *output,
		    bool json, struct error *error)
{
	struct map_style style = {screen_width(stdout), screen_is_utf8()};

	if (output != NULL)
		return map_picture_write(map, topology, output, error);
	if (json) {
		report_print(report_map(map));
		return 0;
	}
	return map_text_print(map, style, stdout) < 0 ? error_set(error, -1, "out of memory") : 0;
}

static int map_make(const char *output, bool json)
{
	struct guest_states states;
	struct host_map map = {0};
	struct error error;
	hwloc_topology_t topology;
	int result;

	if (verb_read_guests(&states, NULL, 0) < 0) {
		guest_states_free(&states);
		return VERB_PROBLEM;
	}
	result = host_topology_load(&topology, &error);
	if (result == 0) {
		result = host_map_make(&map, topology, verb_roots.sys, &states, &error);
		if (result == 0)
			result = map_show(&map, topology, output, json, &error);
		host_map_free(&map);
		hwloc_topology_destroy(topology);
	}
	guest_states_free(&states);
	if (result < 0)
		log_line("%s", error.text);
	if (!verb_policy_counts())
		result = -1;
	return verb_finish(result < 0 ? VERB_PROBLEM : VERB_FINE);
}

int verb_map(int argc, char *argv[])
{
	const char *output = NULL;
	bool json = false;
	struct error error;
	int first = verb_options(
	    argc, argv,
	    (struct verb_option[]){{"json", .flag = &json}, {"output", .value = &output}, {0}});

	if (first < 0)
		return VERB_USAGE;
	if (first < argc)
		return verb_usage(argv[0]);
	if (output != NULL && json) {
		log_line("--output draws a picture: not with --json");
		return verb_usage(argv[0]);
	}
	if (output != NULL && map_picture_check(output, &error) < 0) {
		log_line("%s", error.text);
		return verb_usage(argv[0]);
	}
	return map_make(output, json);
}
