# SPDX-License-Identifier: Apache-2.0
"""A scripted browser and a relying party, for tests that talk HTTP to a running provider.

Browser keeps cookies and reads forms as a person's browser would, follows nothing by itself, and
shows what was sent. Party builds authorization requests and redeems what comes back. Standard
library only; nothing here knows how the provider was started.
"""
import base64
import hashlib
import html.parser
import http.client
import json
import secrets
import urllib.parse

TIMEOUT = 10  # seconds


class Response:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def header(self, name):
        """The one value of a header; None when absent; AssertionError when repeated."""
        values = self.all(name)
        assert len(values) < 2, f"{name} is sent {len(values)} times"
        return values[0] if values else None

    def all(self, name):
        return [v for n, v in self.headers if n.lower() == name.lower()]

    @property
    def text(self):
        return self.body.decode("utf-8", "replace")

    def json(self):
        return json.loads(self.body)

    @property
    def location(self):
        return self.header("Location")

    def query(self):
        """Parameters of the redirect: name -> value (decoded), each once."""
        pairs = urllib.parse.parse_qsl(urllib.parse.urlsplit(self.location).query,
                                       keep_blank_values=True)
        assert len(dict(pairs)) == len(pairs), f"a parameter is repeated: {self.location}"
        return dict(pairs)

    def forms(self):
        parser = _Forms()
        parser.feed(self.text)
        return parser.forms

    def __repr__(self):
        return f"<{self.status} {self.location or ''} {self.text[:300]!r}>"


class _Forms(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.forms = []

    def handle_starttag(self, tag, attrs):
        a = dict(attrs)
        if tag == "form":
            self.forms.append({"id": a.get("id"), "action": a.get("action"),
                               "method": (a.get("method") or "get").lower(),
                               "fields": {}, "types": {}, "buttons": []})
        elif self.forms and tag in ("input", "button") and a.get("name"):
            form = self.forms[-1]
            form["types"][a["name"]] = a.get("type", "text" if tag == "input" else "submit")
            if tag == "button" or a.get("type") == "submit":
                form["buttons"].append((a["name"], a.get("value", "")))
            else:
                form["fields"][a["name"]] = a.get("value", "")


def request(origin, method, path, body=None, headers=None):
    """One request on a connection of its own; `path` goes onto the wire as it is."""
    parts = urllib.parse.urlsplit(origin)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=TIMEOUT)
    try:
        connection.putrequest(method, path, skip_accept_encoding=True)
        for name, value in (headers or {}).items():
            for one in value if isinstance(value, list) else [value]:
                connection.putheader(name, one)
        if body is not None:
            body = body.encode() if isinstance(body, str) else body
            connection.putheader("Content-Length", str(len(body)))
        try:
            connection.endheaders(body)
        except (BrokenPipeError, ConnectionResetError):
            if connection.sock is None:
                raise  # nobody there
            # Refused before it was read to its end: the answer may be there.
        answer = connection.getresponse()
        return Response(answer.status, answer.getheaders(), answer.read())
    finally:
        connection.close()


FORM = "application/x-www-form-urlencoded"


class Browser:
    def __init__(self, issuer):
        self.issuer, self.cookies = issuer, {}
        self.form_origin = issuer  # Origin of the forms it posts

    def _send(self, method, path, body=None, headers=None):
        headers = dict(headers or {})
        headers.setdefault("Accept", "text/html")
        if self.cookies:
            headers.setdefault("Cookie", "; ".join(f"{n}={v}" for n, v in self.cookies.items()))
        answer = request(self.issuer, method, path, body, headers)
        for line in answer.all("Set-Cookie"):
            name, _, rest = line.partition("=")
            value = rest.split(";")[0]
            if not value or "max-age=0" in line.lower():
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = value
        return answer

    def _path(self, url):
        if url.startswith(self.issuer + "/"):
            return url[len(self.issuer):]
        assert url.startswith("/"), f"not of this provider: {url}"
        return url

    def get(self, url, **headers):
        return self._send("GET", self._path(url), None, headers.get("headers"))

    def post(self, url, fields, headers=None):
        body = fields if isinstance(fields, (str, bytes)) else urllib.parse.urlencode(fields)
        given = {"Content-Type": FORM, "Origin": self.form_origin, "Sec-Fetch-Site": "same-origin"}
        given.update(headers or {})
        return self._send("POST", self._path(url),  body,
                          {n: v for n, v in given.items() if v is not None})

    def submit(self, page, form_id=None, button=None, **values):
        """Submits the page's form (the only one, or that of an id) with a button pressed."""
        forms = [f for f in page.forms() if form_id is None or f["id"] == form_id]
        assert len(forms) == 1, f"{len(forms)} forms on the page: {page!r}"
        form = forms[0]
        fields = dict(form["fields"], **values)
        if button:
            assert button in form["buttons"], f"no button {button}"
            fields[button[0]] = button[1]
        return self.post(form["action"], fields)

    def follow(self, answer):
        """Follows redirects within the provider; returns the first answer that leaves it or is a page."""
        while answer.status == 303 and (answer.location.startswith("/") or
                                        answer.location.startswith(self.issuer + "/")):
            answer = self.get(answer.location)
        return answer

    def sign_in(self, page, username, password):
        """From a page with the password form to whatever comes next."""
        assert is_sign_in(page), page
        return self.follow(self.submit(page, username=username, password=password))

    def consent(self, page, decision="allow"):
        assert is_consent(page), page
        return self.submit(page, "consent", ("decision", decision))

    def session_cookie(self):
        names = [n for n in self.cookies if "session" in n]
        return self.cookies[names[0]] if names else None


