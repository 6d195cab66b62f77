#!/usr/bin/env python3
# e2e-echo.py
# SPDX-License-Identifier: LGPL-2.1-or-later

"""Drives the built examples echo, hello and limited with netcat and with sockets, and looks at what survives."""

import os
import pathlib
import re
import resource
import select
import signal
import socket
import struct
import subprocess
import sys
import time
import unittest

EXAMPLES = pathlib.Path(os.environ.get('TROUPE_EXAMPLES', 'build/examples'))
SECONDS = 20  # for anything that takes a moment; a hang is a failure


class Server:
    """A built example on a free port, stopped at the end of the block, which has to be a clean one."""

    def __init__(self, name, *args, descriptors=None, endpoints=('tcp:0:interface=127.0.0.1',)):
        self.argv = [EXAMPLES / name, *args, *(f'--listen={endpoint}' for endpoint in endpoints)]
        self.n_endpoints = len(endpoints)
        self.descriptors = descriptors

    def limit(self):
        if self.descriptors:
            resource.setrlimit(resource.RLIMIT_NOFILE, (self.descriptors, self.descriptors))

    def __enter__(self):
        self.process = subprocess.Popen(self.argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                        preexec_fn=self.limit)
        self.lines = [self.process.stdout.readline() for _ in range(self.n_endpoints)]
        match = re.fullmatch(r'listening on tcp:127\.0\.0\.1:(\d+)\n', self.lines[0])
        assert match, self.lines
        self.port = int(match[1])
        return self

    def stop(self, number=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            return self.process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise

    def __exit__(self, kind, *_):
        status = self.stop()
        self.errors = self.process.stderr.read()
        self.process.stdout.close()
        self.process.stderr.close()
        assert kind or status == 0, (status, self.errors)

    def connect(self):
        client = socket.create_connection(('127.0.0.1', self.port), SECONDS)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return client

    def resident(self):
        """In bytes."""
        return int(pathlib.Path(f'/proc/{self.process.pid}/statm').read_text().split()[1]) * resource.getpagesize()

    def n_descriptors(self):
        return len(os.listdir(f'/proc/{self.process.pid}/fd'))


def read_all(client):
    """Until the end."""
    data = b''
    while True:
        piece = client.recv(65536)
        if not piece:
            return data
        data += piece


def read_exactly(client, length):
    data = b''
    while len(data) < length:
        piece = client.recv(length - len(data))
        assert piece, (len(data), length)
        data += piece
    return data


def reset(client):
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
    client.close()


def until(condition):
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, 'nothing happened'
        time.sleep(0.01)


def netcat(port, data=b'', *options):
    return subprocess.run(['nc', *options, '127.0.0.1', str(port)], input=data, capture_output=True, timeout=SECONDS,
                          check=False).stdout


class Echo(unittest.TestCase):

    def test_netcat(self):
        """A half-closed client gets all of its echo, then the end."""
        with Server('echo') as server:
            self.assertEqual(netcat(server.port, b'hello\n', '-N'), b'hello\n')
            text = b''.join(b'line %d\n' % i for i in range(100000))
            self.assertEqual(netcat(server.port, text, '-N'), text)

    def test_thousand(self):
        """A thousand connections at once, each with its own content."""
        with Server('echo', endpoints=('tcp:0:interface=127.0.0.1:backlog=1000',)) as server:
            clients = [server.connect() for _ in range(1000)]
            for turn in range(3):
                texts = [b'client %d turn %d ' % (i, turn) * (1 + i % 50) for i in range(1000)]
                for client, text in zip(clients, texts):
                    client.sendall(text)
                for client, text in zip(clients, texts):
                    self.assertEqual(read_exactly(client, len(text)), text)
            for client in clients:
                client.shutdown(socket.SHUT_WR)
            for client in clients:
                self.assertEqual(read_all(client), b'')
                client.close()

    def test_vanish(self):
        """Clients that reset their connection in the middle of a stream disturb nobody and leave nothing behind."""
        with Server('echo') as server:
            steady = server.connect()
            steady.sendall(b'here')
            self.assertEqual(read_exactly(steady, 4), b'here')
            before = server.n_descriptors()
            for i in range(200):
                client = server.connect()
                client.sendall(b'x' * (1 + i * 700))
                reset(client)
                if i % 20 == 0:
                    steady.sendall(b'still here')
                    self.assertEqual(read_exactly(steady, 10), b'still here')
            until(lambda: server.n_descriptors() == before)
            steady.close()

    def test_never_reads(self):
        """A client that sends and never reads is held back; memory stays bounded and others are served."""
        with Server('echo') as server:
            other = server.connect()
            before = server.resident()
            greedy = server.connect()
            greedy.setblocking(False)
            sent = 0
            stalled = 0
            piece = b'y' * 65536
            while sent < 256 << 20 and stalled < 20:
                try:
                    sent += greedy.send(piece)
                    stalled = 0
                except BlockingIOError:
                    if not select.select([], [greedy], [], 0.05)[1]:
                        stalled += 1
            self.assertEqual(stalled, 20, 'it was never held back')
            self.assertLess(server.resident() - before, 4 << 20)
            other.sendall(b'me too')
            self.assertEqual(read_exactly(other, 6), b'me too')

            greedy.settimeout(SECONDS)
            greedy.shutdown(socket.SHUT_WR)
            self.assertEqual(len(read_all(greedy)), sent)
            greedy.close()
            other.close()

    def test_no_descriptors(self):
        """Out of descriptors, clients are closed at once; when others leave, it serves again."""
        with Server('echo', descriptors=32) as server:
            clients = [server.connect() for _ in range(40)]
            served = []
            for client in clients:
                try:
                    client.sendall(b'anybody there?')
                    if client.recv(100) == b'anybody there?':
                        served.append(client)
                        continue
                except (ConnectionResetError, BrokenPipeError):
                    pass
                client.close()
            self.assertGreater(len(served), 10)
            self.assertLess(len(served), 32)
            for client in served:
                client.close()

            def served_again():
                with server.connect() as client:
                    try:
                        client.sendall(b'back')
                        return client.recv(4) == b'back'
                    except ConnectionError:
                        return False
            until(served_again)

    def test_two_endpoints(self):
        with Server('echo', endpoints=('tcp:0:interface=127.0.0.1', 'tcp:0:interface=127.0.0.2')) as server:
            match = re.fullmatch(r'listening on tcp:127\.0\.0\.2:(\d+)\n', server.lines[1])
            self.assertTrue(match, server.lines)
            with socket.create_connection(('127.0.0.2', int(match[1])), SECONDS) as client:
                client.sendall(b'both')
                self.assertEqual(read_exactly(client, 4), b'both')


class Signals(unittest.TestCase):

    def test_clean_stop(self):
        """SIGTERM and SIGINT end it with status 0, with connections open, which see the end."""
        for number in signal.SIGTERM, signal.SIGINT:
            with Server('echo') as server:
                client = server.connect()
                client.sendall(b'x')
                read_exactly(client, 1)
                self.assertEqual(server.stop(number), 0)
                self.assertEqual(read_all(client), b'')
                client.close()


class Hello(unittest.TestCase):

    def test_greeting(self):
        """The greeting arrives whole, then the end, whether the client speaks first or not."""
        with Server('hello') as server:
            self.assertEqual(netcat(server.port), b'Hello, and good-bye!\r\n')
            self.assertEqual(netcat(server.port, b'GET / HTTP/1.0\r\n\r\n'), b'Hello, and good-bye!\r\n')
            for _ in range(200):
                with server.connect() as client:
                    self.assertEqual(read_all(client), b'Hello, and good-bye!\r\n')


class Limited(unittest.TestCase):

    REFUSAL = b'Too many connections, try later\r\n'

    def test_limit(self):
        """Connections over the limit are told so and closed; when one leaves, the next is served."""
        with Server('limited', '--max=3') as server:
            clients = [server.connect() for _ in range(3)]
            for client in clients:
                client.sendall(b'ping')
                self.assertEqual(read_exactly(client, 4), b'ping')
            for _ in range(20):
                with server.connect() as client:
                    self.assertEqual(read_all(client), self.REFUSAL)

            clients.pop().close()

            def served():
                with server.connect() as client:
                    client.sendall(b'ping')
                    return client.recv(4) == b'ping'
            until(served)
            for client in clients:
                client.close()


class Start(unittest.TestCase):

    def assert_refuses(self, name, *args, saying):
        result = subprocess.run([EXAMPLES / name, *args], capture_output=True, text=True, timeout=SECONDS, check=False)
        self.assertEqual(result.returncode, 1, result)
        self.assertEqual(result.stdout, '')
        self.assertEqual(result.stderr.count('\n'), 1, result.stderr)
        self.assertIn(saying, result.stderr)

    def test_bad_endpoint(self):
        """What cannot start says so in one line and leaves with status 1."""
        for name in 'echo', 'hello', 'limited':
            self.assert_refuses(name, '--listen=tpc:8025', saying='unknown type “tpc”')
            self.assert_refuses(name, '--listen=tcp:99999', saying='port “99999”')
            self.assert_refuses(name, '--listen=tcp:0:interface=192.0.2.1', saying='Cannot listen on 192.0.2.1:0')
            self.assert_refuses(name, '--nonsense', saying='--nonsense')
        self.assert_refuses('limited', '--max=-1', saying='--max')

    def test_port_in_use(self):
        with Server('echo') as server:
            self.assert_refuses('hello', f'--listen=tcp:{server.port}:interface=127.0.0.1',
                                saying=f'Cannot listen on 127.0.0.1:{server.port}')


def main():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < 4096:
        if hard != resource.RLIM_INFINITY and hard < 4096:
            print('skipped: 4096 file descriptors are needed (ulimit -n)')
            sys.exit(77)
        resource.setrlimit(resource.RLIMIT_NOFILE, (4096, hard))
    if '-N' not in subprocess.run(['sh', '-c', 'nc -h 2>&1'], capture_output=True, text=True, check=False).stdout:
        print('skipped: nc with -N is missing (netcat-openbsd)')
        sys.exit(77)
    unittest.main(verbosity=0)


if __name__ == '__main__':
    main()
