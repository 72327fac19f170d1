/* Going away so that libvirt can say why. */
#ifndef SHIM_MONITOR_H
#define SHIM_MONITOR_H

/*
 * Waits until somebody connects to a listening Unix socket that this process was
 * given, at most two seconds; without such a socket not at all. The connection then breaks when
 * this process is gone, not before.
 *
 * libvirt listens on the monitor's socket itself, hands it to the emulator and
 * connects. When the connection breaks, it shows the user the end of the guest's
 * log; when the emulator was gone before, the user is told no more than
 * "Connection refused" or, where it breaks and the process has not been reaped, of "Connection
 * reset" (qemuProcessWaitForMonitor in its source).
 */
void monitor_wait(void);

#endif
