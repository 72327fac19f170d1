"""
Memory runs out: each allocation of shim, agent and tool fails in turn, in programs that are
linked with an allocator for that (allocate.c).
"""
import bisect
import functools
import itertools
import os
import re
import shutil
import struct
import subprocess

import agent
import shim

# Where a library that is not ours ends the program itself, by the function that stands in the
# stack, and why that is let be.
NO_LOOK = 'what hwloc_bitmap_alloc() and malloc() return is used as it is'
LIBRARIES = {('libhwloc', 'hwloc_topology_load'): NO_LOOK,
             ('libhwloc', 'hwloc_topology_reconnect'): NO_LOOK}  # the end of the other

TOOL = {'check': 'check policy', 'check --json': 'check --json policy', 'match': 'match web',
        'match --json': 'match --json web', 'status': 'status', 'status --json': 'status --json',
        'status GUEST': 'status web', 'map': 'map', 'map --json': 'map --json',
        'doctor': 'doctor', 'doctor --json': 'doctor --json'}
PATHS = {**{f'shim: {name}': path for name, path in shim.PATHS.items()},
         **{f'agent: {name}': path for name, path in agent.PATHS.items()},
         **{f'tool: {name}': None for name in TOOL}}

# It is read with the guest's name as a shell's arguments are: none of the options is its own.
GUEST = ['-c', 'echo; read', '-name', 'guest=web']


class Allocation:
    """The n-th of all; `stack` says where."""
    ours = True
    arguments = ''
    name = 'allocation'

    def __init__(self, number, frames):
        self.number = number
        self.stack = shown(frames)
        self.entered = entered_of(frames)

    def __str__(self):
        return f'allocation {self.number} ({self.stack})'


class Counter:
    """The file that the allocator counts in."""

    def __init__(self, world):
        self.path = world.work + '/allocations'
        self.sites = world.work + '/sites'
        self.crash = world.work + '/crash'

    def reset(self, fail_at=0):
        with open(self.path, 'r+b' if os.path.exists(self.path) else 'wb') as file:
            file.write(struct.pack('QQ', 0, fail_at))
        for path in (self.crash, self.sites):
            if os.path.exists(path):
                os.truncate(path, 0)

    def failed(self):
        with open(self.path, 'rb') as file:
            count, fail_at = struct.unpack('QQ', file.read(16))
        return count >= fail_at

    def environment(self, sites=False):
        return {'FAULTS_SHARED': self.path, 'FAULTS_CRASH': self.crash,
                **({'FAULTS_SITES': self.sites} if sites else {})}


@functools.cache
def symbols(path):
    text = subprocess.run(['nm', '-n', '--defined-only', path], capture_output=True, text=True,
                          check=False).stdout or \
        subprocess.run(['nm', '-nD', '--defined-only', path], capture_output=True, text=True,
                       check=False).stdout
    pairs = [(int(line.split()[0], 16), line.split()[2].split('@')[0])
             for line in text.splitlines() if line.split()[1:2] and line.split()[1] in 'TtWwi']
    return [at for at, _ in pairs], [name for _, name in pairs]


def stacks_read(path):
    """The stacks in a file of the allocator, and the maps by which frames_of() reads them."""
    stacks, maps, bases = [], [], {}
    with open(path, encoding='ascii', errors='replace') as file:
        for line in file:
            mapped = re.match(r'([0-9a-f]+)-([0-9a-f]+) \S+ ([0-9a-f]+) \S+ \d+ +(/\S+)', line)
            if mapped:
                begin, end = int(mapped[1], 16), int(mapped[2], 16)
                bases.setdefault(mapped[4], begin - int(mapped[3], 16))
                maps.append((begin, end, mapped[4], bases[mapped[4]]))
            elif re.fullmatch(r'[0-9a-f]+( [0-9a-f]+)*', line.strip()):
                stacks.append(tuple(int(at, 16) for at in line.split()))
    return stacks, maps


def frames_of(stack, maps):
    """Module and function of each frame, the allocator's own left out."""
    frames = []
    for at in stack:
        module = next(((path, at - base) for begin, end, path, base in maps if begin <= at < end),
                      None)
        if module is None:
            frames.append(('?', '?'))
            continue
        addresses, names = symbols(module[0])
        index = bisect.bisect_right(addresses, module[1] - 1) - 1
        frames.append((os.path.basename(module[0]), names[index] if index >= 0 else '?'))
    own = {'stack_write', 'must_fail', 'take', 'crashed', 'frame_add', 'malloc', 'calloc', 'free',
           'realloc', 'memalign', 'posix_memalign', 'aligned_alloc'}
    return [frame for frame in frames if frame[1] not in own]


def shown(frames):
    return ' < '.join(f'{name}' if '.so' not in module else f'{module.split(".")[0]}:{name}'
                      for module, name in frames[:7])


def entered_of(frames):
    """What of a library we have called, if it is in one: its innards have no names."""
    inside = list(itertools.takewhile(lambda frame: '.so' in frame[0], frames))
    return (inside[-1][0].split('.')[0], inside[-1][1]) if inside else None


def crash_check(counter):
    """Raises if a program ended by a signal, but where a library does that."""
    if not os.path.exists(counter.crash) or os.path.getsize(counter.crash) == 0:
        return None
    stacks, maps = stacks_read(counter.crash)
    frames = frames_of(stacks[0], maps)
    while frames and not re.match(r'lib(?!c\.)|guest|qemu', frames[0][0]):
        frames.pop(0)  # libc's
    entered = entered_of(frames)
    if entered in LIBRARIES:
        return f'{entered[0]} crashes'
    raise AssertionError(f'it crashes in {entered}: {shown(frames)}')


