# SPDX-License-Identifier: Apache-2.0
"""Attacks on sessions, cookies, pages and errors (catalogue 1F: F10-F13, F18, F19, F21, F24-F27; 1T:
T10; 1B: B29, B36)."""
import contextlib
import html.parser
import json
import re
import secrets
import sqlite3
import ssl
import subprocess
import sys
import time
import urllib.parse
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "lib"))
import idp
from oidc_world import PASSWORD, run
from party import FORM, is_sign_in, request

IDLE, ABSOLUTE, REFRESH = 120, 600, 900  # seconds, as SETTINGS says
SETTINGS = f"  session_idle: {IDLE}s\n  session: {ABSOLUTE}s\n  refresh: {REFRESH}s\n  refresh_idle: {REFRESH}s\n"


def edit(w, sql, *values):
    """Moves stored times, with the provider stopped: what waiting would do."""
    w.provider.stop()
    try:
        with contextlib.closing(sqlite3.connect(w.provider.path("idp.db"))) as db:
            changed = db.execute(sql, values).rowcount
            db.commit()
    finally:
        w.provider.start()
    assert changed > 0, sql


# ---- cookies and sessions ----

def cookie_lines(answer):
    return {line.split("=")[0]: [p.strip() for p in line.split(";")[1:]] for line in answer.all("Set-Cookie")}


def F10_cookies_of_plain_loopback(w):
    browser = w.browser()
    page = browser.get(w.ministry.url())
    answer = browser.submit(page, username="an", password=PASSWORD)
    seen = {**cookie_lines(page), **cookie_lines(answer)}
    assert any("session" in n for n in seen) and any("flow" in n for n in seen), seen
    for name, attributes in seen.items():
        assert "HttpOnly" in attributes and "SameSite=Lax" in attributes and "Path=/" in attributes, (name, attributes)
        assert not name.startswith("__Host-") and "Secure" not in attributes, "http on loopback"
        assert not any(a.lower().startswith("domain") for a in attributes)


def F10_cookies_over_tls(w):
    with idp.Provider(scheme="https", listen=tls_lines(w)) as provider:
        import http.client
        context = ssl._create_unverified_context()
        connection = http.client.HTTPSConnection("localhost", provider.port, timeout=10, context=context)
        provider.add_client(client_id="c", redirect_uris=["https://c.example/cb"])
        query = urllib.parse.urlencode({"client_id": "c", "redirect_uri": "https://c.example/cb", "response_type": "code",
                                        "scope": "openid"})
        connection.request("GET", "/authorize?" + query, headers={"Accept": "text/html"})
        answer = connection.getresponse()
        lines = [v for n, v in answer.getheaders() if n.lower() == "set-cookie"]
        assert lines and answer.status == 200
        for line in lines:
            parts = [p.strip() for p in line.split(";")]
            assert parts[0].startswith("__Host-") and {"Secure", "HttpOnly", "SameSite=Lax", "Path=/"} <= set(parts[1:]), line
            assert not any(p.lower().startswith("domain") for p in parts)
        assert "max-age=" in answer.getheader("Strict-Transport-Security")
        connection.close()


def tls_lines(w):
    cert, key = w.provider.path("web.crt"), w.provider.path("web.key")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key,
                    "-out", cert, "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"],
                   check=True, capture_output=True)
    Path(key).chmod(0o600)
    return f"  tls_certificate: {cert}\n  tls_key: {key}\n"


def F11_session_ids_are_random_and_the_store_does_not_have_them(w):
    cookies = {w.signed_in(w.new_user(f"f11-{i}")).session_cookie() for i in range(20)}
    assert len(cookies) == 20
    dump = json.dumps({t: [[v.hex() if isinstance(v, bytes) else v for v in r] for r in rows]
                       for t, rows in w.store_rows().items()})
    import base64
    for cookie in cookies:
        raw = base64.urlsafe_b64decode(cookie + "=" * (-len(cookie) % 4))
        assert len(raw) >= 24, "less than 128 random bits beside the time"
        assert cookie not in dump and raw.hex() not in dump and raw[4:].hex() not in dump
    rows = w.store_rows()["session"]
    thief = w.browser()
    name = next(n for n in w.signed_in().cookies if "session" in n)
    for row in rows[:20]:
        for value in row:
            if isinstance(value, bytes):
                for text in (base64.urlsafe_b64encode(value).rstrip(b"=").decode(), value.hex()):
                    thief.cookies = {name: text}
                    assert is_sign_in(thief.get("/account")), "a row of the store opened a session"


