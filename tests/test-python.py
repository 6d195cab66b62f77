#!/usr/bin/env python3
# test-python.py
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tries what bindings/gi/overrides/Troupe.py adds for Python: handlers that are methods, bodies, exceptions, and await."""

import asyncio
import contextlib
import functools
import gc
import logging
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import unittest
import warnings

try:
    from gi import require_version
except ImportError:
    print('skipped: gi is missing (python3-gi)')
    sys.exit(77)

require_version('Troupe', '1')
from gi.repository import Gio, GLib, GObject, Troupe


class Counter(Troupe.Actor):
    step = GObject.Property(type=int, default=1)
    total = 0

    @Troupe.handler('add', int)
    def add(self, number):
        self.total += self.step * number

    @Troupe.handler('total')
    def get_total(self):
        return self.total

    @Troupe.handler('echo', GObject.Value)
    @Troupe.handler('echo-json', dict)
    def echo(self, body):
        return body

    @Troupe.handler('fail')
    def fail_now(self):
        raise ValueError('I give up')

    @Troupe.handler('refuse')
    def refuse(self):
        raise GLib.Error.new_literal(Gio.io_error_quark(), 'Busy', Gio.IOErrorEnum.BUSY)

    @Troupe.handler('fail-later')
    def fail_later(self):
        def fail(timer):
            raise ValueError('too late')
        self.call_later(0, fail)

    @Troupe.handler('promise')
    def give_promise(self):
        return Troupe.Promise.new_resolved('promised')

    @Troupe.handler('whole', str, message=True)
    def whole(self, message):
        self.debt = message.defer_reply()
        self.call_later(0, lambda timer: self.debt.resolve([message.name, message.body]))

    @Troupe.handler('object', object)
    def take_object(self, body):
        return body

    @Troupe.handler('any', message=True)
    def take_any(self, message):
        message.answer(message.body)

    @Troupe.handler('fail-wait')
    async def fail_wait(self):
        await Troupe.sleep(1)
        raise ValueError('I give up')

    @Troupe.handler('silent', message=True)
    def silent(self, message):
        pass


class Twice(Counter):
    """Has a method of its own where its parent's is bound, and a name more."""

    def add(self, number):
        super().add(2 * number)

    @Troupe.handler('clear')
    def clear(self):
        self.total = 0


class Waiter(Troupe.Actor):
    """Waits in its turns. What happens there is in its story."""

    story = []
    other = GObject.Property(type=Troupe.Ref)

    @Troupe.handler('sender', message=True)
    def sender(self, message):
        return message.get_sender().dup_path()

    @Troupe.handler('who-asks')
    async def who_asks(self):
        """After a wait it is still this actor that asks."""
        await Troupe.sleep(1)
        return await self.other.ask('sender')

    @Troupe.handler('sleep')
    async def sleep(self):
        try:
            await Troupe.sleep(100000)
        except GLib.Error as error:
            self.story.append(error.message)
            raise
        finally:
            self.story.append('finally')

    @Troupe.handler('ping')
    def ping(self):
        return 'pong'

    @Troupe.handler('at-once')
    async def at_once(self):
        return {'at': 'once'}

    @Troupe.handler('fail')
    async def fail_at_once(self):
        raise KeyError('at once')

    @Troupe.handler('fail-later')
    async def fail_later(self):
        await Troupe.sleep(1)
        raise KeyError('later')

    @Troupe.handler('catch')
    async def catch(self):
        try:
            await self.other.ask('fail-later')
        except GLib.Error as error:
            return error.message

    @Troupe.handler('helper')
    async def helper(self):
        return [await self.read(number) for number in range(3)]

    async def read(self, number):
        await Troupe.sleep(0)
        return number


class Parent(Troupe.Actor):
    """Notes why its child failed."""

    seen = []

    def do_started(self):
        self.child = self.spawn('child', Waiter)

    def do_child_failed(self, child, error):
        self.seen.append(error.message)
        return Troupe.Directive.STOP

    def do_unhandled(self, message):
        message.forward(self.child)


class Undecided(Troupe.Actor):

    seen = []

    def do_started(self):
        self.child = self.spawn('child', Counter)

    def do_child_failed(self, child, error):
        self.seen.append(error.message)

    def do_unhandled(self, message):
        message.forward(self.child)


class Patient(Troupe.Actor):
    """Takes its time to start."""

    fails = GObject.Property(type=bool, default=False)
    story = []

    async def do_started(self):
        await Troupe.sleep(1)
        if self.fails:
            raise KeyError('late')
        self.story.append('started')

    @Troupe.handler('ping')
    def ping(self):
        return 'pong'


class Virtual(Troupe.Actor):
    """Its virtual functions say nothing, or raise."""

    def do_receive(self, message):
        if message.name == 'fail':
            raise LookupError('not here')
        message.answer((message.name, message.body))


class Shouter(Troupe.LineProtocol):

    def do_line_received(self, line, length):
        if line == b'fail':
            raise ValueError('no')
        self.send_line(line.upper())

    @Troupe.handler('say', str)
    def say(self, text):
        self.send_line(text.encode())


class Elder(Troupe.Actor):
    """Calls what it overrides by super(), as its child class does."""

    told = []

    def do_started(self):
        self.told.append('elder')
        return super().do_started()

    def do_receive(self, message):
        self.told.append(message.name)
        return super().do_receive(message)

    def do_stopped(self):
        super().do_stopped()
        self.told.append('stopped')

    @Troupe.handler('answer')
    def answer(self):
        return 42


class Younger(Elder):

    def do_started(self):
        self.told.append('younger')
        super().do_started()


class Listener(Troupe.LineProtocol):

    heard = []

    def do_data_received(self, data, length):
        self.heard.append(length)
        return super().do_data_received(data)

    def do_line_received(self, line, length):
        self.heard.append(line)
        return super().do_line_received(line)

    def do_connection_lost(self, reason):
        self.heard.append(reason.message)
        super().do_connection_lost(reason)


