#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""X09, X15: what runs out. File descriptors, memory (each allocation of a request fails in turn), and
connections that only wait: no crash, nothing given out by mistake, and all is well when there is
enough again.

  exhaustion.py [--idle N] [--allocations N] [TEST ...]      full programme: --idle 10000 --allocations 0 (all)"""
import argparse
import json
import os
import resource
import secrets
import socket
import struct
import subprocess
import sys
import tempfile
import time
import urllib.parse

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
import check  # noqa: E402
from hostile_provider import KEY  # noqa: E402
from idp import Provider  # noqa: E402
from oidc_world import World  # noqa: E402
from party import Party, request  # noqa: E402

ARGUMENTS = None
IDLE_BYTES = 32 * 1024
IDLE_SECONDS = 10
FDS_LEFT = 8
IO_THREADS = 2  # of the provider whose memory fails


def rss(pid):
    with open(f"/proc/{pid}/statm", encoding="ascii") as f:
        return int(f.read().split()[1]) * resource.getpagesize()


def is_open(s):
    try:
        return s.recv(1, socket.MSG_DONTWAIT | socket.MSG_PEEK) != b""
    except BlockingIOError:
        return True
    except OSError:
        return False


def X09_file_descriptors_run_out():
    with Provider(World.SETTINGS) as provider:
        w = World(provider)
        token = w.ministry.tokens(w.signed_in(), w.an)["refresh_token"]
        pid = provider.process.pid
        before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        used = len(os.listdir(f"/proc/{pid}/fd"))
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (used + FDS_LEFT, before[1]))
        crowd = [socket.create_connection(("127.0.0.1", provider.port)) for _ in range(400)]
        for s in crowd[:200]:
            s.sendall(b"GET /jwks HTTP/1.1\r\nHost: localhost\r\n")  # half a request each
        time.sleep(1)
        check.equal(provider.process.poll(), None, "the provider with no descriptor left")
        for s in crowd:
            s.close()
        resource.prlimit(pid, resource.RLIMIT_NOFILE, before)
        began = time.monotonic()
        status = None
        while status != 200 and time.monotonic() - began < 15:
            try:
                status = request(w.issuer, "GET", "/jwks").status
            except OSError:
                time.sleep(0.2)
        print(f"serving again {time.monotonic() - began:.1f} s after there are descriptors")
        check.equal(w.ministry.refresh(token).status, 200, "a refresh when there are descriptors again")


class FailingMemory:
    """A provider whose nth allocation fails when asked for."""

    def __init__(self, folder):
        self.control, shim = os.path.join(folder, "control"), os.path.join(folder, "fail_malloc.so")
        subprocess.run(["cc", "-shared", "-fPIC", "-O2", "-o", shim, os.path.join(HERE, "fail_malloc.c")], check=True)
        with open(self.control, "wb") as f:
            f.write(bytes(4096))
        os.environ.update(LD_PRELOAD=shim, FAIL_MALLOC=self.control)
        self.fd = os.open(self.control, os.O_RDWR)

    def fail(self, nth):
        os.pwrite(self.fd, struct.pack("I", nth), 0)

    def struck(self):
        """Whether it came to the nth, and off."""
        left = struct.unpack("I", os.pread(self.fd, 4, 0))[0]
        self.fail(0)
        return left == 0

    def end(self):
        os.close(self.fd)
        del os.environ["LD_PRELOAD"], os.environ["FAIL_MALLOC"]


ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def signing_client(w):
    """A client that signs with a key of its own: assertions at the token endpoint, request objects."""
    metadata = {"client_id": "signing", "client_name": "Ký", "token_endpoint_auth_method": "private_key_jwt",
                "grant_types": ["authorization_code", "client_credentials"], "redirect_uris": ["https://signing.example/cb"],
                "scope": "openid dossier.read", "legal_basis": "QĐ 3/2026", "jwks": {"keys": [KEY.jwk()]}}
    return Party(w.issuer, {**metadata, **w.provider.add_client(**metadata)})


def forget_clients(w):
    """Empties the threads' caches, as any change of a client does: the next request reads its client anew."""
    w.provider.idpctl("client", "disable", "code_only")


