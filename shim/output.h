/* The tool's stdout, which remembers why it could not be written. */
#ifndef SHIM_OUTPUT_H
#define SHIM_OUTPUT_H

/* To be called before anything is printed. */
void output_begin(void);

/* Ends it: writes what is still to be written. Returns 0, or -errno of the first that failed. */
int output_end(void);

#endif
