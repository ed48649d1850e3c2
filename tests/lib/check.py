# SPDX-License-Identifier: Apache-2.0
"""Counts checks as every suite does: `ok NAME`, `FAIL NAME: why`, at the end `N passed, N failed`."""


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
