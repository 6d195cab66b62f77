#!/usr/bin/env python3
# test-bindings.py
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Subclasses actors and protocols in Python, and asks, sends, watches and serves with them."""

import socket
import sys
import unittest

try:
    import gi
except ImportError as reason:
    print(f'skipped: {reason}')
    sys.exit(77)

gi.require_version('Troupe', '1')
from gi.repository import Gio, GLib, GObject, Troupe


class Counter(Troupe.Actor):
    """Counts; written as a language without class data does, over the one virtual function."""

    step = GObject.Property(type=int, default=1)

    def __init__(self, **properties):
        super().__init__(**properties)
        self.total = 0

    def do_receive(self, message):
        name = message.get_name()
        if name == 'add':
            self.total += self.step * message.get_int64()
        elif name == 'total':
            message.reply_int64(self.total)
        elif name == 'echo':
            message.reply_value(GObject.Value(message.get_body_type(), message.get_value()))
        elif name == 'refuse':
            message.reply_error(GLib.Error.new_literal(Troupe.error_quark(), 'No', Troupe.Error.FAILED))
        elif name == 'defer':
            self.resolver = message.defer_reply()
        elif name == 'answer':
            self.resolver.resolve_string(message.get_string())
        elif name == 'fail':
            raise GLib.Error.new_literal(Troupe.error_quark(), 'I give up', Troupe.Error.FAILED)
        else:
            return Troupe.Actor.do_receive(self, message)
        return True


class Watcher(Troupe.Actor):
    """Notes how another actor ended."""

    seen = None

    def do_receive(self, message):
        if message.get_name() == 'watch':
            self.watch(message.get_ref())
        elif message.get_name() == 'terminated':
            Watcher.seen = message.get_termination()
        return True


class Reverser(Troupe.LineProtocol):
    """Answers each line with its letters the other way round."""

    def do_line_received(self, line, length):
        self.send_line(line[::-1])
        return True


def until(condition):
    while not condition():
        GLib.MainContext.default().iteration(True)


class BindingsTest(unittest.TestCase):

    def setUp(self):
        self.system = Troupe.System.new(None, None)

    def tearDown(self):
        self.system.shutdown()
        until(self.system.has_ended)

    def spawn(self, kind, **properties):
        return self.system.spawn(None, kind, list(properties), list(properties.values()))

    def outcome(self, promise, read=Troupe.Promise.get_value):
        """Turns the loop until PROMISE has an outcome, as seen by a step of its chain; READs the value or raises the error."""
        seen = []

        def step(promise):
            if promise.has_value():
                seen.append((True, read(promise)))
            else:
                seen.append((False, promise.get_error()))
                promise.return_nothing()

        promise.add_both(step)
        until(lambda: seen)
        has_value, outcome = seen[0]
        if not has_value:
            raise outcome
        return outcome

    def test_send_and_ask(self):
        """Messages reach a Python actor in order, and its reply reaches the asker's callback."""
        counter = self.spawn(Counter)
        counter.send(Troupe.Message.new_int64('add', 5))
        counter.send(Troupe.Message.new_int64('add', 37))
        self.assertEqual(self.outcome(counter.ask(Troupe.Message.new('total'))), 42)

    def test_properties(self):
        """Construct properties are given to the object."""
        counter = self.spawn(Counter, step=3)
        counter.send(Troupe.Message.new_int64('add', 5))
        self.assertEqual(self.outcome(counter.ask(Troupe.Message.new('total'))), 15)

    def test_bodies(self):
        """Every body a binding can make comes back as it went."""
        counter = self.spawn(Counter)
        for message, expected in [
                (Troupe.Message.new_int64('echo', -1 << 63), -1 << 63),
                (Troupe.Message.new_uint64('echo', (1 << 64) - 1), (1 << 64) - 1),
                (Troupe.Message.new_double('echo', 0.5), 0.5),
                (Troupe.Message.new_boolean('echo', True), True),
                (Troupe.Message.new_string('echo', 'naïve'), 'naïve'),
                (Troupe.Message.new_object('echo', self.system), self.system),
                (Troupe.Message.new_value('echo', 'a value'), 'a value'),
                (Troupe.Message.new_value('echo', 7), 7)]:
            with self.subTest(expected=expected):
                self.assertEqual(self.outcome(counter.ask(message)), expected)

        # What PyGObject takes out of a value is borrowed if it is boxed: to keep it, use the typed functions, or its ref ().
        data = self.outcome(counter.ask(Troupe.Message.new_bytes('echo', GLib.Bytes.new(b'\0\xff'))), Troupe.Promise.get_bytes)
        self.assertEqual(data.get_data(), b'\0\xff')
        variant = self.outcome(counter.ask(Troupe.Message.new_variant('echo', GLib.Variant('(is)', (1, 'a')))))
        self.assertEqual(variant.unpack(), (1, 'a'))

    def test_lists(self):
        """Several promises become one, of what became of each."""
        (good, resolver), (bad, rejecter) = Troupe.Promise.new(), Troupe.Promise.new()
        everything = Troupe.Promise.all([good, bad], Troupe.ListFlags.CONSUME_ERRORS)
        first = Troupe.Promise.all([bad, good], Troupe.ListFlags.FIRE_ON_ONE_VALUE)
        resolver.resolve_int64(4)
        rejecter.reject(GLib.Error.new_literal(Troupe.error_quark(), 'No', Troupe.Error.FAILED))

        outcomes = everything.get_value()
        self.assertEqual(outcomes.get_length(), 2)
        self.assertEqual((outcomes.get_int64(0), outcomes.get_value(0)), (4, 4))
        self.assertFalse(outcomes.has_value(1))
        self.assertEqual(outcomes.get_error(1).message, 'No')
        self.assertEqual(first.get_value().get_first(), 1)
        # The value is lent: it is the promise that keeps it.
        values = Troupe.Promise.collect([good])
        self.assertEqual(values.get_value().get_int64(0), 4)

    def test_bridges(self):
        """Sleeping, blocking work in a thread, and a task that a promise completes."""
        self.assertTrue(self.outcome(Troupe.sleep(1), Troupe.Promise.has_value))
        self.assertEqual(self.outcome(Troupe.Promise.new_in_thread(lambda resolver: resolver.resolve_string('done'))), 'done')

        seen = []
        task = Gio.Task.new(None, None, lambda source, result: seen.append(result.propagate_value()))
        promise, resolver = Troupe.Promise.new()
        promise.complete_task(task)
        resolver.resolve_double(0.25)
        until(lambda: seen)
        self.assertEqual(seen[0], (True, 0.25))

    def test_chain(self):
        """A step may replace the outcome, and the next one sees that."""
        counter = self.spawn(Counter)
        promise = counter.ask(Troupe.Message.new('total'))
        promise.add_callback(lambda promise: promise.return_string('none yet'))
        self.assertEqual(self.outcome(promise), 'none yet')

    def test_wrap_call(self):
        """A function is called at once, and its value, its error or its promise becomes a promise."""
        def refuse(promise):
            raise GLib.Error.new_literal(Troupe.error_quark(), 'No', Troupe.Error.FAILED)

        inner, resolver = Troupe.Promise.new()
        value = Troupe.Promise.wrap_call(lambda promise: promise.return_int64(3))
        later = Troupe.Promise.wrap_call(lambda promise: promise.return_promise(inner))
        with self.assertRaises(GLib.Error):
            self.outcome(Troupe.Promise.wrap_call(refuse))
        self.assertEqual(self.outcome(value), 3)
        self.assertFalse(later.is_resolved())
        resolver.resolve_int64(4)
        self.assertEqual(self.outcome(later), 4)
        inner, resolver = Troupe.Promise.new()
        self.assertEqual(resolver.get_cancel_reason(), Troupe.Error.FAILED)
        inner.cancel()
        self.assertEqual(resolver.get_cancel_reason(), Troupe.Error.CANCELLED)

    def test_errors(self):
        """Errors come with their domain and code: those the actor replies, and those of the runtime."""
        counter = self.spawn(Counter)
        for name, code in [('refuse', Troupe.Error.FAILED), ('no-such-name', Troupe.Error.UNHANDLED)]:
            with self.subTest(name=name), self.assertRaises(GLib.Error) as caught:
                self.outcome(counter.ask(Troupe.Message.new(name)))
            self.assertTrue(caught.exception.matches(Troupe.error_quark(), code))

    def test_deferred_reply(self):
        """A resolver kept from one turn answers in a later one."""
        counter = self.spawn(Counter)
        promise = counter.ask(Troupe.Message.new('defer'))
        counter.send(Troupe.Message.new_string('answer', 'at last'))
        self.assertEqual(self.outcome(promise), 'at last')

    def test_failure(self):
        """A GLib.Error raised by a handler rejects the ask, ends the actor, and watchers are told why."""
        Watcher.seen = None
        counter = self.spawn(Counter)
        watcher = self.spawn(Watcher)
        watcher.send(Troupe.Message.new_value('watch', counter))

        with self.assertRaises(GLib.Error) as caught:
            self.outcome(counter.ask(Troupe.Message.new('fail')))
        self.assertEqual(caught.exception.message, 'I give up')

        until(lambda: Watcher.seen is not None)
        self.assertTrue(counter.has_ended())
        self.assertEqual(Watcher.seen.get_end(), Troupe.End.FAILED)

    def test_promise(self):
        """A promise of one's own, resolved and broken."""
        promise, resolver = Troupe.Promise.new()
        resolver.resolve_int64(7)
        self.assertEqual(self.outcome(promise), 7)

    def test_names(self):
        """Actors are found by name and alias, and awaited before they are there."""
        promise = self.system.wait_for('/hits')
        hits = self.system.spawn('hits', Counter, [], [])
        self.outcome(promise, lambda promise: promise.get_value().send(Troupe.Message.new_int64('add', 7)))
        self.assertTrue(self.system.register('/alias', hits))
        self.assertEqual(self.system.dup_paths(), ['/alias', '/hits'])
        self.assertEqual(self.outcome(self.system.lookup('/alias').ask(Troupe.Message.new('total'))), 7)
        with self.assertRaises(GLib.Error) as caught:
            self.system.register('/hits', hits)
        self.assertTrue(caught.exception.matches(Troupe.error_quark(), Troupe.Error.NAME_IN_USE))
        self.assertTrue(self.system.unregister('/alias'))
        self.assertIsNone(self.system.lookup('/alias'))

    def test_timer(self):
        """The reactor calls back later."""
        called = []
        timer = self.system.get_reactor().call_later(1, lambda timer: called.append(timer))
        self.assertTrue(timer.is_active())
        until(lambda: called)
        self.assertFalse(timer.is_active())

    def test_protocol(self):
        """A protocol written in Python serves a client that knows nothing of it."""
        factory = self.system.spawn_factory(None, Reverser)
        port = Troupe.listen(self.system, 'tcp:0:interface=127.0.0.1', factory)
        client = socket.socket()
        client.setblocking(False)
        client.connect_ex(('127.0.0.1', port.get_address().get_port()))

        received = bytearray()
        GLib.io_add_watch(client.fileno(), GLib.PRIORITY_DEFAULT, GLib.IOCondition.OUT,
                          lambda *_: client.send(b'stressed\r\n') and False)
        GLib.io_add_watch(client.fileno(), GLib.PRIORITY_DEFAULT, GLib.IOCondition.IN,
                          lambda *_: received.extend(client.recv(100)) or not received.endswith(b'\n'))
        until(lambda: received.endswith(b'\n'))
        client.close()
        self.assertEqual(received.decode(), 'desserts\r\n')


if __name__ == '__main__':
    unittest.main()
