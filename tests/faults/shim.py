"""The shim: each system call on each of its paths fails in turn."""
import re

from calls import errors_of, inject, injected, strace, trace_read

RAM = ['-object', '{"qom-type":"memory-backend-ram","id":"pc.ram","size":134217728}',
       '-machine', 'pc,memory-backend=pc.ram']
LIBVIRT = ['-chardev', 'socket,id=charmonitor,fd=9,server=on,wait=off']


class Path:
    """A way through the shim: what the policy says, and who starts it."""

    def __init__(self, name, rule, arguments=None, *, dropin=None, agent=False, less=None,
                 refused=False):
        self.name = name
        self.rule = rule
        self.arguments = ['-name', 'guest=web'] if arguments is None else arguments
        self.dropin = dropin
        self.agent = agent      # in libvirt's cgroup, so that the agent sets the CPUs
        self.less = less        # a rule that a guest may have instead, with a warning
        self.refused = refused  # it is, without any failure


PATHS = {path.name: path for path in (
    Path('nodes', 'web 0 cpus=1'),
    Path('libnuma', 'web 0 cpus=!0'),
    Path('agent', 'web 0 cpus=1', ['-name', 'guest=web', *LIBVIRT], agent=True),
    Path('agent, best-effort', 'web 0 cpus=1 best-effort', ['-name', 'guest=web', *LIBVIRT],
         agent=True),
    Path('hugepages', 'web 0 cpus=1 hugepages=2M', ['-name', 'guest=web', *RAM]),
    Path('hugepages=prefer', 'web 0 cpus=1 hugepages=prefer:2M',
         ['-name', 'guest=web', *RAM], less='web 0 cpus=1'),
    Path('options', 'web 0 cpus=1 mem=preferred env=A=b "env=C=d e" nice=5 sched=batch thp=never'),
    Path('best-effort', 'web 0 cpus=1 env=A=b nice=5 ksm=off best-effort'),
    Path('drop-in', 'db 0', dropin='web 0 cpus=1'),
    Path('refused', 'web 7', refused=True),
    Path('no match', 'db 0 cpus=1', dropin='db2 0'),
    Path('no name', 'web 0 cpus=1', ['-m', '64']),
)}

# They go mostly the way of others.
AGAIN = {'agent, best-effort', 'hugepages=prefer', 'refused', 'drop-in'}


def started_under(world, options, path, command):
    """Runs it, under strace with `options` if these are not None."""
    world.policy_write(path.rule, path.dropin)
    world.seen_clear()
    if path.agent:
        world.cpuset_reset()
        world.agent_start()
    tracer = [] if options is None else strace(world, options)
    return world.run(tracer + command, inside=path.agent)


def shim_command(world, path):
    return [world.emulator, *path.arguments, '-D', world.seen]


# The same filter as with an injection, and nothing of it happens.
NO_INJECTION = ['--seccomp-bpf', '-e', 'trace=reboot']


class Expected:
    """What the stand-in may see: placed as the rule says, a part of that, or nothing of it."""

    def __init__(self, world, path, options):
        status, _, self.errors = started_under(world, options, path, shim_command(world, path))
        self.placed = world.report()
        self.cpuset = world.cpuset()
        if (status == 0) == path.refused or (self.placed is None) != path.refused:
            raise RuntimeError(f'{path.name}: status {status}: {self.errors}')
        self.less = None
        if path.less is not None:
            started_under(world, options, Path('', path.less, path.arguments),
                          shim_command(world, path))
            self.less = world.report()
        started_under(world, options, path, [world.real, '--exec', '-', world.alias,
                                                  *shim_command(world, path)])
        self.unplaced = world.report()
        if self.placed == self.unplaced and path.rule.startswith('web') and '-name' in path.arguments:
            raise RuntimeError(f'{path.name}: a placed guest looks like any other')


def differences(one, other):
    one, other = one.splitlines(), other.splitlines()
    return ' | '.join([f'- {line}' for line in other if line not in one] +
                      [f'+ {line}' for line in one if line not in other])[:600]


