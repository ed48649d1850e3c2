# SPDX-License-Identifier: Apache-2.0
"""Signing in through another provider: each dialect, two upstreams that are not ours, whose account it
becomes, what is taken over of an answer, levels, silent entry, and what happens while upstream is away."""
import contextlib
import datetime
import os
import sqlite3
import sys
import threading
import time
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import check
from check import equal, true
from federation_world import AN, FAST, LAN, LOA, TAX_CODE, FederatedProvider, Federation, asks_password, eventually, is_proof, said
from idp import SLOW
from oidc_world import Canary
from real_upstreams import Glewlwyd, OidcProvider

PEOPLE = {"an": {"name": "Nguyễn Văn An", "email": "an@example.vn"}, "lan": {"name": "Trần Thị Lan", "email": "lan@example.vn"}}


def rows(provider, table, columns="*"):
    with contextlib.closing(sqlite3.connect(f"file:{provider.path('idp.db')}?mode=ro", uri=True)) as db:
        return db.execute(f"SELECT {columns} FROM {table}").fetchall()


def account_id(f, username):
    return next(key.hex() for key, name in rows(f.provider, "account", "id, username") if name == username)


def endpoints_asked(double):
    return [r.endpoint for r in double.requests]


# ---- the dialects

def scenario_dvcqg_code_flow_and_userinfo_server_to_server():
    with Federation() as f:
        tokens = f.signed_on("dvcqg", acr_values="LoA2")
        equal((tokens["claims"]["acr"], tokens["info"]["HoVaTen"]), ("LoA2", "Nguyễn Văn An"), "level and name")
        equal(endpoints_asked(f.dvcqg), ["authorize", "token", "userinfo"], "one visit and two round trips")
        asked, token, userinfo = f.dvcqg.requests
        equal((asked.query["client_id"], asked.query["redirect_uri"], asked.query["response_type"]),
              (f.dvcqg.client_id, f.provider.redirect_uri("dvcqg"), "code"), "the request")
        true("LoA2" in asked.query["acr_values"].split() and "LoA1" not in asked.query["acr_values"].split(), asked.query)
        true("nonce" not in asked.query and len(asked.query["state"]) <= 128, "no nonce, a short state")
        equal((token.form["client_secret"], "Authorization" in token.headers), (f.dvcqg.client_secret, False), "the secret in the body")
        true(userinfo.bearer and "Cookie" not in userinfo.headers and "Cookie" not in token.headers, "fetched by the provider itself")
        true(tokens["claims"]["sub"] not in str(f.dvcqg.people), "a sub of ours")


def scenario_dvcqg_comes_back_at_commonauth():
    with Federation(("dvcqg",), changed={"dvcqg": {"client": {"redirect_path": "/commonauth"}}}) as f:
        equal(f.signed_on("dvcqg")["info"]["HoVaTen"], "Nguyễn Văn An", "name")
        equal(f.dvcqg.heard("authorize")[0].query["redirect_uri"], f.issuer + "/commonauth", "redirect URI")
        page = f.browser().get(f.provider.redirect_uri("dvcqg") + "?code=x&state=y")
        true(page.status in (400, 404), page.status)


def scenario_vneid_by_discovery_with_nonce_and_pkce():
    with Federation() as f:
        tokens = f.signed_on("vneid")
        equal(tokens["info"]["HoVaTen"], "Nguyễn Văn An", "name")
        asked = f.vneid.heard("authorize")[0].query
        true(asked["nonce"] and asked["code_challenge_method"] == "S256", asked)
        f.vneid.forget()
        f.signed_on("vneid")
        equal([e for e in endpoints_asked(f.vneid) if e in ("discovery", "jwks")], [], "metadata and keys are kept")


def scenario_vneid_keys_rotate():
    with Federation() as f:
        f.signed_on("vneid")
        for keep_old in (True, False):
            f.vneid.rotate(keep_old)
            f.vneid.forget()
            f.signed_on("vneid")
            equal(len(f.vneid.heard("jwks")), 1, "one fetch for a key that was not known")


