# SPDX-License-Identifier: Apache-2.0
"""What every measurement of ./dev bench needs: CPU-seconds of processes, the load generator, the
floor. CPU time is the servers' own (all threads, user and kernel), never the generator's."""
import json
import os
import signal
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
os.environ.setdefault("IDP_BUILD", os.path.join(ROOT, "build-release"))
sys.path.insert(0, os.path.join(ROOT, "tests", "lib"))
from idp import BUILD  # noqa: E402

TICK = os.sysconf("SC_CLK_TCK")
CONNECTIONS = 32
FORM = "Content-Type: application/x-www-form-urlencoded\r\n"


def cpu_of(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def pss_of(pid):
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as f:
        for line in f:
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
    return 0.0


def head(method, path, host, *fields):
    return f"{method} {path} HTTP/1.1\r\nHost: {host}\r\n" + "".join(f"{field}\r\n" for field in fields)


class Load:
    """One script under load: `start` warms up, `run` measures; the CPU of `pids` in between."""

    def __init__(self, port, steps, once=(), values=(), operations=20000, warm=500, connections=CONNECTIONS):
        self.script = {"port": port, "connections": connections, "warm": warm, "operations": operations,
                       "values": list(values), "once": list(once), "steps": list(steps)}

    def start(self):
        with tempfile.NamedTemporaryFile("w", suffix=".json", prefix="idp-bench-", delete=False) as f:
            json.dump(self.script, f)
        self.process = subprocess.Popen([f"{BUILD}/tests/bench/load", f.name], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        os.unlink(f.name)
        if line != "ready\n":
            raise RuntimeError(f"load did not get ready: {line!r}")
        return self

    def go(self):
        self.process.stdin.write("go\n")
        self.process.stdin.flush()

    def result(self):
        out, _ = self.process.communicate()
        if self.process.returncode:
            raise RuntimeError("load failed")
        return json.loads(out)

    def run(self, pids):
        """{cpu: CPU-seconds of `pids` per 1000 operations, rate, p50, p99, p999, max (ms)}"""
        self.start()
        before = sum(cpu_of(pid) for pid in pids)
        self.go()
        result = self.result()
        used = sum(cpu_of(pid) for pid in pids) - before
        result["cpu"] = used * 1000 / result["operations"]
        result["rate"] = result["operations"] / result["seconds"]
        return result


class Floor:
    """libmicrohttpd and signatures, nothing else (floor.c), with as many I/O threads as idpd has."""

    def __enter__(self):
        self.process = subprocess.Popen([f"{BUILD}/tests/bench/floor", str(max(2, (os.cpu_count() + 1) // 2))],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())
        self.pids = [self.process.pid]
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()

    def load(self, signatures, operations=20000):
        """A POST of the size of a token request, answered with so many signatures."""
        return Load(self.port, [{"head": head("POST", f"/{signatures}", f"127.0.0.1:{self.port}",
                                              "Authorization: Basic " + "A" * 88) + FORM,
                                 "body": "grant_type=client_credentials", "status": 200}],
                    operations=operations)


def end(process):
    """Ends a process of ours by its id and waits for it."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
