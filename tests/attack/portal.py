#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The sample portals as others would copy them: answers of other browsers, replays, forged sign-outs
(section 1U of the attack list, from the relying party's side)."""
import hashlib
import os
import sys
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import check
from browser import Browser
from check import equal, true
from demo_run import DemoRun

DEMO = None


def portal(number=0):
    return DEMO.about["portals"][number]["url"]


def answer_for(browser, number=0, user=0):
    """The URL that the provider sends this browser back to, not yet visited."""
    browser.stop_at = portal(number) + "/callback"
    page = browser.get(portal(number) + "/sign-in")
    if not page.url.startswith(browser.stop_at):
        person = DEMO.about["users"][user]
        page = browser.submit(page, {"username": person["username"], "password": person["password"]})
    browser.stop_at = None
    true(page.url.startswith(portal(number) + "/callback?"), page.url)
    return page.url


def changed(url, **values):
    parts = urllib.parse.urlsplit(url)
    query = {**dict(urllib.parse.parse_qsl(parts.query)), **values}
    return parts._replace(query=urllib.parse.urlencode({n: v for n, v in query.items() if v is not None})).geturl()


def is_signed_in(browser, number=0):
    return any(f["id"] == "sign-out" for f in browser.get(portal(number) + "/").forms)


def portal_cookies(browser):
    return {name: value for (_, name), value in browser.cookies.items() if "portal" in name}


def U01_an_answer_counts_in_its_own_browser_only():
    attacker, victim = Browser(), Browser()
    url = answer_for(attacker)
    equal(victim.get(url).status, 400, "in a browser that asked for nothing")
    answer_for(victim, user=1)
    equal(victim.get(url).status, 400, "in a browser that asked for something else")
    true(not is_signed_in(victim), "the victim is not signed in as the attacker")
    true(attacker.get(url).status == 200 and is_signed_in(attacker), "and in its own it counts")


def U01_an_answer_counts_once():
    browser = Browser()
    url = answer_for(browser)
    equal(browser.get(url).status, 200, "the first time")
    cookies = dict(browser.cookies)
    equal(browser.get(url).status, 400, "the second time")
    browser.cookies = cookies
    true(is_signed_in(browser), "who is signed in stays so")


def U02_answers_with_other_values():
    for what, values in (("state", {"state": "x"}), ("no state", {"state": None}), ("iss", {"iss": "https://evil.example"}),
                         ("no iss", {"iss": None}), ("code", {"code": "x"}), ("no code", {"code": None})):
        browser = Browser()
        equal(browser.get(changed(answer_for(browser), **values)).status, 400, what)
        true(not is_signed_in(browser), what)
    browser = Browser()
    equal(browser.get(answer_for(browser) + "&code=x").status, 400, "two codes")
    browser = Browser()
    equal(browser.get(changed(answer_for(browser))).status, 200, "unchanged")


def U02_a_failed_answer_uses_the_login_up():
    browser = Browser()
    url = answer_for(browser)
    equal(browser.get(changed(url, state="x")).status, 400, "spoilt")
    equal(browser.get(url).status, 400, "then the right one")


def U02_the_answer_for_one_portal_at_the_other():
    browser = Browser()
    url = answer_for(browser, 0)
    answer_for(browser, 1)
    equal(browser.get(url.replace(portal(0), portal(1))).status, 400, "at the ministry's")
    true(not is_signed_in(browser, 1), "not signed in there")
    equal(browser.get(url).status, 200, "at the province's")


def U01_an_error_that_nobody_asked_for():
    browser = Browser()
    equal(browser.get(portal() + "/callback?error=access_denied").status, 400, "without a login")
    url = answer_for(browser)
    equal(browser.get(changed(url, code=None, error="access_denied", state="x")).status, 400, "with a wrong state")
    url = answer_for(browser)
    page = browser.request("GET", changed(url, code=None, error="access_denied"))
    equal((page.status, page.header("Location")), (303, "/"), "with the right one")


def U10_signing_in_gives_a_new_cookie():
    browser = Browser()
    url = answer_for(browser)
    before = portal_cookies(browser)
    browser.get(url)
    after = portal_cookies(browser)
    equal(set(before), set(after), "cookie names")
    true(set(before.values()).isdisjoint(after.values()), "the value that was there before signing in")
    stale = Browser()
    stale.cookies = {("localhost", n): v for n, v in before.items()}
    true(not is_signed_in(stale), "the old value is worth nothing")


def U10_a_planted_cookie_is_not_taken_over():
    browser = Browser()
    answer_for(browser)
    (name, _), = portal_cookies(browser).items()
    browser.cookies = {("localhost", name): "A" * 43}
    url = answer_for(browser)
    true(portal_cookies(browser)[name] != "A" * 43, "at the start")
    browser.get(url)
    true(is_signed_in(browser), "signed in under a value of the portal's own")


def F_cookies_are_closed_and_each_portal_has_its_own():
    browser = Browser()
    names = []
    for number in (0, 1):
        page = browser.request("GET", portal(number) + "/sign-in")
        lines = [v for v in page.all_headers("Set-Cookie") if v.startswith("portal")]
        equal(len(lines), 1, "cookies")
        name, _, rest = lines[0].partition("=")
        names.append(name)
        flags = [part.strip().lower() for part in rest.split(";")[1:]]
        true("httponly" in flags and "samesite=lax" in flags and "path=/" in flags, flags)
        true(name.endswith(hashlib.sha256(portal(number).encode()).hexdigest()[:6]), name)
    true(names[0] != names[1], f"cookies ignore ports: {names}")


def F_signing_out_needs_the_form_of_this_session():
    browser = Browser()
    browser.get(answer_for(browser))
    form = browser.get(portal() + "/").form("sign-out")
    other = Browser()
    other.get(answer_for(other, user=1))
    foreign = other.get(portal() + "/").form("sign-out")["fields"]["csrf"]
    for what, fields in (("no token", {}), ("another's", {"csrf": foreign}), ("made up", {"csrf": "A" * 22})):
        page = browser.post(portal() + "/sign-out", fields, {"Origin": portal()}, follow=False)
        equal(page.status, 403, what)
    page = browser.post(portal() + "/sign-out", form["fields"], {"Origin": "https://evil.example"}, follow=False)
    equal(page.status, 403, "from another site")
    equal(browser.request("GET", portal() + "/sign-out").status, 405, "GET")
    true(is_signed_in(browser), "still signed in")
    page = browser.post(portal() + "/sign-out", form["fields"], {"Origin": portal()}, follow=False)
    true(page.status == 303 and page.header("Location").startswith(DEMO.about["issuer"] + "/"), page.header("Location"))
    true(not is_signed_in(browser), "signed out")


def F_pages_hold_what_they_show():
    page = Browser().get(portal() + "/")
    true("frame-ancestors 'none'" in page.header("Content-Security-Policy", ""), "frames")
    true("no-store" in page.header("Cache-Control", ""), "cache")
    true("<script" not in page.text, "scripts")


def main():
    global DEMO
    with DemoRun() as DEMO:
        return check.run(check.collect(globals(), ("U0", "U1", "F_")))


if __name__ == "__main__":
    sys.exit(main())