def assertion(w, party):
    forget_clients(w)
    return KEY.sign({"iss": party.client_id, "sub": party.client_id, "aud": w.issuer, "exp": int(time.time()) + 60,
                     "jti": secrets.token_urlsafe(16)})


def ask_with_assertion(party, token):
    return party.token({"grant_type": "client_credentials", "client_assertion_type": ASSERTION_TYPE,
                        "client_assertion": token}, auth=None)


def request_object(w, party):
    forget_clients(w)
    return KEY.sign({"iss": party.client_id, "aud": w.issuer, "client_id": party.client_id, "response_type": "code",
                     "redirect_uri": party.redirect_uri, "scope": "openid", "state": "object"})


def ask_with_object(browser, party, token):
    query = {"client_id": party.client_id, "redirect_uri": party.redirect_uri, "request": token}
    return browser.get("/authorize?" + urllib.parse.urlencode(query))


def send_json(w, method, path, body, token=None):
    headers = {"Content-Type": "application/json", **({"Authorization": "Bearer " + token} if token else {})}
    return request(w.issuer, method, path, json.dumps(body), headers)


def register_elsewhere(w):
    """A sector document that cannot be fetched: whoever registers with it must not become a client."""
    return send_json(w, "POST", "/register", {
        "redirect_uris": ["https://a.example/cb"], "sector_identifier_uri": "https://127.0.0.1:1/uris"})


def move_away(w, own):
    """To the redirect URI of another host: a replacement that must not be stored."""
    body = {"client_id": own["client_id"], "redirect_uris": ["https://b.example/cb"]}
    return send_json(w, "PUT", "/register?client_id=" + own["client_id"], body, own["registration_access_token"])


def hold_exchanges(w, crowd):
    """On each thread one more request that is not whole yet: the next finds no used room at hand, and needs new."""
    for _ in range(IO_THREADS):
        s = socket.create_connection(("127.0.0.1", w.provider.port))
        s.sendall(f"POST /token HTTP/1.1\r\nHost: {urllib.parse.urlsplit(w.issuer).netloc}\r\n"
                  "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 9\r\n\r\n".encode())
        crowd.append(s)
    time.sleep(0.05)


def acts(w, browser):
    """name -> (a function that prepares, one that asks with what was prepared, statuses when all is well)"""
    signing, crowd = signing_client(w), []
    own = send_json(w, "POST", "/register", {"redirect_uris": ["https://a.example/cb"]}).json()
    fresh = {"grant": w.ministry.tokens(browser, w.an)}

    def renew():
        fresh["grant"] = w.ministry.tokens(browser, w.an)
        return fresh["grant"]
    return {
        "client_credentials": (lambda: None, lambda _: w.machine.token({"grant_type": "client_credentials"}), 200),
        "authorize": (lambda: None, lambda _: browser.get(w.ministry.url()), 303),
        "code": (lambda: w.ministry.code(browser, w.an), w.ministry.redeem, 200),
        "refresh": (renew, lambda t: w.ministry.refresh(t["refresh_token"]), 200),
        "revoke": (renew, lambda t: w.ministry.token({"token": t["access_token"]}, path="/revoke"), 200),
        "userinfo": (renew, lambda t: w.ministry.userinfo(t["access_token"]), 200),
        "introspect": (renew, lambda t: w.ministry.token({"token": t["access_token"]}, path="/introspect"), 200),
        "wrong secret": (lambda: None, lambda _: w.machine.token({"grant_type": "client_credentials"}, auth=None, headers={
            "Authorization": w.machine.basic(secret=secrets.token_urlsafe(16))}), 401),
        "assertion": (lambda: assertion(w, signing), lambda t: ask_with_assertion(signing, t), 200),
        "request object": (lambda: request_object(w, signing), lambda t: ask_with_object(browser, signing, t), 303),
        "sector document": (lambda: None, lambda _: register_elsewhere(w), 400),
        "replacement": (lambda: None, lambda _: move_away(w, own), 400),
        "one more at a time": (lambda: hold_exchanges(w, crowd), lambda _: request(w.issuer, "GET", "/jwks"), 200),
        "sign-in page": (lambda: None, lambda _: w.browser().get(w.ministry.url()), 200),
    }


