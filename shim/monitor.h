/* Going away so that libvirt can say why. */
#ifndef SHIM_MONITOR_H
#define SHIM_MONITOR_H

/*
 * Waits until somebody connects to a listening Unix socket that this process was
 * given, at most two seconds; without such a socket not at all.
 *
 * libvirt listens on the monitor's socket itself, hands it to the emulator and
 * connects. When the connection breaks, it shows the user the end of the guest's
 * log; when the emulator was gone before, the user is told no more than
 * "Connection refused", unless the process has been reaped already
 * (qemuProcessWaitForMonitor in its source).
 */
void monitor_wait(void);

#endif
