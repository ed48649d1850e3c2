# SPDX-License-Identifier: Apache-2.0
"""VNeID's direct interface for partners: form-encoded token request, answers in an envelope
{"data", "key"}: key = base64 of an AES key under RSA PKCS#1 v1.5, data = base64 of AES-ECB with PKCS#7 padding over
JSON. No nonce, no ID token; codes contain a `+` that stands unescaped in the redirect.

`spoils` of its own, for both answers or (with the endpoint before it: "userinfo:bad_padding") for one:
bad_padding, odd_length, key_wrong, key_truncated, key_of_odd_size, data_truncated, not_base64, not_object, not_json,
not_envelope, data_missing, level_downgrade."""
import base64
import json
import os

from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from upstream import OTHER_KEY, Reply
from upstream_code_flow import CodeFlow

BLOCK = 16


def public_key(jwk):
    """Of a JWK with n and e."""
    n, e = (int.from_bytes(base64.urlsafe_b64decode(jwk[part] + "=="), "big") for part in ("n", "e"))
    return rsa.RSAPublicNumbers(e, n).public_key()


def encrypt(key, data):
    encryptor = Cipher(algorithms.AES(key), modes.ECB()).encryptor()
    return encryptor.update(data) + encryptor.finalize()


def padded(data):
    count = BLOCK - len(data) % BLOCK
    return data + bytes([count]) * count


class VneidPartnerDouble(CodeFlow):
    """`public_key`: the relying party's, to which answers are encrypted."""

    cookie = "VNEID_PARTNER"
    code_suffix = "+a+/=="
    aes_bytes = 32

    def __init__(self, public_key=None, **options):
        self.public_key = public_key
        super().__init__(**options)

    @property
    def issuer(self):
        return self.base

    def routes(self):
        return {"/oauth2/authorize": ("authorize", self.authorize), "/oauth2/token": ("token", self.token),
                "/oauth2/userinfo": ("userinfo", self.userinfo), "/oauth2/logout": ("logout", self.logout)}

    def endpoints(self):
        return {"authorization": self.base + "/oauth2/authorize", "token": self.base + "/oauth2/token",
                "userinfo": self.base + "/oauth2/userinfo"}

    def encode(self, answer):
        """The `+` of a code as it is, which form decoding would make a space."""
        return super().encode(answer).replace("%2B", "+")

    # ---- people and answers

    def add_citizen(self, name, number, full_name, level=2, **claims):
        return self.add_person(name, **{"citizenPid": number, "fullName": full_name, "birthDate": "12/02/1990",
                                        "accountType": 1, "accountLevel": level, **claims})

    def subject(self, person):
        return self.people[person]["citizenPid"]

    def token_reply(self, made):
        return self.envelope("token", {"access_token": made["token"], "token_type": "Bearer", "expires_in": 300})

    def userinfo_claims(self, session):
        claims = dict(self.people[session["person"]])
        if "level_downgrade" in self.spoils:
            claims["accountLevel"] = 1
        return claims

    def userinfo_reply(self, claims):
        return self.envelope("userinfo", claims)

    # ---- the envelope

    def envelope(self, endpoint, content):
        def spoilt(name):
            return self.spoilt(name, f"{endpoint}:{name}")

        key = os.urandom(self.aes_bytes)
        plain = b"not JSON" if spoilt("not_json") else json.dumps(["content"] if spoilt("not_object") else content).encode()
        block = padded(plain)
        if spoilt("bad_padding"):
            block = block[:-1] + b"\x00"
        data = encrypt(key, block)
        if spoilt("odd_length"):
            data = data[:-3]
        if spoilt("data_truncated"):
            data = data[:BLOCK]
        to = OTHER_KEY.private.public_key() if spoilt("key_wrong") else self.public_key
        wrapped = to.encrypt(key[:5] if spoilt("key_of_odd_size") else key, padding.PKCS1v15())
        if spoilt("key_truncated"):
            wrapped = wrapped[:-1]
        answer = {"data": base64.b64encode(data).decode(), "key": base64.b64encode(wrapped).decode()}
        if spoilt("not_base64"):
            answer["data"] = "*" + answer["data"][1:]
        if spoilt("data_missing"):
            del answer["data"]
        return Reply(200, content if spoilt("not_envelope") else answer, {"Cache-Control": "no-store"})
