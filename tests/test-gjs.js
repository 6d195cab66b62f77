// test-gjs.js
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Tries what bindings/overrides/Troupe.js adds for JavaScript: handlers that are methods, bodies, exceptions, and await. With the argument
// “plain” it does so with a GJS that cannot run what is due in a turn.

import Gio from 'gi://Gio';
import GLib from 'gi://GLib';
import GObject from 'gi://GObject';
import System from 'system';

const isPlain = ARGV.includes('plain');
if (isPlain)
    delete imports._promiseNative.drainMicrotaskQueue;
imports.gi.versions.Troupe = '1';
const {Troupe} = imports.gi;

// Before anything of the library has run: its errors have more in them than others.
for (let i = 0; i < 100; i++)
    new GLib.Error(Troupe.Error, Troupe.Error.FAILED, 'made here');
System.gc();

let doing = null;

function fail(what) {
    printerr(`failed: ${doing}: ${what}`);
    System.exit(1);
}

function check(condition, what) {
    if (!condition)
        fail(what);
}

function checkEqual(is, expected) {
    if (JSON.stringify(is) !== JSON.stringify(expected))
        fail(`it is ${JSON.stringify(is)}, and not ${JSON.stringify(expected)}`);
}

async function checkFails(promise, what) {
    try {
        await promise;
    } catch (error) {
        checkEqual(error.message, what);
        return;
    }
    fail(`“${what}” is not thrown`);
}

const Counter = GObject.registerClass(class Counter extends Troupe.Actor {
    static handlers = {
        'add': GObject.TYPE_INT64,
        'total': GObject.TYPE_NONE,
        'echo': GObject.Value.$gtype,
        'echo-json': Troupe.TYPE_JSON,
        'fail-now': GObject.TYPE_NONE,
        'defer': GObject.TYPE_STRING,
    };

    _init(properties = {}) {
        super._init(properties);
        this._total = 0;
    }

    onAdd(number) {
        this._total += number;
    }

    onTotal() {
        return this._total;
    }

    onEcho(body) {
        return body;
    }

    onEchoJson(body) {
        return body;
    }

    onFailNow() {
        throw new RangeError('I give up');
    }

    onDefer(body, message) {
        const debt = message.defer_reply();

        this.call_later(0, () => debt.settle([message.get_name(), body]));
    }
});

const Twice = GObject.registerClass(class Twice extends Counter {
    static handlers = {clear: GObject.TYPE_NONE};

    onAdd(number) {
        super.onAdd(2 * number);
    }

    onClear() {
        this._total = 0;
    }
});

let story = [];

const Waiter = GObject.registerClass(class Waiter extends Troupe.Actor {
    static handlers = {
        'sender': GObject.TYPE_NONE,
        'ping': GObject.TYPE_NONE,
        'who-asks': Troupe.Ref.$gtype,
        'fail-later': GObject.TYPE_NONE,
        'fail-at-once': GObject.TYPE_NONE,
        'tell': Troupe.Ref.$gtype,
        'wait-for-ever': GObject.TYPE_NONE,
    };

    onSender(message) {
        return message.get_sender().dup_path();
    }

    onPing() {
        return 'pong';
    }

    // After each wait it is still this actor that asks.
    async onWhoAsks(other) {
        const names = [await other.ask('sender')];

        for (let i = 0; i < 3; i++) {
            await Troupe.sleep(1);
            await null;
            names.push(await other.ask('sender'));
        }
        return names;
    }

    async onFailLater() {
        await Troupe.sleep(1);
        throw new RangeError('later');
    }

    async onFailAtOnce() {
        throw new RangeError('at once');
    }

    async onWaitForEver() {
        await Troupe.sleep(1000000);
        fail('its actor has ended');
    }

    // A step, and a timer, that start what waits.
    onTell(other) {
        Troupe.sleep(1).add_callback(() => this._tell(other, 'step'));
        this.call_later(1, () => this._tell(other, 'timer'));
    }

    async _tell(other, what) {
        story.push([what, await other.ask('sender')]);
    }
});

// Its virtual functions wait, too.
const Virtual = GObject.registerClass(class Virtual extends Troupe.Actor {
    vfunc_receive(message) {
        this._ask(message.get_ref());
        return true;
    }

    async _ask(other) {
        story.push(['virtual', await other.ask('sender')]);
    }
});

