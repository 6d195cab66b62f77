# promise_programs.py
# SPDX-License-Identifier: LGPL-2.1-or-later

"""Random programs of promise operations, for comparing what promise-script makes of them with what another implementation does.

    step S OP...           another operation of what step S does
    new K [S]              a promise, with S as its canceller
    all K FLAGS M...       a list of promises, with TroupeListFlags
    collect K 0 M...       the same as troupe_promise_collect ()
    add K LANE S           LANE: callback, errback, both
    resolve K V, reject K E, cancel K, pause K, unpause K
    chain K M              the outcome of K resolves M
    drop K                 the handle is gone, its resolver stays
    observe K              the outcome is noted and consumed
    return value V, return error E, return nothing, return promise M: the end of a step

Whatever makes no sense, such as another promise of the same name, is passed over, on both sides alike. So is what differs from
Deferred on purpose: pausing in a step of the same promise (41), cancelling in a canceller (57), adopting oneself, in a cycle or
twice (33, 34, 35) and empty lists (76); every resolver is kept (22), and the handle of a paused list, which nobody else could let go
on. A promise that has adopted one is not paused (32): Deferred then leaves the later steps of the other until something else happens to it.

A *free* program does all that, but that it keeps the handle of a paused promise without a resolver, and besides

    race K 0 M...          the first value
    forget K               the resolver is gone, unless the promise is paused
    timeout K MS           a step that limits the time
    advance MS             the clock goes forward; in no step
"""

import os
import random
import subprocess

N_CELLS = 16
BATCH = 1000


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


class Interpreter:
    """What promise-script does, with the promises of a subclass."""

    free = False

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
                self.run_op(words, None)

    def live(self, number):
        cell = self.cells.get(number)
        return cell if cell and not cell.dropped else None

    def run_lines(self, step, cell, outcome):
        for words in self.steps.get(step, []):
            result = self.run_op(words, cell)
            if result is not NOT_RETURNED:
                return result
        return outcome

    def run_step(self, outcome, cell, step):
        self.log.append('step %s of %s: %s' % (step, cell.number, self.describe(outcome)))
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
        self.add(cell.promise, 'both', step)

    def run_op(self, words, cell):
        if words[0] == 'return':
            return self.run_return(words, cell)
        if words[0] in ('new', 'all', 'collect', 'race'):
            if words[1] not in self.cells:
                getattr(self, 'do_new' if words[0] == 'new' else 'do_list')(words)
        elif words[0] in ('resolve', 'reject'):
            self.do_finish(words)
        elif words[0] == 'advance':
            self.advance(int(words[1]))
        elif self.live(words[1]):
            getattr(self, 'do_' + words[0])(self.live(words[1]), words)
        return NOT_RETURNED

    def run_return(self, words, cell):
        if cell is None:
            return NOT_RETURNED
        if words[1] == 'value':
            return int(words[2])
        if words[1] == 'error':
            return self.error(int(words[2]))
        if words[1] == 'nothing':
            return None
        inner = self.live(words[2])
        if inner is None or not (self.free or self.is_new_to(inner, cell)):
            return NOT_RETURNED
        inner.adopted = True
        cell.adopter = True
        return inner.promise

    def is_new_to(self, inner, cell):
        return int(inner.number) > int(cell.number) and not inner.adopted and inner.running == 0

    def do_new(self, words):
        canceller = (lambda: self.run_canceller(words[2])) if len(words) > 2 else None
        promise = self.new(canceller)
        self.cells[words[1]] = Cell(words[1], promise, promise)

    def do_list(self, words):
        children = [self.live(word) for word in words[3:] if self.live(word) and int(word) > int(words[1])]
        if not children and not self.free:
            return
        for child in children:
            self.bracket(child, 1)
        promise = self.new_list(words[0], int(words[2]), [child.promise for child in children])
        self.cells[words[1]] = Cell(words[1], promise, None)
        for child in children:
            self.bracket(child, -1)

    def do_finish(self, words):
        cell = self.cells.get(words[1])
        if not cell or not cell.resolver:
            return
        self.log.append('%s %s' % (words[0], words[1]))
        done = self.finish(cell.resolver, int(words[2]) if words[0] == 'resolve' else self.error(int(words[2])))
        self.log.append('%s %s: %s' % (words[0], words[1], 'done' if done else 'already'))

    def do_add(self, cell, words):
        self.add(cell.promise, words[2], lambda outcome: self.run_step(outcome, cell, words[3]))

    def do_cancel(self, cell, words):
        if self.cancelling and not self.free:
            return
        self.log.append('cancel ' + cell.number)
        cell.promise.cancel()
        self.log.append('cancelled ' + cell.number)

    def do_pause(self, cell, words):
        if self.free or not cell.running and not cell.adopter:
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
            self.chain(cell.promise, target.resolver)
            self.bracket(cell, -1)

    def do_drop(self, cell, words):
        if cell.resolver or not cell.paused:
            cell.dropped = True

    def do_forget(self, cell, words):
        if cell.resolver and not cell.paused:
            resolver, cell.resolver = cell.resolver, None
            self.forget(resolver)

    def do_timeout(self, cell, words):
        self.add_timeout(cell.promise, int(words[2]))

    def do_observe(self, cell, words):
        def observe(outcome):
            self.log.append('outcome of %s: %s' % (cell.number, self.describe(outcome)))
        self.add(cell.promise, 'both', observe)


