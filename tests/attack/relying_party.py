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


# ---- configured endpoints, dialects ----

def endpoints(provider, *left_out):
    metadata = provider.metadata()
    names = ("authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri", "end_session_endpoint")
    return {name: metadata[name] for name in names if name not in left_out}


@contextlib.contextmanager
def configured(left_out=(), **config):
    with HostileProvider() as provider, Probe(provider, **{**endpoints(provider, *left_out), **config}) as probe:
        yield provider, probe


def a_whole_sign_on_with_configured_endpoints():
    with configured() as (provider, probe):
        equal(probe.result("discover"), "ERR_OK", "keys")
        equal(finish(probe)["result"], "ERR_OK", "code exchange")
        equal(finish(probe, {**probe.login(), "iss": ""})["result"], "ERR_OK", "iss is not known to come")
        equal(finish(probe, {**probe.login(), "iss": "https://evil.example"})["result"], "ERR_REFUSED", "another iss")
        equal(probe.result("userinfo", access_token="at", sub="s1"), "ERR_OK", "userinfo")
        equal(provider.hits.get(DISCOVERY, 0), 0, "discoveries")
    with configured(iss_in_answer=True) as (provider, probe):
        equal(probe.result("discover"), "ERR_OK", "keys")
        equal(finish(probe, {**probe.login(), "iss": ""})["result"], "ERR_REFUSED", "iss is known to come")
        equal(finish(probe)["result"], "ERR_OK", "and comes")


def U07_a_document_does_not_move_what_was_configured():
    with configured(left_out=("jwks_uri", "userinfo_endpoint")) as (provider, probe):
        provider.answers[DISCOVERY] = lambda body: Answer(
            body=provider.metadata(token_endpoint=provider.issuer + "/elsewhere", authorization_endpoint=5))
        equal(probe.result("discover"), "ERR_OK", "the rest is read from it")
        equal(finish(probe)["result"], "ERR_OK", "code exchange")
        equal([provider.hits.get(p, 0) for p in ("/token", "/elsewhere")], [1, 0], "requests")
    with configured(left_out=("jwks_uri",)) as (provider, probe):
        provider.answers[DISCOVERY] = lambda body: Answer(body=provider.metadata(issuer="https://evil.example"))
        equal(probe.result("discover"), "ERR_REFUSED", "another's document")
    with HostileProvider() as provider:
        for url in ("http://evil.example/t", "ftp://localhost/", ""):
            with Probe(provider, **{**endpoints(provider), "token_endpoint": url}) as probe:
                equal(probe.made["result"], "ERR_UNSUPPORTED", url)


def a_whole_sign_on_without_id_tokens():
    with configured(no_id_token=True, raw_plus=True, auth="post", alg=None, left_out=("jwks_uri",)) as (provider, probe):
        provider.answers["/token"] = lambda body: Answer(body=provider.tokens(id_token=None))
        provider.answers["/userinfo"] = lambda body: Answer(body={"TechID": "t1"})
        begun = probe.do("login")
        true("nonce=" not in begun["url"] and "state=" in begun["url"], begun["url"])
        answer = probe.do("finish", query=f"code=a+b%2Bc&state={begun['state']}")
        equal(answer["result"], "ERR_OK", "code exchange")
        true("claims" not in answer, "no claims but userinfo's")
        equal(urllib.parse.parse_qs(provider.seen["/token"][1])["code"], ["a+b+c"], "the code as it came")
        equal(probe.do("userinfo", access_token="at")["claims"], {"TechID": "t1"}, "identity")
        equal(provider.hits.get(DISCOVERY, 0) + provider.hits.get("/jwks", 0), 0, "other requests")


def U01_state_is_compared_without_id_tokens_too():
    with configured(no_id_token=True, left_out=("jwks_uri",)) as (provider, probe):
        good = probe.login()
        for state in ("x", ""):
            equal(finish(probe, {**good, "state": state})["result"], "ERR_REFUSED", f"state {state}")
        equal(provider.hits.get("/token", 0), 0, "codes redeemed")
        equal(finish(probe, good)["result"], "ERR_OK", "the right one")


