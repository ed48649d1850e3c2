# SPDX-License-Identifier: Apache-2.0
"""Hostile JWTs: rows E01-E19 of docs/ATTACKS.md as data, for every place that parses a JWT.

A place says how its good token looks; rows() gives one bad token after the other, each a small step
from the good one. Who holds the key (a client with its assertion or request object) is a Signer;
who holds only a token that the provider signed (id_token_hint, access token) is a Holder: whatever
has to be signed anew is then signed with a key of the attacker's that claims to be the provider's.

    place = Signer(Key("ES256", "k1"), {"alg": "ES256", "kid": "k1"}, lambda: {"iss": ...})
    assert accepted(place.good())
    for name, token in rows(place, canary.url):
        assert refused(token), name
"""
import base64
import json
import time

from cryptography.hazmat.primitives import hashes, hmac, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils

HASH = {"256": hashes.SHA256, "384": hashes.SHA384, "512": hashes.SHA512}
CURVE = {"ES256": ec.SECP256R1, "ES384": ec.SECP384R1, "ES512": ec.SECP521R1}
CRV = {"secp256r1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521"}
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def b64(data):
    data = data.encode() if isinstance(data, str) else data
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def b64_decode(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def number(value, length=None):
    return b64(value.to_bytes(length or (value.bit_length() + 7) // 8, "big"))


class Key:
    """A private key of its own; `public_jwk`: that public key instead, for which nothing signs."""

    def __init__(self, alg="ES256", kid=None, bits=2048, public_jwk=None):
        self.alg, self.kid = alg, kid
        if public_jwk:
            self.private, self.public = None, public_key(public_jwk)
            return
        if alg in CURVE:
            self.private = ec.generate_private_key(CURVE[alg]())
        elif alg == "EdDSA":
            self.private = ed25519.Ed25519PrivateKey.generate()
        else:
            self.private = rsa.generate_private_key(65537, bits)
        self.public = self.private.public_key()

    def jwk(self):
        members = {"use": "sig", "alg": self.alg, **({"kid": self.kid} if self.kid else {})}
        if self.alg in CURVE:
            numbers, size = self.public.public_numbers(), (self.public.curve.key_size + 7) // 8
            return {"kty": "EC", "crv": CRV[self.public.curve.name], "x": number(numbers.x, size),
                    "y": number(numbers.y, size), **members}
        if self.alg == "EdDSA":
            raw = self.public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
            return {"kty": "OKP", "crv": "Ed25519", "x": b64(raw), **members}
        numbers = self.public.public_numbers()
        return {"kty": "RSA", "n": number(numbers.n), "e": number(numbers.e), **members}

    def spki(self, encoding=serialization.Encoding.PEM):
        return self.public.public_bytes(encoding, serialization.PublicFormat.SubjectPublicKeyInfo)

    def sign(self, text, alg=None, salt=None):
        """Signature of `text` as JOSE writes it, by `alg` (the key's own when None)."""
        alg = alg or self.alg
        if alg == "EdDSA":
            return self.private.sign(text)
        digest = HASH[alg[2:]]()
        if alg.startswith("ES"):
            size = (self.public.curve.key_size + 7) // 8
            r, s = utils.decode_dss_signature(self.private.sign(text, ec.ECDSA(digest)))
            return r.to_bytes(size, "big") + s.to_bytes(size, "big")
        if alg.startswith("PS"):
            salt = digest.digest_size if salt is None else salt
            return self.private.sign(text, padding.PSS(padding.MGF1(digest), salt), digest)
        return self.private.sign(text, padding.PKCS1v15(), digest)

    def raw_rsa(self, block):
        """The bare private operation on a padded block, for paddings that nobody should make."""
        numbers, size = self.private.private_numbers(), (self.public.key_size + 7) // 8
        result = pow(int.from_bytes(block, "big"), numbers.d, numbers.public_numbers.n)
        return result.to_bytes(size, "big")


def public_key(jwk):
    value = {n: int.from_bytes(b64_decode(jwk[n]), "big") for n in ("n", "e", "x", "y") if n in jwk}
    if jwk["kty"] == "RSA":
        return rsa.RSAPublicNumbers(value["e"], value["n"]).public_key()
    if jwk["kty"] == "EC":
        return ec.EllipticCurvePublicNumbers(value["x"], value["y"], ec.SECP256R1()).public_key()
    return ed25519.Ed25519PublicKey.from_public_bytes(b64_decode(jwk["x"]))


def text_of(part):
    """JSON of an object, text and bytes as they are, in base64url."""
    return b64(json.dumps(part) if isinstance(part, dict) else part)


class Signer:
    """`claims`: a function that gives the claims of a new good token (a new jti each time)."""

    def __init__(self, key, header, claims):
        self.key, self.public, self.header, self.claims = key, key, header, claims

    def good(self):
        return self.token()

    def token(self, header=None, claims=None, key=None, alg=None, signature=None):
        """Parts as objects, text or bytes; `header` dict: changes to the good one, None drops one."""
        if not isinstance(header, (str, bytes)):
            header = {n: v for n, v in {**self.header, **(header or {})}.items() if v is not None}
        return self.encoded(text_of(header), text_of(self.claims() if claims is None else claims),
                            key, alg, signature)

    def encoded(self, header, payload, key=None, alg=None, signature=None):
        """Of parts that are text in base64url already, or whatever they are."""
        text = f"{header}.{payload}"
        if signature is None:
            signature = (key or self.key).sign(text.encode("utf-8"), alg)
        return f"{text}.{b64(signature)}"

    def changed(self, **changes):
        """A token whose claims differ; None drops one."""
        claims = {**self.claims(), **changes}
        return self.token(claims={n: v for n, v in claims.items() if v is not None})


class Holder(Signer):
    """Has one good token and the key set that verifies it, nothing else."""

    def __init__(self, token, jwks):
        header, claims = (json.loads(b64_decode(part)) for part in token.split(".")[:2])
        super().__init__(Key(header["alg"], header.get("kid")), header, lambda: dict(claims))
        self.one = token
        self.public = Key(header["alg"], header.get("kid"), public_jwk=next(
            k for k in jwks["keys"] if k.get("kid") == header.get("kid")))

    def good(self):
        return self.one


# ---- the rows: functions of (place, canary URL) that yield (what, token) ------------------------

def E01_algorithm_none(p, _):
    for alg in ("none", "None", "nOnE", "NONE", "none ", "", None, 0, True, ["none"], [p.header["alg"]],
                {"alg": "none"}):
        header = json.dumps({**{n: v for n, v in p.header.items() if n != "alg"}, "alg": alg})
        yield f"alg {alg!r}, no signature", p.token(header=header, signature=b"")
        if not isinstance(alg, str):
            yield f"alg {alg!r}, signed", p.token(header=header)
    yield "alg missing, no signature", p.token(header={"alg": None}, signature=b"")
    yield "alg missing, signed", p.token(header={"alg": None})
    yield "good but for its signature", p.good().rpartition(".")[0] + "."
    yield "unsigned, two dots", f"{text_of({'alg': 'none'})}.{text_of(p.claims())}."


def E02_public_key_as_secret(p, _):
    jwk, pem = p.public.jwk(), p.public.spki()
    secrets = {"PEM": pem, "PEM without its last line end": pem.rstrip(), "nothing": b"", "a NUL": b"\0",
               "DER": p.public.spki(serialization.Encoding.DER), "JWK": json.dumps(jwk).encode(),
               "compact JWK": json.dumps(jwk, separators=(",", ":")).encode(),
               "kid": (p.header.get("kid") or "").encode()}
    for member in ("n", "x"):
        if member in jwk:
            secrets[member] = b64_decode(jwk[member])
            secrets[f"{member} as text"] = jwk[member].encode()
    for name, secret in secrets.items():
        text = f"{text_of({**p.header, 'alg': 'HS256'})}.{text_of(p.claims())}"
        mac = hmac.HMAC(secret, hashes.SHA256())
        mac.update(text.encode())
        yield f"HS256 with {name}", f"{text}.{b64(mac.finalize())}"


def E03_key_ids(p, _):
    for kid in ("../../../../dev/null", "/etc/passwd", "' OR 1=1 --", "a\0b", "%00", "k" * 65536, "", "k\r\nX: y",
                "no such key"):
        yield f"kid {kid[:20]!r}", p.token(header={"kid": kid})
    for kid in (1, ["k"], {"k": 1}, True):
        yield f"kid {kid!r}", p.token(header={"kid": kid})
    yield "kid null", p.token(header=json.dumps({**p.header, "kid": None}))


def E04_keys_that_come_along(p, canary):
    own = Key("ES256" if p.header["alg"] not in CURVE and p.header["alg"] != "EdDSA" else p.header["alg"], "own")
    header = {"alg": own.alg, "kid": "own"}
    for name, more in (("jwk", {"jwk": own.jwk()}), ("jku", {"jku": canary + "jwks"}), ("x5u", {"x5u": canary + "x5u"}),
                       ("x5c", {"x5c": [base64.b64encode(own.spki(serialization.Encoding.DER)).decode()]}),
                       ("all", {"jwk": own.jwk(), "jku": canary, "x5u": canary})):
        yield f"{name}, own kid", p.token(header={**header, **more}, key=own)
        yield f"{name}, the good kid", p.token(header={**header, **more, "kid": p.header.get("kid")}, key=own)
        yield f"{name}, no kid", p.token(header={**header, **more, "kid": None}, key=own)


def E05_critical_members(p, _):
    for crit in (["exp"], ["x"], [], ["b64", "b64"], ["alg"], ["typ"], "exp", True, {}, [1], [""]):
        yield f"crit {crit!r}", p.token(header={"crit": crit, "x": 1, "b64": True})
    yield "crit null", p.token(header=json.dumps({**p.header, "crit": None}))
    yield "b64 false", p.token(header={"b64": False, "crit": ["b64"]})
    yield "b64 false, not critical", p.token(header={"b64": False})
    plain = json.dumps(p.claims()).replace(".", "\\u002e")
    yield "unencoded payload", p.encoded(text_of({**p.header, "b64": False, "crit": ["b64"]}), plain)


def E06_repeated_members(p, _):
    header = json.dumps(p.header)[:-1]
    yield "alg twice", p.token(header=f'{header}, "alg": "{p.header["alg"]}"}}')
    yield "alg none first", p.token(header='{"alg": "none", ' + header[1:] + "}")
    yield "alg none last", p.token(header=header + ', "alg": "none"}')
    yield "alg with an escape", p.token(header=header + ', "\\u0061lg": "none"}')
    yield "an unknown member twice", p.token(header=header + ', "x": 1, "x": 1}')
    claims = p.claims()
    for name in claims:
        yield f"claim {name} twice", p.token(claims=f"{json.dumps(claims)[:-1]}, {json.dumps({name: claims[name]})[1:]}")
    yield "a nested member twice", p.token(claims=json.dumps(claims)[:-1] + ', "x": {"y": 1, "y": 2}}')


def E07_shapes(p, _):
    header, payload, signature = p.good().split(".")
    for parts in ([header], [header, payload], [header, payload, signature, ""], [header, payload, signature, signature],
                  [header, payload, signature, "", ""], [header, payload, signature, "", "", ""],
                  ["", header, payload, signature], ["", "", ""], [header, "", signature], ["", payload, signature],
                  [header, payload, "", signature], [payload, header, signature]):
        yield f"{len(parts)} segments of {[len(s) for s in parts]}", ".".join(parts)
    for before, after in ((" ", ""), ("", " "), ("\t", ""), ("", "\n"), ("", "\r\n"), ("", "\v"), ('"', '"'), ("", ",")):
        yield f"{before!r} before, {after!r} behind", before + p.good() + after
    for name, text in (("flattened", {"protected": header, "payload": payload, "signature": signature}),
                       ("general", {"payload": payload, "signatures": [{"protected": header, "signature": signature}]})):
        yield f"{name} JSON serialisation", json.dumps(text)


def E08_base64url(p, _):
    def loose(text):
        """The same bytes, with other unused bits in the last character."""
        letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
        return text[:-1] + letters[letters.index(text[-1]) | 1] if len(text) % 4 else None

    spoil = {"=": lambda t: t + "=", "==": lambda t: t + "==", "padding of 4": lambda t: t + "====",
             "space inside": lambda t: t[:4] + " " + t[4:], "line end inside": lambda t: t[:4] + "\n" + t[4:],
             "junk inside": lambda t: t[:4] + "*" + t[4:], "+ inside": lambda t: t[:4] + "+" + t[5:],
             "/ inside": lambda t: t[:4] + "/" + t[5:], "NUL inside": lambda t: t[:4] + "\0" + t[4:],
             "not ASCII": lambda t: t[:4] + "é" + t[4:], "one character more": lambda t: t + "A", "loose bits": loose}
    for name, change in spoil.items():
        parts = p.good().split(".")
        bad = change(parts[2])
        if bad and bad != parts[2]:
            yield f"signature: {name}", ".".join([*parts[:2], bad])
        header, claims = dict(p.header), p.claims()
        while json_len(header) % 3 != 1:
            header["x"] = header.get("x", "") + "x"
        while json_len(claims) % 3 != 1:
            claims["x"] = claims.get("x", "") + "x"
        yield f"header: {name}", p.encoded(change(text_of(header)), text_of(claims))
        yield f"payload: {name}", p.encoded(text_of(p.header), change(text_of(claims)))


def json_len(value):
    return len(json.dumps(value))


def E09_ecdsa(p, _):
    if p.header["alg"] != "ES256":
        return
    r, s = (b64_decode(p.good().split(".")[2])[i:i + 32] for i in (0, 32))
    zero, order, full = bytes(32), P256_ORDER.to_bytes(32, "big"), b"\xff" * 32
    for name, bad in (("r = 0", zero + s), ("s = 0", r + zero), ("both 0", zero + zero), ("r = n", order + s),
                      ("s = n", r + order), ("both n", order + order), ("r = 2^256 - 1", full + s), ("r = s = 1",
                      (1).to_bytes(32, "big") * 2), ("one byte less", (r + s)[:-1]), ("one byte more", r + s + b"\0"),
                      ("a zero before", b"\0" + r + s), ("a zero before each", b"\0" + r + b"\0" + s), ("r only", r),
                      ("nothing", b""), ("DER", utils.encode_dss_signature(int.from_bytes(r, "big"), int.from_bytes(s, "big"))),
                      ("DER of 0, 0", utils.encode_dss_signature(0, 0)), ("96 bytes", bytes(96))):
        yield name, p.token(signature=bad)
    for alg in ("ES384", "ES512"):
        other = Key(alg, p.header.get("kid"))
        yield f"a key of {alg} under ES256", p.encoded(text_of(p.header), text_of(p.claims()), key=other, alg=alg)
        yield f"{alg}", p.token(header={"alg": alg}, key=other)


def E10_rsa_paddings(p, _):
    if p.header["alg"] not in ("RS256", "PS256"):
        return
    head, size = f"{text_of(p.header)}.{text_of(p.claims())}", (p.key.public.key_size + 7) // 8
    hasher = hashes.Hash(hashes.SHA256())
    hasher.update(head.encode())
    digest, info = hasher.finalize(), bytes.fromhex("3031300d060960864801650304020105000420")
    block = b"\0\1" + b"\xff" * (size - 3 - len(info) - 32) + b"\0" + info + digest
    if p.header["alg"] == "RS256":
        no_null = bytes.fromhex("302f300b0609608648016503040201") + b"\4\x20"
        bad = {"block type 2": b"\0\2" + block[2:], "short padding, rubbish behind":
               (b"\0\1" + b"\xff" * 8 + b"\0" + info + digest).ljust(size, b"\0"),
               "no NULL in the digest's name": b"\0\1" + b"\xff" * (size - 3 - len(no_null) - 32) + b"\0" + no_null + digest,
               "a hole in the padding": block[:10] + b"\0" + block[11:], "no digest's name":
               b"\0\1" + b"\xff" * (size - 35) + b"\0" + digest, "first byte 1": b"\1" + block[1:]}
        for name, one in bad.items():
            yield name, f"{head}.{b64(p.key.raw_rsa(one))}"
    else:
        for salt in (0, 20, 33, size - 34):
            yield f"salt of {salt}", f"{head}.{b64(p.key.sign(head.encode(), salt=salt))}"
    other = {"RS256": "PS256", "PS256": "RS256"}[p.header["alg"]]
    yield f"signed by {other}", f"{head}.{b64(p.key.sign(head.encode(), other))}"
    yield "signature of zeros", f"{head}.{b64(bytes(size))}"
    yield "signature of one", f"{head}.{b64((1).to_bytes(size, 'big'))}"
    signature = b64_decode(p.good().split(".")[2])
    for name, one in (("a byte less", signature[:-1]), ("a zero before", b"\0" + signature), ("a zero behind", signature + b"\0")):
        yield name, f"{p.good().rpartition('.')[0]}.{b64(one)}"
    yield "signature plus the modulus", f"{head}.{b64(b'%c' % 1 + signature)}"


def E11_other_algorithms(p, _):
    alg = p.header["alg"]
    for name in (alg.lower(), alg.upper() if alg == "EdDSA" else alg.swapcase(), alg + " ", " " + alg, alg + "\0"):
        yield f"alg {name!r}", p.token(header={"alg": name})
    if alg[:2] in ("RS", "PS"):
        for other in ("RS384", "RS512", "PS384", "PS512", "PS256" if alg == "RS256" else "RS256"):
            yield f"{other}, well signed", p.token(header={"alg": other}, alg=other)
    elif alg == "ES256":
        yield "ES384 by the same key", p.token(header={"alg": "ES384"}, alg="ES384")
    for other in {"ES256", "RS256", "EdDSA"} - {alg}:
        yield f"{other} by another key", p.token(header={"alg": other}, key=Key(other, p.header.get("kid")))


def E12_times(p, _):
    now = int(time.time())
    for exp in (now - 3600, now - 61, 0, -1, str(now + 60), "", True, [now + 60], {}, -1e300, now - 120.5):
        yield f"exp {exp!r}", p.changed(exp=exp)
    for text in ("null", "1e300", "1e999", "9223372036854775808", "18446744073709551616", "-9223372036854775809",
                 "9" * 400, "NaN", "Infinity"):
        claims = json.dumps({**p.claims(), "exp": "EXP"}).replace('"EXP"', text)
        yield f"exp {text[:24]}", p.token(claims=claims)
    for nbf in (now + 120, now + 86400, str(now - 60), True, [], {}, 1e300, now + 120.5):
        yield f"nbf {nbf!r}", p.changed(nbf=nbf)


def E12_exp_missing(p, _):
    yield "exp missing", p.changed(exp=None)


def E13_audiences(p, _):
    good = p.claims()["aud"]
    one = good if isinstance(good, str) else good[0]
    for aud in (None, [], "", [""], "https://other.example", one + "x", one[:-1], one.swapcase(), " " + one, one + " ",
                one + "\0", one + "/../x", one + "?", one + "#", 1, True, {}, {"aud": one}, [[one]], [1], one.encode().hex(),
                ["https://other.example"]):
        yield f"aud {aud!r}"[:60], p.changed(aud=aud)
    yield "aud null", p.token(claims=json.dumps({**p.claims(), "aud": None}))


def E14_sizes(p, _):
    for size in (16384, 65536):
        yield f"more than {size} bytes", p.changed(x="x" * (size * 3 // 4))
    yield "signature of 16 KiB", p.token(signature=bytes(12288))
    yield "header of 8 KiB", p.token(header={"x": "x" * 8192})
    yield "depth 3000", p.token(claims=json.dumps(p.claims())[:-1] + ', "x": ' + "[" * 3000 + "]" * 3000 + "}")
    yield "depth 64", p.token(claims=json.dumps(p.claims())[:-1] + ', "x": ' + "[" * 64 + "]" * 64 + "}")
    yield "NUL behind the claims", p.token(claims=json.dumps(p.claims()) + "\0")
    yield "NUL behind the header", p.token(header=json.dumps(p.header) + "\0")
    yield "bytes behind the claims", p.token(claims=json.dumps(p.claims()) + "{}")
    yield "bad UTF-8 in a claim", p.token(claims=json.dumps(p.claims()).encode()[:-1] + b', "x": "\xff\xfe"}')
    yield "overlong UTF-8 in a claim", p.token(claims=json.dumps(p.claims()).encode()[:-1] + b', "x": "\xc0\xaf"}')
    yield "lone surrogate", p.token(claims=json.dumps(p.claims())[:-1] + ', "x": "\\ud800"}')
    yield "byte order mark", p.token(claims=b"\xef\xbb\xbf" + json.dumps(p.claims()).encode())
    yield "UTF-16", p.token(claims=json.dumps(p.claims()).encode("utf-16"))


def E14_huge(p, _):
    """More than a body may have: for places that take tokens from a body."""
    for size in (1 << 20, 9 << 20):
        yield f"{size >> 20} MiB", p.changed(x="x" * size)


def E15_encrypted(p, _):
    jwe = {"enc": "A128CBC-HS256", "kid": p.header.get("kid") or "k"}
    for name, header in (("RSA1_5", {"alg": "RSA1_5"}), ("RSA-OAEP", {"alg": "RSA-OAEP"}), ("dir", {"alg": "dir"}),
                         ("zip", {"alg": "dir", "zip": "DEF"}), ("nested", {"alg": "dir", "cty": "JWT"}),
                         ("PBES2 with 2^31 rounds", {"alg": "PBES2-HS256+A128KW", "p2c": 1 << 31, "p2s": b64(bytes(16))})):
        body = b64(p.good()) if name == "nested" else b64(bytes(64))
        yield name, ".".join([text_of({**jwe, **header}), b64(bytes(32)), b64(bytes(16)), body, b64(bytes(4))])
    yield "a JWS with zip", p.token(header={"zip": "DEF", "crit": ["zip"]})


def E16_types(p, _):
    used = (p.header.get("typ") or "").lower()
    for typ in ("at+jwt", "application/at+jwt", "logout+jwt", "dpop+jwt", "token-introspection+jwt", "userinfo+jwt", "secevent+jwt",
                "oauth-authz-req+jwt", "JOSE+JSON", "JOSE", "x", "JWT ", "jwt\0", 1, ["JWT"], True, {}):
        if str(typ).lower().replace("application/", "") != used:
            yield f"typ {typ!r}", p.token(header={"typ": typ})


def E17_payloads(p, _):
    for payload in (b"", b"[]", json.dumps([p.claims()]).encode(), b'"text"', b"1", b"null", b"true", b"{", b"{}",
                    b"{'iss': 1}", json.dumps(json.dumps(p.claims())).encode()):
        yield f"payload {payload[:12]!r}", p.token(claims=payload)
    yield "header is an array", p.token(header=json.dumps([p.header]))
    yield "header is a string", p.token(header=json.dumps("ES256"))
    yield "header is empty", p.token(header=b"")


def E19_long_signatures(p, _):
    header, payload, _ = p.good().split(".")
    for count in (4000, 12000, 21830):
        yield f"a signature of {count} characters", f"{header}.{payload}.{'A' * count}"


ROWS = [E01_algorithm_none, E02_public_key_as_secret, E03_key_ids, E04_keys_that_come_along, E05_critical_members,
        E06_repeated_members, E07_shapes, E08_base64url, E09_ecdsa, E10_rsa_paddings, E11_other_algorithms, E12_times,
        E12_exp_missing, E13_audiences, E14_sizes, E14_huge, E15_encrypted, E16_types, E17_payloads,
        E19_long_signatures]


def rows(place, canary="http://127.0.0.1:1/", skip=()):
    """(name, token) of all rows but those whose names begin with a word of `skip`: a place may have
    a reason of its own to take something, which it then names."""
    for row in ROWS:
        for what, token in row(place, canary):
            name = f"{row.__name__}: {what}"
            if not name.startswith(tuple(skip)):
                yield name, token