class Generator:
    """Steps add, and cancellers run, only steps of higher numbers, so every program ends."""

    N_STEPS = 8

    def __init__(self, seed, free):
        self.random = random.Random(seed)
        self.free = free
        self.n_cells = self.random.randint(2, 7)
        self.with_lists = self.random.random() < 0.5

    def cell(self):
        return self.random.randrange(self.n_cells)

    def make(self, number):
        others = range(number + 1, self.n_cells)
        if self.with_lists and (others or self.free) and self.random.random() < 0.4:
            children = self.random.sample(others, min(len(others), self.random.randint(1 - self.free, 3)))
            name = self.random.choice(('all', 'all', 'collect') + ('race', 'race') * self.free)
            flags = self.random.randrange(8) if name == 'all' else 0
            return ' '.join([name, str(number), str(flags)] + [str(child) for child in children])
        if self.random.random() < 0.3:
            return 'new %d %d' % (number, self.random.randrange(self.N_STEPS))
        return 'new %d' % number

    def op(self, step):
        """An operation for anywhere: step is the lowest that it may add."""
        names = ['resolve'] * 3 + ['reject'] * 2 + ['cancel'] * 2 + ['chain', 'drop', 'new', 'pause', 'unpause', 'unpause']
        names += ['forget', 'timeout'] * self.free
        if step == 0:
            names += ['advance'] * self.free
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
        if name == 'timeout':
            return 'timeout %d %d' % (self.cell(), self.random.randint(1, 3))
        if name == 'advance':
            return 'advance %d' % self.random.randint(1, 3)
        return self.make(self.cell()) if name == 'new' else '%s %d' % (name, self.cell())

    def returning(self):
        kind = self.random.choice(('value', 'error', 'nothing', 'promise', 'promise'))
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


class Comparison:
    """Of promise-script, a program, with a subclass of Interpreter."""

    def __init__(self, script, interpreter):
        self.command = [script] + ['free'] * interpreter.free
        self.interpreter = interpreter

    def run_troupe(self, programs):
        text = ''.join('%s\n---\n' % '\n'.join(program) for program in programs)
        env = {key: value for key, value in os.environ.items() if key != 'G_DEBUG'}
        # A program may give a list's value to one of the list's own children: references in a circle, which nobody can free. Leaks
        # are looked for by the tests of the single rules.
        env['ASAN_OPTIONS'] = env.get('ASAN_OPTIONS', '') + ':detect_leaks=0'
        result = subprocess.run(self.command, input=text, env=env, stdout=subprocess.PIPE, text=True, timeout=60)
        logs = [log.splitlines() for log in result.stdout.split('---\n')]
        if result.returncode != 0:
            logs[-1].append('exit status %d' % result.returncode)
        elif logs[-1] == []:
            logs.pop()
        return logs

    def differs(self, program):
        return self.run_troupe([program]) != [self.interpreter(program).log]

    def shrink(self, program):
        """Leaves out lines, many at once and then few, as long as the logs differ."""
        size = len(program) // 2
        while size > 0:
            start = 0
            while start < len(program):
                shorter = program[:start] + program[start + size:]
                if self.differs(shorter):
                    program = shorter
                else:
                    start += size
            size //= 2
        return program

    def report(self, seed, program):
        program = self.shrink(program)
        print('Program %d differs; this is left of it:' % seed)
        for title, lines in (('', program), ('Troupe:', self.run_troupe([program])[0]),
                             (self.interpreter.__name__ + ':', self.interpreter(program).log)):
            print('\n'.join([title] + ['  ' + line for line in lines]))

    def run(self, first_seed=1, n_programs=10000):
        n_lines = 0
        for begin in range(first_seed, first_seed + n_programs, BATCH):
            seeds = range(begin, min(begin + BATCH, first_seed + n_programs))
            programs = [Generator(seed, self.interpreter.free).program() for seed in seeds]
            logs = self.run_troupe(programs)
            for index, (seed, program) in enumerate(zip(seeds, programs)):
                log = self.interpreter(program).log
                n_lines += len(log)
                if index >= len(logs) or logs[index] != log:
                    self.report(seed, program)
                    return 1
        if n_lines < 10 * n_programs:
            print('Only %d lines were compared' % n_lines)
            return 1
        return 0