def U06_userinfo_is_compared_by_whoever_has_an_id_token():
    with exchange() as (provider, probe):
        equal(probe.result("userinfo", access_token="at"), "ERR_REFUSED", "no sub to compare")
        equal(probe.result("userinfo", access_token="at", sub="s1"), "ERR_OK", "the person's own")


# ---- without network of its own ----

def fetch_all(probe, unknown=False):
    """Carries out what is due; gives how it ended and how many requests that were."""
    for requests in range(4):
        due = probe.do("fetch_due", unknown=unknown)
        if due["result"] != "ERR_OK":
            return due["result"], requests
        probe.do("fetch_take", fetch=due["fetch"], turn=due["turn"], **probe.fetch(due))
    raise AssertionError("there is no end of it")


def exchange_code(probe, query):
    x = probe.do("code_exchange", query=urllib.parse.urlencode(query))
    return (x["result"], None) if x["result"] != "ERR_OK" else ("ERR_OK", probe.fetch(x))


def a_whole_sign_on_step_by_step():
    with exchange(discover=False) as (provider, probe):
        equal(probe.result("login"), "ERR_UNAVAILABLE", "nothing is known yet")
        equal(fetch_all(probe), ("ERR_NOT_FOUND", 2), "metadata, keys")
        result, answer = exchange_code(probe, probe.login())
        equal(result, "ERR_OK", "the request")
        tokens = probe.do("code_take", **answer)
        equal([tokens["result"], tokens["claims"]["sub"]], ["ERR_OK", "s1"], "its answer")
        headers, body = provider.seen["/token"]
        true(headers["Authorization"].startswith("Basic ") and "code_verifier" in body, "as the other driver sends it")
        answer = probe.fetch(probe.do("userinfo_exchange", access_token=tokens["access_token"]))
        equal(probe.do("userinfo_take", sub="s1", **answer)["claims"]["name"], "Nguyễn Văn An", "userinfo")
        equal(probe.result("userinfo_take", sub="s2", **answer), "ERR_REFUSED", "of somebody else")
        equal(finish(probe)["result"], "ERR_OK", "both ways at once")


def U01_U02_no_request_is_made_for_a_wrong_answer():
    with exchange() as (provider, probe):
        good = probe.login()
        for changed in ({"state": "x"}, {"iss": "https://evil.example"}, {"iss": ""}, {"code": ""}):
            equal(exchange_code(probe, {**good, **changed})[0], "ERR_REFUSED", changed)
        equal(exchange_code(probe, good)[0], "ERR_OK", "the answer as it was")


def U03_bad_id_tokens_step_by_step():
    other = Key("k1")
    with exchange() as (provider, probe):
        _, answer = exchange_code(probe, probe.login())
        equal(probe.result("code_take", **answer), "ERR_OK", "an unspoilt token")
        for claims in ({"nonce": "x"}, {"aud": "other"}, {"iss": "https://evil.example"}, {"iat": 1}):
            provider.claims = claims
            _, answer = exchange_code(probe, probe.login())
            true(probe.result("code_take", **answer) in ("ERR_REFUSED", "ERR_EXPIRED"), claims)
        provider.claims = {}
        provider.answers["/token"] = lambda body: Answer(body=provider.tokens(id_token=other.sign(provider.id_claims())))
        _, answer = exchange_code(probe, probe.login())
        equal(probe.result("code_take", **answer), "ERR_BAD_SIGNATURE", "another's signature")


def U09_unknown_keys_step_by_step():
    with exchange() as (provider, probe):
        query = probe.login()
        provider.key = Key("k2")
        _, answer = exchange_code(probe, query)
        equal(probe.result("code_take", **answer), "ERR_UNKNOWN_KEY", "a new key")
        first, second = probe.do("fetch_due", unknown=True), probe.do("fetch_due", unknown=True)
        equal([first["is_joined"], second["is_joined"]], [False, True], "who asks meanwhile joins")
        brought = probe.fetch(first)
        for due in (first, second):
            equal(probe.result("fetch_take", fetch=due["fetch"], turn=due["turn"], **brought), "ERR_OK", "the keys")
        equal(probe.result("code_take", **answer), "ERR_OK", "with the new key")
        equal(probe.result("fetch_due", unknown=True), "ERR_NOT_FOUND", "the keys are newer than the question")
        stranger = Key("unknown")
        provider.answers["/token"] = lambda body: Answer(body=provider.tokens(id_token=stranger.sign(provider.id_claims())))
        _, answer = exchange_code(probe, probe.login())
        before, ends = provider.hits["/jwks"], []
        for _ in range(6):
            equal(probe.result("code_take", **answer), "ERR_UNKNOWN_KEY", "an invented key")
            ends.append(fetch_all(probe, unknown=True))
        equal(provider.hits["/jwks"] - before, 2, "refetches: two were left of three")
        equal(ends, [("ERR_NOT_FOUND", 1)] * 2 + [("ERR_BUSY", 0)] * 4, "how they ended")
        equal(finish(probe, probe.login())["result"], "ERR_BAD_SIGNATURE", "the other driver has the same budget")
        equal(provider.hits["/jwks"] - before, 2, "refetches after that")


