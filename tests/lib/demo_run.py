# SPDX-License-Identifier: Apache-2.0
"""Runs the demo on free ports with a state folder of its own, so that a demo which somebody has
running is left alone."""
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

from idp import ROOT, SLOW

READY_SECONDS = 60 * SLOW


def free_base():
    """Forty ports in a row that nobody listens on."""
    for base in range(21000 + 40 * (os.getpid() % 200), 60000, 40):
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


class DemoRun:
    def __init__(self, *options):
        os.makedirs(os.path.join(ROOT, "build"), exist_ok=True)
        self.folder = tempfile.mkdtemp(prefix="demo-", dir=os.path.join(ROOT, "build"))
        self.json_path = os.path.join(self.folder, "demo.json")
        self.base, self.options, self.process = free_base(), options, None

    def spawn(self, **options):
        """demo.py on this folder and these ports."""
        return subprocess.Popen([sys.executable, os.path.join(ROOT, "demo", "demo.py"), "--state", self.folder,
                                 "--port-base", str(self.base), *self.options], text=True,
                                **{"stdout": subprocess.DEVNULL, **options})

    def start(self):
        if os.path.exists(self.json_path):  # of a demo that was killed
            os.unlink(self.json_path)
        self.process = self.spawn()
        end = time.monotonic() + READY_SECONDS
        while not os.path.exists(self.json_path):
            if self.process.poll() is not None or time.monotonic() > end:
                raise AssertionError(f"the demo did not start (status {self.process.poll()})")
            time.sleep(0.02)
        with open(self.json_path, encoding="utf-8") as f:
            self.about = json.load(f)
        return self

    def stop(self, number=signal.SIGTERM):
        """The exit status; None when it does not run."""
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.process.send_signal(number)
        status, self.process = self.process.wait(30 * SLOW), None
        return status

    def client(self, client_id):
        return next(c for c in self.about["clients"] if c["client_id"] == client_id)

    def __enter__(self):
        return self.start()

    def __exit__(self, *ignored):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
