// test-bindings.js
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Subclasses an actor in JavaScript, and sends to it and asks it.

import GLib from 'gi://GLib';
import GObject from 'gi://GObject';
import System from 'system';
import Troupe from 'gi://Troupe?version=1';

const Counter = GObject.registerClass(class Counter extends Troupe.Actor {
    _init(properties = {}) {
        super._init(properties);
        this._total = 0;
    }

    vfunc_receive(message) {
        switch (message.get_name()) {
        case 'add':
            this._total += message.get_int64();
            return true;
        case 'total':
            message.reply_int64(this._total);
            return true;
        default:
            return super.vfunc_receive(message);
        }
    }
});

function check(condition, what) {
    if (!condition) {
        printerr(`failed: ${what}`);
        System.exit(1);
    }
}

function until(condition) {
    while (!condition())
        GLib.MainContext.default().iteration(true);
}

function outcome(promise) {
    let seen = null;

    promise.add_both(step => {
        if (step.has_value()) {
            seen = {value: step.get_int64()};
        } else {
            seen = {error: step.get_error()};
            step.return_nothing();
        }
    });
    until(() => seen !== null);
    return seen;
}

const system = Troupe.System.new(null, null);
const counter = system.spawn('hits', Counter.$gtype, [], []);

check(counter.dup_path() === '/hits', 'the path is /hits');
counter.send(Troupe.Message.new_int64('add', 5));
counter.send(Troupe.Message.new_int64('add', 37));
check(outcome(counter.ask(Troupe.Message.new('total'))).value === 42, 'the total is 42');

const refused = outcome(counter.ask(Troupe.Message.new('no-such-name')));
check(refused.error.matches(Troupe.Error, Troupe.Error.UNHANDLED), 'an unknown name is UNHANDLED');

system.shutdown();
until(() => system.has_ended());
check(counter.has_ended(), 'the actor has ended');
