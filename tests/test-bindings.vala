// test-bindings.vala
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Subclasses an actor in Vala, sends to it and asks it, and uses promises and what is made of them.

class Counter : Troupe.Actor {
    private int64 total;
    private Troupe.Resolver debt;

    public override bool receive (Troupe.Message message) throws Error {
        switch (message.get_name ()) {
        case "add":
            total += message.get_int64 ();
            return true;
        case "total":
            message.reply_int64 (total);
            return true;
        case "never":
            debt = message.defer_reply ();
            return true;
        case "fail":
            throw new IOError.BUSY ("I give up");
        case "sender":
            message.reply_string (message.get_sender ().dup_path ());
            return true;
        case "fail-softly":
            message.reply_error (new IOError.BUSY ("Not now"));
            return true;
        case "twice":
            twice.begin (message.defer_reply ());
            return true;
        default:
            return base.receive (message);
        }
    }

    // Vala's own way of waiting: it goes on in the actor's turn, so it is the actor that asks.
    private async void twice (Troupe.Resolver resolver) {
        try {
            yield Troupe.sleep (1).wait_async ();
            int64 total = (yield get_ref ().ask (new Troupe.Message ("total")).wait_async ()).get_int64 ();
            var sender = yield get_ref ().ask (new Troupe.Message ("sender")).wait_async ();
            assert (sender.get_string () == get_ref ().dup_path ());
            try {
                yield get_ref ().ask (new Troupe.Message ("fail-softly")).wait_async ();
                assert_not_reached ();
            } catch (IOError.BUSY error) {
            }
            yield new Troupe.Promise.resolved (null).wait_async ();
            resolver.resolve_int64 (2 * total);
        } catch (Error error) {
            assert_not_reached ();
        }
    }
}

// Its handlers are methods that are bound to names.
class Bound : Troupe.Actor {
    private int64 total;

    private bool on_add (Troupe.Message message) throws Error {
        total += message.get_int64 ();
        return true;
    }

    private bool on_total (Troupe.Message message) throws Error {
        message.reply_int64 (total);
        return true;
    }

    private bool on_fail (Troupe.Message message) throws Error {
        throw new IOError.BUSY ("I give up");
    }

    private bool on_answer (Troupe.Message message) throws Error {
        return message.reply_json_string (message.dup_json_string ());
    }

    class construct {
        bind ("add", typeof (int64), (Troupe.Handler) on_add);
        bind ("total", Type.NONE, (Troupe.Handler) on_total);
        bind ("fail", Type.NONE, (Troupe.Handler) on_fail);
        bind ("answer", typeof (Value), (Troupe.Handler) on_answer);
    }
}

// Calls its parent class's functions, though there is nothing to do.
class Chained : Troupe.Actor {
    public static string told = "";

    public override bool started () throws Error {
        told += "started ";
        return base.started ();
    }

    public override bool receive (Troupe.Message message) throws Error {
        throw new IOError.BUSY ("I give up");
    }

    public override void pre_restart (Error error) {
        told += "pre-restart ";
        base.pre_restart (error);
    }

    public override void post_restart (Error error) {
        told += "post-restart ";
        base.post_restart (error);
    }

    public override void stopped () {
        told += "stopped ";
        base.stopped ();
    }
}

class ChainedFactory : Troupe.Factory {
    public override void start_factory () {
        Chained.told += "start ";
        base.start_factory ();
    }

    public override void stop_factory () {
        Chained.told += "stop ";
        base.stop_factory ();
    }
}

class ChainedProtocol : Troupe.Protocol {
    public override bool connection_made () throws Error {
        Chained.told += "made ";
        base.read_closed ();
        base.write_closed ();
        base.write_paused ();
        base.write_resumed ();
        base.read_resumed ();
        return base.connection_made ();
    }

    public override bool data_received (uint8[] data) throws Error {
        Chained.told += "data ";
        return base.data_received (data);
    }

    public override void connection_lost (Error reason) {
        Chained.told += reason.matches (Troupe.Error.quark (), Troupe.Error.CONNECTION_DONE) ? "lost " : reason.message;
        base.connection_lost (reason);
    }
}

// Turns the loop until PROMISE has an outcome.
void settle (Troupe.Promise promise) {
    while (!promise.is_resolved ())
        MainContext.default ().iteration (true);
}

void assert_fails (Troupe.Promise promise, Quark domain, int code) {
    settle (promise);
    try {
        Value value;
        promise.propagate_value (out value);
        assert_not_reached ();
    } catch (Error error) {
        assert (error.matches (domain, code));
    }
}

void test_exceptions () {
    var promise = new Troupe.Promise.resolved (null);

    promise.add_fallible_callback ((promise) => {
        throw new IOError.EXISTS ("Exists");
    });
    promise.add_fallible_callbacks ((promise) => {
        assert_not_reached ();
    }, (promise) => {
        throw new IOError.BUSY ("Busy");
    });
    assert_fails (promise, IOError.quark (), IOError.BUSY);
}

void test_giving_up () {
    Troupe.Resolver resolver;
    bool called = false;

    var promise = new Troupe.Promise.with_canceller (out resolver, (resolver) => {
        called = true;
    });
    promise.cancel ();
    assert (called && resolver.is_cancelled ());
    assert_fails (promise, Troupe.Error.quark (), Troupe.Error.CANCELLED);

    var late = new Troupe.Promise (out resolver);
    late.add_timeout (1, null);
    assert_fails (late, Troupe.Error.quark (), Troupe.Error.TIMED_OUT);

    var cancellable = new Cancellable ();
    var bridged = new Troupe.Promise (out resolver);
    bridged.set_cancellable (cancellable);
    cancellable.cancel ();
    assert_fails (bridged, Troupe.Error.quark (), Troupe.Error.CANCELLED);
}

