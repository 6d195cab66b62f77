#!/usr/bin/env python3
# test-promise-random.py
# SPDX-License-Identifier: LGPL-2.1-or-later

"""Random programs of promise operations, run on Troupe by promise-script and on Twisted's Deferred here: the logs must be equal.

    step S OP...           another operation of what step S does
    new K [S]              a promise, with S as its canceller
    all K FLAGS M...       a list of promises, with TroupeListFlags
    collect K 0 M...       the same as gatherResults
    add K LANE S           LANE: callback, errback, both
    resolve K V, reject K E, cancel K, pause K, unpause K
    chain K M              the outcome of K resolves M
    drop K                 the handle is gone, its resolver stays
    observe K              the outcome is noted and consumed
    return value V, return error E, return nothing, return promise M: the end of a step

Whatever makes no sense, such as another promise of the same name, is passed over, on both sides alike. So is what differs on
purpose: pausing in a step of the same promise (41), cancelling in a canceller (57), adopting oneself, in a cycle or twice (33, 34, 35)
and empty lists (76); every resolver is kept (22), and the handle of a paused list, which nobody else could let go on. A promise that has adopted one is not paused (32): Deferred then leaves the later
steps of the other until something else happens to it.

test-promise-random.py SCRIPT [SEED [PROGRAMS]]
"""

import os
import random
import subprocess
import sys

try:
    from twisted.internet import defer
    from twisted.logger import globalLogBeginner
    from twisted.python.failure import Failure
except ImportError:
    print('needs python3-twisted')
    sys.exit(77)

N_CELLS = 16
BATCH = 1000
FIRE_ON_ONE_VALUE, FIRE_ON_ONE_ERROR, CONSUME_ERRORS = 1, 2, 4


class ScriptError(Exception):
    pass


def describe(outcome):
    if isinstance(outcome, Failure):
        outcome = outcome.value
    if isinstance(outcome, ScriptError):
        return 'error %d' % outcome.args
    if isinstance(outcome, defer.CancelledError):
        return 'cancelled'
    if isinstance(outcome, defer.AlreadyCalledError):
        return 'already'
    if isinstance(outcome, defer.FirstError):
        return 'first (%d, %s)' % (outcome.index, describe(outcome.subFailure))
    if isinstance(outcome, tuple) and isinstance(outcome[0], bool):
        return describe(outcome[1])
    if isinstance(outcome, tuple):
        return 'one (%d, %s)' % (outcome[1], describe(outcome[0]))
    if isinstance(outcome, list):
        return '[%s]' % ', '.join(map(describe, outcome))
    return 'nothing' if outcome is None else str(outcome)


class List(defer.DeferredList):
    """One that has an outcome and waits for another promise can be cancelled as any promise can (53), which Twisted forgets."""

    def cancel(self):
        if self.called:
            defer.Deferred.cancel(self)
        else:
            super().cancel()


defer.DeferredList = List            # for gatherResults


class Cell:
    def __init__(self, number, promise, resolver):
        self.number = number
        self.promise = promise
        self.resolver = resolver
        self.running = 0
        self.paused = 0
        self.adopted = False
        self.adopter = False
        self.dropped = False


NOT_RETURNED = object()


