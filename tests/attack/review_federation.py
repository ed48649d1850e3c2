#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What an attack from outside on federation found (docs/REVIEW.md), each beside what must go on working."""
import contextlib
import os
import signal
import sqlite3
import sys
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import check
from check import equal, true
from federation_world import AN, FAST, LAN, TAX_CODE, VNEID_CLAIMS, Federation, eventually, is_proof, said
from upstream_wso2 import Wso2Double

STEP_UP_ONLY = "local_login:\n  citizen: step-up-only\n"


def accounts_linked(f):
    """(rowid, user id) of the links, the oldest first."""
    with contextlib.closing(sqlite3.connect(f.provider.path("idp.db"))) as db:
        return db.execute("SELECT rowid, user_id FROM upstream_link ORDER BY rowid").fetchall()


def flow_of(url):
    return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(url).query))["flow"]


def U05_an_enterprises_identity_acts_for_no_other():
    """It is linked to two enterprises; whoever is said to act for it may act for a third, which is not its own."""
    with Federation(("dvcqg",)) as f:
        f.signed_on("dvcqg", "an")
        for name, tax_code in (("cty1", TAX_CODE), ("cty2", "0100233489"), ("cty3", "0100233490")):
            f.dvcqg.add_enterprise(name, tax_code, f"Công ty {name}", AN)
            f.signed_on("dvcqg", name)
        links = accounts_linked(f)
        equal(len(links), 4, "a person and three enterprises")
        f.provider.stop()
        with contextlib.closing(sqlite3.connect(f.provider.path("idp.db"))) as db, db:
            db.execute("INSERT INTO upstream_link SELECT issuer, subject_index, ?, connector, how, linked_at, last_used_at "
                       "FROM upstream_link WHERE rowid = ?", (links[2][1], links[1][0]))
        f.provider.start()
        f.dvcqg.signs_in = "cty1"
        browser = f.browser()
        page = f.sign_on(browser, "dvcqg")
        choices = f.choices(page)
        equal(len(choices), 2, f"cty1 and cty2: {said(page)}")
        answer = f.choose(browser, page, choices[0], links[3][1].hex())
        true("code" not in f.query(answer), "the third enterprise")
        equal(answer.status, 400, said(answer))
        true(not f.is_signed_in(browser), "signed in")
        browser = f.browser()
        page = f.sign_on(browser, "dvcqg")
        true("code" in f.query(f.choose(browser, page, f.choices(page)[1])), "what was offered")


def U05_an_act_is_not_inherited():
    """Another representative, whom nobody knows here, comes in the browser of the first."""
    with Federation(("dvcqg",)) as f:
        f.signed_on("dvcqg")
        f.dvcqg.add_enterprise("cty", TAX_CODE, "Công ty", AN)
        browser = f.browser()
        second_tab = f.begin(browser)
        true(f.signed_on("dvcqg", "cty", browser)["claims"].get("act"), "An acts")
        f.dvcqg.people["cty"]["SoDinhDanh"] = "030090009999"
        f.dvcqg.sessions.clear()
        browser.get(f.offered(second_tab, "dvcqg"))
        true("act" not in f.tokens(f.begin(browser))["claims"], "somebody else acts")
        true(f.is_signed_in(browser), "the enterprise itself")


def U05_a_proof_counts_for_the_account_that_was_proven():
    with Federation(("dvcqg",)) as f:
        owner, other = f.add_account(AN), f.add_account(LAN)
        party = f.add_portal()
        waits, quick = f.browser(party), f.browser()
        page = f.sign_on(waits, "dvcqg", party)
        true(is_proof(page), said(page))
        proven = f.tokens(f.prove(quick, f.sign_on(quick, "dvcqg"), owner))["claims"]
        equal(set(proven["amr"]), {"fed", "pwd"}, "who proved it")
        late = f.prove(waits, page, other)
        if "code" in f.query(late):
            claims = f.tokens(late, party)["claims"]
            true("pwd" not in claims["amr"], f"another account's password: {claims}")


def F_a_session_that_is_over_is_no_step_up():
    with Federation(("dvcqg",), settings=STEP_UP_ONLY + "times:\n  session_idle: 1m\n") as f:
        citizen, browser = f.add_account(AN), f.browser()
        f.tokens(f.prove(browser, f.sign_on(browser, "dvcqg"), citizen))
        page = f.begin(browser, prompt="login")
        typed = {"username": citizen["username"], "password": citizen["password"]}
        true("code" in f.query(browser.submit(page, typed)), "stepped up in the session")
        f.provider.stop()
        with contextlib.closing(sqlite3.connect(f.provider.path("idp.db"))) as db, db:
            db.execute("UPDATE session SET last_seen = last_seen - 100000")
        f.provider.start()
        true("code" not in f.query(browser.submit(f.begin(browser), typed)), "a session that idled away")