def scenario_vneid_keys_rotate_under_load():
    """Nobody notices that the other side signs with new keys, as long as it publishes them first."""
    with Federation() as f:
        f.signed_on("vneid")
        stop, failed, done = threading.Event(), [], []

        def sign_on_and_on():
            while not stop.is_set():
                browser = f.browser()
                page = f.sign_on(browser, "vneid")
                (done if "code" in f.query(page) else failed).append(said(page))

        threads = [threading.Thread(target=sign_on_and_on) for _ in range(4)]
        for thread in threads:
            thread.start()
        f.vneid.forget()
        for _ in range(3):
            before = len(done)
            true(eventually(lambda: len(done) >= before + 10 or failed, 10), f"{len(done)} sign-ins")  # noqa: B023
            f.vneid.rotate()
        before = len(done)
        eventually(lambda: len(done) >= before + 10 or failed, 10)
        stop.set()
        for thread in threads:
            thread.join()
        equal((failed, len(done) >= 40), ([], True), f"failed while keys rotated, of {len(done)}")
        fetches = len(f.vneid.heard("jwks"))  # one for a new key, and one of who came just as that ended
        true(1 <= fetches <= 6, f"{fetches} fetches of the keys")


def scenario_partner_envelope():
    with Federation(("partner",)) as f:
        tokens = f.signed_on("partner", acr_values="LoA2")
        equal((tokens["info"]["HoVaTen"], tokens["claims"]["acr"]), ("Nguyễn Văn An", "LoA2"), "name and level")
        true("+" in f.partner.heard("token")[0].form["code"], "the code with its +")
        for spoil in ("bad_padding", "key_wrong", "key_truncated", "data_truncated", "not_base64", "not_object", "not_envelope"):
            for endpoint in ("token", "userinfo"):
                f.partner.spoils = {f"{endpoint}:{spoil}"}
                browser = f.browser()
                page = f.sign_on(browser, "partner")
                true("code" not in f.query(page) and not f.is_signed_in(browser), spoil)
                true("padding" not in page.text and spoil not in page.text, "told to the browser")
        f.partner.spoils = set()
        f.signed_on("partner")


# ---- upstreams that are not ours

def federated_with(upstream_class, *more, claims=("HoVaTen=name",), **changed):
    """(provider, upstream) ready to sign in with."""
    provider = FederatedProvider()
    upstream = upstream_class(PEOPLE, [provider.redirect_uri("there")], *more)
    return provider, upstream, {"person": {"claims": list(claims)}, "request": {"scope": "openid profile"}, **changed}


def through_a_real_upstream(provider, upstream, settings):
    with upstream:
        provider.connect("there", "oidc", upstream, **settings)
        with Federation((), provider=provider) as f:
            subs = {}
            for name in ("an", "lan", "an"):
                browser = f.browser()
                page = upstream.sign_in(browser, f.sign_on(browser, "there"), name)
                tokens = f.tokens(page)
                equal(subs.setdefault(name, tokens["claims"]["sub"]), tokens["claims"]["sub"], "the same account each time")
                equal(tokens["info"]["HoVaTen"], PEOPLE[name]["name"], "name")
                true("code" in f.query(f.begin(browser, prompt="none")), "a session of ours")
            true(subs["an"] != subs["lan"], "two people, two accounts")


def scenario_oidc_provider_upstream():
    levels = {"levels": {"map": [f"{name}={n}" for n, name in enumerate(OidcProvider.LEVELS, 1)], "most": 2}}
    through_a_real_upstream(*federated_with(OidcProvider, **levels))


def scenario_glewlwyd_upstream():
    through_a_real_upstream(*federated_with(Glewlwyd))


# ---- whose account

def scenario_first_time_creates_and_the_second_finds():
    with Federation() as f:
        first, again = f.signed_on("dvcqg"), f.signed_on("dvcqg")
        equal(first["claims"]["sub"], again["claims"]["sub"], "sub")
        other = f.signed_on("dvcqg", "lan")
        true(other["claims"]["sub"] != first["claims"]["sub"], "another TechID, another account")
        equal(len(rows(f.provider, "upstream_link")), 2, "links")


def scenario_unknown_people_may_be_refused():
    with Federation(changed={"dvcqg": {"person": {"unknown": "refuse"}}}) as f:
        browser = f.browser()
        page = f.sign_on(browser, "dvcqg")
        true("code" not in f.query(page) and not f.is_signed_in(browser), page.url)
        equal(len(rows(f.provider, "upstream_link")), 0, "links")


