#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""X03: kill -9 during load loses nothing that was acknowledged.

Workers rotate refresh tokens, revoke grants (by replaying their code), sign out and change
passwords; each acknowledged effect is written to a ledger and synced before the next request of
that worker. Then idpd is killed with SIGKILL, started again, and every entry of the ledger is
replayed over HTTP: what was rotated is rotated, what was revoked, ended or changed stays so. The
checker itself must fail on a ledger with one invented entry.

  kill9.py [--kills N] [--acknowledged N]     full programme: --kills 20 --acknowledged 2000"""
import argparse
import contextlib
import json
import os
import random
import secrets
import sqlite3
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from idp import Provider, SLOW  # noqa: E402
from party import Browser, Party, is_sign_in  # noqa: E402

WORKERS = 6
READY_LIMIT = 2.0 * SLOW  # seconds after the kill
SETTINGS = """password:
  memory: 8MiB
  passes: 1
times:
  refresh_grace: 0s
throttle:
  network_free: 100000
  account_free: 20
"""
OLD_PASSWORDS_TRIED = 15  # a person's newest ones: more wrong tries in a row would be throttled


class Ledger:
    def __init__(self, path):
        self.path = path
        self.fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        self.lock = threading.Lock()
        self.entries = []

    def add(self, **entry):
        line = (json.dumps(entry) + "\n").encode()
        with self.lock:
            os.write(self.fd, line)
            os.fdatasync(self.fd)
            self.entries.append(entry)

    def __len__(self):
        return len(self.entries)


class Stop(Exception):
    """The provider went away under this worker: expected once per round."""


class Worker(threading.Thread):
    """One person with one browser. `doubt` is what was asked for and not acknowledged when the
    provider died: either outcome is right for it."""

    def __init__(self, provider, client, ledger, rng):
        super().__init__()
        self.provider, self.ledger, self.rng = provider, ledger, rng
        self.party = Party(provider.issuer, client)
        self.user = None
        self.browser = None
        self.grants = []  # refresh tokens that should be good
        self.stopping = False
        self.fault = None

    def call(self, function, *args, **options):
        try:
            return function(*args, **options)
        except (OSError, EOFError) as e:
            raise Stop() from e
        except Exception as e:  # http.client's own errors for a connection that broke
            if type(e).__module__ == "http.client":
                raise Stop() from e
            raise

    def sign_in(self):
        self.browser = Browser(self.provider.issuer)
        page = self.browser.get("/account")
        page = self.browser.sign_in(page, self.user["username"], self.user["password"])
        assert page.status == 200 and not is_sign_in(page), page

    def grant(self):
        code = self.party.code(self.browser, self.user)
        answer = self.party.redeem(code)
        assert answer.status == 200, answer
        return code, answer.json()["refresh_token"]

    def rotate(self):
        token = self.grants.pop(self.rng.randrange(len(self.grants)))
        answer = self.party.refresh(token)
        assert answer.status == 200, answer
        fresh = answer.json()["refresh_token"]
        self.ledger.add(op="rotated", old=token, new=fresh)
        self.grants.append(fresh)

    def revoke(self):
        code, token = self.grant()
        answer = self.party.redeem(code)  # a replayed code revokes what it made
        assert answer.status == 400, answer
        self.ledger.add(op="revoked", token=token)

    def logout(self):
        _, token = self.grant()
        cookies = dict(self.browser.cookies)
        self.grants = []  # from here on their fate is in doubt until it is acknowledged
        page = self.browser.get("/account")
        form = next(f for f in page.forms() if f["action"] == "/logout")
        answer = self.browser.post("/logout", dict(form["fields"], **dict(form["buttons"][:1])))
        assert answer.status in (200, 303), answer
        self.ledger.add(op="logout", cookies=cookies, token=token)
        self.sign_in()
        self.fill()

    def password(self):
        _, token = self.grant()
        page = self.browser.get("/account/password")
        fresh = "Mat-khau-" + secrets.token_hex(8)
        old = self.user["password"]
        # Until it is acknowledged either may be the right one.
        self.user["password_in_doubt"] = fresh
        self.grants = []
        answer = self.browser.submit(page, None, current_password=old, new_password=fresh, new_password2=fresh)
        assert answer.status == 303, answer
        self.user["password"] = fresh
        del self.user["password_in_doubt"]
        self.ledger.add(op="password", username=self.user["username"], old=old, new=fresh, token=token)
        self.fill()

    def fill(self):
        while len(self.grants) < 4:
            self.grants.append(self.grant()[1])

    def run(self):
        try:
            self.call(self.sign_in)
            self.call(self.fill)
            while not self.stopping:
                choice = self.rng.random()
                step = (self.rotate if choice < 0.86 else self.revoke if choice < 0.95 else
                        self.logout if choice < 0.98 else self.password)
                self.call(step)
        except Stop:
            pass
        except Exception as e:  # pylint: disable=broad-except
            self.fault = e


# ---- the checker: the ledger against the restarted provider, over HTTP only ----

def signed_in(provider, cookies):
    browser = Browser(provider.issuer)
    browser.cookies = dict(cookies)
    return not is_sign_in(browser.get("/account"))


def password_good(provider, username, password):
    browser = Browser(provider.issuer)
    answer = browser.submit(browser.get("/account"), username=username, password=password)
    assert answer.status in (303, 422), answer  # judged, not throttled
    return answer.status == 303


def check(provider, client, entries):
    """Faults found."""
    party = Party(provider.issuer, client)
    faults = []
    latest = {}  # only the newest token of a chain can still be good
    ended = set()
    for entry in entries:
        if entry["op"] == "rotated":
            latest.pop(entry["old"], None)
            latest[entry["new"]] = entry
        else:
            ended.add(entry["token"])
    passwords = {}
    for entry in entries:
        if entry["op"] == "password":
            passwords.setdefault(entry["username"], []).append(entry)
    dead = [e["token"] for e in entries if e["op"] in ("revoked", "logout", "password")]
    for token in dead:
        if party.refresh(token).status == 200:
            faults.append("a revoked grant is good again")
    for entry in entries:
        if entry["op"] == "logout" and signed_in(provider, entry["cookies"]):
            faults.append("a session that was signed out is live again")
    for username, changes in passwords.items():
        newest = changes[-1]
        if not newest.get("in_doubt") and not password_good(provider, username, newest["new"]):
            faults.append(f"the acknowledged new password of {username} is refused")
        for entry in changes[-OLD_PASSWORDS_TRIED:]:
            if password_good(provider, username, entry["old"]):
                faults.append(f"an old password of {username} is good again")
    return faults, latest


def check_rotations(provider, client, entries, overtaken):
    """Each chain's newest token is good exactly once, unless its grant was ended later; each older
    one is refused. Runs last: presenting an old token revokes its grant."""
    party = Party(provider.issuer, client)
    faults = []
    newest, olds = {}, []
    for entry in entries:
        if entry["op"] == "rotated":
            newest.pop(entry["old"], None)
            newest[entry["new"]] = entry
            olds.append(entry["old"])
    for token in newest:
        good = party.refresh(token).status == 200
        if not good and token not in overtaken:
            faults.append("an acknowledged rotation is lost: its new token is refused")
    for token in olds:
        if party.refresh(token).status == 200:
            faults.append("a rotated token is good again")
    return faults


def one_round(provider, client, users, acknowledged, rng, number):
    ledger = Ledger(provider.path(f"ledger-{number}"))
    workers = [Worker(provider, client, ledger, random.Random(rng.random())) for _ in range(WORKERS)]
    for worker, user in zip(workers, users):
        worker.user = user
        worker.start()
    while len(ledger) < acknowledged and all(w.is_alive() for w in workers):
        time.sleep(0.002)
    time.sleep(rng.random() * 0.02)
    provider.kill()
    for worker in workers:
        worker.stopping = True
    for worker in workers:
        worker.join()
    faults = [f"worker: {w.fault!r}" for w in workers if w.fault]
    began = time.monotonic()
    provider.start()
    ready = time.monotonic() - began
    if ready > READY_LIMIT:
        faults.append(f"ready only after {ready:.2f} s")
    for entry in ledger.entries:
        entry["in_doubt"] = any("password_in_doubt" in u and u["username"] == entry.get("username")
                                for u in users)
    found, _ = check(provider, client, ledger.entries)
    faults += found
    # Tokens whose rotation, logout or password change was under way when the provider died, and
    # those that a later acknowledged act of the same person ended, may be refused.
    overtaken = overtaken_tokens(ledger.entries, workers)
    faults += check_rotations(provider, client, ledger.entries, overtaken)
    settle_passwords(provider, users)
    return ledger, faults, ready


def overtaken_tokens(entries, workers):
    held = {t for w in workers for t in w.grants}
    return {e["new"] for e in entries if e["op"] == "rotated" and e["new"] not in held}


def settle_passwords(provider, users):
    for user in users:
        fresh = user.pop("password_in_doubt", None)
        if fresh is None:
            continue
        if password_good(provider, user["username"], fresh):
            user["password"] = fresh


def invented(ledger, client, provider):
    """One entry that never happened, of each kind: the checker must object to each."""
    browser = Browser(provider.issuer)
    user = provider.add_user()
    browser.sign_in(browser.get("/account"), user["username"], user["password"])
    party = Party(provider.issuer, client)
    live = party.tokens(browser, user)["refresh_token"]
    other = party.tokens(browser, user)["refresh_token"]
    return [
        {"op": "revoked", "token": live},
        {"op": "logout", "cookies": dict(browser.cookies), "token": "x"},
        {"op": "password", "username": user["username"], "old": user["password"], "new": "never-" + other,
         "token": "x"},
    ], {"op": "rotated", "old": "x", "new": other[:-4] + "AAAA"}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--acknowledged", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4), "big"))
    args = parser.parse_args()
    rng = random.Random(args.seed)
    passed = failed = 0
    print(f"seed {args.seed}")
    with Provider(SETTINGS) as provider:
        client = provider.add_client(client_name="kill9", redirect_uris=["http://127.0.0.1:9/cb"],
                                     grant_types=["authorization_code", "refresh_token"],
                                     legal_basis="test", scope="openid")
        users = [provider.add_user() for _ in range(WORKERS)]
        for number in range(args.kills):
            ledger, faults, ready = one_round(provider, client, users, args.acknowledged, rng, number)
            kinds = {}
            for entry in ledger.entries:
                kinds[entry["op"]] = kinds.get(entry["op"], 0) + 1
            print(f"kill {number + 1}: {len(ledger)} acknowledged {kinds}, ready in {ready:.2f} s, "
                  f"{len(faults)} faults")
            for fault in faults[:5]:
                print("FAIL X03", fault)
            if faults:
                failed += 1
            else:
                passed += 1
        entries, rotation = invented(ledger, client, provider)
        for entry in entries:
            found, _ = check(provider, client, [entry])
            print("ok" if found else "FAIL", f"X03 the checker objects to an invented {entry['op']}")
            passed, failed = (passed + 1, failed) if found else (passed, failed + 1)
        found = check_rotations(provider, client, [rotation], set())
        print("ok" if found else "FAIL", "X03 the checker objects to an invented rotation")
        passed, failed = (passed + 1, failed) if found else (passed, failed + 1)
        provider.stop()
        with contextlib.closing(sqlite3.connect(provider.path("idp.db"))) as db:
            state = db.execute("PRAGMA integrity_check").fetchall()
        print("ok" if state == [("ok",)] else "FAIL", f"X03 integrity_check: {state[:3]}")
        passed, failed = (passed + 1, failed) if state == [("ok",)] else (passed, failed + 1)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
