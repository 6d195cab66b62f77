#!/usr/bin/env python3
# test-promise-random.py
# SPDX-License-Identifier: LGPL-2.1-or-later

"""Random programs of promise operations, run on Troupe by promise-script and on Twisted's Deferred here: the logs must be equal.

See promise_programs.py for the programs, and for what they leave out.

test-promise-random.py SCRIPT [SEED [PROGRAMS]]
"""

import sys

import promise_programs

try:
    from twisted.internet import defer
    from twisted.logger import globalLogBeginner
    from twisted.python.failure import Failure
except ImportError:
    print('skipped: Twisted is missing (python3-twisted)')
    sys.exit(77)

FIRE_ON_ONE_VALUE, FIRE_ON_ONE_ERROR, CONSUME_ERRORS = 1, 2, 4


class ScriptError(Exception):
    pass


class List(defer.DeferredList):
    """One that has an outcome and waits for another promise can be cancelled as any promise can (53), which Twisted forgets."""

    def cancel(self):
        if self.called:
            defer.Deferred.cancel(self)
        else:
            super().cancel()


defer.DeferredList = List            # for gatherResults


class Twisted(promise_programs.Interpreter):
    def describe(self, outcome):
        if isinstance(outcome, Failure):
            outcome = outcome.value
        if isinstance(outcome, ScriptError):
            return 'error %d' % outcome.args
        if isinstance(outcome, defer.CancelledError):
            return 'cancelled'
        if isinstance(outcome, defer.AlreadyCalledError):
            return 'already'
        if isinstance(outcome, defer.FirstError):
            return 'first (%d, %s)' % (outcome.index, self.describe(outcome.subFailure))
        if isinstance(outcome, tuple) and isinstance(outcome[0], bool):
            return self.describe(outcome[1])
        if isinstance(outcome, tuple):
            return 'one (%d, %s)' % (outcome[1], self.describe(outcome[0]))
        if isinstance(outcome, list):
            return '[%s]' % ', '.join(map(self.describe, outcome))
        return 'nothing' if outcome is None else str(outcome)

    def error(self, number):
        return Failure(ScriptError(number))

    def new(self, canceller):
        return defer.Deferred(canceller and (lambda deferred: canceller()))

    def new_list(self, kind, flags, deferreds):
        if kind == 'collect':
            return defer.gatherResults(deferreds)
        return List(deferreds, fireOnOneCallback=bool(flags & FIRE_ON_ONE_VALUE),
                    fireOnOneErrback=bool(flags & FIRE_ON_ONE_ERROR), consumeErrors=bool(flags & CONSUME_ERRORS))

    def add(self, deferred, lane, step):
        add = {'callback': deferred.addCallback, 'errback': deferred.addErrback, 'both': deferred.addBoth}
        add[lane](step)

    def chain(self, deferred, target):
        deferred.chainDeferred(target)

    def finish(self, deferred, outcome):
        try:
            if isinstance(outcome, Failure):
                deferred.errback(outcome)
            else:
                deferred.callback(outcome)
        except defer.AlreadyCalledError:
            return False
        return True


if __name__ == '__main__':
    # Errors that nobody handles are no part of the comparison.
    globalLogBeginner.beginLoggingTo([], redirectStandardIO=False, discardBuffer=True)
    sys.exit(promise_programs.Comparison(sys.argv[1], Twisted).run(*map(int, sys.argv[2:])))
