# promises-twisted.py
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Twisted's Deferred in the scenarios of bench/promises: promises-twisted.py SCENARIO NUMBER

Prints nanoseconds of CPU time and of wall time for each.
"""
import sys
import time

try:
    from twisted.internet.defer import Deferred, DeferredList
except ImportError:
    sys.exit('There is no Twisted')

LONG_CHAIN = 100
LONG_LIST = 1000


def add_one(value):
    return value + 1


def run_chain(n_steps):
    deferred = Deferred()
    for _ in range(n_steps):
        deferred.addCallback(add_one)
    deferred.callback(0)
    assert deferred.result == n_steps


class Clock:
    def __init__(self):
        self.cpu = self.wall = 0

    def __enter__(self):
        self.cpu -= time.process_time_ns()
        self.wall -= time.perf_counter_ns()

    def __exit__(self, *_):
        self.cpu += time.process_time_ns()
        self.wall += time.perf_counter_ns()


def run_list(clock):
    children = [Deferred() for _ in range(LONG_LIST)]
    with clock:
        both = DeferredList(children)
        for child in children:
            child.callback(1)
    assert len(both.result) == LONG_LIST


def main(scenario, number):
    clock = Clock()
    if scenario == 'all':
        for _ in range(number // LONG_LIST):
            run_list(clock)
        number = number // LONG_LIST * LONG_LIST
    else:
        n_steps = 3 if scenario == 'resolve' else LONG_CHAIN
        n_chains = number if scenario == 'resolve' else number // LONG_CHAIN
        number = n_chains * (1 if scenario == 'resolve' else LONG_CHAIN)
        with clock:
            for _ in range(n_chains):
                run_chain(n_steps)
    print(clock.cpu / number, clock.wall / number)


main(sys.argv[1], int(sys.argv[2]))
