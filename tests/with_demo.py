#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Starts the demo on free ports, runs a command with demo.json's path as its last word, stops the
demo by its pid. with_demo.py [--tls] COMMAND..."""
import os
import signal
import socket
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
DEMO_JSON = os.path.join(ROOT, "build", "demo", "demo.json")
READY_SECONDS = 60


def free_base():
    """Forty ports in a row that nobody listens on."""
    for base in range(21000, 60000, 40):
        for port in range(base, base + 40):
            with socket.socket() as s:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    s.bind(("127.0.0.1", port))
                except OSError:
                    break
        else:
            return base
    raise SystemExit("no free ports")


def main():
    words = sys.argv[1:]
    options = ["--tls"] if words[0] == "--tls" else []
    words = words[len(options):]
    demo = subprocess.Popen([sys.executable, os.path.join(ROOT, "demo", "demo.py"), "--fresh", "--port-base",
                             str(free_base()), *options], stdout=subprocess.DEVNULL)
    try:
        end = time.monotonic() + READY_SECONDS
        while not os.path.exists(DEMO_JSON):
            if demo.poll() is not None or time.monotonic() > end:
                raise SystemExit(f"the demo did not start (status {demo.poll()})")
            time.sleep(0.05)
        status = subprocess.call([*words, DEMO_JSON])
    finally:
        if demo.poll() is None:
            demo.send_signal(signal.SIGTERM)
        ended = demo.wait(30)
    if ended != 0:
        print(f"FAIL the demo ended with status {ended} after SIGTERM")
        print("0 passed, 1 failed")
        return 1
    return status


if __name__ == "__main__":
    sys.exit(main())