// A client whose connection counts once it has slept, and the name that it wants is told.
const Link = GObject.registerClass(class Link extends Troupe.Client {
    vfunc_started() {
        story.push('started');
        return super.vfunc_started();
    }

    vfunc_connecting() {
        story.push('connecting');
        super.vfunc_connecting();
    }

    async vfunc_prepare_connection(connection) {
        await Troupe.sleep(1);
        story.push(connection.get_parent().dup_name());
        if (story.length < 5)
            throw new RangeError('not yet');
    }

    vfunc_connected(connection) {
        story.push(this.get_connection().dup_path() === connection.dup_path());
        super.vfunc_connected(connection);
    }

    vfunc_disconnected(disconnection) {
        story.push(`${disconnection.get_error().message}, ${disconnection.get_delay_ms() >= 0}`);
        super.vfunc_disconnected(disconnection);
    }
});

// Its types are those of JavaScript.
const Types = GObject.registerClass(class Types extends Troupe.Actor {
    static handlers = {
        'number': Number,
        'double': GObject.TYPE_DOUBLE,
        'text': String,
        'truth': Boolean,
        'bytes': Uint8Array,
        'json': Object,
        'list': Array,
        'ref': Troupe.Ref,
        'nothing': null,
    };

    onNumber(body) {
        return [typeof body, body];
    }

    onDouble(body) {
        return body;
    }

    onText(body) {
        return body;
    }

    onTruth(body) {
        return body;
    }

    onBytes(body) {
        return body.length;
    }

    onJson(body) {
        return body;
    }

    onList(body) {
        return body;
    }

    onRef(body) {
        return body.dup_path();
    }

    onNothing(message) {
        return message.get_name();
    }
});

// Waits for ever, in several ways.
const Patient = GObject.registerClass(class Patient extends Troupe.Actor {
    static handlers = {'wait': null, 'wait-for-both': null, 'ping': null, 'fail': null};

    async onWait() {
        try {
            await Troupe.sleep(1000000);
        } catch (error) {
            story.push(error.matches(Troupe.Error, Troupe.Error.ABANDONED) ? error.message : `${error}`);
            throw error;
        } finally {
            story.push('finally');
        }
    }

    async onWaitForBoth() {
        await Troupe.sleep(1);
        try {
            await Promise.all([Troupe.sleep(1000000), Troupe.sleep(1000000)]);
        } finally {
            story.push('both');
        }
    }

    onPing() {
        return 'pong';
    }

    onFail() {
        throw new RangeError('I give up');
    }
});

const onlyInTurns = ['what waits goes on in turns of its actor'];

const Scale = GObject.registerClass({
    Properties: {
        'full-weight': GObject.ParamSpec.int('full-weight', '', '', GObject.ParamFlags.READWRITE, 0, 10000, 0),
    },
}, class Scale extends Troupe.Actor {
    static handlers = {weight: null, spawn: null};

    onWeight() {
        return this.full_weight;
    }

    onSpawn() {
        return this.spawn(null, Scale, {fullWeight: 12});
    }
});

