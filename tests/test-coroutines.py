#!/usr/bin/env python3
# test-coroutines.py
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tries the coroutines of the guide: the recipe is read from there."""

import gc
import os
import re
import sys
import unittest

try:
    import gi
except ImportError as reason:
    print(f'skipped: {reason}')
    sys.exit(77)

gi.require_version('Troupe', '1')
from gi.repository import GLib, Troupe

GUIDE = os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, 'docs', 'guide.md')


def load_recipe():
    with open(GUIDE, encoding='utf-8') as guide:
        blocks = re.findall(r'```python\n(.*?)```', guide.read(), re.S)
    names = {}
    exec(next(block for block in blocks if 'def run(coroutine)' in block), names)
    return names['wait'], names['run']


wait, run = load_recipe()
story = []


class Worker(Troupe.Actor):
    """Answers with what a coroutine returns."""

    async def sleep(self):
        try:
            await wait(Troupe.sleep(100000))
        except GLib.Error as error:
            story.append(error.message)
            raise
        finally:
            story.append('finally')

    async def ask_oneself(self):
        """While it waits, its actor handles messages."""
        answer = await wait(self.get_ref().ask(Troupe.Message.new('address')))
        await wait(Troupe.sleep(0))
        return answer.dup_path()

    def do_receive(self, message):
        if message.get_name() == 'address':
            message.reply_value(self.get_ref())
        elif message.get_name() == 'ask-oneself':
            message.reply_promise(run(self.ask_oneself()))
        elif message.get_name() == 'sleep':
            message.reply_promise(run(self.sleep()))
        return True


def until(condition):
    while not condition():
        GLib.MainContext.default().iteration(True)


def outcome(promise):
    until(promise.is_resolved)
    return promise.propagate_value()


class CoroutinesTest(unittest.TestCase):

    def setUp(self):
        self.system = Troupe.System.new(None, None)
        story.clear()

    def tearDown(self):
        self.system.shutdown()
        until(self.system.has_ended)

    def spawn(self, name):
        return self.system.spawn(name, Worker, [], [])

    def test_value(self):
        """What it returns is the value, nothing included."""
        async def add(a, b):
            return await wait(Troupe.Promise.new_resolved(a)) + await wait(run(give(b)))

        async def give(value):
            await wait(Troupe.sleep(1))
            return value

        self.assertEqual(outcome(run(add(3, 4))), 7)
        self.assertIsNone(outcome(run(give(None))))

    def test_exceptions(self):
        """An error is raised where it waits; what it raises is the error, of whatever kind."""
        async def fail(error):
            raise error

        async def recover(error):
            try:
                await wait(run(fail(error)))
            except GLib.Error as caught:
                return caught.message

        self.assertEqual(outcome(run(recover(GLib.Error('I give up')))), 'I give up')
        self.assertEqual(outcome(run(recover(ValueError('wrong')))), "ValueError('wrong')")
        with self.assertRaises(GLib.Error):
            outcome(run(fail(GLib.Error('unhandled'))))

    def test_stack(self):
        """Waiting for what is there already needs no stack."""
        async def loop():
            for _ in range(20000):
                await wait(Troupe.Promise.new_resolved('there'))
            return 'done'

        self.assertEqual(outcome(run(loop())), 'done')

    def test_actor(self):
        """It goes on in turns of its actor, which handles messages between them, and may keep what it was given."""
        self.assertEqual(outcome(self.spawn('worker').ask(Troupe.Message.new('ask-oneself'))), '/worker')

    def test_cancel(self):
        """It is told when nobody wants the answer any more."""
        worker = self.spawn('worker')
        answer = worker.ask(Troupe.Message.new('sleep'))
        outcome(worker.ask(Troupe.Message.new('address')))
        answer.cancel()
        with self.assertRaises(GLib.Error) as caught:
            outcome(answer)
        self.assertTrue(caught.exception.matches(Troupe.error_quark(), Troupe.Error.CANCELLED))
        until(lambda: story)
        self.assertEqual(story, ['The promise was cancelled', 'finally'])

    def test_end(self):
        """It ends with its actor."""
        worker = self.spawn('worker')
        answer = worker.ask(Troupe.Message.new('sleep'))
        outcome(worker.ask(Troupe.Message.new('address')))
        worker.stop()
        with self.assertRaises(GLib.Error) as caught:
            outcome(answer)
        self.assertTrue(caught.exception.matches(Troupe.error_quark(), Troupe.Error.ACTOR_STOPPED))
        until(worker.has_ended)
        gc.collect()
        self.assertEqual(story, ['finally'])


if __name__ == '__main__':
    unittest.main()
