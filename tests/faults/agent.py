"""The agent: each system call that a request takes fails in turn, and the next one must work."""
import os
import signal
import socket
import subprocess
import time

import shim
from calls import errors_of, inject, trace_read
from world import SOCKET, read

LIBVIRT = ['-name', 'guest=web', *shim.LIBVIRT]
PATHS = {path.name: path for path in (
    shim.Path('place', 'web 0 cpus=1', LIBVIRT, agent=True),
    shim.Path('priority', 'web 0 cpus=1 nice=5 sched=batch', LIBVIRT, agent=True),
    shim.Path('refuse', 'web 0 cpus=7', LIBVIRT, agent=True, refused=True),
)}
CONNECTIONS = 4  # by which is found what one alone takes
TRIES = 3


def fds(world):
    return len(os.listdir(f'/proc/{world.agent.pid}/fd'))


def idle_workers_end(world):
    """Of the agent's processes only the first, its watcher, stays: the next request has another."""
    agent = world.agent.pid
    children = read(f'/proc/{agent}/task/{agent}/children').split()
    begun = {}
    for child in children:
        try:
            begun[child] = int(read(f'/proc/{child}/stat').rpartition(')')[2].split()[19])
        except OSError:
            pass
    for child in sorted(begun, key=lambda one: (begun[one], int(one)))[1:]:
        try:
            os.kill(int(child), signal.SIGKILL)
        except ProcessLookupError:
            pass


def settle(world, count):
    """
    Waits until the agent has let go of its clients, and has no worker that waits for another
    request. Returns what it has open then.
    """
    time.sleep(0.02)  # for what a worker does behind its answer
    for _ in range(50):
        if world.agent.poll() is None:
            idle_workers_end(world)
        if world.agent.poll() is None and fds(world) == count:
            return count
        time.sleep(0.01)
    return fds(world) if world.agent.poll() is None else -1


class Traced:
    """Has strace(1) at the running agent."""

    def __init__(self, world, options):
        self.world = world
        self.process = subprocess.Popen(
            ['strace', '-f', '-qq', '-s', '256', '-o', world.trace, *options, '-p',
             str(world.agent.pid)],
            stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True)

    def __enter__(self):
        for _ in range(500):
            if 'TracerPid:\t0\n' not in read(f'/proc/{self.world.agent.pid}/status'):
                return self
            time.sleep(0.005)
        raise RuntimeError('strace does not come to the agent: ' +
                           self.process.stderr.read().decode())

    def __exit__(self, *exception):
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stderr.close()


def connect_only(count):
    for _ in range(count):
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as client:
            client.connect(SOCKET)


def request(world, path):
    """A guest is started. Returns status, stdout and stderr of the shim."""
    world.policy_write(path.rule, path.dropin)
    world.seen_clear()
    world.cpuset_reset()
    return world.run(shim.shim_command(world, path), inside=True)


def ready(world):
    """The agent, started and at rest. Returns what it has open."""
    world.agent_start()
    request(world, PATHS['place'])
    time.sleep(0.05)
    idle_workers_end(world)
    time.sleep(0.05)
    return settle(world, fds(world))


def counts_of(calls, pid):
    counts = {}
    for call in calls:
        if call.pid == pid:
            counts[call.name] = counts.get(call.name, 0) + 1
    return counts


def discover(world, name, every):
    path = PATHS[name]
    rest = ready(world)
    main = str(world.agent.pid)
    with Traced(world, []):
        connect_only(CONNECTIONS)
        settle(world, rest)
    counts = counts_of(trace_read(world), main)
    with Traced(world, []):
        request(world, path)
        settle(world, rest)
    calls = trace_read(world)
    sizes = {pid: sum(1 for call in calls if call.pid == pid) for pid in {c.pid for c in calls}}
    sizes.pop(main, None)
    worker = max(sizes, key=sizes.get, default=None)
    if worker is None:
        raise RuntimeError(f'no worker: {read(world.agent_log)}')
    jobs = []
    for call in calls:
        call.ours = True
        call.role = 'main' if call.pid == main else 'worker'
        # What the agent itself does before must not be what fails.
        count = counts.get(call.name, 0) if call.role == 'worker' else 0
        call.before = -(-call.number * CONNECTIONS // count) + 1 if count > 0 else 0
        if call.pid in (main, worker):
            jobs += [(call, error) for error in errors_of(call.name, every, name != 'place')]
    return jobs


_expected = {}


def expected_of(world, path):
    if path.name not in _expected:
        world.agent_start()
        status, _, errors = request(world, path)
        expected = shim.Expected.__new__(shim.Expected)
        expected.placed, expected.less, expected.cpuset = world.report(), None, world.cpuset()
        expected.unplaced = 'unplaced'
        if (status == 0) == path.refused:
            raise RuntimeError(f'{path.name}: status {status}: {errors}')
        _expected[path.name] = expected
    return _expected[path.name]


def was_injected(world, call):
    with open(world.trace, encoding='utf-8', errors='backslashreplace') as file:
        pids = [line.split()[0] for line in file if '(INJECTED' in line]
    return any((pid == str(world.agent.pid)) == (call.role == 'main') for pid in pids)


def inject_one(world, name, call, error):
    """How often the agent itself turns round is a matter of chance: not all comes again."""
    for _ in range(TRIES):
        found = try_one(world, name, call, error)
        if found is not None:
            return found
        if call.role == 'worker':
            call.before += CONNECTIONS  # the agent itself may have had it
    # Nor has a worker as many clients of others' to close each time.
    if call.role == 'main' or call.name == 'close':
        return 'not called again', ''
    raise AssertionError('it was not injected')


def try_one(world, name, call, error):
    path = PATHS[name]
    expected = expected_of(world, path)
    rest = ready(world)
    begun = os.path.getsize(world.agent_log)
    options = [option for option in inject(call.name, call.number, error)
               if option != '--seccomp-bpf']
    with Traced(world, options):
        connect_only(call.before)
        settle(world, rest)
        result = request(world, path)
        time.sleep(0.03)  # for what is done behind the answer
    with open(world.agent_log, encoding='utf-8', errors='backslashreplace') as file:
        file.seek(begun)
        said = file.read()
    if world.agent.poll() is not None:
        raise AssertionError(f'the agent has ended: {said}')
    if not was_injected(world, call):
        return None
    found = outcome(world, path, expected, call, error, result, said)
    next_check(world, said)  # by the same worker, if that waits for it
    after = settle(world, rest)
    if after > rest + (call.name == 'close'):
        raise AssertionError(f'the agent had {rest} descriptors, and has {after}: {said}')
    return found, result[2]


def outcome(world, path, expected, call, error, result, said):
    """The verdict on a request, with what is left of it."""
    cpuset = world.cpuset()
    found = shim.verdict(world, path, expected, call, error, result)
    # Where the answer alone was lost, all was done, and the shim says that it has none.
    answered = 'without an answer' not in result[2]
    if found.startswith('refused') and answered and cpuset != untouched(world):
        raise AssertionError(f'refused, and its cgroup is left with CPUs {cpuset}: '
                             f'{result[2]} {said}')
    return found


def untouched(world):
    world.cpuset_reset()
    return world.cpuset()


def next_check(world, said):
    status, _, errors = request(world, PATHS['place'])
    if status != 0 or world.cpuset() != expected_of(world, PATHS['place']).cpuset:
        raise AssertionError(f'the next request fails: {errors}; {said}')
