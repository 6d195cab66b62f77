#!/usr/bin/env python3
# test-snippets.py
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Compiles the programs of a documentation page as a reader would, and runs those that say what they print.

The blocks of one language in a chapter, put one after the other, are one program, up to a block marked “output”, which is what it
prints. Chapters begin with “#” or “##”; lesser headings do not end a program. C includes <troupe.h> unless it does so itself; without a
function main it is only compiled. Programs in other languages always say what they print. What is missing here to build or run a
program is told, and the program is skipped.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

HEAD = '#include <troupe.h>\n'
FLAGS = ['-std=gnu11', '-O1', '-Wall', '-Wextra', '-Wno-unused-parameter', '-Werror']
LANGUAGES = ('c', 'python', 'js', 'vala')


class Program:
    def __init__(self, heading, line, language):
        self.heading, self.line, self.language = heading, line, language
        self.source, self.output = '', None


def programs(path):
    """Gives the programs of a page, in order."""
    found, open_programs, last = [], {}, None
    heading, block = path, None

    with open(path, encoding='utf-8') as page:
        for number, line in enumerate(page, 1):
            fence = re.match(r'```(\w*)', line)
            if fence and block is None:
                block = fence.group(1) or 'text'
                if block in LANGUAGES:
                    if block not in open_programs:
                        open_programs[block] = Program(heading, number + 1, block)
                        found.append(open_programs[block])
                    last = open_programs[block]
                    if block == 'c':
                        last.source += f'#line {number + 1} "{os.path.basename(path)}"\n'
                elif block == 'output':
                    if last is None:
                        sys.exit(f'{path}:{number}: output of nothing')
                    last.output = ''
            elif fence:
                if block == 'output':
                    del open_programs[last.language]
                    last = None
                block = None
            elif block in LANGUAGES:
                last.source += line
            elif block == 'output':
                last.output += line
            elif block is None and re.match(r'#+ ', line):
                heading = line.strip('# \n')
                if re.match(r'##? ', line):
                    open_programs, last = {}, None
    return found


def sanitizers():
    names = os.environ.get('TROUPE_SANITIZE')
    return ['-fsanitize=' + names] if names else []


def packages(program):
    return ['troupe-1', 'gtk4'] if '<gtk/gtk.h>' in program.source else ['troupe-1']


def build(program, path, folder):
    """Compiles a program in C with what pkg-config says; a source without main gives an object only. Says whether it can be run."""
    source = os.path.join(folder, 'snippet.c')
    with open(source, 'w', encoding='utf-8') as file:
        file.write(program.source if '<troupe.h>' in program.source else HEAD + program.source)

    runs = re.search(r'^main \(', program.source, re.M) is not None
    flags = subprocess.run(['pkg-config', '--cflags', *(['--libs'] if runs else []), *packages(program)], check=True, text=True,
                           stdout=subprocess.PIPE).stdout.split()
    compiler = shlex.split(os.environ.get('CC', 'cc'))
    what = [source, '-o', path] if runs else ['-Wno-unused-function', '-c', source, '-o', path]
    subprocess.run(compiler + FLAGS + sanitizers() + what + flags, check=True)
    return runs


def missing(program):
    """Says what a program lacks here to be built and run, and the Debian package that brings it, or nothing."""
    if program.language == 'c':
        lacks_gtk = 'gtk4' in packages(program) and subprocess.run(['pkg-config', '--exists', 'gtk4'], check=False).returncode != 0
        return 'gtk4 is missing (libgtk-4-dev)' if lacks_gtk else None
    if 'GI_TYPELIB_PATH' not in os.environ:
        return 'the binding was not built (gobject-introspection, libgirepository1.0-dev)'
    if program.language == 'js':
        return None if shutil.which('gjs') else 'gjs is missing (gjs)'
    if program.language == 'vala':
        vapi = os.path.join(os.environ['TROUPE_BUILD'], 'troupe-1.vapi')
        return None if shutil.which('valac') and os.path.exists(vapi) else 'valac, or what it needs of the build, is missing (valac)'
    done = subprocess.run([sys.executable, '-c', 'from gi import require_version'], stderr=subprocess.DEVNULL, check=False)
    return 'gi is missing (python3-gi)' if done.returncode != 0 else None


def command(program, folder, where):
    """Makes PROGRAM ready, and gives the command that runs it, or nothing if it is not to be run."""
    reason = missing(program)
    if reason:
        print(f'skipped: {where}: {reason}')
        return None

    binary = os.path.join(folder, 'snippet')
    if program.language == 'c':
        try:
            runs = build(program, binary, folder)
        except subprocess.CalledProcessError:
            sys.exit(f'{where} does not compile')
        if program.output is not None and not runs:
            sys.exit(f'{where} says what it prints, but has no main')
        return [binary] if program.output is not None else None

    if program.output is None:
        sys.exit(f'{where} does not say what it prints')

    path = os.path.join(folder, 'snippet.' + program.language)
    with open(path, 'w', encoding='utf-8') as file:
        file.write(program.source)
    if program.language == 'vala':
        # What it says of our vapi and the C compiler of its code is no reader's business.
        done = subprocess.run(['valac', '--quiet', '--vapidir=' + os.environ['TROUPE_BUILD'], '--pkg', 'gio-2.0', '--pkg', 'troupe-1',
                               '-X', '-w', *(word for flag in sanitizers() for word in ('-X', flag)), '-o', binary, path], check=False)
        if done.returncode != 0:
            sys.exit(f'{where} does not compile')
        return [binary]
    return [sys.executable, path] if program.language == 'python' else ['gjs', '-m', path]


def main():
    if len(sys.argv) != 2:
        sys.exit('usage: test-snippets.py PAGE')

    page = os.path.normpath(sys.argv[1])
    found = programs(page)
    for program in found:
        where = f'{page}:{program.line}: “{program.heading}”'
        with tempfile.TemporaryDirectory() as folder:
            run = command(program, folder, where)
            if run is None:
                continue

            done = subprocess.run(run, text=True, stdout=subprocess.PIPE, timeout=20)
            if done.returncode != 0:
                sys.exit(f'{where} ended with status {done.returncode}')
            if done.stdout != program.output:
                sys.exit(f'{where} printed\n{done.stdout}and not\n{program.output}')

    if not found:
        sys.exit(f'{page}: no program found')


main()
