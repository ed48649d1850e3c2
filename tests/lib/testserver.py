# SPDX-License-Identifier: Apache-2.0
"""Starts tests/tools/testserver (web/server without the provider) and speaks to it byte by byte.
IDP_BUILD names the build folder (default: build)."""
import os
import signal
import socket
import subprocess
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.abspath(os.environ.get("IDP_BUILD", os.path.join(ROOT, "build")))
SLOW = 10 if "asan" in BUILD or "tsan" in BUILD else 1


class Answer:
    def __init__(self, status, headers, body, raw):
        self.status, self.headers, self.body, self.raw = status, headers, body, raw

    def header(self, name):
        return next((v for n, v in self.headers if n.lower() == name.lower()), None)

    def all(self, name):
        return [v for n, v in self.headers if n.lower() == name.lower()]

    def field(self, name):
        """A line NAME=VALUE of the echo route."""
        return next((line.split("=", 1)[1] for line in self.body.decode().split("\n")
                     if line.startswith(name + "=")), None)

    def __repr__(self):
        return f"<{self.status} {self.body[:120]!r}>"


class Wire:
    """One connection. Reads whole answers; None when the server closed without one."""

    def __init__(self, port, timeout=10 * SLOW, source="127.0.0.1", wrap=None):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout, (source, 0))
        if wrap:
            self.socket = wrap(self.socket)
        self.buffer = b""

    def send(self, data):
        try:
            self.socket.sendall(data if isinstance(data, bytes) else data.encode())
        except (BrokenPipeError, ConnectionResetError):
            pass
        return self

    def more(self):
        try:
            data = self.socket.recv(65536)
        except ConnectionResetError:
            data = b""
        self.buffer += data
        return bool(data)

    def answer(self, is_head=False):
        while b"\r\n\r\n" not in self.buffer:
            if not self.more():
                return None
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        lines = head.decode("latin-1").split("\r\n")
        status = int(lines[0].split(" ")[1])
        if status == 100:
            return self.answer(is_head)
        headers = [tuple(line.split(": ", 1)) for line in lines[1:]]
        length = next((int(v) for n, v in headers if n.lower() == "content-length"), 0)
        length = 0 if is_head else length
        while len(self.buffer) < length:
            if not self.more():
                return None
        body, self.buffer = self.buffer[:length], self.buffer[length:]
        return Answer(status, headers, body, head)

    def is_closed(self):
        """Whether the server closes without sending more."""
        return not self.buffer and not self.more()

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class TestServer:
    def __init__(self, *options):
        self.options = [str(o) for o in options]

    def __enter__(self):
        self.log_file = tempfile.TemporaryFile()  # a pipe that nobody reads would stop the server
        self.process = subprocess.Popen([f"{BUILD}/tests/tools/testserver", *self.options],
                                        stdout=subprocess.PIPE, stderr=self.log_file, text=True)
        words = self.process.stdout.readline().split()
        if len(words) != 3:
            self.process.wait()
            raise AssertionError(f"testserver did not start: {self.log()}")
        self.port, self.admin_port = int(words[1]), int(words[2])
        return self

    def log(self):
        return os.pread(self.log_file.fileno(), 1 << 26, 0).decode("utf-8", "replace")

    def connect(self, **options):
        return Wire(self.port, **options)

    def ask(self, data, **options):
        with self.connect(**options) as wire:
            return wire.send(data).answer()

    def get(self, path, *fields, **options):
        return self.ask(request("GET", path, *fields), **options)

    def signal(self, number):
        self.process.send_signal(number)

    def stop(self):
        self.signal(signal.SIGTERM)
        return self.process.wait(30 * SLOW)

    def __exit__(self, kind, *_):
        status = self.stop() if self.process.returncode is None else self.process.returncode
        if kind is None and status != 0:
            raise AssertionError(f"testserver ended with {status}: {self.log()[-2000:]}")


def request(method, path, *fields, host="localhost", body=b""):
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", *fields]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body
