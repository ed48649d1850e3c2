#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Seeded memory errors: each fault of seeded.txt, applied alone to a copy of the sources, must be found by
the fuzz target that aims at its file, from that target's corpus, within 10 minutes. Says after how long.

  seeded.py [--jobs N] [--seconds N] [WORD ...]     WORD: part of a fault's name

Faults stand there as in tests/mutations/faults.txt; the row is the target."""
import os
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "mutations"))
import run as mutations  # noqa: E402

SECONDS = 600
os.environ["CC"] = os.environ.get("FUZZ_CC", "clang")


class FuzzTree(mutations.Tree):
    setup = ["meson", "setup", "build", "-Dfuzz=true"]

    def targets(self, fault=None):
        return ["tests/fuzz/fuzz_" + fault.rows[0]] if fault else ["base/libbase.a"]

    def test(self, fault):
        target = fault.rows[0]
        began = time.monotonic()
        with tempfile.TemporaryDirectory() as found:
            status, text = self.run([f"build/tests/fuzz/fuzz_{target}", f"-max_total_time={SECONDS}", f"-artifact_prefix={found}/",
                                     found, f"tests/fuzz/corpus/{target}"], SECONDS + 60)
        error = next((line for line in text.splitlines() if "ERROR: AddressSanitizer" in line or "runtime error:" in line), None)
        if not error:
            return 0, text
        fault.name += f": {' '.join(error.split()[1:4])} after {time.monotonic() - began:.1f} s"
        return status, f"FAIL {target}: {error}"


def main():
    global SECONDS
    words, jobs = sys.argv[1:], 2
    for option in ("--jobs", "--seconds"):
        if option in words:
            at = words.index(option)
            value = int(words[at + 1])
            del words[at:at + 2]
            jobs, SECONDS = (value, SECONDS) if option == "--jobs" else (jobs, value)
    chosen = [f for f in mutations.faults(os.path.join(HERE, "seeded.txt")) if not words or any(w in f.name for w in words)]
    return mutations.judge_all(chosen, jobs, FuzzTree)


if __name__ == "__main__":
    sys.exit(main())
