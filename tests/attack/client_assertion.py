# SPDX-License-Identifier: Apache-2.0
"""Attacks on private_key_jwt (catalogue 1B: B07, B10, B13-B16)."""
import concurrent.futures
import secrets
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "lib"))
from hostile_jwt import Key, Signer
from oidc_world import Canary, run
from party import FORM, Party, error_of, jwt_part, request

TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
GRANT = {"grant_type": "client_credentials"}


class Machine(Party):
    """A registered client with keys of its own; `keys`: the first signs."""

    def __init__(self, w, name, keys, **metadata):
        metadata = {"client_id": name, "client_name": "Máy", "token_endpoint_auth_method": "private_key_jwt",
                    "grant_types": ["client_credentials"], "response_types": [], "redirect_uris": [],
                    "scope": "dossier.read", "jwks": {"keys": [k.jwk() for k in keys]}, **metadata}
        super().__init__(w.issuer, {**metadata, **w.provider.add_client(**metadata)})
        signs = metadata["token_endpoint_auth_method"] == "private_key_jwt"
        assert signs == ("client_secret" not in self.metadata), "a client that signs was given a secret"
        self.keys = keys
        self.signer = Signer(keys[0], {"alg": keys[0].alg, "kid": keys[0].kid, "typ": "JWT"}, self.claims)

    def claims(self):
        return {"iss": self.client_id, "sub": self.client_id, "aud": self.issuer, "exp": int(time.time()) + 60,
                "iat": int(time.time()), "jti": secrets.token_urlsafe(16)}

    def send(self, assertion, headers=None, path="/token", **more):
        fields = {**GRANT, "client_assertion_type": TYPE, "client_assertion": assertion, **more}
        return self.token(fields, auth=None, headers=headers, path=path)


def machine(w, alg="ES256"):
    """One for all tests of a kind of key."""
    made = w.__dict__.setdefault("machines", {})
    if alg not in made:
        made[alg] = Machine(w, "machine-" + alg.lower(), [Key(alg, "k1")])
    return made[alg]


def refused(answer):
    assert error_of(answer) == (401, "invalid_client"), answer
    assert answer.header("WWW-Authenticate") is None


def B13_good_assertions(w):
    for alg in ("ES256", "RS256", "PS256", "EdDSA"):
        m = machine(w, alg)
        answer = m.send(m.signer.good())
        assert answer.status == 200, (alg, answer)
        assert jwt_part(answer.json()["access_token"], 1)["client_id"] == m.client_id
    m = machine(w)
    now = int(time.time())
    for changes in ({"iat": None}, {"nbf": now}, {"nbf": now + 30}, {"exp": now + 3500}, {"exp": now + 60.5}, {"aud": [w.issuer]},
                    {"x": {"unknown": [1]}}):
        assert m.send(m.signer.changed(**changes)).status == 200, changes
    for header in ({"typ": None}, {"typ": "client-authentication+jwt"}, {"kid": None}, {"typ": "jwt"}):
        assert m.send(m.signer.token(header=header)).status == 200, header
    assert m.send(m.signer.good(), client_id=m.client_id).status == 200


def B13_bad_claims(w):
    m = machine(w)
    now = int(time.time())
    for changes in ({"exp": now - 1}, {"exp": None}, {"exp": now + 4000}, {"exp": str(now + 60)}, {"nbf": now + 90},
                    {"iat": now + 90}, {"iss": None}, {"sub": None}, {"iss": "portal"}, {"sub": "portal"},
                    {"iss": "portal", "sub": "portal"}, {"iss": m.client_id + "x"}, {"iss": [m.client_id]}, {"jti": None},
                    {"jti": ""}, {"jti": 1}, {"jti": "x" * 257}):
        refused(m.send(m.signer.changed(**changes)))
    assert m.send(m.signer.good()).status == 200


def B13_bad_types_and_ids(w):
    m = machine(w)
    for changed in ({"client_assertion_type": TYPE.replace("jwt-bearer", "saml2-bearer")}, {"client_assertion_type": TYPE.upper()},
                    {"client_assertion_type": TYPE + " "}, {"client_assertion_type": "x"}, {"client_assertion_type": None},
                    {"client_id": "portal"}, {"client_id": "nobody"}):
        refused(m.send(m.signer.good(), **changed))
    refused(m.token({**GRANT, "client_assertion_type": TYPE, "client_id": m.client_id}, auth=None))