def U05_a_proof_for_a_link_sets_no_password():
    """Local sign-in is closed to citizens, but they may still prove an account that is to be linked."""
    with Federation(("dvcqg",), settings=STEP_UP_ONLY) as f:
        citizen = f.add_account(AN, require_change=True)
        officer = f.add_account(type="official", require_change=True)
        browser = f.browser()
        page = f.begin(browser)
        form = browser.submit(page, {"username": officer["username"], "password": officer["password"]})
        forced = next(x for x in form.forms if x["action"] == "/sign-in/password")
        refused = browser.submit(page, {"username": citizen["username"], "password": citizen["password"]})
        equal(refused.status, 403, f"closed: {said(refused)}")
        f.dvcqg.signs_in = "lan"
        f.add_account(LAN)
        page = f.sign_on(browser, "dvcqg")
        true(is_proof(page), said(page))
        landing = f.prove(browser, page, citizen)
        new = "Mat-khau-moi-cua-ke-gian-1"
        answer = browser.post(f.issuer + "/sign-in/password", {
            **forced["fields"], "flow": flow_of(landing.url), "new_password": new, "new_password2": new})
        equal(answer.status, 400, said(answer))
        true(not f.is_signed_in(browser), "signed in with a password that may not sign in")


def U08_one_persons_logout_address_closes_nobody_out():
    with Federation(("dvcqg",), changed={"dvcqg": {"network": {**FAST, "retry": "30s"}}}) as f:
        browser = f.browser()
        f.signed_on("dvcqg", browser=browser)
        f.dvcqg.faults = {"logout_uri": "error500"}
        browser.stop_at = f.issuer + "/upstream/sign-out"
        page = browser.get(f.issuer + "/logout")
        page = browser.submit(page, {}) if page.status == 200 else page
        ticket = page.url
        true("/upstream/sign-out?ticket=" in ticket, said(page))
        browser.stop_at = f.dvcqg.base
        f.dvcqg.forget()
        for _ in range(3):
            browser.get(ticket)
        equal(len(f.dvcqg.heard("logout_uri")), 3, "the portal was told")
        f.signed_on("dvcqg", "lan")


def A20_no_page_of_ours_where_none_may_be_shown():
    """prompt=none: neither a choice nor a proof can be asked for."""
    with Federation(("dvcqg",)) as f:
        f.signed_on("dvcqg", "an")
        browser = f.browser()
        f.signed_on("dvcqg", "an", browser=browser)
        f.dvcqg.add_enterprise("cty", TAX_CODE, "Công ty Thử", AN)
        f.signed_on("dvcqg", "cty")
        f.dvcqg.signs_in = "an"
        browser = f.browser()
        f.choices(f.sign_on(browser, "dvcqg"))
        page = f.begin(browser, prompt="none", idp_hint="dvcqg")
        true(f.query(page).get("error") in ("login_required", "interaction_required", "account_selection_required"), said(page))
        f.dvcqg.signs_in = "lan"
        f.add_account(LAN)
        browser = f.browser()
        true(is_proof(f.sign_on(browser, "dvcqg")), "lan has a session there now")
        page = f.begin(browser, prompt="none", idp_hint="dvcqg")
        true(f.query(page).get("error") in ("login_required", "interaction_required"), said(page))


def U02_a_connector_that_moved_meanwhile():
    """An answer of the provider of before is not sent to the one of now."""
    with Federation(("dvcqg",)) as f, Wso2Double() as mallory:
        browser = f.browser()
        url = f.callback(browser, "dvcqg")
        f.provider.change("dvcqg", issuer=mallory.issuer, endpoints=mallory.endpoints())
        os.kill(f.provider.process.pid, signal.SIGHUP)
        true(eventually(lambda: '"reloaded"' in f.provider.log()), "read again")
        page = browser.get(url)
        true("code" not in f.query(page), "a code")
        equal(mallory.heard("token"), [], "the code was sent on to another provider")


