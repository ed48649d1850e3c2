# SPDX-License-Identifier: Apache-2.0
"""Logout tokens that the provider sends (catalogue 1D: D10, D12), against receivers of the test's own.
Signatures are verified by the cryptography package, which knows nothing of the provider."""
import contextlib
import json
import sqlite3
import sys
import time
import urllib.parse
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "lib"))
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from hostile_provider import Answer, HostileProvider
from idp import SLOW
from oidc_world import SCOPE, Canary, run
from party import Party, b64url_decode, jwt_part, request

SETTINGS = "outbound:\n  logout: [127.0.0.1]\nregistration:\n  policy: open\n"
EVENT = "http://schemas.openid.net/event/backchannel-logout"
WAIT = 15 * SLOW  # seconds


class Receiver(HostileProvider):
    """A relying party's backchannel_logout_uri; answers what `status` says, `delay` seconds later."""

    def __init__(self, status=200):
        super().__init__()
        self.status, self.delay, self.tokens, self.bodies = status, 0, [], []
        self.url = self.issuer + "/logout"
        self.answers["/logout"] = self.receive

    def receive(self, body):
        time.sleep(self.delay)
        self.bodies.append(body.decode())
        self.tokens += urllib.parse.parse_qs(body.decode(), strict_parsing=True)["logout_token"]
        return Answer(self.status)

    def wait(self, n=1):
        until = time.monotonic() + WAIT
        while len(self.tokens) < n and time.monotonic() < until:
            time.sleep(0.02)
        assert len(self.tokens) >= n, f"{len(self.tokens)} of {n} logout tokens came"
        return self.tokens


def party(w, receiver, name="Nghe", **metadata):
    base = {"client_name": name, "redirect_uris": ["https://listens.example/cb"], "legal_basis": "QĐ 3/2026",
            "grant_types": ["authorization_code", "refresh_token"], "scope": SCOPE,
            "backchannel_logout_uri": receiver.url, "backchannel_logout_session_required": True, **metadata}
    return Party(w.issuer, {**base, **w.provider.add_client(**base)})


def check_signature(token, jwk):
    signed, _, signature = token.rpartition(".")
    signed, signature = signed.encode(), b64url_decode(signature)
    part = {n: int.from_bytes(b64url_decode(jwk[n]), "big") for n in ("x", "y", "n", "e") if n in jwk}
    if jwk["kty"] == "EC":
        key = ec.EllipticCurvePublicNumbers(part["x"], part["y"], ec.SECP256R1()).public_key()
        r, s = (int.from_bytes(half, "big") for half in (signature[:32], signature[32:]))
        key.verify(utils.encode_dss_signature(r, s), signed, ec.ECDSA(hashes.SHA256()))
    else:
        rsa.RSAPublicNumbers(part["e"], part["n"]).public_key().verify(signature, signed, padding.PKCS1v15(),
                                                                      hashes.SHA256())


def verified(w, token, client_id):
    """The claims of a token with typ, a signature of a published key, issuer, audience and times."""
    header, claims = jwt_part(token, 0), jwt_part(token, 1)
    jwk = next(k for k in request(w.issuer, "GET", "/jwks").json()["keys"] if k["kid"] == header["kid"])
    assert header["typ"] == "logout+jwt" and header["alg"] == jwk["alg"] in ("ES256", "RS256"), header
    check_signature(token, jwk)
    assert (claims["iss"], claims["aud"]) == (w.issuer, client_id), claims
    assert claims["iat"] - 5 <= time.time() <= claims["exp"], claims
    return claims


def sign_out(w, browser, id_token):
    answer = browser.get("/logout?id_token_hint=" + id_token)
    assert answer.status == 200 and not browser.session_cookie(), answer


def deliveries(w, p, state=None):
    rows = w.idpctl("session", "logout-status", *(["--state", state] if state else []))
    return [r for r in rows if r["client_id"] == p.metadata["client_id"]]


def wait_state(w, p, state, n=1):
    until = time.monotonic() + WAIT
    while len(deliveries(w, p, state)) < n and time.monotonic() < until:
        time.sleep(0.05)
    rows = deliveries(w, p)
    assert len(rows) == n and all(r["state"] == state for r in rows), rows
    return rows


def D10_what_a_logout_token_says(w):
    for alg in ("ES256", "RS256"):
        with Receiver() as receiver, Receiver() as other:
            p = party(w, receiver, id_token_signed_response_alg=alg)
            stranger = party(w, other, "Khác")
            browser, elsewhere = w.browser(), w.browser()
            tokens = p.tokens(browser, w.an)
            stranger.tokens(elsewhere, w.binh)
            began = time.time()
            sign_out(w, browser, tokens["id_token"])
            claims = verified(w, receiver.wait()[0], p.metadata["client_id"])
            id_claims = jwt_part(tokens["id_token"], 1)
            assert set(claims) == {"iss", "aud", "iat", "exp", "jti", "sub", "sid", "events"}, claims
            assert claims["events"] == {EVENT: {}} and "nonce" not in claims
            assert (claims["sub"], claims["sid"]) == (id_claims["sub"], id_claims["sid"])
            assert claims["exp"] - claims["iat"] <= 120 and abs(claims["iat"] - began) < 10
            headers = receiver.seen["/logout"][0]
            assert headers["Content-Type"] == "application/x-www-form-urlencoded", headers
            assert not {"Cookie", "Authorization", "Referer"} & set(headers), headers
            wait_state(w, p, "done")
            assert not other.tokens and len(receiver.tokens) == 1, "told whom it does not concern, or twice"


