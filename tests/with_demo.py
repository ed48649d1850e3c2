#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Starts the demo on free ports, runs a command with demo.json's path as its last word, stops the
demo by its pid. with_demo.py [--tls] COMMAND..."""
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from demo_run import DemoRun


def main():
    words = sys.argv[1:]
    options = ["--tls"] if words[0] == "--tls" else []
    words = words[len(options):]
    with DemoRun(*options) as demo:
        status = subprocess.call([*words, demo.json_path])
        ended = demo.stop()
    if ended != 0:
        print(f"FAIL the demo ended with status {ended} after SIGTERM")
        print("0 passed, 1 failed")
        return 1
    return status


if __name__ == "__main__":
    sys.exit(main())
