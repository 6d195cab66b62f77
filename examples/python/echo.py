#!/usr/bin/env python3
# echo.py: sends back whatever arrives, in Python
# SPDX-License-Identifier: LGPL-2.1-or-later

import argparse

import gi
gi.require_version('Troupe', '1')
from gi.repository import GLib, Troupe


class Echo(Troupe.Protocol):

    def do_data_received(self, data):
        self.get_transport().write(data)

    def do_write_paused(self):
        """A client that does not read its echo gets none of ours either: it waits in the network, not in our memory."""
        self.get_transport().pause_reading()

    def do_write_resumed(self):
        self.get_transport().resume_reading()


def main():
    parser = argparse.ArgumentParser(description='Sends back whatever arrives.')
    parser.add_argument('--listen', metavar='ENDPOINT', default='tcp:8025:interface=127.0.0.1', help='where to listen')
    options = parser.parse_args()

    system = Troupe.System.get_default()
    try:
        port = system.listen(options.listen, Echo)
        print('listening on', port.dup_endpoint(), flush=True)
        system.run()
    except GLib.Error as error:
        raise SystemExit(f'echo.py: {error.message}')


main()
