#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""X01, X02: what may be used once is used once. Each code, refresh token or client assertion is sent
on eight connections at the same moment; the ledger holds every distinct outcome.

  code       exactly one answer is 200; its tokens are dead afterwards, for seven were replays
  refresh    every 200 carries one and the same successor, which is good: it is the next to be tried
  strict     refresh without grace: exactly one answer is 200
  assertion  one jti (RFC 7523): exactly one answer is 200

  redeem.py [--rounds N] [KIND ...]      full programme: --rounds 100000 code refresh strict"""
import argparse
import json
import multiprocessing
import os
import secrets
import select
import socket
import sys
import time
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from check import Checks  # noqa: E402
from hostile_jwt import Key, Signer  # noqa: E402
from idp import Provider  # noqa: E402
from party import Browser, Party  # noqa: E402

WAYS = 8
PROCESSES = 3
SETTINGS = {"strict": "times:\n  refresh_grace: 0s\n"}
COMMON = "throttle:\n  network_free: 100000\n"
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class Line:
    """One kept-alive connection."""

    def __init__(self, port):
        self.port = port
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.got = b""

    def feed(self):
        """(status, head, body) once it is whole, else None"""
        got = self.socket.recv(65536)
        if not got:
            raise ConnectionError("closed by the provider")
        self.got += got
        head, end, body = self.got.partition(b"\r\n\r\n")
        if not end:
            return None
        length = next((int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")), 0)
        if len(body) < length:
            return None
        self.got = body[length:]
        return int(head[9:12]), head.decode(), body[:length].decode()

    def ask(self, request):
        self.socket.sendall(request)
        answer = None
        while not answer:
            answer = self.feed()
        return answer


def all_at_once(lines, request):
    for line in lines:
        line.socket.sendall(request)
    answers, waiting = [], {line.socket: line for line in lines}
    while waiting:
        ready, _, _ = select.select(list(waiting), [], [], 30)
        if not ready:
            raise TimeoutError("no answer in 30 s")
        for s in ready:
            answer = waiting[s].feed()
            if answer:
                answers.append(answer)
                del waiting[s]
    return answers


class Tries:
    """What one process does: a person with a session, eight connections, one kind of thing."""

    def __init__(self, kind, provider, client, key, number):
        self.kind, self.port, self.key, self.number = kind, provider["port"], key, number
        self.lines = [Line(self.port) for _ in range(WAYS)]
        self.party = Party(provider["issuer"], client)
        self.token = None
        self.signer = Signer(key, {"alg": "ES256", "kid": "k", "typ": "JWT"}, self.claims)
        if kind != "assertion":
            browser = Browser(provider["issuer"])
            browser.sign_in(browser.get("/account"), *provider["users"][number])
            self.cookie = "; ".join(f"{n}={v}" for n, v in browser.cookies.items())

    def post(self, fields, authorization):
        body = urllib.parse.urlencode(fields)
        return (f"POST /token HTTP/1.1\r\nHost: localhost:{self.port}\r\n{authorization}"
                f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n{body}").encode()

    def by_secret(self, fields):
        return self.post(fields, f"Authorization: {self.party.basic()}\r\n")

    def code(self):
        status, head, _ = self.lines[0].ask((f"GET {self.party.url()} HTTP/1.1\r\nHost: localhost:{self.port}\r\n"
                                             f"Cookie: {self.cookie}\r\nAccept: text/html\r\n\r\n").encode())
        assert status == 303, (status, head)
        location = next(line for line in head.split("\r\n") if line.lower().startswith("location:"))
        code = urllib.parse.parse_qs(urllib.parse.urlsplit(location).query)["code"][0]
        return self.by_secret({"grant_type": "authorization_code", "code": code, "redirect_uri": self.party.redirect_uri,
                               "code_verifier": self.party.verifier})

    def refresh(self):
        if not self.token or self.kind == "strict":
            status, _, body = self.lines[0].ask(self.code())
            assert status == 200, (status, body)
            self.token = json.loads(body)["refresh_token"]
        return self.by_secret({"grant_type": "refresh_token", "refresh_token": self.token})

    def claims(self):
        now = int(time.time())
        return {"iss": self.party.client_id, "sub": self.party.client_id, "aud": self.party.issuer, "iat": now, "exp": now + 60,
                "jti": secrets.token_urlsafe(16)}

    def assertion(self):
        token = self.signer.good()
        return self.post({"grant_type": "client_credentials", "client_assertion_type": ASSERTION, "client_assertion": token}, "")

    def once(self):
        """What is wrong with the outcome, or None."""
        request = {"code": self.code, "refresh": self.refresh, "strict": self.refresh, "assertion": self.assertion}[self.kind]()
        answers = all_at_once(self.lines, request)
        good = [json.loads(body) for status, _, body in answers if status == 200]
        others = {(status, json.loads(body)["error"]) for status, _, body in answers if status != 200}
        if others - {(400, "invalid_grant"), (401, "invalid_client")}:
            return f"other answers: {others}"
        if self.kind != "refresh":
            return None if len(good) == 1 else f"{len(good)} of {WAYS} succeeded"
        successors = {answer["refresh_token"] for answer in good}
        if len(successors) != 1 or len(good) != WAYS:
            self.token = None
            return f"{len(good)} of {WAYS} succeeded, with {len(successors)} successors"
        self.token = successors.pop()
        return None


def work(kind, provider, client, key, number, rounds, results):
    tries = Tries(kind, provider, client, key, number)
    faults = []
    for _ in range(rounds):
        wrong = tries.once()
        if wrong:
            faults.append(wrong)
    results.put((rounds, faults))


def try_kind(kind, rounds, check):
    row = "X01" if kind in ("refresh", "strict") else "X02"
    with Provider(COMMON + SETTINGS.get(kind, "")) as p:
        key = Key("ES256", "k")
        if kind == "assertion":
            client = p.add_client(client_name="m", grant_types=["client_credentials"], redirect_uris=[], response_types=[],
                                  token_endpoint_auth_method="private_key_jwt", jwks={"keys": [key.jwk()]})
        else:
            client = p.add_client(client_name="w", redirect_uris=["http://127.0.0.1:9/cb"], legal_basis="test",
                                  grant_types=["authorization_code", "refresh_token"], scope="openid",
                                  access_token_signed_response_alg="ES256")
        users = [p.add_user() for _ in range(PROCESSES)]
        provider = {"port": p.port, "issuer": p.issuer, "users": [(u["username"], u["password"]) for u in users]}
        results, began = multiprocessing.Queue(), time.monotonic()
        processes = [multiprocessing.Process(target=work, args=(kind, provider, client, key, i, -(-rounds // PROCESSES),
                                                                results)) for i in range(PROCESSES)]
        for process in processes:
            process.start()
        tried, faults = 0, []
        for _ in processes:
            n, found = results.get()
            tried, faults = tried + n, faults + found
        for process in processes:
            process.join()
        check.that(f"{row} {kind}: {tried} x {WAYS} at once, one outcome each ({time.monotonic() - began:.0f} s)",
                   not faults, f"{len(faults)} wrong: {faults[:3]}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=100000)
    parser.add_argument("kinds", nargs="*", default=["code", "refresh", "strict", "assertion"])
    args = parser.parse_args()
    check = Checks()
    for kind in args.kinds:
        try_kind(kind, args.rounds, check)
    return check.end()


if __name__ == "__main__":
    sys.exit(main())