def F12_a_cookie_after_signing_out(w):
    owner = w.signed_in(w.new_user("f12"))
    thief = w.browser()
    thief.cookies.update(owner.cookies)
    assert not is_sign_in(thief.get("/account"))
    page = owner.get("/logout")
    answer = owner.submit(page, "logout", ("decision", "allow"))
    assert answer.status in (200, 303) and not owner.session_cookie()
    assert is_sign_in(thief.get("/account")) and is_sign_in(thief.get(w.ministry.url()))


def F13_the_end_of_a_session(w):
    for column, seconds in (("last_seen", IDLE), ("auth", ABSOLUTE)):
        for over, ended in ((-20, False), (1, True)):
            user = w.new_user(f"f13-{column}-{ended}".lower())
            browser = w.signed_in(user)
            assert not is_sign_in(browser.get("/account"))
            now, who = int(time.time()), "user_id = (SELECT id FROM account WHERE username = ?)"
            if column == "last_seen":
                edit(w, f"UPDATE session SET last_seen = ? WHERE {who}", now - seconds - over, user["username"])
            else:
                edit(w, f"UPDATE session SET expires_at = ? WHERE {who}", now - over, user["username"])
            assert is_sign_in(browser.get("/account")) == ended, (column, over)
            assert is_sign_in(browser.get(w.ministry.url())) == ended


def B29_a_refresh_token_after_its_absolute_end(w):
    for over, status in ((-20, 200), (1, 400)):
        user = w.new_user(f"b29-{status}")
        tokens = w.ministry.tokens(w.browser(), user, scope="openid offline_access")
        token, whose = tokens["refresh_token"], "user_id = (SELECT id FROM account WHERE username = ?)"
        edit(w, f"UPDATE oauth_grant SET expires_at = ? WHERE {whose}", int(time.time()) + 60, user["username"])
        for _ in range(3):
            token = w.ministry.refresh(token).json()["refresh_token"]
        edit(w, f"UPDATE oauth_grant SET expires_at = expires_at - 60 - ? WHERE {whose}", over, user["username"])
        answer = w.ministry.refresh(token)
        assert answer.status == status, (over, answer)
        if status != 200:
            assert answer.json()["error"] == "invalid_grant"


def B36_assertions_are_no_grants(w):
    for grant in ("urn:ietf:params:oauth:grant-type:jwt-bearer", "urn:ietf:params:oauth:grant-type:token-exchange",
                  "urn:ietf:params:oauth:grant-type:saml2-bearer", "urn:ietf:params:oauth:grant-type:device_code"):
        for party in (w.machine, w.portal):
            answer = party.token({"grant_type": grant, "assertion": "a.b.c", "subject_token": "x", "scope": "openid",
                                  "subject_token_type": "urn:ietf:params:oauth:token-type:access_token"})
            assert (answer.status, answer.json()["error"]) == (400, "unsupported_grant_type"), answer


# ---- where a person may be led ----

EVIL = ["//evil.example", "///evil.example", "////evil.example", "/\\evil.example", "\\\\evil.example", "\\/evil.example",
        "/%09/evil.example", "/\t/evil.example", "/%0a/evil.example", "/%0d%0aLocation:%20//evil.example", "https:evil.example",
        "https://evil.example", "http://evil.example", "HTTPS://evil.example", "https:/evil.example", "https:///evil.example",
        "@evil.example", "/@evil.example", "//user@evil.example", "https://localhost@evil.example", "https://localhost:1@evil.example",
        "javascript:alert(1)", "JaVaScRiPt:alert(1)", "java\tscript:alert(1)", "%6aavascript:alert(1)", "data:text/html,x", "vbscript:x",
        "/..//evil.example", "/./\\evil.example", "/%2f%2fevil.example", "/%5cevil.example", "%2f%2fevil.example", "／／evil.example",
        "//evil。example", "//evil%E3%80%82example", "/\u2028/evil.example", ".evil.example", "?//evil.example", "#//evil.example",
        " //evil.example", "\x00//evil.example", "/account/../..//evil.example", "ftp://evil.example", "/;@evil.example"]


