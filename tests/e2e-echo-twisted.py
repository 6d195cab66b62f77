#!/usr/bin/env python3
# e2e-echo-twisted.py
# SPDX-License-Identifier: LGPL-2.1-or-later

"""A thousand connections from Twisted's own client to the built echo example, each with its own content, checked to the byte."""

import os
import pathlib
import re
import resource
import signal
import subprocess
import sys

try:
    from twisted.internet import defer, endpoints, protocol, reactor
except ImportError:
    print('skipped: Twisted is missing (python3-twisted)')
    sys.exit(77)

EXAMPLES = pathlib.Path(os.environ.get('TROUPE_EXAMPLES', 'build/examples'))
N_CLIENTS = 1000
N_ROUNDS = 3
SECONDS = 50


class Client(protocol.Protocol):
    """Sends a text of its own, waits for all of its echo, and again; then closes its half and waits for the end."""

    def __init__(self, number):
        self.number = number
        self.done = defer.Deferred()
        self.round = 0

    def connectionMade(self):
        self.begin_round()

    def begin_round(self):
        self.expected = b'client %d round %d\r\n' % (self.number, self.round) * (1 + self.number % 400)
        self.received = b''
        self.transport.write(self.expected)

    def dataReceived(self, data):
        self.received += data
        if len(self.received) < len(self.expected):
            return
        if self.received != self.expected:
            self.done.errback(AssertionError(f'client {self.number} received something else'))
            return
        self.round += 1
        if self.round < N_ROUNDS:
            self.begin_round()
        else:
            self.transport.loseConnection()

    def connectionLost(self, reason):
        if self.done.called:
            return
        if self.round == N_ROUNDS:
            self.done.callback(None)
        else:
            self.done.errback(reason)


@defer.inlineCallbacks
def run(port):
    clients = [Client(number) for number in range(N_CLIENTS)]
    endpoint = endpoints.TCP4ClientEndpoint(reactor, '127.0.0.1', port)
    for start in range(0, N_CLIENTS, 40):
        yield defer.gatherResults([endpoints.connectProtocol(endpoint, client) for client in clients[start:start + 40]])
    yield defer.gatherResults([client.done for client in clients], consumeErrors=True)


def main():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < 2 * N_CLIENTS:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(4 * N_CLIENTS, hard), hard))

    server = subprocess.Popen([EXAMPLES / 'echo', '--listen=tcp:0:interface=127.0.0.1'], stdout=subprocess.PIPE, text=True)
    port = int(re.fullmatch(r'listening on tcp:127\.0\.0\.1:(\d+)\n', server.stdout.readline())[1])

    failures = []
    done = run(port)
    done.addTimeout(SECONDS, reactor)
    done.addErrback(failures.append)
    done.addBoth(lambda _: reactor.stop())
    reactor.run()

    server.send_signal(signal.SIGTERM)
    status = server.wait(10)
    for failure in failures:
        print(failure.getTraceback())
    sys.exit(1 if failures or status != 0 else 0)


if __name__ == '__main__':
    main()
