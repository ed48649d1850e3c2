# SPDX-License-Identifier: Apache-2.0
"""Attacks on what the provider fetches: key sets and request objects of clients (catalogue 1D: D12,
1A: A26). The configuration lets it go to one host by name, over https with an authority of the
test's own; anything else must see no connection."""
import atexit
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "lib"))
from authorization_endpoint import error_redirect, object_place, signing_party
from client_assertion import Machine, refused
from hostile_jwt import Key, number
from hostile_provider import Answer, HostileProvider
from oidc_world import Canary, run
from party import request

FOLDER = tempfile.mkdtemp(prefix="idp-outbound-")
atexit.register(shutil.rmtree, FOLDER, ignore_errors=True)


def openssl(*words):
    subprocess.run(["openssl", *words], check=True, capture_output=True, cwd=FOLDER)


def make_certificates():
    """An authority, a server of it, and a server of nobody."""
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "ca.key",
            "-out", "ca.crt", "-days", "2", "-subj", "/CN=Test authority")
    for name, issuer in (("good", ["-CA", "ca.crt", "-CAkey", "ca.key"]), ("nobody", [])):
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
                name + ".key", "-out", name + ".crt", "-days", "2", "-subj", "/CN=localhost", "-addext",
                "subjectAltName=DNS:localhost,IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE", *issuer)


make_certificates()
SETTINGS = f"""outbound:
  jwks: [localhost]
  request_uri: [localhost, 127.0.0.1]
  ca_file: {FOLDER}/ca.crt
"""
PLACES = 20  # machines that wait at once


class Server(HostileProvider):
    """A client's own web server, by the name that the configuration lists."""

    def __init__(self, certificate="good"):
        super().__init__((os.path.join(FOLDER, certificate + ".crt"), os.path.join(FOLDER, certificate + ".key")))
        self.url = self.issuer.replace("127.0.0.1", "localhost")

    def publish(self, *keys, headers=(), path="/keys"):
        self.answers[path] = lambda body: Answer(body={"keys": [k.jwk() for k in keys]}, headers=headers)


def machine(w, url, key=None, **metadata):
    made = w.__dict__.setdefault("n_machines", 0)
    w.n_machines = made + 1
    return Machine(w, f"remote-{made}", [key or Key("ES256", "k1")], jwks=None, jwks_uri=url, **metadata)


def accepted(m, key=None):
    answer = m.send(m.signer.token(header={"kid": key.kid}, key=key) if key else m.signer.good())
    assert answer.status == 200, answer


def D12_keys_by_uri(w):
    with Server() as server:
        m = machine(w, server.url + "/keys")
        server.publish(m.keys[0])
        accepted(m)
        accepted(m)
        assert server.hits["/keys"] == 1, "fetched again though fresh"
        refused(m.send(m.signer.token(key=Key("ES256", "k1"))))
        headers = server.seen["/keys"][0]
        assert not {"Cookie", "Authorization", "Referer"} & set(headers), headers
        assert request(w.issuer, "GET", "/jwks").status == 200


def D12_rotation_is_noticed_and_unknown_names_do_not_flood(w):
    with Server() as server:
        m, second = machine(w, server.url + "/keys"), Key("ES256", "k2")
        server.publish(m.keys[0])
        accepted(m)
        server.publish(second)
        accepted(m, second)
        assert server.hits["/keys"] == 2
        for i in range(12):
            refused(m.send(m.signer.token(header={"kid": f"nobody-{i}"})))
        assert server.hits["/keys"] <= 4, f"{server.hits['/keys']} fetches"
        accepted(m, second)


def D12_the_old_set_goes_on(w):
    """Whatever comes instead of a good set; by an unknown name each is made to be fetched."""
    with Server() as server:
        for spoiled in (Answer(500), Answer(404), Answer(204), Answer(body=b"<html>"), Answer(body={"keys": "x"}),
                        Answer(body={"keys": [{"kty": "oct", "k": "AAAA", "kid": "k9"}] * 1000}),
                        Answer(302, headers=[("Location", server.url + "/other")]), Answer(body=b" " * 300_000),
                        Answer(body=b"[" * 100_000), Answer(headers=[("X", "y" * 20_000)], body={"keys": []})):
            path = f"/{len(server.answers)}"
            m, stranger = machine(w, server.url + path), Key("ES256", "k2")
            server.publish(m.keys[0], path=path)
            server.publish(stranger, path="/other")
            accepted(m)
            server.answers[path] = lambda body, spoiled=spoiled: spoiled
            refused(m.send(m.signer.token(header={"kid": "k2"}, key=stranger)))
            assert server.hits[path] == 2, "the test did not make it fetch"
            accepted(m)
        assert "/other" not in server.hits, "a redirect was followed"


