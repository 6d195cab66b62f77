#!/usr/bin/env python3
# test-promise-model.py
# SPDX-License-Identifier: LGPL-2.1-or-later

"""Random programs of promise operations, run on Troupe by promise-script and on the model below: the logs must be equal.

The model says what the rules say, in as few words, and cares for nothing else: it recurses, copies nothing and never frees. It also
knows what test-promise-random.py leaves out because Twisted differs: see “free programs” in promise_programs.py.

test-promise-model.py SCRIPT [SEED [PROGRAMS]]
"""

import sys

import promise_programs

FIRE_ON_ONE_VALUE, FIRE_ON_ONE_ERROR, CONSUME_ERRORS = 1, 2, 4
PENDING = object()


class Error:
    def __init__(self, text):
        self.text = text


CANCELLED = Error('cancelled')


class Link:
    """The last step that sees an outcome: it goes to the promise that has adopted this one (23, 26)."""

    def __init__(self, outer):
        self.outer = outer


class Promise:
    def __init__(self, canceller=None):
        self.outcome = PENDING
        self.steps = []
        self.running = False
        self.pauses = 0
        self.inner = None            # what it has adopted and waits for
        self.adopted = False
        self.canceller = canceller
        self.cancelling = False
        self.free_call = False
        self.resolvers = 1

    def can_run(self):
        return self.outcome is not PENDING and not self.running and not self.pauses and self.inner is None

    def add(self, lane, function):
        self.steps.append((lane, function))
        self.run()

    def run(self):
        while self.steps and self.can_run():
            step = self.steps.pop(0)
            if isinstance(step, Link):
                step.outer.inner, step.outer.outcome, self.outcome = None, self.outcome, None
                step.outer.run()
            else:
                self.run_step(*step)

    def run_step(self, lane, function):
        if lane != 'both' and (lane == 'errback') != isinstance(self.outcome, Error):
            return
        self.running = True
        result = function(self.outcome)
        if isinstance(result, Promise):
            self.adopt(result)
        else:
            self.outcome = result
        self.running = False

    def waits_for(self, other):
        return self is other or (self.inner is not None and self.inner.waits_for(other))

    def adopt(self, inner):
        if inner.adopted and inner is not self:                                    # 35
            self.outcome = Error('adopted twice')
        elif inner.waits_for(self):                                                # 33, 34
            self.outcome = Error('adopts itself')
        else:
            inner.adopted = True
            if inner.can_run():                                                    # 24, 25
                self.outcome, inner.outcome = inner.outcome, None
            else:
                self.inner = inner
                inner.steps.append(Link(self))

    def resolve(self, outcome):
        if self.outcome is PENDING:
            self.settle(outcome)
            return True
        accepted, self.free_call = self.free_call, False                           # 50
        return accepted

    def settle(self, outcome):
        self.outcome = outcome
        self.run()

    def drop_resolver(self):
        self.resolvers -= 1
        if self.resolvers == 0 and self.outcome is PENDING:                        # 22
            self.settle(Error('broken'))

    def pause(self):
        self.pauses += 1

    def unpause(self):
        self.pauses -= 1
        self.run()

    def cancel(self):
        if self.inner is not None:                                                 # 53
            self.inner.cancel()
        elif self.outcome is PENDING and not self.cancelling:                      # 52, 54, 57
            self.cancel_pending()

    def cancel_pending(self):
        if self.canceller is None:                                                 # 50
            self.free_call = True
        else:                                                                      # 51
            self.cancelling = True
            self.resolvers += 1
            self.canceller()
            self.cancelling = False
        if self.outcome is PENDING:
            self.settle(CANCELLED)
        if self.canceller is not None:
            self.drop_resolver()


class Outcomes:
    def __init__(self, length):
        self.items = [PENDING] * length
        self.first = None


