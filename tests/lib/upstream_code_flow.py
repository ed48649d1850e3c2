# SPDX-License-Identifier: Apache-2.0
"""What the doubles of upstream providers have in common above HTTP: people, browser sessions, codes
and access tokens, strict as a good provider is. A dialect says its paths and what its answers carry."""
import base64
import hashlib
import html
import secrets
import time
import urllib.parse

from upstream import (ID_TOKEN_SPOILS, SIGNATURE_SPOILS, Reply, SigningKey, Upstream, b64url, redirect)

CLIENT_ID, CLIENT_SECRET = "tinh:hai-duong", "bi mat+cua %tinh"
CODE_SECONDS, TOKEN_SECONDS = 60, 300

KEY = SigningKey()


class Refused(Exception):
    """An OAuth error answer: error, status."""

    def __init__(self, error, status=400, description=""):
        super().__init__(error)
        self.error, self.status, self.description = error, status, description


def _basic_pair(authorization):
    """Both parts form-decoded (RFC 6749 2.3.1); None: no Basic field."""
    scheme, _, text = authorization.partition(" ")
    client_id, colon, secret = base64.b64decode(text).decode().partition(":")
    return (urllib.parse.unquote_plus(client_id), urllib.parse.unquote_plus(secret)) if scheme == "Basic" and colon else None


