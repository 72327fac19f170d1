"""
Where one process of the test runs the programs: a mount namespace with a /run of its own, a
directory with the shim in front of a stand-in emulator, a policy, and cgroups as libvirt
makes them for a guest. Nothing of it is seen from outside, but for the cgroups, which go
when it ends.
"""
import ctypes
import os
import re
import shutil
import signal
import subprocess
import time

CLONE_NEWNS = 0x20000
CPUSET = '/sys/fs/cgroup/cpuset'
GROUP = CPUSET + '/guest-pinning-faults'
SOCKET = '/run/guest-pinning/agent.sock'
NODE = '/sys/devices/system/node/node0'
FREE_PAGES = [f'{directory}/hugepages/hugepages-2048kB/free_hugepages'
              for directory in (NODE, '/sys/kernel/mm')]
LIMIT = 12  # seconds: the agent's patience twice, and some

# Of the agent's host: what is seen at such a place is in the world's own directory. A device that
# is a guest's has interrupt 27.
DEVICE = '0000:00:05.0'
MADE_UP = {'irq': '/proc/irq', 'kernel-irq': '/sys/kernel/irq', 'pci': '/sys/devices/pci0000:00',
           'bus': '/sys/bus/pci/devices'}
# What is written to a file does not cut it, so all lists have the same length.
INTERRUPTS = {9: ('acpi', '1'), 24: ('virtio1-input.0', '1'), 27: (f'vfio-msix[0]({DEVICE})', '0')}

# What differs from one start to the next: who it was and how far its log had come.
VARYING = [(re.compile(r'pipe:\[\d+\]'), 'pipe'),
           (re.compile(r', offset \d+'), ''),
           (re.compile(r'^(status: (TracerPid|Seccomp)|pid|parent|comm|env \d+: FAULTS_).*\n', re.M), ''),
           (re.compile(r'^env \d+', re.M), 'env')]


def mount(*arguments):
    subprocess.run(['mount', *arguments], check=True)


def write(path, text):
    with open(path, 'w', encoding='ascii') as file:
        file.write(text)


def read(path):
    with open(path, encoding='utf-8', errors='backslashreplace') as file:
        return file.read()