const tests = {
    async 'properties are given as those of an object'(system) {
        for (const scale of [
            system.spawn(null, Scale, {'full-weight': 12}), system.spawn(null, Scale, {full_weight: 12}), system.spawn(null, Scale, {fullWeight: 12}),
            system.spawn(null, Scale.$gtype, ['full-weight'], [12]), system.spawn_on(system.get_reactor(), null, Scale, {fullWeight: 12})])
            checkEqual(await scale.ask('weight'), 12);
        const scale = system.spawn('scale', Scale);
        checkEqual(await scale.ask('weight'), 0);
        checkEqual(await (await scale.ask('spawn')).ask('weight'), 12);
    },

    async 'methods get bodies and return answers'(system) {
        const counter = system.spawn('hits', Counter.$gtype, [], []);

        counter.send('add', 5);
        counter.send('add', 37);
        checkEqual(await counter.ask('total'), 42);
        checkEqual(await counter.ask('add', 1), null);
        checkEqual(await counter.ask('defer', 'body'), ['defer', 'body']);
        await checkFails(counter.ask('add', 'five'), 'Gjs_Counter takes a body of type gint64 with “add”, not gchararray');
        checkEqual(await counter.ask('total'), 43);

        const twice = system.spawn(null, Twice.$gtype, [], []);
        twice.send('add', 5);
        checkEqual(await twice.ask('total'), 10);
        twice.send('clear');
        checkEqual(await twice.ask('total'), 0);
    },

    async 'every value comes back as it went'(system) {
        const counter = system.spawn(null, Counter.$gtype, [], []);

        for (const body of [true, false, 0, -1, 2 ** 53 - 1, 0.5, 1e300, 'naïve', '', [], {}, {a: [1, null, 'ü', {b: true}]}, null]) {
            const answer = await counter.ask('echo', body);

            check(typeof answer === typeof body, `${JSON.stringify(body)} stays a ${typeof body}`);
            checkEqual(answer, body);
        }
        checkEqual([...await counter.ask('echo', new Uint8Array([0, 255]))], [0, 255]);
        checkEqual((await counter.ask('echo', new GLib.Variant('(is)', [1, 'a']))).deepUnpack(), [1, 'a']);
        check(await counter.ask('echo', system) === system, 'an object is the same');
        checkEqual((await counter.ask('echo', counter)).dup_path(), counter.dup_path());
        checkEqual(await counter.ask('echo-json', [1, [2]]), [1, [2]]);
    },

    async 'what is thrown goes to the asker and to the supervisor'(system) {
        system.set_supervision(Troupe.Supervision.new(Troupe.Directive.STOP));
        for (const [type, name, what] of [[Counter, 'fail-now', 'I give up'], [Waiter, 'fail-later', 'RangeError: later'],
            [Waiter, 'fail-at-once', 'RangeError: at once']]) {
            const actor = system.spawn(null, type.$gtype, [], []);

            await checkFails(actor.ask(name), what);
            while (!actor.has_ended())
                await Troupe.sleep(1);
        }
    },

    async 'what waits goes on in turns of its actor'(system) {
        const other = system.spawn('other', Waiter.$gtype, [], []);
        const waiter = system.spawn('waiter', Waiter.$gtype, [], []);
        const names = waiter.ask('who-asks', other);

        checkEqual(await waiter.ask('ping'), 'pong');
        check(!names.is_resolved(), 'other messages come meanwhile');
        checkEqual(await names, Array(4).fill('/waiter'));

        story = [];
        waiter.send('tell', other);
        system.spawn('virtual', Virtual.$gtype, [], []).send('x', other);
        while (story.length < 3)
            await Troupe.sleep(1);
        checkEqual(story.sort(), [['step', '/waiter'], ['timer', '/waiter'], ['virtual', '/virtual']]);
    },

    async 'it ends with its actor'(system) {
        const waiter = system.spawn('waiter', Waiter.$gtype, [], []);
        const answer = waiter.ask('wait-for-ever');

        checkEqual(await waiter.ask('ping'), 'pong');
        waiter.stop();
        await checkFails(answer, 'The actor “/waiter” has stopped');
    },

    async 'a client stays connected'(system) {
        const port = Troupe.listen(system, 'tcp:0:interface=127.0.0.1', system.spawn_factory(null, Troupe.LineProtocol.$gtype));

        story = [];
        const link = system.spawn('link', Link.$gtype, ['endpoint', 'protocol-type', 'first-delay-ms'],
            [port.dup_endpoint(), Troupe.LineProtocol, 1]);
        await checkFails(link.ask('when-connected', 1), 'RangeError: not yet');
        checkEqual((await link.ask('when-connected')).get_parent().dup_name(), 'link');
        link.stop();
        while (!link.has_ended())
            await Troupe.sleep(1);
        checkEqual(story, ['started', 'connecting', 'link', 'RangeError: not yet, true', 'connecting', 'link', true,
            'The actor “/link” has stopped, false']);
    },

    async 'time runs out'(system) {
        const waiter = system.spawn(null, Waiter.$gtype, [], []);

        await checkFails(waiter.ask_within('wait-for-ever', 10), 'There was no outcome within 10 ms');
    },

    async 'what waits in an actor that ends is told'(system) {
        for (const end of ['stop', 'finish', 'fail', 'kill']) {
            const actor = system.spawn(null, Patient.$gtype, [], []);

            story = [];
            actor.send('wait-for-both');
            const answer = actor.ask('wait');
            await Troupe.sleep(20);
            checkEqual(await actor.ask('ping'), 'pong');
            checkEqual(story, []);
            if (end === 'fail')
                await checkFails(actor.ask('fail'), 'I give up');
            else
                actor[end]();
            try {
                await answer;
                fail('it is answered');
            } catch (error) {
                check(error.matches(Troupe.Error, Troupe.Error.ACTOR_STOPPED), `${end}: the asker hears of the end, and not ${error}`);
            }
            // Without turns, what it makes after its first await is nobody's.
            const expected = ['The actor ended before the outcome came', ...isPlain ? [] : ['both'], 'finally'];
            while (story.length < expected.length)
                await Troupe.sleep(1);
            checkEqual(story.sort(), expected);
            actor.kill();
        }
    },

    async 'numbers are numbers, and types those of JavaScript'(system) {
        const types = system.spawn(null, Types.$gtype, [], []);

        for (const number of [5, 0.5, -1, 0, 2 ** 53, 1e300])
            checkEqual(await types.ask('number', number), ['number', number]);
        checkEqual(await types.ask('double', 21), 21);
        checkEqual(await types.ask(Troupe.Message.new_double('number', 5)), ['number', 5]);
        checkEqual(await types.ask(Troupe.Message.new_uint64('number', 5)), ['number', 5]);
        try {
            await types.ask('number', 'five');
            fail('a string is a number');
        } catch (error) {
            check(error.matches(Troupe.Error, Troupe.Error.BODY_TYPE), `${error}`);
            checkEqual(error.message, 'Gjs_Types takes a number with “number”, not gchararray');
        }
        const nUnheard = system.get_n_dead_letters();
        types.send('number', 'five');
        checkEqual(await types.ask('text', 'text'), 'text');
        checkEqual(system.get_n_dead_letters(), nUnheard + 1);
        checkEqual(await types.ask('truth', true), true);
        checkEqual(await types.ask('bytes', new Uint8Array(3)), 3);
        checkEqual(await types.ask('json', {a: 1}), {a: 1});
        checkEqual(await types.ask('list', [1]), [1]);
        checkEqual(await types.ask('ref', types), types.dup_path());
        checkEqual(await types.ask('nothing'), 'nothing');
    },

    async 'who waits for himself is told so'(system) {
        const refused = / cannot be called in an async function, or after an await: it would wait for itself$/;

        await null;
        for (const [what, func] of [['Troupe.run()', () => Troupe.run(Troupe.sleep(1))], ['system.run()', () => system.run()]]) {
            try {
                func();
                fail('it runs');
            } catch (error) {
                check(error.message.startsWith(what) && refused.test(error.message), `${error}`);
            }
        }
        check(!system.has_ended() && !system.is_running(), 'nothing has happened');
    },

    async 'what new cannot make says how it is made'() {
        for (const name of ['Clock', 'CooperativeTask', 'FileLock', 'LoopingCall', 'Port', 'Reactor', 'System', 'Transport']) {
            try {
                new Troupe[name]();
                fail(`there is a new ${name}`);
            } catch (error) {
                check(error instanceof TypeError && error.message.startsWith(`A Troupe.${name} is made by `), `${error}`);
            }
        }
        const queue = new Troupe.Queue();
        queue.put(1);
        checkEqual(await queue.get(), 1);
        checkEqual(new Troupe.Semaphore().get_limit(), 1);
        check(!Troupe.FileLock.new('/no/such/lock').is_held(), 'new () makes it');
    },

    async 'promises of both kinds'() {
        checkEqual(await Promise.all([Troupe.sleep(1), Troupe.Promise.new_resolved('there')]), [null, 'there']);
        await checkFails(Troupe.Promise.new_rejected(new GLib.Error(Gio.IOErrorEnum, Gio.IOErrorEnum.BUSY, 'Busy')), 'Busy');
    },
};

for (const [what, test] of Object.entries(tests)) {
    if (isPlain && onlyInTurns.includes(what))
        continue;
    const system = Troupe.System.new(null, null);

    doing = what;
    Troupe.run(test(system).catch(error => fail(`${error}\n${error.stack}`)));
    system.shutdown_sync();
}
