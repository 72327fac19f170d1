"""
The agent, with its watcher over interrupts: each system call that a request takes fails in turn. It
is answered all the same, and the next one must work.
"""
import os
import re
import signal
import socket
import subprocess
import time

import shim
from calls import errors_of, inject, trace_read
from world import SOCKET, read

LIBVIRT = ['-name', 'guest=web', *shim.LIBVIRT]
STATE = '<domstatus><domain><cputune>{}</cputune><devices><hostdev type="pci"><source>' \
    '<address domain="0x0000" bus="0x00" slot="0x05" function="0x0"/></source></hostdev>' \
    '</devices></domain></domstatus>'


class Path(shim.Path):
    """A request to the agent, by a guest that starts; or for one that runs, of root's."""

    def __init__(self, name, rule, *, more=(), state=None, runs=False, refused=False):
        super().__init__(name, rule, [*LIBVIRT, *more], agent=True, refused=refused)
        self.state = state  # what libvirt has written down
        self.watched = 'irq=' in rule
        self.runs = runs


PATHS = {path.name: path for path in (
    Path('place', 'web 0 cpus=1'),
    Path('priority', 'web 0 cpus=1 nice=5 sched=batch'),
    Path('refuse', 'web 0 cpus=7', refused=True),
    # Whatever is not known of it, it must not be placed.
    Path('pins', 'web 0 cpus=1', state=STATE.format('<vcpupin vcpu="0" cpuset="0"/>'),
         refused=True),
    Path('watch', 'web 0 cpus=1 isolate irq=vfio@1', more=['-device', 'vfio-pci,host=00:05.0'],
         state=STATE.format('')),
    Path('apply', 'run* 0 cpus=1 nice=5', runs=True),
)}
# Of these only the calls that the first has not: all would take too long.
BESIDES = {'pins', 'watch', 'apply'}
CONNECTIONS = 4  # by which is found what one alone takes
TRIES = 3


def fds(world):
    return len(os.listdir(f'/proc/{world.agent.pid}/fd'))


def idle_workers_end(world):
    """Of the agent's processes only its watcher stays: the next request has another."""
    killed = set(world.agent_children()) - {world.watcher}
    for child in killed:
        try:
            os.kill(int(child), signal.SIGKILL)
        except ProcessLookupError:
            pass
    for _ in range(200):  # or it would give one that has ended the next request
        if not killed & set(world.agent_children()):
            return
        time.sleep(0.005)


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


def is_traced(pid):
    try:
        return 'TracerPid:\t0\n' not in read(f'/proc/{pid}/status')
    except FileNotFoundError:
        return True  # it has met its failure already


class Traced:
    """Has strace(1) at the running agent, and at its watcher, which it has already, or not."""

    def __init__(self, world, options, watcher=False):
        self.world = world
        self.pids = [str(world.agent.pid), *([world.watcher] if watcher else [])]
        self.process = subprocess.Popen(
            ['strace', '-f', '-qq', '-s', '256', '-o', world.trace, *options,
             *[word for pid in self.pids for word in ('-p', pid)]],
            stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True)

    def __enter__(self):
        for _ in range(500):
            if all(is_traced(pid) for pid in self.pids):
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
    """
    A guest is started, or brought to the policy. Returns status, stdout and stderr of the shim, or
    of the tool.
    """
    world.policy_write(path.rule, path.dropin, path.state)
    world.seen_clear()
    if path.runs:
        world.running_start()
        return world.run([world.build + '/guest-pinning', 'apply', world.name])
    world.interrupts_reset()
    world.cpuset_reset()
    return world.run(shim.shim_command(world, path), inside=True)


