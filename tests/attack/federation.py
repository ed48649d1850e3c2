#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Attacks on people who sign in through another provider (section 1U of the attack list, and D11). Each
refusal has its twin: the same way, unspoilt, ends at the relying party."""
import os
import sys
import threading
import time
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import check
import rp_site
from check import equal, true
from federation_world import AN, TAX_CODE, VNEID_CLAIMS, Federation, eventually, is_proof, said
from idp import SLOW, TRUSTING
from oidc_world import Canary
from upstream import ID_TOKEN_SPOILS, SIGNATURE_SPOILS
from upstream_vneid import BAD_LOGOUT_CLAIMS, BAD_LOGOUT_SIGNATURES, VneidDouble

LONGEST = 5 + 1.5 * SLOW  # seconds: the limit, and what starting and scheduling take
EMAIL = "an.nguyen@example.vn"
OIDC_CLAIMS = ["name=name", "email=email", "email_verified=email_verified", "phone_number=phone_number"]


def changed(url, **query):
    """The URL with other parameters; None leaves one out."""
    parts = urllib.parse.urlsplit(url)
    pairs = {**dict(urllib.parse.parse_qsl(parts.query, keep_blank_values=True)), **query}
    text = urllib.parse.urlencode({n: v for n, v in pairs.items() if v is not None})
    return urllib.parse.urlunsplit(parts._replace(query=text))


def refused(f, browser, page, what):
    true("code" not in f.query(page), f"{what}: a code for {page.url}")
    true(not f.is_signed_in(browser), f"{what}: signed in")
    true(not page.url.startswith("https://evil.example"), f"{what}: sent to {page.url}")


def accepted(f, browser, page, what):
    true("code" in f.query(page), f"{what}: {said(page)}")


def refused_unasked(f, browser, url, what, connector="vneid"):
    """Refused without a word to upstream."""
    f.double(connector).forget()
    refused(f, browser, browser.get(url), what)
    equal(f.double(connector).heard("token"), [], f"{what}: the code was sent on")


# ---- U01: state, nonce

def U01_state_missing_wrong_repeated_or_empty():
    with Federation() as f:
        for what, query in (("missing", {"state": None}), ("empty", {"state": ""}), ("wrong", {"state": "A" * 43}),
                            ("of odd form", {"state": "\x00%"}), ("long", {"state": "A" * 5000})):
            browser = f.browser()
            url = f.callback(browser, "vneid")
            refused_unasked(f, browser, changed(url, **query), what)
            accepted(f, browser, browser.get(url), f"its own, after one that was {what}")
        browser = f.browser()
        url = f.callback(browser, "vneid")
        for name in ("state", "code", "iss"):
            refused_unasked(f, browser, f"{url}&{name}=x", f"{name} twice")
        other = f.callback(f.browser(), "vneid")
        state = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(other).query))["state"]
        refused_unasked(f, browser, changed(url, state=state), "another browser's state")


def U01_state_used_once():
    with Federation() as f:
        browser = f.browser()
        url = f.callback(browser, "vneid")
        accepted(f, browser, browser.get(url), "first")
        f.vneid.forget()
        true("code" not in f.query(browser.get(url)), "the same answer again")
        equal(f.vneid.heard("token"), [], "the code was sent on again")
        browser = f.browser()
        f.vneid.faults = {"token": "error500"}
        url = f.callback(browser, "vneid")
        refused(f, browser, browser.get(url), "upstream fails")
        f.vneid.faults = {}
        refused_unasked(f, browser, url, "again, after a failure")


def U01_one_state_many_times_at_once():
    with Federation() as f:
        browser = f.browser()
        url = f.callback(browser, "vneid")
        f.vneid.forget()
        pages = []
        threads = [threading.Thread(target=lambda: pages.append(browser.request("GET", url))) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        equal(len(f.vneid.heard("token")), 1, "token requests for eight answers")
        equal(len(pages), 8, "answers")


def U01_other_browser():
    with Federation() as f:
        mine, other, nobody = f.browser(), f.browser(), f.browser()
        url = f.callback(mine, "vneid")
        f.callback(other, "vneid")
        refused_unasked(f, nobody, url, "a browser that began nothing")
        mine = f.browser()
        url = f.callback(mine, "vneid")
        refused_unasked(f, other, url, "a browser that began another")
        mine = f.browser()
        accepted(f, mine, mine.get(f.callback(mine, "vneid")), "its own")


def U01_nonce_wrong_or_missing():
    with Federation() as f:
        for spoil in ("nonce_missing", "nonce_wrong"):
            f.vneid.spoils = {spoil}
            browser = f.browser()
            refused(f, browser, f.sign_on(browser, "vneid"), spoil)
        f.vneid.spoils = set()
        browser = f.browser()
        accepted(f, browser, f.sign_on(browser, "vneid"), "right")


# ---- U02: mix-up

def U02_iss_of_the_answer():
    with Federation() as f:
        for what, iss in (("wrong", "https://evil.example"), ("missing", None), ("empty", ""), ("the other's", f.dvcqg.issuer),
                          ("with a slash", f.vneid.issuer + "/")):
            browser = f.browser()
            refused_unasked(f, browser, changed(f.callback(browser, "vneid"), iss=iss), f"iss: {what}")
        browser = f.browser()
        accepted(f, browser, browser.get(f.callback(browser, "vneid")), "iss: right")


def U02_answer_of_one_at_the_callback_of_another():
    with Federation() as f:
        for one, other in (("vneid", "dvcqg"), ("dvcqg", "vneid")):
            browser = f.browser()
            query = urllib.parse.urlsplit(f.callback(browser, one)).query
            for connector in ("vneid", "dvcqg"):
                f.double(connector).forget()
            refused(f, browser, browser.get(f.provider.redirect_uri(other) + "?" + query), f"{one} at {other}")
            refused(f, browser, browser.get(f.issuer + "/commonauth?" + query), f"{one} at /commonauth")
            equal([f.double(c).heard("token") for c in ("vneid", "dvcqg")], [[], []], "codes sent on")
        equal(len({f.provider.redirect_uri(c) for c in ("vneid", "dvcqg")}), 2, "a redirect URI each")


def U02_answer_where_no_iss_is_said():
    with Federation(("dvcqg", "partner")) as f:
        for one, other in (("partner", "dvcqg"), ("dvcqg", "partner")):
            browser = f.browser()
            query = urllib.parse.urlsplit(f.callback(browser, one)).query
            for connector in (one, other):
                f.double(connector).forget()
            refused(f, browser, browser.get(f.provider.redirect_uri(other) + "?" + query), f"{one} at {other}")
            equal([f.double(c).heard("token") for c in (one, other)], [[], []], "codes sent on")


# ---- U03: the ID token

def U03_claims_of_the_id_token():
    with Federation() as f:
        for spoil in ID_TOKEN_SPOILS:
            f.vneid.spoils = {spoil}
            browser = f.browser()
            refused(f, browser, f.sign_on(browser, "vneid"), spoil)
        f.vneid.spoils = set()
        browser = f.browser()
        accepted(f, browser, f.sign_on(browser, "vneid"), "right")


def U03_signature_of_the_id_token():
    with Federation() as f:
        for spoil in SIGNATURE_SPOILS:
            f.vneid.spoils = {spoil}
            browser = f.browser()
            refused(f, browser, f.sign_on(browser, "vneid"), spoil)
        f.vneid.spoils = set()
        browser = f.browser()
        accepted(f, browser, f.sign_on(browser, "vneid"), "right")


def U03_subjects_of_userinfo():
    """Where the identity comes from userinfo, the same holds for its subject."""
    with Federation() as f:
        kept = f.dvcqg.people["an"]["TechID"]
        for what, subject in (("empty", ""), ("a number", 12345), ("256 characters", "t" * 256), ("null", None), ("a list", [kept]),
                              ("an object", {"a": kept}), ("true", True)):
            f.dvcqg.people["an"]["TechID"] = subject
            browser = f.browser()
            refused(f, browser, f.sign_on(browser, "dvcqg"), f"TechID: {what}")
        for subject in ("t" * 255, kept):
            f.dvcqg.people["an"]["TechID"] = subject
            f.dvcqg.people["an"]["SoDinhDanh"] = None
            browser = f.browser()
            accepted(f, browser, f.sign_on(browser, "dvcqg"), f"TechID of {len(subject)} characters")


# ---- U04: what links, and what does not

def with_local_email(changed_settings=None):
    return Federation(("oidc",), changed={"oidc": {"person": {"claims": OIDC_CLAIMS}, **(changed_settings or {})}})


def U04_an_email_never_links():
    with with_local_email() as f:
        local = f.provider.add_user(claims={"email": EMAIL, "email_verified": True, "phone_number": "+84912345678"})
        local_sub = f.local_tokens(local)["claims"]["sub"]
        for verified, number in ((False, "030090009998"), (True, "030090009999")):
            f.vneid.add_citizen(f"attacker{verified}", number, "Kẻ Xấu", email=EMAIL, email_verified=verified,
                                phone_number="+84912345678")
            tokens = f.signed_on("oidc", f"attacker{verified}")
            true(tokens["claims"]["sub"] != local_sub, f"linked by an e-mail, verified={verified}")


def U04_a_changed_email_changes_no_link():
    with with_local_email() as f:
        local = f.provider.add_user(claims={"email": EMAIL, "email_verified": True})
        local_sub = f.local_tokens(local)["claims"]["sub"]
        first = f.signed_on("oidc")["claims"]["sub"]
        f.vneid.people["an"].update(email=EMAIL, email_verified=True, preferred_username=local["username"])
        equal(f.signed_on("oidc")["claims"]["sub"], first, "the account of the first time")
        true(first != local_sub, "the account that has the address")


def U04_the_key_is_issuer_and_subject():
    """The same subject at another provider is somebody else."""
    with Federation(changed={"dvcqg": {"person": {"subject": "sub"}}}) as f:
        f.vneid.people["an"] = {"sub": "one-name", "name": "Người Thứ Nhất"}
        f.dvcqg.people["lan"]["sub"] = "one-name"
        first = f.signed_on("vneid")["claims"]["sub"]
        true(f.signed_on("dvcqg", "lan")["claims"]["sub"] != first, "one account for two issuers")
        for subject in ("ONE-NAME", "one-name ", " one-name", "one-name\u0000", "one\u2010name"):
            f.vneid.people["an"]["sub"] = subject
            browser = f.browser()
            page = f.sign_on(browser, "vneid")
            true("code" not in f.query(page) or f.tokens(page)["claims"]["sub"] != first, f"taken for the same: {subject!r}")


# ---- U05: the proof of an account

def U05_the_proof_of_another_account():
    with Federation() as f:
        victim, attacker = f.add_account(AN), f.add_account()
        subs = [f.local_tokens(user)["claims"]["sub"] for user in (victim, attacker)]
        browser = f.browser()
        page = f.sign_on(browser, "dvcqg")
        refused(f, browser, f.prove(browser, page, attacker), "proved with another account")
        browser = f.browser()
        f.local_tokens(attacker, browser)  # signed in already, as somebody else
        page = f.sign_on(browser, "dvcqg", prompt="login")
        true("code" not in f.query(page), "the session of another account counts as proof")
        browser = f.browser()
        tokens = f.tokens(f.prove(browser, f.sign_on(browser, "dvcqg"), victim))
        equal(tokens["claims"]["sub"], subs[0], "proved with its own")


def U05_the_proof_in_another_browser():
    with Federation() as f:
        victim = f.add_account(AN)
        attacker_browser, victim_browser = f.browser(), f.browser()
        page = f.sign_on(attacker_browser, "dvcqg")
        true(is_proof(page), page.url)
        f.begin(victim_browser)  # which has begun something of its own
        moved = victim_browser.get(page.url)
        true(not is_proof(moved), "the page opens in another browser")
        refused(f, victim_browser, f.prove(victim_browser, page, victim), "its form was sent from another browser")
        true("code" in f.query(f.prove(attacker_browser, page, victim)), "in its own browser it is good")


def U05_a_proof_is_good_once():
    with Federation() as f:
        victim = f.add_account(AN)
        browser = f.browser()
        page = f.sign_on(browser, "dvcqg")
        accepted(f, browser, f.prove(browser, page, victim), "first")
        again = f.browser()
        again.cookies = {n: v for n, v in browser.cookies.items() if "session" not in n[1]}
        refused(f, again, f.prove(again, page, victim), "the same form again")


# ---- U06: userinfo

def U06_userinfo_of_another_subject():
    with Federation(changed={"vneid": {"person": {"claims": VNEID_CLAIMS, "from_userinfo": True}}}) as f:
        for spoil in ("userinfo_sub_other", "userinfo_sub_missing"):
            f.vneid.spoils = {spoil}
            browser = f.browser()
            refused(f, browser, f.sign_on(browser, "vneid"), spoil)
        f.vneid.spoils = set()
        browser = f.browser()
        accepted(f, browser, f.sign_on(browser, "vneid"), "the same subject")


def U06_identity_posted_by_the_browser():
    """Nothing that the browser brings says who it is."""
    with Federation() as f:
        browser = f.browser()
        url = f.callback(browser, "dvcqg")
        forged = {"TechID": f.dvcqg.people["lan"]["TechID"], "SoDinhDanh": "030190001234", "sub": "x"}
        page = browser.get(changed(url, **forged))
        if "code" in f.query(page):
            equal(f.tokens(page)["info"]["HoVaTen"], "Nguyễn Văn An", "whoever upstream says")
        browser = f.browser()
        url = f.callback(browser, "dvcqg")
        page = browser.post(url, forged)
        refused(f, browser, page, "posted")


# ---- U07: changes in mid-flow

def U07_disabled_in_mid_flow():
    with Federation() as f:
        browser = f.browser()
        url = f.callback(browser, "vneid")
        f.provider.stop()
        f.provider.start()
        accepted(f, browser, browser.get(url), "a restart alone")
        browser = f.browser()
        url, page = f.callback(browser, "vneid"), f.begin(f.browser())
        start = f.offered(page, "vneid")
        f.provider.stop()
        f.provider.change("vneid", enabled=False)
        f.provider.start()
        refused_unasked(f, browser, url, "disabled since")
        refused(f, browser, browser.get(start), "a start that was offered before")
        true(f.start_url(f.begin(f.browser()), "vneid") is None, "still offered")


def U07_switched_off_while_a_proof_is_asked():
    with Federation() as f:
        victim = f.add_account(AN)
        browser = f.browser()
        page = f.sign_on(browser, "dvcqg")
        true(is_proof(page), said(page))
        f.provider.change("dvcqg", enabled=False)
        f.provider.stop()
        f.provider.start()
        refused(f, browser, f.prove(browser, page, victim), "disabled since")
        f.provider.change("dvcqg", enabled=True)
        f.provider.stop()
        f.provider.start()
        browser = f.browser()
        accepted(f, browser, f.prove(browser, f.sign_on(browser, "dvcqg"), victim), "enabled again")


def U07_metadata_of_another_issuer():
    with Federation() as f:
        f.vneid.spoils = {"discovery_issuer"}
        browser = f.browser()
        page = f.sign_on(browser, "vneid")
        refused(f, browser, page, "issuer of the metadata")
        equal((f.vneid.heard("authorize"), f.vneid.heard("token")), ([], []), "asked for a sign-in all the same")


# ---- U08: an upstream that stalls, floods and leads away

def U08_token_endpoint_that_stalls():
    with Federation(changed={"dvcqg": {"network": {"failures": 100}}}) as f:
        for endpoint in ("token", "userinfo"):
            for fault in (("slow", 30), "hang", "drip"):
                f.dvcqg.faults = {endpoint: fault}
                browser = f.browser()
                url = f.callback(browser, "dvcqg")
                began = time.monotonic()
                refused(f, browser, browser.get(url), f"{endpoint} {fault}")
                true(time.monotonic() - began < LONGEST, f"{endpoint} {fault}: {time.monotonic() - began:.1f} s")
        f.dvcqg.faults = {"token": ("slow", 1)}
        browser = f.browser()
        accepted(f, browser, f.sign_on(browser, "dvcqg"), "late, but in time")


def U08_token_endpoint_that_floods():
    with Federation(changed={"dvcqg": {"network": {"failures": 100}}}) as f:
        for endpoint in ("token", "userinfo"):
            for fault in ("huge", "gzip_bomb", "garbage", "reset", "not_json", "not_object", "empty"):
                f.dvcqg.faults, f.dvcqg.huge_bytes = {endpoint: fault}, 0
                browser = f.browser()
                refused(f, browser, f.sign_on(browser, "dvcqg"), f"{endpoint} {fault}")
                true(f.dvcqg.huge_bytes < 8 << 20, f"{endpoint}: {f.dvcqg.huge_bytes} bytes were taken")
            f.dvcqg.faults = {}
            browser = f.browser()
            accepted(f, browser, f.sign_on(browser, "dvcqg"), "right")


def U08_redirects_are_not_followed():
    with Federation() as f, Canary() as canary:
        for endpoint in ("token", "userinfo"):
            f.dvcqg.faults = {endpoint: ("redirect", canary.url)}
            browser = f.browser()
            refused(f, browser, f.sign_on(browser, "dvcqg"), endpoint)
        f.dvcqg.faults = {}
        f.vneid.faults = {"discovery": ("redirect", canary.url)}
        browser = f.browser()
        refused(f, browser, f.sign_on(browser, "vneid"), "discovery")
        equal(canary.connections, 0, "the place that it was sent to")


def U08_bad_tls_name():
    for name, verdict in (("localhost", accepted), ("other.example", refused)):
        site = rp_site.Site(name)  # for its certificate
        site.close()
        pair = tuple(os.path.join(rp_site.FOLDER, name + end) for end in (".crt", ".key"))
        settings = f'outbound:\n  ca_file: {rp_site.CA_FILE}\n  upstream: ["127.0.0.1/32", "localhost"]\n'
        with Federation(("dvcqg",), settings=settings, certificate=pair) as f:
            browser = f.browser()
            browser.context = TRUSTING
            verdict(f, browser, f.sign_on(browser, "dvcqg"), name)
            true(bool(f.dvcqg.heard("token")) == (name == "localhost"), f"{name}: token requests")


def U08_others_go_on_while_upstream_hangs():
    with Federation(changed={"dvcqg": {"network": {"failures": 100, "connections": 4}}}) as f:
        user = f.add_account()
        f.local_tokens(user)
        urls = [(b, f.callback(b, "dvcqg")) for b in (f.browser() for _ in range(30))]
        f.dvcqg.faults = {"token": "hang"}
        true(eventually(lambda: f.dvcqg.open_now <= 4), "browsers have hung up")
        f.dvcqg.forget()
        threads = [threading.Thread(target=lambda b=b, u=u: b.get(u), daemon=True) for b, u in urls]
        for thread in threads:
            thread.start()
        time.sleep(0.3)
        began = time.monotonic()
        for _ in range(3):
            f.local_tokens(user)
        true(time.monotonic() - began < 2 * SLOW, f"{time.monotonic() - began:.1f} s for three local sign-ins")
        true(f.dvcqg.open_most <= 4, f"{f.dvcqg.open_most} sockets to upstream")
        for thread in threads:
            thread.join(2 * LONGEST)
        true(not any(thread.is_alive() for thread in threads), "somebody waits for ever")


# ---- U09: keys

def U09_flood_of_unknown_kids():
    with Federation(changed={"vneid": {"network": {"failures": 100}}}) as f:
        f.signed_on("vneid")
        f.vneid.spoils = {"kid_unknown"}
        f.vneid.forget()
        for _ in range(12):
            browser = f.browser()
            refused(f, browser, f.sign_on(browser, "vneid"), "an unknown kid")
        true(len(f.vneid.heard("jwks")) <= 4, f"{len(f.vneid.heard('jwks'))} fetches of the keys")
        f.vneid.spoils = set()
        browser = f.browser()
        accepted(f, browser, f.sign_on(browser, "vneid"), "a known key, in the middle of it")


def U09_keys_that_cannot_be_fetched():
    with Federation() as f:
        for fault in ("error500", "not_json", "not_object", "reset"):
            f.vneid.faults = {"jwks": fault}
            browser = f.browser()
            refused(f, browser, f.sign_on(browser, "vneid"), f"keys: {fault}")


# ---- U10: a sign-in that somebody else began

def U10_an_upstream_link_of_the_attackers():
    with Federation() as f:
        attacker, victim = f.browser(), f.browser()
        attacker.stop_at = f.vneid.base
        link = f.sign_on(attacker, "vneid").url  # the upstream address, with the attacker's state
        victim.get(link)
        f.vneid.forget()
        page = victim.get(link)
        refused(f, victim, page, "the victim opened the attacker's link")
        equal(f.vneid.heard("token"), [], "the victim's code was sent on")
        attacker.stop_at = f.portal.redirect_uri
        true(not f.is_signed_in(attacker), "and the attacker is in")


def U10_an_answer_of_the_attackers():
    with Federation() as f:
        attacker, victim = f.browser(), f.browser()
        f.vneid.signs_in = "lan"
        url = f.callback(attacker, "vneid")
        refused_unasked(f, victim, url, "the victim becomes the attacker")
        f.begin(victim)
        refused_unasked(f, victim, url, "in the middle of a sign-in of its own")


def U10_a_start_of_the_attackers():
    with Federation() as f:
        attacker, victim = f.browser(), f.browser()
        start = f.offered(f.begin(attacker), "vneid")
        f.begin(victim)  # which has begun something of its own
        f.vneid.forget()
        page = victim.get(start)
        refused(f, victim, page, "the attacker's flow")
        equal(f.vneid.heard("authorize"), [], "it led to upstream")
        for flow in ("", "x", "A" * 200):
            victim.get(changed(start, flow=flow))
        for connector in ("", "nobody", "../vneid", "vneid/callback", "dvcqg%00"):
            page = attacker.get(changed(start, connector=connector))
            true("code" not in f.query(page) and page.status in (400, 404), f"connector {connector!r}: {page.status}")
        equal(f.vneid.heard("authorize"), [], "it led to upstream")
        accepted(f, attacker, attacker.get(start), "in the browser that began it")


def U10_a_choice_of_the_attackers():
    """The page of one's accounts: posted from elsewhere, it chooses nothing."""
    with Federation() as f:
        f.signed_on("dvcqg")
        f.dvcqg.add_enterprise("cty", TAX_CODE, "Công ty Thử", AN)
        f.signed_on("dvcqg", "cty")
        f.dvcqg.signs_in = "an"
        browser, other = f.browser(), f.browser()
        page = f.sign_on(browser, "dvcqg")
        button = f.choices(page)[0]
        form = next(form for form in page.forms if button in form["buttons"])
        for what, csrf in (("without a token", None), ("with another browser's", f.begin(other).form(field="csrf")["fields"]["csrf"])):
            fields = {n: v for n, v in {**form["fields"], "csrf": csrf, button[0]: button[1]}.items() if v is not None}
            refused(f, browser, browser.post(f.issuer + "/upstream/choose", fields), what)
        refused(f, other, f.choose(other, page, button), "in another browser")
        accepted(f, browser, f.choose(browser, page, button), "in its own")


