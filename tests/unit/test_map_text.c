/* The boxes of a map on a terminal: map_text.c, map_box.c, map_info.c, map_cell.c. */
#include "map_cell.h"
#include "map_text.h"
#include "map_world.h"

#include <locale.h>

static struct world world;

/* What is printed, until the next call. */
static const char *printed(unsigned int width, bool utf8)
{
	static char text[65536];
	FILE *file = tmpfile();
	size_t length;

	assert_non_null(file);
	assert_int_equal(map_text_print(&world.map, (struct map_style){width, utf8}, file), 0);
	rewind(file);
	length = fread(text, 1, sizeof(text) - 1, file);
	text[length] = '\0';
	fclose(file);
	return text;
}

static void make_host(void)
{
	world_meminfo(0, 1 << 20, 1 << 18, 1 << 18, 0, 0);
	world_meminfo(1, 1 << 20, 1 << 20, 0, 0, 0);
	world_node_file(1, "hugepages/hugepages-2048kB/nr_hugepages", "512\n");
	world_node_file(1, "hugepages/hugepages-2048kB/free_hugepages", "10\n");
	world_open(&world, "package:2 numa:1 core:2 pu:1");
}

static void two_nodes_fit_in_80_columns(void **state)
{
	(void)state;
	make_host();
	world_guest(&world, "web1", "0-1", VERDICT_PLACED, 512);
	world_guest(&world, "db", "0", VERDICT_DRIFTED, 2048);
	world_guest(&world, "free", "0-3", VERDICT_NO_RULE, 0);
	world_map(&world);
	assert_string_equal(
	    printed(80, true),
	    "┌ node 0 ─────────────────────────────┐ ┌ node 1 ─────────────────────────────┐\n"
	    "│ CPUs 0-1                            │ │ CPUs 2-3                            │\n"
	    "│ ████▒▒░░ 512.0M used 256.0M free    │ │ ░░░░░░░░ 0B used 1.0G free          │\n"
	    "│ + web1 512.0M  ~ db     2.0G        │ │ pages of 2.0M: 10 of 512 free       │\n"
	    "└─────────────────────────────────────┘ └─────────────────────────────────────┘\n"
	    "┌ on all nodes, 0-1 ───────────────────────────────────────────────────────────┐\n"
	    "│ - free                                                                       │\n"
	    "└──────────────────────────────────────────────────────────────────────────────┘\n"
	    "2 nodes, 4 CPUs, 3 guests: + 1 placed, ~ 1 drifted, - 1 no rule\n");
	world_close(&world);
}

static void at_40_columns_boxes_stand_one_upon_the_other(void **state)
{
	(void)state;
	make_host();
	world_guest(&world, "web1", "0-1", VERDICT_PLACED, 512);
	world_guest(&world, "lost", "", VERDICT_UNKNOWN, 0);
	world_map(&world);
	assert_string_equal(printed(40, false),
			    "+ node 0 ------------------------------+\n"
			    "| CPUs 0-1                             |\n"
			    "| ####==.. 512.0M used 256.0M free     |\n"
			    "| + web1 512.0M                        |\n"
			    "+--------------------------------------+\n"
			    "+ node 1 ------------------------------+\n"
			    "| CPUs 2-3                             |\n"
			    "| ........ 0B used 1.0G free           |\n"
			    "| pages of 2.0M: 10 of 512 free        |\n"
			    "+--------------------------------------+\n"
			    "+ on no known node --------------------+\n"
			    "| ? lost                               |\n"
			    "+--------------------------------------+\n"
			    "2 nodes, 4 CPUs, 2 guests: + 1 placed, ? 1 unknown\n");
	world_close(&world);
}

/* Where there is room, more is said. */
static void a_wide_box_tells_of_the_cache(void **state)
{
	(void)state;
	world_meminfo(0, 1 << 20, 1 << 18, 1 << 18, 0, 0);
	world_open(&world, "package:1 numa:1 core:2 pu:1");
	world_map(&world);
	assert_string_equal(
	    printed(70, false),
	    "+ node 0 ------------------------------------------------------------+\n"
	    "| CPUs 0-1                                                           |\n"
	    "| ########====.... 512.0M used, 256.0M cache, 256.0M free            |\n"
	    "+--------------------------------------------------------------------+\n"
	    "1 node, 2 CPUs, 0 guests\n");
	world_close(&world);
}

