# SPDX-License-Identifier: Apache-2.0
"""Signing in with a password: what it costs beside the bare hash, what it does to others, and how soon
a provider is ready."""
import contextlib
import http.client
import multiprocessing
import os
import statistics
import subprocess
import threading
import time

from harness import BUILD, Floor, cpu_of, pss_of
from idp import Provider
from ours import SETTINGS, Ours
from party import Browser

THREADS = 8
SIGN_INS = 120
STORM = 8
SECONDS = 6


def sign_in(provider, user):
    browser = Browser(provider.issuer)
    page = browser.submit(browser.get("/account"), username=user["username"], password=user["password"])
    assert page.status == 303, page


def bare_hash():
    """CPU milliseconds of one hash, with as many at a time as the pool runs: they share memory bandwidth."""
    runs = [subprocess.Popen([f"{BUILD}/tests/bench/bench_hash", "30"], stdout=subprocess.PIPE, text=True)
            for _ in range(os.cpu_count())]
    return statistics.mean(float(run.communicate()[0]) for run in runs)


def measure(rounds):
    with Provider(SETTINGS) as provider:
        pids = [provider.process.pid, provider.signer_pid()]
        users = [provider.add_user() for _ in range(THREADS)]
        ratios, costs = [], []
        for _ in range(rounds):
            bare = bare_hash()
            for user in users:
                sign_in(provider, user)
            before = sum(map(cpu_of, pids))
            threads = [threading.Thread(target=lambda u=user: [sign_in(provider, u) for _ in range(SIGN_INS // THREADS)]) for user in users]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            cost = (sum(map(cpu_of, pids)) - before) * 1000 / SIGN_INS
            costs.append(cost)
            ratios.append(cost / bare)
            print(f"password sign-in     {cost:.2f} CPU-ms, bare Argon2id {bare:.2f}: {ratios[-1]:.3f} x", flush=True)
    return {"cpu": round(statistics.median(costs), 3), "ratio": round(statistics.median(ratios), 3), "ratios": [round(r, 3) for r in ratios]}


@contextlib.contextmanager
def crowd_of(provider, users):
    """STORM clients that sign in without pause, in processes of their own and out of the way of the one
    that measures: on a real day they are other machines, and only the provider's work may delay it."""
    stop = multiprocessing.Event()

    def run(user):
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
        os.nice(19)
        while not stop.is_set():
            sign_in(provider, user)

    crowd = [multiprocessing.Process(target=run, args=(user,)) for user in users]
    for process in crowd:
        process.start()
    time.sleep(1)
    yield
    stop.set()
    for process in crowd:
        process.join()


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


def one_signature(floor):
    """A function that asks the floor for one answer with one signature: what the crowd does to anybody on this machine."""
    connection = http.client.HTTPConnection("127.0.0.1", floor.port, timeout=30)

    def ask():
        connection.request("POST", "/1", "grant_type=client_credentials", {"Content-Type": "application/x-www-form-urlencoded"})
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 200, answer.status
    return ask


def storm(rounds):
    with Ours() as ours, Floor() as floor:
        sends = {"idp": ours.one_token(), "floor": one_signature(floor)}
        users = [ours.provider.add_user() for _ in range(STORM)]
        with contextlib.suppress(PermissionError):  # the one who measures is never kept waiting for a core
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(10))
        p99 = lambda: {name: percentile(latencies(send, SECONDS), 0.99) for name, send in sends.items()}  # noqa: E731
        idle, busy = [], []
        try:
            for _ in range(rounds):
                idle.append(p99())
                with crowd_of(ours.provider, users):
                    busy.append(p99())
                print(f"/token               p99 idle {idle[-1]['idp']:.2f} ms, beside {STORM} sign-ins {busy[-1]['idp']:.2f} ms: "
                      f"{busy[-1]['idp'] / idle[-1]['idp']:.2f} x; floor {idle[-1]['floor']:.2f} and {busy[-1]['floor']:.2f} ms", flush=True)
        finally:
            os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    ratios = [b["idp"] / i["idp"] for i, b in zip(idle, busy)]
    middle = {f"{server}_{when}_p99": round(statistics.median(of[server] for of in values), 2)
              for server in sends for when, values in (("idle", idle), ("busy", busy))}
    return {"ratio": round(statistics.median(ratios), 2), "ratios": [round(r, 2) for r in ratios], **middle}


def start(count=5):
    out = []
    for _ in range(count):
        provider = Provider()
        provider.start()  # makes keys
        provider.stop()
        began = time.monotonic()
        provider.start()
        out.append((time.monotonic() - began) * 1000)
        time.sleep(1)
        pss = [pss_of(provider.process.pid), pss_of(provider.signer_pid())]
        provider.remove()
    result = {"ms": round(statistics.median(out)), "pss_idpd": round(pss[0], 1), "pss_signer": round(pss[1], 1)}
    print(f"start to ready       {result['ms']} ms; Pss {pss[0]:.1f} + {pss[1]:.1f} MB", flush=True)
    return result
