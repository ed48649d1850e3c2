# SPDX-License-Identifier: Apache-2.0
"""What a review of sign-in and tokens found, each finding as the attack that showed it. Ids in the
names are those of the catalogue of attacks."""
import concurrent.futures
import contextlib
import socket
import sys
import threading
import time
import urllib.parse
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "lib"))
from oidc_world import run
from party import FORM, is_sign_in, request

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
STAFF_FIRST, STAFF_SECOND, CHOSEN = "Mat-khau-tam-0001", "Mat-khau-tam-0002", "Mat-khau-tu-chon-0003"


def forced_page(w, username, password):
    """The page that demands a new password, as who knows the staff's password sees it."""
    browser = w.browser()
    page = browser.submit(browser.get(w.ministry.url()), username=username, password=password)
    assert page.status == 200 and "new_password" in page.forms()[0]["types"], page
    return browser, page


def choose(browser, page, password=CHOSEN):
    return browser.submit(page, new_password=password, new_password2=password)


def F22_a_proof_of_the_old_password_ends_when_staff_set_another(w):
    w.provider.add_user(username="tam", password=STAFF_FIRST, require_change=True)
    thief, thiefs_page = forced_page(w, "tam", STAFF_FIRST)
    w.provider.idpctl("user", "set-password", "tam", "--file", "-", stdin=STAFF_SECOND + "\n")
    answer = choose(thief, thiefs_page)
    assert answer.status == 400 and not thief.session_cookie(), answer
    owner, page = forced_page(w, "tam", STAFF_SECOND)
    assert choose(owner, page).status == 303 and owner.session_cookie()


def F22_one_forced_change_of_several_that_were_begun(w):
    w.provider.add_user(username="tam2", password=STAFF_FIRST, require_change=True)
    begun = [forced_page(w, "tam2", STAFF_FIRST) for _ in range(6)]
    with concurrent.futures.ThreadPoolExecutor(len(begun)) as pool:
        answers = list(pool.map(lambda b: choose(*b), begun))
    assert [a.status for a in answers].count(303) == 1, [a.status for a in answers]
    assert sum(b.session_cookie() is not None for b, _ in begun) == 1


def F09_F14_a_copied_cookie_is_out_after_a_password_change(w):
    user = w.new_user("doi")
    owner = w.signed_in(user)
    thief = w.browser()
    thief.cookies.update(owner.cookies)
    elsewhere = w.signed_in(user)
    page = owner.get("/account/password")
    answer = owner.submit(page, current_password=user["password"], new_password=CHOSEN, new_password2=CHOSEN)
    assert answer.status == 303 and "password_changed" in answer.location, answer
    assert owner.session_cookie() != thief.session_cookie()
    assert not is_sign_in(owner.get("/account")) and is_sign_in(thief.get("/account"))
    assert is_sign_in(elsewhere.get("/account"))


def F09_signing_in_again_ends_the_session_before(w):
    user = w.new_user("lai")
    owner = w.signed_in(user)
    copy = w.browser()
    copy.cookies.update(owner.cookies)
    assert "code" in owner.sign_in(owner.get(w.ministry.url(prompt="login")), user["username"], user["password"]).query()
    assert not is_sign_in(owner.get("/account")) and is_sign_in(copy.get("/account"))


def N04_the_form_sent_twice_signs_in_once_more_and_fails_nobody(w):
    user = w.new_user("hai-lan")
    browser = w.signed_in(user)
    form = browser.get(w.ministry.url(prompt="login")).forms()[0]
    body = urllib.parse.urlencode(dict(form["fields"], username=user["username"], password=user["password"]))
    headers = {"Content-Type": FORM, "Accept": "text/html",
               "Cookie": "; ".join(f"{n}={v}" for n, v in browser.cookies.items())}
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: request(w.issuer, "POST", "/sign-in", body, headers), range(4)))
    assert {a.status for a in answers} == {303}, answers


def cookie_of(browser, part):
    return next(n for n in browser.cookies if part in n)


def session_on(w, party):
    """What signs in: the page's fields for a person, and the browser that holds it."""
    browser = w.browser()
    return browser, browser.get(party.url()).forms()[0]["fields"]


def F15_F16_form_tokens_of_other_forms_browsers_and_times(w):
    good = {"username": "an", "password": w.an["password"]}
    browser, fields = session_on(w, w.ministry)
    other, others = session_on(w, w.ministry)
    account = w.signed_in().get("/account")
    tokens = {f["fields"]["csrf"] for f in account.forms() if "csrf" in f["fields"]}
    for csrf in [others["csrf"], *tokens, "", "A" * 22, fields["csrf"][:-1], fields["csrf"] + "A"]:
        answer = browser.post("/sign-in", dict(fields, **good, csrf=csrf))
        assert answer.status in (400, 403) and not browser.session_cookie(), (csrf, answer)
    answer = browser.post("/sign-in", dict(fields, **good, flow=others["flow"]))
    assert answer.status == 403 and not browser.session_cookie(), answer
    assert browser.post("/sign-in", dict(fields, **good)).status == 303
    answer = browser.post("/sign-in", dict(fields, **good))
    assert answer.status == 403, "the token outlived the sign-in"


