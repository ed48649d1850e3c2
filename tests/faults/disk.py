#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""X07, X08 from outside: a file system that is really full, and system calls on the store's files that
really fail (strace). Nothing is given out that is not stored; what only reads goes on; afterwards the
store is whole, and what had been refused can be had. (tests/unit/store/test_durability.c fails each
single write and sync of the store in turn.)

  disk.py      a mount of its own; needs root or user namespaces"""
import contextlib
import os
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
import check  # noqa: E402
from crash_points import sound  # noqa: E402
from idp import Provider  # noqa: E402
from oidc_world import World  # noqa: E402
from party import error_of, is_sign_in, request  # noqa: E402

FULL_MIB = 24
WRITES = ("pwrite64", "fdatasync")


def unavailable(answer):
    check.equal(error_of(answer), (503, "temporarily_unavailable"), "a request that would have to write")


def reads_go_on(w, tokens):
    check.equal(w.ministry.userinfo(tokens["access_token"]).status, 200, "userinfo")
    for path in ("/jwks", "/.well-known/openid-configuration", "/healthz"):
        check.equal(request(w.issuer, "GET", path).status, 200, path)
    check.true(is_sign_in(w.browser().get(w.ministry.url())), "the sign-in page")


@contextlib.contextmanager
def no_room(folder):
    """Every byte of the file system is taken."""
    path = os.path.join(folder, "filler")
    with open(path, "wb", buffering=0) as f:
        with contextlib.suppress(OSError):
            while f.write(b"\0" * 65536):
                pass
        with contextlib.suppress(OSError):
            while f.write(b"\0"):
                pass
    try:
        yield
    finally:
        os.unlink(path)


def X07_a_full_disk():
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={FULL_MIB}m", "idp-full", folder], check=True)
        try:
            with Provider(World.SETTINGS, folder=folder) as provider:
                fill_and_free(World(provider), folder)
        finally:
            subprocess.run(["umount", "-l", folder], check=True)


def fill_and_free(w, folder):
    browser = w.signed_in()
    tokens = w.ministry.tokens(browser, w.an)
    for _ in range(3):
        rows = w.store_rows()
        with no_room(folder):
            unavailable(w.ministry.refresh(tokens["refresh_token"]))
            unavailable(w.ministry.redeem(w.ministry.code(browser, w.an)))
            answer = w.ministry.token({"token": tokens["refresh_token"]}, path="/revoke")
            unavailable(answer)
            stranger = w.browser()
            page = stranger.submit(stranger.get(w.ministry.url()), username="binh", password=w.binh["password"])
            check.true(page.status == 503 and not stranger.session_cookie(), f"a sign-in: {page}")
            reads_go_on(w, tokens)
            check.equal(w.store_rows()["oauth_grant"], rows["oauth_grant"], "grants")
        tokens = w.ministry.refresh(tokens["refresh_token"]).json()
        check.equal(sound(w.provider), [], "the store")
        w.ministry.code(w.browser(), w.binh)


class Failing:
    """From the nth on, calls of one kind on the store's files fail with EIO; `once`: only that one."""

    def __init__(self, w, call, nth, once=False):
        path = w.provider.path("idp.db")
        files = [word for suffix in ("", "-wal", "-shm") for word in ("-P", path + suffix)]
        when = f"{nth}" if once else f"{nth}+"
        self.process = subprocess.Popen(["strace", "-f", "-p", str(w.provider.process.pid), *files, "-e", f"trace={call}", "-e",
                                         f"inject={call}:error=EIO:when={when}", "-o", "/dev/null"], stderr=subprocess.PIPE, text=True)
        while "attached" not in (line := self.process.stderr.readline()):
            if not line:
                raise RuntimeError("strace ended")

    def end(self):
        self.process.terminate()
        self.process.communicate()


def X08_writes_and_syncs_that_fail():
    with Provider(World.SETTINGS) as provider:
        w = World(provider)
        token = w.ministry.tokens(w.signed_in(), w.an)["refresh_token"]
        for call in WRITES:
            for nth in (1, 2) if call == "pwrite64" else (1,):
                failing = Failing(w, call, nth, once=True)
                unavailable(w.ministry.refresh(token))
                failing.end()
                # Nobody knows what is on the disk now: no success by trying again, until a restart looks.
                unavailable(w.ministry.refresh(token))
                check.equal(request(w.issuer, "GET", "/jwks").status, 200, "keys")
                w.restart()
                check.equal(sound(w.provider), [], "the store")
                answer = w.ministry.refresh(token)
                check.equal(answer.status, 200, f"after {call} {nth} failed: {answer}")
                token = answer.json()["refresh_token"]


def X08_reads_that_fail():
    with Provider(World.SETTINGS) as provider:
        w = World(provider)
        tokens = w.ministry.tokens(w.signed_in(), w.an)
        w.restart()  # nothing is cached
        failing = Failing(w, "pread64", 1)
        for answer in (w.ministry.refresh(tokens["refresh_token"]), w.ministry.userinfo(tokens["access_token"])):
            check.true(answer.status == 503 and "access_token" not in answer.text, f"{answer}")
        failing.end()
        began = time.monotonic()
        while w.ministry.userinfo(tokens["access_token"]).status != 200 and time.monotonic() - began < 5:
            time.sleep(0.1)
        check.equal(w.ministry.userinfo(tokens["access_token"]).status, 200, "userinfo afterwards")
        check.equal(w.ministry.refresh(tokens["refresh_token"]).status, 200, "refresh afterwards")


def main():
    if "IDP_OWN_MOUNTS" not in os.environ:
        os.environ["IDP_OWN_MOUNTS"] = "yes"
        user = [] if os.getuid() == 0 else ["--map-root-user"]
        os.execvp("unshare", ["unshare", *user, "--mount", "--propagation", "private", sys.executable, *sys.argv])
    return check.run(check.collect(globals(), ("X07", "X08")))


if __name__ == "__main__":
    sys.exit(main())