def U04_who_proves_no_identity_changes_no_number():
    claims = {"person": {"claims": VNEID_CLAIMS}, "levels": {"proves_identity": False}}
    with Federation(("vneid",), changed={"vneid": claims}) as f:
        user = f.add_account(AN)
        browser = f.browser()
        f.tokens(f.prove(browser, f.sign_on(browser, "vneid"), user))
        person = f.vneid.people["an"]
        before = dict(person)
        for name, value in before.items():
            if value == AN:
                person[name] = "030090009999"
        f.signed_on("vneid", "an")
        f.vneid.add_citizen("an2", "030090009999", "Người Khác")
        browser = f.browser()
        f.vneid.signs_in = "an2"
        page = f.sign_on(browser, "vneid")
        true("code" in f.query(page), f"the number that was claimed is nobody's: {said(page)}")


def U05_offline_access_ends_with_the_right_to_act():
    with Federation(("dvcqg",)) as f:
        party = f.add_portal(scope="openid vn_org offline_access", grant_types=["authorization_code", "refresh_token"])
        f.signed_on("dvcqg")
        f.dvcqg.add_enterprise("cty", TAX_CODE, "Công ty Thử", AN)
        f.signed_on("dvcqg", "cty")
        tokens = f.signed_on("dvcqg", "cty", party=party, prompt="consent")
        answer = party.refresh(tokens["refresh_token"])
        equal(answer.status, 200, "while they may act")
        f.provider.stop()
        with contextlib.closing(sqlite3.connect(f.provider.path("idp.db"))) as db, db:
            db.execute("UPDATE representation SET valid_until = valid_from - 1, valid_from = valid_from - 9")
        f.provider.start()
        equal(party.refresh(answer.json()["refresh_token"]).status, 400, "after its last day")


def U05_a_merge_lifts_no_lock():
    with Federation(("dvcqg",)) as f:
        f.signed_on("dvcqg", "an")
        subject = f.dvcqg.people["an"]["TechID"]
        found = f.provider.idpctl("link", "list", "--issuer", f.dvcqg.issuer, "--subject", subject)[1]
        name, other = found[0]["username"], f.add_account()["username"]
        f.provider.idpctl("user", "lock", name)
        status, answer = f.provider.idpctl("link", "merge", name, other, check=False)
        equal((status != 0, answer["error"]), (True, "refused"), "a locked account")
        browser = f.browser()
        refused = f.sign_on(browser, "dvcqg")
        true("code" not in f.query(refused) and not f.is_signed_in(browser), said(refused))
        f.provider.idpctl("user", "unlock", name)
        f.provider.idpctl("link", "merge", name, other)
        true("code" in f.query(f.sign_on(f.browser(), "dvcqg")), "when staff have looked")


def D11_a_logout_while_upstream_counts_as_down():
    with Federation(("vneid",), changed={"vneid": {"network": {**FAST, "retry": "30s"}}}) as f:
        browser = f.browser()
        f.signed_on("vneid", browser=browser)
        token = f.vneid.logout_token("an", f.vneid.session_of("an")["sid"])
        away = [f.browser() for _ in range(2)]
        urls = [f.callback(b, "vneid") for b in away]
        f.vneid.faults = {"token": "error500"}
        for other, url in zip(away, urls):
            other.get(url)
        f.vneid.faults = {}
        true("code" not in f.query(f.sign_on(f.browser(), "vneid")), "it counts as down")
        equal(f.vneid.send_logout(f.backchannel_url("vneid"), token)[0], 200, "its keys are known")
        true(eventually(lambda: not f.is_signed_in(browser)), "the session is over")


def D11_a_subject_that_people_are_not_known_by():
    """The connector's people go by another claim than sub: a token with sub alone ends nothing, and says so."""
    with Federation(("vneid",), changed={"vneid": {"person": {"subject": "citizen_pid", "claims": VNEID_CLAIMS}}}) as f:
        browser = f.browser()
        f.signed_on("vneid", browser=browser)
        sid, url = f.vneid.session_of("an")["sid"], f.backchannel_url("vneid")
        equal(f.vneid.send_logout(url, f.vneid.logout_token("an"))[0], 400, "whose, is not known")
        equal(f.vneid.send_logout(url, f.vneid.logout_token("an", sid))[0], 200, "by the session's name")
        true(eventually(lambda: not f.is_signed_in(browser)), "it is over")


if __name__ == "__main__":
    sys.exit(check.run(check.collect(globals(), ("U0", "A20", "D11", "F_"))))
