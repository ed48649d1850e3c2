#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Durability shown, not assumed (X06): durability_test.c passes on the store as it is, and fails when
the store is built with `synchronous = NORMAL`, or with answers that leave before COMMIT."""
import os
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "lib"))
from check import Checks  # noqa: E402

PACKAGES = ["sqlite3", "libcrypto", "libsodium", "jansson"]

COMMIT = "    if (!e)\n        e = w->driver->control(w->conn, DB_COMMIT);"
ANSWER = "    for (size_t i = 0; i < n; i++)\n        group[i]->done(group[i]);\n"

# name: (file, replacements of what stands there by what the fault puts there)
FAULTS = {
    "synchronous is NORMAL": (
        "idp/store/sqlite.c", [("PRAGMA synchronous = FULL", "PRAGMA synchronous = NORMAL")]),
    "answers leave before COMMIT": (
        "idp/store/writer.c", [(ANSWER, ""), (COMMIT, ANSWER + COMMIT)]),
}


def sources():
    folders = {"base": None, "idp/store": None}
    out = [os.path.join(f, n) for f in folders for n in sorted(os.listdir(os.path.join(ROOT, f))) if n.endswith(".c")]
    return out + ["keys/signer_proto.c", "tests/faults/durability_test.c"]


def flags():
    found = subprocess.run(["pkg-config", "--cflags", "--libs", *PACKAGES], capture_output=True, text=True, check=True)
    return found.stdout.split()


def compile_all(folder):
    procs = []
    objects = {}
    for source in sources():
        objects[source] = os.path.join(folder, source.replace("/", "_") + ".o")
        procs.append((source, subprocess.Popen(["gcc", "-std=gnu17", "-D_GNU_SOURCE", "-O1", "-I.", "-c", source,
                                                "-o", objects[source]], cwd=ROOT)))
        if len(procs) % 4 == 0:
            procs[-4][1].wait()
    for source, proc in procs:
        if proc.wait() != 0:
            raise SystemExit(f"{source} does not compile")
    return objects


def with_fault(folder, objects, name, path, replacements):
    with open(os.path.join(ROOT, path), encoding="utf-8") as f:
        text = f.read()
    for old, new in replacements:
        if text.count(old) != 1:
            raise SystemExit(f"{name}: the place for the fault is not in {path}; bring the fault up to date")
        text = text.replace(old, new)
    spoilt = os.path.join(folder, "fault.c")
    with open(spoilt, "w", encoding="utf-8") as f:
        f.write(text)
    out = dict(objects)
    out[path] = os.path.join(folder, "fault.o")
    subprocess.run(["gcc", "-std=gnu17", "-D_GNU_SOURCE", "-O1", "-I.", "-c", spoilt, "-o", out[path]], cwd=ROOT,
                   check=True)
    return out


def run(folder, objects, name):
    binary = os.path.join(folder, "durability_test")
    subprocess.run(["gcc", "-o", binary, *objects.values(), *flags(), "-lpthread"], cwd=ROOT, check=True)
    with tempfile.TemporaryDirectory(prefix="idp-durability-") as work:
        done = subprocess.run([binary, work], capture_output=True, text=True, timeout=300)
    print(f"{name}: {done.stdout.strip() or done.returncode} {done.stderr.strip()[:200]}")
    return done.returncode


def main():
    checks = Checks()
    with tempfile.TemporaryDirectory(prefix="idp-objects-") as folder:
        objects = compile_all(folder)
        checks.that("X06 nothing is acknowledged before it is synced, nothing acknowledged is lost",
                    run(folder, objects, "as it is") == 0)
        for name, (path, replacements) in FAULTS.items():
            spoilt = with_fault(folder, objects, name, path, replacements)
            checks.that(f"X06 the test fails when {name}", run(folder, spoilt, name) != 0)
    return checks.end()


if __name__ == "__main__":
    sys.exit(main())
