"""Which lines are reached by no test, and why, as tests/coverage/unreached says.

usage: unreached.py COUNTS.json UNREACHED

Prints how many there are for each reason, and those for which there is none. (That is no failure:
which lines are reached depends on the host, and a little on chance.)
"""
import collections
import json
import sys


def lines_read(path):
    """The lines that are not reached, by file and function."""
    with open(path, encoding='utf-8') as stream:
        counts = json.load(stream)
    unreached = collections.defaultdict(list)
    for file in counts['files']:
        starts = sorted((function['lineno'], function['name']) for function in file['functions'])
        for line in file['lines']:
            if line['count'] or line['gcovr/noncode'] or line['gcovr/excluded']:
                continue
            number = line['line_number']
            within = [name for start, name in starts if start <= number]
            unreached[file['file'], within[-1] if within else '-'].append(number)
    return unreached


def reasons_read(path):
    """The reason of each file and function, in words."""
    reasons, words = {}, {}
    with open(path, encoding='utf-8') as stream:
        for line in stream:
            fields = line.split('#')[0].split(maxsplit=2)
            if not fields:
                continue
            if fields[0] == 'reason':
                words[fields[1]] = fields[2].strip()
            else:
                reasons[fields[0], fields[1]] = words[fields[2].strip()]
    return reasons


def main():
    reasons = reasons_read(sys.argv[2])
    lines = collections.Counter()
    for (file, function), numbers in sorted(lines_read(sys.argv[1]).items()):
        if (file, function) in reasons:
            lines[reasons[file, function]] += len(numbers)
        else:
            print(f'no reason: {file}: {function}: {", ".join(map(str, numbers))}')
    for reason, count in lines.most_common():
        print(f'{count:4} {reason}')


if __name__ == '__main__':
    main()
