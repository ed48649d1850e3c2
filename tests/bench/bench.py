#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""All measurements, in one run on one machine. Prints, asserts nothing.

  bench.py [--rounds N] [--alone] [--record] [PART ...]
PART: operations, sign_in, storm, federated, start, accounts, purge (default: all). --alone: without oidc-provider and Glewlwyd.
--record: the figures go to docs/benchmarks.json, and docs/BENCHMARKS.md is written from them.
IDP_BUILD names the build (default: build-release)."""
import argparse
import json
import os
import platform
import subprocess
import sys

import federated
import operations
import report
import scale
import sign_in
from harness import BUILD, ROOT

RECORD = os.path.join(ROOT, "docs", "benchmarks.json")
PARTS = {
    "operations": lambda o: operations.measure(rounds=o.rounds, others=not o.alone),
    "sign_in": lambda o: sign_in.measure(o.rounds),
    "storm": lambda o: sign_in.storm(o.rounds),
    "federated": lambda o: federated.measure(o.rounds),
    "start": lambda o: sign_in.start(),
    "accounts": lambda o: scale.accounts(),
    "purge": lambda o: scale.purge(),
}


def machine():
    with open("/proc/cpuinfo", encoding="ascii") as f:
        cpu = next((line.split(":", 1)[1].strip() for line in f if line.startswith("model name")), platform.machine())
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True).stdout.strip()
    return {"cpu": cpu, "cores": os.cpu_count(), "kernel": platform.release(), "commit": commit}


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--alone", action="store_true")
    parser.add_argument("--record", action="store_true")
    parser.add_argument("parts", nargs="*", default=[])
    options = parser.parse_args()
    print(f"build {os.path.relpath(BUILD, ROOT)}, {os.cpu_count()} cores", flush=True)
    results = {}
    if options.record and os.path.exists(RECORD):
        with open(RECORD, encoding="utf-8") as f:
            results = json.load(f)
    for part in options.parts or PARTS:
        results[part] = {"machine": machine(), "rounds": options.rounds, **PARTS[part](options)}
        if options.record:  # after each part: a later one that fails takes nothing with it
            with open(RECORD, "w", encoding="utf-8") as f:
                json.dump(results, f, indent=1, sort_keys=True)
                f.write("\n")
            report.write(results)
    return 0


if __name__ == "__main__":
    sys.exit(main())
