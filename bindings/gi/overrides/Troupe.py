# Troupe.py
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What makes Troupe at home in Python: handlers that are methods, bodies that are Python's values, and promises that can be awaited.

PyGObject loads it with gi.repository.Troupe.
"""

import collections.abc
import contextlib
import difflib
import functools
import inspect
import json
import logging
import re
import signal
import types
import warnings

from gi.repository import Gio, GLib, GObject

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
    object: GObject.Value.__gtype__,
    GLib.Variant: GObject.TYPE_VARIANT,
}

NUMBERS = (GObject.TYPE_INT64, GObject.TYPE_UINT64, GObject.TYPE_DOUBLE)


# Exceptions

def make_kind(code):
    """Makes an exception of a code: that of TIMED_OUT is Troupe.TimedOut, and a TimeoutError of Python, too."""
    bases = (GLib.Error, TimeoutError) if code == Troupe.Error.TIMED_OUT else (GLib.Error,)
    name = ''.join(word.capitalize() for word in code.value_nick.split('-'))
    return type(name, bases, {'__module__': 'gi.repository.Troupe', '__doc__': f'Troupe.Error.{code.value_name[len("TROUPE_ERROR_"):]}'})


ERROR_DOMAIN = GLib.quark_to_string(Troupe.error_quark())
ERROR_KINDS = {int(code): make_kind(code) for code in Troupe.Error.__enum_values__.values()}
for error_kind in ERROR_KINDS.values():
    globals()[error_kind.__name__] = error_kind
    __all__.append(error_kind.__name__)


def name_error(error):
    """Gives an error of the library as the exception that can be caught by its name."""
    if type(error) is not GLib.Error or error.domain != ERROR_DOMAIN or error.code not in ERROR_KINDS:
        return error
    return ERROR_KINDS[error.code](error.message, error.domain, error.code)


def make_error(exception):
    """Makes of an exception what C understands."""
    if isinstance(exception, GLib.Error):
        return exception
    return GLib.Error.new_literal(Troupe.error_quark(), f'{type(exception).__name__}: {exception}', Troupe.Error.FAILED)


def to_error(exception, where):
    """Makes an error of an exception that was raised. One that is no GLib.Error nobody has thought of: its traceback is logged."""
    if not isinstance(exception, GLib.Error):
        log.error('%s', where, exc_info=(type(exception), exception, find_program(exception.__traceback__)))
    return make_error(exception)


def find_program(traceback):
    """Leaves out what comes before the program: calls of this file."""
    inner = traceback
    while inner is not None and inner.tb_frame.f_code.co_filename == __file__:
        inner = inner.tb_next
    return inner or traceback


def describe(function):
    return getattr(function, '__qualname__', None) or repr(function)


def guard(function):
    """Makes of FUNCTION one whose exceptions are errors, whatever they are."""
    if function is None:
        return None

    @functools.wraps(function)
    def guarded(*arguments):
        try:
            return function(*arguments)
        except Exception as exception:
            raise to_error(exception, f'{describe(function)}() failed') from None
    return guarded


# Arguments

def check_ms(function, number):
    if isinstance(number, bool) or not isinstance(number, int):
        raise TypeError(f'{function}() takes milliseconds, as a whole number, and not {number!r}')
    if number < 0:
        raise ValueError(f'{function}() takes milliseconds, and no less than 0: {number}')
    return number


def to_bytes(function, data):
    """What is sent may be text, which goes as UTF-8."""
    if isinstance(data, str):
        return data.encode()
    if isinstance(data, (bytes, bytearray, memoryview)):
        return bytes(data)
    if isinstance(data, GLib.Bytes):
        return data.get_data()
    raise TypeError(f'{function}() takes str or bytes, and not {data!r}')


def is_class(kind, parent):
    return isinstance(kind, type) and issubclass(kind, parent)


def takes(function, n_arguments):
    """Says whether FUNCTION can be called with so many."""
    try:
        inspect.signature(function).bind(*[None] * n_arguments)
    except TypeError:
        return False
    except ValueError:
        pass
    return True


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
            Troupe.Ref.send_within(self, message, check_ms('send', within))

    def ask(self, message, *body, within=None):
        """Asks with a message, or with one that is made of a name and a body; the answer comes WITHIN milliseconds or never."""
        message = to_message(message, body)
        if within is None:
            return Troupe.Ref.ask(self, message)
        return Troupe.Ref.ask_within(self, message, check_ms('ask', within))

    def ask_sync(self, message, *arguments, within=None):
        """Blocks a thread without a main loop until there is an answer, which comes WITHIN milliseconds or never."""
        if isinstance(message, str):
            timeout = -1 if within is None else check_ms('ask_sync', within)
            try:
                return Troupe.Ref.ask_sync(self, to_message(message, arguments), timeout, None).body
            except GLib.Error as error:
                raise name_error(error) from None
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

    @classmethod
    def all(cls, promises, flags=Troupe.ListFlags.CONSUME_ERRORS):
        """Waits for all; the errors are among the outcomes, and not warned of."""
        return Troupe.Promise.all(promises, flags)

    def check_resolved(self):
        if not self.is_resolved():
            raise RuntimeError('the promise has no value yet: await it')

    @property
    def value(self):
        """The value as one of Python, None for an error. For when and where, see has_value()."""
        self.check_resolved()
        return read(self, self.get_value_type(), Troupe.Promise.get_value) if self.has_value() else None

    def get_value(self):
        return self.value

    def propagate_value(self):
        """Gives the value as one of Python, or raises the error."""
        try:
            return self.value if self.has_value() else Troupe.Promise.propagate_value(self)
        except GLib.Error as error:
            raise name_error(error) from None

    def get_error(self):
        self.check_resolved()
        error = Troupe.Promise.get_error(self)
        return error and name_error(error)

    def steal_error(self):
        self.check_resolved()
        error = Troupe.Promise.steal_error(self)
        return error and name_error(error)

    def add_callback(self, step, *data):
        return Troupe.Promise.add_callback(self, guard(step), *data)

    def add_errback(self, step, *data):
        return Troupe.Promise.add_errback(self, guard(step), *data)

    def add_both(self, step, *data):
        return Troupe.Promise.add_both(self, guard(step), *data)

    def add_callbacks(self, callback, data, errback, *more):
        return Troupe.Promise.add_callbacks(self, guard(callback), data, guard(errback), *more)

    def add_timeout(self, timeout_ms, step=None, *data):
        return Troupe.Promise.add_timeout(self, check_ms('add_timeout', timeout_ms), guard(step), *data)


Promise = override(Promise)
__all__.append('Promise')


class Outcome:
    """One of several, for read()."""

    def __init__(self, outcomes, index):
        self.outcomes, self.index = outcomes, index

    def __getattr__(self, name):
        return functools.partial(getattr(self.outcomes, name), self.index)


class Outcomes(Troupe.Outcomes):
    """What has become of several promises: values of Python, errors as exceptions that are not raised, and None for what has not come."""

    def __len__(self):
        return self.get_length()

    def __getitem__(self, index):
        index = range(len(self))[index]
        if not self.is_resolved(index):
            return None
        if not self.has_value(index):
            return name_error(self.get_error(index))
        outcome = Outcome(self, index)
        return read(outcome, outcome.get_value_type(), lambda outcome: outcome.get_value())

    def __iter__(self):
        return (self[index] for index in range(len(self)))


Outcomes = override(Outcomes)
__all__.append('Outcomes')


class Resolver(Troupe.Resolver):

    def resolve(self, body=None):
        """Resolves the promise with any value."""
        if body is None:
            return Troupe.Resolver.resolve(self)
        if is_json(body):
            return self.resolve_json_string(to_json(body))
        return self.resolve_value(to_value(body))

    def reject(self, reason):
        """Rejects the promise with any exception."""
        if not isinstance(reason, Exception):
            raise TypeError(f'reject() takes an exception, and not {reason!r}')
        return Troupe.Resolver.reject(self, make_error(reason))


Resolver = override(Resolver)
__all__.append('Resolver')


# Coroutines

class Coroutine:
    """An async function under way. Steps of the promises that it awaits go on with it, so it runs in turns of its actor."""

    def __init__(self, coroutine, where):
        self.coroutine = coroutine
        self.where = where
        self.awaited = None
        self.is_cancelled = False

    def advance(self):
        """Runs it up to the next await."""
        if self.awaited is None:
            return self.coroutine.send(None)
        if self.awaited.has_value():
            return self.coroutine.send(self.awaited.propagate_value())
        return self.coroutine.throw(self.awaited.steal_error())

    def check(self, awaited):
        while not isinstance(awaited, Troupe.Promise):
            awaited = self.coroutine.throw(TypeError(
                f'promises of Troupe can be awaited here, and async functions that await them, but not {awaited!r}: '
                'Troupe.call_async() makes a promise of an operation of GIO; asyncio needs a loop of its own'))
        return awaited

    def go_on(self, _=None):
        """Without a stack for what is there already. Who waits for it goes on outside of what is caught here, which is none of theirs."""
        try:
            while self.awaited is None or self.awaited.is_resolved():
                self.awaited = self.check(self.advance())
            self.awaited.add_both(Continuation(self))
            return
        except StopIteration as end:
            settle, outcome = self.resolver.resolve, end.value
        except Exception as exception:
            settle, outcome = self.resolver.reject, to_error(exception, self.where)
        settle(outcome)

    def cancel(self, _):
        self.is_cancelled = True
        if self.awaited is not None:
            self.awaited.cancel()


class Continuation:
    """The step that goes on with a coroutine. One that is dropped instead, because its actor has ended, closes it: finally is final."""

    def __init__(self, task):
        self.task = task

    def __call__(self, _):
        task, self.task = self.task, None
        task.go_on()

    def __del__(self):
        if self.task is not None:
            self.task.coroutine.close()


def check_coroutine(coroutine):
    if isinstance(coroutine, collections.abc.Coroutine):
        return
    if callable(coroutine):
        raise TypeError(f'a coroutine is expected, what an async function returns: {describe(coroutine)}()')
    raise TypeError(f'a coroutine is expected, what an async function returns, and not {coroutine!r}')


def launch(coroutine, where=None):
    check_coroutine(coroutine)
    task = Coroutine(coroutine, where or f'{describe(coroutine)}() failed')
    promise, task.resolver = Troupe.Promise.new_with_canceller(task.cancel)
    task.go_on()
    return promise, task


def start(coroutine):
    """Starts what an async function returned, up to its first await, and makes a promise of what becomes of it."""
    return launch(coroutine)[0]


__all__.append('start')


def run(coroutine, system=None):
    """Turns the main loop until an async function has come to its end; gives what it returns, and raises what it raises.

    Then SYSTEM ends, or the default one if there is one, and is waited for, as it is after SIGINT, which raises KeyboardInterrupt, and SIGTERM, which
    raises SystemExit; the function is cancelled then. A system that others run goes on.
    """
    check_coroutine(coroutine)
    loop = GLib.MainLoop()
    outcome, terminated = [], []

    async def main():
        try:
            outcome.append((await coroutine, None))
        except Exception as exception:
            outcome.append((None, exception))

    def terminate():
        terminated.append(SystemExit(128 + signal.SIGTERM))
        loop.quit()
        return True

    # A program that has a handler of its own keeps that.
    is_taken = signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    taken = GLib.unix_signal_add(GLib.PRIORITY_HIGH, signal.SIGTERM, terminate) if is_taken else None
    promise = start(main())
    try:
        if not promise.is_resolved():
            promise.add_both(lambda _: loop.quit())
            loop.run()
    finally:
        if is_taken:
            GLib.source_remove(taken)
        promise.cancel()
        end_system(system or System.troupe_default)
    if terminated:
        raise terminated[0]
    promise.propagate_value()
    value, exception = outcome[0]
    if exception is not None:
        raise exception
    return value


def end_system(system):
    """Ends it, if nobody else sees to that."""
    try:
        if system is not None:
            system.shutdown_sync()
    except GLib.Error as error:
        if not error.matches(Troupe.error_quark(), Troupe.Error.ALREADY_RUNNING):
            raise name_error(error) from None


__all__.append('run')


def sleep(delay_ms):
    """Promises nothing but that it resolves in so many milliseconds."""
    return Troupe.sleep(check_ms('sleep', delay_ms))


__all__.append('sleep')


async def gather(*awaitables):
    """Awaits several promises or async functions at a time, and gives a list of what they bring. The first error cancels the others."""
    def note(number, promise):
        if promise.has_value():
            values[number] = promise.value
        else:
            errors.append(promise.steal_error())
        left.discard(number)
        if (errors or not left) and not resolver.is_resolved():
            resolver.resolve()

    promises = [start(awaitable) if inspect.iscoroutine(awaitable) else awaitable for awaitable in awaitables]
    values, errors, left = [None] * len(promises), [], set(range(len(promises)))
    done, resolver = Troupe.Promise.new()
    try:
        for number, promise in enumerate(promises):
            promise.add_both(functools.partial(note, number))
        if promises:
            await done
        else:
            resolver.resolve()
    finally:
        for promise in promises:
            promise.cancel()
    if errors:
        raise errors[0]
    return values


__all__.append('gather')


def call_async(begin, finish, *arguments):
    """Makes a promise of an operation of GIO: of what FINISH returns, after BEGIN with ARGUMENTS.

    They are those before the cancellable, which is triggered when the promise is cancelled:
    await Troupe.call_async(file.load_contents_async, file.load_contents_finish)
    """
    def is_ready(_, result):
        # Nobody may want it any more.
        with contextlib.suppress(GLib.Error):
            try:
                resolver.resolve_value(GObject.Value(GObject.TYPE_PYOBJECT, finish(result)))
            except Exception as exception:
                resolver.reject(make_error(exception))

    cancellable = Gio.Cancellable()
    promise, resolver = Troupe.Promise.new_with_canceller(lambda _: cancellable.cancel())
    begin(*arguments, cancellable, is_ready)
    return promise


__all__.append('call_async')


# Actors

def find_body_type(body_type):
    if isinstance(body_type, GObject.GType):
        return body_type
    if body_type is None or isinstance(body_type, type) and body_type in BODY_TYPES:
        return BODY_TYPES[body_type]
    if isinstance(body_type, type) and hasattr(body_type, '__gtype__'):
        return body_type.__gtype__
    raise TypeError(f'a handler\'s type is bool, int, float, str, bytes, dict, list, object or a type of GObject, and not {body_type!r}')


def handler(name, body_type=None, *, message=False):
    """Says that a method handles messages of a name.

    It is called with the body, if it has one, and what it returns is the answer to an ask; an async method may await promises.
    BODY_TYPE is bool, int (64 bits), float, str, bytes, dict or list (JSON), a type of GObject, or object for whatever comes.
    With MESSAGE it is called with the message instead, of whatever body if it names no type.
    """
    if not isinstance(name, str):
        raise TypeError("handler() takes the name of a message: @Troupe.handler('add', int)")
    kind = find_body_type(object if message and body_type is None else body_type)

    def decorate(function):
        function.__dict__.setdefault('troupe_handles', []).append((name, kind, message))
        return function
    return decorate


__all__.append('handler')


def finish_later(actor, message, coroutine):
    """Answers with what an async handler returns; what it raises fails the actor, unless that is because nobody wants the answer."""
    promise, task = launch(coroutine, describe_handler(actor, message))
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


def describe_handler(actor, message):
    return f'{actor.get_ref().dup_path()} failed in handler “{message.name}”'


def refuse(actor, message):
    """A body that is no number."""
    if not message.wants_reply():
        return Troupe.Actor.do_unhandled(actor, message)
    message.reply_error(GLib.Error.new_literal(
        Troupe.error_quark(), f'{type(actor).__name__} takes a number with “{message.name}”, not {message.get_body_type().name}',
        Troupe.Error.BODY_TYPE))
    return True


def make_handler(attribute, kind, whole):
    """The method is looked up each time: a derived class may have one of its own."""
    def handle(actor, message):
        try:
            return call_handler(actor, message)
        except Exception as exception:
            raise to_error(exception, describe_handler(actor, message)) from None

    def call_handler(actor, message):
        if kind == GObject.TYPE_DOUBLE and message.get_body_type() not in NUMBERS:
            return refuse(actor, message)
        method = getattr(actor, attribute)
        if whole:
            answer = method(message)
        elif kind == GObject.TYPE_NONE:
            answer = method()
        elif kind == GObject.TYPE_DOUBLE:
            answer = method(float(message.body))
        else:
            answer = method(message.body)
        if inspect.iscoroutine(answer):
            answer = finish_later(actor, message, answer)
        elif whole and answer is None:
            return True
        if message.wants_reply():
            message.answer(answer)
        return True
    return handle


# Virtual functions

def find_virtuals(bases):
    """Those of the library, by the names that they have here."""
    return {'do_' + info.get_name(): info
            for base in bases for ancestor in base.__mro__ if hasattr(ancestor.__dict__.get('__info__'), 'get_vfuncs')
            for info in ancestor.__info__.get_vfuncs() if info.get_namespace() == 'Troupe'}


def count_lengths(info):
    """C has the length of an array beside it."""
    return sum(argument.get_type().get_array_length() >= 0 for argument in info.get_arguments()
               if argument.get_type().get_tag_as_string() == 'array')


def find_returned(info):
    """What a virtual function gives, if that is a type of the library."""
    kind = info.get_return_type()
    return kind.get_interface().get_name() if kind.get_tag_as_string() == 'interface' else kind.get_tag_as_string()


def check_returned(name, kind, answer):
    if answer is None:
        return
    if kind == 'Ref' and not isinstance(answer, Troupe.Ref):
        raise TypeError(f'{name}() returns an address, as that of a child, and not {answer!r}: return self.spawn(None, Echo)')
    if kind == 'Promise' and not isinstance(answer, Troupe.Promise):
        raise TypeError(f'{name}() returns a promise, or is async, and does not return {answer!r}')


def find_nearest(kind):
    """Finds the class of the library that a class is, or is derived from."""
    return next(base for base in kind.__mro__ if '__info__' in vars(base))


def make_decision(function):
    """What does not decide leaves that to the supervision."""
    @functools.wraps(function)
    def do_child_failed(self, child, error):
        directive = function(self, child, error)
        return find_nearest(type(self)).do_child_failed(self, child, error) if directive is None else directive
    return do_child_failed


def make_virtual(where, function, info):
    """What says nothing has done its work; an async one gives a promise, or where none is wanted fails its actor if it fails.

    One that does not take the length of an array does not get it.
    """
    if info.get_name() == 'child_failed':
        function = make_decision(function)
    n_arguments = 1 + len(info.get_arguments())
    n_taken = n_arguments - count_lengths(info)
    if takes(function, n_arguments):
        n_taken = n_arguments
    elif not takes(function, n_taken):
        raise TypeError(f'{where}() is called with {n_taken} arguments, self among them')
    if n_taken == n_arguments and not info.can_throw_gerror():
        return function
    kind = find_returned(info)

    @functools.wraps(function)
    def virtual(*arguments):
        if len(arguments) < n_taken:
            # Called by super(), with no length.
            arguments += (len(arguments[-1]),)
        answer = function(*arguments[:n_taken])
        if inspect.iscoroutine(answer):
            answer = start(answer)
            if kind == 'gboolean':
                answer.or_fail()
                answer = True
        check_returned(where, kind, answer)
        return True if kind == 'gboolean' and answer is None else answer
    return guard(virtual) if info.can_throw_gerror() else virtual


def make_init(function):
    """An actor whose __init__() raises fails as soon as it starts: what constructs it knows of no exceptions."""
    can_spawn = takes(function, 1)

    @functools.wraps(function)
    def init(self, *arguments, **properties):
        try:
            if not (can_spawn or arguments or properties):
                raise TypeError(f'{describe(function)}() gets no arguments: what an actor is given is a GObject.Property')
            function(self, *arguments, **properties)
        except Exception as exception:
            if type(self).__init__ is not init:
                raise
            self.troupe_init_failed = exception
    return init


def make_started(function):
    @functools.wraps(function)
    def do_started(self):
        exception = self.__dict__.pop('troupe_init_failed', None)
        if exception is not None:
            raise exception
        return function(self)
    return do_started


def start_parent(name, owners):
    """Makes the do_started() of a class that has none; the class itself comes later."""
    def do_started(self):
        return super(owners[0], self).do_started()

    do_started.__qualname__ = f'{name}.__init__'
    return do_started


def make_virtuals(name, bases, namespace, owners):
    """Gives the namespace of a class with its virtual functions made so."""
    virtuals = find_virtuals(bases)
    made = dict(namespace)
    if isinstance(namespace.get('__init__'), types.FunctionType):
        made['__init__'] = make_init(namespace['__init__'])
        if 'do_started' not in namespace:
            made['do_started'] = make_virtual(f'{name}.do_started', make_started(start_parent(name, owners)), virtuals['do_started'])
    for key, value in namespace.items():
        if not isinstance(value, types.FunctionType):
            continue
        # As Twisted has it: lineReceived.
        meant = 'do_' + re.sub('[A-Z]', lambda letter: '_' + letter[0].lower(), key)
        if meant != 'do_' + key and meant in virtuals:
            warnings.warn(f'{name}.{key}() is no virtual function; is {meant}() meant?', RuntimeWarning, stacklevel=3)
        if not key.startswith('do_'):
            continue
        if key in virtuals:
            made[key] = make_virtual(f'{name}.{key}', make_started(value) if key == 'do_started' else value, virtuals[key])
        elif not any(hasattr(base, key) for base in bases):
            warn_of_virtual(name, key, virtuals)
    return made


def warn_of_virtual(name, key, virtuals):
    """A virtual function that is not there would never be called, and nobody would know why."""
    for kind in (Troupe.JsonProtocol, Troupe.Client):
        if key in find_virtuals([kind]):
            warnings.warn(f'{name}.{key}() is no virtual function here: it is one of Troupe.{kind.__name__}', RuntimeWarning, stacklevel=4)
            return
    for similar in difflib.get_close_matches(key, virtuals, 1, .8):
        warnings.warn(f'{name}.{key}() is no virtual function; is {similar}() meant?', RuntimeWarning, stacklevel=4)


class VirtualFunction:
    """A virtual function of a class of the library, which super() binds to the instance.

    What it calls is that of the nearest class of the library. As gi leaves it, super() would find the instance's own class again, and so on for ever.
    """

    def __init__(self, info):
        self.info = info

    def __get__(self, instance, owner):
        function = self.info.__get__(None, find_nearest(owner))
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
            check_handlers(name, namespace)
            owners = []
            namespace = make_virtuals(name, bases, namespace, owners)
            cls = super().__new__(mcs, name, bases, namespace, **arguments)
            owners.append(cls)
            return cls
        return super().__new__(mcs, name, bases, namespace, **arguments)

    def __init__(cls, name, bases, namespace, **arguments):
        super().__init__(name, bases, namespace, **arguments)
        if cls.__module__.startswith('gi.repository.'):
            bind_virtual_functions(cls)
        for attribute, value in namespace.items():
            for message_name, kind, whole in getattr(value, 'troupe_handles', ()):
                # A whole number is a number, too.
                accepted = GObject.TYPE_VALUE if kind == GObject.TYPE_DOUBLE else kind
                cls.bind(message_name, accepted, make_handler(attribute, kind, whole))

    def __call__(cls, *_, **__):
        raise TypeError(f'{cls.__name__} is an actor: spawn() makes one')


def check_handlers(name, namespace):
    """What is wrong with a class is better known before its first message."""
    found = {}
    for attribute, value in namespace.items():
        for message_name, kind, whole in getattr(value, 'troupe_handles', ()):
            if message_name in found:
                raise TypeError(f'{name} has two handlers of “{message_name}”: {found[message_name]}() and {attribute}()')
            found[message_name] = attribute
            what = ['self'] if not whole and kind == GObject.TYPE_NONE else ['self', 'message' if whole else 'body']
            if not takes(value, len(what)):
                raise TypeError(f'{name}.{attribute}() handles “{message_name}”, and so is to take ({", ".join(what)})')


def spawn_arguments(names, values, properties):
    """As the library wants them; a class is given as its type."""
    if not isinstance(names, (list, tuple)):
        raise TypeError('the properties of an actor are given by name: spawn(None, Counter, step=3)')
    values = [GObject.Value(TYPE_GTYPE, value) if hasattr(value, '__gtype__') and isinstance(value, type) else value
              for value in (*values, *properties.values())]
    return [*names, *(name.replace('_', '-') for name in properties)], values


def check_actor(kind):
    if not is_class(kind, Troupe.Actor) and not isinstance(kind, GObject.GType):
        raise TypeError(f'what is spawned is a class derived from Troupe.Actor, and not {kind!r}')
    return kind


class Actor(Troupe.Actor, metaclass=ActorType):

    def spawn(self, name, kind, names=(), values=(), /, **properties):
        """Spawns a child; its properties may be given by name."""
        return Troupe.Actor.spawn(self, name, check_actor(kind), *spawn_arguments(names, values, properties))

    def spawn_on(self, reactor, name, kind, names=(), values=(), /, **properties):
        return Troupe.Actor.spawn_on(self, reactor, name, check_actor(kind), *spawn_arguments(names, values, properties))

    def call_later(self, delay_ms, function, *data):
        return Troupe.Actor.call_later(self, check_ms('call_later', delay_ms), guard(function), *data)


Actor = override(Actor)
__all__.append('Actor')


class Transport(Troupe.Transport):

    def write(self, data):
        """Sends bytes, or text as UTF-8."""
        Troupe.Transport.write(self, to_bytes('write', data))


Transport = override(Transport)
__all__.append('Transport')


class LineProtocol(Troupe.LineProtocol):

    def send_line(self, line):
        """Sends a line of bytes, or of text as UTF-8, and the delimiter."""
        Troupe.LineProtocol.send_line(self, to_bytes('send_line', line))

    def set_delimiter(self, delimiter):
        """Sets what ends a line, CRLF at first; None for LF with or without CR."""
        Troupe.LineProtocol.set_delimiter(self, None if delimiter is None else to_bytes('set_delimiter', delimiter).decode())

    def set_line_mode(self, extra=None):
        """Goes back to lines; EXTRA is what came of them already."""
        return Troupe.LineProtocol.set_line_mode(self, None if extra is None else to_bytes('set_line_mode', extra))


LineProtocol = override(LineProtocol)
__all__.append('LineProtocol')


def find_factory(system, function, factory, name=None):
    """Where a factory is wanted, a class will do: of the factory, or of its protocols."""
    if isinstance(factory, Troupe.Ref):
        return factory
    if is_class(factory, Troupe.Protocol):
        return system.spawn_factory(name, factory)
    if is_class(factory, Troupe.Factory):
        return system.spawn(name, factory)
    raise TypeError(f'{function}() takes a class of protocols, such as Troupe.LineProtocol, or the address of a factory, and not {factory!r}')


def listen(system, endpoint, factory):
    """Listens, and has FACTORY spawn a protocol for each connection; a class of protocols gets a factory of its own."""
    return Troupe.listen(system, endpoint, find_factory(system, 'listen', factory))


__all__.append('listen')


def connect(system, endpoint, factory):
    """Promises the address of a connection, a protocol that FACTORY spawns; a class of protocols has one factory for all."""
    known = name = None
    if isinstance(factory, type) and hasattr(factory, '__gtype__'):
        name = 'connections of ' + factory.__gtype__.name
        known = system.lookup('/' + name)
    return Troupe.connect(system, endpoint, known or find_factory(system, 'connect', factory, name))


__all__.append('connect')


class JsonProtocol(Troupe.JsonProtocol):

    def send(self, body):
        """Sends a dictionary as one line."""
        self.send_text(to_json(body))


JsonProtocol = override(JsonProtocol)
__all__.append('JsonProtocol')


class System(Troupe.System):

    troupe_default = None

    @classmethod
    def get_default(cls):
        System.troupe_default = Troupe.System.get_default()
        return System.troupe_default

    def spawn(self, name, kind, names=(), values=(), /, **properties):
        """Spawns an actor at the top; its properties may be given by name."""
        return Troupe.System.spawn(self, name, check_actor(kind), *spawn_arguments(names, values, properties))

    def spawn_on(self, reactor, name, kind, names=(), values=(), /, **properties):
        return Troupe.System.spawn_on(self, reactor, name, check_actor(kind), *spawn_arguments(names, values, properties))


    def listen(self, endpoint, factory):
        """Listens at an endpoint, such as tcp:8025, for connections of a class of protocols, or of a factory."""
        return listen(self, endpoint, factory)

    def connect_to(self, endpoint, factory):
        """Connects to an endpoint, such as tcp:example.org:80, by a class of protocols, or by a factory; promises the connection's address."""
        return connect(self, endpoint, factory)