class Texts(Troupe.LineProtocol):
    """Sends text, bytes, and what is neither."""

    heard = []

    def do_connection_made(self):
        self.set_delimiter(b';')
        self.send_line('ü')
        self.set_delimiter(';')
        self.send_line(b'b')
        self.get_transport().write(b'raw,')
        self.get_transport().write('ü;')

    def do_data_received(self, data):
        self.heard.append(data)
        return super().do_data_received(data)

    def do_line_received(self, line):
        self.heard.append(line)
        for function, wrong in ((self.send_line, 5), (self.get_transport().write, None)):
            try:
                function(wrong)
            except TypeError as error:
                self.heard.append(str(error))


class Host(Troupe.LineProtocol):
    """Answers a line, and hangs up."""

    def do_connection_made(self):
        self.set_delimiter(None)

    def do_line_received(self, line):
        self.send_line(line.upper())
        self.get_transport().lose_connection()


class WrongHost(Troupe.Factory):

    def do_build_protocol(self, peer):
        self.spawn(None, Host)
        return self


class Caller(Troupe.LineProtocol):

    heard = []
    calls = []

    def do_connection_made(self):
        self.calls.append(self.get_ref())
        self.set_delimiter(None)
        self.send_line('who is there?')

    def do_line_received(self, line):
        self.heard.append(line)


class Unborn(Troupe.Actor):

    def __init__(self, **properties):
        super().__init__(**properties)
        raise ValueError('not today')

    @Troupe.handler('ping')
    def ping(self):
        return 'pong'


class UnbornChild(Unborn):

    def __init__(self, **properties):
        super().__init__(**properties)
        self.is_half_made = True

    def do_started(self):
        raise KeyError('never called')


class Sized(Troupe.Actor):

    def __init__(self, size):
        super().__init__()
        self.size = size

    @Troupe.handler('size')
    def get_size(self):
        return self.size


class Small(Sized):

    def __init__(self):
        super().__init__(3)


class Midwife(Troupe.Actor):
    """Has a child that is not born."""

    seen = []

    def do_child_failed(self, child, error):
        self.seen.append(error.message)
        return Troupe.Directive.STOP

    @Troupe.handler('ping')
    def ping(self):
        return self.spawn(None, self.child_type).ask('ping')


PROGRAM = """
import gi
gi.require_version('Troupe', '1')
from gi.repository import GLib, Troupe

class Witness(Troupe.Actor):
    def do_stopped(self):
        print('stopped', flush=True)

async def give(value):
    Troupe.System.get_default().spawn(None, Witness)
    await Troupe.sleep(1)
    return value

async def fail():
    raise KeyError(await give('mine'))

async def wait():
    await give(None)
    print('ready', flush=True)
    try:
        await Troupe.sleep(100000)
    except Troupe.Cancelled as error:
        print(type(error).__name__, flush=True)
        raise

"""


class Measurer(Troupe.LineProtocol):

    heard = []

    def do_line_received(self, line, length):
        self.heard.append((line, length))


class Ignorer(Measurer):

    def do_line_received(self, line):
        super().do_line_received(line)


class Greeting(Troupe.LineProtocol):
    """Passes on what the service says."""

    def do_line_received(self, line, length):
        self.get_factory().send('said', line.decode())

    @Troupe.handler('say', str)
    def say(self, text):
        self.send_line(text.encode())


class Link(Troupe.Client):
    """Has a connection that counts as soon as the service has greeted it."""

    told = []

    def do_connecting(self):
        self.told.append('connecting')
        super().do_connecting()

    async def do_prepare_connection(self, connection):
        self.greeting, self.resolver = Troupe.Promise.new()
        connection.send('say', 'login')
        greeting = await self.greeting
        self.told.append(greeting)
        if greeting != 'welcome':
            raise ValueError(greeting)

    def do_connected(self, connection):
        self.told.append('connected')
        assert self.get_connection().dup_path() == connection.dup_path()
        super().do_connected(connection)

    def do_disconnected(self, disconnection):
        self.told.append((disconnection.get_error().message, disconnection.get_delay_ms() >= 0, disconnection.get_n_failures()))
        super().do_disconnected(disconnection)

    @Troupe.handler('said', str)
    def said(self, text):
        self.resolver.resolve_string(text)


class News(Troupe.Actor):
    """Hears what a client has to tell."""

    heard = []

    @Troupe.handler('connected', Troupe.Ref, message=True)
    @Troupe.handler('disconnected', Troupe.Disconnection, message=True)
    def hear(self, message):
        self.heard.append((message.name, type(message.body).__name__))


def until(condition):
    while not condition():
        GLib.MainContext.default().iteration(True)