def D12_a_private_key_in_the_set_is_no_key(w):
    with Server() as server:
        m = machine(w, server.url + "/keys")
        secret = m.keys[0].private.private_numbers().private_value
        server.answers["/keys"] = lambda body: Answer(body={"keys": [{**m.keys[0].jwk(), "d": number(secret, 32)}]})
        refused(m.send(m.signer.good()))
        server.publish(m.keys[0])
        accepted(m)


def D12_places_that_are_not_listed(w):
    """The canary is on an address of this machine that only another spelling or a redirect reaches."""
    key = Key("ES256", "k1")
    with Canary() as canary, Server() as server:
        port = canary.url.rstrip("/").rsplit(":", 1)[1]
        for url in (f"https://127.0.0.1:{port}/", canary.url, f"https://[::1]:{port}/", f"https://localhost.:{port}/",
                    f"https://127.0.0.1.nip.io:{port}/", f"https://[::ffff:127.0.0.1]:{port}/", f"http://[::1]:{port}/",
                    f"https://2130706433:{port}/", f"https://0x7f.1:{port}/", f"https://0:{port}/"):
            try:
                m = machine(w, url, key)
            except AssertionError:
                continue  # could not even be registered
            refused(m.send(m.signer.good()))
        server.answers["/keys"] = lambda body: Answer(302, headers=[("Location", canary.url)])
        m = machine(w, server.url + "/keys")
        refused(m.send(m.signer.good()))
        assert canary.connections == 0
    with Server("nobody") as server:
        m = machine(w, server.url + "/keys", key)
        server.publish(key)
        refused(m.send(m.signer.good()))
        assert not server.hits, "a server was trusted whose certificate nobody issued"


def D12_slow_servers_hold_up_nobody(w):
    """Many hang, some drip, some never end: each is given up after 5 seconds or 256 KB, and meanwhile
    other clients and pages are served."""
    with Server() as server, Server() as quick:
        machines = []
        for i in range(PLACES):
            send = (server.endless, server.silent, server.dripping)[i % 3]
            server.answers[f"/{i}"] = lambda body, send=send: Answer(send=send)
            machines.append(machine(w, server.url + f"/{i}"))
        good = machine(w, quick.url + "/keys")
        quick.publish(good.keys[0])
        answers, began = [], time.monotonic()
        threads = [threading.Thread(target=lambda m=m: answers.append((m.send(m.signer.good()), time.monotonic() - began)))
                   for m in machines]
        threads[0].start()
        while not server.endless_bytes:  # before the others take all the connections that a host may have
            time.sleep(0.01)
        for t in threads[1:]:
            t.start()
        time.sleep(0.3)
        accepted(good)
        for _ in range(20):
            assert request(w.issuer, "GET", "/jwks").status == 200
        meanwhile = time.monotonic() - began
        for t in threads:
            t.join()
        assert len(answers) == PLACES
        for answer, _ in answers:
            refused(answer)
        assert meanwhile < 4, f"others waited {meanwhile:.1f} s"
        slowest = max(seconds for _, seconds in answers)
        assert slowest < 40, slowest  # PER_HOST at a time: the last waits its turn, and not for ever
        assert server.endless_bytes < 20_000_000


def D12_many_ask_for_one_set_at_once(w):
    with Server() as server:
        m, done, arrived = machine(w, server.url + "/keys"), threading.Event(), []

        def slowly(body):
            arrived.append(1)
            done.wait(1)
            return Answer(body={"keys": [m.keys[0].jwk()]})
        server.answers["/keys"] = slowly
        answers = []
        threads = [threading.Thread(target=lambda: answers.append(m.send(m.signer.good()).status)) for _ in range(12)]
        for t in threads:
            t.start()
        time.sleep(0.4)
        done.set()
        for t in threads:
            t.join()
        assert answers == [200] * 12, answers
        assert len(arrived) == 1, f"{len(arrived)} fetches of one set at one time"


