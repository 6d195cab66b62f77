// test-bindings.js
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Subclasses an actor in JavaScript, sends to it and asks it, and uses promises and what is made of them.

import Gio from 'gi://Gio';
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
        case 'never':
            this._debt = message.defer_reply();
            return true;
        case 'fail':
            throw new RangeError('I give up');
        default:
            return super.vfunc_receive(message);
        }
    }
});

let doing = null;

function check(condition, what) {
    if (!condition) {
        printerr(`failed: ${doing}: ${what}`);
        System.exit(1);
    }
}

function until(condition) {
    while (!condition())
        GLib.MainContext.default().iteration(true);
}

/** Turns the loop until PROMISE has an outcome; gives the value or throws the error. */
function outcome(promise) {
    until(() => promise.is_resolved());
    const [, value] = promise.propagate_value();
    return value;
}

function checkThrows(func, domain, code, what) {
    try {
        func();
    } catch (error) {
        check(error.matches(domain, code), `${what}, and not ${error}`);
        return;
    }
    check(false, what);
}

const tests = {
    'messages reach an actor in order, and its reply the asker'(system) {
        const counter = system.spawn('hits', Counter.$gtype, [], []);

        check(counter.dup_path() === '/hits', 'the path is /hits');
        counter.send(Troupe.Message.new_int64('add', 5));
        counter.send(Troupe.Message.new_int64('add', 37));
        check(outcome(counter.ask(Troupe.Message.new('total'))) === 42, 'the total is 42');
        checkThrows(() => outcome(counter.ask(Troupe.Message.new('no-such-name'))),
            Troupe.Error, Troupe.Error.UNHANDLED, 'an unknown name is UNHANDLED');
    },

    'what a handler throws rejects the ask'(system) {
        const counter = system.spawn(null, Counter.$gtype, [], []);

        try {
            outcome(counter.ask(Troupe.Message.new('fail')));
            check(false, 'it is thrown');
        } catch (error) {
            check(error instanceof RangeError && error.message === 'I give up', 'it is what was thrown');
        }
    },

    'what a step throws is the outcome'() {
        const promise = Troupe.Promise.new_resolved('fine');
        let caught = null;

        promise.add_callback(() => {
            throw new RangeError('I give up');
        });
        promise.add_errback(step => {
            try {
                step.propagate_value();
            } catch (error) {
                caught = error;
            }
        });
        check(caught instanceof RangeError && caught.message === 'I give up', 'the errback catches it');
        check(outcome(promise) === null, 'and it is handled');

        promise.add_callbacks(() => {
            throw new GLib.Error(Gio.IOErrorEnum, Gio.IOErrorEnum.BUSY, 'Busy');
        }, () => check(false, 'not for the same step'));
        checkThrows(() => outcome(promise), Gio.IOErrorEnum, Gio.IOErrorEnum.BUSY, 'an error of GIO stays one');
    },

    'cancelling calls the canceller, which may have the last word'() {
        let [promise, resolver] = Troupe.Promise.new_with_canceller(() => {});
        promise.cancel();
        check(resolver.is_cancelled(), 'the resolver knows');
        checkThrows(() => outcome(promise), Troupe.Error, Troupe.Error.CANCELLED, 'it is cancelled');

        [promise, resolver] = Troupe.Promise.new_with_canceller(r => r.resolve_string('have it'));
        promise.cancel();
        check(outcome(promise) === 'have it', 'it has the value');

        [promise, resolver] = Troupe.Promise.new();
        const cancellable = new Gio.Cancellable();
        promise.set_cancellable(cancellable);
        cancellable.cancel();
        checkThrows(() => outcome(promise), Troupe.Error, Troupe.Error.CANCELLED, 'a cancellable cancels');
    },

    'time runs out'(system) {
        const clock = Troupe.Clock.new(system.get_reactor());
        const counter = system.spawn(null, Counter.$gtype, [], []);
        const [late, lateResolver] = Troupe.Promise.new();
        const [hooked, hookedResolver] = Troupe.Promise.new();
        const asked = counter.ask_within(Troupe.Message.new('never'), 20);

        late.add_timeout(10, null);
        hooked.add_timeout(10, promise => promise.return_string('too late'));
        clock.advance(10);
        checkThrows(() => outcome(late), Troupe.Error, Troupe.Error.TIMED_OUT, 'late');
        check(outcome(hooked) === 'too late', 'the step runs');
        check(lateResolver.is_cancelled() && hookedResolver.is_cancelled(), 'nobody waits for either');
        clock.pump([5, 5]);
        checkThrows(() => outcome(asked), Troupe.Error, Troupe.Error.TIMED_OUT, 'the ask');
        clock.run_dispose();
    },

    'a paused chain waits'() {
        const [promise, resolver] = Troupe.Promise.new();
        const seen = [];

        promise.pause();
        promise.add_callback(step => seen.push(step.get_value()));
        resolver.resolve_int64(4);
        check(seen.length === 0, 'nothing yet');
        promise.unpause();
        check(seen.length === 1 && seen[0] === 4, 'now');
    },

    'several promises'() {
        const [good, resolver] = Troupe.Promise.new();
        const [bad, rejecter] = Troupe.Promise.new();
        const all = Troupe.Promise.all([good, bad], Troupe.ListFlags.CONSUME_ERRORS);

        resolver.resolve_int64(4);
        rejecter.reject(new GLib.Error(Troupe.Error, Troupe.Error.FAILED, 'No'));
        const outcomes = outcome(all);
        check(outcomes.get_length() === 2 && outcomes.get_int64(0) === 4, 'a value');
        check(!outcomes.has_value(1) && outcomes.get_error(1).message === 'No', 'an error');
        check(Troupe.Promise.collect([good]).get_outcomes().get_value(0) === 4, 'collected');

        const [slow, loser] = Troupe.Promise.new();
        const race = Troupe.Promise.race([slow, good]);
        check(race.get_outcomes().get_first() === 1 && loser.is_cancelled(), 'the race is over');
        check(slow.is_resolved(), 'the loser was cancelled');
    },

    'a looping call ends with what its function throws'() {
        let calls = 0;
        const loop = Troupe.LoopingCall.new((self, nTicks) => {
            check(nTicks >= 1, 'ticks are counted');
            if (++calls === 3)
                throw new GLib.Error(Troupe.Error, Troupe.Error.FAILED, 'Enough');
            return Troupe.sleep(1);
        });

        checkThrows(() => outcome(loop.start(1, true)), Troupe.Error, Troupe.Error.FAILED, 'it ends');
        check(calls === 3 && !loop.is_running(), 'after three calls');
    },

    'one at a time'() {
        const lock = Troupe.Semaphore.new(1);
        const story = [];
        const work = () => {
            story.push('begins');
            return Troupe.sleep(1);
        };
        const runs = [lock.run(work), lock.run(work)];

        runs.forEach(run => run.add_callback(() => story.push('ends')));
        check(lock.get_n_free() === 0 && story.length === 1, 'one has it');
        until(() => runs[1].is_resolved());
        check(story.join() === 'begins,begins,ends,ends', 'one after the other');

        outcome(lock.acquire());
        lock.release();
        checkThrows(() => lock.release(), Troupe.Error, Troupe.Error.NOT_HELD, 'nobody holds it');
    },

    'a queue takes what a value can be'() {
        const queue = Troupe.Queue.new(2, 1);
        const waiting = queue.get();

        queue.put('first');
        check(outcome(waiting) === 'first', 'who waits gets it');
        queue.put({a: [1, 2]});
        queue.put(null);
        checkThrows(() => queue.put(1), Troupe.Error, Troupe.Error.QUEUE_OVERFLOW, 'it is full');
        check(outcome(queue.get()).a[1] === 2, 'an object');
        check(outcome(queue.get()) === null, 'nothing');
    },

    'operations of GIO'() {
        const file = Gio.File.new_for_path('/no/such/file');
        const [promise, resolver] = Troupe.Promise.new();

        file.load_contents_async(null, (self, result) => resolver.resolve_object(result));
        promise.add_callback(step => file.load_contents_finish(step.get_object()));
        checkThrows(() => outcome(promise), Gio.IOErrorEnum, Gio.IOErrorEnum.NOT_FOUND, 'there is no such file');

        let done = null;
        const task = Gio.Task.new(null, null, (source, result) => (done = result));
        Troupe.Promise.new_resolved(true).complete_task(task);
        until(() => done !== null);
        check(done.propagate_boolean() === true, 'a task is completed');
    },
};

for (const [what, test] of Object.entries(tests)) {
    const system = Troupe.System.new(null, null);

    doing = what;
    test(system);
    system.shutdown();
    until(() => system.has_ended());
}