/* Each line as wide as the others, whatever names are made of. */
static void names_take_the_columns_that_they_take(void **state)
{
	(void)state;
	world_open(&world, "package:1 numa:1 core:2 pu:1");
	world_guest(&world, "\xe4\xb8\xad\xe6\x96\x87", "0-1", VERDICT_PLACED, 1);
	world_guest(&world, "cafe\xcc\x81", "0-1", VERDICT_PLACED, 1);
	world_guest(&world, "a\033[31m\n\xff", "0-1", VERDICT_PLACED, 1);
	world_guest(&world,
		    "\xe2\x80\xae"
		    "abc",
		    "0-1", VERDICT_PLACED, 1);
	world_guest(&world, "a-name-longer-than-24-columns", "0-1", VERDICT_PLACED, 1);
	world_map(&world);
	assert_string_equal(printed(40, true), "┌ node 0 ──────────────────────────────┐\n"
					       "│ CPUs 0-1                             │\n"
					       "│ memory 1.0G                          │\n"
					       "│ + 中文                     1.0M      │\n"
					       "│ + cafe\xcc\x81                     1.0M      │\n"
					       "│ + a\\x1b[31m\\x0a\\xff        1.0M      │\n"
					       "│ + \\xe2\\x80\\xaeabc          1.0M      │\n"
					       "│ + a-name-longer-than-24-c… 1.0M      │\n"
					       "└──────────────────────────────────────┘\n"
					       "1 node, 2 CPUs, 5 guests: + 5 placed\n");
	assert_non_null(strstr(printed(40, false), "| + ??                       1.0M      |\n"
						   "| + cafe?                    1.0M      |\n"));
	assert_non_null(strstr(printed(40, false), "| + a-name-longer-than-24... 1.0M      |\n"));
	world_close(&world);
}

static void a_name_is_cut_where_a_wide_character_does_not_fit(void **state)
{
	static const char wide[] = "\xe4\xb8\xad\xe4\xb8\xad\xe4\xb8\xad";
	char fit[MAP_CELL_SIZE];

	(void)state;
	assert_int_equal(map_cell_fit(fit, wide, 6, true), 6);
	assert_string_equal(fit, wide);
	assert_int_equal(map_cell_fit(fit, wide, 5, true), 5);
	assert_string_equal(fit, "\xe4\xb8\xad\xe4\xb8\xad…");
	assert_int_equal(map_cell_fit(fit, wide, 4, true), 3);
	assert_string_equal(fit, "\xe4\xb8\xad…");
}

/* What takes bytes and no columns is cut, too. */
static void a_flood_of_marks_is_cut(void **state)
{
	char name[8 * MAP_CELL_SIZE] = "a";
	char fit[MAP_CELL_SIZE];

	(void)state;
	while (strlen(name) + 3 < sizeof(name))
		strcat(name, "\xcc\x81");
	assert_int_equal(map_cell_fit(fit, name, 24, true), 2);
	assert_true(strlen(fit) < MAP_CELL_SIZE);
	assert_string_equal(fit + strlen(fit) - strlen("…"), "…");
}

/* The columns of a line of UTF-8 without wide characters. */
static size_t columns_of(const char *line, size_t length)
{
	size_t columns = 0;

	for (size_t i = 0; i < length; i++)
		columns += (line[i] & 0xc0) != 0x80;
	return columns;
}

/* An administrator wants all of them, and no line longer than the screen. */
static void many_guests_are_all_shown(void **state)
{
	static char names[256][16];
	static const unsigned int widths[] = {40, 80, 100, 132, 160, 240, 1000};

	(void)state;
	world_open(&world, "package:8 numa:1 core:6 pu:1");
	for (unsigned int i = 0; i < 256; i++) {
		char cpus[16];

		snprintf(names[i], sizeof(names[i]), "guest-%u.", i);
		snprintf(cpus, sizeof(cpus), "%u-%u", i / 32 * 6, i / 32 * 6 + 5);
		world_guest(&world, names[i], i % 40 == 7 ? "0-47" : cpus, VERDICT_PLACED, i + 1);
	}
	world_map(&world);
	for (size_t i = 0; i < LENGTH_OF(widths); i++) {
		const char *text = printed(widths[i], true);
		size_t lines = 0;

		for (size_t j = 0; j < 256; j++) {
			if (strstr(text, names[j]) == NULL)
				fail_msg("%u columns: no %s", widths[i], names[j]);
		}
		for (const char *line = text; *line != '\0'; line += strcspn(line, "\n") + 1) {
			assert_true(columns_of(line, strcspn(line, "\n")) <=
				    (widths[i] < 90 ? 90 : widths[i]));
			lines++;
		}
		/* At 80 columns no more than two screens and a half of fifty lines. */
		assert_true(widths[i] < 80 || lines <= 125);
	}
	world_close(&world);
}

static int locale_set(void **state)
{
	(void)state;
	return setlocale(LC_CTYPE, "C.UTF-8") != NULL ? 0 : -1;
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, enter_directory, leave_directory)
	static const struct CMUnitTest tests[] = {
	    TEST(two_nodes_fit_in_80_columns),
	    TEST(at_40_columns_boxes_stand_one_upon_the_other),
	    TEST(a_wide_box_tells_of_the_cache),
	    TEST(names_take_the_columns_that_they_take),
	    TEST(a_name_is_cut_where_a_wide_character_does_not_fit),
	    TEST(a_flood_of_marks_is_cut),
	    TEST(many_guests_are_all_shown),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, locale_set, NULL);
}
