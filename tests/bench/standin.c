/*
 * What is started instead of an emulator; and, built with REAL, the least that a program in
 * front of one can be: it executes that, and nothing else.
 */
#include <unistd.h>

int main(int argc, char *argv[])
{
	(void)argc;
	(void)argv;
#ifdef REAL
	execve(REAL, argv, environ);
	return 1;
#else
	return 0;
#endif
}
