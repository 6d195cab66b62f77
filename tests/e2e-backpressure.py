#!/usr/bin/env python3
# e2e-backpressure.py
# SPDX-License-Identifier: LGPL-2.1-or-later

"""Feeds 100 MB by netcat to actors that are too slow for it, and looks at how the memory of their program grows."""

import os
import re
import shutil
import subprocess
import sys
import unittest

SINK = os.environ.get('TROUPE_SLOW_SINK', 'build/tests/slow-sink')
SECONDS = 60
N_BYTES = 100_000_000
FLAT_KIB = 16 * 1024                 # of some 90 MB that wait without back-pressure; a sanitizer alone takes 10


def make_environment():
    """AddressSanitizer keeps what is freed for a while: as little of it as it can be told to."""
    few = 'quarantine_size_mb=1:thread_local_quarantine_size_kb=64'
    given = os.environ.get('ASAN_OPTIONS')
    return dict(os.environ, ASAN_OPTIONS=f'{given}:{few}' if given else few)


def feed(mode, capacity):
    """Returns how many KiB the program has grown while it took N_BYTES."""
    with subprocess.Popen([SINK, mode, str(capacity)], stdout=subprocess.PIPE, text=True, env=make_environment()) as sink:
        try:
            port = int(sink.stdout.readline())
            line = 'x' * 999
            subprocess.run(f'yes {line} | head -c {N_BYTES} | nc -N 127.0.0.1 {port}', shell=True, check=True,
                           timeout=SECONDS, stdout=subprocess.DEVNULL)
            report = sink.stdout.readline()
            status = sink.wait(SECONDS)
        except BaseException:
            sink.kill()
            raise

    assert status == 0, status
    n_bytes, kib = re.fullmatch(r'(\d+) bytes, (\d+) KiB\n', report).groups()
    assert int(n_bytes) == N_BYTES, f'{n_bytes} of {N_BYTES} bytes came through'
    return int(kib)


class Backpressure(unittest.TestCase):
    def test_same_thread(self):
        """Lines to an actor on the connection's thread: all come through, and memory is flat."""
        self.assertLess(feed('lines', 16), FLAT_KIB)

    def test_other_thread(self):
        """Chunks to an actor on another thread: the same."""
        self.assertLess(feed('thread', 64), FLAT_KIB)

    def test_measure(self):
        """Without a capacity memory is not flat: the client is fast enough for the tests above to mean something."""
        self.assertGreater(feed('lines', 0), 2 * FLAT_KIB)
        self.assertGreater(feed('thread', 0), 2 * FLAT_KIB)


if __name__ == '__main__':
    if not shutil.which('nc'):
        print('skipped: nc is missing (netcat-openbsd)')
        sys.exit(77)
    unittest.main()
