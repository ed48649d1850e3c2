#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""X04: killed at each point where an act leaves the process: before every write to the store's log,
before every sync, and before the answer (between two of them nothing outside the process changes).
strace counts the system calls of an act, then kills idpd at the first, the second ... of them. After
each kill what was acknowledged stands, what was not has happened as a whole or not at all, and the
store is sound.

  crash_points.py [--times N] [ACT ...]      full programme: --times 20"""
import argparse
import contextlib
import os
import random
import sqlite3
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "lib")]
from check import Checks  # noqa: E402
from idp import Provider  # noqa: E402
from kill9 import SETTINGS, Ledger, Stop, Worker, check, check_rotations, settle_passwords, signed_in  # noqa: E402

CALLS = ("pwrite64", "fdatasync", "sendmsg")
MOST_POINTS = 60


class Tracer:
    """strace at all threads of the provider; ends with it."""

    def __init__(self, pid, call, nth):
        self.process = subprocess.Popen(["strace", "-f", "-p", str(pid), "-e", f"trace={call}", "-e", f"inject={call}:signal=KILL:when={nth}",
                                         "-o", "/dev/null"], stderr=subprocess.PIPE, text=True)
        line = self.process.stderr.readline()
        if "attached" not in line:
            raise RuntimeError(f"strace: {line}")

    def end(self):
        self.process.terminate()
        self.process.communicate()


def whole(provider, worker, act, before):
    """What an act that was not acknowledged left behind: all of it, or nothing. Faults."""
    if act != "logout" or not worker.browser:
        return []
    token, cookies = before
    ended = not signed_in(provider, cookies)
    refused = worker.party.refresh(token).status != 200
    return [] if ended == refused else [f"half a sign-out: session ended {ended}, its grant ended {refused}"]


def sound(provider):
    with contextlib.closing(sqlite3.connect(f"file:{provider.path('idp.db')}?mode=ro", uri=True)) as db:
        state = db.execute("PRAGMA integrity_check").fetchall()
    return [] if state == [("ok",)] else [f"integrity_check: {state[:2]}"]


def one_point(provider, client, user, act, call, nth):
    """(was killed, faults)"""
    ledger = Ledger(provider.path("ledger"))
    worker = Worker(provider, client, ledger, random.Random(nth))
    worker.user = user
    worker.sign_in()
    worker.fill()
    before = (worker.grant()[1], dict(worker.browser.cookies))
    step = getattr(worker, act)
    worker.sign_in = worker.fill = lambda: None  # what follows the act is not part of it
    if act in ("revoke", "password", "logout"):  # the code flow in it is the act `grant`
        code = worker.grant()
        worker.grant = lambda: code
    tracer = Tracer(provider.process.pid, call, nth)
    try:
        worker.call(step)
    except Stop:
        pass
    deadline = time.monotonic() + 0.2
    while provider.process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.005)
    killed = provider.process.poll() is not None
    tracer.end()
    provider.kill()
    provider.start()
    for entry in ledger.entries:
        entry["in_doubt"] = "password_in_doubt" in user
    faults, _ = check(provider, client, ledger.entries)
    faults += whole(provider, worker, act, before) if killed and not ledger.entries else []
    faults += check_rotations(provider, client, ledger.entries, set())
    settle_passwords(provider, [user])
    return killed, faults + sound(provider)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("acts", nargs="*", default=["rotate", "revoke", "logout", "password", "grant"])
    args = parser.parse_args()
    result, kills = Checks(), 0
    with Provider(SETTINGS) as provider:
        client = provider.add_client(client_name="points", redirect_uris=["http://127.0.0.1:9/cb"], legal_basis="test",
                                     grant_types=["authorization_code", "refresh_token"], scope="openid")
        for act in args.acts:
            for call in CALLS:
                points = 0
                for nth in range(1, MOST_POINTS):
                    faults = []
                    for _ in range(args.times):
                        killed, found = one_point(provider, client, provider.add_user(), act, call, nth)
                        faults += found
                        kills += killed
                        if not killed:
                            break
                    if faults:
                        result.that(f"X04 {act}: killed before {call} {nth}", False, faults[:3])
                    if not killed:
                        break
                    points += 1
                result.that(f"X04 {act}: killed before each of {points} {call}, {args.times} times", points > 0 or call != "sendmsg")
        print(f"{kills} kills")
    return result.end()


if __name__ == "__main__":
    sys.exit(main())