class CodeFlow(Upstream):
    """`people`: name -> claims. `signs_in`: the name of who sits before the browser and agrees at once;
    None: a page with a button for each person. A login_hint that is a name comes before it."""

    cookie = "UPSTREAM_SESSION"
    auth_methods = ("client_secret_post",)  # or client_secret_basic
    code_suffix = ""  # of every code
    sends_iss = False

    def __init__(self, client_id=CLIENT_ID, client_secret=CLIENT_SECRET, redirect_uris=(), certificate=None):
        self.client_id, self.client_secret = client_id, client_secret
        self.redirect_uris = list(redirect_uris)
        self.post_logout_redirect_uris = []
        self.people, self.signs_in = {}, None
        self.sessions = {}  # cookie -> {person, sid, auth_time}
        self.codes, self.access_tokens = {}, {}
        self.last_code = None
        self.key = KEY
        super().__init__(certificate)

    # ---- authorization

    def authorize(self, seen):
        query = seen.query
        if query.get("client_id") != self.client_id or query.get("redirect_uri") not in self.redirect_uris:
            return Reply(400, "<p>upstream: no such client, or not its redirect URI</p>")
        if query.get("response_type") != "code":
            return self._back(query, error="unsupported_response_type")
        if "error_answer" in self.spoils:
            return self._back(query, error="access_denied", error_description="the person said no")
        session = self.sessions.get(seen.cookie(self.cookie))
        prompts = query.get("prompt", "").split()
        if session and not self._must_sign_in(query, prompts, session):
            return self._with_code(query, session)
        if "none" in prompts:
            return self._back(query, error="login_required")
        name = query.get("choose") or (query["login_hint"] if query.get("login_hint") in self.people else self.signs_in)
        if name is None:
            return self._page(seen)
        return self._sign_in(query, name)

    @staticmethod
    def _must_sign_in(query, prompts, session):
        age = time.time() - session["auth_time"]
        return "login" in prompts or (query.get("max_age", "").isdigit() and age > int(query["max_age"]))

    def _page(self, seen):
        hidden = "".join(f'<input type="hidden" name="{html.escape(n)}" value="{html.escape(v)}">' for n, v in seen.query.items())
        buttons = "".join(f'<button name="choose" value="{html.escape(n)}">{html.escape(n)}</button>' for n in self.people)
        return Reply(200, f'<title>Upstream</title><form id="upstream" action="{seen.path}">{hidden}{buttons}</form>')

    def _sign_in(self, query, name):
        value = secrets.token_urlsafe(16)
        session = {"person": name, "sid": secrets.token_hex(16), "auth_time": int(time.time())}
        self.sessions[value] = session
        answer = self._with_code(query, session)
        answer.headers["Set-Cookie"] = f"{self.cookie}={value}; Path=/; HttpOnly"
        return answer

    def _with_code(self, query, session):
        if "replay" in self.spoils and self.last_code:
            return self._back(query, code=self.last_code, session_state=session["sid"])  # one that was used
        code = secrets.token_urlsafe(24) + self.code_suffix
        self.codes[code] = {"session": session, "query": query, "at": time.time(), "token": None}
        self.last_code = code
        return self._back(query, code=code, session_state=session["sid"])

    def _back(self, query, **answer):
        if query.get("state") is not None:
            answer["state"] = query["state"]
        if self.sends_iss:
            answer["iss"] = self.issuer
        for name, spoil in (("state", "state"), ("iss", "answer_iss")):
            if f"{spoil}_missing" in self.spoils:
                answer.pop(name, None)
            if f"{spoil}_wrong" in self.spoils:
                answer[name] = "https://evil.example"
        return redirect(query["redirect_uri"] + ("&" if "?" in query["redirect_uri"] else "?") + self.encode(answer))

    def encode(self, answer):
        return urllib.parse.urlencode(answer)

    # ---- token

    def token(self, seen):
        try:
            self._authenticate(seen)
            return self.token_reply(self._redeem(seen.form))
        except Refused as why:
            return Reply(why.status, {"error": why.error, "error_description": why.description}, {"Cache-Control": "no-store"})

    def _authenticate(self, seen):
        if seen.method != "POST" or not seen.headers.get("Content-Type", "").startswith("application/x-www-form-urlencoded"):
            raise Refused("invalid_request")
        form, authorization = seen.form, seen.headers.get("Authorization")
        if authorization is not None:
            if "client_secret_basic" not in self.auth_methods or _basic_pair(authorization) != (self.client_id, self.client_secret):
                raise Refused("invalid_client", 401)
        elif "client_secret_post" not in self.auth_methods or \
                (form.get("client_id"), form.get("client_secret")) != (self.client_id, self.client_secret):
            raise Refused("invalid_client", 401)

    def _redeem(self, form):
        """The session that the code stands for. A code is good once; its second use ends the first's token."""
        if form.get("grant_type") != "authorization_code":
            raise Refused("unsupported_grant_type")
        with self.lock:
            made = self.codes.get(form.get("code"))
            if made is None:
                raise Refused("invalid_grant", description="no such code")
            if made["token"]:
                self.access_tokens.pop(made["token"], None)
                raise Refused("invalid_grant", description="the code was used before")
            made["token"] = secrets.token_urlsafe(24)
        if time.time() - made["at"] > CODE_SECONDS:
            raise Refused("invalid_grant", description="the code is old")
        if form.get("redirect_uri") != made["query"]["redirect_uri"]:
            raise Refused("invalid_grant", description="another redirect_uri")
        self._check_pkce(made["query"], form.get("code_verifier"))
        with self.lock:
            self.access_tokens[made["token"]] = {**made, "until": time.time() + TOKEN_SECONDS}
        return made

    @staticmethod
    def _check_pkce(query, verifier):
        challenge = query.get("code_challenge")
        if (challenge is None) != (verifier is None):
            raise Refused("invalid_grant", description="PKCE on one side only")
        if challenge is not None and (query.get("code_challenge_method") != "S256"
                                      or b64url(hashlib.sha256(verifier.encode()).digest()) != challenge):
            raise Refused("invalid_grant", description="another code_verifier")

    def id_token(self, made):
        now = int(time.time())
        query, session = made["query"], made["session"]
        claims = {"iss": self.issuer, "sub": self.subject(session["person"]), "aud": self.client_id, "azp": self.client_id,
                  "iat": now, "exp": now + TOKEN_SECONDS, "auth_time": session["auth_time"], **self.id_claims(session)}
        if query.get("nonce") is not None:
            claims["nonce"] = query["nonce"]
        for name, spoil in ID_TOKEN_SPOILS.items():
            if name in self.spoils:
                spoil(claims)
        for name, spoil in SIGNATURE_SPOILS.items():
            if name in self.spoils:
                return spoil(self.key, claims)
        return self.key.sign(claims)

    # ---- what hangs on an access token and on a session

    def made_for(self, seen):
        with self.lock:
            made = self.access_tokens.get(seen.bearer)
        return made if made and made["until"] > time.time() else None

    def userinfo(self, seen):
        made = self.made_for(seen)
        if made is None:
            return Reply(401, {"error": "invalid_token"}, {"WWW-Authenticate": 'Bearer error="invalid_token"'})
        claims = self.userinfo_claims(made["session"])
        if "userinfo_sub_other" in self.spoils:
            claims["sub"] = "somebody-else"
        if "userinfo_sub_missing" in self.spoils:
            claims.pop("sub", None)
        return self.userinfo_reply(claims)

    def userinfo_reply(self, claims):
        return Reply(200, claims, {"Cache-Control": "no-store"})

    def logout(self, seen):
        """RP-initiated: ends the browser's session, goes back where that is registered."""
        self.sessions.pop(seen.cookie(self.cookie), None)
        target = seen.query.get("post_logout_redirect_uri")
        if target in self.post_logout_redirect_uris and seen.query.get("id_token_hint"):
            state = seen.query.get("state")
            return redirect(target + (f"?state={urllib.parse.quote(state)}" if state else ""))
        return Reply(200, "<p>upstream: signed out</p>")

    def jwks(self, seen):
        return Reply(200, {"keys": [key.jwk() for key in self.published()]})

    def published(self):
        return [self.key]

    # ---- people

    def add_person(self, name, /, **claims):
        self.people[name] = claims
        return claims

    def session_of(self, name):
        """The newest live session of a person; None."""
        return next((s for s in reversed(list(self.sessions.values())) if s["person"] == name), None)
