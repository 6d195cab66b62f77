#!/usr/bin/env python3
# e2e-gtk-chat.py - types and clicks in the GTK chat example, and reads what a screen reader would read
# SPDX-License-Identifier: LGPL-2.1-or-later
"""It has a display of its own (Xvfb) and a session bus of its own. The program is not told that it is tested."""

import json
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

from display import skip, start

PATIENCE = 60                        # seconds that anything may take
N_LINES = 5000 if os.environ.get('TROUPE_SANITIZE') else 50000
EXAMPLES = os.environ.get('TROUPE_EXAMPLES', 'build/examples')
GTK_CHAT = os.path.join(EXAMPLES, 'gtk-chat', 'gtk-chat')
LOCAL = 'tcp:0:interface=127.0.0.1'


if not os.path.exists(GTK_CHAT):
    skip('gtk-chat is not built (libgtk-4-dev)')
for program, package in {'xdotool': 'xdotool', 'nc': 'netcat-openbsd', 'dbus-daemon': 'dbus-daemon'}.items():
    if shutil.which(program) is None:
        skip(f'{program} is missing ({package})')
if not os.path.exists('/usr/libexec/at-spi-bus-launcher') and not os.path.exists('/usr/lib/at-spi2-core/at-spi-bus-launcher'):
    skip('there is no bus for screen readers (at-spi2-core)')
try:
    import gi
    gi.require_version('Atspi', '2.0')
    from gi.repository import Atspi, Gio, GLib
except (ImportError, ValueError):
    skip('Atspi is missing (gir1.2-atspi-2.0, python3-gi)')

# What has not answered by then is taken for nothing; by default after 0.8 s.
Atspi.set_timeout(PATIENCE * 1000, PATIENCE * 1000)


def wait_for(what, condition):
    end = time.monotonic() + PATIENCE
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > end:
            raise AssertionError(f'{what} has not come')
        time.sleep(0.02)


class Program:
    """A process and what it prints."""

    started = []

    def __init__(self, *command, **environment):
        self.out = ''
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        env={**os.environ, 'LC_ALL': 'C.UTF-8', **environment})
        self.started.append(self.process)
        self.err = ''
        for name in 'stdout', 'stderr':
            threading.Thread(target=self.read, args=(name[3:], getattr(self.process, name)), daemon=True).start()

    def read(self, name, file):
        for line in file:
            setattr(self, name, getattr(self, name) + line.decode())

    def say(self, text):
        self.process.stdin.write(text.encode() + b'\n')
        self.process.stdin.flush()

    def hears(self, text):
        wait_for(f'“{text}”', lambda: text in self.out)

    def end(self, number=signal.SIGTERM):
        if self.process.poll() is None and number:
            self.process.send_signal(number)
        return self.process.wait(PATIENCE)


class Service(Program):
    def __init__(self, text=0, json_=0, *arguments):
        super().__init__(os.path.join(EXAMPLES, 'chat'), f'--listen=tcp:{text}:interface=127.0.0.1',
                         f'--listen-json=tcp:{json_}:interface=127.0.0.1', *arguments)
        wait_for('the service', lambda: self.out.count('listening on') == 2)
        self.text, self.json = (int(port) for port in re.findall(r'listening on tcp:127.0.0.1:(\d+)', self.out))


class Person(Program):
    def __init__(self, service, nick, room):
        super().__init__('nc', '127.0.0.1', str(service.text))
        self.say(f'/nick {nick}')
        self.say(f'/join {room}')
        self.hears('You joined')


class Desktop:
    """A display, its session bus, and the framebuffer, which Xvfb keeps in a file."""

    def __init__(self, folder):
        self.server = start(folder)
        self.framebuffer = os.path.join(folder, 'Xvfb_screen0')
        self.bus = subprocess.Popen(['dbus-daemon', '--session', '--nofork', '--print-address=1'], stdout=subprocess.PIPE,
                                    stderr=subprocess.DEVNULL)
        os.environ.update(DBUS_SESSION_BUS_ADDRESS=self.bus.stdout.readline().decode().strip(),
                          XDG_RUNTIME_DIR=folder, XDG_CONFIG_HOME=folder, XDG_CACHE_HOME=folder, GSETTINGS_BACKEND='memory',
                          G_DEBUG='fatal-criticals')
        for name in 'AT_SPI_BUS_ADDRESS', 'GTK_A11Y', 'GTK_THEME', 'NO_AT_BRIDGE':
            os.environ.pop(name, None)

    def get_pixels(self, x, y, width, height):
        """Their rows, four bytes each."""
        with open(self.framebuffer, 'rb') as file:
            data = file.read()
        header = struct.unpack('>25I', data[:100])
        offsets = [header[0] + header[19] * 12 + (y + i) * header[12] + x * 4 for i in range(height)]
        return [data[offset:offset + width * 4] for offset in offsets]

    def get_pixel(self, x, y):
        return tuple(self.get_pixels(x, y, 1, 1)[0][:3])

    def look(self):
        """At the messages of a window, without their scroll bar, when they have come to rest."""
        seen = None
        while seen != (seen := self.get_pixels(200, 80, 400, 440)):
            time.sleep(0.3)
        return seen

    def end(self):
        for process in self.bus, self.server:
            process.terminate()
            process.wait()