def B13_keys_of_others(w):
    m, other = machine(w), machine(w, "EdDSA")
    refused(m.send(m.signer.token(key=Key("ES256", "k1"))))
    refused(m.send(other.signer.token(claims=m.claims())))
    refused(m.send(Signer(Key("ES256", "k1"), {"alg": "ES256"}, m.claims).good()))


def B13_the_registered_algorithm(w):
    """An RSA key serves two algorithms; the one that was registered counts, not the header's."""
    key = Key("RS256", "k1")
    jwk = {n: v for n, v in key.jwk().items() if n != "alg"}
    for registered, good in ((None, ("RS256", "PS256")), ("RS256", ("RS256",)), ("PS256", ("PS256",))):
        more = {"token_endpoint_auth_signing_alg": registered} if registered else {}
        m = Machine(w, f"alg-{registered}", [key], jwks={"keys": [jwk]}, **more)
        for alg in ("RS256", "PS256"):
            answer = m.send(m.signer.token(header={"alg": alg}, alg=alg))
            assert (answer.status == 200) == (alg in good), (registered, alg, answer)
            if answer.status != 200:
                refused(answer)


def B13_several_keys(w):
    """Each registered key signs, by its name or without one; a name does not lend itself."""
    one, two = Key("ES256", "k1"), Key("RS256", "k2")
    m = Machine(w, "two-keys", [one, two])
    for key in (one, two):
        for header in ({"alg": key.alg, "kid": key.kid}, {"alg": key.alg, "kid": None}):
            assert m.send(m.signer.token(header=header, key=key)).status == 200, header
    refused(m.send(m.signer.token(header={"alg": "ES256", "kid": "k2"}, key=one)))
    refused(m.send(m.signer.token(header={"alg": "RS256", "kid": "k1"}, key=two)))


def B14_audiences(w):
    m = machine(w)
    discovery = request(w.issuer, "GET", "/.well-known/openid-configuration").json()
    urls = [w.issuer, discovery["token_endpoint"], w.issuer + "/oauth2/token"]
    for aud in (*urls, urls, [urls[1]], [urls[0], urls[2]]):
        assert m.send(m.signer.changed(aud=aud)).status == 200, aud
    for aud in ("https://other.example", w.issuer + "/", w.issuer + "/authorize", w.issuer + "/userinfo", w.issuer + "/token/",
                w.issuer + "/token?x", w.issuer.replace("http:", "https:"), w.issuer.upper(), "", None, [], [w.issuer, "https://other.example"],
                ["https://other.example", urls[1]], [w.issuer, 1], m.client_id, {w.issuer: 1}, f"{w.issuer} {urls[1]}"):
        refused(m.send(m.signer.changed(aud=aud)))


def B15_one_use(w):
    m = machine(w)
    assertion = m.signer.good()
    assert m.send(assertion).status == 200
    refused(m.send(assertion))
    first, again = m.claims(), m.claims()
    again.update(jti=first["jti"], exp=first["exp"] + 100)
    assert m.send(m.signer.token(claims=first)).status == 200
    refused(m.send(m.signer.token(claims=again)))
    other = machine(w, "EdDSA")
    claims = {**other.claims(), "jti": first["jti"]}
    assert other.send(other.signer.token(claims=claims)).status == 200, "another client's jti counts"
    w.restart(kill=True)
    refused(m.send(assertion))


def B15_fifty_at_once(w):
    m = machine(w)
    for _ in range(4):
        assertion = m.signer.good()
        with concurrent.futures.ThreadPoolExecutor(50) as pool:
            answers = list(pool.map(lambda _: m.send(assertion), range(50)))
        assert sorted(a.status for a in answers) == [200] + 49 * [401], [a.status for a in answers]


def B15_a_refused_grant_spends_it_too(w):
    m = machine(w)
    assertion = m.signer.good()
    assert error_of(m.send(assertion, scope="nothing.of.mine"))[0] == 400
    refused(m.send(assertion))