def X09_each_allocation_fails():
    with tempfile.TemporaryDirectory() as folder:
        memory = FailingMemory(folder)
        try:
            with Provider(World.SETTINGS + f"threads:\n  io: {IO_THREADS}\nthrottle:\n  network_free: 100000\nregistration:\n  policy: open\n") as provider:
                w = World(provider)
                browser = w.signed_in()
                struck = {name: strike(w, memory, name, *act) for name, act in acts(w, browser).items()}
        finally:
            memory.end()
    print("allocations that failed in turn:", struck)
    check.true(sum(struck.values()) > 20, struck)


def is_well(answer, good):
    """As when there is memory; a redirect brings a code."""
    return answer.status == good and (good != 303 or "code=" in answer.location)


def is_refusal(answer):
    """Says that it is the server's fault, and gives nothing."""
    place = answer.location or ""
    is_honest = answer.status in (500, 503) or "error=server_error" in place or "error=temporarily_unavailable" in place
    return is_honest and '"access_token"' not in answer.text and "code=" not in place


def strike(w, memory, name, prepare, ask, good):
    """How many allocations a request makes, each of which failed once."""
    nth = 0
    while not ARGUMENTS.allocations or nth < ARGUMENTS.allocations:
        nth += 1
        prepared = prepare()
        memory.fail(nth)
        try:
            answer = ask(prepared)
        except OSError:  # closed without an answer
            answer = None
        struck = memory.struck()
        check.equal(w.provider.process.poll(), None, f"alive after allocation {nth} failed")
        if answer is not None and answer.status == 429:  # so many wrong secrets
            return nth - 1
        if name == "revoke" and answer is not None and answer.status == 200:
            check.equal(w.ministry.userinfo(prepared["access_token"]).status, 401, f"revoked, when allocation {nth} failed")
        if answer is not None and not is_well(answer, good):
            check.true(is_refusal(answer), f"{name}, allocation {nth}: {answer}")
        for _ in range(IO_THREADS):  # connections are dealt by turns: each thread has its own caches
            again = ask(prepare())
            check.true(is_well(again, good) or (good, again.status) == (401, 429), f"{name}, after allocation {nth} failed: {again}")
        if not struck:
            return nth - 1
    return nth


def X15_idle_connections():
    """From many networks, so that no limit for one of them is met."""
    count = ARGUMENTS.idle
    most = count + 500
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with Provider(listen=f"  connections: {most}\n") as provider:
        pid = provider.process.pid
        time.sleep(1)
        before, idle, began = rss(pid), [], time.monotonic()
        for i in range(count):
            s = socket.socket()
            s.bind((f"127.{1 + i // 60000}.{i % 250}.{1 + i // 250 % 200}", 0))
            s.connect(("127.0.0.1", provider.port))
            idle.append(s)
        time.sleep(0.5)
        opened = sum(map(is_open, idle))
        each = (rss(pid) - before) / max(opened, 1)
        check.true(opened >= 0.95 * count or time.monotonic() - began > IDLE_SECONDS, f"{opened} of {count} are open")
        check.true(each <= IDLE_BYTES, f"{each:.0f} bytes for each idle connection")
        took = time.monotonic()
        check.equal(request(provider.issuer, "GET", "/jwks").status, 200, "beside them")
        took = time.monotonic() - took
        time.sleep(IDLE_SECONDS + 3)
        left = sum(map(is_open, idle))
        print(f"{opened} idle connections: {each:.0f} bytes each; /jwks beside them in {1000 * took:.1f} ms; {left} left after {IDLE_SECONDS + 3} s")
        check.equal(left, 0, "idle connections after the time")
        for s in idle:
            s.close()


def main():
    global ARGUMENTS
    parser = argparse.ArgumentParser()
    parser.add_argument("--idle", type=int, default=10000)
    parser.add_argument("--allocations", type=int, default=0)
    ARGUMENTS, sys.argv[1:] = parser.parse_known_args()
    return check.run(check.collect(globals(), ("X09", "X15")))


if __name__ == "__main__":
    sys.exit(main())
