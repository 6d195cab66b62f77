# display.py - a display of a test's own
# SPDX-License-Identifier: LGPL-2.1-or-later

import os
import shutil
import subprocess
import sys

SKIP = 77


def skip(reason):
    print(f'skipped: {reason}')
    sys.exit(SKIP)


def start(folder):
    """Starts Xvfb, which keeps what it shows in FOLDER/Xvfb_screen0, and has programs that are started later use it, without a GPU."""
    if shutil.which('Xvfb') is None:
        skip('Xvfb is missing (xvfb)')
    reader, writer = os.pipe()
    # A server that begins anew when its last client has gone refuses who comes at that moment.
    server = subprocess.Popen(['Xvfb', '-displayfd', str(writer), '-screen', '0', '1000x700x24', '-fbdir', folder, '-noreset'],
                              pass_fds=[writer], stderr=subprocess.DEVNULL)
    os.close(writer)
    number = os.read(reader, 16).decode().strip()
    if number == '':
        skip('Xvfb does not start')
    # What libraries below GTK keep for as long as the program runs.
    suppressions = os.path.join(folder, 'leaks')
    with open(suppressions, 'w') as file:
        file.write('leak:libfontconfig\n')
    os.environ['LSAN_OPTIONS'] = f'suppressions={suppressions}:print_suppressions=0'
    os.environ.update(DISPLAY=':' + number, GDK_BACKEND='x11', GSK_RENDERER='cairo', GDK_DEBUG='gl-disable')
    return server
