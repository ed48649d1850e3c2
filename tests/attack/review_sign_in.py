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
    page = owner.get("/account/password")
    answer = owner.submit(page, current_password=user["password"], new_password=CHOSEN, new_password2=CHOSEN)
    assert answer.status == 303 and "password_changed" in answer.location, answer
    assert owner.session_cookie() != thief.session_cookie()
    assert not is_sign_in(owner.get("/account")) and is_sign_in(thief.get("/account"))


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
