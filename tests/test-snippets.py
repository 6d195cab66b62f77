#!/usr/bin/env python3
# test-snippets.py
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Compiles the programs of a documentation page as a reader would, and runs those that say what they print.

The blocks of one language in a chapter, put one after the other, are one program, up to a block marked “output”, which is what it
prints. Chapters begin with “#” or “##”; lesser headings do not end a program. C includes <troupe.h> unless it does so itself; without a
function main it is only compiled. Python and JavaScript need $GI_TYPELIB_PATH, and $TROUPE_GJS for the interpreter; programs in
them always say what they print.
"""

import os
import re
import shlex
import subprocess
import sys
import tempfile

HEAD = '#include <troupe.h>\n'
FLAGS = ['-std=gnu11', '-O1', '-Wall', '-Wextra', '-Wno-unused-parameter', '-Werror']
LANGUAGES = ('c', 'python', 'js')


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


def build(source, program, folder):
    """Compiles SOURCE with what pkg-config says of troupe-1; a source without main gives an object only."""
    path = os.path.join(folder, 'snippet.c')
    with open(path, 'w', encoding='utf-8') as file:
        file.write(source if '<troupe.h>' in source else HEAD + source)

    flags = subprocess.run(['pkg-config', '--cflags', '--libs', 'troupe-1'], check=True, text=True,
                           stdout=subprocess.PIPE).stdout.split()
    compiler = shlex.split(os.environ.get('CC', 'cc'))
    what = [path, '-o', program] if re.search(r'^main \(', source, re.M) else ['-c', path, '-o', program]
    unused = [] if what[0] == path else ['-Wno-unused-function']
    subprocess.run(compiler + FLAGS + unused + sanitizers() + what + flags, check=True)
    return what[0] == path


def missing(language):
    """Says what a language lacks here to be run, or nothing."""
    if 'GI_TYPELIB_PATH' not in os.environ:
        return 'no GObject-Introspection'
    if language == 'js':
        return None if os.environ.get('TROUPE_GJS') else 'no gjs'
    done = subprocess.run([sys.executable, '-c', 'from gi import require_version'], stderr=subprocess.DEVNULL)
    return 'no module gi' if done.returncode != 0 else None


def command(program, folder, where):
    """Makes PROGRAM ready, and gives the command that runs it, or nothing if it is not to be run."""
    if program.language == 'c':
        binary = os.path.join(folder, 'snippet')
        try:
            runs = build(program.source, binary, folder)
        except subprocess.CalledProcessError:
            sys.exit(f'{where} does not compile')
        if program.output is not None and not runs:
            sys.exit(f'{where} says what it prints, but has no main')
        return [binary] if program.output is not None else None

    if program.output is None:
        sys.exit(f'{where} does not say what it prints')
    reason = missing(program.language)
    if reason:
        print(f'{where} was not run: {reason}')
        return None

    path = os.path.join(folder, 'snippet.' + program.language)
    with open(path, 'w', encoding='utf-8') as file:
        file.write(program.source)
    return [sys.executable, path] if program.language == 'python' else [os.environ['TROUPE_GJS'], '-m', path]


def main():
    if len(sys.argv) != 2:
        sys.exit('usage: test-snippets.py PAGE')

    found = programs(sys.argv[1])
    for program in found:
        where = f'{sys.argv[1]}:{program.line}: “{program.heading}”'
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
        sys.exit(f'{sys.argv[1]}: no program found')


main()
