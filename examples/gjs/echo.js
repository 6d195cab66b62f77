#!/usr/bin/env -S gjs -m
// echo.js: sends back whatever arrives, in JavaScript
// SPDX-License-Identifier: LGPL-2.1-or-later

import GObject from 'gi://GObject';
import System from 'system';
import Troupe from 'gi://Troupe?version=1';

const Echo = GObject.registerClass(class Echo extends Troupe.Protocol {
    vfunc_data_received(data) {
        this.get_transport().write(data);
        return true;
    }

    // A client that does not read its echo gets none of ours either: it waits in the network, not in our memory.
    vfunc_write_paused() {
        this.get_transport().pause_reading();
    }

    vfunc_write_resumed() {
        this.get_transport().resume_reading();
    }
});

const listen = ARGV.find(argument => argument.startsWith('--listen='))?.slice('--listen='.length);

try {
    const system = Troupe.System.get_default();
    const port = Troupe.listen(system, listen ?? 'tcp:8025:interface=127.0.0.1', system.spawn_factory('echo', Echo));

    print('listening on', port.dup_endpoint());
    system.run();
} catch (error) {
    printerr(`echo.js: ${error.message}`);
    System.exit(1);
}
