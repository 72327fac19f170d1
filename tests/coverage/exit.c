/* Linked only where coverage is counted: gcc writes the counts when a program ends by exit(3),
 * and before it forks or becomes another (execve(2)), but not before _exit(2), by which
 * children end here. */
#include <gcov.h>
#include <stdnoreturn.h>

/* The linker puts the first in the place of _exit(), and calls that the second (ld(1), --wrap). */
noreturn void __wrap__exit(int status);
noreturn void __real__exit(int status);

noreturn void __wrap__exit(int status)
{
	__gcov_dump();
	__real__exit(status);
}
