#!/usr/bin/env python3
# e2e-chat.py - drives the chat example with Twisted's own client, netcat and the chat client
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Each function named test_… is one test, with a server of its own. Nothing sleeps: tests wait for what must come."""

import codecs
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import traceback

SKIP = 77

try:
    from twisted.internet import defer, endpoints, protocol, reactor
    from twisted.protocols.basic import LineOnlyReceiver
    from twisted.python.failure import Failure
except ImportError:
    print('skipped: Twisted is missing (python3-twisted)')
    sys.exit(SKIP)

NC = shutil.which('nc')
if NC is None:
    print('skipped: nc is missing (netcat-openbsd)')
    sys.exit(SKIP)

EXAMPLES = os.environ.get('TROUPE_EXAMPLES', 'build/examples')
LOCAL = 'tcp:0:interface=127.0.0.1'
PATIENCE = 60                        # seconds that one test may take

waiters = []
looking = False


def look():
    """Something happened: look, once for all that happens now, who waited for it."""
    global looking
    if not looking:
        looking = True
        reactor.callLater(0, look_now)


def look_now():
    global looking
    looking = False
    for waiter in list(waiters):
        condition, result = waiter
        if condition():
            waiters.remove(waiter)
            result.callback(None)


def until(condition):
    result = defer.Deferred(lambda _: None)
    waiters.append((condition, result))
    look()
    return result


class Program(protocol.ProcessProtocol):
    """A process, its lines, and its end."""

    def __init__(self, name, *arguments, path=None):
        self.out = ''
        self.err = ''
        self.decode_out = codecs.getincrementaldecoder('utf-8')().decode     # what comes may end within a character
        self.decode_err = codecs.getincrementaldecoder('utf-8')().decode
        self.status = None
        path = path or os.path.join(EXAMPLES, name)
        environment = dict(os.environ, LC_ALL='C.UTF-8')
        reactor.spawnProcess(self, path, [name, *arguments], env=environment)

    def outReceived(self, data):
        self.out += self.decode_out(data)
        look()

    def errReceived(self, data):
        self.err += self.decode_err(data)
        look()

    def processEnded(self, reason):
        self.status = reason.value.exitCode if reason.value.exitCode is not None else -reason.value.signal
        look()

    def lines(self):
        return self.out.splitlines()

    def say(self, text):
        self.transport.write(text.encode())

    def signal(self, number):
        os.kill(self.transport.pid, number)

    def ended(self):
        return until(lambda: self.status is not None)


class Server(Program):
    def __init__(self, *arguments):
        self.is_checked = False
        super().__init__('chat', '--listen=' + LOCAL, '--listen-json=' + LOCAL, *arguments)

    @defer.inlineCallbacks
    def started(self):
        yield until(lambda: self.status is not None or self.out.count('listening on') == 2)
        assert self.status is None, self.err
        ports = [line.split(':')[-1] for line in self.lines()]
        assert [line.rsplit(':', 1)[0] for line in self.lines()] == ['listening on tcp:127.0.0.1'] * 2, self.out
        self.text_port, self.json_port = map(int, ports)

    def warnings(self):
        return [line.split(': ', 2)[-1] for line in self.err.splitlines() if line]

    @defer.inlineCallbacks
    def stopped(self, status=0, warns=False):
        self.is_checked = True
        if self.status is None:
            self.signal(signal.SIGTERM)
        yield self.ended()
        assert self.status == status, f'chat left with {self.status}: {self.err}'
        assert warns or self.err == '', self.err


class Client(LineOnlyReceiver):
    MAX_LENGTH = 1 << 22

    def __init__(self):
        self.heard = []
        self.lost = False

    def lineReceived(self, line):
        self.heard.append(self.parse(line))
        look()

    def connectionLost(self, reason):
        self.lost = True
        look()

    def drop(self):
        self.transport.abortConnection()

    def forget(self):
        del self.heard[:]

    def hears(self, what):
        return until(lambda: what in self.heard or self.lost and self.fail(what))

    def fail(self, what):
        raise AssertionError(f'closed before {what!r}, after {self.heard[-5:]!r}')

    def closed(self):
        return until(lambda: self.lost)


class Text(Client):
    delimiter = b'\r\n'

    def parse(self, line):
        return line.decode()

    def say(self, *lines):
        self.transport.write(b''.join(line.encode() + b'\r\n' for line in lines))

    def enter(self, nick, room):
        self.say(f'/nick {nick}', f'/join {room}')
        return until(lambda: self.room_size(room) is not None)

    def room_size(self, room):
        size = None
        for line in self.heard:
            if line.startswith(f'You joined {room}. Here: '):
                size = line.split('. ')[1].count(',') + 1
            elif size is not None and line.startswith(f'[{room}] ') and line.endswith(' joined'):
                size += 1
        return size

    def errors(self):
        return [line for line in self.heard if line.startswith('That ')]

    def messages(self, room):
        found = []
        for line in self.heard:
            if line.startswith(f'[{room}] <'):
                nick, text = line[len(room) + 4:].split('> ', 1)
                found.append((nick, text))
        return found


class Json(Client):
    delimiter = b'\n'

    def parse(self, line):
        return json.loads(line)

    def say(self, *commands):
        self.transport.write(b''.join(json.dumps(command).encode() + b'\n' for command in commands))

    def enter(self, nick, room):
        self.say({'cmd': 'nick', 'nick': nick}, {'cmd': 'join', 'room': room})
        return until(lambda: self.room_size(room) is not None)

    def room_size(self, room):
        size = None
        for event in self.heard:
            if event.get('event') == 'joined' and event['room'] == room:
                size = len(event['users'])
            elif event.get('event') == 'join' and event['room'] == room:
                size += 1
        return size

    def messages(self, room):
        return [(event['nick'], event['text']) for event in self.heard
                if event.get('event') == 'message' and event['room'] == room]

    def errors(self):
        return [event['text'] for event in self.events('error')]

    def events(self, name):
        return [event for event in self.heard if event.get('event') == name]

    def hears_event(self, **wanted):
        return until(lambda: any(wanted.items() <= event.items() for event in self.heard if 'users' not in event)
                     or self.lost and self.fail(wanted))


def connect(port, client):
    factory = protocol.Factory.forProtocol(lambda: client)
    factory.noisy = False
    return endpoints.TCP4ClientEndpoint(reactor, '127.0.0.1', port).connect(factory)


@defer.inlineCallbacks
def text(server):
    client = yield connect(server.text_port, Text())
    yield until(lambda: any(line.startswith('You are guest') for line in client.heard) or client.lost)
    return client


@defer.inlineCallbacks
def program(server):
    client = yield connect(server.json_port, Json())
    yield until(lambda: client.events('welcome') or client.lost)
    return client


@defer.inlineCallbacks
def test_netcat(server):
    """Two people with netcat talk to each other."""
    alice = Program('nc', '127.0.0.1', str(server.text_port), path=NC)
    bob = Program('nc', '127.0.0.1', str(server.text_port), path=NC)
    alice.say('/nick alice\n/join lobby\n')
    yield until(lambda: 'You joined lobby. Here: alice. Topic: (none)' in alice.lines())
    bob.say('/nick bob\n/join lobby\nhello alice\n')
    yield until(lambda: '[lobby] <bob> hello alice' in alice.lines())
    alice.say('hello bob\n/me waves\n')
    yield until(lambda: '[lobby] * alice waves' in bob.lines())
    assert '[lobby] <alice> hello bob' in bob.lines()
    assert '[lobby] bob joined' in alice.lines()
    bob.say('/quit\n')
    bob.transport.closeStdin()
    yield bob.ended()
    assert bob.lines()[-1] == 'Goodbye', bob.out
    yield until(lambda: '[lobby] bob left' in alice.lines())
    yield until(lambda: 'bob left lobby' in server.lines())
    assert server.lines()[2:] == ['alice joined lobby', 'bob joined lobby', 'bob left lobby'], server.out
    alice.signal(signal.SIGTERM)
    yield alice.ended()


@defer.inlineCallbacks
def test_two_hundred_users(server):
    """Two hundred users in ten rooms, text and JSON, all receive exactly the right lines in order."""
    n_users, n_rooms, n_lines = 200, 10, 10
    users = yield defer.gatherResults([program(server) if i % 2 else text(server) for i in range(n_users)])
    room_of = [f'room{i % n_rooms}' for i in range(n_users)]
    yield defer.gatherResults([user.enter(f'user{i}', room_of[i]) for i, user in enumerate(users)])
    members = n_users // n_rooms
    yield until(lambda: all(user.room_size(room_of[i]) == members for i, user in enumerate(users)))

    for line in range(n_lines):
        for i, user in enumerate(users):
            said = f'{line} of {i}, ünï€'
            user.say({'cmd': 'say', 'text': said} if i % 2 else said)
    yield until(lambda: all(len(user.messages(room_of[i])) >= members * n_lines for i, user in enumerate(users)))

    for room in range(n_rooms):
        orders = [users[i].messages(f'room{room}') for i in range(room, n_users, n_rooms)]
        assert all(order == orders[0] for order in orders), 'members saw different orders'
        for i in range(room, n_users, n_rooms):
            mine = [said for nick, said in orders[0] if nick == f'user{i}']
            assert mine == [f'{line} of {i}, ünï€' for line in range(n_lines)], mine
    for i, user in enumerate(users):
        user.say({'cmd': 'quit'} if i % 2 else '/quit')
    yield until(lambda: all(user.lost for user in users))
    for i, user in enumerate(users):
        assert len(user.messages(room_of[i])) == members * n_lines, 'somebody heard more than was said'
        for room in range(n_rooms):
            assert f'room{room}' == room_of[i] or user.messages(f'room{room}') == [], 'a line strayed'
    yield until(lambda: server.out.count(' left room') == n_users)
    assert server.out.count(' joined room') == n_users


@defer.inlineCallbacks
def test_vanished(server):
    """Peers that vanish in the middle of a line leave the room and give their nick name back."""
    stayed = yield text(server)
    yield stayed.enter('stayed', 'lobby')
    for i in range(5):
        gone = yield text(server)
        yield gone.enter('gone', 'lobby')
        gone.transport.write(b'half a li')
        gone.drop()
        yield until(lambda: stayed.heard.count('[lobby] gone left') == i + 1)
    stayed.say('still here', '/who')
    yield stayed.hears('[lobby] Here: stayed')
    assert stayed.messages('lobby') == [('stayed', 'still here')]


@defer.inlineCallbacks
def test_slow_reader(server):
    """A client that never reads is dropped with a notice; the others get everything."""
    listener = yield program(server)
    yield listener.enter('listener', 'lobby')
    speaker = yield text(server)
    yield speaker.enter('speaker', 'lobby')

    lazy = socket.socket()
    lazy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    lazy.connect(('127.0.0.1', server.text_port))
    lazy.sendall(b'/nick lazy\n/join lobby\n')
    yield speaker.hears('[lobby] lazy joined')
    began = time.monotonic()
    said = [f'{i} ' + 'x' * 4000 for i in range(1500)]
    for line in said:
        speaker.say(line)
    yield until(lambda: len(speaker.messages('lobby')) == len(said) == len(listener.messages('lobby')))
    assert speaker.messages('lobby') == listener.messages('lobby') == [('speaker', line) for line in said]

    # The notice is there for who begins to read within the time that is given, two seconds.
    lazy.settimeout(10)
    heard = b''
    try:
        for part in iter(lambda: lazy.recv(65536), b''):
            heard = (heard + part)[-100:]
        assert heard.endswith(b'You are reading too slowly, goodbye\r\n'), heard
    except ConnectionResetError:
        assert time.monotonic() - began > 2, 'dropped without a notice'
    lazy.close()
    yield speaker.hears('[lobby] lazy left')


test_slow_reader.arguments = ['--max-unsent=200000', '--history=0']


@defer.inlineCallbacks
def test_long_line(server):
    """20 000 bytes without a line end are refused once, and the connection is kept."""
    person = yield text(server)
    person.transport.write(b'x' * 20000)
    yield person.hears('That line is longer than 4096 bytes and was ignored')
    person.transport.write(b'x' * 20000 + b'\r\n')
    person.say('/nick patient')
    yield person.hears('You are now called patient')
    assert person.heard[-2:] == ['That line is longer than 4096 bytes and was ignored', 'You are now called patient']

    machine = yield program(server)
    machine.transport.write(b'{"cmd":"' + b'x' * 20000)
    yield machine.hears_event(code='too-large', offset=4096)
    machine.transport.write(b'x' * 20000 + b'"}\n')
    machine.say({'cmd': 'nick', 'nick': 'machine'})
    yield machine.hears({'event': 'nick', 'nick': 'machine'})
    assert len(machine.heard) == 3, machine.heard


@defer.inlineCallbacks
def test_bad_input(server):
    """Invalid UTF-8, unknown commands, missing arguments and malformed JSON are answered, and the connection kept."""
    person = yield text(server)
    person.transport.write(b'\xff\xfe hello\n')
    yield person.hears('That line is not UTF-8 and was ignored')
    person.say('/foo')
    yield person.hears('Unknown command /foo; try /help')
    person.say('/join')
    yield person.hears('Usage: /join ROOM')
    person.say('/msg nobody')
    yield person.hears('Usage: /msg NICK TEXT')
    person.say('hello')
    yield person.hears('You are in no room: /join ROOM enters one')
    person.say('', '  ', '/join lobby', '\x1b[31mred\x07')
    yield person.hears('[lobby] <guest1> [31mred')

    machine = yield program(server)
    machine.transport.write(b'{"cmd":}\n[]\n"x"\n\xff\n' + b'[' * 40 + b'\n{}\n{"cmd":3}\n{"cmd":"join"}\n'
                            b'{"cmd":"say","text":"x","room":7}\n')
    yield until(lambda: len(machine.heard) == 10)
    answers = [(answer['code'], answer.get('offset')) for answer in machine.heard[1:]]
    assert answers == [('bad-json', 7), ('not-an-object', 0), ('not-an-object', 0), ('bad-encoding', 0), ('too-deep', 32),
                       *[('bad-argument', None)] * 4], answers
    assert machine.heard[-1]['text'] == '“room” must be a string'
    machine.say({'cmd': 'join', 'room': 'lobby'}, {'cmd': 'say', 'text': 'one\n[lobby] <guest1> two'})
    yield person.hears('[lobby] <guest2> one [lobby] <guest1> two')


@defer.inlineCallbacks
def test_nick_names(server):
    """Nick names are valid, unique whatever their case, changeable, and announced."""
    alice = yield text(server)
    bob = yield program(server)
    yield alice.enter('Alice', 'lobby')
    yield bob.enter('bob', 'lobby')
    bob.say({'cmd': 'nick', 'nick': 'aLICE'})
    yield bob.hears_event(event='error', code='nick-in-use', text='“aLICE” is somebody else\'s nick name')
    for bad in 'a' * 21, 'ä', 'two.words':
        alice.say('/nick ' + bad)
    yield until(lambda: alice.heard.count('A nick name is 1 to 20 letters, digits, “_” or “-”') == 3)
    alice.say('/nick ALICE')
    yield bob.hears({'event': 'rename', 'room': 'lobby', 'old': 'Alice', 'nick': 'ALICE'})
    bob.say({'cmd': 'nick', 'nick': 'guest3'})
    yield alice.hears('[lobby] bob is now called guest3')
    carol = yield text(server)
    assert carol.heard[-1].startswith('You are guest4. '), carol.heard
    alice.say('/quit')
    yield alice.closed()
    yield bob.hears({'event': 'part', 'room': 'lobby', 'nick': 'ALICE'})
    carol.say('/nick alice')
    yield carol.hears('You are now called alice')


@defer.inlineCallbacks
def test_private(server):
    """Private messages reach one user only, and the one who wrote them."""
    alice = yield text(server)
    bob = yield program(server)
    carol = yield text(server)
    yield alice.enter('alice', 'lobby')
    yield bob.enter('bob', 'lobby')
    yield carol.enter('carol', 'lobby')
    alice.say('/msg BOB psst, a  secret')
    yield bob.hears_event(event='private', nick='alice', to='bob', text='psst, a  secret')
    yield alice.hears('[private] alice to bob: psst, a  secret')
    bob.say({'cmd': 'msg', 'nick': 'alice', 'text': 'oh'})
    yield alice.hears('[private] bob to alice: oh')
    alice.say('/msg nobody hello')
    yield alice.hears('Nobody is called “nobody”')
    alice.say('bye')
    yield carol.hears('[lobby] <alice> bye')
    assert not any('private' in line for line in carol.heard), carol.heard


@defer.inlineCallbacks
def test_rooms(server):
    """History and topic on joining, several rooms, focus, part, list, who; empty rooms go."""
    alice = yield text(server)
    yield alice.enter('alice', 'lobby')
    alice.say('/topic All things', *[f'line {i}' for i in range(120)])
    yield alice.hears('[lobby] <alice> line 119')
    assert '[lobby] alice set the topic: All things' in alice.heard

    bob = yield text(server)
    bob.say('/nick bob', '/join LOBBY', '/topic')
    yield bob.hears('[lobby] Topic: All things')
    start = bob.heard.index('You joined lobby. Here: alice, bob. Topic: All things')
    assert bob.heard[start + 1:-1] == [f'[lobby] <alice> line {i}' for i in range(20, 120)], bob.heard
    machine = yield program(server)
    machine.say({'cmd': 'join', 'room': 'lobby'}, {'cmd': 'me', 'text': 'computes'})
    yield machine.hears_event(event='emote', nick='guest3', text='computes')
    assert machine.events('joined')[0]['history'] == 100
    assert len(machine.events('message')) == 100
    assert machine.events('joined')[0]['users'] == ['alice', 'bob', 'guest3']

    bob.say('/join attic', 'up here', '/room lobby', 'down here', '/list', '/who attic', '/who', '/who cellar',
            '/part cellar', '/part attic', '/list')
    yield bob.hears('Rooms: lobby (3)')
    start = bob.heard.index('You joined attic. Here: bob. Topic: (none)')
    assert bob.heard[start + 1:] == [
        '[attic] <bob> up here', 'What you say now goes to lobby', '[lobby] <bob> down here',
        'Rooms: attic (1), lobby (3)', '[attic] Here: bob', '[lobby] Here: alice, bob, guest3',
        'There is no room “cellar”', 'You are not in room “cellar”', 'You left attic', 'Rooms: lobby (3)'], bob.heard[start:]
    assert '[lobby] <bob> down here' in alice.heard and not any('attic' in line for line in alice.heard)


@defer.inlineCallbacks
def test_room_churn(server):
    """A room that users enter and leave at once is never lost to them."""
    users = yield defer.gatherResults([text(server) for i in range(10)])
    for user in users:
        user.say(*['/join revolving', '/part'] * 30, '/join last')
    yield until(lambda: all(any(line.startswith('You joined last.') for line in user.heard) for user in users))
    for user in users:
        assert sum(line.startswith('You joined revolving.') for line in user.heard) == 30, user.heard
        assert user.heard.count('You left revolving') == 30
    users[0].say('/list')
    yield users[0].hears('Rooms: last (10)')


@defer.inlineCallbacks
def test_limits(server):
    """More users or rooms than allowed are refused politely."""
    alice = yield text(server)
    bob = yield program(server)
    carol = yield text(server)
    yield carol.closed()
    assert carol.heard == ['Too many users, try later'], carol.heard
    yield alice.enter('alice', 'lobby')
    bob.say({'cmd': 'join', 'room': 'attic'})
    yield bob.hears_event(code='too-many-rooms')
    bob.drop()
    yield until(lambda: bob.lost)
    while True:
        dave = yield text(server)
        if not dave.lost:
            break
    assert 'Line one of two' in dave.heard and 'line two' in dave.heard, dave.heard


test_limits.arguments = ['--max-users=2', '--max-rooms=1', '--motd=Line one of two\nline two']


@defer.inlineCallbacks
def test_bad_lines_limit(server):
    """A program that sends nothing but rubbish is closed in the end."""
    machine = yield program(server)
    machine.transport.write(b'rubbish\n' * 10)
    yield machine.closed()
    assert [answer.get('code') for answer in machine.heard[1:]] == ['bad-json'] * 4, machine.heard


test_bad_lines_limit.arguments = ['--max-errors=3']


@defer.inlineCallbacks
def test_idle(server):
    """Who says nothing is dropped, with a notice."""
    quiet = yield text(server)
    machine = yield program(server)
    yield quiet.closed()
    assert quiet.heard[-1] == 'Idle for 1 seconds, goodbye', quiet.heard
    yield machine.closed()
    assert machine.heard[-1] == {'event': 'goodbye', 'text': 'Idle for 1 seconds, goodbye'}, machine.heard


test_idle.arguments = ['--idle-timeout=1']


@defer.inlineCallbacks
def test_shutdown(server):
    """A signal tells everybody, and the server leaves with 0."""
    person = yield text(server)
    machine = yield program(server)
    yield person.enter('person', 'lobby')
    yield machine.enter('machine', 'lobby')
    client = Program('chat-client', f'127.0.0.1:{server.json_port}')
    yield until(lambda: len(client.lines()) == 2)
    server.signal(signal.SIGINT)
    yield defer.gatherResults([person.closed(), machine.closed()])
    yield client.ended()
    assert client.status == 0 and client.lines()[-1] == 'Server is shutting down', client.err
    assert 'Server is shutting down' in person.heard, person.heard
    assert {'event': 'goodbye', 'text': 'Server is shutting down'} in machine.heard, machine.heard
    yield server.ended()
    assert server.status == 0, server.err


@defer.inlineCallbacks
def test_cannot_start(server):
    """A port in use or a bad option: one line on standard error, and status 1."""
    taken = f'tcp:{server.text_port}:interface=127.0.0.1'
    for arguments, wanted in (
            (['--listen=' + taken], f'chat: Cannot listen on 127.0.0.1:{server.text_port}: Address already in use'),
            (['--listen=' + LOCAL, '--listen-json=nothing'], 'chat: Bad endpoint “nothing”'),
            (['--max-line=0'], 'chat: A limit is out of range'),
            (['--nonsense'], 'chat: Unknown option --nonsense')):
        other = Program('chat', *arguments)
        yield other.ended()
        assert other.status == 1, other.status
        assert other.err.startswith(wanted) and other.err.count('\n') == 1, other.err


@defer.inlineCallbacks
def test_chat_client(server):
    """The terminal client, driven through a pipe; it says everything before it leaves."""
    person = yield text(server)
    yield person.enter('person', 'lobby')
    client = Program('chat-client', f'127.0.0.1:{server.json_port}')
    client.say('/nick terminal\n/join lobby\nhello\n/who\n/foo\nlast, without a line end')
    client.transport.closeStdin()
    yield client.ended()
    assert client.status == 0, client.err
    assert client.lines()[1:] == [
        'You are guest2. /nick NAME changes that, /join ROOM enters a room, /help lists all commands.',
        'You are now called terminal', 'You joined lobby. Here: person, terminal. Topic: (none)',
        '[lobby] <terminal> hello', '[lobby] Here: person, terminal', 'Unknown command /foo; try /help',
        '[lobby] <terminal> last, without a line end', 'Goodbye'], client.out
    yield person.hears('[lobby] terminal left')
    assert person.messages('lobby') == [('terminal', 'hello'), ('terminal', 'last, without a line end')]

    unused = socket.socket()
    unused.bind(('127.0.0.1', 0))
    client = Program('chat-client', f'tcp:127.0.0.1:{unused.getsockname()[1]}')
    yield client.ended()
    assert client.status == 1 and client.err.startswith('chat-client: ') and client.err.count('\n') == 1, client.err
    assert 'refused' in client.err.lower(), client.err


def crash_error(room, said):
    return f'That could not be done: {room} crashed at “{said}”'


@defer.inlineCallbacks
def test_crash(server):
    """Rooms crash again and again while 200 users talk: all that is said is heard once, and in order, or answered with an error."""
    n_users, n_rooms, n_lines = 200, 4, 10
    users = yield defer.gatherResults([program(server) if i % 2 else text(server) for i in range(n_users)])
    room_of = [f'room{i // 2 % n_rooms}' for i in range(n_users)]
    yield defer.gatherResults([user.enter(f'user{i}', room_of[i]) for i, user in enumerate(users)])
    netcat = Program('nc', '127.0.0.1', str(server.text_port), path=NC)
    netcat.say('/nick netcat\n/join room0\n')
    members = [n_users // n_rooms + (room == 0) for room in range(n_rooms)]
    yield until(lambda: all(user.room_size(room_of[i]) == members[i // 2 % n_rooms] for i, user in enumerate(users)))

    crashes = [set() for i in range(n_users)]
    for line in range(n_lines):
        for i, user in enumerate(users):
            said = f'{line} of {i}'
            command = 'say'
            if (i + line * 7) % 20 == 0:
                crashes[i].add(said)
                command = 'crash'
            user.say({'cmd': command, 'text': said} if i % 2 else f'/{command} {said}')
        netcat.say(f'{line} of netcat\n')
    n_crashes = sum(map(len, crashes))
    assert n_crashes == n_users * n_lines // 20
    talked = [n_lines * members[room] - sum(len(crashes[i]) for i in range(n_users) if room_of[i] == f'room{room}')
              for room in range(n_rooms)]
    yield until(lambda: all(len(user.messages(room_of[i])) >= talked[i // 2 % n_rooms] and
                            len(user.errors()) >= len(crashes[i]) for i, user in enumerate(users)))
    yield until(lambda: netcat.out.count('[room0] <') >= talked[0])

    newcomers = yield defer.gatherResults([program(server) for room in range(n_rooms)])
    yield defer.gatherResults([user.enter(f'new{room}', f'room{room}') for room, user in enumerate(newcomers)])
    for i, user in enumerate(users):
        user.say({'cmd': 'quit'} if i % 2 else '/quit')
    netcat.say('/quit\n')
    netcat.transport.closeStdin()
    yield netcat.ended()
    yield until(lambda: all(user.lost for user in users))

    for room in range(n_rooms):
        name = f'room{room}'
        orders = [users[i].messages(name) for i in range(n_users) if room_of[i] == name]
        assert all(order == orders[0] for order in orders), 'members heard different things'
        assert len(orders[0]) == talked[room], (name, len(orders[0]), talked[room])
        assert newcomers[room].messages(name) == orders[0][-100:], 'the history is not what was said'
        here = newcomers[room].events('joined')[0]['users']
        there = [f'user{i}' for i in range(n_users) if room_of[i] == name] + [f'new{room}'] + ['netcat'] * (room == 0)
        assert here == sorted(there), here
        for i in range(n_users):
            if room_of[i] == name:
                mine = [f'{line} of {i}' for line in range(n_lines)]
                heard = [said for nick, said in orders[0] if nick == f'user{i}']
                assert heard == [said for said in mine if said not in crashes[i]], heard
                assert users[i].errors() == [crash_error(name, said) for said in mine if said in crashes[i]], users[i].errors()
            else:
                assert users[i].messages(name) == [], 'a line strayed'
        if room == 0:
            heard = [line for line in netcat.lines() if line.startswith('[room0] <')]
            assert heard == [f'[room0] <{nick}> {said}' for nick, said in orders[0]], 'netcat heard different things'

    for room, user in enumerate(newcomers):
        yield until(lambda: len(user.events('part')) == members[room])
        user.say({'cmd': 'who'})
        yield until(lambda: user.events('users'))
        assert user.events('users')[0]['users'] == [f'new{room}'], user.events('users')
    yield server.stopped(warns=True)
    restarts = [line for line in server.warnings() if 'failed, and is restarted: room' in line]
    assert len(server.warnings()) == len(restarts) == n_crashes == server.out.count(' goes on\n'), server.err


test_crash.arguments = ['--admin-commands', '--max-failures=1000']


@defer.inlineCallbacks
def test_room_gone(server):
    """A room that fails too often is given up: its members are told, what waits is answered, others go on."""
    alice = yield text(server)
    bob = yield program(server)
    carol = yield text(server)
    yield carol.enter('carol', 'attic')
    yield bob.enter('bob', 'lobby')
    alice.say('/nick alice', '/join attic')
    yield alice.enter('alice', 'lobby')
    yield bob.hears_event(event='join', nick='alice')
    alice.say('/topic All things', '/crash one', 'two', '/who', '/topic', '/crash three')
    yield alice.hears(crash_error('lobby', 'three'))
    assert alice.heard[-6:] == [
        '[lobby] alice set the topic: All things', crash_error('lobby', 'one'), '[lobby] <alice> two', '[lobby] Here: alice, bob',
        '[lobby] Topic: All things', crash_error('lobby', 'three')], alice.heard

    alice.forget()
    bob.say(*[{'cmd': 'say', 'text': 'four'}, {'cmd': 'crash', 'text': 'five'}] + [{'cmd': 'say', 'text': 'six'}] * 3)
    yield bob.hears_event(event='gone', room='lobby', text='This room has failed too often, and is gone')
    yield alice.hears('[lobby] This room has failed too often, and is gone')
    yield until(lambda: len(bob.errors()) == 4)
    codes = [event['code'] for event in bob.events('error')]
    assert codes[0] == 'failed' and bob.errors()[0] == crash_error('lobby', 'five'), bob.heard
    assert set(codes[1:]) <= {'room-gone', 'not-in-room'}, codes
    assert bob.messages('lobby') == [('alice', 'two'), ('bob', 'four')], bob.heard

    alice.say('seven', '/list', '/room attic', 'eight', '/join lobby', '/topic')
    yield carol.hears('[attic] <alice> eight')
    yield alice.hears('[lobby] Topic: (none)')
    assert alice.heard == [
        '[lobby] <bob> four', '[lobby] This room has failed too often, and is gone',
        'No room is chosen: /room ROOM talks in one of yours', 'Rooms: attic (2)', 'What you say now goes to attic',
        '[attic] <alice> eight', 'You joined lobby. Here: alice. Topic: (none)', '[lobby] Topic: (none)'], alice.heard
    bob.say({'cmd': 'join', 'room': 'lobby'})
    yield alice.hears('[lobby] bob joined')
    yield server.stopped(warns=True)
    assert server.warnings()[-1].endswith('failed too often: lobby crashed at “five”'), server.err


test_room_gone.arguments = ['--admin-commands', '--max-failures=2']


@defer.inlineCallbacks
def test_registry_crash(server):
    """The registry that fails takes everybody with it, but not the ports; if that goes on, the service ends with a status."""
    for i in range(4):
        alice = yield text(server)
        assert alice.heard[-1].startswith('You are guest1. '), alice.heard
        alice.say('/list')
        yield alice.hears('Rooms: (none)')
        yield alice.enter('alice', 'lobby')
        bob = yield program(server)
        bob.say({'cmd': 'crash-registry'})
        yield defer.gatherResults([alice.closed(), bob.closed()])
    yield server.ended()
    yield server.stopped(status=1, warns=True)
    assert server.err.endswith('chat: The actor “/registry” failed too often: Crashed\n'), server.err


test_registry_crash.arguments = ['--admin-commands']


@defer.inlineCallbacks
def test_no_admin(server):
    """Who is not told so has no commands that make anything fail."""
    alice = yield text(server)
    yield alice.enter('alice', 'lobby')
    alice.say('/crash me', '/crash-registry', '/help')
    yield alice.hears('/quit            leaves')
    assert 'Unknown command /crash; try /help' in alice.heard and 'Unknown command /crash-registry; try /help' in alice.heard
    assert not any(line.startswith('/crash') for line in alice.heard), alice.heard


def without_times(heard):
    return [{key: value for key, value in line.items() if key != 'time'} if isinstance(line, dict) else line for line in heard]


@defer.inlineCallbacks
def converse(n_reactors):
    """A session of which each step waits for all that the one before has led to: what everybody hears."""
    server = Server('--admin-commands', f'--reactors={n_reactors}')
    yield server.started()
    users = []
    for i in range(8):
        user = yield program(server) if i % 2 else text(server)
        users.append(user)
        yield user.enter(f'user{i}', 'lobby')
        yield until(lambda: all(other.room_size('lobby') == len(users) for other in users[:1]))
    for said in range(5):
        for i, user in enumerate(users):
            what = f'{said} of {i}'
            user.say({'cmd': 'say', 'text': what} if i % 2 else what)
            yield until(lambda: all((f'user{i}', what) in other.messages('lobby') for other in users))
    users[0].say('/crash all')
    yield users[0].hears(crash_error('lobby', 'all'))
    for i in (2, 4, 6):
        users[i].say(f'/join side{i}', f'/me is in side{i}', '/msg user1 psst', '/topic a side room', f'/part side{i}', '/list')
        yield users[i].hears('Rooms: lobby (8)')
    users[1].say({'cmd': 'nick', 'nick': 'other'}, {'cmd': 'who', 'room': 'lobby'})
    yield until(lambda: all(other.heard and ('other' in str(other.heard[-1])) for other in users[::2]) and users[1].events('users'))
    for i in reversed(range(8)):
        users[i].say({'cmd': 'quit'} if i % 2 else '/quit')
        name = 'other' if i == 1 else f'user{i}'
        yield users[i].closed()
        yield until(lambda: f'{name} left lobby' in server.lines() and all(name in str(other.heard[-1]) for other in users[:i]))
    yield server.stopped(warns=True)
    return [without_times(user.heard) for user in users], [sorted(server.lines()[2:])], [[line[14:] for line in server.warnings()]]


@defer.inlineCallbacks
def test_same_on_several_reactors(server):
    """On four threads everybody hears exactly what they hear on one."""
    on_one = yield converse(1)
    on_four = yield converse(4)
    for one, four in zip(on_one, on_four):
        for a, b in zip(one, four):
            assert a == b, [pair for pair in zip(a, b) if pair[0] != pair[1]][:1] or (len(a), len(b))
    assert len(on_one[0][0]) > 50


test_same_on_several_reactors.arguments = ['--admin-commands']


@defer.inlineCallbacks
def test_reactors(server):
    """Users come to all threads, and an operator can see it."""
    users = yield defer.gatherResults([text(server) for _ in range(40)])
    watcher = yield program(server)
    users[0].say('/reactors')
    yield until(lambda: 'Reactors:' in users[0].heard)
    watcher.say({'cmd': 'reactors'})
    yield until(lambda: watcher.events('reactors'))
    shown = watcher.events('reactors')[0]['reactors']
    assert len(shown) == 4, shown
    assert sum(entry['connections'] for entry in shown) == 41, shown
    assert sum(entry['connections'] > 0 for entry in shown) > 1, shown
    assert all(entry['turns'] > 0 and 0 <= entry['busy'] <= 100 for entry in shown), shown
    other = Program('chat', '--reactors=-1')
    yield other.ended()
    assert other.status == 1 and other.err == 'chat: A limit is out of range\n', other.err


test_reactors.arguments = ['--admin-commands', '--reactors=4']


@defer.inlineCallbacks
def run(test):
    server = Server(*getattr(test, 'arguments', []))
    test.server = server
    yield server.started()
    yield test(server)
    if not server.is_checked:
        yield server.stopped()


@defer.inlineCallbacks
def run_all(tests):
    n_failed = 0
    for test in tests:
        began = time.monotonic()
        try:
            result = run(test)
            result.addTimeout(PATIENCE, reactor)
            yield result
            print(f'ok {test.__name__} ({time.monotonic() - began:.2f} s)')
        except Exception:
            n_failed += 1
            print(f'not ok {test.__name__}: {test.__doc__}')
            traceback.print_exc(file=sys.stdout)
            print('chat said:', test.server.out[-2000:], test.server.err)
            del waiters[:]
            if test.server.status is None:
                test.server.transport.signalProcess('KILL')
        sys.stdout.flush()
    return n_failed


def can_run(test):
    """A build without assertions (-Db_ndebug=true) has no commands that crash anything."""
    if '--admin-commands' not in getattr(test, 'arguments', []):
        return True
    usage = subprocess.run([os.path.join(EXAMPLES, 'chat'), '--help'], stdout=subprocess.PIPE, check=True).stdout
    if b'--admin-commands' not in usage:
        print(f'skipped {test.__name__}: built without --admin-commands')
    return b'--admin-commands' in usage


def main():
    wanted = sys.argv[1:]
    tests = [value for name, value in globals().items()
             if name.startswith('test_') and (not wanted or name[len('test_'):] in wanted) and can_run(value)]
    outcome = []

    def finish(result):
        outcome.append(result)
        reactor.stop()

    reactor.callWhenRunning(lambda: run_all(tests).addBoth(finish))
    reactor.run()
    if isinstance(outcome[0], Failure):
        outcome[0].printTraceback()
    return 0 if outcome[0] == 0 else 1


if __name__ == '__main__':
    sys.exit(main())
