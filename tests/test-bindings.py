#!/usr/bin/env python3
# test-bindings.py
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Subclasses actors and protocols in Python, and asks, sends, watches and serves with them."""

import contextlib
import os
import socket
import sys
import tempfile
import threading
import unittest

try:
    from gi import require_version
except ImportError:
    print('skipped: gi is missing (python3-gi)')
    sys.exit(77)

require_version('Troupe', '1')
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
            body = message.get_value()
            message.reply_value(None if body is None else GObject.Value(message.get_body_type(), body))
        elif name == 'refuse':
            message.reply_error(failure('No'))
        elif name == 'defer':
            self.resolver = message.defer_reply()
            self.unwanted = False
            self.resolver.set_canceller(self.give_up)
        elif name == 'unwanted':
            message.reply_boolean(self.unwanted and self.resolver.is_cancelled())
        elif name == 'answer':
            self.resolver.resolve_string(message.get_string())
        elif name == 'children':
            self.spawn('child', Counter, [], [])
            message.reply_string(' '.join(child.dup_name() for child in self.dup_children()))
        elif name == 'fail':
            raise failure('I give up')
        else:
            return Troupe.Actor.do_receive(self, message)
        return True

    def give_up(self, resolver):
        self.unwanted = True


class Parent(Troupe.Actor):
    """Decides itself what becomes of its child, and passes everything else on to it."""

    seen = None
    directive = Troupe.Directive.RESTART

    def do_started(self):
        self.child = self.spawn('child', Counter, ['step'], [3])
        return True

    def do_child_failed(self, child, error):
        Parent.seen = child.dup_name() + ': ' + error.message
        return Parent.directive

    def do_receive(self, message):
        message.forward(self.child)
        return True


class Shop(Troupe.Actor):
    """Puts aside what it is told until it is open, and notes in which order it comes. Has room for three messages."""

    notes = []
    is_open = False

    def do_receive(self, message):
        name = message.get_name()
        if name == 'open':
            self.is_open = True
            self.unstash()
            self.set_receive_timeout(10)
        elif name == 'receive-timeout':
            self.notes.append('idle')
            self.set_receive_timeout(0)
        elif name == 'buy' and not self.is_open:
            return self.stash(message)
        else:
            self.notes.append(message.get_string())
        return True


Shop.set_capacity(3, Troupe.Overflow.REJECT)
Shop.set_urgent('fire')


class Reader(Troupe.Actor):
    """Reads from a pipe, until there is something to read."""

    def do_receive(self, message):
        word = os.read(message.get_int64(), 100).decode()
        message.reply_string(f'{word} on {"another" if threading.current_thread() is not threading.main_thread() else "the main"} thread')
        return True


Reader.set_placement(Troupe.Placement.BLOCKING)


class Watcher(Troupe.Actor):
    """Notes how another actor ended."""

    seen = None

    def do_receive(self, message):
        if message.get_name() == 'watch':
            self.watch(message.get_ref())
        elif message.get_name() == 'terminated':
            Watcher.seen = message.get_termination()
        return True


class Linked(Troupe.Actor):
    """Is linked to whom it is told to."""

    def do_receive(self, message):
        if message.get_name() == 'link':
            self.link(message.get_ref())
        else:
            self.unlink(message.get_ref())
        return True


class Listener(Troupe.Actor):
    """Notes what it hears."""

    heard = []

    def do_receive(self, message):
        Listener.heard.append((message.get_name(), message.get_value()))
        if message.get_name() == 'unhandled':
            letter = message.get_value()
            Listener.heard[-1] = (letter.get_target().dup_path(), letter.get_message().get_name(), letter.get_reason())
        return True


class Reverser(Troupe.LineProtocol):
    """Answers each line with its letters the other way round."""

    def do_line_received(self, line, length):
        self.send_line(line[::-1])
        return True


class Chained(Troupe.Actor):
    """Calls its parent class's functions, though there is nothing to do."""

    told = []

    def do_started(self):
        self.told.append('started')
        return Troupe.Actor.do_started(self)

    def do_receive(self, message):
        raise failure('I give up')

    def do_pre_restart(self, error):
        self.told.append('pre-restart')
        Troupe.Actor.do_pre_restart(self, error)

    def do_post_restart(self, error):
        self.told.append('post-restart')
        Troupe.Actor.do_post_restart(self, error)

    def do_stopped(self):
        self.told.append('stopped')
        Troupe.Actor.do_stopped(self)


