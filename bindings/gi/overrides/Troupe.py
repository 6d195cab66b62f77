# Troupe.py
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What makes Troupe at home in Python: handlers that are methods, bodies that are Python's values, and promises that can be awaited.

PyGObject loads it with gi.repository.Troupe.
"""

import functools
import inspect
import json
import logging
import types

from gi.repository import GLib, GObject

from ..module import get_introspection_module
from ..overrides import override

Troupe = get_introspection_module('Troupe')

__all__ = []

log = logging.getLogger('Troupe')

TYPE_JSON = Troupe.Json.__gtype__
TYPE_BYTES = GLib.Bytes.__gtype__
TYPE_GTYPE = GObject.type_from_name('GType')
BODY_TYPES = {
    None: GObject.TYPE_NONE,
    bool: GObject.TYPE_BOOLEAN,
    int: GObject.TYPE_INT64,
    float: GObject.TYPE_DOUBLE,
    str: GObject.TYPE_STRING,
    bytes: TYPE_BYTES,
    dict: TYPE_JSON,
    list: TYPE_JSON,
    object: GObject.TYPE_PYOBJECT,
    GLib.Variant: GObject.TYPE_VARIANT,
}


# Exceptions

def to_error(exception):
    """Makes of an exception what C understands. One that is no GLib.Error nobody has thought of: its traceback is logged."""
    if isinstance(exception, GLib.Error):
        return exception
    log.error('%s', exception, exc_info=exception)
    return GLib.Error.new_literal(Troupe.error_quark(), f'{type(exception).__name__}: {exception}', Troupe.Error.FAILED)


def guard(function):
    """Makes of FUNCTION one whose exceptions are errors, whatever they are."""
    if function is None:
        return None

    @functools.wraps(function)
    def guarded(*arguments):
        try:
            return function(*arguments)
        except Exception as exception:
            raise to_error(exception) from None
    return guarded


# Bodies

def is_json(body):
    return isinstance(body, (dict, list, tuple))


def to_json(body):
    return json.dumps(body, ensure_ascii=False, allow_nan=False)


def to_value(body):
    """Makes a GObject.Value of what is no JSON."""
    if body is None or isinstance(body, GObject.Value):
        return body
    if isinstance(body, bool):
        return GObject.Value(GObject.TYPE_BOOLEAN, body)
    if isinstance(body, int):
        return GObject.Value(GObject.TYPE_INT64 if body < 1 << 63 else GObject.TYPE_UINT64, body)
    if isinstance(body, float):
        return GObject.Value(GObject.TYPE_DOUBLE, body)
    if isinstance(body, str):
        return GObject.Value(GObject.TYPE_STRING, body)
    if isinstance(body, (bytes, bytearray, memoryview)):
        return GObject.Value(TYPE_BYTES, GLib.Bytes.new(bytes(body)))
    if isinstance(body, GLib.Variant):
        return GObject.Value(GObject.TYPE_VARIANT, body)
    if isinstance(body, (GObject.Object, GObject.GBoxed)):
        return GObject.Value(type(body).__gtype__, body)
    return GObject.Value(GObject.TYPE_PYOBJECT, body)


def read(holder, kind, get_value):
    """Gives the body of a message, or the value of a promise, of a type, as a value of Python that may be kept."""
    if kind == GObject.TYPE_NONE:
        return None
    if kind == TYPE_JSON:
        return json.loads(holder.dup_json_string())
    if kind == TYPE_BYTES:
        return holder.get_bytes().get_data()
    if kind == GObject.TYPE_VARIANT:
        return holder.get_variant()
    value = get_value(holder)
    return value.copy() if isinstance(value, GObject.GBoxed) else value


def to_message(message, body):
    if not isinstance(message, str):
        return message
    if len(body) > 1:
        raise TypeError('a message has one body; several values go as a list')
    if not body or body[0] is None:
        return Troupe.Message.new(message)
    if is_json(body[0]):
        return Troupe.Message.new_json_string(message, to_json(body[0]))
    return Troupe.Message.new_value(message, to_value(body[0]))


class Message(Troupe.Message):

    @property
    def name(self):
        return self.get_name()

    @property
    def body(self):
        """The body as a value of Python."""
        return read(self, self.get_body_type(), Troupe.Message.get_value)

    def answer(self, body=None):
        """Answers an ask with any value, or with what a promise brings."""
        if isinstance(body, Troupe.Promise):
            self.reply_promise(body)
        elif body is None:
            self.reply()
        elif is_json(body):
            self.reply_json_string(to_json(body))
        else:
            self.reply_value(to_value(body))


Message = override(Message)
__all__.append('Message')


class Ref(Troupe.Ref):

    def send(self, message, *body, within=None):
        """Sends a message, or one that is made of a name and a body. It is not handled later than WITHIN milliseconds from now."""
        message = to_message(message, body)
        if within is None:
            Troupe.Ref.send(self, message)
        else:
            Troupe.Ref.send_within(self, message, within)

    def ask(self, message, *body, within=None):
        """Asks with a message, or with one that is made of a name and a body; the answer comes WITHIN milliseconds or never."""
        message = to_message(message, body)
        if within is None:
            return Troupe.Ref.ask(self, message)
        return Troupe.Ref.ask_within(self, message, within)

    def ask_sync(self, message, *arguments):
        """Blocks a thread without a main loop until there is an answer."""
        if isinstance(message, str):
            return Troupe.Ref.ask_sync(self, to_message(message, arguments), -1, None).body
        return Troupe.Ref.ask_sync(self, message, *arguments)


Ref = override(Ref)
__all__.append('Ref')


# Promises

class Promise(Troupe.Promise):

    def __await__(self):
        return (yield self)

    @classmethod
    def new_in_thread(cls, work, *data):
        return Troupe.Promise.new_in_thread(guard(work), *data)

    @classmethod
    def wrap_call(cls, step, *data):
        return Troupe.Promise.wrap_call(guard(step), *data)

    @property
    def value(self):
        """The value as one of Python, None for an error. For when and where, see has_value()."""
        return read(self, self.get_value_type(), Troupe.Promise.get_value) if self.has_value() else None

    def get_value(self):
        return self.value

    def propagate_value(self):
        """Gives the value as one of Python, or raises the error."""
        if self.has_value():
            return self.value
        return Troupe.Promise.propagate_value(self)

    def add_callback(self, step, *data):
        return Troupe.Promise.add_callback(self, guard(step), *data)

    def add_errback(self, step, *data):
        return Troupe.Promise.add_errback(self, guard(step), *data)

    def add_both(self, step, *data):
        return Troupe.Promise.add_both(self, guard(step), *data)

    def add_callbacks(self, callback, data, errback, *more):
        return Troupe.Promise.add_callbacks(self, guard(callback), data, guard(errback), *more)

    def add_timeout(self, timeout_ms, step=None, *data):
        return Troupe.Promise.add_timeout(self, timeout_ms, guard(step), *data)


Promise = override(Promise)
__all__.append('Promise')


class Resolver(Troupe.Resolver):

    def settle(self, body=None):
        """Resolves the promise with any value."""
        if body is None:
            self.resolve()
        elif is_json(body):
            self.resolve_json_string(to_json(body))
        else:
            self.resolve_value(to_value(body))


Resolver = override(Resolver)
__all__.append('Resolver')


# Coroutines

class Coroutine:
    """An async function under way. Steps of the promises that it awaits go on with it, so it runs in turns of its actor."""

    def __init__(self, coroutine):
        self.coroutine = coroutine
        self.awaited = None
        self.is_cancelled = False

    def advance(self):
        """Runs it up to the next await."""
        if self.awaited is None:
            return self.coroutine.send(None)
        try:
            value = self.awaited.propagate_value()
        except GLib.Error as error:
            return self.coroutine.throw(error)
        return self.coroutine.send(value)

    def check(self, awaited):
        while not isinstance(awaited, Troupe.Promise):
            awaited = self.coroutine.throw(TypeError(f'only promises of Troupe can be awaited here, and not {awaited!r}'))
        return awaited

    def go_on(self, _=None):
        """Without a stack for what is there already."""
        try:
            while self.awaited is None or self.awaited.is_resolved():
                self.awaited = self.check(self.advance())
            self.awaited.add_both(self.go_on)
        except StopIteration as end:
            self.resolver.settle(end.value)
        except Exception as exception:
            self.resolver.reject(to_error(exception))

    def cancel(self, _):
        self.is_cancelled = True
        if self.awaited is not None:
            self.awaited.cancel()


def launch(coroutine):
    task = Coroutine(coroutine)
    promise, task.resolver = Troupe.Promise.new_with_canceller(task.cancel)
    task.go_on()
    return promise, task


def start(coroutine):
    """Starts what an async function returned, up to its first await, and makes a promise of what becomes of it."""
    return launch(coroutine)[0]


__all__.append('start')


def run(coroutine):
    """Turns the main loop until an async function has come to its end; gives what it returns, and raises what it raises."""
    values, exceptions = [], []
    loop = GLib.MainLoop()

    async def main():
        try:
            values.append(await coroutine)
        except Exception as exception:
            exceptions.append(exception)

    promise = start(main())
    try:
        if not promise.is_resolved():
            promise.add_both(lambda _: loop.quit())
            loop.run()
    finally:
        promise.cancel()
    promise.propagate_value()
    if exceptions:
        raise exceptions[0]
    return values[0]


__all__.append('run')


# Actors

def handler(name, body_type=None, *, message=False):
    """Says that a method handles messages of a name.

    It is called with the body, if it has one, and what it returns is the answer to an ask; an async method may await promises.
    BODY_TYPE is bool, int (64 bits), float, str, bytes, dict or list (JSON), object (anything of Python), or a type of GObject.
    With MESSAGE it is called with the message instead.
    """
    kind = BODY_TYPES.get(body_type) if body_type is None or isinstance(body_type, type) else body_type
    if kind is None:
        kind = GObject.GType(body_type)

    def decorate(function):
        function.__dict__.setdefault('troupe_handles', []).append((name, kind, message))
        return function
    return decorate


__all__.append('handler')


def finish_later(actor, message, coroutine):
    """Answers with what an async handler returns; what it raises fails the actor, unless that is because nobody wants the answer."""
    promise, task = launch(coroutine)
    if promise.is_resolved():
        return promise.propagate_value()
    is_asked = message.wants_reply()

    def fail(promise):
        error = promise.steal_error()
        if not task.is_cancelled:
            actor.fail(error)
        if is_asked:
            raise error

    promise.add_errback(fail)
    return promise if is_asked else None


def make_handler(attribute, kind, whole):
    """The method is looked up each time: a derived class may have one of its own."""
    def handle(actor, message):
        method = getattr(actor, attribute)
        if whole:
            answer = method(message)
        elif kind == GObject.TYPE_NONE:
            answer = method()
        else:
            answer = method(message.body)
        if inspect.iscoroutine(answer):
            answer = finish_later(actor, message, answer)
        elif whole and answer is None:
            return True
        if message.wants_reply():
            message.answer(answer)
        return True
    return guard(handle)


def find_throwing(bases):
    """The virtual functions that may fail, and whether they say so by a truth value."""
    return {'do_' + info.get_name(): info.get_return_type().get_tag_as_string() == 'gboolean'
            for base in bases for ancestor in base.__mro__ if hasattr(ancestor.__dict__.get('__info__'), 'get_vfuncs')
            for info in ancestor.__info__.get_vfuncs() if info.can_throw_gerror()}


def make_virtual(function, is_truth):
    """What says nothing has done its work; an async one, where a promise is wanted, gives that."""
    @functools.wraps(function)
    def virtual(*arguments):
        answer = function(*arguments)
        if inspect.iscoroutine(answer) and not is_truth:
            answer = start(answer)
        return True if is_truth and answer is None else answer
    return guard(virtual)


class VirtualFunction:
    """A virtual function of a class of the library, which super() binds to the instance.

    What it calls is that of the nearest class of the library. As gi leaves it, super() would find the instance's own class again, and so on for ever.
    """

    def __init__(self, info):
        self.info = info

    def __get__(self, instance, owner):
        nearest = next(base for base in owner.__mro__ if '__info__' in vars(base))
        function = self.info.__get__(None, nearest)
        return function if instance is None else functools.partial(function, instance)


def bind_virtual_functions(cls):
    for name, info in list(vars(cls).items()):
        if name.startswith('do_') and hasattr(info, 'get_invoker'):
            setattr(cls, name, VirtualFunction(info))


bind_virtual_functions(Troupe.Actor)


class ActorType(type(Troupe.Actor)):
    """Binds what is marked as a handler, once the type is there."""

    def __new__(mcs, name, bases, namespace, **arguments):
        if not namespace.get('__module__', '').startswith('gi.'):
            throwing = find_throwing(bases)
            namespace = {key: make_virtual(value, throwing[key])
                         if key in throwing and isinstance(value, types.FunctionType) else value
                         for key, value in namespace.items()}
        return super().__new__(mcs, name, bases, namespace, **arguments)

    def __init__(cls, name, bases, namespace, **arguments):
        super().__init__(name, bases, namespace, **arguments)
        if cls.__module__.startswith('gi.repository.'):
            bind_virtual_functions(cls)
        for attribute, value in namespace.items():
            for message_name, kind, whole in getattr(value, 'troupe_handles', ()):
                cls.bind(message_name, kind, make_handler(attribute, kind, whole))


def spawn_arguments(names, values, properties):
    """As the library wants them; a class is given as its type."""
    values = [GObject.Value(TYPE_GTYPE, value) if hasattr(value, '__gtype__') and isinstance(value, type) else value
              for value in (*values, *properties.values())]
    return [*names, *(name.replace('_', '-') for name in properties)], values


class Actor(Troupe.Actor, metaclass=ActorType):

    def spawn(self, name, kind, names=(), values=(), **properties):
        """Spawns a child; its properties may be given by name."""
        return Troupe.Actor.spawn(self, name, kind, *spawn_arguments(names, values, properties))

    def spawn_on(self, reactor, name, kind, names=(), values=(), **properties):
        return Troupe.Actor.spawn_on(self, reactor, name, kind, *spawn_arguments(names, values, properties))

    def call_later(self, delay_ms, function, *data):
        return Troupe.Actor.call_later(self, delay_ms, guard(function), *data)


Actor = override(Actor)
__all__.append('Actor')


class JsonProtocol(Troupe.JsonProtocol):

    def send(self, body):
        """Sends a dictionary as one line."""
        self.send_text(to_json(body))


JsonProtocol = override(JsonProtocol)
__all__.append('JsonProtocol')


class System(Troupe.System):

    def spawn(self, name, kind, names=(), values=(), **properties):
        """Spawns an actor at the top; its properties may be given by name."""
        return Troupe.System.spawn(self, name, kind, *spawn_arguments(names, values, properties))

    def spawn_on(self, reactor, name, kind, names=(), values=(), **properties):
        return Troupe.System.spawn_on(self, reactor, name, kind, *spawn_arguments(names, values, properties))


System = override(System)
__all__.append('System')


class Reactor(Troupe.Reactor):

    def call_later(self, delay_ms, function, *data):
        return Troupe.Reactor.call_later(self, delay_ms, guard(function), *data)


Reactor = override(Reactor)
__all__.append('Reactor')


# Objects that need what their constructor is given

class LoopingCall(Troupe.LoopingCall):

    def __new__(cls, function, *data):
        return cls.new(function, *data)

    def __init__(self, *_):
        pass

    @classmethod
    def new(cls, function, *data):
        return Troupe.LoopingCall.new(guard(function), *data)


LoopingCall = override(LoopingCall)
__all__.append('LoopingCall')


class Semaphore(Troupe.Semaphore):

    def __new__(cls, n_free):
        return Troupe.Semaphore.new(n_free)

    def __init__(self, *_):
        pass

    def run(self, function, *data):
        return Troupe.Semaphore.run(self, guard(function), *data)


Semaphore = override(Semaphore)
__all__.append('Semaphore')


class Queue(Troupe.Queue):

    def __new__(cls, *limits):
        return Troupe.Queue.new(*limits)

    def __init__(self, *_):
        pass

    def put(self, value):
        """Puts any value of Python: who gets it gets the same, not a copy of it as from a message."""
        Troupe.Queue.put(self, to_value(value))


Queue = override(Queue)
__all__.append('Queue')
