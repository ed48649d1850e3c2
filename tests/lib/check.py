# SPDX-License-Identifier: Apache-2.0
"""Counts checks as every suite does: `ok NAME`, `FAIL NAME: why`, at the end `N passed, N failed`.
Checks for programs whose checks are steps of one story; run() for test functions, whose names carry
the id of the attack that they try (T01_...). Arguments on the command line of the latter select
tests by a part of their name."""
import sys
import time
import traceback


class Checks:
    def __init__(self):
        self.passed = self.failed = 0

    def that(self, name, good, why=""):
        if good:
            self.passed += 1
            print(f"ok {name}", flush=True)
        else:
            self.failed += 1
            print(f"FAIL {name}: {str(why)[:1500]}", flush=True)
        return bool(good)

    def end(self):
        """The exit status."""
        print(f"{self.passed} passed, {self.failed} failed")
        return 1 if self.failed or not self.passed else 0


def run(tests):
    """Runs functions (or (name, function) pairs) and returns the exit status."""
    only = sys.argv[1:]
    passed = failed = 0
    for test in tests:
        name, function = test if isinstance(test, tuple) else (test.__name__, test)
        if only and not any(part in name for part in only):
            continue
        start = time.monotonic()
        try:
            function()
        except Exception as error:  # also AssertionError: a test ends, not the run
            failed += 1
            where = traceback.extract_tb(error.__traceback__)[-1]
            print(f"FAIL {name}: {type(error).__name__}: {error} ({where.name}:{where.lineno})", flush=True)
        else:
            passed += 1
            print(f"ok {name} ({1000 * (time.monotonic() - start):.0f} ms)", flush=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


def equal(got, wanted, what=""):
    if got != wanted:
        raise AssertionError(f"{what}: got {got!r}, wanted {wanted!r}")


def true(condition, what):
    if not condition:
        raise AssertionError(what)


def collect(namespace, prefix):
    """Functions of a module whose names begin with one of the prefixes, in order of definition."""
    return [f for name, f in namespace.items() if callable(f) and name.startswith(prefix)
            and getattr(f, "__module__", None) == namespace["__name__"]]
