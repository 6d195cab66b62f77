// echo.vala: sends back whatever arrives, in Vala
// SPDX-License-Identifier: LGPL-2.1-or-later

class Echo : Troupe.Protocol {
    public override bool data_received (uint8[] data) throws Error {
        get_transport ().write (data);
        return true;
    }

    // A client that does not read its echo gets none of ours either: it waits in the network, not in our memory.
    public override void write_paused () {
        get_transport ().pause_reading ();
    }

    public override void write_resumed () {
        get_transport ().resume_reading ();
    }
}

class Program {
    private static string endpoint;

    private const OptionEntry[] OPTIONS = {
        { "listen", 'l', 0, OptionArg.STRING, ref endpoint, "Where to listen", "ENDPOINT" },
        { null }
    };

    static int main (string[] args) {
        Intl.setlocale ();
        // Here, for the fields of a class that has no instance are never initialized.
        endpoint = "tcp:8025:interface=127.0.0.1";
        try {
            var context = new OptionContext ("– sends back whatever arrives");
            context.add_main_entries (OPTIONS, null);
            context.parse (ref args);

            var system = Troupe.System.get_default ();
            var port = Troupe.listen (system, endpoint, system.spawn_factory ("echo", typeof (Echo)));
            print ("listening on %s\n", port.dup_endpoint ());
            stdout.flush ();
            system.run ();
        } catch (Error error) {
            printerr ("echo: %s\n", error.message);
            return 1;
        }
        return 0;
    }
}