def is_sign_in(page):
    return page.status == 200 and any("password" in f["types"].values() for f in page.forms())


def is_consent(page):
    return page.status == 200 and any(f["id"] == "consent" for f in page.forms())


def is_error_page(answer, status=400):
    return answer.status == status and answer.location is None


def b64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def b64url_decode(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def jwt_part(token, index):
    return json.loads(b64url_decode(token.split(".")[index]))


class Party:
    """A relying party with its registered metadata (client_id, client_secret, redirect_uris ...)."""

    def __init__(self, issuer, metadata):
        self.issuer, self.metadata = issuer, metadata
        self.client_id = metadata["client_id"]
        self.redirect_uri = (metadata.get("redirect_uris") or [None])[0]
        self.verifier = None

    # -- authorization endpoint

    def params(self, **changed):
        """Parameters of a good request; None leaves one out."""
        self.verifier = secrets.token_urlsafe(48)
        base = {
            "client_id": self.client_id, "redirect_uri": self.redirect_uri,
            "response_type": "code", "scope": "openid", "state": secrets.token_urlsafe(8),
            "nonce": secrets.token_urlsafe(8),
            "code_challenge": b64url(hashlib.sha256(self.verifier.encode()).digest()),
            "code_challenge_method": "S256",
        }
        base.update(changed)
        return {n: v for n, v in base.items() if v is not None}

    def url(self, **changed):
        return "/authorize?" + urllib.parse.urlencode(self.params(**changed))

    def sign_on(self, browser, user, **changed):
        """A whole authorization with whatever pages come; returns the answer to the party."""
        answer = browser.get(self.url(**changed))
        if is_sign_in(answer):
            answer = browser.sign_in(answer, user["username"], user["password"])
        if is_consent(answer):
            answer = browser.consent(answer)
        return answer

    def code(self, browser, user, **changed):
        answer = self.sign_on(browser, user, **changed)
        assert answer.status == 303 and answer.location.startswith(self.redirect_uri), answer
        query = answer.query()
        assert "code" in query, query
        return query["code"]

    # -- token endpoint

    def token(self, fields, auth="registered", headers=None, path="/token", drop=()):
        fields = {n: v for n, v in fields.items() if v is not None}
        headers = dict({"Content-Type": FORM}, **(headers or {}))
        method = self.metadata.get("token_endpoint_auth_method", "client_secret_basic")
        if auth == "registered":
            if method == "client_secret_basic":
                headers["Authorization"] = self.basic()
            else:
                fields.setdefault("client_id", self.client_id)
                if method == "client_secret_post":
                    fields.setdefault("client_secret", self.metadata["client_secret"])
        for name in drop:
            fields.pop(name, None)
        return request(self.issuer, "POST", path, urllib.parse.urlencode(fields), headers)

    def basic(self, client_id=None, secret=None):
        quote = urllib.parse.quote_plus
        text = quote(client_id or self.client_id) + ":" + quote(
            self.metadata.get("client_secret", "") if secret is None else secret)
        return "Basic " + base64.b64encode(text.encode()).decode()

    def redeem(self, code, **changed):
        fields = {"grant_type": "authorization_code", "code": code,
                  "redirect_uri": self.redirect_uri, "code_verifier": self.verifier}
        options = {n: changed.pop(n) for n in ("auth", "headers", "path") if n in changed}
        fields.update(changed)
        return self.token(fields, **options)

    def refresh(self, token, **changed):
        return self.token(dict({"grant_type": "refresh_token", "refresh_token": token}, **changed))

    def tokens(self, browser, user, **changed):
        answer = self.redeem(self.code(browser, user, **changed))
        assert answer.status == 200, answer
        return answer.json()

    # -- userinfo

    def userinfo(self, token):
        return request(self.issuer, "GET", "/userinfo", None, {"Authorization": "Bearer " + token})


def error_of(answer):
    """(status, error) of a JSON error answer."""
    return answer.status, answer.json().get("error")
