#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""protocols/rp before a provider that cheats, stalls and floods (section 1U of the attack list).
Each refusal has its twin: the same exchange, unspoilt, is accepted."""
import base64
import contextlib
import os
import socket
import sys
import tempfile
import threading
import urllib.parse
import zlib

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import check
from check import equal, true
from hostile_provider import (CLIENT_ID, CLIENT_SECRET, Answer, HostileProvider, Key, Probe, b64url, openssl)
from idp import SLOW

DISCOVERY = "/.well-known/openid-configuration"
LONGEST = 5 + 1.5 * SLOW  # seconds: the limit, and what starting and scheduling take


@contextlib.contextmanager
def exchange(discover=True, **config):
    with HostileProvider() as provider, Probe(provider, **config) as probe:
        if discover:
            equal(probe.result("discover"), "ERR_OK", "discovery")
        yield provider, probe


def finish(probe, query=None, **options):
    return probe.do("finish", query=urllib.parse.urlencode(query or probe.login(), doseq=True), **options)


@contextlib.contextmanager
def canary():
    """An address that must not be asked; gives it and the list of who came."""
    visits = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.05)
        over = threading.Event()

        def watch():
            while not over.is_set():
                with contextlib.suppress(OSError):
                    connection, _ = listener.accept()
                    visits.append(1)
                    connection.close()

        thread = threading.Thread(target=watch)
        thread.start()
        try:
            yield f"127.0.0.1:{listener.getsockname()[1]}", visits
        finally:
            over.set()
            thread.join()


def a_whole_sign_on():
    with exchange() as (provider, probe):
        tokens = finish(probe)
        equal(tokens["result"], "ERR_OK", "code exchange")
        equal(tokens["claims"]["sub"], "s1", "sub")
        headers, body = provider.seen["/token"]
        fields = urllib.parse.parse_qs(body)
        equal(fields["grant_type"], ["authorization_code"], "grant type")
        true(len(fields["code_verifier"][0]) == 43 and "client_secret" not in fields, body)
        basic = base64.b64decode(headers["Authorization"].split()[1]).decode()
        equal([urllib.parse.unquote_plus(p) for p in basic.split(":")], [CLIENT_ID, CLIENT_SECRET], "Basic")
        equal(probe.do("userinfo", access_token="at", sub="s1")["claims"]["name"], "Nguyễn Văn An", "userinfo")
        equal(provider.seen["/userinfo"][0]["Authorization"], "Bearer at", "bearer")
        provider.nonce = None
        equal(probe.result("refresh", refresh_token="rt", sub="s1"), "ERR_OK", "refresh")
        true(probe.do("logout", id_token="x.y.z")["url"].startswith(provider.issuer + "/logout?"), "logout")


def a_whole_sign_on_with_the_secret_in_the_body():
    with exchange(auth="post") as (provider, probe):
        equal(finish(probe)["result"], "ERR_OK", "code exchange")
        headers, body = provider.seen["/token"]
        fields = urllib.parse.parse_qs(body)
        equal([fields["client_id"], fields["client_secret"]], [[CLIENT_ID], [CLIENT_SECRET]], "form")
        true("Authorization" not in headers, "no Basic beside it")


def a_public_client_sends_no_secret():
    with exchange(auth="none", client_secret=None) as (provider, probe):
        equal(finish(probe)["result"], "ERR_OK", "code exchange")
        fields = urllib.parse.parse_qs(provider.seen["/token"][1])
        true("client_secret" not in fields and fields["client_id"] == [CLIENT_ID], fields)


def U01_U02_the_code_of_a_wrong_answer_is_never_redeemed():
    with exchange() as (provider, probe):
        good = probe.login()
        for what, changed in (("state", {"state": "x"}), ("no state", {"state": ""}),
                              ("iss", {"iss": "https://evil.example"}), ("no iss", {"iss": ""}),
                              ("two codes", {"code": ["c", "d"]}), ("two states", {"state": [good["state"]] * 2}),
                              ("no code", {"code": ""})):
            result = finish(probe, {**good, **changed})["result"]
            true(result in ("ERR_REFUSED", "ERR_REPEATED"), f"{what}: {result}")
        equal(finish(probe, {"error": "access_denied", "state": good["state"], "iss": good["iss"]})["result"],
              "ERR_NOT_FOUND", "an error answer")
        equal(provider.hits.get("/token", 0), 0, "requests to the token endpoint")
        equal(finish(probe, good)["result"], "ERR_OK", "the answer as it was")


def U03_bad_id_tokens():
    other = Key("k1")  # the provider's kid, not its key
    with exchange() as (provider, probe):
        for what, claims in (("iss", {"iss": "https://evil.example"}), ("aud", {"aud": "other"}),
                             ("aud array without azp", {"aud": [CLIENT_ID, "other"]}), ("nonce", {"nonce": "x"}),
                             ("exp", {"exp": 1}), ("iat", {"iat": 1}), ("empty sub", {"sub": ""}),
                             ("number as sub", {"sub": 5}), ("256 bytes of sub", {"sub": "s" * 256}),
                             ("at_hash", {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"})):
            query = probe.login()
            provider.claims = claims
            result = finish(probe, query)["result"]
            true(result in ("ERR_REFUSED", "ERR_EXPIRED"), f"{what}: {result}")
        provider.claims = {}
        for what, forged in (
                ("another's signature", lambda: other.sign(provider.id_claims())),
                ("alg none", lambda: b64url({"alg": "none"}) + "." + b64url(provider.id_claims()) + "."),
                ("crit", lambda: provider.key.sign(provider.id_claims(), crit=["x"], x=1)),
                ("an access token", lambda: provider.key.sign(provider.id_claims(), typ="at+jwt")),
                ("embedded key", lambda: other.sign(provider.id_claims(), jwk=other.jwk(), kid="x")),
                ("no token", lambda: ""), ("17 kB", lambda: provider.key.sign({**provider.id_claims(), "x": "y" * 17000}))):
            query = probe.login()
            provider.answers["/token"] = lambda body: Answer(body=provider.tokens(id_token=forged()))
            true(finish(probe, query)["result"] != "ERR_OK", what)
        provider.answers["/token"] = lambda body: Answer(body=provider.tokens())
        equal(finish(probe)["result"], "ERR_OK", "an unspoilt token")


def U06_userinfo_and_refresh_of_somebody_else():
    with exchange() as (provider, probe):
        equal(finish(probe)["result"], "ERR_OK", "sign-on")
        for sub in ("s2", "", None, 5):
            provider.answers["/userinfo"] = lambda body: Answer(body={"sub": sub, "name": "x"})
            equal(probe.result("userinfo", access_token="at", sub="s1"), "ERR_REFUSED", f"sub {sub}")
        provider.claims = {"sub": "s2"}
        equal(probe.result("refresh", refresh_token="rt", sub="s1"), "ERR_REFUSED", "refresh")
        equal(probe.result("refresh", refresh_token="rt", sub="s2"), "ERR_OK", "refresh of the same person")


def U07_metadata_that_does_not_hold():
    def outcome(**changed):
        with exchange(discover=False) as (provider, probe):
            provider.answers[DISCOVERY] = lambda body: Answer(body=provider.metadata(**changed))
            return probe.result("discover")

    equal(outcome(), "ERR_OK", "good metadata")
    equal(outcome(userinfo_endpoint=None, end_session_endpoint=None), "ERR_OK", "what may be left out")
    for changed in ({"issuer": "https://evil.example"}, {"issuer": None}, {"issuer": 5},
                    {"token_endpoint": "http://evil.example/token"}, {"jwks_uri": "file:///etc/passwd"},
                    {"token_endpoint": "http://127.0.0.1:1@evil.example/token"}, {"token_endpoint": 5},
                    {"authorization_endpoint": "javascript:alert(1)"}, {"end_session_endpoint": "//evil.example"},
                    {"userinfo_endpoint": ""}, {"token_endpoint": "https://h/" + "x" * 3000}):
        equal(outcome(**changed), "ERR_REFUSED", changed)
    for missing in ("token_endpoint", "jwks_uri", "authorization_endpoint"):
        equal(outcome(**{missing: None}), "ERR_MISSING", missing)


def U07_answers_that_are_no_metadata():
    for body in (b"", b"[]", b"{", b"[" * 100000, b'{"issuer":"a","issuer":"b"}', b"<html>"):
        with exchange(discover=False) as (provider, probe):
            provider.answers[DISCOVERY] = lambda _: Answer(body=body)
            true(probe.result("discover") != "ERR_OK", body[:20])
    for status in (204, 301, 404, 500):
        with exchange(discover=False) as (provider, probe):
            provider.answers[DISCOVERY] = lambda _: Answer(status, provider.metadata())
            equal(probe.result("discover"), "ERR_UNAVAILABLE", f"status {status}")


def U08_nothing_takes_longer_than_five_seconds():
    failures = []

    def one(what, path, sender):
        try:
            with exchange() as (provider, probe):
                query = probe.login()
                provider.answers[path] = lambda body: Answer(send=getattr(provider, sender))
                answer = finish(probe, query) if path == "/token" else probe.do("userinfo", access_token="at", sub="s1")
                equal(answer["result"], "ERR_UNAVAILABLE", what)
                true(answer["seconds"] < LONGEST, f"{what}: {answer['seconds']} s")
        except Exception as error:
            failures.append(f"{what}: {error}")

    threads = [threading.Thread(target=one, args=row) for row in (
        ("a silent token endpoint", "/token", "silent"), ("a dripping token endpoint", "/token", "dripping"),
        ("a silent userinfo endpoint", "/userinfo", "silent"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    true(not failures, failures)


def U08_long_answers_are_cut():
    with exchange() as (provider, probe):
        equal(finish(probe)["result"], "ERR_OK", "sign-on")
        before = probe.memory_kib()
        provider.answers["/userinfo"] = lambda body: Answer(send=provider.endless)
        answer = probe.do("userinfo", access_token="at", sub="s1")
        equal(answer["result"], "ERR_UNAVAILABLE", "an endless answer")
        true(answer["seconds"] < 3 * SLOW, f"{answer['seconds']} s")
        true(probe.memory_kib() - before < 4096 * SLOW, f"{probe.memory_kib() - before} KiB more")
        fits = {"sub": "s1", "x": "y" * (256 * 1024 - 40)}
        provider.answers["/userinfo"] = lambda body: Answer(body=fits)
        equal(probe.result("userinfo", access_token="at", sub="s1"), "ERR_OK", "just under 256 KiB")
        provider.answers["/userinfo"] = lambda body: Answer(body={**fits, "z": "y" * 40})
        equal(probe.result("userinfo", access_token="at", sub="s1"), "ERR_UNAVAILABLE", "just over 256 KiB")
        provider.answers["/userinfo"] = lambda body: Answer(
            body={"sub": "s1"}, headers=[(f"X-{i}", "y" * 1000) for i in range(40)])
        equal(probe.result("userinfo", access_token="at", sub="s1"), "ERR_UNAVAILABLE", "40 kB of headers")


def U08_compressed_answers_are_not_unpacked():
    with exchange() as (provider, probe):
        packed = zlib.compressobj(9, zlib.DEFLATED, 31)
        bomb = packed.compress(b" " * 50_000_000) + packed.flush()
        equal(finish(probe)["result"], "ERR_OK", "sign-on")
        before = probe.memory_kib()
        provider.answers["/userinfo"] = lambda body: Answer(body=bomb, headers=[("Content-Encoding", "gzip")])
        true(probe.result("userinfo", access_token="at", sub="s1") != "ERR_OK", "a bomb")
        true(probe.memory_kib() - before < 4096 * SLOW, "memory")
        true("Accept-Encoding" not in provider.seen["/userinfo"][0], "nothing compressed was asked for")


def U08_redirects_and_proxies_are_not_followed():
    with canary() as (address, visits):
        with exchange() as (provider, probe):
            for path, run in (("/userinfo", lambda: probe.result("userinfo", access_token="at", sub="s1")),
                              ("/token", lambda: finish(probe)["result"])):
                for status in (301, 302, 303, 307, 308):
                    provider.answers[path] = lambda body: Answer(status, headers=[("Location", f"http://{address}/")])
                    true(run() != "ERR_OK", f"{path} {status}")
        proxies = {n: f"http://{address}" for n in ("http_proxy", "https_proxy", "all_proxy", "ALL_PROXY")}
        with exchange(environment=proxies) as (provider, probe):
            equal(finish(probe)["result"], "ERR_OK", "a proxy of the environment is not used")
        equal(visits, [], "visits")


def U08_tokens_that_are_no_header_text():
    with exchange() as (provider, probe):
        query = probe.login()
        provider.answers["/token"] = lambda body: Answer(body=provider.tokens(access_token="a\r\nX-Evil: 1"))
        equal(finish(probe, query)["result"], "ERR_REFUSED", "a line break in the access token")
        equal(probe.result("userinfo", access_token="a\r\nX-Evil: 1", sub="s1"), "ERR_SYNTAX", "as bearer")
        equal(provider.hits.get("/userinfo", 0), 0, "requests")
        for kind in ("DPoP", "", 5):
            provider.answers["/token"] = lambda body: Answer(body=provider.tokens(token_type=kind))
            equal(finish(probe)["result"], "ERR_REFUSED", f"token type {kind}")
        provider.answers["/token"] = lambda body: Answer(body=provider.tokens(token_type="bearer"))
        equal(finish(probe)["result"], "ERR_OK", "bearer in any case")


def U08_tls_names_and_issuers_are_checked():
    with tempfile.TemporaryDirectory() as folder:
        def certificate(name, alternative):
            paths = [os.path.join(folder, name + end) for end in (".pem", ".key")]
            openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", paths[1], "-out", paths[0],
                    "-days", "2", "-subj", "/CN=x", "-addext", f"subjectAltName={alternative}")
            return paths

        right, wrong = certificate("right", "IP:127.0.0.1"), certificate("wrong", "DNS:sso.example,IP:127.0.0.2")
        for what, served, trusted, expected in (
                ("the right name, a known issuer", right, right[0], "ERR_OK"),
                ("another name", wrong, wrong[0], "ERR_UNAVAILABLE"),
                ("an unknown issuer", right, wrong[0], "ERR_UNAVAILABLE"),
                ("the system's issuers alone", right, None, "ERR_UNAVAILABLE"),
                ("a bundle that is not there", right, folder + "/none.pem", "ERR_UNAVAILABLE")):
            with HostileProvider(certificate=served) as provider, Probe(provider, ca_file=trusted) as probe:
                equal(probe.result("discover"), expected, what)
        with HostileProvider(certificate=right) as provider, Probe(provider, ca_file=right[0]) as probe:
            provider.answers[DISCOVERY] = lambda body: Answer(
                body=provider.metadata(token_endpoint=provider.issuer.replace("https", "http") + "/token"))
            equal(probe.result("discover"), "ERR_REFUSED", "plain http under an https issuer")


def U09_invented_key_ids_do_not_flood_the_provider():
    with exchange() as (provider, probe):
        stranger = Key("unknown")
        query = probe.login()
        provider.answers["/token"] = lambda body: Answer(
            body=provider.tokens(id_token=stranger.sign(provider.id_claims())))
        before = provider.hits["/jwks"]
        for _ in range(12):
            equal(finish(probe, query)["result"], "ERR_BAD_SIGNATURE", "an unknown key")
        equal(provider.hits["/jwks"] - before, 3, "refetches")
        answer = finish(probe, query, threads=16)
        equal(answer["results"], {"ERR_BAD_SIGNATURE": 16}, "sixteen at once")
        equal(provider.hits["/jwks"] - before, 3, "refetches after that")
        provider.answers["/token"] = lambda body: Answer(body=provider.tokens())
        equal(finish(probe)["result"], "ERR_OK", "known keys go on")


def U09_one_refetch_finds_a_new_key_for_all():
    with exchange() as (provider, probe):
        query = probe.login()
        provider.key = Key("k2")
        token = provider.tokens()
        provider.answers["/token"] = lambda body: Answer(body=token)
        before = provider.hits["/jwks"]
        answer = finish(probe, query, threads=16)
        equal(answer["results"], {"ERR_OK": 16}, "sixteen at once")
        true(provider.hits["/jwks"] - before <= 2, f"{provider.hits['/jwks'] - before} refetches")


def U09_a_failed_refetch_changes_nothing():
    with exchange() as (provider, probe):
        good = provider.answers["/jwks"]
        stranger = Key("unknown")
        for what, answer in (("500", Answer(500)), ("no JSON", Answer(body=b"x")),
                             ("one kid for two keys", Answer(body={"keys": [stranger.jwk(), stranger.jwk(e="Aw")]}))):
            query = probe.login()
            provider.answers["/jwks"] = lambda body: answer
            provider.answers["/token"] = lambda body: Answer(
                body=provider.tokens(id_token=stranger.sign(provider.id_claims())))
            true(finish(probe, query)["result"] != "ERR_OK", what)
            provider.answers["/token"] = lambda body: Answer(body=provider.tokens())
            equal(finish(probe)["result"], "ERR_OK", f"known keys after {what}")
        provider.answers["/jwks"] = good


def U09_a_provider_that_is_down_is_asked_by_one():
    with exchange(discover=False) as (provider, probe):
        good = provider.answers[DISCOVERY]
        provider.answers[DISCOVERY] = lambda body: Answer(send=provider.silent)
        answer = probe.do("discover", threads=16)
        equal(answer["results"], {"ERR_UNAVAILABLE": 16}, "sixteen at once")
        true(answer["seconds"] < LONGEST, f"{answer['seconds']} s")
        equal(provider.hits[DISCOVERY], 1, "requests")
        provider.answers[DISCOVERY] = good
        equal(probe.result("discover"), "ERR_OK", "when it is back")
        equal(probe.result("discover"), "ERR_OK", "once more")
        equal(provider.hits[DISCOVERY], 2, "requests")


def errors_of_the_token_endpoint():
    with exchange() as (provider, probe):
        for status, expected in ((400, "ERR_REFUSED"), (401, "ERR_REFUSED"), (429, "ERR_REFUSED"),
                                 (500, "ERR_UNAVAILABLE"), (503, "ERR_UNAVAILABLE")):
            provider.answers["/token"] = lambda body: Answer(status, {"error": "x"})
            equal(finish(probe)["result"], expected, status)


if __name__ == "__main__":
    sys.exit(check.run(check.collect(globals(), ("a_", "U", "errors_"))))
