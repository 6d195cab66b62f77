#!/usr/bin/env python3
# e2e-languages.py
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Drives the examples in Python, JavaScript or Vala with netcat: echo, and a chat bot that users of the built chat talk to.

The arguments are ECHO BOT INTERPRETER...: the programs, and how to run them. What ends in .vala is compiled instead. Exit status 77
skips.
"""

import os
import pathlib
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

EXAMPLES = pathlib.Path(os.environ.get('TROUPE_EXAMPLES', 'build/examples'))
LOCAL = 'tcp:0:interface=127.0.0.1'
SECONDS = 30                         # for anything that takes a moment; a hang is a failure


class Program:
    """A process whose lines are waited for."""

    def __init__(self, *argv):
        self.process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.text = ''

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()

    def read_until(self, pattern):
        """Gives the match of what it has written by then, and forgets it."""
        deadline = time.monotonic() + SECONDS
        while True:
            match = re.search(pattern, self.text)
            if match:
                self.text = self.text[match.end():]
                return match
            wait = max(0, deadline - time.monotonic())
            readable, _, _ = select.select([self.process.stdout], [], [], wait)
            piece = os.read(self.process.stdout.fileno(), 65536) if readable else b''
            assert piece, f'{self.process.args} has not said “{pattern}”, but: {self.text}'
            self.text += piece.decode().replace('\r', '')

    def say(self, line):
        self.process.stdin.write(line.encode() + b'\n')
        self.process.stdin.flush()

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(SECONDS)


def compile_vala(path, folder):
    """Makes a program against the binding in $TROUPE_BUILD."""
    program = os.path.join(folder, pathlib.Path(path).stem)
    sanitizers = os.environ.get('TROUPE_SANITIZE')
    subprocess.run(['valac', '--quiet', '--vapidir=' + os.environ['TROUPE_BUILD'], '--pkg', 'gio-2.0', '--pkg', 'troupe-1', '-X', '-w',
                    *(['-X', '-fsanitize=' + sanitizers] if sanitizers else []), '-o', program, path], check=True)
    return [program]


os.environ['LC_ALL'] = 'C.UTF-8'


class LanguageTest(unittest.TestCase):

    def test_echo(self):
        """Netcat gets all of its text back, then the end; a signal ends the program well."""
        with Program(*ECHO, '--listen=' + LOCAL) as echo:
            port = echo.read_until(r'listening on tcp:127\.0\.0\.1:(\d+)\n')[1]
            text = b''.join(b'line %d\n' % number for number in range(20000))
            for data in b'hello\n', text:
                done = subprocess.run(['nc', '-N', '127.0.0.1', port], input=data, capture_output=True, timeout=SECONDS, check=True)
                self.assertEqual(done.stdout, data)
            self.assertEqual(echo.end(), 0)

    def test_echo_where(self):
        """Unless told otherwise it listens on port 8025, which may be taken."""
        process = subprocess.Popen(ECHO, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        try:
            readable, _, _ = select.select([process.stdout], [], [], SECONDS)
            line = process.stdout.readline() if readable else ''
            self.assertRegex(line, r'^listening on tcp:127\.0\.0\.1:8025$|Cannot listen on .*127\.0\.0\.1:8025.* in use')
        finally:
            process.kill()
            process.communicate()

    def test_echo_nowhere(self):
        """An endpoint that is none is an error."""
        done = subprocess.run([*ECHO, '--listen=nothing'], capture_output=True, text=True, timeout=SECONDS, check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn('Bad endpoint “nothing”', done.stderr)

    def test_bot(self):
        """A user with netcat sees the bot come, and what it answers; it goes with the service."""
        with Program(EXAMPLES / 'chat', '--listen=' + LOCAL, '--listen-json=' + LOCAL) as chat:
            ports = [chat.read_until(r'listening on .*tcp:127\.0\.0\.1:(\d+).*\n')[1] for _ in range(2)]
            with Program('nc', '127.0.0.1', ports[0]) as user, Program(*BOT, 'tcp:127.0.0.1:' + ports[PORT]) as bot:
                user.say('/nick ann')
                user.read_until('ann')
                user.say('/join lobby')
                # It may come before or after the user.
                deadline = time.monotonic() + SECONDS
                user.say('/who lobby')
                while 'bot' not in user.read_until(r'Here: (.*)\n')[1]:
                    self.assertLess(time.monotonic(), deadline, 'the bot has not come')
                    time.sleep(0.05)
                    user.say('/who lobby')
                for _ in range(3):
                    user.say('!roll')
                    user.read_until(r'<bot> ann rolled [1-6]\n')
                user.say('!rolls')
                user.say('!roll')
                user.read_until(r'<bot> ann rolled [1-6]\n')
                chat.end()
                self.assertEqual(bot.process.wait(SECONDS), 0)

    def test_bot_alone(self):
        """Without a service it says why it cannot go on."""
        done = subprocess.run([*BOT, 'tcp:127.0.0.1:1'], capture_output=True, text=True, timeout=SECONDS, check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn('refused', done.stderr)


if __name__ == '__main__':
    if len(sys.argv) < 3:
        sys.exit('usage: e2e-languages.py ECHO BOT [INTERPRETER...]')
    if shutil.which('nc') is None:
        print('skipped: nc is missing (netcat-openbsd)')
        sys.exit(77)
    if sys.argv[1].endswith('.py') and subprocess.run([sys.argv[3], '-c', 'from gi import require_version'],
                                                      stderr=subprocess.DEVNULL, check=False).returncode != 0:
        print('skipped: gi is missing (python3-gi)')
        sys.exit(77)
    with tempfile.TemporaryDirectory() as temporary:
        ECHO, BOT = (compile_vala(program, temporary) if program.endswith('.vala') else [*sys.argv[3:], program]
                     for program in sys.argv[1:3])
        # The bot in Vala, which has no JSON of its own, reads lines as people do.
        PORT = 0 if sys.argv[2].endswith('.vala') else 1
        unittest.main(argv=sys.argv[:1])