def stays(answer, w):
    for location in answer.all("Location"):
        assert location.startswith(("/", w.issuer + "/")) and not location.startswith(("//", "/\\", "/%2f", "/%5c")), location
        assert "\r" not in location and "evil.example" not in urllib.parse.urlsplit(location).netloc
    for link in re.findall(r'(?:href|action|src)="([^"]*)"', answer.text):
        assert not re.match(r"(?i)\s*(?:javascript|data|vbscript):", link), link
        host = urllib.parse.urlsplit(link.replace("\\", "/")).netloc
        assert "evil" not in host, link


def F18_nothing_leads_away(w):
    assert len(EVIL) >= 40
    browser = w.signed_in(w.new_user("f18"))
    names = ("next", "return", "return_to", "RelayState", "redirect", "url", "continue", "post_logout_redirect_uri", "flow", "lang")
    for text in EVIL:
        value = urllib.parse.quote(text, safe="")
        query = "&".join(f"{n}={value}" for n in names)
        for path in ("/", "/account", "/logout", "/account/password", "/authorize/resume"):
            stays(browser.get(f"{path}?{query}"), w)
        page = browser.get("/account/password")
        form = page.forms()[0]
        stays(browser.post(form["action"], {**form["fields"], **{n: text for n in names if n not in form["fields"]},
                                            "current_password": "x", "new_password": "y", "new_password2": "y"}), w)
    assert browser.get("/account").status == 200


PAYLOADS = ["<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "'><svg/onload=alert(1)>", "</title><script>x</script>",
            "javascript:alert(1)//", "\" autofocus onfocus=alert(1) x=\"", "{{constructor.constructor('x')()}}", "{{{x}}}",
            "<!--", "]]>", "&lt;script&gt;", "\u2028alert(1)", "%3Cscript%3E", "<a href=\"javascript:x\">", "${7*7}"]


class Markup(html.parser.HTMLParser):
    """Objects to what only an attacker could have put in."""

    def handle_starttag(self, tag, attributes):
        assert tag not in ("script", "iframe", "object", "embed", "base"), tag
        for name, value in attributes:
            assert not name.startswith("on") and name not in ("autofocus", "srcdoc"), (tag, name)
            assert name != "src" or value.startswith("/"), (tag, value)
            assert name not in ("href", "action") or not re.match(r"(?i)\s*(?:javascript|data):", value), (tag, value)


def harmless(answer, payload):
    """What was sent stands nowhere in the page as markup."""
    if "text/html" not in (answer.header("Content-Type") or ""):
        return
    csp = answer.header("Content-Security-Policy")
    assert csp.startswith("default-src 'none'") and "unsafe" not in csp, csp
    assert answer.header("X-Content-Type-Options") == "nosniff"
    if any(c in payload for c in "<>\""):
        assert payload not in answer.text, (payload, answer)
    Markup().feed(answer.text)


def F19_every_parameter_with_every_payload(w):
    browser = w.signed_in(w.new_user("f19"))
    good = w.portal.params()
    for payload in PAYLOADS:
        for name in (*good, "login_hint", "ui_locales", "acr_values", "claims", "display", "response_mode", "request", "unknown"):
            harmless(w.browser().get("/authorize?" + urllib.parse.urlencode({**good, name: payload})), payload)
        for path in ("/logout?state={}&post_logout_redirect_uri={}&id_token_hint={}&client_id={}", "/authorize/resume?flow={}",
                     "/account?done={}&error={}&lang={}", "/?lang={}&x={}", "/client-logo?client_id={}", "/{}", "/static/{}"):
            value = urllib.parse.quote(payload, safe="")
            harmless(browser.get(path.replace("{}", value)), payload)
        page = w.browser()
        harmless(page.submit(page.get(w.ministry.url(login_hint=payload)), username=payload, password=payload), payload)
        harmless(request(w.issuer, "GET", "/account", None, {"Accept": "text/html", "User-Agent": payload.replace("\u2028", ""),
                                                             "Accept-Language": "vi"}), payload)
    thief = w.browser()  # what a session remembers of its browser is shown on the account page
    thief.cookies.update(browser.cookies)