class ChainedFactory(Troupe.Factory):

    def do_start_factory(self):
        Chained.told.append('start')
        Troupe.Factory.do_start_factory(self)

    def do_stop_factory(self):
        Chained.told.append('stop')
        Troupe.Factory.do_stop_factory(self)

    def do_build_protocol(self, peer):
        return Troupe.Factory.do_build_protocol(self, peer)


class ChainedProtocol(Troupe.Protocol):

    def do_connection_made(self):
        Chained.told.append('made')
        Troupe.Protocol.do_read_closed(self)
        Troupe.Protocol.do_write_closed(self)
        Troupe.Protocol.do_write_paused(self)
        Troupe.Protocol.do_write_resumed(self)
        Troupe.Protocol.do_read_resumed(self)
        return Troupe.Protocol.do_connection_made(self)

    def do_data_received(self, data, length):
        Chained.told.append('data')
        return Troupe.Protocol.do_data_received(self, data)

    def do_connection_lost(self, reason):
        Chained.told.append('lost' if reason.code == Troupe.Error.CONNECTION_DONE else reason.message)
        Troupe.Protocol.do_connection_lost(self, reason)


def failure(message):
    return GLib.Error.new_literal(Troupe.error_quark(), message, Troupe.Error.FAILED)


def until(condition):
    while not condition():
        GLib.MainContext.default().iteration(True)


