#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Seeded faults: applies each fault of faults.txt to a copy of the sources, alone, builds, and runs the
tests of its rows, which must turn red. A fault that nothing catches, or that no longer fits the
sources, is a failure.

  run.py [--short N] [--jobs N] [WORD ...]     WORD: part of a fault's name; --short: every so many-th
  run.py --check [FILE ...]                    builds nothing: do the faults of these lists fit the sources?

A fault stands in faults.txt as
  name | rows | command (what is run in tests/, or meson:NAME for a unit test) | file
  - the text that is in the file, exactly once
  + what stands there instead (none: it is taken out)
and it is caught when checks that name its rows fail, each row in one."""
import concurrent.futures
import os
import queue
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
TEST_SECONDS = 240


class Fault:
    def __init__(self, line):
        self.name, rows, self.command, self.file = (part.strip() for part in line.split("|"))
        self.rows, self.old, self.new = rows.split(), [], []

    def fit(self, folder):
        """(the file's text, None), or (None, why the fault cannot be put into it)."""
        path = os.path.join(folder, self.file)
        if not os.path.exists(path):
            return None, f"does not fit: there is no {self.file}"
        with open(path, encoding="utf-8") as f:
            text = f.read()
        count = text.count("\n".join(self.old)) if self.old else 0
        return (text, None) if count == 1 else (None, f"does not fit: its text stands {count} times in {self.file}")


LIST = os.path.join(HERE, "faults.txt")


def faults(path=LIST):
    found = []
    with open(path, encoding="utf-8") as f:
        for line in f.read().splitlines():
            if line.startswith(("- ", "+ ")) or line in ("-", "+"):
                (found[-1].old if line[0] == "-" else found[-1].new).append(line[2:])
            elif line.strip() and not line.startswith("#"):
                found.append(Fault(line))
    return found


class Tree:
    """A copy of the sources with a build of its own."""

    setup = ["meson", "setup", "build", "-Dbuildtype=plain", "-Dc_args=-O1"]

    def __init__(self, folder):
        self.folder, self.build = folder, os.path.join(folder, "build")
        listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, check=True).stdout.decode()
        for path in filter(None, listed.split("\0")):
            if os.path.exists(os.path.join(ROOT, path)):
                os.makedirs(os.path.dirname(os.path.join(folder, path)), exist_ok=True)
                shutil.copy2(os.path.join(ROOT, path), os.path.join(folder, path))
        self.run(self.setup)
        status, text = self.run(["ninja", "-C", "build", *self.targets()])
        if status:
            raise SystemExit("the sources as they are do not build:\n" + text[-2000:])

    def run(self, command, seconds=1200):
        environment = {**os.environ, "IDP_BUILD": self.build}
        try:
            run = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, errors="replace", timeout=seconds,
                                 env=environment, stdin=subprocess.DEVNULL)
            return run.returncode, run.stdout + run.stderr
        except subprocess.TimeoutExpired as e:
            return 124, (e.stdout or b"").decode(errors="replace") + "\nFAIL ended after a timeout"

    def targets(self, fault=None):
        """What ninja is to build for a fault, or before all: by default everything."""
        return []

    def test(self, fault):
        if fault.command.startswith("meson:"):
            name = fault.command[len("meson:"):]
            return self.run(["meson", "test", "-C", "build", "--no-rebuild", "--print-errorlogs", name], TEST_SECONDS)
        words = fault.command.split()
        return self.run([sys.executable, os.path.join("tests", words[0]), *words[1:]], TEST_SECONDS)

    def judge(self, fault):
        """None: caught; else what is wrong."""
        path = os.path.join(self.folder, fault.file)
        good, wrong = fault.fit(self.folder)
        if wrong:
            return wrong
        with open(path, "w", encoding="utf-8") as f:
            f.write(good.replace("\n".join(fault.old), "\n".join(fault.new)))
        try:
            status, text = self.run(["ninja", "-C", "build", *self.targets(fault)])
            if status:
                return "does not build: " + "\n".join(line for line in text.splitlines() if "error" in line)[:500]
            status, text = self.test(fault)
        finally:
            with open(path, "w", encoding="utf-8") as f:
                f.write(good)
        if not status:
            return "SURVIVED"
        if re.search(r"^0 passed, 0 failed$", text, re.M):
            return "no test of that name"
        failed = [line for line in text.splitlines() if re.search(r"FAIL|FAILED|not so:|Error|error", line)]
        missing = [row for row in fault.rows if not any(row in line for line in failed)]
        if missing:
            return f"red, but no check of {' '.join(missing)}: " + " / ".join(failed[:3])[:300]
        return None


def judge_all(chosen, jobs, tree_class=Tree):
    """Each fault in one of `jobs` copies; the exit status."""
    passed = failed = 0
    with tempfile.TemporaryDirectory(prefix="idp-mutations-") as folder, \
            concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        trees = queue.Queue()
        for tree in pool.map(lambda i: tree_class(os.path.join(folder, str(i))), range(min(jobs, len(chosen)))):
            trees.put(tree)

        def judge(fault):
            tree = trees.get()
            try:
                return fault, tree.judge(fault)
            finally:
                trees.put(tree)
        for fault, wrong in pool.map(judge, chosen):
            passed, failed = passed + (not wrong), failed + bool(wrong)
            print(f"{'FAIL' if wrong else 'ok  '} {fault.name} ({' '.join(fault.rows)}){': ' + wrong if wrong else ''}", flush=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


def options(words):
    short, jobs, rest = 1, 2, []
    words = iter(words)
    for word in words:
        if word == "--short":
            short = int(next(words))
        elif word == "--jobs":
            jobs = int(next(words))
        else:
            rest.append(word)
    return short, jobs, rest


def check(paths):
    """What no longer fits the sources as they are, without building anything."""
    found = [fault for path in paths for fault in faults(path)]
    wrong = [f"{fault.name}: {why}" for fault in found for why in [fault.fit(ROOT)[1]] if why]
    for line in wrong:
        print("FAIL", line)
    print(f"{len(found) - len(wrong)} passed, {len(wrong)} failed")
    return 1 if wrong or not found else 0


def main():
    if sys.argv[1:2] == ["--check"]:
        return check(sys.argv[2:] or [LIST])
    short, jobs, only = options(sys.argv[1:])
    chosen = [f for f in faults() if not only or any(word in f.name for word in only)][::short]
    return judge_all(chosen, jobs)


if __name__ == "__main__":
    sys.exit(main())