void test_lists () {
    Troupe.Resolver resolver;
    var slow = new Troupe.Promise (out resolver);
    var thread = new Troupe.Promise.in_thread ((resolver) => {
        resolver.resolve_int64 (5);
    });
    var failing = new Troupe.Promise.in_thread ((resolver) => {
        throw new IOError.BUSY ("Busy");
    });
    var sleep = Troupe.sleep (1);

    var all = Troupe.Promise.all ({ thread, failing, sleep }, Troupe.ListFlags.CONSUME_ERRORS);
    settle (all);
    unowned Troupe.Outcomes outcomes = all.get_outcomes ();
    assert (outcomes.get_length () == 3 && outcomes.get_int64 (0) == 5);
    assert (outcomes.get_error (1).matches (IOError.quark (), IOError.BUSY));

    assert (Troupe.Promise.collect ({ thread }).get_outcomes ().get_int64 (0) == 5);

    var race = Troupe.Promise.race ({ slow, thread });
    assert (race.get_outcomes ().get_first () == 1);
    assert (resolver.is_cancelled ());
}

void test_time (Troupe.System system) throws Error {
    var clock = new Troupe.Clock (system.get_reactor ());
    uint64 n = 0;
    var loop = new Troupe.LoopingCall ((loop, n_ticks) => {
        n += n_ticks;
        if (n > 3)
            throw new IOError.BUSY ("Enough");
        return null;
    });

    var end = loop.start (10, false);
    clock.pump ({ 10, 20 });
    assert (n == 3 && loop.is_running ());
    clock.advance (10);
    assert_fails (end, IOError.quark (), IOError.BUSY);
}

void test_taking_turns () throws Error {
    var semaphore = new Troupe.Semaphore (1);
    var queue = new Troupe.Queue (1, 1);
    var run = semaphore.run ((semaphore) => {
        return Troupe.sleep (1);
    });

    assert (semaphore.get_n_free () == 0);
    settle (run);
    assert (semaphore.get_n_free () == 1);
    assert_fails (semaphore.run ((semaphore) => {
        throw new IOError.BUSY ("Busy");
    }), IOError.quark (), IOError.BUSY);

    queue.put ("value");
    try {
        queue.put ("too many");
        assert_not_reached ();
    } catch (Error error) {
        assert (error.matches (Troupe.Error.quark (), Troupe.Error.QUEUE_OVERFLOW));
    }
    assert (queue.get ().get_string () == "value");
}

void test_asks (Troupe.System system, Troupe.Ref counter) {
    counter.send (new Troupe.Message.int64 ("add", 5));
    counter.send (new Troupe.Message.int64 ("add", 37));
    var total = counter.ask (new Troupe.Message ("total"));
    settle (total);
    assert (total.get_int64 () == 42);

    var twice = counter.ask (new Troupe.Message ("twice"));
    settle (twice);
    assert (twice.get_int64 () == 84);

    assert_fails (counter.ask_within (new Troupe.Message ("never"), 1), Troupe.Error.quark (), Troupe.Error.TIMED_OUT);
    assert_fails (counter.ask (new Troupe.Message ("fail")), IOError.quark (), IOError.BUSY);
}

void test_bound (Troupe.System system) throws Error {
    var bound = system.spawn_with_properties (null, typeof (Bound), null, null);

    bound.send (new Troupe.Message.int64 ("add", 5));
    bound.send (new Troupe.Message.int64 ("add", 37));
    var total = bound.ask (new Troupe.Message ("total"));
    settle (total);
    assert (total.get_int64 () == 42);

    var answer = bound.ask (new Troupe.Message.json_string ("answer", "{\"a\": [1, null]}"));
    settle (answer);
    assert (answer.dup_json_string () == "{\"a\":[1,null]}");
    assert_fails (bound.ask (new Troupe.Message ("add")), Troupe.Error.quark (), Troupe.Error.BODY_TYPE);
    assert_fails (bound.ask (new Troupe.Message ("fail")), IOError.quark (), IOError.BUSY);
}

void test_parent_class (Troupe.System system) throws Error {
    var chained = system.spawn_with_properties ("chained", typeof (Chained), null, null);
    chained.send (new Troupe.Message ("fail"));
    chained.finish ();
    while (!chained.has_ended ())
        MainContext.default ().iteration (true);
    assert (Chained.told == "started pre-restart stopped started post-restart stopped ");

    Chained.told = "";
    var factory = system.spawn_with_properties ("factory", typeof (ChainedFactory), { "protocol-type" }, { typeof (ChainedProtocol) });
    var port = Troupe.listen (system, "tcp:0:interface=127.0.0.1", factory);
    var client = new SocketClient ().connect (port.get_address ());
    client.output_stream.write ("hello".data);
    while (!Chained.told.has_suffix ("data "))
        MainContext.default ().iteration (true);
    client.close ();
    while (!Chained.told.has_suffix ("lost "))
        MainContext.default ().iteration (true);
    factory.stop ();
    while (!factory.has_ended ())
        MainContext.default ().iteration (true);
    assert (Chained.told == "start made data lost stop ");
}

int main () {
    try {
        var system = Troupe.System.get_default ();
        var counter = system.spawn_with_properties ("hits", typeof (Counter), null, null);

        test_exceptions ();
        test_giving_up ();
        test_lists ();
        test_taking_turns ();
        test_asks (system, counter);
        test_bound (system);
        test_parent_class (system);
        test_time (system);

        Troupe.sleep (0).add_callback ((promise) => {
            try {
                system.stop ();
            } catch (Error error) {
                assert_not_reached ();
            }
        });
        system.run ();
        assert (counter.has_ended ());
    } catch (Error error) {
        stderr.printf ("%s\n", error.message);
        return 1;
    }
    return 0;
}