def message_problem(errors):
    """What is wrong with what was said, if anything."""
    for line in errors.splitlines():
        if not line.startswith('qemu-kvm-shim: ') or len(line) < 50:
            return f'a line that says nothing: {line!r}'
        if re.search(r'Success|\(null\)|: *$|Unknown error', line):
            return f'a line that does not say what is wrong: {line!r}'
    return None


def is_policy_missing(call, error):
    """A file that is not there is no policy, and nothing to be told."""
    return error == 'ENOENT' and call.name.startswith('open') and \
        re.search(r'"WORK"|"WORK/policy\.d"|"policy"|"10\.conf"', call.arguments)


def report_after(world, call):
    """Where closing "fails" it is not done at all: that is strace's doing, not close(2)'s."""
    report = world.report()
    if call.name == 'close' and report is not None:
        fd = call.arguments.split(')')[0]
        report = re.sub(rf'^fd {fd},.*\n', '', report, flags=re.M)
    return report


def started_verdict(world, path, expected, call, error, errors):
    """Of a guest that was started. Returns the verdict, or raises what is wrong."""
    report = report_after(world, call)
    mute = call.name.startswith('write') and error not in ('EINTR', 'retval=5')
    warned = mute or 'unplaced' in errors or 'ignored' in errors
    if report == expected.placed and report != expected.unplaced:
        if path.agent and world.cpuset() != expected.cpuset:
            raise AssertionError(f'"placed", but its cgroup has CPUs {world.cpuset()}: {errors}')
        if not mute and 'rule ' not in errors:
            raise AssertionError(f'placed, and nothing said: {errors}')
        return 'placed'
    if report == expected.unplaced:
        if report == expected.placed:
            return 'untouched' if errors == '' else 'untouched, warned'
        if is_policy_missing(call, error) and errors == '':
            return 'no policy'
        if warned:
            return 'unplaced, warned'
        raise AssertionError(f'unplaced, and nothing said: {errors}')
    if expected.less is not None and report == expected.less and 'normal pages' in errors:
        return 'less, warned'
    if path.agent and warned and world.cpuset() == expected.cpuset and report == \
            re.sub(r'(Cpus_allowed_list:) .*', r'\1 ' + expected.cpuset[1], expected.unplaced):
        return 'unplaced, warned'
    if expected.placed is None:
        raise AssertionError(f'it is started, and must be refused: {errors}')
    raise AssertionError(f'half placed: {differences(report, expected.placed)}; said: {errors}')


def verdict(world, path, expected, call, error, result):
    status, _, errors = result
    if errors.startswith('kvm-shim: '):
        errors = 'qemu-' + errors  # what was "written" by that
    if status is None:
        raise AssertionError('it hangs')
    if not call.ours:
        if status == 0 and world.report() is None:
            raise AssertionError('success, and no emulator')
        if status == 0:
            return 'start-up: ' + started_verdict(world, path, expected, call, error, errors)
        return 'start-up: ended'
    if status < 0:
        raise AssertionError(f'ended by signal {-status}: {errors}')
    if message_problem(errors):
        raise AssertionError(message_problem(errors))
    if status == 0 and world.report() is not None:
        return started_verdict(world, path, expected, call, error, errors)
    if status not in (1, 126, 127) or world.report() is not None:
        raise AssertionError(f'status {status}, {"an" if world.report() else "no"} emulator: {errors}')
    if errors == '' and not call.name.startswith('write'):
        raise AssertionError(f'status {status}, and nothing said')
    return f'refused, {status}'


_expected = {}


def expected_of(world, path):
    if path.name not in _expected:
        _expected[path.name] = Expected(world, path, NO_INJECTION)
    return _expected[path.name]


def discover(world, name, every):
    """The injections there are on a path."""
    path = PATHS[name]
    started_under(world, ['-k'], path, shim_command(world, path))
    return [(call, error) for call in trace_read(world, world.alias)
            for error in errors_of(call.name, every, name in AGAIN)]


def inject_one(world, name, call, error):
    path = PATHS[name]
    expected = expected_of(world, path)
    result = started_under(world, inject(call.name, call.number, error), path,
                           shim_command(world, path))
    if not injected(world):
        raise AssertionError('it was not injected')
    return verdict(world, path, expected, call, error, result), result[2]