class World:
    """What belongs to one process of the test; `number` tells it from the others."""

    def __init__(self, number, build, programs, scratch):
        self.number = number
        self.build = build
        self.programs = programs
        self.work = f'{scratch}/{number}'
        self.emulator = self.work + '/libexec/qemu-kvm'
        self.real = self.emulator + '.real'
        self.alias = self.work + '/libexec/qemu-kvm-shim.alias/qemu-kvm'
        self.policy = self.work + '/policy'
        self.seen = self.work + '/seen'
        self.trace = self.work + '/trace'
        self.cgroup = f'{GROUP}/qemu-{number + 1}-web.libvirt-qemu'
        self.name = f'run{number}'  # of a guest that runs already; all look through one /proc
        self.running = None
        self.running_cgroup = f'{GROUP}/qemu-{number + 101}-{self.name}.libvirt-qemu'
        self.state = '/run/libvirt/qemu/web.xml'
        self.agent = None
        self.watcher = None  # the first process of the agent's

    def make(self):
        if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNS) != 0:
            raise OSError(ctypes.get_errno(), 'unshare')
        mount('--make-rprivate', '/')
        mount('-t', 'tmpfs', '-o', 'mode=755', 'tmpfs', '/run')
        os.makedirs(os.path.dirname(self.alias), mode=0o755)
        shutil.copy(self.programs + '/qemu-kvm-shim', self.emulator)
        shutil.copy(self.build + '/tests/standin', self.real)
        os.symlink('../qemu-kvm.real', self.alias)
        write(self.work + '/pages', '4096\n')
        for path in FREE_PAGES:
            mount('--bind', self.work + '/pages', path)
        for guest in (self.cgroup, self.running_cgroup):
            for path in (guest, guest + '/emulator'):
                os.makedirs(path, exist_ok=True)
                for name in ('cpuset.mems', 'cpuset.cpus'):
                    write(f'{path}/{name}', read(f'{CPUSET}/{name}'))
        self.interrupts_make()

    def interrupts_make(self):
        os.makedirs(f'{self.work}/bus')
        os.makedirs(f'{self.work}/pci/{DEVICE}/msi_irqs')
        os.symlink(f'../../../devices/pci0000:00/{DEVICE}', f'{self.work}/bus/{DEVICE}')
        os.symlink('../../../bus/pci/drivers/vfio-pci', f'{self.work}/pci/{DEVICE}/driver')
        write(f'{self.work}/pci/{DEVICE}/msi_irqs/27', 'msix\n')
        for number, (actions, _) in INTERRUPTS.items():
            os.makedirs(f'{self.work}/irq/{number}')
            os.makedirs(f'{self.work}/kernel-irq/{number}')
            write(f'{self.work}/kernel-irq/{number}/actions', actions + '\n')
        self.interrupts_reset()

    def interrupts_reset(self):
        for number, (_, cpus) in INTERRUPTS.items():
            write(f'{self.work}/irq/{number}/smp_affinity_list', cpus + '\n')

    def interrupts_are_back(self):
        return all(read(f'{self.work}/irq/{number}/smp_affinity_list').strip() == cpus
                   for number, (_, cpus) in INTERRUPTS.items())

    def running_start(self):
        """A guest that runs, as libvirt has made it, with all CPUs."""
        self.running_stop()
        program = self.work + '/qemu-system-x86_64'
        if not os.path.exists(program):
            shutil.copy('/bin/bash', program)
        self.cpuset_reset(self.running_cgroup)
        # A shell's arguments are read with the guest's name as an emulator's.
        self.running = subprocess.Popen(
            [program, '-c', 'echo; read', '-name', f'guest={self.name}'], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, start_new_session=True,
            preexec_fn=lambda: write(self.running_cgroup + '/emulator/cgroup.procs', str(os.getpid())))
        self.running.stdout.readline()

    def running_stop(self):
        if self.running is not None:
            self.running.kill()
            self.running.communicate()
        self.running = None

    def remove(self):
        self.agent_stop()
        self.running_stop()
        for path in (self.cgroup + '/emulator', self.cgroup,
                     self.running_cgroup + '/emulator', self.running_cgroup):
            for _ in range(100):  # what was in it may not be reaped yet
                try:
                    os.rmdir(path)
                    break
                except OSError:
                    time.sleep(0.05)

    def cpuset_reset(self, cgroup=None):
        """As libvirt makes them."""
        cgroup = cgroup or self.cgroup
        for path in (cgroup, cgroup + '/emulator'):
            write(path + '/cpuset.cpus', read(CPUSET + '/cpuset.cpus'))

    def cpuset(self, cgroup=None):
        cgroup = cgroup or self.cgroup
        return [read(path + '/cpuset.cpus').strip() for path in (cgroup, cgroup + '/emulator')]

    def state_write(self, text):
        """What libvirt has written down of the guest; None: nothing."""
        os.makedirs(os.path.dirname(self.state), exist_ok=True)
        if text is not None:
            write(self.state, text)
        elif os.path.exists(self.state):
            os.remove(self.state)

    def policy_write(self, rule, dropin=None, state=None):
        write(self.policy, rule + '\n')
        self.state_write(state)
        directory = self.policy + '.d'
        shutil.rmtree(directory, ignore_errors=True)
        if dropin is not None:
            os.mkdir(directory)
            write(directory + '/10.conf', dropin + '\n')

    def run(self, command, inside=False, environment=None, limit=LIMIT):
        """Runs it in a bounded time. Returns its status (None: it hung), stdout and stderr."""
        def enter():
            if inside:
                write(self.cgroup + '/emulator/cgroup.procs', str(os.getpid()))

        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            cwd=self.work, start_new_session=True, preexec_fn=enter, errors='backslashreplace',
            env={'PATH': os.environ['PATH'], 'LC_ALL': 'C', 'GUEST_PINNING_CONF': self.policy,
                 'QEMU_KVM_SHIM_FULL': self.programs + '/qemu-kvm-shim-full',
                 **(environment or {})})
        try:
            out, err = process.communicate(timeout=limit)
            return process.returncode, out, err
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            _, err = process.communicate()
            return None, '', err

    def report(self):
        """What the stand-in saw; None: it was not executed."""
        if not os.path.exists(self.seen):
            return None
        text = read(self.seen)
        for pattern, with_what in VARYING:
            text = pattern.sub(with_what, text)
        return text.replace(self.work, 'WORK').replace(f'qemu-{self.number + 1}-', 'qemu-1-')

    def seen_clear(self):
        if os.path.exists(self.seen):
            os.remove(self.seen)

    def agent_start(self, environment=None):
        """Starts the agent, unless it runs with just that."""
        if self.agent is not None and self.agent.poll() is None:
            if environment is None or environment == self.agent_environment:
                return
            self.agent_stop()
        self.agent_environment = environment
        self.agent_log = self.work + '/agent.log'
        mounts = ''.join(f'mount --bind "{self.work}/{name}" "{path}"; '
                         for name, path in MADE_UP.items())
        with open(self.agent_log, 'ab') as log:
            self.agent = subprocess.Popen(
                ['unshare', '--mount', 'bash', '-ec', mounts + 'exec "$0" "$@"',
                 self.programs + '/guest-pinningd', '--foreground', '--policy', self.policy],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                env={'PATH': os.environ['PATH'], 'LC_ALL': 'C', **(environment or {})})
        for _ in range(200):
            if os.path.exists(SOCKET) and os.stat(SOCKET).st_mode & 0o777 == 0o660 and \
                    self.agent_children():
                self.watcher = self.agent_children()[0]
                return
            time.sleep(0.02)
        raise RuntimeError('the agent does not start: ' + read(self.agent_log))

    def agent_children(self):
        return read(f'/proc/{self.agent.pid}/task/{self.agent.pid}/children').split()

    def agent_stop(self):
        if self.agent is None:
            return
        self.agent.terminate()
        try:
            self.agent.wait(10)
        except subprocess.TimeoutExpired:
            self.agent.kill()
            self.agent.wait()
        self.agent = None
