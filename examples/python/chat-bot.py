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
        self.ended, self.end = Troupe.Promise.new()
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

    @Troupe.handler('wait-for-end')
    def wait_for_end(self):
        return self.ended

    def do_connection_lost(self, reason):
        self.end.resolve()


async def talk(system, endpoint):
    bot = await system.connect_to(endpoint, Bot)
    await bot.ask('wait-for-end')


def main():
    if len(sys.argv) > 2:
        raise SystemExit('usage: chat-bot.py [ENDPOINT]')

    try:
        Troupe.run(talk(Troupe.System.get_default(), sys.argv[1] if len(sys.argv) == 2 else 'tcp:127.0.0.1:8027'))
    except GLib.Error as error:
        raise SystemExit(f'chat-bot.py: {error.message}')


main()