def F09_planted_cookies_are_not_taken_over(w):
    thief = w.signed_in(w.binh)
    name, thiefs = cookie_of(thief, "session"), thief.session_cookie()
    victim = w.browser()
    victim.cookies[name] = thiefs
    page = victim.get(w.ministry.url(prompt="login"))
    assert victim.sign_in(page, "an", w.an["password"]).status == 303
    assert victim.cookies[name] != thiefs
    assert is_sign_in(thief.get("/account")), "the planted session went on"
    free = w.browser()
    free.cookies[name] = "A" * len(thiefs)
    assert free.sign_in(free.get(w.ministry.url()), "an", w.an["password"]).status == 303
    assert free.cookies[name] != "A" * len(thiefs)


def F09_device_cookies_are_neither_sessions_nor_made_by_hand(w):
    browser = w.signed_in()
    device, session = cookie_of(browser, "device"), cookie_of(browser, "session")
    for value in (browser.cookies[device], browser.cookies[device][:len(browser.cookies[session])]):
        thief = w.browser()
        thief.cookies[session] = value
        assert is_sign_in(thief.get("/account"))


def A61_no_single_changed_character_of_a_flow_opens(w):
    browser, fields = session_on(w, w.ministry)
    handle = fields["flow"]
    for at in range(0, len(handle), max(1, len(handle) // 60)):
        changed = handle[:at] + ALPHABET[(ALPHABET.index(handle[at]) + 32) % 64] + handle[at + 1:]
        answer = browser.post("/sign-in", dict(fields, username="an", password=w.an["password"], flow=changed))
        assert answer.status in (400, 403), (at, answer)
    assert not browser.session_cookie()


def A61_a_sign_in_flow_is_no_proof_of_a_password(w):
    w.provider.add_user(username="tam3", password=STAFF_FIRST, require_change=True)
    browser, page = forced_page(w, "tam3", STAFF_FIRST)
    fields = page.forms()[0]["fields"]
    _, plain = browser, browser.get(w.ministry.url()).forms()[0]["fields"]
    answer = browser.post("/sign-in/password", dict(fields, flow=plain["flow"], new_password=CHOSEN, new_password2=CHOSEN))
    assert answer.status == 400 and not browser.session_cookie(), answer
    answer = browser.get("/authorize/resume?flow=" + fields["flow"])
    assert is_sign_in(answer), "a proof was taken for a session"


def F28_parameters_that_no_form_has_change_nothing(w):
    browser, fields = session_on(w, w.ministry)
    extra = {"aal": "3", "ial": "3", "amr": "255", "is_proven": "1", "user_id": "0" * 32, "require_change": "0",
             "redirect_uri": "https://evil.example/", "target": "/account", "next": "//evil.example"}
    answer = browser.post("/sign-in", dict(fields, username="an", password=w.an["password"], **extra))
    assert answer.status == 303 and answer.location.startswith("/authorize/resume?"), answer
    assert browser.follow(answer).location.startswith(w.ministry.redirect_uri)


def audited(w, event):
    return sum(event in row for row in w.store_rows()["audit"])


def B02_replays_do_not_fill_the_audit(w):
    browser, before = w.signed_in(), audited(w, "code_replayed")
    code = w.page.code(browser, w.an)
    tokens = w.page.redeem(code).json()
    assert {w.page.redeem(code).status for _ in range(10)} == {400}
    assert w.page.userinfo(tokens["access_token"]).status == 401
    assert audited(w, "code_replayed") == before + 1
    before = audited(w, "refresh_reused")
    token = w.ministry.tokens(browser, w.an)["refresh_token"]
    assert {w.page.refresh(token).status for _ in range(10)} == {400}
    assert audited(w, "refresh_reused") == before + 1


def D16_a_retiring_key_outlives_every_token_that_it_signed(w):
    """Also those of a client that registers the longest life of access tokens, an hour."""
    w.idpctl("keys", "rotate", "--alg", "ES256")
    retiring = [k for k in w.idpctl("keys", "list") if k["state"] == "retiring"]
    assert retiring and all(k["expires_at"] - k["retiring_at"] > 3600 for k in retiring), retiring


def trickle(connection, ended):
    with contextlib.suppress(OSError):
        while not ended.wait(0.5):
            connection.send(b" ")


def X09_a_trickling_administrator_does_not_hold_the_end_up(w):
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(w.provider.socket)
        ended = threading.Event()
        thread = threading.Thread(target=trickle, args=(connection, ended))
        thread.start()
        time.sleep(1)  # until it is served
        began = time.monotonic()
        status = w.provider.stop()
        seconds = time.monotonic() - began
        ended.set()
        thread.join()
    w.provider.start()
    assert status == 0 and seconds < 5, (status, seconds)


def B12_made_up_client_names_do_not_fill_the_store(w):
    """Last: it leaves this network throttled for a minute, as far as secrets are wrong."""
    before = audited(w, "client_refused")
    answers = [request(w.issuer, "POST", "/token", f"grant_type=client_credentials&client_id=no{i}&client_secret=x",
                       {"Content-Type": FORM}).status for i in range(400)]
    assert answers[0] == 401 and answers[-1] == 429, (answers[0], answers[-1])
    assert audited(w, "client_refused") - before <= 301
    assert w.machine.token({"grant_type": "client_credentials"}).status == 200


if __name__ == "__main__":
    sys.exit(run(__name__))