# ---- addresses, logout tokens ----

def U08_addresses_are_checked_at_connect():
    for address, expected in (("127.0.0.1", "ERR_OK"), ("127.0.0.2", "ERR_UNAVAILABLE")):
        with exchange(discover=False, address=address) as (provider, probe):
            equal(probe.result("discover"), expected, address)
            equal(provider.hits.get(DISCOVERY, 0), 1 if expected == "ERR_OK" else 0, "requests")


def D11_logout_tokens_that_do_not_hold():
    other = Key("k1")
    with exchange() as (provider, probe):
        for verb in ("receive", "check"):
            token = probe.do(verb, logout_token=provider.logout_token(sid="7", jti="j"))
            equal([token["result"], token["sub"], token["sid"], token["jti"]], ["ERR_OK", "s1", "7", "j"], verb)
            for what, bad in (
                    ("nonce", provider.logout_token(nonce="n")), ("no events", provider.logout_token(events=None)),
                    ("another event", provider.logout_token(events={"x": {}})), ("aud", provider.logout_token(aud="other")),
                    ("iss", provider.logout_token(iss="https://evil.example")), ("old iat", provider.logout_token(iat=1)),
                    ("no exp", provider.logout_token(exp=None)), ("no jti", provider.logout_token(jti=None)),
                    ("neither sub nor sid", provider.logout_token(sub=None)), ("typ", provider.logout_token(header={"typ": "at+jwt"})),
                    ("an ID token", provider.key.sign(provider.id_claims())),
                    ("alg none", b64url({"alg": "none"}) + "." + provider.logout_token().split(".")[1] + "."),
                    ("HS256", b64url({"alg": "HS256"}) + "." + provider.logout_token().split(".")[1] + ".AAAA"),
                    ("another's signature", provider.logout_token(key=other)),
                    ("crit", provider.logout_token(header={"crit": ["x"], "x": 1})),
                    ("nothing", ""), ("no token", "a.b.c")):
                result = probe.result(verb, logout_token=bad)
                true(result not in ("ERR_OK", "ERR_UNAVAILABLE"), f"{verb} {what}: {result}")


def D11_U09_logout_tokens_with_invented_keys():
    with exchange() as (provider, probe):
        provider.key = Key("k2")
        token = provider.logout_token()
        equal(probe.result("check", logout_token=token), "ERR_UNKNOWN_KEY", "a new key")
        equal(probe.result("receive", logout_token=token), "ERR_OK", "fetched")
        forged, before = Key("unknown").sign({"iss": provider.issuer}, typ="logout+jwt"), provider.hits["/jwks"]
        for _ in range(6):
            equal(probe.result("receive", logout_token=forged), "ERR_BAD_SIGNATURE", "an invented key")
        equal(provider.hits["/jwks"] - before, 2, "refetches: two were left of three")


def errors_of_the_token_endpoint():
    with exchange() as (provider, probe):
        for status, expected in ((400, "ERR_REFUSED"), (401, "ERR_REFUSED"), (429, "ERR_REFUSED"),
                                 (500, "ERR_UNAVAILABLE"), (503, "ERR_UNAVAILABLE")):
            provider.answers["/token"] = lambda body: Answer(status, {"error": "x"})
            equal(finish(probe)["result"], expected, status)


if __name__ == "__main__":
    sys.exit(check.run(check.collect(globals(), ("a_", "D", "U", "errors_"))))