def A26_request_objects_by_reference(w):
    with Server() as server:
        url = server.url + "/ro.jwt"
        party, key = signing_party(w, request_uris=[url])
        place, browser = object_place(w, party, key), w.signed_in()

        def ask(jwt):
            server.answers["/ro.jwt"] = lambda body: jwt if isinstance(jwt, Answer) else Answer(body=jwt.encode())
            return browser.get(party.url(request_uri=url, code_challenge=None, code_challenge_method=None, state="out"))
        answer = ask(place.good())
        assert answer.query()["state"] == "in" and "code" in answer.query(), answer
        assert party.redeem(answer.query()["code"], code_verifier=None).status == 200
        error_redirect(w, ask(place.token(key=Key("ES256", "k1"))), "invalid_request_object", party)
        error_redirect(w, ask(place.good() + "\n"), "invalid_request_object", party)
        error_redirect(w, ask(Answer(body=b"")), "invalid_request_object", party)
        with Canary() as canary:
            for bad in (Answer(404), Answer(500), Answer(302, headers=[("Location", canary.url)]), Answer(body=b"x" * 300_000)):
                error_redirect(w, ask(bad), "invalid_request_uri", party)
            assert canary.connections == 0
        hits = server.hits["/ro.jwt"]
        error_redirect(w, browser.get(party.url(request_uri=url + "?x")), "invalid_request_uri", party)
        error_redirect(w, browser.get(w.ministry.url(request_uri=url)), "invalid_request_uri", w.ministry)
        assert server.hits["/ro.jwt"] == hits


def A26_request_object_and_keys_both_elsewhere(w):
    """Signed by a key that stands at jwks_uri; lost neither on the way through the sign-in page."""
    with Server() as server:
        url = server.url + "/ro.jwt"
        party, key = signing_party(w, jwks=None, jwks_uri=server.url + "/keys", request_uris=[url])
        server.publish(key)
        server.answers["/ro.jwt"] = lambda body: Answer(body=object_place(w, party, key).good().encode())
        browser = w.browser()
        page = browser.get(party.url(request_uri=url, code_challenge=None, code_challenge_method=None))
        answer = browser.sign_in(page, "an", w.an["password"])
        assert answer.query()["state"] == "in" and "code" in answer.query(), answer
        assert server.hits == {"/ro.jwt": 1, "/keys": 1}, server.hits


def A26_one_slow_place_holds_up_no_other(w):
    """Anybody may have a registered request_uri fetched; when that takes its time, the places for what
    waits are soon full. Those of other purposes, and the one that it is about, are not told a mistake."""
    with Server() as server:
        url, done = server.url + "/ro.jwt", threading.Event()
        party, _ = signing_party(w, request_uris=[url])
        m = machine(w, server.url + "/keys")
        server.publish(m.keys[0])
        server.answers["/ro.jwt"] = lambda body: done.wait(4) and Answer(404)
        answers = []
        asked = party.url(request_uri=url, code_challenge=None, code_challenge_method=None)
        threads = [threading.Thread(target=lambda: answers.append(w.browser().get(asked))) for _ in range(280)]
        for t in threads:
            t.start()
        time.sleep(1.5)
        try:
            accepted(m)
        finally:
            done.set()
            for t in threads:
                t.join()
        errors = [a.query()["error"] for a in answers]
        assert set(errors) == {"invalid_request_uri", "temporarily_unavailable"} and len(errors) == 280, set(errors)


def D12_purposes_have_lists_of_their_own(w):
    """127.0.0.1 is listed for request objects only."""
    with Server() as server:
        url = server.issuer + "/ro.jwt"
        party, key = signing_party(w, request_uris=[url])
        server.answers["/ro.jwt"] = lambda body: Answer(body=object_place(w, party, key).good().encode())
        assert "code" in w.signed_in().get(party.url(request_uri=url, code_challenge=None, code_challenge_method=None)).query()
        m = machine(w, server.issuer + "/keys")
        server.publish(m.keys[0])
        refused(m.send(m.signer.good()))
        assert "/keys" not in server.hits


if __name__ == "__main__":
    sys.exit(run(__name__, SETTINGS))
