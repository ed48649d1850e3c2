#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How much of the file that each fuzz target aims at its corpus goes through: at least 90 % of the lines.

  coverage.py [--corpora FOLDER] [--missed] [TARGET ...]
--corpora: besides tests/fuzz/corpus/TARGET also FOLDER/TARGET; --missed: the lines that nothing reached."""
import argparse
import glob
import gzip
import json
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
BUILD = os.path.join(ROOT, "build-coverage")
LEAST = 90  # percent of lines


def targets():
    with open(os.path.join(HERE, "targets.txt"), encoding="utf-8") as f:
        for line in f:
            if line.strip() and not line.startswith("#"):
                name, aim, further = (part.strip() for part in line.split("|"))
                yield name, aim, further.split()


def build(names):
    if not os.path.exists(os.path.join(BUILD, "build.ninja")):
        subprocess.run(["meson", "setup", BUILD, "-Db_coverage=true"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["ninja", "-C", BUILD, "--quiet"] + [f"tests/fuzz/replay_{name}" for name in names], check=True, stdout=subprocess.DEVNULL)


def forget():
    for path in glob.glob(os.path.join(BUILD, "**", "*.gcda"), recursive=True):
        os.unlink(path)


def lines_of(source):
    """Line number -> how often it ran, in the library's own object."""
    folder, name = os.path.split(source)
    notes = glob.glob(os.path.join(BUILD, folder, "*.a.p", name + ".gcno"))
    with tempfile.TemporaryDirectory() as out:
        subprocess.run(["gcov", "--json-format", "--object-directory", os.path.dirname(notes[0]), notes[0]],
                       cwd=out, check=True, stdout=subprocess.DEVNULL)
        counts = {}
        for path in glob.glob(os.path.join(out, "*.json.gz")):
            with gzip.open(path, "rt") as f:
                for file in json.load(f)["files"]:
                    if os.path.normpath(file["file"]).endswith(source):
                        for line in file["lines"]:
                            counts[line["line_number"]] = counts.get(line["line_number"], 0) + line["count"]
    return counts


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--corpora")
    parser.add_argument("--missed", action="store_true")
    parser.add_argument("targets", nargs="*")
    options = parser.parse_args()
    chosen = [t for t in targets() if not options.targets or t[0] in options.targets]
    build([name for name, _, _ in chosen])
    passed = failed = 0
    for name, aim, further in chosen:
        forget()
        folders = [os.path.join(HERE, "corpus", name)] + ([os.path.join(options.corpora, name)] if options.corpora else [])
        for folder in filter(os.path.isdir, folders):
            subprocess.run([os.path.join(BUILD, "tests/fuzz/replay_" + name), folder], check=True, stdout=subprocess.DEVNULL)
        figures = []
        for source in [aim] + further:
            counts = lines_of(source)
            ran = sum(1 for n in counts.values() if n)
            figures.append((100 * ran / len(counts), ran, len(counts), source))
            if options.missed:
                print(f"{source} missed:", " ".join(str(n) for n, count in sorted(counts.items()) if not count))
        good = figures[0][0] >= LEAST
        passed, failed = passed + good, failed + (not good)
        print("ok  " if good else "FAIL", f"fuzz/{name}:", "; ".join(f"{p:.1f} % of {s} ({r} of {a} lines)" for p, r, a, s in figures), flush=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
