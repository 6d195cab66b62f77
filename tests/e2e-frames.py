#!/usr/bin/env python3
# e2e-frames.py - an animation keeps its frames while actors on its main context send messages
# SPDX-License-Identifier: LGPL-2.1-or-later
"""bench/frames measures, here for a short while. Medians are compared, as other programs may take any single frame's time; where it is
allowed to, it runs with a real-time priority, so that they do not."""

import os
import subprocess
import tempfile

import display

FRAMES = os.path.join(os.environ.get('TROUPE_BENCH', 'build/bench'), 'frames')
LIMIT = 20                           # ms
TRIES = 6


def measure(*arguments):
    run = subprocess.run([FRAMES, '--seconds=1', *arguments], stdout=subprocess.PIPE, check=True, timeout=60,
                         env={**os.environ, 'GTK_A11Y': 'none'})
    rows = [line.split() for line in run.stdout.decode().splitlines()[1:]]
    print(run.stdout.decode(), flush=True)
    return {row[0]: {'median': float(row[2]), 'rate': float(row[6])} for row in rows}


def find_fault():
    """None if all is well, or what is not; '' if the machine has not even time for the animation."""
    rows = measure()
    if max(rows['none']['median'], measure('--only=none')['none']['median']) > LIMIT:
        return ''
    for name, row in rows.items():
        if row['median'] > LIMIT:
            return f'{name}: the median of the frames is {row["median"]} ms'
    if rows['steady']['rate'] < 150000:
        return f'only {rows["steady"]["rate"]} messages a second'
    if rows['flood']['rate'] < rows['steady']['rate']:
        return f'a flood of only {rows["flood"]["rate"]} messages a second'
    return None


def check_frames():
    faults = []
    for _ in range(TRIES):
        fault = find_fault()
        if fault is None:
            return
        faults.append(fault)
    if '' in faults:
        display.skip('the machine is too busy for frames')
    raise AssertionError(faults)


def main():
    if not os.path.exists(FRAMES):
        display.skip('frames is not built (libgtk-4-dev)')
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    except PermissionError:
        pass
    with tempfile.TemporaryDirectory() as folder:
        server = display.start(folder)
        try:
            check_frames()
            # It is the budget that does it: with one of 100 ms a flood takes the frames.
            row = measure('--only=flood', '--turns=1000000000', '--budget=100000')['flood']
            assert row['median'] > 90, row
        finally:
            server.terminate()
            server.wait()


main()