def F19_what_a_browser_says_of_itself(w):
    """User-Agent is kept with the session and shown to the person: as text, and without controls."""
    user = w.new_user("f19-agent")
    agent = "<script>alert(1)</script>\x01\x02 \"Máy\" " + "A" * 5000
    browser = w.browser()
    headers = {"User-Agent": agent.encode("utf-8").decode("latin-1")}
    page = browser.get(w.ministry.url())
    form = page.forms()[0]
    answer = browser.post(form["action"], {**form["fields"], "username": user["username"], "password": user["password"]}, headers)
    if answer.status == 400:  # a control character in a field is refused as a whole
        headers["User-Agent"] = headers["User-Agent"].replace("\x01\x02", "")
        answer = browser.post(form["action"], {**form["fields"], "username": user["username"], "password": user["password"]}, headers)
    assert answer.status == 303 and browser.session_cookie(), answer
    shown = browser.get("/account").text
    assert "<script>alert" not in shown and "A" * 600 not in shown
    with contextlib.closing(sqlite3.connect(f"file:{w.provider.path('idp.db')}?mode=ro", uri=True)) as db:
        kept = [r[0] for r in db.execute("SELECT user_agent FROM session WHERE user_agent IS NOT NULL")]
    assert kept and all(len(k) <= 512 and not re.search(r"[^\x20-\x7e]", k) for k in kept), kept


def F21_static_files_only(w):
    assert request(w.issuer, "GET", "/static/site.css").status in (200, 404)
    good = re.search(r'href="(/static/[^"]*)"', w.browser().get("/account").text)
    assert good and request(w.issuer, "GET", good[1]).status == 200
    for path in ("/static/../idpd.yaml", "/static/..%2fidpd.yaml", "/static/%2e%2e/idpd.yaml", "/static/%2e%2e%2f%2e%2e%2fetc/passwd",
                 "/static/..;/idpd.yaml", "/static/%c0%ae%c0%ae/x", "/static/site.css%00", "/static/site.css%00.html", "/static//etc/passwd",
                 "/static/\\..\\x", "/static/..%5cx", "/static/", "/static", "/static/.", "/static/./site.css", "/static/site.css/",
                 "/static/%252e%252e%252f", "/static/....//x", "/static/site.css~", "/static/.git/config"):
        answer = request(w.issuer, "GET", path)
        assert answer.status in (400, 404), (path, answer)


# ---- steps and their order ----

def F24_no_step_without_the_one_before(w):
    browser = w.browser()
    for path, fields in (("/consent", {"decision": "allow", "flow": "x", "csrf": "y"}), ("/consent", {}),
                         ("/sign-in/password", {"flow": "x", "csrf": "y", "new_password": PASSWORD, "new_password2": PASSWORD}),
                         ("/sign-in", {"username": "an", "password": PASSWORD}), ("/sign-in", {})):
        answer = browser.post(path, fields)
        assert answer.status in (400, 403) and not browser.session_cookie(), (path, answer)
    other = w.signed_in(w.new_user("f24"))
    consent = other.get(w.portal.url()).forms()[0]
    answer = browser.post("/consent", {**consent["fields"], "decision": "allow"})
    assert answer.status in (400, 403), answer
    assert browser.get("/authorize/resume?flow=x").status in (400, 403)
    not_yet = other.get(w.portal.url(prompt="login")).forms()[0]["fields"]["flow"]
    answer = other.post("/consent", {"flow": not_yet, "csrf": consent["fields"]["csrf"], "decision": "allow"})
    assert is_sign_in(answer), answer


def F25_the_password_is_asked_for_again(w):
    user = w.new_user("f25")
    browser = w.signed_in(user)
    page = browser.get("/account/password")
    for current in ("", "wrong-password-0"):
        answer = browser.submit(page, current_password=current, new_password="Mot-mat-khau-moi-1", new_password2="Mot-mat-khau-moi-1")
        assert answer.status != 303 or "password_changed" not in answer.location, answer
    stranger = w.browser()
    assert is_sign_in(stranger.follow(stranger.get("/account/password")))
    fresh = w.browser()
    w.ministry.code(fresh, user)
    assert fresh.session_cookie(), "the old password still opens it"


