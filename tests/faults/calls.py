"""The system calls of a program: which it makes (strace(1)), and how each is likely to fail."""
import functools
import glob
import re
import subprocess

LINE = re.compile(r'^(?:(\d+) +)?(\w+)\((.*)$')
FRAME = re.compile(r'^ > (\S+)\((\w+)')

# The two most telling errors first; the others only with FAULTS=all.
ERRORS = {
    'open openat openat2': 'EACCES ENOENT EMFILE EIO ENOMEM EINTR',
    'read pread64 readv': 'EIO EINTR ENOMEM EAGAIN',
    'write writev': 'EIO EINTR retval=5 EAGAIN ENOSPC',
    'stat lstat fstat newfstatat statx': 'EIO EACCES ENOMEM',
    'access faccessat faccessat2 readlink readlinkat': 'EACCES EIO ENOENT ENOMEM',
    'brk': 'retval=0',  # it returns where the end of the heap is now, and never an error
    'mmap mremap mprotect munmap madvise': 'ENOMEM EAGAIN EPERM',
    'close dup dup2 fcntl ioctl lseek': 'EIO EINTR EBADF',
    'getdents64': 'EIO ENOMEM ENOENT',
    'socket socketpair pipe2 epoll_create1 signalfd4 pidfd_open': 'EMFILE ENOMEM EACCES ENFILE ENOSYS',
    'connect': 'EINTR ECONNREFUSED EAGAIN EACCES ENOENT',
    'accept4': 'EMFILE EINTR ECONNABORTED ENOMEM EAGAIN',
    'sendto sendmsg': 'EPIPE EAGAIN EINTR ENOMEM',
    'recvfrom recvmsg': 'ECONNRESET EINTR EAGAIN retval=0',
    'poll ppoll epoll_wait epoll_pwait': 'EINTR ENOMEM',
    'getsockopt setsockopt': 'ENOMEM ENOPROTOOPT EPERM',
    'fork vfork clone clone3': 'EAGAIN ENOMEM',
    'wait4 waitid': 'EINTR ECHILD',
    'execve execveat': 'ENOENT EACCES ENOMEM E2BIG ENOEXEC ETXTBSY EMFILE',
    'sched_setaffinity set_mempolicy': 'EINVAL EPERM ENOSYS ENOMEM',
    'sched_getaffinity get_mempolicy': 'ENOSYS EINVAL EFAULT',
    'prctl': 'EINVAL EPERM ENOSYS',
    'getpriority setpriority sched_getparam sched_setparam sched_getscheduler'
    ' sched_setscheduler': 'EPERM EINVAL ESRCH ENOSYS',
}
ERRORS_OF = {name: errors.split() for names, errors in ERRORS.items() for name in names.split()}
OTHERS = ['EPERM', 'ENOMEM', 'ENOSYS', 'EINTR']
# They do not return, or cannot fail as they are called.
NEVER = {'rt_sigaction', 'rt_sigprocmask', 'exit', 'exit_group', 'getpid', 'getppid', 'gettid', 'getuid', 'geteuid', 'getgid',
         'getegid', 'umask', 'rt_sigreturn', 'restart_syscall', 'clock_gettime', 'clock_nanosleep'}


def errors_of(name, every, again=False):
    """Those for a call; `again`: it had the first of them on another path already."""
    if name in NEVER:
        return []
    errors = ERRORS_OF.get(name, OTHERS)
    if again and not every:
        return errors[1:2] or errors
    if every or name in ('execve', 'execveat'):
        return errors
    return errors[:3] if 'retval' in ''.join(errors[:3]) else errors[:2]


class Call:
    """The n-th call of that name of a process, and whether our own code was at work."""

    def __init__(self, pid, name, number, arguments):
        self.pid = pid
        self.name = name
        self.number = number
        self.arguments = arguments
        self.ours = False

    def __str__(self):
        return f'{self.name} {self.number} ({self.arguments.split(" = ")[0][:70]}'


@functools.cache
def our_functions(build):
    """Their names: what is before them is the loader's and libc's."""
    names = subprocess.run(['nm', '--defined-only', '-P', *glob.glob(build + '/shim/*.o'),
                            *glob.glob(build + '/policy/*.o')],
                           capture_output=True, text=True, check=True).stdout
    return {line.split()[0].split('.')[0] for line in names.splitlines()
            if line.split()[1:2] and line.split()[1] in 'Tt'}


def trace_read(world, stop_at=None):
    """The calls of a trace with stacks (-k), up to that which executes `stop_at`."""
    ours = our_functions(world.build)
    counts = {}
    calls = []
    call = None
    with open(world.trace, encoding='utf-8', errors='backslashreplace') as file:
        for line in file:
            frame = FRAME.match(line)
            if frame is not None and call is not None and '.so' not in frame[1]:
                call.ours = call.ours or frame[2] in ours
            if line.startswith(' > '):
                continue
            match = LINE.match(line.rstrip('\n'))
            call = None
            if match is None:
                continue
            pid, name, arguments = match.groups()
            counts[pid, name] = counts.get((pid, name), 0) + 1
            call = Call(pid, name, counts[pid, name], arguments.replace(world.work, 'WORK'))
            calls.append(call)
    if stop_at is not None:
        for index, call in enumerate(calls):
            if call.name.startswith('execve') and f'"{stop_at}"'.replace(world.work, 'WORK') in call.arguments \
                    and call.arguments.endswith('= 0'):
                return calls[1:index + 1]  # the first is strace's own, of the program
    return calls if stop_at is None else calls[1:]


def strace(world, extra):
    return ['strace', '-f', '-qq', '-o', world.trace, '-s', '4096', *extra]


def inject(name, number, error):
    what = error if '=' in error else 'error=' + error
    if name == 'execve':
        number -= 1  # that which begins it all does not count
    return ['--seccomp-bpf', '-e', f'trace={name}', '-e', f'inject={name}:{what}:when={number}']


def injected(world):
    """Whether it has been done, and just once."""
    with open(world.trace, encoding='utf-8', errors='backslashreplace') as file:
        return file.read().count('(INJECTED') == 1


def missing_tools():
    try:
        text = subprocess.run(['strace', '-V'], capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return 'strace is missing (package strace)'
    return None if 'stack-trace' in text else 'this strace cannot print stacks (strace -k)'