def scenario_mapping_by_number_wants_a_proof():
    with Federation() as f:
        user = f.add_account(AN)
        local = f.local_tokens(user)["claims"]["sub"]
        browser = f.browser()
        page = f.sign_on(browser, "dvcqg")
        true(is_proof(page), f"{page.status} {page.url}")
        wrong = f.prove(browser, page, {**user, "password": "khong-phai-9-Day"})
        true("code" not in f.query(wrong) and not f.is_signed_in(browser), "a wrong password")
        equal(len(rows(f.provider, "upstream_link")), 0, "links after a wrong password")
        tokens = f.tokens(f.prove(browser, wrong if is_proof(wrong) else f.sign_on(browser, "dvcqg"), user))
        equal(tokens["claims"]["sub"], local, "the local account")
        tokens = f.signed_on("dvcqg")
        equal(tokens["claims"]["sub"], local, "linked: not asked again")
        true(f.signed_on("dvcqg", "lan")["claims"]["sub"] != local, "another number: another account")


def scenario_two_identities_on_one_number_are_not_one_account():
    with Federation() as f:
        first = f.signed_on("dvcqg")["claims"]["sub"]
        f.dvcqg.second_identity("an", "an2")
        f.dvcqg.signs_in = "an2"
        browser = f.browser()
        page = f.sign_on(browser, "dvcqg")
        true("code" not in f.query(page) and not f.is_signed_in(browser), "let in by the number alone")
        equal(f.signed_on("dvcqg", "an")["claims"]["sub"], first, "the first identity goes on")


def scenario_enterprise_chooser_and_act():
    with Federation() as f:
        person = f.signed_on("dvcqg")["claims"]["sub"]
        f.dvcqg.add_enterprise("cty", TAX_CODE, "Công ty Thử", AN)
        enterprise = f.signed_on("dvcqg", "cty")
        true(enterprise["claims"]["sub"] != person, "the enterprise has an account of its own")
        subs = {}
        f.dvcqg.signs_in = "an"
        for number in range(2):
            browser = f.browser()
            page = f.sign_on(browser, "dvcqg")
            choices = f.choices(page)
            equal(len(choices), 2, f"the person and the enterprise: {said(page)}")
            true(not f.is_signed_in(browser), "signed in before the choice")
            tokens = f.tokens(f.choose(browser, page, choices[number]))
            subs[tokens["claims"]["sub"]] = tokens["claims"].get("act")
        equal(set(subs), {person, enterprise["claims"]["sub"]}, "both can be chosen")
        true(subs[person] is None and subs[enterprise["claims"]["sub"]]["sub"], "act says who acts for the enterprise")
        browser = f.browser()
        offered = f.sign_on(browser, "dvcqg")
        lan = f.signed_on("dvcqg", "lan")["claims"]["sub"]
        true(lan != person, "somebody else's account")
        elsewhere = [row[2].hex() for row in rows(f.provider, "upstream_link")]  # of all accounts
        mine = [button[1] for button in f.choices(offered)]
        theirs = [account for account in elsewhere if account not in mine]
        equal(len(theirs), 1, "Lan's")
        for changed in ("AAAAAAAAAAAAAAAAAAAAAA", "99", "", "0" * 32, *theirs):
            page = f.choose(browser, offered, f.choices(offered)[0], changed)
            true("code" not in f.query(page) and not f.is_signed_in(browser), f"not offered: {changed!r}")


def scenario_a_changed_name_is_taken_over_and_recorded():
    with Federation() as f:
        first = f.signed_on("dvcqg")
        equal(len(rows(f.provider, "account_history")), 0, "nothing changed yet")
        f.signed_on("dvcqg")
        equal(len(rows(f.provider, "account_history")), 0, "nor at the second sign-in")
        f.dvcqg.people["an"]["HoVaTen"] = "Nguyễn Văn An Bình"
        second = f.signed_on("dvcqg")
        equal((second["claims"]["sub"], second["info"]["HoVaTen"]), (first["claims"]["sub"], "Nguyễn Văn An Bình"), "the same person, the new name")
        history = rows(f.provider, "account_history")
        equal(len(history), 1, "history")
        true("Bình".encode() not in b"".join(part for part in history[0] if isinstance(part, bytes)), "sealed")


