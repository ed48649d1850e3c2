# SPDX-License-Identifier: Apache-2.0
"""Changing a client's secret while it works: both are good until the older one ends; a third, an
expired and a dropped one are not; staff see ages and last uses, and nobody sees a secret twice."""
import base64
import json
import os
import stat
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "lib"))
import idp
from check import Checks
from party import FORM, request

check = Checks()
MACHINE = {"token_endpoint_auth_method": "client_secret_basic", "grant_types": ["client_credentials"],
           "response_types": [], "redirect_uris": [], "scope": "dossier.read"}


def token(p, client_id, secret):
    """The status of a token request."""
    basic = base64.b64encode(f"{client_id}:{secret}".encode()).decode()
    answer = request(p.issuer, "POST", "/token", "grant_type=client_credentials",
                     {"Content-Type": FORM, "Authorization": f"Basic {basic}"})
    if answer.status != 200 and answer.json()["error"] != "invalid_client":
        return answer
    return answer.status


def secrets_of(p, client_id):
    return p.idpctl("client", "show", client_id)[1]["client_secrets"]


def refused(p, *words):
    status, out = p.idpctl(*words, check=False)
    return status == 1 and out["error"]


def rotation(p):
    one = p.add_client(client_id="m", **MACHINE)["client_secret"]
    other = p.add_client(client_id="other", **MACHINE)["client_secret"]
    began = int(time.time())
    check.that("a new client has one secret, never used", token(p, "m", one) == 200 and len(secrets_of(p, "m")) == 1
               and secrets_of(p, "other")[0]["last_used_at"] == 0)
    two = p.idpctl("client", "rotate-secret", "m")[1]
    check.that("rotate-secret shows the new one", len(two["client_secret"]) == 43 and two["client_secret"] != one and
               two["client_secret_expires_at"] == 0 and
               abs(two["previous_secret_expires_at"] - began - 7 * 86400) < 60, two)
    two = two["client_secret"]
    check.that("both are good", token(p, "m", one) == 200 and token(p, "m", two) == 200)
    check.that("a third is not", token(p, "m", one[::-1]) == 401 and token(p, "m", other) == 401 and
               token(p, "m", "") == 401)
    check.that("nor are they another client's", token(p, "other", one) == 401 and token(p, "other", two) == 401)
    shown = secrets_of(p, "m")
    check.that("client show tells newest and previous", [s["secret"] for s in shown] == ["newest", "previous"] and
               shown[0]["expires_at"] == 0 and shown[1]["expires_at"] > began and not shown[1]["expired"] and
               all(0 <= s["age_seconds"] < 60 and began <= s["last_used_at"] <= time.time() for s in shown), shown)
    check.that("but no secret", not any(s in json.dumps(p.idpctl("client", "show", "m")[1]) for s in (one, two)))
    three = p.idpctl("client", "rotate-secret", "m", "--overlap", "2")[1]["client_secret"]
    check.that("rotated again: the oldest is gone, the last two are good", token(p, "m", one) == 401 and
               token(p, "m", two) == 200 and token(p, "m", three) == 200)
    time.sleep(3)
    check.that("after the overlap the old one has ended", token(p, "m", two) == 401 and token(p, "m", three) == 200)
    check.that("and staff see that", secrets_of(p, "m")[1]["expired"] and not secrets_of(p, "m")[0]["expired"])
    four = p.idpctl("client", "rotate-secret", "m", "--overlap", "600")[1]["client_secret"]
    check.that("drop-secret ends the older one at once", token(p, "m", three) == 200 and
               p.idpctl("client", "drop-secret", "m")[0] == 0 and token(p, "m", three) == 401 and
               token(p, "m", four) == 200)
    check.that("there is no second to drop: the newest stays", refused(p, "client", "drop-secret", "m") == "not_found"
               and token(p, "m", four) == 200)
    five = p.idpctl("client", "rotate-secret", "m", "--overlap", "0")[1]["client_secret"]
    check.that("without overlap the old one ends at once", token(p, "m", four) == 401 and token(p, "m", five) == 200)
    return [one, other, two, three, four, five]