def D10_every_end_of_a_session_is_told(w):
    """By staff, by locking, from another browser's account page, by erasing, by a new password."""
    def by_session_end(user, browser):
        for s in w.idpctl("session", "list", user["username"]):
            w.idpctl("session", "end", s["session_id"])

    def by_lock(user, browser):
        w.idpctl("user", "lock", user["username"])

    def by_erasing(user, browser):
        w.idpctl("user", "erase", user["username"])

    def by_password(user, browser):
        status, _ = w.provider.idpctl("user", "set-password", user["username"], "--file", "-", stdin="Moi-mat-khau-29-x")
        assert status == 0

    def by_account_page(user, browser):
        mine = w.signed_in(user)
        page = mine.get("/account")
        form = next(f for f in page.forms() if "/account" in f["action"] and any("other" in v for _, v in f["buttons"]) or
                    any("other" in str(v) for v in f["fields"].values()))
        button = next((b for b in form["buttons"] if "other" in b[1]), None)
        answer = mine.post(form["action"], dict(form["fields"], **(dict([button]) if button else {})))
        assert answer.status == 303, answer

    with Receiver() as receiver:
        p = party(w, receiver)
        for number, end in enumerate((by_session_end, by_lock, by_erasing, by_password, by_account_page), 1):
            user, browser = w.new_user(f"nguoi.{end.__name__}"), w.browser()
            sid = jwt_part(p.tokens(browser, user)["id_token"], 1)["sid"]
            end(user, browser)
            claims = verified(w, receiver.wait(number)[-1], p.metadata["client_id"])
            assert claims["sid"] == sid, end.__name__


def D10_sid_is_what_the_client_saw(w):
    """Signing in again renews the session; a client that was not there since knows the sid of before."""
    with Receiver() as before, Receiver() as after:
        early, late = party(w, before), party(w, after, "Sau", redirect_uris=["https://late.example/cb"])
        browser, user = w.browser(), w.new_user("nguoi.gia-han")
        first = early.tokens(browser, user)
        again = late.tokens(browser, user, prompt="login")
        refreshed = early.refresh(first["refresh_token"]).json()
        sids = [jwt_part(t["id_token"], 1)["sid"] for t in (first, refreshed)]
        assert sids[0] == sids[1], "a refreshed ID token names another session"
        sign_out(w, browser, again["id_token"])
        assert verified(w, before.wait()[0], early.metadata["client_id"])["sid"] == sids[0]
        assert verified(w, after.wait()[0], late.metadata["client_id"])["sid"] == jwt_part(again["id_token"], 1)["sid"]


def D10_whoever_cannot_refresh_is_told_too(w):
    with Receiver() as receiver:
        p = party(w, receiver, grant_types=["authorization_code"])
        browser = w.browser()
        tokens = p.tokens(browser, w.cuong, scope="openid")
        with contextlib.closing(sqlite3.connect(w.provider.path("idp.db"))) as db:
            ends, = db.execute("SELECT g.expires_at - s.expires_at FROM oauth_grant g JOIN session s ON "
                               "s.key = g.session_key WHERE g.client_id = ?", (p.metadata["client_id"],)).fetchone()
        assert ends >= 0, "the grant is purged before the session ends"
        sign_out(w, browser, tokens["id_token"])
        receiver.wait()


def D10_refused_once_is_refused(w):
    with Receiver(400) as receiver:
        p = party(w, receiver)
        browser = w.browser()
        sign_out(w, browser, p.tokens(browser, w.an)["id_token"])
        receiver.wait()
        rows = wait_state(w, p, "refused")
        assert rows[0]["status"] == 400 and rows[0]["attempts"] == 1
        time.sleep(3)
        assert len(receiver.tokens) == 1, "a refusal was not taken for an answer"


def D10_failures_are_tried_again_with_a_fresh_token(w):
    with Receiver(503) as receiver:
        p = party(w, receiver)
        browser = w.browser()
        sign_out(w, browser, p.tokens(browser, w.an)["id_token"])
        receiver.wait()
        rows = wait_state(w, p, "waits")
        assert rows[0]["next_at"] > time.time() - 1
        receiver.status = 204
        first, second = [verified(w, t, p.metadata["client_id"]) for t in receiver.wait(2)[:2]]
        assert first["jti"] != second["jti"] and first["sid"] == second["sid"]
        assert wait_state(w, p, "done")[0]["attempts"] == 2