_expected = {}


def shim_start(world, name, counter, sites=False):
    path = PATHS[name]
    world.policy_write(path.rule, path.dropin)
    world.seen_clear()
    if path.agent:
        world.cpuset_reset()
        world.agent_start()
    return world.run(shim.shim_command(world, path), inside=path.agent,
                     environment=counter.environment(sites))


def agent_request(world, name, counter, sites=False):
    world.agent_start(counter.environment(sites))
    agent.idle_workers_end(world)
    return agent.request(world, PATHS[name])


def tool_run(world, name, counter, sites=False):
    world.policy_write('web 0 cpus=1')
    verb = TOOL[name.split(': ')[1]].split()
    # In a system of its own, so that nobody else's guests come and go.
    guest = world.work + '/qemu-system-x86_64'
    if not os.path.exists(guest):
        shutil.copy('/bin/bash', guest)
    script = 'rm -f said; "$0" "${@:1:4}" <"$PWD/fifo" >"$PWD/said" & exec 3>"$PWD/fifo"; ' \
        'until test -s said; do :; done; "${@:5}"'
    if not os.path.exists(world.work + '/fifo'):
        os.mkfifo(world.work + '/fifo')
    return world.run(['unshare', '--pid', '--fork', '--mount-proc', '--kill-child', 'bash', '-c',
                      script, guest, *GUEST, 'env',
                      *[f'{key}={value}' for key, value in counter.environment(sites).items()],
                      world.programs + '/guest-pinning', *verb])


def run(world, name, counter, sites=False):
    kind = name.split(':')[0]
    return {'shim': shim_start, 'agent': agent_request,
            'tool': tool_run}[kind](world, name, counter, sites)


def discover(world, name, every):
    counter = Counter(world)
    counter.reset()
    maps = []
    if name.startswith('agent'):
        run(world, name, counter, sites=True)
        maps = stacks_read(counter.sites)[1]
        counter.reset()
    run(world, name, counter, sites=True)
    if not os.path.exists(counter.sites):
        return []
    stacks, later = stacks_read(counter.sites)
    maps = maps + later
    world.agent_stop()
    os.remove(counter.sites)
    chosen = {}
    for number, stack in enumerate(stacks, 1):
        # The first of a place; with FAULTS=all, all.
        chosen.setdefault(number if every else stack, (number, stack))
    jobs = []
    for number, stack in chosen.values():
        frames = frames_of(stack, maps)
        # What hwloc does is the same with --json and without.
        if every or name not in ('tool: check', 'tool: map') or frames[0][0][:8] != 'libhwloc':
            jobs.append((Allocation(number, frames), 'ENOMEM'))
    return jobs


def plain(text):
    """Without figures, which differ each time."""
    text = re.sub(r'[#=.]{3,}', '...', text)
    text = text.replace('guests', 'guest')
    return re.sub(r'[ ─]+', ' ', re.sub(r'\d+(\.\d+)?[KMGT]?\b', 'N', text))


def expected_of(world, name):
    if name in _expected:
        return _expected[name]
    counter = Counter(world)
    counter.reset()
    if name.startswith('tool'):
        _expected[name] = run(world, name, counter)
    elif name.startswith('agent'):
        run(world, name, counter)
        _expected[name] = agent.expected_of(world, PATHS[name])
    else:
        _expected[name] = shim.Expected(world, PATHS[name], None)
    return _expected[name]


# What of a table is lost without a word, by the library's function that we call.
QUIET = {('libsmartcols', 'scols_print_table'): 'it prints a cell as empty, and returns 0'}


def tool_verdict(expected, result, call):
    status, out, errors = result
    if status is None:
        raise AssertionError('it hangs')
    if status < 0 or status > 128:
        raise AssertionError(f'ended by signal: status {status}: {errors}')
    if re.search(r'Success|\(null\)|: *$', errors, re.M):
        raise AssertionError(f'a line that does not say what is wrong: {errors!r}')
    if status == expected[0] and plain(out) == plain(expected[1]):
        return 'complete'
    if status != 0 and errors != '':
        return f'failed, {status}'
    if status != 0 and re.search(r'memory|error: |"error": "|cannot be ', out):
        return f'failed, {status}, and says so in its output'
    if out.count('unknown') > expected[1].count('unknown') or '? web' in out:
        return 'complete, something unknown'
    if call.entered in QUIET:
        return f'{call.entered[0]} prints less'
    raise AssertionError(f'status {status}, not {expected[0]}, nothing said, and the output is: '
                         f'{shim.differences(plain(out), plain(expected[1]))!r}')


def inject_one(world, name, call, error):
    expected = expected_of(world, name)
    counter = Counter(world)
    if name.startswith('agent'):
        world.agent_start(counter.environment())
    counter.reset(call.number)
    result = run(world, name, counter)
    failed = counter.failed()
    library = crash_check(counter)
    counter.reset()
    if not failed and name.startswith(('tool', 'agent: watch')):
        return 'not called again', ''  # the host has changed, or the watcher has its own pace
    if not failed:
        raise AssertionError('it was not injected')
    if library is not None:
        return library, result[2]
    if name.startswith('tool'):
        return tool_verdict(expected, result, call), result[2]
    if name.startswith('agent'):
        found = agent.outcome(world, PATHS[name], expected, call, error, result, '')
        agent.next_check(world, '')
        return found, result[2]
    return shim.verdict(world, PATHS[name], expected, call, error, result), result[2]