def expiry(p):
    short = p.idpctl("client", "add", "--file", "-", "--expires-in", "2",
                     stdin=json.dumps({**MACHINE, "client_id": "short"}))[1]
    check.that("a secret with an end says so", abs(short["client_secret_expires_at"] - time.time() - 2) < 2, short)
    check.that("good before it", token(p, "short", short["client_secret"]) == 200)
    time.sleep(3)
    check.that("refused after it", token(p, "short", short["client_secret"]) == 401)
    fresh = p.idpctl("client", "rotate-secret", "short", "--expires-in", "3600")[1]
    check.that("an overlap does not revive it", token(p, "short", short["client_secret"]) == 401 and
               fresh["previous_secret_expires_at"] == short["client_secret_expires_at"] and
               token(p, "short", fresh["client_secret"]) == 200, fresh)
    check.that("the new one has an end of its own", abs(secrets_of(p, "short")[0]["expires_at"] - time.time() - 3600) < 60)
    return [short["client_secret"], fresh["client_secret"]]


def refusals(p):
    p.add_client(client_id="public", redirect_uris=["http://127.0.0.1/cb"], application_type="native",
                 token_endpoint_auth_method="none")
    for name, words in (("a public client", ["public"]), ("overlap no number", ["m", "--overlap", "soon"]),
                        ("overlap too long", ["m", "--overlap", "999999999"]), ("overlap below 0", ["m", "--overlap", "-1"]),
                        ("an end at once", ["m", "--expires-in", "0"]), ("an end in 100 years", ["m", "--expires-in", "3200000000"])):
        check.that(f"rotate-secret refused: {name}", refused(p, "client", "rotate-secret", *words) == "invalid_request")
    for verb in ("rotate-secret", "drop-secret"):
        check.that(f"{verb} of an unknown client", refused(p, "client", verb, "nobody") == "not_found")
    check.that("a public client's show has an empty list", secrets_of(p, "public") == [])


def secret_file(p):
    path = p.path("m.secret")
    status, out = p.idpctl("client", "rotate-secret", "m", "--secret-file", path)
    text = Path(path).read_text(encoding="ascii")
    check.that("--secret-file takes the secret, its owner alone reads it", status == 0 and "client_secret" not in out and
               stat.S_IMODE(os.stat(path).st_mode) == 0o600 and token(p, "m", text.strip()) == 200, (status, out))
    before = secrets_of(p, "m")
    for name, where in (("a file that is there", path), ("a folder that is not", p.path("no/m.secret"))):
        status, out = p.idpctl("client", "rotate-secret", "m", "--secret-file", where, check=False)
        check.that(f"refused, and nothing rotated: {name}", status == 2 and
                   [s["created_at"] for s in secrets_of(p, "m")] == [s["created_at"] for s in before] and
                   Path(path).read_text(encoding="ascii") == text, (status, out))
    status, out = p.idpctl("client", "rotate-secret", "nobody", "--secret-file", p.path("n.secret"), check=False)
    check.that("a refusal leaves no empty file", status == 1 and not os.path.exists(p.path("n.secret")))
    return text.strip()


def throttled(p, good):
    """B12: the limit on wrong secrets holds for all secrets of a client together."""
    p.idpctl("client", "rotate-secret", "other", "--overlap", "600")
    answers = [token(p, "other", f"wrong{i}") for i in range(80)]
    stopped = [a for a in answers if a != 401]
    check.that("B12 wrong secrets are slowed down with two good ones about", answers[:30] == [401] * 30 and stopped and
               all(a.status == 429 for a in stopped), answers)
    check.that("and a good one still works", token(p, "other", good) == 200)


def afterwards(p, secrets):
    used = secrets_of(p, "m")[0]["last_used_at"]
    p.stop()
    p.start()
    check.that("a restart forgets no secret and no use", used > 0 and secrets_of(p, "m")[0]["last_used_at"] == used)
    rows = p.idpctl("audit", "tail", "--after", "0", "--most", "1000")[1]
    events = [(r["event"], r.get("target")) for r in rows]
    check.that("the audit has each change", events.count(("client_secret_rotated", "m")) == 5 and
               events.count(("client_secret_dropped", "m")) == 1, events)
    text = json.dumps(rows) + p.log() + Path(p.path("idp.db")).read_bytes().decode("latin-1")
    check.that("no secret in audit, log or store", not any(s in text for s in secrets))


def main():
    with idp.Provider() as p:
        secrets = rotation(p)
        secrets += expiry(p)
        refusals(p)
        secrets.append(secret_file(p))
        throttled(p, secrets[1])
        afterwards(p, secrets)
    return check.end()


if __name__ == "__main__":
    sys.exit(main())
