# SPDX-License-Identifier: Apache-2.0
"""The ministry's Keycloak as relying parties see it: discovery, RS256, sid, acr "1", RFC 9207 iss,
keys that rotate, logout tokens.

`spoils` of its own: level_downgrade (acr "0"), discovery_issuer (metadata that name another issuer)."""
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid

from upstream import OTHER_KEY, Reply, SigningKey, b64url, keyed_with, unsigned
from upstream_code_flow import CodeFlow

LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"
REALM = "/auth/realms/vneid"

# A logout token that must be refused (attack list, D11): name -> what is done to its claims.
BAD_LOGOUT_CLAIMS = {
    "nonce present": lambda c: c.update(nonce="n"),
    "no events": lambda c: c.pop("events"),
    "another event": lambda c: c.update(events={"https://example/event": {}}),
    "event not an object": lambda c: c.update(events={LOGOUT_EVENT: True}),
    "wrong aud": lambda c: c.update(aud="somebody-else"),
    "wrong iss": lambda c: c.update(iss="https://evil.example"),
    "old iat": lambda c: c.update(iat=c["iat"] - 3600, exp=c["exp"] - 3600),
    "iat in the future": lambda c: c.update(iat=c["iat"] + 3600, exp=c["exp"] + 3600),
    "no iat": lambda c: c.pop("iat"),
    "no jti": lambda c: c.pop("jti"),
    "neither sub nor sid": lambda c: (c.pop("sub", None), c.pop("sid", None)),
}
BAD_LOGOUT_SIGNATURES = {
    "alg none": lambda key, claims: unsigned(claims),
    "HS256 under the public key": lambda key, claims: keyed_with(key.public_pem(), claims, kid=key.kid),
    "another key": lambda key, claims: OTHER_KEY.sign(claims, kid=key.kid, typ="logout+jwt"),
    "an ID token's typ": lambda key, claims: key.sign(claims, typ="at+jwt"),
    "cut short": lambda key, claims: key.sign(claims, typ="logout+jwt")[:-4],
    "not a token": lambda key, claims: "not-a-token",
}


class VneidDouble(CodeFlow):
    cookie = "KEYCLOAK_IDENTITY"
    auth_methods = ("client_secret_post", "client_secret_basic")
    sends_iss = True

    def __init__(self, **options):
        self.old_keys = []
        super().__init__(**options)

    @property
    def issuer(self):
        return self.base + REALM

    def endpoint(self, name):
        return f"{self.issuer}/protocol/openid-connect/{name}"

    def routes(self):
        at = REALM + "/protocol/openid-connect/"
        return {REALM + "/.well-known/openid-configuration": ("discovery", self.discovery),
                at + "auth": ("authorize", self.authorize), at + "token": ("token", self.token),
                at + "userinfo": ("userinfo", self.userinfo), at + "certs": ("jwks", self.jwks),
                at + "logout": ("logout", self.logout)}

    def discovery(self, seen):
        return Reply(200, {
            "issuer": "https://evil.example" if "discovery_issuer" in self.spoils else self.issuer,
            "authorization_endpoint": self.endpoint("auth"), "token_endpoint": self.endpoint("token"),
            "userinfo_endpoint": self.endpoint("userinfo"), "jwks_uri": self.endpoint("certs"),
            "end_session_endpoint": self.endpoint("logout"), "response_types_supported": ["code"],
            "subject_types_supported": ["public"], "id_token_signing_alg_values_supported": ["RS256"],
            "token_endpoint_auth_methods_supported": list(self.auth_methods), "acr_values_supported": ["0", "1"],
            "code_challenge_methods_supported": ["S256"], "backchannel_logout_supported": True,
            "backchannel_logout_session_supported": True, "authorization_response_iss_parameter_supported": True})

    # ---- people and answers

    def add_citizen(self, name, number, full_name, /, **claims):
        return self.add_person(name, **{"sub": str(uuid.uuid4()), "name": full_name, "citizen_pid": number,
                                        "birthdate": "1990-02-12", "preferred_username": name,
                                        "email": f"{name}@example.vn", "email_verified": False, **claims})

    def subject(self, person):
        return self.people[person]["sub"]

    def id_claims(self, session):
        person = {n: v for n, v in self.people[session["person"]].items() if n != "sub"}
        return {"typ": "ID", "jti": str(uuid.uuid4()), "session_state": session["sid"], "sid": session["sid"],
                "acr": "0" if "level_downgrade" in self.spoils else "1", **person}

    def token_reply(self, made):
        return Reply(200, {"access_token": made["token"], "token_type": "Bearer", "expires_in": 300, "scope": "openid",
                           "id_token": self.id_token(made), "session_state": made["session"]["sid"],
                           "not-before-policy": 0}, {"Cache-Control": "no-store"})

    def userinfo_claims(self, session):
        return dict(self.people[session["person"]])

    # ---- keys

    def rotate(self, keep_old=True):
        """A new key signs from now on; the old one stays published, or not."""
        self.old_keys = [self.key] if keep_old else []
        self.key = SigningKey()

    def published(self):
        return [self.key, *self.old_keys]

    # ---- back-channel logout

    def logout_claims(self, person, sid=None, **changed):
        now = int(time.time())
        base = {"iss": self.issuer, "aud": self.client_id, "iat": now, "exp": now + 120, "jti": str(uuid.uuid4()),
                "sub": self.subject(person), "sid": sid, "events": {LOGOUT_EVENT: {}}, **changed}
        return {n: v for n, v in base.items() if v is not None}

    def logout_token(self, person, sid=None, bad=None, **changed):
        """`bad`: a name of BAD_LOGOUT_CLAIMS or BAD_LOGOUT_SIGNATURES."""
        claims = self.logout_claims(person, sid, **changed)
        if bad in BAD_LOGOUT_CLAIMS:
            BAD_LOGOUT_CLAIMS[bad](claims)
        elif bad is not None:
            return BAD_LOGOUT_SIGNATURES[bad](self.key, claims)
        return self.key.sign(claims, typ="logout+jwt")

    @staticmethod
    def send_logout(url, token):
        """(status, headers) of a relying party's answer."""
        body = urllib.parse.urlencode({"logout_token": token}).encode()
        try:
            with urllib.request.urlopen(urllib.request.Request(url, body), timeout=20) as answer:
                return answer.status, dict(answer.headers)
        except urllib.error.HTTPError as refused:
            return refused.code, dict(refused.headers)
