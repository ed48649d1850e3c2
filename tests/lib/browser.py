# SPDX-License-Identifier: Apache-2.0
"""A browser without scripts: cookies by host and path (ports ignored, as browsers do), redirects by
hand, forms read from the page. Standard library only."""
import http.client
import ssl
import urllib.parse
from html.parser import HTMLParser


class Forms(HTMLParser):
    """Forms of a page: action, method, hidden fields, all inputs, the page's buttons."""

    def __init__(self, text):
        super().__init__()
        self.forms = []
        self.links = []
        self._form = None
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        a = dict(attrs)
        if tag == "form":
            self._form = {"id": a.get("id"), "action": a.get("action", ""),
                          "method": a.get("method", "get").lower(), "fields": {}, "types": {}, "buttons": []}
            self.forms.append(self._form)
        elif tag == "a" and "href" in a:
            self.links.append(a["href"])
        elif self._form is not None and tag == "input" and a.get("name"):
            self._form["fields"][a["name"]] = a.get("value", "") or ""
            self._form["types"][a["name"]] = a.get("type", "text")
        elif self._form is not None and tag == "button" and a.get("name"):
            self._form["buttons"].append((a["name"], a.get("value", "")))

    def handle_endtag(self, tag):
        if tag == "form":
            self._form = None


class Page:
    def __init__(self, url, status, headers, body):
        self.url = url
        self.status = status
        self.headers = headers  # list of (name, value)
        self.body = body
        self.text = body.decode("utf-8", "replace")

    def header(self, name, default=None):
        for key, value in self.headers:
            if key.lower() == name.lower():
                return value
        return default

    def all_headers(self, name):
        return [v for k, v in self.headers if k.lower() == name.lower()]

    @property
    def forms(self):
        return Forms(self.text).forms

    @property
    def links(self):
        return Forms(self.text).links

    def form(self, form_id=None, field=None):
        for form in self.forms:
            if (form_id is None or form["id"] == form_id) and (field is None or field in form["fields"]):
                return form
        raise AssertionError(f"no form {form_id or field or ''} on {self.url} ({self.status})")


class Browser:
    MAX_REDIRECTS = 12

    def __init__(self, ca_file=None, stop_at=None, headers=None):
        self.cookies = {}  # (host, name) -> value
        self.context = ssl.create_default_context(cafile=ca_file) if ca_file else None
        self.stop_at = stop_at  # a URL prefix that is not fetched (a relying party's redirect URI)
        self.extra = headers or {}

    def _cookie_header(self, host):
        return "; ".join(f"{name}={value}" for (h, name), value in self.cookies.items() if h == host)

    def _keep_cookies(self, host, headers):
        for key, value in headers:
            if key.lower() != "set-cookie":
                continue
            first, *attributes = value.split(";")
            name, _, content = first.strip().partition("=")
            gone = any(a.strip().lower() == "max-age=0" for a in attributes)
            if gone:
                self.cookies.pop((host, name), None)
            else:
                self.cookies[(host, name)] = content

    def request(self, method, url, body=None, headers=None):
        """One exchange, no redirects followed."""
        parts = urllib.parse.urlsplit(url)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        options = {"context": self.context} if parts.scheme == "https" else {}
        connection = kind(parts.hostname, parts.port, timeout=20, **options)
        send = {"Accept": "text/html", **self.extra, **(headers or {})}
        cookies = self._cookie_header(parts.hostname)
        if cookies and "Cookie" not in send:
            send["Cookie"] = cookies
        target = (parts.path or "/") + ("?" + parts.query if parts.query else "")
        connection.request(method, target, body=body, headers=send)
        answer = connection.getresponse()
        page = Page(url, answer.status, answer.getheaders(), answer.read())
        connection.close()
        self._keep_cookies(parts.hostname, page.headers)
        return page

    def follow(self, page):
        for _ in range(self.MAX_REDIRECTS):
            if page.status not in (301, 302, 303, 307, 308):
                return page
            target = urllib.parse.urljoin(page.url, page.header("Location"))
            if self.stop_at and target.startswith(self.stop_at):
                return Page(target, 0, [], b"")
            page = self.request("GET", target)
        raise AssertionError("too many redirects")

    def get(self, url, **options):
        if self.stop_at and url.startswith(self.stop_at):
            return Page(url, 0, [], b"")
        return self.follow(self.request("GET", url, **options))

    def post(self, url, fields, headers=None, follow=True):
        body = urllib.parse.urlencode(fields)
        page = self.request("POST", url, body=body,
                            headers={"Content-Type": "application/x-www-form-urlencoded", **(headers or {})})
        return self.follow(page) if follow else page

    def submit(self, page, values, form_id=None, button=None, follow=True, headers=None):
        """Fills the form that has the given fields, and sends it with its hidden ones."""
        wanted = next(iter(values), None)
        form = page.form(form_id, wanted if form_id is None else None)
        fields = dict(form["fields"])
        fields.update(values)
        if button:
            fields[button[0]] = button[1]
        action = urllib.parse.urljoin(page.url, form["action"])
        return self.post(action, fields, follow=follow, headers=headers)
