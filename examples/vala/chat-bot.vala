// chat-bot.vala: rolls dice for the users of the chat service, in Vala
// SPDX-License-Identifier: LGPL-2.1-or-later

class Dice : Troupe.Actor {
    private bool on_roll (Troupe.Message message) throws Error {
        message.reply_int64 (Random.int_range (1, (int32) message.get_int64 () + 1));
        return true;
    }

    class construct {
        bind ("roll", typeof (int64), (Troupe.Handler) on_roll);
    }
}

// A connection to the chat, and a user of it, with lines as people type them. It answers “!roll”.
class Bot : Troupe.LineProtocol {
    private Troupe.Ref dice;

    public override bool connection_made () throws Error {
        dice = spawn_with_properties ("dice", typeof (Dice), null, null);
        send_line ("/nick bot".data);
        send_line ("/join lobby".data);
        return true;
    }

    public override bool line_received (uint8[] line) throws Error {
        uint8[] bytes = line;
        bytes += 0;

        MatchInfo match;
        if (/^\[lobby\] <(.*)> !roll$/.match ((string) bytes, 0, out match))
            roll.begin (match.fetch (1));
        return true;
    }

    // In turns of the connection; others come while it waits.
    private async void roll (string nick) {
        try {
            var answer = yield dice.ask (new Troupe.Message.int64 ("roll", 6)).wait_async ();
            send_line ("%s rolled %lld".printf (nick, answer.get_int64 ()).data);
        } catch (Error error) {
            fail (error);
        }
    }

    public override void connection_lost (Error? reason) {
        get_system ().shutdown ();
    }
}

int main (string[] args) {
    Intl.setlocale ();
    if (args.length > 2) {
        printerr ("usage: chat-bot [ENDPOINT]\n");
        return 1;
    }

    var system = Troupe.System.get_default ();
    int status = 0;
    try {
        var factory = system.spawn_factory ("bot", typeof (Bot));
        Troupe.connect (system, args.length == 2 ? args[1] : "tcp:127.0.0.1:8026", factory).add_errback ((promise) => {
            printerr ("chat-bot: %s\n", promise.get_error ().message);
            promise.return_nothing ();
            status = 1;
            system.shutdown ();
        });
        system.run ();
    } catch (Error error) {
        printerr ("chat-bot: %s\n", error.message);
        return 1;
    }
    return status;
}
