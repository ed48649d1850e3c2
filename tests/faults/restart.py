#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""X16: a restart under people who are signing in. Whatever was begun goes on, or ends with a clean
error; nothing that was used is good again. Each story is told twice: with an orderly end (SIGTERM)
and with kill -9.

  restart.py [TEST ...]"""
import os
import socket
import sys
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
import check  # noqa: E402
from check import equal, true  # noqa: E402
from idp import Provider  # noqa: E402
from oidc_world import World  # noqa: E402
from party import is_consent, is_sign_in, request  # noqa: E402

WAYS = {"orderly": False, "killed": True}
WORLD = None


def in_both_ways(story):
    def told():
        for name, kill in WAYS.items():
            try:
                story(WORLD, lambda: WORLD.restart(kill=kill))
            except AssertionError as error:
                raise AssertionError(f"{name}: {error}") from error
    told.__name__, told.__module__ = story.__name__, story.__module__
    return told


def is_clean_refusal(answer):
    return 400 <= answer.status < 500 and answer.location is None and answer.text


@in_both_ways
def X16_sign_in_page_open(w, restart):
    browser = w.browser()
    page = browser.get(w.ministry.url())
    true(is_sign_in(page), page)
    restart()
    answer = browser.submit(page, username=w.an["username"], password="không phải")
    equal(answer.status, 422, "a wrong password after the restart")
    answer = browser.follow(browser.submit(answer, username=w.an["username"], password=w.an["password"]))
    equal(w.ministry.redeem(answer.query()["code"]).status, 200, "the code of a sign-in that began before the restart")


@in_both_ways
def X16_sign_in_form_is_sent_once(w, restart):
    browser = w.browser()
    page = browser.get(w.ministry.url())
    answer = browser.sign_in(page, w.an["username"], w.an["password"])
    code = answer.query()["code"]
    restart()
    replayed = w.browser()
    again = replayed.submit(page, username=w.an["username"], password=w.an["password"])
    true(is_clean_refusal(again), f"the form in another browser: {again}")
    equal(w.ministry.redeem(code).status, 200, "the code")


@in_both_ways
def X16_consent_page_open(w, restart):
    user = w.new_user("consent" + os.urandom(4).hex())
    browser = w.browser()
    page = browser.sign_in(browser.get(w.portal.url()), user["username"], user["password"])
    true(is_consent(page), page)
    restart()
    answer = browser.consent(page)
    code = answer.query()["code"]
    restart()
    again = browser.consent(page)
    true(is_clean_refusal(again), f"the same consent again: {again}")
    equal(w.portal.redeem(code).status, 200, "the code")
    restart()
    true("code" in browser.get(w.portal.url()).query(), "the consent is remembered")


@in_both_ways
def X16_code_waits(w, restart):
    browser = w.signed_in()
    code = w.ministry.code(browser, w.an)
    restart()
    tokens = w.ministry.redeem(code)
    equal(tokens.status, 200, "the code after the restart")
    restart()
    equal(w.ministry.userinfo(tokens.json()["access_token"]).status, 200, "its access token")
    again = w.ministry.redeem(code)
    equal((again.status, again.json()["error"]), (400, "invalid_grant"), "the code once more")
    restart()
    equal(w.ministry.userinfo(tokens.json()["access_token"]).status, 401, "an access token of a code that was used twice")
    equal(w.ministry.refresh(tokens.json()["refresh_token"]).status, 400, "its refresh token")


@in_both_ways
def X16_refresh_token_waits(w, restart):
    browser = w.signed_in()
    first = w.ministry.tokens(browser, w.an)["refresh_token"]
    restart()
    second = w.ministry.refresh(first).json()["refresh_token"]
    restart()
    third = w.ministry.refresh(second).json()["refresh_token"]
    restart()
    equal(w.ministry.refresh(first).status, 400, "a token two rotations old")
    restart()
    equal(w.ministry.refresh(third).status, 400, "the newest, after an old one came back")


@in_both_ways
def X16_sessions_and_sign_outs(w, restart):
    browser = w.signed_in()
    restart()
    true("code" in browser.get(w.ministry.url(prompt="none")).query(), "silent sign-on after the restart")
    page, cookies = browser.get("/account"), dict(browser.cookies)
    restart()
    form = next(f for f in page.forms() if f["action"] == "/logout")
    true(browser.post("/logout", dict(form["fields"], **dict(form["buttons"][:1]))).status in (200, 303), "sign-out")
    restart()
    browser.cookies = cookies
    equal(browser.get(w.ministry.url(prompt="none")).query().get("error"), "login_required", "the session that was ended")


@in_both_ways
def X16_requests_in_flight(w, restart):
    """Halves of requests are dropped; a whole one is answered or dropped, and can be made again."""
    halves = []
    for text in (b"POST /token HTTP/1.1\r\nHost: x\r\n", b"GET /authorize?client_id=ministry"):
        halves.append(socket.create_connection(("127.0.0.1", w.provider.port)))
        halves[-1].sendall(text)
    browser, outcomes = w.browser(), []
    page = browser.get(w.ministry.url())

    def sign_in():
        try:
            outcomes.append(browser.submit(page, username=w.an["username"], password=w.an["password"]))
        except Exception as error:  # the connection broke
            outcomes.append(error)
    flying = [threading.Thread(target=sign_in) for _ in range(4)]
    for thread in flying:
        thread.start()
    restart()
    for thread in flying:
        thread.join()
    for half in halves:
        try:
            got = half.recv(1000)
        except OSError:
            got = b""
        half.close()
        true(not got or got[9:12] in (b"400", b"408", b"503"), got[:100])
    for outcome in outcomes:
        true(isinstance(outcome, Exception) or outcome.status in (303, 503) or is_clean_refusal(outcome), f"{outcome}")
    w.ministry.tokens(w.browser(), w.an)
    equal(request(w.issuer, "GET", "/jwks").status, 200, "/jwks")


def main():
    global WORLD
    with Provider(World.SETTINGS.replace("code: 5s", "code: 60s") + "throttle:\n  network_free: 100000\n") as provider:
        WORLD = World(provider)
        return check.run(check.collect(globals(), "X16"))


if __name__ == "__main__":
    sys.exit(main())