def xdotool(*arguments):
    return subprocess.run(['xdotool', *map(str, arguments)], check=True, stdout=subprocess.PIPE).stdout.decode()


class Window(Program):
    """The program that is tested, by its keyboard, its mouse, and its accessible tree."""

    def __init__(self, port, *arguments):
        super().__init__(GTK_CHAT, *arguments, f'tcp:127.0.0.1:{port}')
        self.root = wait_for('the window', self.find_root)
        self.root.set_cache_mask(Atspi.Cache.NONE)
        pid = str(self.process.pid)
        wait_for('its place', lambda: self.find_window(pid))
        xdotool('windowfocus', '--sync', self.id)
        # Nothing moves as long as the focus has not come.
        wait_for('the focus', lambda: self.find('text', 'Message', Atspi.StateType.FOCUSED))

    def find_root(self):
        desktop = Atspi.get_desktop(0)
        desktop.clear_cache()
        for i in range(desktop.get_child_count()):
            child = desktop.get_child_at_index(i)
            if child is not None and child.get_process_id() == self.process.pid:
                return child
        assert self.process.poll() is None, self.err
        return None

    def find_window(self, pid):
        found = subprocess.run(['xdotool', 'search', '--onlyvisible', '--pid', pid, '--name', 'Chat'], stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL).stdout.split()
        self.id = found[-1].decode() if found else None
        return self.id

    def walk(self, top=None):
        """What there is, in the order of the screen. What goes away meanwhile is left out."""
        top = top or self.root
        yield top
        for i in range(top.get_child_count()):
            try:
                child = top.get_child_at_index(i)
                if child is not None:
                    yield from self.walk(child)
            except GLib.Error:
                continue

    def find(self, role, name=None, state=None, top=None):
        for node in self.walk(top):
            try:
                if (node.get_role_name() == role and (name is None or node.get_name() == name) and
                        (state is None or node.get_state_set().contains(state))):
                    return node
            except GLib.Error:
                continue
        return None

    def names(self, top, role):
        return [node.get_name() for node in self.walk(top) if node.get_role_name() == role]

    def texts(self, which):
        """The labels in a list."""
        return self.names(self.find('list', which), 'label')

    def rows(self):
        """What is said of the rows of the messages."""
        return [name for name in self.names(self.find('list', 'Messages'), 'filler') if name]

    def trouble(self):
        name = self.find('alert').get_name()
        return '' if name == 'GtkLabel' else name

    def title(self):
        frame = self.find('frame')
        return self.names(frame.get_child_at_index(frame.get_child_count() - 1), 'label')[0]

    def types(self, text):
        xdotool('type', '--delay', 5, text)

    def press(self, *keys):
        xdotool('key', *keys)

    def shows(self, text):
        wait_for(f'“{text}” in {self.rows()}', lambda: any(text in row for row in self.rows()))

    def shows_room(self, name):
        wait_for(f'room “{name}”, instead of “{self.title()}”', lambda: self.title() == name)

    def click(self, role, name):
        box = Atspi.Component.get_extents(self.find(role, name), Atspi.CoordType.WINDOW)
        xdotool('mousemove', '--window', self.id, box.x + box.width // 2 + 4, box.y + box.height // 2 + 4, 'click', 1)

    def find_focus(self):
        for node in self.walk():
            if node.get_state_set().contains(Atspi.StateType.FOCUSED):
                return node
        return None

    def last_rows(self, n=8):
        """Of the messages, with what is said of them; it may have hundreds."""
        rows = self.find('list', 'Messages')
        total = rows.get_child_count()
        children = [rows.get_child_at_index(i) for i in range(max(total - n, 0), total)]
        return [(child.get_child_at_index(0).get_name(), child) for child in children if child and child.get_child_count()]

    def ends_with(self, text):
        return any(text in name for name, _ in self.last_rows())

    def measure(self):
        """How long the main loop takes to come to a question."""
        began = time.monotonic()
        self.root.get_name()
        return time.monotonic() - began

    def quit(self):
        self.press('ctrl+q')
        assert self.end(None) == 0, self.err
        assert 'WARNING' not in self.err and 'CRITICAL' not in self.err, self.err


def test_talk(desktop):
    """What is typed arrives at somebody with netcat, and what he types is shown."""
    service = Service()
    ann = Person(service, 'ann', 'lobby')
    window = Window(service.json, '--nick=bob', '--join=lobby', '--join=den')
    ann.hears('bob')
    wait_for('the members', lambda: window.texts('Members') == ['ann', 'bob'])

    window.types('good morning')
    window.press('Return')
    ann.hears('[lobby] <bob> good morning')
    window.shows('bob: good morning')
    ann.say('the same to you')
    window.shows('ann: the same to you')

    window.types('clicked')
    window.click('push button', 'Send')
    ann.hears('[lobby] <bob> clicked')
    assert window.rows()[-1].startswith('bob: clicked'), window.rows()
    window.quit()
    wait_for('that he left', lambda: 'bob left' in ann.out)
    service.end()


def test_rooms(desktop):
    """Rooms are switched, joined and left by keys; what was not seen is counted, and marked."""
    service = Service()
    ann = Person(service, 'ann', 'lobby')
    window = Window(service.json, '--nick=bob', '--join=lobby', '--join=den')
    ann.hears('bob')
    window.shows_room('lobby')
    ann.say('/topic All about actors')
    wait_for('the topic', lambda: 'All about actors' in window.names(window.root, 'label'))

    window.press('alt+2')
    window.shows_room('den')
    ann.say('one')
    ann.say('two')
    wait_for('the count', lambda: window.texts('Rooms') == ['lobby', '2', 'den'])
    window.press('ctrl+Page_Up')
    window.shows_room('lobby')
    wait_for('that it is read', lambda: window.texts('Rooms') == ['lobby', 'den'])
    assert window.texts('Messages').count('New') == 1, window.texts('Messages')
    window.click('label', 'den')
    window.shows_room('den')

    window.press('ctrl+j')
    window.types('attic')
    window.press('Return')
    window.shows_room('attic')
    wait_for('the room', lambda: window.texts('Rooms') == ['lobby', 'den', 'attic'])
    window.press('ctrl+w')
    window.shows_room('den')
    assert window.texts('Rooms') == ['lobby', 'den']

    ann.say('/msg bob psst')
    wait_for('the count', lambda: window.texts('Rooms') == ['lobby', 'den', '@ann', '1'])
    window.press('alt+3')
    window.shows('ann: psst')
    window.press('ctrl+l')
    window.types('yes')
    window.press('Return')
    ann.hears('[private] bob to ann: yes')
    window.quit()
    service.end()


def test_focus(desktop):
    """Everything is reached with the Tab key, and mnemonics work."""
    service = Service()
    window = Window(service.json, '--join=lobby')

    def focused():
        node = window.find_focus()
        return node and (node.get_role_name(), node.get_name())

    window.press('alt+r')
    wait_for('the rooms', lambda: focused() and focused()[0] == 'list item')
    seen = []
    for _ in range(20):
        window.press('Tab')
        wait_for('a focus', focused)
        seen.append(focused())
        if seen.count(seen[0]) > 1:
            break
    for wanted in ('text', 'Join a room'), ('text', 'Message'), ('push button', 'Send'):
        assert wanted in seen, seen
    window.press('ctrl+l')
    wait_for('the entry', lambda: focused() == ('text', 'Message'))
    window.quit()
    service.end()


def test_dark(desktop):
    """Keys make it dark and light again."""
    service = Service()
    window = Window(service.json)
    wait_for('light', lambda: min(desktop.get_pixel(450, 300)) > 200)
    window.press('ctrl+d')
    wait_for('dark', lambda: max(desktop.get_pixel(450, 300)) < 80)
    window.press('ctrl+d')
    wait_for('light', lambda: min(desktop.get_pixel(450, 300)) > 200)
    window.quit()
    service.end()


PORTAL = """<node><interface name="org.freedesktop.portal.Settings">
  <method name="Read"><arg type="s"/><arg type="s"/><arg type="v" direction="out"/></method>
  <signal name="SettingChanged"><arg type="s"/><arg type="s"/><arg type="v"/></signal>
</interface></node>"""


class Portal:
    """Tells what the desktop's setting is: dark, at first."""

    def __init__(self):
        self.context = GLib.MainContext()
        self.loop = GLib.MainLoop.new(self.context, False)
        self.named = threading.Event()
        threading.Thread(target=self.run, daemon=True).start()
        self.named.wait(PATIENCE)

    def run(self):
        self.context.push_thread_default()
        self.bus = Gio.DBusConnection.new_for_address_sync(
            os.environ['DBUS_SESSION_BUS_ADDRESS'],
            Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION, None, None)
        interface = Gio.DBusNodeInfo.new_for_xml(PORTAL).interfaces[0]
        self.bus.register_object('/org/freedesktop/portal/desktop', interface,
                                 lambda *call: call[-1].return_value(GLib.Variant('(v)', (GLib.Variant('v', GLib.Variant('u', 1)),))),
                                 None, None)
        Gio.bus_own_name_on_connection(self.bus, 'org.freedesktop.portal.Desktop', 0, lambda *_: self.named.set(), None)
        self.loop.run()

    def change(self, scheme):
        self.bus.emit_signal(None, '/org/freedesktop/portal/desktop', 'org.freedesktop.portal.Settings', 'SettingChanged',
                             GLib.Variant('(ssv)', ('org.freedesktop.appearance', 'color-scheme', GLib.Variant('u', scheme))))

    def end(self):
        self.loop.quit()
        self.bus.close_sync(None)


def test_setting(desktop):
    """It is dark as long as the desktop's setting says so, until the user says something else."""
    portal = Portal()
    service = Service()
    window = Window(service.json)
    wait_for('dark', lambda: max(desktop.get_pixel(450, 300)) < 80)
    portal.change(0)
    wait_for('light', lambda: min(desktop.get_pixel(450, 300)) > 200)
    window.press('ctrl+d')
    wait_for('dark', lambda: max(desktop.get_pixel(450, 300)) < 80)
    portal.change(1)
    portal.change(0)
    window.types('still here')
    wait_for('what is typed', lambda: desktop.look())
    assert max(desktop.get_pixel(450, 300)) < 80
    window.quit()
    service.end()
    portal.end()


def test_reconnect(desktop):
    """A banner tells that the connection is down; when the service is back, so are nick name and rooms, and nothing is shown twice."""
    service = Service()
    window = Window(service.json, '--nick=bob', '--join=lobby')
    ann = Person(service, 'ann', 'lobby')
    ann.say('before')
    window.shows('ann: before')
    assert window.trouble() == ''
    assert service.end() == 0

    wait_for('the banner', lambda: 'Trying again in' in window.trouble())
    window.types('lost words')
    window.press('Return')
    window.shows('That was not sent')

    service = Service(service.text, service.json)
    wait_for('the end of the banner', lambda: window.trouble() == '')
    ann = Person(service, 'ann', 'lobby')
    wait_for('the members', lambda: window.texts('Members') == ['ann', 'bob'])
    window.types('here again')
    window.press('Return')
    ann.hears('<bob> here again')
    ann.say('after')
    window.shows('ann: after')
    assert sum('ann: before' in row for row in window.rows()) == 1, window.rows()
    window.quit()
    service.end()


def test_nowhere(desktop):
    """An endpoint that is none is an error, and no reason to go on."""
    done = subprocess.run([GTK_CHAT, 'nowhere'], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=20, check=False)
    assert done.returncode == 1, done
    assert 'gtk-chat: Bad endpoint “nowhere”' in done.stderr.decode(), done


class Pretender:
    """A service that says what it is told to, to its clients one after the other."""

    def __init__(self):
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.port = self.listener.getsockname()[1]

    def accept(self):
        self.connection = self.listener.accept()[0]

    def tell(self, **event):
        self.connection.sendall(json.dumps(event).encode() + b'\n')

    def welcome(self, *history):
        self.tell(event='welcome', nick='bob', motd='hello')
        self.tell(event='joined', room='lobby', topic='', users=['bob'], history=len(history))
        for when, text in history:
            self.tell(event='message', room='lobby', nick='ann', text=text, time=int(when))


def test_days(desktop):
    """Days are set apart; history that is told again is not shown again, what is new in it is."""
    pretender = Pretender()
    now = time.time()
    told = [(now - 40 * 86400, 'long ago'), (now - 86400, 'a day ago'), (now - 86400, 'a day ago, too'), (now, 'now')]
    window = None
    thread = threading.Thread(target=lambda: (pretender.accept(), pretender.welcome(*told)))
    thread.start()
    window = Window(pretender.port, '--join=lobby')
    thread.join()

    long_ago = time.strftime('%A, %-d %B %Y', time.localtime(told[0][0]))
    window.shows('ann: now')
    labels = window.texts('Messages')
    days = [label for label in labels if label in (long_ago, 'Yesterday', 'Today')]
    assert days == [long_ago, 'Yesterday', 'Today'], labels

    pretender.connection.close()
    wait_for('the banner', lambda: 'Trying again in' in window.trouble())
    pretender.accept()
    pretender.welcome(*told, (now + 1, 'new'))
    window.shows('ann: new')
    assert [row.split(',')[0] for row in window.rows() if row.startswith('ann: ')] == \
        ['ann: long ago', 'ann: a day ago', 'ann: a day ago', 'ann: now', 'ann: new'], window.rows()
    window.quit()
    pretender.connection.close()


def fill(service, room, n_lines):
    """Says N_LINES in ROOM, as fast as the service hears them."""
    connection = socket.create_connection(('127.0.0.1', service.json))
    commands = [{'cmd': 'join', 'room': room}]
    commands += [{'cmd': 'say', 'text': f'line {i} of a room that has many of them'} for i in range(n_lines)]
    data = ''.join(json.dumps(command) + '\n' for command in commands).encode()
    threading.Thread(target=connection.sendall, args=(data,), daemon=True).start()
    for line in connection.makefile('rb'):
        if b'line %d of' % (n_lines - 1) in line:
            return connection


def test_many_lines(desktop):
    """Joining a room of 50 000 lines does not freeze the window."""
    service = Service(0, 0, f'--history={N_LINES}', '--max-unsent=100000000')
    filler = fill(service, 'archive', N_LINES)
    window = Window(service.json, '--nick=bob', '--join=lobby')
    quick = min(window.measure() for _ in range(20))

    window.press('ctrl+j')
    window.types('archive')
    began = time.monotonic()
    window.press('Return')
    waits = [window.measure()]
    while len(waits) % 20 or not window.ends_with(f'line {N_LINES - 1} of'):
        waits.append(window.measure())
        assert time.monotonic() - began < PATIENCE, [name for name, _ in window.last_rows()]
    took = time.monotonic() - began
    longest = max(waits)
    print(f'{N_LINES} lines in {took:.2f} s; {len(waits)} questions answered meanwhile, the slowest in {longest * 1000:.0f} ms, '
          f'without load in {quick * 1000:.1f} ms')
    # A program that took all lines in one go would answer one question, when it is done.
    assert longest < max(0.5 * took, 1), waits

    # Who reads what was said before is left alone.
    last = desktop.look()
    xdotool('mousemove', '--window', window.id, 450, 300)
    wait_for('earlier lines', lambda: xdotool('click', '--repeat', 5, 4) is not None and desktop.look() != last)
    earlier = desktop.look()
    filler.sendall(b'{"cmd": "say", "text": "and one more"}\n')
    while b'and one more' not in filler.recv(4096):
        pass
    assert desktop.look() == earlier

    window.press('alt+1')
    window.shows_room('lobby')
    before = time.monotonic()
    window.press('alt+2')
    window.shows_room('archive')
    print(f'back in the room after {(time.monotonic() - before) * 1000:.0f} ms')
    window.types('the last word')
    window.press('Return')
    wait_for('it', lambda: window.ends_with('bob: the last word'))
    window.quit()
    filler.close()
    service.end()


def main():
    names = sys.argv[1:] or [name for name in globals() if name.startswith('test_')]
    with tempfile.TemporaryDirectory() as folder:
        desktop = Desktop(folder)
        try:
            for name in names:
                began = time.monotonic()
                globals()[name](desktop)
                print(f'{name}: {time.monotonic() - began:.1f} s', flush=True)
        finally:
            # Of a test that failed nothing is to stay.
            for process in Program.started:
                process.kill()
            desktop.end()


main()
