#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""First measurements, in one run on one machine: CPU-seconds of idpd and idp-signer per 1000
operations, wall-clock throughput of this (Python) generator, and the ratios that matter. Prints,
asserts nothing. IDP_BUILD names the build (default here: build-release)."""
import contextlib
import http.client
import json
import multiprocessing
import os
import statistics
import subprocess
import sys
import threading
import time
import urllib.parse

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
os.environ.setdefault("IDP_BUILD", os.path.join(ROOT, "build-release"))
sys.path.insert(0, os.path.join(ROOT, "tests", "lib"))
from idp import BUILD, Provider  # noqa: E402
from party import Browser, Party, FORM  # noqa: E402

TICK = os.sysconf("SC_CLK_TCK")
THREADS = 8
STORM = 8
ROUNDS, SECONDS = 5, 6


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


class Wire:
    """One kept-alive connection."""

    def __init__(self, port):
        self.connection = http.client.HTTPConnection("localhost", port, timeout=30)

    def send(self, method, path, body=None, headers=None):
        self.connection.request(method, path, body=body, headers=headers or {})
        answer = self.connection.getresponse()
        return answer.status, answer.getheader("Location"), answer.read()


class Bench:
    def __init__(self, provider):
        self.provider = provider
        self.pids = [provider.process.pid, provider.signer_pid()]
        self.results = {}

    def cpu(self):
        return sum(cpu_of(pid) for pid in self.pids)

    def measure(self, name, operations, make):
        """`make(i)` gives each thread its function of no arguments: one operation."""
        each = operations // THREADS
        functions = [make(i) for i in range(THREADS)]
        for function in functions:
            function()  # warm
        before, began = self.cpu(), time.monotonic()
        threads = [threading.Thread(target=lambda f=f: [f() for _ in range(each)]) for f in functions]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        wall = time.monotonic() - began
        cpu = (self.cpu() - before) * 1000 / (each * THREADS)
        self.results[name] = cpu
        print(f"{name:<28} {cpu:8.3f} CPU-s per 1000   {each * THREADS / wall:8.0f}/s seen by the generator")
        return cpu


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def latencies(send, seconds, gap=0.002):
    """Milliseconds of one request after another, with a pause, for some seconds."""
    out, end = [], time.monotonic() + seconds
    while time.monotonic() < end:
        began = time.perf_counter()
        send()
        out.append((time.perf_counter() - began) * 1000)
        time.sleep(gap)
    return out


def bare_hash():
    """CPU milliseconds of one hash, with as many at a time as the pool runs: they share memory bandwidth."""
    runs = [subprocess.Popen([f"{BUILD}/tests/bench/bench_hash", "30"], stdout=subprocess.PIPE, text=True)
            for _ in range(os.cpu_count())]
    return statistics.mean(float(run.communicate()[0]) for run in runs)


@contextlib.contextmanager
def crowd_of(make):
    """STORM clients that sign in without pause, in processes of their own and out of the way of the one
    that measures: on a real day they are other machines, and only the provider's work may delay it."""
    stop = multiprocessing.Event()

    def run(i):
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
        os.nice(19)
        function = make(i)
        while not stop.is_set():
            function()

    crowd = [multiprocessing.Process(target=run, args=(i,)) for i in range(STORM)]
    for process in crowd:
        process.start()
    time.sleep(1)
    yield
    stop.set()
    for process in crowd:
        process.join()


def start_times(count=5):
    out = []
    for _ in range(count):
        provider = Provider()
        provider.start()  # makes keys
        provider.stop()
        began = time.monotonic()
        provider.start()
        out.append((time.monotonic() - began) * 1000)
        provider.remove()
    return out