def U10_a_ticket_of_the_attackers():
    """What ends the session upstream opens in the browser that it was made for."""
    with Federation() as f:
        attacker, victim = f.browser(), f.browser()
        tokens = f.signed_on("dvcqg", browser=attacker)
        f.signed_on("dvcqg", "lan", victim)
        attacker.stop_at = f.issuer + "/upstream/sign-out"
        page = attacker.get(f.issuer + "/logout?" + urllib.parse.urlencode({"id_token_hint": tokens["id_token"]}))
        if any(form["id"] == "logout" for form in page.forms):
            page = attacker.submit(page, {}, "logout", ("decision", "allow"))
        true("ticket=" in page.url, page.url)
        attacker.stop_at = f.portal.redirect_uri
        for url in (page.url, page.url[:-4], f.issuer + "/upstream/sign-out?ticket="):
            equal(victim.get(url).status, 400, "a ticket of somebody else's, or none")
        equal(f.dvcqg.heard("logout_uri"), [], "upstream was told")
        equal(attacker.get(page.url).status, 200, "its own")
        equal(len(f.dvcqg.heard("logout_uri")), 1, "upstream is told")


# ---- D11: logout tokens

def D11_logout_tokens_that_must_be_refused():
    with Federation() as f:
        browser = f.browser()
        f.signed_on("vneid", browser=browser)
        sid, url = f.vneid.session_of("an")["sid"], f.backchannel_url("vneid")
        for bad in (*BAD_LOGOUT_CLAIMS, *BAD_LOGOUT_SIGNATURES):
            status, headers = f.vneid.send_logout(url, f.vneid.logout_token("an", sid, bad))
            equal((status, headers.get("Cache-Control")), (400, "no-store"), bad)
        equal(f.vneid.send_logout(f.backchannel_url("dvcqg"), f.vneid.logout_token("an", sid))[0] // 100, 4, "at another connector")
        with VneidDouble() as stranger:
            stranger.people = f.vneid.people
            equal(f.vneid.send_logout(url, stranger.logout_token("an", sid))[0], 400, "of another issuer")
        equal(f.vneid.send_logout(url, f.vneid.logout_token("an", "another-session"))[0] // 100 in (2, 4), True, "another session")
        true(f.is_signed_in(browser), "the session is intact")
        token = f.vneid.logout_token("an", sid)
        equal(f.vneid.send_logout(url, token)[0], 200, "a good one")
        true(eventually(lambda: not f.is_signed_in(browser)), "ends it")
        equal(f.vneid.send_logout(url, token)[0], 400, "a good one again")


if __name__ == "__main__":
    sys.exit(check.run(check.collect(globals(), ("U0", "U1", "D11"))))
