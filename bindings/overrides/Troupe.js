// Troupe.js
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What makes Troupe at home in JavaScript: handlers that are methods, bodies that are values of JavaScript, and promises that can be
// awaited. GJS loads it with gi://Troupe.

/* exported _init */

const {GLib, GObject} = imports.gi;

// GJS goes on with an async function in a job, which its main loop runs later, outside the turn. This runs what is due at once.
const drain = imports._promiseNative?.drainMicrotaskQueue ?? null;

let Troupe;

// Bodies

function isJson(body) {
    return Array.isArray(body) || typeof body === 'object' && Object.getPrototypeOf(body) === Object.prototype;
}

function isNothing(body) {
    return body === null || body === undefined;
}

// Calls one of the functions of OBJECT that are called PREFIX and a type, by what BODY is.
function give(object, prefix, before, body) {
    if (isNothing(body))
        return object[prefix.nothing](...before);
    if (typeof body === 'boolean')
        return object[`${prefix.of}_boolean`](...before, body);
    if (typeof body === 'number')
        return object[`${prefix.of}_${Number.isSafeInteger(body) ? 'int64' : 'double'}`](...before, body);
    if (body instanceof Uint8Array)
        return object[`${prefix.of}_bytes`](...before, GLib.Bytes.new(body));
    if (body instanceof GLib.Variant)
        return object[`${prefix.of}_variant`](...before, body);
    if (isJson(body))
        return object[`${prefix.of}_json_string`](...before, JSON.stringify(body));
    return object[`${prefix.of}_value`](...before, body);
}

function read(holder, type) {
    switch (GObject.type_name(type)) {
    case 'void':
        return null;
    case 'TroupeJson':
        return JSON.parse(holder.dup_json_string());
    case 'GBytes':
        return holder.get_bytes().toArray();
    case 'GVariant':
        return holder.get_variant();
    default:
        return holder.get_value();
    }
}

function toMessage(message, body) {
    return typeof message === 'string' ? give(Troupe.Message, {nothing: 'new', of: 'new'}, [message], body) : message;
}

function toError(error) {
    return error instanceof GLib.Error
        ? error : new GLib.Error(Troupe.Error, Troupe.Error.FAILED, `${error.name ?? 'Error'}: ${error.message ?? error}`);
}

// The value that a promise has in a step, or throws its error, which is then handled.
function propagate(promise) {
    if (promise.has_value())
        return read(promise, promise.get_value_type());
    promise.propagate_value();
    return null;
}

// Makes of FUNC one that ends with what is due: so nothing of a turn is left for after it, or for somebody else's.
function drained(func) {
    if (typeof func !== 'function' || drain === null)
        return func;
    return function (...args) {
        try {
            return func.apply(this, args);
        } finally {
            drain();
        }
    };
}

// Functions of OBJECT that are given functions which run in turns.
function drainWhatIsGiven(object, ...names) {
    for (const name of names) {
        const original = object[name];

        object[name] = function (...args) {
            return original.apply(this, args.map(drained));
        };
    }
}

// Handlers

// “say-hello” is handled by onSayHello ().
function methodName(name) {
    return `on-${name}`.replace(/-(.)/g, (_, letter) => letter.toUpperCase());
}

function answerLater(actor, message, answer) {
    if (drain === null)
        throw new Error('This GJS cannot go on with async functions in an actor’s turn; use a generator or steps');

    const resolver = message.wants_reply() ? message.defer_reply() : null;

    answer.then(value => {
        if (resolver !== null && !resolver.is_resolved())
            resolver.settle(value);
    }, thrown => {
        const error = toError(thrown);

        if (resolver !== null && !resolver.is_resolved())
            resolver.reject(error);
        actor.fail(error);
    });
}

function makeHandler(method, type) {
    const isEmpty = GObject.type_name(type) === 'void';

    return drained((actor, message) => {
        const answer = isEmpty ? actor[method](message) : actor[method](message.body, message);

        if (answer instanceof Promise)
            answerLater(actor, message, answer);
        else if (message.wants_reply())
            message.answer(answer);
        return true;
    });
}

