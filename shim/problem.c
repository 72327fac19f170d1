#include "problem.h"
#include "error.h"
#include "report.h"
#include "screen.h"

#include <limits.h>

static json_t *number_or_null(unsigned int number)
{
	return number > 0 ? json_integer(number) : json_null();
}

static json_t *problem_object(const struct problem *problem)
{
	unsigned int column = 0;
	unsigned int length = 0;

	if (problem->excerpt != NULL)
		excerpt_column(problem->excerpt, &column, &length);
	return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o}", "severity",
			 problem->error ? "error" : "warning", "file", report_text(problem->file),
			 "line", number_or_null(problem->line), "column", number_or_null(column),
			 "length", number_or_null(length), "text", report_string(problem->text),
			 "suggestion", report_text(problem->suggestion));
}

static void problem_print(const struct problem *problem)
{
	char printable[4 * ERROR_TEXT_SIZE];
	char path[PATH_MAX];

	if (problem->line > 0)
		printf("%s:%u: ", text_printable(path, sizeof(path), problem->file), problem->line);
	printf("%s%s\n", problem->error ? "" : "warning: ",
	       text_printable(printable, sizeof(printable), problem->text));
	if (problem->excerpt != NULL)
		excerpt_print(problem->excerpt, screen_width(stdout), stdout);
	if (problem->suggestion != NULL)
		printf("    did you mean '%s'?\n",
		       text_printable(printable, sizeof(printable), problem->suggestion));
}

void problem_add(struct problems *problems, const struct problem *problem)
{
	*(problem->error ? &problems->errors : &problems->warnings) += 1;
	if (problems->list != NULL)
		json_array_append_new(problems->list, problem_object(problem));
	else
		problem_print(problem);
}
