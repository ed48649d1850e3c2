#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Sign-ins that another site begins (OIDC Core 4): the provider's account page offers services, and a
sample portal takes such requests by GET and POST, for its own provider and on to its own pages only
(F18)."""
import os
import subprocess
import sys
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import check
from browser import Browser
from check import equal, true
from demo_run import DemoRun
from idp import BUILD

DEMO = None


def portal(number=0):
    return DEMO.about["portals"][number]["url"]


def n_portals():
    return len(DEMO.about["portals"])


def issuer():
    return DEMO.about["issuer"]


def query(**fields):
    return urllib.parse.urlencode({n: v for n, v in fields.items() if v is not None})


def login_url(number=0, **fields):
    return portal(number) + "/login?" + query(**{"iss": issuer(), **fields})


def sign_in(browser, page, user=0):
    """Where the person is after the password, when it is asked."""
    if any("password" in f["types"].values() for f in page.forms):
        person = DEMO.about["users"][user]
        page = browser.submit(page, {"username": person["username"], "password": person["password"]})
    return page


def idpctl(*words):
    subprocess.run([f"{BUILD}/idpctl", "--socket", DEMO.about["admin_socket"], *words], check=True, capture_output=True)


def is_signed_in(browser, number=0):
    return any(f["id"] == "sign-out" for f in browser.get(portal(number) + "/").forms)


def scenario_the_account_page_offers_services():
    browser = Browser()
    page = sign_in(browser, browser.get(issuer() + "/account"))
    links = [link for link in page.links if "/login?" in link]
    equal(sorted(links), sorted(login_url(n) for n in range(n_portals())), "links to all portals, with iss and nothing of the person")
    for number in (0, 1):
        page = browser.get(login_url(number))
        equal((page.status, page.url), (200, portal(number) + "/"), "one click, no password")
        true(is_signed_in(browser, number), "signed in there")
    for lang, name in (("en", "Provincial public services"), ("vi", "Cổng dịch vụ công tỉnh")):
        text = Browser(headers={"Accept-Language": lang})
        text.cookies = {key: value for key, value in browser.cookies.items() if "lang" not in key[1]}
        page = text.get(issuer() + "/account")
        true(f">{name}</a>" in page.text, f"named in {lang}")


def scenario_a_disabled_service_is_not_offered():
    browser = Browser()
    sign_in(browser, browser.get(issuer() + "/account"))
    idpctl("client", "disable", "portal-ministry")
    try:
        page = browser.get(issuer() + "/account")
        wanted = [login_url(n) for n in range(n_portals()) if n != 1]
        equal(sorted(link for link in page.links if "/login?" in link), sorted(wanted), "links")
    finally:
        idpctl("client", "enable", "portal-ministry")
    page = browser.get(issuer() + "/account")
    equal(len([link for link in page.links if "/login?" in link]), n_portals(), "links after it is enabled again")


def scenario_hint_and_target_by_get_and_post():
    person, target = DEMO.about["users"][1], portal() + "/?from=elsewhere&x=%C3%A1#part"
    for method in ("GET", "POST"):
        browser = Browser()
        fields = {"iss": issuer(), "login_hint": person["username"], "target_link_uri": target}
        if method == "GET":
            page = browser.get(login_url(**fields))
        else:
            page = browser.post(portal() + "/login", fields, {"Origin": "https://elsewhere.example", "Sec-Fetch-Site": "cross-site"})
        true(page.url.startswith(issuer()), f"{method}: at the provider: {page.status} {page.url}")
        equal(page.form(field="password")["fields"]["username"], person["username"], f"{method}: the hint is in the form")
        page = sign_in(browser, page, 1)
        equal((page.status, page.url), (200, target), f"{method}: on to the target")
        true(is_signed_in(browser), method)
        page = browser.get(login_url(target_link_uri=target))
        equal((page.status, page.url), (200, target), f"{method}: who is signed in goes there at once")


def F18_another_provider():
    for what, iss in (("another", "https://evil.example"), ("none", None), ("empty", ""), ("with a slash", issuer() + "/"),
                      ("longer", issuer() + ".evil.example"), ("another port", issuer()[:-1]), ("user part", issuer() + "@evil.example"),
                      ("upper case", issuer().upper()), ("a space", issuer() + " ")):
        for method in ("GET", "POST"):
            browser = Browser()
            page = browser.request("GET", portal() + "/login?" + query(iss=iss)) if method == "GET" else \
                browser.post(portal() + "/login", {"iss": iss or ""}, follow=False)
            equal((page.status, page.header("Location"), browser.cookies), (400, None, {}), f"{method} iss: {what}")
    page = Browser().request("GET", login_url() + "&iss=" + urllib.parse.quote("https://evil.example"))
    equal(page.status, 400, "two of them")


def targets():
    own, host = portal(), portal().split("//")[1]
    port = host.split(":")[1]
    return [
        "https://evil.example", "https://evil.example/", "//evil.example", "///evil.example", "////evil.example", "/\\evil.example",
        "\\\\evil.example", "/%09/evil.example", "/\t/evil.example", "https:evil.example", "https:/evil.example", "http:evil.example",
        "javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,x", "vbscript:x", "file:///etc/passwd", "about:blank",
        "blob:" + own, "view-source:" + own, "/", "/relative", "?x", "#x", "..", "evil", f"{own}.evil.example/",
        f"{own}@evil.example/", f"{own}:80@evil.example/", f"{own}%2eevil.example", f"{own}\\.evil.example", f"{own}\\@evil.example/",
        f"{own}1/", f"{own}evil", f"http://evil.example@{host}/", f"http://user:pw@{host}/", f"http://{host}.evil.example/",
        f"http://{host}%00.evil.example/", f"http://localhost.evil.example:{port}/", f"http://evil.example:{port}/",
        f"http://127.0.0.1:{port}/", f"http://[::1]:{port}/", f"https://{host}/", f"HTTP://{host}/", f"http://LOCALHOST:{port}/",
        f"http:\\\\{host}/", f" {own}/", f"\t{own}/", f"{own}/ x", f"{own}/\\evil.example", f"{own}/\nLocation: x", f"{own}/\r\nX: y",
        f"{own}/\u2028", f"{own}／evil.example", f"http://ｌocalhost:{port}/", f"{own}。evil.example", portal(1) + "/", issuer() + "/",
        f"{own}/" + "a" * 3000, "\x00", f"{own}/\x00", f"{own}/\x7f",
    ]


def F18_targets_on_other_sites():
    tried = targets()
    true(len(tried) >= 40, len(tried))
    signed_in = Browser()
    sign_in(signed_in, signed_in.get(login_url()))
    for target in tried:
        for who, browser in (("a stranger", Browser()), ("somebody signed in", signed_in)):
            before = dict(browser.cookies)
            page = browser.request("GET", login_url(target_link_uri=target))
            equal((page.status, page.header("Location"), browser.cookies), (400, None, before), f"{who}: {target!r}")
        page = Browser().post(portal() + "/login", {"iss": issuer(), "target_link_uri": target}, follow=False)
        equal((page.status, page.header("Location")), (400, None), f"POST: {target!r}")
    page = Browser().request("GET", login_url(target_link_uri=portal() + "/") + "&target_link_uri=https://evil.example")
    equal(page.status, 400, "two of them")


def F18_own_pages_of_odd_shape_stay_on_the_origin():
    browser = Browser()
    sign_in(browser, browser.get(login_url()))
    for path in ("", "/", "//evil.example", "/..//evil.example", "/@evil.example", "?next=https://evil.example", "#//evil.example",
                 "/%5cevil.example", "/%2f%2fevil.example"):
        page = browser.request("GET", login_url(target_link_uri=portal() + path))
        equal((page.status, page.header("Location")), (303, portal() + path), path)
        true(urllib.parse.urljoin(page.url, page.header("Location")).startswith(portal()), path)


def F18_a_target_waits_for_its_own_login_only():
    browser = Browser()
    browser.stop_at = portal() + "/callback"
    first = sign_in(browser, browser.get(login_url(target_link_uri=portal() + "/?first")))
    browser.stop_at = None
    cookies = {key: value for key, value in browser.cookies.items() if "portal" not in key[1]}
    browser.cookies = cookies
    equal(browser.get(first.url).status, 400, "the answer in a browser whose login is gone")
    page = browser.get(portal() + "/sign-in")
    equal(page.url, portal() + "/", "a login of its own has no target of others")


def F18_other_methods_and_bodies():
    for method in ("PUT", "DELETE", "PATCH"):
        equal(Browser().request(method, login_url()).status, 405, method)
    page = Browser().request("POST", portal() + "/login", body="{}", headers={"Content-Type": "application/json"})
    equal(page.status, 415, "JSON")
    equal(Browser().post(portal() + "/login", {"iss": issuer(), "login_hint": "x" * 20000}, follow=False).status, 413, "20 kB")
    equal(Browser().request("GET", login_url(login_hint="x" * 300)).status, 400, "a long hint")
    page = Browser().request("GET", login_url(login_hint="a&scope=openid%20admin#x"))
    asked = urllib.parse.parse_qs(urllib.parse.urlsplit(page.header("Location")).query)
    equal((asked["login_hint"], asked["scope"] != ["openid admin"]), (["a&scope=openid%20admin#x"], True), "a hint stays a hint")


def main():
    global DEMO
    with DemoRun() as DEMO:
        return check.run(check.collect(globals(), ("F18", "scenario")))


if __name__ == "__main__":
    sys.exit(main())