class Twisted:
    """What promise-script does, with Deferreds."""

    def __init__(self, lines):
        self.log = []
        self.cells = {}
        self.steps = {}
        self.cancelling = 0
        for line in lines:
            words = line.split()
            if words[0] == 'step':
                self.steps.setdefault(words[1], []).append(words[2:])
            else:
                self.run_op(words, None, None)

    def live(self, number):
        cell = self.cells.get(number)
        return cell if cell and not cell.dropped else None

    def run_lines(self, step, cell, outcome):
        for words in self.steps.get(step, []):
            result = self.run_op(words, cell, outcome)
            if result is not NOT_RETURNED:
                return result
        return outcome

    def run_step(self, outcome, cell, step):
        self.log.append('step %s of %s: %s' % (step, cell.number, describe(outcome)))
        cell.running += 1
        result = self.run_lines(step, cell, outcome)
        cell.running -= 1
        self.log.append('end %s of %s' % (step, cell.number))
        return result

    def run_canceller(self, step):
        self.log.append('canceller ' + step)
        self.cancelling += 1
        self.run_lines(step, None, None)
        self.cancelling -= 1

    def bracket(self, cell, by):
        def step(outcome):
            cell.running += by
            return outcome
        cell.promise.addBoth(step)

    def run_op(self, words, cell, outcome):
        if words[0] == 'return':
            return self.run_return(words, cell)
        if words[0] in ('new', 'all', 'collect'):
            if words[1] not in self.cells:
                getattr(self, 'do_' + words[0])(words)
        elif words[0] in ('resolve', 'reject'):
            self.finish(words)
        elif self.live(words[1]):
            getattr(self, 'do_' + words[0])(self.live(words[1]), words)
        return NOT_RETURNED

    def run_return(self, words, cell):
        if cell is None:
            return NOT_RETURNED
        if words[1] == 'value':
            return int(words[2])
        if words[1] == 'error':
            return Failure(ScriptError(int(words[2])))
        if words[1] == 'nothing':
            return None
        inner = self.live(words[2])
        if inner is None or int(inner.number) <= int(cell.number) or inner.adopted or inner.running > 0:
            return NOT_RETURNED
        inner.adopted = True
        cell.adopter = True
        return inner.promise

    def do_new(self, words):
        canceller = (lambda deferred: self.run_canceller(words[2])) if len(words) > 2 else None
        deferred = defer.Deferred(canceller)
        self.cells[words[1]] = Cell(words[1], deferred, deferred)

    def do_all(self, words):
        children = [self.live(word) for word in words[3:] if self.live(word) and int(word) > int(words[1])]
        if not children:
            return
        deferreds = [child.promise for child in children]
        for child in children:
            self.bracket(child, 1)
        if words[0] == 'collect':
            promise = defer.gatherResults(deferreds)
        else:
            flags = int(words[2])
            promise = List(deferreds, fireOnOneCallback=bool(flags & FIRE_ON_ONE_VALUE),
                                         fireOnOneErrback=bool(flags & FIRE_ON_ONE_ERROR),
                                         consumeErrors=bool(flags & CONSUME_ERRORS))
        self.cells[words[1]] = Cell(words[1], promise, None)
        for child in children:
            self.bracket(child, -1)

    do_collect = do_all

    def finish(self, words):
        cell = self.cells.get(words[1])
        if not cell or not cell.resolver:
            return
        self.log.append('%s %s' % (words[0], words[1]))
        done = 'done'
        try:
            if words[0] == 'resolve':
                cell.resolver.callback(int(words[2]))
            else:
                cell.resolver.errback(ScriptError(int(words[2])))
        except defer.AlreadyCalledError:
            done = 'already'
        self.log.append('%s %s: %s' % (words[0], words[1], done))

    def do_add(self, cell, words):
        add = {'callback': cell.promise.addCallback, 'errback': cell.promise.addErrback, 'both': cell.promise.addBoth}
        add[words[2]](self.run_step, cell, words[3])

    def do_cancel(self, cell, words):
        if self.cancelling:
            return
        self.log.append('cancel ' + cell.number)
        cell.promise.cancel()
        self.log.append('cancelled ' + cell.number)

    def do_pause(self, cell, words):
        if not cell.running and not cell.adopter:
            cell.paused += 1
            cell.promise.pause()

    def do_unpause(self, cell, words):
        if cell.paused:
            cell.paused -= 1
            cell.promise.unpause()

    def do_chain(self, cell, words):
        target = self.cells.get(words[2])
        if target and target.resolver and target is not cell:
            self.bracket(cell, 1)
            cell.promise.chainDeferred(target.resolver)
            self.bracket(cell, -1)

    def do_drop(self, cell, words):
        if cell.resolver or not cell.paused:
            cell.dropped = True

    def do_observe(self, cell, words):
        def observe(outcome):
            self.log.append('outcome of %s: %s' % (cell.number, describe(outcome)))
        cell.promise.addBoth(observe)


