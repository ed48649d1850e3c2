#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Includes go down only: web -> protocols -> idp -> keys -> base; some headers have one home; and
every header compiles alone. The table is docs/ARCHITECTURE.md's."""
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

MAY_INCLUDE = {
    "base": {"base"},
    "keys": {"keys", "base"},
    "idp": {"idp", "keys", "base"},
    "protocols/oidc": {"protocols/oidc", "idp", "keys", "base"},
    "protocols/saml": {"protocols/saml", "idp", "keys", "base"},
    "protocols/rp": {"protocols/rp", "keys", "base"},
    "web": {"web", "protocols/oidc", "protocols/saml", "protocols/rp", "idp", "keys", "base"},
    "demo": {"demo", "web", "protocols/rp", "idp", "keys", "base"},
}
SEES_EVERYTHING = {"idp/main.c"}
# Of keys/, others see these; the rest is idp-signer's own.
KEYS_PUBLIC = {"keys/alg.h", "keys/at_hash.h", "keys/jwk.h", "keys/jws.h", "keys/jws_memory.h", "keys/signer_client.h"}
# Header pattern -> where alone it may be included.
HOMES = [
    (r"microhttpd\.h", r"web/"),
    (r"sqlite3\.h", r"idp/store/sqlite\.c"),
    (r"(libpq-fe|pq-fe)\.h", r"idp/store/postgres\.c"),
    (r"libxml/.*", r"protocols/saml/"),
    (r"jwt\.h", r"protocols/rp/"),
    (r"liboath/oath\.h", r"idp/otp\.c"),
    (r"yaml\.h", r"idp/"),
    (r"curl/curl\.h", r"(protocols/rp|idp)/"),
    (r"seccomp\.h", r"keys/sandbox\.c"),
]
INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]', re.M)


def folder_of(path):
    for name in sorted(MAY_INCLUDE, key=len, reverse=True):
        if path.startswith(name + "/"):
            return name
    return None


def sources():
    out = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.c", "*.h"],
                         cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [p for p in out.split() if folder_of(p) and os.path.exists(os.path.join(ROOT, p))]


def include_faults(path, text):
    mine = folder_of(path)
    for quote, name in INCLUDE.findall(text):
        if quote == '"':
            theirs = folder_of(name)
            if theirs is None:
                yield f"{path}: \"{name}\" is not a path from the root"
            elif path not in SEES_EVERYTHING and theirs not in MAY_INCLUDE[mine]:
                yield f"{path}: {mine} may not include {name}"
            elif theirs == "keys" and mine != "keys" and name not in KEYS_PUBLIC:
                yield f"{path}: {name} is idp-signer's own"
            continue
        for pattern, home in HOMES:
            if re.fullmatch(pattern, name) and not re.match(home, path):
                yield f"{path}: <{name}> belongs in {home} only"


def compiles_alone(path):
    command = ["gcc", "-std=gnu17", "-D_GNU_SOURCE", "-I.", "-fsyntax-only", "-x", "c", "-"]
    flags = subprocess.run(["pkg-config", "--cflags", "jansson", "libcrypto"], capture_output=True,
                           text=True, check=True).stdout.split()
    run = subprocess.run(command + flags, input=f'#include "{path}"\n', cwd=ROOT, capture_output=True,
                         text=True)
    return None if run.returncode == 0 else f"{path} does not compile alone: {run.stderr.splitlines()[0]}"


# What must be found, and its twin that must not: the check itself can fail.
SEEDED = [
    ("base/x.c", '#include "keys/jws.h"', True), ("base/x.c", '#include "base/buf.h"', False),
    ("keys/x.c", '#include "idp/user.h"', True), ("keys/x.c", '#include "keys/wrap.h"', False),
    ("idp/x.c", '#include "web/server.h"', True), ("idp/main.c", '#include "web/server.h"', False),
    ("idp/x.c", '#include "keys/wrap.h"', True), ("idp/x.c", '#include "keys/signer_client.h"', False),
    ("protocols/oidc/x.c", '#include "protocols/rp/rp.h"', True), ("protocols/oidc/x.c", '#include "idp/user.h"', False),
    ("protocols/rp/x.c", '#include "idp/user.h"', True), ("protocols/saml/x.c", '#include "protocols/oidc/token.h"', True),
    ("web/x.c", '#include "server.h"', True), ("idp/x.c", "#  include <microhttpd.h>", True),
    ("web/x.c", "#include <microhttpd.h>", False), ("idp/user.c", "#include <sqlite3.h>", True),
    ("idp/store/sqlite.c", "#include <sqlite3.h>", False), ("idp/x.c", "#include <libpq-fe.h>", True),
    ("web/x.c", "#include <libxml/parser.h>", True), ("keys/x.c", "#include <jwt.h>", True),
    ("protocols/rp/x.c", "#include <jwt.h>", False), ("web/x.c", "#include <liboath/oath.h>", True),
    ("keys/x.c", "#include <curl/curl.h>", True), ("keys/signer_main.c", "#include <seccomp.h>", True),
]


def self_check():
    return [f"the check is blind: {path} with {text}" if wrong else f"the check is wrong: {path} with {text}"
            for path, text, wrong in SEEDED if bool(list(include_faults(path, text))) != wrong]


def main():
    files = sources()
    faults = self_check()
    for path in files:
        with open(os.path.join(ROOT, path), encoding="utf-8") as f:
            faults += include_faults(path, f.read())
    headers = [p for p in files if p.endswith(".h") and not p.endswith(".tbl.h")]
    with ThreadPoolExecutor(4) as pool:
        faults += [f for f in pool.map(compiles_alone, headers) if f]
    for fault in faults:
        print("FAIL", fault)
    print(f"{len(SEEDED) + len(files) + len(headers) - len(faults)} passed, {len(faults)} failed")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
