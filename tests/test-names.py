#!/usr/bin/env python3
# test-names.py
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Checks that the functions, constants, types and files a page names exist."""

import pathlib
import re
import sys

TOP = pathlib.Path(__file__).resolve().parent.parent
FOLDERS = ('runtime', 'actors', 'proto')


def main():
    if len(sys.argv) != 2:
        sys.exit('usage: test-names.py PAGE')

    page = pathlib.Path(sys.argv[1]).read_text(encoding='utf-8')
    source = '\n'.join(path.read_text(encoding='utf-8')
                       for folder in FOLDERS for path in sorted((TOP / folder).glob('*.[ch]')))
    known = set(re.findall(r'\w+', source))

    unknown = set()
    for quoted in re.findall(r'`([^`\n]+)`', page):
        file = re.fullmatch(r'(?:(?:runtime|actors|proto|tests|docs|tools)/)?\w[\w-]*\.[chy]+', quoted)
        if file:
            if not list(TOP.glob(quoted if '/' in quoted else f'*/{quoted}')):
                unknown.add(quoted)
        for name in re.findall(r'\b(?:troupe_\w+(?!…)\b|TROUPE_\w+|Troupe[A-Z]\w+|source_\w+)\b', quoted):
            if name not in known:
                unknown.add(name)

    if unknown:
        sys.exit(f'{sys.argv[1]} names what does not exist: {", ".join(sorted(unknown))}')


main()
