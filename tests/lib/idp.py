# SPDX-License-Identifier: Apache-2.0
"""Starts a provider of its own in a temporary folder: fresh keys, store and admin socket; ports are
asked of the kernel. IDP_BUILD names the build folder (default: build)."""
import json
import os
import secrets
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time
import urllib.request

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.abspath(os.environ.get("IDP_BUILD", os.path.join(ROOT, "build")))
SLOW = 20 if "asan" in BUILD or "tsan" in BUILD else 1  # sanitizers cost time
READY_SECONDS = 10 * SLOW


TRUSTING = ssl._create_unverified_context()  # of certificates that tests make


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Provider:
    """`settings`: lines of YAML that are added to the configuration (text); `listen`: lines of its
    section of that name, indented."""

    def __init__(self, settings="", listen="", policy=None, folder=None, scheme="http"):
        self.folder = folder or tempfile.mkdtemp(prefix="idp-test-")
        self.port, self.admin_port = free_port(), free_port()
        self.issuer = f"{scheme}://localhost:{self.port}"
        self.socket = os.path.join(self.folder, "admin.sock")
        self.config = os.path.join(self.folder, "idpd.yaml")
        self.log_path = os.path.join(self.folder, "idpd.log")
        self.policy = {"issuer": self.issuer, "kek_file": self.path("kek"), **(policy or {})}
        if "tsan" in BUILD:  # ThreadSanitizer makes system calls of its own, which the filter kills
            self.policy["sandbox"] = "off"
        self.settings, self.listen = settings, listen
        self.process = None
        self._write()

    def path(self, name):
        return os.path.join(self.folder, name)

    def _private(self, name, data):
        fd = os.open(self.path(name), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(fd, "wb") as f:
            f.write(data)

    def _write(self):
        if not os.path.exists(self.path("kek")):
            self._private("kek", os.urandom(32))
        self._private("signer.json", json.dumps(self.policy).encode())
        self._private("idpd.yaml", f"""issuer: {self.issuer}
brand:
  name: Cổng thử nghiệm
  name_en: Test provider
  contact: 1900 0000
listen:
  address: "127.0.0.1:{self.port}"
{self.listen}admin:
  address: "127.0.0.1:{self.admin_port}"
  socket: {self.socket}
signer:
  binary: {BUILD}/idp-signer
  policy: {self.path('signer.json')}
store:
  path: {self.path('idp.db')}
{self.settings}""".encode())

    # ---- life ----

    def start(self):
        log = open(self.log_path, "ab")
        self.process = subprocess.Popen([f"{BUILD}/idpd", "--config", self.config], stdin=subprocess.DEVNULL,
                                        stdout=log, stderr=log, start_new_session=True)
        log.close()
        began = time.monotonic()
        while time.monotonic() - began < READY_SECONDS:
            if self.process.poll() is not None:
                raise AssertionError(f"idpd ended with {self.process.returncode}:\n{self.log()[-3000:]}")
            try:
                with urllib.request.urlopen(f"{self.issuer}/readyz", timeout=2, context=TRUSTING) as answer:
                    if answer.status == 200:
                        self.ready_seconds = time.monotonic() - began
                        return self
            except OSError:
                pass
            time.sleep(0.005)
        raise AssertionError(f"idpd is not ready:\n{self.log()[-3000:]}")

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as f:
            return f.read()

    def signer_pid(self):
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children", encoding="ascii") as f:
            return int(f.read().split()[0])

    def stop(self, number=signal.SIGTERM):
        """The exit status; 0 is a clean drain."""
        if self.process is None:
            return 0
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            status = self.process.wait(20 * SLOW)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = self.process.wait()
        self.process = None
        return status

    def kill(self):
        return self.stop(signal.SIGKILL)

    def remove(self):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, value, trace):
        status = self.stop()
        if kind is None and status not in (0, -signal.SIGKILL):
            print(self.log()[-3000:])
            raise AssertionError(f"idpd ended with status {status}")
        self.remove()

    # ---- staff ----

    def idpctl(self, *args, stdin=None, check=True):
        """(exit status, parsed JSON or text)."""
        run = subprocess.run([f"{BUILD}/idpctl", "--socket", self.socket, "--json", *args], input=stdin,
                             capture_output=True, text=True, timeout=60 * SLOW)
        try:
            answer = json.loads(run.stdout) if run.stdout.strip() else None
        except ValueError:
            answer = run.stdout
        if check and run.returncode != 0:
            raise AssertionError(f"idpctl {args}: {run.returncode} {run.stdout} {run.stderr}")
        return run.returncode, answer

    def add_client(self, **metadata):
        """The registered object of RFC 7591 3.2.1, secret included. None leaves a member out."""
        metadata.setdefault("client_name", "Dịch vụ thử nghiệm")
        metadata.setdefault("id_token_signed_response_alg", "ES256")
        metadata = {n: v for n, v in metadata.items() if v is not None}
        return self.idpctl("client", "add", "--file", "-", stdin=json.dumps(metadata))[1]

    def add_user(self, username=None, password=None, **fields):
        """{username, password} of a new citizen."""
        user = {"username": username or "nguoi." + secrets.token_hex(4),
                "password": password or "Mat-khau-" + secrets.token_hex(8), "type": "citizen", **fields}
        user.setdefault("claims", {"HoVaTen": "Nguyễn Văn Thử"})
        self.idpctl("user", "add", "--file", "-", stdin=json.dumps(user))
        return user
