#!/usr/bin/env python3
# test-references.py
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Audits what the annotations say of ownership: calls functions many times and counts what is left of it.

A “(transfer full)” that is none, or the other way round, leaks or frees at each call. What malloc has given out is counted, so Python and
GLib must not have heaps of their own: PYTHONMALLOC=malloc and G_SLICE=always-malloc. The references to what lives on are counted, too, in
objects and in boxed values; what functions are given must be let go of; and None is tried wherever something else is.

The argument is the GIR. Whatever is callable in it must be called here, under audit, or be in UNAUDITED with a reason.
"""

import contextlib
import ctypes
import faulthandler
import functools
import gc
import itertools
import os
import re
import select
import signal
import socket
import sys
import tempfile
import threading
import time
import unittest
import weakref
import xml.etree.ElementTree as ET

try:
    from gi import require_version
except ImportError:
    print('skipped: gi is missing (python3-gi)')
    sys.exit(77)

require_version('Troupe', '1')
from gi.repository import Gio, GLib, GObject, Troupe

N_CALLS = 400
WARM = 2                             # rounds of as many calls before anything is counted
NOISE = 4000                         # bytes in all
SECONDS = 30                         # for anything that takes a moment
ROUNDS = 12                          # of which the best counts: caches of ours and of others grow and shrink
SLACK = 8                            # bytes a call: nothing that is allocated is that small


class With:
    """A call that gives functions to C, or lets C make objects of classes of Python: something of that PyGObject (3.42) never frees.

    What takes long is called less often. What is LASTING is called once, for types keep what they are given.
    """

    def __init__(self, n_callbacks, call, n_objects=0, n_calls=N_CALLS, is_lasting=False):
        self.n_callbacks = n_callbacks
        self.n_objects = n_objects
        self.n_calls = n_calls
        self.is_lasting = is_lasting
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


# What is called

CORE = '{http://www.gtk.org/introspection/core/1.0}'
C = '{http://www.gtk.org/introspection/c/1.0}'
GLIB = '{http://www.gtk.org/introspection/glib/1.0}'

NUMBERS = {'gboolean', 'gint', 'guint', 'gint64', 'guint64', 'guint32', 'gdouble', 'gsize', 'gssize', 'GType'}

# Callable things that no audit calls, and why.
UNAUDITED = {
    'Protocol.do_read_resumed': 'nothing goes in or out; tests/test-backpressure.c has the full mailbox that it needs',
    'troupe_supervision_free': 'frees what its wrapper frees, too',
}


class Gir:
    """What can be called according to a GIR: {name: parameters}, where a parameter is (name, whether it may be None, or None for numbers)."""

    def __init__(self, path):
        namespace = ET.parse(path).getroot().find(CORE + 'namespace')
        self.plain = {child.get('name') for kind in ('enumeration', 'bitfield') for child in namespace.findall(CORE + kind)} | NUMBERS
        self.callables = {}
        self.collect(namespace)

    def collect(self, owner):
        for child in owner:
            kind = child.tag.rsplit('}', 1)[1]
            if kind in ('function', 'method', 'constructor', 'virtual-method') or child.tag == GLIB + 'signal':
                if child.get('introspectable') != '0' and child.get('shadowed-by') is None and child.get('moved-to') is None:
                    self.callables[self.name(owner, child, kind)] = self.parameters(child)
            elif kind == 'property':
                self.callables[f'{owner.get("name")}:{child.get("name")}'] = []
            elif kind in ('class', 'interface', 'record', 'enumeration', 'bitfield'):
                self.collect(child)

    def name(self, owner, child, kind):
        if kind == 'virtual-method':
            return f'{owner.get("name")}.do_{child.get("name")}'
        return child.get(C + 'identifier') or f'{owner.get("name")}::{child.get("name")}'

    def parameters(self, element):
        """Those that Python gives: lengths, what is for destroying, and what comes out are none."""
        found = element.find(CORE + 'parameters')
        found = found.findall(CORE + 'parameter') if found is not None else []
        left_out = {int(p.get('destroy')) for p in found if p.get('destroy')}
        for parameter in found:
            array = parameter.find(CORE + 'array')
            if array is not None and array.get('length'):
                left_out.add(int(array.get('length')))
        return [self.parameter(p) for number, p in enumerate(found) if number not in left_out and p.get('direction') != 'out']

    def parameter(self, element):
        kind = element.find(CORE + 'type')
        is_plain = kind is not None and kind.get('name') in self.plain | {'gpointer'}
        return element.get('name'), None if is_plain else element.get('nullable') == '1'


class Audit:
    """What is called while it is active is noted; called once more, with None in places, if that is what is tried."""

    called = set()
    is_active = False
    gir = None
    none_for = None                  # (name, number of the parameter) that is to be None
    has_tried = False                # and was
    places = None                    # where None may be, found meanwhile
    functions = weakref.WeakSet()    # what has been given to C

    @classmethod
    def without(cls, function, *arguments):
        """Calls it without an audit."""
        was_active, cls.is_active = cls.is_active, False
        result = function(*arguments)
        cls.is_active = was_active
        return result

    @classmethod
    def note(cls, name):
        if cls.is_active:
            cls.called.add(name)


class Tried(GLib.Error):
    """None has been taken; the rest of the call does not matter."""

    @classmethod
    def check(cls):
        if Audit.has_tried:
            raise cls('None was tried', GLib.quark_to_string(Troupe.error_quark()), Troupe.Error.FAILED)


class Given:
    """A function that is given to C, which must let it go."""

    def __init__(self, function):
        self.function = function
        Audit.functions.add(self)

    def __call__(self, *arguments):
        return self.function(*arguments)


class Recorder:
    """Stands for a function of C in its class, which has it by another name."""

    def __init__(self, holder, attribute, name):
        self.name = name
        self.alias = 'audited_' + name
        setattr(holder, self.alias, getattr(holder, attribute) if holder is Troupe else vars(holder)[attribute])
        setattr(holder, attribute, self)

    def __get__(self, instance, owner):
        return functools.partial(self.call, getattr(owner if instance is None else instance, self.alias))

    def __call__(self, *arguments):
        return self.call(getattr(Troupe, self.alias), *arguments)

    def call(self, function, *arguments):
        if not Audit.is_active:
            return function(*arguments)
        Audit.called.add(self.name)
        if Audit.places is not None and not Audit.has_tried:
            arguments = [Given(value) if callable(value) and not isinstance(value, type) else value for value in arguments]
            self.try_none(function, arguments)
            result = function(*arguments)
            Tried.check()
            return result
        return function(*arguments)

    def try_none(self, function, arguments):
        """What must not be None is refused at once; what may be is noted, and tried in a call of its own."""
        for number, (_, is_nullable) in enumerate(Audit.gir.callables.get(self.name, ())[:len(arguments)]):
            if is_nullable is False and arguments[number] is not None:
                with_none = [*arguments[:number], None, *arguments[number + 1:]]
                try:
                    function(*with_none)
                except (TypeError, ValueError):
                    continue
                raise AssertionError(f'{self.name} takes None for argument {number}')
            if is_nullable and arguments[number] is not None:
                Audit.places.add((self.name, number))
        if Audit.none_for and Audit.none_for[0] == self.name and len(arguments) > Audit.none_for[1]:
            arguments[Audit.none_for[1]] = None
            Audit.has_tried = True

def record_functions():
    """Puts recorders in place of all functions."""
    for name in dir(Troupe):
        thing = getattr(Troupe, name)
        if hasattr(thing, 'get_symbol'):
            Recorder(Troupe, name, thing.get_symbol())
        elif isinstance(thing, type) and '__info__' in vars(thing):
            for attribute, function in list(vars(thing).items()):
                info = function.__func__ if isinstance(function, classmethod) else function
                if hasattr(info, 'get_symbol'):
                    Recorder(thing, attribute, info.get_symbol())


record_functions()


# Of unhandled errors and messages we are told, which is as it should be. A critical ends the test, and says where it came from.

LOG_FUNCTION = ctypes.CFUNCTYPE(None, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p)
LOG_LEVELS = 1 << 4 | 1 << 5         # warnings and messages


@LOG_FUNCTION
def ignore(*_):
    pass


ctypes.CDLL('libglib-2.0.so.0').g_log_set_handler(b'Troupe', LOG_LEVELS, ignore, None)
faulthandler.register(signal.SIGTRAP, all_threads=False, chain=True)


# The references to what is boxed

troupe = ctypes.CDLL('libtroupe-1.so.0')


class Counts:
    """Where in a block its references are counted: there where it changes when one is added."""

    places = {}
    N_WORDS = 16

    @classmethod
    def find(cls, address, prefix):
        ref, unref = (troupe[f'troupe_{prefix}_{what}'] for what in ('ref', 'unref'))
        ref.argtypes = unref.argtypes = [ctypes.c_void_p]
        words = (ctypes.c_int32 * (2 * cls.N_WORDS)).from_address(address - 4 * cls.N_WORDS)
        before = list(words)
        for _ in range(5):
            ref(address)
        after = list(words)
        for _ in range(5):
            unref(address)
        return [number for number in range(2 * cls.N_WORDS) if after[number] != before[number] and words[number] == before[number]]

    @classmethod
    def address(cls, boxed):
        return int(re.search(r' at 0x([0-9a-f]+)\)>', repr(boxed))[1], 16)

    @classmethod
    def get(cls, boxed):
        kind, address = type(boxed).__name__, cls.address(boxed)
        if kind not in cls.places:
            cls.places[kind], = cls.find(address, re.sub('(?<=[a-z])(?=[A-Z])', '_', kind).lower())
        return ctypes.c_int32.from_address(address + 4 * (cls.places[kind] - cls.N_WORDS)).value


class Actor(Troupe.Actor):
    kept = None

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
        elif name == 'do':
            Actor.todo(self, message)
        elif name == 'terminated':
            termination = message.get_termination()
            termination.get_actor()
            termination.get_end()
            termination.get_error()
            if Actor.kept is not None:
                Actor.kept['termination'] = termination.ref()
        elif name == 'unhandled':
            letter = message.get_dead_letter()
            letter.get_target()
            letter.get_message()
            letter.get_reason()
            if Actor.kept is not None:
                Actor.kept['dead_letter'] = letter.ref()
        return True


Actor.bind_in('other', 'nothing', GObject.TYPE_NONE, lambda actor, message: True)


def failure():
    return GLib.Error.new_literal(Troupe.error_quark(), 'No', Troupe.Error.FAILED)


# A loop that waits for what does not come turns all the same, and its bound is seen.
GLib.timeout_add_seconds(1, lambda: True)


def until(condition):
    """Turns the loop."""
    deadline = time.monotonic() + SECONDS
    while not condition():
        GLib.MainContext.default().iteration(True)
        assert time.monotonic() < deadline, f'{condition} has not come true'


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


def fail_as_handler(actor, message):
    raise failure()


def end(system):
    system.shutdown()
    until(system.has_ended)


def note(base, *names, answers=()):
    """Virtual functions for a class of Python that are noted, and then are those of ANSWERS, or of BASE if it has them."""
    def make(name):
        def virtual(self, *arguments):
            Audit.note(f'{base.__name__}.do_{name}')
            if name in answers:
                return answers[name](self, *arguments)
            try:
                return getattr(base, 'do_' + name)(self, *arguments)
            except GLib.Error as error:
                if "doesn't implement" not in error.message:
                    raise
                return True
        return virtual
    return [make(name) for name in names]


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
        self.reactor = self.system.get_reactor()
        self.ref = self.system.spawn('actor', Actor, [], [])
        self.plain = self.system.spawn('plain', Troupe.Actor, [], [])
        until(lambda: self.system.lookup('/actor') is not None)
        self.in_turn(lambda actor: None)()

    def in_turn(self, work, *arguments, ref=None):
        """Does in a turn what is done there only."""
        def todo(actor, message):
            try:
                work(actor, *arguments)
                message.reply()
            except GLib.Error as error:
                message.reply_error(error)
            except Exception as exception:
                failures.append(exception)
                message.reply()

        def do():
            Actor.todo = todo
            self.outcome((ref or self.ref).ask(Troupe.Message.new('do'))).propagate_value()
            if failures:
                raise failures.pop()

        failures = []
        return do

    def tearDown(self):
        self.system.shutdown()
        until(self.system.has_ended)

    def count_references(self):
        """To what lives on from call to call."""
        return (self.system.__grefcount__, self.reactor.__grefcount__, Counts.get(self.plain), Counts.get(self.ref))

    def audit(self, **cases):
        """Calls each of CASES often; neither memory nor references to what lives on may be left of it."""
        for name, case in cases.items():
            with self.subTest(name):
                self.audit_case(case if isinstance(case, With) else With(0, case))

    def audit_case(self, case):
        self.try_none(case)
        if case.is_lasting:
            return

        def rounds():
            Audit.is_active = True
            for _ in range(case.n_calls):
                case.call()
            settle()
            # The actor's mailbox is empty then, too.
            self.outcome(self.ref.ask(Troupe.Message.new('sender')))
            Audit.is_active = False

        for _ in range(WARM):
            rounds()
        references = self.count_references()
        limit = NOISE + case.n_calls * (SLACK + case.n_callbacks * self.callback_cost + case.n_objects * self.object_cost)
        left = []
        while len(left) < ROUNDS and (not left or left[-1] > limit):
            before = allocated()
            rounds()
            left.append(allocated() - before)
        self.assertLessEqual(min(left), limit, f'bytes are left of {case.n_calls} calls')
        for now, before in zip(self.count_references(), references):
            self.assertLess(abs(now - before), min(10, case.n_calls), 'references to the system, its reactor or an actor')

    def try_none(self, case):
        """Calls with None where that is allowed; and sees that C lets go of the functions that it is given."""
        call = case.call
        Audit.places = set()
        Audit.is_active = True
        try:
            call()
            for Audit.none_for in sorted(Audit.places):
                Audit.has_tried = False
                # One that says why not has been asked, too.
                with self.subTest(none_for=Audit.none_for), contextlib.suppress(GLib.Error):
                    call()
        finally:
            Audit.is_active = Audit.has_tried = False
            Audit.places = Audit.none_for = None
        settle()
        gc.collect()
        if case.is_lasting:
            Audit.functions.clear()
        self.assertEqual([given.function for given in Audit.functions], [], 'functions are still with C')

    def outcome(self, promise):
        until(promise.is_resolved)
        Tried.check()
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

    def test_bodies(self):
        """Bodies of every type, in messages, answers, outcomes, and steps."""
        ref = self.ref
        bodies = {
            'boolean': True, 'int64': -1 << 62, 'uint64': 1 << 63, 'double': 0.5, 'string': 'y' * 100, 'bytes': GLib.Bytes.new(b'x' * 100),
            'variant': GLib.Variant('(is)', (1, 'a')), 'object': self.system, 'value': ref,
        }

        def message(kind, body):
            made = getattr(Troupe.Message, 'new_' + kind)('x', body)
            made.get_body_type()
            made.wants_reply()
            return getattr(made, 'get_' + kind)()

        def reply(kind, body):
            def todo(actor, question):
                question.wants_reply()
                getattr(question, 'reply_' + kind)(body)
            Actor.todo = todo
            getattr(self.outcome(ref.ask(Troupe.Message.new('do'))), 'get_' + kind)()

        def promised(kind, body):
            promise, resolver = Troupe.Promise.new()
            promise.is_resolved()
            getattr(resolver, 'resolve_' + kind)(body)
            resolver.is_resolved()
            promise.has_value()
            promise.get_value_type()
            getattr(promise, 'get_' + kind)()
            return promise

        def step(kind, body):
            promise = Troupe.Promise.new_resolved(None)
            promise.add_callback(lambda promise: getattr(promise, 'return_' + kind)(body))
            getattr(promise, 'get_' + kind)()

        def outcome(kind, body):
            outcomes = Troupe.Promise.collect([promised(kind, body)]).get_outcomes()
            outcomes.get_length()
            outcomes.get_first()
            outcomes.has_value(0)
            outcomes.is_resolved(0)
            outcomes.get_value_type(0)
            getattr(outcomes, 'get_' + kind)(0)

        for kind, body in bodies.items():
            self.audit(**{f'{way.__name__}_{kind}': With(way is step, functools.partial(way, kind, body))
                          for way in (message, reply, promised, step, outcome)})

        def json_outcome():
            promise, resolver = Troupe.Promise.new()
            resolver.resolve_json_string('[1]')
            Troupe.Promise.collect([promise]).get_outcomes().dup_json_string(0)

        self.audit(json_outcome=json_outcome)

    def test_counts(self):
        """Whatever is counted, once more and once less: what a wrapper has of its own stays."""
        promise, resolver = Troupe.Promise.new()
        Actor.kept = kept = {}
        self.in_turn(lambda actor: actor.watch(self.plain))()
        self.system.subscribe('$system/unhandled/#', self.ref)
        self.plain.send(Troupe.Message.new('nothing that it knows'))
        self.plain.finish()
        until(lambda: len(kept) == 2)
        Actor.kept = None

        counted = {
            'endpoint': Troupe.Endpoint.parse_client('tcp:a:1'), 'message': Troupe.Message.new('x'), 'promise': promise, 'resolver': resolver,
            'ref': self.ref, 'timer': self.reactor.call_later(1000000, lambda timer: None), 'outcomes': Troupe.Promise.collect([]).get_outcomes(),
            **kept,
        }
        for name, boxed in counted.items():
            def more_and_less(name=name, boxed=boxed):
                before = Counts.get(boxed)
                another = boxed.ref()
                self.assertNotEqual(Counts.get(boxed), before)
                del another
                self.assertEqual(Counts.get(boxed), before)
                # It gives a copy away.
                boxed.unref()
                self.assertEqual(Counts.get(boxed), before)
            self.audit(**{name: more_and_less})
        resolver.resolve()
        counted['timer'].cancel()

    def test_turns(self):
        """What an actor does in its turns."""
        plain = self.plain

        def fail(actor):
            actor.link(plain)
            actor.unlink(plain)
            actor.watch(plain)
            actor.unwatch(plain)

        def behave(actor):
            actor.become('other')
            actor.get_behaviour()
            actor.unbecome()

        def stash():
            def todo(actor, message):
                if not stashed:
                    stashed.append(actor.stash(message))
                    actor.unstash()
                else:
                    message.reply_string('at last')
            stashed = []
            Actor.todo = todo
            self.outcome(self.ref.ask(Troupe.Message.new('do'))).get_string()

        def forward():
            def todo(actor, message):
                message.forward(self.system.lookup('/actor'))
                Actor.todo = lambda actor, message: message.reply()
            Actor.todo = todo
            self.outcome(self.ref.ask(Troupe.Message.new('do'))).get_value()

        def children(actor):
            number = next(numbers)
            for child in (actor.spawn(f'a{number}', Troupe.Actor, [], []),
                          actor.spawn_on(self.reactor, f'b{number}', Troupe.Router, [], [])):
                child.get_parent()
                actor.dup_children()
                child.stop()

        def fail_now():
            ref = self.system.spawn(None, Actor, [], [])
            ref.get_actor_type()
            Actor.todo = lambda actor, message: actor.fail(failure()) or message.reply()
            self.outcome(ref.ask(Troupe.Message.new('do')))
            until(ref.has_ended)

        numbers = itertools.count()
        self.system.set_supervision(Troupe.Supervision.new(Troupe.Directive.STOP))
        self.audit(
            links=self.in_turn(fail), behaviours=self.in_turn(behave), stash=stash, forward=forward, children=self.in_turn(children),
            fail=With(0, fail_now, n_objects=1),
            system=self.in_turn(lambda actor: (actor.get_system(), actor.get_ref())),
            timeout=self.in_turn(lambda actor: (actor.set_receive_timeout(1000), actor.set_receive_timeout(0))),
            supervision=self.in_turn(lambda actor: actor.set_supervision(Troupe.Supervision.new(Troupe.Directive.STOP))),
            timer=With(1, self.in_turn(lambda actor: actor.call_later(0, lambda timer: None).cancel())),
            or_fail=self.in_turn(lambda actor: Troupe.Promise.new_resolved(1).or_fail()))

    def test_classes(self):
        """What a class is told, once, for types last."""
        def bind(actor_class):
            actor_class.bind('name', GObject.TYPE_NONE, lambda actor, message: True)
            actor_class.bind_in('state', 'name', GObject.TYPE_NONE, lambda actor, message: True)
            actor_class.set_capacity(3, Troupe.Overflow.REJECT)
            actor_class.set_placement(Troupe.Placement.PARENT)
            actor_class.set_stash_limit(4)
            actor_class.set_urgent('name')

        self.audit(bind=With(2, lambda: bind(type('Bound', (Troupe.Actor,), {})), is_lasting=True))

    def test_virtual(self):
        """The virtual functions of actors, from being started to being restarted and stopped."""
        class Kid(Troupe.Actor):
            do_started, do_stopped, do_receive, do_unhandled, do_pre_restart, do_post_restart = note(
                Troupe.Actor, 'started', 'stopped', 'receive', 'unhandled', 'pre_restart', 'post_restart')

        Kid.bind('fail', GObject.TYPE_NONE, fail_as_handler)

        class Parent(Actor):
            do_child_failed, do_child_terminated = note(Troupe.Actor, 'child_failed', 'child_terminated')

        parent = self.system.spawn('parent', Parent, [], [])

        def family():
            self.in_turn(lambda actor: kids.append(actor.spawn(None, Kid, [], [])), ref=parent)()
            kid = kids.pop()
            self.outcome(kid.ask(Troupe.Message.new('what')))
            self.outcome(kid.ask(Troupe.Message.new('fail')))
            kid.finish()
            until(kid.has_ended)

        kids = []
        self.audit(
            family=With(0, family, n_objects=2),
            kill=lambda: self.system.spawn(None, Troupe.Actor, [], []).kill())

    def test_letters(self):
        """Dead letters by signal and by topic, and how actors end."""
        def hear(system, target, message, reason):
            Audit.note('System::dead-letter')
            target.dup_path()
            message.get_name()

        def end(actor):
            ref = self.system.spawn_on(self.reactor, None, Troupe.Actor, [], [])
            actor.watch(ref)
            ref.stop()

        def letter():
            self.plain.send(Troupe.Message.new('nothing that it knows'))
            self.outcome(self.plain.ask(Troupe.Message.new('nothing either'))).steal_error()

        handler = self.system.connect('dead-letter', hear)
        self.system.subscribe('$system/unhandled/#', self.ref)
        self.audit(letter=letter, end=self.in_turn(end))
        self.system.disconnect(handler)

    def test_more_promises(self):
        """The rest of what promises and resolvers do."""
        def new():
            promise, resolver = Troupe.Promise.new()
            return promise, resolver

        def canceller():
            promise, resolver = new()
            resolver.set_canceller(lambda resolver: resolver.get_cancel_reason())
            promise.cancel()
            resolver.is_cancelled()
            promise.steal_error()

        def pause():
            promise = Troupe.Promise.new_resolved('x')
            promise.pause()
            promise.unpause()

        def error():
            promise = Troupe.Promise.collect([new_rejected()])
            index, cause = promise.get_error_index(), promise.get_error_cause()
            found = promise.steal_error()
            return index, cause, Troupe.Error.get_index(found), Troupe.Error.get_cause(found)

        def wait():
            def finish(_, result):
                try:
                    found.append(promise.wait_finish(result).get_string())
                except GLib.Error as error:
                    found.append(error)
            for promise in (Troupe.Promise.new_resolved('x'), new_rejected()):
                found = []
                promise.wait_async(finish)
                until(lambda: found)

        self.audit(
            wait=With(2, wait), canceller=With(1, canceller), pause=pause, error=error,
            both=With(2, lambda: Troupe.Promise.new_resolved('x').add_callbacks(
                lambda promise: promise.return_error(failure()), (), lambda promise: None).add_errback(None).steal_error()),
            errback=With(2, lambda: new_rejected().add_callbacks(lambda promise: None, (), lambda promise: promise.return_nothing())),
            race=lambda: Troupe.Promise.race([Troupe.Promise.new_resolved('x')]).get_outcomes().get_first(),
            thread=With(1, lambda: self.outcome(Troupe.Promise.new_in_thread(lambda resolver: resolver.resolve_string('done'))).get_string()),
            wrap=With(1, lambda: Troupe.Promise.wrap_call(lambda promise: promise.return_int64(3)).get_int64()),
            debugging=lambda: Troupe.Promise.set_debugging(Troupe.Promise.get_debugging()),
            threads=lambda: (Troupe.set_max_threads(Troupe.get_max_threads()), Troupe.set_max_waiting_work(10000),
                             Troupe.get_n_busy_threads(), Troupe.get_n_waiting_work()))

    def test_ask_sync(self):
        """A thread that waits for its answer."""
        def ask():
            def work():
                with contextlib.suppress(Tried):
                    for _ in range(40):
                        self.ref.ask_sync(Troupe.Message.new('sender'), -1, Gio.Cancellable()).get_ref()
                done.append(True)
            done = []
            thread = threading.Thread(target=work)
            thread.start()
            while not done:
                GLib.MainContext.default().iteration(False)
            thread.join()

        self.audit(ask=With(0, ask, n_calls=10))

    def test_reactor(self):
        """Reactors: figures, timers and descriptors."""
        reactor = self.reactor

        class Pipe(GObject.Object, Troupe.Descriptor):
            do_connection_lost, do_do_read, do_do_write, do_get_fd = note(
                Troupe.Descriptor, 'connection_lost', 'do_read', 'do_write', 'get_fd',
                answers={'get_fd': lambda self: ends[1], 'do_write': lambda self: reactor.remove_writer(self) or True,
                         'do_read': lambda self: reactor.remove_reader(self) or True, 'connection_lost': lambda self, reason: None})

        def watch():
            reactor.add_writer(pipe)
            reactor.dup_writers()
            reactor.add_reader(pipe)
            reactor.dup_readers()
            GLib.MainContext.default().iteration(False)
            reactor.remove_writer(pipe)
            reactor.remove_reader(pipe)
            reactor.add_reader(pipe)
            reactor.remove_all()

        def call():
            pipe.get_fd()
            pipe.do_write()
            pipe.do_read()
            pipe.connection_lost(failure())

        def set_timer():
            timer = reactor.call_later(1000000, lambda timer: None)
            timer.delay(10)
            timer.reset(1000000)
            timer.get_deadline()
            timer.is_active()
            reactor.dup_timers()
            timer.cancel()

        def install():
            with self.assertRaises(GLib.Error):
                Troupe.Reactor.install('poll')

        def clock():
            system = Troupe.System.new(None, None)
            clock = Troupe.Clock.new(system.get_reactor())
            clock.advance(10)
            clock.pump([1, 2])
            clock.run_dispose()
            end(system)

        pair = socket.socketpair()
        self.addCleanup(lambda: [end.close() for end in pair])
        ends = [end.fileno() for end in pair]
        pipe = Pipe()
        self.audit(
            figures=lambda: (reactor.get_backend_name(), reactor.get_budget(), reactor.get_context(), reactor.get_load(), reactor.get_n_actors(),
                             reactor.get_n_connections(), reactor.get_n_turns(), reactor.get_priority(), reactor.get_time(),
                             Troupe.Reactor.list_backends()),
            settings=lambda: (reactor.set_budget(512, 2000), reactor.set_priority(0)),
            watch=watch, descriptor=call, timer=With(1, set_timer), install=install, clock=With(0, clock, n_calls=50))
        self.assertLessEqual(pipe.__grefcount__, 1)

    def test_more_systems(self):
        """The rest of what systems do, and how they begin and end."""
        system = self.system

        def trigger():
            system.remove_trigger(system.add_trigger(Troupe.Event.SHUTDOWN, Troupe.Phase.DURING, lambda: None))

        def run():
            system = Troupe.System.new_with_reactors(GLib.MainContext.default(), 'poll', 2)
            system.get_nth_reactor(1)
            system.get_reactor().call_later(0, lambda timer: system.stop())
            system.run()
            until(system.has_ended)

        def blocking():
            system = Troupe.System.new(None, None)
            system.set_blocking_threads(2, 1000)
            system.set_seed(3)
            system.set_shutdown_timeout(1000)
            system.set_spin(0)
            system.shutdown_sync()

        def supervise():
            supervision = Troupe.Supervision.new(Troupe.Directive.STOP)
            supervision.set_back_off(1, 2)
            supervision.set_intensity(3, 1000)
            supervision.set_last_resort(Troupe.Directive.STOP)
            supervision.set_strategy(Troupe.Strategy.ONE_FOR_ONE)
            system.set_supervision(supervision)

        def route():
            router = system.spawn_router('router', Troupe.Routing.ROUND_ROBIN, 1, Troupe.Actor)
            Troupe.Router.resize(router, 2)
            settle()
            router.stop()
            until(router.has_ended)

        class Keyed(Troupe.Router):
            do_build_routee, do_hash_message = note(
                Troupe.Router, 'build_routee', 'hash_message',
                answers={'build_routee': lambda self: self.spawn(None, Troupe.Actor, [], []), 'hash_message': lambda self, message: 7})

            def do_receive(self, message):
                if message.get_name() != 'do':
                    return Troupe.Router.do_receive(self, message)
                Actor.todo(self, message)
                return True

        keyed = system.spawn('keyed', Keyed, ['routing', 'size'], [Troupe.Routing.CONSISTENT_HASH, GObject.Value(GObject.TYPE_UINT, 2)])

        def key(router):
            router.get_max_size()
            router.get_routee_type()
            router.get_routing()
            router.get_size()
            for name in ('max-size', 'routee-type', 'routing', 'size'):
                Audit.note('Router:' + name)
                router.get_property(name)

        def hash_message():
            self.outcome(keyed.ask(Troupe.Message.new('nothing'))).steal_error()
            Troupe.Router.resize(keyed, 1)
            settle()
            Troupe.Router.resize(keyed, 2)
            settle()

        self.audit(
            figures=lambda: (system.get_error(), system.get_n_actors(), system.get_n_blocking_threads(), system.get_n_dead_letters(),
                             system.get_n_long_turns(), system.get_n_reactors(), system.get_reactor(), system.has_ended(), system.is_running(),
                             system.pick_reactor('key'), system.set_watchdog(0), Troupe.System.get_default(), self.ref.get_reactor()),
            trigger=With(1, trigger), run=With(1, run, n_objects=1, n_calls=20), blocking=With(0, blocking, n_calls=100), supervision=supervise,
            router=With(0, route, n_calls=100), key=self.in_turn(key, ref=keyed), hash=With(0, hash_message, n_calls=100))

    def test_more_objects(self):
        """The rest of what objects do."""
        def queue():
            queue = Troupe.Queue.new(1, 1)
            queue.put('x')
            offered = queue.offer('y')
            queue.get_n_items()
            queue.get_n_waiting()
            queue.get().get_string()
            offered.is_resolved()
            queue.get()

        def semaphore():
            semaphore = Troupe.Semaphore.new(1)
            semaphore.get_limit()
            semaphore.acquire().get_object()
            semaphore.get_n_free()
            semaphore.release()

        def loop():
            loop = Troupe.LoopingCall.new(lambda loop, n_ticks: None)
            end = loop.start(100000, False)
            loop.is_running()
            loop.reset()
            loop.stop()
            end.get_object()

        def cooperator():
            cooperator = Troupe.Cooperator.new()
            cooperator.set_slice(cooperator.get_slice())
            cooperator.start()
            cooperator.is_running()
            for finish in (Troupe.CooperativeTask.finish, Troupe.CooperativeTask.stop):
                task = cooperator.add(lambda task: None)
                done = task.when_done()
                task.pause()
                task.resume()
                finish(task)
                done.add_errback(None).cancel()
                done.steal_error()
            cooperator.stop()

        with tempfile.TemporaryDirectory() as folder:
            lock = Troupe.FileLock.new(os.path.join(folder, 'lock'))
            self.audit(queue=queue, semaphore=semaphore, loop=With(1, loop), cooperator=With(2, cooperator), lock=lock.is_held,
                       endpoint=lambda: (Troupe.Endpoint.parse_client('tcp:a:1'), Troupe.Endpoint.quote('a:b'), Troupe.error_quark()))

    def test_connections(self):
        """Connections: their factories and ports, what they do, and what is done to them."""
        class Line(Troupe.LineProtocol):
            (do_connection_made, do_connection_lost, do_read_closed, do_write_closed, do_write_paused, do_write_resumed) = note(
                Troupe.Protocol, 'connection_made', 'connection_lost', 'read_closed', 'write_closed', 'write_paused', 'write_resumed')
            do_line_received, do_raw_data_received, do_line_length_exceeded = note(
                Troupe.LineProtocol, 'line_received', 'raw_data_received', 'line_length_exceeded', answers={
                    'line_received': lambda self, *data: seen.append('line') or True,
                    'raw_data_received': lambda self, *data: seen.append('raw') or True,
                    'line_length_exceeded': lambda self, *data: seen.append('long') or True})

            def do_receive(self, message):
                Actor.todo(self, message)
                return True

        class Raw(Troupe.Protocol):
            do_data_received, = note(Troupe.Protocol, 'data_received', answers={'data_received': lambda self, *data: seen.append('data') or True})

        class Json(Troupe.JsonProtocol):
            do_text_received, do_bad_json = note(Troupe.JsonProtocol, 'text_received', 'bad_json', answers={
                'text_received': lambda self, text: seen.append('text') or True, 'bad_json': lambda self, *about: seen.append('bad') or True})

            def do_receive(self, message):
                Actor.todo(self, message)
                return True

        def build(maker, address):
            return maker.spawn(None, Line, [], [])

        class Maker(Troupe.Factory):
            do_build_protocol, do_start_factory, do_stop_factory = note(
                Troupe.Factory, 'build_protocol', 'start_factory', 'stop_factory', answers={'build_protocol': build})

            def do_receive(self, message):
                Actor.todo(self, message)
                return True

        def adopt(factory):
            ours, theirs = socket.socketpair()
            with ours, contextlib.ExitStack() as until_adopted:
                until_adopted.enter_context(theirs)
                ref = self.outcome(Troupe.adopt_connection(self.system, ours.fileno(), factory)).get_ref()
                until_adopted.pop_all()
                return ref, theirs

        def talk(factory, data, expected):
            def call():
                connection, peer = adopt(factory)
                with peer:
                    peer.sendall(data)
                    seen.clear()
                    until(lambda: seen == expected)
                until(connection.has_ended)
            return call

        def transport(line):
            transport = line.get_transport()
            line.get_factory()
            for name in ('get_fd', 'get_host', 'get_keep_alive', 'get_n_unsent', 'get_no_delay', 'get_peer', 'is_connected', 'is_disconnecting',
                         'is_throttled', 'pause_reading', 'resume_reading'):
                getattr(transport, name)()
            transport.set_close_timeout(1000)
            transport.set_half_close(True)
            transport.set_water_marks(1024, 65536)
            transport.write(b'x')
            transport.write_bytes(GLib.Bytes.new(b'x'))
            transport.write_sequence([GLib.Bytes.new(b'x')])

        def socket_options(line):
            line.get_transport().set_keep_alive(True)
            line.get_transport().set_no_delay(True)

        def lines(line):
            line.clear_buffer()
            line.set_max_length(line.get_max_length())
            Audit.note('LineProtocol:max-length')
            line.get_property('max-length')
            line.pause()
            line.resume()
            line.send_line(b'line')
            line.set_raw_mode()
            line.set_line_mode(b'')
            line.set_delimiter('\n')

        def half_close():
            connection, peer = adopt(factory)
            with peer:
                self.in_turn(lambda line: line.get_transport().set_half_close(True), ref=connection)()
                peer.shutdown(socket.SHUT_WR)
                self.in_turn(lambda line: line.get_transport().lose_write_connection(), ref=connection)()
            until(connection.has_ended)

        def pause_writing():
            connection, peer = adopt(factory)
            with peer:
                def write(line):
                    line.get_transport().set_water_marks(100, 1000)
                    line.get_transport().write(bytes(1 << 20))
                self.in_turn(write, ref=connection)()
                n_bytes = 0
                peer.setblocking(False)
                while n_bytes < 1 << 20:
                    GLib.MainContext.default().iteration(False)
                    with contextlib.suppress(BlockingIOError):
                        n_bytes += len(peer.recv(1 << 20))
            until(connection.has_ended)

        def spawn_factory():
            factory = self.system.spawn_factory(None, Troupe.LineProtocol)
            factory.stop()
            until(factory.has_ended)

        def end_by(end):
            def call():
                connection, peer = adopt(factory)
                with peer:
                    self.in_turn(lambda line: getattr(line.get_transport(), end)(), ref=connection)()
                until(connection.has_ended)
            return call

        def long_line():
            connection, peer = adopt(factory)
            with peer:
                self.in_turn(lambda line: line.set_max_length(3), ref=connection)()
                seen.clear()
                peer.sendall(b'too long\r\n')
                until(lambda: seen)
            until(connection.has_ended)

        def raw_data():
            connection, peer = adopt(factory)
            with peer:
                self.in_turn(lambda line: line.set_raw_mode(), ref=connection)()
                seen.clear()
                peer.sendall(b'raw')
                until(lambda: seen)
            until(connection.has_ended)

        def send_text(protocol):
            protocol.send_text('{}')
            for name in ('max-depth', 'max-errors'):
                Audit.note('JsonProtocol:' + name)
                protocol.get_property(name)

        def make():
            # Only both may be None.
            maker = Audit.without(self.system.spawn, None, Maker, ['protocol-type'], [GObject.Value(GObject.TYPE_GTYPE, Line.__gtype__)])
            port = Troupe.listen(self.system, 'tcp:0:interface=127.0.0.1', maker)
            connection, peer = adopt(maker)
            self.outcome(port.stop())
            with peer:
                self.in_turn(figures, ref=maker)()
            until(connection.has_ended)
            maker.stop()
            until(maker.has_ended)

        def figures(maker):
            maker.get_n_connections()
            maker.get_protocol_type()
            Audit.note('Factory:protocol-type')
            maker.get_property('protocol-type')

        def listen():
            with socket.create_server(('127.0.0.1', 0)) as server:
                port = Troupe.listen_fd(self.system, server.fileno(), echo)
            port.is_listening()
            self.outcome(Troupe.connect(self.system, port.dup_endpoint(), echo)).get_ref().stop()
            self.outcome(port.stop())
            port = self.outcome(Troupe.listen_later(self.system, 'tcp:0:interface=127.0.0.1', echo)).get_object()
            self.outcome(port.stop())
            settle()

        seen = []
        factory, raw, json, echo = (self.system.spawn_factory(None, kind) for kind in (Line, Raw, Json, Troupe.LineProtocol))
        connection, peer = adopt(factory)
        self.addCleanup(peer.close)
        json_connection, json_peer = adopt(json)
        self.addCleanup(json_peer.close)
        with socket.create_server(('127.0.0.1', 0)) as server, socket.create_connection(server.getsockname()) as ours:
            tcp_peer, _ = server.accept()
            self.addCleanup(tcp_peer.close)
            tcp = self.outcome(Troupe.adopt_connection(self.system, ours.fileno(), factory)).get_ref()
        peer.setblocking(False)

        def drained(call, end):
            def and_read():
                call()
                GLib.MainContext.default().iteration(False)
                with contextlib.suppress(BlockingIOError):
                    end.recv(1 << 20)
            return and_read

        class Seeker(Troupe.Client):
            do_connecting, do_connected, do_disconnected, do_prepare_connection = note(
                Troupe.Client, 'connecting', 'connected', 'disconnected', 'prepare_connection',
                answers={'disconnected': lambda self, disconnection: lost(disconnection),
                         'prepare_connection': lambda self, connection: Troupe.Promise.new_resolved('x')})

            def do_receive(self, message):
                if message.get_name() != 'do':
                    return Troupe.Client.do_receive(self, message)
                Actor.todo(self, message)
                return True

        def lost(disconnection):
            before = Counts.get(disconnection)
            disconnection.ref()
            disconnection.unref()
            self.assertEqual(Counts.get(disconnection), before)
            disconnection.get_error()
            disconnection.get_delay_ms()
            disconnection.get_n_failures()
            seen.append('lost')

        def seek():
            with socket.create_server(('127.0.0.1', 0)) as server:
                where = f'tcp:127.0.0.1:{server.getsockname()[1]}'
                client = Audit.without(self.system.spawn, None, Seeker, ['endpoint', 'protocol-type'],
                                       [where, GObject.Value(GObject.TYPE_GTYPE, Troupe.LineProtocol.__gtype__)])
                until(lambda: select.select([server], [], [], 0)[0])
                peer, _ = server.accept()
            seen.clear()
            with peer:
                # Looking turns the loop.
                self.assertTrue(any(found(client) for _ in range(100000)), 'the client has a connection')
                self.in_turn(look, ref=client)()
            until(lambda: seen)
            client.stop()
            until(client.has_ended)

        def found(client):
            connections = []
            self.in_turn(lambda client: connections.append(client.get_connection()), ref=client)()
            return connections.pop()

        def look(client):
            for name in ('endpoint', 'first-delay-ms', 'longest-delay-ms'):
                Audit.note('Client:' + name)
                client.get_property(name)

        def spawn_client():
            client = self.system.spawn_client(None, 'tcp:127.0.0.1:1', Troupe.LineProtocol)
            client.stop()
            until(client.has_ended)

        def few(call):
            return With(0, call, n_objects=1, n_calls=40)

        json_peer.setblocking(False)
        self.audit(
            transport=drained(self.in_turn(transport, ref=connection), peer), options=self.in_turn(socket_options, ref=tcp),
            lines=drained(self.in_turn(lines, ref=connection), peer), text=drained(self.in_turn(send_text, ref=json_connection), json_peer),
            line=few(talk(factory, b'line\r\n', ['line'])), data=few(talk(raw, b'data', ['data'])),
            json=few(talk(json, b'{}\n{\n', ['text', 'bad'])),
            long=few(long_line), raw=few(raw_data), half_close=few(half_close), pause=few(pause_writing),
            factory=spawn_factory, abort=few(end_by('abort')), lose=few(end_by('lose_connection')), make=With(0, make, n_objects=2, n_calls=40),
            listen=With(0, listen, n_calls=30), seek=few(seek), client=With(0, spawn_client, n_calls=40))

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


def find_unaudited():
    for name in sorted(Audit.gir.callables.keys() - Audit.called - UNAUDITED.keys()):
        yield f'{name} is not audited'
    for name in sorted(UNAUDITED.keys() & Audit.called):
        yield f'{name} is audited, whatever UNAUDITED says'
    for name in sorted(UNAUDITED.keys() - Audit.gir.callables.keys()):
        yield f'{name} is in UNAUDITED and nowhere else'


def main():
    if len(sys.argv) < 2:
        sys.exit('usage: test-references.py GIR [TEST...]')
    Audit.gir = Gir(sys.argv[1])
    result = unittest.main(argv=[sys.argv[0], *sys.argv[2:]], exit=False).result
    complaints = list(find_unaudited()) if len(sys.argv) == 2 and result.wasSuccessful() else []
    sys.exit('\n'.join(complaints) or not result.wasSuccessful())


if __name__ == '__main__':
    main()