// Of what an async function returns.
function toPromise(answer) {
    const [promise, resolver] = Troupe.Promise.new();

    answer.then(() => resolver.is_resolved() || resolver.resolve(), thrown => resolver.is_resolved() || resolver.reject(toError(thrown)));
    return promise;
}

// A virtual function that may be async, or return nothing.
function promising(func) {
    return function (...args) {
        const answer = func.apply(this, args) ?? null;

        return answer instanceof Promise ? toPromise(answer) : answer;
    };
}

function drainVirtualFunctions(klass) {
    for (const name of Object.getOwnPropertyNames(klass.prototype)) {
        if (name === 'vfunc_prepare_connection')
            klass.prototype[name] = promising(klass.prototype[name]);
        if (name.startsWith('vfunc_'))
            klass.prototype[name] = drained(klass.prototype[name]);
    }
}

// Properties that are types may be given as classes.
function takeClasses(object, ...names) {
    for (const name of names) {
        const original = object[name];

        object[name] = function (...args) {
            const values = args.pop();

            return original.call(this, ...args, values.map(value => {
                if (typeof value !== 'function' || value.$gtype === undefined)
                    return value;
                const type = new GObject.Value();
                type.init(GObject.type_from_name('GType'));
                type.set_gtype(value.$gtype);
                return type;
            }));
        };
    }
}

function _init() {
    Troupe = this;

    Troupe.TYPE_JSON = Troupe.Json.$gtype;

    // As Gtk does with its templates.
    Troupe.Actor._classInit = function (klass) {
        drainVirtualFunctions(klass);
        const made = GObject.Object._classInit(klass);

        if (Object.hasOwn(klass, 'handlers')) {
            for (const [name, type] of Object.entries(klass.handlers))
                Troupe.Actor.bind.call(made, name, type, makeHandler(methodName(name), type));
        }
        return made;
    };

    Object.defineProperty(Troupe.Message.prototype, 'body', {
        get() {
            return read(this, this.get_body_type());
        },
    });

    // Answers an ask with any value, or with what a promise brings.
    Troupe.Message.prototype.answer = function (body) {
        if (body instanceof Troupe.Promise)
            this.reply_promise(body);
        else
            give(this, {nothing: 'reply', of: 'reply'}, [], body);
    };

    drainWhatIsGiven(Troupe.Promise.prototype, 'add_callback', 'add_errback', 'add_both', 'add_callbacks', 'add_timeout');
    drainWhatIsGiven(Troupe.Actor.prototype, 'call_later');
    drainWhatIsGiven(Troupe.Reactor.prototype, 'call_later');

    takeClasses(Troupe.Actor.prototype, 'spawn', 'spawn_on');
    takeClasses(Troupe.System.prototype, 'spawn', 'spawn_on');

    const {send, ask, ask_within: askWithin} = Troupe.Ref.prototype;

    // A message, or the name and the body of one.
    Troupe.Ref.prototype.send = function (message, body) {
        send.call(this, toMessage(message, body));
    };
    Troupe.Ref.prototype.ask = function (message, body) {
        return ask.call(this, toMessage(message, body));
    };
    Troupe.Ref.prototype.ask_within = function (message, ...rest) {
        return askWithin.call(this, toMessage(message, rest.length > 1 ? rest[0] : null), rest[rest.length - 1]);
    };

    // Resolves with any value.
    Troupe.Resolver.prototype.settle = function (body) {
        give(this, {nothing: 'resolve', of: 'resolve'}, [], body);
    };

    Troupe.Promise.prototype.then = function (onValue, onError) {
        return new Promise((resolve, reject) => {
            this.add_both(step => {
                try {
                    resolve(propagate(step));
                } catch (error) {
                    reject(error);
                }
            });
        }).then(onValue, onError);
    };

    // Turns the main loop until PROMISE has its outcome; gives the value or throws the error.
    Troupe.run = function (promise) {
        const loop = new GLib.MainLoop(null, false);
        let value, error, failed = false;

        Promise.resolve(promise).then(it => (value = it), it => {
            error = it;
            failed = true;
        }).then(() => loop.quit());
        loop.run();
        if (failed)
            throw error;
        return value;
    };

    Troupe.JsonProtocol.prototype.send = function (object) {
        this.send_text(JSON.stringify(object));
    };
}