def ready(world):
    """The agent, started and at rest. Returns what it has open."""
    if world.agent is not None and not os.path.exists(f'/proc/{world.watcher}'):
        world.agent_stop()  # it would have another in a second
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
    known = set()
    if name in BESIDES:
        known = {kind_of(call) for call in request_trace(world, PATHS['place'], rest)}
    calls = request_trace(world, path, rest)
    sizes = {pid: sum(1 for call in calls if call.pid == pid) for pid in {c.pid for c in calls}}
    sizes.pop(main, None)
    sizes.pop(world.watcher, None)
    worker = max(sizes, key=sizes.get, default=None)
    if worker is None:
        raise RuntimeError(f'no worker: {read(world.agent_log)}')
    jobs = []
    serving = counts_of(calls, main)
    for call in calls:
        call.ours = True
        call.role = {main: 'main', world.watcher: 'watcher'}.get(call.pid, 'worker')
        # What the agent itself does before must not be what fails.
        count = counts.get(call.name, 0) if call.role == 'worker' else 0
        call.before = -(-call.number * CONNECTIONS // count) + 1 if count > 0 else 0
        call.requests = call.number if call.before == 0 and call.name in serving and \
            call.role == 'worker' else 0
        if call.pid not in (main, worker, world.watcher) or kind_of(call) in known:
            continue
        if name in BESIDES:
            known.add(kind_of(call))
        again = name != 'place' and name not in BESIDES
        jobs += [(call, error) for error in errors_of(call.name, every, again)]
    return jobs


def request_trace(world, path, rest):
    with Traced(world, [], watcher=path.watched):
        request(world, path)
        settle(world, rest)
    return trace_read(world)


def kind_of(call):
    """The same for what is the same but for figures; realpath(3) has a link read many times."""
    arguments = '' if call.name == 'readlink' else call.arguments.split(' = ')[0]
    return call.name, re.sub(r'\d+', 'N', arguments)


_expected = {}


def expected_of(world, path):
    if path.name not in _expected:
        world.agent_start()
        status, out, errors = request(world, path)
        errors += out
        expected = shim.Expected.__new__(shim.Expected)
        expected.placed, expected.less, expected.cpuset = world.report(), None, world.cpuset()
        expected.unplaced = 'unplaced'
        if path.runs:
            expected.cpuset = world.cpuset(world.running_cgroup)
        if (status == 0) == path.refused:
            raise RuntimeError(f'{path.name}: status {status}: {errors}')
        _expected[path.name] = expected
    return _expected[path.name]


def was_injected(world, call):
    with open(world.trace, encoding='utf-8', errors='backslashreplace') as file:
        pids = [line.split()[0] for line in file if '(INJECTED' in line]
    return any({str(world.agent.pid): 'main', world.watcher: 'watcher'}.get(pid, 'worker') == call.role
               for pid in pids)


def inject_one(world, name, call, error):
    """How often the agent itself turns round is a matter of chance: not all comes again."""
    for _ in range(TRIES):
        found = try_one(world, name, call, error)
        if found is not None:
            return found
        if call.role == 'worker':
            call.before += CONNECTIONS  # the agent itself may have had it
    # Nor has a worker as many clients of others' to close each time, and the watcher has its own.
    if call.role != 'worker' or call.name == 'close':
        return 'not called again', ''
    raise AssertionError('it was not injected')


def try_one(world, name, call, error):
    path = PATHS[name]
    expected = expected_of(world, path)
    rest = ready(world)
    begun = os.path.getsize(world.agent_log)
    options = [option for option in inject(call.name, call.number, error)
               if option != '--seccomp-bpf']
    with Traced(world, options, watcher=call.role == 'watcher'):
        connect_only(call.before)
        for _ in range(call.requests):
            request(world, PATHS['place'])
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
    if path.runs:
        return outcome_of_running(world, expected, result, said)
    cpuset = world.cpuset()
    if path.watched and getattr(call, 'role', 'watcher') != 'watcher':
        interrupts_check(world, result, said)
    found = shim.verdict(world, path, expected, call, error, result)
    # Where the answer alone was lost, all was done, and the shim says that it has none.
    # And to keep its interrupts is what comes after the rest.
    answered = not re.search('without an answer|the watch over interrupts has ended', result[2])
    if found.startswith('refused') and answered and cpuset != untouched(world):
        raise AssertionError(f'refused, and its cgroup is left with CPUs {cpuset}: '
                             f'{result[2]} {said}')
    return found


def interrupts_check(world, result, said):
    """The guest has ended, or was refused: they go back to where they were."""
    for _ in range(300):
        if world.interrupts_are_back():
            return
        time.sleep(0.01)
    raise AssertionError(f'interrupts are left where they were put: {result[2]} {said}')


def outcome_of_running(world, expected, result, said):
    status, out, errors = result
    cpuset = world.cpuset(world.running_cgroup)
    if status is None or status not in (0, 1):
        raise AssertionError(f'it hangs or ends oddly: status {status}: {errors} {said}')
    if status == 0 and cpuset != expected.cpuset:
        raise AssertionError(f'applied, and its cgroup has CPUs {cpuset}: {out} {errors} {said}')
    if status != 0 and 'error: ' not in out and errors == '':
        raise AssertionError(f'status {status}, and nothing said: {out}')
    return 'applied' if status == 0 else 'not applied, and says so'


def untouched(world):
    world.cpuset_reset()
    return world.cpuset()


def next_check(world, said):
    status, _, errors = request(world, PATHS['place'])
    if status != 0 or world.cpuset() != expected_of(world, PATHS['place']).cpuset:
        raise AssertionError(f'the next request fails: {errors}; {said}')
