#!/usr/bin/env -S gjs -m
// chat-bot.js: rolls dice for the users of the chat service, in JavaScript
// SPDX-License-Identifier: LGPL-2.1-or-later

import GLib from 'gi://GLib';
import GObject from 'gi://GObject';
import System from 'system';
import Troupe from 'gi://Troupe?version=1';

const Dice = GObject.registerClass(class Dice extends Troupe.Actor {
    static handlers = {roll: Number};

    onRoll(sides) {
        return GLib.random_int_range(1, sides + 1);
    }
});

// A connection to the chat, and a user of it. It answers “!roll”.
const Bot = GObject.registerClass(class Bot extends Troupe.JsonProtocol {
    vfunc_connection_made() {
        this._dice = this.spawn('dice', Dice);
        this.send({cmd: 'nick', nick: 'bot'});
        this.send({cmd: 'join', room: 'lobby'});
        return true;
    }

    vfunc_text_received(text) {
        const {event, room, nick, text: said} = JSON.parse(text);

        if (event === 'message' && said === '!roll')
            this._roll(room, nick).catch(logError);
        return true;
    }

    // In turns of the connection; others come while it waits.
    async _roll(room, nick) {
        const number = await this._dice.ask('roll', 6);
        this.send({cmd: 'say', room, text: `${nick} rolled ${number}`});
    }

    vfunc_connection_lost() {
        this.get_system().shutdown();
    }
});

try {
    const system = Troupe.System.get_default();

    Troupe.run(Troupe.connect(system, ARGV[0] ?? 'tcp:127.0.0.1:8027', system.spawn_factory('bot', Bot)));
    system.run();
} catch (error) {
    printerr(`chat-bot.js: ${error.message}`);
    System.exit(1);
}