def scenario_what_no_service_needs_is_dropped():
    with Federation() as f:
        f.signed_on("dvcqg")
        with open(f.provider.path("idp.db"), "rb") as db:
            stored = db.read()
        for claim in ("TonGiao", "DanToc", "NhomMau"):
            true(claim.encode() not in stored, claim)


def scenario_no_secrets_and_numbers_in_the_log():
    with Federation() as f:
        f.signed_on("dvcqg")
        f.signed_on("vneid", "lan")
        f.dvcqg.faults["token"] = "not_json"
        f.sign_on(f.browser(), "dvcqg")
        log = f.provider.log()
        words = [f.dvcqg.client_secret, AN, LAN, f.dvcqg.people["an"]["TechID"], "logoutUri", *f.dvcqg.codes, *f.dvcqg.access_tokens,
                 *[s.get("ministry_token") for s in f.dvcqg.sessions.values() if s.get("ministry_token")]]
        equal([word for word in words if word in log], [], "in the log")


# ---- levels

def scenario_a_weaker_answer_makes_a_weaker_session():
    with Federation() as f:
        strong = f.signed_on("dvcqg", acr_values=LOA + "2", scope="openid vn_id")
        equal((strong["claims"]["acr"], strong["info"].get("SoDinhDanh")), (LOA + "2", AN), "level 2")
        f.dvcqg.spoils = {"level_downgrade"}
        weak = f.signed_on("dvcqg", acr_values=LOA + "2", scope="openid vn_id")
        equal((weak["claims"]["acr"], weak["info"].get("SoDinhDanh")), (LOA + "1", None), "level 1")
        equal(weak["claims"]["sub"], strong["claims"]["sub"], "the same account")
        f.dvcqg.spoils = {"no_levels"}
        equal(f.signed_on("dvcqg", acr_values=LOA + "2")["claims"]["acr"], LOA + "1", "no level said")


def scenario_no_answer_is_worth_more_than_the_connector_may_give():
    with Federation(changed={"dvcqg": {"levels": {"most": 1}}}) as f:
        equal(f.signed_on("dvcqg", acr_values=LOA + "2")["claims"]["acr"], LOA + "1", "most: 1")


def scenario_too_low_leads_back_to_the_choice():
    with Federation() as f:
        essential = '{"id_token":{"acr":{"essential":true,"values":["%s2"]}}}' % LOA
        f.dvcqg.spoils = {"level_downgrade"}
        browser = f.browser()
        page = f.sign_on(browser, "dvcqg", claims=essential)
        equal((page.status, f.query(page)), (200, {}), "a page of ours")
        true(f.start_url(page, "vneid"), "with the choice")
        true(not f.is_signed_in(browser), "a session at the lower level")
        f.dvcqg.spoils = set()
        equal(f.signed_on("dvcqg", claims=essential)["claims"]["acr"], LOA + "2", "enough")


def scenario_identity_is_proven_by_who_may():
    for proves, ial in ((True, 2), (False, 1)):
        with Federation(("dvcqg",), changed={"dvcqg": {"levels": {"proves_identity": proves}}}) as f:
            f.signed_on("dvcqg")
            equal([row[0] for row in rows(f.provider, "account", "ial")], [ial], f"proves_identity: {proves}")


# ---- the local way

def local_answer(f, user, browser=None):
    """(status of what the password leads to, whether it signed in)"""
    browser = browser or f.browser()
    page = browser.submit(f.begin(browser), {"username": user["username"], "password": user["password"]})
    return page.status, f.is_signed_in(browser)


def scenario_the_local_way_is_closed_by_type():
    for rule in ("deny", "step-up-only"):
        with Federation(("dvcqg",), settings=f"local_login:\n  citizen: {rule}\n") as f:
            citizen, official = f.add_account(AN), f.add_account(type="official")
            equal(local_answer(f, citizen), (403, False), f"{rule}: a citizen's password")
            equal(local_answer(f, {**citizen, "password": "khong-phai-9-Day"})[0], 422, "a wrong one is not told apart")
            equal(local_answer(f, official)[1], True, "an official's")
            browser = f.browser()
            page = f.prove(browser, f.sign_on(browser, "dvcqg"), citizen)
            equal("code" in f.query(page), rule == "step-up-only", f"{rule}: as proof of an account")