class List(Promise):
    """75 to 85. A race is one, too; to cancel that cancels it, also when no child can say so yet."""

    def __init__(self, children, flags, race=False):
        super().__init__(self.cancel_children if race else None)
        self.children = children
        self.being_cancelled = set()
        self.flags = FIRE_ON_ONE_VALUE if race else flags
        self.race = race
        self.fired = False
        self.missing = len(children)
        self.outcomes = Outcomes(len(children))
        for index, child in enumerate(children):
            child.add('both', lambda outcome, index=index: self.note(index, outcome))
        if not children:
            self.fire(Error('all failed') if self.flags & FIRE_ON_ONE_VALUE else self.outcomes)

    def note(self, index, outcome):
        """Returns what is left for the child."""
        failed = isinstance(outcome, Error)
        self.outcomes.items[index] = outcome
        self.missing -= 1
        if not self.fired:
            self.decide(index, outcome, failed)
        return None if self.race or (failed and self.flags & CONSUME_ERRORS) else outcome

    def decide(self, index, outcome, failed):
        if failed and self.flags & FIRE_ON_ONE_ERROR:
            self.fire(Error('first (%d, %s)' % (index, outcome.text)))
        elif not failed and self.flags & FIRE_ON_ONE_VALUE:
            self.outcomes.first = index
            self.fire(self.outcomes)
        elif not self.missing:
            self.fire(Error('all failed') if self.race else self.outcomes)

    def fire(self, outcome):
        self.fired = True
        if self.race and self.outcomes.first is not None:
            self.cancel_children(self.outcomes.first)
        self.resolve(outcome)

    def cancel_pending(self):
        if self.race:
            super().cancel_pending()
        else:                                                                      # 82
            self.cancel_children()

    def cancel_children(self, winner=None):
        for index, child in enumerate(self.children):
            if index != winner and index not in self.being_cancelled:
                self.being_cancelled.add(index)
                child.cancel()
                self.being_cancelled.discard(index)


class Timeout:
    """61, 62: the step that makes of a cancellation what it was."""

    def __init__(self, promise, deadline):
        self.promise = promise
        self.deadline = deadline
        self.over = False
        self.expired = False

    def expire(self):
        if not self.over:
            self.expired = True
            self.promise.cancel()

    def step(self, outcome):
        self.over = True
        return Error('timed out') if self.expired and outcome is CANCELLED else outcome


class Model(promise_programs.Interpreter):
    free = True

    def __init__(self, lines):
        self.now = 0
        self.timeouts = []
        super().__init__(lines)

    def describe(self, outcome):
        if isinstance(outcome, Error):
            return outcome.text
        if not isinstance(outcome, Outcomes):
            return 'nothing' if outcome is None else str(outcome)
        if outcome.first is not None:
            return 'one (%d, %s)' % (outcome.first, self.describe(outcome.items[outcome.first]))
        return '[%s]' % ', '.join(map(self.describe, outcome.items))

    def error(self, number):
        return Error('error %d' % number)

    def new(self, canceller):
        return Promise(canceller)

    def new_list(self, kind, flags, children):
        return List(children, FIRE_ON_ONE_ERROR if kind == 'collect' else flags, kind == 'race')

    def add(self, promise, lane, step):
        promise.add(lane, step)

    def chain(self, promise, target):
        """37."""
        def step(outcome):
            accepted = target.resolve(outcome)
            target.drop_resolver()
            return None if accepted else Error('already')
        target.resolvers += 1
        promise.add('both', step)

    def finish(self, promise, outcome):
        return promise.resolve(outcome)

    def forget(self, promise):
        promise.drop_resolver()

    def add_timeout(self, promise, delay):
        timeout = Timeout(promise, self.now + delay)
        self.timeouts.append(timeout)
        promise.add('both', timeout.step)

    def advance(self, time):
        """97: those with the same deadline in the order in which they were set."""
        self.now += time
        due = sorted((timeout for timeout in self.timeouts if timeout.deadline <= self.now), key=lambda timeout: timeout.deadline)
        self.timeouts = [timeout for timeout in self.timeouts if timeout.deadline > self.now]
        for timeout in due:
            timeout.expire()


if __name__ == '__main__':
    sys.exit(promise_programs.Comparison(sys.argv[1], Model).run(*map(int, sys.argv[2:])))
