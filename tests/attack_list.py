#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The list of attacks (attack_rows.txt), with the tests that name each row in a test's or a check's
name and the seeded faults (mutations/faults.txt) that such a test is known to catch. --document
prints docs/ATTACKS.md; without words: a row that applies and has no test or fault is a failure, so is a test
of a row that is said not to apply, and a stale document."""
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SOURCES = (".py", ".c", ".mjs")
ID = re.compile(r"(?<![A-Za-z0-9])([A-Z]\d\d)(?![A-Za-z0-9])")
# A test's function, or a quoted text in which an id stands.
NAMES = re.compile(r"(?:^def |^static void (?:test_)?)(\w*)|[\"'`]([^\"'`\n]*)", re.M)
SECTIONS = {"A": "Authorization endpoint", "B": "Token endpoint", "D": "Introspection, revocation, userinfo, logout, registration",
            "E": "JWTs, wherever one is read", "F": "Sign-in, sessions, web", "T": "Transport",
            "U": "Signing in through another provider", "X": "Resilience"}

INTRODUCTION = """# Attacks

Each row is an attack that was tried on the running provider or on the code that meets it, the tests that name the row, and
the seeded faults that such a test catches (`./dev test mutations`). Printed by `tests/attack_list.py --document`;
`./dev test attack_list` fails when a row that applies has no test.
"""


# A fault would have to be a new place that builds SQL from text; there is none to change.
WITHOUT_FAULT = ("F20",)


def table(path, skipped=("#",)):
    with open(os.path.join(ROOT, path), encoding="utf-8") as f:
        for line in f:
            if line.strip() and not line.startswith(skipped):
                yield [part.strip() for part in line.split("|")]


def tests_by_row():
    """Row id -> the files, from tests/ on, in which a test has it in its name."""
    found = {}
    for folder, folders, files in os.walk(os.path.join(ROOT, "tests")):
        folders[:] = [f for f in folders if f not in ("node_modules", "corpus")]
        for name in files:
            if name.endswith(SOURCES) and name not in ("attack_list.py",):
                path = os.path.join(folder, name)
                with open(path, encoding="utf-8") as f:
                    text = f.read()
                for function, quoted in NAMES.findall(text):
                    for row in ID.findall(function.replace("test_", "")) + ID.findall(quoted):
                        found.setdefault(row, set()).add(os.path.relpath(path, os.path.join(ROOT, "tests")))
    return found


def faults_by_row():
    """Row id -> names of the seeded faults that are caught by a test of it."""
    found = {}
    for name, rows, *_ in table("tests/mutations/faults.txt", ("- ", "+ ", "#")):
        for row in rows.split():
            found.setdefault(row, []).append(name)
    return found


def document():
    tests, faults = tests_by_row(), faults_by_row()
    lines, section = [INTRODUCTION], None
    for row, what, *why in table("tests/attack_rows.txt"):
        if row[0] != section:
            section = row[0]
            lines += [f"## {SECTIONS[section]}", "", "| id | attack | tests | seeded faults |", "|---|---|---|---|"]
        reason = why[0] if why else ""
        where = f"does not apply: {reason}" if reason else ", ".join(f"`tests/{t}`" for t in sorted(tests.get(row, ())))
        lines.append(f"| {row} | {what} | {where} | {', '.join(faults.get(row, []))} |")
    text = "\n".join(lines) + "\n"
    return re.sub(r"\n(## )", r"\n\n\1", text).replace("\n\n\n", "\n\n")


def main():
    if sys.argv[1:] == ["--document"]:
        print(document(), end="")
        return 0
    tests, faults = tests_by_row(), faults_by_row()
    rows = {row: (why[0] if why else "") for row, _, *why in table("tests/attack_rows.txt")}
    wrong = [f"{row} applies and has no test" for row, why in rows.items() if not why and row not in tests]
    wrong += [f"{row} applies and has no seeded fault" for row, why in rows.items()
              if not why and row not in faults and row not in WITHOUT_FAULT]
    wrong += [f"a seeded fault names {row}, which is no row" for row in faults if row not in rows]
    with open(os.path.join(ROOT, "docs/ATTACKS.md"), encoding="utf-8") as f:
        if f.read() != document():
            wrong.append("docs/ATTACKS.md is stale: tests/attack_list.py --document >docs/ATTACKS.md")
    for fault in wrong:
        print("FAIL", fault)
    print(f"{len(rows)} rows, {sum(bool(w) for w in rows.values())} do not apply, {len(set(rows) & set(faults))} with a seeded fault")
    print(f"{len(rows) - len(wrong)} passed, {len(wrong)} failed")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
