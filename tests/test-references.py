#!/usr/bin/env python3
# test-references.py
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Audits what the annotations say of ownership: calls functions many times and counts what is left of it.

A “(transfer full)” that is none, or the other way round, leaks or frees at each call. What malloc has given out is counted, so Python and
GLib must not have heaps of their own: PYTHONMALLOC=malloc and G_SLICE=always-malloc. The references to objects are counted, too.
"""

import ctypes
import gc
import os
import sys
import tempfile
import unittest

try:
    from gi import require_version
except ImportError:
    print('skipped: gi is missing (python3-gi)')
    sys.exit(77)

require_version('Troupe', '1')
from gi.repository import Gio, GLib, GObject, Troupe

N_CALLS = 1000
WARM = 2                             # rounds of as many calls before anything is counted
ROUNDS = 3                           # of which the best counts: others' caches grow now and then
SLACK = 8                            # bytes a call: nothing that is allocated is that small


class With:
    """A call that gives functions to C, or lets C make objects of classes of Python: something of that PyGObject (3.42) never frees."""

    def __init__(self, n_callbacks, call, n_objects=0):
        self.n_callbacks = n_callbacks
        self.n_objects = n_objects
        self.call = call


class MallInfo(ctypes.Structure):
    _fields_ = [(name, ctypes.c_size_t) for name in (
        'arena', 'ordblks', 'smblks', 'hblks', 'hblkhd', 'usmblks', 'fsmblks', 'uordblks', 'fordblks', 'keepcost')]


gobject = ctypes.CDLL('libgobject-2.0.so.0')
gobject.g_object_new.restype = ctypes.c_void_p
gobject.g_object_new.argtypes = [ctypes.c_size_t, ctypes.c_void_p]
gobject.g_object_unref.argtypes = [ctypes.c_void_p]

try:
    mallinfo2 = ctypes.CDLL(None).mallinfo2
    mallinfo2.restype = MallInfo
except AttributeError:
    print('skipped: this libc has no mallinfo2')
    sys.exit(77)


def allocated():
    gc.collect()
    info = mallinfo2()
    return info.uordblks + info.hblkhd


class Actor(Troupe.Actor):
    debts = []

    def do_receive(self, message):
        name = message.get_name()
        if name == 'echo':
            body = message.get_value()
            message.reply_value(None if body is None else GObject.Value(message.get_body_type(), body))
        elif name == 'json':
            message.reply_json_string(message.dup_json_string())
        elif name == 'sender':
            message.get_sender()
            message.reply_value(self.get_ref())
        elif name == 'defer':
            message.defer_reply().resolve_string('later')
        elif name == 'promise':
            message.reply_promise(Troupe.Promise.new_resolved('promised'))
        elif name == 'refuse':
            message.reply_error(failure())
        elif name == 'forward':
            message.forward(message.get_ref())
        elif name == 'turn':
            self.work()
            message.reply()
        return True

    def work(self):
        """What can be done in a turn only."""
        self.get_system()
        self.dup_children()
        self.watch(self.get_ref())
        self.unwatch(self.get_ref())
        self.call_later(0, lambda timer: None).cancel()
        self.become('other')
        self.get_behaviour()
        self.unbecome()
        self.set_supervision(Troupe.Supervision.new(Troupe.Directive.STOP))


Actor.bind_in('other', 'nothing', GObject.TYPE_NONE, lambda actor, message: True)


class Client(Troupe.Client):
    n_lost = 0

    def do_prepare_connection(self, connection):
        return Troupe.Promise.new_resolved('x')

    def do_connected(self, connection):
        self.get_connection()

    def do_disconnected(self, disconnection):
        disconnection.get_error()
        disconnection.copy()
        Client.n_lost += 1


def failure():
    return GLib.Error.new_literal(Troupe.error_quark(), 'No', Troupe.Error.FAILED)


def until(condition):
    while not condition():
        GLib.MainContext.default().iteration(True)


def settle():
    """All that is on its way has come, timers without a time included."""
    until(Troupe.sleep(2).is_resolved)


def new_rejected():
    return Troupe.Promise.new_rejected(failure())


def measure(call):
    """What is left of each call."""
    def rounds():
        before = allocated()
        for _ in range(N_CALLS):
            call()
        return max(0, allocated() - before) // N_CALLS

    rounds()
    return max(rounds() for _ in range(2))


class Thing(GObject.Object):
    pass


def make_thing():
    """As C makes an object of any class: without Troupe."""
    gobject.g_object_unref(gobject.g_object_new(hash(Thing.__gtype__), None))


class ReferencesTest(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        # Our functions have two or three arguments more than this one, each a pointer in what is lost.
        cost = measure(lambda: GLib.source_remove(GLib.idle_add(lambda: None)))
        cls.callback_cost = cost + 24 if cost > SLACK else 0
        cls.object_cost = measure(make_thing) + 32
        assert cls.callback_cost < 100 and cls.object_cost < 432, (cls.callback_cost, cls.object_cost)

    def setUp(self):
        self.system = Troupe.System.new(None, None)
        self.ref = self.system.spawn('actor', Actor, [], [])
        until(lambda: self.system.lookup('/actor') is not None)

    def tearDown(self):
        self.system.shutdown()
        until(self.system.has_ended)

    def audit(self, **cases):
        """Calls each of CASES often; neither memory nor references to the system may be left of it."""
        for name, call in cases.items():
            with self.subTest(name):
                limit = SLACK
                if isinstance(call, With):
                    limit += call.n_callbacks * self.callback_cost + call.n_objects * self.object_cost
                    call = call.call

                def rounds():
                    for _ in range(N_CALLS):
                        call()
                    settle()
                    # The actor's mailbox is empty then, too.
                    self.outcome(self.ref.ask(Troupe.Message.new('sender')))

                for _ in range(WARM):
                    rounds()
                references = self.system.__grefcount__
                left = []
                while len(left) < ROUNDS and (not left or left[-1] > limit * N_CALLS):
                    before = allocated()
                    rounds()
                    left.append(allocated() - before)
                self.assertLessEqual(min(left), limit * N_CALLS, f'bytes are left of {N_CALLS} calls')
                self.assertEqual(self.system.__grefcount__, references, 'references to the system')

    def outcome(self, promise):
        until(promise.is_resolved)
        return promise

    def test_messages(self):
        """Messages of every type, and what is read from them."""
        data, variant = GLib.Bytes.new(b'x' * 100), GLib.Variant('(is)', (1, 'a'))
        Message = Troupe.Message
        self.audit(
            nothing=lambda: Message.new('x').get_name(),
            int64=lambda: Message.new_int64('x', 1).get_int64(),
            string=lambda: Message.new_string('x', 'y' * 100).get_string(),
            bytes=lambda: Message.new_bytes('x', data).get_bytes(),
            variant=lambda: Message.new_variant('x', variant).get_variant(),
            object=lambda: Message.new_object('x', self.system).get_object(),
            value=lambda: Message.new_value('x', self.system).get_value(),
            ref=lambda: Message.new_value('x', self.ref).get_ref(),
            json=lambda: Message.new_json_string('x', '{"a": [1, 2, "three"]}').dup_json_string(),
            copy=lambda: Message.new_string('x', 'y').copy(),
            unknown=lambda: Message.new('x').get_sender())

    def test_refs(self):
        """Addresses and what they say."""
        self.audit(
            paths=lambda: (self.ref.dup_name(), self.ref.dup_path()),
            others=lambda: (self.ref.get_parent(), self.ref.get_system(), self.ref.copy()),
            lookup=lambda: self.system.lookup('/actor').has_ended(),
            send=lambda: self.ref.send(Troupe.Message.new('nothing')),
            send_within=lambda: self.ref.send_within(Troupe.Message.new('nothing'), 1000),
            send_all=lambda: Troupe.Ref.send_all([self.ref, self.ref], Troupe.Message.new('nothing')))

    def test_asks(self):
        """Questions, with every kind of answer."""
        def ask(message):
            return lambda: self.outcome(self.ref.ask(message())).get_value()

        def ask_in_vain():
            self.outcome(self.ref.ask(Troupe.Message.new('refuse'))).steal_error()

        self.audit(
            string=ask(lambda: Troupe.Message.new_string('echo', 'y' * 100)),
            object=ask(lambda: Troupe.Message.new_object('echo', self.system)),
            json=ask(lambda: Troupe.Message.new_json_string('json', '[1, {"a": "b"}]')),
            sender=ask(lambda: Troupe.Message.new('sender')),
            defer=ask(lambda: Troupe.Message.new('defer')),
            promise=ask(lambda: Troupe.Message.new('promise')),
            turn=With(1, ask(lambda: Troupe.Message.new('turn'))),
            refuse=ask_in_vain,
            within=lambda: self.outcome(self.ref.ask_within(Troupe.Message.new('sender'), 10000)).get_ref(),
            cancel=lambda: self.ref.ask(Troupe.Message.new('sender')).cancel())

    def test_promises(self):
        """Promises, their chains and their ends."""
        def new(resolve):
            promise, resolver = Troupe.Promise.new()
            resolve(resolver)
            return promise

        def with_canceller():
            promise, resolver = Troupe.Promise.new_with_canceller(lambda resolver: resolver.resolve_string('last word'))
            promise.cancel()
            promise.get_string()

        def fail(promise):
            raise failure()

        def cancellable():
            promise, resolver = Troupe.Promise.new()
            promise.set_cancellable(Gio.Cancellable())
            resolver.resolve()

        def timeout():
            promise, resolver = Troupe.Promise.new()
            promise.add_timeout(100000, lambda promise: None)
            resolver.resolve()

        def chain():
            promise, resolver = Troupe.Promise.new()
            Troupe.Promise.new_resolved('x').chain_to(resolver)
            promise.get_string()

        def inner():
            promise = Troupe.Promise.new_resolved('x')
            promise.add_callback(lambda promise: promise.return_promise(Troupe.Promise.new_resolved('y')))
            promise.get_string()

        def task():
            task = Gio.Task.new(None, None, None)
            Troupe.Promise.new_resolved('x').complete_task(task)
            settle()

        Promise = Troupe.Promise
        self.audit(
            dropped=With(1, lambda: Promise.new()[0].add_errback(lambda promise: promise.return_nothing())),
            string=lambda: new(lambda resolver: resolver.resolve_string('y' * 100)).get_string(),
            json=lambda: new(lambda resolver: resolver.resolve_json_string('{"a": 1}')).dup_json_string(),
            object=lambda: new(lambda resolver: resolver.resolve_object(self.system)).get_object(),
            bytes=lambda: new(lambda resolver: resolver.resolve_bytes(GLib.Bytes.new(b'x'))).get_bytes(),
            value=lambda: new(lambda resolver: resolver.resolve_value(self.ref)).get_ref(),
            reject=lambda: new(lambda resolver: resolver.reject(failure())).steal_error(),
            error=lambda: (lambda promise: (promise.get_error(), promise.steal_error()))(new_rejected()),
            propagate=lambda: Promise.new_resolved(self.system).propagate_value(),
            canceller=With(1, with_canceller),
            steps=With(3, lambda: Promise.new_resolved('x').add_callback(lambda promise: promise.return_json_string('[1]')).add_both(
                lambda promise: promise.return_object(self.system)).add_errback(lambda promise: None)),
            throw=With(1, lambda: Promise.new_resolved('x').add_callback(fail).steal_error()),
            copy=lambda: Promise.new_resolved('x').copy(),
            sleep=lambda: self.outcome(Troupe.sleep(0)),
            timeout=With(1, timeout), cancellable=cancellable, chain=chain, inner=With(1, inner), task=task)

    def test_lists(self):
        """Promises of several promises, and their outcomes."""
        def outcomes(make):
            promises = [Troupe.Promise.new_resolved(self.ref), Troupe.Promise.new_resolved('x')]
            found = make(promises).get_outcomes()
            return found.get_ref(0), found.get_value(1), found.copy()

        def failed():
            values = Troupe.Promise.collect([new_rejected()])
            values.get_error_cause()
            values.steal_error()

        self.audit(
            all=lambda: outcomes(lambda promises: Troupe.Promise.all(promises, Troupe.ListFlags.CONSUME_ERRORS)),
            collect=lambda: outcomes(Troupe.Promise.collect),
            errors=lambda: Troupe.Promise.all([new_rejected()], Troupe.ListFlags.CONSUME_ERRORS).get_outcomes().get_error(0),
            failed=failed)

    def test_systems(self):
        """Actors come and go; names, topics, timers and descriptions."""
        reactor = self.system.get_reactor()

        def spawn():
            ref = self.system.spawn(None, Actor, [], [])
            settle()
            ref.stop()
            until(ref.has_ended)

        def alias():
            self.system.register('/alias', self.ref)
            self.system.unregister('/alias')

        def topic():
            self.system.subscribe('a/+', self.ref)
            self.system.publish('a/b', Troupe.Message.new('nothing'))
            self.system.dup_subscribers('a/b')
            self.system.unsubscribe('a/+', self.ref)

        self.audit(
            spawn=With(0, spawn, n_objects=1), alias=alias, topic=topic,
            lists=lambda: (self.system.dup_paths(), self.system.dump_tree()),
            wait=lambda: self.outcome(self.system.wait_for('/actor')).get_ref(),
            describe=lambda: self.outcome(self.system.describe_tree()).get_string(),
            timer=With(1, lambda: reactor.call_later(0, lambda timer: None)),
            cancelled=With(1, lambda: reactor.call_later(100000, lambda timer: None).cancel()),
            supervision=lambda: Troupe.Supervision.new(Troupe.Directive.STOP).copy(),
            endpoint=lambda: Troupe.Endpoint.parse_server('tcp:0').to_string())

    def test_objects(self):
        """Objects that are made for a while are finalized, and what they were given is dropped."""
        def queue():
            queue = Troupe.Queue.new(2, 1)
            queue.put(self.system)
            queue.get().get_object()

        def semaphore():
            semaphore = Troupe.Semaphore.new(1)
            semaphore.run(lambda semaphore: Troupe.Promise.new_resolved('x')).get_string()

        def loop():
            loop = Troupe.LoopingCall.new(lambda loop, n_ticks: Troupe.Promise.new_resolved('x'))
            end = loop.start(100000, True)
            loop.stop()
            end.get_object()

        def cooperator():
            cooperator = Troupe.Cooperator.new()
            cooperator.add(lambda task: None)
            cooperator.stop()
            settle()

        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        path = os.path.join(folder.name, 'lock')

        def file_lock():
            lock = Troupe.FileLock.new(path)
            self.outcome(lock.acquire(1000))
            lock.release()
            lock.get_path()

        self.audit(queue=queue, semaphore=With(1, semaphore), loop=With(1, loop), cooperator=With(1, cooperator), file_lock=file_lock)

        finalized = []
        for make in (lambda: Troupe.Queue.new(1, 1), lambda: Troupe.Semaphore.new(1), lambda: Troupe.FileLock.new(path),
                     lambda: Troupe.LoopingCall.new(lambda loop, n_ticks: None), Troupe.Cooperator.new):
            thing = make()
            thing.weak_ref(finalized.append, type(thing).__name__)
            del thing
            gc.collect()
        self.assertEqual(finalized, ['Queue', 'Semaphore', 'FileLock', 'LoopingCall', 'Cooperator'])

    def test_listening(self):
        """Ports and factories."""
        factory = self.system.spawn_factory('factory', Troupe.LineProtocol)

        def listen():
            port = Troupe.listen(self.system, 'tcp:0:interface=127.0.0.1', factory)
            port.get_address()
            port.dup_endpoint()
            self.outcome(port.stop())

        self.audit(listen=listen)

    def test_clients(self):
        """What a client and its class are given each time that it connects."""
        port = Troupe.listen(self.system, 'tcp:0:interface=127.0.0.1', self.system.spawn_factory('factory', Troupe.LineProtocol))
        client = self.system.spawn('client', Client, ['endpoint', 'protocol-type', 'first-delay-ms'],
                                   [port.dup_endpoint(), GObject.Value(GObject.type_from_name('GType'), Troupe.LineProtocol),
                                    GObject.Value(GObject.TYPE_UINT, 100000)])

        def reconnect():
            n_lost = Client.n_lost
            self.outcome(client.ask(Troupe.Message.new('when-connected'))).get_ref().kill()
            until(lambda: Client.n_lost > n_lost)
            self.outcome(client.ask(Troupe.Message.new('connect-now'))).get_ref()

        self.audit(reconnect=reconnect)

    def test_a_leak_is_found(self):
        """A test of the test: what keeps 16 bytes at each call is noticed."""
        kept = []
        for keep in (lambda: kept.append(bytearray(16)), lambda: kept.append(GObject.Value(Troupe.System, self.system))):
            with self.assertRaises(AssertionError):
                self.audit_quietly(keep)
        for value in kept[N_CALLS:]:
            value.unset()

    def audit_quietly(self, call):
        """Outside a subTest, whose failures would count."""
        before, references = allocated(), self.system.__grefcount__
        for _ in range(N_CALLS):
            call()
        self.assertLessEqual(allocated() - before, SLACK * N_CALLS)
        self.assertEqual(self.system.__grefcount__, references)


if __name__ == '__main__':
    unittest.main()
