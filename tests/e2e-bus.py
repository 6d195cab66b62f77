#!/usr/bin/env python3
# e2e-bus.py
# SPDX-License-Identifier: LGPL-2.1-or-later

"""Calls the example bus-counter on a bus of its own, as any program would: with gdbus and with GIO from Python."""

import os
import pathlib
import shutil
import signal
import subprocess
import sys
import unittest

EXAMPLES = pathlib.Path(os.environ.get('TROUPE_EXAMPLES', 'build/examples'))
SECONDS = 20  # for anything that takes a moment; a hang is a failure
COUNTER = ('--dest=org.example.Counter', '--object-path=/org/example/Counter')


class Bus:
    """A private message bus."""

    def __enter__(self):
        self.process = subprocess.Popen(['dbus-daemon', '--session', '--nofork', '--nopidfile', '--print-address'],
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.environment = {**os.environ, 'DBUS_SESSION_BUS_ADDRESS': self.process.stdout.readline().strip()}
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(SECONDS)
        self.process.stdout.close()

    def start(self):
        return subprocess.Popen([EXAMPLES / 'bus-counter'], env=self.environment, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True)

    def call(self, method, *args):
        done = subprocess.run(['gdbus', 'call', '--session', *COUNTER, '--method', f'org.example.Counter.{method}', '--', *args],
                              env=self.environment, capture_output=True, text=True, timeout=SECONDS, check=False)
        return done.stdout.strip() if done.returncode == 0 else done.stderr.strip()


class Test(unittest.TestCase):
    def setUp(self):
        self.bus = self.enter(Bus())
        self.counter = self.bus.start()
        self.addCleanup(self.end, self.counter)
        self.assertEqual(self.counter.stdout.readline(), 'on the bus as org.example.Counter\n')

    def enter(self, context):
        value = context.__enter__()
        self.addCleanup(context.__exit__, None, None, None)
        return value

    @staticmethod
    def end(process):
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        process.wait(SECONDS)
        process.stdout.close()
        process.stderr.close()

    def test_calls_are_asks(self):
        """Each call is answered with what the actor replies."""
        self.assertEqual(self.bus.call('Add', '5'), '(int64 5,)')
        self.assertEqual(self.bus.call('Add', '-7'), '(int64 -2,)')
        self.assertEqual(self.bus.call('Total'), '(int64 -2,)')

    def test_many_callers(self):
        """Calls that come at the same time are taken one at a time, and each is answered."""
        callers = [subprocess.Popen(['gdbus', 'call', '--session', *COUNTER, '--method=org.example.Counter.Add', '1'],
                                    env=self.bus.environment, stdout=subprocess.PIPE, text=True) for _ in range(20)]
        answers = sorted(int(caller.communicate(timeout=SECONDS)[0].strip('(),\n').removeprefix('int64 ')) for caller in callers)
        self.assertEqual(answers, list(range(1, 21)))

    def test_errors(self):
        """What is wrong is told to the caller, and the counter goes on."""
        self.bus.call('Add', str(2 ** 63 - 1))
        answer = self.bus.call('Add', '1')
        self.assertIn('org.freedesktop.DBus.Error.InvalidArgs', answer)
        self.assertIn('does not fit 64 bits', answer)
        self.assertIn('UnknownMethod', self.bus.call('Subtract', '1'))
        self.assertEqual(self.bus.call('Total'), f'(int64 {2 ** 63 - 1},)')

    def test_signal(self):
        """Who listens is told of each change."""
        monitor = subprocess.Popen(['gdbus', 'monitor', '--session', *COUNTER], env=self.bus.environment,
                                   stdout=subprocess.PIPE, text=True)
        self.addCleanup(self.close_monitor, monitor)
        for line in monitor.stdout:
            if 'is owned by' in line:
                break
        self.bus.call('Add', '3')
        for line in monitor.stdout:
            if 'Changed' in line:
                self.assertIn('(int64 3,)', line)
                return
        self.fail('no signal came')

    @staticmethod
    def close_monitor(monitor):
        monitor.terminate()
        monitor.wait(SECONDS)
        monitor.stdout.close()

    def test_one_owner(self):
        """A second one cannot have the name, says so and ends; the first one stays."""
        second = self.bus.start()
        self.addCleanup(self.end, second)
        self.assertIn("The name org.example.Counter is another program's", second.communicate(timeout=SECONDS)[1])
        self.assertEqual(second.returncode, 1)
        self.assertEqual(self.bus.call('Add', '1'), '(int64 1,)')

    def test_end(self):
        """It ends when it is told to, as services do."""
        self.counter.send_signal(signal.SIGTERM)
        self.assertEqual(self.counter.wait(SECONDS), 0)


if __name__ == '__main__':
    for program, package in ('dbus-daemon', 'dbus-daemon'), ('gdbus', 'libglib2.0-bin'):
        if shutil.which(program) is None:
            print(f'skipped: {program} is missing ({package})')
            sys.exit(77)
    unittest.main(verbosity=0)