# ---- what of a request is passed on; silent entry

def scenario_prompt_and_max_age_are_passed_on():
    with Federation() as f:
        browser = f.browser()
        f.signed_on("vneid", browser=browser)
        time.sleep(1.1)
        tokens = f.signed_on("vneid", browser=browser, prompt="login")
        asked = f.vneid.heard("authorize")[-1].query
        equal(asked.get("prompt"), "login", "prompt")
        true(tokens["claims"]["auth_time"] >= time.time() - 3, "auth_time is new")
        f.signed_on("vneid", max_age="10")
        equal(f.vneid.heard("authorize")[-1].query.get("max_age"), "10", "max_age")


def scenario_an_answer_that_is_not_fresh_will_not_do():
    with Federation() as f:
        browser = f.browser()
        page = f.sign_on(browser, "dvcqg", prompt="login")  # which never says when people signed in there
        true("code" not in f.query(page) and f.start_url(page, "vneid"), "back to the choice")
        true(not f.is_signed_in(browser), "signed in by an answer of any age")
        tokens = f.signed_on("dvcqg")
        true("auth_time" not in tokens["claims"], "an auth_time that nobody said")
        browser = f.browser()
        page = f.sign_on(browser, "dvcqg", max_age="3600")
        true("code" not in f.query(page) and not f.is_signed_in(browser), "max_age is met by an unknown time")


def scenario_only_the_connectors_of_the_client():
    with Federation() as f:
        party = f.add_portal(connectors=["vneid"])
        page = f.begin(f.browser(party), party)
        true(f.start_url(page, "vneid") and not f.start_url(page, "dvcqg"), page.links)
        browser = f.browser(party)
        page = f.begin(browser, party)
        page = browser.get(f.offered(page, "vneid").replace("connector=vneid", "connector=dvcqg"))
        true("code" not in f.query(page) and not f.dvcqg.heard("authorize"), "asked for by hand")


def scenario_prompt_none_asks_upstream_and_shows_no_page():
    with Federation() as f:
        party = f.add_portal(connectors=["dvcqg"])
        browser = f.browser(party)
        page = f.begin(browser, party, prompt="none")
        equal(f.query(page).get("error"), "login_required", "nobody is signed in anywhere")
        equal([r.query.get("prompt") for r in f.dvcqg.heard("authorize")], ["none"], "upstream was asked in silence")
        f.dvcqg.redirect_uris.append(party.redirect_uri)
        browser.get(f.dvcqg.base + "/oauth2/authorize?" + urllib.parse.urlencode(
            {"client_id": f.dvcqg.client_id, "redirect_uri": party.redirect_uri, "response_type": "code"}))
        page = f.begin(browser, party, prompt="none")
        equal(f.tokens(page, party)["info"]["HoVaTen"], "Nguyễn Văn An", "signed in there: signed in here")


def scenario_deep_link_enters_without_a_page():
    with Federation() as f:
        party = f.add_portal(connectors=["dvcqg"])
        browser = f.browser(party)
        page = f.begin(browser, party, vnconnect="1", state="MaTTHCDP=1.000656&MaCoQuanThucHien=H23&MaDVC=2")
        equal(f.query(page).get("state"), "MaTTHCDP=1.000656&MaCoQuanThucHien=H23&MaDVC=2", "all of the link is kept")
        true("code" in f.query(page), page.url)
        equal([r.query.get("prompt") for r in f.dvcqg.heard("authorize")], ["none", None], "silence first, then a page there")


# ---- while upstream is away

