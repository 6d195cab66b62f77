#!/usr/bin/env python3
# chat-bot.py: rolls dice for the users of the chat service, in Python
# SPDX-License-Identifier: LGPL-2.1-or-later

import json
import random
import sys

import gi
gi.require_version('Troupe', '1')
from gi.repository import GLib, Troupe


class Dice(Troupe.Actor):

    @Troupe.handler('roll', int)
    def roll(self, sides):
        return random.randint(1, sides)


class Bot(Troupe.JsonProtocol):
    """A connection to the chat, and a user of it. It answers “!roll”."""

    def do_connection_made(self):
        self.dice = self.spawn('dice', Dice)
        self.send({'cmd': 'nick', 'nick': 'bot'})
        self.send({'cmd': 'join', 'room': 'lobby'})

    def do_text_received(self, text):
        event = json.loads(text)
        if event.get('event') == 'message' and event['text'] == '!roll':
            Troupe.start(self.roll(event['room'], event['nick'])).or_fail()

    async def roll(self, room, nick):
        """In turns of the connection; others come while it waits."""
        number = await self.dice.ask('roll', 6)
        self.send({'cmd': 'say', 'room': room, 'text': f'{nick} rolled {number}'})

    def do_connection_lost(self, reason):
        self.get_system().shutdown()


async def connect(system, endpoint):
    await Troupe.connect(system, endpoint, system.spawn_factory('bot', Bot))


def main():
    if len(sys.argv) > 2:
        raise SystemExit('usage: chat-bot.py [ENDPOINT]')

    system = Troupe.System.get_default()
    try:
        Troupe.run(connect(system, sys.argv[1] if len(sys.argv) == 2 else 'tcp:127.0.0.1:8027'))
        system.run()
    except GLib.Error as error:
        raise SystemExit(f'chat-bot.py: {error.message}')


main()
