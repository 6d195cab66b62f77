// Troupe.js
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What makes Troupe at home in JavaScript: handlers that are methods, bodies that are values of JavaScript, and promises that can be
// awaited. GJS loads it with gi://Troupe.

/* exported _init */

const {GLib, GObject} = imports.gi;

// GJS goes on with an async function in a job, which its main loop runs later, outside the turn. This runs what is due at once. A GJS
// without it goes on outside the turn.
const drain = imports._promiseNative?.drainMicrotaskQueue ?? (() => {});

let Troupe;

const MADE_BY = {
    Clock: 'Troupe.Clock.new()',
    CooperativeTask: 'Troupe.Cooperator.add()',
    FileLock: 'Troupe.FileLock.new()',
    LoopingCall: 'Troupe.LoopingCall.new()',
    Port: 'Troupe.listen()',
    Reactor: 'its system',
    System: 'Troupe.System.new()',
    Transport: 'its connection',
};


// Bodies

function isJson(body) {
    return Array.isArray(body) || typeof body === 'object' && Object.getPrototypeOf(body) === Object.prototype;
}

// What a class may say instead of types: types of JavaScript.
function bodyType(type) {
    switch (type) {
    case null:
        return GObject.TYPE_NONE;
    case Boolean:
        return GObject.TYPE_BOOLEAN;
    case Number:
        return GObject.TYPE_DOUBLE;
    case String:
        return GObject.TYPE_STRING;
    case Uint8Array:
        return GLib.Bytes.$gtype;
    case Array:
    case Object:
        return Troupe.TYPE_JSON;
    default:
        return type.$gtype ?? type;
    }
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

// Makes of FUNC one that ends with what is due: so nothing of a turn is left for after it, or for somebody else's.
function inTurn(func) {
    if (typeof func !== 'function')
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
function wrapWhatIsGiven(object, ...names) {
    for (const name of names) {
        const original = object[name];

        object[name] = function (...args) {
            return original.apply(this, args.map(inTurn));
        };
    }
}

// A loop that is run by an async function hangs: nothing awaited goes on before the function waits itself.
function checkLoop(what) {
    let goesOn = false, isOver = false;
    const source = GLib.idle_add(GLib.PRIORITY_HIGH, () => {
        isOver = true;
        return GLib.SOURCE_REMOVE;
    });

    Promise.resolve().then(() => (goesOn = true));
    while (!goesOn && !isOver)
        GLib.MainContext.default().iteration(true);
    if (!isOver)
        GLib.Source.remove(source);
    if (!goesOn)
        throw new Error(`${what} cannot be called in an async function, or after an await: it would wait for itself`);
}

// Handlers

// “say-hello” is handled by onSayHello ().
function methodName(name) {
    return `on-${name}`.replace(/-(.)/g, (_, letter) => letter.toUpperCase());
}

function answerLater(actor, message, answer) {
    const resolver = message.wants_reply() ? message.defer_reply() : null;
    const [failure, failer] = Troupe.Promise.new();

    // Wherever it throws, its actor fails in a turn; if it never ends, it does not.
    failure.add_errback(step => {
        const error = step.steal_error();

        if (!error.matches(Troupe.Error, Troupe.Error.BROKEN))
            actor.fail(error);
    });
    answer.then(value => {
        if (resolver !== null && !resolver.is_resolved())
            resolver.settle(value);
        failer.resolve();
    }, thrown => {
        const error = toError(thrown);

        if (resolver !== null && !resolver.is_resolved())
            resolver.reject(error);
        failer.reject(error);
    });
}

function isNumber(type) {
    return ['gint64', 'guint64', 'gdouble'].includes(GObject.type_name(type));
}

// What a handler of numbers is given instead.
function refuse(actor, message, name) {
    const error = new GLib.Error(Troupe.Error, Troupe.Error.BODY_TYPE,
        `${GObject.type_name(actor.constructor.$gtype)} takes a number with “${name}”, not ${GObject.type_name(message.get_body_type())}`);

    if (!message.wants_reply())
        return Troupe.Actor.prototype.vfunc_unhandled.call(actor, message);
    message.reply_error(error);
    return true;
}

function makeHandler(name, type) {
    const method = methodName(name);
    const isEmpty = type === GObject.TYPE_NONE;
    const takesNumbers = type === GObject.TYPE_DOUBLE;

    return inTurn((actor, message) => {
        if (takesNumbers && !isNumber(message.get_body_type()))
            return refuse(actor, message, name);
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

// JavaScript has one type of numbers, of which those that are whole travel as such: a handler of numbers takes all.
function bindHandler(made, name, type) {
    const takesNumbers = type === GObject.TYPE_DOUBLE;

    Troupe.Actor.bind.call(made, name, takesNumbers ? GObject.Value.$gtype : type, makeHandler(name, type));
}

function wrapVirtualFunctions(klass) {
    for (const name of Object.getOwnPropertyNames(klass.prototype)) {
        if (name === 'vfunc_prepare_connection')
            klass.prototype[name] = promising(klass.prototype[name]);
        if (name.startsWith('vfunc_'))
            klass.prototype[name] = inTurn(klass.prototype[name]);
    }
}

// A property that is a type may be given as a class.
function toProperty(value) {
    if (typeof value !== 'function' || value.$gtype === undefined)
        return value;
    const type = new GObject.Value();

    type.init(GObject.type_from_name('GType'));
    type.set_gtype(value.$gtype);
    return type;
}

// Functions of OBJECT that spawn, whose last arguments may be one object of properties, or none.
function takeProperties(object, nBefore, ...names) {
    for (const name of names) {
        const original = object[name];

        object[name] = function (...args) {
            let [keys, values] = args.slice(nBefore);

            if (!Array.isArray(keys)) {
                values = Object.values(keys ?? {});
                keys = Object.keys(keys ?? {}).map(key => key.replace(/_/g, '-').replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`));
            }
            return original.call(this, ...args.slice(0, nBefore), keys, values.map(toProperty));
        };
    }
}

function _init() {
    Troupe = this;

    Troupe.TYPE_JSON = Troupe.Json.$gtype;

    // As Gtk does with its templates.
    Troupe.Actor._classInit = function (klass) {
        wrapVirtualFunctions(klass);
        const made = GObject.Object._classInit(klass);

        if (Object.hasOwn(klass, 'handlers')) {
            for (const [name, type] of Object.entries(klass.handlers))
                bindHandler(made, name, bodyType(type));
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

    wrapWhatIsGiven(Troupe.Promise.prototype, 'add_callback', 'add_errback', 'add_both', 'add_callbacks', 'add_timeout',
        'wait_async');
    wrapWhatIsGiven(Troupe.Actor.prototype, 'call_later');
    wrapWhatIsGiven(Troupe.Reactor.prototype, 'call_later');

    for (const {prototype} of [Troupe.Actor, Troupe.System]) {
        takeProperties(prototype, 2, 'spawn');
        takeProperties(prototype, 3, 'spawn_on');
    }

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
            this.wait_async((_, result) => {
                try {
                    this.wait_finish(result);
                    resolve(read(this, this.get_value_type()));
                } catch (error) {
                    reject(error);
                }
            });
        }).then(onValue, onError);
    };

    // Turns the main loop until PROMISE has its outcome; gives the value or throws the error.
    Troupe.run = function (promise) {
        let value, error, state = 'waiting';

        Promise.resolve(promise).then(it => {
            value = it;
            state = 'resolved';
        }, it => {
            error = it;
            state = 'rejected';
        });
        checkLoop('Troupe.run()');
        while (state === 'waiting')
            GLib.MainContext.default().iteration(true);
        if (state === 'rejected')
            throw error;
        return value;
    };

    const {run} = Troupe.System.prototype;

    Troupe.System.prototype.run = function () {
        checkLoop('system.run()');
        return run.call(this);
    };

    // What needs more than properties does not work when it is made by new.
    for (const [name, how] of Object.entries(MADE_BY)) {
        Troupe[name].prototype._init = function () {
            throw new TypeError(`A Troupe.${name} is made by ${how}`);
        };
    }

    Troupe.JsonProtocol.prototype.send = function (object) {
        this.send_text(JSON.stringify(object));
    };
}