class BindingsTest(unittest.TestCase):

    def setUp(self):
        self.system = Troupe.System.new(None, None)

    def tearDown(self):
        self.system.shutdown_sync()
        self.assertTrue(self.system.has_ended())

    def spawn(self, kind, **properties):
        return self.system.spawn(None, kind, list(properties), list(properties.values()))

    @contextlib.contextmanager
    def assertRaisesTroupe(self, code):
        with self.assertRaises(GLib.Error) as caught:
            yield
        self.assertTrue(caught.exception.matches(Troupe.error_quark(), code), caught.exception)

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
                (Troupe.Message.new_value('echo', 7), 7),
                (Troupe.Message.new_value('echo', None), None)]:
            with self.subTest(expected=expected):
                self.assertEqual(self.outcome(counter.ask(message)), expected)

        # What PyGObject takes out of a value is borrowed if it is boxed; what the typed functions give is not.
        data = self.outcome(counter.ask(Troupe.Message.new_bytes('echo', GLib.Bytes.new(b'\0\xff'))), Troupe.Promise.get_bytes)
        self.assertEqual(data.get_data(), b'\0\xff')
        variant = self.outcome(counter.ask(Troupe.Message.new_variant('echo', GLib.Variant('(is)', (1, 'a')))))
        self.assertEqual(variant.unpack(), (1, 'a'))

    def test_lists(self):
        """Several promises become one, of what became of each."""
        (good, resolver), (bad, rejecter) = Troupe.Promise.new(), Troupe.Promise.new()
        everything = Troupe.Promise.all([good, bad], Troupe.ListFlags.CONSUME_ERRORS)
        first = Troupe.Promise.all([bad, good], Troupe.ListFlags.FIRE_ON_ONE_VALUE)
        nobody = Troupe.Promise.collect([])
        resolver.resolve_int64(4)
        rejecter.reject(failure('No'))

        outcomes = everything.get_outcomes()
        del everything
        self.assertEqual(outcomes.get_length(), 2)
        self.assertEqual((outcomes.get_int64(0), outcomes.get_value(0)), (4, 4))
        self.assertFalse(outcomes.has_value(1))
        self.assertIsNone(outcomes.get_value(1))
        self.assertEqual(outcomes.get_error(1).message, 'No')
        self.assertEqual(first.get_outcomes().get_first(), 1)
        self.assertEqual(nobody.get_outcomes().get_length(), 0)

    def test_collect(self):
        """The first error is that of the list, which knows whose it was."""
        (good, resolver), (bad, rejecter) = Troupe.Promise.new(), Troupe.Promise.new()
        values = Troupe.Promise.collect([good, bad])
        resolver.resolve_int64(4)
        rejecter.reject(failure('No'))

        self.assertEqual(bad.steal_error().message, 'No')
        self.assertEqual((values.get_error_index(), values.get_error_cause().message), (1, 'No'))
        with self.assertRaisesTroupe(Troupe.Error.FIRST_ERROR):
            values.propagate_value()
        self.assertEqual(Troupe.Promise.collect([good]).get_outcomes().get_int64(0), 4)

    def test_race(self):
        """The first value wins, and the others are cancelled."""
        (slow, loser), (fast, resolver) = Troupe.Promise.new(), Troupe.Promise.new()
        race = Troupe.Promise.race([slow, fast])
        resolver.resolve_string('fast')
        outcomes = race.get_outcomes()
        self.assertEqual((outcomes.get_first(), outcomes.get_string(1)), (1, 'fast'))
        self.assertTrue(loser.is_cancelled())

    def test_addresses(self):
        """An address outlives the message, promise or outcomes in which it came."""
        counter = self.spawn(Counter)
        promise = Troupe.Promise.new_resolved(counter)
        everything = Troupe.Promise.collect([promise])
        refs = [promise.get_ref(), everything.get_outcomes().get_ref(0), Troupe.Message.new_value('x', counter).get_ref()]
        path = counter.dup_path()
        del promise, everything, counter
        self.assertEqual([ref.dup_path() for ref in refs], [path] * 3)

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

    def test_thread(self):
        """An exception in a thread rejects the promise; one that says nothing breaks it."""
        def fail(resolver):
            raise failure('Too hard')

        with self.assertRaisesTroupe(Troupe.Error.FAILED):
            self.outcome(Troupe.Promise.new_in_thread(fail))
        with self.assertRaisesTroupe(Troupe.Error.BROKEN):
            self.outcome(Troupe.Promise.new_in_thread(lambda resolver: None))

    def test_ask_sync(self):
        """A thread of the language waits for answers, and gets errors as exceptions; the one with the loop must not."""
        counter = self.spawn(Counter)
        seen = []

        def work():
            try:
                counter.send(Troupe.Message.new_int64('add', 5))
                seen.append(counter.ask_sync(Troupe.Message.new('total'), -1, None).get_int64())
                answer = counter.ask_sync(Troupe.Message.new_string('echo', 'hello'), 60000, Gio.Cancellable())
                seen.append(answer.get_value())
                with self.assertRaises(GLib.Error) as caught:
                    counter.ask_sync(Troupe.Message.new('refuse'), -1, None)
                seen.append(caught.exception.message)
                with self.assertRaisesTroupe(Troupe.Error.TIMED_OUT):
                    counter.ask_sync(Troupe.Message.new('defer'), 20, None)
            except BaseException as error:
                seen.append(error)
            finally:
                seen.append('done')
                GLib.MainContext.default().wakeup()

        with self.assertRaisesTroupe(Troupe.Error.WOULD_DEADLOCK):
            counter.ask_sync(Troupe.Message.new('total'), -1, None)

        thread = threading.Thread(target=work)
        thread.start()
        until(lambda: seen[-1:] == ['done'])
        thread.join()
        self.assertEqual(seen, [5, 'hello', 'No', 'done'])

    def test_thread_queue(self):
        """Where no work may wait, what finds no thread free is refused."""
        begun, ended = threading.Event(), threading.Event()

        def work(resolver):
            begun.set()
            ended.wait()
            resolver.resolve_boolean(True)

        Troupe.set_max_threads(1)
        Troupe.set_max_waiting_work(1)
        promises = [Troupe.Promise.new_in_thread(work) for _ in range(3)]
        begun.wait()
        with self.assertRaisesTroupe(Troupe.Error.QUEUE_OVERFLOW):
            self.outcome(promises[2])
        ended.set()
        self.assertTrue(self.outcome(promises[0]) and self.outcome(promises[1]))
        Troupe.set_max_threads(10)
        Troupe.set_max_waiting_work(10000)

    def test_async(self):
        """An operation of GIO resolves a promise with its result, in one line."""
        promise, resolver = Troupe.Promise.new()
        file = Gio.File.new_for_path('/dev/null')
        file.load_contents_async(None, lambda file, result: resolver.resolve_object(result))
        promise.add_callback(lambda promise: promise.return_int64(len(file.load_contents_finish(promise.get_object())[1])))
        self.assertEqual(self.outcome(promise), 0)

    def test_async_fails(self):
        """What a _finish function raises in a step goes down the chain."""
        promise, resolver = Troupe.Promise.new()
        file = Gio.File.new_for_path('/no/such/file')
        file.load_contents_async(None, lambda file, result: resolver.resolve_object(result))
        promise.add_callback(lambda promise: file.load_contents_finish(promise.get_object()))
        with self.assertRaises(GLib.Error) as caught:
            self.outcome(promise)
        self.assertTrue(caught.exception.matches(Gio.io_error_quark(), Gio.IOErrorEnum.NOT_FOUND))

    def test_task_fails(self):
        """An error completes a task, and is raised by whoever finishes it."""
        seen = []
        task = Gio.Task.new(None, None, lambda source, result: seen.append(result))
        Troupe.Promise.new_rejected(failure('No')).complete_task(task)
        until(lambda: seen)
        with self.assertRaisesTroupe(Troupe.Error.FAILED):
            seen[0].propagate_value()

    def test_exceptions(self):
        """A GLib.Error that a step raises is the outcome, which the next step gets as an exception."""
        def fail(promise):
            raise failure('I give up')

        def recover(promise):
            try:
                promise.propagate_value()
            except GLib.Error as error:
                promise.return_string(f'because {error.message}')

        # PyGObject wants data for all callbacks but the last, as a tuple of more arguments.
        for add in (Troupe.Promise.add_callback, Troupe.Promise.add_both,
                    lambda promise, step: promise.add_callbacks(step, (), lambda promise: None)):
            promise = Troupe.Promise.new_resolved('fine')
            add(promise, fail)
            self.assertEqual(promise.get_error().message, 'I give up')
            promise.add_errback(recover)
            self.assertEqual(promise.propagate_value(), 'because I give up')

        promise = Troupe.Promise.new_rejected(failure('No'))
        promise.add_callbacks(lambda promise: None, (), recover)
        self.assertEqual(promise.propagate_value(), 'because No')

    def test_exceptions_caught(self):
        """An error that was caught is handled."""
        promise = Troupe.Promise.new_rejected(failure('No'))
        with self.assertRaisesTroupe(Troupe.Error.FAILED):
            promise.propagate_value()
        self.assertIsNone(promise.propagate_value())
        self.assertIsNone(promise.get_value())

    def test_cancel(self):
        """Cancelling calls the canceller of Python, which may have the last word."""
        cancelled = []
        promise, resolver = Troupe.Promise.new_with_canceller(cancelled.append)
        promise.cancel()
        with self.assertRaisesTroupe(Troupe.Error.CANCELLED):
            promise.propagate_value()
        self.assertEqual(len(cancelled), 1)
        self.assertTrue(resolver.is_cancelled())
        with self.assertRaisesTroupe(Troupe.Error.ALREADY_RESOLVED):
            resolver.resolve_int64(1)

        promise, resolver = Troupe.Promise.new_with_canceller(lambda resolver: resolver.resolve_string('have it'))
        promise.cancel()
        self.assertEqual(promise.propagate_value(), 'have it')

    def test_cancel_deferred(self):
        """An actor of Python that has deferred its answer is told that nobody wants it."""
        counter = self.spawn(Counter)
        promise = counter.ask(Troupe.Message.new('defer'))
        promise.add_errback(lambda promise: promise.return_string('gave up'))
        self.outcome(counter.ask(Troupe.Message.new('total')))
        promise.cancel()
        self.assertEqual(promise.propagate_value(), 'gave up')
        until(lambda: self.outcome(counter.ask(Troupe.Message.new('unwanted'))))

    def test_cancellable(self):
        """A GCancellable cancels."""
        cancellable = Gio.Cancellable()
        promise, resolver = Troupe.Promise.new()
        promise.set_cancellable(cancellable)
        cancellable.cancel()
        with self.assertRaisesTroupe(Troupe.Error.CANCELLED):
            self.outcome(promise)

    def test_timeout(self):
        """Time runs out: as an error, as a step says, or for an ask."""
        counter = self.spawn(Counter)
        late, resolver = Troupe.Promise.new()
        with self.assertRaisesTroupe(Troupe.Error.TIMED_OUT):
            self.outcome(late.add_timeout(1, None))
        with self.assertRaisesTroupe(Troupe.Error.TIMED_OUT):
            self.outcome(counter.ask_within(Troupe.Message.new('defer'), 1))
        hooked, hooked_resolver = Troupe.Promise.new()
        hooked.add_timeout(1, lambda promise: promise.return_string('too late'))
        self.assertEqual(self.outcome(hooked), 'too late')

    def test_pause(self):
        """A paused chain waits."""
        promise, resolver = Troupe.Promise.new()
        seen = []
        promise.pause()
        promise.add_callback(lambda promise: seen.append(promise.get_value()))
        resolver.resolve_int64(4)
        self.assertEqual(seen, [])
        promise.unpause()
        self.assertEqual(seen, [4])

    def test_clock(self):
        """A clock has the time of the test, for sleeps and looping calls."""
        clock = Troupe.Clock.new(self.system.get_reactor())
        sleeping = Troupe.sleep(1000)
        clock.advance(999)
        self.assertFalse(sleeping.is_resolved())
        clock.advance(1)
        self.assertIsNone(sleeping.propagate_value())

        ticks = []
        loop = Troupe.LoopingCall.new(lambda loop, n_ticks: ticks.append(n_ticks))
        end = loop.start(10, True)
        clock.pump([10, 30, 5])
        self.assertEqual(ticks, [1, 1, 3])
        loop.reset()
        clock.advance(9)
        self.assertEqual(len(ticks), 3)
        loop.stop()
        self.assertFalse(loop.is_running())
        self.assertEqual(end.get_object(), loop)
        with self.assertRaisesTroupe(Troupe.Error.NOT_RUNNING):
            loop.stop()

    def test_looping_call(self):
        """A looping call waits for what its function returns, and ends with what it raises."""
        calls = []

        def call(loop, n_ticks):
            calls.append(n_ticks)
            if len(calls) == 3:
                raise failure('Enough')
            return Troupe.sleep(1)

        with self.assertRaisesTroupe(Troupe.Error.FAILED):
            self.outcome(Troupe.LoopingCall.new(call).start(1, True))
        self.assertEqual(len(calls), 3)

    def test_semaphore(self):
        """A lock is held while a function runs, and as long as its promise takes."""
        lock = Troupe.Semaphore.new(1)
        story = []

        def work(lock):
            story.append('begins')
            return Troupe.sleep(1)

        def fail(lock):
            raise failure('No')

        runs = [lock.run(work), lock.run(work)]
        for run in runs:
            run.add_callback(lambda promise: story.append('ends'))
        self.assertEqual((story, lock.get_n_free()), (['begins'], 0))
        until(runs[1].is_resolved)
        self.assertEqual(story, ['begins', 'begins', 'ends', 'ends'])

        with self.assertRaisesTroupe(Troupe.Error.FAILED):
            lock.run(fail).propagate_value()
        lock.run(lambda lock: None).propagate_value()
        lock.acquire().propagate_value()
        lock.release()
        with self.assertRaisesTroupe(Troupe.Error.NOT_HELD):
            lock.release()

    def test_queue(self):
        """A queue takes what a value can be, and gives it to whoever waits."""
        queue = Troupe.Queue.new(3, 1)
        waiting = queue.get()
        with self.assertRaisesTroupe(Troupe.Error.QUEUE_UNDERFLOW):
            queue.get().propagate_value()
        queue.put('first')
        self.assertEqual(waiting.propagate_value(), 'first')

        # A plain int in a value has 32 bits.
        values = [GObject.Value(GObject.TYPE_INT64, 1 << 40), {'a': [1, 2]}, None]
        for value in values:
            queue.put(value)
        with self.assertRaisesTroupe(Troupe.Error.QUEUE_OVERFLOW):
            queue.put('one more')
        self.assertEqual([queue.get().propagate_value() for _ in values], [1 << 40, {'a': [1, 2]}, None])

    def test_elsewhere(self):
        """A lock and a queue of the main context are for actors, too, and what one holds is released when it has ended."""
        lock = Troupe.Semaphore.new(1)
        queue = Troupe.Queue.new(-1, -1)

        class Holder(Troupe.Actor):
            def do_receive(self, message):
                if message.get_name() == 'acquire':
                    message.reply_promise(lock.acquire())
                else:
                    message.reply_promise(queue.offer('from elsewhere'))
                return True

        holder = self.spawn(Holder)
        self.assertEqual(self.outcome(holder.ask(Troupe.Message.new('acquire'))), lock)
        waiting = lock.acquire()
        self.assertFalse(waiting.is_resolved())
        self.assertIsNone(self.outcome(holder.ask(Troupe.Message.new('offer'))))
        self.assertEqual(self.outcome(queue.get()), 'from elsewhere')
        holder.stop()
        until(waiting.is_resolved)
        lock.release()

    def test_file_lock(self):
        """A file lock is had once at a time, and again after a time-out."""
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, 'lock')
            clock = Troupe.Clock.new(self.system.get_reactor())
            one, other = Troupe.FileLock.new(path), Troupe.FileLock.new(path)
            self.assertEqual(one.acquire(-1).get_object(), one)
            promise = other.acquire(1500)
            with self.assertRaisesTroupe(Troupe.Error.BUSY):
                other.acquire(-1).propagate_value()
            clock.advance(1500)
            with self.assertRaisesTroupe(Troupe.Error.TIMED_OUT):
                promise.propagate_value()
            one.release()
            self.assertEqual(other.acquire(-1).get_object(), other)
            self.assertEqual((one.is_held(), other.is_held(), other.get_path()), (False, True, path))
            other.release()
            with self.assertRaisesTroupe(Troupe.Error.NOT_HELD):
                other.release()

    def test_cooperator(self):
        """A generator is a task, whose promises are waited for and whose errors are its end."""
        def add(cooperator, generator):
            def do_unit(task):
                try:
                    return next(generator)
                except StopIteration:
                    task.finish()

            return cooperator.add(do_unit)

        def spell(word):
            for letter in word:
                story.append(letter)
                yield

        def fail():
            yield Troupe.sleep(1)
            raise failure('No')

        story = []
        cooperator = Troupe.Cooperator.new()
        tasks = [add(cooperator, spell(word)) for word in ('abc', '123')]
        for task in tasks:
            self.assertEqual(self.outcome(task.when_done()), task)
        self.assertEqual(''.join(story), 'a1b2c3')
        with self.assertRaisesTroupe(Troupe.Error.TASK_DONE):
            tasks[0].pause()

        with self.assertRaisesTroupe(Troupe.Error.FAILED):
            self.outcome(add(cooperator, fail()).when_done())
        paused = add(cooperator, spell('xyz'))
        paused.pause()
        cooperator.stop()
        with self.assertRaisesTroupe(Troupe.Error.TASK_STOPPED):
            paused.when_done().propagate_value()

    def test_factory(self):
        """A factory of Python spawns its connections as an actor spawns its children."""
        class Twice(Troupe.Factory):
            def do_build_protocol(self, peer):
                return self.spawn(None, Reverser, [], [])

        factory = self.spawn(Twice)
        ours, theirs = socket.socketpair()
        connection = self.outcome(Troupe.adopt_connection(self.system, ours.fileno(), factory), Troupe.Promise.get_ref)
        self.assertEqual(connection.get_parent().dup_path(), factory.dup_path())
        ours.close()
        theirs.close()

    def test_parent_class(self):
        """What a class overrides may call the parent class's, whether that does anything or not."""
        Chained.told.clear()
        chained = self.spawn(Chained)
        chained.send(Troupe.Message.new('fail'))
        chained.finish()
        until(chained.has_ended)
        self.assertEqual(Chained.told, ['started', 'pre-restart', 'stopped', 'started', 'post-restart', 'stopped'])

        Chained.told.clear()
        factory = self.system.spawn(None, ChainedFactory, ['protocol-type'],
                                    [GObject.Value(GObject.type_from_name('GType'), ChainedProtocol)])
        port = Troupe.listen(self.system, 'tcp:0:interface=127.0.0.1', factory)
        with socket.create_connection(('127.0.0.1', port.get_address().get_port())) as client:
            client.send(b'hello')
            until(lambda: 'data' in Chained.told)
        until(lambda: 'lost' in Chained.told)
        factory.stop()
        until(factory.has_ended)
        self.assertEqual(Chained.told, ['start', 'made', 'data', 'lost', 'stop'])

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

    def test_children(self):
        """An actor spawns children, and lists them."""
        counter = self.spawn(Counter)
        self.assertEqual(self.outcome(counter.ask(Troupe.Message.new('children'))), 'child')

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
        """A GLib.Error raised by a handler rejects the ask; where that stops the actor, watchers are told why."""
        self.system.set_supervision(Troupe.Supervision.new(Troupe.Directive.STOP))
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

    def test_dead_letter(self):
        """A dead letter is published, and may be kept."""
        class Undertaker(Troupe.Actor):
            letters = []

            def do_receive(self, message):
                self.letters.append(message.get_dead_letter())
                return True

        undertaker, counter = self.spawn(Undertaker), self.spawn(Counter)
        self.system.subscribe('$system/dead-letter/#', undertaker)
        counter.stop()
        counter.send(Troupe.Message.new('too-late'))
        until(lambda: Undertaker.letters)
        self.assertEqual(Undertaker.letters[0].get_message().get_name(), 'too-late')

    def test_blocking(self):
        """Actors of a class that blocks keep nobody waiting while they do not hold the interpreter's lock."""
        counter = self.spawn(Counter)
        pipes = [os.pipe() for _ in range(3)]
        readers = [self.spawn(Reader) for _ in pipes]
        answers = [reader.ask(Troupe.Message.new_int64('read', pipe[0])) for reader, pipe in zip(readers, pipes)]
        self.assertEqual(self.system.get_n_blocking_threads(), 3)
        counter.send(Troupe.Message.new_int64('add', 5))
        self.assertEqual(self.outcome(counter.ask(Troupe.Message.new('total'))), 5)
        for answer, pipe in zip(answers, pipes):
            self.assertFalse(answer.is_resolved())
            os.write(pipe[1], b'word')
            self.assertEqual(self.outcome(answer), 'word on another thread')
            os.close(pipe[0])
            os.close(pipe[1])

    def test_mailbox(self):
        """A class has a capacity and urgent names, set as class methods; an actor stashes, and waits for what does not come."""
        shop = self.spawn(Shop)
        for name, word in (('buy', 'a'), ('buy', 'b'), ('fire', 'c'), ('buy', 'd')):
            shop.send(Troupe.Message.new_string(name, word))
        self.assertEqual(self.system.get_n_dead_letters(), 1)
        until(lambda: Shop.notes == ['c'])
        shop.send(Troupe.Message.new('open'))
        until(lambda: Shop.notes == ['c', 'a', 'b', 'idle'])

    def test_supervision(self):
        """A parent decides about a child that fails; a restart begins anew, with the properties of before."""
        parent = self.spawn(Parent)
        for directive, total in ((Troupe.Directive.RESUME, 9), (Troupe.Directive.RESTART, 3)):
            Parent.seen = None
            Parent.directive = directive
            parent.send(Troupe.Message.new_int64('add', 2))
            with self.assertRaises(GLib.Error):
                self.outcome(parent.ask(Troupe.Message.new('fail')))
            parent.send(Troupe.Message.new_int64('add', 1))
            self.assertEqual(self.outcome(parent.ask(Troupe.Message.new('total'))), total)
            self.assertEqual(Parent.seen, 'child: I give up')

        self.assertIn('Counter: live, 0 waiting, 1 restarts', self.system.dump_tree())

    def test_last_resort(self):
        """A child that fails too often may end alone, and those who watch it are told so."""
        supervision = Troupe.Supervision.new(Troupe.Directive.RESTART)
        supervision.set_intensity(0, 1000)
        supervision.set_last_resort(Troupe.Directive.STOP)
        self.system.set_supervision(supervision)
        Watcher.seen = None
        counter, watcher = self.spawn(Counter), self.spawn(Watcher)
        watcher.send(Troupe.Message.new_value('watch', counter))
        counter.send(Troupe.Message.new('fail'))
        until(lambda: Watcher.seen is not None)
        self.assertTrue(Watcher.seen.get_error().matches(Troupe.error_quark(), Troupe.Error.GAVE_UP))
        self.assertFalse(self.system.has_ended())

    def test_link(self):
        """Who is linked to what fails does so, too, and is told why; who has taken the link back does not."""
        self.system.set_supervision(Troupe.Supervision.new(Troupe.Directive.STOP))
        Watcher.seen = None
        counter, watcher, linked, free = (self.spawn(kind) for kind in (Counter, Watcher, Linked, Linked))
        watcher.send(Troupe.Message.new_value('watch', linked))
        for actor, name in ((linked, 'link'), (free, 'link'), (free, 'unlink')):
            actor.send(Troupe.Message.new_value(name, counter))
        counter.send(Troupe.Message.new('fail'))
        until(lambda: Watcher.seen is not None)
        self.assertTrue(Watcher.seen.get_error().matches(Troupe.error_quark(), Troupe.Error.LINK_FAILED))
        self.assertRegex(Watcher.seen.get_error().message, 'The linked actor “/.*” failed: I give up')
        self.assertTrue(linked.has_ended())
        self.assertFalse(free.has_ended())

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

    def test_topics(self):
        """What is published comes to those who have subscribed, and so do the system's own news."""
        Listener.heard = []
        listener = self.spawn(Listener)
        counter = self.system.spawn('hits', Counter, [], [])
        self.system.subscribe('weather/+', listener)
        self.system.subscribe('$system/unhandled/#', listener)
        self.assertEqual(len(self.system.dup_subscribers('weather/berlin')), 1)
        self.system.publish('weather/berlin', Troupe.Message.new_int64('degrees', 31))
        self.assertTrue(self.system.unsubscribe('weather/+', listener))
        self.system.publish('weather/berlin', Troupe.Message.new_int64('degrees', 32))
        counter.send(Troupe.Message.new('what'))
        until(lambda: len(Listener.heard) == 2)
        self.assertEqual(Listener.heard, [('degrees', 31), ('/hits', 'what', Troupe.Error.UNHANDLED)])
        with self.assertRaises(GLib.Error) as caught:
            self.system.subscribe('weather/#/x', listener)
        self.assertTrue(caught.exception.matches(Troupe.error_quark(), Troupe.Error.BAD_TOPIC))

    def test_router(self):
        """A router spawns Python actors and forwards to them, by a key that Python chooses."""
        router = self.system.spawn_router('router', Troupe.Routing.ROUND_ROBIN, 2, Counter)
        for number in (1, 2, 4, 8):
            router.send(Troupe.Message.new_int64('add', number))
        totals = [self.outcome(router.ask(Troupe.Message.new('total'))) for _ in range(2)]
        self.assertEqual(totals, [5, 10])
        Troupe.Router.resize(router, 1)
        self.assertEqual(self.outcome(router.ask(Troupe.Message.new('total'))), 5)

        class OneKey(Troupe.Router):
            def do_hash_message(self, message):
                return 7

            def do_build_routee(self):
                return self.spawn(None, Counter, ['step'], [10])

        router = self.system.spawn(None, OneKey, ['routing', 'size'], [Troupe.Routing.CONSISTENT_HASH, 5])
        for number in (1, 2, 3):
            router.send(Troupe.Message.new_int64('add', number))
        self.assertEqual(self.outcome(router.ask(Troupe.Message.new('total'))), 60)

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
