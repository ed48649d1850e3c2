#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compiles templates and static files into C arrays (web/assets.h). Run by meson.

usage: embed.py OUTPUT TABLE templates|statics FILE...

Statics get a URL with 16 hex digits of SHA-256 of their content. In a style sheet, url("NAME") of
another file of the same table becomes that file's URL; a name that is not there is an error.
"""
import hashlib
import os
import re
import sys

TYPES = {
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".ico": "image/x-icon",
    ".png": "image/png",
}
COLUMNS = 24


def read(path):
    with open(path, "rb") as f:
        return f.read()


def url_of(name, content):
    stem, extension = os.path.splitext(name)
    return f"/static/{stem}.{hashlib.sha256(content).hexdigest()[:16]}{extension}"


def link_styles(files):
    """Style sheets last, since their hash covers the URLs of the images that they name."""
    urls = {name: url_of(name, content) for name, content in files.items() if not name.endswith(".css")}

    def link(match):
        name = match.group(1).decode()
        if name not in urls:
            sys.exit(f"embed.py: a style sheet names '{name}', which is no static file")
        return b'url("%s")' % urls[name].encode()

    for name in files:
        if name.endswith(".css"):
            files[name] = re.sub(rb'url\("([^"]*)"\)', link, files[name])
            urls[name] = url_of(name, files[name])
    return urls


def c_string(text):
    return "NULL" if text is None else '"%s"' % text


def write(out, table, files, urls):
    out.write("/* Made by web/embed.py. */\n#include \"web/assets.h\"\n\n")
    for i, content in enumerate(files.values()):
        out.write(f"static const unsigned char bytes_{i}[] = {{\n")
        for at in range(0, len(content), COLUMNS):
            out.write("    " + "".join(f"{byte}," for byte in content[at:at + COLUMNS]) + "\n")
        out.write("    0};\n")
    out.write("\nstatic const struct asset items[] = {\n")
    for i, name in enumerate(files):
        kind = TYPES[os.path.splitext(name)[1]] if name in urls else None
        out.write(f"    {{{c_string(name)}, {c_string(urls.get(name))}, {c_string(kind)}, "
                  f"bytes_{i}, sizeof bytes_{i} - 1}},\n")
    out.write("};\n")
    out.write(f"const struct asset_table {table} = {{items, sizeof items / sizeof items[0]}};\n")


def main():
    output, table, kind, *paths = sys.argv[1:]
    files = {os.path.basename(path): read(path) for path in sorted(paths)}
    if len(files) != len(paths):
        sys.exit("embed.py: two files of the same name")
    urls = link_styles(files) if kind == "statics" else {}
    with open(output, "w", encoding="utf-8") as out:
        write(out, table, files, urls)


main()