def scenario_degraded_mode_says_so_and_recovers():
    with Federation(changed={"dvcqg": {"network": FAST}}) as f:
        user = f.add_account()
        f.dvcqg.faults = {"token": "error500"}
        for _ in range(FAST["failures"]):
            page = f.sign_on(f.browser(), "dvcqg")
            true("code" not in f.query(page) and page.status != 500, page.status)
        f.dvcqg.forget()
        browser = f.browser()
        page = f.begin(browser)
        began = time.monotonic()
        start = f.start_url(page, "dvcqg")
        if start:  # offered as down, or not at all: nothing is asked of it
            browser.get(start)
        true(time.monotonic() - began < SLOW and not f.dvcqg.requests, "told at once")
        true(asks_password(page) and f.start_url(page, "vneid"), "the other ways are offered")
        equal(f.local_tokens(user, acr_values=LOA + "2")["claims"]["acr"], LOA + "1", "the local way at an honest level")
        f.dvcqg.right_again()
        time.sleep(1.1)
        equal(f.signed_on("dvcqg")["info"]["HoVaTen"], "Nguyễn Văn An", "it recovers by itself")


def scenario_nobody_is_sent_to_a_portal_that_is_gone():
    with Federation(("dvcqg",), changed={"dvcqg": {"network": {**FAST, "check_after": "1s"}}}) as f:
        user = f.add_account()
        f.signed_on("dvcqg")
        f.dvcqg.forget()
        f.signed_on("dvcqg")
        equal(endpoints_asked(f.dvcqg), ["authorize", "token", "userinfo"], "heard of it just now: not asked first")
        time.sleep(1.1)
        f.dvcqg.forget()
        f.signed_on("dvcqg")
        equal(endpoints_asked(f.dvcqg)[:2], ["token", "authorize"], "quiet for long: asked whether it is there")
        time.sleep(1.1)
        f.dvcqg.faults = {"token": "error500", "authorize": "error500"}
        f.dvcqg.forget()
        browser = f.browser()
        page = f.sign_on(browser, "dvcqg")
        true(page.url.startswith(f.issuer) and asks_password(page), f"the choice again, with the local way: {said(page)}")
        equal(f.dvcqg.heard("authorize"), [], "people who were sent there")
        f.local_tokens(user, browser)
        f.dvcqg.right_again()
        time.sleep(1.1)
        f.signed_on("dvcqg")


def scenario_a_level_that_nobody_can_give_now():
    essential = '{"id_token":{"acr":{"essential":true,"values":["%s2"]}}}' % LOA
    with Federation(("dvcqg",), changed={"dvcqg": {"network": FAST}}) as f:
        f.dvcqg.faults = {"token": "error500"}
        for _ in range(FAST["failures"]):
            f.sign_on(f.browser(), "dvcqg")
        equal(f.query(f.begin(f.browser(), claims=essential)).get("error"), "temporarily_unavailable", "while it is down")
        f.dvcqg.right_again()
        time.sleep(1.1)
        equal(f.signed_on("dvcqg", claims=essential)["claims"]["acr"], LOA + "2", "when it is back")


def scenario_every_fault_ends_in_a_page_of_ours():
    with Federation() as f:
        for endpoint in ("token", "userinfo"):
            for fault in ("error500", "error503", "reset", "garbage", "not_json", "not_object", "empty", "redirect", "gzip_bomb"):
                f.dvcqg.faults = {endpoint: fault}
                browser = f.browser()
                page = f.sign_on(browser, "dvcqg")
                true(page.url.startswith(f.issuer) and not f.is_signed_in(browser), f"{endpoint} {fault}: {page.url}")
                f.dvcqg.faults = {}
                f.signed_on("dvcqg")  # and closes the breaker again


def scenario_an_error_of_upstream_is_not_a_dead_end():
    with Federation() as f:
        f.vneid.spoils = {"error_answer"}
        browser = f.browser()
        page = f.sign_on(browser, "vneid")
        true("code" not in f.query(page) and not f.is_signed_in(browser), page.url)
        f.vneid.spoils = set()
        if f.start_url(page, "vneid"):
            page = browser.get(f.start_url(page, "vneid"))
            true("code" in f.query(page), "another try from the page that was shown")


def scenario_only_places_of_the_allow_list_are_asked():
    with Federation(("dvcqg",)) as f, Canary() as canary, Canary("::1") as other:
        f.signed_on("dvcqg")
        f.dvcqg.faults = {"token": ("redirect", canary.url)}
        f.sign_on(f.browser(), "dvcqg")
        f.dvcqg.faults = {}
        f.provider.change("dvcqg", endpoints={"token": other.url + "token"})
        f.provider.stop()
        f.provider.start()
        page = f.sign_on(f.browser(), "dvcqg")
        true("code" not in f.query(page), page.url)
        equal((canary.connections, other.connections), (0, 0), "requests to places that nobody named, or allowed")


