#!/usr/bin/env python3
# test-names.py
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Checks that the functions, constants, types and files that a page names exist, and the pages and headings that it links to."""

import pathlib
import re
import sys

TOP = pathlib.Path(__file__).resolve().parent.parent
FOLDERS = ('runtime', 'actors', 'proto')


def slugs(page):
    """The headings of a page, as the reference names them in links."""
    text = re.sub(r'^```.*?^```', '', page.read_text(encoding='utf-8'), flags=re.M | re.S)
    return {re.sub(r'[\s-]+', '-', re.sub(r'[^\w\s-]', '', heading).strip().lower())
            for heading in re.findall(r'^#+ (.*)', text, re.M)}


def is_there(link, page):
    target, _, heading = link.partition('#')
    file = page.parent / target if target else page
    return file.exists() and (heading == '' or heading in slugs(file))


def main():
    if len(sys.argv) != 2:
        sys.exit('usage: test-names.py PAGE')

    path = pathlib.Path(sys.argv[1])
    page = path.read_text(encoding='utf-8')
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

    unknown.update(link for link in re.findall(r'\]\(([^)\s]+)\)', page) if '://' not in link and not is_there(link, path))

    if unknown:
        sys.exit(f'{sys.argv[1]} names what does not exist: {", ".join(sorted(unknown))}')


main()