class PythonTest(unittest.TestCase):

    def setUp(self):
        self.system = Troupe.System.new(None, None)
        Waiter.story.clear()
        Parent.seen.clear()

    def tearDown(self):
        self.system.shutdown()
        until(self.system.has_ended)
        # What was unhandled would be told when it is collected.
        gc.collect()

    def outcome(self, promise):
        async def wait():
            return await promise
        return Troupe.run(wait())

    @contextlib.contextmanager
    def assertFails(self, message, code=Troupe.Error.FAILED, domain=None):
        with self.assertRaises(GLib.Error) as caught:
            yield
        self.assertTrue(caught.exception.matches(domain or Troupe.error_quark(), code), caught.exception)
        self.assertEqual(caught.exception.message, message)

    def test_handlers(self):
        """Methods get bodies and return answers; properties are given by name."""
        counter = self.system.spawn('hits', Counter, step=3)
        counter.send('add', 5)
        counter.send('add', 37)
        self.assertEqual(self.outcome(counter.ask('total')), 126)
        self.assertIsNone(self.outcome(counter.ask('add', 1)))
        self.assertEqual(self.outcome(counter.ask('promise')), 'promised')

    def test_types(self):
        """A property that is a type is given as a class."""
        factory = self.system.spawn('shop', Troupe.Factory, protocol_type=Shouter)
        ours, theirs = socket.socketpair()
        with ours, theirs:
            self.outcome(Troupe.adopt_connection(self.system, ours.fileno(), factory))
            theirs.send(b'hello\r\n')
            theirs.setblocking(False)
            heard = []
            while not heard:
                GLib.MainContext.default().iteration(True)
                with contextlib.suppress(BlockingIOError):
                    heard.append(theirs.recv(100))
        self.assertEqual(heard, [b'HELLO\r\n'])

    def test_super(self):
        """What is overridden is called by super(), through classes of Python to the one of the library."""
        Elder.told.clear()
        younger = self.system.spawn(None, Younger)
        self.assertEqual(self.outcome(younger.ask('answer')), 42)
        younger.stop()
        until(younger.has_ended)
        self.assertEqual(Elder.told, ['younger', 'elder', 'answer', 'stopped'])

    def test_super_in_between(self):
        """The nearest class of the library may have got it from its parent, or have its own."""
        Listener.heard.clear()
        ours, theirs = socket.socketpair()
        with ours, theirs:
            factory = self.system.spawn(None, Troupe.Factory, protocol_type=Listener)
            connection = self.outcome(Troupe.adopt_connection(self.system, ours.fileno(), factory))
            theirs.send(b'hello\r\n')
        until(connection.has_ended)
        self.assertEqual(Listener.heard, [7, b'hello', 'Connection closed'])

    def accept(self, server):
        """Waits for a client, and hears it log in."""
        server.setblocking(False)
        peers = []
        end = time.monotonic() + 20
        while not peers:
            self.assertLess(time.monotonic(), end, f'nobody has connected: {Link.told}')
            GLib.MainContext.default().iteration(False)
            with contextlib.suppress(BlockingIOError):
                peers.append(server.accept()[0])
        peer = peers[0]
        peer.setblocking(False)
        heard = b''
        while not heard.endswith(b'\r\n'):
            self.assertLess(time.monotonic(), end, f'heard only {heard}')
            GLib.MainContext.default().iteration(False)
            with contextlib.suppress(BlockingIOError):
                heard += peer.recv(100)
        self.assertEqual(heard, b'login\r\n')
        return peer

    def test_client(self):
        """A client keeps a connection; an async function prepares it, and whoever asks is told when it is there."""
        Link.told.clear()
        News.heard.clear()
        news = self.system.spawn('news', News)
        for kind in ('connected', 'disconnected'):
            self.system.subscribe(f'$system/{kind}/link', news)
        server = socket.create_server(('127.0.0.1', 0))
        link = self.system.spawn('link', Link, endpoint=f'tcp:127.0.0.1:{server.getsockname()[1]}', protocol_type=Greeting,
                                 first_delay_ms=1, longest_delay_ms=2)
        with server:
            with self.accept(server) as peer:
                peer.send(b'full\r\n')
                with self.assertFails('ValueError: full'):
                    self.outcome(link.ask('when-connected', 1))
            with self.accept(server) as peer:
                peer.send(b'welcome\r\n')
                connection = self.outcome(link.ask('when-connected'))
                self.assertEqual(self.outcome(link.ask('connect-now')).dup_path(), connection.dup_path())
            until(lambda: len(News.heard) == 3)
        link.stop()
        until(link.has_ended)
        self.assertEqual(Link.told[:6], ['connecting', 'full', ('ValueError: full', True, 1), 'connecting', 'welcome', 'connected'])
        self.assertEqual(Link.told[6], ('Connection closed', True, 1))
        self.assertEqual(Link.told[-1][1], False)
        until(lambda: len(News.heard) >= 4)
        self.assertEqual(News.heard[:3], [('disconnected', 'Disconnection'), ('connected', 'Ref'), ('disconnected', 'Disconnection')])

    def test_derived(self):
        """A derived class replaces methods, and adds names."""
        counter = self.system.spawn(None, Twice)
        counter.send('add', 5)
        self.assertEqual(self.outcome(counter.ask('total')), 10)
        counter.send('clear')
        self.assertEqual(self.outcome(counter.ask('total')), 0)

    def test_bodies(self):
        """Every value comes back as it went, and may be kept."""
        counter = self.system.spawn(None, Counter)
        thing = object()
        for body in (True, 0, -1, -1 << 63, (1 << 64) - 1, 0.5, 'naïve', '', b'', b'\0\xff', [], {}, {'a': [1, None, 'ü', {'b': True}]},
                     None, thing, {1}, self.system, Counter):
            with self.subTest(body=body):
                answer = self.outcome(counter.ask('echo', body))
                self.assertEqual(answer, body)
                self.assertIs(type(answer), type(body))
        self.assertEqual(self.outcome(counter.ask('echo', (1, 2))), [1, 2])
        self.assertEqual(self.outcome(counter.ask('echo', bytearray(b'x'))), b'x')
        self.assertEqual(self.outcome(counter.ask('echo', counter)).dup_path(), counter.dup_path())
        self.assertEqual(self.outcome(counter.ask('echo', GLib.Variant('(is)', (1, 'a')))).unpack(), (1, 'a'))
        self.assertEqual(self.outcome(counter.ask('echo-json', [1, [2]])), [1, [2]])

    def test_bad_bodies(self):
        """What cannot go is refused where it is sent; what nobody wants does not reach the handler."""
        counter = self.system.spawn(None, Counter)
        with self.assertRaises(TypeError):
            counter.send('echo', {'a': {1}})
        with self.assertRaises(ValueError):
            counter.send('echo', [float('nan')])
        with self.assertRaises(OverflowError):
            counter.send('echo', 1 << 64)
        with self.assertRaises(TypeError):
            counter.send('echo', 1, 2)
        with self.assertRaises(GLib.Error) as caught:
            self.outcome(counter.ask('add', 'five'))
        self.assertTrue(caught.exception.matches(Troupe.error_quark(), Troupe.Error.BODY_TYPE))
        self.assertEqual(self.outcome(counter.ask('total')), 0)

    def test_messages(self):
        """A handler of whole messages answers when it likes, or is told that it did not."""
        counter = self.system.spawn(None, Counter)
        self.assertEqual(self.outcome(counter.ask('whole', 'body')), ['whole', 'body'])
        with self.assertRaises(GLib.Error) as caught:
            self.outcome(counter.ask('silent'))
        self.assertTrue(caught.exception.matches(Troupe.error_quark(), Troupe.Error.BROKEN))

    def test_exceptions(self):
        """Any exception of a handler is its failure, which the asker and the supervisor get."""
        counter = self.system.spawn(None, Counter)
        with self.assertLogs('Troupe') as logged, self.assertFails('ValueError: I give up'):
            self.outcome(counter.ask('fail'))
        self.assertIn('in fail_now', logged.output[0])
        with self.assertNoLogs('Troupe'), self.assertFails('Busy', Gio.IOErrorEnum.BUSY, Gio.io_error_quark()):
            self.outcome(counter.ask('refuse'))

    def test_timers(self):
        """What a timer raises fails the actor."""
        self.system.set_supervision(Troupe.Supervision.new(Troupe.Directive.STOP))
        counter = self.system.spawn(None, Counter)
        with self.assertLogs('Troupe'):
            counter.send('fail-later')
            until(counter.has_ended)

    def test_virtual(self):
        """A virtual function that returns nothing has done its work, and one that raises has failed."""
        actor = self.system.spawn(None, Virtual)
        self.assertEqual(self.outcome(actor.ask('x', 7)), ['x', 7])
        with self.assertLogs('Troupe'), self.assertFails('LookupError: not here'):
            self.outcome(actor.ask('fail'))

    def test_steps(self):
        """Whatever a step raises goes down the chain."""
        def fail(promise):
            raise ValueError(promise.value)

        for add in (Troupe.Promise.add_callback, Troupe.Promise.add_both,
                    lambda promise, step: promise.add_callbacks(step, (), None)):
            promise = Troupe.Promise.new_resolved('no')
            with self.assertLogs('Troupe'):
                add(promise, fail)
            with self.assertFails('ValueError: no'):
                promise.propagate_value()

        promise, resolver = Troupe.Promise.new()
        promise.add_timeout(1, lambda promise: promise.return_string('late'))
        self.assertEqual(self.outcome(promise), 'late')
        with self.assertLogs('Troupe'), self.assertFails('ZeroDivisionError: division by zero'):
            self.outcome(Troupe.Promise.new_in_thread(lambda resolver: 1 / 0))

    def test_objects(self):
        """What is made by calling its class works."""
        queue = Troupe.Queue(2, 1)
        queue.put(1 << 40)
        queue.put({'same': 'dictionary'})
        self.assertEqual(self.outcome(queue.get()), 1 << 40)
        self.assertEqual(self.outcome(queue.get()), {'same': 'dictionary'})

        def stop(loop):
            if len(calls) == 2:
                loop.stop()

        calls = []
        loop = Troupe.LoopingCall(lambda loop, n_ticks: calls.append(n_ticks) or stop(loop))
        self.outcome(loop.start(1, True))
        self.assertEqual(len(calls), 2)

        async def limited():
            return await Troupe.Semaphore(1).run(lambda semaphore: Troupe.Promise.new_resolved(3))
        self.assertEqual(Troupe.run(limited()), 3)

    # Connections

    def test_connections(self):
        """Where a factory is wanted, a class of protocols will do, or one of factories."""
        Caller.heard.clear()
        port = self.system.listen('tcp:0:interface=127.0.0.1', Host)
        where = f'tcp:127.0.0.1:{port.get_address().get_port()}'
        for factory in (Caller, Caller, self.system.spawn_factory('callers', Caller)):
            caller = self.outcome(self.system.connect_to(where, factory))
            until(caller.has_ended)
        self.assertEqual(Caller.heard, [b'WHO IS THERE?'] * 3)
        factories = {call.dup_path().split('/')[1] for call in Caller.calls}
        self.assertEqual(len(factories), 2, factories)

    def test_wrong_connections(self):
        """What is no factory is no factory."""
        for function in (self.system.listen, self.system.connect_to):
            for wrong in (None, 5, Counter, Caller.do_line_received):
                self.assertWrong(TypeError, 'takes a class of protocols, such as Troupe.LineProtocol, or the address of a factory',
                                 function, 'tcp:0:interface=127.0.0.1', wrong)

    def test_wrong_build(self):
        """A factory that gives a protocol and not its address is told what to do."""
        port = self.system.listen('tcp:0:interface=127.0.0.1', WrongHost)
        with socket.socket() as client, self.assertLogs('Troupe') as logged:
            client.connect(('127.0.0.1', port.get_address().get_port()))
            until(lambda: logged.output)
        self.assertIn('WrongHost.do_build_protocol() returns an address', logged.output[0])
        self.assertIn('return self.spawn(None, Echo)', logged.output[0])

    # Where it is

    @unittest.skipUnless(shutil.which('meson'), 'meson is missing')
    def test_devenv(self):
        """Meson knows where the library and what is added for Python are."""
        build = os.environ['GI_TYPELIB_PATH'].split(':')[0]
        environment = {name: value for name, value in os.environ.items()
                       if name not in ('GI_TYPELIB_PATH', 'LD_LIBRARY_PATH', 'PYTHONPATH')}
        program = "import gi; gi.require_version('Troupe', '1'); from gi.repository import Troupe; print(Troupe.handler.__name__)"
        done = subprocess.run(['meson', 'devenv', '-C', build, sys.executable, '-c', program], env=environment, text=True, timeout=60,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        self.assertEqual((done.returncode, done.stdout), (0, 'handler\n'), done.stderr)

    # Ends

    def run_program(self, body, number=None):
        """Runs a program that has an actor, and gives its exit status and what it said; it gets a signal once it is ready."""
        program = subprocess.Popen([sys.executable, '-c', PROGRAM + body], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        with program:
            said = ''
            if number is not None:
                said = program.stdout.readline()
                self.assertEqual(said, 'ready\n')
                program.send_signal(number)
            try:
                output, errors = program.communicate(timeout=30)
            except subprocess.TimeoutExpired:
                program.kill()
                self.fail(f'the program has not ended: {program.communicate()}')
        return program.returncode, (said + output).split('\n')[:-1], errors

    def test_end(self):
        """When run() returns the default system has ended, and its actors have stopped."""
        status, said, errors = self.run_program('print(Troupe.run(give(3)))')
        self.assertEqual((status, said), (0, ['stopped', '3']), errors)
        status, said, errors = self.run_program('Troupe.run(fail())')
        self.assertEqual((status, said), (1, ['stopped']), errors)
        self.assertIn('KeyError', errors)

    def test_end_signals(self):
        """So it has after a signal; what was awaited was cancelled."""
        for number, expected in ((signal.SIGINT, 'KeyboardInterrupt'), (signal.SIGTERM, 'SystemExit')):
            status, said, errors = self.run_program('try:\n  Troupe.run(wait())\nexcept BaseException as error:\n  print(type(error).__name__)',
                                                    number)
            self.assertEqual((status, said), (0, ['ready', 'Cancelled', 'stopped', expected]), errors)

    # Actors that are not made

    def test_init(self):
        """An exception of __init__() fails the actor, for its supervisor and whoever asks."""
        for kind in (Unborn, UnbornChild):
            Midwife.seen.clear()
            Midwife.child_type = kind
            parent = self.system.spawn(None, Midwife)
            with self.assertLogs('Troupe') as logged, self.assertRaises(Troupe.ActorStopped):
                self.outcome(parent.ask('ping'))
            self.assertIn('in __init__', logged.output[0])
            self.assertEqual(Midwife.seen, ['ValueError: not today'])

    def test_init_arguments(self):
        """They cannot come; a child class may give them."""
        actor = self.system.spawn(None, Sized)
        with self.assertLogs('Troupe'), self.assertRaisesRegex(Troupe.ActorStopped, r'Sized.__init__\(\) gets no arguments'):
            self.outcome(actor.ask('size'))
        self.assertEqual(self.outcome(self.system.spawn(None, Small).ask('size')), 3)

    # Errors by name

    def test_named_errors(self):
        """Each code of the library is an exception."""
        waiter = self.system.spawn(None, Waiter)
        with self.assertRaises(Troupe.TimedOut) as caught:
            self.outcome(waiter.ask('sleep', within=1))
        self.assertIsInstance(caught.exception, (GLib.Error, TimeoutError))
        self.assertTrue(caught.exception.matches(Troupe.error_quark(), Troupe.Error.TIMED_OUT))
        promise = waiter.ask('sleep')
        promise.cancel()
        with self.assertRaises(Troupe.Cancelled):
            self.outcome(promise)
        with self.assertRaises(Troupe.Unhandled):
            self.outcome(waiter.ask('nothing'))
        for code in Troupe.Error.__enum_values__.values():
            self.assertTrue(issubclass(getattr(Troupe, code.value_nick.title().replace('-', '')), GLib.Error), code)

    def test_outcomes(self):
        """They are a sequence."""
        counter = self.system.spawn(None, Counter)
        questions = [counter.ask('echo', body) for body in (1, 'x', {'a': [1]}, b'b')] + [counter.ask('nothing')]
        outcomes = self.outcome(Troupe.Promise.all(questions))
        self.assertEqual(len(outcomes), 5)
        self.assertEqual(list(outcomes)[:4], [1, 'x', {'a': [1]}, b'b'])
        self.assertIsInstance(outcomes[-1], Troupe.Unhandled)
        with self.assertRaises(IndexError):
            outcomes[5]

    # What is done wrong

    def assertWrong(self, kind, text, function, *arguments, **named):
        with self.assertRaises(kind) as caught:
            function(*arguments, **named)
        self.assertIn(text, str(caught.exception))

    def make_class(self, parent, **namespace):
        return type(Troupe.Actor)('Wrong', (parent,), {'__module__': __name__, **namespace})

    def test_wrong_handlers(self):
        """A class that cannot work is not made."""
        def take_nothing(self):
            pass

        def take_body(self, body):
            pass

        make = functools.partial(self.make_class, Troupe.Actor)
        decorate = Troupe.handler
        self.assertWrong(TypeError, "@Troupe.handler('add', int)", decorate, take_nothing)
        for kind in ('int', set, 5, list[int]):
            self.assertWrong(TypeError, 'is bool, int, float, str, bytes, dict, list, object or a type of GObject', decorate, 'x', kind)
        self.assertWrong(TypeError, 'Wrong.x() handles “x”, and so is to take (self)', make, x=decorate('x')(lambda self, body: None))
        self.assertWrong(TypeError, 'and so is to take (self, body)', make, x=decorate('x', int)(lambda self: None))
        self.assertWrong(TypeError, 'and so is to take (self, message)', make, x=decorate('x', message=True)(lambda self: None))
        self.assertWrong(TypeError, 'Wrong has two handlers of “x”: a() and b()', make,
                         a=decorate('x')(take_nothing), b=decorate('x', int)(take_body))
        self.assertWrong(TypeError, 'Wrong.do_receive() is called with 2 arguments', make, do_receive=take_nothing)

    def test_wrong_virtuals(self):
        """A function that would never be called is told of."""
        for parent, name, told in ((Troupe.Actor, 'do_stoped', 'is do_stopped() meant?'),
                                   (Troupe.Actor, 'do_recieve', 'is do_receive() meant?'),
                                   (Troupe.LineProtocol, 'lineReceived', 'is do_line_received() meant?'),
                                   (Troupe.LineProtocol, 'do_text_received', 'it is one of Troupe.JsonProtocol')):
            with self.assertWarns(RuntimeWarning) as caught:
                self.make_class(parent, **{name: lambda self: None})
            self.assertIn(f'Wrong.{name}() is no virtual function', str(caught.warning))
            self.assertIn(told, str(caught.warning))
            self.assertEqual(caught.filename, __file__)
        with warnings.catch_warnings():
            warnings.simplefilter('error')
            self.make_class(Troupe.Actor, do_the_dishes=lambda self: None)

    def test_wrong_times(self):
        """Times are whole milliseconds."""
        counter = self.system.spawn(None, Counter)
        timer = self.system.get_reactor().call_later(100000, print)
        self.addCleanup(timer.cancel)
        for function, name in ((Troupe.sleep, 'sleep'),
                               (lambda ms: counter.ask('total', within=ms), 'ask'),
                               (lambda ms: counter.send('total', within=ms), 'send'),
                               (lambda ms: counter.ask_sync('total', within=ms), 'ask_sync'),
                               (lambda ms: Troupe.Promise.new()[0].add_timeout(ms), 'add_timeout'),
                               (lambda ms: self.system.get_reactor().call_later(ms, print), 'call_later'),
                               (lambda ms: Troupe.LoopingCall(print).start(ms, True), 'start'),
                               (self.system.set_shutdown_timeout, 'set_shutdown_timeout'),
                               (timer.reset, 'reset'),
                               (lambda ms: Troupe.Supervision.new(Troupe.Directive.STOP).set_intensity(1, ms), 'set_intensity')):
            self.assertWrong(TypeError, f'{name}() takes milliseconds, as a whole number, and not 0.5', function, .5)
            self.assertWrong(ValueError, f'{name}() takes milliseconds, and no less than 0: -1', function, -1)

    def test_wrong_spawns(self):
        """What is spawned is an actor, with properties by name."""
        self.assertWrong(TypeError, 'by name: spawn(None, Counter, step=3)', self.system.spawn, None, Counter, 3)
        self.assertWrong(TypeError, "a class derived from Troupe.Actor, and not <class 'dict'>", self.system.spawn, None, dict)

    def test_wrong_coroutines(self):
        """A function is not what it returns."""
        async def wait():
            pass

        for function in (Troupe.run, Troupe.start):
            self.assertWrong(TypeError, 'a coroutine is expected, what an async function returns: PythonTest', function, wait)
            self.assertWrong(TypeError, 'and not 5', function, 5)

    def test_early_value(self):
        promise, resolver = Troupe.Promise.new()
        self.assertWrong(RuntimeError, 'no value yet: await it', lambda: promise.value)
        resolver.resolve({'a': 1})
        self.assertEqual(promise.value, {'a': 1})

    def test_resolver(self):
        """It takes any value, and any exception."""
        for value in (None, True, 5, .5, 'x', b'x', [1], {'a': [None]}):
            promise, resolver = Troupe.Promise.new()
            resolver.resolve(value)
            self.assertEqual(self.outcome(promise), value)
        promise, resolver = Troupe.Promise.new()
        with self.assertNoLogs('Troupe'):
            resolver.reject(KeyError('none'))
        with self.assertFails("KeyError: 'none'"):
            self.outcome(promise)
        self.assertWrong(TypeError, "reject() takes an exception, and not 'no'", resolver.reject, 'no')

    def test_log(self):
        """It says who failed at what, and has no frames of the binding."""
        counter = self.system.spawn('hits', Counter)
        for name in ('fail', 'fail-wait'):
            with self.assertLogs('Troupe') as logged, self.assertFails('ValueError: I give up'):
                self.outcome(counter.ask(name))
            lines = logged.output[0].splitlines()
            self.assertEqual(lines[:2], [f'ERROR:Troupe:/hits failed in handler “{name}”', 'Traceback (most recent call last):'])
            self.assertIn(__file__, lines[2])

    def test_whatever(self):
        """Handlers of objects, and of whole messages without a type, take any body."""
        counter = self.system.spawn(None, Counter)
        for body in (None, 5, 'x', b'x', {'a': 1}):
            for name in ('object', 'any'):
                self.assertEqual(self.outcome(counter.ask(name, body)), body)

    def test_text_and_bytes(self):
        """What is sent to a connection is either; what comes is bytes, without a length beside them."""
        Texts.heard.clear()
        ours, theirs = socket.socketpair()
        with ours, theirs:
            factory = self.system.spawn(None, Troupe.Factory, protocol_type=Texts)
            connection = self.outcome(Troupe.adopt_connection(self.system, ours.fileno(), factory))
            theirs.send(b'one;two')
            theirs.shutdown(socket.SHUT_WR)
            until(connection.has_ended)
            self.assertEqual(theirs.recv(1000), 'ü;b;raw,ü;'.encode())
        self.assertEqual(Texts.heard, [b'one;two', b'one', 'send_line() takes str or bytes, and not 5',
                                       'write() takes str or bytes, and not None'])

    # Virtual functions

    def test_documented(self):
        """The guide lists all of them, and each as it is."""
        page = pathlib.Path(__file__).parent.parent / 'docs' / 'guide.md'
        rows = re.findall(r'^\| `Troupe\.(\w+)` \| (`do_.*) \|$', page.read_text(encoding='utf-8'), re.M)
        listed = {kind: set(re.findall(r'`(do_\w+)\((.*?)\)`', functions)) for kind, functions in rows}
        self.assertEqual(set(listed), {'Actor', 'Protocol', 'LineProtocol', 'JsonProtocol', 'Factory', 'Client'})
        for kind, functions in listed.items():
            infos = getattr(Troupe, kind).__info__.get_vfuncs()
            there = {('do_' + info.get_name(), ', '.join(['self', *(argument.get_name() for argument in info.get_arguments()
                                                                    if argument.get_name() != 'length')])) for info in infos}
            self.assertEqual(functions, there)

    def test_lengths(self):
        """Whoever wants the length of a line gets it, and who does not does not, also by super()."""
        for kind in (Measurer, Ignorer):
            Measurer.heard.clear()
            ours, theirs = socket.socketpair()
            with ours, theirs:
                factory = self.system.spawn(None, Troupe.Factory, protocol_type=kind)
                connection = self.outcome(Troupe.adopt_connection(self.system, ours.fileno(), factory))
                theirs.send(b'hello\r\n')
            until(connection.has_ended)
            self.assertEqual(Measurer.heard, [(b'hello', 5)])

    def test_async_virtual(self):
        """One that may fail may be async; if it fails then, so does its actor."""
        Patient.story.clear()
        actor = self.system.spawn(None, Patient)
        until(lambda: Patient.story)
        self.assertEqual(self.outcome(actor.ask('ping')), 'pong')
        self.system.set_supervision(Troupe.Supervision.new(Troupe.Directive.STOP))
        with self.assertLogs('Troupe') as logged:
            actor = self.system.spawn(None, Patient, fails=True)
            until(actor.has_ended)
        self.assertIn('KeyError', logged.output[0])

    def test_undecided(self):
        """Who does not decide on a failed child leaves that to its supervision."""
        Undecided.seen.clear()
        parent = self.system.spawn(None, Undecided)
        for _ in range(2):
            with self.assertLogs('Troupe'), self.assertFails('ValueError: I give up'):
                self.outcome(parent.ask('fail'))
        self.assertEqual(Undecided.seen, ['ValueError: I give up'] * 2)

    # Coroutines

    def test_await(self):
        """A handler that waits answers in the end; it goes on as its actor, which has handled other messages meanwhile."""
        other = self.system.spawn('other', Waiter)
        waiter = self.system.spawn('waiter', Waiter, other=other)
        answer = waiter.ask('who-asks')
        self.assertEqual(self.outcome(waiter.ask('ping')), 'pong')
        self.assertFalse(answer.is_resolved())
        self.assertEqual(self.outcome(answer), '/waiter')
        self.assertEqual(self.outcome(waiter.ask('at-once')), {'at': 'once'})
        self.assertEqual(self.outcome(waiter.ask('helper')), [0, 1, 2])

    def test_await_errors(self):
        """What an asker awaits raises what the answerer raised, before or after it waited; both go to the supervisor."""
        for name, message in ('fail', "KeyError: 'at once'"), ('fail-later', "KeyError: 'later'"):
            parent = self.system.spawn(None, Parent)
            with self.assertLogs('Troupe'), self.assertFails(message):
                self.outcome(parent.ask(name))
            until(lambda: Parent.seen)
            self.assertEqual(Parent.seen.pop(), message)

        parent = self.system.spawn(None, Parent)
        with self.assertLogs('Troupe'):
            parent.send('fail-later')
            until(lambda: Parent.seen)
        self.assertEqual(Parent.seen, ["KeyError: 'later'"])

        other = self.system.spawn('other', Waiter)
        with self.assertLogs('Troupe'):
            self.assertEqual(self.outcome(self.system.spawn(None, Waiter, other=other).ask('catch')), "KeyError: 'later'")

    def test_await_cancelled(self):
        """When nobody wants the answer any more, it is told so where it waits, and its actor lives on."""
        waiter = self.system.spawn(None, Waiter)
        answer = waiter.ask('sleep')
        self.assertEqual(self.outcome(waiter.ask('ping')), 'pong')
        answer.cancel()
        with self.assertFails('The promise was cancelled', Troupe.Error.CANCELLED):
            self.outcome(answer)
        until(lambda: Waiter.story)
        self.assertEqual(Waiter.story, ['The promise was cancelled', 'finally'])
        self.assertEqual(self.outcome(waiter.ask('ping')), 'pong')

        with self.assertRaises(GLib.Error) as caught:
            self.outcome(waiter.ask('sleep', within=10))
        self.assertTrue(caught.exception.matches(Troupe.error_quark(), Troupe.Error.TIMED_OUT))

    def test_await_ended(self):
        """It ends with its actor."""
        waiter = self.system.spawn(None, Waiter)
        answer = waiter.ask('sleep')
        self.outcome(waiter.ask('ping'))
        waiter.stop()
        with self.assertRaises(GLib.Error) as caught:
            self.outcome(answer)
        self.assertTrue(caught.exception.matches(Troupe.error_quark(), Troupe.Error.ACTOR_STOPPED))
        until(waiter.has_ended)
        gc.collect()
        self.assertEqual(Waiter.story, ['finally'])

    def test_finally(self):
        """A coroutine whose actor ends is closed there and then, however it ends and whoever has asked."""
        for end in ('stop', 'finish', 'kill'):
            for ask in (Troupe.Ref.send, Troupe.Ref.ask):
                with self.subTest(end=end, ask=ask.__name__):
                    waiter = self.system.spawn(None, Waiter)
                    answer = ask(waiter, 'sleep')
                    self.outcome(waiter.ask('ping'))
                    Waiter.story.clear()
                    getattr(waiter, end)()
                    until(waiter.has_ended)
                    self.assertEqual(Waiter.story, ['finally'])
                    if answer is not None:
                        until(answer.is_resolved)
                        answer.steal_error()

    def test_gather(self):
        """Several at a time; the first error is that of all, and the others are cancelled."""
        waiter = self.system.spawn(None, Waiter)

        async def wait(number):
            await Troupe.sleep(number)
            return number

        async def fail():
            await Troupe.sleep(1)
            raise GLib.Error.new_literal(Gio.io_error_quark(), 'Busy', Gio.IOErrorEnum.BUSY)

        async def sleep():
            try:
                await Troupe.sleep(100000)
            finally:
                ended.append(True)

        ended = []
        self.assertEqual(Troupe.run(Troupe.gather(wait(2), wait(1), waiter.ask('ping'))), [2, 1, 'pong'])
        self.assertEqual(Troupe.run(Troupe.gather()), [])
        with self.assertFails('Busy', Gio.IOErrorEnum.BUSY, Gio.io_error_quark()):
            Troupe.run(Troupe.gather(sleep(), fail(), sleep()))
        self.assertEqual(ended, [True, True])
        with self.assertRaises(Troupe.TimedOut):
            Troupe.run(Troupe.gather(waiter.ask('ping'), Troupe.sleep(100000).add_timeout(1)))

    def test_named_errors(self):
        """In a step, too, an error of the library has its name."""
        seen = []
        promise, resolver = Troupe.Promise.new()

        def note(promise):
            seen.append(promise.get_error())
            seen.append(promise.steal_error())

        promise.add_errback(note)
        resolver.reject(GLib.Error.new_literal(Troupe.error_quark(), 'Late', Troupe.Error.TIMED_OUT))
        self.assertEqual([type(error) for error in seen], [Troupe.TimedOut] * 2)
        with self.assertRaisesRegex(RuntimeError, 'no value yet'):
            Troupe.sleep(100000).get_error()

    def test_error_context(self):
        """What a coroutine raises has nothing to do with the error on which another one went on."""
        async def wait(promise):
            with contextlib.suppress(GLib.Error):
                await promise
            other_resolver.resolve(None)

        async def fail(promise):
            await promise
            raise KeyError('nobody')

        (promise, resolver), (other, other_resolver) = Troupe.Promise.new(), Troupe.Promise.new()
        Troupe.start(wait(promise))
        failed = Troupe.start(fail(other))
        with self.assertLogs('Troupe', 'ERROR') as logs:
            resolver.reject(OSError('gone'))
        self.assertIn('nobody', logs.output[0])
        self.assertNotIn('During handling', logs.output[0])
        failed.steal_error()

    def test_call_async(self):
        """An operation of GIO is awaited in one line, gives what its second function returns, and is cancelled with its promise."""
        async def load(path):
            file = Gio.File.new_for_path(path)
            return await Troupe.call_async(file.load_contents_async, file.load_contents_finish)

        is_there, contents, _ = Troupe.run(load('/dev/null'))
        self.assertEqual((is_there, contents), (True, b''))
        with self.assertRaises(GLib.Error) as caught:
            Troupe.run(load('/no/such/file'))
        self.assertTrue(caught.exception.matches(Gio.io_error_quark(), Gio.IOErrorEnum.NOT_FOUND))

        listener, cancellables = Gio.SocketListener(), []
        listener.add_any_inet_port(None)

        def begin(cancellable, callback):
            cancellables.append(cancellable)
            listener.accept_async(cancellable, callback)

        promise = Troupe.call_async(begin, listener.accept_finish)
        promise.cancel()
        promise.steal_error()
        self.assertTrue(cancellables[0].is_cancelled())
        self.outcome(Troupe.sleep(1))

    def test_foreign(self):
        """What cannot be awaited says so, and what can."""
        async def wait(awaitable):
            await awaitable

        loop = asyncio.new_event_loop()
        self.addCleanup(loop.close)
        for awaitable in (loop.create_future(), asyncio.sleep(0)):
            with self.assertRaisesRegex(TypeError, 'promises of Troupe can be awaited here.*Troupe.call_async.*asyncio'):
                Troupe.run(wait(awaitable))

    def test_numbers(self):
        """A handler of float takes any number, and nothing else."""
        class Scale(Troupe.Actor):
            @Troupe.handler('weigh', float)
            def weigh(self, weight):
                return [type(weight).__name__, weight]

        scale = self.system.spawn(None, Scale)
        for number in (5, 0.5, 1 << 63):
            self.assertEqual(self.outcome(scale.ask('weigh', number)), ['float', float(number)])
        for body in ('five', None, True):
            with self.assertRaises(GLib.Error) as caught:
                self.outcome(scale.ask('weigh', body))
            self.assertTrue(caught.exception.matches(Troupe.error_quark(), Troupe.Error.BODY_TYPE), caught.exception)
        n_unheard = self.system.get_n_dead_letters()
        scale.send('weigh', 'five')
        self.outcome(scale.ask('weigh', 5))
        self.assertEqual(self.system.get_n_dead_letters(), n_unheard + 1)

    def test_constructors(self):
        """What is made by calling its class with nothing works, or says how it is made instead."""
        kinds = [kind for kind in (getattr(Troupe, name) for name in dir(Troupe))
                 if isinstance(kind, type) and issubclass(kind, GObject.Object)]
        self.assertGreater(len(kinds), 15)
        working = []
        for kind in kinds:
            with self.subTest(kind=kind.__name__):
                try:
                    working.append(kind())
                except TypeError as error:
                    self.assertRegex(str(error), 'made by|spawn|missing|exactly|abstract|argument')
        self.assertEqual([type(thing).__name__ for thing in working], ['Cooperator'])
        self.assertFalse(working[0].is_running() and working[0].stop())
        for kind in (getattr(Troupe, name) for name in dir(Troupe)):
            if isinstance(kind, type) and issubclass(kind, GObject.GBoxed) and kind is not Troupe.Promise:
                with self.subTest(kind=kind.__name__), self.assertRaises(TypeError):
                    kind()
        promise, resolver = Troupe.Promise()
        resolver.resolve('made')
        self.assertEqual(promise.value, 'made')

    def test_stack(self):
        """Waiting for what is there already needs no stack."""
        async def loop():
            for _ in range(20000):
                await Troupe.Promise.new_resolved('there')
            return 'done'
        self.assertEqual(Troupe.run(loop()), 'done')

    def test_run(self):
        """It gives what the function returns, and raises what it raises, as it was."""
        async def give(value):
            await Troupe.sleep(1)
            return value

        async def fail():
            await Troupe.sleep(1)
            raise KeyError('mine')

        async def add():
            both = Troupe.start(give(3)), Troupe.start(give(4))
            return sum([await promise for promise in both])

        async def foreign():
            await contextlib.AsyncExitStack().__aenter__()
            await Foreign()

        class Foreign:
            def __await__(self):
                yield 'a future of somebody else'

        self.assertEqual(Troupe.run(add()), 7)
        thing = object()
        self.assertIs(Troupe.run(give(thing)), thing)
        with self.assertRaises(KeyError):
            Troupe.run(fail())
        with self.assertRaises(TypeError):
            Troupe.run(foreign())

    def test_thread(self):
        """A thread without a loop blocks for answers."""
        counter = self.system.spawn(None, Counter)
        seen = []

        def work():
            counter.send('add', 5)
            seen.append(counter.ask_sync('total'))
            seen.append(counter.ask_sync('echo', {'a': 1}))
            GLib.MainContext.default().wakeup()

        thread = threading.Thread(target=work)
        thread.start()
        until(lambda: len(seen) == 2)
        thread.join()
        self.assertEqual(seen, [5, {'a': 1}])

    def test_protocol(self):
        """Lines come to a method; one that raises drops its own connection only."""
        factory = self.system.spawn_factory(None, Shouter)
        port = Troupe.listen(self.system, 'tcp:0:interface=127.0.0.1', factory)
        where = f'127.0.0.1:{port.get_address().get_port()}'

        async def talk(text):
            promise, resolver = Troupe.Promise.new()
            Gio.SocketClient().connect_to_host_async(where, 0, None, lambda client, result: resolver.resolve_object(result))
            result = await promise
            connection = result.get_source_object().connect_to_host_finish(result)
            connection.get_output_stream().write_all(text, None)
            connection.get_socket().shutdown(False, True)
            pieces = []
            while not pieces or pieces[-1]:
                promise, resolver = Troupe.Promise.new()
                stream = connection.get_input_stream()
                stream.read_bytes_async(100, 0, None, lambda stream, result, resolver=resolver: resolver.resolve_object(result))
                pieces.append(stream.read_bytes_finish(await promise).get_data())
            return b''.join(pieces)

        self.assertEqual(Troupe.run(talk(b'hello\r\nthere\r\n')), b'HELLO\r\nTHERE\r\n')
        with self.assertLogs('Troupe'):
            self.assertEqual(Troupe.run(talk(b'a\r\nfail\r\nb\r\n')), b'')
        self.assertEqual(Troupe.run(talk(b'again\r\n')), b'AGAIN\r\n')


if __name__ == '__main__':
    unittest.main()
