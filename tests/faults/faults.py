"""
Has what a program depends on fail, one thing after the other, and looks what comes of it.

usage: faults.py BUILD PROGRAMS SCRATCH EVERY    (of tests/faults/run)
"""
import collections
import multiprocessing
import os
import sys
import time
import traceback

import agent
import allocations
import shim
from world import GROUP, World, mount, read, write

SUITES = {'shim': shim, 'agent': agent, 'memory': allocations}


def work(number, settings, jobs, results):
    """A process that does jobs until there are no more."""
    world = World(number, *settings)
    try:
        world.make()
        for job in iter(jobs.get, None):
            results.put((job, *job_do(world, job)))
    except BaseException:  # pylint: disable=broad-except # whatever it is, it must be told
        results.put((None, False, traceback.format_exc(), ''))
    finally:
        world.remove()


def job_do(world, job):
    kind, suite, name, *rest = job
    try:
        if kind == 'discover':
            return True, SUITES[suite].discover(world, name, *rest), ''
        found, said = SUITES[suite].inject_one(world, name, *rest)
        return True, found, said
    except AssertionError as error:
        return False, str(error), ''
    except Exception:  # pylint: disable=broad-except
        return False, traceback.format_exc(), ''


class Tally:
    """What has come of the injections, by suite and path."""

    def __init__(self):
        self.verdicts = collections.defaultdict(collections.Counter)
        self.calls = collections.defaultdict(set)
        self.said = collections.defaultdict(set)
        self.failed = 0

    def add(self, job, good, found, said):
        _, suite, name, call, error = job
        self.calls[suite, name].add(str(call))
        if good:
            self.verdicts[suite, name][found] += 1
            self.said[found, said].add(f'{suite}, {name}: {call} {error}')
        else:
            self.failed += 1
            self.verdicts[suite, name]['FAILED'] += 1
            print(f'not ok - {suite}, {name}: {call}: {error}: {found}', flush=True)

    def show(self):
        for (suite, name), verdicts in self.verdicts.items():
            print(f'# {suite}, {name}: {len(self.calls[suite, name])} calls, '
                  f'{sum(verdicts.values())} injections: ' +
                  ', '.join(f'{count} {what}' for what, count in sorted(verdicts.items())))


def run(settings, every, only, count):
    jobs, results = multiprocessing.Queue(), multiprocessing.Queue()
    workers = [multiprocessing.Process(target=work, args=(i, settings, jobs, results))
               for i in range(count)]
    for worker in workers:
        worker.start()
    open_jobs = 0
    for name, suite in SUITES.items():
        # Those of the last take programs of their own.
        for path in suite.PATHS:
            if only in f'{name}, {path}' and (name == 'memory') == (settings[0] != settings[1]):
                jobs.put(('discover', name, path, every))
                open_jobs += 1
    tally = Tally()
    while open_jobs > 0:
        job, good, found, said = results.get()
        open_jobs -= 1
        if job is None or (job[0] == 'discover' and not good):
            tally.failed += 1
            print(f'not ok - {job}: {found}', flush=True)
            if job is None:
                break
        elif job[0] == 'discover':
            for injection in found:
                jobs.put(('inject', *job[1:3], *injection))
                open_jobs += 1
        else:
            tally.add(job, good, found, said)
    for _ in workers:
        jobs.put(None)
    for worker in workers:
        worker.join(30)
    jobs.cancel_join_thread()
    return tally


def main():
    build, programs, scratch, every = sys.argv[1:5]
    only = sys.argv[5] if len(sys.argv) > 5 else ''
    begun = time.monotonic()
    os.makedirs(GROUP, exist_ok=True)
    for name in ('cpuset.mems', 'cpuset.cpus'):
        write(f'{GROUP}/{name}', read(f'{GROUP}/../{name}'))
    try:
        tally = run((build, programs, scratch), every == 'all', only, (os.cpu_count() or 1) + 1)
    finally:
        os.rmdir(GROUP)
    tally.show()
    if os.environ.get('FAULTS_SAID'):
        with open(os.environ['FAULTS_SAID'], 'w', encoding='utf-8') as file:
            for (found, said), who in sorted(tally.said.items()):
                file.write(f'{found}: {said!r}\n\t' + '\n\t'.join(sorted(who)[:6]) + '\n')
    print(f'# {time.monotonic() - begun:.0f} seconds')
    passed = sum(sum(v.values()) for v in tally.verdicts.values()) - \
        sum(v['FAILED'] for v in tally.verdicts.values())
    print(f'{passed} passed, {tally.failed} failed')
    return tally.failed > 0


sys.exit(main())