def D10_dead_and_slow_receivers_hold_up_nobody(w):
    """Forty sessions of a receiver that hangs; people sign out as ever, others are told at once."""
    with Receiver() as slow, Receiver() as quick:
        slow.answers["/logout"] = lambda body: Answer(send=slow.silent)
        hanging, good = party(w, slow), party(w, quick, "Nhanh", redirect_uris=["https://quick.example/cb"])
        dead = party(w, slow, "Chết", backchannel_logout_uri="http://127.0.0.1:9/logout")
        for _ in range(40):
            browser = w.browser()
            tokens = hanging.tokens(browser, w.an)
            dead.tokens(browser, w.an)
            began = time.monotonic()
            sign_out(w, browser, tokens["id_token"])
            assert time.monotonic() - began < 1 * SLOW, "signing out waited for a receiver"
        browser = w.browser()
        tokens = good.tokens(browser, w.binh)
        began = time.monotonic()
        sign_out(w, browser, tokens["id_token"])
        quick.wait()
        assert time.monotonic() - began < 2 * SLOW, "told late because of others"
        assert len(deliveries(w, hanging, "waits")) == 40
        for p in (hanging, dead):
            w.idpctl("client", "disable", p.metadata["client_id"])


def D10_kill9_loses_no_delivery(w):
    receiver = Receiver(503)
    with receiver:
        p = party(w, receiver)
        for _ in range(5):
            browser = w.browser()
            sign_out(w, browser, p.tokens(browser, w.an)["id_token"])
        w.restart(kill=True)
        assert len(deliveries(w, p, "waits")) == 5
        receiver.status, seen = 200, len(receiver.tokens)
        wait_state(w, p, "done", 5)
        sids = {jwt_part(t, 1)["sid"] for t in receiver.tokens[seen:]}
        assert len(sids) == 5, f"{len(sids)} of 5 sessions were told of"


def D12_receivers_stand_in_a_list(w):
    """localhost is not in the list, though it is where 127.0.0.1 is; nor does a redirect lead anywhere."""
    with Canary() as canary, Receiver(302) as receiver:
        receiver.answers["/logout"] = lambda body: Answer(302, headers=[("Location", canary.url)])
        unlisted = party(w, receiver, backchannel_logout_uri=canary.url.replace("127.0.0.1", "localhost"))
        redirects = party(w, receiver, redirect_uris=["https://redirects.example/cb"])
        browser = w.browser()
        tokens = unlisted.tokens(browser, w.an)
        redirects.tokens(browser, w.an)
        sign_out(w, browser, tokens["id_token"])
        wait_state(w, redirects, "waits")
        wait_state(w, unlisted, "waits")
        time.sleep(0.5)
        assert canary.connections == 0
        for p in (unlisted, redirects):
            w.idpctl("client", "disable", p.metadata["client_id"])


def D12_who_registered_itself_reaches_nothing_inside(w):
    """127.0.0.1 is in the list, for services that staff registered."""
    with Receiver() as receiver, Receiver() as trusted:
        metadata = {"client_name": "Tự đăng ký", "redirect_uris": ["https://self.example/cb"], "scope": SCOPE,
                    "backchannel_logout_uri": receiver.url, "id_token_signed_response_alg": "ES256",
                    "grant_types": ["authorization_code", "refresh_token"]}
        answer = request(w.issuer, "POST", "/register", json.dumps(metadata), {"Content-Type": "application/json"})
        assert answer.status == 201, answer
        p, other = Party(w.issuer, {**metadata, **answer.json()}), party(w, trusted)
        browser = w.browser()
        tokens = p.tokens(browser, w.new_user("nguoi.tu-dang-ky"))
        other.code(browser, w.an)
        other.redeem(other.code(browser, w.an))
        sign_out(w, browser, tokens["id_token"])
        trusted.wait()
        rows = wait_state(w, p, "waits")
        assert not receiver.hits and rows[0]["attempts"] >= 1 and rows[0]["status"] == 0, rows
        w.idpctl("client", "disable", p.metadata["client_id"])


def D10_uris_that_cannot_be(w):
    for bad in ("http://rp.example/logout", "https://rp.example/logout#f", "ftp://rp.example/", "rp.example", 7):
        w.refused_client({"client_name": "X", "redirect_uris": ["https://x.example/cb"], "backchannel_logout_uri": bad})
    w.refused_client({"client_name": "X", "redirect_uris": ["https://x.example/cb"],
                      "backchannel_logout_session_required": "yes"})
    document = request(w.issuer, "GET", "/.well-known/openid-configuration").json()
    assert document["backchannel_logout_supported"] is document["backchannel_logout_session_supported"] is True


if __name__ == "__main__":
    sys.exit(run(__name__, SETTINGS))