System = override(System)
__all__.append('System')


class Reactor(Troupe.Reactor):

    def call_later(self, delay_ms, function, *data):
        return Troupe.Reactor.call_later(self, check_ms('call_later', delay_ms), guard(function), *data)


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

    def start(self, interval_ms, at_once=True):
        return Troupe.LoopingCall.start(self, check_ms('start', interval_ms), at_once)


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


def refuse_to_make(how):
    def refuse(self, *_, **__):
        raise TypeError(f'{type(self).__name__} is made by {how}')
    return refuse


for name, how in {
        'Clock': 'Troupe.Clock.new()',
        'CooperativeTask': 'Troupe.Cooperator.add()',
        'FileLock': 'Troupe.FileLock.new()',
        'Port': 'Troupe.listen()',
        'Reactor': 'its system',
        'System': 'Troupe.System.new()',
        'Transport': 'its connection',
}.items():
    getattr(Troupe, name).__init__ = refuse_to_make(how)


# Times

def check_times(kind, name, *positions):
    """Checks the milliseconds among the arguments of a method."""
    method = getattr(kind, name)

    def checked(self, *arguments, **named):
        for position in positions:
            for number in arguments[position:position + 1]:
                check_ms(name, number)
        return method(self, *arguments, **named)
    setattr(kind, name, checked)


check_times(Troupe.Timer, 'reset', 0)
check_times(Actor, 'set_receive_timeout', 0)
check_times(System, 'set_shutdown_timeout', 0)
check_times(Troupe.Supervision, 'set_intensity', 1)
check_times(Troupe.Supervision, 'set_back_off', 0, 1)
