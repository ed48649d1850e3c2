# SPDX-License-Identifier: Apache-2.0
"""Servers that we did not write, run for a test: a configuration in a folder of its own, in the
foreground, ended by their pid."""
import os
import shutil
import socket
import subprocess
import tempfile
import time

from idp import free_port


class Server:
    """`command(folder)` gives the words to run; `files(folder, port)` {name: text} of its folder."""

    def __init__(self, command, files):
        self.folder, self.port = tempfile.mkdtemp(prefix="idp-interop-"), free_port()
        os.chmod(self.folder, 0o755)  # servers may run as somebody else
        self.url = f"http://localhost:{self.port}"
        for name, text in files(self.folder, self.port).items():
            path = os.path.join(self.folder, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8") as f:
                f.write(text)
        self.command, self.process = command, None

    def __enter__(self):
        log = open(os.path.join(self.folder, "output"), "wb")
        self.process = subprocess.Popen(self.command(self.folder), stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        log.close()
        end = time.monotonic() + 20
        while time.monotonic() < end:
            if self.process.poll() is not None:
                break
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return self
            except OSError:
                time.sleep(0.02)
        raise AssertionError(f"{self.command(self.folder)[0]} did not start:\n{self.log()}")

    def log(self):
        text = ""
        for name in ("output", "error.log"):
            path = os.path.join(self.folder, name)
            if os.path.exists(path):
                with open(path, encoding="utf-8", errors="replace") as f:
                    text += f.read()
        return text[-4000:]

    def __exit__(self, *ignored):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def version(*command):
    """The line in which a program says what it is."""
    run = subprocess.run(command, capture_output=True, text=True)
    return (run.stdout + run.stderr).strip().splitlines()[0]