class Generator:
    """Steps add, and cancellers run, only steps of higher numbers, so every program ends."""

    N_STEPS = 8

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.n_cells = self.random.randint(2, 7)
        self.with_lists = self.random.random() < 0.5

    def cell(self):
        return self.random.randrange(self.n_cells)

    def make(self, number):
        others = range(number + 1, self.n_cells)
        if self.with_lists and others and self.random.random() < 0.4:
            children = self.random.sample(others, self.random.randint(1, min(len(others), 3)))
            name = self.random.choice(('all', 'all', 'collect'))
            flags = self.random.randrange(8) if name == 'all' else 0
            return '%s %d %d %s' % (name, number, flags, ' '.join(map(str, children)))
        if self.random.random() < 0.3:
            return 'new %d %d' % (number, self.random.randrange(self.N_STEPS))
        return 'new %d' % number

    def op(self, step):
        """An operation for anywhere: step is the lowest that it may add."""
        names = ['resolve'] * 3 + ['reject'] * 2 + ['cancel'] * 2 + ['chain', 'drop', 'new', 'pause', 'unpause', 'unpause']
        if step < self.N_STEPS:
            names += ['add'] * 10
        name = self.random.choice(names)
        if name == 'add':
            lane = self.random.choice(('callback', 'errback', 'both', 'both'))
            return 'add %d %s %d' % (self.cell(), lane, self.random.randrange(step, self.N_STEPS))
        if name in ('resolve', 'reject'):
            return '%s %d %d' % (name, self.cell(), self.random.randrange(100))
        if name == 'chain':
            return 'chain %d %d' % (self.cell(), self.cell())
        return self.make(self.cell()) if name == 'new' else '%s %d' % (name, self.cell())

    def returning(self):
        kind = self.random.choice(['value', 'error', 'nothing'] + ['promise', 'promise'])
        argument = max(self.cell(), self.cell()) if kind == 'promise' else self.random.randrange(100, 200)
        return 'return %s %d' % (kind, argument)

    def step(self, number):
        lines = [self.op(number + 1) for _ in range(self.random.choice((0, 0, 0, 1, 1, 2)))]
        if self.random.random() < 0.6:
            lines.append(self.returning())
        return ['step %d %s' % (number, line) for line in lines]

    def program(self):
        lines = [line for number in range(self.N_STEPS) for line in self.step(number)]
        made = [self.make(number) for number in reversed(range(self.n_cells))]
        others = [self.op(0) for _ in range(self.random.randint(5, 25))]
        for number, line in enumerate(made):
            others.insert(self.random.randint(number, min(len(others), number + 3)), line)
        cells = range(self.n_cells)
        ends = ['observe %d' % number for number in cells]
        ends += ['unpause %d' % number for number in cells for _ in range(3)]
        ends += ['resolve %d %d' % (number, 900 + number) for number in cells]
        return lines + others + ends


def run_troupe(script, programs):
    text = ''.join('%s\n---\n' % '\n'.join(program) for program in programs)
    env = {key: value for key, value in os.environ.items() if key != 'G_DEBUG'}
    # A program may give a list's value to one of the list's own children: references in a circle, which nobody can free. Leaks are
    # looked for by the tests of the single rules.
    env['ASAN_OPTIONS'] = env.get('ASAN_OPTIONS', '') + ':detect_leaks=0'
    result = subprocess.run([script], input=text, env=env, stdout=subprocess.PIPE, text=True, timeout=60)
    logs = [log.splitlines() for log in result.stdout.split('---\n')]
    if result.returncode != 0:
        logs[-1].append('exit status %d' % result.returncode)
    elif logs[-1] == []:
        logs.pop()
    return logs


def differs(script, program):
    return run_troupe(script, [program]) != [Twisted(program).log]


def shrink(script, program):
    """Leaves out lines, many at once and then few, as long as the logs differ."""
    size = len(program) // 2
    while size > 0:
        start = 0
        while start < len(program):
            shorter = program[:start] + program[start + size:]
            if differs(script, shorter):
                program = shorter
            else:
                start += size
        size //= 2
    return program


def report(script, seed, program):
    program = shrink(script, program)
    print('Program %d differs; this is left of it:' % seed)
    for title, lines in (('', program), ('Troupe:', run_troupe(script, [program])[0]), ('Twisted:', Twisted(program).log)):
        print('\n'.join([title] + ['  ' + line for line in lines]))


def main(script, first_seed=1, n_programs=10000):
    n_lines = 0
    for begin in range(first_seed, first_seed + n_programs, BATCH):
        seeds = range(begin, min(begin + BATCH, first_seed + n_programs))
        programs = [Generator(seed).program() for seed in seeds]
        logs = run_troupe(script, programs)
        for index, (seed, program) in enumerate(zip(seeds, programs)):
            log = Twisted(program).log
            n_lines += len(log)
            if index >= len(logs) or logs[index] != log:
                report(script, seed, program)
                return 1
    if n_lines < 10 * n_programs:
        print('Only %d lines were compared' % n_lines)
        return 1
    return 0


if __name__ == '__main__':
    # Errors that nobody handles are no part of the comparison.
    globalLogBeginner.beginLoggingTo([], redirectStandardIO=False, discardBuffer=True)
    sys.exit(main(sys.argv[1], *map(int, sys.argv[2:])))