def main():
    print(f"build {os.path.relpath(BUILD, ROOT)}, {os.cpu_count()} cores, {THREADS} generator threads")
    settings = "throttle:\n  network_free: 100000\n"
    with Provider(settings) as provider:
        time.sleep(5)
        bench = Bench(provider)
        pss = [pss_of(pid) for pid in bench.pids]
        print(f"Pss 5 s after ready: idpd {pss[0]:.1f} MB, idp-signer {pss[1]:.1f} MB, together {sum(pss):.1f} MB")

        machine = provider.add_client(client_name="m", grant_types=["client_credentials"], redirect_uris=[],
                                      response_types=[], access_token_signed_response_alg="ES256")
        web = provider.add_client(client_name="w", redirect_uris=["http://127.0.0.1:9/cb"], legal_basis="bench",
                                  grant_types=["authorization_code", "refresh_token"], scope="openid profile")
        users = [provider.add_user() for _ in range(THREADS)]
        sessions = []
        for user in users:
            browser = Browser(provider.issuer)
            browser.sign_in(browser.get("/account"), user["username"], user["password"])
            sessions.append("; ".join(f"{n}={v}" for n, v in browser.cookies.items()))

        def post_token(wire, party, fields):
            status, _, body = wire.send("POST", "/token", urllib.parse.urlencode(fields),
                                        {"Content-Type": FORM, "Authorization": party.basic()})
            assert status == 200, (status, body)
            return body

        def client_credentials(_i):
            wire, party = Wire(provider.port), Party(provider.issuer, machine)
            return lambda: post_token(wire, party, {"grant_type": "client_credentials"})

        def code_flow(i):
            wire, party = Wire(provider.port), Party(provider.issuer, web)

            def one():
                status, location, _ = wire.send("GET", party.url(), None, {"Cookie": sessions[i]})
                assert status == 303, status
                code = urllib.parse.parse_qs(urllib.parse.urlsplit(location).query)["code"][0]
                return post_token(wire, party, {"grant_type": "authorization_code", "code": code,
                                                "redirect_uri": party.redirect_uri,
                                                "code_verifier": party.verifier})
            return one

        def refresh(i):
            wire, party = Wire(provider.port), Party(provider.issuer, web)
            token = [json.loads(code_flow(i)())["refresh_token"]]

            def one():
                body = post_token(wire, party, {"grant_type": "refresh_token", "refresh_token": token[0]})
                token[0] = json.loads(body)["refresh_token"]
            return one

        def sign_in(i):
            def one():
                browser = Browser(provider.issuer)
                page = browser.submit(browser.get("/account"), username=users[i]["username"],
                                      password=users[i]["password"])
                assert page.status == 303, page
            return one

        bench.measure("client_credentials", 8000, client_credentials)
        bench.measure("silent code flow", 4000, code_flow)
        bench.measure("refresh", 4000, refresh)
        ratios = []
        for _ in range(ROUNDS):
            bare = bare_hash()
            ratios.append(bench.measure("password sign-in", 120, sign_in) / bare)
            print(f"  bare Argon2id hash {bare:.2f} CPU-ms, {os.cpu_count()} at a time as in the pool: "
                  f"a sign-in is {ratios[-1]:.3f} x that")
        print(f"a sign-in is {statistics.median(ratios):.3f} x the bare hash (median of {ROUNDS} rounds)")
        with contextlib.suppress(PermissionError): # the one who measures is never kept waiting for a core
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(10))
        quiet_token = client_credentials(0)
        ratios = []
        for number in range(ROUNDS):
            idle = latencies(quiet_token, SECONDS)
            with crowd_of(sign_in):
                busy = latencies(quiet_token, SECONDS)
            ratios.append(percentile(busy, 0.99) / percentile(idle, 0.99))
            print(f"/token round {number + 1}: idle p50 {statistics.median(idle):.2f} p99 {percentile(idle, 0.99):.2f} ms, "
                  f"beside {STORM} sign-ins p50 {statistics.median(busy):.2f} p99 {percentile(busy, 0.99):.2f} ms")
        print(f"/token p99 beside the storm: {statistics.median(ratios):.2f} x idle (median of {ROUNDS} rounds)")
    times = start_times()
    print(f"start to ready (keys made before): median {statistics.median(times):.0f} ms of {len(times)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
