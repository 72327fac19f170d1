/*
 * qemu-kvm-shim stands where the emulator stood: finds the guest's name in the
 * command line, places itself as the host's policy says, and becomes the real
 * emulator. Without a name, a policy or a matching rule it changes nothing and
 * says nothing.
 */
#include "agent.h"
#include "emulator.h"
#include "handover.h"
#include "log.h"
#include "marker_note.h"
#include "monitor.h"
#include "plan.h"
#include "qemu_args.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STRINGIFY(x) #x
#define STRING_OF(x) STRINGIFY(x)

/* The mark of marker.h. In assembler, for C cannot give a section the type of a note. */
__asm__(".pushsection .note.qemu-kvm-shim, \"a\", %note\n"
	".balign 4\n"
	".long 2f - 1f, 4f - 3f, " STRING_OF(MARKER_TYPE) "\n"
							  "1: .asciz \"" MARKER_NAME "\"\n"
							  "2: .balign 4\n"
							  "3: .asciz \"" VERSION "\"\n"
							  "4: .balign 4\n"
							  ".popsection\n");

enum { EXIT_REFUSED = 1, RECORD_SIZE = 4000 };

/* Finds the guest's name, allocated; NULL: the command line has none. */
static char *guest_find(char *const argv[])
{
	char *guest;

	if (qemu_args_guest(argv, &guest) < 0)
		log_line("out of memory for the guest's name; it starts unplaced");
	return guest;
}

static void plan_command_line(char *const argv[], const char *guest, struct plan *plan)
{
	plan_make(plan, guest, PLAN_FOR_CALLER, policy_source_find());
	if (plan->placed && qemu_args_monitored_by_libvirt(argv))
		plan_by_libvirt(plan);
}

/* Says why the emulator is not started, and ends. */
static int give_up(const char *reason, int status)
{
	log_line("%s", reason);
	monitor_wait();
	return status;
}

/* Becomes the emulator. Returns only where it cannot. */
static int execute(struct emulator *emulator, char *const argv[])
{
	struct error error = {0};
	int result;

	execve(emulator->path, argv, environ);
	if (errno == ENOENT) {
		/* The shim may have been uninstalled at this moment: look once more. */
		result = emulator_find(emulator, &error);
		if (result < 0)
			return give_up(error.text, emulator_exit_status(result));
		execve(emulator->path, argv, environ);
	}
	result = error_set(&error, -errno, "%s: the real emulator cannot be executed: %s",
			   emulator->path, strerror(errno));
	return give_up(error.text, emulator_exit_status(result));
}

/* Returns only where the guest is not started. */
static int start_planned(struct plan *plan, char *const argv[], struct emulator *emulator)
{
	char record[RECORD_SIZE];

	plan_memory(plan, argv, emulator);
	plan_apply(plan, AGENT_SOCKET);
	for (size_t i = 0; i < plan->warning_count; i++)
		log_line("%s", plan->warnings[i].text);
	if (error_is_set(&plan->error))
		return give_up(plan->error.text, EXIT_REFUSED);
	if (plan->placed)
		log_line("%s", plan_record(plan, record, sizeof(record)));
	return execute(emulator, plan_argv(plan, argv));
}

static int start_guest(const char *guest, char *const argv[], struct emulator *emulator)
{
	struct plan plan;
	struct error error = {0};
	int result;

	plan_command_line(argv, guest, &plan);
	if (error_is_set(&plan.error) && handover_is_void())
		plan_let_be(&plan, "qemu-kvm-shim has been uninstalled meanwhile");
	result = emulator_find(emulator, &error);
	if (result < 0)
		result = give_up(error.text, emulator_exit_status(result));
	else
		result = start_planned(&plan, argv, emulator);
	plan_free(&plan);
	return result;
}

/*
 * Without a name, as libvirt starts an emulator to ask what it can do, there is nothing to plan:
 * it costs not even the memory for a plan.
 */
static int start(char *const argv[])
{
	struct emulator emulator;
	struct error error = {0};
	char *guest = guest_find(argv);
	int result;

	if (guest != NULL) {
		result = start_guest(guest, argv, &emulator);
		free(guest);
		return result;
	}
	result = emulator_find(&emulator, &error);
	if (result < 0)
		return give_up(error.text, emulator_exit_status(result));
	return execute(&emulator, argv);
}

/* Prints one word so that bash reads it back, on one line whatever it holds. */
static void print_quoted(const char *word, FILE *stream)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				    "@%+=:,./_-";
	bool control = false;

	if (*word != '\0' && word[strspn(word, plain)] == '\0') {
		fputs(word, stream);
		return;
	}
	for (const char *p = word; *p != '\0'; p++)
		control = control || (unsigned char)*p < 0x20 || *p == 0x7f;
	fputs(control ? "$'" : "'", stream);
	for (const char *p = word; *p != '\0'; p++) {
		if (control && ((unsigned char)*p < 0x20 || *p == 0x7f))
			fprintf(stream, "\\%03o", (unsigned char)*p);
		else if (control && (*p == '\'' || *p == '\\'))
			fprintf(stream, "\\%c", *p);
		else if (*p == '\'')
			fputs("'\\''", stream);
		else
			fputc(*p, stream);
	}
	fputc('\'', stream);
}

/*
 * The placement is really applied to this process, for a moment: so it is known, not
 * guessed, whether the host would grant it. The agent is not asked: what it sets would
 * stay.
 */
static int dry_run(char *const argv[])
{
	struct emulator emulator;
	struct plan plan;
	struct error error = {0};
	char *guest = guest_find(argv);
	bool missing = emulator_find(&emulator, &error) < 0; /* env= has no say in it */
	bool refused;

	plan_command_line(argv, guest, &plan);
	plan_memory(&plan, argv, missing ? NULL : &emulator);
	plan_interrupts(&plan, argv);
	plan_apply(&plan, NULL);
	plan_print(&plan, stdout);
	refused = error_is_set(&plan.error);
	if (missing) {
		plan_print_line(stdout, "error", error.text);
		refused = true;
	}
	if (!refused) {
		plan_print_line(stdout, "exec", emulator.real);
		fputs("argv:", stdout);
		for (char *const *argument = plan_argv(&plan, argv); *argument != NULL;
		     argument++) {
			putchar(' ');
			print_quoted(*argument, stdout);
		}
		putchar('\n');
	}
	plan_free(&plan);
	free(guest);
	if (fflush(stdout) != 0) {
		log_line("the output cannot be written: %s", strerror(errno));
		return EXIT_REFUSED;
	}
	return refused ? EXIT_REFUSED : EXIT_SUCCESS;
}

/* The option that asks for it is not the emulator's. */
static int dry_run_of(int argc, char *const argv[])
{
	char **rest = calloc((size_t)argc, sizeof(*rest));
	int status;

	if (rest == NULL) {
		log_line("out of memory for the command line");
		return EXIT_REFUSED;
	}
	rest[0] = argv[0];
	memcpy(rest + 1, argv + 2, (size_t)(argc - 2) * sizeof(*rest));
	status = dry_run(rest);
	free(rest);
	return status;
}

int main(int argc, char *argv[])
{
	handover_begin(argv);
	if (argc > 1 && strcmp(argv[1], "--shim-version") == 0)
		return puts("qemu-kvm-shim " VERSION) < 0 || fflush(stdout) != 0;
	if (argc > 1 && strcmp(argv[1], "--shim-dry-run") == 0)
		return dry_run_of(argc, argv);
	return start(argv);
}
