#!/usr/bin/env python3
# test-snippets.py
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Compiles the programs of a documentation page as a reader would, and runs those that say what they print.

The C blocks between two headings, put one after the other, are one program, which includes <troupe.h> unless it does so
itself. Blocks without a function main are only compiled. A block marked “output” below the program is what it prints.
"""

import os
import re
import shlex
import subprocess
import sys
import tempfile

HEAD = '#include <troupe.h>\n'
FLAGS = ['-std=gnu11', '-O1', '-Wall', '-Wextra', '-Wno-unused-parameter', '-Werror']


def programs(path):
    """Yields (heading, line, source, output) for each section of a page that has C in it."""
    heading, first, source, output = path, 0, [], None
    block = None
    with open(path, encoding='utf-8') as page:
        lines = list(enumerate(page, 1))

    for number, line in lines + [(len(lines) + 1, '# ')]:
        fence = re.match(r'```(\w*)', line)
        if block is None and fence:
            block = fence.group(1) or 'text'
            if block == 'c':
                first = first or number + 1
                source.append(f'#line {number + 1} "{os.path.basename(path)}"\n')
            elif block == 'output':
                output = ''
        elif fence:
            block = None
        elif block == 'c':
            source.append(line)
        elif block == 'output':
            output += line
        elif block is None and re.match(r'#+ ', line):
            if source:
                yield heading, first, ''.join(source), output
            heading, first, source, output = line.strip('# \n'), 0, [], None


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


def main():
    if len(sys.argv) != 2:
        sys.exit('usage: test-snippets.py PAGE')

    n_programs = 0
    for heading, line, source, output in programs(sys.argv[1]):
        where = f'{sys.argv[1]}:{line}: “{heading}”'
        n_programs += 1
        with tempfile.TemporaryDirectory() as folder:
            program = os.path.join(folder, 'snippet')
            try:
                runs = build(source, program, folder)
            except subprocess.CalledProcessError:
                sys.exit(f'{where} does not compile')
            if output is None:
                continue
            if not runs:
                sys.exit(f'{where} says what it prints, but has no main')

            done = subprocess.run([program], text=True, stdout=subprocess.PIPE, timeout=20)
            if done.returncode != 0:
                sys.exit(f'{where} ended with status {done.returncode}')
            if done.stdout != output:
                sys.exit(f'{where} printed\n{done.stdout}and not\n{output}')

    if n_programs == 0:
        sys.exit(f'{sys.argv[1]}: no program found')


main()