# ---- logs, errors, caches ----

def F26_logs_have_one_line_an_event_and_no_secret(w):
    marks = {name: "Z" + secrets.token_hex(12) for name in ("password", "secret", "code_verifier", "nonce")}
    browser = w.browser()
    page = browser.get(w.ministry.url(nonce=marks["nonce"], login_hint="x\r\n{\"level\":\"info\",\"event\":\"forged\"}"))
    browser.submit(page, username="a\r\n{\"event\":\"forged\"}", password=marks["password"])
    tokens = w.ministry.tokens(w.browser(), w.an)
    code = w.ministry.code(w.signed_in(), w.an)
    w.ministry.redeem(code, code_verifier=marks["code_verifier"] + "A" * 40)
    w.portal.token({"grant_type": "client_credentials"}, auth=None,
                   headers={"Authorization": w.portal.basic(secret=marks["secret"])})
    cookie = browser.cookies and next(iter(browser.cookies.values()))
    log = w.provider.log()
    for line in filter(None, log.splitlines()):
        assert json.loads(line).get("event") != "forged", line
    hidden = [*marks.values(), code, tokens["access_token"], tokens["id_token"], tokens["refresh_token"], PASSWORD, cookie,
              w.ministry.metadata["client_secret"], tokens["access_token"].split(".")[2]]
    audit = json.dumps(w.idpctl("audit", "tail", "--most", "1000"))
    for secret in filter(None, hidden):
        assert secret not in log and secret not in audit, "a secret stands in the log"


def F27_errors_tell_nothing(w):
    telling = re.compile(r"(?i)\b(sqlite|select |insert |stack|\.c:\d+|assert|0x[0-9a-f]{6,}|microhttpd|openssl|/tmp/|/usr/|errno|segfault)")
    answers = [request(w.issuer, method, path, body, headers) for method, path, body, headers in (
        ("GET", "/nowhere", None, {}), ("DELETE", "/token", None, {}), ("POST", "/token", "{", {"Content-Type": "application/json"}),
        ("POST", "/token", "a=%zz", {"Content-Type": FORM}), ("POST", "/token", "grant_type=x", {"Content-Type": FORM}),
        ("GET", "/userinfo", None, {"Authorization": "Bearer x"}), ("POST", "/introspect", "token=x", {"Content-Type": FORM}),
        ("GET", "/authorize?client_id='--", None, {"Accept": "text/html"}), ("GET", "/authorize", None, {"Accept": "text/html"}),
        ("POST", "/token", "x" * 100_000, {"Content-Type": FORM}), ("GET", "/" + "a" * 9000, None, {}),
        ("POST", "/consent", "flow=x", {"Content-Type": FORM, "Origin": w.issuer}), ("GET", "/%ff", None, {}), ("GET", "/static/x", None, {}))]
    for answer in answers:
        assert 400 <= answer.status < 500, answer
        assert not telling.search(answer.text), answer
        assert not answer.header("Server") or not re.search(r"\d", answer.header("Server")), answer.header("Server")
        assert answer.header("X-Powered-By") is None


def T10_what_must_not_be_kept(w):
    browser = w.signed_in(w.new_user("t10"))
    tokens = w.ministry.tokens(w.browser(), w.an)
    for answer in (browser.get("/account"), browser.get(w.ministry.url()), browser.get("/"), w.browser().get(w.portal.url()),
                   w.ministry.userinfo(tokens["access_token"]), w.ministry.refresh(tokens["refresh_token"]),
                   w.machine.token({"grant_type": "client_credentials"}), w.machine.token({"grant_type": "x"}),
                   w.ministry.token({"token": "x"}, path="/introspect"), browser.get("/nowhere")):
        assert "no-store" in answer.header("Cache-Control"), answer
    for path in ("/jwks", "/.well-known/openid-configuration"):
        answer = request(w.issuer, "GET", path)
        assert "public" in answer.header("Cache-Control") and not answer.all("Set-Cookie")
    answer = request(w.issuer, "OPTIONS", "/token", None, {"Origin": "https://page.example", "Access-Control-Request-Method": "POST"})
    assert answer.header("Vary") == "Origin"


if __name__ == "__main__":
    sys.exit(run(__name__, SETTINGS))
