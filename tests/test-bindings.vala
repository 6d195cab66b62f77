// test-bindings.vala
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Subclasses an actor in Vala, and sends to it and asks it.

class Counter : Troupe.Actor {
    private int64 total;

    public override bool receive (Troupe.Message message) throws Error {
        switch (message.get_name ()) {
        case "add":
            total += message.get_int64 ();
            return true;
        case "total":
            message.reply_int64 (total);
            return true;
        default:
            return base.receive (message);
        }
    }
}

int main () {
    try {
        var system = Troupe.System.get_default ();
        var counter = system.spawn_with_properties ("hits", typeof (Counter), null, null);

        counter.send (new Troupe.Message.int64 ("add", 5));
        counter.send (new Troupe.Message.int64 ("add", 37));

        int64 seen = -1;
        var total = counter.ask (new Troupe.Message ("total"));
        total.add_callback ((promise) => {
            seen = promise.get_int64 ();
            try {
                system.stop ();
            } catch (Error error) {
                assert_not_reached ();
            }
        });
        system.run ();
        assert (seen == 42);
        assert (counter.has_ended ());
    } catch (Error error) {
        stderr.printf ("%s\n", error.message);
        return 1;
    }
    return 0;
}