# ---- the session hangs on upstream's

def sign_out(f, browser, tokens):
    page = browser.get(f.issuer + "/logout?" + urllib.parse.urlencode({"id_token_hint": tokens["id_token"]}))
    if any(form["id"] == "logout" for form in page.forms):
        page = browser.submit(page, {}, "logout", ("decision", "allow"))
    return page


def scenario_signing_out_waits_for_nobody_who_is_down():
    with Federation(("dvcqg",), changed={"dvcqg": {"network": {**FAST, "retry": "1m"}}}) as f:
        browser = f.browser()
        tokens = f.signed_on("dvcqg", browser=browser)
        f.dvcqg.faults = {"token": "error500", "logout_uri": "hang"}
        for _ in range(FAST["failures"]):
            f.sign_on(f.browser(), "dvcqg")
        began = time.monotonic()
        page = sign_out(f, browser, tokens)
        equal((page.status, page.url.startswith(f.issuer), f.is_signed_in(browser)), (200, True, False), page.url)
        true(time.monotonic() - began < 2 * SLOW and not f.dvcqg.heard("logout_uri"), "waited for who is known to be down")


def scenario_signing_out_here_goes_on_upstream():
    with Federation() as f:
        browser = f.browser()
        tokens = f.signed_on("dvcqg", browser=browser)
        sign_out(f, browser, tokens)
        true(not f.is_signed_in(browser), "signed out here")
        true(eventually(lambda: f.dvcqg.heard("logout_uri")), "logoutUri was called")
        equal(f.dvcqg.sessions, {}, "and there")


def scenario_a_session_ends_with_upstreams():
    for within, most in ((True, 300), (False, 12 * 3600)):  # the double's ID token, ours
        with Federation(("vneid",), changed={"vneid": {"session": {"within_upstream": within}}}) as f:
            f.signed_on("vneid")
            [(ends,)] = rows(f.provider, "session", "expires_at")
            true(most - 30 * SLOW <= ends - time.time() <= most + 1, f"{within}: {ends - time.time():.0f} s")


def scenario_a_session_ends_with_the_representation():
    with Federation(("dvcqg",), settings="times:\n  session: 7d\n") as f:
        f.signed_on("dvcqg")
        [(person,)] = rows(f.provider, "account", "username")
        enterprise = f.add_account(type="enterprise", ial=2)["username"]
        until = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=2)).strftime("%Y-%m-%d")
        made = f.provider.idpctl("representation", "add", "--person", person, "--represented", enterprise, "--until", until)[1]
        browser = f.browser()
        page = f.sign_on(browser, "dvcqg")
        button = next(b for b in f.choices(page) if b[1] == account_id(f, enterprise))
        tokens = f.tokens(f.choose(browser, page, button))
        true(tokens["claims"]["act"]["sub"], "who acts")
        ends = [row[0] for row in rows(f.provider, "session", "expires_at") if row[0] <= made["valid_until"]]
        equal(ends, [made["valid_until"]], "the session in which somebody acts")
        f.provider.idpctl("representation", "end", made["id"])
        true(not f.is_signed_in(browser), "ended by staff")
        page = f.sign_on(f.browser(), "dvcqg")
        true("code" in f.query(page), "nothing left to choose")


def scenario_upstream_ends_the_sessions_here():
    with Federation() as f:
        browsers = {"an": f.browser(), "lan": f.browser()}
        for name, browser in browsers.items():
            f.signed_on("vneid", name, browser)
        token = f.vneid.logout_token("an", f.vneid.session_of("an")["sid"])
        status, headers = f.vneid.send_logout(f.backchannel_url("vneid"), token)
        equal((status, headers.get("Cache-Control")), (200, "no-store"), "answer")
        equal([f.is_signed_in(b) for b in browsers.values()], [False, True], "this session and no other")
        equal(f.vneid.send_logout(f.backchannel_url("vneid"), token)[0], 400, "the same token again")


if __name__ == "__main__":
    sys.exit(check.run(check.collect(globals(), "scenario_")))