def B16_keys_that_a_header_brings(w):
    m, own = machine(w), Key("ES256", "mine")
    with Canary() as canary:
        for header in ({"jku": canary.url}, {"x5u": canary.url}, {"jwk": own.jwk()}, {"jku": canary.url, "jwk": own.jwk()}):
            for kid in ("mine", "k1", None):
                refused(m.send(m.signer.token(header={**header, "kid": kid}, key=own)))
        # They mean nothing beside the registered key either.
        assert m.send(m.signer.token(header={"jku": canary.url, "jwk": own.jwk()})).status == 200
        time.sleep(0.2)
        assert canary.connections == 0


def B07_B10_one_method(w):
    m = machine(w)
    for headers in ({"Authorization": m.basic(secret="x")}, {"Authorization": w.machine.basic()}):
        assert error_of(m.send(m.signer.good(), headers=headers)) == (400, "invalid_request")
    refused(m.send(m.signer.good(), client_secret="x"))
    for decoy in ("", "e30.e30.", "a.b.c", m.signer.token(header={"alg": "none"}, signature=b"")):
        refused(m.send(decoy, client_id=m.client_id, client_secret="x"))
    refused(m.send(m.signer.good(), client_id="ministry", client_secret=w.ministry.metadata["client_secret"]))


def B10_other_methods_of_a_client_that_signs(w):
    m = Machine(w, "other-methods", [Key("ES256", "k1")])
    for secret in ("", "x", m.client_id):
        answer = m.token(GRANT, auth=None, headers={"Authorization": m.basic(secret=secret)})
        assert error_of(answer) == (401, "invalid_client")
        refused(m.token({**GRANT, "client_id": m.client_id, "client_secret": secret}, auth=None))
    # And an assertion does not stand for a secret.
    both = Machine(w, "signs-requests", [Key("ES256", "k1")], token_endpoint_auth_method="client_secret_basic")
    refused(both.send(both.signer.good()))
    assert both.token(GRANT).status == 200
    for party in (w.ministry, w.native):
        claims = {**m.claims(), "iss": party.client_id, "sub": party.client_id}
        refused(m.send(m.signer.token(claims=claims)))


def B13_a_disabled_client(w):
    m = Machine(w, "disabled", [Key("ES256", "k1")])
    assert m.send(m.signer.good()).status == 200
    w.idpctl("client", "disable", "disabled")
    refused(m.send(m.signer.good()))


def B13_at_every_endpoint_that_clients_call(w):
    m = machine(w)
    token = m.send(m.signer.good()).json()["access_token"]
    for path, good in (("/introspect", lambda a: a.json()["active"]), ("/revoke", lambda a: True)):
        answer = m.send(m.signer.good(), path=path, token=token)
        assert answer.status == 200 and good(answer), (path, answer)
        assertion = m.signer.good()
        assert m.send(assertion, path="/token").status == 200
        refused(m.send(assertion, path=path, token=token))
        refused(m.send(m.signer.token(key=Key("ES256", "k1")), path=path, token=token))


def B13_E18_sets_of_keys_at_registration(w):
    one, two = Key("ES256", "k1").jwk(), Key("ES256", "k1").jwk()
    base = {"token_endpoint_auth_method": "private_key_jwt", "grant_types": ["client_credentials"], "response_types": [],
            "redirect_uris": []}
    for bad in ({"keys": [one, two]}, {"keys": [{"kty": "oct", "k": "AAAA", "kid": "o"}]}, {"keys": []}, [], {},
                {"keys": [{**one, "d": "AAAA"}]}):
        w.refused_client({**base, "jwks": bad})
    w.refused_client(base)
    w.refused_client({**base, "jwks": {"keys": [one]}, "jwks_uri": "https://machine.example/jwks"})
    w.refused_client({**base, "jwks": {"keys": [one]}, "token_endpoint_auth_signing_alg": "HS256"})
    w.refused_client({**base, "jwks": {"keys": [one]}, "token_endpoint_auth_signing_alg": "none"})


def B12_many_wrong_assertions(w):
    """Nobody guesses a signature, so no one is told to wait; but what is written down has an end."""
    m = Machine(w, "often-wrong", [Key("ES256", "k1")])
    bad = Signer(Key("ES256", "k1"), m.signer.header, m.claims)
    for _ in range(100):
        refused(m.send(bad.good()))
    rows = [r for r in w.store_rows()["audit"] if "client_refused" in r and "often-wrong" in r]
    assert 0 < len(rows) <= 61, len(rows)
    assert m.send(m.signer.good()).status == 200


if __name__ == "__main__":
    sys.exit(run(__name__))
